/*
 * The prompt. A text that is an expression, or ends with one, shows its values and leaves the first
 * in `_`; a semicolon at its end mutes it. A text is continued on the next line if and only if it
 * is incomplete; a syntax error is shown at once with the place. Locals stay usable in later texts.
 * An error or an interruption ends the text being run, never the session. When standard input is no
 * terminal, its lines are taken without prompting.
 *
 * This file reads, runs and prints; what a text means and how values look is dam.prompt of the
 * standard library.
 */
#ifndef DAM_HOST_PROMPT_H
#define DAM_HOST_PROMPT_H

#include <lua.h>

/* Loads dam.prompt. Before anything else here, and before what shall leave its variables. */
void dam_prompt_open(lua_State *L);

/* Pushes a function of dam.prompt. */
void dam_prompt_push_function(lua_State *L, const char *name);

/*
 * Replaces the compiled script on top of the stack by one that leaves the locals of its main block
 * at hand, if that can be.
 */
void dam_prompt_keep_locals(lua_State *L, const char *file);

/* dam_report_call of a script; when it fails, its locals are kept as they are. */
int dam_prompt_call(lua_State *L, int arguments, int results);

/* Runs until the end of input, SIGTERM or SIGHUP. */
void dam_prompt_run(lua_State *L);

#endif
