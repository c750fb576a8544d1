/*
 * The active set of a chain: the patterns near a state x_ref, and a proven bound on what all the
 * others can contribute at a state within any angle delta of x_ref, as a table over delta. By the
 * triangle inequality on the sphere a pattern at angle theta from x_ref has an alignment between
 * cos(theta + delta) and cos(theta - delta) there. dam_active_evaluate gives an interval that
 * contains the value of the reference evaluation; it costs the listed patterns instead of all of
 * them. Lists are made from the alignments of all patterns with x_ref, and only where they pay.
 */
#ifndef DAM_ACTIVE_SET_H
#define DAM_ACTIVE_SET_H

#include <stdbool.h>

#include "cpu/kernels.h"

/* Angles delta of the table, DAM_ACTIVE_GRID apart. */
#define DAM_ACTIVE_ANGLES 256
#define DAM_ACTIVE_GRID (M_PI / 512)

/* What the lists of all chains of a disorder have in common. */
typedef struct {
    const dam_kernels *kernels;
    const dam_reference *reference;
    int N;
    int64_t M;
    const float *panels; /* all patterns, [panel][k][DAM_PANEL] */
    double pass_cost;    /* of one pattern for one state where all are evaluated: cycles, roughly */
    double plain_cost;   /* of a proposal without a list */
} dam_active_field;

/* What the patterns left out add: LSE: at most exp(high); else a sum between low and high. */
typedef struct {
    double low, high;
} dam_active_rest;

typedef struct {
    int64_t listed;  /* patterns in the list; -1: no list, all patterns are to be evaluated */
    int64_t room;    /* of `patterns`, in numbers */
    bool by_panel;   /* how they are kept: in panels, else in rows */
    float *patterns; /* [panel][k][DAM_PANEL] or [listed][N] */
    float *x_ref;    /* [N] */
    int angles;      /* entries of `rest`; nothing is known of larger angles */
    dam_active_rest rest[DAM_ACTIVE_ANGLES]; /* for angles up to i DAM_ACTIVE_GRID */
    double spread;     /* mean square of the angle by which the chain moves in a step; 0: unknown */
    double spent;      /* cost since the list was made, that of making it included */
    double debt;       /* cost of proposals that the list left undecided */
    double cost;       /* of one evaluation */
    uint64_t made_at;  /* step of the last list */
    uint64_t retry_at; /* step at which a list may be tried again */
    uint64_t patience; /* steps to wait after the next list that does not pay */
} dam_active_set;

/* What a list is made for. */
typedef struct {
    const double *phi; /* [M] alignments with x */
    const float *x;    /* the state at its centre */
    double sigma;      /* width of a proposal: an angle, roughly */
    double level;      /* L of the states that are to be evaluated */
    double theta;      /* scale of the decisions */
    double tolerance;  /* of L: wider intervals are of little use */
    uint64_t step;     /* > 0 */
} dam_active_input;

/*
 * Makes the list around a state, or decides that none pays for a while. DAM_ERR_MEMORY leaves the
 * set without a list.
 */
dam_status dam_active_build(dam_active_set *set, const dam_active_field *f,
                            const dam_active_input *in, dam_error *e);

/* Cost of the next list: a pass over all patterns, and what it takes to make a list of it. */
double dam_active_build_cost(const dam_active_field *f);

/* Scratch for dam_active_evaluate, in doubles. */
#define DAM_ACTIVE_SCRATCH(N, M) ((M) + (N) + 2 * DAM_PANEL)

/* The interval at state x, unbounded above where x is too far from x_ref. */
dam_interval dam_active_evaluate(const dam_active_set *set, const dam_active_field *f,
                                 const float *x, double *scratch);

/* Bound on the angle between x and x_ref. */
double dam_active_angle(const dam_active_set *set, const dam_active_field *f, const float *x);

void dam_active_free(dam_active_set *set);

#endif
