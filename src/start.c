#include "start.h"

#include "sphere.h"

/* y.y in DAM_LANES lanes. */
static double squared(int N, const double *y)
{
    double lane[DAM_LANES] = {0};

    for (int k = 0; k < N; k++)
        lane[k % DAM_LANES] += y[k] * y[k];
    return dam_add_lanes(lane);
}

/* y.xi in DAM_LANES lanes. */
static double dot(int N, const double *y, const float *xi)
{
    double lane[DAM_LANES] = {0};

    for (int k = 0; k < N; k++)
        lane[k % DAM_LANES] += y[k] * xi[k];
    return dam_add_lanes(lane);
}

/* x = projection of y on the sphere; false when y has no direction. */
static bool project(int N, const double *y, float *x)
{
    double norm = squared(N, y), factor = dam_onto_sphere(N, norm);

    if (!(norm > 0))
        return false;
    for (int k = 0; k < N; k++)
        x[k] = (float)(y[k] * factor);
    return true;
}

/* B(6): y = phi xi + sqrt(1 - phi^2) sqrt(N) u, u a random unit vector orthogonal to xi. */
static void tilt(int N, const dam_kernels *kernels, dam_stream s, const float *xi, double phi,
                 float *eta, double *y)
{
    double along, norm, factor;
    uint64_t block = 0;

    do {
        kernels->normals(s, N, block, eta);
        block += DAM_BLOCKS_OF(N); /* further on in the stream, should eta be parallel to xi */
        for (int k = 0; k < N; k++)
            y[k] = eta[k];
        along = dot(N, y, xi) / N;
        for (int k = 0; k < N; k++)
            y[k] = y[k] - along * xi[k];
        norm = squared(N, y);
    } while (!(norm > 0));
    factor = sqrt(1.0 - phi * phi) * dam_onto_sphere(N, norm);
    for (int k = 0; k < N; k++)
        y[k] = phi * xi[k] + factor * y[k];
}

/*
 * Alignment of a von Mises-Fisher draw of concentration kappa with its centre (Wood 1994). The
 * Beta((N-1)/2, (N-1)/2) variate of its proposals is (1 + t)/2 for t a coordinate of a uniform
 * unit vector.
 */
static double von_mises_fisher(int N, double kappa, const dam_kernels *kernels, dam_stream s,
                               float *eta)
{
    const double m = N - 1;
    const double b = m / (2.0 * kappa + sqrt(4.0 * kappa * kappa + m * m));
    const double x0 = (1.0 - b) / (1.0 + b);
    const double peak = kappa * x0 + m * dam_log(4.0 * b / ((1.0 + b) * (1.0 + b)));
    uint64_t block = 1; /* block 0 chose the pattern */

    for (;;) {
        uint32_t w[4];
        double first, rest, norm, t, z, phi;

        dam_words(s, block, w);
        kernels->normals(s, N, block + 1, eta);
        block += 1 + DAM_BLOCKS_OF(N);
        first = eta[0];
        norm = kernels->dot(N, eta, eta);
        if (!(norm > 0))
            continue;
        rest = kernels->dot(N - 1, eta + 1, eta + 1);
        t = first / sqrt(norm);
        z = t > 0 ? 0.5 * (1.0 + t) : 0.5 * rest / (norm * (1.0 - t)); /* no cancellation */
        phi = (1.0 - (1.0 + b) * z) / (1.0 - (1.0 - b) * z);
        if (kappa * phi + m * dam_log(1.0 - x0 * phi) - peak >= dam_log(dam_uniform(w)))
            return phi;
    }
}

/* Normalised sum of patterns. */
static dam_status mix(const dam_start *start, const dam_patterns *p, const dam_kernels *kernels,
                      int64_t index, float *xi, double *y, float *x, dam_error *e)
{
    for (int k = 0; k < p->N; k++)
        y[k] = 0;
    for (int64_t i = 0; i < start->mixed; i++) {
        dam_patterns_rows(p, kernels, index, start->mix[i], 1, xi);
        for (int k = 0; k < p->N; k++)
            y[k] += xi[k];
    }
    if (!project(p->N, y, x))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "init: the sum of the patterns vanishes in disorder %lld",
                        (long long)dam_patterns_number(p, index));
    return DAM_OK;
}

dam_status dam_start_state(const dam_start *start, const dam_hamiltonian *h, const dam_patterns *p,
                           const dam_kernels *kernels, dam_start_chain chain, double *scratch,
                           float *x, dam_error *e)
{
    const int N = p->N;
    const uint64_t disorder = (uint64_t)dam_patterns_number(p, chain.disorder_index);
    double *y = scratch;
    float *eta = (void *)(scratch + N), *xi = (void *)(scratch + 2 * (int64_t)N);
    int64_t mu = start->pattern[0];
    double phi;
    uint32_t w[4];
    dam_stream direction = dam_chain_stream(chain.seed, DAM_FOR_INITIAL_STATE, (uint64_t)N,
                                            (uint64_t)p->M, chain.T, disorder, chain.replica);
    dam_stream alignment = dam_chain_stream(
        chain.seed, start->kind == DAM_START_EXACT ? DAM_FOR_EXACT_START : DAM_FOR_INITIAL_PHI,
        (uint64_t)N, (uint64_t)p->M, chain.T, disorder, chain.replica);

    if (start->kind == DAM_START_MIX)
        return mix(start, p, kernels, chain.disorder_index, xi, y, x, e);
    if (start->kind == DAM_START_HOT) {
        kernels->normals(direction, N, 0, x);
        kernels->scale(N, x, dam_onto_sphere(N, kernels->dot(N, x, x)), x);
        return DAM_OK;
    }
    dam_words(alignment, 0, w);
    if (start->kind == DAM_START_EXACT) {
        mu = (int64_t)(dam_uniform(w) * (double)p->M);
        phi = von_mises_fisher(N, h->beta_net * N, kernels, alignment, eta);
    } else {
        if (mu < 0)
            mu = dam_patterns_target(p, chain.disorder_index);
        phi = start->phi_min + (start->phi_max - start->phi_min) * dam_uniform(w);
    }
    dam_patterns_rows(p, kernels, chain.disorder_index, mu, 1, xi);
    if (phi == 1.0) {
        for (int k = 0; k < N; k++)
            x[k] = xi[k]; /* the pattern itself, to the bit */
        return DAM_OK;
    }
    tilt(N, kernels, direction, xi, phi, eta, y);
    project(N, y, x);
    return DAM_OK;
}
