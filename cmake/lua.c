/* Lua for the build itself: runs the script argv[1] with the arguments after it in `arg`. */
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    int status = EXIT_SUCCESS;

    if (!L || argc < 2)
        return EXIT_FAILURE;
    luaL_openlibs(L);
    lua_createtable(L, argc - 2, 1);
    for (int i = 1; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_seti(L, -2, i - 1);
    }
    lua_setglobal(L, "arg");
    if (luaL_dofile(L, argv[1]) != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        status = EXIT_FAILURE;
    }
    lua_close(L);
    return status;
}
