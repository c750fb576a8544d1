/*
 * Ctrl-C while the engine works. The program damlua catches signals itself and raises the
 * interrupt flag (src/interrupt.h). In a stock Lua nobody does, so the module catches SIGINT for
 * the length of an engine call and puts the old handler back afterwards.
 */
#ifndef DAM_LUA_GUARD_H
#define DAM_LUA_GUARD_H

#include <signal.h>
#include <stdbool.h>

typedef struct {
    struct sigaction old;
    bool active;
} dam_guard;

/* To be called once by a program that handles signals by itself: guards do nothing then. */
void dam_guard_not_needed(void);

void dam_guard_begin(dam_guard *g);
void dam_guard_end(dam_guard *g);

#endif
