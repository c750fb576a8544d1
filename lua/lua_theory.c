/* dam.theory: the papers' formulas and the exact ones as a userdata; src/theory/ computes. */
#include <math.h>
#include <string.h>

#include "../src/interrupt.h"
#include "../src/theory/basin.h"
#include "../src/theory/boltzmann.h"
#include "../src/theory/boundary.h"
#include "../src/theory/floor.h"
#include "args.h"
#include "binding.h"
#include "classes.h"

#define MAX_OPERANDS 3

typedef struct {
    dam_theory th;
    bool open;
} theory;

static const char *const laws[] = {"paper", "exact", NULL};
static const char *const floors[] = {"A39", "A30", NULL};
static const char *const boundaries[] = {"depth", "spinodal", "global", NULL};
static const char *const regimes[] = {"spin-glass", "paramagnetic", "annealed", NULL};
static const char *const phases[] = {"retrieval", "spin-glass", "paramagnetic", NULL};

static theory *check_theory(lua_State *L)
{
    theory *t = luaL_checkudata(L, 1, DAM_CLASS_THEORY);

    if (!t->open)
        luaL_error(L, "this " DAM_CLASS_THEORY " is closed");
    return t;
}

/* ---- numbers or arrays in, numbers or arrays out ---- */

/* One argument: a number, or an array with the stride of each output dimension (0: repeated). */
typedef struct {
    double number;
    const dam_array *array;
    int64_t stride[DAM_ARRAY_MAX_RANK];
} operand;

typedef struct {
    int count, rank; /* rank 0: only numbers */
    int64_t shape[DAM_ARRAY_MAX_RANK];
    int64_t elements;
    operand x[MAX_OPERANDS];
} operands;

/*
 * What a method computes from its arguments: one number, and for some an index into a list of
 * words or a second number. It lives as long as the call, so that a formula may keep for the next
 * element what is dear to make.
 */
typedef struct {
    double number, second;
    int word;
    dam_distribution distribution; /* N = 0: none yet */
} answer;

typedef dam_status (*formula)(const dam_theory *th, const double *x, answer *out, dam_error *e);

/* Replaces a list of numbers at `index` by an array. */
static void list_to_array(lua_State *L, const char *where, const char *name, int index)
{
    static const char expected[] = "a number, a dam.array or a list of numbers";
    int64_t length = (int64_t)lua_rawlen(L, index);
    dam_array *a;

    if (length == 0)
        dam_argument_error(L, where, name, index, expected);
    a = dam_push_array(L, 1, &length);
    for (int64_t i = 0; i < length; i++) {
        if (lua_rawgeti(L, index, i + 1) != LUA_TNUMBER)
            dam_argument_error(L, where, name, index, expected);
        a->data[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    lua_replace(L, index);
}

static void read_operand(lua_State *L, const char *where, const char *name, int index, operand *x)
{
    memset(x, 0, sizeof *x);
    if (lua_type(L, index) == LUA_TTABLE)
        list_to_array(L, where, name, index);
    if (lua_type(L, index) == LUA_TNUMBER)
        x->number = lua_tonumber(L, index);
    else if (!(x->array = dam_test_array(L, index)))
        dam_argument_error(L, where, name, index, "a number, a dam.array or a list of numbers");
}

/* The common shape: dimensions are matched from the last, a length of 1 repeats. */
static void match_shapes(lua_State *L, const char *where, operands *o)
{
    o->elements = 1;
    for (int i = 0; i < o->count; i++)
        if (o->x[i].array && o->x[i].array->rank > o->rank)
            o->rank = o->x[i].array->rank;
    for (int d = 0; d < o->rank; d++) {
        o->shape[d] = 1;
        for (int i = 0; i < o->count; i++) {
            const dam_array *a = o->x[i].array;
            int own = a ? d - (o->rank - a->rank) : -1;
            if (own < 0 || a->shape[own] == 1)
                continue;
            if (o->shape[d] != 1 && o->shape[d] != a->shape[own])
                luaL_error(L,
                           "%s: the arrays' shapes do not fit: lengths %I and %I (equal lengths, "
                           "or 1, are needed)",
                           where, (LUAI_UACINT)o->shape[d], (LUAI_UACINT)a->shape[own]);
            o->shape[d] = a->shape[own];
        }
        o->elements *= o->shape[d];
    }
    for (int i = 0; i < o->count; i++) {
        const dam_array *a = o->x[i].array;
        int64_t stride = 1;
        for (int own = a ? a->rank - 1 : -1; own >= 0; own--) {
            o->x[i].stride[own + o->rank - a->rank] = a->shape[own] == 1 ? 0 : stride;
            stride *= a->shape[own];
        }
    }
}

/* Reads `count` arguments from index `first` on; their names are in `names`. */
static void read_operands(lua_State *L, const char *where, const char *const names[], int count,
                          int first, operands *o)
{
    memset(o, 0, sizeof *o);
    o->count = count;
    lua_settop(L, lua_gettop(L) < first + count - 1 ? first + count - 1 : lua_gettop(L));
    for (int i = 0; i < count; i++)
        read_operand(L, where, names[i], first + i, &o->x[i]);
    match_shapes(L, where, o);
}

/* The arguments of element number n of the result. */
static void pick(const operands *o, int64_t n, double x[MAX_OPERANDS])
{
    int64_t at[MAX_OPERANDS] = {0, 0, 0};

    for (int d = o->rank - 1; d >= 0; d--) {
        int64_t i = n % o->shape[d];
        n /= o->shape[d];
        for (int k = 0; k < o->count; k++)
            at[k] += i * o->x[k].stride[d];
    }
    for (int k = 0; k < o->count; k++)
        x[k] = o->x[k].array ? o->x[k].array->data[at[k]] : o->x[k].number;
}

/* Outside a formula's domain: nil and the reason. Anything else raises. */
static int domain(lua_State *L, const char *where, const dam_error *e, const operands *o, int64_t n)
{
    int64_t index[DAM_ARRAY_MAX_RANK];

    if (e->status != DAM_ERR_DOMAIN)
        return dam_raise(L, where, e);
    lua_pushnil(L);
    if (!o || o->rank == 0) {
        lua_pushstring(L, e->message);
        return 2;
    }
    for (int d = o->rank - 1; d >= 0; d--) {
        index[d] = n % o->shape[d] + 1;
        n /= o->shape[d];
    }
    lua_pushliteral(L, "element (");
    for (int d = 0; d < o->rank; d++) {
        lua_pushfstring(L, d ? ", %I" : "%I", (LUAI_UACINT)index[d]);
        lua_concat(L, 2);
    }
    lua_pushfstring(L, "): %s", e->message);
    lua_concat(L, 2);
    return 2;
}

/* Pushes words[indices[...]] as nested lists of the shape; advances `indices`. */
static void push_words(lua_State *L, const char *const words[], const operands *o, int dimension,
                       const double **indices)
{
    if (dimension == o->rank) {
        lua_pushstring(L, words[(int)*(*indices)++]);
        return;
    }
    luaL_checkstack(L, 4, "nested lists");
    lua_createtable(L, (int)o->shape[dimension], 0);
    for (int64_t i = 1; i <= o->shape[dimension]; i++) {
        push_words(L, words, o, dimension + 1, indices);
        lua_rawseti(L, -2, (lua_Integer)i);
    }
}

/* What a method returns beside or instead of its numbers. */
typedef enum { NUMBERS, NUMBERS_AND_SECOND, NUMBERS_AND_WORDS, WORDS } returns;

static int push_answer(lua_State *L, const answer *a, returns what, const char *const words[])
{
    if (what != WORDS)
        lua_pushnumber(L, a->number);
    if (what == NUMBERS_AND_SECOND)
        lua_pushnumber(L, a->second);
    if (what == NUMBERS_AND_WORDS || what == WORDS)
        lua_pushstring(L, words[a->word]);
    return what == NUMBERS || what == WORDS ? 1 : 2;
}

static int evaluate(lua_State *L, const char *where, const dam_theory *th, const operands *o,
                    formula f, returns what, const char *const words[])
{
    dam_array *numbers, *others = NULL;
    double x[MAX_OPERANDS];
    const double *next;
    answer a;
    dam_error e;

    memset(&a, 0, sizeof a);
    if (o->rank == 0) {
        pick(o, 0, x);
        return f(th, x, &a, &e) ? domain(L, where, &e, o, 0) : push_answer(L, &a, what, words);
    }
    numbers = dam_push_array(L, o->rank, o->shape);
    if (what != NUMBERS)
        others = dam_push_array(L, o->rank, o->shape);
    for (int64_t n = 0; n < o->elements; n++) {
        if (dam_interrupted())
            luaL_error(L, "interrupted");
        pick(o, n, x);
        if (f(th, x, &a, &e))
            return domain(L, where, &e, o, n);
        numbers->data[n] = a.number;
        if (others)
            others->data[n] = what == NUMBERS_AND_SECOND ? a.second : a.word;
    }
    if (what == NUMBERS_AND_WORDS || what == WORDS) {
        next = others->data;
        push_words(L, words, o, 0, &next);
        lua_remove(L, -2);
    }
    return what == NUMBERS || what == WORDS ? 1 : 2;
}

/* ---- options ---- */

/* Reads N, floor and which, as far as `keys` has them, over what the theory has. */
static void read_options(lua_State *L, const char *where, int index, const char *const keys[],
                         dam_theory *th)
{
    dam_options o = dam_options_begin(L, index, where, keys, true);

    th->N = dam_option_number(&o, "N", th->N, 2, DAM_THEORY_MAX_N, "a number from 2 to 1e9");
    th->floor = (dam_floor)dam_option_choice(&o, "floor", (int)th->floor, floors);
    th->which = (dam_boundary)dam_option_choice(&o, "which", (int)th->which, boundaries);
}

static const char *const only_N[] = {"N", NULL};
static const char *const floor_N[] = {"floor", "N", NULL};
static const char *const boundary_N[] = {"which", "floor", "N", NULL};

/* A method of `count` arguments and a table of options after them. */
static int method(lua_State *L, const char *where, const char *const names[], int count,
                  const char *const keys[], formula f, returns what, const char *const words[])
{
    dam_theory th = check_theory(L)->th;
    operands o;

    read_operands(L, where, names, count, 2, &o);
    read_options(L, where, 2 + count, keys, &th);
    return evaluate(L, where, &th, &o, f, what, words);
}

static const char *const argument_T[] = {"T"};
static const char *const argument_alpha[] = {"alpha"};
static const char *const arguments_alpha_N[] = {"alpha", "N"};
static const char *const arguments_T_N[] = {"T", "N"};

/* ---- a basin on its own ---- */

static dam_status f_u(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    return dam_basin_u(th, x[0], &out->number, e);
}

/***
Energy density of a single basin at alignment phi: 1 - phi for LSE, -(1/b) ln(1 - b (1 - phi)) for
LSR, -phi^k for the polynomial.
@function theory:u
@tparam number|array phi alignment, -1 to 1
@tparam[opt] table options
@tparam[opt] number options.N dimension that makes b = N beta_net of dam.lsr{ beta_net = }
@treturn number|array energy per neuron; nil and the reason outside the support of LSR
@see A(13), A(14), A(1)
@usage print(dam.theory(dam.lsr{ b = 3.41 }):u(0.9))
*/
static int u(lua_State *L)
{
    static const char *const names[] = {"phi"};

    return method(L, "dam.theory:u", names, 1, only_N, f_u, NUMBERS, NULL);
}

static dam_status f_phi(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_basin basin;

    if (dam_basin_at(th, x[0], &basin, e))
        return e->status;
    out->number = basin.phi;
    return DAM_OK;
}

/***
Equilibrium alignment of a single basin as N -> infinity: the retrieval minimum of f(phi, phi^2, T).
Closed forms for LSE and LSR; the root of k phi^(k-2) (1 - phi^2) = T for the polynomial, which ends
at a spinodal temperature. Independent of beta_net for LSE.
@function theory:phi
@tparam number|array T temperature, >= 0
@tparam[opt] table options
@tparam[opt] number options.N dimension that makes b = N beta_net of dam.lsr{ beta_net = }
@treturn number|array alignment; nil and the reason outside the domain
@see A(33), A(36), A(37), A(1)
@usage print(dam.theory(dam.lse()):phi(0.5))
*/
static int phi(lua_State *L)
{
    return method(L, "dam.theory:phi", argument_T, 1, only_N, f_phi, NUMBERS, NULL);
}

static dam_status f_f_ret(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_basin basin;

    if (dam_basin_at(th, x[0], &basin, e))
        return e->status;
    out->number = basin.free_energy;
    return DAM_OK;
}

/***
Retrieval free energy per neuron, u(phi(T)) - (T/2) ln(1 - phi(T)^2).
@function theory:f_ret
@tparam number|array T temperature, >= 0
@tparam[opt] table options
@tparam[opt] number options.N dimension that makes b = N beta_net of dam.lsr{ beta_net = }
@treturn number|array free energy per neuron; nil and the reason outside the domain
@see A(34), A(22)
@usage print(dam.theory(dam.lse()):f_ret{ 0.1, 0.2, 0.5 })
*/
static int f_ret(lua_State *L)
{
    return method(L, "dam.theory:f_ret", argument_T, 1, only_N, f_f_ret, NUMBERS, NULL);
}

static dam_status f_f(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    return dam_basin_f(th, x[0], x[1], x[2], &out->number, e);
}

/***
Replica free energy per neuron f(phi, q, T) = u(phi) - T s(phi, q). Its stationary point has
q = phi^2, where f is a minimum in phi and a maximum in q (A's text says otherwise of s; see
docs/physics.md).
@function theory:f
@tparam number|array phi alignment, -1 to 1
@tparam number|array q overlap of two replicas, -1 <= q < 1
@tparam number|array T temperature, >= 0
@tparam[opt] table options
@tparam[opt] number options.N dimension that makes b = N beta_net of dam.lsr{ beta_net = }
@treturn number|array free energy per neuron; nil and the reason outside the domain
@see A(12), A(21), A(32)
@usage print(dam.theory(dam.lse()):f(0.8, 0.64, 0.5))
*/
static int f(lua_State *L)
{
    static const char *const names[] = {"phi", "q", "T"};

    return method(L, "dam.theory:f", names, 3, only_N, f_f, NUMBERS, NULL);
}

/* ---- the noise floor ---- */

static dam_status f_u_noise(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_regime regime;

    if (dam_floor_u_noise(th, x[0], &out->number, &regime, e))
        return e->status;
    out->word = (int)regime;
    return DAM_OK;
}

static dam_status f_u_noise_N(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_theory at_N = *th;

    if (dam_theory_check_N(x[1], e))
        return e->status;
    at_N.N = x[1];
    return f_u_noise(&at_N, x, out, e);
}

/***
Noise floor: the energy per neuron that the exp(alpha N) other patterns leave to a state near none
of them. The second result names the regime: "spin-glass" (the nearest spurious pattern decides),
"paramagnetic" (a saddle point decides) or, with N, "annealed" (the mean kernel weight under the
exact density; typical only for alpha > alpha*).
@function theory:u_noise
@tparam number|array alpha load ln(M)/N, >= 0
@tparam[opt] number|array|table N dimension, >= 2, or `{ N = }`: the finite-N floor, law "exact".
 With law "paper" N is allowed only to make b of dam.lsr{ beta_net = }
@treturn number|array energy per neuron; nil and the reason where there is no floor (LSR below
 alpha_th, the polynomial)
@treturn string|table regime, in nested lists when the first result is an array
@see A(26), A(27), A(30), A(31)
@usage print(dam.theory(dam.lse()):u_noise(0.1))
*/
static int u_noise(lua_State *L)
{
    static const char where[] = "dam.theory:u_noise";
    dam_theory th = check_theory(L)->th;
    bool list = lua_type(L, 3) == LUA_TTABLE && lua_rawlen(L, 3) > 0;
    operands o;

    if (lua_isnoneornil(L, 3) || (lua_type(L, 3) == LUA_TTABLE && !list))
        return method(L, where, argument_alpha, 1, only_N, f_u_noise, NUMBERS_AND_WORDS, regimes);
    read_operands(L, where, arguments_alpha_N, 2, 2, &o);
    return evaluate(L, where, &th, &o, f_u_noise_N, NUMBERS_AND_WORDS, regimes);
}

static dam_status f_alpha_th(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    (void)x;
    return dam_floor_alpha_th(th, &out->number, e);
}

/***
Support threshold of LSR: below this load no random pattern reaches the support. 0 for b <= 1.
@function theory:alpha_th
@tparam[opt] table options
@tparam[opt] number options.N dimension that makes b = N beta_net of dam.lsr{ beta_net = }
@treturn number load; nil and the reason for kernels of infinite support
@see A(28), A(38)
@usage print(dam.theory(dam.lsr{ b = 3.41 }):alpha_th())
*/
static int alpha_th(lua_State *L)
{
    return method(L, "dam.theory:alpha_th", NULL, 0, only_N, f_alpha_th, NUMBERS, NULL);
}

static dam_status f_patterns_in_support(const dam_theory *th, const double *x, answer *out,
                                        dam_error *e)
{
    return dam_floor_patterns_in_support(th, x[0], x[1], &out->number, &out->second, e);
}

/***
LSR: expected number of the exp(alpha N) random patterns inside the support of one state,
phi > 1 - 1/b. By law: alignments Gaussian with variance 1/N ("paper", as in B) or uniform on the
sphere ("exact").
@function theory:patterns_in_support
@tparam number|array alpha load, >= 0
@tparam number|array N dimension, >= 2
@treturn number|array expected number; math.huge where it overflows; nil and the reason for kernels
 of infinite support
@treturn number|array its natural logarithm
@see B, sections 2 and 3
@usage print(dam.theory(dam.lsr{ b = 3.41 }, { law = "exact" }):patterns_in_support(0.3, 50))
*/
static int patterns_in_support(lua_State *L)
{
    return method(L, "dam.theory:patterns_in_support", arguments_alpha_N, 2, only_N,
                  f_patterns_in_support, NUMBERS_AND_SECOND, NULL);
}

/* ---- boundaries ---- */

static dam_status f_alpha_c(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    return dam_boundary_alpha_c(th, x[0], &out->number, e);
}

/***
Critical load: the largest alpha at which retrieval is stable at T.
@function theory:alpha_c
@tparam number|array T temperature, >= 0
@tparam[opt] table options defaults are those given to dam.theory
@tparam[opt="A39"] "A39"|"A30" options.floor LSR, law "paper": the floor of LSE (exists for
 f_ret <= 1), or LSR's own
@tparam[opt="depth"] "depth"|"spinodal"|"global" options.which LSE, law "exact": f_ret = u_noise;
 where the target basin vanishes; all M basins counted
@tparam[opt] number options.N law "exact": the boundary against the annealed floor in N dimensions;
 for dam.lsr{ beta_net = } it makes b = N beta_net
@treturn number|array load; nil and the reason where no boundary exists
@see A(35), A(39), A(22)
@usage print(dam.theory(dam.lse(), { law = "exact" }):alpha_c(0.5, { which = "global" }))
*/
static int alpha_c(lua_State *L)
{
    return method(L, "dam.theory:alpha_c", argument_T, 1, boundary_N, f_alpha_c, NUMBERS, NULL);
}

static dam_status f_T_c(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    return dam_boundary_T_c(th, x[0], &out->number, e);
}

/***
Critical temperature: the inverse of alpha_c(T).
@function theory:T_c
@tparam number|array alpha load, >= 0
@tparam[opt] table options as for theory:alpha_c
@tparam[opt="A39"] "A39"|"A30" options.floor LSR, law "paper": the floor of LSE (exists for
 f_ret <= 1), or LSR's own
@tparam[opt="depth"] "depth"|"spinodal"|"global" options.which LSE, law "exact": f_ret = u_noise;
 where the target basin vanishes; all M basins counted
@tparam[opt] number options.N law "exact": the boundary against the annealed floor in N dimensions;
 for dam.lsr{ beta_net = } it makes b = N beta_net
@treturn number|array temperature; math.huge where retrieval holds at every T (LSR below alpha_th);
 nil and the reason where it holds at none
@see A(22), A(35), A(39)
@usage print(dam.theory(dam.lse()):T_c(0.1))
*/
static int T_c(lua_State *L)
{
    return method(L, "dam.theory:T_c", argument_alpha, 1, boundary_N, f_T_c, NUMBERS, NULL);
}

static dam_status f_T_max(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    (void)x;
    return dam_boundary_T_max(th, &out->number, e);
}

/***
LSR, law "paper", floor "A39": where the critical line meets the support threshold,
alpha_c(T_max) = alpha_th.
@function theory:T_max
@tparam[opt] table options as for theory:alpha_c
@tparam[opt="A39"] "A39"|"A30" options.floor LSR, law "paper": the floor of LSE (exists for
 f_ret <= 1), or LSR's own
@tparam[opt] number options.N dimension that makes b = N beta_net of dam.lsr{ beta_net = }
@treturn number temperature; nil and the reason where there is none
@see A, section 4.3 and Fig. 1
@usage print(dam.theory(dam.lsr{ b = 3.41 }):T_max())
*/
static int T_max(lua_State *L)
{
    return method(L, "dam.theory:T_max", NULL, 0, floor_N, f_T_max, NUMBERS, NULL);
}

static dam_status f_phase(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_phase which;

    if (dam_boundary_phase(th, x[0], x[1], &which, e))
        return e->status;
    out->word = (int)which;
    return DAM_OK;
}

/***
Phase at a point of the plane as in A, Fig. 1: "retrieval" below the boundary (LSR: also for
alpha < alpha_th), else "spin-glass" up to alpha = 1/2 and "paramagnetic" beyond.
@function theory:phase
@tparam number|array alpha load, >= 0
@tparam number|array T temperature, >= 0
@tparam[opt] table options as for theory:alpha_c
@tparam[opt="A39"] "A39"|"A30" options.floor LSR, law "paper": the floor of LSE (exists for
 f_ret <= 1), or LSR's own
@tparam[opt="depth"] "depth"|"spinodal"|"global" options.which LSE, law "exact": f_ret = u_noise;
 where the target basin vanishes; all M basins counted
@tparam[opt] number options.N law "exact": the boundary against the annealed floor in N dimensions;
 for dam.lsr{ beta_net = } it makes b = N beta_net
@treturn string|table phase, in nested lists for arrays; nil and the reason outside the domain
@see A(22), A, Fig. 1
@usage print(dam.theory(dam.lse()):phase(0.1, 0.5))
*/
static int phase(lua_State *L)
{
    static const char *const names[] = {"alpha", "T"};

    return method(L, "dam.theory:phase", names, 2, boundary_N, f_phase, WORDS, phases);
}

/* ---- finite N ---- */

static dam_status f_phi_boltzmann(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    return dam_boltzmann_phi(th, x[0], x[1], &out->number, e);
}

/***
Mean alignment in a single basin at temperature T in N dimensions. The density of states is the
law's: exponent (N-2)/2 of B(9) or (N-3)/2, the sphere's own. For the polynomial with even k the
integral runs over both wells and the mean is 0.
@function theory:phi_boltzmann
@tparam number|array T temperature, >= 0
@tparam number|array N dimension, >= 2
@treturn number|array mean alignment, relative error below 1e-10; nil and the reason outside the
 domain
@see B(8), B(9)
@usage print(dam.theory(dam.lse(), { law = "exact" }):phi_boltzmann(0.5, 50))
*/
static int phi_boltzmann(lua_State *L)
{
    return method(L, "dam.theory:phi_boltzmann", arguments_T_N, 2, only_N, f_phi_boltzmann, NUMBERS,
                  NULL);
}

static dam_status f_phi_variance(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_moments m;

    if (dam_boltzmann(th, x[0], x[1], &m, e))
        return e->status;
    out->number = m.phi_variance;
    return DAM_OK;
}

/***
Variance of the alignment in a single basin at temperature T in N dimensions.
@function theory:phi_variance
@tparam number|array T temperature, >= 0
@tparam number|array N dimension, >= 2
@treturn number|array variance of phi; nil and the reason outside the domain
@see B(8), B(9)
@usage print(dam.theory(dam.lse(), { law = "exact" }):phi_variance(0.5, 50))
*/
static int phi_variance(lua_State *L)
{
    return method(L, "dam.theory:phi_variance", arguments_T_N, 2, only_N, f_phi_variance, NUMBERS,
                  NULL);
}

static dam_status f_u_boltzmann(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_moments m;

    if (dam_boltzmann(th, x[0], x[1], &m, e))
        return e->status;
    out->number = m.u;
    return DAM_OK;
}

/***
Mean energy per neuron in a single basin at temperature T in N dimensions.
@function theory:u_boltzmann
@tparam number|array T temperature, >= 0
@tparam number|array N dimension, >= 2
@treturn number|array mean of u; nil and the reason outside the domain
@see B(8), B(9)
@usage print(dam.theory(dam.lsr{ b = 3.41 }, { law = "exact" }):u_boltzmann(0.5, 50))
*/
static int u_boltzmann(lua_State *L)
{
    return method(L, "dam.theory:u_boltzmann", arguments_T_N, 2, only_N, f_u_boltzmann, NUMBERS,
                  NULL);
}

static dam_status f_u_variance(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_moments m;

    if (dam_boltzmann(th, x[0], x[1], &m, e))
        return e->status;
    out->number = m.u_variance;
    return DAM_OK;
}

/***
Variance of the energy per neuron in a single basin at temperature T in N dimensions; N/T^2 times it
is the heat capacity per neuron.
@function theory:u_variance
@tparam number|array T temperature, >= 0
@tparam number|array N dimension, >= 2
@treturn number|array variance of u; nil and the reason outside the domain
@see B(8), B(9)
@usage print(dam.theory(dam.lse(), { law = "exact" }):u_variance(0.5, 50))
*/
static int u_variance(lua_State *L)
{
    return method(L, "dam.theory:u_variance", arguments_T_N, 2, only_N, f_u_variance, NUMBERS,
                  NULL);
}

static dam_status f_phi_density(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    dam_distribution *d = &out->distribution;

    if ((d->T != x[1] || d->N != x[2]) && dam_boltzmann_distribution(th, x[1], x[2], d, e))
        return e->status;
    return dam_boltzmann_density(d, x[0], &out->number, e);
}

/***
Probability density of the alignment in a single basin, normalised over -1 <= phi <= 1.
@function theory:phi_density
@tparam number|array phi alignment, -1 to 1
@tparam number|array T temperature, > 0
@tparam number|array N dimension, >= 2
@treturn number|array density: 0 outside the support, math.huge at phi = +-1 for N = 2 with law
 "exact"; nil and the reason outside the domain
@see B(8), B(9)
@usage print(dam.theory(dam.lse(), { law = "exact" }):phi_density(dam.linspace(-1, 1, 201), 0.5,
50))
*/
static int phi_density(lua_State *L)
{
    static const char *const names[] = {"phi", "T", "N"};

    return method(L, "dam.theory:phi_density", names, 3, only_N, f_phi_density, NUMBERS, NULL);
}

static dam_status f_load(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    if (!(x[0] >= 1) || !isfinite(x[0]))
        return dam_fail(e, DAM_ERR_DOMAIN, "M = %g: expected a finite number >= 1", x[0]);
    if (dam_theory_check_N(x[1], e))
        return e->status;
    out->number = th->h.kernel == DAM_POLYNOMIAL ? x[0] * pow(x[1], 1 - th->h.k) : log(x[0]) / x[1];
    return DAM_OK;
}

/***
Load of M patterns in N dimensions, in the unit of this Hamiltonian: ln(M)/N for LSE and LSR,
M/N^(k-1) for the polynomial.
@function theory:load
@tparam number|array M number of patterns, >= 1
@tparam number|array N dimension, >= 2
@treturn number|array load; nil and the reason outside the domain
@see A, sections 1 and 2
@usage print(dam.theory(dam.polynomial{ k = 2 }):load(14, 100))
*/
static int load(lua_State *L)
{
    static const char *const names[] = {"M", "N"};

    return method(L, "dam.theory:load", names, 2, only_N, f_load, NUMBERS, NULL);
}

/* ---- entropies ---- */

static dam_status f_entropy(const dam_theory *th, const double *x, answer *out, dam_error *e)
{
    (void)th;
    return dam_entropy(x[0], &out->number, e);
}

static dam_status f_entropy_replica(const dam_theory *th, const double *x, answer *out,
                                    dam_error *e)
{
    (void)th;
    return dam_entropy_replica(x[0], x[1], &out->number, e);
}

/***
Geometric entropy per neuron of the states at alignment phi with one pattern,
s = (1/2) ln(1 - phi^2); with q, of the replica-symmetric cloud,
s = (1/2) [ln(1 - q) + (q - phi^2)/(1 - q)], which is the former at its minimum in q, q = phi^2.
@function dam.entropy
@tparam number|array phi alignment, -1 < phi < 1 (with q also -1 and 1)
@tparam[opt] number|array q overlap of two replicas, -1 <= q < 1
@treturn number|array entropy per neuron, <= 0 without q; nil and the reason outside the domain
@see A(19), A(21)
@usage print(dam.entropy(0.8, 0.64))
*/
static int entropy(lua_State *L)
{
    static const char *const names[] = {"phi", "q"};
    int count = lua_isnoneornil(L, 2) ? 1 : 2;
    operands o;

    read_operands(L, "dam.entropy", names, count, 1, &o);
    return evaluate(L, "dam.entropy", NULL, &o, count == 1 ? f_entropy : f_entropy_replica, NUMBERS,
                    NULL);
}

/***
Entropy of the states with given alignments with M patterns, S = ((N-M)/2) ln(1 - phi^T G^-1 phi):
extensive, without constants that do not depend on phi. (The exponent N-M is the papers'; exactly it
is N-M-2.)
@function dam.gram_entropy
@tparam array|table|number phi alignments [M]
@tparam array|number gram Gram matrix [M, M] with elements xi^mu.xi^nu/N, as p:gram(d) gives it
@tparam table options
@tparam number options.N dimension, > M
@treturn number entropy; nil and the reason when no state has these alignments
@raise when the Gram matrix is singular or not positive definite (dependent patterns), not
 symmetric, or of another shape
@see A(17), A(18)
@usage print(dam.gram_entropy({ 0.5, 0.1 }, dam.array{ { 1, 0.2 }, { 0.2, 1 } }, { N = 50 }))
*/
static int gram_entropy(lua_State *L)
{
    static const char where[] = "dam.gram_entropy";
    operand alignments, gram;
    const double *phi_data, *gram_data;
    dam_options options;
    dam_error e;
    int64_t M;
    double N, S;

    lua_settop(L, 3);
    read_operand(L, where, "phi", 1, &alignments);
    read_operand(L, where, "gram", 2, &gram);
    options = dam_options_begin(L, 3, where, only_N, false);
    dam_option_require(&options, "N", "the dimension, a number >= 2");
    N = dam_option_number(&options, "N", 0, 2, DAM_THEORY_MAX_N, "a number from 2 to 1e9");
    if (alignments.array && alignments.array->rank != 1)
        return luaL_error(L, "%s: phi must have one dimension, [M]", where);
    M = alignments.array ? alignments.array->count : 1;
    if (gram.array ? gram.array->rank != 2 || gram.array->shape[0] != M || gram.array->shape[1] != M
                   : M != 1)
        return luaL_error(L, "%s: gram must have the shape [M, M] = [%I, %I]", where,
                          (LUAI_UACINT)M, (LUAI_UACINT)M);
    phi_data = alignments.array ? alignments.array->data : &alignments.number;
    gram_data = gram.array ? gram.array->data : &gram.number;
    if (dam_entropy_gram(phi_data, gram_data, M, N, &S, &e))
        return domain(L, where, &e, NULL, 0);
    lua_pushnumber(L, S);
    return 1;
}

/* ---- the userdata ---- */

/***
The analytic theory of a Hamiltonian. Its functions take numbers, arrays or lists of numbers (shapes
are matched from the last dimension, a length of 1 repeats) and return the like. Outside a formula's
domain they return nil and the reason, never NaN; for an array the reason names the first such
element (a:map(function(T) return th:phi(T) or 0 end) treats elements one by one).
@function dam.theory
@tparam hamiltonian hamiltonian dam.lse, dam.lsr or dam.polynomial
@tparam[opt] table options
@tparam[opt="paper"] "paper"|"exact" options.law the papers' formulas, or the exact geometry of the
 sphere
@tparam[opt="A39"] "A39"|"A30" options.floor LSR, law "paper": the floor of LSE (exists for
 f_ret <= 1), or LSR's own
@tparam[opt="depth"] "depth"|"spinodal"|"global" options.which LSE, law "exact": f_ret = u_noise;
 where the target basin vanishes; all M basins counted
@treturn theory
@raise on anything that is not allowed
@see A(13)-(39), B(8), B(9)
@usage th = dam.theory(dam.lse{ beta_net = 1 }, { law = "exact" })
*/
static int new_theory(lua_State *L)
{
    static const char *const keys[] = {"law", "floor", "which", NULL};
    dam_theory th = {.law = DAM_LAW_PAPER};
    dam_options o;
    theory *t;

    th.h = *dam_check_hamiltonian(L, 1);
    lua_settop(L, 2);
    o = dam_options_begin(L, 2, "dam.theory", keys, true);
    th.law = (dam_law)dam_option_choice(&o, "law", DAM_LAW_PAPER, laws);
    read_options(L, "dam.theory", 2, keys, &th);
    t = lua_newuserdatauv(L, sizeof *t, 1);
    t->th = th;
    t->open = true;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    luaL_setmetatable(L, DAM_CLASS_THEORY);
    return 1;
}

/***
Closes the theory: using it afterwards is an error, closing it again is not.
@function theory:close
@usage th = dam.theory(dam.lse()); th:close()
*/
static int close_theory(lua_State *L)
{
    theory *t = luaL_checkudata(L, 1, DAM_CLASS_THEORY);

    t->open = false;
    return 0;
}

static int to_string(lua_State *L)
{
    const theory *t = luaL_checkudata(L, 1, DAM_CLASS_THEORY);
    char text[128];

    dam_hamiltonian_describe(&t->th.h, text, sizeof text);
    lua_pushfstring(L, DAM_CLASS_THEORY "(dam.%s, { law = \"%s\" })%s", text, laws[t->th.law],
                    t->open ? "" : " (closed)");
    return 1;
}

static const char *const fields[] = {
    "u",           "phi",          "f_ret",       "f",
    "u_noise",     "alpha_th",     "alpha_c",     "T_c",
    "T_max",       "phase",        "load",        "patterns_in_support",
    "phi_density", "u_variance",   "u_boltzmann", "phi_boltzmann",
    "close",       "law",          "floor",       "which",
    "hamiltonian", "phi_variance", NULL};

/* Methods from the table in the first upvalue, then the four values. */
/***
The analytic theory of a Hamiltonian, made by dam.theory. Its methods take numbers, arrays or lists
of numbers (shapes are matched from the last dimension, a length of 1 repeats) and return the like.
Outside a formula's domain they return nil and the reason, never NaN; for an array the reason names
the first such element.
@type theory
@tfield string law "paper" or "exact"
@tfield string floor "A39" or "A30"
@tfield string which "depth", "spinodal" or "global"
@tfield hamiltonian hamiltonian
@usage th = dam.theory(dam.lse(), { law = "exact" })
 print(th.law, th:phi{ 0.1, 0.5, 1 }, th:alpha_c(0.5))
*/
static int get_index(lua_State *L)
{
    const theory *t = luaL_checkudata(L, 1, DAM_CLASS_THEORY);
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL)
        return 1;
    check_theory(L);
    if (strcmp(key, "law") == 0)
        lua_pushstring(L, laws[t->th.law]);
    else if (strcmp(key, "floor") == 0)
        lua_pushstring(L, floors[t->th.floor]);
    else if (strcmp(key, "which") == 0)
        lua_pushstring(L, boundaries[t->th.which]);
    else if (strcmp(key, "hamiltonian") == 0)
        lua_getiuservalue(L, 1, 1);
    else
        return dam_unknown_field(L, DAM_CLASS_THEORY, 2, fields);
    return 1;
}

void dam_open_theory(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"theory", new_theory}, {"entropy", entropy}, {"gram_entropy", gram_entropy}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"u", u},
                                       {"phi", phi},
                                       {"f_ret", f_ret},
                                       {"f", f},
                                       {"u_noise", u_noise},
                                       {"alpha_th", alpha_th},
                                       {"patterns_in_support", patterns_in_support},
                                       {"alpha_c", alpha_c},
                                       {"T_c", T_c},
                                       {"T_max", T_max},
                                       {"phase", phase},
                                       {"phi_boltzmann", phi_boltzmann},
                                       {"phi_variance", phi_variance},
                                       {"u_boltzmann", u_boltzmann},
                                       {"u_variance", u_variance},
                                       {"phi_density", phi_density},
                                       {"load", load},
                                       {"close", close_theory},
                                       {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__tostring", to_string}, {"__gc", close_theory}, {"__close", close_theory}, {NULL, NULL}};

    luaL_newmetatable(L, DAM_CLASS_THEORY);
    luaL_setfuncs(L, metamethods, 0);
    luaL_newlib(L, methods);
    lua_pushcclosure(L, get_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
