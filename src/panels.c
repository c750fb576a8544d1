#include "panels.h"

#include <omp.h>

#include "interrupt.h"
#include "memory.h"

/* Patterns kept between calls, in any case and as a share of the memory that there is without them;
 * and the least made at a time where memory allows. Making 80 MB takes as long as a few hundred
 * steps of 80 chains that have lists. */
#define KEEP_BYTES ((uint64_t)64 << 20)
#define KEEP_SHARE 0.125
#define WAVE_BYTES ((uint64_t)256 << 20)

/* Random numbers below which making them is not worth waking other threads. */
#define PARALLEL_NUMBERS 10000

int64_t dam_panels_wave(const dam_panels *panels, const dam_patterns *p, bool all)
{
    const uint64_t bytes = dam_patterns_bytes(p);
    uint64_t room = bytes * (uint64_t)omp_get_max_threads();
    double available;

    if (panels->count == p->disorder)
        return p->disorder; /* they are there */
    available = dam_memory_available();
    if (room < WAVE_BYTES)
        room = WAVE_BYTES;
    if ((double)bytes * (double)p->disorder <= KEEP_SHARE * available)
        return p->disorder;
    if (all || (double)room > available / 2)
        room = (uint64_t)(available / 2);
    room /= bytes;
    if (room < 1)
        room = 1;
    return room < (uint64_t)p->disorder ? (int64_t)room : p->disorder;
}

void dam_panels_drop(dam_panels *panels)
{
    dam_free(panels->data);
    *panels = (dam_panels){NULL, 0, 0, 0};
}

void dam_panels_trim(dam_panels *panels, const dam_patterns *p)
{
    const uint64_t bytes = (uint64_t)panels->room * dam_patterns_bytes(p);

    if (panels->count < p->disorder ||
        (bytes > KEEP_BYTES &&
         (double)bytes > KEEP_SHARE * (dam_memory_available() + (double)bytes)))
        dam_panels_drop(panels);
}

const float *dam_panels_of(const dam_panels *panels, const dam_patterns *p, int64_t index)
{
    return panels->data +
           (index - panels->first) * (int64_t)(dam_patterns_bytes(p) / sizeof(float));
}

dam_status dam_panels_make(dam_panels *panels, const dam_patterns *p, const dam_kernels *kernels,
                           int64_t first, int64_t count, dam_error *e)
{
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    void *memory = NULL;
    bool out_of_memory = false;

    if (panels->count >= count && panels->first == first)
        return DAM_OK;
    if (panels->room < count) {
        dam_status status;
        dam_panels_drop(panels);
        status = dam_alloc(&memory, (uint64_t)count, dam_patterns_bytes(p),
                           "one disorder of M x N patterns", "lower M (or alpha) or N", e);
        if (status)
            return status;
        panels->data = memory;
        panels->room = count;
    }
    panels->count = 0;
#pragma omp parallel reduction(|| : out_of_memory) if (count * number * size > PARALLEL_NUMBERS)
    {
        dam_error mine;
        void *rows = NULL;
        if (dam_alloc(&rows, DAM_PANEL, (uint64_t)p->N * sizeof(float), "rows", "lower N", &mine))
            out_of_memory = true;
#pragma omp for schedule(dynamic, 8)
        for (int64_t i = 0; i < count * number; i++)
            if (rows && !dam_interrupted())
                dam_patterns_fill_panel(p, kernels, first + i / number, i % number, rows,
                                        panels->data + i * size);
        dam_free(rows);
    }
    if (out_of_memory)
        return dam_fail(e, DAM_ERR_MEMORY, "no memory for making patterns: lower N or threads");
    if (dam_interrupted())
        return dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    panels->first = first;
    panels->count = count;
    return DAM_OK;
}
