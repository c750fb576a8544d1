/*
 * A single basin at finite N: the Boltzmann distribution of the alignment, B(8), with the density
 * of states n(phi) of the law: B(9)'s (1 - phi^2)^((N-2)/2), or the sphere's own (1 -
 * phi^2)^((N-3)/2). Mean and variance of phi and u to 1e-10 or better for N from 2 to 1e6 and T
 * from 1e-4 to 1e6. The mean of LSE is a ratio of Bessel functions, everything else is integrated
 * (density.h).
 *
 * For the polynomial with even k the integral runs over both wells, as B(8) says: the mean
 * alignment is 0 at every T.
 */
#ifndef DAM_THEORY_BOLTZMANN_H
#define DAM_THEORY_BOLTZMANN_H

#include "density.h"
#include "theory.h"

typedef struct {
    double phi, phi_variance;
    double u, u_variance; /* energy per neuron */
} dam_moments;

/* Moments at temperature T >= 0 in N >= 2 dimensions; b = N beta_net where b was not given. */
dam_status dam_boltzmann(const dam_theory *th, double T, double N, dam_moments *out, dam_error *e);

/* The mean alignment alone. */
dam_status dam_boltzmann_phi(const dam_theory *th, double T, double N, double *phi, dam_error *e);

/* The distribution of phi at one temperature and dimension: normalised once, asked often. */
typedef struct {
    double T, N;
    dam_density density;
    dam_density_integral whole;
} dam_distribution;

dam_status dam_boltzmann_distribution(const dam_theory *th, double T, double N,
                                      dam_distribution *out, dam_error *e);

/*
 * Its density at phi, normalised over [-1, 1]: 0 outside the support, and HUGE_VAL at phi = +-1
 * when the density of states diverges there (exact law, N = 2).
 */
dam_status dam_boltzmann_density(const dam_distribution *d, double phi, double *density,
                                 dam_error *e);

#endif
