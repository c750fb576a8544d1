/*
 * The interrupt flag. A signal handler (of the host, or of the module while it samples) raises it;
 * long work polls it, abandons the step in flight and returns DAM_ERR_INTERRUPTED with every object
 * valid. Whoever handles the interruption lowers it.
 *
 * A deadline does the same to work that is to be cut into slices of time: past it, the poll answers
 * as if the flag were up. It leaves the flag alone, so a signal that comes meanwhile is not lost.
 */
#ifndef DAM_INTERRUPT_H
#define DAM_INTERRUPT_H

#include <stdbool.h>

void dam_interrupt_raise(void); /* async-signal-safe */
void dam_interrupt_clear(void);

/* From `seconds` from now on, polls stop the work; 0 lifts the deadline. */
void dam_interrupt_deadline(double seconds);

/* The poll: the flag is up, or a deadline has passed. */
bool dam_interrupted(void);

/* The flag alone. */
bool dam_interrupt_raised(void);

#endif
