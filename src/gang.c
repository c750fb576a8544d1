#include "gang.h"

#include <math.h>
#include <string.h>

#include "interrupt.h"
#include "memory.h"

/* Working memory of a gang. */
typedef struct {
    float *proposal;     /* [chains][N] */
    double *tiles;       /* [tile][k][chains of the tile] */
    float *eta;          /* [N] */
    double *y;           /* [N] */
    double *phi;         /* [DAM_TILE][DAM_BLOCK]: one block's alignments */
    dam_block_sum *sums; /* [chains][blocks] */
    double *target_phi;  /* [chains] */
    double *largest;     /* [chains] */
    double *q12;         /* [chains / replicas] */
    void *memory;
} workspace;

static int64_t blocks_of(const dam_gang *g)
{
    return (g->M + DAM_BLOCK - 1) / DAM_BLOCK;
}

/* One allocation, cut into aligned pieces. */
static dam_status workspace_make(workspace *w, const dam_gang *g, dam_error *e)
{
    const uint64_t n = (uint64_t)g->chains, N = (uint64_t)g->N;
    const uint64_t sizes[] = {
        n * N * sizeof(float),
        n * N * sizeof(double),
        N * sizeof(float),
        N * sizeof(double),
        DAM_TILE * DAM_BLOCK * sizeof(double),
        n * (uint64_t)blocks_of(g) * sizeof(dam_block_sum),
        n * sizeof(double),
        n * sizeof(double),
        n * sizeof(double),
    };
    void *piece[sizeof sizes / sizeof sizes[0]];
    uint64_t bytes = 0;
    dam_status status;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        bytes += (sizes[i] + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;
    status = dam_alloc(&w->memory, bytes, 1, "room for proposals", "lower replicas or threads", e);
    if (status)
        return status;
    bytes = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        piece[i] = (char *)w->memory + bytes;
        bytes += (sizes[i] + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;
    }
    w->proposal = piece[0];
    w->tiles = piece[1];
    w->eta = piece[2];
    w->y = piece[3];
    w->phi = piece[4];
    w->sums = piece[5];
    w->target_phi = piece[6];
    w->largest = piece[7];
    w->q12 = piece[8];
    return DAM_OK;
}

/* Chains of the tile that begins at chain `first`. */
static int tile_width(const dam_gang *g, int64_t first)
{
    return g->chains - first < DAM_TILE ? (int)(g->chains - first) : DAM_TILE;
}

/* Puts the states x[chains][N] into tiles, in double and k-major. */
static void fill_tiles(const dam_gang *g, const float *x, double *tiles)
{
    for (int64_t first = 0; first < g->chains; first += DAM_TILE) {
        const int width = tile_width(g, first);
        double *tile = tiles + first * g->N;
        for (int j = 0; j < width; j++)
            for (int k = 0; k < g->N; k++)
                tile[k * width + j] = x[(first + j) * g->N + k];
    }
}

/* Largest of the `n` alignments of a block, the pattern at `skip` left out. */
static double largest_but(const double *phi, int64_t n, int64_t skip)
{
    double largest = -HUGE_VAL;

    for (int64_t i = 0; i < n; i++)
        if (i != skip && phi[i] > largest)
            largest = phi[i];
    return largest;
}

/*
 * The states in w->tiles against all patterns: each chain's block sums and its alignment with the
 * target, or (`others`) its largest alignment with any other pattern. False when interrupted.
 */
static bool pass(const dam_gang *g, workspace *w, bool others)
{
    const int64_t blocks = blocks_of(g), stride = (int64_t)g->N * DAM_PANEL;

    for (int64_t b = 0; b < blocks; b++) {
        const int64_t first_pattern = b * DAM_BLOCK;
        const int64_t n = g->M - first_pattern < DAM_BLOCK ? g->M - first_pattern : DAM_BLOCK;
        const int64_t target = g->target - first_pattern;
        for (int64_t first = 0; first < g->chains; first += DAM_TILE) {
            const int width = tile_width(g, first);
            g->kernels->overlaps(g->panels + b * DAM_BLOCK_PANELS * stride,
                                 (n + DAM_PANEL - 1) / DAM_PANEL, g->N, w->tiles + first * g->N,
                                 width, w->phi);
            for (int j = 0; j < width; j++) {
                const double *phi = w->phi + j * DAM_BLOCK;
                const int64_t c = first + j;
                if (others)
                    w->largest[c] = fmax(w->largest[c], largest_but(phi, n, target));
                else
                    w->sums[c * blocks + b] = g->kernels->reduce(g->reference, phi, n);
                if (target >= 0 && target < n)
                    w->target_phi[c] = phi[target];
            }
            if (dam_interrupted())
                return false;
        }
    }
    return true;
}

static double L_of(const dam_gang *g, const workspace *w, int64_t chain)
{
    const int64_t blocks = blocks_of(g);
    return dam_combine_blocks(g->reference, w->sums + chain * blocks, blocks);
}

dam_status dam_gang_evaluate(dam_gang *g, dam_error *e)
{
    workspace w;
    dam_status status = workspace_make(&w, g, e);

    if (status)
        return status;
    fill_tiles(g, g->x, w.tiles);
    if (pass(g, &w, false))
        for (int64_t c = 0; c < g->chains; c++) {
            g->chain[c].L = L_of(g, &w, c);
            g->chain[c].phi = w.target_phi[c];
        }
    else
        status = dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    dam_free(w.memory);
    return status;
}

double dam_mean_q12(const dam_kernels *kernels, int N, int64_t replicas, const float *x,
                    double *sum)
{
    const double pairs = 0.5 * (double)replicas * (double)(replicas - 1);
    double total = 0, own = 0;

    if (replicas == 2)
        return kernels->dot(N, x, x + N) / N;
    /* sum over pairs of x_a.x_b = (|sum of x_a|^2 - sum of |x_a|^2) / 2 */
    memset(sum, 0, (size_t)N * sizeof *sum);
    for (int64_t a = 0; a < replicas; a++) {
        for (int k = 0; k < N; k++)
            sum[k] += x[a * N + k];
        own += kernels->dot(N, x + a * N, x + a * N);
    }
    for (int k = 0; k < N; k++)
        total += sum[k] * sum[k];
    return 0.5 * (total - own) / pairs / N;
}

/* That of the replicas of the gang's temperature `group`. */
static double mean_q12(const dam_gang *g, int64_t group, double *sum)
{
    return dam_mean_q12(g->kernels, g->N, g->replicas, g->x + group * g->replicas * g->N, sum);
}

/* The proposals of step `step`, for all chains. */
static void propose(const dam_gang *g, workspace *w, uint64_t step)
{
    for (int64_t c = 0; c < g->chains; c++) {
        const dam_chain *chain = g->chain + c;
        g->kernels->normals(chain->proposals, g->N, step * DAM_BLOCKS_OF(g->N), w->eta);
        g->kernels->propose(g->N, g->x + c * g->N, w->eta, chain->sigma, w->y,
                            w->proposal + c * g->N);
    }
}

/* Decides the proposal of chain `c`; true when it is accepted. */
static bool decide(dam_gang *g, const workspace *w, int64_t c, uint64_t step)
{
    dam_chain *chain = g->chain + c;
    const double L = L_of(g, w, c);
    uint32_t words[4];
    bool accepted;

    dam_words(chain->acceptance, step, words);
    accepted = dam_accept(L, chain->L, chain->theta, dam_uniform(words));
    if (accepted) {
        chain->L = L;
        chain->phi = w->target_phi[c];
        memcpy(g->x + c * g->N, w->proposal + c * g->N, (size_t)g->N * sizeof *g->x);
    }
    chain->decisions = dam_absorb(chain->decisions, accepted);
    chain->steps = step + 1;
    return accepted;
}

static void accumulate(dam_chain *chain, bool accepted)
{
    chain->accepted += accepted;
    chain->phi_sum += chain->phi;
    chain->phi2_sum += chain->phi * chain->phi;
    chain->L_sum += chain->L;
    chain->L2_sum += chain->L * chain->L;
}

/* Step `step` of all chains into the record, after all of them have been decided. */
static void record_step(const dam_gang *g, const workspace *w, uint64_t step)
{
    const dam_moment m = dam_record_moment(g->record, step);

    for (int64_t group = 0; group * g->replicas < g->chains; group++) {
        const int64_t place = (g->first_T + group) * g->record->disorder + g->disorder;
        for (int64_t a = 0; a < g->replicas; a++) {
            const int64_t c = group * g->replicas + a;
            dam_record_chain(g->record, m, place * g->replicas + a, g->chain[c].phi, g->chain[c].L,
                             g->x + c * g->N);
        }
        if (g->replicas > 1)
            dam_record_q12(g->record, m, place, w->q12[group]);
    }
}

/* Decisions of step `step`, which has been evaluated. */
static void complete_step(dam_gang *g, workspace *w, uint64_t step, bool measure)
{
    for (int64_t group = 0; group * g->replicas < g->chains; group++) {
        bool moved = false;
        for (int64_t c = group * g->replicas; c < (group + 1) * g->replicas; c++) {
            bool accepted = decide(g, w, c, step);
            moved |= accepted;
            if (measure)
                accumulate(g->chain + c, accepted);
        }
        if (measure && g->replicas > 1) {
            if (moved)
                w->q12[group] = mean_q12(g, group, w->y);
            g->q12_sum[group] += w->q12[group];
        }
    }
    if (measure && g->record)
        record_step(g, w, step);
}

/* Sets phi_max_other of the states; false when interrupted. */
static bool measure_last(dam_gang *g, workspace *w)
{
    for (int64_t c = 0; c < g->chains; c++)
        w->largest[c] = -HUGE_VAL;
    fill_tiles(g, g->x, w->tiles);
    if (!pass(g, w, true))
        return false;
    for (int64_t c = 0; c < g->chains; c++) {
        g->chain[c].phi_max_other = g->M > 1 ? w->largest[c] : NAN;
        g->chain[c].measured = true;
    }
    return true;
}

dam_status dam_gang_advance(dam_gang *g, uint64_t end, bool measure, bool last, dam_error *e)
{
    workspace w;
    dam_status status = workspace_make(&w, g, e);
    bool going = true;

    if (status)
        return status;
    if (measure && g->replicas > 1)
        for (int64_t group = 0; group * g->replicas < g->chains; group++)
            w.q12[group] = mean_q12(g, group, w.y);
    for (uint64_t step = g->chain[0].steps; step < end && going; step++) {
        propose(g, &w, step);
        fill_tiles(g, w.proposal, w.tiles);
        going = pass(g, &w, false);
        if (going)
            complete_step(g, &w, step, measure);
    }
    if (going && last)
        going = measure_last(g, &w);
    if (!going)
        status = dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    dam_free(w.memory);
    return status;
}
