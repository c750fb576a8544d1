#include <math.h>
#include <string.h>

#include "bounds.h"
#include "fused.h"
#include "interrupt.h"
#include "memory.h"

#define LN_2 0.6931471805599453
#define LOG2_E 1.4426950408889634

/* Patterns that are taken at a time: their bytes and, where they are near, their numbers stay in
 * the second-level cache while all states meet them. */
#define BLOCK_BYTES (96 << 10)
#define LARGEST_BLOCK (4 * DAM_BLOCK)
#define MASKS 64 /* patterns of a word of the mask */

/* Alignments of near patterns that are added up at a time. */
#define BATCH 256

/* What a near pattern costs, memory included, in units of a pattern in single precision at N = 0.
 * Where near ones would cost more than that pass, they are given up. */
#define NEAR_COST 400.0
#define ALWAYS_NEAR 64

/* Single patterns cost so much more in panels than making rows of all. */
#define TURN_COST 16.0

/* LSE: where the edge is put below L, at first, and by how much it moves. */
#define FIRST_DEPTH 8.0
#define LARGEST_MOVE 3.0
#define SMALL_MOVE 0.05

/* Products stay well within 32 bits. */
#define LARGEST_PRODUCT 0x1p27

/* What is kept of a state. */
typedef struct {
    dam_coarse_sum sum;
    double error; /* of its alignments */
    int held;     /* alignments in its batch */
    bool given_up;
} state;

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    const dam_coarse_loops *loops;
    dam_coarse_shape shape;
    int64_t groups, block; /* of states; patterns of a block */
    double quantum;        /* of the states' bytes */
    double unit;           /* c phi (LSE) or phi (LSR) of a product of 1 */
    double most;           /* near patterns of a state that are evaluated */
    dam_coarse_block b;
    int8_t *rows;
    int32_t (*start)[DAM_COARSE_TILE];
    int32_t *total;
    uint16_t *mask;
    float (*sums)[DAM_COARSE_TILE];
    state *states;
    double *x;     /* [state][stride] */
    int stride;    /* N, rounded up */
    float *turned; /* [block][stride]: the patterns of a block as rows */
    bool clear;    /* zeros stand in it beyond N */
    int64_t found; /* near patterns in a block, all states together */
    double *batch; /* [state][BATCH] */
    int32_t *near; /* [LARGEST_BLOCK]: places in a block */
    double *phi;   /* [LARGEST_BLOCK] */
} work;

static int64_t block_of(dam_coarse_shape shape)
{
    const int64_t fit = BLOCK_BYTES / dam_coarse_row(shape) / MASKS * MASKS;

    return fit < MASKS ? MASKS : fit > LARGEST_BLOCK ? LARGEST_BLOCK : fit;
}

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(work *w, int N, int64_t states, char *scratch)
{
    w->shape = dam_coarse_shape_of(N);
    w->groups = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE;
    w->block = block_of(w->shape);
    w->stride = (N + 7) / 8 * 8;
    const uint64_t n = (uint64_t)w->groups * DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->rows, n * (uint64_t)dam_coarse_row(w->shape)},
        {(void **)&w->start, n * sizeof *w->start},
        {(void **)&w->total, n * sizeof *w->total},
        {(void **)&w->mask, n * (uint64_t)w->block / DAM_COARSE_TILE * sizeof *w->mask},
        {(void **)&w->sums, n * sizeof *w->sums},
        {(void **)&w->states, n * sizeof *w->states},
        {(void **)&w->x, n * (uint64_t)w->stride * sizeof *w->x},
        {(void **)&w->turned, (uint64_t)(w->block * w->stride) * sizeof *w->turned},
        {(void **)&w->batch, n * BATCH * sizeof *w->batch},
        {(void **)&w->near, LARGEST_BLOCK * sizeof *w->near},
        {(void **)&w->phi, LARGEST_BLOCK * sizeof *w->phi},
    };
    return dam_cut(scratch, pieces, sizeof pieces / sizeof pieces[0]);
}

uint64_t dam_coarse_scratch(int N, int64_t states)
{
    work w;

    return lay_out(&w, N, states, NULL);
}

/*
 * Quantum of the states. LSE: a power of two of it is an octave of a term, so that a product,
 * shifted, is the bits of a term. False when products would be too rough or too fine for that.
 */
static bool choose_quantum(work *w)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    double largest = 0;
    int exponent;

    for (int64_t i = 0; i < pass->states; i++)
        largest = fmax(largest, dam_largest_of(pass->x + pass->slot[i] * pass->N, pass->N));
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
    double square = 0;

    w->total[i] = 0;
    memset(w->x + i * w->stride, 0, (size_t)w->stride * sizeof *w->x);
    for (int k = 0; k < pass->N; k++) {
        const double byte = fmax(-127.0, fmin(127.0, rint(x[k] / w->quantum)));
        const double off = x[k] - w->quantum * byte;
        square += off * off;
        to[k] = (int8_t)byte;
        w->total[i] += to[k];
        w->x[i * w->stride + k] = x[k];
    }
    w->states[i].error =
        dam_coarse_error(pass->N, pass->coarse->error, sqrt(square) * (1.0 + 1e-9));
}

/* Where the patterns that are near state i begin. */
static void prepare_edge(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    state *s = w->states + i;
    double *depth = pass->depth + pass->slot[i], edge;
    int32_t start = 0;

    if (f->kernel == DAM_LSE) {
        const double near =
            pass->near[i] < HUGE_VAL && pass->near[i] > -HUGE_VAL ? pass->near[i] : 0;
        *depth = *depth > 0 ? *depth : FIRST_DEPTH;
        edge = floor((f->c + near - *depth) / w->unit);
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

/* Adds up the batch of state i. */
static void add_batch(work *w, int64_t i)
{
    const dam_reference *f = w->pass->reference;
    dam_coarse_sum *s = &w->states[i].sum;
    dam_block_sum block;

    if (w->states[i].held == 0)
        return;
    block = w->pass->kernels->reduce(f, w->batch + i * BATCH, w->states[i].held);
    w->states[i].held = 0;
    s->merges++;
    if (f->kernel == DAM_LSR) {
        s->sum += block.sum;
        return;
    }
    if (s->merges == 1 || block.max > s->max_phi) {
        s->sum = block.sum + (s->merges == 1 ? 0.0 : s->sum * exp(f->c * (s->max_phi - block.max)));
        s->max_phi = block.max;
    } else
        s->sum += block.sum * exp(f->c * (block.max - s->max_phi));
}

/* Whether none of sixteen tiles has a near pattern. */
static bool all_far(const uint16_t *mask)
{
    uint64_t far[4];

    memcpy(far, mask, sizeof far);
    return (far[0] & far[1] & far[2] & far[3]) == UINT64_MAX;
}

/* Patterns of the block of n from `first` on that are near state i, as places in the block. */
static int64_t find_near(const work *w, int64_t i, int64_t n)
{
    const int64_t tiles = n / DAM_COARSE_TILE;
    const uint16_t *mask = w->mask + i * w->b.mask_stride;
    int64_t found = 0;

    for (int64_t t = 0; t < tiles; t += 4) {
        uint64_t far, near;
        while (tiles - t >= 16 && all_far(mask + t))
            t += 16;
        if (t >= tiles)
            break;
        memcpy(&far, mask + t, sizeof far);
        near = ~far;
        if (tiles - t < 4)
            near &= ((uint64_t)1 << (tiles - t) * DAM_COARSE_TILE) - 1;
        for (; near; near &= near - 1)
            w->near[found++] = (int32_t)(t * DAM_COARSE_TILE + __builtin_ctzll(near));
    }
    for (int64_t mu = tiles * DAM_COARSE_TILE; mu < n; mu++) /* what fills no tile */
        w->near[found++] = (int32_t)mu;
    return found;
}

/* Evaluates what is near state i in a block. */
static void add_near(work *w, int64_t i, int64_t first, int64_t n, bool turned)
{
    const dam_pass *pass = w->pass;
    state *s = w->states + i;
    const int64_t found = find_near(w, i, n);

    w->found += found;
    s->sum.count += (double)found;
    if (s->sum.count > w->most)
        s->given_up = true;
    if (s->given_up || found == 0)
        return;
    if (turned)
        pass->kernels->overlaps_of_rows(w->turned, w->stride, pass->N, w->near, found,
                                        w->x + i * w->stride, w->phi);
    else
        pass->kernels->overlaps_of(pass->panels + first * pass->N, pass->N, w->near, found,
                                   w->x + i * w->stride, w->phi);
    for (int64_t done = 0; done < found;) {
        int64_t part = found - done < BATCH - s->held ? found - done : BATCH - s->held;
        memcpy(w->batch + i * BATCH + s->held, w->phi + done, (size_t)part * sizeof *w->phi);
        s->held += (int)part;
        done += part;
        if (s->held == BATCH)
            add_batch(w, i);
    }
}

/* All states with the block of n patterns from `first` on. */
static void add_block(work *w, int64_t first, int64_t n)
{
    const int64_t lanes = w->b.sum ? DAM_COARSE_TILE : 0;
    const bool turned = TURN_COST * (double)w->found > (double)n; /* as the block before */
    const int64_t left = w->pass->M - first - n, size = left < n ? left : n;

    w->b.pattern = w->pass->coarse->bytes + first * dam_coarse_row(w->shape);
    w->b.tiles = n / DAM_COARSE_TILE;
    w->b.next = turned ? (const char *)(w->pass->panels + (first + n) * w->pass->N)
                       : (const char *)w->b.pattern + n * dam_coarse_row(w->shape);
    w->b.lines = turned ? size * w->pass->N * (int64_t)sizeof(float) / 64
                        : size * dam_coarse_row(w->shape) / 64;
    memset(w->sums, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->sums);
    w->loops->scan(&w->b);
    w->found = 0;
    if (turned && !w->clear) { /* beyond N nothing else will write */
        memset(w->turned, 0, (size_t)(w->block * w->stride) * sizeof *w->turned);
        w->clear = true;
    }
    if (turned)
        w->pass->kernels->rows(w->pass->panels + first * w->pass->N,
                               (n + DAM_PANEL - 1) / DAM_PANEL, w->pass->N, w->stride, w->turned);
    for (int64_t i = 0; i < w->pass->states; i++) {
        for (int64_t j = 0; j < lanes; j++)
            w->states[i].sum.rest += w->sums[i][j];
        add_near(w, i, first, n, turned);
    }
}

static void prepare(work *w)
{
    const dam_pass *pass = w->pass;

    memset(w->rows, 0, (size_t)(w->groups * DAM_COARSE_TILE * dam_coarse_row(w->shape)));
    memset(w->start, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->start);
    memset(w->total, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->total);
    memset(w->states, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->states);
    for (int64_t i = 0; i < pass->states; i++) {
        w->states[i].sum.rounds = (double)(w->block / DAM_COARSE_TILE);
        w->states[i].sum.more = DAM_COARSE_EXP2;
        prepare_row(w, i);
        prepare_edge(w, i);
    }
    w->most = (double)pass->M * (1.0 + 0.1 * pass->N) / NEAR_COST + ALWAYS_NEAR;
    w->b.shape = w->shape;
    w->b.state = w->rows;
    w->b.start = (const void *)w->start;
    w->b.total = w->total;
    w->b.states = pass->states;
    w->b.sum = pass->reference->kernel == DAM_LSE;
    w->b.mask = w->mask;
    w->b.mask_stride = w->block / DAM_COARSE_TILE;
    w->b.sums = w->sums;
}

static dam_interval interval_of(const work *w, const state *s)
{
    const dam_reference *f = w->pass->reference;
    const double M = (double)w->pass->M;

    if (s->given_up)
        return dam_unknown();
    return f->kernel == DAM_LSE ? dam_coarse_lse_interval(f, M, s->error, &s->sum)
                                : dam_coarse_lsr_interval(f, M, &s->sum);
}

/* Moves the edge to where the interval will be as wide as it should be. */
static void learn(const work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const double width = pass->L[i].high - pass->L[i].low;
    double *depth = pass->depth + pass->slot[i];
    double move = log(fmax(width, 1e-12) / pass->wanted[i]);

    if (w->states[i].given_up)
        move = -1.0;
    else if (!(move < LARGEST_MOVE))
        move = LARGEST_MOVE;
    else if (move < 0)
        move = fmax(move, -1.0) * SMALL_MOVE;
    *depth = fmax(1e-3, *depth + move);
}

bool dam_coarse_pass(const dam_pass *pass)
{
    work w = {.pass = pass, .loops = dam_coarse_loops_for(pass->kernels)};

    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    if (pass->states == 0 || !pass->coarse || pass->coarse->parts != 1 ||
        pass->reference->kernel == DAM_POLYNOMIAL)
        return true;
    lay_out(&w, pass->N, pass->states, pass->scratch);
    if (!choose_quantum(&w))
        return true;
    prepare(&w);
    for (int64_t first = 0; first < pass->M; first += w.block) {
        if (dam_interrupted())
            return false;
        add_block(&w, first, pass->M - first < w.block ? pass->M - first : w.block);
    }
    for (int64_t i = 0; i < pass->states; i++) {
        add_batch(&w, i);
        pass->L[i] = interval_of(&w, w.states + i);
        if (pass->reference->kernel == DAM_LSE)
            learn(&w, i);
    }
    return true;
}
