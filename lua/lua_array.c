/* dam.array: arrays of doubles as values of Lua. Indices count from 1. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../src/memory.h"
#include "../src/npy.h"
#include "args.h"
#include "binding.h"
#include "classes.h"
#include "load.h"

/*
 * What tostring shows: dimensions up to SHOW_LENGTH whole when the array has no more than
 * SHOW_COUNT elements, else the ends of each.
 */
#define SHOW_LENGTH 10
#define SHOW_COUNT 1000
#define SHOW_ENDS 3
#define SHOW_FORMAT "%.6g"

static const char *const fields[] = {"shape", "set", "slice", "totable", "map",   "sum",  "mean",
                                     "std",   "sem", "min",   "max",     "close", "save", NULL};

/* ---- making and checking ---- */

static dam_array *array_at(lua_State *L, int index)
{
    return luaL_testudata(L, index, DAM_CLASS_ARRAY);
}

dam_array *dam_test_array(lua_State *L, int index)
{
    dam_array *a = array_at(L, index);

    if (a && !a->data)
        luaL_error(L, "this " DAM_CLASS_ARRAY " is closed");
    return a;
}

dam_array *dam_check_array(lua_State *L, int index)
{
    dam_array *a = dam_test_array(L, index);

    if (!a && index > 0)
        luaL_typeerror(L, index, DAM_CLASS_ARRAY);
    if (!a)
        luaL_error(L, DAM_CLASS_ARRAY " expected, got %s", luaL_typename(L, index));
    return a;
}

/* Pushes a closed array. */
static dam_array *push_closed(lua_State *L)
{
    dam_array *a;

    dam_collect_if_needed(L);
    a = lua_newuserdatauv(L, sizeof *a, 0);
    memset(a, 0, sizeof *a);
    luaL_setmetatable(L, DAM_CLASS_ARRAY);
    return a;
}

static dam_array *push_array(lua_State *L, const char *where, int rank, const int64_t *shape)
{
    dam_array *a = push_closed(L);
    dam_error e;

    if (dam_array_create(a, rank, shape, &e))
        dam_raise(L, where, &e);
    return a;
}

dam_array *dam_push_array(lua_State *L, int rank, const int64_t *shape)
{
    return push_array(L, DAM_CLASS_ARRAY, rank, shape);
}

void dam_take_array(lua_State *L, dam_array *a)
{
    dam_array *own = push_closed(L);

    *own = *a;
    memset(a, 0, sizeof *a);
}

/*
 * A new array like the one at `model`, which is looked at again afterwards: making an array can run
 * finalisers, and a finaliser can close any array.
 */
static dam_array *push_like(lua_State *L, int model, dam_array **a)
{
    int64_t shape[DAM_ARRAY_MAX_RANK];
    int rank = (*a)->rank;
    dam_array *out;

    memcpy(shape, (*a)->shape, sizeof shape);
    out = dam_push_array(L, rank, shape);
    *a = dam_check_array(L, model);
    return out;
}

/***
Releases the array's memory now instead of when the collector finds it. Using the array afterwards
is an error; closing it again is not. `local a <close> = dam.zeros(n)` does it at the block's end.
@function array:close
@usage a = dam.zeros(1000); a:close()
*/
static int close_array(lua_State *L)
{
    dam_array_close(luaL_checkudata(L, 1, DAM_CLASS_ARRAY));
    return 0;
}

/* ---- from nested tables ---- */

/* Where in the nested table we are: "[2][3]". */
typedef struct {
    int depth;
    lua_Integer at[DAM_ARRAY_MAX_RANK + 1];
} place;

static const char *push_place(lua_State *L, const place *p)
{
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (int i = 0; i < p->depth; i++) {
        lua_pushfstring(L, "[%I]", (LUAI_UACINT)p->at[i]);
        luaL_addvalue(&b);
    }
    if (p->depth == 0)
        luaL_addstring(&b, "the table");
    luaL_pushresult(&b);
    return lua_tostring(L, -1);
}

/* The length of the table at the top, all of whose keys must be 1, 2, ... */
static int64_t list_length(lua_State *L, const place *p)
{
    int64_t n = 0, largest = 0;

    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1) {
            const char *key = luaL_tolstring(L, -2, NULL);
            luaL_error(L, "dam.array: %s has a key '%s': expected a list of numbers",
                       push_place(L, p), key);
        }
        n++;
        if (lua_tointeger(L, -2) > largest)
            largest = lua_tointeger(L, -2);
    }
    if (n == 0)
        luaL_error(L, "dam.array: %s is empty: every length must be 1 or more", push_place(L, p));
    if (largest != n) {
        place hole = *p;
        lua_Integer i = 1;
        while (lua_rawgeti(L, -1, i) != LUA_TNIL) {
            lua_pop(L, 1);
            i++;
        }
        hole.at[hole.depth++] = i;
        luaL_error(L, "dam.array: %s is nil: expected a number", push_place(L, &hole));
    }
    return n;
}

/* Reads the shape of the value at the top by walking down its first elements. */
static int read_shape(lua_State *L, int64_t *shape)
{
    place p = {0, {0}};
    int rank = 0, top = lua_gettop(L);

    luaL_checkstack(L, DAM_ARRAY_MAX_RANK + 8, NULL);
    while (lua_istable(L, -1)) {
        if (rank == DAM_ARRAY_MAX_RANK)
            luaL_error(L, "dam.array: tables are nested deeper than %d levels", DAM_ARRAY_MAX_RANK);
        shape[rank++] = list_length(L, &p);
        p.at[p.depth++] = 1;
        lua_rawgeti(L, -1, 1);
    }
    if (array_at(L, -1)) {
        const dam_array *a = dam_check_array(L, -1);
        if (rank + a->rank > DAM_ARRAY_MAX_RANK)
            luaL_error(L, "dam.array: more than %d dimensions", DAM_ARRAY_MAX_RANK);
        memcpy(shape + rank, a->shape, (size_t)a->rank * sizeof *shape);
        rank += a->rank;
    }
    lua_settop(L, top);
    return rank;
}

static void bad_element(lua_State *L, const place *p, int rank)
{
    const char *found = luaL_tolstring(L, -1, NULL);

    if (lua_type(L, -2) == LUA_TSTRING)
        found = lua_pushfstring(L, "\"%s\"", found);
    else if (lua_type(L, -2) != LUA_TNIL && lua_type(L, -2) != LUA_TBOOLEAN &&
             lua_type(L, -2) != LUA_TNUMBER)
        found = lua_pushfstring(L, "a %s", luaL_typename(L, -2));
    luaL_error(L, "dam.array: %s is %s: expected %s", push_place(L, p), found,
               p->depth == rank ? "a number" : "a list like the first one");
}

static void bad_length(lua_State *L, const place *p, int64_t found, int64_t wanted)
{
    luaL_error(L, "dam.array: ragged: %s has length %I, the ones before it have length %I",
               push_place(L, p), (LUAI_UACINT)found, (LUAI_UACINT)wanted);
}

/* Copies the value at the top, which must have the shape's dimensions from p->depth on. */
static double *fill(lua_State *L, place *p, const int64_t *shape, int rank, double *out)
{
    int d = p->depth;

    if (d == rank) {
        if (lua_type(L, -1) != LUA_TNUMBER)
            bad_element(L, p, rank);
        *out = lua_tonumber(L, -1);
        return out + 1;
    }
    if (array_at(L, -1)) {
        const dam_array *a = dam_check_array(L, -1);
        if (a->rank != rank - d)
            luaL_error(L, "dam.array: ragged: %s has %d dimensions, the ones before it have %d",
                       push_place(L, p), a->rank, rank - d);
        for (int i = 0; i < a->rank; i++)
            if (a->shape[i] != shape[d + i])
                bad_length(L, p, a->shape[i], shape[d + i]);
        memcpy(out, a->data, (size_t)a->count * sizeof *out);
        return out + a->count;
    }
    if (!lua_istable(L, -1))
        bad_element(L, p, rank);
    if (list_length(L, p) != shape[d])
        bad_length(L, p, list_length(L, p), shape[d]);
    p->depth++;
    for (lua_Integer i = 1; i <= shape[d]; i++) {
        p->at[d] = i;
        lua_rawgeti(L, -1, i);
        out = fill(L, p, shape, rank, out);
        lua_pop(L, 1);
    }
    p->depth--;
    return out;
}

/***
Makes an array from nested tables, or copies an array.
@function dam.array
@tparam table|array values a number list for one dimension, a list of equally long lists for two,
 and so on up to 8 dimensions; lists of arrays of one shape stack them. NaN and infinities are
 allowed
@treturn array
@raise on empty and ragged tables and on anything that is not a number, naming its place
@usage a = dam.array{ { 1, 2, 3 }, { 4, 5, 6 } }; print(a(2, 1), (a * 2):sum())
*/
static int new_array(lua_State *L)
{
    int64_t shape[DAM_ARRAY_MAX_RANK];
    place p = {0, {0}};
    dam_array *out;
    int rank;

    lua_settop(L, 1);
    if (!lua_istable(L, 1) && !array_at(L, 1))
        dam_argument_error(L, "dam.array", "values", 1, "a table of numbers or an array");
    rank = read_shape(L, shape);
    out = push_array(L, "dam.array", rank, shape);
    lua_pushvalue(L, 1);
    fill(L, &p, shape, rank, out->data);
    lua_settop(L, 2);
    return 1;
}

/***
Makes an array of zeros.
@function dam.zeros
@tparam integer n first length, 1 or more
@tparam[opt] integer ... further lengths, up to 8 in all
@treturn array
@raise on lengths that are not integers of 1 or more, and when it does not fit into memory
@usage a = dam.zeros(2, 3)
*/
static int zeros(lua_State *L)
{
    int64_t shape[DAM_ARRAY_MAX_RANK];
    int rank = lua_gettop(L);

    if (rank < 1 || rank > DAM_ARRAY_MAX_RANK)
        return luaL_error(L, "dam.zeros: %d lengths given: expected 1 to %d", rank,
                          DAM_ARRAY_MAX_RANK);
    for (int i = 0; i < rank; i++) {
        char name[24];
        snprintf(name, sizeof name, "length %d", i + 1);
        shape[i] = dam_check_integer(L, i + 1, "dam.zeros", name, 1, INT64_MAX, "an integer >= 1");
    }
    push_array(L, "dam.zeros", rank, shape);
    return 1;
}

/* Raises when so many numbers cannot be had; also for counts that no integer holds. */
static void check_count(lua_State *L, const char *where, double count)
{
    dam_error e;
    char what[48];

    snprintf(what, sizeof what, "an array of %.6g numbers", count);
    if (dam_memory_check(count * sizeof(double), what, "make it smaller", &e))
        dam_raise(L, where, &e);
}

/***
Equally spaced values, both ends included. Values are rounded to 12 significant digits, so that a
temperature has one identity however it was computed.
@function dam.linspace
@tparam number a first value
@tparam number b last value; may be smaller than a
@tparam integer n how many, 1 or more (1 gives a alone)
@treturn array [n]
@raise on numbers that are not finite and n < 1
@usage T = dam.linspace(0.1, 2, 20)
*/
static int linspace(lua_State *L)
{
    static const char where[] = "dam.linspace";
    double a = dam_check_number(L, 1, where, "a", -DBL_MAX, DBL_MAX, "a finite number");
    double b = dam_check_number(L, 2, where, "b", -DBL_MAX, DBL_MAX, "a finite number");
    int64_t n = dam_check_integer(L, 3, where, "n", 1, INT64_MAX, "an integer >= 1");

    check_count(L, where, (double)n);
    dam_array_linspace(a, b, n, push_array(L, where, 1, &n)->data);
    return 1;
}

/***
The values a, a + step, a + 2 step, ... up to b, which is included up to rounding. Values are
rounded to 12 significant digits: 0.1 + 0.2 is 0.3 here.
@function dam.range
@tparam number a first value
@tparam number b bound of the last value
@tparam number step not 0; negative to count down
@treturn array [n]
@raise on numbers that are not finite, step = 0, a range without values, and one that does not fit
 into memory
@usage alpha = dam.range(0.01, 0.55, 0.01)
*/
static int range(lua_State *L)
{
    static const char where[] = "dam.range";
    double a = dam_check_number(L, 1, where, "a", -DBL_MAX, DBL_MAX, "a finite number");
    double b = dam_check_number(L, 2, where, "b", -DBL_MAX, DBL_MAX, "a finite number");
    double step = dam_check_number(L, 3, where, "step", -DBL_MAX, DBL_MAX, "a finite number");
    double count;
    int64_t n;

    if (step == 0)
        dam_argument_error(L, where, "step", 3, "a number other than 0");
    count = dam_array_range_count(a, b, step);
    if (!(count >= 1))
        return luaL_error(L, "%s: no values: a step %s 0 does not lead from a = %f to b = %f",
                          where, step > 0 ? ">" : "<", (LUAI_UACNUMBER)a, (LUAI_UACNUMBER)b);
    check_count(L, where, count);
    n = (int64_t)count;
    dam_array_range(a, step, n, push_array(L, where, 1, &n)->data);
    return 1;
}

/* ---- elements ---- */

static int index_error(lua_State *L, int argument, int dimension, int64_t length)
{
    const char *found = luaL_tolstring(L, argument, NULL);

    return luaL_error(L, "dam.array: index %s of dimension %d is not allowed: expected 1 to %I",
                      found, dimension, (LUAI_UACINT)length);
}

/* The offset of the element whose indices are the arguments from `first` on. */
static int64_t element(lua_State *L, const dam_array *a, int first)
{
    int64_t offset = 0;

    if (lua_gettop(L) - first + 1 != a->rank) {
        char shape[DAM_ARRAY_SHAPE_TEXT];
        dam_array_describe_shape(a, shape);
        return luaL_error(L, "dam.array: %d indices given for an array of shape %s",
                          lua_gettop(L) - first + 1, shape);
    }
    for (int d = 0; d < a->rank; d++) {
        int exact = 0;
        lua_Integer i = 0;
        if (lua_type(L, first + d) == LUA_TNUMBER)
            i = lua_tointegerx(L, first + d, &exact);
        if (!exact || i < 1 || i > a->shape[d])
            index_error(L, first + d, d + 1, a->shape[d]);
        offset = offset * a->shape[d] + i - 1;
    }
    return offset;
}

static int not_one_dimensional(lua_State *L, const dam_array *a)
{
    char shape[DAM_ARRAY_SHAPE_TEXT];

    dam_array_describe_shape(a, shape);
    return luaL_error(L,
                      "dam.array: a[i] is for one dimension, this array has shape %s: use a(i, j), "
                      "a:set(v, i, j) or a:slice{i}",
                      shape);
}

static void push_shape(lua_State *L, const dam_array *a)
{
    lua_createtable(L, a->rank, 0);
    for (int i = 0; i < a->rank; i++) {
        lua_pushinteger(L, a->shape[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/***
Doubles, row-major, indices from 1. `a[i]` reads and writes one dimension (reading `a[#a + 1]` gives
nil, so that ipairs ends; any other index out of range is an error), `a(i, j)` and `a:set(v, i, j)`
work in any; `#a` is the first length. + - * / ^ and unary minus work element by element between
equal shapes and with numbers; `==` compares shapes and values (two NaN count as equal). Made by
dam.array, dam.zeros, dam.linspace, dam.range and dam.load.
@type array
@tfield integer[] shape the lengths
@operator add(number|array): array
@operator sub(number|array): array
@operator mul(number|array): array
@operator div(number|array): array
@operator pow(number|array): array
@operator unm: array
@operator len: integer
@overload fun(i: integer, ...: integer): number
@usage a = dam.array{ { 1, 2, 3 }, { 4, 5, 6 } }
 print(a.shape[2], a(2, 3), a * 2 + 1, a ^ 2 == a * a)
*/
/* a[i], a.shape, a:method; upvalue: the methods */
static int get_index(lua_State *L)
{
    const dam_array *a;

    if (lua_type(L, 2) == LUA_TNUMBER) {
        int exact;
        lua_Integer i = lua_tointegerx(L, 2, &exact);
        a = dam_check_array(L, 1);
        if (a->rank != 1)
            return not_one_dimensional(L, a);
        if (exact && i == a->shape[0] + 1) {
            lua_pushnil(L); /* ends ipairs */
            return 1;
        }
        if (!exact || i < 1 || i > a->shape[0])
            return index_error(L, 2, 1, a->shape[0]);
        lua_pushnumber(L, a->data[i - 1]);
        return 1;
    }
    luaL_checkudata(L, 1, DAM_CLASS_ARRAY);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    if (lua_type(L, 2) != LUA_TSTRING || strcmp(lua_tostring(L, 2), "shape") != 0)
        return dam_unknown_field(L, DAM_CLASS_ARRAY, 2, fields);
    push_shape(L, dam_check_array(L, 1));
    return 1;
}

/* a[i] = v */
static int set_index(lua_State *L)
{
    dam_array *a = dam_check_array(L, 1);
    int64_t at;

    if (lua_type(L, 2) != LUA_TNUMBER)
        return luaL_error(L, "dam.array: only elements can be set: a[i] = v or a:set(v, i, j)");
    if (a->rank != 1)
        return not_one_dimensional(L, a);
    if (lua_type(L, 3) != LUA_TNUMBER)
        dam_argument_error(L, DAM_CLASS_ARRAY, "value", 3, "a number");
    lua_insert(L, 2); /* array, value, index */
    at = element(L, a, 3);
    a->data[at] = lua_tonumber(L, 2);
    return 0;
}

/* a(i, j) */
static int call(lua_State *L)
{
    const dam_array *a = dam_check_array(L, 1);

    lua_pushnumber(L, a->data[element(L, a, 2)]);
    return 1;
}

/***
Sets an element.
@function array:set
@tparam number v the value
@tparam integer i its first index
@tparam[opt] integer ... its further indices, one per dimension
@raise on a value that is no number and indices out of range
@usage a = dam.zeros(2, 3); a:set(7, 2, 3)
*/
static int set(lua_State *L)
{
    dam_array *a = dam_check_array(L, 1);
    int64_t at;

    if (lua_type(L, 2) != LUA_TNUMBER)
        dam_argument_error(L, "array:set", "v", 2, "a number");
    at = element(L, a, 3);
    a->data[at] = lua_tonumber(L, 2);
    return 0;
}

static int length(lua_State *L)
{
    lua_pushinteger(L, dam_check_array(L, 1)->shape[0]);
    return 1;
}

/* The bound at the top of the stack, of dimension d (from 0) of a slice. */
static int64_t slice_bound(lua_State *L, int d, int64_t size)
{
    int exact = 0;
    lua_Integer v = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &exact) : 0;

    if (!exact || v < 1 || v > size)
        index_error(L, lua_gettop(L), d + 1, size);
    return v;
}

/* Dimension d of a slice from the value at the top; true when it is kept. */
static bool slice_dimension(lua_State *L, int d, int64_t size, int64_t *first, int64_t *count)
{
    int64_t last;

    *first = 0;
    *count = size;
    if (lua_isnil(L, -1))
        return true;
    if (!lua_istable(L, -1)) {
        *first = slice_bound(L, d, size) - 1;
        *count = 1;
        return false;
    }
    if (lua_rawlen(L, -1) != 2)
        luaL_error(L, "array:slice: dimension %d: a range has two numbers, like {2, 5}", d + 1);
    lua_rawgeti(L, -1, 1);
    *first = slice_bound(L, d, size) - 1;
    lua_rawgeti(L, -2, 2);
    last = slice_bound(L, d, size);
    lua_pop(L, 2);
    if (last <= *first)
        luaL_error(L, "array:slice: dimension %d: the range {%I, %I} holds nothing", d + 1,
                   (LUAI_UACINT)*first + 1, (LUAI_UACINT)last);
    *count = last - *first;
    return true;
}

static void check_slice_keys(lua_State *L, int rank)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > rank) {
            luaL_tolstring(L, -2, NULL);
            luaL_error(L, "array:slice: entry '%s' is not a dimension: this array has %d",
                       lua_tostring(L, -1), rank);
        }
}

/***
Copies a part of an array.
@function array:slice
@tparam table box one entry per dimension: a number fixes an index (the dimension disappears), a
 pair {first, last} keeps a range, nil and the dimensions after the last entry stay whole
@treturn array|number a copy; a number when every index is fixed
@raise on indices out of range and ranges that hold nothing
@usage a = dam.array{ { 1, 2, 3 }, { 4, 5, 6 } }; print(a:slice{ 1, { 2, 3 } })
*/
static int slice(lua_State *L)
{
    dam_array *a = dam_check_array(L, 1);
    int64_t first[DAM_ARRAY_MAX_RANK], count[DAM_ARRAY_MAX_RANK], shape[DAM_ARRAY_MAX_RANK];
    dam_array *out;
    int rank = 0;

    check_slice_keys(L, a->rank);
    for (int d = 0; d < a->rank; d++) {
        lua_rawgeti(L, 2, d + 1);
        if (slice_dimension(L, d, a->shape[d], &first[d], &count[d]))
            shape[rank++] = count[d];
        lua_pop(L, 1);
    }
    if (rank == 0) {
        double v;
        dam_array_copy_box(a, first, count, &v);
        lua_pushnumber(L, v);
        return 1;
    }
    out = dam_push_array(L, rank, shape);
    dam_array_copy_box(dam_check_array(L, 1), first, count, out->data);
    return 1;
}

/*
 * The element at `offset` of an array that was open before; making a table or a string can run a
 * finaliser, and a finaliser can close any array.
 */
static double still_open(lua_State *L, const dam_array *a, int64_t offset)
{
    if (!a->data)
        luaL_error(L, "this " DAM_CLASS_ARRAY " was closed while it was read");
    return a->data[offset];
}

static void push_nested(lua_State *L, const dam_array *a, int d, int64_t offset)
{
    int64_t n = a->shape[d];

    lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
    for (int64_t i = 0; i < n; i++) {
        if (d + 1 == a->rank)
            lua_pushnumber(L, still_open(L, a, offset * n + i));
        else
            push_nested(L, a, d + 1, offset * n + i);
        lua_rawseti(L, -2, i + 1);
    }
}

/***
The values as nested tables.
@function array:totable
@treturn table
@usage t = dam.array{ { 1, 2 }, { 3, 4 } }:totable(); print(t[2][1])
*/
static int to_table(lua_State *L)
{
    luaL_checkstack(L, 2 * DAM_ARRAY_MAX_RANK, NULL);
    push_nested(L, dam_check_array(L, 1), 0, 0);
    return 1;
}

/* ---- arithmetic ---- */

static const char *const operation_names[] = {"+", "-", "*", "/", "^"};

static int bad_operand(lua_State *L, int index, dam_operation op)
{
    return luaL_error(L, "dam.array: %s works with arrays and numbers, not with a %s value",
                      operation_names[op], luaL_typename(L, index));
}

static int combine(lua_State *L, dam_operation op)
{
    dam_array *x = dam_test_array(L, 1), *y = dam_test_array(L, 2), *out;
    double number = 0;

    if ((!x && lua_type(L, 1) != LUA_TNUMBER) || (!y && lua_type(L, 2) != LUA_TNUMBER))
        return bad_operand(L, x || lua_type(L, 1) == LUA_TNUMBER ? 2 : 1, op);
    if (x && y && !dam_array_same_shape(x, y)) {
        char a[DAM_ARRAY_SHAPE_TEXT], b[DAM_ARRAY_SHAPE_TEXT];
        dam_array_describe_shape(x, a);
        dam_array_describe_shape(y, b);
        return luaL_error(L, "dam.array: %s needs equal shapes, not %s and %s", operation_names[op],
                          a, b);
    }
    if (!x || !y)
        number = lua_tonumber(L, x ? 2 : 1);
    out = x ? push_like(L, 1, &x) : push_like(L, 2, &y);
    if (x && y) { /* the second may have been closed meanwhile, too */
        x = dam_check_array(L, 1);
        y = dam_check_array(L, 2);
    }
    dam_array_combine(op, out->count, out->data, x ? x->data : &number, x != NULL,
                      y ? y->data : &number, y != NULL);
    return 1;
}

static int add(lua_State *L)
{
    return combine(L, DAM_ADD);
}

static int subtract(lua_State *L)
{
    return combine(L, DAM_SUBTRACT);
}

static int multiply(lua_State *L)
{
    return combine(L, DAM_MULTIPLY);
}

static int divide(lua_State *L)
{
    return combine(L, DAM_DIVIDE);
}

static int power(lua_State *L)
{
    return combine(L, DAM_POWER);
}

static int negate(lua_State *L)
{
    dam_array *a = dam_check_array(L, 1);
    dam_array *out = push_like(L, 1, &a);

    for (int64_t i = 0; i < a->count; i++)
        out->data[i] = -a->data[i];
    return 1;
}

static int equal(lua_State *L)
{
    const dam_array *a = dam_test_array(L, 1), *b = dam_test_array(L, 2);

    lua_pushboolean(L, a && b && dam_array_equal(a, b));
    return 1;
}

/***
A new array of f(x) for every element x.
@function array:map
@tparam function f takes a number and returns a number
@treturn array of the same shape
@raise when f raises or returns something else
@usage e = dam.linspace(0, 1, 3):map(math.exp)
*/
static int map(lua_State *L)
{
    dam_array *a = dam_check_array(L, 1);
    dam_array *out;

    luaL_checktype(L, 2, LUA_TFUNCTION);
    out = push_like(L, 1, &a);
    for (int64_t i = 0; i < out->count; i++) {
        lua_pushvalue(L, 2);
        lua_pushnumber(L, dam_check_array(L, 1)->data[i]); /* f may have closed it */
        lua_call(L, 1, 1);
        if (lua_type(L, -1) != LUA_TNUMBER)
            return luaL_error(L, "array:map: the function returned a %s value: expected a number",
                              luaL_typename(L, -1));
        out->data[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    return 1;
}

/* ---- statistics ---- */

static int reduce(lua_State *L, dam_statistic s, const char *where)
{
    dam_array *a = dam_check_array(L, 1);
    int64_t shape[DAM_ARRAY_MAX_RANK];
    dam_array *out;
    int rank = 0, dim;

    if (lua_isnoneornil(L, 2)) {
        lua_pushnumber(L, dam_array_statistic(s, a->data, a->count, 1));
        return 1;
    }
    dim = (int)dam_check_integer(L, 2, where, "dim", 1, a->rank,
                                 "the number of one of the array's dimensions") -
          1;
    if (a->rank == 1) {
        lua_pushnumber(L, dam_array_statistic(s, a->data, a->count, 1));
        return 1;
    }
    for (int i = 0; i < a->rank; i++)
        if (i != dim)
            shape[rank++] = a->shape[i];
    out = dam_push_array(L, rank, shape);
    dam_array_reduce(s, dam_check_array(L, 1), dim, out->data);
    return 1;
}

/***
The sum of all elements, or over one dimension. Sums are pairwise: their rounding error stays small
for any length.
@function array:sum
@tparam[opt] integer dim the dimension to sum over
@treturn number|array a number without `dim` and for one dimension, else an array of the others
@usage a = dam.array{ { 1, 2 }, { 3, 4 } }; print(a:sum(), a:sum(1))
*/
static int sum(lua_State *L)
{
    return reduce(L, DAM_SUM, "array:sum");
}

/***
The mean of all elements, or over one dimension.
@function array:mean
@tparam[opt] integer dim the dimension to average over
@treturn number|array as in `sum`
@usage print(dam.array{ 1, 2, 6 }:mean())
*/
static int mean(lua_State *L)
{
    return reduce(L, DAM_MEAN, "array:mean");
}

/***
The sample standard deviation (n - 1) of all elements, or over one dimension; NaN for n = 1.
@function array:std
@tparam[opt] integer dim the dimension to go over
@treturn number|array as in `sum`
@usage print(dam.array{ 1, 2, 6 }:std())
*/
static int std(lua_State *L)
{
    return reduce(L, DAM_STD, "array:std");
}

/***
The standard error of the mean, std/sqrt(n), of all elements or over one dimension; NaN for n = 1.
@function array:sem
@tparam[opt] integer dim the dimension to go over
@treturn number|array as in `sum`
@usage print(dam.array{ 1, 2, 6 }:sem())
*/
static int sem(lua_State *L)
{
    return reduce(L, DAM_SEM, "array:sem");
}

/***
The smallest element of all, or over one dimension; NaN when there is a NaN.
@function array:min
@tparam[opt] integer dim the dimension to go over
@treturn number|array as in `sum`
@usage print(dam.array{ 3, 1, 2 }:min())
*/
static int min(lua_State *L)
{
    return reduce(L, DAM_MIN, "array:min");
}

/***
The largest element of all, or over one dimension; NaN when there is a NaN.
@function array:max
@tparam[opt] integer dim the dimension to go over
@treturn number|array as in `sum`
@usage print(dam.array{ 3, 1, 2 }:max())
*/
static int max(lua_State *L)
{
    return reduce(L, DAM_MAX, "array:max");
}

/* ---- files ---- */

/***
Saves the array as an NPY file (float64, C order) that dam.load and numpy.load read. The file is
complete or not there at all; an existing one is replaced.
@function array:save
@tparam string file name of the file
@raise naming the file and the reason when it cannot be written
@usage name = os.tmpname(); dam.zeros(2, 3):save(name); os.remove(name)
*/
static int save(lua_State *L)
{
    const dam_array *a = dam_check_array(L, 1);
    const char *path = dam_check_path(L, 2, "array:save");
    dam_error e;

    if (dam_npy_save(a, path, &e))
        return dam_raise(L, "array:save", &e);
    return 0;
}

int dam_load_array(lua_State *L, const char *path)
{
    dam_array *a = push_closed(L);
    dam_error e;

    if (dam_npy_load(a, path, &e))
        return dam_raise(L, "dam.load", &e);
    return 1;
}

/* ---- as text ---- */

/* A walk over what is shown of an array: first to find the widest number, then to write. */
typedef struct {
    lua_State *L;
    const dam_array *a;
    luaL_Buffer *b; /* NULL in the first walk */
    int width;
    int64_t whole, ends; /* a dimension longer than `whole` shows its ends */
} printer;

static void put(printer *p, const char *text)
{
    if (p->b)
        luaL_addstring(p->b, text);
}

static void put_number(printer *p, int64_t offset)
{
    char text[40];
    const double v = still_open(p->L, p->a, offset);
    /* the sign that printf gives to a nan differs between machines */
    int n =
        isnan(v) ? snprintf(text, sizeof text, "nan") : snprintf(text, sizeof text, SHOW_FORMAT, v);

    if (!p->b && n > p->width)
        p->width = n;
    for (int i = n; p->b && i < p->width; i++)
        luaL_addchar(p->b, ' ');
    put(p, text);
}

/* What stands between the elements of dimension d. */
static void separate(printer *p, int d, const char *comma)
{
    put(p, comma);
    if (d + 1 == p->a->rank) {
        put(p, " ");
        return;
    }
    put(p, "\n");
    for (int i = 0; i <= d; i++)
        put(p, "  ");
}

static void show(printer *p, int d, int64_t offset)
{
    int64_t n = p->a->shape[d];

    put(p, "{ ");
    for (int64_t i = 0; i < n; i++) {
        if (i > 0)
            separate(p, d, ",");
        if (n > p->whole && i == p->ends) {
            put(p, "...");
            separate(p, d, ",");
            i = n - p->ends;
        }
        if (d + 1 == p->a->rank)
            put_number(p, offset * n + i);
        else
            show(p, d + 1, offset * n + i);
    }
    put(p, " }");
}

static int to_string(lua_State *L)
{
    const dam_array *a = luaL_checkudata(L, 1, DAM_CLASS_ARRAY);
    char shape[DAM_ARRAY_SHAPE_TEXT];
    printer p = {L, a, NULL, 0, SHOW_LENGTH, SHOW_ENDS};
    luaL_Buffer b;

    if (!a->data) {
        lua_pushliteral(L, DAM_CLASS_ARRAY " (closed)");
        return 1;
    }
    if (a->count > SHOW_COUNT) { /* at most 6^3 or 2^8 numbers */
        p.ends = a->rank <= 3 ? SHOW_ENDS : 1;
        p.whole = 2 * p.ends;
    }
    show(&p, 0, 0);
    luaL_buffinit(L, &b);
    p.b = &b;
    dam_array_describe_shape(a, shape);
    put(&p, DAM_CLASS_ARRAY " ");
    put(&p, shape);
    put(&p, a->rank > 1 ? "\n" : " ");
    show(&p, 0, 0);
    luaL_pushresult(&b);
    return 1;
}

static const luaL_Reg methods[] = {
    {"set", set},           {"slice", slice}, {"totable", to_table}, {"map", map}, {"sum", sum},
    {"mean", mean},         {"std", std},     {"sem", sem},          {"min", min}, {"max", max},
    {"close", close_array}, {"save", save},   {NULL, NULL}};

static const luaL_Reg metamethods[] = {{"__newindex", set_index}, {"__call", call},
                                       {"__len", length},         {"__add", add},
                                       {"__sub", subtract},       {"__mul", multiply},
                                       {"__div", divide},         {"__pow", power},
                                       {"__unm", negate},         {"__eq", equal},
                                       {"__tostring", to_string}, {"__gc", close_array},
                                       {"__close", close_array},  {NULL, NULL}};

void dam_open_array(lua_State *L)
{
    static const luaL_Reg constructors[] = {{"array", new_array},   {"zeros", zeros},
                                            {"linspace", linspace}, {"range", range},
                                            {"load", dam_load},     {NULL, NULL}};

    luaL_newmetatable(L, DAM_CLASS_ARRAY);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, get_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, constructors, 0);
}
