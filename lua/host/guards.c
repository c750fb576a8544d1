#include "guards.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>

#include "../../src/interrupt.h"
#include "interrupt.h"

/* Where xpcall keeps its handler: a slot of its frame, which silence_handlers overwrites. */
#define HANDLER_SLOT 2

/*
 * Raises the error on top of the stack again if it tells of the interruption in more words, such as
 * where a sampler stopped; else just "interrupted". Does nothing while the flag is down.
 */
static void raise_again(lua_State *L)
{
    if (dam_interrupted() && lua_type(L, -1) == LUA_TSTRING &&
        strstr(lua_tostring(L, -1), "interrupted")) {
        dam_guards_silence_handlers(L);
        lua_error(L);
    }
    dam_host_interrupt_check(L);
}

/* Results of a protected call: the stack above `extra` holds true and the results, or the error. */
static int finish_call(lua_State *L, int status, lua_KContext extra)
{
    if (status != LUA_OK && status != LUA_YIELD)
        raise_again(L);
    dam_host_interrupt_check(L);
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L) - (int)extra;
    lua_pushboolean(L, 0);
    lua_insert(L, -2); /* false, error */
    return 2;
}

static int guarded_pcall(lua_State *L)
{
    int status;

    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1); /* true, f, arguments */
    status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call);
    return finish_call(L, status, 0);
}

static int guarded_xpcall(lua_State *L)
{
    int arguments = lua_gettop(L) - 2;
    int status;

    luaL_checktype(L, HANDLER_SLOT, LUA_TFUNCTION);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f, handler, true, f, arguments */
    status = lua_pcallk(L, arguments, LUA_MULTRET, HANDLER_SLOT, 2, finish_call);
    return finish_call(L, status, 2);
}

static int silent_handler(lua_State *L)
{
    lua_settop(L, 1);
    return 1;
}

void dam_guards_silence_handlers(lua_State *L)
{
    lua_Debug ar;

    if (!lua_checkstack(L, 4))
        return;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        bool is_xpcall;
        lua_getinfo(L, "f", &ar);
        is_xpcall = lua_tocfunction(L, -1) == guarded_xpcall;
        lua_pop(L, 1);
        if (is_xpcall) {
            lua_pushcfunction(L, silent_handler);
            if (!lua_setlocal(L, &ar, HANDLER_SLOT))
                lua_pop(L, 1);
        }
    }
}

/*
 * Resumes `co` with the `arguments` on top of L and returns how many results are on top of L, or -1
 * with the error there.
 */
static int resume(lua_State *L, lua_State *co, int arguments)
{
    lua_State *previous;
    int status, results = 0;

    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, arguments);
    previous = dam_host_interrupt_enter(co);
    status = lua_resume(co, L, arguments, &results);
    dam_host_interrupt_leave(previous);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, results);
    return results;
}

static lua_State *check_coroutine(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);

    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

static int guarded_resume(lua_State *L)
{
    lua_State *co = check_coroutine(L);
    int results = resume(L, co, lua_gettop(L) - 1);

    if (results < 0)
        raise_again(L);
    dam_host_interrupt_check(L);
    lua_pushboolean(L, results >= 0);
    if (results < 0)
        results = 1;
    lua_insert(L, -(results + 1));
    return results + 1;
}

/* Closes `co`: pending __close run in it. The status; an error is left on top of `co`. */
static int close_coroutine(lua_State *L, lua_State *co)
{
    lua_State *previous = dam_host_interrupt_enter(co);
#if LUA_VERSION_RELEASE_NUM >= 50406
    int status = lua_closethread(co, L);
#else
    int status = lua_resetthread(co);
    (void)L;
#endif
    dam_host_interrupt_leave(previous);
    return status;
}

/* The function that coroutine.wrap returns; its coroutine is the upvalue. */
static int call_wrapped(lua_State *L)
{
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, co, lua_gettop(L));
    int status = lua_status(co);

    if (results < 0 && status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(L, co, 1); /* closing wants the error there and may replace it */
        status = close_coroutine(L, co);
        lua_xmove(co, L, 1);
    }
    if (results < 0)
        raise_again(L);
    dam_host_interrupt_check(L);
    if (results >= 0)
        return results;
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int guarded_wrap(lua_State *L)
{
    lua_State *co;

    luaL_checktype(L, 1, LUA_TFUNCTION);
    co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

/* Whether `co` can be closed: it is not running and has not called the one that is. */
static const char *activity(lua_State *L, lua_State *co)
{
    lua_Debug ar;

    if (co == L)
        return "running";
    if (lua_status(co) == LUA_OK && lua_getstack(co, 0, &ar))
        return "normal";
    return NULL;
}

static int guarded_close(lua_State *L)
{
    lua_State *co = check_coroutine(L);
    const char *active = activity(L, co);
    int status;

    if (active)
        return luaL_error(L, "cannot close a %s coroutine", active);
    status = close_coroutine(L, co);
    dam_host_interrupt_check(L);
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK)
        return 1;
    lua_xmove(co, L, 1);
    return 2;
}

/* Keeps the piece that the reader function returned last alive, in this slot of load's frame. */
#define PIECE_SLOT 5

static const char *read_piece(lua_State *L, void *unused, size_t *size)
{
    (void)unused;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *size = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "reader function must return a string");
    lua_replace(L, PIECE_SLOT);
    return lua_tolstring(L, PIECE_SLOT, size);
}

/* load(chunk, name, mode, environment) */
static int guarded_load(lua_State *L)
{
    size_t size;
    const char *text = lua_tolstring(L, 1, &size);
    const char *mode = luaL_optstring(L, 3, "bt");
    bool has_environment = !lua_isnone(L, 4);
    int status;

    if (text) {
        status = luaL_loadbufferx(L, text, size, luaL_optstring(L, 2, text), mode);
    } else {
        const char *name = luaL_optstring(L, 2, "=(load)");
        luaL_checktype(L, 1, LUA_TFUNCTION);
        lua_settop(L, PIECE_SLOT);
        status = lua_load(L, read_piece, NULL, name, mode);
    }
    dam_host_interrupt_check(L);
    if (status != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (has_environment) {
        lua_pushvalue(L, 4);
        if (!lua_setupvalue(L, -2, 1))
            lua_pop(L, 1);
    }
    return 1;
}

/* Its address is the key of an idle coroutine for finalisers in the registry. */
static const char idle_coroutine;

/* Takes the idle coroutine for finalisers out of the registry, or makes one; it stays on L. */
static lua_State *take_coroutine(lua_State *L)
{
    lua_State *co;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &idle_coroutine) == LUA_TTHREAD) {
        co = lua_tothread(L, -1);
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &idle_coroutine);
        return co;
    }
    lua_pop(L, 1);
    return lua_newthread(L);
}

/* __gc: calls the upvalue with the object in a coroutine, where hooks work. */
static int run_finaliser(lua_State *L)
{
    lua_State *co, *previous;
    int status, results = 0;

    lua_settop(L, 1);
    co = take_coroutine(L); /* object, coroutine */
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 2);
    previous = dam_host_interrupt_enter(co);
    status = lua_resume(co, L, 1, &results);
    dam_host_interrupt_leave(previous);
    if (status == LUA_OK) {
        lua_settop(co, 0);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &idle_coroutine);
        return 0;
    }
    if (dam_interrupted()) {
        dam_host_interrupt_no_grace(); /* the collector drops a finaliser's error */
        return 0;
    }
    if (status == LUA_YIELD)
        return luaL_error(L, "attempt to yield from a finaliser");
    lua_xmove(co, L, 1);
    return lua_error(L);
}

/* Lets a finaliser written in Lua, in the metatable at `index`, run under run_finaliser. */
static void guard_finaliser(lua_State *L, int index)
{
    if (!lua_istable(L, index))
        return;
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, index) == LUA_TFUNCTION && !lua_iscfunction(L, -1)) {
        lua_pushliteral(L, "__gc");
        lua_insert(L, -2);
        lua_pushcclosure(L, run_finaliser, 1);
        lua_rawset(L, index);
    } else {
        lua_pop(L, 1);
    }
}

static int guarded_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);

    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    guard_finaliser(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int guarded_debug_setmetatable(lua_State *L)
{
    int type = lua_type(L, 2);

    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    lua_settop(L, 2);
    guard_finaliser(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

/* debug.sethook, the original being the upvalue. */
static int guarded_sethook(lua_State *L)
{
    dam_host_interrupt_check(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* os.exit(code, close): `close` is true unless given as false. */
static int closing_exit(lua_State *L)
{
    int status = EXIT_SUCCESS;

    if (lua_isboolean(L, 1))
        status = lua_toboolean(L, 1) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        status = (int)luaL_optinteger(L, 1, EXIT_SUCCESS);
    if (lua_isnoneornil(L, 2) || lua_toboolean(L, 2))
        lua_close(L);
    exit(status);
}

static void replace(lua_State *L, const char *library, const luaL_Reg *functions)
{
    lua_getglobal(L, library);
    luaL_setfuncs(L, functions, 0);
    lua_pop(L, 1);
}

void dam_guards_install(lua_State *L)
{
    static const luaL_Reg base[] = {{"pcall", guarded_pcall},
                                    {"xpcall", guarded_xpcall},
                                    {"load", guarded_load},
                                    {"setmetatable", guarded_setmetatable},
                                    {NULL, NULL}};
    static const luaL_Reg coroutines[] = {
        {"resume", guarded_resume}, {"wrap", guarded_wrap}, {"close", guarded_close}, {NULL, NULL}};
    static const luaL_Reg debugging[] = {{"setmetatable", guarded_debug_setmetatable},
                                         {NULL, NULL}};
    static const luaL_Reg system[] = {{"exit", closing_exit}, {NULL, NULL}};

    replace(L, LUA_GNAME, base);
    replace(L, LUA_COLIBNAME, coroutines);
    replace(L, LUA_DBLIBNAME, debugging);
    replace(L, LUA_OSLIBNAME, system);
    lua_getglobal(L, LUA_DBLIBNAME);
    lua_getfield(L, -1, "sethook");
    lua_pushcclosure(L, guarded_sethook, 1);
    lua_setfield(L, -2, "sethook");
    lua_pop(L, 1);
}
