#include "solve.h"

#include <float.h>
#include <math.h>
#include <pthread.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_roots.h>

#define MAX_ITERATIONS 400

static void switch_handler_off(void)
{
    gsl_set_error_handler_off();
}

void dam_gsl_quiet(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, switch_handler_off);
}

/* Brent's steps until the bracket is as small as doubles allow. */
static int iterate_root(gsl_root_fsolver *solver, double *x)
{
    for (int i = 0; i < MAX_ITERATIONS; i++) {
        double lo, hi;
        int status = gsl_root_fsolver_iterate(solver);

        if (status != GSL_SUCCESS)
            return status;
        *x = gsl_root_fsolver_root(solver);
        lo = gsl_root_fsolver_x_lower(solver);
        hi = gsl_root_fsolver_x_upper(solver);
        if (gsl_root_test_interval(lo, hi, DBL_MIN, 2 * DBL_EPSILON) == GSL_SUCCESS)
            return GSL_SUCCESS;
    }
    return GSL_EMAXITER;
}

dam_status dam_root(dam_function f, void *context, double lo, double hi, double *x, dam_error *e)
{
    gsl_function function = {f, context};
    double at_lo = f(lo, context), at_hi = f(hi, context);
    gsl_root_fsolver *solver;
    int status;

    if (at_lo == 0 || at_hi == 0) {
        *x = at_lo == 0 ? lo : hi;
        return DAM_OK;
    }
    if ((at_lo > 0) == (at_hi > 0))
        return dam_fail(e, DAM_ERR_DOMAIN, "no solution between %g and %g", lo, hi);
    dam_gsl_quiet();
    solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (!solver)
        return dam_fail(e, DAM_ERR_MEMORY, "no memory for a root finder");
    status = gsl_root_fsolver_set(solver, &function, lo, hi);
    if (status == GSL_SUCCESS)
        status = iterate_root(solver, x);
    gsl_root_fsolver_free(solver);
    if (status != GSL_SUCCESS && status != GSL_EMAXITER)
        return dam_fail(e, DAM_ERR_DOMAIN, "root finding failed: %s", gsl_strerror(status));
    return DAM_OK;
}

double dam_minimum(dam_function f, void *context, double lo, double start, double hi)
{
    gsl_function function = {f, context};
    double x = start;
    gsl_min_fminimizer *solver;

    dam_gsl_quiet();
    solver = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    if (!solver)
        return start;
    if (gsl_min_fminimizer_set(solver, &function, start, lo, hi) == GSL_SUCCESS)
        for (int i = 0; i < MAX_ITERATIONS; i++) {
            if (gsl_min_fminimizer_iterate(solver) != GSL_SUCCESS)
                break;
            x = gsl_min_fminimizer_x_minimum(solver);
            lo = gsl_min_fminimizer_x_lower(solver);
            hi = gsl_min_fminimizer_x_upper(solver);
            if (hi - lo < 1e-9)
                break;
        }
    gsl_min_fminimizer_free(solver);
    return x;
}
