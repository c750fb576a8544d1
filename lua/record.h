/*
 * The options of sampler:sample that ask for more than averages, and what a sample recorded as
 * fields of its result.
 */
#ifndef DAM_LUA_RECORD_H
#define DAM_LUA_RECORD_H

#include "../src/sampler.h"
#include "args.h"

/* Keys of sampler:sample's options. */
extern const char *const dam_sample_keys[];

/*
 * Reads every, series, histogram and track for a sample of n steps. Pushes one value, which must
 * stay on the stack while `out` is in use. False when nothing of the kind is asked for.
 */
bool dam_read_record(const dam_options *o, const dam_sampler *s, int64_t n,
                     dam_record_options *out);

/* A line on standard error about a record that takes much memory, unless the process is quiet. */
void dam_announce_record(const dam_sampler *s, int64_t n, const dam_record_options *o);

/* Moves what the sample recorded into the table on top: series, histogram, track. */
void dam_set_record_fields(lua_State *L, dam_sampler *s);

#endif
