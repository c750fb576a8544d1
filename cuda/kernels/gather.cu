/*
 * After lists and the coarse pass were asked: which open proposals go to the single precision pass,
 * side by side in as few columns as they need, and which go straight to the reference, some of them
 * for a list to be made of their alignments. A block of threads a disorder, chains in ascending
 * order; then a warp a column.
 */
#include "queue.h"
#include "single.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

struct gather_shared {
    int32_t of_warp[QUEUE_CHAINS / DAM_WARP];
};

/* Whether the chain's proposal is for the single precision pass. */
static __device__ bool wants_column(const wave &w, dam_device_chain *c, int64_t d, int32_t i)
{
    const int32_t builder = i % w.builders;

    if (c->verdict != DAM_UNDECIDED)
        return false;
    if (w.lists && w.claim[d * w.builders + builder] == i)
        c->builder = builder;
    if (!w.single || c->builder >= 0)
        c->column = -1;
    return c->column >= 0;
}

__global__ void gather(const wave w)
{
    DAM_SHARED(gather_shared, s);
    const unsigned lane = threadIdx.x % DAM_WARP, warp = threadIdx.x / DAM_WARP;
    const int64_t d = blockIdx.x;
    int32_t used = 0;

    for (int64_t first = 0; first < w.chains; first += QUEUE_CHAINS) {
        const int32_t i = static_cast<int32_t>(first + threadIdx.x);
        dam_device_chain *c = w.chain + d * w.chains + i;
        const bool wanted = i < w.chains && wants_column(w, c, d, i);
        const unsigned those = __ballot_sync(DAM_FULL_WARP, wanted);
        int32_t column = used + __popc(those & ((1u << lane) - 1));
        if (lane == 0)
            s->of_warp[warp] = __popc(those);
        DAM_UNLESS_PLANTED(16) __syncthreads();
        for (unsigned v = 0; v < QUEUE_CHAINS / DAM_WARP; v++) {
            column += v < warp ? s->of_warp[v] : 0;
            used += s->of_warp[v];
        }
        if (wanted) {
            c->column = column;
            w.who[d * w.width + column] = i;
        }
        __syncthreads();
    }
    if (threadIdx.x == 0)
        w.open[d] = used;
}

/* The columns in use, and those that fill the last tile. */
__global__ void fill_columns(const wave w, int32_t tile)
{
    const int64_t number = warp_number(), d = number / w.width, j = number % w.width;
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);

    if (d >= w.disorders || j >= divide_up(w.open[d], tile) * tile)
        return;
    const bool used = j < w.open[d];
    const int64_t place = d * w.chains + (used ? w.who[number] : 0);
    const float *x = w.proposal + place * w.N;
    float *column = w.columns + d * w.N * w.width + j;
    for (int32_t k = lane; k < w.N; k += DAM_WARP)
        column[static_cast<int64_t>(k) * w.width] = used ? x[k] : 0.0f;
    if (lane == 0)
        w.shift[number] = used ? single_shift(w.reference, w.chain[place].L) : 0.0f;
}

cudaError_t launch_gather(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(gather, dim3(static_cast<unsigned>(w.disorders)), dim3(QUEUE_CHAINS),
               sizeof(gather_shared), stream, w);
    if (w.single)
        DAM_LAUNCH(fill_columns, blocks_for_warps(w.disorders * w.width),
                   dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream, w, 8 * single_count(w.chains));
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
