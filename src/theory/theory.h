/*
 * What every file of the theory shares: which Hamiltonian, by which law, and how it fails.
 *
 * The theory is a set of pure functions of numbers. Each returns DAM_OK and a number that is never
 * NaN, or DAM_ERR_DOMAIN and a sentence that says where the formula ends. Sources are cited as
 * A(n) and B(n), the numbered equations of the two papers; docs/physics.md has all of them.
 */
#ifndef DAM_THEORY_H
#define DAM_THEORY_H

#include <stdbool.h>

#include "../error.h"
#include "../hamiltonian.h"

typedef enum {
    DAM_LAW_PAPER, /* the formulas as the papers print them */
    DAM_LAW_EXACT, /* the exact geometry of the sphere */
} dam_law;

/* The floor that A compares LSR retrieval with: A(39) takes that of LSE, A(30) is LSR's own. */
typedef enum { DAM_FLOOR_A39, DAM_FLOOR_A30 } dam_floor;

/* The three exact boundaries of LSE. */
typedef enum {
    DAM_WHICH_DEPTH,    /* the target basin is as deep as the noise floor: f_ret = u_noise */
    DAM_WHICH_SPINODAL, /* the target basin vanishes: u(phi) = u_noise */
    DAM_WHICH_GLOBAL,   /* all M basins together weigh as much as the rest of the sphere */
} dam_boundary;

typedef struct {
    dam_hamiltonian h;
    dam_law law;
    dam_floor floor;
    dam_boundary which;
    double N; /* 0: the limit N -> infinity */
} dam_theory;

/* Largest dimension the finite-N formulas accept. */
#define DAM_THEORY_MAX_N 1e9

/* b of LSR, or DAM_ERR_DOMAIN when H was given beta_net and the theory has no N. */
dam_status dam_theory_b(const dam_theory *th, double *b, dam_error *e);

/* Checks of arguments, in one wording. `what` is "T" or "alpha". */
dam_status dam_theory_check_nonnegative(const char *what, double v, dam_error *e);
dam_status dam_theory_check_N(double N, dam_error *e);

/* "LSE", "LSR" or "the polynomial", for messages. */
const char *dam_theory_kernel_name(const dam_theory *th);

#endif
