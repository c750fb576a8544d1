/*
 * What the files about samplers share: the userdata, and how it is observed while it samples.
 */
#ifndef DAM_LUA_SAMPLING_H
#define DAM_LUA_SAMPLING_H

#include "../src/device.h"
#include "../src/sampler.h"
#include "args.h"

typedef struct {
    dam_sampler *s; /* NULL when closed */
    char device[DAM_DEVICE_NAME_SIZE];
    int64_t observed; /* number of the view that may be read now; 0: nobody observes */
    int64_t views;    /* made so far */
} dam_sampler_handle;

/* Raises what an engine call on a sampler left; an interruption is just "interrupted". */
int dam_raise_sampling(lua_State *L, const char *where, const dam_error *e);

/*
 * Whether work that failed for want of memory is worth another try: what scripts have dropped is
 * collected then, for it may hold the memory, of the host or of the device.
 */
bool dam_collected_for(lua_State *L, dam_status status);

/*
 * Takes the sampler at index `sampler` through the blocks of its sample that are left, calling the
 * function at index `observer` after each. The sample goes on waiting then.
 */
void dam_observe(lua_State *L, int sampler, int observer, const char *where);

void dam_open_view(lua_State *L);

#endif
