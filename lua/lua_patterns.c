#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../src/interrupt.h"
#include "../src/memory.h"
#include "../src/observables.h"
#include "args.h"
#include "binding.h"
#include "classes.h"

/* Patterns are singles: a component cannot be trusted further, so neither can a user's norm. */
static const char where_patterns[] = "dam.patterns";

static const char *const fields[] = {
    "N",        "M",           "alpha",   "disorder", "first_disorder", "seed",
    "rescaled", "repeated",    "overlap", "gram",     "array",          "duplicates",
    "part",     "fingerprint", "close",   NULL};

typedef struct {
    dam_patterns *p; /* NULL when closed */
} handle;

dam_patterns *dam_check_patterns(lua_State *L, int index)
{
    handle *h = luaL_checkudata(L, index, DAM_CLASS_PATTERNS);

    if (!h->p)
        luaL_error(L, "dam.patterns: this pattern set is closed");
    return h->p;
}

/***
Releases what the set holds. Using it afterwards is an error; closing it again is not. Samplers made
with it go on.
@function patterns:close
@usage p = dam.patterns{ N = 8, M = 4 }; p:close()
*/
static int close_patterns(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, DAM_CLASS_PATTERNS);

    dam_patterns_release(h->p);
    h->p = NULL;
    return 0;
}

static handle *push_closed(lua_State *L)
{
    handle *h;

    dam_collect_if_needed(L);
    h = lua_newuserdatauv(L, sizeof *h, 0);
    h->p = NULL;
    luaL_setmetatable(L, DAM_CLASS_PATTERNS);
    return h;
}

/* M from M or alpha, whichever is given. */
static int64_t read_M(const dam_options *o, int64_t N)
{
    double alpha, log_max = log((double)DAM_MAX_M);

    if (dam_option_present(o, "M") == dam_option_present(o, "alpha"))
        luaL_error(o->L, "%s: give either M or alpha (M = round(exp(alpha N))), %s", o->where,
                   dam_option_present(o, "M") ? "not both" : "one of them is needed");
    if (dam_option_present(o, "M"))
        return dam_option_integer(o, "M", 0, 1, INT64_MAX, "an integer >= 1");
    alpha = dam_option_number(o, "alpha", 0, 0, DBL_MAX, "a number >= 0");
    if (!(alpha * (double)N <= log_max)) {
        char text[256];
        snprintf(text, sizeof text,
                 "M = exp(alpha N) = 10^%.4g patterns at N = %lld need 10^%.4g GiB of memory, %.3g "
                 "GiB are available: lower alpha (to %.4g at most: M <= 4294967295) or N",
                 alpha * (double)N / M_LN10, (long long)N,
                 (alpha * (double)N + log((double)N * sizeof(float))) / M_LN10 - log10(0x1p30),
                 dam_memory_available() * 0x1p-30, log_max / (double)N);
        luaL_error(o->L, "%s: alpha = %f is not allowed: %s", o->where, alpha, text);
    }
    return (int64_t)round(exp(alpha * (double)N));
}

static int draw(lua_State *L, const dam_options *o)
{
    int64_t N, M, disorder, first;
    uint64_t seed;
    dam_error e;
    handle *h;

    dam_option_require(o, "N", "an integer from 2 to 1000000, the dimension");
    N = dam_option_integer(o, "N", 0, 2, DAM_MAX_N, "an integer from 2 to 1000000");
    M = read_M(o, N);
    if (M > DAM_MAX_M) {
        if (dam_memory_check((double)M * (double)N * sizeof(float),
                             "one disorder of M x N patterns",
                             "lower M (to 4294967295 at most) or N", &e))
            return dam_raise(L, o->where, &e);
        return luaL_error(L, "%s: M = %I is not allowed: expected at most 4294967295", o->where,
                          (LUAI_UACINT)M);
    }
    disorder = dam_option_integer(o, "disorder", 1, 1, DAM_MAX_DISORDER,
                                  "an integer from 1 to 4294967295");
    first = dam_option_integer(o, "first_disorder", 1, 1, DAM_MAX_DISORDER,
                               "an integer from 1 to 4294967295");
    if (first + disorder - 1 > DAM_MAX_DISORDER)
        return luaL_error(L, "%s: first_disorder + disorder - 1 = %I exceeds 4294967295", o->where,
                          (LUAI_UACINT)(first + disorder - 1));
    seed = (uint64_t)dam_option_integer(o, "seed", 1, INT64_MIN, INT64_MAX, "an integer");
    h = push_closed(L);
    if (dam_patterns_draw(&h->p, (int)N, M, disorder, first, seed, &e))
        return dam_raise(L, o->where, &e);
    return 1;
}

/* Targets of the disorders, from 0, in a userdata on top of the stack; their number in `count`. */
static int64_t *read_targets(const dam_options *o, int64_t data_sets, int64_t M, int64_t *count)
{
    lua_State *L = o->L;
    static const char expected[] = "an integer from 1 to M";
    int64_t *target, one = 1;
    bool several = dam_option_present(o, "targets");

    if (several && dam_option_present(o, "target"))
        luaL_error(L, "%s: give either target or targets, not both", o->where);
    if (!several) {
        one = dam_option_integer(o, "target", 1, 1, M, expected);
        *count = data_sets;
        target = lua_newuserdatauv(L, (size_t)data_sets * sizeof *target, 0);
        for (int64_t d = 0; d < data_sets; d++)
            target[d] = one - 1;
        return target;
    }
    if (dam_option_push(o, "targets") != LUA_TTABLE)
        dam_argument_error(L, o->where, "targets", -1, "a list of integers from 1 to M");
    *count = (int64_t)lua_rawlen(L, -1);
    if (*count < 1 || (data_sets > 1 && *count != data_sets))
        luaL_error(L, "%s: targets has %I entries: expected %s", o->where, (LUAI_UACINT)*count,
                   data_sets > 1 ? "one per data set in from" : "at least one");
    target = lua_newuserdatauv(L, (size_t)*count * sizeof *target, 0);
    for (int64_t d = 0; d < *count; d++) {
        lua_rawgeti(L, -2, d + 1);
        target[d] = dam_check_integer(L, -1, o->where, "targets", 1, M, expected) - 1;
        lua_pop(L, 1);
    }
    return target;
}

static int from(lua_State *L, const dam_options *o)
{
    static const char *const drawn_only[] = {
        "N", "M", "alpha", "disorder", "seed", "first_disorder", NULL};
    bool rescale = dam_option_boolean(o, "rescale", false);
    dam_array *a;
    int64_t data_sets, M, N, disorder, *target;
    dam_error e;
    handle *h;

    for (int i = 0; drawn_only[i]; i++)
        if (dam_option_present(o, drawn_only[i]))
            luaL_error(L, "%s: '%s' cannot be given with 'from': the data decide", o->where,
                       drawn_only[i]);
    dam_option_push(o, "from");
    a = dam_test_array(L, -1);
    if (!a || a->rank < 2 || a->rank > 3)
        return dam_argument_error(L, o->where, "from", -1,
                                  "an array of shape [M, N] or [disorder, M, N]");
    data_sets = a->rank == 3 ? a->shape[0] : 1;
    M = a->shape[a->rank - 2];
    N = a->shape[a->rank - 1];
    if (N < 2 || N > DAM_MAX_N)
        luaL_error(L, "%s: from has N = %I columns: expected 2 to 1000000", o->where,
                   (LUAI_UACINT)N);
    target = read_targets(o, data_sets, M, &disorder);
    h = push_closed(L);
    if (dam_patterns_from(&h->p, a->data, data_sets, M, (int)N, rescale, target, disorder, &e))
        return e.status == DAM_ERR_INTERRUPTED ? luaL_error(L, "interrupted")
                                               : dam_raise(L, o->where, &e);
    return 1;
}

/***
A pattern set: `disorder` independent draws of M patterns, uniform on the sphere |xi|^2 = N, or your
own data. Drawn patterns are a function of (seed, N, disorder, mu, component) alone: sets nest, and
disorders 9 to 16 are the same alone (`first_disorder = 9, disorder = 8`) and within 1 to 16.
Pattern 1 of a drawn set is the target.
@function dam.patterns
@tparam table options N with M or alpha for drawn patterns, `from` for your own
@tparam[opt] integer options.N dimension, 2 to 1e6
@tparam[opt] integer options.M number of patterns, 1 to 2^32 - 1
@tparam[opt] number options.alpha load >= 0, instead of M: M = round(exp(alpha N))
@tparam[opt=1] integer options.disorder independent draws of the whole set
@tparam[opt=1] integer options.first_disorder number of the first of them
@tparam[opt=1] integer options.seed seed of the draws
@tparam[opt] array options.from your own patterns, [M, N] or [disorder, M, N]; kept in single
 precision
@tparam[opt=false] boolean options.rescale project rows of `from` to the sphere; else rows off it
 are an error
@tparam[opt=1] integer options.target index of the target in `from`
@tparam[opt] integer[] options.targets one disorder of the data per target, instead of target
@treturn patterns
@raise on unknown options and values that are not allowed; when one disorder does not fit into
 memory; naming the row for rows off the sphere, without direction, or not finite
@see A(1), B section 2
@usage p = dam.patterns{ N = 50, alpha = 0.1, disorder = 16, seed = 7 }
 print(p, p.M, p.alpha)
*/
static int patterns(lua_State *L)
{
    static const char *const keys[] = {"N",    "M",    "alpha",   "disorder", "first_disorder",
                                       "seed", "from", "rescale", "target",   "targets",
                                       NULL};
    static const char *const data_only[] = {"rescale", "target", "targets", NULL};
    dam_options o = dam_options_begin(L, 1, where_patterns, keys, false);

    if (dam_option_present(&o, "from"))
        return from(L, &o);
    for (int i = 0; data_only[i]; i++)
        if (dam_option_present(&o, data_only[i]))
            luaL_error(L, "%s: '%s' is for patterns given by 'from'", o.where, data_only[i]);
    return draw(L, &o);
}

static const dam_kernels *kernels(lua_State *L)
{
    const dam_kernels *k;
    dam_error e;

    if (dam_kernels_get(&k, &e))
        dam_raise(L, "dam", &e);
    return k;
}

/* States x[N] or x[n, N] at `index`; their number in `n`. */
static const dam_array *check_states(lua_State *L, int index, const char *where,
                                     const dam_patterns *p, int64_t *n)
{
    const dam_array *x = dam_test_array(L, index);

    if (!x || x->rank < 1 || x->rank > 2 || x->shape[x->rank - 1] != p->N) {
        char expected[80];
        snprintf(expected, sizeof expected, "an array of shape [%d] or [n, %d]", p->N, p->N);
        dam_argument_error(L, where, "x", index, expected);
        return NULL; /* not reached */
    }
    for (int64_t i = 0; i < x->count; i++)
        if (!isfinite(x->data[i]))
            luaL_error(L, "%s: x holds %s in state %I: expected finite numbers", where,
                       isnan(x->data[i]) ? "nan" : "inf", (LUAI_UACINT)(i / p->N) + 1);
    *n = x->rank == 2 ? x->shape[0] : 1;
    return x;
}

/* Index (from 0) of the disorder whose place in the set (from 1) is the optional argument. */
static int64_t check_disorder(lua_State *L, int index, const char *where, const dam_patterns *p)
{
    char expected[64];

    if (lua_isnoneornil(L, index))
        return 0;
    snprintf(expected, sizeof expected, "an integer from 1 to %lld", (long long)p->disorder);
    return dam_check_integer(L, index, where, "disorder", 1, p->disorder, expected) - 1;
}

/***
Alignments phi^mu = x.xi^mu/N of states with all patterns.
@function patterns:overlap
@tparam array x a state [N] or states [n, N]
@treturn array [disorder, M], or [disorder, n, M] for several states
@raise when x has another shape; when the result does not fit into memory
@see A(8), B(4)
@usage p = dam.patterns{ N = 8, M = 4 }; print(p:overlap(p:array(1):slice{ 1 }))
*/
static int overlap(lua_State *L)
{
    static const char where[] = "patterns:overlap";
    dam_patterns *p = dam_check_patterns(L, 1);
    int64_t n;
    const dam_array *x = check_states(L, 2, where, p, &n);
    const int64_t one[] = {p->disorder, p->M}, many[] = {p->disorder, n, p->M};
    const dam_kernels *k = kernels(L);
    dam_array *out = dam_push_array(L, x->rank + 1, x->rank == 1 ? one : many);
    dam_error e;

    for (int64_t d = 0; d < p->disorder; d++)
        for (int64_t i = 0; i < n; i++)
            if (dam_overlaps(p, k, d, x->data + i * p->N, out->data + (d * n + i) * p->M, &e))
                return dam_raise(L, where, &e);
    return 1;
}

/***
The Gram matrix G = xi^mu.xi^nu/N of one disorder.
@function patterns:gram
@tparam[opt=1] integer d place of the disorder in this set
@treturn array [M, M]
@raise when d is out of range, or the matrix does not fit into memory
@see A(15)
@usage print(dam.patterns{ N = 8, M = 4 }:gram(1))
*/
static int gram(lua_State *L)
{
    dam_patterns *p = dam_check_patterns(L, 1);
    int64_t d = check_disorder(L, 2, "patterns:gram", p);
    const int64_t shape[] = {p->M, p->M};
    const dam_kernels *k = kernels(L);
    dam_array *out = dam_push_array(L, 2, shape);
    dam_error e;

    if (dam_gram(p, k, d, out->data, &e))
        return dam_raise(L, "patterns:gram", &e);
    return 1;
}

/***
The patterns of one disorder.
@function patterns:array
@tparam[opt=1] integer d place of the disorder in this set
@treturn array [M, N]; every number is a single-precision one
@raise when d is out of range, or the array does not fit into memory
@usage xi = dam.patterns{ N = 8, M = 4 }:array(1)
*/
static int array(lua_State *L)
{
    dam_patterns *p = dam_check_patterns(L, 1);
    int64_t d = check_disorder(L, 2, "patterns:array", p);
    const int64_t shape[] = {p->M, p->N};
    const dam_kernels *k = kernels(L);
    float *row = lua_newuserdatauv(L, (size_t)p->N * sizeof *row, 0);
    dam_array *out = dam_push_array(L, 2, shape);

    for (int64_t mu = 0; mu < p->M; mu++) {
        dam_patterns_rows(p, k, d, mu, 1, row);
        for (int64_t i = 0; i < p->N; i++)
            out->data[mu * p->N + i] = row[i];
        if (dam_interrupted())
            return luaL_error(L, "interrupted");
    }
    return 1;
}

/***
Patterns that are equal to others of one disorder, to the last digit of single precision.
@function patterns:duplicates
@tparam[opt=1] integer d place of the disorder in this set
@treturn table list of groups, each the ascending list of the indices of equal patterns; empty when
 all differ
@raise when d is out of range; "interrupted" after Ctrl-C
@usage xi = dam.patterns{ N = 8, M = 4 }:array(1)
 p = dam.patterns{ from = dam.array{ xi:slice{1}:totable(), xi:slice{1}:totable() } }
 print(#p:duplicates(), p.repeated)
*/
static int duplicates(lua_State *L)
{
    static const char where[] = "patterns:duplicates";
    dam_patterns *p = dam_check_patterns(L, 1);
    int64_t d = check_disorder(L, 2, where, p), repeated;
    int64_t *first = lua_newuserdatauv(L, (size_t)p->M * sizeof *first, 0);
    lua_Integer groups = 0;
    dam_error e;

    if (dam_patterns_repeats(p, kernels(L), d, first, &repeated, &e))
        return e.status == DAM_ERR_INTERRUPTED ? luaL_error(L, "interrupted")
                                               : dam_raise(L, where, &e);
    lua_newtable(L); /* groups by their first pattern */
    lua_newtable(L); /* the list */
    for (int64_t mu = 0; mu < p->M; mu++) {
        if (first[mu] == mu)
            continue;
        if (lua_rawgeti(L, -2, first[mu] + 1) == LUA_TNIL) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushinteger(L, first[mu] + 1);
            lua_rawseti(L, -2, 1);
            lua_pushvalue(L, -1);
            lua_rawseti(L, -4, first[mu] + 1);
            lua_pushvalue(L, -1);
            lua_rawseti(L, -3, ++groups);
        }
        lua_pushinteger(L, mu + 1);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        lua_pop(L, 1);
    }
    return 1;
}

/***
Some of the disorders, as a pattern set of their own: its chains are those of the whole set.
@function patterns:part
@tparam integer first place of the first disorder
@tparam[opt=1] integer count how many
@treturn patterns of `count` disorders; the numbers of your own data are shared, not copied
@raise when there are no such disorders
@usage p = dam.patterns{ N = 8, M = 4, disorder = 6 }:part(3, 2); print(p.first_disorder)
*/
static int part(lua_State *L)
{
    static const char where[] = "patterns:part";
    dam_patterns *p = dam_check_patterns(L, 1);
    char expected[64];
    int64_t first, count = 1;
    dam_error e;
    handle *h;

    snprintf(expected, sizeof expected, "an integer from 1 to %lld", (long long)p->disorder);
    first = dam_check_integer(L, 2, where, "first", 1, p->disorder, expected) - 1;
    if (!lua_isnoneornil(L, 3)) {
        snprintf(expected, sizeof expected, "an integer from 1 to %lld",
                 (long long)(p->disorder - first));
        count = dam_check_integer(L, 3, where, "count", 1, p->disorder - first, expected);
    }
    h = push_closed(L);
    if (dam_patterns_part(&h->p, p, first, count, &e))
        return dam_raise(L, where, &e);
    return 1;
}

/***
A hash of what the patterns are, by which results of the same ones are known: of drawn patterns N,
M, the seed and the number of the first disorder, not how many disorders there are; of your own data
all numbers and targets.
@function patterns:fingerprint
@treturn string 16 hexadecimal digits
@usage print(dam.patterns{ N = 8, M = 4 }:fingerprint())
*/
static int fingerprint(lua_State *L)
{
    char text[17];

    snprintf(text, sizeof text, "%016llx",
             (unsigned long long)dam_patterns_fingerprint(dam_check_patterns(L, 1)));
    lua_pushstring(L, text);
    return 1;
}

static int length(lua_State *L)
{
    lua_pushinteger(L, dam_check_patterns(L, 1)->M);
    return 1;
}

/***
A pattern set, made by dam.patterns; `#p` is M.
@type patterns
@tfield integer N dimension
@tfield integer M number of patterns
@tfield number alpha the realised load ln(M)/N
@tfield integer disorder number of disorders
@tfield integer first_disorder number of the first disorder
@tfield[opt] integer seed seed of the draws; nil for your own data
@tfield[opt] integer rescaled how many rows of your own data were off the sphere
@tfield[opt] integer repeated how many rows of your own data equal an earlier one of their set: that
 is legal, patterns:duplicates() lists them
@operator len: integer
@usage p = dam.patterns{ N = 50, alpha = 0.1, disorder = 16, seed = 7 }
 print(#p, p.N, p.alpha, p:fingerprint())
*/
static int index_patterns(lua_State *L)
{
    const dam_patterns *p;
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    if (dam_push_method(L, 1, 2))
        return 1;
    p = dam_check_patterns(L, 1);
    if (strcmp(key, "N") == 0)
        lua_pushinteger(L, p->N);
    else if (strcmp(key, "M") == 0)
        lua_pushinteger(L, p->M);
    else if (strcmp(key, "alpha") == 0)
        lua_pushnumber(L, dam_patterns_alpha(p));
    else if (strcmp(key, "disorder") == 0)
        lua_pushinteger(L, p->disorder);
    else if (strcmp(key, "first_disorder") == 0)
        lua_pushinteger(L, p->first_disorder);
    else if (strcmp(key, "rescaled") == 0 && p->data)
        lua_pushinteger(L, p->rescaled);
    else if (strcmp(key, "repeated") == 0 && p->data)
        lua_pushinteger(L, p->repeated);
    else if (strcmp(key, p->data ? "seed" : "rescaled") == 0 || strcmp(key, "repeated") == 0)
        lua_pushnil(L); /* own data have no seed, drawn ones are what they are */
    else if (strcmp(key, "seed") == 0)
        lua_pushinteger(L, (lua_Integer)p->seed);
    else
        return dam_unknown_field(L, "dam.patterns", 2, fields);
    return 1;
}

static int to_string(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, DAM_CLASS_PATTERNS);
    char text[200], repeated[48] = "";

    if (h->p && h->p->repeated > 0)
        snprintf(repeated, sizeof repeated, " (%lld repeated)", (long long)h->p->repeated);
    if (!h->p)
        snprintf(text, sizeof text, "dam.patterns (closed)");
    else if (h->p->data)
        snprintf(text, sizeof text,
                 "dam.patterns{ from = data, N = %d, M = %lld, disorder = %lld }%s", h->p->N,
                 (long long)h->p->M, (long long)h->p->disorder, repeated);
    else
        snprintf(text, sizeof text,
                 "dam.patterns{ N = %d, M = %lld, disorder = %lld, seed = %lld } (alpha = %.6g)",
                 h->p->N, (long long)h->p->M, (long long)h->p->disorder, (long long)h->p->seed,
                 dam_patterns_alpha(h->p));
    lua_pushstring(L, text);
    return 1;
}

/***
Extensive energies H of states, in double precision.
@function hamiltonian:energy
@tparam patterns p
@tparam array x a state [N] or states [n, N] (on the sphere x.x = N: H is evaluated from the
 alignments x.xi/N)
@treturn array [disorder], or [disorder, n] for several states; inf where an LSR state lies outside
 of every support
@raise when x has another shape
@see A(1), A(3), A(7)
@usage p = dam.patterns{ N = 8, M = 4 }; print(dam.lse():energy(p, p:array(1):slice{ 1 }))
*/
static int energy(lua_State *L)
{
    static const char where[] = "hamiltonian:energy";
    dam_hamiltonian *h = dam_check_hamiltonian(L, 1);
    dam_patterns *p = dam_check_patterns(L, 2);
    int64_t n;
    const dam_array *x = check_states(L, 3, where, p, &n);
    const int64_t shape[] = {p->disorder, n};
    const dam_kernels *k = kernels(L);
    dam_array *out = dam_push_array(L, x->rank, shape);
    dam_error e;

    for (int64_t d = 0; d < p->disorder; d++)
        if (dam_energies(h, p, k, d, n, x->data, out->data + d * n, &e))
            return dam_raise(L, where, &e);
    return 1;
}

void dam_open_patterns(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"overlap", overlap},       {"gram", gram}, {"array", array},
        {"duplicates", duplicates}, {"part", part}, {"fingerprint", fingerprint},
        {"close", close_patterns},  {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", close_patterns},    {"__close", close_patterns},
                                    {"__index", index_patterns}, {"__len", length},
                                    {"__tostring", to_string},   {NULL, NULL}};

    dam_new_class(L, DAM_CLASS_PATTERNS, meta, methods);
    dam_push_methods(L, DAM_CLASS_HAMILTONIAN); /* here, because it needs patterns */
    lua_pushcfunction(L, energy);
    lua_setfield(L, -2, "energy");
    lua_pop(L, 1);
    lua_pushcfunction(L, patterns);
    lua_setfield(L, -2, "patterns");
}
