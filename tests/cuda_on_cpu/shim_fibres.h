/*
 * CUDA threads as fibres of one host thread (shim.h). A fibre runs until it waits or ends; then the
 * next one of its block that can run does. So each run is the same as the last one, and when nobody
 * can run the barriers diverge. Blocks run one after the other, or, where they are launched
 * together, until one of them waits for another.
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
    block_state *block = nullptr; /* null: whoever launched */
    char *top = nullptr;          /* end of its stack */
    void *stack = nullptr;        /* where its registers lie while it does not run */
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

/* A launch: the blocks that are alive, in the order in which they run. */
struct launch_state {
    fibre host;
    std::vector<block_state *> blocks;
    size_t idle = 0; /* times that a block could only pass, in a row */
#ifdef DAM_SHIM_ASAN
    /* the stack of whoever launched */
    const void *host_bottom = nullptr;
    size_t host_size = 0;
#endif
};

struct block_state {
    launch_state *launch = nullptr;
    size_t place = 0;        /* in the order of blocks */
    fibre *resume = nullptr; /* where it goes on when another block waits */
    size_t first_stack = 0;
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
#ifdef DAM_SHIM_ASAN
    const launch_state *l = block_here->launch;
    __sanitizer_start_switch_fiber(from->phase == ENDED ? nullptr : &from->fake,
                                   to->block ? to->top - stacks::SIZE : l->host_bottom,
                                   to->block ? stacks::SIZE : l->host_size);
#endif
    if (to->block) {
        block_here = to->block;
        block_here->running = to;
    } else {
        block_here->running = nullptr;
    }
#if defined(__x86_64__)
    switch_stack(&from->stack, to->stack);
#else
    swapcontext(&from->context, &to->context);
#endif
#ifdef DAM_SHIM_ASAN
    __sanitizer_finish_switch_fiber(from->fake, nullptr, nullptr);
#endif
}

/* Who runs when this block does not: the next one that has not ended, else whoever launched. */
inline fibre *another_block(const block_state *b)
{
    const std::vector<block_state *> &all = b->launch->blocks;

    for (size_t i = 1; i <= all.size(); i++) {
        block_state *next = all[(b->place + i) % all.size()];
        if (next->ended < next->threads)
            return next->resume;
    }
    return &b->launch->host;
}

/* The next fibre of the block after `f` that can run; another block when all have ended. */
inline fibre *next_after(const fibre *f)
{
    block_state *b = block_here;
    unsigned p = b->position[f->rank];

    if (b->ended == b->threads)
        return another_block(b);
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

/* Something happened that others may wait for. */
inline void came()
{
    block_here->launch->idle = 0;
}

/* This block waits for others: they run. */
inline void pause()
{
    block_state *b = block_here;

    if (++b->launch->idle > 2 * b->launch->blocks.size())
        fail("divergent barrier: some blocks wait for others that will not come");
    b->resume = b->running;
    fibre *next = another_block(b);
    if (next != b->resume)
        go(b->resume, next);
}

inline void wait_at(barrier *w, unsigned needed, place at)
{
    block_state *b = block_here;
    fibre *f = b->running;

    if (w->arrived > 0 && (w->at.line != at.line || w->at.file != at.file))
        fail("divergent barrier: threads wait at different places");
    w->at = at;
    came();
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
    if (!b->launch->host_bottom) { /* the first fibre is entered from the host */
        b->launch->host_bottom = bottom;
        b->launch->host_size = size;
    }
#endif
    (*b->body)();
    if (!f->copies.empty())
        fail("a thread ends before its asynchronous copies have arrived");
    f->phase = ENDED;
    b->ended++;
    came();
    go(f, next_after(f));
    fail("a fibre went on after its end");
}

inline void prepare(block_state *b, unsigned rank)
{
    fibre *f = &b->fibres[rank];

    f->block = b;
    f->top = fibre_stacks.top(b->first_stack + rank);
    f->rank = rank;
    f->index = {rank % b->block.x, rank / b->block.x % b->block.y, rank / b->block.x / b->block.y};
    f->phase = READY;
    f->groups = f->exchanges = 0;
#ifdef DAM_SHIM_ASAN
    /* the frames of the fibre that ended here were never left */
    __asan_unpoison_memory_region(f->top - ABANDONED, ABANDONED);
#endif
#if defined(__x86_64__)
    void **top = reinterpret_cast<void **>(f->top);
    top[-1] = nullptr; /* the address that fibre_main would return to */
    top[-2] = reinterpret_cast<void *>(fibre_main);
    for (int i = 3; i <= 8; i++)
        top[-i] = nullptr;
    f->stack = top - 8;
#else
    getcontext(&f->context);
    f->context.uc_stack.ss_sp = f->top - stacks::SIZE;
    f->context.uc_stack.ss_size = stacks::SIZE;
    f->context.uc_link = nullptr;
    makecontext(&f->context, fibre_main, 0);
#endif
}

/* A block before its first thread runs. */
inline void begin_block(block_state *b, size_t number, size_t shared)
{
    unsigned char *memory = static_cast<unsigned char *>(b->shared);

    b->index = {static_cast<unsigned>(number % b->grid.x),
                static_cast<unsigned>(number / b->grid.x % b->grid.y),
                static_cast<unsigned>(number / b->grid.x / b->grid.y)};
    memset(memory, UNSET, shared + GUARD);
#ifdef DAM_SHIM_ASAN
    __asan_poison_memory_region(memory + shared, GUARD);
#endif
    b->ended = 0;
    b->all = barrier();
    b->warps.assign(b->warps.size(), barrier());
    for (unsigned i = 0; i < b->threads; i++)
        prepare(b, i);
    b->resume = &b->fibres[b->sequence[0]];
}

/* The same after its last one. */
inline void end_block(block_state *b, size_t shared)
{
    const unsigned char *memory = static_cast<const unsigned char *>(b->shared);

    block_here = b;
#ifdef DAM_SHIM_ASAN
    __asan_unpoison_memory_region(memory + shared, GUARD);
#endif
    for (size_t i = 0; i < GUARD; i++)
        if (memory[shared + i] != UNSET)
            fail("shared memory written beyond its end");
}

/* Blocks' fibres and tables are kept from one launch to the next. */
inline thread_local std::vector<std::unique_ptr<block_state>> spare_blocks;

/* Room for the threads of a block, in the order that was chosen. */
inline void make_room(block_state *b, dim3 grid, dim3 block, size_t shared)
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
    b->shared = aligned_alloc(256, (shared + GUARD + 255) / 256 * 256);
    if (!b->shared)
        fail("no memory for shared memory");
}

inline void run_grid(dim3 grid, dim3 block, size_t shared, const std::function<void()> &body,
                     bool together)
{
    const size_t blocks = static_cast<size_t>(grid.x) * grid.y * grid.z;
    const size_t alive = together ? blocks : 1;
    std::vector<std::unique_ptr<block_state>> own = std::move(spare_blocks);
    block_state *const outer = block_here;
    launch_state launch;

    if (own.size() < alive)
        own.resize(alive);
    fibre_stacks.need(alive * block.x * block.y * block.z);
    for (size_t i = 0; i < alive; i++) {
        if (!own[i])
            own[i] = std::make_unique<block_state>();
        block_state *b = own[i].get();
        make_room(b, grid, block, shared);
        b->launch = &launch;
        b->place = i;
        b->first_stack = i * b->threads;
        b->body = &body;
        launch.blocks.push_back(b);
    }
    for (size_t i = 0; i < blocks; i += alive) {
        for (size_t j = 0; j < alive; j++)
            begin_block(own[j].get(), ordered(i + j, blocks), shared);
        block_here = own[0].get();
        go(&launch.host, block_here->resume);
        for (size_t j = 0; j < alive; j++)
            end_block(own[j].get(), shared);
    }
    block_here = outer;
    for (size_t i = 0; i < alive; i++)
        free(own[i]->shared);
    spare_blocks = std::move(own);
}

} // namespace dam_shim

#endif
