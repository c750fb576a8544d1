#include "sandbox_budget.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../src/memory.h"

/* The rest after the interruption: a share of the time, at most so many seconds. */
#define GRACE_SHARE 0.04
#define GRACE_MOST 10.0

/* A budget of which this share is taken after a collection is used up. */
#define EXHAUSTED 0.97

/* What malloc gives for `n` bytes: its own word and the granularity of the sizes it keeps. */
static uint64_t cost(size_t n)
{
    uint64_t bytes = ((uint64_t)n + 8 + 15) & ~(uint64_t)15;

    return n == 0 ? 0 : bytes < 32 ? 32 : bytes;
}

/*
 * Lua answers a refusal with a full collection and asks once more. If that has left almost nothing
 * of the budget, the next block would cost a collection again, and the next: the end is declared.
 */
static bool charge(uint64_t bytes)
{
    static bool refused;
    bool again = refused;

    refused = false;
    if (again && dam_memory_charged() + bytes > EXHAUSTED * (double)dam_memory_budget())
        return false;
    refused = !dam_memory_charge(bytes);
    return !refused;
}

static void *limited_alloc(void *unused, void *block, size_t old_size, size_t new_size)
{
    uint64_t before = block ? cost(old_size) : 0, after = cost(new_size);
    void *moved;

    (void)unused;
    if (new_size == 0) {
        free(block);
        dam_memory_discharge(before);
        return NULL;
    }
    if (after > before && !charge(after - before))
        return NULL;
    moved = realloc(block, new_size);
    if (!moved && after > before)
        dam_memory_discharge(after - before);
    if (moved && after < before)
        dam_memory_discharge(before - after);
    return moved;
}

void dam_sandbox_limit_memory(lua_State *L, uint64_t bytes)
{
    uint64_t begun = (uint64_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (uint64_t)lua_gc(L, LUA_GCCOUNTB);

    dam_memory_charge(2 * begun); /* its blocks were not counted one by one: more than they cost */
    dam_memory_set_budget(bytes);
    lua_setallocf(L, limited_alloc, NULL);
}

static pthread_t script_thread;
static double allowed;
static struct timespec begun;
static atomic_bool expired;

bool dam_sandbox_expired(void)
{
    return atomic_load(&expired);
}

/* Sleeps until `seconds` after the beginning. */
static void sleep_until(double seconds)
{
    struct timespec t = begun;
    double whole = (double)(long)seconds;

    t.tv_sec += (time_t)whole;
    t.tv_nsec += (long)((seconds - whole) * 1e9);
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* What was printed so far, unless the stuck call holds the stream itself. */
static void flush_if_free(FILE *f)
{
    if (ftrylockfile(f) == 0) {
        fflush_unlocked(f);
        funlockfile(f);
    }
}

static void *watch(void *unused)
{
    static const char words[] =
        "damlua: the time of --max-time is over, and a call that cannot be interrupted did not "
        "end: left at once (what was committed to files is safe)\n";
    double grace = allowed * GRACE_SHARE;

    sleep_until(allowed);
    atomic_store(&expired, true);
    pthread_kill(script_thread, SIGTERM);
    sleep_until(allowed + (grace < GRACE_MOST ? grace : GRACE_MOST));
    flush_if_free(stdout);
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    _exit(EXIT_FAILURE);
    return unused;
}

dam_status dam_sandbox_limit_time(double seconds, dam_error *e)
{
    sigset_t all, old;
    pthread_t watcher;
    int code;

    script_thread = pthread_self();
    allowed = seconds;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the script's thread */
    code = pthread_create(&watcher, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (code != 0)
        return dam_fail(e, DAM_ERR_STATE, "--max-time: no thread to watch the time: %s",
                        strerror(code));
    pthread_detach(watcher);
    return DAM_OK;
}
