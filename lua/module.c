#include "binding.h"

#include <string.h>

#include "../src/memory.h"
#include "embedded.h"

/* Below this no collection is forced: a few pattern sets of ordinary size. */
#define COLLECT_FLOOR ((uint64_t)64 << 20)

/* Live engine bytes at which the next full collection is due; 0: not decided yet. Every state
 * shares the engine. */
static _Atomic uint64_t collect_at;

/* Twice what is live, but under a budget before half of what is left of it is taken. */
static uint64_t next_collection(uint64_t live)
{
    uint64_t at = 2 * live > COLLECT_FLOOR ? 2 * live : COLLECT_FLOOR;
    uint64_t budget = dam_memory_budget();
    uint64_t half = budget > live ? live + (budget - live) / 2 : live;

    return budget && half < at ? half : at;
}

void dam_collect_if_needed(lua_State *L)
{
    if (collect_at == 0)
        collect_at = next_collection(0);
    if (dam_memory_live() < collect_at)
        return;
    lua_gc(L, LUA_GCCOLLECT);
    collect_at = next_collection(dam_memory_live());
}

int luaopen_dam_core(lua_State *L)
{
    lua_newtable(L);
    dam_open_system(L);
    dam_open_array(L);
    dam_open_hamiltonian(L);
    dam_open_patterns(L);
    dam_open_sampler(L);
    dam_open_descend(L);
    dam_open_theory(L);
    dam_open_store(L);
    dam_open_tools(L);
    dam_open_flight(L);
    dam_open_sharing(L);
    return 1;
}

static const dam_embedded_module *find_embedded(const char *name)
{
    for (const dam_embedded_module *m = dam_embedded; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

/* Its address is the key of the library's own globals in the registry. */
static const char private_globals;

void dam_use_private_globals(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &private_globals);
}

void dam_push_private_globals(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &private_globals) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_pushglobaltable(L);
}

static void load_embedded(lua_State *L, const dam_embedded_module *m)
{
    const char *chunk = lua_pushfstring(L, "@stdlib/%s", m->path);

    if (luaL_loadbufferx(L, m->text, m->size, chunk, "t") != LUA_OK)
        lua_error(L);
    lua_remove(L, -2);
    dam_push_private_globals(L);
    lua_setupvalue(L, -2, 1);
}

bool dam_is_embedded(const char *name)
{
    return find_embedded(name) != NULL;
}

int dam_embedded_searcher(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const dam_embedded_module *m = find_embedded(name);

    if (!m) {
        lua_pushfstring(L, "no module '%s' in damlua's standard library", name);
        return 1;
    }
    load_embedded(L, m);
    lua_pushfstring(L, "stdlib/%s", m->path);
    return 2;
}

/* Puts the embedded searcher second (after package.preload), once. */
static void install_searcher(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "package");
    lua_getfield(L, -1, "searchers"); /* loaded, package, searchers */
    for (lua_Integer i = 1;; i++) {
        lua_CFunction f;
        if (lua_geti(L, -1, i) == LUA_TNIL)
            break;
        f = lua_tocfunction(L, -1);
        lua_pop(L, 1);
        if (f == dam_embedded_searcher) {
            lua_pop(L, 3);
            return;
        }
    }
    lua_pop(L, 1);
    for (lua_Integer i = (lua_Integer)lua_rawlen(L, -1); i >= 2; i--) {
        lua_geti(L, -1, i);
        lua_seti(L, -2, i + 1);
    }
    lua_pushcfunction(L, dam_embedded_searcher);
    lua_seti(L, -2, 2);
    lua_pop(L, 3);
}

int luaopen_dam(lua_State *L)
{
    luaL_checkversion(L);
    install_searcher(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_dam_core);
    lua_setfield(L, -2, "dam.core");
    lua_pop(L, 1);
    load_embedded(L, find_embedded("dam"));
    lua_pushliteral(L, "dam");
    lua_call(L, 1, 1);
    return 1;
}

/* Loads dam, which makes the standard library known, and then the module. */
static int open_after_dam(lua_State *L, const char *name)
{
    luaL_requiref(L, "dam", luaopen_dam, 0);
    lua_pop(L, 1);
    load_embedded(L, find_embedded(name));
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    return 1;
}

int luaopen_dam_sweep(lua_State *L)
{
    return open_after_dam(L, "dam.sweep");
}

int luaopen_dam_stats(lua_State *L)
{
    return open_after_dam(L, "dam.stats");
}

int luaopen_dam_help(lua_State *L)
{
    return open_after_dam(L, "dam.help");
}
