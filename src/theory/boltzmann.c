#include "boltzmann.h"

#include <math.h>

#include "bessel.h"

/* Below this T (1 + b) the distribution of 1 - phi is a Gamma distribution to rounding. */
#define COLD 1e-17

/* sin(theta) to this power is the density of theta: one more than phi's exponent says. */
static double sine_power(const dam_theory *th, double N)
{
    return th->law == DAM_LAW_EXACT ? N - 2 : N - 1;
}

static bool is_cold(const dam_theory *th, double T)
{
    return T * (1 + (th->h.kernel == DAM_LSR ? dam_hamiltonian_b(&th->h, th->N) : 0)) < COLD;
}

static bool even_polynomial(const dam_theory *th)
{
    return th->h.kernel == DAM_POLYNOMIAL && th->h.k % 2 == 0;
}

/* T -> 0: u = u(1) + slope y with y = 1 - phi, and n(phi) = (2y)^(shape - 1). */
static void cold_moments(const dam_theory *th, double T, double N, dam_moments *out)
{
    double slope = th->h.kernel == DAM_POLYNOMIAL ? th->h.k : 1;
    double shape = (sine_power(th, N) + 1) / 2, scale = T / (N * slope);

    out->phi = even_polynomial(th) ? 0 : 1 - shape * scale;
    out->phi_variance = even_polynomial(th) ? 1 : shape * scale * scale;
    out->u = (th->h.kernel == DAM_POLYNOMIAL ? -1 : 0) + slope * shape * scale;
    out->u_variance = slope * slope * shape * scale * scale;
}

/* Means that nearly cancel between phi and -phi, from the folded integral. */
static dam_status small_means(const dam_density *d, const dam_density_integral *whole,
                              dam_moments *out, dam_error *e)
{
    double square;

    if (d->end <= M_PI_2 && !d->mirrored)
        return DAM_OK; /* phi keeps its sign in the support */
    if (!d->mirrored && out->phi * out->phi < 0.01 * out->phi_variance &&
        dam_density_folded(d, 1, whole, &out->phi, e))
        return e->status;
    if (d->kernel != DAM_POLYNOMIAL || out->u * out->u > 0.01 * out->u_variance)
        return DAM_OK;
    if (dam_density_folded(d, d->k, whole, &out->u, e) ||
        dam_density_folded(d, 2 * d->k, whole, &square, e))
        return e->status;
    out->u = -out->u;
    out->u_variance = square - out->u * out->u;
    return DAM_OK;
}

/* The theory at dimension N, and its density at (T, N). */
static dam_status prepare(const dam_theory *th, double T, double N, dam_theory *at_N,
                          dam_density *d, dam_error *e)
{
    if (dam_theory_check_nonnegative("T", T, e) || dam_theory_check_N(N, e))
        return e->status;
    *at_N = *th;
    at_N->N = N;
    return dam_density_make(at_N, sine_power(th, N), N / T, d, e);
}

dam_status dam_boltzmann(const dam_theory *th, double T, double N, dam_moments *out, dam_error *e)
{
    dam_theory at_N;
    dam_density d;
    dam_density_integral whole;

    if (prepare(th, T, N, &at_N, &d, e))
        return e->status;
    if (is_cold(&at_N, T)) {
        cold_moments(&at_N, T, N, out);
        return DAM_OK;
    }
    if (dam_density_integrate(&d, &whole, e))
        return e->status;
    *out = (dam_moments){whole.phi, whole.phi_variance, whole.u, whole.u_variance};
    if (th->h.kernel == DAM_LSE)
        return dam_boltzmann_phi(th, T, N, &out->phi, e);
    if (d.mirrored) {
        out->phi_variance += out->phi * out->phi;
        out->phi = 0;
    }
    return small_means(&d, &whole, out, e);
}

dam_status dam_boltzmann_phi(const dam_theory *th, double T, double N, double *phi, dam_error *e)
{
    dam_moments moments;

    if (th->h.kernel == DAM_LSE || (th->h.kernel == DAM_POLYNOMIAL && th->h.k == 1)) {
        if (dam_theory_check_nonnegative("T", T, e) || dam_theory_check_N(N, e))
            return e->status;
        *phi = dam_bessel_ratio(sine_power(th, N) / 2, N / T);
        return DAM_OK;
    }
    if (dam_boltzmann(th, T, N, &moments, e))
        return e->status;
    *phi = moments.phi;
    return DAM_OK;
}

dam_status dam_boltzmann_distribution(const dam_theory *th, double T, double N,
                                      dam_distribution *out, dam_error *e)
{
    dam_theory at_N;

    out->T = T;
    out->N = N;
    if (prepare(th, T, N, &at_N, &out->density, e))
        return e->status;
    if (is_cold(&at_N, T))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "T = %g: the distribution is a spike at phi = 1, narrower than the spacing "
                        "of numbers there",
                        T);
    return dam_density_integrate(&out->density, &out->whole, e);
}

dam_status dam_boltzmann_density(const dam_distribution *d, double phi, double *density,
                                 dam_error *e)
{
    if (!(fabs(phi) <= 1))
        return dam_fail(e, DAM_ERR_DOMAIN, "phi = %g: expected a number from -1 to 1", phi);
    *density = exp(dam_density_log_value(&d->density, &d->whole, phi));
    return DAM_OK;
}
