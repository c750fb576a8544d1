#include "report.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

/* Of a longer stack only this many frames are shown from either end. */
#define FRAMES_AT_TOP 10
#define FRAMES_AT_BOTTOM 11

static bool all_frames;

void dam_report_all_frames(bool all)
{
    all_frames = all;
}

/* A frame is the user's own if its text is neither C, nor ours, nor a line typed at the prompt. */
static bool is_own(const lua_Debug *ar)
{
    if (strcmp(ar->what, "C") == 0 || strncmp(ar->source, "@stdlib/", 8) == 0)
        return false;
    return strcmp(ar->source, "=stdin") != 0 || strcmp(ar->what, "main") != 0;
}

/* The level of the next own frame at or above `level`; false when there is none. */
static bool next_own(lua_State *L, int *level, lua_Debug *ar)
{
    for (; lua_getstack(L, *level, ar); ++*level) {
        lua_getinfo(L, "Slnt", ar);
        if (is_own(ar))
            return true;
    }
    return false;
}

static int count_own(lua_State *L, int level)
{
    lua_Debug ar;
    int n = 0;

    for (; next_own(L, &level, &ar); level++)
        n++;
    return n;
}

static void add_frame(lua_State *L, luaL_Buffer *b, const lua_Debug *ar)
{
    lua_pushfstring(L, "\n\t%s:%d: in ", ar->short_src, ar->currentline);
    luaL_addvalue(b);
    if (strcmp(ar->what, "main") == 0)
        lua_pushliteral(L, "main chunk");
    else if (ar->namewhat[0])
        lua_pushfstring(L, "%s '%s'", strcmp(ar->namewhat, "global") ? ar->namewhat : "function",
                        ar->name);
    else
        lua_pushfstring(L, "function <%s:%d>", ar->short_src, ar->linedefined);
    luaL_addvalue(b);
    if (ar->istailcall)
        luaL_addstring(b, "\n\t(...tail calls...)");
}

/* Pushes the traceback of the user's own frames from `level` on; "" when there are none. */
static void push_own_frames(lua_State *L, int level)
{
    int total = count_own(L, level);
    luaL_Buffer b;
    lua_Debug ar;

    luaL_buffinit(L, &b);
    if (total)
        luaL_addstring(&b, "\nstack traceback:");
    for (int i = 0; next_own(L, &level, &ar); i++, level++) {
        bool shown = i < FRAMES_AT_TOP || i >= total - FRAMES_AT_BOTTOM;
        if (shown) {
            add_frame(L, &b, &ar);
        } else if (i == FRAMES_AT_TOP) {
            lua_pushfstring(L, "\n\t...\t(skipping %d levels)",
                            total - FRAMES_AT_TOP - FRAMES_AT_BOTTOM);
            luaL_addvalue(&b);
        }
    }
    luaL_pushresult(&b);
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

static int message_handler(lua_State *L)
{
    lua_settop(L, 1);
    describe(L);
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
