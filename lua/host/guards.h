/*
 * Guards: replacements of the base functions that could swallow an interruption. pcall, xpcall,
 * load, coroutine.resume, .wrap and .close behave as Lua's own, but raise "interrupted" again while
 * the interrupt flag is up; debug.sethook cannot take the hook away then; setmetatable makes a
 * finaliser written in Lua run in a coroutine of its own, because Lua switches hooks off inside
 * finalisers and a looping one could otherwise not be stopped. os.exit closes the state unless told
 * not to, so that objects finalise.
 */
#ifndef DAM_HOST_GUARDS_H
#define DAM_HOST_GUARDS_H

#include <lua.h>

/* Replaces the functions in the open libraries of `L`. */
void dam_guards_install(lua_State *L);

/*
 * Replaces the message handlers of all active xpcalls of this coroutine: Lua calls a handler inside
 * the hook, where a loop in it could not be stopped.
 */
void dam_guards_silence_handlers(lua_State *L);

#endif
