#include "binding.h"

void dam_open_theory(lua_State *L)
{
    (void)L;
}
