#include <math.h>
#include <string.h>

#include "interrupt.h"
#include "memory.h"
#include "near.h"

#define LN_2 0.6931471805599453
#define LOG2_E 1.4426950408889634

/* Patterns that are taken at a time: their bytes and, where they are near, their numbers stay in
 * the second-level cache while all states meet them. */
#define BLOCK_BYTES (96 << 10)
#define MASKS 64 /* patterns of a word of the mask */

/* What a near pattern costs (near.h). Where near ones would cost more than single precision, they
 * are given up; for energies that takes longer. */
#define NEAR_COST 150.0
#define FINE_NEAR_COST 80.0

/* LSE: where the edge is put below L at first. */
#define FIRST_DEPTH 8.0

/* Products stay well within 32 bits. */
#define LARGEST_PRODUCT 0x1p27

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    const dam_coarse_loops *loops;
    dam_coarse_shape shape;
    int64_t groups, block; /* of states; patterns of a block */
    double quantum;        /* of the states' bytes */
    double unit;           /* c phi (LSE) or phi (LSR) of a product of 1 */
    dam_coarse_block b;
    int8_t *rows;
    int32_t (*start)[DAM_COARSE_TILE];
    int32_t *total;
    float (*sums)[DAM_COARSE_TILE];
    dam_near near;
} work;

static int64_t block_of(dam_coarse_shape shape)
{
    const int64_t fit = BLOCK_BYTES / dam_coarse_row(shape) / MASKS * MASKS;

    return fit < MASKS ? MASKS : fit > DAM_NEAR_LARGEST_BLOCK ? DAM_NEAR_LARGEST_BLOCK : fit;
}

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(work *w, int N, int64_t states, char *scratch)
{
    w->shape = dam_coarse_shape_of(N); /* no fewer bytes are needed for a part of the components */
    w->groups = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE;
    w->block = block_of(w->shape);
    const uint64_t n = (uint64_t)w->groups * DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->rows, n * (uint64_t)dam_coarse_row(w->shape)},
        {(void **)&w->start, n * sizeof *w->start},
        {(void **)&w->total, n * sizeof *w->total},
        {(void **)&w->sums, n * sizeof *w->sums},
    };
    const uint64_t own = dam_cut(scratch, pieces, sizeof pieces / sizeof pieces[0]);
    return own + dam_near_cut(&w->near, N, states, w->block, scratch ? scratch + own : NULL);
}

uint64_t dam_coarse_scratch(int N, int64_t states)
{
    work w;

    return lay_out(&w, N, states, NULL);
}

static double length_of(const float *x, int numbers)
{
    double square = 0;

    for (int k = 0; k < numbers; k++)
        square += (double)x[k] * x[k];
    return sqrt(square);
}

/*
 * Quantum of the states. LSE: a power of two of it is an octave of a term, so that a product,
 * shifted, is the bits of a term. False when products would be too rough or too fine for that.
 */
static bool choose_quantum(work *w)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    const dam_bytes_plan plan = pass->coarse->plan;
    double largest = 0;
    int exponent;

    for (int64_t i = 0; i < pass->states; i++) {
        const float *x = pass->x + pass->slot[i] * pass->N;
        largest = fmax(largest, dam_largest_of(x, plan.leading));
        if (plan.beside > 0)
            largest = fmax(largest, 1.001 * length_of(x + plan.leading, pass->N - plan.leading) /
                                        sqrt(plan.beside));
    }
    w->quantum = fmax(largest, 1e-30) / 127.0;
    w->unit = w->quantum * pass->coarse->quantum / f->N;
    if (f->kernel == DAM_LSR)
        return true;
    /* unit c log2 e = 2^(shift - 23) for the next larger one */
    (void)frexp(w->unit * f->c * LOG2_E * (1.0 - 1e-9), &exponent);
    w->b.shift = exponent + 23 > 0 ? exponent + 23 : 0;
    w->quantum = ldexp(1.0, w->b.shift - 23) * f->N / (pass->coarse->quantum * f->c * LOG2_E);
    w->unit = ldexp(LN_2, w->b.shift - 23);
    w->b.edge = w->b.shift <= 23 ? 127 << (23 - w->b.shift) : 0;
    w->b.floor = w->b.shift <= 23 ? 1 << (23 - w->b.shift) : 0;
    return w->b.shift <= 23 && largest < w->quantum * 127.4;
}

/* Puts state i into bytes and its error where it belongs. */
static void prepare_row(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const float *x = pass->x + pass->slot[i] * pass->N;
    int8_t *to = w->rows + i * dam_coarse_row(w->shape);
    const dam_bytes_plan plan = pass->coarse->plan;
    double square = 0;

    w->total[i] = 0;
    for (int k = 0; k < plan.leading; k++) {
        const double byte = fmax(-127.0, fmin(127.0, rint(x[k] / w->quantum)));
        const double off = x[k] - w->quantum * byte;
        square += off * off;
        to[k] = (int8_t)byte;
        w->total[i] += to[k];
    }
    for (int k = plan.leading; k < plan.leading + plan.beside; k++) {
        const double length = length_of(x + plan.leading, pass->N - plan.leading);
        to[k] = dam_bytes_beside(length / w->quantum, plan.beside);
        w->total[i] += to[k];
    }
    w->near.states[i].error =
        dam_coarse_error(pass->N, pass->coarse->off[0], sqrt(square) * (1.0 + 1e-9));
}

/* Where the patterns that are near state i begin. */
static void prepare_edge(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    dam_near_state *s = w->near.states + i;
    double edge;
    int32_t start = 0;

    if (f->kernel == DAM_LSE) {
        const double near =
            pass->near[i] < HUGE_VAL && pass->near[i] > -HUGE_VAL ? pass->near[i] : 0;
        edge = floor((f->c + near - dam_near_depth(&w->near, i, FIRST_DEPTH)) / w->unit);
        edge = fmax(-LARGEST_PRODUCT, fmin(LARGEST_PRODUCT, edge));
        s->sum.edge = edge * w->unit;
        start = w->b.edge - (int32_t)edge;
    } else {
        /* beyond this alignment the reference finds the floor */
        const double beyond = 1.0 - (1.0 - f->epsilon) / f->b - 2.0 * dam_lsr_rounding(f) / f->b;
        edge = floor((beyond - s->error) / w->unit) - 1.0;
        edge = fmax(-LARGEST_PRODUCT, fmin(LARGEST_PRODUCT, edge));
        w->b.edge = 0;
        start = -(int32_t)edge;
    }
    for (int j = 0; j < DAM_COARSE_TILE; j++)
        w->start[i][j] = start;
}

/* All states with the block of n patterns from `first` on. */
static void add_block(work *w, int64_t first, int64_t n)
{
    const dam_bytes *of = w->pass->coarse;
    const int64_t left = w->pass->M - first - n, size = left < n ? left : n;

    w->b.pattern = of->bytes + first * dam_coarse_row(w->shape);
    w->b.tiles = n / DAM_COARSE_TILE;
    w->b.next = (const char *)w->b.pattern + n * dam_coarse_row(w->shape);
    w->b.lines = size * dam_coarse_row(w->shape) / 64;
    w->b.rows = dam_near_rows(&w->near);
    memset(w->sums, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->sums);
    w->loops->scan(&w->b);
    if (w->b.sum)
        dam_near_add_rest(&w->near, (const void *)w->sums);
    dam_near_add(&w->near, first, n, true);
}

static void prepare(work *w)
{
    const dam_pass *pass = w->pass;

    memset(w->rows, 0, (size_t)(w->groups * DAM_COARSE_TILE * dam_coarse_row(w->shape)));
    memset(w->start, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->start);
    memset(w->total, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->total);
    dam_near_begin(&w->near, pass, pass->fine ? FINE_NEAR_COST : NEAR_COST);
    for (int64_t i = 0; i < pass->states; i++) {
        w->near.states[i].sum.rounds = (double)(w->block / DAM_COARSE_TILE);
        w->near.states[i].sum.more = DAM_COARSE_EXP2;
        prepare_row(w, i);
        prepare_edge(w, i);
    }
    w->b.shape = w->shape;
    w->b.state = w->rows;
    w->b.start = (const void *)w->start;
    w->b.total = w->total;
    w->b.states = pass->states;
    w->b.sum = pass->reference->kernel == DAM_LSE;
    w->b.mask = w->near.mask;
    w->b.mask_stride = w->near.mask_stride;
    w->b.sums = w->sums;
}

static dam_interval interval_of(const work *w, const dam_near_state *s)
{
    const dam_reference *f = w->pass->reference;
    const double M = (double)w->pass->M;

    if (s->given_up)
        return dam_unknown();
    return f->kernel == DAM_LSE ? dam_coarse_lse_interval(f, M, s->error, &s->sum)
                                : dam_coarse_lsr_interval(f, M, &s->sum);
}

bool dam_coarse_pass(const dam_pass *pass)
{
    work w = {.pass = pass, .loops = dam_coarse_loops_for(pass->kernels)};

    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    if (pass->states == 0 || !pass->coarse || pass->coarse->plan.kind != DAM_ONE_BYTE ||
        pass->reference->kernel == DAM_POLYNOMIAL)
        return true;
    if (pass->coarse->plan.beside > 0 && pass->reference->kernel == DAM_LSE)
        return true;
    lay_out(&w, pass->N, pass->states, pass->scratch);
    w.shape = dam_bytes_shape(pass->coarse->plan);
    if (!choose_quantum(&w))
        return true;
    prepare(&w);
    for (int64_t first = 0; first < pass->M; first += w.block) {
        if (dam_interrupted())
            return false;
        add_block(&w, first, pass->M - first < w.block ? pass->M - first : w.block);
    }
    dam_near_finish(&w.near);
    for (int64_t i = 0; i < pass->states; i++) {
        pass->L[i] = interval_of(&w, w.near.states + i);
        if (pass->reference->kernel == DAM_LSE)
            dam_near_learn(&w.near, i);
    }
    return true;
}
