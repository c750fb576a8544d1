#include "gang.h"

#include <math.h>
#include <string.h>

#include "cascade.h"
#include "memory.h"

/* States whose alignments with the target are computed together: as many sums in flight. */
#define ALIGNED 8

/* A gang on its way. */
typedef struct {
    dam_gang *g;
    dam_cascade cascade;
    double *q12;   /* [chains / replicas] */
    float *target; /* [N]: the target pattern */
    void *memory;
} march;

static dam_status march_make(march *m, dam_gang *g, uint64_t steps, bool measure, dam_error *e)
{
    const float *panel = g->panels + g->target / DAM_PANEL * DAM_PANEL * g->N;
    const uint64_t groups = (uint64_t)(g->chains / g->replicas);
    dam_status status = dam_cascade_make(&m->cascade, g, steps, measure, e);

    m->g = g;
    if (status)
        return status;
    status = dam_alloc(&m->memory, groups * sizeof(double) + (uint64_t)g->N * sizeof(float), 1,
                       "room for overlaps", "lower replicas or threads", e);
    if (status) {
        dam_cascade_free(&m->cascade);
        return status;
    }
    m->q12 = m->memory;
    m->target = (void *)(m->q12 + groups);
    for (int k = 0; k < g->N; k++)
        m->target[k] = panel[(int64_t)k * DAM_PANEL + g->target % DAM_PANEL];
    return DAM_OK;
}

static void march_free(march *m)
{
    dam_cascade_free(&m->cascade);
    dam_free(m->memory);
}

dam_status dam_gang_evaluate(dam_gang *g, dam_error *e)
{
    dam_cascade w;
    dam_status status = dam_cascade_make(&w, g, 0, false, e);

    if (status)
        return status;
    if (!dam_cascade_evaluate(&w))
        status = dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    dam_cascade_free(&w);
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

/* The sums of n states with the target, over k in ascending order; n is constant where inlined. */
static inline __attribute__((always_inline)) void
add_products(int N, const float *target, const float *const *x, int n, double *sum)
{
    double own[ALIGNED] = {0};

    for (int k = 0; k < N; k++) {
        const double xi = target[k];
#pragma GCC unroll 8
        for (int j = 0; j < n; j++)
            own[j] += x[j][k] * xi;
    }
    memcpy(sum, own, (size_t)n * sizeof *sum);
}

/* The alignments of n <= ALIGNED chains with the target, in the order of the reference. */
static void align(const march *m, const int64_t *chain, int n)
{
    const int N = m->g->N;
    const float *x[ALIGNED];
    double sum[ALIGNED];

    for (int j = 0; j < ALIGNED; j++)
        x[j] = m->g->x + chain[j < n ? j : 0] * N;
    if (n == 1)
        add_products(N, m->target, x, 1, sum);
    else if (n == 2)
        add_products(N, m->target, x, 2, sum);
    else if (n <= 4)
        add_products(N, m->target, x, 4, sum);
    else
        add_products(N, m->target, x, ALIGNED, sum);
    for (int j = 0; j < n; j++)
        m->g->chain[chain[j]].phi = sum[j] / N;
}

/* Alignments of the chains whose phi is not a number. */
static void align_unknown(const march *m)
{
    int64_t chain[ALIGNED];
    int n = 0;

    for (int64_t c = 0; c < m->g->chains; c++) {
        if (isnan(m->g->chain[c].phi))
            chain[n++] = c;
        if (n == ALIGNED || (n > 0 && c == m->g->chains - 1)) {
            align(m, chain, n);
            n = 0;
        }
    }
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
static void record_step(const march *m, uint64_t step)
{
    const dam_gang *g = m->g;
    const dam_moment moment = dam_record_moment(g->record, step);

    for (int64_t group = 0; group * g->replicas < g->chains; group++) {
        const int64_t place = (g->first_T + group) * g->record->disorder + g->disorder;
        for (int64_t a = 0; a < g->replicas; a++) {
            const int64_t c = group * g->replicas + a;
            dam_record_chain(g->record, moment, place * g->replicas + a, g->chain[c].phi,
                             g->chain[c].L, g->x + c * g->N);
        }
        if (g->replicas > 1)
            dam_record_q12(g->record, moment, place, m->q12[group]);
    }
}

/* Carries out what has been decided; when measuring that is the same step of all chains. */
static void complete_step(march *m)
{
    dam_gang *g = m->g;
    const uint64_t step = g->chain[0].steps;

    for (int64_t c = 0; c < g->chains; c++)
        if (m->cascade.verdict[c] != DAM_UNDECIDED)
            dam_cascade_carry_out(&m->cascade, c);
    if (!m->cascade.measure)
        return;
    align_unknown(m);
    for (int64_t group = 0; group * g->replicas < g->chains; group++) {
        bool moved = false;
        for (int64_t c = group * g->replicas; c < (group + 1) * g->replicas; c++) {
            const bool accepted = m->cascade.verdict[c] == DAM_ACCEPTED;
            moved |= accepted;
            accumulate(g->chain + c, accepted);
        }
        if (g->replicas > 1) {
            if (moved)
                m->q12[group] = mean_q12(g, group, m->cascade.scratch);
            g->q12_sum[group] += m->q12[group];
        }
    }
    if (g->record)
        record_step(m, step);
}

/* Sets phi_max_other of the states; false when interrupted. */
static bool measure_last(march *m)
{
    dam_gang *g = m->g;

    if (!dam_cascade_largest(&m->cascade))
        return false;
    for (int64_t c = 0; c < g->chains; c++) {
        g->chain[c].phi_max_other = g->M > 1 ? m->cascade.largest[c] : NAN;
        g->chain[c].measured = true;
    }
    return true;
}

/* What a sample needs to know of the states that it begins with. */
static void prepare_measuring(march *m)
{
    dam_gang *g = m->g;

    for (int64_t c = 0; c < g->chains; c++)
        if (!g->chain[c].exact)
            g->chain[c].phi = NAN;
    align_unknown(m);
    for (int64_t group = 0; g->replicas > 1 && group * g->replicas < g->chains; group++)
        m->q12[group] = mean_q12(g, group, m->cascade.scratch);
}

/* Steps that the chain which is furthest behind is away from `end`. */
static uint64_t steps_left(const dam_gang *g, uint64_t end)
{
    uint64_t most = 0;

    for (int64_t c = 0; c < g->chains; c++)
        if (g->chain[c].steps < end && end - g->chain[c].steps > most)
            most = end - g->chain[c].steps;
    return most;
}

static dam_status advance(march *m, uint64_t end, bool last, dam_error *e)
{
    dam_status status = dam_cascade_settle(&m->cascade);

    if (status == DAM_OK && m->cascade.measure)
        prepare_measuring(m);
    while (status == DAM_OK && steps_left(m->g, end) > 0) {
        status = dam_cascade_decide(&m->cascade, end, e);
        if (status == DAM_OK)
            complete_step(m);
    }
    if (status == DAM_OK && last && !measure_last(m))
        status = DAM_ERR_INTERRUPTED;
    return status;
}

dam_status dam_gang_advance(dam_gang *g, uint64_t end, bool measure, bool last, dam_error *e)
{
    march m;
    dam_status status = march_make(&m, g, steps_left(g, end), measure, e);

    if (status)
        return status;
    status = advance(&m, end, last, e);
    if (status == DAM_ERR_INTERRUPTED)
        dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    march_free(&m);
    return status;
}
