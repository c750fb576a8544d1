#include "gang.h"

#include <math.h>
#include <string.h>

#include "active_set.h"
#include "interrupt.h"
#include "memory.h"

/* Below this many patterns, or steps to go, a list costs more to make than it saves. */
#define ACTIVE_LEAST_PATTERNS 1024
#define ACTIVE_LEAST_STEPS 64

/* Width of an interval of L, per neuron and beta_net, up to which energies stay certified: 1e-6. */
#define ENERGY_TOLERANCE 5e-7

typedef enum { UNDECIDED, ACCEPTED, REJECTED } verdict;

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
    int64_t *slot;       /* [chains]: the chains that a pass is about */
    dam_interval *now;   /* [chains]: L of the current states */
    dam_interval *next;  /* [chains]: L of the proposals */
    verdict *verdict;    /* [chains] */
    bool *outside;       /* [chains]: the proposal left the skin */
    double *next_phi;    /* [chains]: alignments of the proposals that all patterns decided */
    float *target;       /* [N]: the target pattern */
    void *memory;
    dam_active_set *active; /* [chains], or NULL */
    double *all_phi;        /* [DAM_TILE][M], when lists are made */
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
        n * sizeof(int64_t),
        n * sizeof(dam_interval),
        n * sizeof(dam_interval),
        n * sizeof(verdict),
        n * sizeof(bool),
        n * sizeof(double),
        N * sizeof(float),
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
    w->slot = piece[9];
    w->now = piece[10];
    w->next = piece[11];
    w->verdict = piece[12];
    w->outside = piece[13];
    w->next_phi = piece[14];
    w->target = piece[15];
    w->active = NULL;
    w->all_phi = NULL;
    return DAM_OK;
}

static void workspace_free(workspace *w, const dam_gang *g)
{
    for (int64_t c = 0; w->active && c < g->chains; c++)
        dam_active_free(w->active + c);
    dam_free(w->active);
    dam_free(w->all_phi);
    dam_free(w->memory);
}

/* Slots of the tile that begins at slot `first` of n. */
static int tile_width(int64_t n, int64_t first)
{
    return n - first < DAM_TILE ? (int)(n - first) : DAM_TILE;
}

/* Puts the states, of x[chains][N], of the chains in n slots into tiles, in double and k-major. */
static void fill_tiles(const dam_gang *g, const float *x, workspace *w, int64_t n)
{
    for (int64_t first = 0; first < n; first += DAM_TILE) {
        const int width = tile_width(n, first);
        double *tile = w->tiles + first * g->N;
        for (int j = 0; j < width; j++)
            for (int k = 0; k < g->N; k++)
                tile[k * width + j] = x[w->slot[first + j] * g->N + k];
    }
}

/* All chains into slots. */
static int64_t all_slots(const dam_gang *g, workspace *w)
{
    for (int64_t c = 0; c < g->chains; c++)
        w->slot[c] = c;
    return g->chains;
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
 * The n states in w->tiles against all patterns: each slot's block sums and its alignment with the
 * target, or (`others`) its largest alignment with any other pattern. With w->all_phi also all
 * alignments of the first DAM_TILE slots. False when interrupted.
 */
static bool pass(const dam_gang *g, workspace *w, int64_t slots, bool others, bool keep)
{
    const int64_t blocks = blocks_of(g), stride = (int64_t)g->N * DAM_PANEL;

    for (int64_t b = 0; b < blocks; b++) {
        const int64_t first_pattern = b * DAM_BLOCK;
        const int64_t n = g->M - first_pattern < DAM_BLOCK ? g->M - first_pattern : DAM_BLOCK;
        const int64_t target = g->target - first_pattern;
        for (int64_t first = 0; first < slots; first += DAM_TILE) {
            const int width = tile_width(slots, first);
            g->kernels->overlaps(g->panels + b * DAM_BLOCK_PANELS * stride,
                                 (n + DAM_PANEL - 1) / DAM_PANEL, g->N, w->tiles + first * g->N,
                                 width, w->phi);
            for (int j = 0; j < width; j++) {
                const double *phi = w->phi + j * DAM_BLOCK;
                const int64_t i = first + j;
                if (others)
                    w->largest[i] = fmax(w->largest[i], largest_but(phi, n, target));
                else
                    w->sums[i * blocks + b] = g->kernels->reduce(g->reference, phi, n);
                if (target >= 0 && target < n)
                    w->target_phi[i] = phi[target];
                if (keep)
                    memcpy(w->all_phi + i * g->M + first_pattern, phi, (size_t)n * sizeof *phi);
            }
            if (dam_interrupted())
                return false;
        }
    }
    return true;
}

/* The reference's L of a slot after a pass. */
static double L_of(const dam_gang *g, const workspace *w, int64_t slot)
{
    const int64_t blocks = blocks_of(g);
    return dam_combine_blocks(g->reference, w->sums + slot * blocks, blocks);
}

/* Evaluates the current states of the chains in n slots; false when interrupted. */
static bool evaluate_slots(dam_gang *g, workspace *w, int64_t n, bool keep)
{
    fill_tiles(g, g->x, w, n);
    if (!pass(g, w, n, false, keep))
        return false;
    for (int64_t i = 0; i < n; i++) {
        dam_chain *chain = g->chain + w->slot[i];
        chain->L = L_of(g, w, i);
        chain->phi = w->target_phi[i];
        chain->exact = true;
        chain->patterns += (uint64_t)g->M;
        w->now[w->slot[i]] = (dam_interval){chain->L, chain->L};
    }
    return true;
}

dam_status dam_gang_evaluate(dam_gang *g, dam_error *e)
{
    workspace w;
    dam_status status = workspace_make(&w, g, e);

    if (status)
        return status;
    if (!evaluate_slots(g, &w, all_slots(g, &w), false))
        status = dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    workspace_free(&w, g);
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

/* What is certain of a proposal, given intervals of L and the threshold. */
static verdict judge(dam_interval now, dam_interval next, double threshold)
{
    /* rounding is monotone: what the interval's ends decide, the reference decides as well */
    if (next.low - now.high > threshold)
        return ACCEPTED;
    return next.high - now.low <= threshold ? REJECTED : UNDECIDED;
}

static double threshold_of(const dam_chain *chain, uint64_t step)
{
    uint32_t words[4];

    dam_words(chain->acceptance, step, words);
    return chain->theta * dam_log(dam_uniform(words));
}

/* Width up to which an interval of L is good for energies. */
static double tolerance_of(const dam_gang *g)
{
    const double per_neuron = g->reference->kernel == DAM_LSE   ? g->reference->c
                              : g->reference->kernel == DAM_LSR ? g->reference->b
                                                                : g->N;
    return ENERGY_TOLERANCE * per_neuron;
}

/* Tries the chains' lists; returns the number of those left, which are put into slots. */
static int64_t judge_by_lists(dam_gang *g, workspace *w, uint64_t step)
{
    int64_t left = 0;

    for (int64_t c = 0; c < g->chains; c++) {
        const dam_active_set *set = w->active ? w->active + c : NULL;
        w->verdict[c] = UNDECIDED;
        w->outside[c] = false;
        if (set && set->listed >= 0) {
            g->chain[c].tried++;
            g->chain[c].listed += (uint64_t)set->listed;
            w->outside[c] = !dam_active_evaluate(set, g->reference, g->kernels, g->N, g->M,
                                                 w->proposal + c * g->N, w->all_phi, w->next + c);
            if (!w->outside[c]) {
                w->verdict[c] = judge(w->now[c], w->next[c], threshold_of(g->chain + c, step));
                g->chain[c].patterns += (uint64_t)set->listed;
                if (w->verdict[c] == ACCEPTED &&
                    !(w->next[c].high - w->next[c].low <= tolerance_of(g)))
                    w->verdict[c] = UNDECIDED; /* its energy would not be certified */
            }
        }
        g->chain[c].unsure += set && set->listed >= 0 && w->verdict[c] == UNDECIDED;
        if (w->verdict[c] == UNDECIDED)
            w->slot[left++] = c;
    }
    return left;
}

/* Decides the n proposals in slots by the reference; false when interrupted. */
static bool judge_by_reference(dam_gang *g, workspace *w, int64_t n, uint64_t step)
{
    int64_t unsure = 0;

    fill_tiles(g, w->proposal, w, n);
    if (!pass(g, w, n, false, false))
        return false;
    for (int64_t i = 0; i < n; i++) {
        const int64_t c = w->slot[i];
        const double L = L_of(g, w, i);
        w->next[c] = (dam_interval){L, L};
        w->next_phi[c] = w->target_phi[i];
        g->chain[c].patterns += (uint64_t)g->M;
        w->verdict[c] = judge(w->now[c], w->next[c], threshold_of(g->chain + c, step));
    }
    for (int64_t i = 0; i < n; i++)
        if (w->verdict[w->slot[i]] == UNDECIDED)
            w->slot[unsure++] = w->slot[i];
    if (unsure > 0 && !evaluate_slots(g, w, unsure, false))
        return false;
    for (int64_t i = 0; i < unsure; i++) {
        const int64_t c = w->slot[i];
        w->verdict[c] = judge(w->now[c], w->next[c], threshold_of(g->chain + c, step));
    }
    return true;
}

/* The alignment with the target, in the order of the reference. */
static double target_alignment(const dam_gang *g, const workspace *w, const float *x)
{
    double sum = 0;

    for (int k = 0; k < g->N; k++)
        sum += (double)x[k] * w->target[k];
    return sum / g->N;
}

/* Carries out the verdict on chain `c`; true when its proposal was accepted. */
static bool decide(dam_gang *g, workspace *w, int64_t c, uint64_t step, bool measure)
{
    dam_chain *chain = g->chain + c;
    const bool accepted = w->verdict[c] == ACCEPTED;

    if (accepted) {
        const float *x = w->proposal + c * g->N;
        w->now[c] = w->next[c];
        chain->exact = w->now[c].low == w->now[c].high;
        chain->L = chain->exact ? w->now[c].low : 0.5 * (w->now[c].low + w->now[c].high);
        if (chain->exact)
            chain->phi = w->next_phi[c];
        else if (measure)
            chain->phi = target_alignment(g, w, x);
        memcpy(g->x + c * g->N, x, (size_t)g->N * sizeof *g->x);
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
            bool accepted = decide(g, w, c, step, measure);
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
    const int64_t n = all_slots(g, w);

    for (int64_t c = 0; c < n; c++)
        w->largest[c] = -HUGE_VAL;
    fill_tiles(g, g->x, w, n);
    if (!pass(g, w, n, true, false))
        return false;
    for (int64_t c = 0; c < g->chains; c++) {
        g->chain[c].phi_max_other = g->M > 1 ? w->largest[c] : NAN;
        g->chain[c].measured = true;
    }
    return true;
}

/* Room for lists, when they may pay for `steps` steps. */
static dam_status prepare_lists(dam_gang *g, workspace *w, uint64_t steps, dam_error *e)
{
    void *memory;
    dam_status status;

    if (!g->lists || g->M < ACTIVE_LEAST_PATTERNS || steps < ACTIVE_LEAST_STEPS)
        return DAM_OK;
    status = dam_alloc(&memory, (uint64_t)g->chains, sizeof *w->active, "the chains' lists",
                       "lower replicas or threads", e);
    if (status)
        return status;
    w->active = memory;
    for (int64_t c = 0; c < g->chains; c++)
        w->active[c].listed = -1;
    status = dam_alloc(&memory, (uint64_t)g->M * DAM_TILE, sizeof *w->all_phi,
                       "alignments of all patterns", "lower M or threads", e);
    if (status == DAM_OK)
        w->all_phi = memory;
    return status;
}

/* Makes the lists of the chains in n <= DAM_TILE slots. DAM_ERR_INTERRUPTED is without a message.
 */
static dam_status make_lists(dam_gang *g, workspace *w, int64_t n, uint64_t step, uint64_t begin,
                             dam_error *e)
{
    dam_status status = DAM_OK;

    if (!evaluate_slots(g, w, n, true))
        return DAM_ERR_INTERRUPTED;
    for (int64_t i = 0; i < n && status == DAM_OK; i++) {
        const int64_t c = w->slot[i];
        dam_chain *chain = g->chain + c;
        const dam_active_input in = {
            .reference = g->reference,
            .N = g->N,
            .M = g->M,
            .panels = g->panels,
            .phi = w->all_phi + i * g->M,
            .x = g->x + c * g->N,
            .sigma = chain->sigma,
            .tolerance = tolerance_of(g),
            .step = step - begin + 1,
        };
        status = dam_active_build(w->active + c, &in, e);
        chain->rebuilds += w->active[c].listed >= 0;
    }
    return status;
}

/* Makes lists where there is none and one may be tried, and where a proposal left the skin. */
static dam_status renew_lists(dam_gang *g, workspace *w, uint64_t step, uint64_t begin,
                              dam_error *e)
{
    int64_t n = 0;
    dam_status status = DAM_OK;

    for (int64_t c = 0; w->active && c < g->chains && status == DAM_OK; c++) {
        const dam_active_set *set = w->active + c;
        if (set->listed >= 0 ? w->outside[c] : step - begin + 1 >= set->retry_at)
            w->slot[n++] = c;
        if (n == DAM_TILE || (n > 0 && c == g->chains - 1)) {
            status = make_lists(g, w, n, step, begin, e);
            n = 0;
        }
    }
    return status;
}

/* Evaluates the chains whose L is known as an interval only; false when interrupted. */
static bool make_exact(dam_gang *g, workspace *w)
{
    int64_t n = 0;

    for (int64_t c = 0; c < g->chains; c++) {
        w->now[c] = (dam_interval){g->chain[c].L, g->chain[c].L};
        w->outside[c] = false;
        if (!g->chain[c].exact)
            w->slot[n++] = c;
    }
    return n == 0 || evaluate_slots(g, w, n, false);
}

/* One step of all chains. */
static dam_status take_step(dam_gang *g, workspace *w, uint64_t step, bool measure)
{
    int64_t left;

    propose(g, w, step);
    left = judge_by_lists(g, w, step);
    if (left > 0 && !judge_by_reference(g, w, left, step))
        return DAM_ERR_INTERRUPTED;
    if (dam_interrupted())
        return DAM_ERR_INTERRUPTED;
    complete_step(g, w, step, measure);
    return DAM_OK;
}

/* The target pattern, out of its panel. */
static void copy_target(const dam_gang *g, float *target)
{
    const float *panel = g->panels + g->target / DAM_PANEL * DAM_PANEL * g->N;

    for (int k = 0; k < g->N; k++)
        target[k] = panel[(int64_t)k * DAM_PANEL + g->target % DAM_PANEL];
}

static dam_status advance(dam_gang *g, workspace *w, uint64_t end, bool measure, bool last,
                          dam_error *e)
{
    const uint64_t begin = g->chain[0].steps;
    dam_status status = prepare_lists(g, w, end - begin, e);

    if (status)
        return status;
    copy_target(g, w->target);
    if (!make_exact(g, w))
        return DAM_ERR_INTERRUPTED;
    if (measure && g->replicas > 1)
        for (int64_t group = 0; group * g->replicas < g->chains; group++)
            w->q12[group] = mean_q12(g, group, w->y);
    for (uint64_t step = begin; step < end && status == DAM_OK; step++) {
        status = renew_lists(g, w, step, begin, e);
        if (status == DAM_OK)
            status = take_step(g, w, step, measure);
    }
    if (status == DAM_OK && last && !measure_last(g, w))
        status = DAM_ERR_INTERRUPTED;
    return status;
}

dam_status dam_gang_advance(dam_gang *g, uint64_t end, bool measure, bool last, dam_error *e)
{
    workspace w;
    dam_status status = workspace_make(&w, g, e);

    if (status)
        return status;
    status = advance(g, &w, end, measure, last, e);
    if (status == DAM_ERR_INTERRUPTED)
        dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    workspace_free(&w, g);
    return status;
}
