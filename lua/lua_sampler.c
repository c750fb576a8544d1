#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../src/memory.h"
#include "args.h"
#include "binding.h"
#include "classes.h"
#include "config.h"
#include "guard.h"
#include "load.h"
#include "record.h"
#include "sampling.h"
#include "start.h"

static const char where_mh[] = "dam.mh";

/* Temperatures and steps up to here give proposals whose squares are finite. */
#define LARGEST 1e100

typedef dam_sampler_handle handle;

static dam_sampler *check_sampler(lua_State *L, int index)
{
    handle *h = luaL_checkudata(L, index, DAM_CLASS_SAMPLER);

    if (!h->s)
        luaL_error(L, "dam.sampler: this sampler is closed");
    return h->s;
}

/* The sampler, for a method that changes it: not from within observe. */
static dam_sampler *check_sampler_at_rest(lua_State *L, const char *where)
{
    dam_sampler *s = check_sampler(L, 1);

    if (((handle *)lua_touserdata(L, 1))->observed != 0)
        luaL_error(L, "%s: this sampler is sampling: observe may only look at it", where);
    return s;
}

/* Also when the state closes under a running observer, which does not come back then. */
static int collect_sampler(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, DAM_CLASS_SAMPLER);

    dam_sampler_free(h->s);
    h->s = NULL;
    return 0;
}

/***
Releases the sampler's memory now instead of when the collector finds it. Using the sampler
afterwards is an error; closing it again is not. `local s <close> = dam.mh{...}` does it at the
block's end.
@function sampler:close
@raise when called by its own observer
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 s:close()
*/
static int close_sampler(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, DAM_CLASS_SAMPLER);

    if (h->s)
        check_sampler_at_rest(L, "sampler:close");
    return collect_sampler(L);
}

static handle *push_closed(lua_State *L)
{
    handle *h;

    dam_collect_if_needed(L);
    h = lua_newuserdatauv(L, sizeof *h, 0);
    memset(h, 0, sizeof *h);
    luaL_setmetatable(L, DAM_CLASS_SAMPLER);
    return h;
}

bool dam_collected_for(lua_State *L, dam_status status)
{
    if (status != DAM_ERR_MEMORY)
        return false;
    lua_gc(L, LUA_GCCOLLECT, 0);
    return true;
}

int dam_raise_sampling(lua_State *L, const char *where, const dam_error *e)
{
    if (e->status == DAM_ERR_INTERRUPTED)
        return luaL_error(L, "interrupted");
    return dam_raise(L, where, e);
}

/* ---- options of dam.mh ---- */

static const char expected_T[] =
    "a number > 0, or a list or 1-D array of them (for T = 0 use dam.descend)";

/* Temperatures at `index` into a buffer pushed on the stack; their number in `n`. */
static double *read_T(lua_State *L, int index, const char *where, int64_t *n)
{
    const dam_array *a = dam_test_array(L, index);
    double *T;
    char name[32] = "T";

    index = lua_absindex(L, index);
    if (lua_type(L, index) == LUA_TNUMBER)
        *n = 1;
    else if (a && a->rank == 1)
        *n = a->count;
    else if (!a && lua_istable(L, index) && lua_rawlen(L, index) > 0)
        *n = (int64_t)lua_rawlen(L, index);
    else
        dam_argument_error(L, where, "T", index, expected_T);
    T = lua_newuserdatauv(L, (size_t)*n * sizeof *T, 0);
    for (int64_t i = 0; i < *n; i++) {
        if (lua_istable(L, index))
            lua_rawgeti(L, index, i + 1);
        else if (a)
            lua_pushnumber(L, a->data[i]);
        else
            lua_pushvalue(L, index);
        if (lua_type(L, index) != LUA_TNUMBER)
            snprintf(name, sizeof name, "T[%lld]", (long long)i + 1);
        T[i] = dam_check_number(L, -1, where, name, DBL_MIN, LARGEST,
                                "a number > 0, <= 1e100 (for T = 0 use dam.descend)");
        lua_pop(L, 1);
    }
    return T;
}

static const dam_array *check_state_array(lua_State *L, int index, const char *where,
                                          const char *name, int64_t n_T, const dam_patterns *p,
                                          int64_t replicas)
{
    const dam_array *a = dam_test_array(L, index);
    char expected[128];

    if (!a || a->rank != 4 || a->shape[0] != n_T || a->shape[1] != p->disorder ||
        a->shape[2] != replicas || a->shape[3] != p->N) {
        snprintf(expected, sizeof expected,
                 "an array [T, disorder, replica, N] = [%lld, %lld, %lld, %d]", (long long)n_T,
                 (long long)p->disorder, (long long)replicas, p->N);
        dam_argument_error(L, where, name, index, expected);
    }
    return a;
}

/* "exact" is for LSE at T = 1/beta_net only: there the Gibbs measure is a mixture. */
static void check_exact(lua_State *L, const dam_sampler_options *s)
{
    if (s->hamiltonian.kernel != DAM_LSE)
        luaL_error(L, "dam.mh: init = \"exact\" is not allowed with this Hamiltonian: only the LSE "
                      "kernel has exact draws");
    for (int64_t i = 0; i < s->n_T; i++)
        if (!(fabs(s->T[i] * s->hamiltonian.beta_net - 1) < 1e-12))
            luaL_error(L,
                       "dam.mh: init = \"exact\" is not allowed at T = %f: expected T = 1/beta_net "
                       "= %f",
                       s->T[i], 1 / s->hamiltonian.beta_net);
}

/* Pushes what the start reads from while the sampler is made. */
static void read_init(const dam_options *o, dam_sampler_options *s)
{
    lua_State *L = o->L;

    if (dam_option_push(o, "init") == LUA_TUSERDATA) {
        s->start.kind = DAM_START_STATES;
        s->start.states =
            check_state_array(L, -1, o->where, "init", s->n_T, s->patterns, s->replicas)->data;
        return;
    }
    lua_pop(L, 1);
    dam_read_start(o, &s->hamiltonian, s->patterns, &s->start);
    if (s->start.kind == DAM_START_EXACT)
        check_exact(L, s);
}

/* The device asked for by the option, else the configured one. */
static dam_device_choice read_device(const dam_options *o)
{
    lua_State *L = o->L;
    const char *name = dam_config_device();
    dam_device_choice device;
    dam_error e;

    if (dam_option_push(o, "device") == LUA_TSTRING)
        name = lua_tostring(L, -1);
    else if (!lua_isnil(L, -1))
        dam_argument_error(L, o->where, "device", -1, "a device name such as \"auto\" or \"cpu\"");
    if (dam_device_resolve(name, &device, &e))
        luaL_error(L, "%s: device = \"%s\" is not allowed: %s", o->where, name, e.message);
    lua_pop(L, 1);
    return device;
}

/* The tiers asked for by the option. */
static dam_tier_set read_evaluation(const dam_options *o)
{
    lua_State *L = o->L;
    dam_tier_set tiers = dam_tiers_auto();
    dam_error e;

    if (dam_option_push(o, "evaluation") == LUA_TSTRING) {
        if (dam_tiers_named(lua_tostring(L, -1), &tiers, &e))
            luaL_error(L, "%s: evaluation = \"%s\" is not allowed: %s", o->where,
                       lua_tostring(L, -1), e.message);
    } else if (!lua_isnil(L, -1)) {
        dam_argument_error(L, o->where, "evaluation", -1,
                           "a name such as \"auto\", \"reference\" or \"active+single\"");
    }
    lua_pop(L, 1);
    return tiers;
}

/***
A Metropolis-Hastings sampler, B(7): chains for every temperature, disorder of the pattern set and
replica. A chain's numbers depend on (seed, N, M, T, disorder, replica) alone: not on threads, on
the other chains, or on how a run is cut into calls.
@function dam.mh
@tparam table options
@tparam hamiltonian options.hamiltonian dam.lse{}, dam.lsr{} or dam.polynomial{}
@tparam patterns options.patterns dam.patterns{}
@tparam number|number[]|array options.T temperatures of the bath, k_B = 1, each > 0 (for T = 0:
 dam.descend)
@tparam[opt=1] integer options.replicas chains per temperature and disorder
@tparam[opt=1] integer options.first_replica number of the first of them: replicas 3 and 4 alone are
 { first_replica = 3, replicas = 2 }
@tparam[opt={ phi = {0.75, 1} }] table|array|"cold"|"hot"|"support"|"exact" options.init where the
 chains start: "cold" at the target; "hot" uniform on the sphere; "support" like { phi = "support"
}; "exact" in independent draws of the Gibbs measure (LSE at T = 1/beta_net only); an array of
states [T, disorder, replica, N]; or a table of the following
@tparam[opt={0.75, 1}] number|{number,number}|"support" options.init.phi alignment with the pattern:
 a number, a pair {a, b} for uniform in between, drawn for each chain, or "support" (uniform on
 (max(0.75, 1 - 1/b), 1], for LSR with b > 4, where {0.75, 1} begins outside of the support)
@tparam[opt] integer options.init.pattern the pattern that phi is the alignment with; default the
 target
@tparam[opt] integer[] options.init.mix instead of phi: start at the normalised sum of these
patterns
@tparam[opt=2.4] number options.step width of a proposal, > 0: sigma = step T/sqrt(N) per component
@tparam[opt=1] integer options.seed seed of the chains; patterns have their own
@tparam[opt="auto"] "auto"|"cpu"|"cuda"|"cuda-on-cpu"|string options.device "cuda:1" is the second
 GPU, "cuda-on-cpu" is for tests (see dam.devices); "auto" the best usable device; the default is
 what --device or DAMLUA_DEVICE says. Every decision is the same
@tparam[opt="auto"] "auto"|"reference"|"active"|"coarse"|"single"|string options.evaluation the
 tiers that proposals go through: "active" (lists of near patterns), "coarse" (all patterns in
 bytes, one or two a component), "single" (all patterns in single precision), alone or
 joined by "+" as in "active+single"; "auto": all, but "coarse" only where the processor has
 instructions for it or a GPU enough to do; "reference": none of them. What a tier cannot prove
 goes to the next one and in the end to the reference, so every decision is the same
@treturn sampler
@raise on unknown options and values that are not allowed; when the chains do not fit into memory;
 naming the chain when an LSR start is out of every pattern's support
@see B(6), B(7)
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 print(s:sample(100):table())
*/
static int mh(lua_State *L)
{
    static const char *const keys[] = {"hamiltonian",   "patterns",   "T",    "replicas",
                                       "first_replica", "init",       "step", "seed",
                                       "device",        "evaluation", NULL};
    static const char expected_replicas[] = "an integer from 1 to 4294967295";
    dam_options o = dam_options_begin(L, 1, where_mh, keys, false);
    dam_sampler_options s;
    dam_status status;
    dam_guard guard;
    dam_error e;
    handle *h;

    memset(&s, 0, sizeof s);
    dam_option_require(&o, "hamiltonian", "dam.lse{}, dam.lsr{} or dam.polynomial{}");
    dam_option_require(&o, "patterns", "dam.patterns{}");
    dam_option_require(&o, "T", expected_T);
    dam_option_push(&o, "hamiltonian");
    if (!luaL_testudata(L, -1, DAM_CLASS_HAMILTONIAN))
        dam_argument_error(L, where_mh, "hamiltonian", -1,
                           "dam.lse{}, dam.lsr{} or dam.polynomial{}");
    s.hamiltonian = *dam_check_hamiltonian(L, -1);
    dam_option_push(&o, "patterns");
    if (!luaL_testudata(L, -1, DAM_CLASS_PATTERNS))
        dam_argument_error(L, where_mh, "patterns", -1, "dam.patterns{}");
    s.patterns = dam_check_patterns(L, -1);
    dam_option_push(&o, "T");
    s.T = read_T(L, -1, where_mh, &s.n_T);
    s.replicas = dam_option_integer(&o, "replicas", 1, 1, DAM_MAX_REPLICAS, expected_replicas);
    s.first_replica =
        dam_option_integer(&o, "first_replica", 1, 1, DAM_MAX_REPLICAS, expected_replicas);
    if (s.first_replica + s.replicas - 1 > DAM_MAX_REPLICAS)
        return luaL_error(L, "dam.mh: first_replica + replicas - 1 exceeds 4294967295");
    s.seed = (uint64_t)dam_option_integer(&o, "seed", 1, INT64_MIN, INT64_MAX, "an integer");
    s.step = dam_option_number(&o, "step", 2.4, DBL_MIN, LARGEST, "a number > 0, <= 1e100");
    s.device = read_device(&o);
    s.tiers = read_evaluation(&o);
    read_init(&o, &s);
    h = push_closed(L);
    strcpy(h->device, s.device.name);
    dam_guard_begin(&guard);
    status = dam_sampler_create(&h->s, &s, &e);
    if (dam_collected_for(L, status))
        status = dam_sampler_create(&h->s, &s, &e);
    dam_guard_end(&guard);
    if (status)
        return dam_raise_sampling(L, where_mh, &e);
    return 1;
}

/* ---- results ---- */

typedef struct {
    int64_t n_T, disorder, replicas;
    uint64_t digest;
    uint64_t *chain_digest; /* [T][disorder][replica]; NULL when closed */
} result;

static const char *const result_fields[] = {
    "T",      "phi",        "phi2",          "q12",    "energy_density", "energy2", "N",
    "M",      "acceptance", "phi_max_other", "digest", "steps",          "stats",   "every",
    "series", "histogram",  "track",         "table",  "retained",       "close",   "chain_digest",
    NULL};

static result *check_result(lua_State *L, int index)
{
    result *r = luaL_checkudata(L, index, DAM_CLASS_RESULT);

    if (!r->chain_digest)
        luaL_error(L, "dam.result: this result is closed");
    return r;
}

/***
Releases what the result holds. Using it afterwards is an error; closing it again is not.
@function result:close
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 s:sample(10):close()
*/
static int close_result(lua_State *L)
{
    result *r = luaL_checkudata(L, 1, DAM_CLASS_RESULT);

    dam_free(r->chain_digest);
    r->chain_digest = NULL;
    lua_pushnil(L);
    lua_setiuservalue(L, 1, 1);
    return 0;
}

static void push_digest(lua_State *L, uint64_t digest)
{
    char text[17];

    snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
    lua_pushstring(L, text);
}

/* Sets field `name` of the table on top to a quantity of the sampler. */
static void set_quantity(lua_State *L, const dam_sampler *s, const char *name, dam_quantity q)
{
    const int64_t shape[] = {s->n_T, s->patterns->disorder, s->replicas};
    dam_array *a = dam_push_array(L, q == DAM_Q_Q12 ? 2 : 3, shape);

    dam_sampler_read(s, q, a->data);
    lua_setfield(L, -2, name);
}

static void set_T_field(lua_State *L, const dam_sampler *s)
{
    dam_array *T = dam_push_array(L, 1, &s->n_T);

    memcpy(T->data, s->T, (size_t)s->n_T * sizeof *T->data);
    lua_setfield(L, -2, "T");
}

/* Puts a table of the first `tiers` tiers' numbers at index t of the table on top. */
static void set_by_tier(lua_State *L, int64_t t, const double numbers[DAM_TIERS], int tiers)
{
    lua_createtable(L, 0, tiers);
    for (int tier = 0; tier < tiers; tier++) {
        lua_pushnumber(L, numbers[tier]);
        lua_setfield(L, -2, dam_tier_name((dam_tier)tier));
    }
    lua_rawseti(L, -2, t + 1);
}

/* stats of the table on top: by index of T, where the work went. */
static void set_stats(lua_State *L, const dam_sampler *s)
{
    static const char *const names[] = {"patterns_per_step", "rebuilds", "list_size"};

    lua_createtable(L, 0, 5);
    for (int n = 0; n < 3; n++) {
        lua_createtable(L, (int)s->n_T, 0);
        for (int64_t t = 0; t < s->n_T; t++) {
            const dam_work work = dam_sampler_work(s, t);
            double all = 0;
            for (int tier = 0; tier < DAM_TIERS; tier++)
                all += work.patterns[tier];
            lua_pushnumber(L, n == 0 ? all : n == 1 ? work.rebuilds : work.list_size);
            lua_rawseti(L, -2, t + 1);
        }
        lua_setfield(L, -2, names[n]);
    }
    lua_createtable(L, (int)s->n_T, 0); /* stats unsure */
    for (int64_t t = 0; t < s->n_T; t++)
        set_by_tier(L, t, dam_sampler_work(s, t).unsure, DAM_TIER_REFERENCE);
    lua_setfield(L, -2, "unsure");
    lua_createtable(L, (int)s->n_T, 0); /* stats by_tier */
    for (int64_t t = 0; t < s->n_T; t++)
        set_by_tier(L, t, dam_sampler_work(s, t).patterns, DAM_TIERS);
    lua_setfield(L, -2, "by_tier");
    lua_setfield(L, -2, "stats");
}

/* Pushes the result of the sample that the sampler has just completed. */
static int push_result(lua_State *L, dam_sampler *s)
{
    result *r;
    void *memory;
    dam_error e;

    dam_collect_if_needed(L);
    r = lua_newuserdatauv(L, sizeof *r, 1);
    *r = (result){s->n_T, s->patterns->disorder, s->replicas, dam_sampler_digest(s), NULL};
    luaL_setmetatable(L, DAM_CLASS_RESULT);
    if (dam_alloc(&memory, (uint64_t)dam_sampler_chains(s), sizeof *r->chain_digest, "the digests",
                  "lower disorder", &e))
        return dam_raise(L, "sampler:sample", &e);
    r->chain_digest = memory;
    for (int64_t t = 0, i = 0; t < s->n_T; t++)
        for (int64_t d = 0; d < s->patterns->disorder; d++)
            for (int64_t a = 0; a < s->replicas; a++)
                r->chain_digest[i++] = dam_sampler_chain_digest(s, dam_sampler_index(s, t, d, a));
    lua_newtable(L);
    set_T_field(L, s);
    set_quantity(L, s, "phi", DAM_Q_PHI);
    set_quantity(L, s, "phi2", DAM_Q_PHI2);
    set_quantity(L, s, "energy_density", DAM_Q_ENERGY_DENSITY);
    set_quantity(L, s, "energy2", DAM_Q_ENERGY2);
    set_quantity(L, s, "acceptance", DAM_Q_ACCEPTANCE);
    set_quantity(L, s, "phi_max_other", DAM_Q_PHI_MAX_OTHER);
    if (s->replicas > 1)
        set_quantity(L, s, "q12", DAM_Q_Q12);
    push_digest(L, r->digest);
    lua_setfield(L, -2, "digest");
    lua_pushinteger(L, (lua_Integer)s->ask);
    lua_setfield(L, -2, "steps");
    lua_pushinteger(L, s->patterns->N);
    lua_setfield(L, -2, "N");
    lua_pushinteger(L, s->patterns->M);
    lua_setfield(L, -2, "M");
    dam_set_record_fields(L, s);
    set_stats(L, s);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

/***
What a sample measured; made by sampler:sample and sampler:finish. Averages are over the steps of
the sample, per chain.
@type result
@tfield array T temperatures [T]
@tfield array phi alignment with the target [T, disorder, replica]
@tfield array phi2 its square [T, disorder, replica]
@tfield array energy_density H/N [T, disorder, replica], certified to 1e-6
@tfield array energy2 the square of H/N [T, disorder, replica]
@tfield array acceptance accepted proposals per step [T, disorder, replica]
@tfield array phi_max_other largest alignment with another pattern, in the last state [T, disorder,
 replica]; nan when M = 1
@tfield[opt] array q12 x_a.x_b/N of two replicas at equal steps, mean over pairs [T, disorder]; nil
 with one replica
@tfield string digest 16 hexadecimal digits, equal where all decisions and states are
@tfield integer N dimension
@tfield integer M number of patterns
@tfield integer steps steps of the sample
@tfield table stats where the work went, by index of T
@tfield number[] stats.patterns_per_step patterns evaluated per step of a chain
@tfield number[] stats.rebuilds lists of near patterns made, per chain
@tfield number[] stats.list_size mean length of the lists in use; 0 without any
@tfield table[] stats.unsure by tier ("active", "coarse", "single"): fraction of the proposals given
 to it that it left undecided
@tfield table[] stats.by_tier by tier, "reference" included: patterns evaluated by it per step
@tfield[opt] integer every steps of a block, where something was recorded
@tfield[opt] table series series.phi, series.energy_density [T, disorder, replica, n/every] and
 series.q12 [T, disorder, n/every], as asked for
@tfield[opt] table histogram histogram.NAME [T, disorder, replica, bins] with NAME_below and
 NAME_above [T, disorder, replica], together n for each chain
@tfield[opt] array track alignments with the tracked patterns at the end of each block [T, disorder,
 replica, n/every, patterns]
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 r = s:sample(64, { every = 8, series = {"phi"} })
 print(r.phi, r.series.phi, r.digest)
*/
static int index_result(lua_State *L)
{
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    if (dam_push_method(L, 1, 2))
        return 1;
    check_result(L, 1);
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) == LUA_TNIL && !dam_is_one_of(key, result_fields))
        return dam_unknown_field(L, DAM_CLASS_RESULT, 2, result_fields);
    return 1;
}

/***
Digest of one chain: a hash of all its decisions since it was made and of its state after the
sample.
@function result:chain_digest
@tparam integer t index of the temperature
@tparam integer d place of the disorder
@tparam integer a place of the replica
@treturn string 16 hexadecimal digits
@raise when an index is out of range
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 print(s:sample(10):chain_digest(1, 1, 1))
*/
static int chain_digest(lua_State *L)
{
    static const char where[] = "result:chain_digest";
    result *r = check_result(L, 1);
    const int64_t sizes[] = {r->n_T, r->disorder, r->replicas};
    static const char *const names[] = {"t", "d", "a"};
    int64_t at = 0;

    for (int i = 0; i < 3; i++) {
        char expected[48];
        snprintf(expected, sizeof expected, "an integer from 1 to %lld", (long long)sizes[i]);
        at =
            at * sizes[i] + dam_check_integer(L, i + 2, where, names[i], 1, sizes[i], expected) - 1;
    }
    push_digest(L, r->chain_digest[at]);
    return 1;
}

static int result_to_string(lua_State *L)
{
    result *r = luaL_checkudata(L, 1, DAM_CLASS_RESULT);

    if (r->chain_digest) {
        char text[160];
        snprintf(text, sizeof text,
                 "dam.result [%lld T, %lld disorder, %lld replicas] digest %016llx",
                 (long long)r->n_T, (long long)r->disorder, (long long)r->replicas,
                 (unsigned long long)r->digest);
        lua_pushstring(L, text);
    } else {
        lua_pushliteral(L, "dam.result (closed)");
    }
    return 1;
}

/* ---- methods of samplers ---- */

static int64_t check_steps(lua_State *L, const char *where)
{
    return dam_check_integer(L, 2, where, "n", 1, DAM_MAX_STEPS,
                             "a whole number of steps from 1 to 2^48");
}

/***
Advances all chains by n steps without measuring.
@function sampler:run
@tparam integer n steps, 1 or more
@treturn sampler itself
@raise "interrupted" after Ctrl-C (every chain is at a completed step; sampler:finish completes the
 run); when an interrupted run or sample waits
@see B(7)
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 s:run(100)
*/
static int run(lua_State *L)
{
    dam_sampler *s = check_sampler_at_rest(L, "sampler:run");
    int64_t n = check_steps(L, "sampler:run");
    dam_activity was;
    dam_guard guard;
    dam_error e;
    dam_status status;

    dam_guard_begin(&guard);
    status = dam_sampler_run(s, n, &e);
    if (dam_collected_for(L, status))
        status = dam_sampler_finish(s, &was, &e);
    dam_guard_end(&guard);
    if (status)
        return dam_raise_sampling(L, "sampler:run", &e);
    lua_settop(L, 1);
    return 1;
}

/* The index of the option `observe` on the stack, 0 when absent. */
static int push_observer(const dam_options *o)
{
    const int type = dam_option_push(o, "observe");

    if (type != LUA_TNIL && type != LUA_TFUNCTION)
        dam_argument_error(o->L, o->where, "observe", -1, "a function");
    return type == LUA_TNIL ? 0 : lua_gettop(o->L);
}

/* Completes what waits: blocks that are to be observed first, then all the rest. */
static dam_activity complete(lua_State *L, int observer, const char *where)
{
    handle *h = lua_touserdata(L, 1);
    dam_activity was;
    dam_guard guard;
    dam_error e;
    dam_status status;

    if (observer)
        dam_observe(L, 1, observer, where);
    dam_guard_begin(&guard);
    status = dam_sampler_finish(h->s, &was, &e);
    if (dam_collected_for(L, status))
        status = dam_sampler_finish(h->s, &was, &e);
    dam_guard_end(&guard);
    if (status)
        dam_raise_sampling(L, where, &e);
    return was;
}

/***
Advances all chains by n steps and measures after each. No option changes a digest or a measured
value.
@function sampler:sample
@tparam integer n steps, 1 or more
@tparam[opt] table options what to record beside the averages
@tparam[opt=1] integer options.every steps of a block; divides n
@tparam[opt] ("phi"|"energy_density"|"q12")[] options.series time series of the means over each
 block, so that the mean of a series is the average of the sample
@tparam[opt] table options.histogram such as { phi = {-1, 1, 200} }: low, high, bins, for the names
 of series; counts of all n steps; values within 1e-6 outside of an end count in its bin
@tparam[opt] integer[] options.track indices of patterns: alignments with them at the end of each
 block (track = {1}: the alignment with a drawn target at single steps)
@tparam[opt] function options.observe called once per block, all chains at the same step, with a
 view of the states now
@treturn result
@raise "interrupted" after Ctrl-C (sampler:finish completes the sample and returns the result); what
 observe raises, the sample then waiting in the same way at the end of that block; when every does
 not divide n; when the record does not fit into memory; when an interrupted run or sample waits
@see B(4), A(8)
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 print(s:sample(100):table())
 r = s:sample(64, { every = 8, series = {"phi"}, histogram = { phi = {-1, 1, 20} }, track = {2, 5},
   observe = function(view) print(view.step, view.phi(1, 1, 1)) end })
*/
static int sample(lua_State *L)
{
    static const char where[] = "sampler:sample";
    dam_sampler *s = check_sampler_at_rest(L, where);
    int64_t n = check_steps(L, where);
    dam_options o = dam_options_begin(L, 3, where, dam_sample_keys, true);
    dam_record_options record;
    bool recorded = dam_read_record(&o, s, n, &record);
    int observer = push_observer(&o);
    dam_error e;

    if (recorded)
        dam_announce_record(s, n, &record);
    if (dam_sampler_begin_sample(s, n, recorded || observer ? &record : NULL, &e))
        return dam_raise(L, where, &e);
    complete(L, observer, where);
    return push_result(L, s);
}

/***
Completes an interrupted run or sample. What a sample records goes on where it stopped.
@function sampler:finish
@tparam[opt] table options
@tparam[opt] function options.observe called with a view after each block of the sample that no
 observer has seen; without it nobody observes the rest (see sampler:sample)
@treturn result|sampler the result of an interrupted sample; otherwise the sampler itself
@raise "interrupted" when interrupted again; what observe raises; when observe is given to a run, or
 to a sample that was begun without any option
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 s:finish() -- nothing was interrupted: nothing is done
*/
static int finish(lua_State *L)
{
    static const char where[] = "sampler:finish";
    static const char *const keys[] = {"observe", NULL};
    dam_sampler *s = check_sampler_at_rest(L, where);
    dam_options o = dam_options_begin(L, 2, where, keys, true);
    int observer = push_observer(&o);

    if (observer && (s->activity == DAM_RUNNING || (s->activity == DAM_SAMPLING && !s->record)))
        return luaL_error(L, "%s: there is nothing to observe: a %s without options has no blocks",
                          where, s->activity == DAM_RUNNING ? "run" : "sample");
    if (complete(L, observer, where) == DAM_SAMPLING)
        return push_result(L, s);
    lua_settop(L, 1);
    return 1;
}

/***
The states of all chains.
@function sampler:state
@treturn array [T, disorder, replica, N]; every number is a single-precision one
@raise when the array does not fit into memory
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 x = s:state()
*/
static int state(lua_State *L)
{
    dam_sampler *s = check_sampler(L, 1);
    const int64_t shape[] = {s->n_T, s->patterns->disorder, s->replicas, s->patterns->N};
    dam_array *a = dam_push_array(L, 4, shape);

    dam_sampler_state(s, a->data);
    return 1;
}

/***
Puts all chains into given states; step counters and decisions so far are kept.
@function sampler:set_state
@tparam array x [T, disorder, replica, N], on the sphere x.x = N (to 1e-5); kept in single precision
@treturn sampler itself
@raise naming the chain when a state is off the sphere or out of every LSR support (nothing is
 changed then); while an interrupted run or sample waits
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 s:set_state(s:state())
*/
static int set_state(lua_State *L)
{
    static const char where[] = "sampler:set_state";
    dam_sampler *s = check_sampler_at_rest(L, where);
    const dam_array *a = check_state_array(L, 2, where, "x", s->n_T, s->patterns, s->replicas);
    dam_guard guard;
    dam_error e;
    dam_status status;

    dam_guard_begin(&guard);
    status = dam_sampler_set_state(s, a->data, &e);
    if (dam_collected_for(L, status))
        status = dam_sampler_set_state(s, a->data, &e);
    dam_guard_end(&guard);
    if (status)
        return dam_raise_sampling(L, where, &e);
    lua_settop(L, 1);
    return 1;
}

/***
The same chains at new temperatures: states, step counters and decisions are kept (annealing,
hysteresis).
@function sampler:set_T
@tparam number|table|array T as many temperatures as before
@treturn sampler itself
@raise when the number of temperatures differs, or one is not > 0; while an interrupted run or
 sample waits
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 s:set_T(0.4)
*/
static int set_T(lua_State *L)
{
    static const char where[] = "sampler:set_T";
    dam_sampler *s = check_sampler_at_rest(L, where);
    int64_t n;
    const double *T = read_T(L, 2, where, &n);
    dam_error e;

    if (n != s->n_T)
        return luaL_error(L, "%s: %I temperatures were given: expected %I, as many as before",
                          where, (LUAI_UACINT)n, (LUAI_UACINT)s->n_T);
    if (dam_sampler_set_T(s, T, &e))
        return dam_raise(L, where, &e);
    lua_settop(L, 1);
    return 1;
}

/***
Saves the sampler to a file, to the bit: options, patterns (how they are drawn, or your data),
states, step counters, an interrupted sample. dam.load reads it back.
@function sampler:save
@tparam string file name of the file; an existing one is replaced
@treturn sampler itself
@raise naming the file when it cannot be written
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 name = os.tmpname(); s:save(name); s = dam.load(name); os.remove(name)
*/
static int save(lua_State *L)
{
    static const char where[] = "sampler:save";
    dam_sampler *s = check_sampler(L, 1);
    const char *path = dam_check_path(L, 2, where);
    dam_error e;

    if (dam_sampler_save(s, path, &e))
        return dam_raise(L, where, &e);
    lua_settop(L, 1);
    return 1;
}

int dam_load_sampler(lua_State *L, const char *path)
{
    handle *h = push_closed(L);
    dam_device_choice device;
    dam_error e;

    if (dam_device_resolve(dam_config_device(), &device, &e))
        return dam_raise(L, "dam.load", &e);
    strcpy(h->device, device.name);
    if (dam_sampler_load(&h->s, path, device, &e))
        return dam_raise(L, "dam.load", &e);
    return 1;
}

/***
Chains that a Metropolis-Hastings walk moves over the sphere, all at the same step; made by dam.mh
or dam.load.
@type sampler
@tfield string device what it runs on: "cpu", "cuda:0", "cuda-on-cpu"
@tfield string isa instruction set of the CPU's inner loops: "scalar", "avx2", "avx512"
@tfield integer steps steps done since the sampler was made
@tfield array T temperatures [T]
@tfield integer N dimension
@tfield integer M number of patterns
@tfield integer disorder number of disorders
@tfield integer first_disorder number of the first disorder
@tfield integer replicas chains per temperature and disorder
@tfield integer first_replica number of the first replica
@tfield integer seed seed of the chains
@tfield number step width of a proposal: sigma = step T/sqrt(N)
@usage s = dam.mh{ hamiltonian = dam.lse(), patterns = dam.patterns{ N = 20, M = 8 }, T = 0.3 }
 print(s, s.device, s.steps)
*/
static int index_sampler(lua_State *L)
{
    static const char *const fields[] = {
        "device",         "isa",      "steps",         "T",     "N",    "M",     "disorder",
        "first_disorder", "replicas", "first_replica", "seed",  "step", "run",   "sample",
        "finish",         "state",    "set_state",     "set_T", "save", "close", NULL};
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    const dam_sampler *s;

    if (dam_push_method(L, 1, 2))
        return 1;
    s = check_sampler(L, 1);
    if (strcmp(key, "device") == 0)
        lua_pushstring(L, ((const handle *)lua_touserdata(L, 1))->device);
    else if (strcmp(key, "isa") == 0)
        lua_pushstring(L, s->kernels->name);
    else if (strcmp(key, "steps") == 0)
        lua_pushinteger(L, (lua_Integer)s->steps);
    else if (strcmp(key, "T") == 0) {
        lua_newtable(L);
        set_T_field(L, s);
        lua_getfield(L, -1, "T");
    } else if (strcmp(key, "N") == 0)
        lua_pushinteger(L, s->patterns->N);
    else if (strcmp(key, "M") == 0)
        lua_pushinteger(L, s->patterns->M);
    else if (strcmp(key, "disorder") == 0)
        lua_pushinteger(L, s->patterns->disorder);
    else if (strcmp(key, "first_disorder") == 0)
        lua_pushinteger(L, s->patterns->first_disorder);
    else if (strcmp(key, "replicas") == 0)
        lua_pushinteger(L, s->replicas);
    else if (strcmp(key, "first_replica") == 0)
        lua_pushinteger(L, s->first_replica);
    else if (strcmp(key, "seed") == 0)
        lua_pushinteger(L, (lua_Integer)s->seed);
    else if (strcmp(key, "step") == 0)
        lua_pushnumber(L, s->step);
    else
        return dam_unknown_field(L, DAM_CLASS_SAMPLER, 2, fields);
    return 1;
}

static int sampler_to_string(lua_State *L)
{
    handle *h = luaL_checkudata(L, 1, DAM_CLASS_SAMPLER);
    char text[256], H[128];

    if (!h->s) {
        lua_pushliteral(L, "dam.sampler (closed)");
        return 1;
    }
    dam_hamiltonian_describe(&h->s->hamiltonian, H, sizeof H);
    snprintf(text, sizeof text,
             "dam.sampler of %s, N = %d, M = %lld: %lld T x %lld disorder x %lld replicas, %llu "
             "steps done%s",
             H, h->s->patterns->N, (long long)h->s->patterns->M, (long long)h->s->n_T,
             (long long)h->s->patterns->disorder, (long long)h->s->replicas,
             (unsigned long long)h->s->steps,
             h->s->activity == DAM_IDLE ? "" : " (interrupted: s:finish() completes)");
    lua_pushstring(L, text);
    return 1;
}

void dam_open_sampler(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"run", run},     {"sample", sample},       {"finish", finish},
        {"state", state}, {"set_T", set_T},         {"set_state", set_state},
        {"save", save},   {"close", close_sampler}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", collect_sampler},
                                    {"__close", close_sampler},
                                    {"__index", index_sampler},
                                    {"__tostring", sampler_to_string},
                                    {NULL, NULL}};
    static const luaL_Reg result_methods[] = {
        {"chain_digest", chain_digest}, {"close", close_result}, {NULL, NULL}};
    static const luaL_Reg result_meta[] = {{"__gc", close_result},
                                           {"__close", close_result},
                                           {"__index", index_result},
                                           {"__tostring", result_to_string},
                                           {NULL, NULL}};

    dam_open_view(L);
    dam_new_class(L, DAM_CLASS_SAMPLER, meta, methods);
    dam_new_class(L, DAM_CLASS_RESULT, result_meta, result_methods);
    dam_push_methods(L, DAM_CLASS_RESULT); /* the standard library adds result:table() */
    lua_setfield(L, -2, "result_methods");
    lua_pushcfunction(L, mh);
    lua_setfield(L, -2, "mh");
}
