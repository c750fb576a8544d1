/*
 * The single-precision pass: its intervals contain the reference's L for every Hamiltonian, shape
 * and instruction set, and are as narrow as docs/numerics.md says; the error of its exponential is
 * below what the bounds assume. Built a second time with bounds that claim too much
 * (DAM_SINGLE_SHRINK), the same check must find values outside.
 */
#include <math.h>
#include <stdlib.h>

#include "bounds.h"
#include "check.h"
#include "fused.h"
#include "interrupt.h"

#define UNIT 0x1p-24

/* Patterns of one disorder, exactly as many bytes as they take, and states of all sorts. */
typedef struct {
    dam_reference f;
    int N;
    int64_t M, states;
    float *panels, *x;
    int64_t *slot;
    double *near, *L, *phi;
} field;

/* What the width of an interval is made of, per state. */
typedef struct {
    double count, sum, absolute; /* terms above the floor, of terms, of |terms| */
} weights;

static void *room(int64_t bytes)
{
    return aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64);
}

static void onto_sphere(int N, float *x)
{
    double norm = 0;

    for (int k = 0; k < N; k++)
        norm += (double)x[k] * x[k];
    for (int k = 0; k < N; k++)
        x[k] = (float)(x[k] * sqrt(N / norm));
}

static float *pattern_at(const field *s, int64_t mu)
{
    return s->panels + mu / DAM_PANEL * DAM_PANEL * s->N + mu % DAM_PANEL;
}

/* The state i: on a pattern, near one, between two, anywhere, opposite to one. */
static void place_state(const field *s, int64_t i, const float *eta, float *x)
{
    static const double noise[] = {0, 0.03, 0.3, 0.1, 1, 3, 0.1};
    const float *a = pattern_at(s, (i * 13) % s->M), *b = pattern_at(s, (i * 29 + 1) % s->M);
    const double sign = i % 7 == 6 ? -1 : 1, half = i % 7 == 3 ? 0.9 : 0;

    for (int k = 0; k < s->N; k++)
        x[k] = (float)(sign * a[(int64_t)k * DAM_PANEL] + half * b[(int64_t)k * DAM_PANEL] +
                       noise[i % 7] * eta[k]);
    onto_sphere(s->N, x);
}

/* The reference's L of a state. */
static double reference_L(const field *s, const float *x, weights *w)
{
    const int64_t blocks = (s->M + DAM_BLOCK - 1) / DAM_BLOCK;
    dam_block_sum *sums = calloc((size_t)blocks, sizeof *sums);
    const dam_kernels *kernels;
    double L;

    dam_kernels_named("scalar", &kernels, &(dam_error){0});
    *w = (weights){0, 0, 0};
    for (int64_t mu = 0; mu < s->M; mu++) {
        const float *xi = pattern_at(s, mu);
        double dot = 0;
        for (int k = 0; k < s->N; k++)
            dot += (double)x[k] * xi[(int64_t)k * DAM_PANEL];
        s->phi[mu] = dot / s->N;
        w->count += 1 - s->f.b * (1 - s->phi[mu]) > s->f.epsilon - 1e-4 * s->f.b;
        w->absolute += pow(fabs(s->phi[mu]), s->f.k);
    }
    for (int64_t b = 0; b < blocks; b++) {
        int64_t n = s->M - b * DAM_BLOCK < DAM_BLOCK ? s->M - b * DAM_BLOCK : DAM_BLOCK;
        sums[b] = kernels->reduce(&s->f, s->phi + b * DAM_BLOCK, n);
        w->sum += sums[b].sum;
    }
    L = dam_combine_blocks(&s->f, sums, blocks);
    free(sums);
    return L;
}

static field field_make(dam_hamiltonian h, int N, int64_t M, int64_t states, uint64_t seed)
{
    const int64_t panels = (M + DAM_PANEL - 1) / DAM_PANEL;
    field s = {.f = dam_reference_of(&h, N), .N = N, .M = M, .states = states};
    float *eta = malloc((size_t)N * sizeof *eta);
    const dam_kernels *k;

    dam_kernels_get(&k, &(dam_error){0});
    s.panels = room(panels * N * DAM_PANEL * (int64_t)sizeof(float));
    s.x = malloc((size_t)(states * N) * sizeof(float));
    s.slot = malloc((size_t)states * sizeof *s.slot);
    s.near = malloc((size_t)states * sizeof *s.near);
    s.phi = malloc((size_t)M * sizeof *s.phi);
    memset(s.panels, 0, (size_t)(panels * N * DAM_PANEL) * sizeof(float));
    for (int64_t mu = 0; mu < M; mu++) {
        k->normals((dam_stream){seed, (uint64_t)mu}, N, 0, eta);
        onto_sphere(N, eta);
        for (int i = 0; i < N; i++)
            pattern_at(&s, mu)[(int64_t)i * DAM_PANEL] = eta[i];
    }
    for (int64_t i = 0; i < states; i++) {
        s.slot[i] = states - 1 - i;
        k->normals((dam_stream){seed + 1, (uint64_t)i}, N, 0, eta);
        place_state(&s, i, eta, s.x + s.slot[i] * N);
    }
    free(eta);
    return s;
}

static void field_free(field *s)
{
    free(s->panels);
    free(s->x);
    free(s->slot);
    free(s->near);
    free(s->phi);
}

/* The width that docs/numerics.md promises, where `near` is within a few of L. */
static double promised_width(const field *s, const weights *w, const dam_kernels *kernels)
{
    const double N = s->N, k = s->f.k, M = (double)s->M;
    const double overlap = (fmin(N, 64) + ceil(N / 64) + 3) * UNIT;
    const double sum = (34.0 * DAM_PANEL / kernels->single->strip + 3) * UNIT;

    switch (s->f.kernel) {
    case DAM_LSE:
        return 2.05 * (s->f.c * overlap + 6e-6 + sum) + 1e-9;
    case DAM_LSR:
        return 2.05 * (w->count * (s->f.b * overlap + (3 + s->f.b) * UNIT) / w->sum + sum) + 1e-9;
    default:
        return 2.05 * N *
               (k * overlap * pow(M, 1 / k) * pow(w->absolute + 1e-5, 1 - 1 / k) +
                (k * UNIT + sum) * w->absolute + 1e-30);
    }
}

/* The same for the fine pass, which must be good for energies: half a width of 0.9e-6 c. */
static int64_t fine_violations(field *s, dam_pass *pass, const double *exact, const double off[5],
                               bool widths)
{
    int64_t outside = 0;

    pass->fine = true;
    CHECK(dam_single_pass(pass), "interrupted");
    for (int64_t i = 0; i < s->states; i++) {
        const dam_interval L = pass->L[i];
        outside += !(L.low <= exact[i] && exact[i] <= L.high);
        if (widths && s->f.kernel == DAM_LSE && s->f.c > 20 && fabs(off[i % 5]) < 1)
            CHECK(L.high - L.low <= 1.8e-6 * s->f.c, "%s: N %d, M %lld: fine width %g c",
                  pass->kernels->name, s->N, (long long)s->M, (L.high - L.low) / s->f.c);
    }
    return outside;
}

/* States whose L is outside of its interval; widths are checked where they are promised. */
static int64_t violations(field *s, const dam_kernels *kernels, bool widths)
{
    static const double off[] = {0, 0.5, -3, 12, -20};
    void *scratch = room((int64_t)dam_single_scratch(s->N, s->states));
    dam_interval *L = malloc((size_t)s->states * sizeof *L);
    double *exact = malloc((size_t)s->states * sizeof *exact);
    weights *w = malloc((size_t)s->states * sizeof *w);
    dam_pass pass = {.kernels = kernels,
                     .reference = &s->f,
                     .N = s->N,
                     .M = s->M,
                     .panels = s->panels,
                     .x = s->x,
                     .slot = s->slot,
                     .states = s->states,
                     .near = s->near,
                     .scratch = scratch,
                     .L = L};
    int64_t outside = 0;

    for (int64_t i = 0; i < s->states; i++) {
        exact[i] = reference_L(s, s->x + s->slot[i] * s->N, w + i);
        s->near[i] = exact[i] + off[i % 5];
    }
    CHECK(dam_single_pass(&pass), "interrupted");
    for (int64_t i = 0; i < s->states; i++) {
        const double width = L[i].high - L[i].low;
        const double promised = promised_width(s, w + i, kernels);
        outside += !(L[i].low <= exact[i] && exact[i] <= L[i].high);
        if (widths && (s->f.kernel != DAM_LSR || promised < 0.1))
            CHECK(width <= promised, "%s: N %d, M %lld, state %lld: width %g, promised %g",
                  kernels->name, s->N, (long long)s->M, (long long)i, width, promised);
        if (exact[i] == -HUGE_VAL && w[i].count == 0)
            CHECK(L[i].low == -HUGE_VAL && L[i].high == -HUGE_VAL,
                  "no pattern supports the state, yet L is in [%g, %g]", L[i].low, L[i].high);
    }
    outside += fine_violations(s, &pass, exact, off, widths);
    free(scratch);
    free(L);
    free(exact);
    free(w);
    return outside;
}

static const int dimensions[] = {1, 2, 3, 17, 24, 47, 49, 63, 64, 65, 100, 129, 300};
static const int numbers[] = {1, 31, 32, 33, 97, 1023, 1024, 1025, 2500};
#define LENGTH(a) ((int)(sizeof a / sizeof a[0]))

/* The hamiltonian of case i, of all kernels in turn. */
static dam_hamiltonian hamiltonian_of(int i, const uint32_t w[4])
{
    const double u = w[2] * 0x1p-32;

    switch (i % 5) {
    case 0:
        return (dam_hamiltonian){.kernel = DAM_LSE, .beta_net = i % 15 ? 0.3 + 2 * u : 100 * u + 1};
    case 1:
        return (dam_hamiltonian){.kernel = DAM_LSR, .b = 1.2 + 8 * u};
    case 2:
        return (dam_hamiltonian){
            .kernel = DAM_LSR, .beta_net = 0.02 + u, .epsilon = i % 2 ? 0.5 * u * u : 0};
    default:
        return (dam_hamiltonian){.kernel = DAM_POLYNOMIAL,
                                 .k = i % 5 == 3 ? 2 + (int)(w[3] % 99) : 2 + (int)(w[3] % 5)};
    }
}

static void check_containment(int cases)
{
    const dam_kernels *kernels;

    for (int i = 0; i < cases; i++) {
        uint32_t w[4];
        dam_words((dam_stream){31, 7}, (uint64_t)i, w);
        const int N = dimensions[w[0] % LENGTH(dimensions)];
        const int64_t M = numbers[w[1] % LENGTH(numbers)];
        const dam_hamiltonian h = hamiltonian_of(i, w);
        field s = field_make(h, N, M, 1 + i % 27, 500 + (uint64_t)i);
        FOR_EACH_ISA(kernels)
        {
            const int64_t found = violations(&s, kernels, true);
            CHECK(found == 0, "%s: kernel %d, N %d, M %lld, case %d: %lld values outside",
                  kernels->name, h.kernel, N, (long long)M, i, (long long)found);
        }
        field_free(&s);
    }
}

/* Retrieval at the shapes that matter, where rounding is all that the interval is about. */
static int64_t violations_in_retrieval(const dam_kernels *kernels, dam_kernel kernel, bool widths)
{
    static const int shapes[][2] = {{24, 3000}, {50, 2000}, {200, 700}};
    int64_t found = 0;

    for (int i = 0; i < LENGTH(shapes); i++) {
        const dam_hamiltonian h = {
            .kernel = kernel, .beta_net = 1, .b = kernel == DAM_LSR ? 3.41 : 0, .k = 21};
        field s = field_make(h, shapes[i][0], shapes[i][1], 60, 90 + (uint64_t)i);
        found += violations(&s, kernels, widths);
        field_free(&s);
    }
    return found;
}

/* Any `near` is allowed, and factors that single precision cannot hold. */
static void check_odd_inputs(void)
{
    static const double odd[] = {HUGE_VAL, -HUGE_VAL, 1e300, -1e300, -5000, 5000, -150, 150};
    static const double factors[] = {1e-40, 1e-25, 1e-12, 1e6, 1e18, 1e25, 1e45};
    const dam_kernels *kernels;

    for (int i = 0; i < LENGTH(factors) + 1; i++) {
        dam_hamiltonian h = {.kernel = DAM_LSE, .beta_net = i ? factors[i - 1] : 1};
        field s = field_make(h, 20, 70, 9, 3);
        dam_interval L[9];
        FOR_EACH_ISA(kernels)
        {
            void *scratch = room((int64_t)dam_single_scratch(20, 9));
            dam_pass pass = {.kernels = kernels,
                             .reference = &s.f,
                             .N = 20,
                             .M = 70,
                             .panels = s.panels,
                             .x = s.x,
                             .slot = s.slot,
                             .states = 9,
                             .near = s.near,
                             .scratch = scratch,
                             .L = L};
            for (int j = 0; j < 9; j++)
                s.near[j] = j < 8 ? odd[j] : NAN;
            CHECK(dam_single_pass(&pass), "interrupted");
            for (int j = 0; j < 9; j++) {
                weights w;
                const double exact = reference_L(&s, s.x + s.slot[j] * 20, &w);
                CHECK(L[j].low <= exact && exact <= L[j].high,
                      "%s: beta_net %g, near %g: %g is outside of [%g, %g]", kernels->name,
                      h.beta_net, s.near[j], exact, L[j].low, L[j].high);
            }
            free(scratch);
        }
        field_free(&s);
    }
}

/* Where terms drop out of the range of singles, at either end. */
static void check_range(void)
{
    const dam_hamiltonian h = {.kernel = DAM_LSE, .beta_net = 1};
    field s = field_make(h, 90, 1, 60, 3);
    void *scratch = room((int64_t)dam_single_scratch(90, 60));
    double exact[60];
    dam_interval L[60];
    const dam_kernels *kernels;
    weights w;

    for (int i = 0; i < 60; i++) {
        exact[i] = reference_L(&s, s.x + s.slot[i] * 90, &w);
        s.near[i] = exact[i] + (i % 2 ? 80 : -80) + (i - 30) * (i % 2 ? 0.25 : -0.3);
    }
    FOR_EACH_ISA(kernels)
    {
        dam_pass pass = {.kernels = kernels,
                         .reference = &s.f,
                         .N = 90,
                         .M = 1,
                         .panels = s.panels,
                         .x = s.x,
                         .slot = s.slot,
                         .states = 60,
                         .near = s.near,
                         .scratch = scratch,
                         .L = L};
        CHECK(dam_single_pass(&pass), "interrupted");
        for (int i = 0; i < 60; i++)
            CHECK(L[i].low <= exact[i] && exact[i] <= L[i].high,
                  "%s: near is off by %g: %.12g is outside of [%.12g, %.12g]", kernels->name,
                  s.near[i] - exact[i], exact[i], L[i].low, L[i].high);
    }
    free(scratch);
    field_free(&s);
}

static void check_interruption(void)
{
    const dam_hamiltonian h = {.kernel = DAM_LSE, .beta_net = 1};
    field s = field_make(h, 10, 100, 5, 1);
    dam_interval L[5];
    void *scratch = room((int64_t)dam_single_scratch(10, 5));
    const dam_kernels *kernels;
    dam_pass pass = {.reference = &s.f,
                     .N = 10,
                     .M = 100,
                     .panels = s.panels,
                     .x = s.x,
                     .slot = s.slot,
                     .states = 5,
                     .near = s.near,
                     .scratch = scratch,
                     .L = L};

    dam_kernels_get(&kernels, &(dam_error){0});
    pass.kernels = kernels;
    memset(s.near, 0, 5 * sizeof *s.near);
    pass.states = 0;
    CHECK(dam_single_pass(&pass), "no states are no work");
    pass.states = 5;
    dam_interrupt_raise();
    CHECK(!dam_single_pass(&pass), "an interrupted pass says that it is complete");
    dam_interrupt_clear();
    CHECK(dam_single_pass(&pass), "not complete after an interruption");
    free(scratch);
    field_free(&s);
}

/*
 * Largest relative error of 2^y, over every `step`-th single in [from, to) and its negative: one
 * pattern of dimension 1, a tile of states.
 */
static double exponential_error(const dam_single_loops *loops, bool fine, float from, float to,
                                uint32_t step)
{
    const dam_single_terms terms = {.kernel = DAM_LSE, .scale = 1, .fine = fine};
    _Alignas(64) float pattern[DAM_PANEL] = {1}, start[DAM_PANEL], y[32], offset[32] = {0};
    double worst = 0;

    for (int i = 0; i < DAM_PANEL; i++)
        start[i] = i ? -1e30f : 0;
    for (uint32_t bits = dam_bits32(from); bits < dam_bits32(to); bits += step) {
        dam_single_sum sum[32] = {{0, 0}};
        for (int j = 0; j < loops->tile; j++)
            y[j] = dam_float(bits + step * (uint32_t)(j / 2)) * (j % 2 ? -1.0f : 1.0f);
        loops->add(&terms, pattern, 1, 1, y, loops->tile, start, offset, pattern, 0, sum);
        for (int j = 0; j < loops->tile; j++)
            worst = fmax(worst, fabs(sum[j].sum / exp2(y[j]) - 1));
        bits += step * (uint32_t)(loops->tile / 2 - 1);
    }
    return worst;
}

static void check_exponential(void)
{
    const uint32_t step = getenv("DAM_TEST_EXHAUSTIVE") ? 1 : 37;
    const dam_kernels *kernels;

    FOR_EACH_ISA(kernels)
    {
        const double fractions = exponential_error(kernels->single, false, 0x1p-10f, 1, step);
        const double all = exponential_error(kernels->single, false, 1, 90, step);
        printf("%s: 2^y is off by %.3g at most\n", kernels->name, fmax(fractions, all));
        CHECK(fmax(fractions, all) < DAM_EXP2_ERROR, "%s: 2^y is off by %g, %g", kernels->name,
              fractions, all);
        const double fine = fmax(exponential_error(kernels->single, true, 0x1p-10f, 1, step),
                                 exponential_error(kernels->single, true, 1, 90, step));
        CHECK(fine < DAM_EXP2_FINE_ERROR, "%s: the fine 2^y is off by %g", kernels->name, fine);
        CHECK(fractions > 0.5 * DAM_EXP2_ERROR, "%s: only %g was found", kernels->name, fractions);
    }
}

int main(void)
{
    const char *cases = getenv("DAM_TEST_CELLS");
    const bool shrunk = DAM_SINGLE_SHRINK < 1;
    const dam_kernels *kernels;

    FOR_EACH_ISA(kernels)
    {
        for (int kernel = DAM_LSE; kernel <= DAM_POLYNOMIAL; kernel++) {
            const int64_t found = violations_in_retrieval(kernels, (dam_kernel)kernel, !shrunk);
            CHECK(shrunk ? found > 0 : found == 0, "%s: kernel %d: %lld values outside",
                  kernels->name, kernel, (long long)found);
        }
    }
    if (!shrunk) {
        check_containment(cases ? atoi(cases) : CHECK_SANITIZED ? 100 : 400);
        check_odd_inputs();
        check_range();
        check_interruption();
        if (!CHECK_SANITIZED) /* every power of two there is */
            check_exponential();
    }
    return check_finish();
}
