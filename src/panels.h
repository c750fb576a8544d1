/*
 * The patterns of several disorders in memory, in panels (patterns.h), for those who read them over
 * and over. As many disorders as fit are made at a time: a wave. What is already there is not made
 * again.
 */
#ifndef DAM_PANELS_H
#define DAM_PANELS_H

#include "patterns.h"

typedef struct {
    float *data; /* disorders first .. first + count - 1 */
    int64_t first, count, room;
} dam_panels;

/*
 * Disorders whose patterns are to be made at a time: enough for all threads, within the memory.
 * With `all`, as many as the memory allows: for those who come back to the first one.
 */
int64_t dam_panels_wave(const dam_panels *panels, const dam_patterns *p, bool all);

/* Makes the patterns of the disorders first .. first + count - 1, on all threads. */
dam_status dam_panels_make(dam_panels *panels, const dam_patterns *p, const dam_kernels *kernels,
                           int64_t first, int64_t count, dam_error *e);

/* The patterns of the disorder at `index`, which have been made. */
const float *dam_panels_of(const dam_panels *panels, const dam_patterns *p, int64_t index);

void dam_panels_drop(dam_panels *panels);

/* Drops what is not worth keeping until the next call: sets that are large for this machine, and
 * waves that are not all. */
void dam_panels_trim(dam_panels *panels, const dam_patterns *p);

#endif
