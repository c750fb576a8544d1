/*
 * The part of the CUDA runtime that the backend calls, for kernels that are executed on the CPU
 * (device "cuda-on-cpu"). One device, whose memory is the host's. New memory holds NaN.
 *
 * For tests: DAMLUA_TEST_CUDA_STREAMS chooses which streams are lazy and do their work when
 * somebody waits for it, the others at once: 0 none (the default), 1 those made first, third .., 2
 * the others, 3 all. What is right under each does not rest on who is faster.
 * DAMLUA_TEST_CUDA_MEMORY is the device's memory in bytes (default 1 GiB), and
 * DAMLUA_TEST_CUDA_FAULT = KIND:N, with KIND malloc, copy, launch or wait, makes the N-th such call
 * of the process fail; KIND:N+ that one and all later ones of its kind; KIND:N! that one and then
 * every call, as on a device whose context is broken.
 */
#ifndef DAM_CUDA_RUNTIME_ON_CPU_H
#define DAM_CUDA_RUNTIME_ON_CPU_H

#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <chrono>
#include <vector>

#define cudaErrorInvalidDevice static_cast<cudaError_t>(101)
#define cudaErrorLaunchFailure static_cast<cudaError_t>(719)

enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost };

#define cudaStreamNonBlocking 1
#define cudaEventDefault 0
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

/* A place in a stream's work, and when it was reached. */
struct event {
    dam_shim::stream_state *of = nullptr;
    size_t after = 0;
    std::chrono::steady_clock::time_point at;
};

inline std::vector<dam_shim::stream_state *> &streams()
{
    static std::vector<dam_shim::stream_state *> all;
    return all;
}

inline void drain_all()
{
    for (dam_shim::stream_state *s : streams())
        dam_shim::drain(s);
}

/* In front of every block: its size, padded so that the block stays aligned. */
constexpr size_t HEADER = 256;

} // namespace dam_runtime

typedef dam_runtime::event *cudaEvent_t;

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
    dam_runtime::drain_all();
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
    dam_runtime::drain_all();
    p = static_cast<char *>(p) - dam_runtime::HEADER;
    memcpy(&bytes, p, sizeof bytes);
    dam_runtime::the_plan().used -= bytes;
    free(p);
    return cudaSuccess;
}

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                                          cudaStream_t stream)
{
    if (dam_runtime::fails(dam_runtime::COPY))
        return cudaErrorLaunchFailure;
    dam_shim::drain(stream); /* as with host memory that is not pinned */
    memcpy(to, from, bytes);
    return cudaSuccess;
}

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned)
{
    static int made = 0;
    const char *lazy = getenv("DAMLUA_TEST_CUDA_STREAMS");
    dam_shim::stream_state *s;

    *out = nullptr;
    if (dam_runtime::fails(dam_runtime::WAIT))
        return cudaErrorLaunchFailure;
    s = new dam_shim::stream_state;
    s->lazy = lazy && atoi(lazy) >> made++ % 2 & 1;
    dam_runtime::streams().push_back(s);
    *out = s;
    return cudaSuccess;
}

static inline cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    dam_shim::drain(stream);
    return dam_runtime::result(dam_runtime::WAIT);
}

static inline cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    std::vector<dam_shim::stream_state *> &all = dam_runtime::streams();

    dam_runtime::drain_all(); /* others may wait for what it does */
    all.erase(std::remove(all.begin(), all.end(), stream), all.end());
    delete static_cast<dam_shim::stream_state *>(stream);
    return cudaSuccess;
}

static inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    const dam_runtime::event e = *event;

    dam_shim::give(stream, [e] { dam_shim::drain(e.of, e.after); });
    return cudaSuccess;
}

static inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned)
{
    *out = new dam_runtime::event;
    return cudaSuccess;
}

static inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    event->of = static_cast<dam_shim::stream_state *>(stream);
    dam_shim::give(stream, [event] { event->at = std::chrono::steady_clock::now(); });
    event->after = event->of->given;
    return dam_runtime::result(dam_runtime::WAIT);
}

static inline cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from,
                                               cudaEvent_t to)
{
    *milliseconds = std::chrono::duration<float, std::milli>(to->at - from->at).count();
    return dam_runtime::result(dam_runtime::WAIT);
}

static inline cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
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
