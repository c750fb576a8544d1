/*
 * Retrieval at T = 0: from each start down to a fixed point of the energy on the sphere, in double
 * precision.
 *   update    x <- the weighted sum of patterns -dH/dx, projected to the sphere: the attention
 *             update of LSE, the mean of the patterns in support of LSR, k (phi^mu)^(k-1) weights
 * of the polynomial gradient  along the geodesic of the projected gradient, with backtracking No
 * step raises the energy: a proposed one that would is shortened, for "update" by adding part of x
 * to the sum (docs/physics.md says why this always succeeds). Results depend on nothing but the
 * options: not on threads, instruction set or which other starts there are.
 */
#ifndef DAM_DESCEND_H
#define DAM_DESCEND_H

#include "hamiltonian.h"
#include "patterns.h"
#include "start.h"

#define DAM_DESCENT_MAX_STEPS 1000000000

typedef enum { DAM_RULE_UPDATE, DAM_RULE_GRADIENT } dam_rule;

typedef struct {
    dam_hamiltonian hamiltonian;
    dam_patterns *patterns;
    dam_start start; /* T = 0 stands in its random streams; STATES: [sets][disorder][replica][N] */
    int64_t sets;    /* 1, or how many sets of states are given */
    int64_t replicas, first_replica;
    uint64_t seed;
    dam_rule rule;
    double tolerance; /* on the angle (radians) between x and -dH/dx */
    int64_t max_steps;
} dam_descent_options;

/* Results, [sets][disorder][replica] each; the caller's memory. Numbers and flags as doubles. */
typedef struct {
    double *x;                     /* [..][N] */
    double *phi;                   /* alignment with the target */
    double *energy, *energy_start; /* H, extensive */
    double *steps;
    double *converged;              /* 1 or 0 */
    double *pattern, *phi_pattern;  /* the most aligned pattern, from 1; its alignment */
    double *path_energy, *path_phi; /* [..][max_steps + 1], or NULL; the last value repeats */
} dam_descent;

/* DAM_ERR_DOMAIN names the start that lies out of every LSR support. */
dam_status dam_descend(const dam_descent_options *o, dam_descent *out, dam_error *e);

#endif
