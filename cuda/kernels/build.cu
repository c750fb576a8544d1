/*
 * Lists made anew: a block of threads a builder, of whose chain the reference pass has left the
 * bins of all alignments. Patterns are counted by angle; a thread plans one skin, the cheapest plan
 * is taken; a thread tabulates the rest at one angle; the listed patterns are copied in ascending
 * order. Counts are integers and maxima, so it does not matter who comes first.
 */
#include "lists.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

#define BUILD_THREADS 256
#define BUILD_WARPS (BUILD_THREADS / DAM_WARP)

struct build_shared {
    double up[DAM_ACTIVE_STEPS + 1], down[DAM_ACTIVE_STEPS + 1]; /* terms by angle */
    double cost[DAM_ACTIVE_PLANS];                               /* of the plans */
    int32_t last[DAM_ACTIVE_PLANS], listed[DAM_ACTIVE_PLANS];
    int32_t bin[DAM_ACTIVE_BINS];         /* patterns of a bin; later the places of those listed */
    int32_t number[DAM_ACTIVE_STEPS + 1]; /* patterns by the angle at which they can be nearest */
    int32_t far[DAM_ACTIVE_STEPS + 1];    /* where those can be at the farthest */
    int32_t of_warp[BUILD_WARPS];
    int32_t highest;      /* bin with a pattern */
    int32_t first, steps; /* angles between which there are any */
    int32_t angles;       /* of the table */
    int32_t best;         /* plan; -1: no list */
    double top, width, widest;
};

/* Whose list a block makes. */
struct build_place {
    dam_device_chain *chain;
    dam_near_list *list;
    const float *x;       /* the proposal */
    const uint16_t *bins; /* of all patterns */
    const float *panels;
    float *patterns, *centre; /* of the list */
};

static __device__ __forceinline__ int32_t thread_here()
{
    return static_cast<int32_t>(threadIdx.x);
}

static __device__ void clear(build_shared *s)
{
    for (int32_t b = thread_here(); b < DAM_ACTIVE_BINS; b += BUILD_THREADS)
        s->bin[b] = 0;
    for (int32_t i = thread_here(); i <= DAM_ACTIVE_STEPS; i += BUILD_THREADS)
        s->number[i] = s->far[i] = 0;
    if (threadIdx.x == 0) {
        s->highest = s->steps = 0;
        s->first = DAM_ACTIVE_STEPS;
        s->angles = DAM_ACTIVE_ANGLES;
    }
}

/* Patterns by bin, then by angle. */
static __device__ void count(const wave &w, build_shared *s, const build_place &at)
{
    clear(s);
    __syncthreads();
    for (int64_t mu = threadIdx.x; mu < w.M; mu += BUILD_THREADS)
        atomicAdd(s->bin + at.bins[mu], 1);
    DAM_UNLESS_PLANTED(17) __syncthreads();
    for (int32_t b = thread_here(); b < DAM_ACTIVE_BINS; b += BUILD_THREADS)
        if (s->bin[b] > 0) {
            const int32_t i = dam_active_nearest(b);
            atomicAdd(s->number + i, s->bin[b]);
            atomicMax(s->far + i, dam_active_farthest(b));
            atomicMin(&s->first, i);
            atomicMax(&s->steps, i);
            atomicMax(&s->highest, b);
        }
    __syncthreads();
}

/* The terms by angle; for LSE relative to about the largest. */
static __device__ void tabulate_terms(const wave &w, build_shared *s)
{
    const double top = 2.0 * (s->highest + 1) / DAM_ACTIVE_BINS - 1.0;

    for (int32_t i = thread_here(); i <= DAM_ACTIVE_STEPS; i += BUILD_THREADS) {
        s->up[i] = dam_active_term_up(&w.reference, top, dam_active_cosine(i));
        s->down[i] = dam_active_term_down(&w.reference, dam_active_cosine(i));
    }
    if (threadIdx.x == 0)
        s->top = top;
}

static __device__ __forceinline__ dam_active_rest rest_of(const wave &w, const build_shared *s,
                                                          int32_t i, int32_t moved)
{
    return dam_active_rest_of(&w.reference, s->number[i], i, s->far[i], moved, s->up, s->down);
}

/* What the rest may add to the sum, and what it may add at most to be tabulated. */
static __device__ void choose_widths(const wave &w, build_shared *s, const dam_device_chain *c)
{
    /* L has fluctuations of theta sqrt(N/2) */
    const double level = fmax(c->next.low, c->now.low) - c->theta * sqrt(0.5 * w.N);
    const double scale = dam_active_scale(&w.reference, level, s->top);

    s->width = scale * list_tolerance(w, c->theta);
    s->widest = dam_active_widest(&w.reference, scale, s->width, c->theta);
}

/* The skin of a plan, in steps of the angle; 0: there is no such plan. */
static __device__ int32_t skin_of(double sigma, int32_t plan)
{
    double skin = DAM_ACTIVE_FIRST_SKIN * sigma;

    for (int32_t i = 0; i < plan; i++)
        skin *= DAM_ACTIVE_SKIN_FACTOR;
    if (!(skin < DAM_ACTIVE_LARGEST_SKIN))
        return 0;
    return static_cast<int32_t>(
               ceil(skin * (DAM_ACTIVE_STEPS / DAM_ACTIVE_PI) / DAM_ACTIVE_PER_GRID)) *
           DAM_ACTIVE_PER_GRID;
}

/* The smallest list whose rest stays within the width at this skin, and its cost per step. */
static __device__ void make_plan(const wave &w, build_shared *s, const dam_device_chain *c,
                                 const dam_near_list *l, int32_t plan)
{
    const int32_t skin = skin_of(c->sigma, plan);
    const double spread = l->spread > 0 ? l->spread : DAM_ACTIVE_ACCEPTANCE * c->sigma * c->sigma;
    int64_t listed = w.M;
    int32_t i = s->steps;
    double low = 0, high = 0;

    for (; i >= s->first; i--) {
        const dam_active_rest rest = rest_of(w, s, i, skin);
        low += rest.low;
        high += rest.high;
        if (!(high - low <= s->width))
            break;
        listed -= s->number[i];
    }
    s->last[plan] = i;
    s->listed[plan] = static_cast<int32_t>(listed);
    s->cost[plan] = HUGE_VAL;
    if (skin > 0 && listed >= 1 && listed <= w.list_room)
        s->cost[plan] = list_cost(w, static_cast<double>(listed)) +
                        (list_build_cost(w) + LIST_COST_READ * w.N * static_cast<double>(listed)) /
                            dam_active_life(skin, spread);
}

/* The angle between the proposal and the centre of the list that is there, by the first warp. */
static __device__ void learn_spread(const wave &w, const build_place &at)
{
    dam_near_list *l = at.list;
    double phi;

    if (l->listed == 0)
        return;
    phi = warp_dot(w.N, at.x, at.centre) / w.N;
    if (threadIdx.x == 0)
        l->spread = dam_active_spread(l->spread, dam_active_angle(phi),
                                      static_cast<double>(at.chain->steps + 1 - l->made_at));
}

/* The plan that costs least, or none; by one thread. */
static __device__ void choose_plan(const wave &w, build_shared *s, const build_place &at)
{
    dam_near_list *l = at.list;
    const uint64_t step = at.chain->steps + 1;
    const double build = list_build_cost(w);
    const bool paid = w.lists > 1 || l->listed == 0 || l->account > -DAM_ACTIVE_LAST_LOSS * build;
    double least = w.lists > 1 ? HUGE_VAL : DAM_ACTIVE_WORTHWHILE * list_plain_cost(w);

    s->best = -1;
    for (int32_t j = 0; j < DAM_ACTIVE_PLANS && paid; j++)
        if (s->cost[j] < least) {
            least = s->cost[j];
            s->best = j;
        }
    if (s->best < 0) {
        list_rest(l, step);
        return;
    }
    if (step > l->retry_at + l->patience)
        l->patience = 0;
    l->account -= build;
    l->listed = s->listed[s->best];
    l->across = 1;
    while (l->across < l->listed && l->across < DAM_WARP)
        l->across *= 2;
    l->cost = list_cost(w, l->listed);
    l->top = s->top;
    l->debt = 0;
    l->made_at = step;
    at.chain->rebuilds++;
}

/* The rest at the angles of the table, up to where it is hopeless. */
static __device__ void tabulate_rest(const wave &w, build_shared *s, dam_near_list *l)
{
    for (int32_t a = thread_here(); a < DAM_ACTIVE_ANGLES; a += BUILD_THREADS) {
        dam_active_rest all = {0, 0};
        for (int32_t i = s->last[s->best] + 1; i <= s->steps; i++) {
            const dam_active_rest rest = rest_of(w, s, i, a * DAM_ACTIVE_PER_GRID);
            all.low += rest.low;
            all.high += rest.high;
        }
        l->rest[a] = all;
        if (!(all.high - all.low <= s->widest))
            atomicMin(&s->angles, a);
    }
}

/* The indices of the listed patterns, ascending, to s->bin. */
static __device__ void find_patterns(const wave &w, build_shared *s, const build_place &at)
{
    const unsigned lane = threadIdx.x % DAM_WARP, warp = threadIdx.x / DAM_WARP;
    int32_t lowest = DAM_ACTIVE_BINS, used = 0;

    while (lowest > 0 && dam_active_nearest(lowest - 1) <= s->last[s->best])
        lowest--;
    for (int64_t first = 0; first < w.M; first += BUILD_THREADS) {
        const int64_t mu = first + thread_here();
        const bool listed = mu < w.M && at.bins[mu] >= lowest;
        const unsigned those = __ballot_sync(DAM_FULL_WARP, listed);
        int32_t place = used + __popc(those & ((1u << lane) - 1));
        if (lane == 0)
            s->of_warp[warp] = __popc(those);
        __syncthreads();
        for (unsigned v = 0; v < BUILD_WARPS; v++) {
            place += v < warp ? s->of_warp[v] : 0;
            used += s->of_warp[v];
        }
        if (listed)
            s->bin[place] = static_cast<int32_t>(mu);
        DAM_UNLESS_PLANTED(18) __syncthreads();
    }
}

/* The patterns and the centre; what fills the last panel is zero. */
static __device__ void copy_patterns(const wave &w, const build_shared *s, const build_place &at)
{
    const int32_t across = at.list->across, listed = at.list->listed;
    const int32_t all = static_cast<int32_t>(divide_up(listed, across)) * across * w.N;

    for (int32_t e = thread_here(); e < all; e += BUILD_THREADS) {
        const int32_t k = e / across % w.N, i = e / across / w.N * across + e % across;
        const int64_t mu = i < listed ? s->bin[i] : 0;
        at.patterns[e] =
            i < listed ? at.panels[(mu / DAM_PANEL * w.N + k) * DAM_PANEL + mu % DAM_PANEL] : 0.0f;
    }
    for (int32_t k = thread_here(); k < w.N; k += BUILD_THREADS)
        at.centre[k] = at.x[k];
}

static __device__ void build(const wave &w, build_shared *s, const build_place &at)
{
    count(w, s, at);
    tabulate_terms(w, s);
    if (threadIdx.x < DAM_WARP)
        learn_spread(w, at);
    __syncthreads();
    if (threadIdx.x == 0)
        choose_widths(w, s, at.chain);
    __syncthreads();
    if (threadIdx.x < DAM_ACTIVE_PLANS)
        make_plan(w, s, at.chain, at.list, thread_here());
    __syncthreads();
    if (threadIdx.x == 0)
        choose_plan(w, s, at);
    __syncthreads();
    if (s->best < 0)
        return;
    tabulate_rest(w, s, at.list);
    find_patterns(w, s, at);
    __syncthreads();
    copy_patterns(w, s, at);
    if (threadIdx.x == 0)
        at.list->angles = s->angles;
}

__global__ void __launch_bounds__(BUILD_THREADS) build_lists(const wave w)
{
    DAM_SHARED(build_shared, s);
    const int64_t d = blockIdx.x / static_cast<unsigned>(w.builders);
    const int32_t builder = static_cast<int32_t>(blockIdx.x % static_cast<unsigned>(w.builders));
    const int32_t i = w.claim[blockIdx.x];
    const int64_t place = d * w.chains + i;

    if (i == DAM_NOBODY)
        return;
    if (w.chain[place].builder == builder) {
        const build_place at = {w.chain + place,
                                w.list + place,
                                w.proposal + place * w.N,
                                w.bins + static_cast<int64_t>(blockIdx.x) * w.M,
                                w.panels + d * w.panels_stride,
                                w.listed + place * w.list_room * w.N,
                                w.centre + place * w.N};
        build(w, s, at);
    }
    __syncthreads();
    if (threadIdx.x == 0)
        w.claim[blockIdx.x] = DAM_NOBODY;
}

/* Blocks of threads: on the CPU, where claims can be looked at, none when there are none. */
static inline unsigned build_blocks(const wave &w)
{
    const int64_t all = w.disorders * w.builders;

#ifndef __CUDACC__
    int64_t claims = 0;
    for (int64_t i = 0; i < all; i++)
        claims += w.claim[i] != DAM_NOBODY;
    if (claims == 0)
        return 0;
#endif
    return static_cast<unsigned>(all);
}

cudaError_t launch_build(const wave &w, cudaStream_t stream)
{
    const unsigned blocks = build_blocks(w);

    if (blocks == 0)
        return cudaSuccess;
    DAM_LAUNCH(build_lists, dim3(blocks), dim3(BUILD_THREADS), sizeof(build_shared), stream, w);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
