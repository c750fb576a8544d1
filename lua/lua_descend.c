/* dam.descend: retrieval at T = 0; H:gradient. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../src/descend.h"
#include "../src/gradient.h"
#include "../src/sampler.h"
#include "args.h"
#include "binding.h"
#include "classes.h"
#include "guard.h"
#include "start.h"

static const char where_descend[] = "dam.descend";

/* ---- the result ---- */

/* A descent is a table of arrays in a user value; the userdata says whether it is closed. */
typedef struct {
    bool open;
    int64_t starts;
} result;

static const char *const result_fields[] = {
    "x",           "phi",  "energy", "energy_start", "steps", "converged", "pattern",
    "phi_pattern", "path", "rule",   "table",        "close", NULL};

/***
Releases what the descent holds. Using it afterwards is an error; closing it again is not.
@function descent:close
@usage p = dam.patterns{ N = 20, M = 8 }
 dam.descend{ hamiltonian = dam.lse(), patterns = p }:close()
*/
static int close_result(lua_State *L)
{
    result *r = luaL_checkudata(L, 1, DAM_CLASS_DESCENT);

    r->open = false;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, 1);
    return 0;
}

/***
Where the starts of dam.descend ended. Shapes are [disorder, replica], with a leading [n] for n sets
of starts.
@type descent
@tfield array x states [disorder, replica, N]
@tfield array phi alignment with the target
@tfield array energy H, extensive
@tfield array energy_start H of the start
@tfield array steps steps taken
@tfield array converged 1 or 0
@tfield array pattern index of the most aligned pattern
@tfield array phi_pattern alignment with it
@tfield string rule "update" or "gradient"
@tfield[opt] table path path.energy and path.phi [disorder, replica, max_steps + 1] when asked for,
 the last value repeated
@usage p = dam.patterns{ N = 20, M = 8, disorder = 4 }
 r = dam.descend{ hamiltonian = dam.lse(), patterns = p, path = true }
 print(r.phi, r.converged:mean(), r.path.energy:slice{ 1, 1, { 1, 3 } })
*/
static int index_result(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    result *r;

    if (dam_push_method(L, 1, 2))
        return 1;
    r = luaL_checkudata(L, 1, DAM_CLASS_DESCENT);
    if (!r->open)
        return luaL_error(L, "dam.descent: this result is closed");
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) == LUA_TNIL && !dam_is_one_of(key, result_fields))
        return dam_unknown_field(L, DAM_CLASS_DESCENT, 2, result_fields);
    return 1;
}

static int result_to_string(lua_State *L)
{
    result *r = luaL_checkudata(L, 1, DAM_CLASS_DESCENT);
    char text[96];

    if (r->open)
        snprintf(text, sizeof text, "dam.descent of %lld starts", (long long)r->starts);
    else
        snprintf(text, sizeof text, "dam.descent (closed)");
    lua_pushstring(L, text);
    return 1;
}

/* ---- dam.descend ---- */

/* What is being put together: where it starts and what shape its results have. */
typedef struct {
    dam_descent_options o;
    int rank;         /* of results: 2 [disorder, replica], 3 with the sets of states before */
    int64_t shape[5]; /* results, then N or the length of paths */
} request;

/* Whether `a` is of shape [disorder, replica, N], with any dimension before. */
static bool fits(const dam_array *a, const dam_descent_options *o)
{
    const int64_t *shape = a->shape + (a->rank == 4);

    return a->rank >= 3 && a->rank <= 4 && shape[0] == o->patterns->disorder &&
           shape[1] == o->replicas && shape[2] == o->patterns->N;
}

/* States [disorder, replica, N] or [sets, disorder, replica, N] at the top of the stack. */
static void read_states(lua_State *L, request *q)
{
    const dam_array *a = dam_test_array(L, -1);
    char expected[160];

    if (a && fits(a, &q->o)) {
        q->o.start.kind = DAM_START_STATES;
        q->o.start.states = a->data;
        q->o.sets = a->rank == 4 ? a->shape[0] : 1;
        q->rank = a->rank - 1;
        return;
    }
    snprintf(expected, sizeof expected,
             "an array [disorder, replica, N] = [%lld, %lld, %d], or such with a dimension before, "
             "like sampler:state()",
             (long long)q->o.patterns->disorder, (long long)q->o.replicas, q->o.patterns->N);
    dam_argument_error(L, where_descend, "init", -1, expected);
}

/* Pushes what the start reads from. */
static void read_init(const dam_options *o, request *q)
{
    if (dam_option_push(o, "init") == LUA_TUSERDATA) {
        read_states(o->L, q);
        return;
    }
    lua_pop(o->L, 1);
    dam_read_start(o, &q->o.hamiltonian, q->o.patterns, &q->o.start);
    if (q->o.start.kind == DAM_START_EXACT)
        luaL_error(o->L,
                   "%s: init = \"exact\" is not allowed: exact draws are those of T = 1/beta_net, "
                   "take them from dam.mh by s:state()",
                   where_descend);
}

/* Leaves on the stack what the options refer to. */
static void read_request(const dam_options *o, request *q)
{
    static const char *const rules[] = {"update", "gradient", NULL};
    static const char expected_replicas[] = "an integer from 1 to 4294967295";
    lua_State *L = o->L;

    memset(q, 0, sizeof *q);
    dam_option_require(o, "hamiltonian", "dam.lse{}, dam.lsr{} or dam.polynomial{}");
    dam_option_require(o, "patterns", "dam.patterns{}");
    dam_option_push(o, "hamiltonian");
    if (!luaL_testudata(L, -1, DAM_CLASS_HAMILTONIAN))
        dam_argument_error(L, where_descend, "hamiltonian", -1,
                           "dam.lse{}, dam.lsr{} or dam.polynomial{}");
    q->o.hamiltonian = *dam_check_hamiltonian(L, -1);
    dam_option_push(o, "patterns");
    if (!luaL_testudata(L, -1, DAM_CLASS_PATTERNS))
        dam_argument_error(L, where_descend, "patterns", -1, "dam.patterns{}");
    q->o.patterns = dam_check_patterns(L, -1);
    q->o.replicas = dam_option_integer(o, "replicas", 1, 1, DAM_MAX_REPLICAS, expected_replicas);
    q->o.first_replica =
        dam_option_integer(o, "first_replica", 1, 1, DAM_MAX_REPLICAS, expected_replicas);
    if (q->o.first_replica + q->o.replicas - 1 > DAM_MAX_REPLICAS)
        luaL_error(L, "%s: first_replica + replicas - 1 exceeds 4294967295", where_descend);
    q->o.seed = (uint64_t)dam_option_integer(o, "seed", 1, INT64_MIN, INT64_MAX, "an integer");
    q->o.rule = dam_option_choice(o, "rule", 0, rules) == 0 ? DAM_RULE_UPDATE : DAM_RULE_GRADIENT;
    q->o.tolerance =
        dam_option_number(o, "tolerance", 1e-7, 0, 1, "a number from 0 to 1, an angle in radians");
    q->o.max_steps = dam_option_integer(o, "max_steps", 10000, 0, DAM_DESCENT_MAX_STEPS,
                                        "an integer from 0 to 1000000000");
    q->o.sets = 1;
    q->rank = 2;
    read_init(o, q);
    if (q->rank == 3)
        q->shape[0] = q->o.sets;
    q->shape[q->rank - 2] = q->o.patterns->disorder;
    q->shape[q->rank - 1] = q->o.replicas;
}

/* A new array as field `name` of the table on top: of results, of rows when `length` > 0. */
static double *set_array(lua_State *L, request *q, const char *name, int64_t length)
{
    dam_array *a;

    q->shape[q->rank] = length;
    a = dam_push_array(L, q->rank + (length > 0), q->shape);
    lua_setfield(L, -2, name);
    return a->data;
}

/***
Retrieval at T = 0: from each start down to a fixed point of the energy on the sphere, in double
precision and on all threads. No step raises the energy.
@function dam.descend
@tparam table options
@tparam hamiltonian options.hamiltonian dam.lse{}, dam.lsr{} or dam.polynomial{}
@tparam patterns options.patterns dam.patterns{}
@tparam[opt={ phi = {0.75, 1} }] table|array|"cold"|"hot"|"support" options.init as dam.mh; or an
 array of states [disorder, replica, N], or [n, disorder, replica, N] such as sampler:state(), whose
 leading dimension the results get, too
@tparam[opt=1] integer options.replicas starts per disorder
@tparam[opt=1] integer options.first_replica number of the first of them
@tparam[opt="update"] "update"|"gradient" options.rule "update": x becomes the weighted sum of the
 patterns, projected to the sphere, which is the attention update for LSE; "gradient": small steps
 along the projected gradient, which stay in the valley they start in
@tparam[opt=1e-7] number options.tolerance converged when the angle between x and -dH/dx, in
radians, is at most this; energies resolve about 1e-7
@tparam[opt=10000] integer options.max_steps steps at most
@tparam[opt=1] integer options.seed seed of the starts
@tparam[opt=false] boolean options.path keep energies and alignments of all steps
@treturn descent
@raise on unknown options and values that are not allowed; naming the chain when an LSR start is out
 of every pattern's support; when results do not fit into memory; "interrupted" after Ctrl-C
@see A(1), A(3), A(7)
@usage p = dam.patterns{ N = 20, M = 8, disorder = 4 }
 r = dam.descend{ hamiltonian = dam.lse(), patterns = p, init = { phi = 0.9 } }
 print(r:table())
*/
static int descend(lua_State *L)
{
    static const char *const keys[] = {"hamiltonian",   "patterns", "init",      "replicas",
                                       "first_replica", "rule",     "tolerance", "max_steps",
                                       "seed",          "path",     NULL};
    dam_options options = dam_options_begin(L, 1, where_descend, keys, false);
    request q;
    dam_descent out;
    dam_status status;
    dam_guard guard;
    dam_error e;
    result *r;

    read_request(&options, &q);
    memset(&out, 0, sizeof out);
    dam_collect_if_needed(L);
    r = lua_newuserdatauv(L, sizeof *r, 1);
    *r = (result){true, q.o.sets * q.o.patterns->disorder * q.o.replicas};
    luaL_setmetatable(L, DAM_CLASS_DESCENT);
    lua_newtable(L);
    out.x = set_array(L, &q, "x", q.o.patterns->N);
    out.phi = set_array(L, &q, "phi", 0);
    out.energy = set_array(L, &q, "energy", 0);
    out.energy_start = set_array(L, &q, "energy_start", 0);
    out.steps = set_array(L, &q, "steps", 0);
    out.converged = set_array(L, &q, "converged", 0);
    out.pattern = set_array(L, &q, "pattern", 0);
    out.phi_pattern = set_array(L, &q, "phi_pattern", 0);
    if (dam_option_boolean(&options, "path", false)) {
        lua_newtable(L);
        out.path_energy = set_array(L, &q, "energy", q.o.max_steps + 1);
        out.path_phi = set_array(L, &q, "phi", q.o.max_steps + 1);
        lua_setfield(L, -2, "path");
    }
    lua_pushstring(L, q.o.rule == DAM_RULE_UPDATE ? "update" : "gradient");
    lua_setfield(L, -2, "rule");
    lua_setiuservalue(L, -2, 1);
    dam_guard_begin(&guard);
    status = dam_descend(&q.o, &out, &e);
    dam_guard_end(&guard);
    if (status == DAM_ERR_INTERRUPTED)
        return luaL_error(L, "interrupted");
    if (status)
        return dam_raise(L, where_descend, &e);
    return 1;
}

/* ---- H:gradient ---- */

/***
The gradient dH/dx of the extensive energy in the space around the sphere, in double precision:
minus the sum of the patterns with the weights softmax(N beta_net phi) (LSE), 1/sum max(...) for
those in support (LSR), or k phi^(k-1) (polynomial).
@function hamiltonian:gradient
@tparam patterns p
@tparam array x a state [N] or states [n, N]
@treturn array [disorder, N], or [disorder, n, N] for several states; nan where an LSR state lies
 outside of every support
@raise when x has another shape; "interrupted" after Ctrl-C
@see A(1), A(3), A(7)
@usage p = dam.patterns{ N = 8, M = 4 }; print(dam.lse():gradient(p, p:array(1):slice{ 1 }))
*/
static int gradient(lua_State *L)
{
    static const char where[] = "hamiltonian:gradient";
    const dam_hamiltonian *h = dam_check_hamiltonian(L, 1);
    dam_patterns *p = dam_check_patterns(L, 2);
    const dam_array *x = dam_test_array(L, 3);
    const dam_kernels *kernels;
    dam_array *out;
    dam_error e;
    int64_t shape[3] = {p->disorder}, n;

    if (!x || x->rank < 1 || x->rank > 2 || x->shape[x->rank - 1] != p->N) {
        char expected[80];
        snprintf(expected, sizeof expected, "an array of shape [%d] or [n, %d]", p->N, p->N);
        return dam_argument_error(L, where, "x", 3, expected);
    }
    n = x->rank == 2 ? x->shape[0] : 1;
    memcpy(shape + 1, x->shape, (size_t)x->rank * sizeof *shape);
    if (dam_kernels_get(&kernels, &e))
        return dam_raise(L, where, &e);
    out = dam_push_array(L, x->rank + 1, shape);
    for (int64_t d = 0; d < p->disorder; d++)
        if (dam_gradients(h, p, kernels, d, n, x->data, out->data + d * n * p->N, &e))
            return e.status == DAM_ERR_INTERRUPTED ? luaL_error(L, "interrupted")
                                                   : dam_raise(L, where, &e);
    return 1;
}

void dam_open_descend(lua_State *L)
{
    static const luaL_Reg methods[] = {{"close", close_result}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", close_result},
                                    {"__close", close_result},
                                    {"__index", index_result},
                                    {"__tostring", result_to_string},
                                    {NULL, NULL}};

    dam_new_class(L, DAM_CLASS_DESCENT, meta, methods);
    dam_push_methods(L, DAM_CLASS_DESCENT); /* the standard library adds descent:table() */
    lua_setfield(L, -2, "descent_methods");
    dam_push_methods(L, DAM_CLASS_HAMILTONIAN);
    lua_pushcfunction(L, gradient);
    lua_setfield(L, -2, "gradient");
    lua_pop(L, 1);
    lua_pushcfunction(L, descend);
    lua_setfield(L, -2, "descend");
}
