/*
 * The certified pass (fused.h) on the matrix units of recent x86 processors (AMX). States and
 * patterns are split into two half-precision (bfloat16) parts each, whose products are exact; three
 * of the four products are summed in single precision. What is left out and what is rounded is
 * bounded (docs/numerics.md). For LSE and LSR; of the polynomial it says nothing.
 */
#include "fused.h"

#include <math.h>
#include <string.h>

#include "bounds.h"
#include "cpu/tiles.h"
#include "interrupt.h"

/* Split patterns that are worked on at a time: to stay in the second-level cache. */
#define BLOCK_BYTES ((uint64_t)192 << 10)

#define LOG2_E 1.4426950408889634

/* |x|^2/N and |xi|^2/N are within 2.4e-7 of 1. */
#define NORM (1.0 + 2e-7)

#define HALF_ROUNDING 0x1p-8 /* of a bfloat16, relative */
#define SINGLE_ROUNDING 0x1p-24

/* Relative error of an exponential (cpu/tiles.c), padded. */
#define EXP_ERROR 4e-6

bool dam_tiles_usable(void)
{
#ifdef DAM_HAVE_TILES
    const dam_kernels *kernels;
    dam_error e;

    return dam_kernels_get(&kernels, &e) == DAM_OK && strcmp(kernels->name, "avx512") == 0 &&
           dam_tiles_supported();
#else
    return false;
#endif
}

static void know_nothing(const dam_pass *p)
{
    for (int64_t i = 0; i < p->states; i++)
        p->L[i] = dam_unknown();
}

#ifdef DAM_HAVE_TILES

/* Scratch of a pass. */
typedef struct {
    uint32_t *states[2], *patterns[2];
    float *low, *high, *low_sum, *high_sum;
    double *low_total, *high_total, *error;
    int64_t groups, block_panels;
    dam_tiles_shape shape;
} room;

static int64_t groups_of(int64_t states)
{
    return (states + DAM_TILES_GROUP - 1) / DAM_TILES_GROUP;
}

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(room *r, int N, int64_t states, char *scratch)
{
    const dam_tiles_shape s = dam_tiles_shape_of(N);
    const uint64_t tile = DAM_TILES_WORDS * sizeof(uint32_t);
    const uint64_t panel = 2 * (uint64_t)s.slices * tile;
    const uint64_t n = (uint64_t)groups_of(states) * DAM_TILES_GROUP;
    uint64_t at = 0;

    r->shape = s;
    r->groups = groups_of(states);
    r->block_panels = (int64_t)(BLOCK_BYTES / (2 * panel));
    if (r->block_panels < 1)
        r->block_panels = 1;
#define PIECE(p, bytes)               \
    if (scratch)                      \
        (p) = (void *)(scratch + at); \
    at += ((bytes) + 63) / 64 * 64
    for (int part = 0; part < 2; part++) {
        PIECE(r->states[part], (uint64_t)r->groups * (uint64_t)s.slices * tile);
        PIECE(r->patterns[part], (uint64_t)r->block_panels * panel);
    }
    PIECE(r->low, n * sizeof(float));
    PIECE(r->high, n * sizeof(float));
    PIECE(r->low_sum, n * 16 * sizeof(float));
    PIECE(r->high_sum, n * 16 * sizeof(float));
    PIECE(r->low_total, n * sizeof(double));
    PIECE(r->high_total, n * sizeof(double));
    PIECE(r->error, n * sizeof(double));
#undef PIECE
    return at;
}

uint64_t dam_tiles_scratch(int N, int64_t states)
{
    room r;
    return lay_out(&r, N, states, NULL);
}

static float half_of(float x)
{
    return dam_float((dam_bits32(x) + 0x8000u) & 0xffff0000u);
}

/* Puts component k of the state in row `i` of its group; at[0], at[1]: the group's tiles. */
static void put(const room *r, int64_t state, int k, float high, float low)
{
    const int64_t group = state / DAM_TILES_GROUP, row = state % DAM_TILES_GROUP;
    const int64_t tile = (group * r->shape.slices + k / r->shape.depth) * DAM_TILES_WORDS;
    const int64_t at = 2 * tile + row * 32 + k % r->shape.depth;

    ((uint16_t *)r->states[0])[at] = (uint16_t)(dam_bits32(high) >> 16);
    ((uint16_t *)r->states[1])[at] = (uint16_t)(dam_bits32(low) >> 16);
}

/*
 * Splits factor x; returns a bound on the error of the computed factor x.xi, rounding included, for
 * any pattern.
 */
static double put_state(const dam_pass *p, const room *r, int64_t state, double factor)
{
    const float *x = p->x + p->slot[state] * p->N;
    const double size = sqrt((double)p->N) * NORM;
    double high2 = 0, low2 = 0, rest2 = 0;

    for (int k = 0; k < p->N; k++) {
        const double exact = factor * x[k];
        const float single = (float)exact, high = half_of(single), low = half_of(single - high);
        const double rest = exact - high - low;
        put(r, state, k, high, low);
        high2 += (double)high * high;
        low2 += (double)low * low;
        rest2 += rest * rest;
    }
    {
        const double both = sqrt(high2) + sqrt(low2);
        const double left_out =
            sqrt(low2) * HALF_ROUNDING + sqrt(rest2) + both * HALF_ROUNDING * HALF_ROUNDING;
        /* additions in sequence: 16 within a slice, then slice by slice, each off by two roundings
         * at most; three products */
        const double rounding = (20 + 3 * r->shape.slices) * 2 * SINGLE_ROUNDING * 1.02 * both;
        return (left_out + rounding) * size * (1.0 + 1e-6) + 1e-30;
    }
}

static void prepare(const dam_pass *p, const room *r)
{
    const dam_reference *f = p->reference;
    const bool lse = f->kernel == DAM_LSE;
    const double factor = lse ? f->c / f->N * LOG2_E : f->b / f->N;
    const uint64_t bytes = (uint64_t)(r->groups * r->shape.slices) * DAM_TILES_WORDS * 4;

    memset(r->states[0], 0, bytes);
    memset(r->states[1], 0, bytes);
    for (int64_t i = 0; i < r->groups * DAM_TILES_GROUP; i++)
        r->low[i] = r->high[i] = 0;
    for (int64_t i = 0; i < p->states; i++) {
        const double near = isfinite(p->near[i]) ? p->near[i] : 0.0;
        const double start = lse ? -(f->c + near) * LOG2_E : 1.0 - f->b;
        double error = put_state(p, r, i, factor);
        error += SINGLE_ROUNDING * (1.02 * factor * f->N + 4.0 * fabs(start));
        error *= DAM_SINGLE_SHRINK;
        if (!lse)
            error += 2.0 * dam_lsr_rounding(f);
        r->error[i] = error;
        r->low[i] = (float)(lse ? start : start - error);
        r->high[i] = (float)(lse ? start : start + error);
        r->low_total[i] = r->high_total[i] = 0;
    }
}

static double lanes(const float sum[16])
{
    double total = 0;

    for (int j = 0; j < 16; j++)
        total += sum[j];
    return total;
}

/* Panels first .. first + n - 1 of the disorder. */
static void add_block(const dam_pass *p, const room *r, int64_t first, int64_t n)
{
    const int64_t stride = (int64_t)p->N * DAM_PANEL;
    const int64_t panel_words = 2 * (int64_t)r->shape.slices * DAM_TILES_WORDS;
    const int64_t panels = (p->M + DAM_PANEL - 1) / DAM_PANEL;
    const int64_t beyond = (first + n) * DAM_PANEL - p->M;
    const dam_tiles_block b = {
        .shape = r->shape,
        .hinge = p->reference->kernel == DAM_LSR,
        .groups = r->groups,
        .panels = n,
        .states = {r->states[0], r->states[1]},
        .patterns = {r->patterns[0], r->patterns[1]},
        .last_mask = beyond > 0 ? 0xffffffffu >> beyond : 0xffffffffu,
        .low = r->low,
        .high = r->high,
        .least = (float)p->reference->epsilon,
        .low_sum = r->low_sum,
        .high_sum = r->high_sum,
        .next = p->panels + (first + n) * stride,
        .next_bytes =
            (int64_t)sizeof(float) * stride * (panels - first - n < n ? panels - first - n : n),
    };

    for (int64_t i = 0; i < n; i++)
        dam_tiles_split(r->shape, p->panels + (first + i) * stride, p->N,
                        r->patterns[0] + i * panel_words, r->patterns[1] + i * panel_words);
    memset(r->low_sum, 0, (size_t)r->groups * DAM_TILES_GROUP * 16 * sizeof(float));
    memset(r->high_sum, 0, (size_t)r->groups * DAM_TILES_GROUP * 16 * sizeof(float));
    dam_tiles_sum(&b);
    for (int64_t i = 0; i < p->states; i++) {
        r->low_total[i] += lanes(r->low_sum + i * 16);
        if (b.hinge)
            r->high_total[i] += lanes(r->high_sum + i * 16);
    }
}

/* Relative error of the sums: additions of a lane. */
static double sum_error(const room *r)
{
    return (double)(r->block_panels + 3) * SINGLE_ROUNDING * 1.01 * DAM_SINGLE_SHRINK;
}

static dam_interval result_lse(const dam_pass *p, const room *r, int64_t i)
{
    const dam_reference *f = p->reference;
    const dam_precision precision = {.unit = SINGLE_ROUNDING,
                                     .overlap = r->error[i] / (LOG2_E * f->c),
                                     .exponential = EXP_ERROR * DAM_SINGLE_SHRINK,
                                     .sum = sum_error(r)};

    /* the shift is what the rounded number stands for */
    return dam_lse_interval(f, (double)p->M, &precision, -f->c - (double)r->low[i] / LOG2_E,
                            r->low_total[i]);
}

static dam_interval result_lsr(const dam_pass *p, const room *r, int64_t i)
{
    const double slack = sum_error(r) + 1e-14 + dam_sum_rounding((double)p->M);

    return dam_log_interval(r->low_total[i] * (1.0 - slack), r->high_total[i] * (1.0 + slack));
}

bool dam_tiles_pass(const dam_pass *p)
{
    const int64_t panels = (p->M + DAM_PANEL - 1) / DAM_PANEL;
    room r;

    if (p->reference->kernel == DAM_POLYNOMIAL) {
        know_nothing(p);
        return true;
    }
    lay_out(&r, p->N, p->states, p->scratch);
    prepare(p, &r);
    for (int64_t first = 0; first < panels; first += r.block_panels) {
        const int64_t n = panels - first < r.block_panels ? panels - first : r.block_panels;
        if (dam_interrupted())
            return false;
        add_block(p, &r, first, n);
    }
    for (int64_t i = 0; i < p->states; i++)
        p->L[i] = p->reference->kernel == DAM_LSE ? result_lse(p, &r, i) : result_lsr(p, &r, i);
    return true;
}

#else

uint64_t dam_tiles_scratch(int N, int64_t states)
{
    (void)N;
    (void)states;
    return 0;
}

bool dam_tiles_pass(const dam_pass *pass)
{
    know_nothing(pass);
    return true;
}

#endif
