#include "interrupt.h"

#include <stdatomic.h>

static atomic_bool raised; /* lock-free, hence safe in a signal handler */

void dam_interrupt_raise(void)
{
    atomic_store_explicit(&raised, true, memory_order_relaxed);
}

void dam_interrupt_clear(void)
{
    atomic_store_explicit(&raised, false, memory_order_relaxed);
}

bool dam_interrupted(void)
{
    return atomic_load_explicit(&raised, memory_order_relaxed);
}
