/*
 * The Tab key: hands what stands before the cursor to dam.prompt.complete, and its candidates to
 * readline. Lists that Lua cannot make for itself (modules in the binary, folders) come from here.
 * An error in Lua means no candidates; no finaliser runs meanwhile, for signals wait until the key
 * is dealt with.
 */
#ifndef DAM_HOST_COMPLETION_H
#define DAM_HOST_COMPLETION_H

#include <lua.h>

/* Binds completion to the keys that readline's own is bound to. */
void dam_completion_open(lua_State *L);

/* The text before the line being edited, of an unfinished block; NULL for none. Kept by reference.
 */
void dam_completion_after(const char *text);

#endif
