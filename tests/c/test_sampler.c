/*
 * The sampler against a second program for the same chains, written from the definitions alone: one
 * chain at a time, one pattern at a time, with no gangs, panels, waves or threads. Decisions,
 * states, averages and digests must be equal to the bit.
 */
#include <stdlib.h>

#include "check.h"
#include "interrupt.h"
#include "sampler.h"
#include "sphere.h"

/* ---- the second program ---- */

static double lanes_dot(int N, const float *x, const float *y)
{
    double lane[DAM_LANES] = {0};

    for (int k = 0; k < N; k++)
        lane[k % DAM_LANES] += (double)x[k] * y[k];
    return dam_add_lanes(lane);
}

static void plain_pattern(const dam_patterns *p, int64_t d, int64_t mu, float *xi)
{
    dam_stream s = dam_pattern_stream(p->seed, (uint64_t)p->N, (uint64_t)d, (uint64_t)mu);
    double factor;

    for (int k = 0; k < p->N; k++) {
        uint32_t w[4];
        float n[4];
        dam_words(s, (uint64_t)k / 4, w);
        dam_normal_pair(w[0], w[1], &n[0], &n[1]);
        dam_normal_pair(w[2], w[3], &n[2], &n[3]);
        xi[k] = n[k % 4];
    }
    factor = sqrt(p->N / lanes_dot(p->N, xi, xi));
    for (int k = 0; k < p->N; k++)
        xi[k] = (float)(xi[k] * factor);
}

/* L of a state, and its alignment with pattern 1. */
static double plain_L(const dam_reference *f, int N, int64_t M, const float *xi, const float *x,
                      double *phi1)
{
    const int64_t blocks = (M + DAM_BLOCK - 1) / DAM_BLOCK;
    dam_block_sum *sum = calloc((size_t)blocks, sizeof *sum);
    double *phi = calloc((size_t)M, sizeof *phi), L;

    for (int64_t mu = 0; mu < M; mu++) {
        double dot = 0;
        for (int k = 0; k < N; k++)
            dot += (double)x[k] * xi[mu * N + k];
        phi[mu] = dot / N;
    }
    *phi1 = phi[0];
    for (int64_t b = 0; b < blocks; b++) {
        double lane[DAM_PANEL] = {0};
        const int64_t end = (b + 1) * DAM_BLOCK < M ? (b + 1) * DAM_BLOCK : M;
        sum[b].max = phi[b * DAM_BLOCK];
        for (int64_t mu = b * DAM_BLOCK; mu < end; mu++)
            sum[b].max = phi[mu] > sum[b].max ? phi[mu] : sum[b].max;
        for (int64_t mu = b * DAM_BLOCK; mu < end; mu++)
            lane[mu % DAM_PANEL] += f->kernel == DAM_LSE   ? dam_term_lse(f, sum[b].max, phi[mu])
                                    : f->kernel == DAM_LSR ? dam_term_lsr(f, phi[mu])
                                                           : dam_term_polynomial(f, phi[mu]);
        sum[b].sum = dam_add_panel_lanes(lane);
    }
    L = dam_combine_blocks(f, sum, blocks);
    free(sum);
    free(phi);
    return L;
}

/* Runs one chain of `s` from the state x; returns its digest, adds to the phi sum. */
static uint64_t plain_chain(const dam_sampler *s, int64_t t, int64_t d, int64_t r, float *x,
                            int steps, double *phi_sum, long *accepted)
{
    const int N = s->patterns->N;
    const int64_t M = s->patterns->M, number = s->patterns->first_disorder + d;
    float *xi = malloc((size_t)(M * N) * sizeof *xi),
          *proposal = malloc((size_t)N * sizeof *proposal);
    double *y = malloc((size_t)N * sizeof *y), phi, phi_new, L, L_new;
    dam_stream a = dam_chain_stream(s->seed, DAM_FOR_PROPOSAL, (uint64_t)N, (uint64_t)M, s->T[t],
                                    (uint64_t)number, (uint64_t)(s->first_replica + r));
    dam_stream b = dam_chain_stream(s->seed, DAM_FOR_ACCEPTANCE, (uint64_t)N, (uint64_t)M, s->T[t],
                                    (uint64_t)number, (uint64_t)(s->first_replica + r));
    const double beta_net = dam_hamiltonian_beta_net(&s->hamiltonian, N);
    uint64_t digest = 0x64616d6c75610001u;

    for (int64_t mu = 0; mu < M; mu++)
        plain_pattern(s->patterns, number, mu + 1, xi + mu * N);
    L = plain_L(&s->reference, N, M, xi, x, &phi);
    for (int step = 0; step < steps; step++) {
        double lane[DAM_LANES] = {0}, factor;
        uint32_t w[4];
        bool accept;
        for (int k = 0; k < N; k++) {
            float n[4];
            dam_words(a, (uint64_t)step * (((uint64_t)N + 3) / 4) + (uint64_t)k / 4, w);
            dam_normal_pair(w[0], w[1], &n[0], &n[1]);
            dam_normal_pair(w[2], w[3], &n[2], &n[3]);
            y[k] = x[k] + s->step * s->T[t] / sqrt(N) * n[k % 4];
            lane[k % DAM_LANES] += y[k] * y[k];
        }
        factor = sqrt(N / dam_add_lanes(lane));
        for (int k = 0; k < N; k++)
            proposal[k] = (float)(y[k] * factor);
        L_new = plain_L(&s->reference, N, M, xi, proposal, &phi_new);
        dam_words(b, (uint64_t)step, w);
        accept = L_new - L > s->T[t] * beta_net * dam_log(dam_uniform(w));
        if (accept) {
            memcpy(x, proposal, (size_t)N * sizeof *x);
            L = L_new;
            phi = phi_new;
        }
        *accepted += accept;
        *phi_sum += phi;
        digest = dam_absorb(digest, accept);
    }
    for (int k = 0; k < N; k++)
        digest = dam_absorb(digest, dam_bits32(x[k]));
    free(xi);
    free(proposal);
    free(y);
    return digest;
}

/* ---- the comparison ---- */

static void compare(dam_hamiltonian h, int N, int64_t M, double T, uint64_t seed, dam_start start)
{
    enum { steps = 60 };
    const double temperatures[] = {T, 0.7 * T};
    dam_error e = {DAM_OK, ""};
    dam_sampler *s;
    dam_patterns *p;
    dam_sampler_options o = {.hamiltonian = h,
                             .T = temperatures,
                             .n_T = 2,
                             .replicas = 2,
                             .first_replica = 3,
                             .seed = seed,
                             .step = 2.4,
                             .start = start};
    float *x;
    double *phi;

    CHECK(dam_patterns_draw(&p, N, M, 2, 5, seed + 1, &e) == DAM_OK, "%s", e.message);
    o.patterns = p;
    CHECK(dam_sampler_create(&s, &o, &e) == DAM_OK, "%s", e.message);
    dam_patterns_release(p);
    x = malloc((size_t)(dam_sampler_chains(s) * N) * sizeof *x);
    memcpy(x, s->x, (size_t)(dam_sampler_chains(s) * N) * sizeof *x);
    CHECK(dam_sampler_sample(s, steps, &e) == DAM_OK, "%s", e.message);
    phi = malloc((size_t)dam_sampler_chains(s) * sizeof *phi);
    dam_sampler_read(s, DAM_Q_PHI, phi);
    for (int64_t t = 0; t < 2; t++)
        for (int64_t d = 0; d < 2; d++)
            for (int64_t r = 0; r < 2; r++) {
                const int64_t c = dam_sampler_index(s, t, d, r);
                double phi_sum = 0;
                long accepted = 0;
                uint64_t digest = plain_chain(s, t, d, r, x + c * N, steps, &phi_sum, &accepted);
                CHECK(digest == dam_sampler_chain_digest(s, c),
                      "N %d M %lld T %g kernel %d: chain digest differs", N, (long long)M, T,
                      h.kernel);
                CHECK(memcmp(x + c * N, s->x + c * N, (size_t)N * sizeof *x) == 0,
                      "N %d M %lld: state differs", N, (long long)M);
                CHECK(phi_sum / steps == phi[(t * 2 + d) * 2 + r], "phi %.17g, wanted %.17g",
                      phi[(t * 2 + d) * 2 + r], phi_sum / steps);
                CHECK(accepted == (long)s->chain[c].accepted, "accepted %ld", accepted);
            }
    dam_sampler_free(s);
    free(x);
    free(phi);
}

/* Starts have the alignment that they are asked to have. */
static void check_starts(void)
{
    static const double wanted[] = {1, 0.9, 0.75, 0, -0.5, -1};
    const double T[] = {0.5};
    dam_error e = {DAM_OK, ""};

    for (int i = 0; i < 6; i++) {
        dam_patterns *p;
        dam_sampler *s;
        dam_sampler_options o = {.hamiltonian = {.kernel = DAM_LSE, .beta_net = 1},
                                 .T = T,
                                 .n_T = 1,
                                 .replicas = 50,
                                 .first_replica = 1,
                                 .seed = 3,
                                 .step = 2.4};
        double worst = 0;
        CHECK(dam_patterns_draw(&p, 17, 5, 1, 1, 1, &e) == DAM_OK, "%s", e.message);
        o.patterns = p;
        o.start.pattern[0] = -1;
        o.start.phi_min = o.start.phi_max = wanted[i];
        CHECK(dam_sampler_create(&s, &o, &e) == DAM_OK, "%s", e.message);
        for (int c = 0; c < 50; c++)
            worst = fmax(worst, fabs(s->chain[c].phi - wanted[i]));
        CHECK(worst < 1e-6, "start at phi = %g is off by %g", wanted[i], worst);
        dam_sampler_free(s);
        dam_patterns_release(p);
    }
}

/* A raised flag stops a run before its first step; finishing gives what was asked. */
static void check_interruption(void)
{
    const double T[] = {0.3, 0.5};
    dam_error e = {DAM_OK, ""};
    dam_patterns *p;
    dam_sampler *s[2];
    dam_sampler_options o = {.hamiltonian = {.kernel = DAM_LSE, .beta_net = 1},
                             .T = T,
                             .n_T = 2,
                             .replicas = 2,
                             .first_replica = 1,
                             .seed = 3,
                             .step = 2.4,
                             .start = {.phi_min = 0.8, .phi_max = 1}};
    dam_activity was;

    CHECK(dam_patterns_draw(&p, 17, 50, 3, 1, 1, &e) == DAM_OK, "%s", e.message);
    o.patterns = p;
    for (int i = 0; i < 2; i++)
        CHECK(dam_sampler_create(&s[i], &o, &e) == DAM_OK, "%s", e.message);
    dam_interrupt_raise();
    CHECK(dam_sampler_sample(s[0], 50, &e) == DAM_ERR_INTERRUPTED, "not interrupted");
    CHECK(dam_sampler_finish(s[0], &was, &e) == DAM_ERR_INTERRUPTED, "finished although raised");
    dam_interrupt_clear();
    CHECK(s[0]->steps == 0, "%llu steps", (unsigned long long)s[0]->steps);
    CHECK(dam_sampler_run(s[0], 1, &e) == DAM_ERR_STATE, "a run began while a sample waits");
    CHECK(dam_sampler_set_T(s[0], T, &e) == DAM_ERR_STATE, "set_T while a sample waits");
    CHECK(dam_sampler_finish(s[0], &was, &e) == DAM_OK && was == DAM_SAMPLING, "%s", e.message);
    CHECK(dam_sampler_sample(s[1], 50, &e) == DAM_OK, "%s", e.message);
    CHECK(dam_sampler_digest(s[0]) == dam_sampler_digest(s[1]), "digests differ after finish");
    CHECK(dam_sampler_finish(s[0], &was, &e) == DAM_OK && was == DAM_IDLE, "nothing to finish");
    for (int i = 0; i < 2; i++)
        dam_sampler_free(s[i]);
    dam_patterns_release(p);
}

int main(void)
{
    static const dam_hamiltonian h[] = {{.kernel = DAM_LSE, .beta_net = 1},
                                        {.kernel = DAM_LSE, .beta_net = 2.5},
                                        {.kernel = DAM_LSR, .b = 3.41},
                                        {.kernel = DAM_LSR, .beta_net = 1},
                                        {.kernel = DAM_LSR, .b = 6, .epsilon = 1e-3},
                                        {.kernel = DAM_POLYNOMIAL, .k = 3},
                                        {.kernel = DAM_POLYNOMIAL, .k = 2}};
    static const int N[] = {2, 3, 8, 17, 50};
    static const int M[] = {1, 2, 31, 32, 33, 300, 1025, 2100};
    const dam_start near = {.pattern = {-1}, .phi_min = 0.99, .phi_max = 1};

    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 8; j++)
            compare(h[i], N[(i + j) % 5], M[j], 0.1 + 0.13 * j, (uint64_t)(100 * i + j), near);
    check_starts();
    check_interruption();
    return check_finish();
}
