#include "prompt.h"

#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "input.h"
#include "interrupt.h"
#include "report.h"

#define FIRST_PROMPT "> "
#define NEXT_PROMPT ">> "
#define CHUNK_NAME "=stdin"

/* What became of a text given to the compiler; its function or error message is pushed. */
typedef enum { COMPLETE, INCOMPLETE, WRONG } text_kind;

/*
 * Lua says "near <eof>" exactly when the text ended too early. The newline at the end is what the
 * user typed; without it a string that lacks its closing quote would pass for incomplete.
 */
static text_kind compile_as(lua_State *L, const char *before, const char *text)
{
    static const char mark[] = "<eof>";
    const char *chunk = lua_pushfstring(L, "%s%s\n", before, text);
    int status = luaL_loadbufferx(L, chunk, strlen(chunk), CHUNK_NAME, "t");
    const char *message;
    size_t n;

    lua_remove(L, -2);
    if (status == LUA_OK)
        return COMPLETE;
    message = lua_tolstring(L, -1, &n);
    if (status == LUA_ERRSYNTAX && n >= strlen(mark) &&
        strcmp(message + n - strlen(mark), mark) == 0)
        return INCOMPLETE;
    return WRONG;
}

/* Whether the user would expect the text to be read as statements. */
static bool starts_as_statement(const char *text)
{
    text += strspn(text, " \t\r\n");
    return isalpha((unsigned char)*text) || *text == '_' || *text == ':' || *text == ';';
}

/*
 * As an expression if it is one ("=" in front of it is allowed), else as statements. Of two error
 * messages the one stays that fits what the text starts with.
 */
static text_kind compile(lua_State *L, const char *text)
{
    text_kind as_expression = compile_as(L, "return ", text + (*text == '='));
    text_kind as_statement;

    if (as_expression == COMPLETE || *text == '=')
        return as_expression;
    as_statement = compile_as(L, "", text);
    if (as_statement == COMPLETE || starts_as_statement(text))
        lua_remove(L, -2);
    else
        lua_pop(L, 1);
    if (as_statement == COMPLETE)
        return COMPLETE;
    return as_expression == INCOMPLETE || as_statement == INCOMPLETE ? INCOMPLETE : WRONG;
}

/* Prints its arguments as `print` does, and keeps the first as `_`. */
static int show(lua_State *L)
{
    int n = lua_gettop(L);

    lua_pushvalue(L, 1);
    lua_setglobal(L, "_");
    for (int i = 1; i <= n; i++) {
        size_t size;
        const char *text = luaL_tolstring(L, i, &size);
        if (i > 1)
            fputc('\t', stdout);
        fwrite(text, 1, size, stdout);
        lua_pop(L, 1);
    }
    fputc('\n', stdout);
    return 0;
}

/* Runs the function on top of an otherwise empty stack and shows its results. */
static void evaluate(lua_State *L)
{
    int status = dam_report_call(L, 0, LUA_MULTRET);

    if (status == LUA_OK && lua_gettop(L) > 0) {
        luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
        lua_pushcfunction(L, show);
        lua_insert(L, 1);
        status = dam_report_call(L, lua_gettop(L) - 1, 0);
    }
    if (status != LUA_OK)
        dam_report_print(L, NULL);
    lua_settop(L, 0);
}

/*
 * Reads a text of one or more lines and compiles it. On DAM_INPUT_LINE the stack holds the text and
 * the function, or the text and nil after an error that has been shown.
 */
static dam_input_kind read_text(lua_State *L)
{
    char *line;
    dam_input_kind kind = dam_input_read(FIRST_PROMPT, &line);

    if (kind != DAM_INPUT_LINE)
        return kind;
    lua_pushstring(L, line);
    free(line);
    for (;;) {
        text_kind text = compile(L, lua_tostring(L, 1));
        if (text == COMPLETE)
            return DAM_INPUT_LINE;
        kind = DAM_INPUT_END;
        if (text == INCOMPLETE)
            kind = dam_input_read(NEXT_PROMPT, &line);
        if (kind == DAM_INPUT_INTERRUPTED)
            return kind;
        if (kind == DAM_INPUT_END) {
            dam_report_print(L, NULL);
            lua_pushnil(L);
            return DAM_INPUT_LINE;
        }
        lua_settop(L, 1);
        lua_pushfstring(L, "\n%s", line);
        free(line);
        lua_concat(L, 2);
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

    dam_input_open();
    while (!done) {
        lua_settop(L, 0);
        lua_pushcfunction(L, read_and_evaluate);
        if (dam_report_call(L, 0, 1) == LUA_OK)
            done = true;
        else
            dam_report_print(L, NULL);
    }
}
