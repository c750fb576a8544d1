#include "args.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NEAREST_MAX_WORD 63

/* Lower case, without the underscores people forget. */
static size_t fold(char out[NEAREST_MAX_WORD + 1], const char *word)
{
    size_t n = 0;
    for (; *word && n < NEAREST_MAX_WORD; word++)
        if (*word != '_')
            out[n++] = (char)tolower((unsigned char)*word);
    out[n] = 0;
    return n;
}

/* Edit distance with transpositions of neighbours. */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
    unsigned d[NEAREST_MAX_WORD + 2][NEAREST_MAX_WORD + 2];

    for (size_t i = 0; i <= na; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= nb; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++)
        for (size_t j = 1; j <= nb; j++) {
            unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[na][nb];
}

const char *dam_nearest(const char *word, const char *const candidates[])
{
    char a[NEAREST_MAX_WORD + 1], b[NEAREST_MAX_WORD + 1];
    size_t na = fold(a, word);
    const char *best = NULL;
    unsigned best_distance = na <= 3 ? 2 : 3; /* one edit in a short word, two in a longer one */

    for (; *candidates; candidates++) {
        size_t nb = fold(b, *candidates);
        unsigned d = distance(a, na, b, nb);
        if (d < best_distance) {
            best_distance = d;
            best = *candidates;
        } else if (!best && na >= 3 && nb > na && strncmp(a, b, na) == 0) {
            best = *candidates; /* a beginning, like "disord" */
        }
    }
    return best;
}

/* Pushes what a user recognises of the value at `index`. */
static const char *push_value(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return lua_pushfstring(L, "\"%s\"", lua_tostring(L, index));
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return lua_pushfstring(L, "%I", (LUAI_UACINT)lua_tointeger(L, index));
        else {
            char text[40];
            if (isnan(lua_tonumber(L, index)))
                return lua_pushstring(L, "nan"); /* without the sign that printf shows */
            snprintf(text, sizeof text, "%.14g", (double)lua_tonumber(L, index));
            return lua_pushstring(L, text);
        }
    case LUA_TBOOLEAN:
        return lua_pushstring(L, lua_toboolean(L, index) ? "true" : "false");
    case LUA_TNIL:
    case LUA_TNONE:
        return lua_pushstring(L, "nil");
    default:
        if (luaL_getmetafield(L, index, "__name") == LUA_TSTRING)
            return lua_pushfstring(L, "(%s)", lua_tostring(L, -1));
        return lua_pushfstring(L, "(%s)", luaL_typename(L, index));
    }
}

int dam_argument_error(lua_State *L, const char *where, const char *key, int index,
                       const char *expected)
{
    const char *value;

    index = lua_absindex(L, index);
    value = push_value(L, index); /* first: the argument may be absent, its place the next free */
    luaL_where(L, 1);
    lua_pushfstring(L, "%s%s: %s = %s is not allowed: expected %s", lua_tostring(L, -1), where, key,
                    value, expected);
    return lua_error(L);
}

static dam_status last_raised;

dam_status dam_last_raised(void)
{
    const dam_status status = last_raised;

    last_raised = DAM_OK;
    return status;
}

int dam_raise(lua_State *L, const char *where, const dam_error *e)
{
    last_raised = e->status;
    return luaL_error(L, "%s: %s", where, e->message);
}

/* Pushes "a, b, c". */
static void push_list(lua_State *L, const char *const names[])
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (size_t i = 0; names[i]; i++) {
        if (i)
            luaL_addstring(&b, ", ");
        luaL_addstring(&b, names[i]);
    }
    luaL_pushresult(&b);
}

static int unknown_name(lua_State *L, const char *head, const char *name, const char *list_name,
                        const char *const candidates[])
{
    const char *near = dam_nearest(name, candidates);

    push_list(L, candidates);
    if (near)
        return luaL_error(L, "%s '%s'; did you mean '%s'? (%s: %s)", head, name, near, list_name,
                          lua_tostring(L, -1));
    return luaL_error(L, "%s '%s' (%s: %s)", head, name, list_name, lua_tostring(L, -1));
}

int dam_unknown_field(lua_State *L, const char *where, int key_index,
                      const char *const candidates[])
{
    const char *head = lua_pushfstring(L, "%s has no field", where);

    if (lua_type(L, key_index) != LUA_TSTRING)
        return luaL_error(L, "%s of type %s", head, luaL_typename(L, key_index));
    return unknown_name(L, head, lua_tostring(L, key_index), "fields", candidates);
}

dam_options dam_options_begin(lua_State *L, int index, const char *where,
                              const char *const allowed[], bool optional)
{
    dam_options o = {L, lua_absindex(L, index), where};

    if (optional && lua_isnoneornil(L, index)) {
        o.index = 0;
        return o;
    }
    if (!lua_istable(L, index))
        luaL_error(L, "%s: expected one table of options, got %s", where, luaL_typename(L, index));
    for (lua_pushnil(L); lua_next(L, o.index); lua_pop(L, 1)) {
        bool known = false;
        if (lua_type(L, -2) != LUA_TSTRING) {
            luaL_error(L, "%s: options are written key = value; found a value without a key (%s)",
                       where, push_value(L, lua_gettop(L)));
        }
        for (size_t i = 0; allowed[i] && !known; i++)
            known = strcmp(lua_tostring(L, -2), allowed[i]) == 0;
        if (!known) {
            const char *head = lua_pushfstring(L, "%s: unknown option", where);
            unknown_name(L, head, lua_tostring(L, -3), "options", allowed);
        }
    }
    return o;
}

int dam_option_push(const dam_options *o, const char *key)
{
    if (o->index == 0) {
        lua_pushnil(o->L);
        return LUA_TNIL;
    }
    lua_pushstring(o->L, key);
    return lua_rawget(o->L, o->index);
}

bool dam_option_present(const dam_options *o, const char *key)
{
    int type = dam_option_push(o, key);
    lua_pop(o->L, 1);
    return type != LUA_TNIL;
}

void dam_option_require(const dam_options *o, const char *key, const char *expected)
{
    if (!dam_option_present(o, key))
        luaL_error(o->L, "%s: option '%s' is missing: expected %s", o->where, key, expected);
}

double dam_check_number(lua_State *L, int index, const char *where, const char *name, double min,
                        double max, const char *expected)
{
    double v;

    if (lua_type(L, index) != LUA_TNUMBER)
        dam_argument_error(L, where, name, index, expected);
    v = lua_tonumber(L, index);
    if (!isfinite(v) || v < min || v > max)
        dam_argument_error(L, where, name, index, expected);
    return v;
}

int64_t dam_check_integer(lua_State *L, int index, const char *where, const char *name, int64_t min,
                          int64_t max, const char *expected)
{
    int exact;
    lua_Integer v;

    if (lua_type(L, index) != LUA_TNUMBER)
        dam_argument_error(L, where, name, index, expected);
    v = lua_tointegerx(L, index, &exact);
    if (!exact || v < min || v > max)
        dam_argument_error(L, where, name, index, expected);
    return v;
}

double dam_option_number(const dam_options *o, const char *key, double fallback, double min,
                         double max, const char *expected)
{
    double v = fallback;

    if (dam_option_push(o, key) != LUA_TNIL)
        v = dam_check_number(o->L, -1, o->where, key, min, max, expected);
    lua_pop(o->L, 1);
    return v;
}

int64_t dam_option_integer(const dam_options *o, const char *key, int64_t fallback, int64_t min,
                           int64_t max, const char *expected)
{
    int64_t v = fallback;

    if (dam_option_push(o, key) != LUA_TNIL)
        v = dam_check_integer(o->L, -1, o->where, key, min, max, expected);
    lua_pop(o->L, 1);
    return v;
}

bool dam_option_boolean(const dam_options *o, const char *key, bool fallback)
{
    bool v = fallback;
    int type = dam_option_push(o, key);

    if (type != LUA_TNIL) {
        if (type != LUA_TBOOLEAN)
            dam_argument_error(o->L, o->where, key, -1, "true or false");
        v = lua_toboolean(o->L, -1);
    }
    lua_pop(o->L, 1);
    return v;
}

int dam_option_choice(const dam_options *o, const char *key, int fallback,
                      const char *const choices[])
{
    lua_State *L = o->L;
    int type = dam_option_push(o, key);
    const char *word;

    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        return fallback;
    }
    if (type == LUA_TSTRING) {
        word = lua_tostring(L, -1);
        for (int i = 0; choices[i]; i++)
            if (strcmp(word, choices[i]) == 0) {
                lua_pop(L, 1);
                return i;
            }
    }
    push_list(L, choices);
    lua_pushfstring(L, "one of %s", lua_tostring(L, -1));
    return dam_argument_error(L, o->where, key, -3, lua_tostring(L, -1));
}

bool dam_is_one_of(const char *word, const char *const names[])
{
    for (; *names; names++)
        if (strcmp(word, *names) == 0)
            return true;
    return false;
}

void dam_new_class(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "methods");
    lua_pop(L, 1);
}

void dam_push_methods(lua_State *L, const char *name)
{
    luaL_getmetatable(L, name);
    lua_getfield(L, -1, "methods");
    lua_remove(L, -2);
}

bool dam_push_method(lua_State *L, int userdata, int key)
{
    key = lua_absindex(L, key);
    if (luaL_getmetafield(L, userdata, "methods") == LUA_TNIL)
        return false;
    lua_pushvalue(L, key);
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_pop(L, 2);
        return false;
    }
    lua_remove(L, -2);
    return true;
}
