/*
 * Integrals over the sphere of what depends on the alignment phi = cos(theta) with one pattern
 * only:
 *
 *     integral over theta of  sin(theta)^power  exp(-strength u(cos theta))
 *
 * With power = N - 2 and strength = N/T this is the partition function of a single basin; with
 * other powers and strengths it is the kernel weight of a random pattern or the area of a cap. The
 * logarithm of the integral and the moments of phi and u come out to about 1e-13 for peaks of any
 * width: the peaks are located first, everything is a difference from them, and both sides of each
 * are summed by the trapezoidal rule in the tanh-sinh variable, which also absorbs algebraic ends
 * such as the wall of LSR. (GSL's integrators take one function at a time; here five moments share
 * every evaluation. The tests compare with GSL's.)
 */
#ifndef DAM_THEORY_DENSITY_H
#define DAM_THEORY_DENSITY_H

#include "theory.h"

/*
 * An angle in [0, end], known with full relative precision from both ends and from a reference
 * angle; differences of these would cancel.
 */
typedef struct {
    double theta;
    double rest;   /* end - theta */
    double offset; /* theta - (theta of the reference) */
} dam_angle;

typedef struct {
    dam_kernel kernel;
    double b, epsilon; /* LSR */
    int k;             /* polynomial */
    double power;
    double strength;
    double end;    /* the support is 0 <= theta <= end */
    double kink;   /* where the integrand is not smooth, or 0 */
    bool mirrored; /* even in phi, and only the half phi >= 0 is integrated */
    int fold;      /* 0, or j: see dam_density_folded */
} dam_density;

typedef struct {
    double log_integral; /* of the half, where mirrored; so are the moments of phi */
    double phi, phi_variance;
    double u, u_variance;
    dam_angle peak;                   /* the reference; its offset is 0 */
    double log_at_peak, log_relative; /* integral = exp(log_at_peak + log_relative) */
} dam_density_integral;

/* The density of a theory's Hamiltonian; b must be known (dam_theory_b). */
dam_status dam_density_make(const dam_theory *th, double power, double strength, dam_density *out,
                            dam_error *e);

dam_status dam_density_integrate(const dam_density *d, dam_density_integral *out, dam_error *e);

/*
 * The mean of phi^j, free of cancellation where phi and -phi nearly balance: the two signs are
 * folded onto [0, 1], phi^j exp(-strength u(phi)) [1 + (-1)^j exp(-strength (u(-phi) - u(phi)))].
 * `whole` is the integral of the density itself. For supports that reach below phi = 0; where
 * mirrored, j must be even.
 */
dam_status dam_density_folded(const dam_density *d, int j, const dam_density_integral *whole,
                              double *mean, dam_error *e);

/* Logarithm of the normalised density of phi (not of theta) at phi; -HUGE_VAL where it is 0. */
double dam_density_log_value(const dam_density *d, const dam_density_integral *whole, double phi);

#endif
