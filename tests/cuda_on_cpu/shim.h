/*
 * A CUDA device played by the CPU, so that kernels run and are tested where there is no GPU. It
 * holds what the kernels of cuda/ use of CUDA, and no more.
 *
 * Every CUDA thread is a fibre of one host thread: it runs until it waits at a barrier, then the
 * next one runs. DAMLUA_SHIM_ORDER (or dam_shim::order) chooses in which order threads and blocks
 * run: 0 ascending, 1 descending, 2 and more a permutation. Results must not depend on it. With
 * DAM_SHIM_THREADS every CUDA thread is a thread of the host, for ThreadSanitizer, and the blocks
 * of a launch run at the same time, as far as they are few.
 *
 * What CUDA leaves undefined ends the program with a message that names kernel, block and thread:
 * a barrier that not all threads reach, or reach at different places; blocks that wait for others
 * that will not come; a shuffle without all lanes; shared memory written beyond its end. Shared
 * memory is NaN when a block begins; an asynchronous copy arrives when it is waited for and not
 * before. Device memory is NaN when it is allocated.
 */
#ifndef DAM_SHIM_H
#define DAM_SHIM_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#ifdef DAM_SHIM_THREADS
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#else
#include <sys/mman.h>
#include <unistd.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define DAM_SHIM_ASAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DAM_SHIM_ASAN
#endif
#endif
#ifdef DAM_SHIM_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

/* ---- CUDA's types and words ---- */

struct uint3 {
    unsigned x, y, z;
};

struct dim3 {
    unsigned x, y, z;
    dim3(size_t vx = 1, size_t vy = 1, size_t vz = 1)
        : x(static_cast<unsigned>(vx)), y(static_cast<unsigned>(vy)), z(static_cast<unsigned>(vz))
    {
    }
};

struct alignas(16) float4 {
    float x, y, z, w;
};

enum cudaError_t { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorMemoryAllocation = 2 };

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __restrict__ __restrict
#define __launch_bounds__(...)

namespace dam_shim
{

[[noreturn]] inline void fail(const char *what);

constexpr unsigned WARP = 32;
constexpr size_t GUARD = 256; /* bytes behind shared memory that nobody may write */
constexpr unsigned char UNSET = 0xff;

/* A place in the source, to tell one barrier from another. */
struct place {
    const char *file;
    int line;
};

/* An asynchronous copy under way. */
struct copy {
    void *to;
    const void *from;
    size_t bytes, group;
};

/* What one CUDA thread knows. */
struct thread_state {
    uint3 index;
    unsigned rank; /* within the block */
    std::vector<copy> copies;
    size_t groups = 0; /* of copies, committed */
    unsigned exchanges = 0;
};

struct block_state;

/* The chosen order; read once from the environment. */
inline unsigned order_from_environment()
{
    const char *text = getenv("DAMLUA_SHIM_ORDER");
    return text ? static_cast<unsigned>(atoi(text)) : 0;
}
inline unsigned order = order_from_environment();

/* The i-th of n things to be run. */
inline size_t ordered(size_t i, size_t n)
{
    if (order == 0 || n < 2)
        return i;
    if (order == 1)
        return n - 1 - i;
    /* i -> a i + b mod n is a permutation when a and n have no common divisor */
    size_t a = (0x9e3779b97f4a7c15u * order >> 7) % n | 1;
    for (;; a++) {
        size_t p = a, q = n;
        while (q)
            p = std::exchange(q, p % q);
        if (p == 1 && (a % n > 1 || n < 5))
            break;
    }
    return (a % n * i + order * 7919u) % n;
}

/* The fault that is planted (cuda/kernels/platform.h). */
inline int plant = getenv("DAMLUA_SHIM_PLANT") ? atoi(getenv("DAMLUA_SHIM_PLANT")) : 0;

/* Blocks of a kernel that works from a queue. */
inline unsigned queue_blocks = 2;

/* What this device has: blocks that run together, and bytes of shared memory of such a block. A
 * launch may ask for as many as the largest device has. */
constexpr int CHIP_BLOCKS = 3;
constexpr size_t CHIP_SHARED = 96 << 10;
constexpr unsigned MOST_TOGETHER = 132;
constexpr size_t MOST_SHARED = 227 << 10;

} // namespace dam_shim

#ifdef DAM_SHIM_THREADS
#include "shim_threads.h"
#else
#include "shim_fibres.h"
#endif

namespace dam_shim
{

inline void *shared_memory()
{
    return here()->shared;
}

/* A stream. A lazy one does nothing before it has to: until somebody waits for it. */
struct stream_state {
    bool lazy = false;
    std::deque<std::function<void()>> work;
    size_t given = 0, done = 0;
};

/* Does the stream's work, the first `count` pieces that it was ever given. */
inline void drain(void *stream, size_t count = SIZE_MAX)
{
    stream_state *s = static_cast<stream_state *>(stream);

    while (s && !s->work.empty() && s->done < count) {
        const std::function<void()> next = std::move(s->work.front());
        s->work.pop_front();
        s->done++;
        next();
    }
}

/* Work for a stream; done at once when it is not lazy. */
inline void give(void *stream, const std::function<void()> &work)
{
    stream_state *s = static_cast<stream_state *>(stream);

    if (!s || !s->lazy) {
        work();
        return;
    }
    s->work.push_back(work);
    s->given++;
}

/* Runs a kernel, when its turn comes. Refuses what a device would refuse. */
template <class F>
inline int launch(dim3 grid, dim3 block, size_t shared, void *stream, const F &kernel)
{
    const std::function<void()> body = kernel;

    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || block.x * block.y * block.z == 0 ||
        block.x * block.y * block.z > 1024 || grid.y > 65535 || grid.z > 65535 || shared > 48 << 10)
        fail("a launch that CUDA would refuse");
    give(stream, [=] { run_grid(grid, block, shared, body, false); });
    return 0;
}

/* The same where all blocks run at the same time. */
template <class F>
inline cudaError_t launch_together(dim3 grid, dim3 block, size_t shared, void *stream,
                                   const F &kernel)
{
    const std::function<void()> body = kernel;

    if (grid.x == 0 || grid.y != 1 || grid.z != 1 || block.x * block.y * block.z == 0 ||
        block.x * block.y * block.z > 1024 || grid.x > MOST_TOGETHER || shared > MOST_SHARED)
        fail("a launch that CUDA would refuse");
    give(stream, [=] { run_grid(grid, block, shared, body, true); });
    return cudaSuccess;
}

/* One thread of a block waits for those of others: until `due` have come to *arrived. */
inline void meet(int *arrived, int due)
{
    __atomic_fetch_add(arrived, 1, __ATOMIC_ACQ_REL);
    came();
    while (static_cast<int>(static_cast<unsigned>(__atomic_load_n(arrived, __ATOMIC_ACQUIRE)) -
                            static_cast<unsigned>(due)) < 0)
        pause();
}

/* Exchanges one value per lane of a warp; the result is `source`'s. */
template <class T> inline T exchange(unsigned mask, T value, unsigned source, place at)
{
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
    block_state *b = here();
    thread_state *t = self();
    const unsigned warp = t->rank / WARP, lanes = warp_lanes(b, warp);
    uint64_t *slot = b->slots.data() + (2 * warp + (t->exchanges++ & 1)) * WARP;
    T result;

    if (mask != 0xffffffffu || lanes != WARP)
        fail("a warp operation without all 32 lanes");
    memcpy(slot + t->rank % WARP, &value, sizeof value);
    wait_warp(at);
    memcpy(&result, slot + source % WARP, sizeof result);
    return result;
}

/* The bits of all lanes' conditions. */
inline unsigned ballot(unsigned mask, bool condition, place at)
{
    block_state *b = here();
    thread_state *t = self();
    const unsigned warp = t->rank / WARP;
    uint64_t *slot = b->slots.data() + (2 * warp + (t->exchanges++ & 1)) * WARP;
    unsigned bits = 0;

    if (mask != 0xffffffffu || warp_lanes(b, warp) != WARP)
        fail("a warp operation without all 32 lanes");
    slot[t->rank % WARP] = condition;
    wait_warp(at);
    for (unsigned i = 0; i < WARP; i++)
        bits |= static_cast<unsigned>(slot[i]) << i;
    return bits;
}

/* Asynchronous copies, cp.async: they arrive when waited for. */
inline void copy_async(void *to, const void *from, size_t bytes)
{
    self()->copies.push_back({to, from, bytes, self()->groups});
}

inline void copy_commit()
{
    self()->groups++;
}

/* Waits until at most `pending` of the last committed groups are under way. */
inline void copy_wait(size_t pending)
{
    thread_state *t = self();
    size_t kept = 0;

    for (const copy &c : t->copies) {
        if (c.group + pending < t->groups)
            memcpy(c.to, c.from, c.bytes);
        else
            t->copies[kept++] = c;
    }
    t->copies.resize(kept);
}

} // namespace dam_shim

#define threadIdx (dam_shim::self()->index)
#define blockIdx (dam_shim::here()->index)
#define blockDim (dam_shim::here()->block)
#define gridDim (dam_shim::here()->grid)

#define DAM_SHIM_HERE (dam_shim::place{__FILE__, __LINE__})
#define __syncthreads() dam_shim::wait_block(DAM_SHIM_HERE)
#define __syncwarp(...) dam_shim::wait_warp(DAM_SHIM_HERE)
#define __shfl_sync(mask, v, lane) \
    dam_shim::exchange(mask, v, static_cast<unsigned>(lane), DAM_SHIM_HERE)
#define __shfl_xor_sync(mask, v, bits)                                                     \
    dam_shim::exchange(mask, v, dam_shim::self()->rank % 32 ^ static_cast<unsigned>(bits), \
                       DAM_SHIM_HERE)
/* as CUDA: a lane whose source would lie beyond the warp keeps its own value */
#define __shfl_down_sync(mask, v, by)                                                \
    dam_shim::exchange(mask, v,                                                      \
                       dam_shim::self()->rank % 32 + static_cast<unsigned>(by) < 32  \
                           ? dam_shim::self()->rank % 32 + static_cast<unsigned>(by) \
                           : dam_shim::self()->rank % 32,                            \
                       DAM_SHIM_HERE)
#define __ballot_sync(mask, condition) dam_shim::ballot(mask, condition, DAM_SHIM_HERE)

static inline int __popc(unsigned v)
{
    return __builtin_popcount(v);
}

static inline int atomicAdd(int *at, int v)
{
    return __atomic_fetch_add(at, v, __ATOMIC_RELAXED);
}

/* The products of four bytes each, and c. */
static inline int __dp4a(int a, int b, int c)
{
    for (int i = 0; i < 4; i++)
        c += static_cast<int8_t>(a >> 8 * i) * static_cast<int8_t>(b >> 8 * i);
    return c;
}

/* The larger or smaller of what is there and v. */
static inline int atomicMax(int *at, int v)
{
    int old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (v > old &&
           !__atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return old;
}

static inline int atomicMin(int *at, int v)
{
    int old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (v < old &&
           !__atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return old;
}

/* ---- the part of the runtime library that is not launches ---- */

typedef void *cudaStream_t;

static inline cudaError_t cudaGetLastError()
{
    return cudaSuccess;
}

static inline cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    dam_shim::give(stream, [=] { memset(to, value, bytes); });
    return cudaSuccess;
}

#endif
