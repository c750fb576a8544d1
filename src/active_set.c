#include "active_set.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "bounds.h"
#include "memory.h"

#define BINS DAM_ACTIVE_BINS
#define ANGLES DAM_ACTIVE_STEPS

/* Steps that a list around a pattern lives, at least. */
#define CENTRED_LIFE 3000.0

/* Lists up to this length are kept in rows: a panel is faster for more. */
#define MOST_ROWS 5

/* Making a list beyond the pass over the patterns: per pattern, and once; cycles. */
#define KEEP_COST 6.0
#define SORT_COST 11.0
#define COPY_COST 10.0 /* per component */
#define OUTER_COST 8e4
#define INNER_COST 8e4

/* What it costs more, per component, to bring in patterns of more than so many bytes from a cache
 * that cores share, and those of more than so many from memory, which cores share, too. */
#define SHARED_COST 0.1
#define SHARED_BYTES (UINT64_C(1) << 20)
#define FAR_COST 0.4
#define FAR_BYTES (UINT64_C(12) << 20)

/* Lists that share the caches, roughly. */
#define LISTS 16

/* After a list that did not pay the first wait is at least so many times as long as the steps that
 * trying one costs. */
#define TRIAL_STEPS 10.0

/* What a list may promise to cost, of doing without, where lists have kept paying. */
#define TRUSTED_PROMISE 2.0

/* Rows of so many patterns are fetched while others are copied. */
#define COPIED_AT_A_TIME 16

/* Evaluations of the outer list for each inner one. */
#define ASKED_PER_INNER 2.0

/* What the rest of an inner list and of the outer one may be relative to each other's terms. */
#define FAR_TERMS 200.0

/*
 * The table of rests is entered by 1 - cosine: 2^PLACES_BITS places to a factor of two, from
 * 2^OCTAVE on; less than that is in the first one, and nothing is beyond the last, below 4.
 */
#define PLACES_BITS 7
#define OCTAVE (-17)
#define OCTAVES (2 - OCTAVE)
#define PLACES (OCTAVES << PLACES_BITS)

/* Cosines of the angles; the angles, in steps, that the patterns of a bin lie between; and of the
 * table's, the first that is not below the least of a place. */
static double cosine[ANGLES + 1];
static uint16_t nearest[BINS], farthest[BINS];
static uint8_t first_angle[PLACES];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

/* The place of a number, and the least number of a place. */
static int place_of(double d)
{
    const int64_t first = (int64_t)(1023 + OCTAVE) << PLACES_BITS;
    const int64_t place = (int64_t)(dam_bits64(d) >> (52 - PLACES_BITS)) - first;

    return place < 0 ? 0 : place < PLACES ? (int)place : PLACES - 1;
}

static double least_of(int place)
{
    const uint64_t first = (uint64_t)(1023 + OCTAVE) << PLACES_BITS;

    return place == 0 ? 0 : dam_double((first + (uint64_t)place) << (52 - PLACES_BITS));
}

static void make_tables(void)
{
    for (int i = 0; i <= ANGLES; i++)
        cosine[i] = dam_active_cosine(i);
    for (int b = 0; b < BINS; b++) {
        nearest[b] = (uint16_t)dam_active_nearest(b);
        farthest[b] = (uint16_t)dam_active_farthest(b);
    }
    for (int i = 0, place = 0; place < PLACES; place++) {
        while (i < UINT8_MAX && 1.0 - least_of(place) < cosine[i * DAM_ACTIVE_PER_GRID])
            i++;
        first_angle[place] = (uint8_t)i;
    }
}

/* Where a list's patterns are taken from. */
typedef struct {
    const float *panels; /* [panel][k][DAM_PANEL] */
    const float *rows;   /* the same by pattern, or NULL */
    const double *phi;   /* [patterns] */
    int64_t patterns;
    double build;        /* cost of making a list from them */
    double spread;       /* mean square of the angle of a step */
    double inner_spread; /* that of an inner list; 0: there will be none */
} source;

/* Its patterns, by the angle at which they can be at the nearest. */
typedef struct {
    double number[ANGLES + 1];
    int far[ANGLES + 1]; /* where they can be at the farthest */
    int first, last;     /* angles between which there are any */
    double top;          /* largest alignment */
    const dam_active_terms *terms;
} census;

static void count(census *s, const source *from)
{
    uint32_t bin[BINS] = {0};
    double top = -2, bottom = 2;

    for (int64_t mu = 0; mu < from->patterns; mu++) {
        const double phi = from->phi[mu];
        bin[dam_active_bin(phi)]++;
        top = phi > top ? phi : top;
        bottom = phi < bottom ? phi : bottom;
    }
    s->top = top;
    memset(s->number, 0, sizeof s->number);
    memset(s->far, 0, sizeof s->far);
    s->first = ANGLES;
    s->last = 0;
    for (int b = dam_active_bin(bottom); b <= dam_active_bin(top); b++) {
        const int i = nearest[b];
        if (bin[b] == 0)
            continue;
        s->number[i] += bin[b];
        s->far[i] = farthest[b] > s->far[i] ? farthest[b] : s->far[i];
        s->first = i < s->first ? i : s->first;
        s->last = i > s->last ? i : s->last;
    }
}

/* The terms that are possible at each angle; for LSE relative to about the largest. */
static void tabulate_terms(dam_active_terms *t, const dam_reference *f, double top)
{
    if (t->made && (f->kernel != DAM_LSE || fabs(f->c * (top - t->top)) < FAR_TERMS))
        return;
    t->made = true;
    t->top = top;
    for (int i = 0; i <= ANGLES; i++) {
        t->up[i] = dam_active_term_up(f, top, cosine[i]);
        t->down[i] = dam_active_term_down(f, cosine[i]);
    }
}

/* What the patterns nearest at step i add at a state `moved` steps away from x_ref. */
static inline dam_active_rest rest_of(const census *s, const dam_reference *f, int i, int moved)
{
    return dam_active_rest_of(f, s->number[i], i, s->far[i], moved, s->terms->up, s->terms->down);
}

/* A possible list: the patterns nearest at step `last` or less. */
typedef struct {
    double cost;                    /* of a step, lists made anew included */
    double alone;                   /* of an evaluation */
    double inner_alone, inner_life; /* of an inner list that is worth it; 0: none is */
    int last, skin;
    int64_t listed;
} plan;

double dam_active_term_cost(const dam_reference *f)
{
    return f->kernel == DAM_LSE ? 6.5 : 1.5;
}

double dam_active_far_cost(uint64_t bytes)
{
    return bytes > FAR_BYTES ? FAR_COST : bytes > SHARED_BYTES ? SHARED_COST : 0.0;
}

/* Cycles, roughly, of a list of this length; others share the caches with it. */
static double evaluation_cost(const dam_active_field *f, int64_t listed)
{
    const double N = f->N;
    const uint64_t bytes = (uint64_t)listed * (uint64_t)f->N * sizeof(float);

    if (listed <= MOST_ROWS)
        return 60.0 + 0.3 * N + (double)listed * (60.0 + 0.3 * N);
    return 250.0 + 1.0 * N + (double)((listed + DAM_PANEL - 1) / DAM_PANEL) * (4.5 * N + 40.0) +
           (dam_active_term_cost(f->reference) + N * dam_active_far_cost(LISTS * bytes)) *
               (double)listed;
}

/* Cycles, roughly, of making an inner list from an outer one of this length, which is evaluated. */
static double inner_cost(double alone, int64_t listed)
{
    return alone + SORT_COST * (double)listed + INNER_COST;
}

double dam_active_build_cost(const dam_active_field *f)
{
    return (double)f->M * (f->pass_cost + KEEP_COST + SORT_COST) + OUTER_COST;
}

static double copy_cost(const dam_active_field *f, int64_t listed)
{
    return COPY_COST * f->N * (double)listed;
}

/* What the outer list has cost. */
static double made_cost(const dam_active_set *set, const dam_active_field *f)
{
    return dam_active_build_cost(f) + copy_cost(f, set->outer.listed);
}

double dam_active_inner_cost(const dam_active_set *set)
{
    return inner_cost(set->outer.cost, set->outer.listed);
}

/* Mean square angle of a step: `own`, or what is known of the chain's fellows. */
static double spread_of(double own, double shared, const dam_active_input *in)
{
    return shared > 0 ? shared : own > 0 ? own : DAM_ACTIVE_ACCEPTANCE * in->sigma * in->sigma;
}

/* The smallest list whose rest stays within `width` (of the sum) at this skin. */
static plan plan_at(const dam_active_field *f, const source *from, const census *s, int skin,
                    double width)
{
    plan p = {.skin = skin, .last = s->last, .listed = from->patterns};
    dam_active_rest all = {0, 0};

    for (; p.last >= s->first; p.last--) {
        const dam_active_rest rest = rest_of(s, f->reference, p.last, skin);
        all.low += rest.low;
        all.high += rest.high;
        if (!(all.high - all.low <= width))
            break;
        p.listed -= (int64_t)s->number[p.last];
    }
    p.alone = evaluation_cost(f, p.listed);
    return p;
}

/* Cycles, roughly, of a step with the list of plan `p` and an inner one. */
static double cost_with_inner(const plan *p, double inner_alone, double inner_life)
{
    const double others = (ASKED_PER_INNER - 1.0) * p->alone;

    return inner_alone + (others + inner_cost(p->alone, p->listed)) / inner_life;
}

/* Completes plan `p`; its inner list is like one of the `n` plans of smaller skins, where that is
 * cheaper. */
static void complete(plan *p, const dam_active_field *f, const source *from, const plan *smaller,
                     int n)
{
    double step = p->alone;

    for (int i = 0; i < n && from->inner_spread > 0; i++) {
        const double life = dam_active_life(smaller[i].skin, from->inner_spread);
        const double cost = cost_with_inner(p, smaller[i].alone, life);
        if (cost < step) {
            step = cost;
            p->inner_alone = smaller[i].alone;
            p->inner_life = life;
        }
    }
    p->cost =
        step + (from->build + copy_cost(f, p->listed)) / dam_active_life(p->skin, from->spread);
}

/* The list that costs least; `width` is what its rest may add to the sum. */
static plan best_plan(const dam_active_field *f, const source *from, double sigma, const census *s,
                      double width)
{
    plan best = {.cost = HUGE_VAL}, plans[DAM_ACTIVE_PLANS];
    int last = 0, n = 0;

    for (double skin = DAM_ACTIVE_FIRST_SKIN * sigma;
         skin < DAM_ACTIVE_LARGEST_SKIN && n < DAM_ACTIVE_PLANS; skin *= DAM_ACTIVE_SKIN_FACTOR) {
        const int steps =
            (int)ceil(skin * (ANGLES / M_PI) / DAM_ACTIVE_PER_GRID) * DAM_ACTIVE_PER_GRID;
        if (steps == last)
            continue;
        last = steps;
        plans[n] = plan_at(f, from, s, steps, width);
        if (plans[n].listed > from->patterns / 4)
            break;
        complete(plans + n, f, from, plans, n);
        if (plans[n].cost < best.cost)
            best = plans[n];
        n++;
    }
    return best;
}

/* What the patterns nearest at step `first` or more add at a state `moved` steps away from x_ref.
 */
static dam_active_rest rest_beyond(const census *s, const dam_reference *f, int first, int moved)
{
    dam_active_rest all = {0, 0};
    double lane[4] = {0}, number = 0; /* sums side by side; of patterns that may be anywhere near */
    int i = first;

    if (f->kernel == DAM_POLYNOMIAL) {
        for (; i <= s->last; i++) {
            const dam_active_rest rest = rest_of(s, f, i, moved);
            all.low += rest.low;
            all.high += rest.high;
        }
        return all;
    }
    for (; i <= s->last && i < moved; i++)
        number += s->number[i];
    for (; i + 3 <= s->last; i += 4)
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++)
            lane[j] += s->number[i + j] * s->terms->up[i + j - moved];
    for (; i <= s->last; i++)
        lane[0] += s->number[i] * s->terms->up[i - moved];
    all.high = number * s->terms->up[0] + (lane[0] + lane[1]) + (lane[2] + lane[3]);
    return all;
}

/* The rest at every angle up to where it is hopeless: above `most`. */
static void tabulate_rest(dam_active_list *list, const dam_active_field *f, const census *s,
                          int first, double most)
{
    const dam_reference *r = f->reference;
    double number = 0;

    for (int i = first; i <= s->last; i++)
        number += s->number[i];
    for (list->angles = 0; list->angles < DAM_ACTIVE_ANGLES; list->angles++) {
        dam_active_rest all = rest_beyond(s, r, first, list->angles * DAM_ACTIVE_PER_GRID);
        if (r->kernel == DAM_LSR)
            all.low = number * r->epsilon;
        if (!(all.high - all.low <= most))
            break;
        if (r->kernel == DAM_LSE)
            all.high = log(all.high);
        list->rest[list->angles] = all;
    }
}

static dam_status make_room(dam_active_list *list, const dam_active_field *f, int64_t listed,
                            dam_error *e)
{
    const int64_t panels = (listed + DAM_PANEL - 1) / DAM_PANEL;
    const int64_t wanted = (list->by_panel ? panels * DAM_PANEL : listed) * f->N;
    void *memory;
    dam_status status;

    if (!list->x_ref) {
        status = dam_alloc(&memory, (uint64_t)f->N, sizeof(float), "a list", "lower replicas", e);
        if (status)
            return status;
        list->x_ref = memory;
    }
    if (list->room >= wanted && list->room <= 4 * wanted)
        return DAM_OK;
    dam_free(list->patterns);
    list->patterns = NULL;
    list->room = 0;
    status = dam_alloc(&memory, (uint64_t)wanted, sizeof(float), "a list of near patterns",
                       "lower replicas or threads", e);
    if (status)
        return status;
    list->patterns = memory;
    list->room = wanted;
    return DAM_OK;
}

/* Copies patterns mu[0 .. n-1] to the places of the list from `used` on; from rows, where there are
 * any, as in a panel a pattern's components lie far apart. */
static void copy_some(dam_active_list *list, const dam_active_field *f, const source *from,
                      const int64_t *mu, int n, int64_t used)
{
    const int64_t N = f->N, stride = list->by_panel ? DAM_PANEL : 1;
    const float *panel[COPIED_AT_A_TIME];
    float *to[COPIED_AT_A_TIME];

    for (int j = 0; j < n; j++) {
        const int64_t i = used + j;
        to[j] = list->patterns +
                (list->by_panel ? i / DAM_PANEL * DAM_PANEL * N + i % DAM_PANEL : i * N);
        panel[j] = from->panels + mu[j] / DAM_PANEL * DAM_PANEL * N + mu[j] % DAM_PANEL;
    }
    for (int j = 0; from->rows && j < n; j++) {
        const float *row = from->rows + mu[j] * f->row_stride;
        for (int64_t k = 0; k < N; k++)
            to[j][k * stride] = row[k];
    }
    for (int64_t k = 0; !from->rows && k < N; k++)
        for (int j = 0; j < n; j++)
            to[j][k * stride] = panel[j][k * DAM_PANEL];
}

/* Asks for the row of a pattern, where there are rows. */
static void fetch_row(const dam_active_field *f, const source *from, int64_t mu)
{
    if (from->rows)
        for (int k = 0; k < f->row_stride; k += 16)
            __builtin_prefetch(from->rows + mu * f->row_stride + k);
}

static void copy_patterns(dam_active_list *list, const dam_active_field *f, const source *from,
                          const plan *p)
{
    const int N = f->N;
    int64_t mu[2][COPIED_AT_A_TIME], used = 0, found = 0;
    int lowest = BINS;

    while (lowest > 0 && nearest[lowest - 1] <= p->last)
        lowest--;
    /* some while rows of the next ones are on their way */
    for (int64_t i = 0; i < from->patterns && found < p->listed; i++) {
        if (dam_active_bin(from->phi[i]) < lowest)
            continue;
        fetch_row(f, from, i);
        mu[found / COPIED_AT_A_TIME % 2][found % COPIED_AT_A_TIME] = i;
        found++;
        if (found % COPIED_AT_A_TIME == 0 && found > COPIED_AT_A_TIME) {
            copy_some(list, f, from, mu[found / COPIED_AT_A_TIME % 2], COPIED_AT_A_TIME, used);
            used += COPIED_AT_A_TIME;
        }
    }
    while (used < found) {
        const int64_t left = found - used;
        const int n = left < COPIED_AT_A_TIME ? (int)left : COPIED_AT_A_TIME;
        copy_some(list, f, from, mu[used / COPIED_AT_A_TIME % 2], n, used);
        used += n;
    }
    list->listed = used;
    if (list->by_panel && used % DAM_PANEL) /* what stands beyond is computed, and not used */
        for (int k = 0; k < N; k++)
            memset(list->patterns + (used / DAM_PANEL * N + k) * DAM_PANEL + used % DAM_PANEL, 0,
                   (size_t)(DAM_PANEL - used % DAM_PANEL) * sizeof *list->patterns);
}

/* Bound on the angle between a state and x_ref, given their product. */
static double angle_of(const dam_active_field *f, double product)
{
    return dam_active_angle(product / f->N);
}

/* The first angle of the table that is not below it, or `angles`. */
static int grid_angle(const dam_active_field *f, double product, int angles)
{
    const double c = product / f->N - DAM_NORM_SLACK - 1e-12;
    int i = first_angle[place_of(c < 1.0 ? 1.0 - c : 0.0)];

    /* once without a branch: whether it is the next one cannot be foreseen */
    i += i < angles && c < cosine[i * DAM_ACTIVE_PER_GRID];
    while (i < angles && c < cosine[i * DAM_ACTIVE_PER_GRID])
        i++;
    return i < angles ? i : angles;
}

/* What the life of a list tells about how fast the chain moves. */
static void learn_spread(dam_active_list *list, const dam_active_field *f,
                         const dam_active_input *in)
{
    const double angle = angle_of(f, f->kernels->dot(f->N, in->x, list->x_ref));

    list->spread = dam_active_spread(list->spread, angle, (double)(in->step - list->made_at));
}

/*
 * The list that costs least, or with `skin` > 0 the one of that skin, if it costs less than `limit`
 * a step; otherwise the list stays as it is.
 */
static dam_status make_list(dam_active_list *list, const dam_active_field *f, const source *from,
                            const dam_active_input *in, int skin, double limit, dam_error *e)
{
    const dam_reference *r = f->reference;
    double scale, width;
    census s;
    plan p;
    dam_status status;

    count(&s, from);
    tabulate_terms(f->terms, r, s.top);
    s.terms = f->terms;
    scale = dam_active_scale(r, in->level, f->terms->top);
    width = scale * in->tolerance;
    if (skin > 0) {
        p = plan_at(f, from, &s, skin, width);
        p.inner_alone = list->inner_alone; /* inner lists are around states all the same */
        p.inner_life = list->inner_life;
        p.cost = p.inner_life > 0 ? fmin(p.alone, cost_with_inner(&p, p.inner_alone, p.inner_life))
                                  : p.alone;
        p.cost += (from->build + copy_cost(f, p.listed)) / CENTRED_LIFE;
    } else {
        p = best_plan(f, from, in->sigma, &s, width);
    }
    if (!(p.cost < limit) || p.listed < 1 || p.listed > from->patterns / 4)
        return DAM_OK;
    list->listed = -1;
    list->by_panel = p.listed > MOST_ROWS;
    status = make_room(list, f, p.listed, e);
    if (status)
        return status;
    copy_patterns(list, f, from, &p);
    tabulate_rest(list, f, &s, p.last + 1, dam_active_widest(r, scale, width, in->theta));
    memcpy(list->x_ref, in->x, (size_t)f->N * sizeof *in->x);
    list->top = f->terms->top;
    list->planned = p.cost;
    list->inner_alone = p.inner_alone;
    list->inner_life = p.inner_life;
    list->cost = evaluation_cost(f, list->listed);
    list->centred = skin > 0;
    list->centre = -1;
    list->debt = 0;
    list->made_at = in->step;
    return DAM_OK;
}

/* Looks for the row of `list` that is x_ref of the outer list, where that is a pattern. */
static void find_centre(const dam_active_set *set, dam_active_list *list, int N)
{
    const size_t bytes = (size_t)N * sizeof *list->patterns;

    for (int i = 0; set->outer.centred && !list->by_panel && i < list->listed; i++)
        if (memcmp(list->patterns + (int64_t)i * N, set->outer.x_ref, bytes) == 0)
            list->centre = i;
}

void dam_active_begin(dam_active_set *set, double sigma)
{
    set->outer.listed = set->inner.listed = -1;
    set->outer.spread = set->inner.spread = 0;
    set->outer.inner_alone = set->outer.inner_life = 0;
    set->sigma = sigma;
    set->account = 0;
    memset(set->wait, 0, sizeof set->wait);
    set->basin = set->rejected = 0;
}

void dam_active_rest_from_lists(dam_active_set *set, const dam_active_field *f, uint64_t step)
{
    const double first = TRIAL_STEPS * dam_active_build_cost(f) / f->plain_cost;
    uint64_t *patience = &set->wait[f->measure].patience;

    if (*patience == 0)
        set->outer.spread = 0; /* the chain was on its way to where it is by then, perhaps */
    *patience = *patience ? DAM_ACTIVE_PATIENCE_FACTOR * *patience
                          : (uint64_t)fmax(DAM_ACTIVE_FIRST_PATIENCE, first);
    if (*patience > DAM_ACTIVE_LAST_PATIENCE)
        *patience = DAM_ACTIVE_LAST_PATIENCE;
    set->wait[f->measure].retry_at = step + *patience;
    set->outer.listed = -1;
    set->account = 0;
}

bool dam_active_may_try(const dam_active_set *set, const dam_active_field *f, uint64_t step)
{
    return step >= set->wait[f->measure].retry_at;
}

/*
 * What a list may promise to cost at most, of doing without. Promises come from few steps, so where
 * lists have kept paying for chains like this one, one that looks bad is no reason to stop.
 */
static double dearest_promise(const dam_active_set *set, const dam_active_field *f,
                              const dam_active_input *in, double build)
{
    const bool unknown = in->spread == 0 && set->wait[f->measure].patience == 0;

    return unknown || in->account > build ? TRUSTED_PROMISE
           : in->account > 0              ? 1.0
                                          : DAM_ACTIVE_WORTHWHILE;
}

dam_status dam_active_build(dam_active_set *set, const dam_active_field *f,
                            const dam_active_input *in, dam_error *e)
{
    source from = {f->panels, f->rows, in->phi, f->M, dam_active_build_cost(f), 0, 0};
    dam_status status;
    bool paid = true;

    pthread_once(&tables_made, make_tables);
    set->inner.listed = -1;
    set->inner.debt = 0;
    if (set->outer.listed >= 0) {
        paid = in->account > -DAM_ACTIVE_LAST_LOSS * made_cost(set, f);
        if (!set->outer.centred)
            learn_spread(&set->outer, f, in);
        set->outer.listed = -1;
    }
    from.spread = spread_of(set->outer.spread, in->spread, in);
    from.inner_spread = spread_of(set->inner.spread, in->inner_spread, in);
    if (paid) {
        status = make_list(&set->outer, f, &from, in, 0,
                           dearest_promise(set, f, in, from.build) * f->plain_cost, e);
        if (status)
            return status;
    }
    if (set->outer.listed < 0)
        dam_active_rest_from_lists(set, f, in->step);
    else if (set->outer.made_at > set->wait[f->measure].retry_at + set->wait[f->measure].patience)
        set->wait[f->measure].patience = 0;
    if (set->outer.listed >= 0)
        set->account -= made_cost(set, f);
    return DAM_OK;
}

dam_status dam_active_centre(dam_active_set *set, const dam_active_field *f,
                             const dam_active_input *in, double angle, dam_error *e)
{
    const source from = {f->panels, f->rows, in->phi, f->M, (double)f->M * SORT_COST + OUTER_COST,
                         0,         0};
    const int skin = (int)ceil(angle * (ANGLES / M_PI));
    const bool first = set->outer.listed < 0;
    const double limit = first ? DAM_ACTIVE_WORTHWHILE * f->plain_cost : set->outer.planned;
    const dam_status status = make_list(&set->outer, f, &from, in, skin, limit, e);

    if (set->outer.listed >= 0)
        find_centre(set, &set->outer, f->N);
    if (first && set->outer.listed >= 0)
        set->account -= made_cost(set, f);
    return status;
}

bool dam_active_pays(dam_active_set *set, const dam_active_field *f)
{
    const double build = made_cost(set, f);

    set->account = fmin(set->account + f->plain_cost, DAM_ACTIVE_CREDIT * build);
    return set->account >= -DAM_ACTIVE_LARGEST_LOSS * build;
}

dam_status dam_active_build_inner(dam_active_set *set, const dam_active_field *f,
                                  const dam_active_input *in, dam_error *e)
{
    source from = {set->outer.patterns,        NULL, in->phi, set->outer.listed,
                   dam_active_inner_cost(set), 0,    0};
    dam_status status = DAM_OK;

    if (set->inner.listed >= 0)
        learn_spread(&set->inner, f, in);
    from.spread = spread_of(set->inner.spread, in->inner_spread, in);
    set->inner.listed = -1;
    status = make_list(&set->inner, f, &from, in, 0, DAM_ACTIVE_WORTHWHILE * set->outer.cost, e);
    if (set->inner.listed >= 0)
        find_centre(set, &set->inner, f->N);
    set->inner.debt = set->inner.listed < 0 ? -30.0 * from.build : 0.0;
    return status;
}

/*
 * Alignments of x with the patterns of `list`, the inner or the outer one, and x.x_ref of each list
 * up to it.
 */
static void align(const dam_active_set *set, const dam_active_list *list, const dam_active_field *f,
                  const float *x, double *state, double *phi, double product[2])
{
    const bool inner = list == &set->inner, known = list->centre >= 0;
    const int listed = list->by_panel ? 0 : (int)list->listed;
    const float *row[2 + MOST_ROWS] = {NULL};
    double sum[2 + MOST_ROWS];
    int references = 0;

    if (!known)
        row[references++] = set->outer.x_ref;
    if (inner)
        row[references++] = set->inner.x_ref;
    for (int i = 0; i < listed; i++)
        row[references + i] = list->patterns + (int64_t)i * f->N;
    f->kernels->dots(f->N, x, row, references + listed, sum);
    product[0] = known ? sum[references + list->centre] : sum[0];
    product[1] = inner ? sum[references - 1] : product[0];
    for (int i = 0; i < listed; i++)
        phi[i] = sum[references + i] / f->N;
    if (!list->by_panel)
        return;
    for (int k = 0; k < f->N; k++)
        state[k] = x[k];
    f->kernels->overlaps(list->patterns, (list->listed + DAM_PANEL - 1) / DAM_PANEL, f->N, state, 1,
                         phi);
}

/* The largest alignment and the sum relative to its term. */
static dam_block_sum sum_lse(const dam_active_field *f, const double *phi, int64_t listed)
{
    dam_block_sum all = {phi[0], 1.0};

    if (listed == 1)
        return all;
    all = f->kernels->reduce(f->reference, phi, listed < DAM_BLOCK ? listed : DAM_BLOCK);
    for (int64_t i = DAM_BLOCK; i < listed; i += DAM_BLOCK) {
        const int64_t n = listed - i < DAM_BLOCK ? listed - i : DAM_BLOCK;
        const dam_block_sum block = f->kernels->reduce(f->reference, phi + i, n);
        const double max = block.max > all.max ? block.max : all.max;
        all.sum = all.sum * dam_exp(f->reference->c * (all.max - max)) +
                  block.sum * dam_exp(f->reference->c * (block.max - max));
        all.max = max;
    }
    return all;
}

/* `rest` holds logarithms: of what each list leaves out. */
static dam_interval interval_lse(const dam_active_field *f, const double *phi, int64_t listed,
                                 const double rest[2])
{
    const dam_reference *r = f->reference;
    const dam_block_sum all = sum_lse(f, phi, listed);
    const double log_sum = all.sum > 1 ? dam_log(all.sum) : 0;
    const double L = r->c * (all.max - 1.0) + log_sum;
    /* ours, and the reference's: the logarithm of its sum is below ln 2^32 < 25 */
    const double slack = dam_lse_rounding(r, (double)listed, all.max, log_sum) +
                         dam_lse_rounding(r, (double)f->M, all.max, 25.0);
    double high = L + slack;

    for (int i = 0; i < 2; i++)
        high += dam_active_exp_above(rest[i] - L + slack);
    return (dam_interval){L - slack, high};
}

static double sum_of(const dam_active_field *f, const double *phi, int64_t listed)
{
    double sum = 0;

    for (int64_t i = 0; i < listed; i += DAM_BLOCK) {
        const int64_t n = listed - i < DAM_BLOCK ? listed - i : DAM_BLOCK;
        sum += f->kernels->reduce(f->reference, phi + i, n).sum;
    }
    return sum;
}

static dam_interval interval_lsr(const dam_active_field *f, const double *phi, int64_t listed,
                                 dam_active_rest rest)
{
    const double error = 2.0 * dam_lsr_rounding(f->reference) * (double)listed;
    const double relative = 1e-12 + dam_sum_rounding((double)f->M);
    const double sum = sum_of(f, phi, listed);
    const double low = fmax(0.0, sum - error) + rest.low;

    return dam_log_interval(low * (1.0 - relative), (sum + error + rest.high) * (1.0 + relative));
}

static dam_interval interval_polynomial(const dam_active_field *f, const double *phi,
                                        int64_t listed, dam_active_rest rest)
{
    const dam_reference *r = f->reference;
    const double largest = pow(1.001, r->k); /* alignments stay below 1.001 */
    const double each = 2.0 * (r->k + 2) * (dam_phi_rounding(r->N) + 4e-16) * largest;
    const double M = (double)f->M;
    const double error = each * (double)listed + (1e-12 + dam_sum_rounding(M)) * M * largest;
    const double sum = sum_of(f, phi, listed);

    return (dam_interval){r->N * (sum + rest.low - error), r->N * (sum + rest.high + error)};
}

/* What a list leaves out at a state whose product with x_ref is given. */
static dam_active_rest rest_at(const dam_active_list *list, const dam_active_field *f,
                               double product)
{
    const int at = grid_angle(f, product, list->angles);

    if (at < list->angles)
        return list->rest[at];
    return (dam_active_rest){f->reference->kernel == DAM_POLYNOMIAL ? -HUGE_VAL : 0, HUGE_VAL};
}

dam_interval dam_active_evaluate(const dam_active_set *set, const dam_active_field *f, bool inner,
                                 const float *x, double *scratch)
{
    const dam_active_list *list = inner ? &set->inner : &set->outer;
    const dam_reference *r = f->reference;
    double *phi = DAM_ACTIVE_PHI(scratch, f->N);
    dam_active_rest rest, own = {0, 0};
    double product[2], log_rests[2];

    align(set, list, f, x, scratch, phi, product);
    rest = rest_at(&set->outer, f, product[0]);
    if (inner)
        own = rest_at(&set->inner, f, product[1]);
    if (r->kernel == DAM_LSE) {
        log_rests[0] = rest.high + r->c * (set->outer.top - 1.0);
        log_rests[1] = inner ? own.high + r->c * (set->inner.top - 1.0) : -HUGE_VAL;
        return interval_lse(f, phi, list->listed, log_rests);
    }
    rest.low += own.low;
    rest.high += own.high;
    return r->kernel == DAM_LSR ? interval_lsr(f, phi, list->listed, rest)
                                : interval_polynomial(f, phi, list->listed, rest);
}

static uint64_t list_bytes(const dam_active_list *list, int N)
{
    return ((uint64_t)list->room + (list->x_ref ? (uint64_t)N : 0)) * sizeof(float);
}

uint64_t dam_active_bytes(const dam_active_set *set, int N)
{
    return sizeof *set + list_bytes(&set->outer, N) + list_bytes(&set->inner, N);
}

static void free_list(dam_active_list *list)
{
    dam_free(list->patterns);
    dam_free(list->x_ref);
    list->patterns = list->x_ref = NULL;
    list->listed = -1;
    list->room = 0;
}

void dam_active_free(dam_active_set *set)
{
    free_list(&set->outer);
    free_list(&set->inner);
}
