/* The program damlua: see docs/architecture.md. */
#include <stdio.h>

#include <lualib.h>

#include "binding.h"

int main(int argc, char **argv)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "dam", luaopen_dam, 1);
    luaL_dostring(L, "package.path = \"tests/lua/?.lua;\" .. package.path");
    if (argc > 1 && luaL_dofile(L, argv[1])) {
        fprintf(stderr, "damlua: %s\n", lua_tostring(L, -1));
        return 1;
    }
    lua_close(L);
    return 0;
}
