#include "guard.h"

#include <string.h>

#include "../src/interrupt.h"

static bool not_needed;

void dam_guard_not_needed(void)
{
    not_needed = true;
}

static void on_signal(int number)
{
    (void)number;
    dam_interrupt_raise();
}

void dam_guard_begin(dam_guard *g)
{
    struct sigaction catch;

    g->active = !not_needed;
    if (!g->active)
        return;
    dam_interrupt_clear(); /* what was raised outside of a call concerns nobody */
    memset(&catch, 0, sizeof catch);
    catch.sa_handler = on_signal;
    sigemptyset(&catch.sa_mask);
    sigaction(SIGINT, &catch, &g->old);
}

void dam_guard_end(dam_guard *g)
{
    if (!g->active)
        return;
    sigaction(SIGINT, &g->old, NULL);
    dam_interrupt_clear();
}
