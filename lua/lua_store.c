/*
 * core.store, for the standard library's use: result files as statements and values. Scripts see
 * them through dam.sweep and the verbs.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../src/store.h"
#include "args.h"
#include "binding.h"

#define CLASS "dam.store"
#define STATEMENT "dam.store.statement"

/* Parameters of one statement; the widest table has fewer columns. */
#define MAX_VALUES 32

typedef struct {
    dam_store *store;
} handle;

typedef struct {
    dam_statement *statement;
} cursor;

/* The engine's sentence names the file; a place in the standard library would tell users nothing.
 */
static int raise_error(lua_State *L, const dam_error *e)
{
    lua_pushstring(L, e->message);
    return lua_error(L);
}

static dam_store *check_store(lua_State *L, int index)
{
    handle *h = luaL_checkudata(L, index, CLASS);

    if (!h->store)
        luaL_error(L, "the result file is closed");
    return h->store;
}

/* open(path, "read" | "write") */
static int store_open(lua_State *L)
{
    static const char *const modes[] = {"read", "write", NULL};
    const char *path = luaL_checkstring(L, 1);
    dam_store_mode mode =
        luaL_checkoption(L, 2, NULL, modes) == 0 ? DAM_STORE_READ : DAM_STORE_WRITE;
    handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    dam_error e;

    h->store = NULL;
    luaL_setmetatable(L, CLASS);
    if (dam_store_open(&h->store, path, mode, &e) != DAM_OK)
        return raise_error(L, &e);
    return 1;
}

static int store_close(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, CLASS);
    dam_store *s = h->store;

    h->store = NULL;
    dam_store_close(s);
    return 0;
}

static int store_to_string(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, CLASS);

    lua_pushfstring(L, "dam.store(%s)", h->store ? dam_store_path(h->store) : "closed");
    return 1;
}

static int store_begin(lua_State *L)
{
    dam_error e;

    return dam_store_begin(check_store(L, 1), &e) == DAM_OK ? 0 : raise_error(L, &e);
}

static int store_commit(lua_State *L)
{
    dam_error e;

    return dam_store_commit(check_store(L, 1), &e) == DAM_OK ? 0 : raise_error(L, &e);
}

static int store_rollback(lua_State *L)
{
    dam_store_rollback(check_store(L, 1));
    return 0;
}

static dam_value to_value(lua_State *L, int index)
{
    dam_value v = {.type = DAM_NULL};

    switch (lua_type(L, index)) {
    case LUA_TNUMBER:
        v.type = lua_isinteger(L, index) ? DAM_INTEGER : DAM_REAL;
        v.integer = lua_tointeger(L, index);
        v.real = lua_tonumber(L, index);
        if (v.type == DAM_REAL && isnan(v.real))
            luaL_error(L, "a result that is not a number cannot be stored");
        break;
    case LUA_TSTRING:
        v.type = DAM_TEXT;
        v.bytes = lua_tolstring(L, index, &v.size);
        break;
    case LUA_TTABLE: /* { bytes }: a blob */
        lua_geti(L, index, 1);
        v.type = DAM_BLOB;
        v.bytes = luaL_checklstring(L, -1, &v.size);
        lua_pop(L, 1); /* the table keeps the string alive */
        break;
    case LUA_TNIL:
        break;
    default:
        luaL_error(L, "a %s cannot be stored", luaL_typename(L, index));
    }
    return v;
}

/* Pushes a cursor on `sql` (argument 2) with the arguments from 3 on as its parameters. */
static cursor *push_cursor(lua_State *L)
{
    dam_store *store = check_store(L, 1);
    const char *sql = luaL_checkstring(L, 2);
    int n = lua_gettop(L) - 2;
    dam_value values[MAX_VALUES];
    cursor *c;
    dam_error e;

    luaL_argcheck(L, n <= MAX_VALUES, 3, "too many values");
    for (int i = 0; i < n; i++)
        values[i] = to_value(L, 3 + i);
    c = lua_newuserdatauv(L, sizeof *c, 1);
    c->statement = NULL;
    luaL_setmetatable(L, STATEMENT);
    lua_pushvalue(L, 1); /* the store outlives the cursor */
    lua_setiuservalue(L, -2, 1);
    if (dam_store_prepare(store, sql, &c->statement, &e) != DAM_OK ||
        dam_statement_bind(c->statement, values, n, &e) != DAM_OK)
        raise_error(L, &e);
    return c;
}

static int cursor_finish(lua_State *L)
{
    cursor *c = luaL_checkudata(L, 1, STATEMENT);
    dam_statement *s = c->statement;

    c->statement = NULL;
    dam_statement_finish(s);
    return 0;
}

static void push_value(lua_State *L, dam_value v)
{
    switch (v.type) {
    case DAM_INTEGER:
        lua_pushinteger(L, v.integer);
        break;
    case DAM_REAL:
        lua_pushnumber(L, v.real);
        break;
    case DAM_TEXT:
    case DAM_BLOB:
        lua_pushlstring(L, v.bytes ? v.bytes : "", v.size);
        break;
    case DAM_NULL:
    default:
        lua_pushnil(L);
        break;
    }
}

/* The iterator: each row as a table by column name; NULL leaves nothing. */
static int cursor_next(lua_State *L)
{
    cursor *c = luaL_checkudata(L, 1, STATEMENT);
    bool more;
    int columns;
    dam_error e;

    lua_settop(L, 1);
    if (!c->statement)
        return 0;
    if (dam_statement_step(c->statement, &more, &e) != DAM_OK)
        return raise_error(L, &e);
    if (!more)
        return cursor_finish(L);
    columns = dam_statement_columns(c->statement);
    lua_createtable(L, 0, columns);
    for (int i = 0; i < columns; i++) {
        push_value(L, dam_statement_column(c->statement, i));
        lua_setfield(L, 2, dam_statement_name(c->statement, i));
    }
    return 1;
}

/* each(sql, ...): for row in store:each(sql, ...) do print(row.alpha) end */
static int store_each(lua_State *L)
{
    push_cursor(L);
    lua_pushcfunction(L, cursor_next);
    lua_pushvalue(L, -2);
    lua_pushnil(L);
    lua_pushvalue(L, -2); /* closed when the loop is left early */
    return 4;
}

/* run(sql, ...): a statement whose rows, if any, are of no interest */
static int store_run(lua_State *L)
{
    cursor *c = push_cursor(L);
    bool more = true;
    dam_error e;

    while (more)
        if (dam_statement_step(c->statement, &more, &e) != DAM_OK)
            return raise_error(L, &e);
    lua_replace(L, 1);
    lua_settop(L, 1);
    return cursor_finish(L);
}

/* holder(path): who writes the file now, or nil */
static int holder(lua_State *L)
{
    char text[256];

    dam_store_holder(luaL_checkstring(L, 1), text, sizeof text);
    if (!text[0])
        return 0;
    lua_pushstring(L, text);
    return 1;
}

void dam_open_store(lua_State *L)
{
    static const luaL_Reg methods[] = {{"close", store_close},
                                       {"begin", store_begin},
                                       {"commit", store_commit},
                                       {"rollback", store_rollback},
                                       {"each", store_each},
                                       {"run", store_run},
                                       {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", store_close},
                                    {"__close", store_close},
                                    {"__tostring", store_to_string},
                                    {NULL, NULL}};
    static const luaL_Reg functions[] = {{"open", store_open}, {"holder", holder}, {NULL, NULL}};

    luaL_newmetatable(L, CLASS);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newmetatable(L, STATEMENT);
    lua_pushcfunction(L, cursor_finish);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, cursor_finish);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "store");
}
