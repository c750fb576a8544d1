/*
 * The backend of CUDA devices: kernels.h does the work; devices.h keeps memory and errors, room.h
 * what a sampler has on a device. The same source makes two backends: nvcc compiles "cuda", and a
 * C++ compiler, over tests/cuda_on_cpu/shim.h, "cuda-on-cpu", whose device is the CPU.
 */
#include "room.h"

#ifdef DAM_CUDA_ON_CPU
#define BACKEND dam_backend_cuda_on_cpu
#else
#define BACKEND dam_backend_cuda
#endif

/* in the order of struct dam_backend */
const dam_backend BACKEND = {
    DAM_CUDA_KIND,
    DAM_CUDA_NAMESPACE::probe,
    DAM_CUDA_NAMESPACE::open_room,
    DAM_CUDA_NAMESPACE::close_room,
    DAM_CUDA_NAMESPACE::alloc,
    DAM_CUDA_NAMESPACE::trim,
    DAM_CUDA_NAMESPACE::make_patterns,
    DAM_CUDA_NAMESPACE::upload,
    DAM_CUDA_NAMESPACE::energies,
    DAM_CUDA_NAMESPACE::step_many,
    DAM_CUDA_NAMESPACE::sync,
    DAM_CUDA_NAMESPACE::download,
    DAM_CUDA_NAMESPACE::last_error,
    DAM_CUDA_NAMESPACE::share,
    DAM_CUDA_NAMESPACE::ceilings,
};
