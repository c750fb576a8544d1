/* dam.version, clock, threads, isa, devices, and the tables dam.config and dam.build. */
#include <time.h>

#include <gsl/gsl_version.h>
#include <omp.h>
#include <sqlite3.h>

#include "binding.h"
#include "config.h"
#include "glibc.h"

#include "../src/device.h"
#include "../src/cpu/kernels.h"

#define MAX_DEVICES 64

/***
Time since some fixed moment, for measuring durations; it never goes back.
@function dam.clock
@treturn number seconds
@usage local start = dam.clock()
 print(dam.clock() - start)
*/
static int clock_seconds(lua_State *L)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    lua_pushnumber(L, (double)t.tv_sec + 1e-9 * (double)t.tv_nsec);
    return 1;
}

/***
How many threads parallel work uses: `--threads`, DAMLUA_THREADS, or one per processor core. No
result depends on it.
@function dam.threads
@treturn integer threads
@usage print(dam.threads())
*/
static int threads(lua_State *L)
{
    lua_pushinteger(L, omp_get_max_threads());
    return 1;
}

/* The name of the instruction set in use; raises when DAMLUA_ISA names one that cannot be had. */
static const char *selected_isa(lua_State *L)
{
    const dam_kernels *kernels;
    dam_error e;

    if (dam_kernels_get(&kernels, &e) != DAM_OK)
        luaL_error(L, "%s", e.message);
    return kernels->name;
}

/***
The instruction set that the CPU's inner loops use: the widest one the processor and the operating
system support, or the one named by DAMLUA_ISA. No result depends on it.
@function dam.isa
@treturn string "scalar", "avx2" or "avx512"
@raise when DAMLUA_ISA names an instruction set that is unknown or not available here
@usage print(dam.isa())
*/
static int isa(lua_State *L)
{
    lua_pushstring(L, selected_isa(L));
    return 1;
}

/***
The devices of this machine, the best first.
@function dam.devices
@treturn {table,...} one table per device: `name` ("cpu", "cuda:0"), `kind` ("cpu", "cuda"),
 `memory` (bytes that can be had now), `usable` (boolean), `why` (string: why it is not usable,
empty when it is)
@usage for _, d in ipairs(dam.devices()) do print(d.name, d.usable, d.why) end
*/
static int devices(lua_State *L)
{
    dam_device list[MAX_DEVICES];
    size_t n = dam_device_list(list, MAX_DEVICES);

    lua_newtable(L);
    for (size_t i = 0; i < n && i < MAX_DEVICES; i++) {
        lua_newtable(L);
        lua_pushstring(L, list[i].name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, list[i].kind);
        lua_setfield(L, -2, "kind");
        lua_pushinteger(L, (lua_Integer)list[i].memory);
        lua_setfield(L, -2, "memory");
        lua_pushboolean(L, list[i].usable);
        lua_setfield(L, -2, "usable");
        lua_pushstring(L, list[i].why);
        lua_setfield(L, -2, "why");
        lua_seti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* Pushes dam.config: what options and environment ask for. */
static void push_config(lua_State *L, const dam_config *c)
{
    lua_newtable(L);
    lua_pushstring(L, c->device);
    lua_setfield(L, -2, "device");
    lua_pushinteger(L, c->threads);
    lua_setfield(L, -2, "threads");
    lua_pushboolean(L, c->quiet);
    lua_setfield(L, -2, "quiet");
    lua_pushboolean(L, c->dry_run);
    lua_setfield(L, -2, "dry_run");
    lua_pushboolean(L, c->fresh);
    lua_setfield(L, -2, "fresh");
    lua_pushstring(L, c->results);
    lua_setfield(L, -2, "results");
    lua_pushstring(L, c->program);
    lua_setfield(L, -2, "program");
    if (c->shards) {
        lua_newtable(L);
        lua_pushinteger(L, c->shard);
        lua_seti(L, -2, 1);
        lua_pushinteger(L, c->shards);
        lua_seti(L, -2, 2);
        lua_setfield(L, -2, "shard");
    }
}

/* Pushes dam.build: how this binary was made. */
static void push_build(lua_State *L)
{
    char glibc[32];

    dam_glibc_needed(glibc, sizeof glibc);
    lua_newtable(L);
    lua_pushliteral(L, DAM_BUILD_TYPE);
    lua_setfield(L, -2, "type");
    lua_pushliteral(L, DAM_BUILD_COMPILER);
    lua_setfield(L, -2, "compiler");
    lua_pushliteral(L, DAM_BUILD_FLAGS);
    lua_setfield(L, -2, "flags");
    lua_pushstring(L, glibc);
    lua_setfield(L, -2, "glibc");
    lua_newtable(L);
    lua_pushliteral(L, LUA_RELEASE);
    lua_setfield(L, -2, "Lua");
    lua_pushstring(L, gsl_version);
    lua_setfield(L, -2, "GSL");
    lua_pushstring(L, sqlite3_libversion());
    lua_setfield(L, -2, "SQLite");
    lua_pushinteger(L, _OPENMP);
    lua_setfield(L, -2, "OpenMP");
    lua_setfield(L, -2, "libraries");
}

/* The configuration of the process; in a stock lua5.4 nobody has set one, so the environment. */
static const dam_config *configuration(lua_State *L)
{
    dam_config c = {0};
    dam_error e;

    if (!dam_config_current()) {
        if (dam_config_environment(&c, &e) != DAM_OK)
            luaL_error(L, "%s", e.message);
        dam_config_use(&c);
    }
    return dam_config_current();
}

void dam_open_system(lua_State *L)
{
    static const luaL_Reg functions[] = {{"clock", clock_seconds},
                                         {"threads", threads},
                                         {"isa", isa},
                                         {"devices", devices},
                                         {NULL, NULL}};

    selected_isa(L);
    luaL_setfuncs(L, functions, 0);
    lua_pushliteral(L, DAM_VERSION);
    lua_setfield(L, -2, "version");
    push_config(L, configuration(L));
    lua_setfield(L, -2, "config");
    push_build(L);
    lua_setfield(L, -2, "build");
}
