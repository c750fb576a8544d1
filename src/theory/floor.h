/*
 * The noise floor: the energy per neuron that the M = exp(alpha N) other patterns leave to a state
 * that is near none of them, and what decides it. Papers: A(26), A(27) for LSE, A(28) to (31) for
 * LSR. Exact geometry: the largest random alignment is sqrt(1 - exp(-2 alpha)); and at finite N the
 * annealed floor from the mean kernel weight. The papers give none for the polynomial.
 */
#ifndef DAM_THEORY_FLOOR_H
#define DAM_THEORY_FLOOR_H

#include "theory.h"

typedef enum {
    DAM_REGIME_SPIN_GLASS,   /* the nearest spurious pattern decides */
    DAM_REGIME_PARAMAGNETIC, /* exponentially many patterns at a saddle point decide */
    DAM_REGIME_ANNEALED,     /* finite N: the mean weight over patterns */
} dam_regime;

/* What the exact floor of LSE is made of, for one beta_net. */
typedef struct {
    double beta_net;
    double p;          /* alignment that dominates the sum: p/(1 - p^2) = beta_net */
    double p_deficit;  /* 1 - p */
    double g;          /* (1/2) ln(1 - p^2) + beta_net p */
    double alpha_star; /* -(1/2) ln(1 - p^2): below it no pattern is that near */
} dam_lse_saddle;

dam_lse_saddle dam_floor_lse_saddle(double beta_net);

/* beta_net x - g for x = 1 - x_deficit, without cancellation. */
double dam_floor_lse_margin(const dam_lse_saddle *s, double x, double x_deficit);

/* phi* of A(29), or of its exact counterpart at b <= 1: b (1 + phi - phi^2) = phi. */
double dam_floor_lsr_saddle(double b);

/* u_noise(alpha); with th->N > 0 and the exact law the annealed floor at that N. */
dam_status dam_floor_u_noise(const dam_theory *th, double alpha, double *u, dam_regime *regime,
                             dam_error *e);

/* ln of the mean kernel weight E w of a random pattern at dimension th->N, exact density. */
dam_status dam_floor_log_weight(const dam_theory *th, double *log_weight, dam_error *e);

/* LSR: the load below which no random pattern reaches the support, A(28) or exact. */
dam_status dam_floor_alpha_th(const dam_theory *th, double *alpha, dam_error *e);

/*
 * LSR: expected number of the exp(alpha N) patterns with phi > phi_c = 1 - 1/b, and its logarithm
 * (the number itself may overflow to HUGE_VAL). Paper: phi Gaussian of variance 1/N, as in B;
 * exact: the area of a cap.
 */
dam_status dam_floor_patterns_in_support(const dam_theory *th, double alpha, double N,
                                         double *count, double *log_count, dam_error *e);

#endif
