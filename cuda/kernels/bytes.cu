/*
 * Patterns to bytes, from their panels: the largest component of a disorder, then a warp a panel, a
 * lane a pattern, for its bytes and its error. What patterns of a disorder have in common are
 * maxima, of the bits of singles that are not negative: it does not matter who comes first.
 */
#include "coarse.h"

namespace DAM_CUDA_NAMESPACE
{

/* Blocks of threads for each disorder that look for its largest component. */
#define LARGEST_BLOCKS 32

int64_t dam_coarse_words(int32_t N, int64_t M)
{
    return divide_up(M, DAM_PANEL) * DAM_PANEL * coarse_slices(N) * (COARSE_SLICE / 4);
}

static __device__ __forceinline__ int32_t warp_largest(int32_t v)
{
    for (int bits = DAM_WARP / 2; bits > 0; bits /= 2) {
        const int32_t other = __shfl_xor_sync(DAM_FULL_WARP, v, bits);
        v = other > v ? other : v;
    }
    return v;
}

__global__ void find_largest(const float *panels, int64_t numbers, dam_byte_patterns *of)
{
    const float *from = panels + blockIdx.x / LARGEST_BLOCKS * numbers;
    const int64_t threads = LARGEST_BLOCKS * DAM_CHAIN_WARPS * DAM_WARP;
    float largest = 0;

    for (int64_t i = static_cast<int64_t>(blockIdx.x % LARGEST_BLOCKS) * blockDim.x + threadIdx.x;
         i < numbers; i += threads) {
        const float size = fabsf(from[i]);
        largest = size > largest ? size : largest;
    }
    const int32_t bits = warp_largest(static_cast<int32_t>(dam_bits32(largest)));
    if (threadIdx.x % DAM_WARP == 0)
        atomicMax(&of[blockIdx.x / LARGEST_BLOCKS].largest, bits);
}

/* Four components of a pattern: their word, and the square of what it is off. */
static __device__ __forceinline__ uint32_t four_bytes(const float *xi, int32_t left, double quantum,
                                                      float inverse, double *square)
{
    int32_t byte[4] = {0, 0, 0, 0};

#pragma unroll
    for (int32_t i = 0; i < 4; i++)
        if (i < left) {
            const float v = xi[i * DAM_PANEL];
            const float scaled = fmaxf(-127.0f, fminf(127.0f, rintf(v * inverse)));
            const double off = v - quantum * scaled;
            *square += off * off;
            byte[i] = static_cast<int32_t>(scaled);
        }
    return coarse_pack(byte);
}

__global__ void fill_bytes(const float *panels, int32_t N, int64_t M, int64_t sets,
                           dam_byte_patterns *of, int32_t *words)
{
    const int64_t panel = warp_number(), per_set = divide_up(M, DAM_PANEL), set = panel / per_set;
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP), slices = coarse_slices(N);
    const int64_t mu = panel % per_set * DAM_PANEL + lane;

    if (set >= sets)
        return;
    const float *xi = panels + panel * N * DAM_PANEL + lane;
    int32_t *to = words + set * per_set * DAM_PANEL * slices * (COARSE_SLICE / 4);
    const double quantum = coarse_quantum(of + set);
    const float inverse = static_cast<float>(1.0 / quantum);
    double square = 0;
    for (int32_t q = 0; q < slices * (COARSE_SLICE / 4); q++)
        to[coarse_pattern_word(slices, mu, q)] = static_cast<int32_t>(four_bytes(
            xi + static_cast<int64_t>(4 * q) * DAM_PANEL, N - 4 * q, quantum, inverse, &square));
    /* as a single, and no smaller */
    const float error = static_cast<float>(sqrt(square) * (1.0 + 1e-6));
    const int32_t bits = warp_largest(static_cast<int32_t>(dam_bits32(error)));
    if (lane == 0)
        atomicMax(&of[set].error, bits);
}

cudaError_t dam_launch_bytes(const float *panels, int32_t N, int64_t M, int64_t sets,
                             struct dam_byte_patterns *of, int32_t *words, cudaStream_t stream)
{
    const int64_t per_set = divide_up(M, DAM_PANEL);
    const dim3 threads(DAM_CHAIN_WARPS * DAM_WARP);
    const cudaError_t error =
        cudaMemsetAsync(of, 0, static_cast<size_t>(sets) * sizeof *of, stream);

    if (error != cudaSuccess)
        return error;
    DAM_LAUNCH(find_largest, dim3(static_cast<unsigned>(sets * LARGEST_BLOCKS)), threads, 0, stream,
               panels, per_set * N * DAM_PANEL, of);
    DAM_LAUNCH(fill_bytes, blocks_for_warps(sets * per_set), threads, 0, stream, panels, N, M, sets,
               of, words);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
