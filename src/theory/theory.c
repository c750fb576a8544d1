#include "theory.h"

#include <math.h>

dam_status dam_theory_b(const dam_theory *th, double *b, dam_error *e)
{
    if (th->h.b > 0 || th->N > 0) {
        *b = dam_hamiltonian_b(&th->h, th->N);
        return DAM_OK;
    }
    return dam_fail(e, DAM_ERR_DOMAIN,
                    "b = N beta_net is unknown without N: make the Hamiltonian with b = or pass N");
}

dam_status dam_theory_check_nonnegative(const char *what, double v, dam_error *e)
{
    if (isfinite(v) && v >= 0)
        return DAM_OK;
    return dam_fail(e, DAM_ERR_DOMAIN, "%s = %g: expected a finite number >= 0", what, v);
}

dam_status dam_theory_check_N(double N, dam_error *e)
{
    if (N >= 2 && N <= DAM_THEORY_MAX_N)
        return DAM_OK;
    return dam_fail(e, DAM_ERR_DOMAIN, "N = %g: expected a dimension from 2 to %g", N,
                    DAM_THEORY_MAX_N);
}

const char *dam_theory_kernel_name(const dam_theory *th)
{
    switch (th->h.kernel) {
    case DAM_LSE:
        return "LSE";
    case DAM_LSR:
        return "LSR";
    default:
        return "the polynomial";
    }
}
