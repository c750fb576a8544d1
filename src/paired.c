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

/* Exponent, as a single holds it, of a term of alignment 1: no sum of a block overflows. */
#define TOP 239.0

/* The fine pass evaluates patterns near a state one by one (near.h): what one costs, and where the
 * edge is put below L at first. */
#define NEAR_COST 60.0
#define FIRST_DEPTH 12.0

/* A pass at work: `scratch`, cut into pieces. */
typedef struct {
    const dam_pass *pass;
    const dam_coarse_loops *loops;
    int64_t groups; /* of states */
    double quantum; /* of the states' first bytes */
    double scale;   /* units of the integers in an octave of a term */
    dam_paired_block b;
    int8_t *rows;
    int32_t *edge; /* [states] */
    float (*sums)[DAM_COARSE_TILE];
    dam_near near;
} work;

/* Cuts the scratch, where there is one, into pieces; returns its size. */
static uint64_t lay_out(work *w, int N, int64_t states, char *scratch)
{
    const uint64_t depth = (uint64_t)dam_coarse_row(dam_coarse_shape_of(N));

    w->groups = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE;
    const uint64_t n = (uint64_t)w->groups * DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->rows, n * 3 * depth},
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
    w->b.start = (int32_t)floor((TOP - octaves) * w->scale);
    w->b.narrow = 2.0 * octaves * 1.01 + 2.0 < TOP;
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
    w->near.states[i].error =
        dam_paired_error(pass->N, of->rest, sqrt(rest) * (1.0 + 1e-9),
                         (of->error + of->rest) * sqrt(second) * (1.0 + 1e-9));
}

/* Where the patterns that are near state i begin. */
static void prepare_edge(work *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const double near = isfinite(pass->near[i]) ? pass->near[i] : 0;
    const double edge = pass->reference->c + near - dam_near_depth(&w->near, i, FIRST_DEPTH);

    w->edge[i] = (int32_t)fmax(-0x1p30, fmin(0x1p30, floor(edge * LOG2_E * w->scale) + w->b.start));
}

static void prepare(work *w)
{
    const dam_pass *pass = w->pass;

    dam_near_begin(&w->near, pass, NEAR_COST);
    w->b.depth = dam_coarse_row(dam_coarse_shape_of(pass->N));
    w->b.state = w->rows;
    w->b.states = pass->states;
    w->b.edge = w->edge;
    w->b.mask = pass->fine ? w->near.mask : NULL;
    w->b.mask_stride = w->near.mask_stride;
    w->b.sums = w->sums;
    memset(w->rows, 0, (size_t)(w->groups * DAM_COARSE_TILE * 3 * w->b.depth));
    for (int64_t i = 0; i < pass->states; i++) {
        prepare_row(w, i);
        if (pass->fine)
            prepare_edge(w, i);
    }
}

/* All states with the block of n patterns from `first` on. */
static void add_block(work *w, int64_t first, int64_t n)
{
    const int64_t tile = 2 * w->b.depth * DAM_COARSE_TILE, left = w->pass->M - first - n;

    w->b.pattern = w->pass->coarse->bytes + first / DAM_COARSE_TILE * tile;
    w->b.tiles = n / DAM_COARSE_TILE;
    w->b.next = (const char *)w->b.pattern + w->b.tiles * tile;
    w->b.lines = (left < n ? left : n) / DAM_COARSE_TILE * tile / 64;
    memset(w->sums, 0, (size_t)(w->groups * DAM_COARSE_TILE) * sizeof *w->sums);
    w->loops->sum_pairs(&w->b);
    for (int64_t i = 0; i < w->pass->states; i++)
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            w->near.states[i].sum.rest += w->sums[i][j];
    dam_near_add(&w->near, first, n, w->pass->fine);
}

static dam_interval interval_of(work *w, int64_t i)
{
    const dam_reference *f = w->pass->reference;
    dam_near_state *s = w->near.states + i;

    if (s->given_up)
        return dam_unknown();
    s->sum.edge = LN_2 * (127.0 - w->b.start / w->scale);
    s->sum.rounds = BLOCK / DAM_COARSE_TILE;
    s->sum.less = s->sum.more = DAM_SINGLE_SHRINK * DAM_PAIRED_EXP2;
    return dam_coarse_lse_interval(f, (double)w->pass->M, s->error, &s->sum);
}

bool dam_paired_pass(const dam_pass *pass)
{
    work w = {.pass = pass, .loops = dam_coarse_loops_for(pass->kernels)};

    for (int64_t i = 0; i < pass->states; i++)
        pass->L[i] = dam_unknown();
    if (pass->states == 0 || !pass->coarse || pass->coarse->parts != 2 ||
        pass->reference->kernel != DAM_LSE || pass->N > DAM_PAIRED_LARGEST_N)
        return true;
    lay_out(&w, pass->N, pass->states, pass->scratch);
    if (!choose_quantum(&w))
        return true;
    prepare(&w);
    for (int64_t first = 0; first < pass->M; first += BLOCK) {
        if (dam_interrupted())
            return false;
        add_block(&w, first, pass->M - first < BLOCK ? pass->M - first : BLOCK);
    }
    dam_near_finish(&w.near);
    for (int64_t i = 0; i < pass->states; i++) {
        pass->L[i] = interval_of(&w, i);
        if (pass->fine)
            dam_near_learn(&w.near, i);
    }
    return true;
}
