/*
 * Patterns from their streams: one thread a pattern, a warp a panel, so that what a warp writes at
 * one k lies side by side. A thread draws the N normals of its pattern in order, adds their squares
 * in DAM_LANES lanes that stay in registers, and scales what it wrote.
 */
#include "common.h"

namespace DAM_CUDA_NAMESPACE
{

/* Adds the squares of the four normals of block `b`, which belong to lanes 4 (b mod 4) on. */
static __device__ __forceinline__ void add_squares(const float n[4], double lane[4])
{
    for (int i = 0; i < 4; i++)
        lane[i] = multiply_add_exact(n[i], n[i], lane[i]);
}

static __device__ __forceinline__ void four_normals(dam_stream s, uint64_t block, float n[4])
{
    uint32_t w[4];

    dam_words(s, block, w);
    dam_normal_pair(w[0], w[1], &n[0], &n[1]);
    dam_normal_pair(w[2], w[3], &n[2], &n[3]);
}

__global__ void make_patterns(float *panels, uint64_t seed, int32_t N, int64_t M, int64_t all,
                              int64_t per_disorder, int64_t number)
{
    const int64_t panel = warp_number();
    const int64_t mu = panel % per_disorder * DAM_PANEL + threadIdx.x % DAM_WARP;
    const dam_stream s = dam_pattern_stream(seed, static_cast<uint64_t>(N),
                                            static_cast<uint64_t>(number + panel / per_disorder),
                                            static_cast<uint64_t>(mu) + 1);
    float *out = panels + panel * N * DAM_PANEL + threadIdx.x % DAM_WARP;
    double lane[DAM_LANES] = {0};

    if (panel >= all)
        return;
    if (mu >= M) {
        for (int32_t k = 0; k < N; k++)
            out[static_cast<int64_t>(k) * DAM_PANEL] = 0.0f;
        return;
    }
    for (int32_t first = 0; first < N; first += DAM_LANES)
#pragma unroll
        for (int32_t i = 0; i < DAM_LANES; i += 4) {
            float n[4] = {0, 0, 0, 0};
            if (first + i < N)
                four_normals(s, static_cast<uint64_t>(first + i) / 4, n);
#pragma unroll
            for (int32_t j = 0; j < 4; j++) {
                if (first + i + j < N)
                    out[static_cast<int64_t>(first + i + j) * DAM_PANEL] = n[j];
                else
                    n[j] = 0; /* adding a zero changes nothing */
            }
            add_squares(n, lane + i);
        }
    const double factor = dam_onto_sphere(N, dam_add_lanes(lane));
    for (int32_t k = 0; k < N; k++)
        out[static_cast<int64_t>(k) * DAM_PANEL] =
            static_cast<float>(out[static_cast<int64_t>(k) * DAM_PANEL] * factor);
}

cudaError_t dam_launch_patterns(float *panels, uint64_t seed, int32_t N, int64_t M,
                                int64_t disorders, int64_t number, cudaStream_t stream)
{
    const int64_t per_disorder = divide_up(M, DAM_PANEL), all = per_disorder * disorders;

    DAM_LAUNCH(make_patterns, blocks_for_warps(all), dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream,
               panels, seed, N, M, all, per_disorder, number);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
