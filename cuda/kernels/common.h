/*
 * What several kernels share: places of things in a wave, sums of a warp in the order of the
 * headers in src/, and the verdict on a proposal.
 */
#ifndef DAM_CUDA_COMMON_H
#define DAM_CUDA_COMMON_H

#include "../kernels.h"

#define DAM_WARP 32
#define DAM_FULL_WARP 0xffffffffu

namespace DAM_CUDA_NAMESPACE
{

typedef dam_device_wave wave;

/* a b + s where a b is exact in double: fused or not gives the same bits. */
static __device__ __forceinline__ double multiply_add_exact(double a, double b, double s)
{
#ifdef __CUDA_ARCH__
    return fma(a, b, s);
#else
    return s + a * b;
#endif
}

/* a b + s, rounded once (twice in a row on the CPU, which changes it by 2^-53 of itself more). */
static __device__ __forceinline__ float multiply_add(float a, float b, float s)
{
#ifdef __CUDA_ARCH__
    return __fmaf_rn(a, b, s);
#else
    return static_cast<float>(static_cast<double>(a) * b + s);
#endif
}

static __host__ __device__ __forceinline__ int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* Whether the single precision pass gets only what other tiers leave open (gather.cu). */
static __host__ __device__ __forceinline__ bool gathers(const wave &w)
{
    return w.lists || w.coarse;
}

static __host__ __device__ __forceinline__ int64_t blocks_of(const wave &w)
{
    return divide_up(w.M, DAM_BLOCK);
}

/* Adds lanes 0 .. DAM_LANES - 1 of a warp as dam_add_lanes does; all lanes get the sum. */
static __device__ __forceinline__ double warp_add_lanes(double v)
{
    for (int by = DAM_LANES / 2; by > 0; by /= 2)
        v += __shfl_down_sync(DAM_FULL_WARP, v, by);
    return __shfl_sync(DAM_FULL_WARP, v, 0);
}

/* Adds the 32 lanes of a warp; all lanes get the sum. */
static __device__ __forceinline__ double warp_sum(double v)
{
    for (int bits = DAM_WARP / 2; bits > 0; bits /= 2)
        v += __shfl_xor_sync(DAM_FULL_WARP, v, bits);
    return v;
}

/* Adds the 32 lanes of a warp as dam_add_panel_lanes does; lane 0 has the sum. */
static __device__ __forceinline__ double warp_add_panel_lanes(double v)
{
    for (int by = DAM_PANEL / 2; by > 0; by /= 2)
        v += __shfl_down_sync(DAM_FULL_WARP, v, by);
    return v;
}

static __device__ __forceinline__ double warp_maximum(double v)
{
    for (int bits = DAM_WARP / 2; bits > 0; bits /= 2) {
        const double other = __shfl_xor_sync(DAM_FULL_WARP, v, bits);
        v = other > v ? other : v;
    }
    return v;
}

/* What is certain of a proposal: what the ends of intervals decide, the reference decides too. */
static __device__ __forceinline__ int32_t judge(dam_interval now, dam_interval next,
                                                double threshold)
{
    if (next.low - now.high > threshold)
        return DAM_ACCEPTED;
    return next.high - now.low <= threshold ? DAM_REJECTED : DAM_UNDECIDED;
}

static __device__ __forceinline__ dam_interval intersection(dam_interval a, dam_interval b)
{
    return {a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

/* x.y of a warp in DAM_LANES lanes (sphere.h); all lanes get it. */
static __device__ __forceinline__ double warp_dot(int32_t N, const float *x, const float *y)
{
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);
    double sum = 0;

    if (lane < DAM_LANES)
        for (int32_t k = lane; k < N; k += DAM_LANES)
            sum = multiply_add_exact(x[k], y[k], sum);
    return warp_add_lanes(sum);
}

/* Warps of a block in kernels that give each chain a warp, and blocks for n of them. */
#define DAM_CHAIN_WARPS 4
static inline dim3 blocks_for_warps(int64_t n)
{
    return dim3(static_cast<unsigned>(divide_up(n, DAM_CHAIN_WARPS)));
}

/* Number of this warp in such a launch. */
static __device__ __forceinline__ int64_t warp_number()
{
    return static_cast<int64_t>(blockIdx.x) * DAM_CHAIN_WARPS + threadIdx.x / DAM_WARP;
}

} // namespace DAM_CUDA_NAMESPACE

#endif
