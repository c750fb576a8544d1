#include "near.h"

#include <math.h>
#include <string.h>

#include "memory.h"

/* Alignments of near patterns that are added up at a time. */
#define BATCH 256

/* Fewer near patterns than these are always evaluated. */
#define ALWAYS_NEAR 64

/* By how much the edge moves. */
#define LARGEST_MOVE 3.0
#define SMALL_MOVE 0.05

/* Near patterns that can wait. */
#define ROOM (8 * DAM_NEAR_LARGEST_BLOCK)

/* Near patterns grow by e per unit of depth at most. So many of the largest number are aimed at. */
#define SAFE_PART 0.7

static int stride_of(int N)
{
    return (N + 7) / 8 * 8;
}

uint64_t dam_near_cut(dam_near *w, int N, int64_t states, int64_t block, void *memory)
{
    const uint64_t n =
        (uint64_t)((states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE) * DAM_COARSE_TILE;

    w->mask_stride = block / DAM_COARSE_TILE;
    const dam_piece pieces[] = {
        {(void **)&w->mask, n * (uint64_t)w->mask_stride * sizeof *w->mask},
        {(void **)&w->states, n * sizeof *w->states},
        {(void **)&w->x, n * (uint64_t)stride_of(N) * sizeof *w->x},
        {(void **)&w->batch, n * BATCH * sizeof *w->batch},
        {(void **)&w->place, (ROOM + DAM_COARSE_TILE) * sizeof *w->place},
        {(void **)&w->phi, DAM_NEAR_LARGEST_BLOCK * sizeof *w->phi},
    };
    return dam_cut(memory, pieces, sizeof pieces / sizeof pieces[0]);
}

void dam_near_begin(dam_near *w, const dam_pass *pass, double cost)
{
    w->pass = pass;
    w->first = w->n = w->found = 0;
    w->most = (double)pass->M * (1.0 + 0.1 * pass->N) / cost + ALWAYS_NEAR;
    memset(w->states, 0, (size_t)pass->states * sizeof *w->states);
    memset(w->x, 0, (size_t)(pass->states * stride_of(pass->N)) * sizeof *w->x);
    for (int64_t i = 0; i < pass->states; i++)
        for (int k = 0; k < pass->N; k++)
            w->x[i * stride_of(pass->N) + k] = pass->x[pass->slot[i] * pass->N + k];
}

/* Adds up the batch of state i. */
static void add_batch(dam_near *w, int64_t i)
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

/* Patterns of a block of n that are near state i, as places in the block. */
static int64_t find_near(const dam_near *w, int64_t i, int64_t n, bool marked, int32_t *place)
{
    const int64_t tiles = n / DAM_COARSE_TILE;
    const uint16_t *mask = w->mask + i * w->mask_stride;
    int64_t found = 0;

    for (int64_t t = 0; marked && !w->states[i].given_up && t < tiles;) {
        const int64_t some = tiles - t < 16 ? tiles - t : 16;
        if (some < 16 || !all_far(mask + t))
            found += w->pass->kernels->places(mask + t, some, (int32_t)(t * DAM_COARSE_TILE),
                                              place + found);
        t += some;
    }
    for (int64_t mu = tiles * DAM_COARSE_TILE; mu < n; mu++) /* what fills no tile */
        place[found++] = (int32_t)mu;
    return found;
}

/* Keeps alignments of near patterns of state i. */
static void keep(dam_near *w, int64_t i, int64_t found)
{
    dam_near_state *s = w->states + i;

    for (int64_t done = 0; done < found;) {
        const int64_t part = found - done < BATCH - s->held ? found - done : BATCH - s->held;
        memcpy(w->batch + i * BATCH + s->held, w->phi + done, (size_t)part * sizeof *w->phi);
        s->held += (int)part;
        done += part;
        if (s->held == BATCH)
            add_batch(w, i);
    }
}

/* Evaluates what waits from `at` on, of state i. */
static void evaluate(dam_near *w, int64_t i, int64_t at)
{
    const dam_pass *pass = w->pass;
    const dam_bytes *of = pass->coarse;
    const double *x = w->x + i * stride_of(pass->N);
    const int64_t found = w->states[i].waiting;

    w->states[i].waiting = 0;
    if (w->states[i].given_up || found == 0)
        return;
    if (of->rows)
        pass->kernels->overlaps_of_rows(of->rows + w->first * of->stride, of->stride, pass->N,
                                        w->place + at, found, x, w->phi);
    else
        pass->kernels->overlaps_of(pass->panels + w->first * pass->N, pass->N, w->place + at, found,
                                   x, w->phi);
    keep(w, i, found);
}

/* Evaluates what waits, of all states. */
static void evaluate_all(dam_near *w)
{
    int64_t at = 0;

    for (int64_t i = 0; i < w->pass->states && at < w->found; i++) {
        const int waiting = w->states[i].waiting;
        evaluate(w, i, at);
        at += waiting;
    }
    w->found = 0;
}

void dam_near_add(dam_near *w, int64_t first, int64_t n, bool marked)
{
    evaluate_all(w);
    if (!marked && n % DAM_COARSE_TILE == 0)
        return;
    w->first = first;
    w->n = n;
    for (int64_t i = 0; i < w->pass->states; i++) {
        dam_near_state *s = w->states + i;
        if (w->found + n > ROOM)
            evaluate_all(w);
        const int64_t found = find_near(w, i, n, marked, w->place + w->found);
        s->sum.count += (double)found;
        if (s->sum.count > w->most)
            s->given_up = true;
        s->waiting = s->given_up ? 0 : (int)found;
        w->found += s->waiting;
    }
}

dam_coarse_rows dam_near_rows(const dam_near *w)
{
    const dam_bytes *of = w->pass->coarse;
    const bool some = w->found < w->n;

    if (!of->rows)
        return (dam_coarse_rows){0};
    return (dam_coarse_rows){.first = (const char *)(of->rows + w->first * of->stride),
                             .place = some ? w->place : NULL,
                             .rows = some ? w->found : w->n,
                             .bytes = of->stride * (int64_t)sizeof *of->rows};
}

void dam_near_add_rest(dam_near *w, const float (*sums)[DAM_COARSE_TILE])
{
    for (int64_t i = 0; i < w->pass->states; i++) {
        double lane[4] = {0}; /* one sum would take as long as many patterns do */
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            lane[j % 4] += sums[i][j];
        w->states[i].sum.rest += (lane[0] + lane[1]) + (lane[2] + lane[3]);
    }
}

void dam_near_finish(dam_near *w)
{
    evaluate_all(w);
    for (int64_t i = 0; i < w->pass->states; i++)
        add_batch(w, i);
}

double dam_near_depth(const dam_near *w, int64_t i, double first)
{
    double *depth = w->pass->depth + i;

    *depth = *depth > 0 ? *depth : first;
    return *depth;
}

void dam_near_learn(const dam_near *w, int64_t i)
{
    const dam_pass *pass = w->pass;
    const double width = pass->L[i].high - pass->L[i].low;
    double *depth = pass->depth + i;
    const double room = log(SAFE_PART * w->most / fmax(1.0, w->states[i].sum.count));
    double move = log(fmax(width, 1e-12) / pass->wanted[i]);

    if (w->states[i].given_up)
        move = -1.0;
    else if (move < 0)
        move = fmax(move, -1.0) * SMALL_MOVE;
    else
        move = fmin(room, move < LARGEST_MOVE ? move : LARGEST_MOVE); /* NaN too */
    *depth = fmax(1e-3, *depth + move);
}
