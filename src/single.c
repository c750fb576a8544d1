#include "fused.h"

#include <string.h>

#include "bounds.h"
#include "interrupt.h"
#include "memory.h"

/* Patterns that are taken at a time: what stays in the second cache while all states meet it, in
 * panels few enough for sums of their terms in single precision. */
#define BLOCK_BYTES (128 << 10)
#define BLOCK_PANELS 32

/* What takes patterns that do not exist below every floor, given a factor within these limits. */
#define NOWHERE (-1e30f)
#define LEAST_SCALE 1e-20f
#define LARGEST_SCALE 1e20f

#define LOG2_E 1.4426950408889634

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    dam_single_terms terms;
    dam_precision precision;
    int64_t tiles;
    float *states;       /* [tile][k][states of the tile] */
    float *offset;       /* [states] */
    dam_single_sum *sum; /* [states] */
    float start[2][DAM_PANEL] __attribute__((aligned(DAM_ALIGNMENT))); /* all, the last panel */
} work;

static uint64_t padded(uint64_t bytes)
{
    return (bytes + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;
}

uint64_t dam_single_scratch(int N, int64_t states)
{
    const uint64_t n = (uint64_t)states;

    return padded(n * (uint64_t)N * sizeof(float)) + padded(n * sizeof(float)) +
           padded(n * sizeof(dam_single_sum));
}

/* The next piece of the scratch. */
static void *cut(char **rest, uint64_t bytes)
{
    void *piece = *rest;

    *rest += padded(bytes);
    return piece;
}

/* First state of a tile: tiles differ by one state at most. */
static int64_t first_of(const work *w, int64_t tile)
{
    return w->pass->states * tile / w->tiles;
}

static int64_t panels_of_block(int N)
{
    const int64_t fit = BLOCK_BYTES / ((int64_t)N * DAM_PANEL * (int64_t)sizeof(float));

    return fit < 1 ? 1 : fit > BLOCK_PANELS ? BLOCK_PANELS : fit;
}

static void prepare_terms(work *w)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    const double strips = (double)(DAM_PANEL / pass->kernels->single->strip);
    const double factor = f->kernel == DAM_LSE ? f->c * LOG2_E : f->kernel == DAM_LSR ? f->b : 1.0;

    /* in a lane: strips of a block and two registers of a strip; the rest is added in double */
    w->precision = dam_single_precision(pass->N, strips * (double)panels_of_block(pass->N) + 2.0);
    w->terms.kernel = f->kernel;
    w->terms.k = f->k;
    w->terms.scale = (float)(factor / f->N);
    w->terms.margin = (float)(dam_lsr_margin(f, &w->precision) * (1.0 + 1e-6));
    memset(w->start, 0, sizeof w->start);
    if (f->kernel != DAM_POLYNOMIAL)
        for (int64_t i = pass->M % DAM_PANEL; i > 0 && i < DAM_PANEL; i++)
            w->start[1][i] = NOWHERE;
}

/* What is added to a term's argument: LSE takes the sum relative to exp(near), about. */
static float offset_of(const dam_reference *f, double near)
{
    double offset = 0;

    if (f->kernel == DAM_LSE)
        offset = rint(-(f->c + (near < HUGE_VAL && near > -HUGE_VAL ? near : 0.0)) * LOG2_E);
    else if (f->kernel == DAM_LSR)
        offset = 1.0 - f->epsilon - f->b;
    return (float)fmax(-1e30, fmin(1e30, offset));
}

static void prepare_states(work *w)
{
    const dam_pass *pass = w->pass;

    for (int64_t tile = 0; tile < w->tiles; tile++) {
        const int64_t first = first_of(w, tile), width = first_of(w, tile + 1) - first;
        float *to = w->states + first * pass->N;
        for (int64_t j = 0; j < width; j++) {
            const float *x = pass->x + pass->slot[first + j] * pass->N;
            for (int64_t k = 0; k < pass->N; k++)
                to[k * width + j] = x[k];
        }
    }
    w->terms.inside = true;
    for (int64_t i = 0; i < pass->states; i++) {
        w->offset[i] = offset_of(pass->reference, pass->near[i]);
        w->sum[i] = (dam_single_sum){0, 0};
        w->terms.inside &= fabs(w->offset[i]) + w->terms.scale * pass->N * 1.001 < DAM_INSIDE;
    }
}

/* All states with `panels` panels, while the next `next_panels` are fetched; false when
 * interrupted.
 */
static bool add_block(work *w, const float *panel, int64_t panels, int64_t next_panels,
                      const float *start)
{
    const dam_pass *pass = w->pass;
    const int64_t stride = (int64_t)pass->N * DAM_PANEL, part = next_panels * stride / w->tiles;

    for (int64_t tile = 0; tile < w->tiles; tile++) {
        const int64_t first = first_of(w, tile), width = first_of(w, tile + 1) - first;
        pass->kernels->single->add(&w->terms, panel, panels, pass->N, w->states + first * pass->N,
                                   (int)width, start, w->offset + first,
                                   panel + panels * stride + tile * part,
                                   part * (int64_t)sizeof(float), w->sum + first);
        if (dam_interrupted())
            return false;
    }
    return true;
}

static bool add_patterns(work *w)
{
    const dam_pass *pass = w->pass;
    const int64_t full = pass->M / DAM_PANEL, block = panels_of_block(pass->N);
    const int64_t stride = (int64_t)pass->N * DAM_PANEL;

    for (int64_t p = 0; p < full; p += block) {
        const int64_t panels = full - p < block ? full - p : block, left = full - p - panels;
        if (!add_block(w, pass->panels + p * stride, panels, left < block ? left : block,
                       w->start[0]))
            return false;
    }
    w->terms.inside = false; /* NOWHERE is not */
    return pass->M % DAM_PANEL == 0 ||
           add_block(w, pass->panels + full * stride, 1, 0, w->start[1]);
}

static dam_interval interval_of(const work *w, int64_t i)
{
    const dam_reference *f = w->pass->reference;
    const double M = (double)w->pass->M;
    const dam_single_sum s = w->sum[i];

    switch (f->kernel) {
    case DAM_LSE: /* the shift is what the rounded offset stands for */
        return dam_lse_interval(f, M, &w->precision, -f->c - (double)w->offset[i] / LOG2_E, s.sum);
    case DAM_LSR:
        return dam_lsr_interval(f, M, &w->precision, s.sum, s.other);
    default:
        return dam_polynomial_interval(f, M, &w->precision, s.sum, s.other);
    }
}

bool dam_single_pass(const dam_pass *pass)
{
    const int64_t tile = pass->kernels->single->tile;
    work w = {.pass = pass, .tiles = (pass->states + tile - 1) / tile};
    char *rest = pass->scratch;

    w.states = cut(&rest, (uint64_t)pass->states * (uint64_t)pass->N * sizeof(float));
    w.offset = cut(&rest, (uint64_t)pass->states * sizeof(float));
    w.sum = cut(&rest, (uint64_t)pass->states * sizeof(dam_single_sum));
    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    prepare_terms(&w);
    if (pass->states == 0 || !(w.terms.scale >= LEAST_SCALE && w.terms.scale <= LARGEST_SCALE))
        return true;
    prepare_states(&w);
    if (!add_patterns(&w))
        return false;
    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = interval_of(&w, i);
    return true;
}
