/*
 * A wave as a whole: its memory, and the launches that a step or an evaluation consists of.
 */
#include "coarse.h"
#include "lists.h"
#include "queue.h"
#include "single.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

#define ALIGNMENT 256

/* Blocks of threads that a launch of the single precision pass should at least have: enough for
 * every large device, and never chosen by the device. */
#define ENOUGH_BLOCKS 2112

/* Cuts the patterns into parts of whole tiles. */
static void divide_patterns(wave *w)
{
    const int32_t count = single_count(w->chains);
    const int64_t tiles = divide_up(w->M, SINGLE_TILE);
    int64_t each;

    w->width = static_cast<int32_t>(divide_up(w->chains, 8 * count)) * 8 * count;
    each = w->disorders * (w->width / (8 * count)) * tiles / ENOUGH_BLOCKS;
    if (each < divide_up(tiles, SINGLE_MAX_SPLITS))
        each = divide_up(tiles, SINGLE_MAX_SPLITS);
    if (each > SINGLE_MAX_TILES)
        each = SINGLE_MAX_TILES;
    w->tiles = static_cast<int32_t>(each);
    w->splits = static_cast<int32_t>(divide_up(tiles, each));
}

/* Cuts them into segments of the coarse pass; there are warps enough when a block has four. */
static void divide_panels(wave *w)
{
    const int32_t states = COARSE_STATES * coarse_groups(*w);
    const int64_t panels = divide_up(w->M, DAM_PANEL);
    int64_t each;

    w->coarse_width = static_cast<int32_t>(divide_up(w->chains, states)) * states;
    each = w->disorders * (w->coarse_width / states) * panels / (4 * ENOUGH_BLOCKS);
    if (each < COARSE_LEAST_SEGMENT)
        each = COARSE_LEAST_SEGMENT;
    if (each > COARSE_SEGMENT)
        each = COARSE_SEGMENT;
    w->segment = static_cast<int32_t>(each);
    w->segments = static_cast<int32_t>(divide_up(panels, each));
    w->coarse_room = w->segment + COARSE_FEW / 2;
}

/* The next piece of memory; only counts without memory. */
template <class T> static void cut(T **piece, void *memory, uint64_t *used, int64_t count)
{
    if (memory)
        *piece = reinterpret_cast<T *>(static_cast<char *>(memory) + *used);
    *used += (static_cast<uint64_t>(count) * sizeof(T) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void cut_coarse(wave *w, void *memory, uint64_t *used)
{
    const int64_t rows = w->disorders * w->coarse_width, places = rows * w->segments;

    cut(&w->coarse_open, memory, used, w->disorders);
    cut(&w->coarse_row, memory, used, rows);
    cut(&w->coarse_state, memory, used, rows * coarse_slices(w->N) * (COARSE_SLICE / 4));
    cut(&w->coarse_rest, memory, used, places);
    cut(&w->coarse_count, memory, used, places);
    cut(&w->coarse_near, memory, used, places * w->coarse_room);
}

static void cut_resident(wave *w, void *memory, uint64_t *used)
{
    struct dam_resident *r = &w->resident;

    cut(&r->sum, memory, used, r->room * divide_up(w->M, SINGLE_TILE) * 2 * w->width);
    cut(&r->phi, memory, used, r->room * DAM_RESIDENT_ROUND * w->M);
    cut(&r->flag, memory, used, r->room * 2 * DAM_RESIDENT_FLAGS * w->chains);
    cut(&r->arrived, memory, used, r->room);
}

uint64_t dam_wave_layout(struct dam_device_wave *w, void *memory)
{
    const int64_t all = w->disorders * w->chains;
    uint64_t used = 0;

    divide_patterns(w);
    divide_panels(w);
    w->room = queue_room(*w);
    cut(&w->chain, memory, &used, all);
    cut(&w->x, memory, &used, all * w->N);
    cut(&w->q12, memory, &used, all / w->replicas);
    cut(&w->q12_sum, memory, &used, all / w->replicas);
    cut(&w->proposal, memory, &used, all * w->N);
    cut(&w->columns, memory, &used, w->disorders * w->N * w->width);
    cut(&w->shift, memory, &used, w->disorders * w->width);
    cut(&w->partial, memory, &used, w->disorders * w->splits * 2 * w->width);
    cut(&w->sums, memory, &used, all * blocks_of(*w));
    cut(&w->queued, memory, &used, DAM_QUEUES);
    cut(&w->queue, memory, &used, DAM_QUEUES * w->room);
    cut(&w->open, memory, &used, w->disorders);
    cut(&w->who, memory, &used, w->disorders * w->width);
    if (w->coarse)
        cut_coarse(w, memory, &used);
    if (w->resident.slots > 0)
        cut_resident(w, memory, &used);
    w->builders = static_cast<int32_t>(w->chains < LIST_BUILDERS ? w->chains : LIST_BUILDERS);
    return used;
}

uint64_t dam_wave_layout_lists(struct dam_device_wave *w, void *memory)
{
    const int64_t all = w->disorders * w->chains;
    uint64_t used = 0;

    cut(&w->list, memory, &used, all);
    cut(&w->listed, memory, &used, all * w->list_room * w->N);
    cut(&w->centre, memory, &used, all * w->N);
    cut(&w->claim, memory, &used, w->disorders * w->builders);
    cut(&w->bins, memory, &used, w->disorders * w->builders * w->M);
    return used;
}

int32_t dam_wave_list_room(const struct dam_device_wave *w)
{
    const int64_t most = w->M / LIST_LEAST_PART;
    int64_t room = LIST_NUMBERS / w->N, whole = DAM_WARP;

    if (w->M < DAM_ACTIVE_LEAST_PATTERNS)
        return 0;
    room = room < most ? room : most;
    room = room < LIST_PATTERNS ? room : LIST_PATTERNS;
    while (whole > 4 && whole > room)
        whole /= 2;
    return static_cast<int32_t>(room < whole ? whole : room / whole * whole);
}

/* A pass whose intervals are wider than this leaves most proposals open. */
#define WIDEST_USEFUL 0.5

int32_t dam_wave_single(const struct dam_device_wave *w)
{
    const dam_reference *f = &w->reference;
    const dam_precision p = single_precision_of(*f, w->tiles);

    if (f->kernel == DAM_LSE)
        return f->c * p.overlap + p.exponential + p.sum < WIDEST_USEFUL;
    if (f->kernel == DAM_LSR)
        return dam_lsr_margin(f, &p) < WIDEST_USEFUL;
    return f->N * f->k * p.overlap < WIDEST_USEFUL;
}

/* Products of a step below which more launches cost more than a coarse pass saves; estimated. */
#define COARSE_LEAST_WORK 3e8

int32_t dam_wave_coarse(const struct dam_device_wave *w, int32_t automatic)
{
    const double work =
        static_cast<double>(w->disorders * w->chains) * static_cast<double>(w->M) * w->N;

    return w->reference.kernel != DAM_POLYNOMIAL && w->N <= COARSE_LARGEST_N &&
           (!automatic || work >= COARSE_LEAST_WORK);
}

#define LAUNCH(call)              \
    do {                          \
        cudaError_t error = call; \
        if (error != cudaSuccess) \
            return error;         \
    } while (0)

static cudaError_t clear_queues(const wave &w, cudaStream_t stream)
{
    return cudaMemsetAsync(w.queued, 0, DAM_QUEUES * sizeof *w.queued, stream);
}

cudaError_t dam_launch_forget(const struct dam_device_wave *w, cudaStream_t stream)
{
    const size_t lists = static_cast<size_t>(w->disorders * w->chains) * sizeof *w->list;
    const size_t claims = static_cast<size_t>(w->disorders * w->builders) * sizeof *w->claim;

    if (w->list_room == 0)
        return cudaSuccess;
    LAUNCH(cudaMemsetAsync(w->list, 0, lists, stream));
    return cudaMemsetAsync(w->claim, DAM_NOBODY & 0xff, claims, stream);
}

cudaError_t dam_launch_evaluate(const struct dam_device_wave *w, int32_t inexact,
                                cudaStream_t stream)
{
    LAUNCH(clear_queues(*w, stream));
    LAUNCH(launch_enlist(*w, inexact, stream));
    LAUNCH(launch_reference_2(*w, OF_STATES, stream));
    return launch_settle(*w, OF_STATES, stream);
}

cudaError_t dam_launch_q12(const struct dam_device_wave *w, cudaStream_t stream)
{
    return w->replicas > 1 ? launch_q12(*w, 1, stream) : cudaSuccess;
}

static cudaError_t launch_coarse(const wave &w, int32_t fine, cudaStream_t stream)
{
    LAUNCH(launch_coarse_rows(w, fine, stream));
    LAUNCH(launch_coarse_scan(w, stream));
    return launch_coarse_judge(w, fine, stream);
}

cudaError_t dam_launch_step(const struct dam_device_wave *w, cudaStream_t stream)
{
    LAUNCH(clear_queues(*w, stream));
    LAUNCH(launch_propose(*w, stream));
    if (w->lists)
        LAUNCH(launch_ask(*w, stream));
    if (w->coarse)
        LAUNCH(launch_coarse(*w, 0, stream));
    if (w->coarse && w->measure && w->reference.kernel == DAM_LSE)
        LAUNCH(launch_coarse(*w, 1, stream));
    if (gathers(*w))
        LAUNCH(launch_gather(*w, stream));
    if (w->single)
        LAUNCH(launch_single_2(*w, stream));
    LAUNCH(launch_judge(*w, stream));
    LAUNCH(launch_reference_2(*w, OF_PROPOSALS, stream));
    LAUNCH(launch_settle(*w, OF_PROPOSALS, stream));
    if (w->lists)
        LAUNCH(launch_build(*w, stream));
    LAUNCH(launch_reference_2(*w, OF_STATES, stream));
    LAUNCH(launch_settle(*w, OF_STATES, stream));
    LAUNCH(launch_decide(*w, stream));
    return w->measure && w->replicas > 1 ? launch_q12(*w, 0, stream) : cudaSuccess;
}

cudaError_t dam_launch_largest(const struct dam_device_wave *w, cudaStream_t stream)
{
    LAUNCH(clear_queues(*w, stream));
    LAUNCH(launch_enlist(*w, 0, stream));
    LAUNCH(launch_reference_2(*w, OF_OTHERS, stream));
    return launch_settle(*w, OF_OTHERS, stream);
}

} // namespace DAM_CUDA_NAMESPACE
