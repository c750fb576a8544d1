/*
 * The way of a sampler's chains through its backend: as many disorders at a time as the backend has
 * room for (a wave), wave by wave, each in one piece of work or several. Where a device does the
 * work, several samplers can be driven by turns: while pieces of some are under way there, the host
 * serves the others. Whatever the turns, the chains of each take the steps that they take alone.
 */
#ifndef DAM_DRIVE_H
#define DAM_DRIVE_H

#include "backend.h"

/* Where the run or the sample that waits in a sampler is to end. */
dam_stretch dam_drive_goal(const dam_sampler *s);

/* All chains: taken to where `to` says, or evaluated where it is NULL. */
dam_status dam_drive(dam_sampler *s, const dam_stretch *to, dam_error *e);

/*
 * `n` samplers with a run or a sample that waits, towards its end by turns; until the chains of one
 * are there (*which, from 0; dam_sampler_finish completes what waited), or `seconds` have passed
 * (*which = n). The other samplers' pieces stay under way meanwhile: the next call goes on with
 * them, and any other call that drives a sampler begins at its last completed piece. An error is
 * that of sampler *which, and costs the others nothing; so does an interruption.
 */
dam_status dam_drive_together(dam_sampler *const *s, size_t n, double seconds, size_t *which,
                              dam_error *e);

/* Gives up what is under way, and lets the backend release what is not worth keeping. */
void dam_drive_stop(dam_sampler *s);

#endif
