/*
 * The sandbox (--sandbox): what a script from somebody else may do. It may compute, print, read
 * below its own folder and write below --out. This unit gives scripts globals of their own: copies
 * of the harmless library functions, replacements of those that reach files, and refusals that say
 * so for the rest (docs/sandbox.md lists them). The standard library keeps the original globals,
 * which no script can reach: whatever a script does to its tables, to the metatable of strings or
 * to those of objects, the host's own code does not see it. Files are guarded by sandbox_files.h,
 * memory and time by sandbox_budget.h.
 */
#ifndef DAM_HOST_SANDBOX_H
#define DAM_HOST_SANDBOX_H

#include <stdbool.h>

#include <lua.h>

#include "../../src/error.h"
#include "options.h"

/* Confines files and sets the budgets. `L` has just been made. */
dam_status dam_sandbox_begin(lua_State *L, const dam_host_options *options, dam_error *e);

/* Lua's libraries are open, dam is not loaded yet: keeps these globals for the library. */
void dam_sandbox_prepare(lua_State *L);

/* dam is loaded: gives scripts their globals. */
void dam_sandbox_enter(lua_State *L);

/* Whether the script has ended by os.exit or by its time, and with which exit status. */
bool dam_sandbox_ended(int *status);

/*
 * Prints why a script ended that ran out of time or memory; false when it did not. `message` is its
 * error.
 */
bool dam_sandbox_explain(const char *message);

#endif
