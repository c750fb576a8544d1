#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>

#include "../../src/file.h"
#include "../../src/interrupt.h"
#include "../../src/memory.h"
#include "../binding.h"
#include "interrupt.h"
#include "sandbox_budget.h"
#include "sandbox_files.h"
#include "sandbox_gnuplot.h"
#include "sandbox_patterns.h"

/* Of what is free, where --max-memory does not say. */
#define MEMORY_SHARE 0.5

static bool left;            /* by os.exit */
static int left_with;        /* the status it asked for */
static uint64_t memory_most; /* bytes */

/* ---- refusals ---- */

/* Anything that is called and should not be; the upvalue is its name. */
static int refuse(lua_State *L)
{
    return luaL_error(L, "%s is not available in the sandbox",
                      lua_tostring(L, lua_upvalueindex(1)));
}

static void push_refusal(lua_State *L, const char *library, const char *name)
{
    if (library)
        lua_pushfstring(L, "%s.%s", library, name);
    else
        lua_pushstring(L, name);
    lua_pushcclosure(L, refuse, 1);
}

/* __newindex, and __index, of tables that are shown but not given away. */
static int refuse_access(lua_State *L)
{
    return luaL_error(L, "%s is out of reach in the sandbox", lua_tostring(L, lua_upvalueindex(1)));
}

/*
 * Replaces the table on top by an empty one that shows its fields (or refuses that too, when the
 * top is nil) and refuses to be written.
 */
static void lock_table(lua_State *L, const char *name)
{
    lua_newtable(L);
    lua_createtable(L, 0, 3); /* fields, locked, metatable */
    lua_pushstring(L, name);
    lua_pushcclosure(L, refuse_access, 1);
    if (lua_isnil(L, -4))
        lua_pushvalue(L, -1);
    else
        lua_pushvalue(L, -4);
    lua_setfield(L, -3, "__index");
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_replace(L, -2);
}

/* ---- files ---- */

/* A descriptor of `path` as io.open's mode asks; refusals are raised, other failures are -1. */
static int open_file(lua_State *L, const char *path, int flags)
{
    bool writing = (flags & O_ACCMODE) != O_RDONLY;
    int fd = dam_file_open(path, flags, 0666);

    if (fd < 0 && errno == EPERM)
        luaL_error(L, "%s", dam_sandbox_refusal(path, writing));
    return fd;
}

static int flags_of(const char *mode)
{
    bool both = strchr(mode, '+') != NULL;

    switch (mode[0]) {
    case 'w':
        return (both ? O_RDWR : O_WRONLY) | O_CREAT | O_TRUNC;
    case 'a':
        return (both ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND;
    default:
        return both ? O_RDWR : O_RDONLY;
    }
}

static bool is_mode(const char *mode)
{
    if (*mode == 0 || !strchr("rwa", *mode++))
        return false;
    if (*mode == '+')
        mode++;
    return strspn(mode, "b") == strlen(mode);
}

static int close_stream(lua_State *L)
{
    luaL_Stream *s = luaL_checkudata(L, 1, LUA_FILEHANDLE);

    return luaL_fileresult(L, fclose(s->f) == 0, NULL);
}

/* Argument `index` as a name without zero bytes. */
static const char *check_name(lua_State *L, int index)
{
    size_t size;
    const char *path = luaL_checklstring(L, index, &size);

    luaL_argcheck(L, strlen(path) == size, index, "a file name has no zero byte");
    return path;
}

/* Pushes a file handle; false with errno when there is none. */
static bool push_file(lua_State *L, const char *path, const char *mode)
{
    luaL_Stream *s = lua_newuserdatauv(L, sizeof *s, 0);
    int fd;

    s->closef = NULL;
    s->f = NULL;
    luaL_setmetatable(L, LUA_FILEHANDLE);
    fd = open_file(L, path, flags_of(mode));
    if (fd < 0)
        return false;
    s->f = fdopen(fd, mode);
    if (!s->f) {
        close(fd);
        return false;
    }
    s->closef = close_stream;
    return true;
}

static int sandbox_open(lua_State *L)
{
    const char *path = check_name(L, 1);
    const char *mode = luaL_optstring(L, 2, "r");

    luaL_argcheck(L, is_mode(mode), 2, "invalid mode");
    return push_file(L, path, mode) ? 1 : luaL_fileresult(L, 0, path);
}

/* io.input and io.output, the upvalue, given a file instead of its name. */
static int with_file(lua_State *L, const char *mode)
{
    lua_settop(L, lua_isnone(L, 1) ? 0 : 1);
    if (lua_type(L, 1) == LUA_TSTRING) {
        const char *path = check_name(L, 1);
        if (!push_file(L, path, mode))
            return luaL_error(L, "cannot open file '%s' (%s)", path, strerror(errno));
        lua_replace(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int sandbox_input(lua_State *L)
{
    return with_file(L, "r");
}

static int sandbox_output(lua_State *L)
{
    return with_file(L, "w");
}

/* The iterator of io.lines: upvalues are the file's `lines` iterator and the file, closed at the
 * end. */
static int next_line(lua_State *L)
{
    luaL_Stream *s = lua_touserdata(L, lua_upvalueindex(2));

    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 0, LUA_MULTRET);
    if (lua_isnoneornil(L, 1) && s->closef) {
        s->closef = NULL;
        fclose(s->f);
    }
    return lua_gettop(L);
}

/* io.lines(name, ...): the upvalue is Lua's own, for standard input. */
static int sandbox_lines(lua_State *L)
{
    const char *path;
    int formats = lua_gettop(L) - 1;

    if (lua_isnoneornil(L, 1)) {
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
        return lua_gettop(L);
    }
    path = check_name(L, 1);
    if (!push_file(L, path, "r"))
        return luaL_error(L, "%s: %s", path, strerror(errno));
    lua_replace(L, 1);
    if (!luaL_getmetafield(L, 1, "__index"))
        return 0;
    lua_getfield(L, -1, "lines");
    lua_replace(L, -2);
    lua_pushvalue(L, 1);
    for (int i = 0; i < formats; i++)
        lua_pushvalue(L, 2 + i);
    lua_call(L, 1 + formats, 1);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, next_line, 2);
    lua_pushnil(L);
    lua_pushnil(L);
    lua_pushvalue(L, 1);
    return 4;
}

static int sandbox_remove(lua_State *L)
{
    const char *path = check_name(L, 1);
    bool done = dam_file_unlink(path) == 0;

    if (!done && errno == EPERM)
        return luaL_error(L, "%s", dam_sandbox_refusal(path, true));
    return luaL_fileresult(L, done, path);
}

static int sandbox_rename(lua_State *L)
{
    const char *from = check_name(L, 1), *to = check_name(L, 2);
    bool done = dam_file_rename(from, to) == 0;

    if (!done && errno == EPERM)
        return luaL_error(L, "%s",
                          dam_sandbox_refusal(lua_pushfstring(L, "%s -> %s", from, to), true));
    return luaL_fileresult(L, done, NULL);
}

/* Pushes all of a file's text; false with errno. */
static bool push_text(lua_State *L, const char *path)
{
    luaL_Stream *s;
    luaL_Buffer b;
    size_t n;

    if (!push_file(L, path, "r")) {
        lua_pop(L, 1);
        return false;
    }
    s = lua_touserdata(L, -1); /* closed by the collector if memory runs out here */
    luaL_buffinit(L, &b);
    do {
        n = fread(luaL_prepbuffer(&b), 1, LUAL_BUFFERSIZE, s->f);
        luaL_addsize(&b, n);
    } while (n == LUAL_BUFFERSIZE);
    luaL_pushresult(&b);
    s->closef = NULL;
    fclose(s->f);
    lua_remove(L, -2);
    return true;
}

/* ---- code ---- */

/* Whether the mode of a `load` leaves texts: bytecode can break the machine that runs it. */
static void check_mode(lua_State *L, int index)
{
    const char *mode = luaL_optstring(L, index, "t");

    if (!strchr(mode, 't'))
        luaL_error(L, "load: mode '%s' is not allowed in the sandbox: texts only", mode);
}

/* load(chunk, name, mode, environment); the upvalue is the guarded one. */
static int sandbox_load(lua_State *L)
{
    check_mode(L, 3);
    if (lua_gettop(L) < 3)
        lua_settop(L, 3);
    lua_pushliteral(L, "t");
    lua_replace(L, 3);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

typedef enum { LOADED_CHUNK, NO_FILE, BAD_CHUNK } outcome;

/* Pushes the chunk of a file, or a message. */
static outcome push_chunk(lua_State *L, const char *path)
{
    const char *text;
    size_t size, skip = 0;
    int status;

    if (!push_text(L, path)) {
        lua_pushfstring(L, "cannot open %s: %s", path, strerror(errno));
        return NO_FILE;
    }
    text = lua_tolstring(L, -1, &size);
    if (size > 0 && text[0] == '#') /* a first line for the shell, as Lua itself skips it */
        skip = strcspn(text, "\n");
    lua_pushfstring(L, "@%s", path);
    status = luaL_loadbufferx(L, text + skip, size - skip, lua_tostring(L, -1), "t");
    lua_replace(L, -3);
    lua_pop(L, 1);
    return status == LUA_OK ? LOADED_CHUNK : BAD_CHUNK;
}

static int sandbox_loadfile(lua_State *L)
{
    const char *path = check_name(L, 1);
    bool has_environment = !lua_isnone(L, 3);

    check_mode(L, 2);
    if (push_chunk(L, path) != LOADED_CHUNK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (has_environment) {
        lua_pushvalue(L, 3);
        lua_setupvalue(L, -2, 1);
    }
    return 1;
}

static int sandbox_dofile(lua_State *L)
{
    const char *path = check_name(L, 1);

    lua_settop(L, 1);
    if (push_chunk(L, path) != LOADED_CHUNK)
        return lua_error(L);
    lua_call(L, 0, LUA_MULTRET);
    return lua_gettop(L) - 1;
}

/* ---- require ---- */

/* Upvalues of require. */
enum { PACKAGE = 1, LOADED, PRELOAD };

/* Pushes a copy of the value at `index` whose tables are new ones; `memo` maps old to new. */
static void push_copy(lua_State *L, int index, int memo)
{
    index = lua_absindex(L, index);
    luaL_checkstack(L, 8, "tables too deep");
    lua_pushvalue(L, index);
    if (lua_type(L, index) != LUA_TTABLE || lua_rawget(L, memo) != LUA_TNIL)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, index);
    lua_pushvalue(L, -2);
    lua_rawset(L, memo);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        push_copy(L, -2, memo); /* copy, key, value, key, copied value */
        lua_rawset(L, -5);
    }
    if (lua_getmetatable(L, index)) {
        push_copy(L, -1, memo);
        lua_setmetatable(L, -3);
        lua_pop(L, 1);
    }
}

/* Replaces the value on top by its copy. */
static void copy_top(lua_State *L)
{
    lua_newtable(L);
    push_copy(L, -2, lua_absindex(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* The standard library's inner rooms. */
static bool is_private(const char *name)
{
    static const char *const rooms[] = {"dam.core",   "dam.verb.",   "dam.sweep.", "dam.bundle",
                                        "dam.result", "dam.descent", "dam.prompt"};

    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        if (strncmp(name, rooms[i], strlen(rooms[i])) == 0)
            return true;
    return false;
}

/* Pushes a copy of a module of the standard library. */
static void push_library_module(lua_State *L, const char *name)
{
    if (is_private(name))
        luaL_error(L, "module '%s' is not available in the sandbox", name);
    dam_push_private_globals(L);
    lua_getfield(L, -1, "require");
    lua_replace(L, -2);
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
    copy_top(L);
}

/* Pushes the script's own module `name` as a chunk and its file name; false: there is none. */
static bool push_own_module(lua_State *L, const char *name)
{
    const char *file = luaL_gsub(L, name, ".", "/"), *at;

    lua_pushliteral(L, "path");
    lua_rawget(L, lua_upvalueindex(PACKAGE));
    at = luaL_optstring(L, -1, "");
    while (*at) {
        size_t length = strcspn(at, ";");
        const char *path;
        lua_pushlstring(L, at, length);
        path = luaL_gsub(L, lua_tostring(L, -1), "?", file);
        switch (push_chunk(L, path)) {
        case LOADED_CHUNK:
            lua_pushstring(L, path);
            return true;
        case BAD_CHUNK:
            luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, path,
                       lua_tostring(L, -1));
            break;
        case NO_FILE:
            break;
        }
        lua_pop(L, 3);
        at += length + (at[length] == ';');
    }
    return false;
}

/* Pushes a loader and what it is told beside the name; raises when there is no such module. */
static void push_loader(lua_State *L, const char *name)
{
    lua_pushvalue(L, 1);
    if (lua_rawget(L, lua_upvalueindex(PRELOAD)) != LUA_TNIL)
        lua_pushliteral(L, ":preload:");
    else if (!push_own_module(L, name))
        luaL_error(L,
                   "module '%s' not found: the sandbox looks below the script's folder "
                   "(package.path) and in the standard library, and loads no C modules",
                   name);
}

/* Keeps the value on top as the loaded module `name`, unless it is nil. */
static void keep_loaded(lua_State *L)
{
    lua_pushvalue(L, 1);
    lua_insert(L, -2);
    if (lua_isnil(L, -1))
        lua_pop(L, 2);
    else
        lua_rawset(L, lua_upvalueindex(LOADED));
}

/* Pushes what is loaded as `name`. */
static bool push_loaded(lua_State *L)
{
    lua_pushvalue(L, 1);
    lua_rawget(L, lua_upvalueindex(LOADED));
    return lua_toboolean(L, -1);
}

/* require(name): what is loaded, else the standard library, else beside the script. */
static int sandbox_require(lua_State *L)
{
    const char *name = check_name(L, 1);

    lua_settop(L, 1);
    if (push_loaded(L))
        return 1;
    lua_settop(L, 1);
    if (dam_is_embedded(name) || is_private(name)) {
        push_library_module(L, name);
        keep_loaded(L);
        push_loaded(L);
        return 1;
    }
    push_loader(L, name);
    lua_insert(L, 2); /* name, what it is told, ..., loader */
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_call(L, 2, 1);
    keep_loaded(L);
    if (!push_loaded(L)) {
        lua_pushboolean(L, 1);
        keep_loaded(L);
        push_loaded(L);
    }
    lua_pushvalue(L, 2);
    return 2;
}

/* ---- small replacements ---- */

/* Shows what a metatable says in numbers and texts; of a string's also its methods. */
static void push_shown_metatable(lua_State *L)
{
    bool is_string = lua_type(L, 1) == LUA_TSTRING;
    const char *name = is_string ? "the metatable of strings" : "the metatable of an object";

    lua_newtable(L); /* value, metatable, fields shown */
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1))
        if (lua_type(L, -2) == LUA_TSTRING && lua_type(L, -1) != LUA_TTABLE &&
            lua_type(L, -1) != LUA_TFUNCTION) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, 3);
        }
    if (is_string) {
        lua_getglobal(L, LUA_STRLIBNAME);
        copy_top(L);
        lock_table(L, name);
        lua_setfield(L, 3, "__index");
    }
    lock_table(L, name);
}

/* getmetatable: those of strings and objects are the host's. */
static int sandbox_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (lua_type(L, 1) == LUA_TTABLE)
        luaL_getmetafield(L, 1, "__metatable"); /* pushes nothing when there is none */
    else
        push_shown_metatable(L);
    return 1;
}

/* collectgarbage without what could keep memory from being found; the upvalue is Lua's own. */
static int sandbox_collectgarbage(lua_State *L)
{
    static const char *const allowed[] = {"collect", "count", "step", "isrunning"};
    const char *what = luaL_optstring(L, 1, "collect");

    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strcmp(what, allowed[i]) == 0) {
            lua_pushvalue(L, lua_upvalueindex(1));
            lua_insert(L, 1);
            lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
            return lua_gettop(L);
        }
    return luaL_error(L, "collectgarbage: '%s' is not available in the sandbox", what);
}

static int sandbox_getenv(lua_State *L)
{
    static const char *const harmless[] = {"LANG", "LC_ALL", "TERM", "COLUMNS", "LINES"};
    const char *name = luaL_checkstring(L, 1);

    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (strcmp(name, harmless[i]) == 0) {
            lua_pushstring(L, getenv(name));
            return 1;
        }
    return luaL_error(L, "os.getenv: '%s' is not shown in the sandbox", name);
}

/*
 * os.exit: ends the script as an interruption does, so that nothing can hold it up, nothing is
 * skipped, and it may be called anywhere, finalisers included.
 */
static int sandbox_exit(lua_State *L)
{
    if (!left) {
        if (lua_isnoneornil(L, 1) || lua_isboolean(L, 1))
            left_with = lua_isboolean(L, 1) && !lua_toboolean(L, 1) ? EXIT_FAILURE : EXIT_SUCCESS;
        else
            left_with = (int)(luaL_checkinteger(L, 1) & 0xff);
    }
    if (!left)
        raise(SIGTERM); /* to this thread, at once: as if the process were told to end */
    left = true;
    dam_interrupt_raise();
    dam_host_interrupt_check(L);
    return 0;
}

static void set_text(lua_State *L, const char *key, const char *text)
{
    lua_pushstring(L, text);
    lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, int value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

/* debug.getinfo([thread,] function or level): names and places, never functions or variables. */
static int sandbox_getinfo(lua_State *L)
{
    int at = lua_isthread(L, 1) ? 2 : 1;
    lua_State *of = at == 2 ? lua_tothread(L, 1) : L;
    bool function = lua_isfunction(L, at);
    lua_Debug ar = {0};

    if (function) {
        lua_pushvalue(L, at);
        lua_getinfo(L, ">Su", &ar);
    } else {
        lua_Integer level = luaL_checkinteger(L, at);
        if (level < 0 || level > INT_MAX || !lua_getstack(of, (int)level, &ar)) {
            lua_pushnil(L);
            return 1;
        }
        lua_getinfo(of, "nSlut", &ar);
    }
    lua_newtable(L);
    set_text(L, "source", ar.source);
    set_text(L, "short_src", ar.short_src);
    set_text(L, "what", ar.what);
    set_text(L, "name", function ? NULL : ar.name);
    set_text(L, "namewhat", function ? NULL : ar.namewhat);
    set_integer(L, "currentline", function ? -1 : ar.currentline);
    set_integer(L, "linedefined", ar.linedefined);
    set_integer(L, "lastlinedefined", ar.lastlinedefined);
    set_integer(L, "nparams", ar.nparams);
    return 1;
}

/* ---- the script's globals ---- */

/* How a library is shown: names kept as they are, and functions that replace Lua's own. */
typedef struct {
    const char *name; /* of the library; NULL: the globals themselves */
    const char *kept; /* " a b c "; NULL: all of it */
    const luaL_Reg *replaced;
} view;

static const luaL_Reg nothing[] = {{NULL, NULL}};
static const luaL_Reg in_base[] = {{"load", sandbox_load},
                                   {"loadfile", sandbox_loadfile},
                                   {"dofile", sandbox_dofile},
                                   {"getmetatable", sandbox_getmetatable},
                                   {"collectgarbage", sandbox_collectgarbage},
                                   {NULL, NULL}};
static const luaL_Reg in_io[] = {{"open", sandbox_open},
                                 {"lines", sandbox_lines},
                                 {"input", sandbox_input},
                                 {"output", sandbox_output},
                                 {NULL, NULL}};
static const luaL_Reg in_os[] = {{"exit", sandbox_exit},
                                 {"remove", sandbox_remove},
                                 {"rename", sandbox_rename},
                                 {"getenv", sandbox_getenv},
                                 {NULL, NULL}};
static const luaL_Reg in_string[] = {{"find", dam_sandbox_find},
                                     {"match", dam_sandbox_match},
                                     {"gmatch", dam_sandbox_gmatch},
                                     {"gsub", dam_sandbox_gsub},
                                     {NULL, NULL}};
static const luaL_Reg in_debug[] = {{"getinfo", sandbox_getinfo}, {NULL, NULL}};

static const view views[] = {
    {LUA_COLIBNAME, NULL, nothing},
    {LUA_TABLIBNAME, NULL, nothing},
    {LUA_MATHLIBNAME, NULL, nothing},
    {LUA_UTF8LIBNAME, NULL, nothing},
    {LUA_STRLIBNAME, " byte char format len lower pack packsize rep reverse sub unpack upper ",
     in_string},
    {LUA_IOLIBNAME, " close read write type stdin stdout stderr ", in_io},
    {LUA_OSLIBNAME, " clock date difftime time ", in_os},
    {LUA_DBLIBNAME, " traceback ", in_debug},
};
static const view base = {
    NULL,
    " _VERSION assert error help ipairs next pairs pcall print rawequal rawget "
    "rawlen rawset select setmetatable tonumber tostring type warn xpcall ",
    in_base};

static bool is_kept(const view *v, const char *name)
{
    char word[64];

    snprintf(word, sizeof word, " %.60s ", name);
    return !v->kept || strstr(v->kept, word);
}

static lua_CFunction replacement(const view *v, const char *name)
{
    for (const luaL_Reg *r = v->replaced; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return r->func;
    return NULL;
}

/* Adds to the table at `to` what scripts may see of the library at `from`. */
static void show(lua_State *L, const view *v, int from, int to)
{
    for (lua_pushnil(L); lua_next(L, from); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        lua_CFunction f = name ? replacement(v, name) : NULL;
        if (!name || (!v->name && lua_type(L, -1) == LUA_TTABLE))
            continue; /* libraries have their own views */
        lua_pushvalue(L, -1);
        if (f) {
            lua_pushcclosure(L, f, 1);
        } else if (!is_kept(v, name)) {
            lua_pop(L, 1);
            push_refusal(L, v->name, name);
        }
        lua_setfield(L, to, name);
    }
}

/*
 * Pushes the search path of the script's own modules: the folders it may read. What it may write is
 * left out, unless that is its own folder.
 */
static void push_module_path(lua_State *L)
{
    bool apart = dam_sandbox_out() && dam_sandbox_folder(1);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (int i = apart ? 1 : 0; dam_sandbox_folder(i); i++) {
        lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;", dam_sandbox_folder(i), dam_sandbox_folder(i));
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
}

/* Pushes `package` as scripts see it, and sets the `require` that goes with it in the table `to`.
 */
static void push_package(lua_State *L, int to)
{
    static const char *const refused[] = {"loadlib", "searchpath"};
    int package;

    lua_newtable(L);
    package = lua_gettop(L);
    push_module_path(L);
    lua_setfield(L, package, "path");
    set_text(L, "cpath", "");
    set_text(L, "config", "/\n;\n?\n!\n-\n");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        push_refusal(L, LUA_LOADLIBNAME, refused[i]);
        lua_setfield(L, package, refused[i]);
    }
    lua_pushnil(L);
    lock_table(L, "package.searchers");
    lua_setfield(L, package, "searchers");
    lua_newtable(L);
    lua_setfield(L, package, "loaded");
    lua_newtable(L);
    lua_setfield(L, package, "preload");
    lua_pushvalue(L, package);
    lua_getfield(L, package, "loaded");
    lua_getfield(L, package, "preload");
    lua_pushcclosure(L, sandbox_require, 3);
    lua_setfield(L, to, "require");
}

/* Sets the global and the loaded module `name` to the value on top, which it pops. */
static void publish(lua_State *L, int globals, int loaded, const char *name)
{
    lua_pushvalue(L, -1);
    lua_setfield(L, globals, name);
    lua_setfield(L, loaded, name);
}

/* Pushes the globals that scripts get, made from the private ones at `from`. */
static void push_globals(lua_State *L, int from)
{
    int globals, loaded;

    lua_newtable(L);
    globals = lua_gettop(L);
    show(L, &base, from, globals);
    push_package(L, globals);
    lua_getfield(L, -1, "loaded");
    loaded = lua_gettop(L);
    lua_pushvalue(L, loaded - 1);
    publish(L, globals, loaded, LUA_LOADLIBNAME);
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        lua_newtable(L);
        lua_getfield(L, from, views[i].name);
        show(L, &views[i], lua_gettop(L), lua_gettop(L) - 1);
        lua_pop(L, 1);
        publish(L, globals, loaded, views[i].name);
    }
    lua_pushvalue(L, globals);
    publish(L, globals, loaded, LUA_GNAME);
    push_library_module(L, "dam");
    publish(L, globals, loaded, "dam");
    lua_getfield(L, from, "arg");
    lua_setfield(L, globals, "arg");
    lua_settop(L, globals);
}

/* Takes what is refused to scripts from the library's own globals, too. */
static void take_out(lua_State *L, int globals)
{
    static const struct {
        const char *library, *name;
    } functions[] = {{LUA_IOLIBNAME, "popen"},     {LUA_IOLIBNAME, "tmpfile"},
                     {LUA_OSLIBNAME, "execute"},   {LUA_OSLIBNAME, "tmpname"},
                     {LUA_OSLIBNAME, "setlocale"}, {LUA_LOADLIBNAME, "loadlib"},
                     {LUA_LOADLIBNAME, "cpath"},   {LUA_LOADLIBNAME, "path"}};

    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        lua_getfield(L, globals, functions[i].library);
        lua_pushnil(L);
        lua_setfield(L, -2, functions[i].name);
        lua_pop(L, 1);
    }
}

/* Sets core.tools.NAME, which only the standard library sees. */
static void set_tool(lua_State *L, const char *name, lua_CFunction f)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, -1, "dam.core");
    lua_getfield(L, -1, "tools");
    lua_pushcfunction(L, f);
    lua_setfield(L, -2, name);
    lua_pop(L, 3);
}

/* Methods of strings are those of the view, in a table that nobody can reach to change it. */
static void set_string_methods(lua_State *L, int globals)
{
    const view *v = views;

    while (strcmp(v->name, LUA_STRLIBNAME) != 0)
        v++;
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_newtable(L);
    lua_getfield(L, globals, LUA_STRLIBNAME);
    show(L, v, lua_gettop(L), lua_gettop(L) - 1);
    lua_pop(L, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 2);
}

void dam_sandbox_enter(lua_State *L)
{
    set_tool(L, "gnuplot", dam_sandbox_gnuplot);
    lua_pushglobaltable(L);
    set_string_methods(L, lua_gettop(L));
    push_globals(L, lua_gettop(L));
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    take_out(L, lua_gettop(L));
    lua_pop(L, 1);
}

/* ---- the host's side ---- */

/* Replaces functions of a library, each with the original as its upvalue. */
static void replace(lua_State *L, const char *library, const luaL_Reg *functions)
{
    lua_getglobal(L, library);
    for (; functions->name; functions++) {
        lua_getfield(L, -1, functions->name);
        lua_pushcclosure(L, functions->func, 1);
        lua_setfield(L, -2, functions->name);
    }
    lua_pop(L, 1);
}

void dam_sandbox_prepare(lua_State *L)
{
    static const luaL_Reg os[] = {{"exit", sandbox_exit},
                                  {"remove", sandbox_remove},
                                  {"rename", sandbox_rename},
                                  {NULL, NULL}};
    lua_Integer n;

    replace(L, LUA_IOLIBNAME, in_io);
    replace(L, LUA_OSLIBNAME, os);
    lua_getglobal(L, LUA_LOADLIBNAME); /* the library needs only what is in the binary */
    lua_getfield(L, -1, "searchers");
    n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = n; i >= 2; i--) {
        lua_pushnil(L);
        lua_seti(L, -2, i);
    }
    lua_pop(L, 2);
    lua_pushglobaltable(L);
    dam_use_private_globals(L);
}

/* The folder of the script, or the working directory. */
static const char *folder_of(const char *script, char out[PATH_MAX])
{
    const char *slash = script ? strrchr(script, '/') : NULL;

    if (!slash)
        return ".";
    snprintf(out, PATH_MAX, "%.*s", (int)(slash - script) + 1, script);
    return out;
}

dam_status dam_sandbox_begin(lua_State *L, const dam_host_options *o, dam_error *e)
{
    const char *folders[DAM_SANDBOX_FOLDERS];
    char own[PATH_MAX];
    int n = 0;

    memory_most = o->max_memory > 0 ? (uint64_t)o->max_memory
                                    : (uint64_t)(MEMORY_SHARE * dam_memory_available());
    if (!o->verb || o->read_count == 0)
        folders[n++] = folder_of(o->verb ? NULL : o->script, own);
    for (int i = 0; i < o->read_count && n < DAM_SANDBOX_FOLDERS; i++)
        folders[n++] = o->read[i];
    if (dam_sandbox_confine(folders, n, o->out, e) != DAM_OK)
        return e->status;
    dam_sandbox_limit_memory(L, memory_most);
    return o->max_time > 0 ? dam_sandbox_limit_time(o->max_time, e) : DAM_OK;
}

bool dam_sandbox_ended(int *status)
{
    if (left)
        *status = left_with;
    if (dam_sandbox_expired())
        *status = EXIT_FAILURE;
    return left || dam_sandbox_expired();
}

bool dam_sandbox_explain(const char *message)
{
    static bool told;

    if (left || told)
        return true;
    if (dam_sandbox_expired()) {
        told = true;
        fputs("damlua: the time of --max-time is over; what had been saved is in the files\n",
              stderr);
        return true;
    }
    if (memory_most > 0 && message && strstr(message, "not enough memory")) {
        fprintf(stderr, "damlua: not enough memory: the sandbox allows %.3g MiB (--max-memory)\n",
                (double)memory_most / (1 << 20));
        return true;
    }
    return false;
}
