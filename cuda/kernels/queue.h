/*
 * Queues of chains that the reference is to evaluate, in batches of one disorder. A block of
 * QUEUE_CHAINS threads, each with one chain of the same disorder, puts those in question into
 * batches, in ascending order; only where in the queue a batch stands depends on who came first,
 * and no result depends on that.
 */
#ifndef DAM_CUDA_QUEUE_H
#define DAM_CUDA_QUEUE_H

#include "common.h"

namespace DAM_CUDA_NAMESPACE
{

#define QUEUE_CHAINS 128

struct queue_shared {
    int32_t chain[QUEUE_CHAINS];
    int32_t of_warp[QUEUE_CHAINS / DAM_WARP];
    int32_t first; /* batch of this block */
};

/* Batches that QUEUE_CHAINS chains a block can need. */
static inline int64_t queue_room(const wave &w)
{
    return w.disorders * divide_up(w.chains, QUEUE_CHAINS) * (QUEUE_CHAINS / DAM_BATCH);
}

static inline dim3 queue_grid(const wave &w)
{
    return dim3(static_cast<unsigned>(w.disorders * divide_up(w.chains, QUEUE_CHAINS)));
}

/* The chain of this thread in such a launch: its disorder and number there. */
struct queue_place {
    int64_t disorder, chain;
};

static __device__ __forceinline__ queue_place queue_place_here(const wave &w)
{
    const int64_t per_disorder = divide_up(w.chains, QUEUE_CHAINS);

    return {blockIdx.x / per_disorder, blockIdx.x % per_disorder * QUEUE_CHAINS + threadIdx.x};
}

/* To be called by all threads of the block. */
static __device__ __forceinline__ void enqueue(const wave &w, queue_shared *s, int queue,
                                               queue_place at, bool wanted)
{
    const unsigned lane = threadIdx.x % DAM_WARP, warp = threadIdx.x / DAM_WARP;
    const unsigned who = __ballot_sync(DAM_FULL_WARP, wanted);
    int32_t before = 0, all = 0;

    if (lane == 0)
        s->of_warp[warp] = __popc(who);
    DAM_UNLESS_PLANTED(11) __syncthreads();
    for (unsigned i = 0; i < QUEUE_CHAINS / DAM_WARP; i++) {
        before += i < warp ? s->of_warp[i] : 0;
        all += s->of_warp[i];
    }
    if (wanted)
        s->chain[before + __popc(who & ((1u << lane) - 1))] = static_cast<int32_t>(at.chain);
    if (threadIdx.x == 0 && all > 0)
        s->first = atomicAdd(w.queued + queue, (all + DAM_BATCH - 1) / DAM_BATCH);
    __syncthreads();
    for (int32_t b = static_cast<int32_t>(threadIdx.x); b * DAM_BATCH < all; b += QUEUE_CHAINS) {
        dam_batch *batch = w.queue + queue * w.room + s->first + b;
        const int32_t left = all - b * DAM_BATCH;
        batch->disorder = static_cast<int32_t>(at.disorder);
        batch->count = left < DAM_BATCH ? left : DAM_BATCH;
        for (int32_t i = 0; i < batch->count; i++)
            batch->chain[i] = s->chain[b * DAM_BATCH + i];
    }
}

} // namespace DAM_CUDA_NAMESPACE

#endif
