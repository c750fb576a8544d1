/*
 * What the shim promises to whoever writes a kernel: a kernel that a device would run differently
 * from one time to the next ends the program, with a message that says why; shared memory begins as
 * NaN, asynchronous copies arrive when waited for, and launches that a device refuses are refused.
 */
#include "kernels/platform.h"

#include <cmath>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "../c/check.h"
}

struct memory {
    float v[64];
};

__global__ void leaves_before_barrier(float *)
{
    if (threadIdx.x != 5)
        __syncthreads();
}

__global__ void waits_at_two_places(float *)
{
    if (threadIdx.x < 32)
        __syncthreads();
    else
        __syncthreads();
}

__global__ void waits_for_a_warp_that_waits(float *)
{
    if (threadIdx.x == 0)
        __syncthreads();
    else
        __syncwarp();
}

__global__ void shuffles_without_lanes(float *out)
{
    if (threadIdx.x % 32 < 16)
        out[threadIdx.x] = __shfl_sync(0xffffu, out[threadIdx.x], 0);
}

__global__ void writes_beyond(float *)
{
    DAM_SHARED(memory, s);
    volatile float *v = s->v; /* not an index that a compiler can see */
    v[64 + threadIdx.x % 2] = 1.0f;
}

__global__ void ends_while_copying(float *out)
{
    DAM_SHARED(memory, s);
    dam_shim::copy_async(s->v, out, 16);
    dam_shim::copy_commit();
}

/* Correct: every thread passes a number on, twice, and adds all lanes. */
__global__ void behaves(float *out)
{
    DAM_SHARED(memory, s);
    const unsigned i = threadIdx.x;
    bool unset = std::isnan(s->v[i]);

    __syncthreads(); /* all have looked */
    s->v[i] = static_cast<float>(i);
    __syncthreads();
    float v = s->v[63 - i];
    __syncthreads();
    if (i % 4 == 0) {
        dam_shim::copy_async(&s->v[i], out, 16);
        dam_shim::copy_commit();
    }
    const bool before = i % 4 != 0 || s->v[i] == static_cast<float>(i); /* not there yet */
    if (i % 4 == 0)
        dam_shim::copy_wait(0);
    __syncthreads();
    const bool after = s->v[i / 4 * 4] == -1.0f;
    v += __shfl_xor_sync(0xffffffffu, v, 1);
    v += __shfl_down_sync(0xffffffffu, v, 2);
    const unsigned all = __ballot_sync(0xffffffffu, unset && before && after);
    out[64 + i] = all == 0xffffffffu ? v : -2.0f;
}

/* A block leaves, and the others wait for it. */
__global__ void leaves_others_waiting(float *out)
{
    if (blockIdx.x != 1 && threadIdx.x == 0)
        dam_shim::meet(reinterpret_cast<int *>(out), 3);
    __syncthreads();
}

/* Correct: blocks pass numbers on to each other, around a ring, three times. */
__global__ void passes_around(int *arrived, float *out)
{
    const unsigned next = (blockIdx.x + 1) % gridDim.x;

    for (int round = 1; round <= 3; round++) {
        const float v = out[64 * blockIdx.x + threadIdx.x];
        for (int i = 0; i < 2; i++) { /* all have read, then all have written */
            __syncthreads();
            if (threadIdx.x == 0)
                dam_shim::meet(arrived, (2 * round - 1 + i) * static_cast<int>(gridDim.x));
            __syncthreads();
            if (i == 0)
                out[64 * next + threadIdx.x] = v + 1;
        }
    }
}

typedef void kernel(float *);

/* The message with which a process that runs the kernel ends; empty if it does not. */
static std::string message_of(kernel *k, unsigned blocks, size_t shared, bool together)
{
    float all[128], *const out = all;
    std::string text;
    char some[512];
    int ends[2], status;

    for (float &v : all)
        v = -1.0f;
    fflush(nullptr);
    if (pipe(ends))
        return "no pipe";
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        if (together) {
            memset(all, 0, sizeof all);
            DAM_LAUNCH_TOGETHER(k, dim3(blocks), dim3(64), shared, nullptr, out);
        } else {
            DAM_LAUNCH(k, dim3(blocks), dim3(64), shared, nullptr, out);
        }
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], some, sizeof some)) > 0;)
        text.append(some, static_cast<size_t>(n));
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return "";
    return text.empty() ? "no message" : text;
}

static void expect(const char *name, kernel *k, unsigned blocks, size_t shared, const char *wanted,
                   bool together = false)
{
    for (unsigned order = 0; order < 3; order++) {
        dam_shim::order = order;
        const std::string text = message_of(k, blocks, shared, together);
        CHECK(text.find(wanted) != std::string::npos, "%s (order %u): \"%s\"", name, order,
              text.c_str());
    }
}

static void check_right_kernel()
{
    for (unsigned order = 0; order < 5; order++) {
        float all[128], *const out = all;
        long wrong = 0;
        for (float &v : all)
            v = -1.0f;
        dam_shim::order = order;
        DAM_LAUNCH(behaves, dim3(3), dim3(64), sizeof(memory), nullptr, out);
        for (unsigned i = 0; i < 64; i++) {
            const unsigned pair = i % 32 < 30 ? i + 2 : i;
            const float own = static_cast<float>(63 - i + 63 - (i ^ 1));
            const float other = static_cast<float>(63 - pair + 63 - (pair ^ 1));
            wrong += out[64 + i] != own + other;
        }
        CHECK(wrong == 0, "order %u: %ld threads are wrong", order, wrong);
    }
}

static void check_blocks_together()
{
    for (unsigned order = 0; order < 5; order++) {
        float all[5 * 64], *const out = all;
        int count = 0, *const arrived = &count;
        long wrong = 0;
        for (int i = 0; i < 5 * 64; i++)
            out[i] = static_cast<float>(1000 * (i / 64) + i % 64);
        dam_shim::order = order;
        DAM_LAUNCH_TOGETHER(passes_around, dim3(5), dim3(64), sizeof(memory), nullptr, arrived,
                            out);
        for (int i = 0; i < 5 * 64; i++)
            wrong += out[i] != static_cast<float>(1000 * ((i / 64 + 2) % 5) + i % 64 + 3);
        CHECK(wrong == 0, "order %u: %ld threads of blocks together are wrong", order, wrong);
        CHECK(count == 30, "order %u: %d came", order, count);
    }
}

int main()
{
    check_right_kernel();
    check_blocks_together();
    expect("leaves before a barrier", leaves_before_barrier, 1, 0, "divergent barrier");
    expect("waits at two places", waits_at_two_places, 1, 0, "different places");
    expect("waits for a warp", waits_for_a_warp_that_waits, 1, 0, "divergent barrier");
    expect("shuffles without lanes", shuffles_without_lanes, 1, 0, "without all 32 lanes");
#ifdef DAM_SHIM_ASAN
    expect("writes beyond", writes_beyond, 1, sizeof(memory), "use-after-poison");
#else
    expect("writes beyond", writes_beyond, 1, sizeof(memory), "beyond its end");
#endif
    expect("ends while copying", ends_while_copying, 1, sizeof(memory), "asynchronous copies");
    expect("leaves other blocks waiting", leaves_others_waiting, 3, 0, "blocks wait for others",
           true);
    expect("waits for blocks that do not run", leaves_others_waiting, 3, 0,
           "blocks wait for others");
    expect("more blocks than run together", behaves, 133, sizeof(memory), "refuse", true);
    expect("no blocks", behaves, 0, sizeof(memory), "refuse");
    expect("too much shared memory", behaves, 1, 49 << 10, "refuse");
    return check_finish();
}
