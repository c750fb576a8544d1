/*
 * L of the queued chains from their block sums: a block of threads a batch, a warp a chain. The
 * exponentials that combine blocks are computed by 32 lanes at a time; the sum over blocks is taken
 * in ascending order, as dam_combine_blocks does.
 */
#include "chain.h"
#include "reference.h"

namespace DAM_CUDA_NAMESPACE
{

struct settle_shared {
    int32_t open[DAM_BATCH]; /* the verdict of the batch's chain is still open */
};

/* The largest of the blocks' maxima. */
static __device__ double largest(const dam_block_sum *block, int64_t blocks)
{
    double max = -HUGE_VAL;

    for (int64_t i = threadIdx.x % DAM_WARP; i < blocks; i += DAM_WARP)
        max = block[i].max > max ? block[i].max : max;
    return warp_maximum(max);
}

/* One chain of a batch, by a warp; true in its first lane while the verdict is open. */
static __device__ bool settle_chain(const wave &w, enum purpose purpose, int64_t place)
{
    const int64_t blocks = blocks_of(w);
    const dam_block_sum *sums = w.sums + place * blocks;
    const double v =
        purpose == OF_OTHERS ? largest(sums, blocks) : combine(w.reference, sums, blocks);
    dam_device_chain *c = w.chain + place;

    if (threadIdx.x % DAM_WARP != 0)
        return false;
    switch (purpose) {
    case OF_PROPOSALS:
        return take_proposal(w, c, v);
    case OF_STATES:
        take_state(w, c, v);
        return false;
    default:
        c->phi_max_other = w.M > 1 ? v : NAN;
        return false;
    }
}

/* What of batch b stays open, into the queue of states. */
static __device__ void pass_on(const wave &w, const settle_shared *s, const dam_batch *b)
{
    dam_batch rest = {b->disorder, 0, {0, 0, 0, 0}};

    for (int32_t j = 0; j < b->count; j++)
        if (s->open[j])
            rest.chain[rest.count++] = b->chain[j];
    if (rest.count > 0)
        w.queue[w.room + atomicAdd(w.queued + 1, 1)] = rest;
}

__global__ void settle(const wave w, enum purpose purpose)
{
    DAM_SHARED(settle_shared, s);
    const int queue = queue_of(purpose);
    const int32_t j = static_cast<int32_t>(threadIdx.x / DAM_WARP);
    const int64_t all = w.queued[queue];

    for (int64_t i = blockIdx.x; i < all; i += gridDim.x) {
        const dam_batch *b = w.queue + queue * w.room + i;
        bool open = false;
        if (j < b->count)
            open = settle_chain(w, purpose, b->disorder * w.chains + b->chain[j]);
        if (threadIdx.x % DAM_WARP == 0)
            s->open[j] = open;
        __syncthreads();
        if (threadIdx.x == 0 && purpose == OF_PROPOSALS)
            pass_on(w, s, b);
        __syncthreads();
    }
}

cudaError_t launch_settle(const wave &w, enum purpose purpose, cudaStream_t stream)
{
    const unsigned blocks = queue_blocks(w, purpose, stream);

    if (blocks == 0)
        return cudaSuccess;
    DAM_LAUNCH(settle, dim3(blocks), dim3(DAM_BATCH * DAM_WARP), sizeof(settle_shared), stream, w,
               purpose);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
