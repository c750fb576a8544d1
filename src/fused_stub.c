/* Where no tiles are built in. */
#include "fused.h"

bool dam_tiles_usable(void)
{
    return false;
}

uint64_t dam_tiles_scratch(int N, int64_t states)
{
    (void)N;
    (void)states;
    return 0;
}

bool dam_tiles_pass(const dam_pass *pass)
{
    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = (dam_interval){-HUGE_VAL, HUGE_VAL};
    return true;
}
