#include "basin.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "../memory.h"
#include "solve.h"

/* T as the ratio t/s of two numbers <= 1, so that no intermediate overflows. */
typedef struct {
    double t, s;
} ratio;

static ratio ratio_of(double T)
{
    return T > 1 ? (ratio){1, 1 / T} : (ratio){T, 1};
}

/* A(33) in the forms in which neither phi nor 1 - phi cancels. */
static void lse_alignment(double T, dam_basin *out)
{
    ratio r = ratio_of(T);
    double root = hypot(r.t, 2 * r.s);

    out->phi = 2 * r.s / (r.t + root);
    out->deficit = 2 * r.t / (2 * r.s + r.t + root);
}

/* A(37) likewise; *weight = 1 - b (1 - phi), from A(36) where the difference would cancel. */
static void lsr_alignment(double T, double b, dam_basin *out, double *weight)
{
    ratio r = ratio_of(T);
    double root = hypot(r.t * (b - 1), 2 * sqrt(r.s * (r.s + r.t * b)));
    double sum = 2 * r.s + r.t + r.t * b + root;

    out->deficit = 2 * r.t / sum;
    if (b <= 1) {
        out->phi = 2 * r.s / (r.t * (1 - b) + root);
        *weight = 1 - b + b * out->phi;
    } else {
        out->phi = (r.t * (b - 1) + root) / (2 * (r.s + r.t * b));
        *weight = 2 * r.s / sum * (1 + out->phi) / out->phi;
    }
}

/* -(1/b) ln(1 - b y), given the weight 1 - b y as well. */
static double lsr_energy(double b, double y, double weight)
{
    return b * y < 0.5 ? -log1p(-b * y) / b : -log(weight) / b;
}

static double half_log_one_minus_square(double phi, double deficit)
{
    return phi < 0.7 ? 0.5 * log1p(-phi * phi) : 0.5 * log(deficit * (1 + phi));
}

typedef struct {
    double k, log_T;
} polynomial_saddle;

/* ln of k phi^(k-2) (1 - phi^2) / T as a function of y = 1 - phi. */
static double polynomial_balance(double y, void *context)
{
    const polynomial_saddle *p = context;

    return log(p->k) + (p->k - 2) * log1p(-y) + log(y) + log(2 - y) - p->log_T;
}

/* The retrieval minimum ends where k phi^(k-2) (1 - phi^2) is largest, at phi^2 = (k-2)/k. */
static dam_status polynomial_alignment(double T, int k, dam_basin *out, dam_error *e)
{
    double phi2 = (k - 2.0) / k, last = 2 * pow(phi2, (k - 2) / 2.0);
    double y, lo = T / (2.0 * k), hi = 1 - sqrt(phi2);
    polynomial_saddle p = {k, log(T)};

    if (T > last)
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "T = %g: the retrieval minimum of the polynomial with k = %d ends at "
                        "T = %.10g",
                        T, k, last);
    if (k == 2) {
        out->phi = sqrt(1 - T / 2);
        out->deficit = T / 2 / (1 + out->phi);
        return DAM_OK;
    }
    if (lo < DBL_MIN)
        y = lo;
    else if (polynomial_balance(hi, &p) <= 0)
        y = hi;
    else if (dam_root(polynomial_balance, &p, lo, hi, &y, e))
        return e->status;
    out->phi = 1 - y;
    out->deficit = y;
    return DAM_OK;
}

/* phi, 1 - phi, and the energy there. */
static dam_status alignment_and_energy(const dam_theory *th, double T, dam_basin *out, double *u,
                                       dam_error *e)
{
    double b, weight;

    switch (th->h.kernel) {
    case DAM_LSE:
        lse_alignment(T, out);
        *u = out->deficit;
        return DAM_OK;
    case DAM_LSR:
        if (dam_theory_b(th, &b, e))
            return e->status;
        lsr_alignment(T, b, out, &weight);
        if (weight < th->h.epsilon)
            return dam_fail(e, DAM_ERR_DOMAIN,
                            "T = %g: the stationary point has kernel weight %g, below epsilon = "
                            "%g, where the energy is flat",
                            T, weight, th->h.epsilon);
        *u = lsr_energy(b, out->deficit, weight);
        return DAM_OK;
    default:
        if (th->h.k == 1)
            lse_alignment(T, out);
        else if (polynomial_alignment(T, th->h.k, out, e))
            return e->status;
        *u = -pow(out->phi, th->h.k);
        return DAM_OK;
    }
}

dam_status dam_basin_at(const dam_theory *th, double T, dam_basin *out, dam_error *e)
{
    double u = 0, heat;

    if (dam_theory_check_nonnegative("T", T, e) || alignment_and_energy(th, T, out, &u, e))
        return e->status;
    out->entropy = half_log_one_minus_square(out->phi, out->deficit);
    heat = T > 0 ? T * out->entropy : 0;
    out->free_energy = u - heat;
    out->retained = th->h.kernel == DAM_LSE ? out->phi + heat : 1 - out->free_energy;
    if (!isfinite(out->free_energy))
        return dam_fail(e, DAM_ERR_DOMAIN, "T = %g: the free energy is out of range", T);
    return DAM_OK;
}

dam_status dam_basin_u(const dam_theory *th, double phi, double *u, dam_error *e)
{
    double b, weight;

    if (!(fabs(phi) <= 1))
        return dam_fail(e, DAM_ERR_DOMAIN, "phi = %g: expected a number from -1 to 1", phi);
    if (th->h.kernel == DAM_LSE) {
        *u = 1 - phi;
        return DAM_OK;
    }
    if (th->h.kernel == DAM_POLYNOMIAL) {
        *u = -pow(phi, th->h.k);
        return DAM_OK;
    }
    if (dam_theory_b(th, &b, e))
        return e->status;
    weight = 1 - b * (1 - phi);
    if (weight <= th->h.epsilon && th->h.epsilon > 0)
        *u = -log(th->h.epsilon) / b;
    else if (weight > 0)
        *u = lsr_energy(b, 1 - phi, weight);
    else
        return dam_fail(e, DAM_ERR_DOMAIN, "phi = %g is outside the support phi > %.10g", phi,
                        1 - 1 / b);
    return DAM_OK;
}

dam_status dam_basin_f(const dam_theory *th, double phi, double q, double T, double *f,
                       dam_error *e)
{
    double u, s;

    if (dam_theory_check_nonnegative("T", T, e) || dam_basin_u(th, phi, &u, e) ||
        dam_entropy_replica(phi, q, &s, e))
        return e->status;
    *f = u - T * s;
    if (!isfinite(*f))
        return dam_fail(e, DAM_ERR_DOMAIN, "T = %g: the free energy is out of range", T);
    return DAM_OK;
}

dam_status dam_entropy(double phi, double *s, dam_error *e)
{
    if (!(fabs(phi) < 1))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "phi = %g: the entropy is defined for -1 < phi < 1 and tends to -infinity "
                        "at the ends",
                        phi);
    *s = half_log_one_minus_square(fabs(phi), 1 - fabs(phi));
    return DAM_OK;
}

dam_status dam_entropy_replica(double phi, double q, double *s, dam_error *e)
{
    if (!(fabs(phi) <= 1))
        return dam_fail(e, DAM_ERR_DOMAIN, "phi = %g: expected a number from -1 to 1", phi);
    if (!(q >= -1 && q < 1))
        return dam_fail(e, DAM_ERR_DOMAIN, "q = %g: expected a number from -1 to 1, 1 excluded", q);
    *s = 0.5 * (log1p(-q) + (q - phi * phi) / (1 - q));
    return DAM_OK;
}

static dam_status check_gram(const double *gram, int64_t M, dam_error *e)
{
    for (int64_t i = 0; i < M; i++)
        for (int64_t j = 0; j <= i; j++) {
            double a = gram[i * M + j], b = gram[j * M + i];
            double scale = sqrt(fabs(gram[i * M + i] * gram[j * M + j]));
            if (!isfinite(a) || !isfinite(b) || fabs(a - b) > 1e-9 * scale)
                return dam_fail(e, DAM_ERR_ARGUMENT,
                                "the Gram matrix is not symmetric and finite at (%lld, %lld): %g "
                                "and %g",
                                (long long)i + 1, (long long)j + 1, a, b);
        }
    return DAM_OK;
}

/*
 * Cholesky factor of the Gram matrix in `factor`, row by row, and y = factor^-1 phi alongside; a
 * pivot that is rounding of its diagonal element means dependent patterns.
 */
static dam_status gram_norm(const double *phi, const double *gram, int64_t M, double *factor,
                            double *y, double *norm, dam_error *e)
{
    *norm = 0;
    for (int64_t i = 0; i < M; i++) {
        double *row = factor + i * M, pivot = gram[i * M + i];
        double limit = 8 * (double)M * DBL_EPSILON * fabs(pivot);

        y[i] = phi[i];
        for (int64_t j = 0; j < i; j++) {
            double sum = gram[i * M + j];
            for (int64_t k = 0; k < j; k++)
                sum -= row[k] * factor[j * M + k];
            row[j] = sum / factor[j * M + j];
            pivot -= row[j] * row[j];
            y[i] -= row[j] * y[j];
        }
        if (!(pivot > limit))
            return dam_fail(e, DAM_ERR_ARGUMENT,
                            "the Gram matrix is singular or not positive definite: pivot %lld is "
                            "%.3g; the patterns must be linearly independent",
                            (long long)i + 1, pivot);
        row[i] = sqrt(pivot);
        y[i] /= row[i];
        *norm += y[i] * y[i];
    }
    return DAM_OK;
}

dam_status dam_entropy_gram(const double *phi, const double *gram, int64_t M, double N, double *S,
                            dam_error *e)
{
    void *work;
    double norm;
    dam_status status;

    if (dam_theory_check_N(N, e) || check_gram(gram, M, e))
        return e->status;
    if (!(N > (double)M))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "M = %lld patterns in N = %g dimensions: M < N is needed", (long long)M, N);
    if (dam_alloc(&work, (uint64_t)M * ((uint64_t)M + 1), sizeof(double), "a Cholesky factor",
                  "use fewer patterns", e))
        return e->status;
    status = gram_norm(phi, gram, M, work, (double *)work + M * M, &norm, e);
    dam_free(work);
    if (status)
        return status;
    if (!(norm < 1))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "no state has these alignments: phi^T G^-1 phi = %g, and it must be < 1",
                        norm);
    *S = (N - (double)M) / 2 * log1p(-norm);
    return DAM_OK;
}
