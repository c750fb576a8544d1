#include "observables.h"

#include <stdlib.h>

#include "interrupt.h"
#include "memory.h"

void dam_panel_overlaps(const float *panel, int N, const double *x, double *phi)
{
    double sum[DAM_PANEL] = {0};

    for (int64_t k = 0; k < N; k++)
#pragma omp simd
        for (int j = 0; j < DAM_PANEL; j++)
            sum[j] += x[k] * (double)panel[k * DAM_PANEL + j];
    for (int j = 0; j < DAM_PANEL; j++)
        phi[j] = sum[j] / N;
}

/* Room for one panel and for the rows that it is made from. */
typedef struct {
    float *panel, *rows;
} scratch;

static dam_status scratch_make(scratch *s, int N, dam_error *e)
{
    void *memory;
    dam_status status = dam_alloc(&memory, (uint64_t)N * DAM_PANEL * 2, sizeof(float),
                                  "room for patterns", "lower N", e);

    if (status)
        return status;
    s->panel = memory;
    s->rows = s->panel + (int64_t)N * DAM_PANEL;
    return DAM_OK;
}

dam_status dam_overlaps(const dam_patterns *p, const dam_kernels *kernels, int64_t index,
                        const double *x, double *out, dam_error *e)
{
    scratch s;
    double phi[DAM_PANEL];

    if (scratch_make(&s, p->N, e))
        return e->status;
    for (int64_t panel = 0; panel < dam_patterns_panels(p); panel++) {
        dam_patterns_fill_panel(p, kernels, index, panel, s.rows, s.panel);
        dam_panel_overlaps(s.panel, p->N, x, phi);
        for (int64_t j = 0; j < DAM_PANEL && panel * DAM_PANEL + j < p->M; j++)
            out[panel * DAM_PANEL + j] = phi[j];
        if (dam_interrupted()) {
            dam_free(s.panel);
            return dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
        }
    }
    dam_free(s.panel);
    return DAM_OK;
}

dam_status dam_energies(const dam_hamiltonian *h, const dam_patterns *p, const dam_kernels *kernels,
                        int64_t index, int64_t n, const double *x, double *out, dam_error *e)
{
    const dam_reference f = dam_reference_of(h, p->N);
    const double beta_net = dam_hamiltonian_beta_net(h, p->N);
    const int64_t panels = dam_patterns_panels(p);
    const int64_t blocks = (panels + DAM_BLOCK_PANELS - 1) / DAM_BLOCK_PANELS;
    double *phi = NULL;
    dam_block_sum *sums = NULL;
    void *memory;
    scratch s = {0};

    if (dam_alloc(&memory, (uint64_t)n * DAM_BLOCK, sizeof(double), "overlaps of the states",
                  "give fewer states at a time", e))
        goto done;
    phi = memory;
    if (dam_alloc(&memory, (uint64_t)(n * blocks), sizeof *sums, "sums of the states",
                  "give fewer states at a time", e))
        goto done;
    sums = memory;
    if (scratch_make(&s, p->N, e))
        goto done;
    for (int64_t panel = 0; panel < panels; panel++) {
        const int64_t block = panel / DAM_BLOCK_PANELS, inside = panel % DAM_BLOCK_PANELS;
        const bool last = inside == DAM_BLOCK_PANELS - 1 || panel == panels - 1;
        dam_patterns_fill_panel(p, kernels, index, panel, s.rows, s.panel);
        for (int64_t i = 0; i < n; i++) {
            dam_panel_overlaps(s.panel, p->N, x + i * p->N,
                               phi + i * DAM_BLOCK + inside * DAM_PANEL);
            if (last) {
                int64_t left = p->M - block * DAM_BLOCK;
                sums[i * blocks + block] =
                    kernels->reduce(&f, phi + i * DAM_BLOCK, left < DAM_BLOCK ? left : DAM_BLOCK);
            }
        }
        if (dam_interrupted()) {
            dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
            goto done;
        }
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = dam_energy_of(dam_combine_blocks(&f, sums + i * blocks, blocks), beta_net);
    e->status = DAM_OK;
done:
    dam_free(phi);
    dam_free(sums);
    dam_free(s.panel);
    return e->status;
}

dam_status dam_gram(const dam_patterns *p, const dam_kernels *kernels, int64_t index, double *out,
                    dam_error *e)
{
    void *memory;
    float *rows;

    if (dam_alloc(&memory, (uint64_t)p->M, (uint64_t)p->N * sizeof(float), "the patterns",
                  "lower M", e))
        return e->status;
    rows = memory;
    dam_patterns_rows(p, kernels, index, 0, p->M, rows);
    for (int64_t a = 0; a < p->M && !dam_interrupted(); a++)
        for (int64_t b = 0; b <= a; b++) {
            double g = kernels->dot(p->N, rows + a * p->N, rows + b * p->N) / p->N;
            out[a * p->M + b] = out[b * p->M + a] = g;
        }
    dam_free(rows);
    return dam_interrupted() ? dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted") : DAM_OK;
}
