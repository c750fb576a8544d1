#include "report.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "modules.h"

/* Of a deep stack only this many own frames are shown at its top, and these last levels searched.
 */
#define FRAMES_AT_TOP 10
#define LEVELS_AT_BOTTOM 11

/* Finding a level takes time proportional to it: own frames are sought this far down only. */
#define LEVELS_SEARCHED 200

static bool all_frames;

/* See dam_report_chunk. */
static const void *chunk;
static void (*chunk_failed)(lua_State *L);

void dam_report_all_frames(bool all)
{
    all_frames = all;
}

void dam_report_chunk(const void *function, void (*on_error)(lua_State *L))
{
    chunk = function;
    chunk_failed = on_error;
}

static bool is_main(lua_State *L, lua_Debug *ar)
{
    const void *function;

    lua_getinfo(L, "f", ar);
    function = lua_topointer(L, -1);
    lua_pop(L, 1);
    return strcmp(ar->what, "main") == 0 || (chunk && function == chunk);
}

/* A frame is the user's own if its text is neither C, nor ours, nor a line typed at the prompt. */
static bool is_own(lua_State *L, lua_Debug *ar)
{
    if (strcmp(ar->what, "C") == 0 || strncmp(ar->source, "@stdlib/", 8) == 0)
        return false;
    return strcmp(ar->source, "=stdin") != 0 || !is_main(L, ar);
}

int dam_report_levels(lua_State *L)
{
    lua_Debug ar;
    int below = 0, above = 1;

    while (lua_getstack(L, above, &ar)) {
        below = above;
        above *= 2;
    }
    while (below + 1 < above) {
        int middle = below + (above - below) / 2;
        if (lua_getstack(L, middle, &ar))
            below = middle;
        else
            above = middle;
    }
    return above;
}

/* Pushes the name of the global that holds the frame's function; false when there is none. */
static bool push_global_name(lua_State *L, lua_Debug *ar)
{
    lua_pushglobaltable(L);
    lua_getinfo(L, "f", ar); /* globals, function */
    for (lua_pushnil(L); lua_next(L, -3); lua_pop(L, 1))
        if (lua_rawequal(L, -1, -3) && lua_type(L, -2) == LUA_TSTRING) {
            lua_pop(L, 1);
            lua_replace(L, -3);
            lua_pop(L, 1);
            return true;
        }
    lua_pop(L, 2);
    return false;
}

static void add_frame(lua_State *L, luaL_Buffer *b, lua_Debug *ar)
{
    lua_pushfstring(L, "\n\t%s:%d: in ", ar->short_src, ar->currentline);
    luaL_addvalue(b);
    if (is_main(L, ar)) {
        lua_pushliteral(L, "main chunk");
    } else if (push_global_name(L, ar)) {
        lua_pushfstring(L, "function '%s'", lua_tostring(L, -1));
        lua_remove(L, -2);
    } else if (ar->namewhat[0]) {
        lua_pushfstring(L, "%s '%s'", ar->namewhat, ar->name);
    } else {
        lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
    }
    luaL_addvalue(b);
    if (ar->istailcall)
        luaL_addstring(b, "\n\t(...tail calls...)");
}

/* Adds the first `most` own frames in [from, to); the level after the last one looked at. */
static int add_own_frames(lua_State *L, luaL_Buffer *b, int from, int to, int most)
{
    lua_Debug ar;
    int level = from;

    for (; level < to && most > 0 && lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Slnt", &ar);
        if (is_own(L, &ar)) {
            add_frame(L, b, &ar);
            most--;
        }
    }
    return level;
}

/* Pushes the traceback of the user's own frames from `level` on; "" when there are none. */
static void push_own_frames(lua_State *L, int level)
{
    int end = dam_report_levels(L);
    int searched = end < level + LEVELS_SEARCHED ? end : level + LEVELS_SEARCHED;
    int next, bottom;
    size_t size;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    next = add_own_frames(L, &b, level, searched, FRAMES_AT_TOP);
    bottom = end - LEVELS_AT_BOTTOM > next ? end - LEVELS_AT_BOTTOM : next;
    if (bottom > next) {
        lua_pushfstring(L, "\n\t...\t(skipping %d levels)", bottom - next);
        luaL_addvalue(&b);
    }
    add_own_frames(L, &b, bottom, end, LEVELS_AT_BOTTOM);
    size = luaL_bufflen(&b);
    luaL_pushresult(&b);
    if (size > 0) {
        lua_pushliteral(L, "\nstack traceback:");
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
}

/* Replaces the error object by a string that describes it. */
static void describe(lua_State *L)
{
    if (lua_tostring(L, 1))
        return; /* numbers have become strings */
    if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
        luaL_tolstring(L, 1, NULL);
    else
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    lua_replace(L, 1);
    lua_settop(L, 1);
}

/* suggestion(message, level) by dam.prompt.suggest: above `level` is this function itself. */
static int find_suggestion(lua_State *L)
{
    dam_modules_require(L, "dam.prompt.suggest");
    lua_getfield(L, -1, "message");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    return 1;
}

/*
 * Adds "; did you mean 'x'?" to a message about a nil value. Between the function that failed and
 * the one that suggests are this handler and find_suggestion.
 */
static void add_suggestion(lua_State *L)
{
    if (!strstr(lua_tostring(L, 1), "a nil value (") || !lua_checkstack(L, LUA_MINSTACK))
        return;
    lua_pushvalue(L, 1);
    lua_pushcfunction(L, find_suggestion);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 3);
    if (lua_pcall(L, 2, 1, 0) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
        lua_concat(L, 2);
        lua_replace(L, 1);
    }
    lua_settop(L, 1);
}

static int message_handler(lua_State *L)
{
    lua_settop(L, 1);
    if (chunk_failed)
        chunk_failed(L);
    describe(L);
    lua_settop(L, 1);
    add_suggestion(L);
    if (all_frames)
        luaL_traceback(L, L, lua_tostring(L, 1), 1);
    else {
        push_own_frames(L, 1);
        lua_concat(L, 2);
    }
    return 1;
}

int dam_report_call(lua_State *L, int arguments, int results)
{
    int function = lua_gettop(L) - arguments;
    int status;

    lua_pushcfunction(L, message_handler);
    lua_insert(L, function);
    status = lua_pcall(L, arguments, results, function);
    lua_remove(L, function);
    if (status != LUA_OK && lua_type(L, -1) != LUA_TSTRING) {
        lua_pop(L, 1);
        lua_pushliteral(L, "(error while describing an error)");
    }
    return status;
}

void dam_report_print(lua_State *L, const char *program)
{
    fflush(stdout);
    if (program)
        fprintf(stderr, "%s: ", program);
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    fflush(stderr);
    lua_pop(L, 1);
}
