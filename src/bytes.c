#include "bytes.h"

#include <math.h>
#include <string.h>

#include "interrupt.h"
#include "memory.h"

/* Among fewer patterns, and with single bytes for LSE in lower dimension, "auto" does without. */
#define LEAST_PATTERNS 1024
#define LEAST_N_LSE 56

/* Rows are made where they take no more than this part of the free memory. */
#define ROWS_SHARE 0.25

/* What patterns of a panel are off their bytes: the largest squares of these vectors. */
typedef struct {
    double first, rest;
} squares;

double dam_largest_of(const float *x, int64_t numbers)
{
    float largest = 0;

    for (int64_t i = 0; i < numbers; i++)
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    return largest;
}

int dam_bytes_parts(const dam_kernels *kernels, dam_kernel kernel, int N, int64_t M, bool automatic)
{
    const dam_coarse_loops *loops = dam_coarse_loops_for(kernels);

    if (kernel == DAM_POLYNOMIAL || N > DAM_COARSE_LARGEST_N)
        return 0;
    if (automatic && (M < LEAST_PATTERNS || loops == &dam_coarse_plain))
        return 0;
    if (kernel == DAM_LSE && N <= DAM_PAIRED_LARGEST_N && (loops->fast_pairs || !automatic))
        return 2;
    return automatic && kernel == DAM_LSE && N < LEAST_N_LSE ? 0 : 1;
}

static float byte_of(float scaled)
{
    return fmaxf(-127.0f, fminf(127.0f, rintf(scaled)));
}

/* The largest squares of what a panel's patterns are off their bytes. */
static squares fill_panel(dam_coarse_shape shape, int parts, int N, const float *panel,
                          double quantum, int64_t number, int8_t *bytes)
{
    const float inverse = (float)(1.0 / quantum), inverse_fine = (float)(256.0 / quantum);
    const int64_t tile = dam_bytes_place(shape, parts, DAM_COARSE_TILE, 0, 0);
    const int64_t second = dam_bytes_place(shape, parts, 0, 1, 0);
    double first[DAM_PANEL] = {0}, rest[DAM_PANEL] = {0};
    squares largest = {0, 0};

    for (int k = 0; k < N; k++) {
        int8_t *to = bytes + dam_bytes_place(shape, parts, number * DAM_PANEL, 0, k);
        for (int i = 0; i < DAM_PANEL; i++) {
            const int64_t at = i / DAM_COARSE_TILE * tile + i % DAM_COARSE_TILE * 4;
            const float xi = panel[k * DAM_PANEL + i], scaled = byte_of(xi * inverse);
            const double off = xi - quantum * scaled;
            first[i] += off * off;
            to[at] = (int8_t)scaled;
            if (parts > 1) {
                const float fine = byte_of((float)off * inverse_fine);
                const double left = off - quantum / 256.0 * fine;
                rest[i] += left * left;
                to[at + second] = (int8_t)fine;
            }
        }
    }
    for (int i = 0; i < DAM_PANEL; i++) {
        largest.first = fmax(largest.first, first[i]);
        largest.rest = fmax(largest.rest, rest[i]);
    }
    return largest;
}

/* The bytes of a disorder from its panels. */
static dam_bytes fill(const dam_patterns *p, const float *panels, int parts, int8_t *bytes)
{
    const dam_coarse_shape shape = dam_coarse_shape_of(p->N);
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    squares largest = {0, 0};
    double component = 0;

    for (int64_t i = 0; i < number; i++)
        component = fmax(component, dam_largest_of(panels + i * size, size));
    const double quantum = component > 0 ? component / 127.0 : 1.0;
    for (int64_t i = 0; i < number && !dam_interrupted(); i++) {
        const squares own = fill_panel(shape, parts, p->N, panels + i * size, quantum, i, bytes);
        largest.first = fmax(largest.first, own.first);
        largest.rest = fmax(largest.rest, own.rest);
    }
    return (dam_bytes){parts,
                       quantum,
                       sqrt(largest.first) * (1.0 + 1e-9),
                       sqrt(largest.rest) * (1.0 + 1e-9),
                       bytes,
                       NULL,
                       0};
}

/* Room of a size, unless it is there already. */
static bool make_room(void **memory, uint64_t *there, uint64_t bytes, const char *what)
{
    dam_error ignored;

    if (*there >= bytes)
        return true;
    dam_free(*memory);
    *there = 0;
    if (dam_alloc(memory, bytes, 1, what, "", &ignored)) {
        *memory = NULL;
        return false;
    }
    *there = bytes;
    return true;
}

/* The patterns of `count` disorders as rows. */
static void make_rows(dam_bytes_set *set, const dam_patterns *p, const dam_kernels *kernels,
                      const float *panels, int64_t count)
{
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    const int stride = (p->N + 7) / 8 * 8;
    const int64_t each = number * DAM_PANEL * stride;
    const uint64_t bytes = (uint64_t)(count * each) * sizeof(float);

    if ((double)bytes > ROWS_SHARE * (dam_memory_available() + (double)set->rows_bytes) ||
        !make_room(&set->rows, &set->rows_bytes, bytes, "patterns as rows"))
        return;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count * number; i++) {
        float *to = (float *)set->rows + i * DAM_PANEL * stride;
        memset(to, 0, (size_t)(DAM_PANEL * stride) * sizeof *to);
        kernels->rows(panels + i * size, 1, p->N, stride, to);
    }
    for (int64_t d = 0; d < count; d++) {
        set->of[d].rows = (float *)set->rows + d * each;
        set->of[d].stride = stride;
    }
}

void dam_bytes_make(dam_bytes_set *set, const dam_patterns *p, const dam_kernels *kernels,
                    const float *panels, int64_t count, int parts)
{
    const dam_coarse_shape shape = dam_coarse_shape_of(p->N);
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    const uint64_t each = (uint64_t)dam_bytes_place(shape, parts, number * DAM_PANEL, 0, 0);
    const uint64_t head =
        ((uint64_t)count * sizeof(dam_bytes) + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;

    set->count = 0;
    if (!make_room(&set->memory, &set->bytes, head + (uint64_t)count * each, "patterns in bytes"))
        return;
    set->of = set->memory;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t d = 0; d < count; d++) {
        int8_t *to = (int8_t *)set->memory + head + (uint64_t)d * each;
        memset(to, 0, each);
        set->of[d] = fill(p, panels + d * number * size, parts, to);
    }
    make_rows(set, p, kernels, panels, count);
    set->count = dam_interrupted() ? 0 : count;
}

void dam_bytes_drop(dam_bytes_set *set)
{
    dam_free(set->memory);
    dam_free(set->rows);
    *set = (dam_bytes_set){.of = NULL};
}
