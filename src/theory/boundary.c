#include "boundary.h"

#include <math.h>

#include <gsl/gsl_integration.h>

#include "basin.h"
#include "floor.h"
#include "solve.h"

/* Within this of beta_net T = 1 the global boundary is integrated instead of divided. */
#define NEAR_UNITY 0.25
#define MEAN_NODES 16

/* Temperatures searched by T_c, as logarithms. */
#define LOG_T_MIN -740.0
#define LOG_T_MAX 700.0

/* Stands for the logarithm of a load that is zero or does not exist. */
#define LOG_NOTHING -1e4

static double lse_paper(double beta_net, const dam_basin *basin)
{
    double x = basin->retained;

    return beta_net >= x ? 0.5 * x * x : beta_net * x - 0.5 * beta_net * beta_net;
}

/* A(39), negative beyond f = 1; or A(22) solved with A(30), where the differences are regrouped. */
static dam_status lsr_paper(const dam_theory *th, double T, const dam_basin *basin, double *alpha,
                            dam_error *e)
{
    double b, x = basin->retained, half = T > 0 ? T * basin->entropy : 0, root;

    if (th->floor == DAM_FLOOR_A39) {
        *alpha = 0.5 * x * fabs(x);
        return DAM_OK;
    }
    if (dam_theory_b(th, &b, e))
        return e->status;
    if (b > 1) {
        root = 1 + expm1(-b * basin->free_energy) / b;
    } else { /* exp(-b f) = (1 - b + b phi) exp(b T s) */
        root = (1 - b) * expm1(b * half) / b + basin->phi * exp(b * half);
    }
    *alpha = 0.5 * root * fabs(root);
    return DAM_OK;
}

static double minus_entropy(double T, void *context)
{
    dam_basin basin;
    dam_error e;

    return dam_basin_at(context, T, &basin, &e) ? 0 : -basin.entropy;
}

/*
 * Since df/dT = -s and beta_net (1 - f) = g at T = 1/beta_net, the global boundary is the mean of
 * -s over the temperatures from T to 1/beta_net: this has no 0/0 there.
 */
static double global_near_unity(const dam_theory *th, double T)
{
    gsl_function f = {minus_entropy, (void *)th};
    double end = 1 / th->h.beta_net, mean;
    gsl_integration_glfixed_table *table;

    if (T == end)
        return minus_entropy(T, (void *)th);
    dam_gsl_quiet();
    table = gsl_integration_glfixed_table_alloc(MEAN_NODES);
    if (!table)
        return minus_entropy((T + end) / 2, (void *)th);
    mean = gsl_integration_glfixed(&f, T, end, table) / (end - T);
    gsl_integration_glfixed_table_free(table);
    return mean;
}

/* The frozen branch: the nearest of all patterns is at alignment x. */
static double covering_load(double x, double deficit)
{
    return x < 0.7 ? -0.5 * log1p(-x * x) : -0.5 * log(deficit * (1 + x));
}

static double lse_exact(const dam_theory *th, double T, const dam_basin *basin)
{
    dam_lse_saddle s = dam_floor_lse_saddle(th->h.beta_net);
    double x = th->which == DAM_WHICH_DEPTH ? basin->retained : basin->phi;
    double deficit = th->which == DAM_WHICH_DEPTH ? basin->free_energy : basin->deficit;
    double unity = 1 - s.beta_net * T;

    if (th->which == DAM_WHICH_GLOBAL) {
        if (unity <= 0)
            return -basin->entropy;
        if (unity < NEAR_UNITY)
            return global_near_unity(th, T);
        return dam_floor_lse_margin(&s, basin->retained, basin->free_energy) / unity;
    }
    return x < s.p ? covering_load(x, deficit) : dam_floor_lse_margin(&s, x, deficit);
}

/* f (or u at the basin's minimum) against the annealed floor: linear in alpha. */
static dam_status annealed(const dam_theory *th, double T, const dam_basin *basin, double *alpha,
                           dam_error *e)
{
    double log_weight, heat = T > 0 ? T * basin->entropy : 0;
    double level = basin->free_energy;

    if (th->which == DAM_WHICH_GLOBAL)
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "the global boundary is for N -> infinity: use which = \"depth\" or "
                        "\"spinodal\" with N");
    if (th->which == DAM_WHICH_SPINODAL)
        level += heat;
    if (dam_floor_log_weight(th, &log_weight, e))
        return e->status;
    *alpha = -(dam_hamiltonian_beta_net(&th->h, th->N) * level + log_weight / th->N);
    return DAM_OK;
}

/* Whether this theory has a boundary at all, whatever T. */
static dam_status check_theory(const dam_theory *th, dam_error *e)
{
    double b;

    if (th->h.kernel == DAM_POLYNOMIAL)
        return dam_fail(e, DAM_ERR_DOMAIN, "the papers give no boundary for the polynomial");
    if (th->h.kernel == DAM_LSR && dam_theory_b(th, &b, e))
        return e->status;
    if (th->N > 0 && dam_theory_check_N(th->N, e))
        return e->status;
    if (th->N > 0 && th->law == DAM_LAW_PAPER && !(th->h.kernel == DAM_LSR && th->h.b <= 0))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "the papers' boundaries are for N -> infinity: use law = \"exact\" for "
                        "finite N");
    return DAM_OK;
}

/* alpha_c(T), or a negative number where f_ret lies above every floor. */
static dam_status signed_alpha_c(const dam_theory *th, double T, double *alpha, dam_error *e)
{
    dam_basin basin;

    if (check_theory(th, e) || dam_theory_check_nonnegative("T", T, e))
        return e->status;
    if (th->law == DAM_LAW_EXACT && th->h.kernel == DAM_LSR && th->N <= 0)
        return dam_floor_alpha_th(th, alpha, e);
    if (dam_basin_at(th, T, &basin, e))
        return e->status;
    if (th->law == DAM_LAW_EXACT && th->N > 0)
        return annealed(th, T, &basin, alpha, e);
    if (th->h.kernel == DAM_LSR)
        return lsr_paper(th, T, &basin, alpha, e);
    *alpha =
        th->law == DAM_LAW_EXACT ? lse_exact(th, T, &basin) : lse_paper(th->h.beta_net, &basin);
    return DAM_OK;
}

dam_status dam_boundary_alpha_c(const dam_theory *th, double T, double *alpha, dam_error *e)
{
    dam_basin basin;

    if (signed_alpha_c(th, T, alpha, e))
        return e->status;
    if (*alpha >= 0)
        return DAM_OK;
    if (dam_basin_at(th, T, &basin, e))
        return e->status;
    return dam_fail(e, DAM_ERR_DOMAIN,
                    "T = %g: f_ret = %.10g lies above the noise floor at every load", T,
                    basin.free_energy);
}

typedef struct {
    const dam_theory *th;
    double alpha;
} inversion;

/* Decreases with T through 0 at T_c. */
static double margin(double log_T, void *context)
{
    const inversion *in = context;
    dam_error e;
    double alpha;

    if (signed_alpha_c(in->th, exp(log_T), &alpha, &e))
        return LOG_NOTHING; /* the basin itself has ended */
    if (in->alpha == 0)
        return alpha;
    return alpha > 0 ? log(alpha / in->alpha) : LOG_NOTHING;
}

static dam_status invert(const dam_theory *th, double alpha, double *T, dam_error *e)
{
    inversion in = {th, alpha};
    double lo = 0, hi = 0, step = 1, log_T;

    while (margin(hi, &in) > 0 && hi < LOG_T_MAX) {
        lo = hi;
        hi = fmin(hi + step, LOG_T_MAX);
        step *= 2;
    }
    if (hi == LOG_T_MAX && margin(hi, &in) > 0) {
        *T = HUGE_VAL;
        return DAM_OK;
    }
    for (step = 1; margin(lo, &in) < 0 && lo > LOG_T_MIN; step *= 2) {
        hi = lo;
        lo = fmax(lo - step, LOG_T_MIN);
    }
    if (margin(lo, &in) < 0) {
        *T = 0;
        return DAM_OK;
    }
    if (dam_root(margin, &in, lo, hi, &log_T, e))
        return e->status;
    *T = exp(log_T);
    return DAM_OK;
}

dam_status dam_boundary_T_c(const dam_theory *th, double alpha, double *T, dam_error *e)
{
    bool limit = !(th->law == DAM_LAW_EXACT && th->N > 0); /* N -> infinity */
    double threshold = 0, highest;

    if (dam_theory_check_nonnegative("alpha", alpha, e) || check_theory(th, e))
        return e->status;
    if (limit && th->h.kernel == DAM_LSR && dam_floor_alpha_th(th, &threshold, e))
        return e->status;
    if (limit && (alpha < threshold ||
                  (alpha == threshold && !(th->h.kernel == DAM_LSR && th->law == DAM_LAW_PAPER &&
                                           th->floor == DAM_FLOOR_A39)))) {
        *T = HUGE_VAL;
        return DAM_OK;
    }
    if (signed_alpha_c(th, 0, &highest, e))
        return e->status;
    if (alpha > highest)
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "alpha = %g: no retrieval at any temperature (alpha_c(0) = %.10g)", alpha,
                        highest);
    if (alpha == highest) {
        *T = 0;
        return DAM_OK;
    }
    return invert(th, alpha, T, e);
}

typedef struct {
    const dam_theory *th;
    double level;
} crossing;

static double free_energy_over_level(double log_T, void *context)
{
    const crossing *c = context;
    dam_basin basin;
    dam_error e;

    return dam_basin_at(c->th, exp(log_T), &basin, &e) ? -LOG_NOTHING
                                                       : log(basin.free_energy / c->level);
}

dam_status dam_boundary_T_max(const dam_theory *th, double *T, dam_error *e)
{
    crossing c = {th, 0};
    double b, log_T;

    if (th->h.kernel != DAM_LSR)
        return dam_fail(e, DAM_ERR_DOMAIN, "%s has no support threshold and no T_max",
                        dam_theory_kernel_name(th));
    if (dam_theory_b(th, &b, e))
        return e->status;
    if (th->law == DAM_LAW_EXACT)
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "no T_max: the exact boundary is alpha = alpha_th at every T");
    if (th->floor == DAM_FLOOR_A30)
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "no T_max: with the floor A(30) alpha_c(T) tends to alpha_th as T grows");
    if (b <= 1)
        return dam_fail(e, DAM_ERR_DOMAIN, "b = %g: no T_max, alpha_th = 0 for b <= 1", b);
    c.level = 1 / b;
    if (dam_root(free_energy_over_level, &c, -60, 60, &log_T, e))
        return e->status;
    *T = exp(log_T);
    return DAM_OK;
}

/* Retrieval against LSR's own floor; where there is no floor, nothing competes. */
static bool below_lsr_floor(const dam_theory *th, double alpha, double T)
{
    dam_theory limit = *th;
    dam_basin basin;
    dam_regime regime;
    dam_error e;
    double u;

    if (th->N > 0) { /* here N is only what makes b of beta_net */
        limit.h.b = dam_hamiltonian_b(&th->h, th->N);
        limit.N = 0;
    }
    if (dam_floor_u_noise(&limit, alpha, &u, &regime, &e))
        return true;
    return dam_basin_at(&limit, T, &basin, &e) == DAM_OK && basin.free_energy <= u;
}

dam_status dam_boundary_phase(const dam_theory *th, double alpha, double T, dam_phase *phase,
                              dam_error *e)
{
    double threshold = 0, boundary;
    bool retrieval;

    if (dam_theory_check_nonnegative("alpha", alpha, e) ||
        dam_theory_check_nonnegative("T", T, e) || check_theory(th, e))
        return e->status;
    if (th->h.kernel == DAM_LSR && dam_floor_alpha_th(th, &threshold, e))
        return e->status;
    if (alpha < threshold)
        retrieval = true;
    else if (th->h.kernel == DAM_LSR && th->law == DAM_LAW_PAPER && th->floor == DAM_FLOOR_A30)
        retrieval = below_lsr_floor(th, alpha, T);
    else
        retrieval = signed_alpha_c(th, T, &boundary, e) == DAM_OK && alpha <= boundary;
    *phase = retrieval      ? DAM_PHASE_RETRIEVAL
             : alpha <= 0.5 ? DAM_PHASE_SPIN_GLASS
                            : DAM_PHASE_PARAMAGNETIC;
    return DAM_OK;
}
