#include <stdio.h>
#include <string.h>

#include "start.h"

/* Where a start by alignment takes its phi from: support of LSR, B(6) otherwise. */
static void support_range(const dam_hamiltonian *h, const dam_patterns *p, dam_start *start)
{
    double phi_c = h->kernel == DAM_LSR ? 1 - 1 / dam_hamiltonian_b(h, p->N) : -1;

    start->phi_min = phi_c > 0.75 ? phi_c : 0.75;
    start->phi_max = 1;
}

/* { phi = x | {a, b} | "support" } of the init table at the top. */
static void read_phi(lua_State *L, const dam_options *o, const dam_hamiltonian *h,
                     const dam_patterns *p, dam_start *start)
{
    static const char expected[] =
        "a number in [-1, 1], a pair {a, b} with -1 <= a <= b <= 1, or \"support\"";
    int type = dam_option_push(o, "phi");

    if (type == LUA_TNIL) {
        start->phi_min = 0.75;
        start->phi_max = 1;
    } else if (type == LUA_TNUMBER) {
        start->phi_min = start->phi_max = dam_check_number(L, -1, o->where, "phi", -1, 1, expected);
    } else if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "support") == 0) {
        support_range(h, p, start);
    } else if (type == LUA_TTABLE && lua_rawlen(L, -1) == 2) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        start->phi_min = dam_check_number(L, -2, o->where, "phi[1]", -1, 1, expected);
        start->phi_max = dam_check_number(L, -1, o->where, "phi[2]", -1, 1, expected);
        lua_pop(L, 2);
        if (start->phi_min > start->phi_max)
            luaL_error(L, "%s: phi = {%f, %f} is not allowed: expected %s", o->where,
                       start->phi_min, start->phi_max, expected);
    } else {
        dam_argument_error(L, o->where, "phi", -1, expected);
    }
    lua_pop(L, 1);
}

/* { mix = {mu, nu, ...} }; pushes the userdata that holds the indices. */
static void read_mix(lua_State *L, const dam_options *o, const dam_patterns *p, dam_start *start)
{
    char expected[64];
    int64_t *mix;

    if (dam_option_push(o, "mix") != LUA_TTABLE || lua_rawlen(L, -1) < 1)
        dam_argument_error(L, o->where, "mix", -1, "a list of indices of patterns");
    snprintf(expected, sizeof expected, "an integer from 1 to %lld", (long long)p->M);
    start->kind = DAM_START_MIX;
    start->mixed = (int64_t)lua_rawlen(L, -1);
    mix = lua_newuserdatauv(L, (size_t)start->mixed * sizeof *mix, 0);
    for (int64_t i = 0; i < start->mixed; i++) {
        lua_rawgeti(L, -2, i + 1);
        mix[i] = dam_check_integer(L, -1, o->where, "mix", 1, p->M, expected) - 1;
        lua_pop(L, 1);
    }
    start->mix = mix;
    lua_remove(L, -2);
}

/* Pushes what the start reads from while it is made, or nothing. */
static void read_table(const dam_options *outer, int index, const dam_hamiltonian *h,
                       const dam_patterns *p, dam_start *start)
{
    lua_State *L = outer->L;
    static const char *const keys[] = {"phi", "pattern", "mix", NULL};
    char where[64];
    dam_options o;
    char expected[64];

    snprintf(where, sizeof where, "%s: init", outer->where);
    o = dam_options_begin(L, index, where, keys, false);
    if (dam_option_present(&o, "mix")) {
        if (dam_option_present(&o, "phi") || dam_option_present(&o, "pattern"))
            luaL_error(L, "%s: mix cannot be given together with phi or pattern", o.where);
        read_mix(L, &o, p, start);
        return;
    }
    snprintf(expected, sizeof expected, "an integer from 1 to %lld", (long long)p->M);
    start->pattern[0] = dam_option_integer(&o, "pattern", 0, 1, p->M, expected) - 1;
    read_phi(L, &o, h, p, start);
}

void dam_read_start(const dam_options *o, const dam_hamiltonian *h, const dam_patterns *p,
                    dam_start *start)
{
    static const char *const names[] = {"cold", "hot", "exact", "support", NULL};
    lua_State *L = o->L;
    const int type = dam_option_push(o, "init");

    memset(start, 0, sizeof *start);
    start->kind = DAM_START_PHI;
    start->pattern[0] = -1;
    start->phi_min = 0.75;
    start->phi_max = 1;
    if (type == LUA_TTABLE) {
        const int top = lua_gettop(L);
        read_table(o, top, h, p, start);
        lua_settop(L, top + 1);
        lua_remove(L, top);
        return;
    } else if (type != LUA_TNIL) {
        switch (dam_option_choice(o, "init", 0, names)) {
        case 0:
            start->phi_min = 1;
            break;
        case 1:
            start->kind = DAM_START_HOT;
            break;
        case 2:
            start->kind = DAM_START_EXACT;
            break;
        default:
            support_range(h, p, start);
        }
    }
}
