#include "binding.h"

void dam_open_patterns(lua_State *L)
{
    (void)L;
}
