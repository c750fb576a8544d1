/*
 * Ratios of modified Bessel functions, by continued fractions: they hold where the functions
 * themselves under- or overflow.
 */
#ifndef DAM_THEORY_BESSEL_H
#define DAM_THEORY_BESSEL_H

/* I_{nu+1}(x) / I_nu(x) for nu >= 0, x >= 0 (infinity: 1), to a few units of rounding. */
double dam_bessel_ratio(double nu, double x);

#endif
