/*
 * core.flight, for sweeps: several samplers that a device works for at a time.
 */
#include <string.h>

#include "../src/drive.h"
#include "args.h"
#include "binding.h"
#include "classes.h"
#include "config.h"
#include "guard.h"
#include "sampling.h"

static const char where_flight[] = "core.flight";

static dam_sampler *check_sampler(lua_State *L, int index)
{
    dam_sampler_handle *h = luaL_checkudata(L, index, DAM_CLASS_SAMPLER);

    if (!h->s)
        luaL_error(L, "%s: this sampler is closed", where_flight);
    return h->s;
}

/* The device that a sweep's option names at `index`, or the configured one. */
static dam_device_choice check_device(lua_State *L, int index)
{
    const char *name = dam_config_device();
    dam_device_choice device;
    dam_error e;

    if (lua_type(L, index) == LUA_TSTRING)
        name = lua_tostring(L, index);
    else if (!lua_isnoneornil(L, index))
        dam_argument_error(L, "sweep.run", "device", index,
                           "a device name such as \"auto\" or \"cpu\"");
    if (dam_device_resolve(name, &device, &e))
        luaL_error(L, "sweep.run: device = \"%s\" is not allowed: %s", name, e.message);
    return device;
}

/*
 * device([name]) -> what it is called, its kind, bytes that can be had there: of the device that
 * samplers with that option, or without one, work on
 */
static int device(lua_State *L)
{
    const dam_device_choice chosen = check_device(L, 1);
    dam_device found[DAM_MAX_DEVICES];
    const size_t count = chosen.backend->probe(found, DAM_MAX_DEVICES, true);
    const bool known = (size_t)chosen.number < count && chosen.number < DAM_MAX_DEVICES;

    lua_pushstring(L, chosen.name);
    lua_pushstring(L, chosen.backend->kind);
    lua_pushnumber(L, known ? found[chosen.number].memory : 0);
    return 3;
}

/* share(name, parts): a sampler there takes at most one part in so many of the memory */
static int share(lua_State *L)
{
    const dam_device_choice chosen = check_device(L, 1);
    const int64_t parts = luaL_checkinteger(L, 2);

    luaL_argcheck(L, parts >= 1 && parts <= INT32_MAX, 2, "expected 1 or more");
    if (chosen.backend->share)
        chosen.backend->share(chosen.number, (int)parts);
    return 0;
}

/* begin(sampler, "run" or "sample", n): it waits as if it had been interrupted at once */
static int begin(lua_State *L)
{
    static const char *const names[] = {"run", "sample", NULL};
    dam_sampler *s = check_sampler(L, 1);
    const bool measure = luaL_checkoption(L, 2, NULL, names) == 1;
    const int64_t n = luaL_checkinteger(L, 3);
    dam_error e;

    luaL_argcheck(L, n >= 1, 3, "expected 1 or more");
    if (measure ? dam_sampler_begin_sample(s, n, NULL, &e) : dam_sampler_begin_run(s, n, &e))
        return dam_raise(L, where_flight, &e);
    return 0;
}

/* steps(sampler): that its chains have done, on average; also while it waits */
static int steps(lua_State *L)
{
    lua_pushnumber(L, dam_sampler_mean_steps(check_sampler(L, 1)));
    return 1;
}

/*
 * advance(samplers, seconds): takes them on by turns (dam_drive_together). Returns the index of one
 * that is there, and sampler:finish() has nothing left to do; nil when the time is up; or false,
 * the index of one that failed, the message, and whether memory was what it lacked. An interruption
 * is raised.
 */
static int advance(lua_State *L)
{
    const lua_Number seconds = luaL_checknumber(L, 2);
    dam_sampler **list;
    size_t n, which = 0;
    dam_status status;
    dam_guard guard;
    dam_error e;

    luaL_checktype(L, 1, LUA_TTABLE);
    n = (size_t)lua_rawlen(L, 1);
    list = lua_newuserdatauv(L, (n > 0 ? n : 1) * sizeof(dam_sampler *), 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        list[i] = check_sampler(L, -1);
        lua_pop(L, 1);
    }
    dam_guard_begin(&guard);
    status = dam_drive_together(list, n, seconds, &which, &e);
    if (dam_collected_for(L, status))
        status = dam_drive_together(list, n, seconds, &which, &e);
    dam_guard_end(&guard);
    if (status == DAM_ERR_INTERRUPTED)
        return dam_raise_sampling(L, where_flight, &e);
    if (status) {
        lua_pushboolean(L, 0);
        lua_pushinteger(L, (lua_Integer)which + 1);
        lua_pushstring(L, e.message);
        lua_pushboolean(L, status == DAM_ERR_MEMORY);
        return 4;
    }
    if (which < n)
        lua_pushinteger(L, (lua_Integer)which + 1);
    else
        lua_pushnil(L);
    return 1;
}

/* refused(): whether memory was what the last error of the engine was about, if there was one since
 * this was asked before */
static int refused(lua_State *L)
{
    lua_pushboolean(L, dam_last_raised() == DAM_ERR_MEMORY);
    return 1;
}

void dam_open_flight(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"device", device},   {"share", share},     {"begin", begin}, {"steps", steps},
        {"advance", advance}, {"refused", refused}, {NULL, NULL}};

    luaL_newlib(L, functions);
    lua_setfield(L, -2, "flight");
}
