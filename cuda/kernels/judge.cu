/*
 * What the single precision pass decides: one thread a chain. Its interval and that of the state
 * give a verdict, or leave the proposal to the reference.
 */
#include "chain.h"
#include "queue.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

/* The interval of a chain's proposal from the sums of all parts. */
static __device__ dam_interval interval_of(const wave &w, const dam_precision &p, int64_t d,
                                           int32_t column)
{
    const double *partial = w.partial + d * w.splits * 2 * w.width + column;
    double sum = 0, other = 0;

    for (int32_t part = 0; part < w.splits; part++, partial += 2 * w.width) {
        sum += partial[0];
        other += partial[w.width];
    }
    return single_interval(w.reference, p, w.M, sum, other, w.shift[d * w.width + column]);
}

__global__ void judge_chains(const wave w, const dam_precision p)
{
    DAM_SHARED(queue_shared, s);
    const queue_place at = queue_place_here(w);
    bool unsure = false;

    if (at.chain < w.chains - DAM_PLANTED(7)) {
        dam_device_chain *c = w.chain + at.disorder * w.chains + at.chain;
        if (c->verdict == DAM_UNDECIDED && w.single && c->column >= 0)
            take_single(w, c, interval_of(w, p, at.disorder, c->column));
        unsure = c->verdict == DAM_UNDECIDED;
    }
    enqueue(w, s, 0, at, unsure);
}

cudaError_t launch_judge(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(judge_chains, queue_grid(w), dim3(QUEUE_CHAINS), sizeof(queue_shared), stream, w,
               single_precision_of(w.reference, w.tiles));
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
