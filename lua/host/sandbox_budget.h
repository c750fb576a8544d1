/*
 * The sandbox's budgets. Memory: Lua's blocks and the engine's are counted together, with what
 * malloc adds to each; what does not fit is refused, so that the script meets an error. Time: a
 * thread of its own interrupts the script when it is over, as Ctrl-C would, so that sweeps save
 * what they have; a call that cannot be interrupted (inside Lua's own C functions) is given a
 * moment, then the process ends, whatever the script does.
 */
#ifndef DAM_HOST_SANDBOX_BUDGET_H
#define DAM_HOST_SANDBOX_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "../../src/error.h"

/* Limits all counted memory of this process to `bytes`; `L` has just been made. */
void dam_sandbox_limit_memory(lua_State *L, uint64_t bytes);

/* Ends the script `seconds` from now; to be called by the thread that runs it. */
dam_status dam_sandbox_limit_time(double seconds, dam_error *e);

/* Whether the time is over. */
bool dam_sandbox_expired(void);

#endif
