#include <float.h>
#include <math.h>
#include <string.h>

#include "args.h"
#include "binding.h"
#include "classes.h"

/* A Hamiltonian holds no resource, but can be closed like every object. */
typedef struct {
    dam_hamiltonian h;
    bool closed;
} handle;

dam_hamiltonian *dam_check_hamiltonian(lua_State *L, int index)
{
    handle *h = luaL_checkudata(L, index, DAM_CLASS_HAMILTONIAN);

    if (h->closed)
        luaL_error(L, "dam.hamiltonian: this Hamiltonian is closed");
    return &h->h;
}

/***
Closes the Hamiltonian: using it afterwards is an error, closing it again is not. Samplers made with
it keep their own copy.
@function hamiltonian:close
@usage H = dam.lse(); H:close()
*/
static int close_hamiltonian(lua_State *L)
{
    ((handle *)luaL_checkudata(L, 1, DAM_CLASS_HAMILTONIAN))->closed = true;
    return 0;
}

static dam_hamiltonian *push_hamiltonian(lua_State *L, dam_kernel kernel)
{
    handle *h = lua_newuserdatauv(L, sizeof *h, 0);

    memset(h, 0, sizeof *h);
    h->h.kernel = kernel;
    luaL_setmetatable(L, DAM_CLASS_HAMILTONIAN);
    return &h->h;
}

/***
Gaussian kernel (log-sum-exp): H = -(1/beta_net) ln sum_mu exp(-beta_net N (1 - phi^mu)).
@function dam.lse
@tparam[opt] table options
@tparam[opt=1] number options.beta_net inverse variance of the kernel, > 0
@treturn hamiltonian
@raise on unknown options and values that are not allowed
@see A(3), B(1)
@usage H = dam.lse{ beta_net = 1 }
 print(H, H:u(0.9))
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
@tparam table options exactly one of b and beta_net
@tparam[opt] number options.b sharpness b = N beta_net, > 0, the same at every N
@tparam[opt] number options.beta_net > 0, instead of b: then b = N beta_net
@tparam[opt=0] number options.epsilon in [0, 1); 0 is the hard wall of B: proposals out of every
 support are rejected
@treturn hamiltonian
@raise on unknown options, values that are not allowed, and when not exactly one of b, beta_net is
 given
@see A(7), B(2)
@usage H = dam.lsr{ b = 3.41 }
 print(H, H:u(0.9), H:u(0.5)) -- infinite outside of the support, phi < 1 - 1/b
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
@tparam[opt] table options
@tparam[opt=3] integer options.k degree, 1 to 100
@treturn hamiltonian
@raise on unknown options and values that are not allowed
@see A(1)
@usage H = dam.polynomial{ k = 3 }
 print(H, H:u(0.9))
*/
static int polynomial(lua_State *L)
{
    static const char *const keys[] = {"k", NULL};
    dam_options o = dam_options_begin(L, 1, "dam.polynomial", keys, true);
    int64_t k = dam_option_integer(&o, "k", 3, 1, DAM_POLYNOMIAL_MAX_K, "an integer from 1 to 100");

    push_hamiltonian(L, DAM_POLYNOMIAL)->k = (int)k;
    return 1;
}

/***
Energy density of a single basin, in which only the pattern aligned by phi counts: 1 - phi (LSE),
-(1/b) ln max(epsilon, 1 - b (1 - phi)) (LSR; inf outside the support), -phi^k (polynomial).
@function hamiltonian:u
@tparam number|array phi alignment in [-1, 1]
@treturn number|array energy density, of the shape of phi
@raise when phi is not a number or array, or lies outside [-1, 1]; for LSR made by beta_net, whose b
 depends on N
@see A(13), A(14)
@usage print(dam.lsr{ b = 3.41 }:u(0.9))
*/
static int u(lua_State *L)
{
    static const char where[] = "hamiltonian:u";
    const dam_hamiltonian *h = dam_check_hamiltonian(L, 1);
    const dam_array *phi = dam_test_array(L, 2);
    dam_array *out;

    if (h->kernel == DAM_LSR && !(h->b > 0))
        return luaL_error(L,
                          "%s: dam.lsr{ beta_net = ... } has b = N beta_net, which depends on N: "
                          "make it by b = ... for single-basin formulas",
                          where);
    if (!phi) {
        double x = dam_check_number(L, 2, where, "phi", -1, 1, "a number in [-1, 1] or an array");
        lua_pushnumber(L, dam_hamiltonian_u(h, 1, x));
        return 1;
    }
    for (int64_t i = 0; i < phi->count; i++)
        if (!(phi->data[i] >= -1 && phi->data[i] <= 1))
            return luaL_error(L, "%s: phi[%I] = %f is not allowed: expected numbers in [-1, 1]",
                              where, (LUAI_UACINT)i + 1, phi->data[i]);
    out = dam_push_array(L, phi->rank, phi->shape);
    for (int64_t i = 0; i < phi->count; i++)
        out->data[i] = dam_hamiltonian_u(h, 1, phi->data[i]);
    return 1;
}

/* Methods, then the parameters: kernel ("lse", "lsr", "polynomial"), beta_net, b, epsilon, k. */
/***
A Hamiltonian: a kernel and its parameters; made by dam.lse, dam.lsr and dam.polynomial. Parameters
that the kernel does not have are nil.
@type hamiltonian
@tfield string kernel "lse", "lsr" or "polynomial"
@tfield[opt] number beta_net inverse variance of the kernel; nil for LSR made by b
@tfield[opt] number b sharpness of LSR; nil when it was made by beta_net
@tfield[opt] number epsilon floor of the LSR kernel
@tfield[opt] integer k degree of the polynomial
@usage H = dam.lsr{ b = 3.41 }
 print(H.kernel, H.b, H.k)
*/
static int index_hamiltonian(lua_State *L)
{
    static const char *const names[] = {"lse", "lsr", "polynomial"};
    static const char *const fields[] = {"kernel", "beta_net", "b",        "epsilon", "k",
                                         "u",      "energy",   "gradient", "close",   NULL};
    const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    const dam_hamiltonian *h;

    if (dam_push_method(L, 1, 2))
        return 1;
    h = dam_check_hamiltonian(L, 1);
    if (strcmp(key, "kernel") == 0)
        lua_pushstring(L, names[h->kernel]);
    else if (strcmp(key, "beta_net") == 0 && h->beta_net > 0)
        lua_pushnumber(L, h->beta_net);
    else if (strcmp(key, "b") == 0 && h->b > 0)
        lua_pushnumber(L, h->b);
    else if (strcmp(key, "epsilon") == 0 && h->kernel == DAM_LSR)
        lua_pushnumber(L, h->epsilon);
    else if (strcmp(key, "k") == 0 && h->kernel == DAM_POLYNOMIAL)
        lua_pushinteger(L, h->k);
    else if (dam_is_one_of(key, fields))
        lua_pushnil(L); /* a parameter that this kernel does not have */
    else
        return dam_unknown_field(L, DAM_CLASS_HAMILTONIAN, 2, fields);
    return 1;
}

static int to_string(lua_State *L)
{
    const handle *h = luaL_checkudata(L, 1, DAM_CLASS_HAMILTONIAN);
    char text[128];

    dam_hamiltonian_describe(&h->h, text, sizeof text);
    lua_pushfstring(L, h->closed ? "dam.hamiltonian (closed)" : "dam.%s", text);
    return 1;
}

void dam_open_hamiltonian(lua_State *L)
{
    static const luaL_Reg constructors[] = {
        {"lse", lse}, {"lsr", lsr}, {"polynomial", polynomial}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"u", u}, {"close", close_hamiltonian}, {NULL, NULL}};
    static const luaL_Reg meta[] = {{"__gc", close_hamiltonian},
                                    {"__close", close_hamiltonian},
                                    {"__index", index_hamiltonian},
                                    {"__tostring", to_string},
                                    {NULL, NULL}};

    dam_new_class(L, DAM_CLASS_HAMILTONIAN, meta, methods);
    luaL_setfuncs(L, constructors, 0);
}
