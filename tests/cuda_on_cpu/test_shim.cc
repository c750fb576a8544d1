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

typedef void kernel(float *);

/* The message with which a process that runs the kernel ends; empty if it does not. */
static std::string message_of(kernel *k, unsigned blocks, size_t shared)
{
    float out[128];
    std::string text;
    char some[512];
    int ends[2], status;

    for (float &v : out)
        v = -1.0f;
    fflush(nullptr);
    if (pipe(ends))
        return "no pipe";
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        DAM_LAUNCH(k, dim3(blocks), dim3(64), shared, nullptr, out);
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

static void expect(const char *name, kernel *k, unsigned blocks, size_t shared, const char *wanted)
{
    for (unsigned order = 0; order < 3; order++) {
        dam_shim::order = order;
        const std::string text = message_of(k, blocks, shared);
        CHECK(text.find(wanted) != std::string::npos, "%s (order %u): \"%s\"", name, order,
              text.c_str());
    }
}

static void check_right_kernel()
{
    for (unsigned order = 0; order < 5; order++) {
        float out[128];
        long wrong = 0;
        for (float &v : out)
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

int main()
{
    check_right_kernel();
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
    expect("no blocks", behaves, 0, sizeof(memory), "refuse");
    expect("too much shared memory", behaves, 1, 49 << 10, "refuse");
    return check_finish();
}
