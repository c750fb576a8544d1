/*
 * Backends: what takes a sampler's chains through their steps. The sampler keeps the chains, their
 * states and sums on the host and drives a backend through this table, one wave of disorders at a
 * time (drive.h); it never asks which one it has. Every backend takes the decisions of the
 * reference (reference.h), so that chains may change between backends from one call to the next.
 *
 * The order of calls for a wave: make_patterns, upload, then energies or step_many until it is
 * there; after each of these sync and download. Only download changes what the host holds, by
 * whole steps of all chains of the wave: whatever fails before it costs no completed step.
 *
 * A function that fails leaves the backend able to serve the next call, or its device marked lost.
 */
#ifndef DAM_BACKEND_H
#define DAM_BACKEND_H

#include "device.h"
#include "sampler.h"

/* The disorders at index first .. first + count - 1 of a sampler. */
typedef struct {
    int64_t first, count;
} dam_wave;

/* Where the chains are to go. */
typedef struct {
    uint64_t end; /* the step to go to */
    bool measure; /* sums and the sampler's record are kept */
    bool last;    /* the sample ends there: phi_max_other is wanted */
} dam_stretch;

struct dam_backend {
    const char *kind; /* "cpu", "cuda", "cuda-on-cpu" */

    /*
     * Writes at most `max` of its devices, by number, and returns how many there are. Only with
     * `memory` their memory, for which a GPU has to be woken up.
     */
    size_t (*probe)(dam_device *out, size_t max, bool memory);

    /* Sets s->room, which `close` releases with all that is on the device for this sampler. */
    dam_status (*open)(dam_sampler *s, int number, dam_error *e);
    void (*close)(dam_sampler *s);

    /* Takes room for as many disorders at a time as fit well; their number into *count. */
    dam_status (*alloc)(dam_sampler *s, int64_t *count, dam_error *e);

    /* Releases what is not worth keeping until the next call; nothing while s->keep_patterns. */
    void (*free)(dam_sampler *s);

    /* The patterns of a wave, unless they are there already. */
    dam_status (*make_patterns)(dam_sampler *s, dam_wave wave, dam_error *e);

    /* The chains of a wave as the host has them. */
    dam_status (*upload)(dam_sampler *s, dam_wave wave, dam_error *e);

    /* Evaluates the states of a wave: L and phi. */
    dam_status (*energies)(dam_sampler *s, dam_wave wave, dam_error *e);

    /*
     * Takes a wave's chains that are behind towards `to`: all the way, or, where a device would
     * keep the host waiting, a part of it, which may still be under way there on return. *there: no
     * more calls are needed.
     */
    dam_status (*step_many)(dam_sampler *s, dam_wave wave, const dam_stretch *to, bool *there,
                            dam_error *e);

    /* Waits for the device, and says what went wrong there. */
    dam_status (*sync)(dam_sampler *s, dam_error *e);

    /* What the last energies or step_many did: states, decisions, sums, record. */
    dam_status (*download)(dam_sampler *s, dam_wave wave, dam_error *e);

    /* Why device `number` is lost, or NULL. */
    const char *(*last_error)(int number);

    /*
     * From now on samplers take at most one part in `parts` each of the memory that this process
     * can have on device `number`; 1, as in the beginning: all of it. NULL: nothing to share.
     */
    void (*share)(int number, int parts);

    /*
     * For benchmarks: multiply-adds in single precision, and bytes read and written by a copy, that
     * device `number` can do a second. NULL: the backend does not measure them.
     */
    dam_status (*ceilings)(int number, double *multiply_adds, double *bytes, dam_error *e);
};

extern const dam_backend dam_backend_cpu;
extern const dam_backend dam_backend_cuda;        /* where DAM_HAVE_CUDA */
extern const dam_backend dam_backend_cuda_on_cpu; /* where DAM_HAVE_CUDA_ON_CPU */

/* Whether a chain has nothing left to do. */
static inline bool dam_stretch_done(const dam_stretch *to, const dam_chain *c)
{
    return c->steps >= to->end && (!to->last || c->measured);
}

#endif
