/*
 * The prompt. A line that is an expression prints its values and leaves the first in `_`; a text is
 * continued on the next line if and only if it is incomplete; an error or an interruption ends the
 * text being run, never the session. History is kept in $XDG_STATE_HOME/damlua/history (by default
 * ~/.local/state/damlua/history). When standard input is no terminal, its lines are taken without
 * prompting.
 */
#ifndef DAM_HOST_PROMPT_H
#define DAM_HOST_PROMPT_H

#include <lua.h>

/* Runs until the end of input, SIGTERM or SIGHUP. */
void dam_prompt_run(lua_State *L);

#endif
