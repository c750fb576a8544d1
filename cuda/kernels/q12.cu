/*
 * Mean overlap of the pairs among the replicas of a temperature, a warp a group, as dam_mean_q12
 * (src/gang.c): two replicas directly, more of them through the sum of all, k ascending.
 */
#include "chain.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

__global__ void measure_q12(const wave w, int32_t all)
{
    const int64_t group = warp_number(), first = group * w.replicas;
    const int64_t groups = w.disorders * w.chains / w.replicas;
    bool moved = all;

    if (group >= groups || (!all && w.chain[first].verdict == DAM_ARRIVED))
        return;
    for (int64_t a = 0; a < w.replicas; a++)
        moved = moved || w.chain[first + a].verdict == DAM_ACCEPTED;
    put_q12(w, group, moved, all);
}

cudaError_t launch_q12(const wave &w, int32_t all, cudaStream_t stream)
{
    DAM_LAUNCH(measure_q12, blocks_for_warps(w.disorders * w.chains / w.replicas),
               dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream, w, all);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
