#include "sampler.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "drive.h"
#include "gang.h"
#include "interrupt.h"
#include "memory.h"

/* Random numbers below which making them is not worth waking other threads. */
#define PARALLEL_NUMBERS 10000

/* Start of every rolling hash of decisions. */
#define DECISIONS_SEED 0x64616d6c75610001u

int64_t dam_sampler_chains(const dam_sampler *s)
{
    return s->patterns->disorder * s->n_T * s->replicas;
}

int64_t dam_sampler_index(const dam_sampler *s, int64_t t, int64_t disorder, int64_t replica)
{
    return (disorder * s->n_T + t) * s->replicas + replica;
}

static int64_t chains_per_disorder(const dam_sampler *s)
{
    return s->n_T * s->replicas;
}

/* What depends on T: streams, proposal width, threshold. */
static void set_temperatures(dam_sampler *s)
{
    const dam_patterns *p = s->patterns;

    for (int64_t d = 0; d < p->disorder; d++)
        for (int64_t t = 0; t < s->n_T; t++)
            for (int64_t r = 0; r < s->replicas; r++) {
                dam_chain *c = s->chain + dam_sampler_index(s, t, d, r);
                uint64_t number = (uint64_t)dam_patterns_number(p, d);
                uint64_t replica = (uint64_t)(s->first_replica + r);
                c->proposals = dam_chain_stream(s->seed, DAM_FOR_PROPOSAL, (uint64_t)p->N,
                                                (uint64_t)p->M, s->T[t], number, replica);
                c->acceptance = dam_chain_stream(s->seed, DAM_FOR_ACCEPTANCE, (uint64_t)p->N,
                                                 (uint64_t)p->M, s->T[t], number, replica);
                c->sigma = s->step * s->T[t] / sqrt((double)p->N);
                c->theta = dam_hamiltonian_theta(&s->hamiltonian, p->N, s->T[t]);
            }
}

dam_status dam_sampler_allocate(dam_sampler **out, const dam_sampler_options *o, dam_error *e)
{
    static const char remedy[] = "lower disorder, replicas or the number of temperatures";
    const double chains = (double)o->patterns->disorder * (double)o->n_T * (double)o->replicas;
    dam_sampler *s;
    void *memory;
    dam_status status =
        dam_memory_check(chains * (sizeof(dam_chain) + o->patterns->N * sizeof(float)),
                         "the states of all chains", remedy, e);

    if (status || (status = dam_alloc(&memory, 1, sizeof *s, "a sampler", "drop objects", e)))
        return status;
    s = memory;
    s->hamiltonian = o->hamiltonian;
    s->reference = dam_reference_of(&o->hamiltonian, o->patterns->N);
    s->patterns = o->patterns;
    dam_patterns_retain(s->patterns);
    s->n_T = o->n_T;
    s->replicas = o->replicas;
    s->first_replica = o->first_replica;
    s->seed = o->seed;
    s->step = o->step;
    s->tiers = o->tiers;
    if ((status = dam_kernels_get(&s->kernels, e)) ||
        (status = dam_alloc(&memory, (uint64_t)s->n_T, sizeof *s->T, "temperatures", remedy, e)))
        goto failed;
    s->T = memory;
    memcpy(s->T, o->T, (size_t)s->n_T * sizeof *s->T);
    if ((status = dam_alloc(&memory, (uint64_t)chains, sizeof *s->chain, "the chains", remedy, e)))
        goto failed;
    s->chain = memory;
    if ((status = dam_alloc(&memory, (uint64_t)chains, (uint64_t)s->patterns->N * sizeof *s->x,
                            "the states of all chains", remedy, e)))
        goto failed;
    s->x = memory;
    if ((status = dam_alloc(&memory, (uint64_t)(s->patterns->disorder * s->n_T), sizeof *s->q12_sum,
                            "overlaps of replicas", remedy, e)))
        goto failed;
    s->q12_sum = memory;
    if (s->tiers >> DAM_TIER_ACTIVE & 1 && s->patterns->M >= DAM_ACTIVE_LEAST_PATTERNS &&
        chains * sizeof *s->lists <= (double)DAM_LIST_BYTES) {
        if ((status = dam_alloc(&memory, (uint64_t)chains, sizeof *s->lists, "lists", remedy, e)))
            goto failed;
        s->lists = memory;
    }
    for (int64_t c = 0; c < dam_sampler_chains(s); c++)
        s->chain[c].decisions = DECISIONS_SEED;
    set_temperatures(s);
    s->backend = o->device.backend ? o->device.backend : &dam_backend_cpu;
    if ((status = s->backend->open(s, o->device.number, e)))
        goto failed;
    *out = s;
    return DAM_OK;
failed:
    dam_sampler_free(s);
    return status;
}

/* The states of all chains by the rule of the start. */
static dam_status make_starts(dam_sampler *s, const dam_start *start, dam_error *e)
{
    const int N = s->patterns->N;
    int64_t failed = dam_sampler_chains(s);
    dam_status status = DAM_OK;

#pragma omp parallel for schedule(dynamic, 16) if (dam_sampler_chains(s) * N > PARALLEL_NUMBERS)
    for (int64_t c = 0; c < dam_sampler_chains(s); c++) {
        dam_error mine = {DAM_OK, ""};
        void *scratch = NULL;
        dam_start_chain chain = {
            .seed = s->seed,
            .T = s->T[c / s->replicas % s->n_T],
            .disorder_index = c / chains_per_disorder(s),
            .replica = (uint64_t)(s->first_replica + c % s->replicas),
        };
        if (dam_interrupted())
            continue; /* evaluating them will say so */
        mine.status = dam_alloc(&scratch, (uint64_t)DAM_START_SCRATCH(N), sizeof(double),
                                "room for a start", "lower N", &mine);
        if (mine.status == DAM_OK)
            mine.status = dam_start_state(start, &s->hamiltonian, s->patterns, s->kernels, chain,
                                          scratch, s->x + c * N, &mine);
        dam_free(scratch);
        if (mine.status) {
#pragma omp critical(dam_sampler_error)
            if (c < failed) {
                failed = c; /* the first one is to be named, whichever thread meets it */
                status = mine.status;
                *e = mine;
            }
        }
    }
    return status;
}

/* Writes "(T = 0.3, disorder 2, replica 1)". */
static void name_chain(const dam_sampler *s, int64_t c, char text[96])
{
    snprintf(text, 96, "(T = %g, disorder %lld, replica %lld)", s->T[c / s->replicas % s->n_T],
             (long long)dam_patterns_number(s->patterns, c / chains_per_disorder(s)),
             (long long)(s->first_replica + c % s->replicas));
}

/* Evaluates all states; one outside of every support is an error. */
static dam_status evaluate(dam_sampler *s, dam_error *e)
{
    char chain[96];
    dam_status status = dam_drive(s, NULL, e);

    for (int64_t c = 0; c < dam_sampler_chains(s) && status == DAM_OK; c++)
        if (!isfinite(s->chain[c].L)) {
            name_chain(s, c, chain);
            status = dam_fail(
                e, DAM_ERR_DOMAIN,
                "the initial state of chain %s is out of every pattern's support, where H is "
                "infinite: its alignment with the target is %.6g, the support begins at 1 - 1/b = "
                "%.6g; start closer (init = \"support\", \"cold\" or { phi = ... })",
                chain, s->chain[c].phi, 1 - 1 / s->reference.b);
        }
    return status;
}

/* Takes states [T][disorder][replica][N] as they are; they must lie on the sphere. */
static dam_status take_states(dam_sampler *s, const double *states, dam_error *e)
{
    const int N = s->patterns->N;
    char chain[96];

    for (int64_t t = 0; t < s->n_T; t++)
        for (int64_t d = 0; d < s->patterns->disorder; d++)
            for (int64_t r = 0; r < s->replicas; r++, states += N) {
                const int64_t c = dam_sampler_index(s, t, d, r);
                double squared = 0;
                for (int k = 0; k < N; k++) {
                    s->x[c * N + k] = (float)states[k];
                    squared += states[k] * states[k];
                }
                if (!(fabs(squared / N - 1) <= 1e-5)) {
                    name_chain(s, c, chain);
                    return dam_fail(e, DAM_ERR_ARGUMENT,
                                    "the state of chain %s is off the sphere: x.x/N = %.9g "
                                    "instead of 1",
                                    chain, squared / N);
                }
            }
    return DAM_OK;
}

dam_status dam_sampler_create(dam_sampler **out, const dam_sampler_options *o, dam_error *e)
{
    dam_sampler *s = NULL;
    dam_status status = dam_sampler_allocate(&s, o, e);

    *out = NULL;
    if (status)
        return status;
    if (o->start.kind == DAM_START_STATES)
        status = take_states(s, o->start.states, e);
    else
        status = make_starts(s, &o->start, e);
    if (status == DAM_OK)
        status = evaluate(s, e);
    if (status)
        dam_sampler_free(s);
    else
        *out = s;
    return status;
}

void dam_sampler_free(dam_sampler *s)
{
    if (!s)
        return;
    if (s->backend)
        s->backend->close(s);
    for (int64_t c = 0; s->lists && c < dam_sampler_chains(s); c++)
        dam_active_free(s->lists + c);
    dam_free(s->lists);
    dam_record_free(s->record);
    dam_patterns_release(s->patterns);
    dam_free(s->T);
    dam_free(s->chain);
    dam_free(s->x);
    dam_free(s->q12_sum);
    dam_free(s);
}

/* Goes on with the activity in progress, to its end or to an interruption. */
static dam_status proceed(dam_sampler *s, dam_error *e)
{
    const dam_stretch to = dam_drive_goal(s);
    dam_status status = dam_drive(s, &to, e);

    if (status == DAM_OK) {
        s->steps += s->ask;
        s->activity = DAM_IDLE;
    }
    return status;
}

/* DAM_ERR_STATE while an activity waits to be finished. */
static dam_status nothing_waits(const dam_sampler *s, dam_error *e)
{
    if (s->activity == DAM_IDLE)
        return DAM_OK;
    return dam_fail(e, DAM_ERR_STATE,
                    "an interrupted %s of %llu steps waits: complete it by s:finish() first",
                    s->activity == DAM_SAMPLING ? "sample" : "run", (unsigned long long)s->ask);
}

dam_status dam_sampler_begin_run(dam_sampler *s, int64_t steps, dam_error *e)
{
    if (nothing_waits(s, e))
        return e->status;
    s->activity = DAM_RUNNING;
    s->ask = (uint64_t)steps;
    return DAM_OK;
}

dam_status dam_sampler_run(dam_sampler *s, int64_t steps, dam_error *e)
{
    if (dam_sampler_begin_run(s, steps, e))
        return e->status;
    return proceed(s, e);
}

double dam_sampler_mean_steps(const dam_sampler *s)
{
    const int64_t chains = dam_sampler_chains(s);
    double steps = 0;

    for (int64_t c = 0; c < chains; c++)
        steps += (double)s->chain[c].steps;
    return steps / (double)chains;
}

/* Energy density of a state: this times its L. */
static double per_neuron(const dam_sampler *s)
{
    const int N = s->patterns->N;
    return -1 / (dam_hamiltonian_beta_net(&s->hamiltonian, N) * N);
}

dam_record_sample dam_sampler_record_sample(const dam_sampler *s, int64_t steps)
{
    return (dam_record_sample){.patterns = s->patterns,
                               .n_T = s->n_T,
                               .replicas = s->replicas,
                               .begin = s->steps,
                               .steps = steps,
                               .per_neuron = per_neuron(s)};
}

dam_status dam_sampler_begin_sample(dam_sampler *s, int64_t steps, const dam_record_options *record,
                                    dam_error *e)
{
    const dam_record_sample sample = dam_sampler_record_sample(s, steps);
    dam_record *made = NULL;

    if (nothing_waits(s, e) || (record && dam_record_create(&made, record, &sample, s->kernels, e)))
        return e->status;
    dam_record_free(s->record);
    s->record = made;
    for (int64_t c = 0; c < dam_sampler_chains(s); c++) {
        dam_chain *chain = s->chain + c;
        chain->accepted = 0;
        chain->phi_sum = chain->phi2_sum = chain->L_sum = chain->L2_sum = 0;
        memset(chain->patterns, 0, sizeof chain->patterns);
        memset(chain->tried, 0, sizeof chain->tried);
        memset(chain->unsure, 0, sizeof chain->unsure);
        chain->rebuilds = chain->listed = 0;
        chain->measured = false;
    }
    memset(s->q12_sum, 0, (size_t)(s->patterns->disorder * s->n_T) * sizeof *s->q12_sum);
    s->activity = DAM_SAMPLING;
    s->ask = (uint64_t)steps;
    return DAM_OK;
}

dam_status dam_sampler_sample(dam_sampler *s, int64_t steps, dam_error *e)
{
    if (dam_sampler_begin_sample(s, steps, NULL, e))
        return e->status;
    return proceed(s, e);
}

dam_status dam_sampler_next_block(dam_sampler *s, bool *there, dam_error *e)
{
    dam_record *r = s->record;
    dam_status status;
    dam_stretch to = {0, true, false};

    *there = s->activity == DAM_SAMPLING && r && r->observed < r->blocks;
    if (!*there)
        return DAM_OK;
    to.end = s->steps + (uint64_t)((r->observed + 1) * r->options.every);
    status = dam_drive(s, &to, e);
    if (status == DAM_OK)
        r->observed++;
    return status;
}

void dam_sampler_drop_record(dam_sampler *s)
{
    dam_record_free(s->record);
    s->record = NULL;
}

void dam_sampler_keep_patterns(dam_sampler *s, bool keep)
{
    s->keep_patterns = keep;
    dam_drive_stop(s);
}

dam_status dam_sampler_finish(dam_sampler *s, dam_activity *was, dam_error *e)
{
    *was = s->activity;
    return s->activity == DAM_IDLE ? DAM_OK : proceed(s, e);
}

dam_work dam_sampler_work(const dam_sampler *s, int64_t t)
{
    const double chains = (double)s->patterns->disorder * (double)s->replicas;
    double tried[DAM_TIERS] = {0}, listed = 0;
    dam_work work;

    memset(&work, 0, sizeof work);
    for (int64_t d = 0; d < s->patterns->disorder; d++)
        for (int64_t r = 0; r < s->replicas; r++) {
            const dam_chain *c = s->chain + dam_sampler_index(s, t, d, r);
            for (int tier = 0; tier < DAM_TIERS; tier++) {
                work.patterns[tier] += (double)c->patterns[tier] / ((double)s->ask * chains);
                work.unsure[tier] += (double)c->unsure[tier];
                tried[tier] += (double)c->tried[tier];
            }
            work.rebuilds += (double)c->rebuilds / chains;
            listed += (double)c->listed;
        }
    for (int tier = 0; tier < DAM_TIERS; tier++)
        work.unsure[tier] = tried[tier] > 0 ? work.unsure[tier] / tried[tier] : 0;
    work.list_size = tried[DAM_TIER_ACTIVE] > 0 ? listed / tried[DAM_TIER_ACTIVE] : 0;
    return work;
}

void dam_sampler_read(const dam_sampler *s, dam_quantity q, double *out)
{
    const double n = (double)s->ask, factor = per_neuron(s);

    for (int64_t t = 0; t < s->n_T; t++)
        for (int64_t d = 0; d < s->patterns->disorder; d++) {
            if (q == DAM_Q_Q12) {
                *out++ = s->q12_sum[d * s->n_T + t] / n;
                continue;
            }
            for (int64_t r = 0; r < s->replicas; r++) {
                const dam_chain *c = s->chain + dam_sampler_index(s, t, d, r);
                *out++ = q == DAM_Q_PHI              ? c->phi_sum / n
                         : q == DAM_Q_PHI2           ? c->phi2_sum / n
                         : q == DAM_Q_ENERGY_DENSITY ? c->L_sum / n * factor
                         : q == DAM_Q_ENERGY2        ? c->L2_sum / n * factor * factor
                         : q == DAM_Q_ACCEPTANCE     ? (double)c->accepted / n
                                                     : c->phi_max_other;
            }
        }
}

dam_status dam_sampler_now(const dam_sampler *s, dam_recorded q, double *out, dam_error *e)
{
    const double factor = per_neuron(s);
    const int N = s->patterns->N;
    void *scratch = NULL;

    if (dam_alloc(&scratch, (uint64_t)N, sizeof(double), "room for an overlap", "lower N", e))
        return e->status;
    for (int64_t t = 0; t < s->n_T; t++)
        for (int64_t d = 0; d < s->patterns->disorder; d++) {
            const int64_t first = dam_sampler_index(s, t, d, 0);
            if (q == DAM_RECORD_Q12) {
                *out++ = dam_mean_q12(s->kernels, N, s->replicas, s->x + first * N, scratch);
                continue;
            }
            for (int64_t c = first; c < first + s->replicas; c++)
                *out++ = q == DAM_RECORD_PHI ? s->chain[c].phi : s->chain[c].L * factor;
        }
    dam_free(scratch);
    return DAM_OK;
}

uint64_t dam_sampler_chain_digest(const dam_sampler *s, int64_t chain)
{
    const int N = s->patterns->N;
    uint64_t h = s->chain[chain].decisions;

    for (int k = 0; k < N; k++)
        h = dam_absorb(h, dam_bits32(s->x[chain * N + k]));
    return h;
}

/* What makes a chain another chain, its Hamiltonian and proposal width included. */
static uint64_t identity(const dam_sampler *s, int64_t t, int64_t d, int64_t r)
{
    const uint64_t parts[] = {
        s->seed,
        (uint64_t)s->patterns->N,
        (uint64_t)s->patterns->M,
        dam_bits64(s->T[t]),
        (uint64_t)dam_patterns_number(s->patterns, d),
        (uint64_t)(s->first_replica + r),
        (uint64_t)s->hamiltonian.kernel,
        dam_bits64(s->hamiltonian.kernel == DAM_LSE ? s->hamiltonian.beta_net : s->reference.b),
        dam_bits64(s->hamiltonian.epsilon),
        (uint64_t)s->hamiltonian.k,
        dam_bits64(s->step),
    };
    uint64_t h = 0;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        h = dam_absorb(h, parts[i]);
    return h;
}

uint64_t dam_sampler_digest(const dam_sampler *s)
{
    uint64_t sum = 0;

    for (int64_t d = 0; d < s->patterns->disorder; d++)
        for (int64_t t = 0; t < s->n_T; t++)
            for (int64_t r = 0; r < s->replicas; r++) {
                uint64_t own = dam_sampler_chain_digest(s, dam_sampler_index(s, t, d, r));
                sum += dam_absorb(identity(s, t, d, r), own);
            }
    return sum;
}

void dam_sampler_state(const dam_sampler *s, double *out)
{
    const int N = s->patterns->N;

    for (int64_t t = 0; t < s->n_T; t++)
        for (int64_t d = 0; d < s->patterns->disorder; d++)
            for (int64_t r = 0; r < s->replicas; r++) {
                const float *x = s->x + dam_sampler_index(s, t, d, r) * N;
                for (int k = 0; k < N; k++)
                    *out++ = x[k];
            }
}

/* Refuses changes while an activity waits to be finished. */
static dam_status idle(const dam_sampler *s, const char *what, dam_error *e)
{
    if (s->activity == DAM_IDLE)
        return DAM_OK;
    return dam_fail(e, DAM_ERR_STATE, "%s while an interrupted %s waits: call s:finish() first",
                    what, s->activity == DAM_SAMPLING ? "sample" : "run");
}

dam_status dam_sampler_set_state(dam_sampler *s, const double *states, dam_error *e)
{
    const int64_t chains = dam_sampler_chains(s);
    const size_t x_bytes = (size_t)chains * (size_t)s->patterns->N * sizeof *s->x;
    void *memory = NULL;
    const size_t chain_bytes = (size_t)chains * sizeof *s->chain;
    float *old_x;
    dam_status status = idle(s, "set_state", e);

    if (status || (status = dam_alloc(&memory, 1, x_bytes + chain_bytes, "a copy of the states",
                                      "free other objects", e)))
        return status;
    memcpy(memory, s->chain, chain_bytes);
    old_x = (void *)((char *)memory + chain_bytes);
    memcpy(old_x, s->x, x_bytes);
    status = take_states(s, states, e);
    if (status == DAM_OK)
        status = evaluate(s, e);
    if (status) {
        memcpy(s->x, old_x, x_bytes);
        memcpy(s->chain, memory, chain_bytes);
    }
    dam_free(memory);
    return status;
}

dam_status dam_sampler_set_T(dam_sampler *s, const double *T, dam_error *e)
{
    dam_status status = idle(s, "set_T", e);

    if (status)
        return status;
    memcpy(s->T, T, (size_t)s->n_T * sizeof *T);
    set_temperatures(s);
    return DAM_OK;
}
