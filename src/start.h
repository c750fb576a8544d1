/*
 * Where chains start. A start is a pure function of the chain's identity (streams.h) and of the
 * patterns; the bits are the same everywhere.
 */
#ifndef DAM_START_H
#define DAM_START_H

#include "hamiltonian.h"
#include "patterns.h"

typedef enum {
    DAM_START_PHI,    /* B(6): alignment uniform on [phi_min, phi_max] with one pattern */
    DAM_START_MIX,    /* normalised sum of several patterns */
    DAM_START_HOT,    /* uniform on the sphere */
    DAM_START_EXACT,  /* independent draw of the LSE mixture, T = 1/beta_net */
    DAM_START_STATES, /* given states */
} dam_start_kind;

#define DAM_MAX_MIX 64

typedef struct {
    dam_start_kind kind;
    double phi_min, phi_max;
    int64_t
        pattern[DAM_MAX_MIX]; /* PHI: [0], -1 for the disorder's target; MIX: `patterns` of them */
    int patterns;
    const double *states; /* STATES: [T][disorder][replica][N]; read while the sampler is made */
} dam_start;

/* The chain that is started. */
typedef struct {
    uint64_t seed;
    double T;
    int64_t disorder_index; /* from 0, in the set */
    uint64_t replica;       /* number, from 1 */
} dam_start_chain;

/* Room that dam_start_state needs, in doubles. */
#define DAM_START_SCRATCH(N) (3 * (int64_t)(N))

/*
 * Writes the state x[N] of a start other than STATES. DAM_ERR_DOMAIN when it cannot be made (a sum
 * of patterns that vanishes).
 */
dam_status dam_start_state(const dam_start *start, const dam_hamiltonian *h, const dam_patterns *p,
                           const dam_kernels *kernels, dam_start_chain chain, double *scratch,
                           float *x, dam_error *e);

#endif
