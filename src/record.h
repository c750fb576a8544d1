/*
 * What a sample keeps beside its averages: time series, histograms, and alignments with named
 * patterns. A record is made before the first step, with all its memory; recording only reads what
 * the chains have anyway, so it changes no decision, no average and no digest. It does not depend
 * on how the work is divided, and it goes into a sampler's file.
 *
 * Steps are taken in blocks of `every`. Series hold the mean over each block, so that the mean of a
 * series is the average of the sample whatever `every` is. Histograms count every step. Tracked
 * alignments are those of the state at the end of each block.
 */
#ifndef DAM_RECORD_H
#define DAM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "array.h"
#include "patterns.h"

#define DAM_RECORD_MAX_BINS 10000000

/* What a value that misses an end of a histogram may be off by: the rounding of states. */
#define DAM_RECORD_ROUNDING 1e-6

typedef enum {
    DAM_RECORD_PHI,
    DAM_RECORD_ENERGY_DENSITY,
    DAM_RECORD_Q12,
    DAM_RECORD_QUANTITIES
} dam_recorded;

typedef struct {
    int64_t every;
    bool series[DAM_RECORD_QUANTITIES];
    struct {
        int64_t bins; /* 0: none */
        double low, high;
    } histogram[DAM_RECORD_QUANTITIES];
    const int64_t *track; /* [tracks] indices of patterns, from 0; copied */
    int64_t tracks;
} dam_record_options;

/* The sample that is recorded. */
typedef struct {
    const dam_patterns *patterns;
    int64_t n_T, replicas;
    uint64_t begin;    /* steps that its chains have done before it */
    int64_t steps;     /* a multiple of `every` */
    double per_neuron; /* energy density of a state is per_neuron L */
} dam_record_sample;

typedef struct {
    dam_record_options options;
    dam_record_sample sample; /* its patterns are not kept */
    int64_t disorder, blocks;
    int N;
    int64_t observed; /* blocks shown to an observer */
    int64_t *track;
    float *rows; /* [disorder][tracks][N]: the tracked patterns */
    /*
     * Of phi and the energy density [T][disorder][replica][blocks] or [.. bins] or [..]; of q12
     * without the replica. Those not asked for have no data.
     */
    dam_array series[DAM_RECORD_QUANTITIES];
    dam_array counts[DAM_RECORD_QUANTITIES];
    dam_array below[DAM_RECORD_QUANTITIES], above[DAM_RECORD_QUANTITIES];
    dam_array tracked; /* [T][disorder][replica][blocks][tracks] */
} dam_record;

/* Bytes that a record takes. */
double dam_record_bytes(const dam_record_options *o, const dam_record_sample *sample);

/*
 * DAM_ERR_ARGUMENT when `every` does not divide the steps; DAM_ERR_MEMORY, before anything is
 * taken, when it does not fit.
 */
dam_status dam_record_create(dam_record **out, const dam_record_options *o,
                             const dam_record_sample *sample, const dam_kernels *kernels,
                             dam_error *e);
void dam_record_free(dam_record *r); /* NULL is allowed */

/* Where in the record a step belongs. */
typedef struct {
    int64_t block;
    bool last; /* the block's last step */
} dam_moment;

dam_moment dam_record_moment(const dam_record *r, uint64_t step);

/* After a step: one chain, at place (t disorder + d) replicas + r, with its L, phi and state. */
void dam_record_chain(dam_record *r, dam_moment m, int64_t place, double phi, double L,
                      const float *x);

/* After a step: the overlap of the replicas at place t disorder + d. */
void dam_record_q12(dam_record *r, dam_moment m, int64_t place, double q12);

#endif
