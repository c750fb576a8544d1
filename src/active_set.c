#include "active_set.h"

#include <math.h>
#include <string.h>

#include "bounds.h"
#include "memory.h"

/* Alignments are counted in bins of equal width. */
#define BINS 256

/* Skins that are tried: from a few proposals on, each larger by this factor. */
#define FIRST_SKIN 1.5
#define SKIN_FACTOR 1.35
#define LARGEST_SKIN 1.5

/* Steps to wait after a list that did not pay, at first and at most. */
#define FIRST_PATIENCE 128
#define LAST_PATIENCE 8192

/* Of proposals; for how long a list may last. */
#define USUAL_ACCEPTANCE 0.3

/* Making a list costs two passes over all patterns. */
#define SHORT_LIFE 5

/* Numbers of patterns per bin, from -1 upwards; alignments beyond the ends go to the end bins. */
static void count_bins(const dam_active_input *in, int64_t count[BINS])
{
    memset(count, 0, BINS * sizeof *count);
    for (int64_t mu = 0; mu < in->M; mu++) {
        int b = (int)floor((in->phi[mu] + 1.0) * (BINS / 2));
        count[b < 0 ? 0 : b >= BINS ? BINS - 1 : b]++;
    }
}

/* Largest and smallest alignment, anywhere within the skin, of a pattern of bin b. */
static double highest(int b, double skin)
{
    double theta = acos(fmin(1.0, 2.0 * (b + 1) / BINS - 1.0 + DAM_NORM_SLACK));
    return cos(fmax(0.0, theta - skin)) + DAM_NORM_SLACK;
}

static double lowest(int b, double skin)
{
    double theta = acos(fmax(-1.0, 2.0 * b / BINS - 1.0 - DAM_NORM_SLACK));
    return cos(fmin(M_PI, theta + skin)) - DAM_NORM_SLACK;
}

/* What one pattern of the bin adds: LSE relative to exp(c (top - 1)), else its term's range. */
static void term_range(const dam_reference *f, int b, double skin, double top, double *low,
                       double *high)
{
    const double up = highest(b, skin), down = lowest(b, skin);
    double a, z;

    switch (f->kernel) {
    case DAM_LSE:
        *low = 0;
        *high = exp(fmin(700.0, f->c * (up - top)));
        return;
    case DAM_LSR:
        *low = f->epsilon;
        *high = dam_term_lsr(f, up);
        return;
    default:
        a = pow(down, f->k);
        z = pow(up, f->k);
        *low = f->k % 2 ? a : down < 0 && up > 0 ? 0 : fmin(a, z);
        *high = fmax(a, z);
    }
}

/* Time of a listed pattern in units of one in a full pass, which takes several chains at once;
 * measured. */
static double listed_cost(int N)
{
    return 3.0 + 160.0 / N;
}

/* A possible list: all patterns of the bins from `first` on. */
typedef struct {
    double skin, cost;
    int first;
    int64_t listed;
    double low, high; /* of the rest, LSE relative to exp(c (top - 1)) */
} plan;

/* The smallest list whose rest stays within the tolerance at this skin. */
static plan plan_at(const dam_active_input *in, const int64_t count[BINS], double skin, double top,
                    double weight)
{
    const dam_reference *f = in->reference;
    const double width =
        f->kernel == DAM_POLYNOMIAL ? in->tolerance / f->N : in->tolerance * weight;
    const double lifetime = fmax(1.0, (skin / in->sigma) * (skin / in->sigma) / USUAL_ACCEPTANCE);
    plan p = {.skin = skin, .first = 0};

    for (; p.first < BINS; p.first++) {
        double low = 0, high = 0;
        if (count[p.first] == 0)
            continue;
        term_range(f, p.first, skin, top, &low, &high);
        low = p.low + (double)count[p.first] * low;
        high = p.high + (double)count[p.first] * high;
        if (!(high - low <= width))
            break;
        p.low = low;
        p.high = high;
        p.listed -= count[p.first];
    }
    p.listed += in->M;
    p.cost = (double)p.listed * listed_cost(in->N) + 2.0 * (double)in->M / lifetime;
    return p;
}

/* Weight of the sum at x_ref, LSE relative to exp(c (top - 1)). */
static double weight_of(const dam_active_input *in, double top)
{
    const dam_reference *f = in->reference;
    double sum = 0;

    for (int64_t mu = 0; mu < in->M; mu++)
        sum += f->kernel == DAM_LSE   ? dam_exp(f->c * fmin(0.0, in->phi[mu] - top))
               : f->kernel == DAM_LSR ? dam_term_lsr(f, in->phi[mu])
                                      : 0;
    return sum;
}

static plan best_plan(const dam_active_input *in)
{
    int64_t count[BINS];
    double top = -2;
    plan best = {.cost = HUGE_VAL};
    double weight;

    for (int64_t mu = 0; mu < in->M; mu++)
        top = fmax(top, in->phi[mu]);
    /* a state in the chain's reach may be this much less favourable than x_ref */
    weight = weight_of(in, top) * exp(-3.0 - 2.0 * in->reference->c * in->sigma * in->sigma);
    count_bins(in, count);
    for (double skin = FIRST_SKIN * in->sigma; skin < LARGEST_SKIN; skin *= SKIN_FACTOR) {
        plan p = plan_at(in, count, skin, top, weight);
        if (p.cost < best.cost)
            best = p;
    }
    if (in->reference->kernel == DAM_LSE) { /* the rest, as a logarithm */
        best.low = 0;
        best.high = log(best.high) + in->reference->c * (top - 1.0);
    }
    return best;
}

static dam_status make_room(dam_active_set *set, int N, int64_t listed, dam_error *e)
{
    void *memory;
    dam_status status;

    if (!set->x_ref) {
        status = dam_alloc(&memory, (uint64_t)N, sizeof(float), "a list", "lower replicas", e);
        if (status)
            return status;
        set->x_ref = memory;
    }
    if (set->room >= listed)
        return DAM_OK;
    dam_free(set->rows);
    set->rows = NULL;
    set->room = 0;
    status = dam_alloc(&memory, (uint64_t)listed, (uint64_t)N * sizeof(float),
                       "a list of near patterns", "lower replicas or threads", e);
    if (status)
        return status;
    set->rows = memory;
    set->room = listed;
    return DAM_OK;
}

/* Copies pattern mu out of its panel. */
static void copy_pattern(const dam_active_input *in, int64_t mu, float *row)
{
    const float *panel = in->panels + mu / DAM_PANEL * DAM_PANEL * in->N + mu % DAM_PANEL;

    for (int k = 0; k < in->N; k++)
        row[k] = panel[(int64_t)k * DAM_PANEL];
}

dam_status dam_active_build(dam_active_set *set, const dam_active_input *in, dam_error *e)
{
    const plan p = best_plan(in);
    int64_t used = 0;
    dam_status status;

    set->listed = -1;
    /* A list that lived for less than it costs to make was no good, whatever the estimate says. */
    if (!(p.cost < 0.6 * (double)in->M) || p.listed < 1 ||
        (set->made_at && in->step < set->made_at + SHORT_LIFE)) {
        set->patience = set->patience ? 2 * set->patience : FIRST_PATIENCE;
        if (set->patience > LAST_PATIENCE)
            set->patience = LAST_PATIENCE;
        set->retry_at = in->step + set->patience;
        set->made_at = 0;
        return DAM_OK;
    }
    status = make_room(set, in->N, p.listed, e);
    if (status)
        return status;
    for (int64_t mu = 0; mu < in->M && used < p.listed; mu++)
        if (p.first == 0 || floor((in->phi[mu] + 1.0) * (BINS / 2)) >= p.first)
            copy_pattern(in, mu, set->rows + used++ * in->N);
    memcpy(set->x_ref, in->x, (size_t)in->N * sizeof *in->x);
    set->listed = used;
    set->skin = p.skin;
    set->least_cos = cos(p.skin) + DAM_NORM_SLACK;
    set->tail_log = p.high;
    set->tail_low = p.low;
    set->tail_high = p.high;
    set->made_at = in->step;
    return DAM_OK;
}

static dam_interval interval_lse(const dam_active_set *set, const dam_reference *f,
                                 const double *phi, int64_t M)
{
    double max = phi[0], sum = 0, log_sum, L, slack, rest;

    for (int64_t i = 1; i < set->listed; i++)
        max = fmax(max, phi[i]);
    for (int64_t i = 0; i < set->listed; i++)
        sum += dam_exp(f->c * (phi[i] - max));
    log_sum = dam_log(sum);
    L = f->c * (max - 1.0) + log_sum;
    /* ours, and the reference's: the logarithm of its sum is below ln 2^32 < 25 */
    slack = dam_lse_rounding(f, (double)set->listed, max, log_sum) +
            dam_lse_rounding(f, (double)M, max, 25.0);
    rest = exp(fmin(700.0, set->tail_log - L + slack));
    return (dam_interval){L - slack, L + slack + rest * (1.0 + 1e-9)};
}

static dam_interval interval_lsr(const dam_active_set *set, const dam_reference *f,
                                 const double *phi, int64_t M)
{
    const double error = 2.0 * dam_lsr_rounding(f) * (double)set->listed;
    const double relative = 1e-12 + dam_sum_rounding((double)M);
    double sum = 0, low;

    for (int64_t i = 0; i < set->listed; i++)
        sum += dam_term_lsr(f, phi[i]);
    low = fmax(0.0, sum - error) + set->tail_low;
    return dam_log_interval(low * (1.0 - relative),
                            (sum + error + set->tail_high) * (1.0 + relative));
}

static dam_interval interval_polynomial(const dam_active_set *set, const dam_reference *f,
                                        const double *phi, int64_t M)
{
    const double largest = pow(1.001, f->k); /* alignments stay below 1.001 */
    const double each = 2.0 * (f->k + 2) * (dam_phi_rounding(f->N) + 4e-16) * largest;
    const double error =
        each * (double)set->listed + (1e-12 + dam_sum_rounding((double)M)) * (double)M * largest;
    double sum = 0;

    for (int64_t i = 0; i < set->listed; i++)
        sum += dam_term_polynomial(f, phi[i]);
    return (dam_interval){f->N * (sum + set->tail_low - error),
                          f->N * (sum + set->tail_high + error)};
}

bool dam_active_evaluate(const dam_active_set *set, const dam_reference *f,
                         const dam_kernels *kernels, int N, int64_t M, const float *x, double *phi,
                         dam_interval *out)
{
    if (!(kernels->dot(N, x, set->x_ref) / N >= set->least_cos))
        return false;
    for (int64_t i = 0; i < set->listed; i++)
        phi[i] = kernels->dot(N, x, set->rows + i * N) / N;
    *out = f->kernel == DAM_LSE   ? interval_lse(set, f, phi, M)
           : f->kernel == DAM_LSR ? interval_lsr(set, f, phi, M)
                                  : interval_polynomial(set, f, phi, M);
    return true;
}

void dam_active_free(dam_active_set *set)
{
    dam_free(set->rows);
    dam_free(set->x_ref);
    set->rows = set->x_ref = NULL;
    set->listed = -1;
    set->room = 0;
}
