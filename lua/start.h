/*
 * The `init` option of dam.mh and dam.descend: where chains start, as names or tables (arrays of
 * states are read by those who know the shape).
 */
#ifndef DAM_LUA_START_H
#define DAM_LUA_START_H

#include "../src/start.h"
#include "args.h"

/*
 * Reads the option, { phi = {0.75, 1} } when absent. "exact" is taken; whether it is allowed is the
 * caller's to say. Pushes one value, which must stay on the stack while `start` is in use.
 */
void dam_read_start(const dam_options *o, const dam_hamiltonian *h, const dam_patterns *p,
                    dam_start *start);

#endif
