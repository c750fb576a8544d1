/*
 * What a device can do at best, for benchmarks to compare with: multiply-adds in single precision
 * with all numbers in registers, and a copy from device memory to device memory.
 */
#include "common.h"

namespace DAM_CUDA_NAMESPACE
{

#define THREADS 256
#define CHAINS 16  /* of multiply-adds that do not wait for each other, in a thread, */
#define LENGTH 256 /* and multiply-adds of each in a round */

__global__ void multiply_adds(float *out, int32_t rounds)
{
    const float factor = 1.0f - 0x1p-20f * static_cast<float>(threadIdx.x);
    float v[CHAINS];

#pragma unroll
    for (int32_t i = 0; i < CHAINS; i++)
        v[i] = static_cast<float>(i);
    for (int32_t round = 0; round < rounds; round++)
#pragma unroll 4
        for (int32_t n = 0; n < LENGTH; n++)
#pragma unroll
            for (int32_t i = 0; i < CHAINS; i++)
                v[i] = multiply_add(v[i], factor, 0.5f);
#pragma unroll
    for (int32_t i = 1; i < CHAINS; i++)
        v[0] += v[i];
    out[static_cast<int64_t>(blockIdx.x) * THREADS + threadIdx.x] = v[0];
}

__global__ void copy_singles(float4 *to, const float4 *from, int64_t fours)
{
    for (int64_t i = static_cast<int64_t>(blockIdx.x) * THREADS + threadIdx.x; i < fours;
         i += static_cast<int64_t>(gridDim.x) * THREADS)
        to[i] = from[i];
}

double dam_multiply_adds(int32_t blocks, int32_t rounds)
{
    return static_cast<double>(blocks) * THREADS * CHAINS * LENGTH * rounds;
}

cudaError_t dam_launch_multiply_adds(float *out, int32_t blocks, int32_t rounds,
                                     cudaStream_t stream)
{
    DAM_LAUNCH(multiply_adds, dim3(static_cast<unsigned>(blocks)), dim3(THREADS), 0, stream, out,
               rounds);
    return cudaGetLastError();
}

cudaError_t dam_launch_copy(float *to, const float *from, int64_t singles, int32_t blocks,
                            cudaStream_t stream)
{
    DAM_LAUNCH(copy_singles, dim3(static_cast<unsigned>(blocks)), dim3(THREADS), 0, stream,
               reinterpret_cast<float4 *>(to), reinterpret_cast<const float4 *>(from), singles / 4);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
