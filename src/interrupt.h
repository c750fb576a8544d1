/*
 * The interrupt flag. A signal handler (of the host, or of the module while it samples) raises it;
 * long work polls it, abandons the step in flight and returns DAM_ERR_INTERRUPTED with every object
 * valid. Whoever handles the interruption lowers it.
 */
#ifndef DAM_INTERRUPT_H
#define DAM_INTERRUPT_H

#include <stdbool.h>

void dam_interrupt_raise(void); /* async-signal-safe */
void dam_interrupt_clear(void);
bool dam_interrupted(void);

#endif
