/*
 * CUDA threads as threads of the host (shim.h), for ThreadSanitizer: whatever two CUDA threads do
 * to the same memory without a barrier between them is a race of two threads. The blocks of a
 * launch run at the same time while they are few, so that races between blocks are seen as well.
 */
#ifndef DAM_SHIM_THREADS_H
#define DAM_SHIM_THREADS_H

namespace dam_shim
{

constexpr size_t THREADS_AT_A_TIME = 512;

class barrier
{
  public:
    explicit barrier(unsigned needed) : needed(needed) {}

    void wait()
    {
        std::unique_lock<std::mutex> lock(mutex);
        const unsigned mine = generation;
        if (++arrived == needed) {
            arrived = 0;
            generation++;
            everybody.notify_all();
        } else {
            everybody.wait(lock, [&] { return generation != mine; });
        }
    }

  private:
    std::mutex mutex;
    std::condition_variable everybody;
    unsigned needed, arrived = 0, generation = 0;
};

struct block_state {
    uint3 index;
    dim3 grid, block;
    void *shared = nullptr;
    std::vector<uint64_t> slots;
    unsigned threads = 0;
    std::vector<thread_state> states;
    std::vector<std::unique_ptr<barrier>> warps;
    std::unique_ptr<barrier> all;
};

inline thread_local block_state *block_here = nullptr;
inline thread_local thread_state *thread_here = nullptr;

inline block_state *here()
{
    return block_here;
}

inline thread_state *self()
{
    return thread_here;
}

[[noreturn]] inline void fail(const char *what)
{
    fprintf(stderr, "cuda-on-cpu: %s\n", what);
    abort();
}

inline unsigned warp_lanes(const block_state *b, unsigned warp)
{
    return b->threads - warp * WARP < WARP ? b->threads - warp * WARP : WARP;
}

inline void wait_block(place)
{
    block_here->all->wait();
}

inline void wait_warp(place)
{
    block_here->warps[thread_here->rank / WARP]->wait();
}

/* A block that waits for others. */
inline void pause()
{
    std::this_thread::sleep_for(std::chrono::microseconds(50)); /* to others, which are many */
}

inline void came() {}

inline void prepare(block_state *b, dim3 grid, dim3 block, size_t number, size_t shared)
{
    b->grid = grid;
    b->block = block;
    b->index = {static_cast<unsigned>(number % grid.x),
                static_cast<unsigned>(number / grid.x % grid.y),
                static_cast<unsigned>(number / grid.x / grid.y)};
    b->threads = block.x * block.y * block.z;
    b->states.resize(b->threads);
    b->all = std::make_unique<barrier>(b->threads);
    for (unsigned w = 0; w * WARP < b->threads; w++)
        b->warps.push_back(std::make_unique<barrier>(warp_lanes(b, w)));
    b->slots.resize(b->warps.size() * 2 * WARP);
    b->shared = malloc(shared + 1);
    if (!b->shared)
        fail("no memory for shared memory");
    memset(b->shared, UNSET, shared);
    for (unsigned i = 0; i < b->threads; i++) {
        b->states[i].rank = i;
        b->states[i].index = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    }
}

inline void run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()> &body,
                     bool all)
{
    const size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;
    const size_t threads = block.x * block.y * block.z;
    const size_t few = threads < THREADS_AT_A_TIME ? THREADS_AT_A_TIME / threads : 1;
    const size_t together = all ? blocks : few;

    for (size_t first = 0; first < blocks; first += together) {
        const size_t n = blocks - first < together ? blocks - first : together;
        std::vector<block_state> group(n);
        std::vector<std::thread> running;
        for (size_t i = 0; i < n; i++) {
            block_state *b = &group[i];
            prepare(b, grid, block, first + i, shared);
            for (unsigned t = 0; t < b->threads; t++)
                running.emplace_back([b, t, &body] {
                    block_here = b;
                    thread_here = &b->states[t];
                    body();
                });
        }
        for (std::thread &t : running)
            t.join();
        for (block_state &b : group)
            free(b.shared);
    }
}

} // namespace dam_shim

#endif
