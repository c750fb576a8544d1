/*
 * Proposals, B(7), of all chains: a warp a chain.
 */
#include "chain.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

__global__ void propose(const wave w)
{
    const int64_t number = warp_number();

    if (number < w.disorders * w.width)
        propose_chain(w, number / w.width, number % w.width);
}

cudaError_t launch_propose(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(propose, blocks_for_warps(w.disorders * w.width), dim3(DAM_CHAIN_WARPS * DAM_WARP),
               0, stream, w);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
