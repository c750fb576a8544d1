#include "floor.h"

#include <math.h>

#include <gsl/gsl_sf_erf.h>
#include <gsl/gsl_sf_gamma.h>

#include "density.h"
#include "solve.h"

dam_lse_saddle dam_floor_lse_saddle(double beta_net)
{
    dam_lse_saddle s = {.beta_net = beta_net};
    double root = hypot(1, 2 * beta_net);
    double log_rest; /* ln(1 - p^2), and 1 - p^2 = p/beta_net */

    s.p = 2 * beta_net / (1 + root);
    s.p_deficit = (1 + 1 / (root + 2 * beta_net)) / (1 + root);
    log_rest = s.p < 0.7 ? log1p(-s.p * s.p) : log(s.p_deficit * (1 + s.p));
    s.alpha_star = -0.5 * log_rest;
    s.g = 0.5 * log_rest + beta_net * s.p;
    return s;
}

double dam_floor_lse_margin(const dam_lse_saddle *s, double x, double x_deficit)
{
    if (s->beta_net < 1)
        return s->beta_net * x - s->g;
    return s->beta_net * (s->p_deficit - x_deficit) + s->alpha_star;
}

double dam_floor_lsr_saddle(double b)
{
    double root = hypot(1 - b, 2 * b);

    return b < 1 ? 2 * b / (1 - b + root) : (b - 1 + root) / (2 * b);
}

/* A(26), A(27). */
static double lse_paper(double beta_net, double alpha, dam_regime *regime)
{
    double phi_max = sqrt(2 * alpha);

    *regime = beta_net > phi_max ? DAM_REGIME_SPIN_GLASS : DAM_REGIME_PARAMAGNETIC;
    return beta_net > phi_max ? 1 - phi_max : 1 - alpha / beta_net - beta_net / 2;
}

/* The same with the exact density of random alignments. */
static double lse_exact(double beta_net, double alpha, dam_regime *regime)
{
    dam_lse_saddle s = dam_floor_lse_saddle(beta_net);

    *regime = alpha < s.alpha_star ? DAM_REGIME_SPIN_GLASS : DAM_REGIME_PARAMAGNETIC;
    if (alpha < s.alpha_star) /* 1 - sqrt(1 - e) with e = exp(-2 alpha) */
        return exp(-2 * alpha) / (1 + sqrt(-expm1(-2 * alpha)));
    if (beta_net < 1)
        return 1 - (alpha + s.g) / beta_net;
    return s.p_deficit - (alpha - s.alpha_star) / beta_net;
}

/* A(30), A(31), and the absence of a floor below the threshold. */
static dam_status lsr_paper(const dam_theory *th, double alpha, double *u, dam_regime *regime,
                            dam_error *e)
{
    double b, phi_max = sqrt(2 * alpha), saddle, weight;

    if (dam_theory_b(th, &b, e))
        return e->status;
    saddle = dam_floor_lsr_saddle(b);
    *regime = phi_max < saddle ? DAM_REGIME_SPIN_GLASS : DAM_REGIME_PARAMAGNETIC;
    weight = 1 - b + b * fmin(phi_max, saddle);
    if (!(weight > 0))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "alpha = %g: there is no noise floor, no random pattern reaches the "
                        "support (alpha_th = %.10g)",
                        alpha, 0.5 * (1 - 1 / b) * (1 - 1 / b));
    *u = -log(weight) / b;
    return DAM_OK;
}

/* N -> infinity at fixed b: no floor below alpha_th, and none that is bounded above it. */
static dam_status lsr_exact(const dam_theory *th, double alpha, dam_error *e)
{
    double threshold;

    if (dam_floor_alpha_th(th, &threshold, e))
        return e->status;
    if (alpha < threshold)
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "alpha = %g: there is no noise floor, no random pattern reaches the "
                        "support (alpha_th = %.10g)",
                        alpha, threshold);
    return dam_fail(
        e, DAM_ERR_DOMAIN,
        "alpha = %g: from alpha_th = %.10g on the spurious weight is superextensive and "
        "the floor sinks without bound as N grows: pass N",
        alpha, threshold);
}

dam_status dam_floor_u_noise(const dam_theory *th, double alpha, double *u, dam_regime *regime,
                             dam_error *e)
{
    double log_weight;

    if (dam_theory_check_nonnegative("alpha", alpha, e))
        return e->status;
    if (th->h.kernel == DAM_POLYNOMIAL)
        return dam_fail(e, DAM_ERR_DOMAIN, "the papers give no noise floor for the polynomial");
    if (th->N > 0 && th->law == DAM_LAW_EXACT) {
        if (dam_floor_log_weight(th, &log_weight, e))
            return e->status;
        *regime = DAM_REGIME_ANNEALED;
        *u = -(alpha + log_weight / th->N) / dam_hamiltonian_beta_net(&th->h, th->N);
        return DAM_OK;
    }
    if (th->N > 0 && !(th->h.kernel == DAM_LSR && th->h.b <= 0))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "the papers' noise floor is for N -> infinity: use law = \"exact\" for "
                        "finite N");
    if (th->h.kernel == DAM_LSR)
        return th->law == DAM_LAW_PAPER ? lsr_paper(th, alpha, u, regime, e)
                                        : lsr_exact(th, alpha, e);
    *u = th->law == DAM_LAW_PAPER ? lse_paper(th->h.beta_net, alpha, regime)
                                  : lse_exact(th->h.beta_net, alpha, regime);
    return DAM_OK;
}

/* ln of the integral of (1 - phi^2)^((N-3)/2), that is of B(1/2, (N-1)/2). */
static double log_sphere(double N)
{
    dam_gsl_quiet();
    return 0.5 * log(M_PI) - gsl_sf_lnpoch((N - 1) / 2, 0.5);
}

dam_status dam_floor_log_weight(const dam_theory *th, double *log_weight, dam_error *e)
{
    dam_density d;
    dam_density_integral integral;
    double strength;

    if (dam_theory_check_N(th->N, e))
        return e->status;
    strength = th->N * dam_hamiltonian_beta_net(&th->h, th->N);
    if (dam_density_make(th, th->N - 2, strength, &d, e) || dam_density_integrate(&d, &integral, e))
        return e->status;
    *log_weight = integral.log_integral - log_sphere(th->N);
    return DAM_OK;
}

dam_status dam_floor_alpha_th(const dam_theory *th, double *alpha, dam_error *e)
{
    double b;

    if (th->h.kernel != DAM_LSR)
        return dam_fail(e, DAM_ERR_DOMAIN, "%s has infinite support: there is no threshold",
                        dam_theory_kernel_name(th));
    if (dam_theory_b(th, &b, e))
        return e->status;
    if (b <= 1 || (th->law == DAM_LAW_EXACT && th->h.epsilon > 0))
        *alpha = 0;
    else if (th->law == DAM_LAW_PAPER)
        *alpha = 0.5 * (1 - 1 / b) * (1 - 1 / b);
    else /* 1 - phi_c^2 = (2b - 1)/b^2 */
        *alpha = 0.5 * (b < 3 ? -log1p(-(1 - 1 / b) * (1 - 1 / b)) : log(b * b / (2 * b - 1)));
    return DAM_OK;
}

/* ln of the probability that a random pattern has phi > 1 - 1/b. */
static dam_status log_cap(const dam_theory *th, double b, dam_error *e, double *log_probability)
{
    dam_theory hard = *th;
    dam_density d;
    dam_density_integral integral;

    if (th->law == DAM_LAW_PAPER) {
        dam_gsl_quiet();
        *log_probability = gsl_sf_log_erfc((1 - 1 / b) * sqrt(th->N / 2)) - M_LN2;
        return DAM_OK;
    }
    hard.h.epsilon = 0;
    if (dam_density_make(&hard, th->N - 2, 0, &d, e) || dam_density_integrate(&d, &integral, e))
        return e->status;
    *log_probability = fmin(0, integral.log_integral - log_sphere(th->N));
    return DAM_OK;
}

dam_status dam_floor_patterns_in_support(const dam_theory *th, double alpha, double N,
                                         double *count, double *log_count, dam_error *e)
{
    dam_theory at_N = *th;
    double b, log_probability = 0;

    if (dam_theory_check_nonnegative("alpha", alpha, e) || dam_theory_check_N(N, e))
        return e->status;
    if (th->h.kernel != DAM_LSR)
        return dam_fail(e, DAM_ERR_DOMAIN, "%s has infinite support: all patterns are in it",
                        dam_theory_kernel_name(th));
    at_N.N = N;
    if (dam_theory_b(&at_N, &b, e) || log_cap(&at_N, b, e, &log_probability))
        return e->status;
    *log_count = alpha * N + log_probability;
    *count = exp(*log_count);
    return DAM_OK;
}
