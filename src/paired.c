#include <math.h>
#include <string.h>

#include "interrupt.h"
#include "memory.h"
#include "near.h"

#define LN_2 0.6931471805599453
#define LOG2_E 1.4426950408889634

/* Patterns that are taken at a time: their bytes stay in the second-level cache while all states
 * meet them, and lanes add up few enough terms. */
#define BLOCK 2048
#define FINE_BLOCK 1024

/* Exponent, as a single holds it, of a term of alignment 1: no sum of a block overflows. */
#define TOP 239.0

/* Rough: where the edge is put below L at first, and what a near pattern costs (near.h). */
#define FIRST_DEPTH 2.0
#define NEAR_COST 600.0

/* Bits of a single's fraction. */
#define FRACTION 23

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    const dam_coarse_loops *loops;
    int64_t groups;  /* of states */
    int64_t block;   /* patterns of a block */
    int depth;       /* bytes of a slice */
    double quantum;  /* of the states' first bytes */
    int bits;        /* rough: of the fraction of a term's exponent */
    double start;    /* what is added to exponents, in octaves */
    double headroom; /* rough: octaves that far terms may be above the edge */
    dam_paired_block b;
    int8_t *rows;
    int32_t *edge;
    float (*sums)[DAM_COARSE_TILE];
    dam_near near; /* and patterns that fill no tile */
} work;

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(work *w, int N, int64_t states, char *scratch)
{
    const uint64_t depth = (uint64_t)dam_coarse_row(dam_coarse_shape_of(N));

    w->depth = (int)depth;
    w->groups = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE;
    const uint64_t n = (uint64_t)w->groups * DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->rows, n * DAM_PAIRED_ROW * depth},
        {(void **)&w->edge, n * sizeof *w->edge},
        {(void **)&w->sums, n * sizeof *w->sums},
    };
    const uint64_t own = dam_cut(scratch, pieces, sizeof pieces / sizeof pieces[0]);
    return own + dam_near_cut(&w->near, N, states, BLOCK, scratch ? scratch + own : NULL);
}

uint64_t dam_paired_scratch(int N, int64_t states)
{
    work w;

    return N > DAM_PAIRED_LARGEST_N ? 0 : lay_out(&w, N, states, NULL);
}

/*
 * Quantum of the states: the least product of two bytes is 2^-bits of an octave, as fine as the
 * states' components and 32 bits allow. False when it would be too rough for anything.
 */
static bool choose_quantum(work *w)
{
    const dam_pass *pass = w->pass;
    const dam_reference *f = pass->reference;
    const double octaves = f->c * LOG2_E, each = pass->coarse->quantum / 256.0 * octaves / f->N;
    double largest = 1e-30;
    int exponent;

    for (int64_t i = 0; i < pass->states; i++)
        largest = fmax(largest, dam_largest_of(pass->x + pass->slot[i] * pass->N, pass->N));
    /* states are within 127 quanta, */
    (void)frexp(largest / 127.0 * each * (1.0 - 1e-9), &exponent);
    /* and every sum is within 31 bits */
    const double room = floor(log2(2147483647.0 / (TOP + 3.0 * octaves + 4.0)));
    w->bits = (int)fmin(fmin(FRACTION, -exponent), room);
    if (!(w->bits >= 4))
        return false;
    w->quantum = ldexp(1.0, -w->bits) / each;
    return true;
}

/* How far alignments of a state in three bytes are off, whose bytes are off by these lengths. */
static double error_of(const work *w, const double off[DAM_PARTS])
{
    const dam_bytes *of = w->pass->coarse;

    if (w->pass->fine) /* without Q.G */
        return dam_paired_error(w->pass->N, of->off[2], off[2],
                                (of->off[1] + of->off[2]) * (off[1] + off[2]));
    return dam_paired_error(w->pass->N, of->off[1], off[1], /* without E.F */
                            (of->off[0] + of->off[1]) * (off[0] + off[1]));
}

/* Octaves of terms, at most, in a single's exponent: of those of alignments from 1 to -1. */
static double range_of(const work *w)
{
    return 2.0 * w->pass->reference->c * LOG2_E * 1.01 + 2.0;
}

/* Whether fine sums can be had: their bits are modulo 2^32, and end where those of a single do. */
static bool can_be_fine(const work *w)
{
    return w->bits + 8 >= FRACTION && range_of(w) < TOP + 250.0;
}

/* Puts state i into bytes, and what alignments are off for that beside it. */
static void prepare_row(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const float *x = pass->x + pass->slot[i] * pass->N;
    const int depth = w->depth;
    int8_t *row = w->rows + i * DAM_PAIRED_ROW * depth; /* G, F, X, 0, F, G */
    double square[DAM_PARTS] = {0}, off[DAM_PARTS];
    int8_t byte[DAM_PARTS];

    for (int k = 0; k < pass->N; k++) {
        double left = x[k], quantum = w->quantum;
        dam_three_bytes(x[k] / (w->quantum / 65536.0), byte);
        for (int part = 0; part < DAM_PARTS; part++, quantum /= 256.0) {
            row[(2 - part) * depth + k] = byte[part];
            left -= quantum * byte[part];
            square[part] += left * left;
        }
        row[4 * depth + k] = byte[1];
        row[5 * depth + k] = byte[2];
    }
    for (int part = 0; part < DAM_PARTS; part++)
        off[part] = sqrt(square[part]) * (1.0 + 1e-9);
    const double error = error_of(w, off);
    const double first = dam_coarse_error(pass->N, pass->coarse->off[0], off[0]);
    w->near.states[i].error = error;
    w->headroom = fmax(w->headroom, pass->reference->c * LOG2_E * (first + error) + 2.0);
}

/* Nats of a term in a product of first bytes. */
static double unit_of(const work *w)
{
    return LN_2 * ldexp(256.0, -w->bits);
}

/* Rough: where the patterns that are near state i begin, in such products. */
static void prepare_edge(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const double unit = unit_of(w), c = pass->reference->c;
    const double near = fabs(pass->near[i]) < HUGE_VAL ? pass->near[i] : 0;
    const double edge = (c + near - dam_near_depth(&w->near, i, FIRST_DEPTH)) / unit;
    const double most = 1.01 * c / unit;

    w->edge[i] = (int32_t)floor(fmax(-most, fmin(most, edge)));
}

/* What the loops are told. */
static void prepare_block(work *w)
{
    const bool fine = w->pass->fine;
    const double octaves = w->pass->reference->c * LOG2_E;
    const double top = TOP - (fine ? octaves : w->headroom);
    /* units of what `start` is added to, in an octave */
    const double scale = ldexp(1.0, fine ? w->bits - 8 : w->bits);

    w->b = (dam_paired_block){.full = fine,
                              .depth = w->depth,
                              .state = w->rows,
                              .states = w->pass->states,
                              .edge = w->edge,
                              .mask = w->near.mask,
                              .mask_stride = w->near.mask_stride,
                              .start = (int32_t)floor(top * scale),
                              .floor = 1 << (fine ? FRACTION : w->bits),
                              .shift = fine ? w->bits + 8 - FRACTION : FRACTION - w->bits,
                              .narrow = range_of(w) + (fine ? 0 : w->headroom) < TOP,
                              .sums = w->sums};
    w->start = w->b.start / scale;
}

static void prepare(work *w)
{
    const dam_pass *pass = w->pass;

    w->block = pass->fine ? FINE_BLOCK : BLOCK;
    dam_near_begin(&w->near, pass, NEAR_COST);
    memset(w->rows, 0, (size_t)(w->groups * DAM_COARSE_TILE * DAM_PAIRED_ROW * w->depth));
    for (int64_t i = 0; i < w->groups * DAM_COARSE_TILE; i++)
        w->edge[i] = 1; /* nothing is near */
    for (int64_t i = 0; i < pass->states; i++) {
        prepare_row(w, i);
        if (!pass->fine)
            prepare_edge(w, i);
    }
    prepare_block(w);
}

/* The block of n patterns from `first` on. */
static void add_block(work *w, int64_t first, int64_t n)
{
    const dam_bytes *of = w->pass->coarse;
    const int64_t part = (int64_t)w->depth * DAM_COARSE_TILE, left = w->pass->M - first - n;
    const int64_t tile = first / DAM_COARSE_TILE;
    dam_paired_block *b = &w->b;

    b->pattern = of->bytes + tile * 2 * part;
    b->third = b->full ? of->third + tile * part * dam_paired_third(w->depth) : NULL;
    b->tiles = n / DAM_COARSE_TILE;
    b->next = (const char *)b->pattern + b->tiles * 2 * part;
    b->lines = (left < n ? left : n) / DAM_COARSE_TILE * 2 * part / 64;
    memset(w->sums, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->sums);
    w->loops->sum_pairs(b);
    dam_near_add_rest(&w->near, (const void *)w->sums);
    dam_near_add(&w->near, first, n, !b->full);
}

static dam_interval interval_of(work *w, int64_t i)
{
    const dam_reference *f = w->pass->reference;
    const bool fine = w->pass->fine;
    dam_near_state *s = w->near.states + i;

    if (s->given_up)
        return dam_unknown();
    s->sum.edge = LN_2 * (127.0 - w->start);
    if (!fine)
        s->sum.edge += unit_of(w) * w->edge[i];
    s->sum.rounds = (double)(w->block / DAM_COARSE_TILE);
    s->sum.less = s->sum.more = DAM_SINGLE_SHRINK * (fine ? DAM_PAIRED_FINE_EXP2 : DAM_PAIRED_EXP2);
    if (fine)
        s->sum.less += DAM_SINGLE_SHRINK * DAM_PAIRED_TRUNCATION;
    return dam_coarse_lse_interval(f, (double)w->pass->M, s->error, &s->sum);
}

bool dam_paired_pass(const dam_pass *pass)
{
    work w = {.pass = pass, .loops = dam_coarse_loops_for(pass->kernels)};

    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    if (pass->states == 0 || !pass->coarse || pass->coarse->plan.kind != DAM_TWO_BYTES ||
        pass->reference->kernel != DAM_LSE || pass->N > DAM_PAIRED_LARGEST_N)
        return true;
    lay_out(&w, pass->N, pass->states, pass->scratch);
    if (!choose_quantum(&w) || (pass->fine && !can_be_fine(&w)))
        return true;
    prepare(&w);
    for (int64_t first = 0; first < pass->M; first += w.block) {
        if (dam_interrupted())
            return false;
        add_block(&w, first, pass->M - first < w.block ? pass->M - first : w.block);
    }
    dam_near_finish(&w.near);
    for (int64_t i = 0; i < pass->states; i++) {
        pass->L[i] = interval_of(&w, i);
        if (!pass->fine)
            dam_near_learn(&w.near, i);
    }
    return true;
}
