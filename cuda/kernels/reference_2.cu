/*
 * The reference pass in tiles: a block of threads takes a batch of chains through one block of
 * patterns. Warp v holds panels v, v + 8, ... of the block, a lane one pattern of each, with one
 * sum per chain in registers: each pattern is read once for all chains of the batch. Terms go
 * through shared memory to the warp that adds a chain's, in the lanes and the order of reference.h.
 */
#include "reference.h"

namespace DAM_CUDA_NAMESPACE
{

#define WARPS 8
#define PANELS (DAM_BLOCK_PANELS / WARPS) /* of a warp */
#define STAGE 64                          /* components of the states in shared memory */

struct reference_shared {
    double state[STAGE][DAM_BATCH];
    double max[WARPS][DAM_BATCH];
    double term[DAM_BATCH][DAM_BLOCK];
};

/* A batch at one block of patterns. */
struct reference_place {
    const float *panels; /* of the block */
    const float *states;
    const dam_batch *batch;
    int64_t patterns; /* of the block */
    int64_t target;   /* within the block, if it is there */
    int64_t number;   /* of the block */
};

/* Components first .. first + STAGE - 1 of the batch's states, in double; missing chains are 0. */
static __device__ __forceinline__ void stage_states(const wave &w, reference_shared *s,
                                                    const reference_place &at, int32_t first)
{
    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < STAGE * DAM_BATCH;
         i += WARPS * DAM_WARP) {
        const int32_t k = first + i % STAGE, j = i / STAGE;
        if (k < w.N)
            s->state[i % STAGE][j] =
                j < at.batch->count
                    ? at.states[(at.batch->disorder * w.chains + at.batch->chain[j]) * w.N + k]
                    : 0.0;
    }
}

/* The thread's overlaps, k ascending. */
static __device__ __forceinline__ void overlaps(const wave &w, reference_shared *s,
                                                const reference_place &at,
                                                double sum[PANELS][DAM_BATCH])
{
    const int32_t lane = static_cast<int32_t>(threadIdx.x) % DAM_WARP;
    const int32_t warp = static_cast<int32_t>(threadIdx.x) / DAM_WARP;
    const int32_t panels = static_cast<int32_t>(divide_up(at.patterns, DAM_PANEL));

    for (int32_t first = 0; first < w.N; first += STAGE) {
        const int32_t end = w.N - first < STAGE ? w.N - first : STAGE;
        DAM_UNLESS_PLANTED(8) __syncthreads(); /* the stage before is done with */
        stage_states(w, s, at, first);
        __syncthreads();
        for (int32_t k = 0; k < end; k++) {
            float xi[PANELS];
#pragma unroll
            for (int32_t p = 0; p < PANELS; p++)
                xi[p] = p * WARPS + warp < panels
                            ? at.panels[(static_cast<int64_t>(p * WARPS + warp) * w.N + first + k) *
                                            DAM_PANEL +
                                        lane]
                            : 0.0f;
#pragma unroll
            for (int32_t p = 0; p < PANELS; p++)
#pragma unroll
                for (int32_t j = 0; j < DAM_BATCH; j++)
                    sum[p][j] = multiply_add_exact(xi[p], s->state[k][j], sum[p][j]);
        }
    }
}

/* Pattern, within the block, of the thread's panel p. */
static __device__ __forceinline__ int32_t pattern_of(int32_t p)
{
    return (p * WARPS + static_cast<int32_t>(threadIdx.x) / DAM_WARP) * DAM_PANEL +
           static_cast<int32_t>(threadIdx.x) % DAM_WARP;
}

/* The bins of the thread's alignments, for the chains whose lists are to be made. */
static __device__ __forceinline__ void put_bins(const wave &w, const reference_place &at,
                                                const double phi[PANELS][DAM_BATCH])
{
    const int64_t d = at.batch->disorder;

#pragma unroll
    for (int32_t j = 0; j < DAM_BATCH; j++) {
        uint16_t *bins = j < at.batch->count
                             ? bins_of(w, d, d * w.chains + at.batch->chain[j], OF_PROPOSALS)
                             : NULL;
#pragma unroll
        for (int32_t p = 0; p < PANELS; p++)
            if (bins && pattern_of(p) < at.patterns)
                bins[at.number * DAM_BLOCK + pattern_of(p)] =
                    static_cast<uint16_t>(dam_active_bin(phi[p][j]));
    }
}

/* Alignments, their maxima by warp, and the one with the target. */
static __device__ __forceinline__ void align(const wave &w, enum purpose purpose,
                                             reference_shared *s, const reference_place &at,
                                             double phi[PANELS][DAM_BATCH])
{
    const int32_t warp = static_cast<int32_t>(threadIdx.x) / DAM_WARP;

#pragma unroll
    for (int32_t j = 0; j < DAM_BATCH; j++) {
        double max = -HUGE_VAL;
#pragma unroll
        for (int32_t p = 0; p < PANELS; p++) {
            phi[p][j] = phi[p][j] / w.N;
            if (pattern_of(p) == at.target && j < at.batch->count)
                put_target_phi(w, at.batch->disorder * w.chains + at.batch->chain[j], purpose,
                               phi[p][j]);
            if (pattern_of(p) < at.patterns && phi[p][j] > max &&
                !(purpose == OF_OTHERS && pattern_of(p) == at.target))
                max = phi[p][j];
        }
        max = warp_maximum(max);
        if (threadIdx.x % DAM_WARP == 0)
            s->max[warp][j] = max;
    }
}

/* Warp j adds the terms of chain j. */
static __device__ __forceinline__ void add_up(const wave &w, const reference_shared *s,
                                              const reference_place &at,
                                              const double max[DAM_BATCH])
{
    const int32_t j = static_cast<int32_t>(threadIdx.x) / DAM_WARP;
    double sum = 0;

    if (j >= at.batch->count)
        return;
    for (int64_t p = threadIdx.x % DAM_WARP; p < at.patterns; p += DAM_PANEL)
        sum += s->term[j][p];
    sum = warp_add_panel_lanes(sum);
    if (threadIdx.x % DAM_WARP == 0) {
        dam_block_sum *out = w.sums +
                             (at.batch->disorder * w.chains + at.batch->chain[j]) * blocks_of(w) +
                             at.number;
        double own = max[0];
#pragma unroll
        for (int32_t i = 1; i < DAM_BATCH; i++)
            own = i == j ? max[i] : own;
        out->max = own;
        out->sum = sum;
    }
}

static __device__ __forceinline__ void
batch_at_block(const wave &w, enum purpose purpose, reference_shared *s, const reference_place &at)
{
    double phi[PANELS][DAM_BATCH] = {}, max[DAM_BATCH];

    overlaps(w, s, at, phi);
    align(w, purpose, s, at, phi);
    if (w.lists && purpose == OF_PROPOSALS)
        put_bins(w, at, phi);
    DAM_UNLESS_PLANTED(9) __syncthreads(); /* the maxima of all warps are there */
#pragma unroll
    for (int32_t j = 0; j < DAM_BATCH; j++) {
        max[j] = s->max[0][j];
#pragma unroll
        for (int32_t v = 1; v < WARPS; v++)
            max[j] = s->max[v][j] > max[j] ? s->max[v][j] : max[j];
    }
#pragma unroll
    for (int32_t p = 0; p < PANELS; p++)
#pragma unroll
        for (int32_t j = 0; j < DAM_BATCH; j++)
            if (pattern_of(p) < at.patterns && purpose != OF_OTHERS)
                s->term[j][pattern_of(p)] = reference_term(w.reference, max[j], phi[p][j]);
            else if (pattern_of(p) < at.patterns)
                s->term[j][pattern_of(p)] = 0;
    __syncthreads();
    add_up(w, s, at, max);
}

__global__ void __launch_bounds__(WARPS *DAM_WARP)
    reference_tiled(const wave w, enum purpose purpose)
{
    DAM_SHARED(reference_shared, s);
    const int queue = queue_of(purpose);
    const int64_t blocks = blocks_of(w), all = w.queued[queue] * blocks;

    for (int64_t i = blockIdx.x; i < all; i += gridDim.x) {
        const int64_t block = i % blocks, begin = block * DAM_BLOCK;
        reference_place at;
        at.batch = w.queue + queue * w.room + i / blocks;
        at.panels = w.panels + at.batch->disorder * w.panels_stride + begin * w.N;
        at.states = purpose == OF_PROPOSALS ? w.proposal : w.x;
        at.patterns = w.M - begin < DAM_BLOCK ? w.M - begin : DAM_BLOCK;
        at.target = w.target[at.batch->disorder] - begin;
        at.number = block;
        batch_at_block(w, purpose, s, at);
    }
}

cudaError_t launch_reference_2(const wave &w, enum purpose purpose, cudaStream_t stream)
{
    const unsigned blocks = queue_blocks(w, purpose, stream);

    if (blocks == 0)
        return cudaSuccess;
    DAM_LAUNCH(reference_tiled, dim3(blocks), dim3(WARPS * DAM_WARP), sizeof(reference_shared),
               stream, w, purpose);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
