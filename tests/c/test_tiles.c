/*
 * The pass on matrix units: its interval contains the reference's L for states near a pattern,
 * between patterns and anywhere, at odd N and M; it is as narrow as docs/numerics.md says; and
 * claims made smaller than they are proven are caught by the same check. Skipped without the units.
 */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "fused.h"
#include "memory.h"
#include "patterns.h"
#include "sphere.h"

typedef struct {
    dam_patterns *p;
    const dam_kernels *kernels;
    dam_reference f;
    float *panels;
} field;

static void *get(uint64_t bytes)
{
    void *memory;
    dam_error e;

    CHECK(dam_alloc(&memory, bytes, 1, "test", "", &e) == DAM_OK, "no memory");
    return memory;
}

static field field_make(dam_hamiltonian h, int N, int64_t M, uint64_t seed)
{
    field s;
    dam_error e = {DAM_OK, ""};
    float *rows = get((uint64_t)N * DAM_PANEL * sizeof *rows);

    CHECK(dam_patterns_draw(&s.p, N, M, 1, 1, seed, &e) == DAM_OK, "%s", e.message);
    CHECK(dam_kernels_get(&s.kernels, &e) == DAM_OK, "%s", e.message);
    s.f = dam_reference_of(&h, N);
    s.panels = get(dam_patterns_bytes(s.p));
    for (int64_t i = 0; i < dam_patterns_panels(s.p); i++)
        dam_patterns_fill_panel(s.p, s.kernels, 0, i, rows, s.panels + i * N * DAM_PANEL);
    dam_free(rows);
    return s;
}

static void field_free(field *s)
{
    dam_patterns_release(s->p);
    dam_free(s->panels);
}

static double reference_L(const field *s, const float *x)
{
    const int N = s->p->N;
    const int64_t M = s->p->M, blocks = (M + DAM_BLOCK - 1) / DAM_BLOCK;
    dam_block_sum *sums = get((uint64_t)blocks * sizeof *sums);
    double *phi = get(DAM_BLOCK * sizeof *phi), *state = get((uint64_t)N * sizeof *state), L;

    for (int k = 0; k < N; k++)
        state[k] = x[k];
    for (int64_t b = 0; b < blocks; b++) {
        int64_t n = M - b * DAM_BLOCK < DAM_BLOCK ? M - b * DAM_BLOCK : DAM_BLOCK;
        s->kernels->overlaps(s->panels + b * DAM_BLOCK * N, (n + DAM_PANEL - 1) / DAM_PANEL, N,
                             state, 1, phi);
        sums[b] = s->kernels->reduce(&s->f, phi, n);
    }
    L = dam_combine_blocks(&s->f, sums, blocks);
    dam_free(sums);
    dam_free(phi);
    dam_free(state);
    return L;
}

/* A state at alignment phi with pattern mu, on the way to a random direction. */
static void state_at(const field *s, int64_t mu, double phi, uint64_t number, float *x)
{
    const int N = s->p->N;
    float *n = get((uint64_t)N * sizeof *n);
    double dot = 0, norm = 0, all = 0;

    s->kernels->normals((dam_stream){99, number}, N, 0, n);
    dam_patterns_rows(s->p, s->kernels, 0, mu, 1, x);
    for (int k = 0; k < N; k++)
        dot += (double)n[k] * x[k] / N;
    for (int k = 0; k < N; k++)
        norm += pow(n[k] - dot * x[k], 2);
    for (int k = 0; k < N; k++) {
        double side = norm > 0 ? (n[k] - dot * x[k]) * sqrt(N / norm) : 0;
        x[k] = (float)(phi * x[k] + sqrt(1 - phi * phi) * side);
        all += (double)x[k] * x[k];
    }
    for (int k = 0; k < N; k++)
        x[k] = (float)(x[k] * sqrt(N / all));
    dam_free(n);
}

/*
 * States outside of their intervals; `*narrow` counts those outside of a hundredth of them; the
 * widest interval is in `*width`.
 */
static int violations(const field *s, int64_t states, double *width, int *narrow)
{
    const int N = s->p->N;
    const int64_t M = s->p->M;
    float *x = get((uint64_t)states * N * sizeof *x);
    int64_t *slot = get((uint64_t)states * sizeof *slot);
    double *near = get((uint64_t)states * sizeof *near), *L = get((uint64_t)states * sizeof *L);
    dam_interval *out = get((uint64_t)states * sizeof *out);
    void *scratch = get(dam_tiles_scratch(N, states));
    int outside = 0;
    const dam_pass pass = {.kernels = s->kernels,
                           .reference = &s->f,
                           .N = N,
                           .M = M,
                           .panels = s->panels,
                           .x = x,
                           .slot = slot,
                           .states = states,
                           .near = near,
                           .scratch = scratch,
                           .L = out};

    for (int64_t i = 0; i < states; i++) {
        slot[i] = states - 1 - i;
        state_at(s, (i * 7) % M, N > 1 && i % 4 == 3 ? 0 : 1.0 - 0.07 * (double)(i % 13),
                 (uint64_t)i, x + slot[i] * N);
        L[i] = reference_L(s, x + slot[i] * N);
        near[i] = isfinite(L[i]) ? L[i] + (double)(i % 5 - 2) : 0;
    }
    CHECK(dam_tiles_pass(&pass), "interrupted");
    *width = 0;
    for (int64_t i = 0; i < states; i++) {
        outside += !(out[i].low <= L[i] && L[i] <= out[i].high);
        *narrow +=
            fabs(L[i] - 0.5 * (out[i].low + out[i].high)) > 0.005 * (out[i].high - out[i].low);
        if (out[i].high > -HUGE_VAL && out[i].low > -HUGE_VAL)
            *width = fmax(*width, out[i].high - out[i].low);
    }
    dam_free(x);
    dam_free(slot);
    dam_free(near);
    dam_free(L);
    dam_free(out);
    dam_free(scratch);
    return outside;
}

static int narrow;

static void check_shape(dam_hamiltonian h, int N, int64_t M, int64_t states)
{
    char text[80];
    field s = field_make(h, N, M, 3 + (uint64_t)N);
    double width;
    int outside = violations(&s, states, &width, &narrow);

    dam_hamiltonian_describe(&h, text, sizeof text);
    CHECK(outside == 0, "%s, N = %d, M = %lld: %d of %lld states outside", text, N, (long long)M,
          outside, (long long)states);
    if (h.kernel == DAM_LSE)
        CHECK(width < 1e-5 + 1.2e-4 * h.beta_net * N, "%s, N = %d: width %g", text, N, width);
    field_free(&s);
}

int main(void)
{
    const dam_hamiltonian lse = {.kernel = DAM_LSE, .beta_net = 1};
    const dam_hamiltonian sharp = {.kernel = DAM_LSE, .beta_net = 6};
    const dam_hamiltonian lsr = {.kernel = DAM_LSR, .b = 3.41};
    const dam_hamiltonian soft = {.kernel = DAM_LSR, .b = 3.41, .epsilon = 1e-3};
    const int N[] = {1, 2, 3, 17, 24, 33, 47, 64, 65, 99, 301};
    const int64_t M[] = {1, 2, 31, 33, 1023, 3001};

    if (!dam_tiles_usable()) {
        printf("this processor has no matrix units: skipped\n");
        return 77;
    }
    for (size_t n = 0; n < sizeof N / sizeof *N; n++)
        for (size_t m = 0; m < sizeof M / sizeof *M; m++) {
            const int64_t states = 1 + (int64_t)(n * 7 + m * 11) % 49;
            check_shape(lse, N[n], M[m], states);
            check_shape(sharp, N[n], M[m], states);
            check_shape(lsr, N[n], M[m], states);
            check_shape(soft, N[n], M[m], states);
        }
    check_shape(lse, 990, 5000, 20);
    CHECK(narrow > 0, "intervals a hundred times too narrow are not caught");
    return check_finish();
}
