/*
 * The part of the CUDA runtime that the backend calls, for kernels that are executed on the CPU
 * (device "cuda-on-cpu"). One device, whose memory is the host's; work is done at once, so streams
 * and events are in order by themselves. New memory holds NaN.
 *
 * For tests: DAMLUA_TEST_CUDA_MEMORY is the device's memory in bytes (default 1 GiB), and
 * DAMLUA_TEST_CUDA_FAULT = KIND:N, with KIND malloc, copy, launch or wait, makes the N-th such call
 * of the process fail; KIND:N+ that one and all later ones of its kind; KIND:N! that one and then
 * every call, as on a device whose context is broken.
 */
#ifndef DAM_CUDA_RUNTIME_ON_CPU_H
#define DAM_CUDA_RUNTIME_ON_CPU_H

#include <stdlib.h>
#include <string.h>

#define cudaErrorInvalidDevice static_cast<cudaError_t>(101)
#define cudaErrorLaunchFailure static_cast<cudaError_t>(719)

enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };
typedef int cudaEvent_t;

#define cudaStreamNonBlocking 1
#define cudaEventDisableTiming 2

namespace dam_runtime
{

enum kind { MALLOC, COPY, LAUNCH, WAIT, KINDS };

/* The fault that is asked for, and the calls so far. */
struct plan {
    int kind = KINDS;
    long at = 0;
    char then = 0; /* '+' or '!' */
    long calls[KINDS] = {0, 0, 0, 0};
    bool broken = false;
    size_t total = static_cast<size_t>(1) << 30, used = 0;

    plan()
    {
        static const char *const names[KINDS] = {"malloc", "copy", "launch", "wait"};
        const char *fault = getenv("DAMLUA_TEST_CUDA_FAULT");
        const char *memory = getenv("DAMLUA_TEST_CUDA_MEMORY");
        const char *colon = fault ? strchr(fault, ':') : nullptr;
        char *end;

        if (memory)
            total = static_cast<size_t>(strtoull(memory, nullptr, 10));
        for (int k = 0; colon && k < KINDS; k++)
            if (strlen(names[k]) == static_cast<size_t>(colon - fault) &&
                strncmp(names[k], fault, strlen(names[k])) == 0) {
                kind = k;
                at = strtol(colon + 1, &end, 10);
                then = *end;
            }
    }
};

inline plan &the_plan()
{
    static plan p;
    return p;
}

/* Whether this call is to fail. */
inline bool fails(kind k)
{
    plan &p = the_plan();
    const long n = ++p.calls[k];

    if (p.kind == k && (n == p.at || (p.then == '+' && n > p.at)))
        p.broken |= p.then == '!';
    else if (!p.broken)
        return false;
    return true;
}

inline cudaError_t result(kind k)
{
    return fails(k) ? cudaErrorLaunchFailure : cudaSuccess;
}

inline cudaError_t launched(cudaError_t code)
{
    const cudaError_t injected = result(LAUNCH);
    return code == cudaSuccess ? injected : code;
}

/* In front of every block: its size, padded so that the block stays aligned. */
constexpr size_t HEADER = 256;

} // namespace dam_runtime

static inline cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return cudaSuccess;
}

static inline cudaError_t cudaSetDevice(int number)
{
    return number == 0 ? cudaSuccess : cudaErrorInvalidDevice;
}

static inline cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    const dam_runtime::plan &p = dam_runtime::the_plan();

    *total = p.total;
    *available = p.used < p.total ? p.total - p.used : 0;
    return p.broken ? cudaErrorLaunchFailure : cudaSuccess;
}

static inline cudaError_t cudaDeviceSynchronize()
{
    return dam_runtime::the_plan().broken ? cudaErrorLaunchFailure : cudaSuccess;
}

static inline cudaError_t cudaMalloc(void **out, size_t bytes)
{
    dam_runtime::plan &p = dam_runtime::the_plan();
    const size_t rounded = (bytes + 255) / 256 * 256;
    void *memory = nullptr;

    *out = nullptr;
    if (dam_runtime::fails(dam_runtime::MALLOC))
        return p.broken ? cudaErrorLaunchFailure : cudaErrorMemoryAllocation;
    if (p.used > p.total || rounded > p.total - p.used ||
        posix_memalign(&memory, 256, dam_runtime::HEADER + rounded) != 0)
        return cudaErrorMemoryAllocation;
    memcpy(memory, &rounded, sizeof rounded);
    *out = static_cast<char *>(memory) + dam_runtime::HEADER;
    memset(*out, 0xff, rounded);
    p.used += rounded;
    return cudaSuccess;
}

static inline cudaError_t cudaFree(void *p)
{
    size_t bytes;

    if (!p)
        return cudaSuccess;
    p = static_cast<char *>(p) - dam_runtime::HEADER;
    memcpy(&bytes, p, sizeof bytes);
    dam_runtime::the_plan().used -= bytes;
    free(p);
    return cudaSuccess;
}

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                                          cudaStream_t)
{
    if (dam_runtime::fails(dam_runtime::COPY))
        return cudaErrorLaunchFailure;
    memcpy(to, from, bytes);
    return cudaSuccess;
}

static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned)
{
    *out = nullptr;
    return dam_runtime::result(dam_runtime::WAIT);
}

static inline cudaError_t cudaStreamSynchronize(cudaStream_t)
{
    return dam_runtime::result(dam_runtime::WAIT);
}

static inline cudaError_t cudaStreamDestroy(cudaStream_t)
{
    return cudaSuccess;
}

static inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned)
{
    return cudaSuccess;
}

static inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned)
{
    *out = 0;
    return cudaSuccess;
}

static inline cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t)
{
    return cudaSuccess;
}

static inline cudaError_t cudaEventDestroy(cudaEvent_t)
{
    return cudaSuccess;
}

static inline const char *cudaGetErrorName(cudaError_t code)
{
    return code == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation"
           : code == cudaErrorLaunchFailure  ? "cudaErrorLaunchFailure"
                                             : "cudaErrorInvalidDevice";
}

static inline const char *cudaGetErrorString(cudaError_t code)
{
    return code == cudaErrorMemoryAllocation ? "out of memory"
           : code == cudaErrorLaunchFailure  ? "unspecified launch failure"
                                             : "invalid device ordinal";
}

#endif
