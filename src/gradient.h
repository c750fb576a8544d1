/*
 * Energy and gradient of a state in double precision, for all patterns of one disorder:
 *   dH/dx = -sum_mu w_mu xi^mu,  w_mu = exp(-beta_net N (1 - phi^mu)) / sum_nu (same)       LSE
 *                                w_mu = [1 - b (1 - phi^mu) > epsilon] / sum_nu max(...)    LSR
 *                                w_mu = k (phi^mu)^(k-1) polynomial (docs/physics.md). The energy
 * is that of dam_energies to the bit; nothing depends on the machine.
 */
#ifndef DAM_GRADIENT_H
#define DAM_GRADIENT_H

#include <stdbool.h>

#include "hamiltonian.h"
#include "patterns.h"

/* Room for one state at a time, and what belongs to the state evaluated last. */
typedef struct {
    dam_reference reference;
    const dam_kernels *kernels;
    int N;
    int64_t M;
    double beta_net;
    const float *panels; /* the patterns, [panel][k][DAM_PANEL]; set by the user of this struct */
    double L;            /* of the last state */
    double *phi;         /* [panels * DAM_PANEL]: its alignments; zeros beyond the last pattern */
    double *weight;      /* [panels * DAM_PANEL] */
    double *lanes;       /* [N][DAM_PANEL] */
    dam_block_sum *sums; /* [blocks] */
    void *memory;
} dam_slope;

dam_status dam_slope_make(dam_slope *s, const dam_hamiltonian *h, const dam_patterns *p,
                          const dam_kernels *kernels, dam_error *e);
void dam_slope_free(dam_slope *s);

/* Extensive energy H of x[N]; false when interrupted. */
bool dam_slope_energy(dam_slope *s, const double *x, double *energy);

/*
 * -dH/dx of the state evaluated last is `*scale` times out[N]: the direction stays finite where the
 * scale does not. All zeros where H is flat or, out of every LSR support, infinite.
 */
void dam_slope_direction(dam_slope *s, double *out, double *scale);

/* out[n][N]: gradients dH/dx of n states x[n][N]; NaN where H is infinite. */
dam_status dam_gradients(const dam_hamiltonian *h, const dam_patterns *p,
                         const dam_kernels *kernels, int64_t index, int64_t n, const double *x,
                         double *out, dam_error *e);

#endif
