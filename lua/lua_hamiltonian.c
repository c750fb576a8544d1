#include <float.h>
#include <math.h>
#include <string.h>

#include "args.h"
#include "binding.h"
#include "classes.h"

dam_hamiltonian *dam_check_hamiltonian(lua_State *L, int index)
{
    return luaL_checkudata(L, index, DAM_CLASS_HAMILTONIAN);
}

static dam_hamiltonian *push_hamiltonian(lua_State *L, dam_kernel kernel)
{
    dam_hamiltonian *h = lua_newuserdatauv(L, sizeof *h, 0);

    memset(h, 0, sizeof *h);
    h->kernel = kernel;
    luaL_setmetatable(L, DAM_CLASS_HAMILTONIAN);
    return h;
}

/***
Gaussian kernel (log-sum-exp): H = -(1/beta_net) ln sum_mu exp(-beta_net N (1 - phi^mu)).
@function dam.lse
@tparam[opt] table options `beta_net` (number > 0, default 1): inverse variance of the kernel
@treturn hamiltonian
@raise on unknown options and values that are not allowed
@see A(3), B(1)
@usage H = dam.lse{ beta_net = 1 }
*/
static int lse(lua_State *L)
{
    static const char *const keys[] = {"beta_net", NULL};
    dam_options o = dam_options_begin(L, 1, "dam.lse", keys, true);
    double beta_net = dam_option_number(&o, "beta_net", 1.0, DBL_MIN, 1e6, "a number > 0, <= 1e6");

    push_hamiltonian(L, DAM_LSE)->beta_net = beta_net;
    return 1;
}

/***
Epanechnikov kernel (log-sum-ReLU): H = -(1/beta_net) ln sum_mu max(epsilon, 1 - b (1 - phi^mu)).
@function dam.lsr
@tparam table options `b` (number > 0): sharpness b = N beta_net; or `beta_net` (number > 0)
 instead of it; `epsilon` (number in [0, 1), default 0: the hard wall of B, proposals out of every
 support are rejected)
@treturn hamiltonian
@raise on unknown options, values that are not allowed, and when not exactly one of b, beta_net is
 given
@see A(7), B(2)
@usage H = dam.lsr{ b = 3.41 }
*/
static int lsr(lua_State *L)
{
    static const char *const keys[] = {"b", "beta_net", "epsilon", NULL};
    dam_options o = dam_options_begin(L, 1, "dam.lsr", keys, true);
    double b = dam_option_number(&o, "b", 0.0, DBL_MIN, 1e9, "a number > 0, <= 1e9");
    double beta_net = dam_option_number(&o, "beta_net", 0.0, DBL_MIN, 1e6, "a number > 0, <= 1e6");
    double epsilon = dam_option_number(&o, "epsilon", 0.0, 0.0, nextafter(1.0, 0.0),
                                       "a number >= 0, < 1 (0 is the hard wall)");
    dam_hamiltonian *h;

    if ((b > 0) == (beta_net > 0))
        return luaL_error(L, "dam.lsr: give either b or beta_net (b = N beta_net), %s",
                          b > 0 ? "not both" : "one of them is needed");
    h = push_hamiltonian(L, DAM_LSR);
    h->b = b;
    h->beta_net = beta_net;
    h->epsilon = epsilon;
    return 1;
}

/***
Polynomial interaction: H = -N sum_mu (phi^mu)^k, A(1) on the sphere.
@function dam.polynomial
@tparam[opt] table options `k` (integer from 1 to 100, default 3): degree
@treturn hamiltonian
@raise on unknown options and values that are not allowed
@see A(1)
@usage H = dam.polynomial{ k = 3 }
*/
static int polynomial(lua_State *L)
{
    static const char *const keys[] = {"k", NULL};
    dam_options o = dam_options_begin(L, 1, "dam.polynomial", keys, true);
    int64_t k = dam_option_integer(&o, "k", 3, 1, DAM_POLYNOMIAL_MAX_K, "an integer from 1 to 100");

    push_hamiltonian(L, DAM_POLYNOMIAL)->k = (int)k;
    return 1;
}

static int to_string(lua_State *L)
{
    char text[128];

    dam_hamiltonian_describe(dam_check_hamiltonian(L, 1), text, sizeof text);
    lua_pushfstring(L, "dam.%s", text);
    return 1;
}

void dam_open_hamiltonian(lua_State *L)
{
    static const luaL_Reg constructors[] = {
        {"lse", lse}, {"lsr", lsr}, {"polynomial", polynomial}, {NULL, NULL}};

    luaL_newmetatable(L, DAM_CLASS_HAMILTONIAN);
    lua_pushcfunction(L, to_string);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
    luaL_setfuncs(L, constructors, 0);
}
