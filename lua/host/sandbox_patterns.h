/*
 * string.find, match, gmatch and gsub for the sandbox. Lua's own may backtrack for years within one
 * call, where nothing can stop them; these give the same answers (a test compares them on random
 * patterns), count their steps, give up with an error when there are too many, and can be
 * interrupted.
 */
#ifndef DAM_HOST_SANDBOX_PATTERNS_H
#define DAM_HOST_SANDBOX_PATTERNS_H

#include <lua.h>

int dam_sandbox_find(lua_State *L);
int dam_sandbox_match(lua_State *L);
int dam_sandbox_gmatch(lua_State *L);
int dam_sandbox_gsub(lua_State *L);

#endif
