/*
 * core.tools, for the standard library's use: hashes and random words, slices of time, facts about
 * the machine.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../src/backend.h"
#include "../src/hash.h"
#include "../src/interrupt.h"
#include "../src/memory.h"
#include "../src/streams.h"
#include "binding.h"

/* hash64(bytes) -> 16 hex digits, integer */
static int hash64(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    uint64_t h = dam_hash64(bytes, size);
    char hex[17];

    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)h);
    lua_pushstring(L, hex);
    lua_pushinteger(L, (lua_Integer)h);
    return 2;
}

static int crc32(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);

    lua_pushinteger(L, dam_crc32(0, bytes, size));
    return 1;
}

/*
 * word(seed, purpose, i, ...): word i of the stream of a purpose ("bootstrap", "cell" or "verify"),
 * a non-negative integer. Further integers choose the stream.
 */
static int word(lua_State *L)
{
    static const char *const names[] = {"bootstrap", "cell", "verify", NULL};
    static const enum dam_purpose purposes[] = {DAM_FOR_BOOTSTRAP, DAM_FOR_CELL_SEED,
                                                DAM_FOR_VERIFY};
    uint64_t seed = (uint64_t)luaL_checkinteger(L, 1);
    enum dam_purpose purpose = purposes[luaL_checkoption(L, 2, NULL, names)];
    uint64_t i = (uint64_t)luaL_checkinteger(L, 3);
    dam_stream s = {dam_absorb(dam_absorb(0, seed), (uint64_t)purpose), 0};
    uint32_t w[4];

    for (int k = 4; k <= lua_gettop(L); k++)
        s.key = dam_absorb(s.key, (uint64_t)luaL_checkinteger(L, k));
    dam_words(s, i, w);
    lua_pushinteger(L, (lua_Integer)(((uint64_t)w[1] << 32 | w[0]) >> 1));
    return 1;
}

/*
 * slice(seconds, f, ...): calls f(...), whose engine work stops after `seconds` with its objects to
 * be finished. Returns true and the results, or false when it was stopped. Other errors, a user's
 * interruption among them, pass through.
 */
static int slice(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    bool stopped;
    int status;

    luaL_checkany(L, 2);
    dam_interrupt_deadline(seconds);
    status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    stopped = dam_interrupted() && !dam_interrupt_raised();
    dam_interrupt_deadline(0);
    if (status == LUA_OK) {
        lua_pushboolean(L, 1);
        lua_replace(L, 1);
        return lua_gettop(L);
    }
    if (!stopped || !strstr(luaL_tolstring(L, -1, NULL), "interrupted")) {
        lua_settop(L, 2); /* seconds, the error */
        return lua_error(L);
    }
    lua_pushboolean(L, 0);
    return 1;
}

/* memory(): bytes that can still be taken */
static int memory(lua_State *L)
{
    lua_pushnumber(L, dam_memory_available());
    return 1;
}

/* hostname() */
static int hostname(lua_State *L)
{
    char name[256] = "";

    gethostname(name, sizeof name - 1);
    lua_pushstring(L, name);
    return 1;
}

/* terminal(): is standard error a terminal? */
static int terminal(lua_State *L)
{
    lua_pushboolean(L, isatty(STDERR_FILENO));
    return 1;
}

/* columns(): the width of the terminal that standard output is; nil when it is none */
static int columns(lua_State *L)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        lua_pushinteger(L, size.ws_col);
    else
        lua_pushnil(L);
    return 1;
}

/* ceilings(device) -> multiply-adds and bytes a second, at best; nil: they are not measured */
static int ceilings(lua_State *L)
{
    dam_device_choice device;
    double multiply_adds, bytes;
    dam_error e;

    if (dam_device_resolve(luaL_checkstring(L, 1), &device, &e) != DAM_OK)
        return luaL_error(L, "%s", e.message);
    if (!device.backend->ceilings)
        return 0;
    if (device.backend->ceilings(device.number, &multiply_adds, &bytes, &e) != DAM_OK)
        return luaL_error(L, "%s", e.message);
    lua_pushnumber(L, multiply_adds);
    lua_pushnumber(L, bytes);
    return 2;
}

void dam_open_tools(lua_State *L)
{
    static const luaL_Reg functions[] = {{"hash64", hash64},     {"crc32", crc32},
                                         {"word", word},         {"slice", slice},
                                         {"memory", memory},     {"hostname", hostname},
                                         {"terminal", terminal}, {"columns", columns},
                                         {"ceilings", ceilings}, {NULL, NULL}};

    luaL_newlib(L, functions);
    lua_setfield(L, -2, "tools");
}
