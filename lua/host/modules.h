/*
 * Names: where `require` looks and what an undefined global means. Modules are sought beside the
 * running script first (in the working directory for -e, the prompt and standard input), then in
 * the embedded standard library, then in LUA_PATH; so nothing in the directory a user happens to
 * stand in replaces what a script or the library means. Only source text is loaded from beside the
 * script, never bytecode.
 */
#ifndef DAM_HOST_MODULES_H
#define DAM_HOST_MODULES_H

#include <lua.h>

/* Installs the searcher for modules beside `script` (NULL or "-": in the working directory). */
void dam_modules_beside(lua_State *L, const char *script);

/* The templates of that searcher, as in package.path. */
const char *dam_modules_beside_path(void);

/*
 * Keeps the `require` that is there now for the host's own use, whatever scripts do to theirs;
 * dam_modules_require pushes a module by it.
 */
void dam_modules_keep_require(lua_State *L);
void dam_modules_require(lua_State *L, const char *name);

/* Makes the use of an undefined global an error that suggests the nearest name. */
void dam_modules_strict(lua_State *L);

/*
 * Pushes the function of the verb `name` (module dam.verb.NAME of the standard library); raises
 * with the list of verbs when there is none.
 */
void dam_modules_push_verb(lua_State *L, const char *name);

#endif
