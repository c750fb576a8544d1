#include "active_set.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "bounds.h"
#include "memory.h"

/* Patterns are counted in bins of equal width in their alignment, bins in steps of an angle. */
#define BINS 4096
#define ANGLES 1024
#define PER_GRID 2 /* steps of the angle in DAM_ACTIVE_GRID */

/* Skins that are tried: from a few proposals on, each larger by this factor. */
#define FIRST_SKIN 1.5
#define SKIN_FACTOR 1.2
#define LARGEST_SKIN 1.5

/* Steps to wait after a list that did not pay, at first and at most. */
#define FIRST_PATIENCE 128
#define LAST_PATIENCE 8192

/* Of proposals, until the chain is known better. */
#define USUAL_ACCEPTANCE 0.3

/* A list must promise to cost less than this fraction of doing without. */
#define WORTHWHILE 0.7

/* Lists up to this length are kept in rows: a panel is faster for more. */
#define MOST_ROWS 5

/* Steps in which the rest is tabulated beyond the skin: up to where it says nothing any more. */
#define HOPELESS 5.0

/* Cosines of the angles; the angles, in steps, that the patterns of a bin lie between. */
static double cosine[ANGLES + 1];
static uint16_t nearest[BINS], farthest[BINS];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (int i = 0; i <= ANGLES; i++)
        cosine[i] = cos(M_PI * i / ANGLES);
    for (int b = 0; b < BINS; b++) {
        const double up = 2.0 * (b + 1) / BINS - 1.0 + DAM_NORM_SLACK;
        const double down = 2.0 * b / BINS - 1.0 - DAM_NORM_SLACK;
        const double low = floor(acos(fmin(1.0, up)) * (ANGLES / M_PI) - 1e-9);
        const double high = ceil(acos(fmax(-1.0, down)) * (ANGLES / M_PI) + 1e-9);
        nearest[b] = (uint16_t)(b == BINS - 1 ? 0 : fmax(0.0, low));
        farthest[b] = (uint16_t)(b == 0 ? ANGLES : fmin(ANGLES, high));
    }
}

/* Bin of an alignment; what lies beyond the ends goes to the end bins. */
static inline int bin_of(double phi)
{
    const int b = (int)((phi + 1.0) * (BINS / 2));
    return b < 0 ? 0 : b >= BINS ? BINS - 1 : b;
}

/* All patterns, by the angle at which they can be at the nearest. */
typedef struct {
    double number[ANGLES + 1];
    int far[ANGLES + 1];     /* where they can be at the farthest */
    double up[ANGLES + 1];   /* the term at an angle, or more; LSE relative to exp(c (top - 1)) */
    double down[ANGLES + 1]; /* polynomial: the power at an angle, or less */
    int first, last;         /* angles between which there are any */
    double top;              /* largest alignment */
} census;

static void count(census *s, const dam_active_field *f, const double *phi)
{
    uint32_t bin[BINS] = {0};

    s->top = -2;
    for (int64_t mu = 0; mu < f->M; mu++) {
        bin[bin_of(phi[mu])]++;
        s->top = phi[mu] > s->top ? phi[mu] : s->top;
    }
    memset(s->number, 0, sizeof s->number);
    memset(s->far, 0, sizeof s->far);
    s->first = ANGLES;
    s->last = 0;
    for (int b = 0; b < BINS; b++) {
        const int i = nearest[b];
        if (bin[b] == 0)
            continue;
        s->number[i] += bin[b];
        s->far[i] = farthest[b] > s->far[i] ? farthest[b] : s->far[i];
        s->first = i < s->first ? i : s->first;
        s->last = i > s->last ? i : s->last;
    }
}

/* The terms that are possible at each angle. */
static void tabulate_terms(census *s, const dam_reference *f)
{
    for (int i = 0; i <= s->last; i++)
        switch (f->kernel) {
        case DAM_LSE:
            s->up[i] = exp(fmin(700.0, f->c * (cosine[i] + DAM_NORM_SLACK - s->top)));
            break;
        case DAM_LSR:
            s->up[i] = dam_term_lsr(f, cosine[i] + DAM_NORM_SLACK);
            break;
        case DAM_POLYNOMIAL:
            s->up[i] = pow(cosine[i] + DAM_NORM_SLACK, f->k);
            break;
        }
    for (int i = 0; f->kernel == DAM_POLYNOMIAL && i <= ANGLES; i++)
        s->down[i] = pow(cosine[i] - DAM_NORM_SLACK, f->k);
}

/* What the patterns nearest at step i add at a state `moved` steps away from x_ref. */
static inline dam_active_rest rest_of(const census *s, const dam_reference *f, int i, int moved)
{
    const int near = i > moved ? i - moved : 0;
    double up = s->up[near], down;
    int far;

    if (f->kernel == DAM_LSE)
        return (dam_active_rest){0, s->number[i] * up};
    if (f->kernel == DAM_LSR)
        return (dam_active_rest){s->number[i] * f->epsilon, s->number[i] * up};
    far = s->far[i] + moved < ANGLES ? s->far[i] + moved : ANGLES;
    down = s->down[far];
    if (f->k % 2 == 0) {
        const double a = up, b = down;
        up = a > b ? a : b;
        down = near <= ANGLES / 2 && far >= ANGLES / 2 ? 0 : a < b ? a : b;
    }
    return (dam_active_rest){s->number[i] * down, s->number[i] * up};
}

/* A possible list: the patterns nearest at step `last` or less. */
typedef struct {
    double cost;
    int last, skin;
    int64_t listed;
} plan;

/* Cycles, roughly, of a list of this length. */
static double evaluation_cost(const dam_active_field *f, int64_t listed)
{
    const double N = f->N;

    if (listed <= MOST_ROWS)
        return 60.0 + 0.3 * N + (double)listed * (60.0 + 0.3 * N);
    return 250.0 + 1.0 * N + (double)((listed + DAM_PANEL - 1) / DAM_PANEL) * (4.5 * N + 40.0) +
           8.0 * (double)listed;
}

double dam_active_build_cost(const dam_active_field *f)
{
    return (double)f->M * (f->pass_cost + 5.0) + 6e4;
}

/* The smallest list whose rest stays within `width` (of the sum) at this skin. */
static plan plan_at(const dam_active_set *set, const dam_active_field *f,
                    const dam_active_input *in, const census *s, int skin, double width)
{
    const double angle = skin * (M_PI / ANGLES), build = dam_active_build_cost(f);
    const double spread = set->spread > 0 ? set->spread : USUAL_ACCEPTANCE * in->sigma * in->sigma;
    plan p = {.skin = skin, .last = s->last, .listed = f->M};
    dam_active_rest all = {0, 0};

    for (; p.last >= s->first; p.last--) {
        const dam_active_rest rest = rest_of(s, f->reference, p.last, skin);
        all.low += rest.low;
        all.high += rest.high;
        if (!(all.high - all.low <= width))
            break;
        p.listed -= (int64_t)s->number[p.last];
    }
    p.cost = evaluation_cost(f, p.listed) + build / fmax(1.0, angle * angle / spread);
    return p;
}

/* The list that costs least; `width` is what its rest may add to the sum. */
static plan best_plan(const dam_active_set *set, const dam_active_field *f,
                      const dam_active_input *in, const census *s, double width)
{
    plan best = {.cost = HUGE_VAL};
    int last = 0;

    for (double skin = FIRST_SKIN * in->sigma; skin < LARGEST_SKIN; skin *= SKIN_FACTOR) {
        const int steps = (int)ceil(skin * (ANGLES / M_PI) / PER_GRID) * PER_GRID;
        if (steps != last) {
            const plan p = plan_at(set, f, in, s, steps, width);
            if (p.cost < best.cost)
                best = p;
        }
        last = steps;
    }
    return best;
}

/* The rest at every angle up to where it is hopeless: above `most`. */
static void tabulate_rest(dam_active_set *set, const dam_active_field *f, const census *s,
                          int first, double most)
{
    const bool lse = f->reference->kernel == DAM_LSE;

    for (set->angles = 0; set->angles < DAM_ACTIVE_ANGLES; set->angles++) {
        dam_active_rest all = {0, 0};
        for (int i = first; i <= s->last; i++) {
            const dam_active_rest rest = rest_of(s, f->reference, i, set->angles * PER_GRID);
            all.low += rest.low;
            all.high += rest.high;
        }
        if (!(all.high - all.low <= most))
            break;
        if (lse) /* as a logarithm */
            all.high = log(all.high) + f->reference->c * (s->top - 1.0);
        set->rest[set->angles] = all;
    }
}

static dam_status make_room(dam_active_set *set, const dam_active_field *f, int64_t listed,
                            dam_error *e)
{
    const int64_t panels = (listed + DAM_PANEL - 1) / DAM_PANEL;
    const int64_t wanted = (set->by_panel ? panels * DAM_PANEL : listed) * f->N;
    void *memory;
    dam_status status;

    if (!set->x_ref) {
        status = dam_alloc(&memory, (uint64_t)f->N, sizeof(float), "a list", "lower replicas", e);
        if (status)
            return status;
        set->x_ref = memory;
    }
    if (set->room >= wanted && set->room <= 4 * wanted)
        return DAM_OK;
    dam_free(set->patterns);
    set->patterns = NULL;
    set->room = 0;
    status = dam_alloc(&memory, (uint64_t)wanted, sizeof(float), "a list of near patterns",
                       "lower replicas or threads", e);
    if (status)
        return status;
    set->patterns = memory;
    set->room = wanted;
    return DAM_OK;
}

/* Copies pattern mu out of its panel, to the place `at` of the list. */
static void copy_pattern(dam_active_set *set, const dam_active_field *f, int64_t mu, int64_t at)
{
    const float *from = f->panels + mu / DAM_PANEL * DAM_PANEL * f->N + mu % DAM_PANEL;
    const int64_t stride = set->by_panel ? DAM_PANEL : 1;
    float *to = set->by_panel ? set->patterns + at / DAM_PANEL * DAM_PANEL * f->N + at % DAM_PANEL
                              : set->patterns + at * f->N;

    for (int64_t k = 0; k < f->N; k++)
        to[k * stride] = from[k * DAM_PANEL];
}

static void copy_patterns(dam_active_set *set, const dam_active_field *f, const double *phi,
                          const plan *p)
{
    int lowest = BINS, used = 0;

    while (lowest > 0 && nearest[lowest - 1] <= p->last)
        lowest--;
    for (int64_t mu = 0; mu < f->M && used < p->listed; mu++)
        if (bin_of(phi[mu]) >= lowest)
            copy_pattern(set, f, mu, used++);
    set->listed = used;
    if (set->by_panel && used % DAM_PANEL) /* what stands beyond is computed, and not used */
        for (int k = 0; k < f->N; k++)
            memset(set->patterns + (used / DAM_PANEL * f->N + k) * DAM_PANEL + used % DAM_PANEL, 0,
                   (size_t)(DAM_PANEL - used % DAM_PANEL) * sizeof *set->patterns);
}

/* No list for a while, longer each time. */
static void rest_from_lists(dam_active_set *set, uint64_t step)
{
    set->patience = set->patience ? 2 * set->patience : FIRST_PATIENCE;
    if (set->patience > LAST_PATIENCE)
        set->patience = LAST_PATIENCE;
    set->retry_at = step + set->patience;
    set->listed = -1;
}

/* What the life of the last list tells: whether it paid, and how fast the chain moves. */
static bool learn(dam_active_set *set, const dam_active_field *f, const dam_active_input *in)
{
    const double life = (double)(in->step - set->made_at);
    const double angle = dam_active_angle(set, f, in->x);
    const double spread = angle * angle / fmax(1.0, life);
    const bool paid = set->spent < life * f->plain_cost;

    set->spread = set->spread > 0 ? sqrt(set->spread * fmax(spread, 1e-3 * set->spread)) : spread;
    if (paid)
        set->patience = 0;
    return paid;
}

dam_status dam_active_build(dam_active_set *set, const dam_active_field *f,
                            const dam_active_input *in, dam_error *e)
{
    const dam_reference *r = f->reference;
    census s;
    plan p;
    double scale, width;
    dam_status status;

    pthread_once(&tables_made, make_tables);
    if (set->listed >= 0 && !learn(set, f, in)) {
        rest_from_lists(set, in->step);
        return DAM_OK;
    }
    set->listed = -1;
    count(&s, f, in->phi);
    tabulate_terms(&s, r);
    /* the sum at a state that is as unfavourable as the chain's reach allows */
    scale = r->kernel == DAM_POLYNOMIAL ? 1.0 / r->N
            : r->kernel == DAM_LSR      ? exp(in->level)
                                        : exp(fmin(700.0, in->level - r->c * (s.top - 1.0)));
    width = scale * in->tolerance;
    p = best_plan(set, f, in, &s, width);
    if (!(p.cost < WORTHWHILE * f->plain_cost) || p.listed < 1) {
        rest_from_lists(set, in->step);
        return DAM_OK;
    }
    set->by_panel = p.listed > MOST_ROWS;
    status = make_room(set, f, p.listed, e);
    if (status)
        return status;
    copy_patterns(set, f, in->phi, &p);
    tabulate_rest(set, f, &s, p.last + 1,
                  r->kernel == DAM_POLYNOMIAL ? fmax(width, HOPELESS * in->theta * scale)
                                              : fmax(width, scale * expm1(HOPELESS * in->theta)));
    memcpy(set->x_ref, in->x, (size_t)f->N * sizeof *in->x);
    set->cost = evaluation_cost(f, set->listed);
    set->spent = dam_active_build_cost(f);
    set->debt = 0;
    set->made_at = in->step;
    return DAM_OK;
}

double dam_active_angle(const dam_active_set *set, const dam_active_field *f, const float *x)
{
    const double phi = f->kernels->dot(f->N, x, set->x_ref) / f->N - DAM_NORM_SLACK;
    return acos(phi < -1.0 ? -1.0 : phi) * (1.0 + 1e-12) + 1e-12;
}

/* Alignments of x with the listed patterns. */
static void align(const dam_active_set *set, const dam_active_field *f, const float *x,
                  double *state, double *phi)
{
    const int64_t panels = (set->listed + DAM_PANEL - 1) / DAM_PANEL;

    if (!set->by_panel) {
        for (int64_t i = 0; i < set->listed; i++)
            phi[i] = f->kernels->dot(f->N, x, set->patterns + i * f->N) / f->N;
        return;
    }
    for (int k = 0; k < f->N; k++)
        state[k] = x[k];
    f->kernels->overlaps(set->patterns, panels, f->N, state, 1, phi);
}

static dam_interval interval_lse(const dam_active_set *set, const dam_active_field *f,
                                 const double *phi, double rest)
{
    const dam_reference *r = f->reference;
    double max, sum = 0, log_sum, L, slack;
    dam_block_sum block;

    if (set->listed == 1) {
        max = phi[0];
        sum = 1;
    } else {
        block = f->kernels->reduce(r, phi, set->listed < DAM_BLOCK ? set->listed : DAM_BLOCK);
        max = block.max;
        sum = block.sum;
        for (int64_t i = DAM_BLOCK; i < set->listed; i += DAM_BLOCK) {
            const int64_t n = set->listed - i < DAM_BLOCK ? set->listed - i : DAM_BLOCK;
            block = f->kernels->reduce(r, phi + i, n);
            if (block.max > max) {
                sum *= dam_exp(r->c * (max - block.max));
                max = block.max;
            }
            sum += block.sum * dam_exp(r->c * (block.max - max));
        }
    }
    log_sum = sum > 1 ? dam_log(sum) : 0;
    L = r->c * (max - 1.0) + log_sum;
    /* ours, and the reference's: the logarithm of its sum is below ln 2^32 < 25 */
    slack = dam_lse_rounding(r, (double)set->listed, max, log_sum) +
            dam_lse_rounding(r, (double)f->M, max, 25.0);
    if (rest < L - 45.0 - slack) /* below the slack of 1e-12 */
        return (dam_interval){L - slack, L + slack};
    return (dam_interval){L - slack, L + slack + exp(fmin(700.0, rest - L + slack)) * (1 + 1e-9)};
}

static double sum_of(const dam_active_set *set, const dam_active_field *f, const double *phi)
{
    double sum = 0;

    for (int64_t i = 0; i < set->listed; i += DAM_BLOCK) {
        const int64_t n = set->listed - i < DAM_BLOCK ? set->listed - i : DAM_BLOCK;
        sum += f->kernels->reduce(f->reference, phi + i, n).sum;
    }
    return sum;
}

static dam_interval interval_lsr(const dam_active_set *set, const dam_active_field *f,
                                 const double *phi, dam_active_rest rest)
{
    const double error = 2.0 * dam_lsr_rounding(f->reference) * (double)set->listed;
    const double relative = 1e-12 + dam_sum_rounding((double)f->M);
    const double sum = sum_of(set, f, phi);
    const double low = fmax(0.0, sum - error) + rest.low;

    return dam_log_interval(low * (1.0 - relative), (sum + error + rest.high) * (1.0 + relative));
}

static dam_interval interval_polynomial(const dam_active_set *set, const dam_active_field *f,
                                        const double *phi, dam_active_rest rest)
{
    const dam_reference *r = f->reference;
    const double largest = pow(1.001, r->k); /* alignments stay below 1.001 */
    const double each = 2.0 * (r->k + 2) * (dam_phi_rounding(r->N) + 4e-16) * largest;
    const double M = (double)f->M;
    const double error = each * (double)set->listed + (1e-12 + dam_sum_rounding(M)) * M * largest;
    const double sum = sum_of(set, f, phi);

    return (dam_interval){r->N * (sum + rest.low - error), r->N * (sum + rest.high + error)};
}

dam_interval dam_active_evaluate(const dam_active_set *set, const dam_active_field *f,
                                 const float *x, double *scratch)
{
    const double steps = ceil(dam_active_angle(set, f, x) / DAM_ACTIVE_GRID);
    const bool known = steps < set->angles;
    dam_active_rest rest = {-HUGE_VAL, HUGE_VAL};

    if (!known && f->reference->kernel == DAM_POLYNOMIAL)
        return dam_unknown();
    if (known)
        rest = set->rest[(int)steps];
    else if (f->reference->kernel == DAM_LSR)
        rest.low = 0;
    align(set, f, x, scratch, scratch + f->N + DAM_PANEL);
    switch (f->reference->kernel) {
    case DAM_LSE:
        return interval_lse(set, f, scratch + f->N + DAM_PANEL, rest.high);
    case DAM_LSR:
        return interval_lsr(set, f, scratch + f->N + DAM_PANEL, rest);
    default:
        return interval_polynomial(set, f, scratch + f->N + DAM_PANEL, rest);
    }
}

void dam_active_free(dam_active_set *set)
{
    dam_free(set->patterns);
    dam_free(set->x_ref);
    set->patterns = set->x_ref = NULL;
    set->listed = -1;
    set->room = 0;
}
