/*
 * The verdicts carried out, a warp a chain.
 */
#include "chain.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

__global__ void decide(const wave w)
{
    const int64_t place = warp_number();

    if (place < w.disorders * w.chains)
        decide_chain(w, place);
}

cudaError_t launch_decide(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(decide, blocks_for_warps(w.disorders * w.chains), dim3(DAM_CHAIN_WARPS * DAM_WARP),
               0, stream, w);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
