/*
 * The steps of a gang's chains, proposed and decided tier by tier (tiers.h). Each tier gives an
 * interval that contains the reference's L of a proposal; where the intervals of proposal and
 * current state prove what the reference decides, that is the decision, else the next tier is
 * asked. Intervals are carried along with the states; those of states that are measured are narrow
 * enough for certified energies (docs/numerics.md).
 */
#ifndef DAM_CASCADE_H
#define DAM_CASCADE_H

#include "active_set.h"
#include "gang.h"

typedef enum { DAM_UNDECIDED, DAM_ACCEPTED, DAM_REJECTED } dam_verdict;

/* How a pass in lower precision fares with a chain. */
typedef struct {
    uint32_t tried, failed; /* of the last proposals */
    uint64_t wait_until;    /* step before which it is not asked */
} dam_fortune;

typedef struct {
    dam_gang *g;
    bool measure;
    float *proposal;      /* [chains][N]; then room for as many current states */
    dam_interval *now;    /* [chains]: L of the current states */
    dam_interval *next;   /* [chains]: L of the proposals */
    dam_verdict *verdict; /* [chains] */
    double *next_phi;     /* [chains]: the proposals' alignments with the target; NaN: unknown */
    double *largest;      /* [chains]: the largest alignment with another pattern */
    double *scratch;      /* [N] */

    /* Working memory of the tiers. */
    double *threshold;    /* [chains] */
    dam_tier *from;       /* [chains]: the first tier that may still decide */
    dam_fortune *fortune; /* [passes][chains] */
    double *company;      /* [passes + 1]: states that they are for at a time, lately */
    uint64_t end;         /* steps that the chains are to have done */
    size_t *parked;       /* [chains]: from 1, the pass (the last: a new list) that an earlier
                           * proposal waits for; or 0 */
    bool *renew;          /* [chains]: the list is to be made anew, around the proposal */
    int64_t *slot;        /* [2 chains]: the chains that a pass is about */
    dam_interval *L;      /* [2 chains]: what it found */
    double *near;         /* [2 chains]: what it is told to expect, */
    double *wanted;       /* [2 chains]: and how narrow an interval to find */
    double *depth;        /* [passes][2 chains]: what the coarse passes have learnt, */
    double *depth_now;    /* and of the states at hand */
    double *phi;          /* [DAM_TILE][DAM_BLOCK]: one block's alignments */
    double *tiles;        /* [tile][k][chains of the tile] */
    dam_block_sum *sums;  /* [chains][blocks] */
    double *target_phi;   /* [chains]: by slot */
    float *eta;           /* [chains][ahead][4 DAM_BLOCKS_OF(N)]: normals of the next proposals */
    uint64_t *eta_step, *eta_end; /* [chains]: what steps these are for */
    double *log_u;       /* [chains][LOG_U_AHEAD]: ln of the uniforms of the next decisions, */
    uint64_t *log_u_end; /* [chains]: the last of them of the step before this one */
    uint64_t ahead;
    void *pass_scratch;
    dam_active_field field;
    dam_active_set *active; /* [chains]: the gang's or our own; NULL without lists */
    double *all_phi;        /* [DAM_TILE][M], when lists are made */
    double *list_scratch;
    int64_t centre;     /* pattern whose alignments are at hand, from 1; 0: none */
    double *centre_phi; /* [M + DAM_PANEL]: with all patterns */
    float *centre_x;    /* [N] */
    dam_active_set *own;
    void *memory;
} dam_cascade;

/* For `steps` steps; intervals of the current states are there afterwards. */
dam_status dam_cascade_make(dam_cascade *w, dam_gang *g, uint64_t steps, bool measure,
                            dam_error *e);
void dam_cascade_free(dam_cascade *w);

/* Evaluates the current states of all chains by the reference; false when interrupted. */
bool dam_cascade_evaluate(dam_cascade *w);

/* Sets w->largest of the current states; false when interrupted. */
bool dam_cascade_largest(dam_cascade *w);

/*
 * Intervals of the current states, good enough for energies when measuring. DAM_ERR_INTERRUPTED is
 * without a message, here and below.
 */
dam_status dam_cascade_settle(dam_cascade *w);

/*
 * The proposals of the next step of each chain that is not at step `end` yet, and the verdicts on
 * them. Unless measuring, a chain may take some steps before, and the verdict may be left for a
 * later call: DAM_UNDECIDED, as for chains that are there.
 */
dam_status dam_cascade_decide(dam_cascade *w, uint64_t end, dam_error *e);

/* Carries out the verdict on chain `c`. */
void dam_cascade_carry_out(dam_cascade *w, int64_t c);

#endif
