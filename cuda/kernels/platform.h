/*
 * One source, two machines. Under nvcc these are CUDA's own words; elsewhere the shim plays the
 * device on the CPU (tests/cuda_on_cpu/shim.h). Launches, shared memory and asynchronous copies go
 * through macros, because C++ has no words for them.
 *   DAM_LAUNCH(kernel, grid, block, shared bytes, stream, arguments...)
 *   DAM_LAUNCH_TOGETHER(same)  all blocks run at the same time, so they can wait for each other;
 *                              more shared memory than others, if the device has it; an expression
 *                              with the cudaError_t of the launch
 *   DAM_SHARED(type, name)   `name` points to the block's shared memory, taken as a `type`
 * Shared memory is always dynamic, so that the shim can fill it with NaN before a block begins.
 */
#ifndef DAM_CUDA_PLATFORM_H
#define DAM_CUDA_PLATFORM_H

#ifdef __CUDACC__

#include <cstdint>
#include <type_traits>

#include <cuda_runtime.h>

#define DAM_CUDA_NAMESPACE dam_cuda

#define DAM_LAUNCH(kernel, grid, block, shared, stream, ...) \
    kernel<<<grid, block, shared, stream>>>(__VA_ARGS__)

#define DAM_LAUNCH_TOGETHER(kernel, grid, block, shared, stream, ...) \
    dam_cuda::launch_together(kernel, grid, block, shared, stream, __VA_ARGS__)

namespace dam_cuda
{

template <class... P>
static inline cudaError_t launch_together(void (*kernel)(P...), dim3 grid, dim3 block,
                                          size_t shared, cudaStream_t stream,
                                          typename std::common_type<P>::type... argument)
{
    void *list[] = {&argument...};
    const void *function = reinterpret_cast<const void *>(kernel);
    const cudaError_t error = cudaFuncSetAttribute(
        function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));

    return error != cudaSuccess
               ? error
               : cudaLaunchCooperativeKernel(function, grid, block, list, shared, stream);
}

/*
 * One thread of each block of a crew comes here; returns when `due` of them have come since
 * *arrived was 0. What the blocks have written before is then seen by all.
 */
static __device__ __forceinline__ void meet(int32_t *arrived, int32_t due)
{
    __threadfence();
    atomicAdd(arrived, 1);
    while (static_cast<int32_t>(static_cast<uint32_t>(*static_cast<volatile int32_t *>(arrived)) -
                                static_cast<uint32_t>(due)) < 0)
        ;
    __threadfence();
}

} // namespace dam_cuda

#define DAM_SHARED(type, name)                                         \
    extern __shared__ __align__(16) unsigned char dam_shared_memory[]; \
    type *name = reinterpret_cast<type *>(dam_shared_memory)

#else

#include "shim.h"

#define DAM_CUDA_NAMESPACE dam_cuda_on_cpu

#define DAM_LAUNCH(kernel, grid, block, shared, stream, ...) \
    dam_shim::launch(grid, block, shared, stream, [=] { kernel(__VA_ARGS__); })

#define DAM_LAUNCH_TOGETHER(kernel, grid, block, shared, stream, ...) \
    dam_shim::launch_together(grid, block, shared, stream, [=] { kernel(__VA_ARGS__); })

namespace dam_cuda_on_cpu
{
using dam_shim::meet;
}

#define DAM_SHARED(type, name) type *name = static_cast<type *>(dam_shim::shared_memory())

#endif

/* Faults that tests plant, to see that they are noticed (DAMLUA_SHIM_PLANT); by the shim alone:
 * nothing of this is in code for GPUs. */
#ifdef __CUDACC__
#define DAM_PLANTED(n) 0
#else
#define DAM_PLANTED(n) (dam_shim::plant == (n))
#endif
#define DAM_PLANT_DOUBT 100
#define DAM_UNLESS_PLANTED(n) if (!DAM_PLANTED(n))

#endif
