#include "interrupt.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

static atomic_bool raised;       /* lock-free, hence safe in a signal handler */
static _Atomic int64_t deadline; /* nanoseconds of the monotonic clock; 0: none */

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void dam_interrupt_raise(void)
{
    atomic_store_explicit(&raised, true, memory_order_relaxed);
}

void dam_interrupt_clear(void)
{
    atomic_store_explicit(&raised, false, memory_order_relaxed);
}

void dam_interrupt_deadline(double seconds)
{
    int64_t at = seconds > 0 ? now() + (int64_t)(seconds * 1e9) : 0;

    atomic_store_explicit(&deadline, at, memory_order_relaxed);
}

bool dam_interrupt_raised(void)
{
    return atomic_load_explicit(&raised, memory_order_relaxed);
}

bool dam_interrupted(void)
{
    int64_t at = atomic_load_explicit(&deadline, memory_order_relaxed);

    return dam_interrupt_raised() || (at && now() >= at);
}
