/*
 * Puts states into the queue of the reference: all, or those whose L is not the reference's own.
 */
#include "queue.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

__global__ void enlist(const wave w, int32_t inexact)
{
    DAM_SHARED(queue_shared, s);
    const queue_place at = queue_place_here(w);
    bool wanted = false;

    if (at.chain < w.chains) {
        dam_device_chain *c = w.chain + at.disorder * w.chains + at.chain;
        wanted = !inexact || c->now.low != c->now.high;
        c->verdict = DAM_ARRIVED; /* no verdict is open */
    }
    enqueue(w, s, 1, at, wanted);
}

cudaError_t launch_enlist(const wave &w, int32_t inexact, cudaStream_t stream)
{
    DAM_LAUNCH(enlist, queue_grid(w), dim3(QUEUE_CHAINS), sizeof(queue_shared), stream, w, inexact);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
