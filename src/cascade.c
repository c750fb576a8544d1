#include "cascade.h"

#include <math.h>
#include <string.h>

#include "fused.h"
#include "interrupt.h"
#include "memory.h"

/* Times 1/sqrt(N): the angles by which chains in a basin come further away than they are. */
#define BASIN_MARGIN 1.5

/* Widths of intervals in units of theta: what a list's rest may add, and what may be carried. */
#define LIST_WIDTH 0.05
#define CARRIED_WIDTH 0.5
#define COARSE_WIDTH 0.03

/* The current state is evaluated by the tier that is asked when its interval is so much wider. */
#define REPEAT_WIDTH 4.0

/* What coarse passes for energies aim at, of what is good enough. */
#define WANTED_OF_CERTIFIED 0.65

/* What a pass in one byte costs more for LSE: more patterns are near. */
#define LSE_MORE 1.3

/* Of proposals, roughly. */
#define USUAL_ACCEPTANCE 0.35

/* What passes in one byte for many chains cost of that, and how much more it is for one alone; the
 * same of those in two. */
#define TOGETHER 0.7
#define ALONE 1.5
#define TOGETHER_IN_TWO 1.05
#define ALONE_IN_TWO 2.5

/* What a fine pass in one byte costs more than a rough one, at most: cycles a pattern, with eight
 * lanes. */
#define FINE_MORE 1.05

/* How much more a pass costs for one alone that reads whole patterns. */
#define ALONE_IN_FLOATS 8.0

/* Of how many states a pass is, its last times weigh so much less than its next. */
#define COMPANY_WEIGHT 8.0

/* A pass for what lists leave open: it is for few chains, and lists have taken its place in caches.
 * When moving, chains wait for others. */
#define LEFT_OPEN 1.5
#define LEFT_OPEN_MEASURED 2.0
/* So many states at a time are few: with more, who comes late finds the patterns there. */
#define FEW 4.0

/* A pass that leaves too much to the next tier is not asked for a while: proposals looked at, the
 * fraction of them that is too much, and steps to wait. */
#define FORTUNE_TRIES 32
#define FORTUNE_TRIES_COARSE 8 /* it hardly gets better */
#define FORTUNE_WAIT 992

/* States that patterns are brought in for at a time, if possible: a part of the gang's chains, for
 * fewer others go on meanwhile. */
#define ENOUGH 16
#define ENOUGH_PART 5

/* Normals that are made at a time for the proposals of a chain: they fill whole registers. */
#define NORMALS_AHEAD 1024

/* Decisions for which uniforms are drawn at a time. */
#define LOG_U_AHEAD 16

/* Steps that chains may be behind so many others, waiting for company. */
#define LAG 16
#define LAG_OF_RENEWALS 64

/* Steps that a chain takes one after another where its lists decide: what it needs is at hand. */
#define STEPS_AT_A_TIME 8

/* How much narrower than proposals' intervals those are of what these leave open. */
#define AGAIN_WIDTH 0.1

/* How much further below the edge of near patterns is put for that, at first. */
#define AGAIN_DEPTH 6.0

/* Current states go with these if their intervals are so much wider than wanted. */
#define AGAIN_CURRENT 1.5

/* The passes in lower precision. */
typedef struct {
    dam_tier tier;
    dam_bytes_kind kind; /* DAM_NO_BYTES: single precision */
    uint64_t (*scratch)(int N, int64_t states);
    bool (*pass)(const dam_pass *pass);
    bool fine;
    bool again; /* what the pass before has left open; unless fine, with its next states */
    double cost_per_N, cost; /* cycles per pattern and state, roughly; one byte: those of its loops
                              * times `cost` */
} certified_pass;

static const certified_pass passes[] = {
    {DAM_TIER_COARSE, DAM_TWO_BYTES, dam_paired_scratch, dam_paired_pass, false, false, 0.004, 0.3},
    {DAM_TIER_COARSE, DAM_TWO_BYTES, dam_paired_scratch, dam_paired_pass, false, true, 0.004, 0.3},
    {DAM_TIER_COARSE, DAM_WORDS16, dam_words_scratch, dam_words_pass, false, false, 0.024, 0.15},
    {DAM_TIER_COARSE, DAM_WORDS16, dam_words_scratch, dam_words_pass, false, true, 0.024, 0.15},
    {DAM_TIER_COARSE, DAM_ONE_BYTE, dam_coarse_scratch, dam_coarse_pass, false, false, 0, 1},
    {DAM_TIER_COARSE, DAM_ONE_BYTE, dam_coarse_scratch, dam_coarse_pass, false, true, 0, 1},
    {DAM_TIER_SINGLE, DAM_NO_BYTES, dam_single_scratch, dam_single_pass, false, false, 0.05, 0.5},
    {DAM_TIER_COARSE, DAM_TWO_BYTES, dam_paired_scratch, dam_paired_pass, true, false, 0.005, 0.8},
    {DAM_TIER_COARSE, DAM_WORDS16, dam_words_scratch, dam_words_pass, true, false, 0.015, 1.2},
    {DAM_TIER_COARSE, DAM_WORDS16, dam_words_scratch, dam_words_pass, true, true, 0.015, 1.2},
    {DAM_TIER_COARSE, DAM_ONE_BYTE, dam_coarse_scratch, dam_coarse_pass, true, false, 0, 1.5},
    {DAM_TIER_COARSE, DAM_ONE_BYTE, dam_coarse_scratch, dam_coarse_pass, true, true, 0, 1.5},
    {DAM_TIER_SINGLE, DAM_NO_BYTES, dam_single_scratch, dam_single_pass, true, false, 0.06, 0.6},
};
#define PASSES (sizeof passes / sizeof passes[0])

/* What a chain is parked for whose list is to be made anew. */
#define RENEWAL (PASSES + 1)

static bool has(const dam_gang *g, dam_tier tier)
{
    return g->tiers >> tier & 1;
}

static int64_t blocks_of(const dam_gang *g)
{
    return (g->M + DAM_BLOCK - 1) / DAM_BLOCK;
}

/* Width up to which an interval of L is good for energies. */
static double tolerance_of(const dam_gang *g)
{
    return dam_energy_width(g->reference);
}

static double width(dam_interval i)
{
    return i.high - i.low;
}

/* ---- memory ---- */

/* One allocation, cut into aligned pieces. */
static dam_status make_room(dam_cascade *w, dam_error *e)
{
    const dam_gang *g = w->g;
    const uint64_t n = (uint64_t)g->chains, N = (uint64_t)g->N;
    uint64_t pass_bytes = 0;
    const uint64_t each = 4 * DAM_BLOCKS_OF(N);
    void *memory;
    dam_status status;

    w->ahead = each < NORMALS_AHEAD ? NORMALS_AHEAD / each : 1;
    for (size_t i = 0; i < PASSES; i++)
        if (has(g, passes[i].tier)) {
            const uint64_t own = passes[i].scratch(g->N, 2 * g->chains);
            pass_bytes = own > pass_bytes ? own : pass_bytes;
        }
    const dam_piece pieces[] = {
        {(void **)&w->proposal, 2 * n * N * sizeof(float)},
        {(void **)&w->now, n * sizeof(dam_interval)},
        {(void **)&w->next, n * sizeof(dam_interval)},
        {(void **)&w->verdict, n * sizeof(dam_verdict)},
        {(void **)&w->next_phi, n * sizeof(double)},
        {(void **)&w->largest, n * sizeof(double)},
        {(void **)&w->scratch, N * sizeof(double)},
        {(void **)&w->threshold, n * sizeof(double)},
        {(void **)&w->from, n * sizeof(dam_tier)},
        {(void **)&w->fortune, PASSES * n * sizeof(dam_fortune)},
        {(void **)&w->company, (PASSES + 1) * sizeof(double)},
        {(void **)&w->parked, n * sizeof *w->parked},
        {(void **)&w->renew, n * sizeof(bool)},
        {(void **)&w->slot, 2 * n * sizeof(int64_t)},
        {(void **)&w->L, 2 * n * sizeof(dam_interval)},
        {(void **)&w->near, 2 * n * sizeof(double)},
        {(void **)&w->wanted, 2 * n * sizeof(double)},
        {(void **)&w->depth, PASSES * 2 * n * sizeof(double)},
        {(void **)&w->depth_now, 2 * n * sizeof(double)},
        {(void **)&w->phi, DAM_TILE * DAM_BLOCK * sizeof(double)},
        {(void **)&w->tiles, n * N * sizeof(double)},
        {(void **)&w->sums, n * (uint64_t)blocks_of(g) * sizeof(dam_block_sum)},
        {(void **)&w->target_phi, n * sizeof(double)},
        {(void **)&w->eta, n * w->ahead * each * sizeof(float)},
        {(void **)&w->eta_step, n * sizeof(uint64_t)},
        {(void **)&w->eta_end, n * sizeof(uint64_t)},
        {(void **)&w->log_u, n * LOG_U_AHEAD * sizeof(double)},
        {(void **)&w->log_u_end, n * sizeof(uint64_t)},
        {&w->pass_scratch, pass_bytes},
    };
    const size_t count = sizeof pieces / sizeof pieces[0];

    status = dam_alloc(&memory, dam_cut(NULL, pieces, count), 1, "room for proposals",
                       "lower replicas or threads", e);
    if (status)
        return status;
    w->memory = memory;
    dam_cut(memory, pieces, count);
    return DAM_OK;
}

/* Lanes of doubles that the kernels use. */
static double lanes(const dam_gang *g)
{
    return strcmp(g->kernels->name, "avx512") == 0 ? 8
           : strcmp(g->kernels->name, "avx2") == 0 ? 4
                                                   : 2;
}

/* Cycles of a pass per proposal, roughly; of the reference for i = PASSES. */
static double cost_of(const dam_gang *g, size_t i)
{
    const double wide = 8.0 / lanes(g), term = dam_active_term_cost(g->reference);
    const dam_coarse_loops *loops = dam_coarse_loops_for(g->kernels);

    if (i < PASSES && passes[i].kind == DAM_ONE_BYTE)
        return passes[i].cost * (g->reference->kernel == DAM_LSE ? LSE_MORE : 1.0) * (double)g->M *
               (loops->cost + loops->cost_per_N * g->N);
    return wide * (double)g->M *
           (i < PASSES ? passes[i].cost + passes[i].cost_per_N * g->N : term + 0.14 * g->N);
}

/* Whether pass `i` may be asked. The fine ones are for energies of LSE: of LSR the coarse pass
 * knows all there is, and intervals in single precision are too wide. Where steps are taken
 * together there is no next time to wait for. */
static bool available(const dam_gang *g, size_t i, bool measure)
{
    const certified_pass *p = passes + i;
    const dam_bytes_kind kind = g->coarse ? g->coarse->plan.kind : DAM_NO_BYTES;

    if (!has(g, p->tier) || (p->kind != DAM_NO_BYTES && p->kind != kind))
        return false;
    if (p->again && !p->fine) /* of LSR a pass knows all at once */
        return !measure && g->reference->kernel == DAM_LSE;
    if (p->fine)
        return measure && g->reference->kernel == DAM_LSE &&
               (p->kind != DAM_WORDS16 || g->N >= DAM_WORDS_LEAST_N_FINE);
    /* beside bytes accepted proposals need a fine one, and so do the few that are left */
    return !(kind != DAM_NO_BYTES && measure && p->kind == DAM_NO_BYTES &&
             g->reference->kernel == DAM_LSE);
}

/* The next pass that is there after pass `i`; PASSES when there is none. */
static size_t after(const dam_gang *g, size_t i, bool measure)
{
    do
        i++;
    while (i < PASSES && !available(g, i, measure));
    return i;
}

/* Cycles of a proposal without a list, roughly. When measuring, accepted ones are evaluated for
 * energies; of LSR a pass in bytes knows all there is. */
static double pass_cost(const dam_cascade *w, size_t first)
{
    const bool enough = first < PASSES && passes[first].tier == DAM_TIER_COARSE &&
                        w->g->reference->kernel == DAM_LSR;
    size_t exact = first;
    double fine;

    if (!w->measure || enough)
        return cost_of(w->g, first);
    while (exact < PASSES && !passes[exact].fine)
        exact = after(w->g, exact, true);
    fine = cost_of(w->g, exact);
    if (exact < PASSES && passes[exact].kind == DAM_ONE_BYTE)
        fine = fmin(fine, cost_of(w->g, first) + FINE_MORE * 8.0 / lanes(w->g) * (double)w->g->M);
    return fmin(fine, cost_of(w->g, first) + USUAL_ACCEPTANCE * fine);
}

/* The same of one among all chains' and, in `open`, of one that a list has left open. */
static double plain_cost(const dam_cascade *w, double *open)
{
    const size_t first = after(w->g, SIZE_MAX, w->measure);
    const double cost = pass_cost(w, first), n = (double)w->g->chains;
    double plain;

    if (first == PASSES || passes[first].kind == DAM_NO_BYTES)
        return *open = cost;
    plain = passes[first].kind == DAM_ONE_BYTE ? cost * TOGETHER * (1.0 + ALONE / n)
                                               : cost * TOGETHER_IN_TWO * (1.0 + ALONE_IN_TWO / n);
    *open = fmax(plain, (w->measure ? LEFT_OPEN_MEASURED : LEFT_OPEN) * cost);
    return plain;
}

/* Room for lists, when they may pay for `steps` steps. */
static dam_status prepare_lists(dam_cascade *w, uint64_t steps, dam_error *e)
{
    const dam_gang *g = w->g;
    /* when measuring, lists are often made for one chain at a time */
    const uint64_t bytes = (uint64_t)g->M * (uint64_t)g->N * sizeof(float);
    const double lone = w->measure ? dam_active_far_cost(bytes) * g->N : 0.0;
    void *memory;
    dam_status status;

    w->field = (dam_active_field){.kernels = g->kernels,
                                  .reference = g->reference,
                                  .N = g->N,
                                  .M = g->M,
                                  .panels = g->panels,
                                  .rows = g->coarse ? g->coarse->rows : NULL,
                                  .row_stride = g->coarse ? g->coarse->stride : 0,
                                  .pass_cost = cost_of(g, PASSES) / (double)g->M + lone,
                                  .measure = w->measure};
    w->field.plain_cost = plain_cost(w, &w->field.open_cost);
    if (!has(g, DAM_TIER_ACTIVE) || g->M < DAM_ACTIVE_LEAST_PATTERNS ||
        steps < (g->lists ? 1 : DAM_ACTIVE_LEAST_STEPS))
        return DAM_OK;
    status = dam_alloc(&memory, (uint64_t)DAM_ACTIVE_SCRATCH(g->N, g->M), sizeof(double),
                       "alignments of a list", "lower M or threads", e);
    if (status)
        return status;
    w->list_scratch = memory;
    status = dam_alloc(&memory, 1, sizeof *w->field.terms, "terms by angle", "lower threads", e);
    if (status)
        return status;
    w->field.terms = memory;
    w->active = g->lists;
    if (!w->active) {
        status = dam_alloc(&memory, (uint64_t)g->chains, sizeof *w->own, "the chains' lists",
                           "lower replicas or threads", e);
        if (status)
            return status;
        w->active = w->own = memory;
    }
    for (int64_t c = 0; c < g->chains; c++)
        if (w->active[c].sigma != g->chain[c].sigma)
            dam_active_begin(w->active + c, g->chain[c].sigma);
    return DAM_OK;
}

dam_status dam_cascade_make(dam_cascade *w, dam_gang *g, uint64_t steps, bool measure, dam_error *e)
{
    dam_status status;

    memset(w, 0, sizeof *w);
    w->g = g;
    w->measure = measure;
    status = make_room(w, e);
    if (status == DAM_OK)
        status = prepare_lists(w, steps, e);
    if (status)
        dam_cascade_free(w);
    return status;
}

void dam_cascade_free(dam_cascade *w)
{
    for (int64_t c = 0; w->active && c < w->g->chains; c++)
        if (w->own || dam_active_bytes(w->active + c, w->g->N) > w->g->list_bytes)
            dam_active_free(w->active + c);
    dam_free(w->own);
    dam_free(w->field.terms);
    dam_free(w->list_scratch);
    dam_free(w->all_phi);
    dam_free(w->memory);
}

/* ---- the reference ---- */

/* Slots of the tile that begins at slot `first` of n. */
static int tile_width(int64_t n, int64_t first)
{
    return n - first < DAM_TILE ? (int)(n - first) : DAM_TILE;
}

/* Puts the states, of x[chains][N], of the chains in n slots into tiles, in double and k-major. */
static void fill_tiles(dam_cascade *w, const float *x, int64_t n)
{
    const int N = w->g->N;

    for (int64_t first = 0; first < n; first += DAM_TILE) {
        const int wide = tile_width(n, first);
        double *tile = w->tiles + first * N;
        for (int j = 0; j < wide; j++)
            for (int k = 0; k < N; k++)
                tile[k * wide + j] = x[w->slot[first + j] * N + k];
    }
}

/* All chains into slots. */
static int64_t all_slots(dam_cascade *w)
{
    for (int64_t c = 0; c < w->g->chains; c++)
        w->slot[c] = c;
    return w->g->chains;
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
 * target, or (`others`) its largest alignment with any other pattern. With `keep` also all
 * alignments of the first DAM_TILE slots. False when interrupted.
 */
static bool reference_pass(dam_cascade *w, int64_t slots, bool others, bool keep)
{
    const dam_gang *g = w->g;
    const int64_t blocks = blocks_of(g), stride = (int64_t)g->N * DAM_PANEL;

    for (int64_t b = 0; b < blocks; b++) {
        const int64_t first_pattern = b * DAM_BLOCK;
        const int64_t n = g->M - first_pattern < DAM_BLOCK ? g->M - first_pattern : DAM_BLOCK;
        const int64_t target = g->target - first_pattern;
        for (int64_t first = 0; first < slots; first += DAM_TILE) {
            const int wide = tile_width(slots, first);
            g->kernels->overlaps(g->panels + b * DAM_BLOCK_PANELS * stride,
                                 (n + DAM_PANEL - 1) / DAM_PANEL, g->N, w->tiles + first * g->N,
                                 wide, w->phi);
            for (int j = 0; j < wide; j++) {
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

/* L of the states, of x[chains][N], of the chains in n slots by the reference, into w->L. */
static bool reference_L(dam_cascade *w, const float *x, int64_t n, bool keep)
{
    const int64_t blocks = blocks_of(w->g);

    fill_tiles(w, x, n);
    if (!reference_pass(w, n, false, keep))
        return false;
    for (int64_t i = 0; i < n; i++) {
        const double L = dam_combine_blocks(w->g->reference, w->sums + i * blocks, blocks);
        w->L[i] = (dam_interval){L, L};
        w->g->chain[w->slot[i]].patterns[DAM_TIER_REFERENCE] += (uint64_t)w->g->M;
    }
    return true;
}

/* Evaluates the current states of the chains in n slots. */
static bool evaluate_slots(dam_cascade *w, int64_t n)
{
    if (n == 0)
        return true;
    if (!reference_L(w, w->g->x, n, false))
        return false;
    for (int64_t i = 0; i < n; i++) {
        dam_chain *chain = w->g->chain + w->slot[i];
        chain->L = w->L[i].low;
        chain->phi = w->target_phi[i];
        chain->exact = true;
        w->now[w->slot[i]] = w->L[i];
    }
    return true;
}

bool dam_cascade_evaluate(dam_cascade *w)
{
    return evaluate_slots(w, all_slots(w));
}

bool dam_cascade_largest(dam_cascade *w)
{
    const int64_t n = all_slots(w);

    for (int64_t c = 0; c < n; c++)
        w->largest[c] = -HUGE_VAL;
    fill_tiles(w, w->g->x, n);
    return reference_pass(w, n, true, false);
}

dam_status dam_cascade_settle(dam_cascade *w)
{
    int64_t n = 0;

    for (int64_t c = 0; c < w->g->chains; c++) {
        const dam_chain *chain = w->g->chain + c;
        const bool known = chain->exact || chain->known_at == chain->steps;
        w->now[c] = chain->exact ? (dam_interval){chain->L, chain->L} : chain->now;
        if (!known || (w->measure && !(width(w->now[c]) <= tolerance_of(w->g))))
            w->slot[n++] = c;
    }
    return evaluate_slots(w, n) ? DAM_OK : DAM_ERR_INTERRUPTED;
}

/* ---- verdicts ---- */

/* What is certain of a proposal, given intervals of L and the threshold. */
static dam_verdict judge(dam_interval now, dam_interval next, double threshold)
{
    /* rounding is monotone: what the interval's ends decide, the reference decides as well; and
     * without branches, as no processor can foresee verdicts */
    const bool accepted = next.low - now.high > threshold;
    const bool rejected = next.high - now.low <= threshold;

    return (dam_verdict)(accepted * DAM_ACCEPTED + (!accepted & rejected) * DAM_REJECTED);
}

static dam_interval intersection(dam_interval a, dam_interval b)
{
    return (dam_interval){a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high};
}

/* The verdict on chain `c` as far as it is known; what must not be carried goes to the reference.
 */
static dam_verdict conclude(dam_cascade *w, int64_t c)
{
    const dam_verdict v = judge(w->now[c], w->next[c], w->threshold[c]);
    const double most = w->measure ? tolerance_of(w->g) : CARRIED_WIDTH * w->g->chain[c].theta;
    const bool wide = !(width(w->next[c]) <= most);

    w->verdict[c] = v;
    if ((v == DAM_ACCEPTED) & wide) {
        w->verdict[c] = DAM_UNDECIDED;
        w->from[c] = DAM_TIER_REFERENCE;
    }
    return v;
}

/* ---- lists ---- */

/* The mean, in logarithms, of what the lists, inner or outer, of the chains at the temperature of
 * chain `c` have learnt of its steps; 0: nothing. */
static double shared_spread(const dam_cascade *w, int64_t c, bool inner)
{
    double sum = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < w->g->chains; i++) {
        const dam_active_set *set = w->active + i;
        const double spread = inner ? set->inner.spread : set->outer.spread;
        if (w->g->chain[i].theta == w->g->chain[c].theta && spread > 0) {
            sum += dam_log(spread);
            n++;
        }
    }
    return n > 0 ? exp(sum / (double)n) : 0;
}

/* The mean account of the chains at the temperature of chain `c`: a pass for few of them costs
 * nearly as much as for all, so they had better do the same. */
static double shared_account(const dam_cascade *w, int64_t c)
{
    double sum = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < w->g->chains; i++)
        if (w->g->chain[i].theta == w->g->chain[c].theta) {
            sum += w->active[i].account;
            n++;
        }
    return sum / (double)n;
}

/* What a list is to be made for: around the proposal of chain `c`, whose alignments are `phi`. */
static dam_active_input list_input(const dam_cascade *w, int64_t c, const double *phi,
                                   uint64_t step)
{
    const dam_chain *chain = w->g->chain + c;
    const double tolerance = LIST_WIDTH * chain->theta, certified = tolerance_of(w->g);

    return (dam_active_input){
        .phi = phi,
        .x = w->proposal + c * w->g->N,
        .sigma = chain->sigma,
        /* L has fluctuations of theta sqrt(N/2) */
        .level = fmax(w->next[c].low, w->now[c].low) - chain->theta * sqrt(0.5 * w->g->N),
        .theta = chain->theta,
        .tolerance = w->measure ? fmin(tolerance, certified) : tolerance,
        .spread = shared_spread(w, c, false),
        .inner_spread = shared_spread(w, c, true),
        .account = shared_account(w, c),
        .step = step + 1,
    };
}

/* What the inner or outer list says of the proposal of chain `c`. */
static dam_verdict ask_list(dam_cascade *w, int64_t c, bool inner)
{
    dam_active_set *set = w->active + c;
    const dam_active_list *list = inner ? &set->inner : &set->outer;
    const dam_interval L =
        dam_active_evaluate(set, &w->field, inner, w->proposal + c * w->g->N, w->list_scratch);

    w->g->chain[c].patterns[DAM_TIER_ACTIVE] += (uint64_t)list->listed;
    set->account -= list->cost;
    w->next[c] = intersection(w->next[c], L);
    w->from[c] = DAM_TIER_ACTIVE;
    return conclude(w, c);
}

/* Asks the outer list, whose alignments may make a new inner one. */
static dam_verdict ask_outer_list(dam_cascade *w, int64_t c, uint64_t step)
{
    dam_active_set *set = w->active + c;
    const dam_verdict v = ask_list(w, c, false);
    dam_error ignored; /* without an inner list all is well, too */

    set->inner.debt += set->outer.cost;
    if (set->outer.by_panel && set->inner.debt >= dam_active_inner_cost(set)) {
        const dam_active_input in =
            list_input(w, c, DAM_ACTIVE_PHI(w->list_scratch, w->g->N), step);
        set->account -= dam_active_inner_cost(set);
        (void)dam_active_build_inner(set, &w->field, &in, &ignored);
    }
    return v;
}

/* Cycles of a proposal that a list has left open: the more states passes are for, the nearer to
 * those without lists. */
static double open_cost(const dam_cascade *w)
{
    const dam_active_field *f = &w->field;
    double company = FEW;

    for (size_t i = 0; i < PASSES; i++)
        company = fmax(company, w->company[i]);
    return f->plain_cost + (f->open_cost - f->plain_cost) * FEW / company;
}

static void try_lists(dam_cascade *w, int64_t c, uint64_t step)
{
    dam_active_set *set = w->active + c;
    dam_chain *chain = w->g->chain + c;
    dam_verdict v = DAM_UNDECIDED;

    if (set->outer.listed < 0) {
        w->renew[c] = dam_active_may_try(set, &w->field, step + 1);
        return;
    }
    chain->tried[DAM_TIER_ACTIVE]++;
    chain->listed += (uint64_t)set->outer.listed;
    if (set->inner.listed >= 0)
        v = ask_list(w, c, true);
    if (v == DAM_UNDECIDED || w->from[c] == DAM_TIER_REFERENCE)
        v = ask_outer_list(w, c, step);
    if (v == DAM_UNDECIDED) {
        chain->unsure[DAM_TIER_ACTIVE]++;
        const double cost = open_cost(w);
        set->account -= cost;
        set->outer.debt += cost;
        w->renew[c] = set->outer.debt >= dam_active_build_cost(&w->field);
    }
    w->renew[c] |= w->from[c] == DAM_TIER_REFERENCE;
    if (!dam_active_pays(set, &w->field) && shared_account(w, c) <= 0) {
        dam_active_rest_from_lists(set, &w->field, step + 1);
        w->renew[c] = false;
    }
}

/* Index of the largest of the alignments of all patterns. */
static int64_t nearest_pattern(const dam_cascade *w, const double *phi)
{
    int64_t nearest = 0;

    for (int64_t mu = 1; mu < w->g->M; mu++)
        if (phi[mu] > phi[nearest])
            nearest = mu;
    return nearest;
}

/* The alignments of pattern mu with all patterns, for chain `c`; false when interrupted. */
static bool prepare_centre(dam_cascade *w, int64_t mu, int64_t c)
{
    const dam_gang *g = w->g;
    const float *panel = g->panels + mu / DAM_PANEL * DAM_PANEL * g->N + mu % DAM_PANEL;

    if (w->centre == mu + 1)
        return true;
    w->centre = 0;
    for (int64_t k = 0; k < g->N; k++) {
        w->centre_x[k] = panel[k * DAM_PANEL];
        w->scratch[k] = w->centre_x[k];
    }
    for (int64_t first = 0; first < g->M; first += DAM_BLOCK) {
        const int64_t n = g->M - first < DAM_BLOCK ? g->M - first : DAM_BLOCK;
        g->kernels->overlaps(g->panels + first * g->N, (n + DAM_PANEL - 1) / DAM_PANEL, g->N,
                             w->scratch, 1, w->centre_phi + first);
        if (dam_interrupted())
            return false;
    }
    g->chain[c].patterns[DAM_TIER_REFERENCE] += (uint64_t)g->M;
    w->centre = mu + 1;
    return true;
}

/* A list around the nearest pattern, if the chain stays in its basin and that is better. */
static dam_status try_centre(dam_cascade *w, int64_t c, dam_active_input in, dam_error *e)
{
    dam_active_set *set = w->active + c;
    const int64_t mu = nearest_pattern(w, in.phi);
    const bool stays = set->basin == mu + 1;
    const double angle = acos(fmin(1.0, in.phi[mu])) + BASIN_MARGIN / sqrt(w->g->N);
    dam_status status;

    set->basin = mu + 1;
    if (!stays || (set->rejected == mu + 1 && w->centre != mu + 1))
        return DAM_OK;
    if (!prepare_centre(w, mu, c))
        return DAM_ERR_INTERRUPTED;
    in.phi = w->centre_phi;
    in.x = w->centre_x;
    status = dam_active_centre(set, &w->field, &in, angle, e);
    set->rejected = set->outer.listed >= 0 && set->outer.centred ? 0 : mu + 1;
    return status;
}

/* Makes the list of chain `c` around its proposal, whose alignments are those of slot `i`. */
static dam_status make_list(dam_cascade *w, int64_t c, int64_t i, uint64_t step, dam_error *e)
{
    const dam_active_input in = list_input(w, c, w->all_phi + i * w->g->M, step);
    dam_status status = dam_active_build(w->active + c, &w->field, &in, e);

    if (status == DAM_OK)
        status = try_centre(w, c, in, e);
    w->g->chain[c].rebuilds += w->active[c].outer.listed >= 0;
    return status;
}

/* ---- the tiers in turn ---- */

/* Whether chain `c` has a proposal that is to be decided. */
static bool is_open(const dam_cascade *w, int64_t c)
{
    return w->verdict[c] == DAM_UNDECIDED && w->g->chain[c].steps < w->end;
}

/* Whether what pass `i` leaves open goes there again, */
static bool has_second_look(const dam_cascade *w, size_t i)
{
    return i + 1 < PASSES && passes[i + 1].again && available(w->g, i + 1, w->measure);
}

/* and does so with the next states. */
static bool goes_again(const dam_cascade *w, size_t i)
{
    return has_second_look(w, i) && !passes[i].fine;
}

/* Whether pass `i` is a rough one in bytes where energies of LSE are wanted: where most proposals
 * are accepted, it is in the way of the fine one. */
static bool is_for_energies(const dam_cascade *w, size_t i)
{
    return w->measure && passes[i].kind != DAM_NO_BYTES && !passes[i].fine &&
           w->g->reference->kernel == DAM_LSE;
}

/* The step before which pass `i` is not asked for chain `c`; for energies it is kept from call to
 * call. */
static uint64_t *waiting_of(const dam_cascade *w, size_t i, int64_t c)
{
    return is_for_energies(w, i) ? &w->g->chain[c].energies_from
                                 : &w->fortune[(int64_t)i * w->g->chains + c].wait_until;
}

/* Whether pass `i` is the second look of a fine one, which goes with the first. */
static bool goes_with_first(size_t i)
{
    return passes[i].again && passes[i].fine;
}

/* Takes note of the states that pass `i` (PASSES: the reference) is for. */
static void count_company(dam_cascade *w, size_t i, int64_t n)
{
    w->company[i] += ((double)n - w->company[i]) / COMPANY_WEIGHT;
}

/* Cycles of pass `i` for a chain that goes there with as many others as go now. */
static double cost_in_company(const dam_cascade *w, size_t i)
{
    const bool floats = i == PASSES || passes[i].kind == DAM_NO_BYTES;

    return cost_of(w->g, i) * (floats ? 1.0 + ALONE_IN_FLOATS / fmax(1.0, w->company[i]) : 1.0);
}

/* Takes note of how pass `i` fared with chain `c`. */
static void remember(dam_cascade *w, size_t i, int64_t c)
{
    const dam_gang *g = w->g;
    dam_fortune *f = w->fortune + (int64_t)i * g->chains + c;
    size_t last = i;
    double cost;

    f->tried++;
    f->failed += w->verdict[c] == DAM_UNDECIDED;
    if (goes_with_first(i) ||
        f->tried < (passes[i].kind == DAM_ONE_BYTE ? FORTUNE_TRIES_COARSE : FORTUNE_TRIES))
        return;
    cost = cost_of(g, i) * f->tried;
    if (has_second_look(w, i) && passes[i].fine) {
        last = i + 1;
        cost += cost_of(g, last) * f[g->chains].tried;
        f->failed = f[g->chains].failed;
        f[g->chains].tried = f[g->chains].failed = 0;
    }
    /* what it costs against what it saves */
    if (!goes_again(w, i) &&
        cost > cost_in_company(w, after(g, last, w->measure)) * (f->tried - f->failed))
        *waiting_of(w, i, c) = g->chain[c].steps + FORTUNE_WAIT;
    f->tried = f->failed = 0;
}

/* Whether pass `i` is not asked for the next proposal of chain `c`. */
static bool waits(const dam_cascade *w, size_t i, int64_t c)
{
    return w->g->chain[c].steps < *waiting_of(w, goes_with_first(i) ? i - 1 : i, c);
}

/* Whether what pass `i` finds of a proposal is narrow enough to be carried along, if accepted. */
static bool narrow(size_t i)
{
    return passes[i].fine || passes[i].again || passes[i].kind == DAM_NO_BYTES;
}

/* Puts the chains that pass `i` (PASSES: the reference) is to decide into slots from n on; returns
 * the number of slots. */
static int64_t undecided(dam_cascade *w, size_t i, int64_t n)
{
    const dam_tier tier = i < PASSES ? passes[i].tier : DAM_TIER_REFERENCE;

    for (int64_t c = 0; c < w->g->chains; c++)
        if (is_open(w, c) && !w->renew[c] && (w->parked[c] == 0 || w->parked[c] == i + 1) &&
            (i == PASSES || narrow(i) || w->from[c] <= tier) && (i == PASSES || !waits(w, i, c)) &&
            (i == PASSES || !passes[i].again || passes[i].fine || w->parked[c] > 0))
            w->slot[n++] = c;
    return n;
}

/* Whether so many chains are worth that patterns are brought in for them alone. */
static bool enough(const dam_cascade *w, int64_t n)
{
    return n >= ENOUGH || n >= w->g->chains / ENOUGH_PART;
}

/* Whether chain `c` is so far behind that at last it would be nearly alone. */
static bool is_late(const dam_cascade *w, int64_t c, uint64_t lag)
{
    int64_t behind = 0;

    for (int64_t i = 0; i < w->g->chains; i++)
        behind +=
            w->g->chain[i].steps < w->end && w->g->chain[i].steps <= w->g->chain[c].steps + lag;
    return !enough(w, behind);
}

/*
 * Patterns that come from memory take as long for one state as for several. So where steps need not
 * be taken together, the few chains in n slots may wait for others before pass `i`, or, but for the
 * `former` ones, before they go there again; true when they do. Late ones do not.
 */
static bool park(dam_cascade *w, size_t i, int64_t former, int64_t n)
{
    int64_t moving = 0;

    if (w->measure || enough(w, n))
        return false;
    for (int64_t c = 0; c < w->g->chains; c++)
        moving +=
            w->g->chain[c].steps < w->end && (!is_open(w, c) || (w->renew[c] && w->parked[c] == 0));
    for (int64_t slot = 0; slot < n; slot++)
        if (is_late(w, w->slot[slot], LAG))
            return false;
    for (int64_t slot = 0; slot < n && moving > 0; slot++)
        w->parked[w->slot[slot]] = slot < former ? i + 1 : i + 2;
    return moving > 0;
}

/*
 * The same of chains whose lists are to be made anew around their proposals: they wait for a tile
 * of them, as long as lists decide on others.
 */
static void park_renewals(dam_cascade *w)
{
    int64_t n = 0, moving = 0;
    bool wait = !w->measure;

    for (int64_t c = 0; c < w->g->chains; c++) {
        const bool renewal = w->renew[c] && is_open(w, c);
        n += renewal;
        moving += w->g->chain[c].steps < w->end && !is_open(w, c);
        wait = wait && !(renewal && is_late(w, c, LAG_OF_RENEWALS));
    }
    wait = wait && moving > 0 && n < DAM_TILE && !enough(w, n);
    for (int64_t c = 0; c < w->g->chains; c++)
        if (w->renew[c] && is_open(w, c))
            w->parked[c] = wait ? RENEWAL : 0;
}

/* Width of L that is good enough for the decisions of chain `c`, by pass `p`. */
static double wanted_of(const dam_cascade *w, const certified_pass *p, int64_t c)
{
    if (p->fine)
        return WANTED_OF_CERTIFIED * tolerance_of(w->g);
    return COARSE_WIDTH * (p->again ? AGAIN_WIDTH : 1.0) * w->g->chain[c].theta;
}

/* Where pass `p` may expect L of the state in a slot: a second look where the first has found it.
 * Whether there was another pass before is no matter of the state, so nothing else may depend on
 * what is known. */
static double expected(const dam_cascade *w, const certified_pass *p, int64_t slot)
{
    const int64_t c = slot % w->g->chains;

    if (p->again && slot == c && w->next[c].high < w->now[c].low)
        return w->next[c].low;
    return w->now[c].low;
}

/* What pass `p` has learnt of the states in a slot. */
static double *depth_of(const dam_cascade *w, const certified_pass *p, int64_t slot)
{
    return w->depth + (p - passes) * 2 * w->g->chains + slot;
}

/* A pass over states, of x[][N], in n slots, into w->L; the first `former` not again. A slot
 * from the number of chains on stands for the current state of a chain, which is beside the
 * proposals. */
static bool run_pass(dam_cascade *w, const certified_pass *p, const float *x, int64_t former,
                     int64_t n)
{
    const dam_gang *g = w->g;
    const dam_pass pass = {.kernels = g->kernels,
                           .reference = g->reference,
                           .N = g->N,
                           .M = g->M,
                           .panels = g->panels,
                           .coarse = g->coarse,
                           .x = x,
                           .slot = w->slot,
                           .states = n,
                           .near = w->near,
                           .wanted = w->wanted,
                           .depth = w->depth_now,
                           .scratch = w->pass_scratch,
                           .L = w->L,
                           .fine = p->fine};

    for (int64_t i = 0; i < n; i++) {
        const int64_t c = w->slot[i] % g->chains;
        const certified_pass *of = i < former ? p : p + 1;
        w->near[i] = expected(w, of, w->slot[i]);
        w->wanted[i] = wanted_of(w, of, c);
        w->depth_now[i] = *depth_of(w, of, w->slot[i]);
        if (of->again && w->depth_now[i] == 0)
            w->depth_now[i] = *depth_of(w, of - 1, c) + AGAIN_DEPTH;
        g->chain[c].patterns[p->tier] += (uint64_t)g->M;
    }
    if (!p->pass(&pass) || dam_interrupted())
        return false;
    for (int64_t i = 0; i < n; i++)
        *depth_of(w, i < former ? p : p + 1, w->slot[i]) = w->depth_now[i];
    return true;
}

/* Whether the current state of chain `c` is to be evaluated beside its proposal by a pass. */
static bool wants_current(const dam_cascade *w, const certified_pass *p, int64_t c)
{
    if (p->again && !p->fine)
        return !(width(w->now[c]) <= AGAIN_CURRENT * wanted_of(w, p, c));
    return (p->kind == DAM_NO_BYTES || p->fine) &&
           width(w->next[c]) < REPEAT_WIDTH * width(w->now[c]);
}

/*
 * Adds the current states that are known no better than what an earlier pass left undecided to the
 * proposals in slots from `first` to n: the patterns are read for both. Returns the number of
 * slots.
 */
static int64_t add_current(dam_cascade *w, const certified_pass *p, int64_t first, int64_t n)
{
    const dam_gang *g = w->g;
    int64_t all = n;

    for (int64_t i = first; i < n; i++) {
        const int64_t c = w->slot[i];
        if (!wants_current(w, p, c))
            continue;
        memcpy(w->proposal + (g->chains + c) * g->N, g->x + c * g->N, (size_t)g->N * sizeof *g->x);
        w->slot[all++] = g->chains + c;
    }
    return all;
}

/* Current states, in slots from `first` on, are known better now. */
static void refine_current(dam_cascade *w, int64_t first, int64_t last)
{
    for (int64_t i = first; i < last; i++) {
        const int64_t c = w->slot[i] % w->g->chains;
        dam_chain *chain = w->g->chain + c;
        w->now[c] = intersection(w->now[c], w->L[i]);
        if (!chain->exact) /* a sample that begins here may find this good enough for energies */
            chain->L = 0.5 * (w->now[c].low + w->now[c].high);
    }
}

/* What pass `i` has found of the proposal in a slot; whether its chain is still undecided because
 * the current state is known less well. */
static bool take_result(dam_cascade *w, size_t i, int64_t slot)
{
    const certified_pass *p = passes + i;
    const int64_t c = w->slot[slot];
    dam_chain *chain = w->g->chain + c;
    dam_verdict v;

    w->next[c] = intersection(w->next[c], w->L[slot]);
    v = conclude(w, c);
    remember(w, i, c);
    w->parked[c] = 0;
    if (w->verdict[c] == DAM_UNDECIDED && goes_again(w, i) && !waits(w, i + 1, c)) {
        w->parked[c] = i + 2; /* the tier has not done yet */
        return false;
    }
    chain->tried[p->tier]++;
    chain->unsure[p->tier] += v == DAM_UNDECIDED;
    return v == DAM_UNDECIDED && !p->again && width(w->now[c]) > REPEAT_WIDTH * width(w->next[c]);
}

/* Puts the chains that pass `i` is to decide, and after them those that go there again, into
 * slots; returns the number of slots, and that of the former. */
static int64_t fill_slots(dam_cascade *w, size_t i, int64_t *former)
{
    const int64_t n = undecided(w, i, 0);

    *former = n;
    return goes_again(w, i) ? undecided(w, i + 1, n) : n;
}

/* Decides what can be decided by a pass in lower precision; false when interrupted. */
static bool judge_by_pass(dam_cascade *w, size_t which)
{
    const certified_pass *p = passes + which;
    int64_t former, unsure = 0;
    const int64_t n = fill_slots(w, which, &former);
    const bool again = goes_again(w, which);

    if (n == 0 || park(w, which, former, n))
        return true;
    if (is_for_energies(w, which) && !enough(w, n))
        return true; /* the fine pass takes them with the others */
    count_company(w, which, n);
    const int64_t all = again ? add_current(w, p + 1, former, n) : add_current(w, p, 0, n);
    if (!run_pass(w, p, w->proposal, again ? former : all, all))
        return false;
    refine_current(w, n, all);
    for (int64_t i = 0; i < n; i++)
        if (take_result(w, i < former ? which : which + 1, i))
            w->slot[unsure++] = w->slot[i];
    if (unsure == 0)
        return true;
    if (!run_pass(w, p, w->g->x, unsure, unsure))
        return false;
    refine_current(w, 0, unsure);
    for (int64_t i = 0; i < unsure; i++)
        w->g->chain[w->slot[i]].unsure[p->tier] -= conclude(w, w->slot[i]) != DAM_UNDECIDED;
    return true;
}

/* Decides by the reference the proposals of the chains in n slots; false when interrupted. */
static bool judge_by_reference(dam_cascade *w, int64_t n, bool keep)
{
    if (!reference_L(w, w->proposal, n, keep))
        return false;
    for (int64_t i = 0; i < n; i++) {
        const int64_t c = w->slot[i];
        w->next[c] = w->L[i];
        w->next_phi[c] = w->target_phi[i];
        w->g->chain[c].tried[DAM_TIER_REFERENCE]++;
        conclude(w, c);
    }
    return true;
}

/* Decides the rest, current states evaluated where they must be; false when interrupted. */
static bool judge_the_rest(dam_cascade *w)
{
    const int64_t n = undecided(w, PASSES, 0);
    int64_t unsure = 0;

    if (n > 0) {
        count_company(w, PASSES, n);
        if (!judge_by_reference(w, n, false))
            return false;
    }
    for (int64_t c = 0; c < w->g->chains; c++)
        if (is_open(w, c) && w->parked[c] == 0)
            w->slot[unsure++] = c;
    if (!evaluate_slots(w, unsure))
        return false;
    for (int64_t i = 0; i < unsure; i++)
        conclude(w, w->slot[i]);
    return true;
}

/* Room for the alignments of all patterns, which few calls need. */
static dam_status prepare_alignments(dam_cascade *w, dam_error *e)
{
    const dam_gang *g = w->g;
    void *memory;
    dam_status status;

    if (w->all_phi)
        return DAM_OK;
    status = dam_alloc(&memory, (uint64_t)(g->M * (DAM_TILE + 1) + DAM_PANEL + g->N),
                       sizeof *w->all_phi, "alignments of all patterns", "lower M or threads", e);
    if (status)
        return status;
    w->all_phi = memory;
    w->centre_phi = w->all_phi + g->M * DAM_TILE;
    w->centre_x = (void *)(w->centre_phi + g->M + DAM_PANEL);
    return DAM_OK;
}

/* Decides by the reference the proposals that lists are to be made around, and makes these. */
static dam_status renew_lists(dam_cascade *w, dam_error *e)
{
    dam_status status = DAM_OK;
    int64_t n = 0;

    for (int64_t c = 0; w->active && c < w->g->chains && status == DAM_OK; c++) {
        if (w->renew[c] && is_open(w, c) && w->parked[c] == 0)
            w->slot[n++] = c;
        if (n < DAM_TILE && (n == 0 || c < w->g->chains - 1))
            continue;
        status = prepare_alignments(w, e);
        if (status)
            return status;
        if (!judge_by_reference(w, n, true))
            return DAM_ERR_INTERRUPTED;
        for (int64_t i = 0; i < n && status == DAM_OK; i++)
            status = make_list(w, w->slot[i], i, w->g->chain[w->slot[i]].steps, e);
        n = 0;
    }
    return status;
}

/* The normals of the proposal of chain `c`. */
static const float *normals_of(dam_cascade *w, int64_t c)
{
    const dam_chain *chain = w->g->chain + c;
    const uint64_t blocks = DAM_BLOCKS_OF(w->g->N), each = 4 * blocks;
    float *eta = w->eta + (uint64_t)c * w->ahead * each;

    if (chain->steps >= w->eta_end[c]) {
        const uint64_t left = w->end - chain->steps, some = left < w->ahead ? left : w->ahead;
        w->g->kernels->normals(chain->proposals, (int64_t)(some * each), chain->steps * blocks,
                               eta);
        w->eta_step[c] = chain->steps;
        w->eta_end[c] = chain->steps + some;
    }
    return eta + (chain->steps - w->eta_step[c]) * each;
}

/* ln of the uniform that decides on the proposal of chain `c`. */
static double log_u_of(dam_cascade *w, int64_t c)
{
    const dam_chain *chain = w->g->chain + c;
    double *log_u = w->log_u + c * LOG_U_AHEAD;

    if (chain->steps >= w->log_u_end[c]) {
        w->g->kernels->log_uniforms(chain->acceptance, LOG_U_AHEAD, chain->steps, log_u);
        w->log_u_end[c] = chain->steps + LOG_U_AHEAD;
    }
    return log_u[LOG_U_AHEAD - (w->log_u_end[c] - chain->steps)];
}

/* The proposal of chain `c`. */
static void propose(dam_cascade *w, int64_t c)
{
    const dam_gang *g = w->g;
    const dam_chain *chain = g->chain + c;

    g->kernels->propose(g->N, g->x + c * g->N, normals_of(w, c), chain->sigma, w->scratch,
                        w->proposal + c * g->N);
    w->threshold[c] = chain->theta * log_u_of(w, c);
    w->next[c] = (dam_interval){-HUGE_VAL, HUGE_VAL};
    w->next_phi[c] = NAN;
    w->verdict[c] = DAM_UNDECIDED;
    w->from[c] = DAM_TIER_ACTIVE;
    w->renew[c] = false;
}

void dam_cascade_carry_out(dam_cascade *w, int64_t c)
{
    const int N = w->g->N;
    dam_chain *chain = w->g->chain + c;
    const bool accepted = w->verdict[c] == DAM_ACCEPTED;

    if (accepted) {
        w->now[c] = w->next[c];
        memcpy(w->g->x + c * N, w->proposal + c * N, (size_t)N * sizeof *w->g->x);
        chain->exact = w->now[c].low == w->now[c].high;
        chain->L = chain->exact ? w->now[c].low : 0.5 * (w->now[c].low + w->now[c].high);
        chain->phi = w->next_phi[c];
    }
    chain->now = w->now[c];
    chain->decisions = dam_absorb(chain->decisions, accepted);
    chain->known_at = ++chain->steps;
}

/* Asks the lists of chain `c`, and takes further steps as long as they decide. */
static void go_by_lists(dam_cascade *w, int64_t c)
{
    const dam_chain *chain = w->g->chain + c;

    try_lists(w, c, chain->steps);
    for (int i = 1; i < STEPS_AT_A_TIME && !w->measure; i++) {
        if (w->verdict[c] == DAM_UNDECIDED || chain->steps + 1 >= w->end)
            return;
        dam_cascade_carry_out(w, c);
        propose(w, c);
        try_lists(w, c, chain->steps);
    }
}

dam_status dam_cascade_decide(dam_cascade *w, uint64_t end, dam_error *e)
{
    dam_status status;

    w->end = end;
    for (int64_t c = 0; c < w->g->chains; c++) {
        if (w->g->chain[c].steps >= end)
            w->verdict[c] = DAM_UNDECIDED;
        else if (w->parked[c] == 0)
            propose(w, c);
    }
    for (int64_t c = 0; w->active && c < w->g->chains; c++)
        if (is_open(w, c) && w->parked[c] == 0)
            go_by_lists(w, c);
    if (w->active)
        park_renewals(w);
    for (size_t i = 0; i < PASSES; i++)
        if (available(w->g, i, w->measure) && (!passes[i].again || passes[i].fine) &&
            !judge_by_pass(w, i))
            return DAM_ERR_INTERRUPTED;
    status = renew_lists(w, e);
    if (status)
        return status;
    return judge_the_rest(w) && !dam_interrupted() ? DAM_OK : DAM_ERR_INTERRUPTED;
}
