/*
 * The CPU as a backend: patterns in panels, chains in gangs that threads take in any order. The
 * host's memory is the device's, so nothing is to be uploaded, waited for or downloaded.
 */
#include "../backend.h"

#include <omp.h>
#include <stdio.h>

#include "../bytes.h"
#include "../gang.h"
#include "../interrupt.h"
#include "../memory.h"
#include "../panels.h"

/* Gangs per thread below which chains of one disorder are divided among threads. */
#define GANGS_PER_THREAD 4

/* Chains of a gang, at least, where they are enough for all threads: patterns that do not fit into
 * the second cache come more slowly, so more is to be done with each. */
#define NEAR_BYTES ((uint64_t)2 << 20)
#define LEAST_FAR 40

/* Steps of a call for which patterns are put into other bytes than there are. */
#define LEAST_STEPS 64

static size_t probe(dam_device *out, size_t max, bool memory)
{
    if (max > 0) {
        out[0] = (dam_device){.name = "cpu", .kind = "cpu", .usable = true};
        out[0].memory = memory ? dam_memory_available() : 0;
        out[0].live = (double)dam_memory_live();
    }
    return 1;
}

/* The patterns of a wave. */
typedef struct {
    dam_panels panels;
    dam_bytes_set coarse;
    int64_t first; /* disorder of those in bytes */
} room;

static dam_status open_room(dam_sampler *s, int number, dam_error *e)
{
    (void)number;
    return dam_alloc(&s->room, 1, sizeof(room), "a sampler", "drop objects", e);
}

static void close_room(dam_sampler *s)
{
    room *r = s->room;

    if (r) {
        dam_panels_drop(&r->panels);
        dam_bytes_drop(&r->coarse);
    }
    dam_free(r);
    s->room = NULL;
}

static dam_status alloc(dam_sampler *s, int64_t *count, dam_error *e)
{
    (void)e; /* make_patterns takes the memory */
    *count = dam_panels_wave(&((room *)s->room)->panels, s->patterns, s->keep_patterns);
    return DAM_OK;
}

static void trim(dam_sampler *s)
{
    room *r = s->room;

    if (s->keep_patterns)
        return;
    dam_panels_trim(&r->panels, s->patterns);
    if (!r->panels.data)
        dam_bytes_drop(&r->coarse);
}

/* The tiers that may be used: the others' proofs begin with patterns on the sphere. */
static dam_tier_set tiers_of(const dam_sampler *s)
{
    return s->patterns->loose ? 1u << DAM_TIER_REFERENCE : s->tiers;
}

/* What patterns are put into for the passes in bytes. */
static dam_bytes_plan bytes_plan_of(const dam_sampler *s)
{
    const dam_tier_set tiers = tiers_of(s);

    if (!(tiers >> DAM_TIER_COARSE & 1))
        return dam_bytes_whole(DAM_NO_BYTES, s->patterns->N);
    return dam_bytes_plan_for(s->kernels, &s->reference, s->patterns, tiers & DAM_TIERS_AUTO,
                              s->activity == DAM_SAMPLING);
}

static dam_status make_patterns(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = s->room;
    const dam_status status =
        dam_panels_make(&r->panels, s->patterns, s->kernels, wave.first, wave.count, e);
    const dam_bytes_plan plan = bytes_plan_of(s);
    bool there = r->coarse.count >= wave.count && r->first == wave.first;

    /* for few steps other bytes will do as well */
    there = there && (r->coarse.of->plan.kind == plan.kind || s->ask < LEAST_STEPS);
    if (status || there || plan.kind == DAM_NO_BYTES)
        return status;
    dam_bytes_make(&r->coarse, s->patterns, s->kernels, r->panels.data, wave.count, plan);
    r->first = wave.first;
    return DAM_OK;
}

static dam_status nothing_to_move(dam_sampler *s, dam_wave wave, dam_error *e)
{
    (void)s, (void)wave, (void)e;
    return DAM_OK;
}

static dam_status nothing_to_wait_for(dam_sampler *s, dam_error *e)
{
    (void)s, (void)e;
    return DAM_OK;
}

static const char *never_lost(int number)
{
    (void)number;
    return NULL;
}

/* Chains first .. first + count - 1 of the disorder at `index`. */
typedef struct {
    int64_t index, first, count;
} item;

/* What is done with every item; `to` is NULL when states are to be evaluated. */
typedef struct {
    const dam_stretch *to;
    int64_t unit; /* consecutive chains that stay together: q12 needs those that share T */
} job;

static int64_t chains_per_disorder(const dam_sampler *s)
{
    return s->n_T * s->replicas;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/*
 * Gangs that a disorder's chains are divided into. Those at low T may take far less time than
 * others, so there are several per thread; chains at one T take the same, and one will do.
 */
static int64_t gangs_per_disorder(const dam_sampler *s, int64_t disorders)
{
    const int64_t threads = omp_get_max_threads(), wanted = GANGS_PER_THREAD * threads;

    if (disorders >= wanted)
        return 1;
    if (s->n_T == 1)
        return threads / common_divisor(threads, disorders);
    return (wanted + disorders - 1) / disorders;
}

static int64_t least_size(const dam_sampler *s, int64_t disorders)
{
    const int64_t threads = omp_get_max_threads();
    int64_t least = (chains_per_disorder(s) * disorders + threads - 1) / threads;

    if (least > LEAST_FAR)
        least = LEAST_FAR;
    if (least < DAM_TILE || dam_patterns_bytes(s->patterns) <= NEAR_BYTES)
        least = DAM_TILE; /* narrower tiles waste the patterns read */
    return least;
}

/* Chains to put into one gang, a multiple of `unit`, so that there is work for every thread. */
static int64_t gang_size(const dam_sampler *s, int64_t disorders, int64_t unit)
{
    const int64_t chains = chains_per_disorder(s), parts = gangs_per_disorder(s, disorders);
    const int64_t least = least_size(s, disorders);
    int64_t size = (chains + parts - 1) / parts;

    size = size < least ? least : size;
    if (disorders < omp_get_max_threads()) { /* gangs of one size, for threads to end together */
        const int64_t gangs = (chains + size - 1) / size;
        size = (chains + gangs - 1) / gangs;
    } else if (size > DAM_COARSE_TILE / 2)
        size = (size + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE * DAM_COARSE_TILE;
    size = (size + unit - 1) / unit * unit;
    return size < chains ? size : chains;
}

/* Whether two chains can be measured together. */
static bool goes_with(const dam_chain *a, const dam_chain *b)
{
    return a->steps == b->steps && a->measured == b->measured;
}

/* The gangs of a wave that have something to do; those that measure are of chains at one step. */
static int64_t list_items(const dam_sampler *s, const job *j, dam_wave wave, item *items)
{
    const int64_t chains = chains_per_disorder(s), size = gang_size(s, wave.count, j->unit);
    const bool free = !j->to || !j->to->measure;
    int64_t n = 0;

    for (int64_t d = wave.first; d < wave.first + wave.count; d++) {
        const dam_chain *c = s->chain + d * chains;
        for (int64_t i = 0; i < chains;) {
            int64_t k = i + j->unit;
            bool done = j->to && dam_stretch_done(j->to, c + i);
            while (k < chains && k - i < size && (free || goes_with(c + i, c + k))) {
                done = done && dam_stretch_done(j->to, c + k);
                k += j->unit;
            }
            if (!done)
                items[n++] = (item){d, i, k - i};
            i = k;
        }
    }
    return n;
}

static dam_status do_item(dam_sampler *s, const job *j, item it, dam_error *e)
{
    const int64_t c = it.index * chains_per_disorder(s) + it.first;
    const room *r = s->room;
    dam_gang g = {
        .kernels = s->kernels,
        .reference = &s->reference,
        .N = s->patterns->N,
        .M = s->patterns->M,
        .target = dam_patterns_target(s->patterns, it.index),
        .panels = dam_panels_of(&r->panels, s->patterns, it.index),
        .coarse = r->coarse.count > 0 ? r->coarse.of + (it.index - r->first) : NULL,
        .chain = s->chain + c,
        .x = s->x + c * s->patterns->N,
        .chains = it.count,
        .tiers = tiers_of(s),
        .lists = s->lists ? s->lists + c : NULL,
        .list_bytes = DAM_LIST_BYTES / (uint64_t)dam_sampler_chains(s),
        .replicas = j->unit,
        .q12_sum = s->q12_sum + c / s->replicas,
        .record = j->to && j->to->measure ? s->record : NULL,
        .disorder = it.index,
        .first_T = it.first / s->replicas,
    };

    if (!j->to)
        return dam_gang_evaluate(&g, e);
    return dam_gang_advance(&g, j->to->end, j->to->measure, j->to->last, e);
}

/* The job on all gangs of a wave, in any order on all threads. */
static dam_status do_items(dam_sampler *s, const job *j, dam_wave wave, dam_error *e)
{
    void *memory = NULL;
    item *items;
    int64_t n;
    dam_status status =
        dam_alloc(&memory, (uint64_t)(wave.count * chains_per_disorder(s)), sizeof(item),
                  "a list of chains", "lower disorder or replicas", e);

    if (status)
        return status;
    items = memory;
    n = list_items(s, j, wave, items);
#pragma omp parallel for schedule(dynamic, 1) if (n > 1)
    for (int64_t i = 0; i < n; i++) {
        dam_error mine;
        if (dam_interrupted())
            mine.status = dam_fail(&mine, DAM_ERR_INTERRUPTED, "interrupted");
        else
            mine.status = do_item(s, j, items[i], &mine);
        if (mine.status) {
#pragma omp critical(dam_sampler_error)
            if (status == DAM_OK || status == DAM_ERR_INTERRUPTED) {
                status = mine.status;
                *e = mine;
            }
        }
    }
    dam_free(items);
    return status;
}

static dam_status energies(dam_sampler *s, dam_wave wave, dam_error *e)
{
    const job j = {NULL, 1};

    return do_items(s, &j, wave, e);
}

static dam_status step_many(dam_sampler *s, dam_wave wave, const dam_stretch *to, bool *there,
                            dam_error *e)
{
    const job j = {to, to->measure ? s->replicas : 1};

    *there = true;
    return do_items(s, &j, wave, e);
}

const dam_backend dam_backend_cpu = {
    .kind = "cpu",
    .probe = probe,
    .open = open_room,
    .close = close_room,
    .alloc = alloc,
    .free = trim,
    .make_patterns = make_patterns,
    .upload = nothing_to_move,
    .energies = energies,
    .step_many = step_many,
    .sync = nothing_to_wait_for,
    .download = nothing_to_move,
    .last_error = never_lost,
};
