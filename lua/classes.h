/* Names of the userdata classes, and what other binding files may ask of each. */
#ifndef DAM_LUA_CLASSES_H
#define DAM_LUA_CLASSES_H

#include <lua.h>

#include "../src/array.h"
#include "../src/hamiltonian.h"
#include "../src/patterns.h"

#define DAM_CLASS_ARRAY "dam.array"
#define DAM_CLASS_HAMILTONIAN "dam.hamiltonian"
#define DAM_CLASS_PATTERNS "dam.patterns"
#define DAM_CLASS_SAMPLER "dam.sampler"
#define DAM_CLASS_RESULT "dam.result"
#define DAM_CLASS_VIEW "dam.view"
#define DAM_CLASS_DESCENT "dam.descent"
#define DAM_CLASS_THEORY "dam.theory"

/*
 * Pushes a new array of the given shape, filled with zeros, and returns it (its data may be written
 * to). Raises when it does not fit into memory. The array is owned by the collector.
 */
dam_array *dam_push_array(lua_State *L, int rank, const int64_t *shape);

/* Pushes an array that takes over the data of `a`, which is closed then. */
void dam_take_array(lua_State *L, dam_array *a);

/* The open array at `index`; raises when it is something else or closed. */
dam_array *dam_check_array(lua_State *L, int index);

/* The array at `index`, or NULL when something else stands there. Raises when it is closed. */
dam_array *dam_test_array(lua_State *L, int index);

dam_hamiltonian *dam_check_hamiltonian(lua_State *L, int index);

/* The open pattern set at `index`; raises when it is something else or closed. */
dam_patterns *dam_check_patterns(lua_State *L, int index);

#endif
