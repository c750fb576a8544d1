#include "binding.h"

void dam_open_array(lua_State *L)
{
    (void)L;
}
