#include <math.h>
#include <string.h>

#include "bounds.h"
#include "fused.h"
#include "interrupt.h"
#include "memory.h"

#define LN_2 0.6931471805599453
#define LOG2_E 1.4426950408889634

/* Patterns that are taken at a time: their bytes stay in the second-level cache while all states
 * meet them, and lanes add up few enough terms. */
#define BLOCK 2048

/* Exponent, as a single holds it, of a term of alignment 1: no sum of a block overflows. */
#define TOP 239.0

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    const dam_coarse_loops *loops;
    int64_t groups; /* of states */
    double quantum; /* of the states' first bytes */
    double scale;   /* units of the integers in an octave of a term */
    dam_paired_block b;
    int8_t *rows;
    float (*sums)[DAM_COARSE_TILE];
    double *error, *rest; /* [states]: of alignments, if exact; sums */
    dam_coarse_sum *tail; /* [states]: patterns that fill no tile */
} work;

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(work *w, int N, int64_t states, char *scratch)
{
    const uint64_t depth = (uint64_t)dam_coarse_row(dam_coarse_shape_of(N));

    w->groups = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE;
    const uint64_t n = (uint64_t)w->groups * DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->rows, n * 3 * depth},         {(void **)&w->sums, n * sizeof *w->sums},
        {(void **)&w->error, n * sizeof *w->error}, {(void **)&w->rest, n * sizeof *w->rest},
        {(void **)&w->tail, n * sizeof *w->tail},
    };
    return dam_cut(scratch, pieces, sizeof pieces / sizeof pieces[0]);
}

uint64_t dam_paired_scratch(int N, int64_t states)
{
    work w;

    return N > DAM_PAIRED_LARGEST_N ? 0 : lay_out(&w, N, states, NULL);
}

/*
 * Quantum of the states: a product of 1 is 2^-shift of an octave, as fine as the states' components
 * and 32 bits allow. False when it would be too rough for anything.
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
    const int bits = (int)fmin(fmin(23.0, -exponent), room);
    if (!(bits >= 4))
        return false;
    w->scale = ldexp(1.0, bits);
    w->quantum = 1.0 / (w->scale * each);
    w->b.shift = 23 - bits;
    w->b.floor = 1 << bits;
    w->b.narrow = octaves * 1.01 + 2.0 < TOP - 128.0;
    w->b.start = (int32_t)(w->b.narrow ? 128.0 * w->scale : floor((TOP - octaves) * w->scale));
    return true;
}

/* Puts state i into bytes, and what alignments are off for that beside it. */
static void prepare_row(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const float *x = pass->x + pass->slot[i] * pass->N;
    int8_t *low = w->rows + i * 3 * w->b.depth, *high = low + w->b.depth;
    const double fine = w->quantum / 256.0;
    double second = 0, rest = 0;

    for (int k = 0; k < pass->N; k++) {
        const double byte = fmax(-127.0, fmin(127.0, rint(x[k] / w->quantum)));
        const double off = x[k] - w->quantum * byte;
        const double next = fmax(-127.0, fmin(127.0, rint(off / fine)));
        high[k] = (int8_t)byte;
        low[k] = (int8_t)next;
        second += fine * next * (fine * next);
        rest += (off - fine * next) * (off - fine * next);
    }
    const dam_bytes *of = pass->coarse;
    w->error[i] = dam_paired_error(pass->N, of->rest, sqrt(rest) * (1.0 + 1e-9),
                                   (of->error + of->rest) * sqrt(second) * (1.0 + 1e-9));
}

/* Patterns from `first` on, which fill no tile, in double precision. */
static void add_tail(work *w, int64_t first)
{
    const dam_pass *pass = w->pass;
    const int n = (int)(pass->M - first);
    const int64_t panel = first / DAM_PANEL;
    double phi[DAM_COARSE_TILE], x[DAM_PAIRED_LARGEST_N];
    int32_t place[DAM_COARSE_TILE];

    for (int i = 0; i < n; i++)
        place[i] = (int32_t)(first - panel * DAM_PANEL + i);
    for (int64_t i = 0; i < pass->states && n > 0; i++) {
        dam_coarse_sum *s = w->tail + i;
        for (int k = 0; k < pass->N; k++)
            x[k] = pass->x[pass->slot[i] * pass->N + k];
        pass->kernels->overlaps_of(pass->panels + panel * DAM_PANEL * pass->N, pass->N, place, n, x,
                                   phi);
        const dam_block_sum block = pass->kernels->reduce(pass->reference, phi, n);
        s->count = n;
        s->merges = 1;
        s->max_phi = block.max;
        s->sum = block.sum;
    }
}

static void prepare(work *w)
{
    const dam_pass *pass = w->pass;

    w->b.depth = dam_coarse_row(dam_coarse_shape_of(pass->N));
    w->b.state = w->rows;
    w->b.states = pass->states;
    w->b.sums = w->sums;
    memset(w->rows, 0, (size_t)(w->groups * DAM_COARSE_TILE * 3 * w->b.depth));
    memset(w->rest, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->rest);
    memset(w->tail, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->tail);
    for (int64_t i = 0; i < pass->states; i++)
        prepare_row(w, i);
}

/* All states with the `tiles` tiles of patterns from tile `first` on, before the `next` ones. */
static void add_block(work *w, int64_t first, int64_t tiles, int64_t next)
{
    w->b.pattern = w->pass->coarse->bytes + first * 2 * w->b.depth * DAM_COARSE_TILE;
    w->b.tiles = tiles;
    w->b.next = (const char *)w->b.pattern + tiles * 2 * w->b.depth * DAM_COARSE_TILE;
    w->b.lines = next * 2 * w->b.depth * DAM_COARSE_TILE / 64;
    memset(w->sums, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->sums);
    w->loops->sum_pairs(&w->b);
    for (int64_t i = 0; i < w->pass->states; i++)
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            w->rest[i] += w->sums[i][j];
}

static dam_interval interval_of(const work *w, int64_t i)
{
    const dam_reference *f = w->pass->reference;
    dam_coarse_sum s = w->tail[i];

    s.edge = LN_2 * (127.0 - w->b.start / w->scale);
    s.rest = w->rest[i];
    s.rounds = BLOCK / DAM_COARSE_TILE;
    s.less = s.more = DAM_SINGLE_SHRINK * DAM_PAIRED_EXP2;
    return dam_coarse_lse_interval(f, (double)w->pass->M, w->error[i], &s);
}

bool dam_paired_pass(const dam_pass *pass)
{
    work w = {.pass = pass, .loops = dam_coarse_loops_for(pass->kernels)};
    const int64_t tiles = pass->M / DAM_COARSE_TILE, block = BLOCK / DAM_COARSE_TILE;

    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    if (pass->states == 0 || !pass->coarse || pass->coarse->parts != 2 ||
        pass->reference->kernel != DAM_LSE || pass->N > DAM_PAIRED_LARGEST_N)
        return true;
    lay_out(&w, pass->N, pass->states, pass->scratch);
    if (!choose_quantum(&w))
        return true;
    prepare(&w);
    add_tail(&w, tiles * DAM_COARSE_TILE);
    for (int64_t t = 0; t < tiles; t += block) {
        if (dam_interrupted())
            return false;
        const int64_t n = tiles - t < block ? tiles - t : block, left = tiles - t - n;
        add_block(&w, t, n, left < block ? left : block);
    }
    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = interval_of(&w, i);
    return true;
}
