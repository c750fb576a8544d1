/*
 * The theory against routes that share no code with it: minimisation of the free energy as the
 * papers write it, GSL's Bessel functions, and adaptive quadrature of B(8) in phi.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_min.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sf_bessel.h>
#include <gsl/gsl_sf_gamma.h>

#include "theory/basin.h"
#include "theory/bessel.h"
#include "theory/boltzmann.h"
#include "theory/boundary.h"
#include "theory/floor.h"

static int failures;

static void near(double found, double wanted, double tolerance, const char *what, double at)
{
    if (fabs(found - wanted) <= tolerance)
        return;
    fprintf(stderr, "FAILED: %s at %g: found %.17g, wanted %.17g +- %g\n", what, at, found, wanted,
            tolerance);
    failures++;
}

static void holds(int condition, const char *what, double at)
{
    if (condition)
        return;
    fprintf(stderr, "FAILED: %s at %g\n", what, at);
    failures++;
}

static dam_theory lse(double beta_net, dam_law law)
{
    return (dam_theory){.h = {.kernel = DAM_LSE, .beta_net = beta_net}, .law = law};
}

static dam_theory lsr(double b, dam_law law)
{
    return (dam_theory){.h = {.kernel = DAM_LSR, .b = b}, .law = law};
}

static dam_theory polynomial(int k)
{
    return (dam_theory){.h = {.kernel = DAM_POLYNOMIAL, .k = k}};
}

/* ---- A(33), A(37), the polynomial: minima of u(phi) - (T/2) ln(1 - phi^2) ---- */

typedef struct {
    double T, b;
    int k;
} point;

/* The free energy as printed; b = 0 is LSE, k > 0 the polynomial. */
static double free_energy(double phi, void *context)
{
    const point *p = context;
    double u = 1 - phi;

    if (p->k)
        u = -pow(phi, p->k);
    else if (p->b > 0)
        u = -log(1 - p->b * (1 - phi)) / p->b;
    return u - p->T / 2 * log(1 - phi * phi);
}

/* Golden section from a scan: finds the lowest minimum inside (lo, 1). */
static double minimise(point *p, double lo, double *value)
{
    double best = lo + (1 - lo) * 0.5, step = (1 - lo) / 4000, a, b;

    for (double x = lo + step; x < 1 - step / 2; x += step)
        if (free_energy(x, p) < free_energy(best, p))
            best = x;
    a = fmax(best - step, lo + step * 1e-9);
    b = fmin(best + step, 1 - 1e-16);
    for (int i = 0; i < 200; i++) {
        double c = b - 0.6180339887498949 * (b - a), d = a + 0.6180339887498949 * (b - a);
        if (free_energy(c, p) < free_energy(d, p))
            b = d;
        else
            a = c;
    }
    *value = free_energy((a + b) / 2, p);
    return (a + b) / 2;
}

static void check_minimum(const dam_theory *th, point p, double lo)
{
    double value, phi = minimise(&p, lo, &value);
    dam_basin basin;
    dam_error e;

    if (dam_basin_at(th, p.T, &basin, &e)) {
        holds(0, e.message, p.T);
        return;
    }
    near(basin.phi, phi, 3e-7 * (1 - phi) + 1e-8, "phi(T) is the minimum", p.T);
    near(basin.free_energy, value, 1e-12 * (1 + p.T), "f_ret is its depth", p.T);
    near(basin.phi + basin.deficit, 1, 4e-16, "phi + deficit = 1", p.T);
    near(basin.retained + basin.free_energy, 1, 1e-15 * (1 + basin.free_energy), "f + (1 - f) = 1",
         p.T);
}

static void test_minima(gsl_rng *rng)
{
    for (int i = 0; i < 200; i++) {
        double T = pow(10, -2 + 3 * gsl_rng_uniform(rng)),
               b = pow(10, -1 + 3 * gsl_rng_uniform(rng));
        dam_theory one = lse(1, DAM_LAW_PAPER), two = lsr(b, DAM_LAW_EXACT);

        check_minimum(&one, (point){T, 0, 0}, 0);
        check_minimum(&two, (point){T, b, 0}, fmax(0, 1 - 1 / b));
    }
    for (int k = 2; k <= 9; k++) {
        dam_theory th = polynomial(k);
        double last = 2 * pow((k - 2.0) / k, (k - 2) / 2.0), phi;
        dam_basin basin;
        dam_error e;

        for (double T = 0.05 * last; T < last; T += 0.09 * last) {
            check_minimum(&th, (point){T, 0, k}, sqrt((k - 2.0) / k));
            dam_basin_at(&th, T, &basin, &e);
            phi = basin.phi;
            near(k * pow(phi, k - 2) * (1 - phi * phi), T, 1e-14, "polynomial saddle", T);
        }
        holds(dam_basin_at(&th, 1.001 * last, &basin, &e) == DAM_ERR_DOMAIN, "no minimum beyond",
              k);
    }
}

/* ---- the saddle: minimum in phi, maximum in q ---- */

static void test_saddle(void)
{
    dam_theory th[] = {lse(1, DAM_LAW_PAPER), lsr(3.41, DAM_LAW_PAPER), polynomial(3)};
    double T[] = {0.05, 0.3, 0.7};
    dam_basin basin;
    dam_error e;

    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double h = 1e-3, q, at, up, down, left, right, s;
            dam_basin_at(&th[i], T[j], &basin, &e);
            q = basin.phi * basin.phi;
            h *= 1 - basin.phi;
            dam_basin_f(&th[i], basin.phi, q, T[j], &at, &e);
            dam_basin_f(&th[i], basin.phi, q + h, T[j], &up, &e);
            dam_basin_f(&th[i], basin.phi, q - h, T[j], &down, &e);
            dam_basin_f(&th[i], basin.phi + h, q, T[j], &right, &e);
            dam_basin_f(&th[i], basin.phi - h, q, T[j], &left, &e);
            near(at, basin.free_energy, 1e-14, "f at the saddle is f_ret", T[j]);
            holds(up < at && down < at, "f is a maximum in q", T[j]);
            /* At fixed q the concave energy of the polynomial makes it a maximum. */
            if (th[i].h.kernel == DAM_POLYNOMIAL)
                holds(left < at && right < at, "polynomial: a maximum in phi at fixed q", T[j]);
            else
                holds(left > at && right > at, "f is a minimum in phi", T[j]);
            near((right - left) / h, 0, 60 * h / pow(1 - basin.phi, 2), "df/dphi = 0", T[j]);
            near((up - down) / h, 0, 30 * T[j] * h / (1 - q) / (1 - q), "df/dq = 0", T[j]);
            dam_entropy_replica(basin.phi, q, &s, &e);
            near(s, basin.entropy, 1e-13, "A(21) reduces to A(19)", T[j]);
        }
}

/* ---- Bessel ratios and B(8) ---- */

static void test_bessel(void)
{
    double nu[] = {0, 0.5, 1, 11, 24.5, 98}, x[] = {1e-6, 0.3, 2, 19.5, 48, 240, 650};

    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 7; j++) {
            double above = gsl_sf_bessel_Inu_scaled(nu[i] + 1, x[j]);
            double below = gsl_sf_bessel_Inu_scaled(nu[i], x[j]);
            if (above > 1e-290 && below > 1e-290)
                near(dam_bessel_ratio(nu[i], x[j]) * below / above, 1, 3e-13, "Bessel ratio", x[j]);
        }
    for (double big = 1e3; big < 1e15; big *= 10) /* series in 1/x */
        near(dam_bessel_ratio(0, big), 1 - 1 / (2 * big) - 1 / (8 * big * big),
             1 / (7 * pow(big, 3)) + 5e-16, "Bessel ratio, large x", big);
    near(dam_bessel_ratio(0.5, 1e4), 1 / tanh(1e4) - 1e-4, 5e-16, "nu = 1/2 is coth x - 1/x", 1e4);
}

typedef struct {
    const dam_theory *th;
    double N, T, shift;
    int power;
} integrand;

/* phi^power n(phi) exp(-N u/T) straight from B(8), B(9). */
static double b8(double phi, void *context)
{
    const integrand *p = context;
    double exponent = p->th->law == DAM_LAW_EXACT ? (p->N - 3) / 2 : (p->N - 2) / 2, u, w;

    if (fabs(phi) >= 1)
        return 0;
    u = 1 - phi;
    if (p->th->h.kernel == DAM_LSR) {
        w = 1 - p->th->h.b * (1 - phi);
        if (w <= 0)
            return 0;
        u = -log(w) / p->th->h.b;
    } else if (p->th->h.kernel == DAM_POLYNOMIAL) {
        u = -pow(phi, p->th->h.k);
    }
    return pow(phi, p->power) * exp(exponent * log(1 - phi * phi) - p->N * u / p->T - p->shift);
}

static double adaptive(integrand *p, int power, gsl_integration_workspace *w)
{
    gsl_function f = {b8, p};
    double lo = -1, sum = 0, error, part;

    if (p->th->h.kernel == DAM_LSR)
        lo = fmax(-1, 1 - 1 / p->th->h.b);
    p->power = power;
    for (int i = 0; i < 8; i++) {
        gsl_integration_qags(&f, lo + (1 - lo) * i / 8, lo + (1 - lo) * (i + 1) / 8, 0, 1e-11, 2000,
                             w, &part, &error);
        sum += part;
    }
    return sum;
}

static void test_boltzmann(void)
{
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(2000);
    double Ns[] = {3, 5, 24, 198}, Ts[] = {0.05, 0.5, 2, 30}, z, first, second;
    dam_moments m;
    dam_error e;

    for (int law = 0; law < 2; law++) {
        dam_theory th[] = {lse(1, (dam_law)law),   lsr(3.41, (dam_law)law), lsr(1, (dam_law)law),
                           lsr(0.7, (dam_law)law), lsr(0.3, (dam_law)law),  polynomial(3),
                           polynomial(1)};
        for (int t = 0; t < 7; t++)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) {
                    integrand p = {&th[t], Ns[i], Ts[j], 0, 0};
                    th[t].law = (dam_law)law;
                    p.shift = t >= 5 ? Ns[i] / Ts[j] : 0;
                    z = adaptive(&p, 0, w);
                    first = adaptive(&p, 1, w) / z;
                    second = adaptive(&p, 2, w) / z;
                    if (dam_boltzmann(&th[t], Ts[j], Ns[i], &m, &e))
                        holds(0, e.message, Ts[j]);
                    near(m.phi, first, 1e-9 * fabs(first) + 1e-10, "mean phi", Ts[j]);
                    near(m.phi_variance, second - first * first, 1e-8, "variance of phi", Ts[j]);
                }
    }
    gsl_integration_workspace_free(w);
}

/*
 * The polynomial where two peaks, at phi near 0 and near 1, exchange their weight, and where its
 * energy nearly vanishes: quadrature in phi again, in panels narrower than the peaks.
 */
static void test_coexistence(void)
{
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(2000);
    double N = 1000, means[3];
    dam_moments m;
    dam_error e;

    for (int k = 3; k <= 6; k++) {
        dam_theory th = polynomial(k);
        double last = 2 * pow((k - 2.0) / k, (k - 2) / 2.0);
        for (double T = 0.5 * last; T < 1.3 * last; T += 0.05 * last) {
            integrand p = {&th, N, T, fmax(0, N / T * (T / 2 * log(T / k) + 1 - T / 2)), 0};
            gsl_function f = {b8, &p};
            double powers[] = {0, k % 2 ? 1 : 2, k};
            for (int j = 0; j < 3; j++) {
                p.power = (int)powers[j];
                means[j] = 0;
                for (int i = -100; i < 100; i++) {
                    double part, error;
                    gsl_integration_qag(&f, i / 100.0, (i + 1) / 100.0, 0, 1e-12, 2000,
                                        GSL_INTEG_GAUSS31, w, &part, &error);
                    means[j] += part;
                }
            }
            if (dam_boltzmann(&th, T, N, &m, &e))
                holds(0, e.message, T);
            near((k % 2 ? m.phi : m.phi_variance) * means[0] / means[1], 1, 1e-10,
                 "polynomial: phi where two peaks coexist", T);
            near(-m.u * means[0] / means[2], 1, 1e-10, "polynomial: u likewise", T);
        }
    }
    gsl_integration_workspace_free(w);
}

/* Extremes of B(8): both limits in T, for all N. */
static void test_boltzmann_limits(void)
{
    dam_error e;
    double phi;

    for (double N = 2; N < 2e6; N *= 7) {
        dam_theory one = lse(1, DAM_LAW_EXACT), two = lsr(3.41, DAM_LAW_EXACT);
        dam_boltzmann_phi(&one, 0, N, &phi, &e);
        near(phi, 1, 0, "phi at T = 0", N);
        dam_boltzmann_phi(&one, 1e6, N, &phi, &e);
        near(phi / 1e-6, 1, 1e-11, "phi = 1/T at high T", N);
        dam_boltzmann_phi(&one, 1e-4, N, &phi, &e);
        near(phi, 1 - (N - 1) / N * 0.5e-4, 2e-9, "phi = 1 - (N-1) T/(2N) at low T", N);
        dam_boltzmann_phi(&two, 1e-4, N, &phi, &e);
        near(phi, 1 - (N - 1) / N * 0.5e-4, 2e-8, "LSR likewise", N);
        dam_boltzmann_phi(&two, 1e-13, N, &phi, &e);
        near(phi, 1, 1e-13, "LSR at vanishing T", N);
    }
}

/* ---- floors and boundaries ---- */

static double alpha_c(dam_theory th, dam_boundary which, double T)
{
    dam_error e;
    double alpha = NAN;

    th.which = which;
    holds(dam_boundary_alpha_c(&th, T, &alpha, &e) == DAM_OK, "alpha_c exists", T);
    return alpha;
}

static void test_exact_continuity(void)
{
    double beta[] = {0.05, 0.4, 1, 3, 50};
    dam_boundary which[] = {DAM_WHICH_DEPTH, DAM_WHICH_SPINODAL, DAM_WHICH_GLOBAL};

    for (int i = 0; i < 5; i++) {
        dam_theory th = lse(beta[i], DAM_LAW_EXACT);
        dam_lse_saddle s = dam_floor_lse_saddle(beta[i]);
        dam_regime r;
        dam_error e;
        double below, above, T, turn = 1 / beta[i];

        near(alpha_c(th, DAM_WHICH_GLOBAL, turn), s.alpha_star, 1e-14, "global at 1/beta_net",
             beta[i]);
        near(alpha_c(th, DAM_WHICH_SPINODAL, turn), s.alpha_star, 1e-14, "spinodal at 1/beta_net",
             beta[i]);
        for (int d = 1; d < 14; d++) { /* closer and closer to T = 1/beta_net from both sides */
            double step = pow(10, -d);
            below = alpha_c(th, DAM_WHICH_GLOBAL, turn * (1 - step));
            above = alpha_c(th, DAM_WHICH_GLOBAL, turn * (1 + step));
            near(below, s.alpha_star, 2 * s.alpha_star * step + 1e-15, "global from below", step);
            near(above, s.alpha_star, 2 * s.alpha_star * step + 1e-15, "global from above", step);
        }
        below = alpha_c(th, DAM_WHICH_GLOBAL, turn * (0.75 - 1e-9));
        above = alpha_c(th, DAM_WHICH_GLOBAL, turn * (0.75 + 1e-9));
        near(below, above, 1e-8 * below, "the two ways to compute the global boundary", beta[i]);
        dam_floor_u_noise(&th, s.alpha_star * (1 - 1e-12), &below, &r, &e);
        holds(r == DAM_REGIME_SPIN_GLASS, "regime below alpha*", beta[i]);
        dam_floor_u_noise(&th, s.alpha_star * (1 + 1e-12), &above, &r, &e);
        holds(r == DAM_REGIME_PARAMAGNETIC, "regime above alpha*", beta[i]);
        near(below, above, 1e-11, "u_noise is continuous at alpha*", beta[i]);
        for (int w = 0; w < 3; w++) {
            th.which = which[w];
            holds(dam_boundary_T_c(&th, s.alpha_star, &T, &e) == DAM_OK, "T_c(alpha*)", beta[i]);
            near(alpha_c(th, which[w], T), s.alpha_star, 1e-13, "T_c inverts alpha_c", beta[i]);
            near(alpha_c(th, which[w], T * (1 - 1e-9)), alpha_c(th, which[w], T * (1 + 1e-9)), 1e-8,
                 "boundary is continuous at alpha*", beta[i]);
            near(alpha_c(th, which[w], 0), beta[i] - s.g, 1e-13 * beta[i], "alpha_c(0)", beta[i]);
        }
    }
}

static void test_inverses(gsl_rng *rng)
{
    dam_error e;
    double T, alpha;

    for (int i = 0; i < 400; i++) {
        double beta = pow(10, -1 + 2 * gsl_rng_uniform(rng)),
               b = pow(10, -1 + 2 * gsl_rng_uniform(rng));
        dam_theory th = i % 2 ? lse(beta, (dam_law)(i / 2 % 2)) : lsr(b, DAM_LAW_PAPER);
        double load = pow(gsl_rng_uniform(rng), 2) * 0.5;

        th.floor = (dam_floor)(i / 4 % 2);
        th.which = (dam_boundary)(i % 3);
        if (dam_boundary_T_c(&th, load, &T, &e) || isinf(T) || T == 0)
            continue;
        holds(dam_boundary_alpha_c(&th, T, &alpha, &e) == DAM_OK, "alpha_c at T_c", T);
        near(alpha, load, 1e-12 + 3e-9 * load * (T > 1e6), "alpha_c(T_c(alpha)) = alpha", T);
    }
}

/* The annealed floor of LSE from GSL's Bessel functions, as DESIGN's closed form has it. */
static void test_finite_floor(void)
{
    double Ns[] = {4, 24, 50, 120}, beta[] = {0.4, 1, 2};
    dam_regime r;
    dam_error e;

    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++) {
            dam_theory th = lse(beta[j], DAM_LAW_EXACT);
            double N = Ns[i], x = N * beta[j], found, alpha = 0.37;
            double log_w = gsl_sf_lngamma(N / 2) + (N / 2 - 1) * log(2 / x) +
                           log(gsl_sf_bessel_Inu_scaled(N / 2 - 1, x));
            th.N = N;
            dam_floor_u_noise(&th, alpha, &found, &r, &e);
            near(found, -(alpha + log_w / N) / beta[j], 1e-13 / beta[j], "annealed floor", N);
            th.N = 1e6;
            dam_floor_u_noise(&th, 1.5, &found, &r, &e);
            th.N = 0;
            dam_floor_u_noise(&th, 1.5, &log_w, &r, &e);
            near(found, log_w, 1e-5 / beta[j], "annealed floor as N grows", beta[j]);
        }
}

/*
 * And that of LSR: (1-b) P(phi > phi_c) + b E[phi; phi > phi_c], the first an incomplete beta
 * function, the second elementary.
 */
static void test_finite_floor_lsr(void)
{
    double Ns[] = {3, 10, 24, 51, 120}, bs[] = {1, 1.5, 3.41, 10};
    dam_regime r;
    dam_error e;

    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++) {
            dam_theory th = lsr(bs[j], DAM_LAW_EXACT);
            double N = Ns[i], b = bs[j], c = 1 - 1 / b, found, alpha = 0.4;
            double cap = 0.5 * gsl_sf_beta_inc((N - 1) / 2, 0.5, 1 - c * c);
            double first = pow(1 - c * c, (N - 1) / 2) / (N - 1) / gsl_sf_beta(0.5, (N - 1) / 2);
            double mean = (1 - b) * cap + b * first;
            th.N = N;
            dam_floor_u_noise(&th, alpha, &found, &r, &e);
            near(found, -(alpha * N + log(mean)) / b, 1e-15 * b * first / mean * 30 + 1e-13,
                 "annealed floor of LSR", N);
        }
}

/* Cap areas for N = 3 (uniform in phi), N = 5, and the logarithmic rate for large N. */
static void test_support(void)
{
    dam_theory th = lsr(3.41, DAM_LAW_EXACT);
    double c = 1 - 1 / 3.41, count, log_count, threshold;
    dam_error e;

    dam_floor_patterns_in_support(&th, 0, 3, &count, &log_count, &e);
    near(count, (1 - c) / 2, 1e-14, "cap for N = 3", 3);
    dam_floor_patterns_in_support(&th, 0, 5, &count, &log_count, &e);
    near(count, 0.75 * (2.0 / 3 - c + c * c * c / 3), 1e-14, "cap for N = 5", 5);
    dam_floor_alpha_th(&th, &threshold, &e);
    near(threshold, 0.34606216042, 1e-10, "exact alpha_th", 3.41);
    dam_floor_patterns_in_support(&th, threshold, 1e6, &count, &log_count, &e);
    near(log_count, threshold - 0.5 * log(2 * M_PI * 1e6) - log(c), 1e-5, "cap for large N", 1e6);
    th.h.b = 0.4;
    dam_floor_patterns_in_support(&th, 0.5, 10, &count, &log_count, &e);
    near(log_count, 5, 1e-13, "without a wall all patterns count", 0.4);
}

static void test_gram(void)
{
    /* Three patterns of Gram matrix G: phi^T G^-1 phi by Cramer's rule. */
    double G[] = {1, 0.2, -0.1, 0.2, 1, 0.3, -0.1, 0.3, 1}, phi[] = {0.4, -0.2, 0.3}, S;
    double det = 1 + 2 * 0.2 * 0.3 * -0.1 - 0.04 - 0.01 - 0.09;
    double inverse[] = {0.91, -0.23, 0.16, -0.23, 0.99, -0.32, 0.16, -0.32, 0.96}, form = 0;
    double singular[] = {1, 1, 1, 1}, indefinite[] = {1, 2, 2, 1}, skew[] = {1, 0.1, 0.2, 1};
    dam_error e;

    for (int i = 0; i < 9; i++)
        form += phi[i / 3] * inverse[i] * phi[i % 3] / det;
    holds(dam_entropy_gram(phi, G, 3, 50, &S, &e) == DAM_OK, "A(18)", 0);
    near(S, 47 / 2.0 * log(1 - form), 1e-13, "A(18)", 0);
    holds(dam_entropy_gram(phi, singular, 2, 50, &S, &e) == DAM_ERR_ARGUMENT, "singular", 0);
    holds(dam_entropy_gram(phi, indefinite, 2, 50, &S, &e) == DAM_ERR_ARGUMENT, "indefinite", 0);
    holds(dam_entropy_gram(phi, skew, 2, 50, &S, &e) == DAM_ERR_ARGUMENT, "not symmetric", 0);
    phi[0] = 0.99;
    holds(dam_entropy_gram(phi, G, 3, 50, &S, &e) == DAM_ERR_DOMAIN, "impossible alignments", 0);
}

int main(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);

    gsl_set_error_handler_off();
    test_minima(rng);
    test_saddle();
    test_bessel();
    test_boltzmann();
    test_coexistence();
    test_boltzmann_limits();
    test_exact_continuity();
    test_inverses(rng);
    test_finite_floor();
    test_finite_floor_lsr();
    test_support();
    test_gram();
    gsl_rng_free(rng);
    printf("%d failures\n", failures);
    return failures != 0;
}
