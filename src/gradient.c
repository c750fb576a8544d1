#include "gradient.h"

#include "interrupt.h"
#include "memory.h"
#include "observables.h"
#include "panels.h"

/* Weights this far below the largest change no digit of a sum, however many there are. */
#define NEGLIGIBLE 1e-30

dam_status dam_slope_make(dam_slope *s, const dam_hamiltonian *h, const dam_patterns *p,
                          const dam_kernels *kernels, dam_error *e)
{
    const int64_t padded = dam_patterns_panels(p) * DAM_PANEL;
    const int64_t blocks = (p->M + DAM_BLOCK - 1) / DAM_BLOCK;
    dam_status status;

    *s = (dam_slope){.reference = dam_reference_of(h, p->N),
                     .kernels = kernels,
                     .N = p->N,
                     .M = p->M,
                     .beta_net = dam_hamiltonian_beta_net(h, p->N)};
    status = dam_alloc(&s->memory,
                       (uint64_t)(2 * padded + (int64_t)p->N * DAM_PANEL) * sizeof(double) +
                           (uint64_t)blocks * sizeof(dam_block_sum),
                       1, "room for alignments", "lower M, N or the number of threads", e);
    if (status)
        return status;
    s->phi = s->memory;
    s->weight = s->phi + padded;
    s->lanes = s->weight + padded;
    s->sums = (dam_block_sum *)(s->lanes + (int64_t)p->N * DAM_PANEL);
    return DAM_OK;
}

void dam_slope_free(dam_slope *s)
{
    dam_free(s->memory);
    s->memory = NULL;
}

bool dam_slope_energy(dam_slope *s, const double *x, double *energy)
{
    const int64_t stride = (int64_t)s->N * DAM_PANEL;
    int64_t blocks = 0;

    for (int64_t mu = 0; mu < s->M; mu += DAM_BLOCK, blocks++) {
        const int64_t n = s->M - mu < DAM_BLOCK ? s->M - mu : DAM_BLOCK;
        for (int64_t i = 0; i < n; i += DAM_PANEL)
            dam_panel_overlaps(s->panels + (mu + i) / DAM_PANEL * stride, s->N, x, s->phi + mu + i);
        s->sums[blocks] = s->kernels->reduce(&s->reference, s->phi + mu, n);
        if (dam_interrupted())
            return false;
    }
    s->L = dam_combine_blocks(&s->reference, s->sums, blocks);
    *energy = dam_energy_of(s->L, s->beta_net);
    return true;
}

/* Fills s->weight; the factor they all lack is returned. */
static double fill_weights(dam_slope *s)
{
    const double *restrict phi = s->phi;
    double *restrict weight = s->weight;
    const int64_t M = s->M;
    dam_reference f = s->reference;
    double max = phi[0], sum = 0;

    switch (f.kernel) {
    case DAM_LSE:
        for (int64_t mu = 1; mu < M; mu++)
            max = phi[mu] > max ? phi[mu] : max;
#pragma omp simd
        for (int64_t mu = 0; mu < M; mu++)
            weight[mu] = dam_term_lse(&f, max, phi[mu]);
        for (int64_t mu = 0; mu < M; mu++)
            sum += weight[mu];
        return 1 / sum;
    case DAM_LSR:
        for (int64_t mu = 0; mu < M; mu++)
            weight[mu] = 1.0 - f.b * (1.0 - phi[mu]) > f.epsilon;
        for (int64_t b = 0; b * DAM_BLOCK < M; b++)
            sum += s->sums[b].sum;
        return 1 / sum;
    default:
        f.k--; /* of the derivative */
        for (int64_t mu = 0; mu < M; mu++)
            weight[mu] = dam_term_polynomial(&f, phi[mu]);
        return f.k + 1;
    }
}

void dam_slope_direction(dam_slope *s, double *out, double *scale)
{
    const int64_t N = s->N;
    double largest = 0;

    *scale = fill_weights(s);
    for (int64_t mu = 0; mu < s->M; mu++)
        largest = fmax(largest, fabs(s->weight[mu]));
    for (int64_t i = 0; i < N * DAM_PANEL; i++)
        s->lanes[i] = 0;
    for (int64_t mu = 0; mu < s->M; mu += DAM_PANEL) {
        const float *panel = s->panels + mu * N;
        const double *w = s->weight + mu;
        double most = 0;
        for (int j = 0; j < DAM_PANEL; j++)
            most = fmax(most, fabs(w[j]));
        if (!(most > NEGLIGIBLE * largest))
            continue;
        for (int64_t k = 0; k < N; k++)
#pragma omp simd
            for (int j = 0; j < DAM_PANEL; j++)
                s->lanes[k * DAM_PANEL + j] += w[j] * (double)panel[k * DAM_PANEL + j];
    }
    for (int64_t k = 0; k < N; k++)
        out[k] = dam_add_panel_lanes(s->lanes + k * DAM_PANEL);
}

dam_status dam_gradients(const dam_hamiltonian *h, const dam_patterns *p,
                         const dam_kernels *kernels, int64_t index, int64_t n, const double *x,
                         double *out, dam_error *e)
{
    dam_panels panels = {NULL, 0, 0, 0};
    dam_slope s = {.memory = NULL};
    double energy, scale;

    if (dam_panels_make(&panels, p, kernels, index, 1, e) || dam_slope_make(&s, h, p, kernels, e))
        goto done;
    s.panels = dam_panels_of(&panels, p, index);
    e->status = DAM_OK;
    for (int64_t i = 0; i < n; i++, x += p->N, out += p->N) {
        if (!dam_slope_energy(&s, x, &energy)) {
            dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
            goto done;
        }
        dam_slope_direction(&s, out, &scale);
        for (int k = 0; k < p->N; k++)
            out[k] *= isfinite(energy) ? -scale : NAN;
    }
done:
    dam_slope_free(&s);
    dam_panels_drop(&panels);
    return e->status;
}
