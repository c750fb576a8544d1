/*
 * CUDA threads as fibres of one host thread (shim.h). A fibre runs until it waits or ends; then the
 * next one that can run does. So each run is the same as the last one, and when nobody can run the
 * barriers diverge.
 */
#ifndef DAM_SHIM_FIBRES_H
#define DAM_SHIM_FIBRES_H

namespace dam_shim
{

/* Threads that have come to a barrier; those that wait leave when the generation changes. */
struct barrier {
    unsigned arrived = 0, generation = 0;
    place at = {nullptr, 0};
};

constexpr size_t ABANDONED = 8192; /* of a stack, at most, when its fibre ends */

enum fibre_phase { READY, WAITING, ENDED };

struct fibre : thread_state {
    void *stack = nullptr; /* where its registers lie while it does not run */
    fibre_phase phase = READY;
    barrier *waits = nullptr;
    unsigned generation = 0;
#ifdef DAM_SHIM_ASAN
    void *fake = nullptr;
#endif
#if !defined(__x86_64__)
    ucontext_t context;
#endif
};

struct block_state {
    uint3 index;
    dim3 grid, block;
    void *shared = nullptr;
    std::vector<uint64_t> slots;
    unsigned threads = 0, ended = 0;
    std::vector<fibre> fibres;
    std::vector<unsigned> sequence; /* the order of the threads */
    std::vector<unsigned> position; /* of a thread in it */
    std::vector<barrier> warps;
    barrier all;
    const std::function<void()> *body = nullptr;
    fibre *running = nullptr;
    fibre host;
#ifdef DAM_SHIM_ASAN
    /* the stack of whoever launched */
    const void *host_bottom = nullptr;
    size_t host_size = 0;
#endif
};

inline thread_local block_state *block_here = nullptr;

inline block_state *here()
{
    return block_here;
}

inline thread_state *self()
{
    return block_here->running;
}

[[noreturn]] inline void fail(const char *what)
{
    const block_state *b = block_here;

    if (b && b->running)
        fprintf(stderr, "cuda-on-cpu: %s (block %u %u %u, thread %u)\n", what, b->index.x,
                b->index.y, b->index.z, b->running->rank);
    else
        fprintf(stderr, "cuda-on-cpu: %s\n", what);
    abort();
}

inline unsigned warp_lanes(const block_state *b, unsigned warp)
{
    return b->threads - warp * WARP < WARP ? b->threads - warp * WARP : WARP;
}

/* Stacks of one host thread's fibres, with an unmapped page below each. */
struct stacks {
    static constexpr size_t SIZE = 256 << 10;
    char *memory = nullptr;
    size_t count = 0;

    ~stacks()
    {
        if (memory)
            munmap(memory, count * SIZE);
    }

    void need(size_t n)
    {
        const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
        if (n <= count)
            return;
        if (memory)
            munmap(memory, count * SIZE);
        void *m = mmap(nullptr, n * SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (m == MAP_FAILED)
            fail("no memory for stacks");
        memory = static_cast<char *>(m);
        count = n;
        for (size_t i = 0; i < n; i++)
            mprotect(memory + i * SIZE, page, PROT_NONE);
    }

    char *top(size_t i) const { return memory + (i + 1) * SIZE; }
};
inline thread_local stacks fibre_stacks;

#if defined(__x86_64__)
/* Puts the registers that a call keeps on the stack, and goes on where `to` left off. */
__attribute__((naked, noinline)) inline void switch_stack(void ** /* from */, void * /* to */)
{
    __asm__("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
            "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
            "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
}
#endif

/* From one fibre to another; returns when somebody comes back. */
inline void go(fibre *from, fibre *to)
{
    block_state *b = block_here;

    b->running = to == &b->host ? nullptr : to;
#ifdef DAM_SHIM_ASAN
    const bool host = to == &b->host;
    __sanitizer_start_switch_fiber(from->phase == ENDED ? nullptr : &from->fake,
                                   host ? b->host_bottom
                                        : fibre_stacks.top(to->rank) - stacks::SIZE,
                                   host ? b->host_size : stacks::SIZE);
#endif
#if defined(__x86_64__)
    switch_stack(&from->stack, to->stack);
#else
    swapcontext(&from->context, &to->context);
#endif
#ifdef DAM_SHIM_ASAN
    __sanitizer_finish_switch_fiber(from->fake, nullptr, nullptr);
#endif
}

/* The next fibre after `f` that can run; the host when all have ended. */
inline fibre *next_after(const fibre *f)
{
    block_state *b = block_here;
    unsigned p = f == &b->host ? b->threads - 1 : b->position[f->rank];

    if (b->ended == b->threads)
        return &b->host;
    for (unsigned i = 0; i < b->threads; i++) {
        p = p + 1 == b->threads ? 0 : p + 1;
        fibre *g = &b->fibres[b->sequence[p]];
        if (g->phase == READY)
            return g;
        if (g->phase == WAITING && g->waits->generation != g->generation) {
            g->phase = READY;
            return g;
        }
    }
    fail("divergent barrier: some threads wait for others that will not come");
}

inline void wait_at(barrier *w, unsigned needed, place at)
{
    block_state *b = block_here;
    fibre *f = b->running;

    if (w->arrived > 0 && (w->at.line != at.line || w->at.file != at.file))
        fail("divergent barrier: threads wait at different places");
    w->at = at;
    if (++w->arrived == needed) {
        w->arrived = 0;
        w->generation++;
        return;
    }
    f->phase = WAITING;
    f->waits = w;
    f->generation = w->generation;
    go(f, next_after(f));
}

inline void wait_block(place at)
{
    wait_at(&block_here->all, block_here->threads, at);
}

inline void wait_warp(place at)
{
    const unsigned warp = block_here->running->rank / WARP;
    wait_at(&block_here->warps[warp], warp_lanes(block_here, warp), at);
}

/* The life of a fibre. */
inline void fibre_main()
{
    block_state *b = block_here;
    fibre *f = b->running;

#ifdef DAM_SHIM_ASAN
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
    if (!b->host_bottom) { /* the first fibre is entered from the host */
        b->host_bottom = bottom;
        b->host_size = size;
    }
#endif
    (*b->body)();
    if (!f->copies.empty())
        fail("a thread ends before its asynchronous copies have arrived");
    f->phase = ENDED;
    b->ended++;
    go(f, next_after(f));
    fail("a fibre went on after its end");
}

inline void prepare(block_state *b, unsigned rank)
{
    fibre *f = &b->fibres[rank];

    f->rank = rank;
    f->index = {rank % b->block.x, rank / b->block.x % b->block.y, rank / b->block.x / b->block.y};
    f->phase = READY;
    f->groups = f->exchanges = 0;
#ifdef DAM_SHIM_ASAN
    /* the frames of the fibre that ended here were never left */
    __asan_unpoison_memory_region(fibre_stacks.top(rank) - ABANDONED, ABANDONED);
#endif
#if defined(__x86_64__)
    void **top = reinterpret_cast<void **>(fibre_stacks.top(rank));
    top[-1] = nullptr; /* the address that fibre_main would return to */
    top[-2] = reinterpret_cast<void *>(fibre_main);
    for (int i = 3; i <= 8; i++)
        top[-i] = nullptr;
    f->stack = top - 8;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = fibre_stacks.top(rank) - stacks::SIZE;
    f->context.uc_stack.ss_size = stacks::SIZE;
    f->context.uc_link = nullptr;
    makecontext(&f->context, fibre_main, 0);
#endif
}

inline void run_block(block_state *b, size_t shared)
{
    unsigned char *memory = static_cast<unsigned char *>(b->shared);

    memset(memory, UNSET, shared + GUARD);
#ifdef DAM_SHIM_ASAN
    __asan_poison_memory_region(memory + shared, GUARD);
#endif
    b->ended = 0;
    b->all = barrier();
    b->warps.assign(b->warps.size(), barrier());
    for (unsigned i = 0; i < b->threads; i++)
        prepare(b, i);
    go(&b->host, next_after(&b->host));
#ifdef DAM_SHIM_ASAN
    __asan_unpoison_memory_region(memory + shared, GUARD);
#endif
    for (size_t i = 0; i < GUARD; i++)
        if (memory[shared + i] != UNSET)
            fail("shared memory written beyond its end");
}

/* A block's fibres and tables are kept from one launch to the next. */
inline thread_local std::unique_ptr<block_state> spare_block;

/* Room for the threads of a launch, in the order that was chosen. */
inline void make_room(block_state *b, dim3 grid, dim3 block)
{
    b->grid = grid;
    b->block = block;
    b->threads = block.x * block.y * block.z;
    b->warps.resize((b->threads + WARP - 1) / WARP);
    if (b->fibres.size() < b->threads) {
        b->fibres.resize(b->threads);
        b->sequence.resize(b->threads);
        b->position.resize(b->threads);
        b->slots.resize(b->warps.size() * 2 * WARP);
    }
    for (unsigned i = 0; i < b->threads; i++) {
        b->sequence[i] = static_cast<unsigned>(ordered(i, b->threads));
        b->position[b->sequence[i]] = i;
    }
    fibre_stacks.need(b->threads);
}

inline void run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()> &body)
{
    const size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;
    std::unique_ptr<block_state> b = std::move(spare_block);
    block_state *const outer = block_here;

    if (!b)
        b = std::make_unique<block_state>();
    make_room(b.get(), grid, block);
    b->body = &body;
    b->shared = aligned_alloc(256, (shared + GUARD + 255) / 256 * 256);
    if (!b->shared)
        fail("no memory for shared memory");
    block_here = b.get();
    for (size_t i = 0; i < blocks; i++) {
        const size_t n = ordered(i, blocks);
        b->index = {static_cast<unsigned>(n % grid.x), static_cast<unsigned>(n / grid.x % grid.y),
                    static_cast<unsigned>(n / grid.x / grid.y)};
        run_block(b.get(), shared);
    }
    block_here = outer;
    free(b->shared);
    spare_block = std::move(b);
}

} // namespace dam_shim

#endif
