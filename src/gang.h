/*
 * A gang: chains of one disorder that take their steps together, or nearly so, so that each block
 * of patterns is read once for all of them. How chains are put into gangs changes nothing in their
 * results.
 */
#ifndef DAM_GANG_H
#define DAM_GANG_H

#include "active_set.h"
#include "bytes.h"
#include "sampler.h"
#include "tiers.h"

typedef struct {
    const dam_kernels *kernels;
    const dam_reference *reference;
    int N;
    int64_t M;
    int64_t target;          /* index of the target pattern */
    const float *panels;     /* the disorder's patterns, [panel][k][DAM_PANEL] */
    const dam_bytes *coarse; /* the same in bytes, or NULL */
    dam_chain *chain;        /* [chains], all at the same step when measuring */
    float *x;                /* [chains][N] */
    int64_t chains;
    dam_tier_set tiers;        /* that may be used */
    dam_active_set *lists;     /* [chains]: lists that are kept, or NULL */
    uint64_t list_bytes;       /* what the lists of a chain may hold when they are kept */
    int64_t replicas;          /* when measuring q12: consecutive chains that share T; else 1 */
    double *q12_sum;           /* [chains / replicas] when replicas > 1 */
    dam_record *record;        /* what to record in when measuring, or NULL */
    int64_t disorder, first_T; /* index of the disorder; index of T of the first chain */
} dam_gang;

/* Sets L and phi of every chain from its state. */
dam_status dam_gang_evaluate(dam_gang *g, dam_error *e);

/*
 * Takes the chains to step `end`. With `measure`, sums are accumulated after every step, and
 * with `last` phi_max_other is set at the end. On DAM_ERR_INTERRUPTED all chains are at a completed
 * step, when measuring at the same one.
 */
dam_status dam_gang_advance(dam_gang *g, uint64_t end, bool measure, bool last, dam_error *e);

/* Mean overlap of the pairs among `replicas` >= 2 states x[replicas][N]; `sum` holds N doubles. */
double dam_mean_q12(const dam_kernels *kernels, int N, int64_t replicas, const float *x,
                    double *sum);

#endif
