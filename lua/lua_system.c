#include "binding.h"

void dam_open_system(lua_State *L)
{
    (void)L;
}
