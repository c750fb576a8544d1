#include "binding.h"

void dam_open_sampler(lua_State *L)
{
    (void)L;
}
