#include "prompt.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>

#include "input.h"
#include "interrupt.h"
#include "modules.h"
#include "report.h"
#include "terminal.h"

/* The time is shown of texts that run this many seconds. */
#define LONG_TIME 1.0

/* Keys of the registry, by address: dam.prompt, what runs, and the locals found when it failed. */
static const char module_key, chunk_key, salvage_key;

void dam_prompt_push_function(lua_State *L, const char *name)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

void dam_prompt_open(lua_State *L)
{
    dam_modules_require(L, "dam.prompt");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- variables that outlive what failed ---- */

/* Finds the frame of the chunk that runs; it is near the bottom of the stack. */
static bool find_frame(lua_State *L, lua_Debug *ar)
{
    bool found = false;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &chunk_key);
    for (int level = dam_report_levels(L) - 1; !found && level >= 0; level--) {
        if (!lua_getstack(L, level, ar))
            break;
        lua_getinfo(L, "f", ar);
        found = lua_rawequal(L, -1, -2);
        lua_pop(L, 1);
        if (dam_report_levels(L) - level > LUA_MINSTACK)
            break;
    }
    lua_pop(L, 1);
    return found;
}

/* When the chunk fails: { name, value, name, value, ... } of its locals goes to the registry. */
static void find_locals(lua_State *L)
{
    lua_Debug ar;
    const char *name;
    lua_Integer n = 0;

    if (!lua_checkstack(L, LUA_MINSTACK) || !find_frame(L, &ar))
        return;
    lua_newtable(L);
    for (int i = 1; (name = lua_getlocal(L, &ar, i)); i++) {
        lua_pushstring(L, name);
        lua_rawseti(L, -3, ++n);
        lua_rawseti(L, -2, ++n);
    }
    lua_pushinteger(L, n);
    lua_setfield(L, -2, "n");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &salvage_key);
}

static int keep_found(lua_State *L)
{
    dam_prompt_push_function(L, "salvage");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &salvage_key);
    if (!lua_istable(L, -1))
        return 0;
    lua_getfield(L, -1, "n");
    lua_call(L, 2, 0);
    return 0;
}

/* Hands what find_locals found to dam.prompt, once the interruption is over. */
static void keep_locals(lua_State *L)
{
    if (dam_host_interrupt_signal() && dam_host_interrupt_signal() != SIGINT)
        return;
    dam_host_interrupt_clear(L);
    lua_pushcfunction(L, keep_found);
    if (dam_report_call(L, 0, 0) != LUA_OK)
        lua_pop(L, 1);
}

/* Runs the function under `arguments` values; dam_report_call with what was said above. */
static int call(lua_State *L, int arguments, int results)
{
    int status;

    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &salvage_key);
    lua_pushvalue(L, -(arguments + 1));
    lua_rawsetp(L, LUA_REGISTRYINDEX, &chunk_key);
    dam_report_chunk(lua_topointer(L, -(arguments + 1)), find_locals);
    status = dam_report_call(L, arguments, results);
    dam_report_chunk(NULL, NULL);
    return status;
}

int dam_prompt_call(lua_State *L, int arguments, int results)
{
    int status = call(L, arguments, results);

    if (status == LUA_OK)
        return status;
    dam_prompt_push_function(L, "expect_script");
    if (dam_report_call(L, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    return status;
}

/* ---- scripts ---- */

/* Pushes the text of a file without a first line that begins with #; nil when it cannot be read. */
static void push_text(lua_State *L, const char *file)
{
    FILE *f = fopen(file, "re");
    luaL_Buffer b;
    size_t n;
    const char *text;

    luaL_buffinit(L, &b);
    while (f && (n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, f)) > 0)
        luaL_addsize(&b, n);
    if (f)
        fclose(f);
    luaL_pushresult(&b);
    text = lua_tostring(L, -1);
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    if (*text == '#')
        text += strcspn(text, "\n");
    lua_pushstring(L, text);
    lua_remove(L, -2);
}

void dam_prompt_keep_locals(lua_State *L, const char *file)
{
    dam_prompt_push_function(L, "script");
    push_text(L, file);
    lua_pushfstring(L, "@%s", file);
    lua_call(L, 2, 1);
    if (lua_isfunction(L, -1))
        lua_replace(L, -2);
    else
        lua_pop(L, 1);
}

/* ---- a text ---- */

/* Keeps the first of its arguments as `_` and prints them all, unless the upvalue is true. */
static int show(lua_State *L)
{
    int n = lua_gettop(L);
    size_t size;
    const char *text;

    lua_pushglobaltable(L);
    lua_pushliteral(L, "_");
    lua_pushvalue(L, 1);
    lua_rawset(L, -3);
    lua_settop(L, n);
    if (lua_toboolean(L, lua_upvalueindex(1)))
        return 0;
    lua_createtable(L, n, 0);
    lua_insert(L, 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 1, i);
    dam_prompt_push_function(L, "show");
    lua_insert(L, 1);
    lua_pushinteger(L, n);
    lua_pushinteger(L, dam_terminal_columns());
    lua_call(L, 3, 1);
    text = luaL_checklstring(L, 1, &size);
    fwrite(text, 1, size, stdout);
    fputc('\n', stdout);
    return 0;
}

/* Prints the warnings of the text that ran; the error that ended it, or nil, is on the stack. */
static void warn(lua_State *L)
{
    dam_prompt_push_function(L, "warnings");
    lua_insert(L, -2);
    if (dam_report_call(L, 1, 1) == LUA_OK && !lua_isstring(L, -1))
        lua_pop(L, 1);
    else
        dam_report_print(L, NULL);
}

/* Runs the function on the stack and shows its results; `muted` is above it. */
static void evaluate(lua_State *L)
{
    double start = now();
    int status, n;

    lua_insert(L, 1); /* muted, function */
    status = call(L, 0, LUA_MULTRET);
    n = lua_gettop(L) - 1;
    if (status == LUA_OK && n > 0) {
        luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
        lua_pushvalue(L, 1);
        lua_pushcclosure(L, show, 1);
        lua_insert(L, 2);
        status = dam_report_call(L, n, 0);
    }
    if (status == LUA_OK) {
        lua_pushnil(L);
    } else {
        lua_pushvalue(L, -1);
        dam_report_print(L, NULL);
        keep_locals(L);
    }
    if (!dam_host_interrupt_signal())
        warn(L);
    if (now() - start >= LONG_TIME && dam_terminal_is())
        printf("(%.*f s)\n", now() - start < 100 ? 2 : 0, now() - start);
    lua_settop(L, 0);
}

/* The compiler's answer to the text at `index`: three values are pushed. */
static const char *compile(lua_State *L, int index)
{
    lua_pushvalue(L, index);
    dam_prompt_push_function(L, "compile");
    lua_insert(L, -2);
    lua_call(L, 1, 3);
    return luaL_checkstring(L, -3);
}

/* Its argument is the address of the text. */
static int ask_incomplete(lua_State *L)
{
    lua_pushstring(L, lua_touserdata(L, 1));
    lua_pushboolean(L, strcmp(compile(L, 2), "incomplete") == 0);
    return 1;
}

/* For the editor, which calls it outside of any protected call. */
static bool is_incomplete(lua_State *L, const char *text)
{
    int top = lua_gettop(L);
    bool answer = false;

    if (!lua_checkstack(L, LUA_MINSTACK))
        return false;
    lua_pushcfunction(L, ask_incomplete);
    lua_pushlightuserdata(L, (void *)text);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK)
        answer = lua_toboolean(L, -1);
    lua_settop(L, top);
    return answer;
}

/*
 * Reads a text of one or more lines and compiles it. On DAM_INPUT_LINE the stack holds the text,
 * the function (nil after an error that has been shown) and whether its results are muted.
 */
static dam_input_kind read_text(lua_State *L)
{
    char *line;
    dam_input_kind kind = dam_input_read(NULL, &line);

    if (kind != DAM_INPUT_LINE)
        return kind;
    lua_pushstring(L, line);
    free(line);
    for (;;) {
        const char *state = compile(L, 1);
        lua_remove(L, 2); /* text, function or error, muted */
        if (strcmp(state, "complete") == 0)
            return DAM_INPUT_LINE;
        kind = DAM_INPUT_END;
        if (strcmp(state, "incomplete") == 0)
            kind = dam_input_read(lua_tostring(L, 1), &line);
        if (kind == DAM_INPUT_INTERRUPTED)
            return kind;
        if (kind == DAM_INPUT_END) {
            lua_pop(L, 1);
            dam_report_print(L, NULL);
            lua_pushnil(L);
            lua_pushboolean(L, 1);
            return DAM_INPUT_LINE;
        }
        lua_settop(L, kind == DAM_INPUT_WHOLE ? 0 : 1);
        lua_pushfstring(L, kind == DAM_INPUT_WHOLE ? "%s" : "\n%s", line);
        free(line);
        lua_concat(L, lua_gettop(L));
    }
}

/* Reads and evaluates until the end of input; true. Protected, for want of memory can strike. */
static int read_and_evaluate(lua_State *L)
{
    for (;;) {
        dam_input_kind kind;
        lua_settop(L, 0);
        kind = read_text(L);
        if (kind == DAM_INPUT_LINE) {
            dam_input_remember(lua_tostring(L, 1));
            lua_remove(L, 1);
            if (!lua_isnil(L, 1))
                evaluate(L);
        }
        if (kind == DAM_INPUT_END ||
            (dam_host_interrupt_signal() && dam_host_interrupt_signal() != SIGINT)) {
            lua_pushboolean(L, 1);
            return 1;
        }
        dam_host_interrupt_clear(L);
    }
}

void dam_prompt_run(lua_State *L)
{
    bool done = false;

    keep_locals(L); /* of a script that failed */
    dam_prompt_push_function(L, "watch_globals");
    if (dam_report_call(L, 0, 0) != LUA_OK)
        lua_pop(L, 1);
    dam_input_open(L, is_incomplete);
    while (!done) {
        lua_settop(L, 0);
        lua_pushcfunction(L, read_and_evaluate);
        if (dam_report_call(L, 0, 1) == LUA_OK)
            done = true;
        else
            dam_report_print(L, NULL);
    }
}
