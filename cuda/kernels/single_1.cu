/*
 * The single precision pass, plain: a warp takes one chain through one part of the patterns, a lane
 * a pattern. Every pattern is read again for every chain. For tests and as a text to read first.
 */
#include "single.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

/* x.xi of a column and a pattern, in chunks. */
static __device__ float plain_overlap(const float *column, int64_t width, const float *xi,
                                      int32_t N)
{
    float sum = 0;

    for (int32_t first = 0; first < N; first += SINGLE_CHUNK) {
        float chunk = 0;
        for (int32_t k = first; k < N && k < first + SINGLE_CHUNK; k++)
            chunk = multiply_add(column[k * width], xi[static_cast<int64_t>(k) * DAM_PANEL], chunk);
        sum += chunk;
    }
    return sum;
}

template <dam_kernel KERNEL> __global__ void single_plain(const wave w, const single_terms t)
{
    const int64_t number = warp_number(), i = number % w.width, part = number / w.width % w.splits;
    const int64_t d = number / w.width / w.splits, lane = threadIdx.x % DAM_WARP;
    const int64_t begin = part * w.tiles * SINGLE_TILE, end = begin + w.tiles * SINGLE_TILE;
    double sum = 0, other = 0;

    if (d >= w.disorders)
        return;
    const float *column = w.columns + d * w.N * w.width + i;
    for (int64_t mu = begin + lane; mu < end && mu < w.M; mu += DAM_WARP) {
        const float *xi =
            w.panels + d * w.panels_stride + mu / DAM_PANEL * DAM_PANEL * w.N + mu % DAM_PANEL;
        float a = 0, b = 0;
        single_add<KERNEL>(t, plain_overlap(column, w.width, xi, w.N), w.shift[d * w.width + i], &a,
                           &b);
        sum += a;
        other += b;
    }
    sum = warp_sum(sum);
    other = warp_sum(other);
    if (lane == 0) {
        double *out = w.partial + (d * w.splits + part) * 2 * w.width + i;
        out[0] = sum;
        out[w.width] = other;
    }
}

cudaError_t launch_single_1(const wave &w, cudaStream_t stream)
{
    const single_terms t = single_terms_of(w.reference, w.tiles);
    const dim3 grid = blocks_for_warps(w.disorders * w.splits * w.width);
    const dim3 block(DAM_CHAIN_WARPS * DAM_WARP);

    switch (w.reference.kernel) {
    case DAM_LSE:
        DAM_LAUNCH(single_plain<DAM_LSE>, grid, block, 0, stream, w, t);
        break;
    case DAM_LSR:
        DAM_LAUNCH(single_plain<DAM_LSR>, grid, block, 0, stream, w, t);
        break;
    default:
        DAM_LAUNCH(single_plain<DAM_POLYNOMIAL>, grid, block, 0, stream, w, t);
    }
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
