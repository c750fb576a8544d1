/*
 * core.sharing, for the standard library's use: what bundles, replay and verify need of the system.
 * Where files are confined, nothing of it starts a program or makes a folder elsewhere.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/file.h"
#include "../src/hash.h"
#include "binding.h"

extern char **environ;

/* sha256(bytes) -> 64 hex digits */
static int sha256(lua_State *L)
{
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    char hex[DAM_SHA256_HEX];

    dam_sha256(bytes, size, hex);
    lua_pushstring(L, hex);
    return 1;
}

static void refuse_confined(lua_State *L, const char *what)
{
    if (dam_file_confined())
        luaL_error(L, "%s is not available in the sandbox", what);
}

/* The words of the list at index 1 as an argument vector, on top of the stack. */
static char **push_words(lua_State *L)
{
    lua_Integer n = luaL_len(L, 1);
    char **words;

    luaL_argcheck(L, n >= 1 && n < 10000, 1, "a list of words expected");
    words = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *words, 0);
    luaL_checkstack(L, (int)n + 4, "too many words");
    for (lua_Integer i = 0; i < n; i++) {
        lua_geti(L, 1, i + 1);
        words[i] = (char *)luaL_checkstring(L, -1); /* stays on the stack until the child runs */
    }
    words[n] = NULL;
    return words;
}

/* spawn({program, words...}, folder): runs a program in a folder; its exit status (128 + signal) */
static int spawn(lua_State *L)
{
    const char *folder = luaL_optstring(L, 2, NULL);
    posix_spawn_file_actions_t actions;
    char **words;
    pid_t child;
    int code, status = 0;

    refuse_confined(L, "starting a program");
    words = push_words(L);
    posix_spawn_file_actions_init(&actions);
    if (folder)
        posix_spawn_file_actions_addchdir_np(&actions, folder);
    fflush(NULL); /* what was printed so far comes before what the child prints */
    code = posix_spawnp(&child, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (code != 0)
        return luaL_error(L, "%s cannot be started: %s", words[0], strerror(code));
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ; /* a Ctrl-C reaches the child, too, and ends it */
    lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 1;
}

/* temporary(): a new folder of one's own */
static int temporary(lua_State *L)
{
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX];

    refuse_confined(L, "a temporary folder");
    snprintf(path, sizeof path, "%s/damlua-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(path))
        return luaL_error(L, "no temporary folder in %s: %s", base && *base ? base : "/tmp",
                          strerror(errno));
    lua_pushstring(L, path);
    return 1;
}

/* folder(path): makes it and those above it; true, or false when that fails or it is there */
static int folder(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    char part[PATH_MAX];

    for (const char *at = path; (at = strchr(at + 1, '/'));) {
        snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
        dam_file_mkdir(part, 0777);
    }
    lua_pushboolean(L, dam_file_mkdir(path, 0777) == 0);
    return 1;
}

/* list(path): the names in a folder, sorted by nothing; nil when it is none */
static int list(lua_State *L)
{
    int fd = dam_file_open(luaL_checkstring(L, 1), O_RDONLY | O_DIRECTORY, 0);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    lua_Integer n = 0;

    if (!d) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    lua_newtable(L);
    for (const struct dirent *entry; (entry = readdir(d));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            lua_pushstring(L, entry->d_name);
            lua_seti(L, -2, ++n);
        }
    closedir(d);
    return 1;
}

/* absolute(path): without links, "." and ".."; nil when there is no such file */
static int absolute(lua_State *L)
{
    char path[PATH_MAX];

    if (!realpath(luaL_checkstring(L, 1), path))
        return 0;
    lua_pushstring(L, path);
    return 1;
}

/* environment(): the globals that scripts see, which in the sandbox are not the library's */
static int environment(lua_State *L)
{
    lua_pushglobaltable(L);
    return 1;
}

/* confined(): is this the sandbox? */
static int confined(lua_State *L)
{
    lua_pushboolean(L, dam_file_confined());
    return 1;
}

/* embedded(name): is it a module of the standard library? */
static int embedded(lua_State *L)
{
    lua_pushboolean(L, dam_is_embedded(luaL_checkstring(L, 1)));
    return 1;
}

void dam_open_sharing(lua_State *L)
{
    static const luaL_Reg functions[] = {{"sha256", sha256},
                                         {"spawn", spawn},
                                         {"temporary", temporary},
                                         {"folder", folder},
                                         {"list", list},
                                         {"absolute", absolute},
                                         {"environment", environment},
                                         {"confined", confined},
                                         {"embedded", embedded},
                                         {NULL, NULL}};

    luaL_newlib(L, functions);
    lua_setfield(L, -2, "sharing");
}
