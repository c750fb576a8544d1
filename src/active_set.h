/*
 * The active set of a chain: the patterns near a state x_ref, and a proven bound on what all the
 * others can contribute at any state within an angle `skin` of x_ref. By the triangle inequality on
 * the sphere a pattern at angle theta from x_ref has an alignment between cos(theta + skin) and
 * cos(theta - skin) there. For such states dam_active_evaluate gives an interval that contains the
 * value of the reference evaluation; it costs the listed patterns instead of all of them. Lists are
 * made from the alignments of all patterns with x_ref, and only where they pay.
 */
#ifndef DAM_ACTIVE_SET_H
#define DAM_ACTIVE_SET_H

#include <stdbool.h>

#include "cpu/kernels.h"

typedef struct {
    int64_t listed;   /* patterns in the list; -1: no list, all patterns are to be evaluated */
    int64_t room;     /* of `rows` */
    float *rows;      /* [listed][N] */
    float *x_ref;     /* [N] */
    double skin;      /* angle */
    double least_cos; /* of an angle within the skin, rounding included */
    /* what the others add: LSE: at most exp(tail_log); else a sum between tail_low and tail_high */
    double tail_log, tail_low, tail_high;
    uint64_t retry_at; /* step at which a list may be tried again */
    uint64_t patience; /* steps to wait after the next list that does not pay */
    uint64_t made_at;  /* step of the last list */
} dam_active_set;

/* What a list is made from, besides the set. */
typedef struct {
    const dam_reference *reference;
    int N;
    int64_t M;
    const float *panels; /* all patterns, [panel][k][DAM_PANEL] */
    const double *phi;   /* [M] alignments with the state */
    const float *x;      /* the state */
    double sigma;        /* width of a proposal: an angle, roughly */
    double tolerance;    /* of L: wider intervals are of little use */
    uint64_t step;
} dam_active_input;

/*
 * Makes the list around a state, or decides that none pays for a while. DAM_ERR_MEMORY leaves the
 * set without a list.
 */
dam_status dam_active_build(dam_active_set *set, const dam_active_input *in, dam_error *e);

/* The interval at state x; false when x is outside of the skin. `phi` is scratch for the list. */
bool dam_active_evaluate(const dam_active_set *set, const dam_reference *f,
                         const dam_kernels *kernels, int N, int64_t M, const float *x, double *phi,
                         dam_interval *out);

void dam_active_free(dam_active_set *set);

#endif
