/*
 * dam.load: opens a file by what its first bytes say. A class with a file form adds a line to the
 * table in lua_load.c; its loader gets the path, pushes one object and returns 1, or raises.
 */
#ifndef DAM_LUA_LOAD_H
#define DAM_LUA_LOAD_H

#include <lua.h>

int dam_load(lua_State *L);

/* Argument `index` as a file name: a string without NUL bytes, or an error. */
const char *dam_check_path(lua_State *L, int index, const char *where);

int dam_load_array(lua_State *L, const char *path);   /* lua_array.c */
int dam_load_sampler(lua_State *L, const char *path); /* lua_sampler.c */

#endif
