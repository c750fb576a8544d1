/*
 * Checking what users pass. Every error names the function, the option, the value found and what is
 * allowed; an unknown option also gets the nearest spelling. Strings are never taken for numbers.
 * All of these raise Lua errors, so call them before any resource is held outside a userdata.
 */
#ifndef DAM_LUA_ARGS_H
#define DAM_LUA_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "../src/error.h"

/* A table of options being read: where it is, and the function it was given to ("dam.lse"). */
typedef struct {
    lua_State *L;
    int index;
    const char *where;
} dam_options;

/*
 * Begins to read the table at `index` (none or nil counts as empty when `optional`). `allowed` is a
 * NULL-terminated list of keys; any other key raises "dam.lse: unknown option 'betanet'; did you
 * mean 'beta_net'? (options: beta_net)".
 */
dam_options dam_options_begin(lua_State *L, int index, const char *where,
                              const char *const allowed[], bool optional);

bool dam_option_present(const dam_options *o, const char *key);

/* Pushes the option's value (nil when absent) and returns its Lua type. */
int dam_option_push(const dam_options *o, const char *key);

/*
 * A finite number in [min, max], `fallback` when absent; `expected` completes the error message,
 * such as "a number > 0". Use DBL_TRUE_MIN for an open bound at zero.
 */
double dam_option_number(const dam_options *o, const char *key, double fallback, double min,
                         double max, const char *expected);
int64_t dam_option_integer(const dam_options *o, const char *key, int64_t fallback, int64_t min,
                           int64_t max, const char *expected);
bool dam_option_boolean(const dam_options *o, const char *key, bool fallback);

/* Index into `choices` (NULL-terminated) of a string option; `fallback` when absent. */
int dam_option_choice(const dam_options *o, const char *key, int fallback,
                      const char *const choices[]);

/* Raises if the option is absent. */
void dam_option_require(const dam_options *o, const char *key, const char *expected);

/* Raises "WHERE: KEY = VALUE is not allowed: expected EXPECTED"; VALUE is what stands at `index`.
 */
int dam_argument_error(lua_State *L, const char *where, const char *key, int index,
                       const char *expected);

/* Numbers as positional arguments, with the same messages. */
double dam_check_number(lua_State *L, int index, const char *where, const char *name, double min,
                        double max, const char *expected);
int64_t dam_check_integer(lua_State *L, int index, const char *where, const char *name, int64_t min,
                          int64_t max, const char *expected);

/* Raises the engine's error, prefixed with `where`. */
int dam_raise(lua_State *L, const char *where, const dam_error *e);

/* What the last error was that dam_raise raised since this was asked before; DAM_OK: there is none.
 */
dam_status dam_last_raised(void);

/* The member of `candidates` (NULL-terminated) that `word` most likely meant, or NULL. */
const char *dam_nearest(const char *word, const char *const candidates[]);

/*
 * For __index of a userdata: raises "WHERE has no field 'phy'; did you mean 'phi'?" with the names
 * in `candidates`.
 */
int dam_unknown_field(lua_State *L, const char *where, int key_index,
                      const char *const candidates[]);

bool dam_is_one_of(const char *word, const char *const names[]);

/*
 * A userdata class: metatable `name` with `meta`, and a table of methods beside it that __index
 * functions look into by dam_push_method, so that the standard library can add methods.
 */
void dam_new_class(lua_State *L, const char *name, const luaL_Reg *meta, const luaL_Reg *methods);
void dam_push_methods(lua_State *L, const char *name);

/* Pushes the method named by the key of the userdata's class, or pushes nothing: false. */
bool dam_push_method(lua_State *L, int userdata, int key);

#endif
