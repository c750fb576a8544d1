#include <math.h>
#include <string.h>

#include "interrupt.h"
#include "memory.h"
#include "near.h"

#define LN_2 0.6931471805599453
#define LOG2_E 1.4426950408889634

/* Bytes of patterns that are taken at a time, as in coarse.c, and the most of these patterns. */
#define BLOCK_BYTES (128 << 10)
#define LARGEST_BLOCK 2048
#define MASKS 64 /* patterns of a word of the mask */

/* Exponent, as a single holds it, of a term at the edge: no sum of a block overflows. */
#define TOP 239

/* Where the edge is put below L at first, and what a near pattern costs (near.h); for energies it
 * takes less, as many are near, and takes the place of a longer pass in single precision. */
#define FIRST_DEPTH 2.0
#define NEAR_COST 600.0
#define FINE_NEAR_COST 40.0

/* Bits of a single's fraction. */
#define FRACTION 23

#define LARGEST_WORD 32767.0

/* Products stay within 32 bits while alignments are off by no more than this. */
#define LARGEST_ERROR 0.01

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    const dam_coarse_loops *loops;
    int row;
    int64_t groups, block; /* of states; patterns of a block */
    double quantum;        /* of the states */
    int bits;              /* a product of 1 is 2^-bits octaves of a term */
    dam_words_block b;
    int16_t *rows;
    int32_t *edge, *least, *bias;
    float (*sums)[DAM_COARSE_TILE];
    dam_near near;
} work;

static int64_t block_of(int row)
{
    const int64_t fit = BLOCK_BYTES / (2 * row) / MASKS * MASKS;

    return fit < MASKS ? MASKS : fit > LARGEST_BLOCK ? LARGEST_BLOCK : fit;
}

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(work *w, int N, int64_t states, char *scratch)
{
    w->row = dam_words_row(N);
    w->groups = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE;
    w->block = block_of(w->row);
    const uint64_t n = (uint64_t)w->groups * DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->rows, n * (uint64_t)w->row * sizeof *w->rows},
        {(void **)&w->edge, n * sizeof *w->edge},
        {(void **)&w->least, n * sizeof *w->least},
        {(void **)&w->bias, n * sizeof *w->bias},
        {(void **)&w->sums, n * sizeof *w->sums},
    };
    const uint64_t own = dam_cut(scratch, pieces, sizeof pieces / sizeof pieces[0]);
    return own + dam_near_cut(&w->near, N, states, w->block, scratch ? scratch + own : NULL);
}

uint64_t dam_words_scratch(int N, int64_t states)
{
    work w;

    return lay_out(&w, N, states, NULL);
}

/*
 * Quantum of the states: a product of 1 is 2^-bits of an octave, as fine as the states' components
 * and 32 bits for terms of alignments from -1 to 1 allow. False when it would be too rough.
 */
static bool choose_quantum(work *w)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    const double octaves = f->c * LOG2_E, each = pass->coarse->quantum * octaves / f->N;
    double largest = 1e-30;
    int exponent;

    for (int64_t i = 0; i < pass->states; i++)
        largest = fmax(largest, dam_largest_of(pass->x + pass->slot[i] * pass->N, pass->N));
    (void)frexp(largest / LARGEST_WORD * each * (1.0 - 1e-9), &exponent);
    w->bits = (int)fmin(-exponent, floor(log2(2147483647.0 / (octaves * (1.0 + LARGEST_ERROR)))));
    w->bits = w->bits > FRACTION + 8 ? FRACTION + 8 : w->bits;
    w->quantum = ldexp(1.0, -w->bits) / each;
    return w->bits >= 8;
}

/* Nats of a term in a product of 1. */
static double unit_of(const work *w)
{
    return LN_2 * ldexp(1.0, -w->bits);
}

/* Puts state i into words, and what its alignments are off for that where it belongs. */
static void prepare_row(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const float *x = pass->x + pass->slot[i] * pass->N;
    int16_t *to = w->rows + i * w->row;
    double square = 0;

    for (int k = 0; k < pass->N; k++) {
        const double word = fmax(-LARGEST_WORD, fmin(LARGEST_WORD, rint(x[k] / w->quantum)));
        const double off = x[k] - w->quantum * word;
        square += off * off;
        to[k] = (int16_t)word;
    }
    w->near.states[i].error =
        dam_coarse_error(pass->N, pass->coarse->off[0], sqrt(square) * (1.0 + 1e-9));
    if (w->near.states[i].error > LARGEST_ERROR)
        w->near.states[i].given_up = true;
}

/* Where the patterns that are near state i begin; a term there has the exponent TOP. */
static void prepare_edge(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const double unit = unit_of(w), c = pass->reference->c, most = c * (1.0 + LARGEST_ERROR) / unit;
    const double near = fabs(pass->near[i]) < HUGE_VAL ? pass->near[i] : 0;
    const double at = (c + near - dam_near_depth(&w->near, i, FIRST_DEPTH)) / unit;
    const double edge = floor(fmax(-most, fmin(most, at)));
    const double least = edge - ldexp(TOP - 1, w->bits);
    const double bias = ldexp(TOP, FRACTION) - floor(ldexp(edge, FRACTION - w->bits));

    w->edge[i] = (int32_t)edge;
    w->least[i] = (int32_t)fmax(least, -2147483648.0);
    w->bias[i] = (int32_t)(uint32_t)(int64_t)bias;
    w->near.states[i].sum.edge = LN_2 * (127.0 - ldexp(bias, -FRACTION));
}

static void prepare(work *w)
{
    const dam_pass *pass = w->pass;

    memset(w->rows, 0, (size_t)(w->groups * DAM_COARSE_TILE * w->row) * sizeof *w->rows);
    dam_near_begin(&w->near, pass, pass->fine ? FINE_NEAR_COST : NEAR_COST);
    for (int64_t i = 0; i < pass->states; i++) {
        dam_coarse_sum *sum = &w->near.states[i].sum;
        sum->rounds = (double)(w->block / DAM_COARSE_TILE);
        sum->more = DAM_SINGLE_SHRINK * (pass->fine ? DAM_WORDS_FINE_EXP2 : DAM_PAIRED_EXP2);
        sum->less = sum->more + DAM_SINGLE_SHRINK * DAM_PAIRED_TRUNCATION;
        prepare_row(w, i);
        prepare_edge(w, i);
    }
    w->b = (dam_words_block){.row = w->row,
                             .state = w->rows,
                             .states = pass->states,
                             .edge = w->edge,
                             .least = w->least,
                             .bias = w->bias,
                             .shift = w->bits - FRACTION,
                             .fine = pass->fine,
                             .narrow = 32 - w->bits < log2(TOP - 1),
                             .mask = w->near.mask,
                             .mask_stride = w->near.mask_stride,
                             .sums = w->sums};
}

/* All states with the block of n patterns from `first` on. */
static void add_block(work *w, int64_t first, int64_t n)
{
    const dam_bytes *of = w->pass->coarse;
    const int64_t left = w->pass->M - first - n;

    w->b.pattern = of->words + first * w->row;
    w->b.tiles = n / DAM_COARSE_TILE;
    w->b.next = (const char *)(w->b.pattern + n * w->row);
    w->b.lines = (left < n ? left : n) * w->row * (int64_t)sizeof(int16_t) / 64;
    w->b.rows = dam_near_rows(&w->near);
    memset(w->sums, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->sums);
    w->loops->sum_words(&w->b);
    dam_near_add_rest(&w->near, (const void *)w->sums);
    dam_near_add(&w->near, first, n, true);
}

bool dam_words_pass(const dam_pass *pass)
{
    work w = {.pass = pass, .loops = dam_coarse_loops_for(pass->kernels)};

    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    if (pass->states == 0 || !pass->coarse || pass->coarse->plan.kind != DAM_WORDS16 ||
        pass->reference->kernel != DAM_LSE)
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
    dam_near_finish(&w.near);
    for (int64_t i = 0; i < pass->states; i++) {
        const dam_near_state *s = w.near.states + i;
        if (!s->given_up)
            pass->L[i] =
                dam_coarse_lse_interval(pass->reference, (double)pass->M, s->error, &s->sum);
        dam_near_learn(&w.near, i);
    }
    return true;
}
