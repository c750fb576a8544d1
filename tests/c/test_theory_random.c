/*
 * The theory against random numbers: the floors against sums over 10^7 random alignments, the
 * Boltzmann averages against direct samples of the density, and 10^5 arguments of any size, which
 * must all be answered by a number or a refusal.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>

#include "theory/basin.h"
#include "theory/boltzmann.h"
#include "theory/boundary.h"
#include "theory/floor.h"

#define PATTERNS 10000000
#define SAMPLES 60000
#define BINS 12
#define ARGUMENTS 100000

static int failures;

static void within(double found, double wanted, double error, const char *what, double at)
{
    if (fabs(found - wanted) <= 5 * error)
        return;
    fprintf(stderr, "FAILED: %s at %g: found %.10g, wanted %.10g, five errors are %.2g\n", what, at,
            found, wanted, 5 * error);
    failures++;
}

/* ---- u_noise against brute force ---- */

/* Mean kernel weight over all patterns, and the error of its logarithm. */
typedef struct {
    double sum, square;
    long count; /* of patterns with any weight */
} tally;

static void add(tally *t, double weight)
{
    t->sum += weight;
    t->square += weight * weight;
    t->count += weight > 0;
}

static void check_tally(const tally *t, dam_theory th, double alpha, const char *what)
{
    double N = th.N, u, mean = t->sum / PATTERNS;
    double error = sqrt((t->square / PATTERNS - mean * mean) / PATTERNS) / mean;
    double beta_net = dam_hamiltonian_beta_net(&th.h, N);
    dam_regime regime;
    dam_error e;

    if (dam_floor_u_noise(&th, alpha, &u, &regime, &e)) {
        fprintf(stderr, "FAILED: %s: %s\n", what, e.message);
        failures++;
        return;
    }
    within(-log(t->sum) / (beta_net * N), u, error / (beta_net * N), what, N);
}

/*
 * The alignment of two independent points of the sphere: a plane through one of them holds the
 * other point's projection, whose squared length is 1 - U^(2/(N-2)), at a uniform angle.
 */
static void test_floors(gsl_rng *rng)
{
    double N = 24, alpha = log(PATTERNS) / N, b = 3.41, beta[] = {0.5, 1}, expected, log_expected;
    dam_theory lsr = {.h = {.kernel = DAM_LSR, .b = b}, .law = DAM_LAW_EXACT, .N = N};
    tally sums[3] = {{0, 0, 0}};
    dam_error e;

    for (long i = 0; i < PATTERNS; i++) {
        double radius2 = -expm1(2 / (N - 2) * log(gsl_rng_uniform_pos(rng)));
        double phi = sqrt(radius2) * cos(M_PI * gsl_rng_uniform(rng));
        for (int j = 0; j < 2; j++)
            add(&sums[j], exp(-beta[j] * N * (1 - phi)));
        add(&sums[2], fmax(0, 1 - b * (1 - phi)));
    }
    for (int j = 0; j < 2; j++) {
        dam_theory lse = {
            .h = {.kernel = DAM_LSE, .beta_net = beta[j]}, .law = DAM_LAW_EXACT, .N = N};
        check_tally(&sums[j], lse, alpha, "u_noise of LSE");
    }
    check_tally(&sums[2], lsr, alpha, "u_noise of LSR");
    dam_floor_patterns_in_support(&lsr, alpha, N, &expected, &log_expected, &e);
    within((double)sums[2].count, expected, sqrt(expected), "patterns in the support", N);
}

/* ---- B(8) against direct samples ---- */

/*
 * Exact rejection: y = 1 - phi from the Gamma distribution that n(phi) exp(-N u/T) becomes at small
 * y; the ratio of the two is at most 1 because 2 - y <= 2 and ln(1 - b y) <= -b y.
 */
static double sample_alignment(const dam_theory *th, double T, double N, gsl_rng *rng)
{
    double exponent = th->law == DAM_LAW_EXACT ? (N - 3) / 2 : (N - 2) / 2, b = th->h.b;

    for (;;) {
        double y = gsl_ran_gamma(rng, exponent + 1, T / N), log_ratio;
        if (y >= 2 || (th->h.kernel == DAM_LSR && b * y >= 1))
            continue;
        log_ratio = exponent * log1p(-y / 2);
        if (th->h.kernel == DAM_LSR)
            log_ratio += N / (b * T) * log1p(-b * y) + N * y / T;
        if (log(gsl_rng_uniform_pos(rng)) < log_ratio)
            return 1 - y;
    }
}

/* Integral of the density over a bin, by Simpson's rule. */
static double bin_weight(const dam_theory *th, double lo, double hi, double T, double N)
{
    double sum = 0, value;
    dam_distribution d;
    dam_error e;

    if (dam_boltzmann_distribution(th, T, N, &d, &e))
        failures++;
    for (int i = 0; i <= 40; i++) {
        if (dam_boltzmann_density(&d, lo + (hi - lo) * i / 40, &value, &e))
            failures++;
        sum += value * (i == 0 || i == 40 ? 1 : i % 2 ? 4 : 2);
    }
    return sum * (hi - lo) / 120;
}

static void check_samples(const dam_theory *th, double T, double N, gsl_rng *rng)
{
    double sum = 0, square = 0, u_sum = 0, chi2 = 0, total = 0, lo, hi, u;
    int counts[BINS + 1] = {0};
    dam_moments m;
    dam_error e;

    dam_boltzmann(th, T, N, &m, &e);
    lo = fmax(m.phi - 3 * sqrt(m.phi_variance), th->h.kernel == DAM_LSR ? 1 - 1 / th->h.b : -1);
    hi = fmin(m.phi + 3 * sqrt(m.phi_variance), 1);
    for (int i = 0; i < SAMPLES; i++) {
        double phi = sample_alignment(th, T, N, rng);
        int bin = phi >= lo && phi < hi ? (int)((phi - lo) / (hi - lo) * BINS) : BINS;
        counts[bin]++;
        sum += phi - m.phi;
        square += (phi - m.phi) * (phi - m.phi);
        if (dam_basin_u(th, phi, &u, &e))
            failures++;
        u_sum += u;
    }
    within(sum / SAMPLES, 0, sqrt(m.phi_variance / SAMPLES), "mean alignment", T);
    within(u_sum / SAMPLES, m.u, sqrt(m.u_variance / SAMPLES), "mean energy", T);
    within(square / SAMPLES, m.phi_variance, m.phi_variance * sqrt(3.0 / SAMPLES), "variance", T);
    for (int i = 0; i < BINS; i++) {
        double p = bin_weight(th, lo + (hi - lo) * i / BINS, lo + (hi - lo) * (i + 1) / BINS, T, N);
        chi2 += pow(counts[i] - SAMPLES * p, 2) / (SAMPLES * p);
        total += p;
    }
    within(counts[BINS], SAMPLES * (1 - total), sqrt(SAMPLES * (1 - total)), "tails", T);
    within(chi2, BINS, sqrt(2.0 * BINS), "chi squared of the histogram", T);
}

static void test_samples(gsl_rng *rng)
{
    for (int law = 0; law < 2; law++)
        for (int i = 0; i < 3; i++) {
            double T[] = {0.1, 0.4, 1}, N[] = {50, 24, 10};
            dam_theory lse = {.h = {.kernel = DAM_LSE, .beta_net = 1}, .law = (dam_law)law};
            dam_theory lsr = {.h = {.kernel = DAM_LSR, .b = 3.41}, .law = (dam_law)law};
            check_samples(&lse, T[i], N[i], rng);
            check_samples(&lsr, T[i], N[i], rng);
        }
}

/* ---- arguments of any size ---- */

/* Ordinary numbers, numbers of any exponent, and the worst ones. */
static double any_number(gsl_rng *rng)
{
    static const double worst[] = {0,   -0.0,   1,      -1,        0.5,       2,        1e-4,
                                   1e6, 5e-324, 1e-310, 1e308,     -1e308,    INFINITY, -INFINITY,
                                   NAN, 1e9,    1e10,   1 + 2e-16, 1 - 1e-16, 3.41,     1e-17};
    double u = gsl_rng_uniform(rng);

    switch (gsl_rng_uniform_int(rng, 4)) {
    case 0:
        return worst[gsl_rng_uniform_int(rng, sizeof worst / sizeof *worst)];
    case 1:
        return u;
    case 2:
        return exp(log(1e308) * (2 * u - 1)) * (gsl_rng_uniform_int(rng, 8) ? 1 : -1);
    default:
        return pow(10, 8 * u - 4);
    }
}

static dam_theory any_theory(gsl_rng *rng)
{
    dam_theory th = {.law = (dam_law)gsl_rng_uniform_int(rng, 2),
                     .floor = (dam_floor)gsl_rng_uniform_int(rng, 2),
                     .which = (dam_boundary)gsl_rng_uniform_int(rng, 3)};
    double sharpness = pow(10, 18 * gsl_rng_uniform(rng) - 9);

    th.h.kernel = (dam_kernel)gsl_rng_uniform_int(rng, 3);
    th.h.k = 1 + (int)gsl_rng_uniform_int(rng, gsl_rng_uniform_int(rng, 2) ? 5 : 100);
    if (gsl_rng_uniform_int(rng, 3) == 0)
        sharpness = gsl_rng_uniform_int(rng, 2) ? 1 : 0.5;
    if (th.h.kernel == DAM_LSE || gsl_rng_uniform_int(rng, 8) == 0)
        th.h.beta_net = fmin(sharpness, 1e6);
    else
        th.h.b = sharpness;
    if (gsl_rng_uniform_int(rng, 4) == 0)
        th.h.epsilon = gsl_rng_uniform(rng);
    if (gsl_rng_uniform_int(rng, 4) == 0)
        th.N = pow(10, 0.31 + 8 * gsl_rng_uniform(rng));
    return th;
}

/* Calls formula number `which`; the result is its status. */
static dam_status call(int which, const dam_theory *th, const double x[3], double *out,
                       dam_error *e)
{
    dam_moments m;
    dam_basin basin;
    dam_regime regime;
    dam_phase phase;
    dam_status status;
    dam_distribution d;

    switch (which) {
    case 0:
        return dam_basin_u(th, x[0], out, e);
    case 1:
        status = dam_basin_at(th, x[0], &basin, e);
        *out = basin.phi + basin.deficit + basin.free_energy + basin.retained;
        return status;
    case 2:
        return dam_basin_f(th, x[0], x[1], x[2], out, e);
    case 3:
        return dam_entropy(x[0], out, e);
    case 4:
        return dam_entropy_replica(x[0], x[1], out, e);
    case 5:
        return dam_floor_u_noise(th, x[0], out, &regime, e);
    case 6:
        return dam_floor_alpha_th(th, out, e);
    case 7:
        return dam_floor_patterns_in_support(th, x[0], x[1], out, &m.phi, e);
    case 8:
        return dam_boundary_alpha_c(th, x[0], out, e);
    case 9:
        return dam_boundary_T_c(th, x[0], out, e);
    case 10:
        return dam_boundary_T_max(th, out, e);
    case 11:
        *out = 0;
        return dam_boundary_phase(th, x[0], x[1], &phase, e);
    case 12:
        status = dam_boltzmann(th, x[0], x[1], &m, e);
        *out = m.phi + m.phi_variance + m.u + m.u_variance;
        return status;
    case 13:
        return dam_boltzmann_phi(th, x[0], x[1], out, e);
    default:
        status = dam_boltzmann_distribution(th, x[1], x[2], &d, e);
        return status ? status : dam_boltzmann_density(&d, x[0], out, e);
    }
}

static void test_arguments(gsl_rng *rng)
{
    int answered[15] = {0}, refused[15] = {0};

    for (int i = 0; i < ARGUMENTS; i++) {
        dam_theory th = any_theory(rng);
        double x[] = {any_number(rng), any_number(rng), any_number(rng)}, out = NAN;
        int which = i % 15;
        dam_error e = {.status = DAM_OK};
        dam_status status = call(which, &th, x, &out, &e);

        answered[which] += status == DAM_OK;
        refused[which] += status == DAM_ERR_DOMAIN;
        if ((status == DAM_OK && !isnan(out)) ||
            (status == DAM_ERR_DOMAIN && strlen(e.message) > 10 && !strstr(e.message, "converge") &&
             !strstr(e.message, "peak")))
            continue;
        fprintf(stderr,
                "FAILED: formula %d, kernel %d law %d b %g beta %g eps %g k %d N %g which %d floor "
                "%d, (%g, %g, %g): status %d, %g, %s\n",
                which, th.h.kernel, th.law, th.h.b, th.h.beta_net, th.h.epsilon, th.h.k, th.N,
                th.which, th.floor, x[0], x[1], x[2], status, out, e.message);
        failures++;
    }
    for (int which = 0; which < 15; which++)
        if (answered[which] < 100 || refused[which] < 100) {
            fprintf(stderr, "FAILED: formula %d: %d answers, %d refusals\n", which, answered[which],
                    refused[which]);
            failures++;
        }
}

int main(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_taus2);

    gsl_set_error_handler_off();
    test_floors(rng);
    test_samples(rng);
    test_arguments(rng);
    gsl_rng_free(rng);
    printf("%d failures\n", failures);
    return failures != 0;
}
