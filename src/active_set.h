/*
 * The active set of a chain: the patterns near a state x_ref, and a proven bound on what all the
 * others can contribute at a state within any angle delta of x_ref, as a table over delta. By the
 * triangle inequality on the sphere a pattern at angle theta from x_ref has an alignment between
 * cos(theta + delta) and cos(theta - delta) there. dam_active_evaluate gives an interval that
 * contains the value of the reference evaluation; it costs the listed patterns instead of all of
 * them. Lists are made from the alignments of all patterns with x_ref, and only where they pay.
 *
 * Where it pays, a second, inner list is made of the patterns of the outer one, around a later
 * state: it is shorter, and renewed from the outer list alone.
 */
#ifndef DAM_ACTIVE_SET_H
#define DAM_ACTIVE_SET_H

#include <stdbool.h>

#include "active_rest.h"
#include "cpu/kernels.h"

/* Terms by angle, shared by lists that are made one after another. */
typedef struct {
    bool made;
    double top;                        /* LSE: terms are relative to exp(c (top - 1)) */
    double up[DAM_ACTIVE_STEPS + 1];   /* the term at an angle, or more */
    double down[DAM_ACTIVE_STEPS + 1]; /* polynomial: the term at an angle, or less */
} dam_active_terms;

/* What the lists of all chains of a disorder have in common. */
typedef struct {
    const dam_kernels *kernels;
    const dam_reference *reference;
    int N;
    int64_t M;
    const float *panels; /* all patterns, [panel][k][DAM_PANEL], */
    const float *rows;   /* and [pattern][row_stride], or NULL */
    int row_stride;
    double pass_cost;        /* of one pattern for one state where all are: cycles, roughly */
    double plain_cost;       /* of a proposal without a list */
    double open_cost;        /* of one that a list has left open, with few others */
    bool measure;            /* energies are wanted, too */
    dam_active_terms *terms; /* scratch */
} dam_active_field;

typedef struct {
    int64_t listed;  /* patterns in the list; -1: there is none */
    int64_t room;    /* of `patterns`, in numbers */
    bool by_panel;   /* how they are kept: in panels, else in rows */
    float *patterns; /* [panel][k][DAM_PANEL] or [listed][N] */
    float *x_ref;    /* [N] */
    bool centred;    /* x_ref is a pattern, not a state that the chain was in */
    int centre;      /* of a list in rows: the one that is the outer list's x_ref, or -1 */
    double top;
    int angles; /* entries of `rest`; nothing is known of larger angles */
    /* for angles up to i DAM_ACTIVE_GRID; LSE: `high` is a logarithm */
    dam_active_rest rest[DAM_ACTIVE_ANGLES];
    double spread;  /* mean square of the angle by which the chain moves in a step; 0: unknown */
    double planned; /* cost of a step, lists made anew included */
    double cost;    /* of one evaluation */
    double inner_alone, inner_life; /* of the inner list that it was planned with; 0: none */
    double debt;                    /* cost of proposals that the list left undecided */
    uint64_t made_at;               /* step */
} dam_active_list;

typedef struct {
    dam_active_list outer, inner;
    double sigma;   /* of the proposals that the set knows; a change begins anew */
    double account; /* cost saved by lists so far, or lost; never much above zero */
    struct {
        uint64_t retry_at; /* step at which a list may be tried again */
        uint64_t patience; /* steps to wait after the next list that does not pay */
    } wait[2];             /* where energies are measured, and lists save more: wait[1] */
    int64_t basin;         /* nearest pattern, from 1, when the last list was made; 0: none yet */
    int64_t rejected;      /* pattern, from 1, around which a list would cost more */
} dam_active_set;

/* What a list is made for. */
typedef struct {
    const double *phi; /* alignments of all patterns, or of those in the outer list, with x */
    const float *x;    /* the state at its centre */
    double sigma;      /* width of a proposal: an angle, roughly */
    double level;      /* L of the states that are to be evaluated */
    double theta;      /* scale of the decisions */
    double tolerance;  /* of L: wider intervals are of little use */
    double spread, inner_spread; /* what lists of chains like this one have learnt; 0: nothing */
    double account;              /* mean of theirs and this one's */
    uint64_t step;               /* > 0 */
} dam_active_input;

/* A set without lists. */
void dam_active_begin(dam_active_set *set, double sigma);

/*
 * Makes the outer list around a state, or decides that none pays for a while. DAM_ERR_MEMORY leaves
 * the set without a list.
 */
dam_status dam_active_build(dam_active_set *set, const dam_active_field *f,
                            const dam_active_input *in, dam_error *e);

/*
 * Makes a list around a pattern, in->x, instead of the outer list, if there is one, if that
 * promises to cost less for states within `angle` of it: a chain in a pattern's basin does not
 * leave that.
 */
dam_status dam_active_centre(dam_active_set *set, const dam_active_field *f,
                             const dam_active_input *in, double angle, dam_error *e);

/* Whether a list may be tried at this step, after others that did not pay. */
bool dam_active_may_try(const dam_active_set *set, const dam_active_field *f, uint64_t step);

/*
 * Takes note of a proposal that the lists were asked about; false when they have cost so much more
 * than doing without that they should be dropped, unless they pay for chains like this one.
 */
bool dam_active_pays(dam_active_set *set, const dam_active_field *f);

/* No list for a while, longer each time. */
void dam_active_rest_from_lists(dam_active_set *set, const dam_active_field *f, uint64_t step);

/* Makes the inner list around a state, or decides that none pays for a while. */
dam_status dam_active_build_inner(dam_active_set *set, const dam_active_field *f,
                                  const dam_active_input *in, dam_error *e);

/* Cost of a term in double precision, its alignment apart: cycles, roughly. */
double dam_active_term_cost(const dam_reference *f);

/* Cost per component of bringing in patterns of so many bytes for one state alone. */
double dam_active_far_cost(uint64_t bytes);

/* Cost of the outer list: a pass over all patterns, and what it takes to make a list of it. */
double dam_active_build_cost(const dam_active_field *f);

/* Cost of an inner list: the outer list's evaluation, and what it takes to make a list of it. */
double dam_active_inner_cost(const dam_active_set *set);

/* Scratch for dam_active_evaluate, in doubles, and where it leaves the alignments; lists hold a
 * quarter of all patterns at most. */
#define DAM_ACTIVE_SCRATCH(N, M) ((M) / 4 + (N) + 2 * DAM_PANEL)
#define DAM_ACTIVE_PHI(scratch, N) ((scratch) + (N) + DAM_PANEL)

/*
 * The interval at state x, by the inner list or by the outer one; unbounded above where x is too
 * far from where the list was made.
 */
dam_interval dam_active_evaluate(const dam_active_set *set, const dam_active_field *f, bool inner,
                                 const float *x, double *scratch);

/* Bytes that the set holds. */
uint64_t dam_active_bytes(const dam_active_set *set, int N);

void dam_active_free(dam_active_set *set);

#endif
