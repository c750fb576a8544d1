/*
 * Roots and minima of functions of one variable: GSL's Brent methods with every status checked.
 * The functions given must be finite (never NaN) on the interval. GSL's own error handler, which
 * aborts the program, is switched off.
 */
#ifndef DAM_THEORY_SOLVE_H
#define DAM_THEORY_SOLVE_H

#include "../error.h"

typedef double (*dam_function)(double x, void *context);

/* To be called before any GSL function that can fail. Cheap; may be called from any thread. */
void dam_gsl_quiet(void);

/* The x in [lo, hi] with f(x) = 0; f must change sign there. DAM_ERR_DOMAIN if it does not. */
dam_status dam_root(dam_function f, void *context, double lo, double hi, double *x, dam_error *e);

/*
 * The minimum of f in [lo, hi], to about 1e-8 of the interval's scale; f(start) must lie below both
 * ends. Where it does not, `start` itself is returned.
 */
double dam_minimum(dam_function f, void *context, double lo, double start, double hi);

#endif
