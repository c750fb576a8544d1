/*
 * The Lua face of the engine: one file per userdata class, each with one opener that is called with
 * the module table on top of the stack, makes its metatable and adds its functions to the table.
 */
#ifndef DAM_LUA_BINDING_H
#define DAM_LUA_BINDING_H

#include <stdbool.h>

#include <lauxlib.h>
#include <lua.h>

#include "../src/error.h"

void dam_open_array(lua_State *L);       /* dam.array, zeros, linspace, range, load */
void dam_open_hamiltonian(lua_State *L); /* dam.lse, lsr, polynomial */
void dam_open_patterns(lua_State *L);    /* dam.patterns */
void dam_open_sampler(lua_State *L);     /* dam.mh */
void dam_open_descend(lua_State *L);     /* dam.descend, H:gradient */
void dam_open_theory(lua_State *L);      /* dam.theory, entropy, gram_entropy */
void dam_open_system(lua_State *L);      /* dam.version, devices, clock */
void dam_open_store(lua_State *L);       /* core.store, for dam.sweep and the verbs */
void dam_open_sharing(lua_State *L);     /* core.sharing, for bundles and the sandbox */
void dam_open_tools(lua_State *L);       /* core.tools, for the standard library */
void dam_open_flight(lua_State *L);      /* core.flight, for sweeps */

/*
 * To be called before an object of the engine is made. The Lua collector sees only the small
 * userdata, not what the engine holds for it; when the engine's live bytes have doubled since the
 * last full collection, this runs one, so that dropped objects cannot pile up.
 */
void dam_collect_if_needed(lua_State *L);

/* The C core ("dam.core"), and the complete module: the core with the standard library over it. */
int luaopen_dam_core(lua_State *L);
int luaopen_dam(lua_State *L);

/* For a stock Lua that asks for a module of the library before dam itself. */
int luaopen_dam_sweep(lua_State *L);
int luaopen_dam_stats(lua_State *L);
int luaopen_dam_help(lua_State *L);

/* The package searcher for the embedded standard library. */
int dam_embedded_searcher(lua_State *L);

/* Whether `name` is a module of the embedded standard library. */
bool dam_is_embedded(const char *name);

/*
 * The globals that the standard library sees: the state's own, unless a host that runs what it does
 * not trust has set aside others before the library was loaded (dam_use_private_globals pops
 * them), which scripts cannot reach.
 */
void dam_use_private_globals(lua_State *L);
void dam_push_private_globals(lua_State *L);

#endif
