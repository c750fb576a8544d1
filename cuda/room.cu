#include "room.h"

#include <stdlib.h>
#include <string.h>

extern "C" {
#include "memory.h"
}

/* The log of a record has this many bytes, or one row. */
#define LOG_BYTES ((uint64_t)64 << 20)

namespace DAM_CUDA_NAMESPACE
{

/* Device memory that the sampler holds. */
static uint64_t held(const room *r)
{
    return r->patterns[0].memory.bytes + r->patterns[1].memory.bytes + r->work.bytes +
           r->targets.bytes + r->ends.bytes + r->log.bytes + r->rows.bytes + r->lists.bytes;
}

dam_status stage(room *r, uint64_t bytes, dam_error *e)
{
    if (r->staging_bytes >= bytes)
        return DAM_OK;
    dam_free(r->staging);
    r->staging = NULL;
    r->staging_bytes = 0;
    if (dam_alloc(&r->staging, bytes, 1, "results of a device", "lower disorder or replicas", e))
        return e->status;
    r->staging_bytes = bytes;
    return DAM_OK;
}

void drop_graph(room *r)
{
#ifdef DAM_CUDA_ON_CPU
    (void)r;
#else
    if (r->graph)
        (void)cudaGraphExecDestroy(r->graph);
    r->graph = NULL;
#endif
}

/* Releases all device memory of the sampler. */
static void drop(room *r)
{
    drop_graph(r);
    for (int i = 0; i < 2; i++) {
        give_back(r->number, &r->patterns[i].memory);
        r->patterns[i].wave.count = 0;
    }
    give_back(r->number, &r->work);
    give_back(r->number, &r->targets);
    give_back(r->number, &r->ends);
    give_back(r->number, &r->log);
    give_back(r->number, &r->rows);
    give_back(r->number, &r->lists);
    dam_free(r->staging);
    r->staging = NULL;
    r->staging_bytes = 0;
    r->capacity = 0;
    r->log_rows = 0;
    r->lists_of.count = 0;
}

void close_room(dam_sampler *s)
{
    room *r = (room *)s->room;

    if (!r)
        return;
    if (cudaSetDevice(r->number) == cudaSuccess && r->stream) {
        (void)cudaStreamSynchronize(r->making);
        (void)cudaStreamSynchronize(r->stream);
    }
    drop(r);
    for (int i = 0; i < 2; i++)
        if (r->patterns[i].made)
            (void)cudaEventDestroy(r->patterns[i].made);
    if (r->began)
        (void)cudaEventDestroy(r->began);
    if (r->done)
        (void)cudaEventDestroy(r->done);
    if (r->making)
        (void)cudaStreamDestroy(r->making);
    if (r->stream)
        (void)cudaStreamDestroy(r->stream);
    (void)cudaGetLastError();
    dam_free(r);
    s->room = NULL;
}

dam_status open_room(dam_sampler *s, int number, dam_error *e)
{
    room *r;

    if (dam_alloc(&s->room, 1, sizeof(room), "a sampler", "drop objects", e))
        return e->status;
    r = (room *)s->room;
    r->number = number;
    if (enter(r->number, e) ||
        FAILS(r, cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking), e) ||
        FAILS(r, cudaStreamCreateWithFlags(&r->making, cudaStreamNonBlocking), e))
        return e->status;
    for (int i = 0; i < 2; i++)
        if (FAILS(r, cudaEventCreateWithFlags(&r->patterns[i].made, cudaEventDisableTiming), e))
            return e->status;
    if (FAILS(r, cudaEventCreateWithFlags(&r->began, cudaEventDefault), e) ||
        FAILS(r, cudaEventCreateWithFlags(&r->done, cudaEventDefault), e))
        return e->status;
    return DAM_OK;
}

/* ---- room for a wave ---- */

bool shares_patterns(const dam_sampler *s)
{
    return s->patterns->data_sets == 1;
}

dam_tier_set tiers_of(const dam_sampler *s)
{
    return s->patterns->loose ? 1u << DAM_TIER_REFERENCE : s->tiers;
}

/* How the coarse pass multiplies, where it is asked for; "auto" leaves it out where it hardly pays.
 */
static dam_coarse_products coarse_of(const dam_sampler *s, const dam_device_wave &w)
{
    const dam_tier_set tiers = tiers_of(s);
    const bool automatic = tiers & DAM_TIERS_AUTO;

    if (!(automatic || tiers >> DAM_TIER_COARSE & 1) || !dam_wave_coarse(&w, automatic))
        return DAM_COARSE_OFF;
    /* so that tests can compare both */
    return getenv("DAMLUA_TEST_CUDA_PLAIN") ? DAM_COARSE_PLAIN : DAM_COARSE_UNITS;
}

int64_t panels_size(const dam_sampler *s)
{
    return (int64_t)(dam_patterns_bytes(s->patterns) / sizeof(float));
}

dam_device_wave describe(const dam_sampler *s, int64_t disorders)
{
    const room *r = (const room *)s->room;
    dam_device_wave w;

    memset(&w, 0, sizeof w); /* also its padding: waves are compared byte by byte */
    w.reference = s->reference;
    w.N = s->patterns->N;
    w.M = s->patterns->M;
    w.disorders = disorders;
    w.chains = s->n_T * s->replicas;
    w.replicas = s->replicas;
    w.panels_stride = shares_patterns(s) ? 0 : panels_size(s);
    if (r->resident) {
        dam_wave_resident(&w, r->chip);
        return w;
    }
    if (tiers_of(s) >> DAM_TIER_ACTIVE & 1)
        w.list_room = dam_wave_list_room(&w);
    w.coarse = r->coarse;
    return w;
}

/*
 * Whether patterns are to stay on the chip from step to step: where they fit, and neither lists nor
 * the coarse pass is asked for by name; in "auto" only if that hardly costs more than these.
 */
static dam_status choose_resident(const dam_sampler *s, room *r, dam_error *e)
{
    const char *wanted = getenv("DAMLUA_TEST_CUDA_RESIDENT"); /* 0: never; 1: where they fit */
    const dam_tier_set others = 1u << DAM_TIER_ACTIVE | 1u << DAM_TIER_COARSE;
    const bool automatic = tiers_of(s) & DAM_TIERS_AUTO;
    dam_device_wave w = describe(s, s->patterns->disorder);

    if (FAILS(r, dam_chip_of(r->number, &r->chip), e))
        return e->status;
    w.coarse = DAM_COARSE_OFF;
    dam_wave_resident(&w, r->chip);
    r->resident = (automatic || !(tiers_of(s) & others)) && dam_wave_resident_pays(&w, automatic);
    if (wanted && wanted[0] == '0')
        r->resident = false;
    else if (wanted)
        r->resident = w.resident.slots > 0;
    if (r->resident)
        r->coarse = DAM_COARSE_OFF;
    return DAM_OK;
}

/* Numbers of four bytes of a disorder's patterns in bytes; 0 without the coarse pass. */
static int64_t words_size(const dam_sampler *s)
{
    return ((const room *)s->room)->coarse ? dam_coarse_words(s->patterns->N, s->patterns->M) : 0;
}

pattern_parts parts_of(const dam_sampler *s, void *memory, uint64_t sets)
{
    const uint64_t panels = sets * (uint64_t)panels_size(s) * sizeof(float);
    const uint64_t words = sets * (uint64_t)words_size(s) * sizeof(int32_t);
    char *at = (char *)memory;

    return {(float *)memory, at ? (int32_t *)(at + panels) : NULL,
            at ? (dam_byte_patterns *)(at + panels + words) : NULL,
            panels + words + (words > 0 ? sets * sizeof(dam_byte_patterns) : 0)};
}

/* Bytes of the lists of a wave. */
static uint64_t list_bytes_of(const dam_sampler *s, int64_t disorders)
{
    dam_device_wave w = describe(s, disorders);

    (void)dam_wave_layout(&w, NULL);
    return w.list_room > 0 ? dam_wave_layout_lists(&w, NULL) : 0;
}

/* Bytes of a wave on the device, its patterns in `buffers` copies included; no log, no lists. */
static uint64_t bytes_of(const dam_sampler *s, int64_t disorders, int buffers)
{
    dam_device_wave w = describe(s, disorders);
    const uint64_t sets = shares_patterns(s) ? 1 : (uint64_t)disorders * (uint64_t)buffers;

    return parts_of(s, NULL, sets).bytes + dam_wave_layout(&w, NULL) +
           (uint64_t)disorders * sizeof(int64_t) + 4096;
}

/* The most disorders, at most `limit`, that fit into `bytes`, with lists or without; 0: not one. */
static int64_t fitting(const dam_sampler *s, int64_t limit, int buffers, bool lists, uint64_t bytes)
{
    int64_t low = 0, high = limit;

    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (bytes_of(s, middle, buffers) + (lists ? list_bytes_of(s, middle) : 0) <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Bytes of a row of the log. */
static uint64_t row_bytes(const dam_sampler *s, int64_t disorders)
{
    const uint64_t groups = (uint64_t)(disorders * s->n_T);

    return groups * (uint64_t)s->replicas * 2 * sizeof(double) + groups * sizeof(double);
}

static dam_status take_all(dam_sampler *s, int64_t disorders, int buffers, dam_error *e)
{
    room *r = (room *)s->room;
    dam_device_wave w = describe(s, disorders);
    const uint64_t sets = shares_patterns(s) ? 1 : (uint64_t)disorders;

    for (int i = 0; i < buffers; i++)
        if (take(r->number, parts_of(s, NULL, sets).bytes, "patterns", &r->patterns[i].memory, e))
            return e->status;
    if (take(r->number, dam_wave_layout(&w, NULL), "the chains of a wave", &r->work, e) ||
        take(r->number, (uint64_t)disorders * sizeof(int64_t), "the targets", &r->targets, e) ||
        take(r->number, sizeof(uint64_t), "a step counter", &r->ends, e) ||
        take(r->number, sizeof(dam_device_log), "a log", &r->log, e))
        return e->status;
    r->capacity = disorders;
    r->buffers = buffers;
    return DAM_OK;
}

/* Room for the lists of a wave, unless it is there, or has to be done without. */
static dam_status take_lists(dam_sampler *s, dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t bytes = list_bytes_of(s, r->capacity);
    uint64_t available = 0;

    if (r->lists.at || bytes == 0)
        return DAM_OK;
    r->lists_of.count = 0;
    if (budget(r->number, held(r), &available, e))
        return e->status;
    if (bytes > available || take(r->number, bytes, "the lists of a wave", &r->lists, e) == DAM_OK)
        return DAM_OK;
    return e->status == DAM_ERR_MEMORY ? DAM_OK : e->status;
}

/* Room for the log of the sampler's record, in what is left of the budget. */
static dam_status take_log(dam_sampler *s, dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t row = row_bytes(s, r->capacity);
    int64_t rows = (int64_t)(LOG_BYTES / row);

    if (!s->record || r->log_rows > 0)
        return DAM_OK;
    if (rows > PIECE_STEPS)
        rows = PIECE_STEPS;
    if (rows < 1)
        rows = 1;
    while (take(r->number, (uint64_t)rows * row, "the log of a sample", &r->rows, e)) {
        if (e->status != DAM_ERR_MEMORY || rows == 1)
            return e->status;
        rows = (rows + 7) / 8;
    }
    r->log_rows = rows;
    return DAM_OK;
}

dam_status alloc(dam_sampler *s, int64_t *count, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t disorder = s->patterns->disorder;
    uint64_t bytes = 0;
    int64_t n;
    int buffers = 1;
    bool lists = true;

    *count = 0;
    if (enter(r->number, e))
        return e->status;
    if (r->capacity == 0) {
        if (budget(r->number, held(r), &bytes, e))
            return e->status;
        r->resident = false;
        r->coarse = coarse_of(s, describe(s, disorder));
        if (choose_resident(s, r, e))
            return e->status;
        n = fitting(s, disorder, 1, lists, bytes);
        if (n < 1) {
            lists = r->resident = false; /* it can do without these */
            r->coarse = DAM_COARSE_OFF;
            n = fitting(s, disorder, 1, lists, bytes);
        }
        if (n < 1)
            return refuse(r->number, bytes_of(s, 1, 1), "one disorder with its chains", e);
        if (n < disorder && !shares_patterns(s) && fitting(s, disorder, 2, lists, bytes) > 0) {
            buffers = 2; /* the next wave's patterns are made while this one steps */
            n = fitting(s, disorder, 2, lists, bytes);
        }
        if (take_all(s, n, buffers, e)) {
            drop(r);
            return e->status;
        }
    }
    if (take_lists(s, e) || take_log(s, e)) {
        drop(r);
        return e->status;
    }
    *count = r->capacity;
    return DAM_OK;
}

bool keeps(const dam_sampler *s)
{
    const room *r = (const room *)s->room;

    return s->keep_patterns || (r->capacity == s->patterns->disorder &&
                                bytes_of(s, r->capacity, r->buffers) + r->rows.bytes <= KEEP_BYTES);
}

void trim(dam_sampler *s)
{
    room *r = (room *)s->room;
    dam_error ignored;

    if (!r || s->keep_patterns || enter(r->number, &ignored))
        return;
    (void)cudaStreamSynchronize(r->making);
    (void)cudaStreamSynchronize(r->stream);
    if (r->lists.bytes > KEEP_BYTES)
        give_back(r->number, &r->lists);
    if (!keeps(s))
        drop(r);
    if (r->log_rows > 0) {
        give_back(r->number, &r->rows);
        r->log_rows = 0;
    }
}

} // namespace DAM_CUDA_NAMESPACE
