#include "modules.h"

#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "../args.h"
#include "../binding.h"
#include "../embedded.h"

#define VERB_PREFIX "dam.verb."

static const char require_key;       /* its address is a key of the registry */
static const char *beside_path = ""; /* kept alive by the searcher's upvalue */

/* The searcher's upvalue is the path to search, such as "scripts/?.lua;scripts/?/init.lua". */
static int search_beside(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);

    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "searchpath");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 2, 2);
    if (lua_isnil(L, -2))
        return 1; /* where it looked */
    lua_pop(L, 1);
    if (luaL_loadfilex(L, lua_tostring(L, -1), "t") != LUA_OK)
        return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name,
                          lua_tostring(L, -2), lua_tostring(L, -1));
    lua_insert(L, -2);
    return 2;
}

/* Pushes the directory of `script` with its last slash; "./" if it has none. */
static void push_directory(lua_State *L, const char *script)
{
    const char *slash = script ? strrchr(script, '/') : NULL;

    if (slash)
        lua_pushlstring(L, script, (size_t)(slash - script) + 1);
    else
        lua_pushliteral(L, "./");
}

void dam_modules_beside(lua_State *L, const char *script)
{
    lua_Integer n;

    lua_getglobal(L, LUA_LOADLIBNAME);
    lua_getfield(L, -1, "searchers");
    n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = n; i >= 2; i--) {
        lua_geti(L, -1, i);
        lua_seti(L, -2, i + 1);
    }
    push_directory(L, script);
    beside_path =
        lua_pushfstring(L, "%s?.lua;%s?/init.lua", lua_tostring(L, -1), lua_tostring(L, -1));
    lua_remove(L, -2);
    lua_pushcclosure(L, search_beside, 1);
    lua_seti(L, -2, 2); /* after package.preload */
    lua_pop(L, 2);
}

void dam_modules_keep_require(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &require_key);
}

void dam_modules_require(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &require_key);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}

const char *dam_modules_beside_path(void)
{
    return beside_path;
}

/* Pushes a block with the string keys of the table at `index`, ended by NULL. */
static const char **push_names(lua_State *L, int index)
{
    size_t n = 0;
    const char **names;

    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        n++;
    names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    n = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING)
            names[n++] = lua_tostring(L, -2);
    names[n] = NULL;
    return names;
}

/* __index of _G */
static int undefined_global(lua_State *L)
{
    const char *name, *near;

    if (lua_type(L, 2) != LUA_TSTRING)
        return luaL_error(L, "undefined global of type %s", luaL_typename(L, 2));
    name = lua_tostring(L, 2);
    near = dam_nearest(name, push_names(L, 1));
    if (near)
        return luaL_error(L, "undefined global '%s'; did you mean '%s'?", name, near);
    return luaL_error(L, "undefined global '%s'", name);
}

void dam_modules_strict(lua_State *L)
{
    lua_pushglobaltable(L);
    lua_newtable(L);
    lua_pushcfunction(L, undefined_global);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

/* Raises, naming the verbs there are. */
static int unknown_verb(lua_State *L, const char *name)
{
    size_t n = 0;
    const char **verbs, *near;
    luaL_Buffer b;

    for (const dam_embedded_module *m = dam_embedded; m->name; m++)
        n++;
    verbs = lua_newuserdatauv(L, (n + 1) * sizeof *verbs, 0);
    n = 0;
    for (const dam_embedded_module *m = dam_embedded; m->name; m++)
        if (strncmp(m->name, VERB_PREFIX, strlen(VERB_PREFIX)) == 0)
            verbs[n++] = m->name + strlen(VERB_PREFIX);
    verbs[n] = NULL;
    near = dam_nearest(name, verbs);
    luaL_buffinit(L, &b);
    lua_pushfstring(L, "-m: unknown verb '%s'", name);
    luaL_addvalue(&b);
    if (near) {
        lua_pushfstring(L, "; did you mean '%s'?", near);
        luaL_addvalue(&b);
    }
    luaL_addstring(&b, " (verbs: ");
    for (size_t i = 0; i < n; i++) {
        luaL_addstring(&b, i ? ", " : "");
        luaL_addstring(&b, verbs[i]);
    }
    luaL_addstring(&b, ")");
    luaL_pushresult(&b);
    return lua_error(L);
}

void dam_modules_push_verb(lua_State *L, const char *name)
{
    const char *module = lua_pushfstring(L, VERB_PREFIX "%s", name);
    const dam_embedded_module *m = dam_embedded;

    while (m->name && strcmp(m->name, module) != 0)
        m++;
    if (!m->name)
        unknown_verb(L, name);
    dam_push_private_globals(L);
    lua_getfield(L, -1, "require");
    lua_replace(L, -2);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    if (!lua_isfunction(L, -1))
        luaL_error(L, "module '" VERB_PREFIX "%s' does not return a function", name);
}
