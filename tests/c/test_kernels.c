/*
 * Overlaps, sums and proposals of every instruction set: equal bits, right values (against long
 * double), odd sizes, sentinels around what is written.
 */
#include <stdlib.h>

#include "check.h"
#include "cpu/kernels.h"
#include "sphere.h"

#define SENTINEL -123.25

static float *random_singles(uint64_t seed, int64_t n, double scale)
{
    float *x = aligned_alloc(64, ((size_t)n * sizeof *x + 63) / 64 * 64);
    const dam_kernels *kernels;

    dam_kernels_named("scalar", &kernels, &(dam_error){0});
    kernels->normals((dam_stream){seed, 1}, n, 0, x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(x[i] * scale);
    return x;
}

static void check_overlaps(int N, int panels, int chains)
{
    const int64_t size = (int64_t)DAM_TILE * DAM_BLOCK + 8;
    float *panel = random_singles(3, (int64_t)panels * N * DAM_PANEL, 1);
    float *x = random_singles(4, (int64_t)N * chains, 1);
    double *states = malloc((size_t)(N * chains) * sizeof *states);
    double *phi = malloc((size_t)size * sizeof *phi), *first = NULL;
    const dam_kernels *kernels;
    double worst = 0;

    for (int i = 0; i < N * chains; i++)
        states[i] = x[i];
    FOR_EACH_ISA(kernels)
    {
        long differ = 0, beyond = 0;
        for (int64_t i = 0; i < size; i++)
            phi[i] = SENTINEL;
        kernels->overlaps(panel, panels, N, states, chains, phi);
        for (int64_t i = 0; i < size; i++)
            if (i >= (int64_t)chains * DAM_BLOCK || i % DAM_BLOCK >= panels * DAM_PANEL)
                beyond += phi[i] != SENTINEL;
        for (int j = 0; j < chains; j++)
            for (int mu = 0; mu < panels * DAM_PANEL; mu++) {
                long double sum = 0;
                for (int k = 0; k < N; k++)
                    sum += (long double)states[k * chains + j] *
                           panel[((int64_t)(mu / DAM_PANEL) * N + k) * DAM_PANEL + mu % DAM_PANEL];
                worst = fmax(worst, (double)fabsl(phi[j * DAM_BLOCK + mu] - sum / N));
                if (first)
                    differ += dam_bits64(phi[j * DAM_BLOCK + mu]) !=
                              dam_bits64(first[j * DAM_BLOCK + mu]);
            }
        CHECK(beyond == 0, "%s wrote %ld numbers beyond (N %d)", kernels->name, beyond, N);
        CHECK(differ == 0, "%s: %ld overlaps differ (N %d)", kernels->name, differ, N);
        if (!first) {
            first = malloc((size_t)size * sizeof *first);
            memcpy(first, phi, (size_t)size * sizeof *first);
        }
    }
    CHECK(worst < 1e-14, "overlaps are off by %g", worst);
    free(panel);
    free(x);
    free(states);
    free(phi);
    free(first);
}

/* ln of the block's sum in long double. */
static long double exact_sum(const dam_reference *f, const double *phi, int n, double max)
{
    long double sum = 0;

    for (int i = 0; i < n; i++)
        sum += f->kernel == DAM_LSE   ? expl((long double)f->c * ((long double)phi[i] - max))
               : f->kernel == DAM_LSR ? fmaxl(f->epsilon, 1 - f->b * (1 - (long double)phi[i]))
                                      : powl(phi[i], f->k);
    return sum;
}

static void check_reduce(int patterns, dam_hamiltonian h)
{
    const dam_reference f = dam_reference_of(&h, 40);
    float *x = random_singles(9, patterns, 0.2);
    double phi[DAM_BLOCK], max = -2;
    uint64_t first = 0;
    const dam_kernels *kernels;
    int seen = 0;

    for (int i = 0; i < patterns; i++) {
        phi[i] = fmax(-1, fmin(1, x[i]));
        max = fmax(max, phi[i]);
    }
    FOR_EACH_ISA(kernels)
    {
        dam_block_sum s = kernels->reduce(&f, phi, patterns);
        long double exact = exact_sum(&f, phi, patterns, max);
        CHECK(fabsl(s.sum - exact) <= 1e-14L * patterns * fmaxl(1, fabsl(exact)),
              "%s kernel %d: sum of %d is %.17g, wanted %.17Lg", kernels->name, h.kernel, patterns,
              s.sum, exact);
        if (h.kernel == DAM_LSE)
            CHECK(s.max == max, "%s: maximum %.17g", kernels->name, s.max);
        if (seen++)
            CHECK(dam_bits64(s.sum) == first, "%s: sum of %d differs", kernels->name, patterns);
        first = dam_bits64(s.sum);
    }
    free(x);
}

static void check_propose(int N)
{
    float *x = random_singles(11, N, 1), *eta = random_singles(12, N, 1);
    float *out = malloc(((size_t)N + 1) * sizeof *out);
    double *scratch = malloc((size_t)N * sizeof *scratch);
    const dam_kernels *kernels;
    uint64_t first = 0;
    int seen = 0;

    FOR_EACH_ISA(kernels)
    {
        uint64_t h = 0;
        double norm = 0;
        out[N] = (float)SENTINEL;
        kernels->propose(N, x, eta, 0.3, scratch, out);
        for (int k = 0; k < N; k++) {
            norm += (double)out[k] * out[k];
            h = dam_absorb(h, dam_bits32(out[k]));
        }
        h = dam_absorb(h, dam_bits64(kernels->dot(N, x, eta)));
        CHECK(fabs(norm / N - 1) < 1e-6, "%s: N %d: norm %.9g", kernels->name, N, norm / N);
        CHECK(out[N] == (float)SENTINEL, "%s wrote beyond N %d", kernels->name, N);
        if (seen++)
            CHECK(h == first, "%s: the proposal at N %d differs", kernels->name, N);
        first = h;
    }
    free(x);
    free(eta);
    free(out);
    free(scratch);
}

int main(void)
{
    static const int sizes[] = {2, 3, 16, 17, 31, 47, 50, 99};
    static const dam_hamiltonian h[] = {
        {.kernel = DAM_LSE, .beta_net = 1}, {.kernel = DAM_LSE, .beta_net = 100},
        {.kernel = DAM_LSR, .b = 3.41},     {.kernel = DAM_LSR, .b = 0.4, .epsilon = 0.01},
        {.kernel = DAM_POLYNOMIAL, .k = 3}, {.kernel = DAM_POLYNOMIAL, .k = 100}};

    for (int i = 0; i < 8; i++) {
        for (int chains = 1; chains <= DAM_TILE; chains++)
            check_overlaps(sizes[i], 1 + i % 3, chains);
        check_propose(sizes[i]);
        for (int j = 0; j < 6; j++)
            check_reduce(sizes[i], h[j]);
    }
    check_overlaps(990, DAM_BLOCK_PANELS, 6);
    for (int j = 0; j < 6; j++)
        check_reduce(DAM_BLOCK, h[j]);
    return check_finish();
}
