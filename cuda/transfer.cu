#include "room.h"

#include <math.h>
#include <string.h>

extern "C" {
#include "panels.h"
}

namespace DAM_CUDA_NAMESPACE
{

/* ---- patterns ---- */

/* A user's patterns in panels, one disorder after the other, in the order of the copies. */
static dam_status send_data(dam_sampler *s, dam_wave wave, pattern_buffer *b, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t sets = shares_patterns(s) ? 1 : wave.count;
    dam_panels panels = {NULL, 0, 0, 0};
    dam_status status = DAM_OK;

    for (int64_t i = 0; i < sets && status == DAM_OK; i++) {
        float *to = (float *)b->memory.at + i * panels_size(s);
        status = dam_panels_make(&panels, s->patterns, s->kernels, wave.first + i, 1, e);
        if (status == DAM_OK &&
            (FAILS(r,
                   cudaMemcpyAsync(to, panels.data, dam_patterns_bytes(s->patterns),
                                   cudaMemcpyHostToDevice, r->making),
                   e) ||
             FAILS(r, cudaStreamSynchronize(r->making), e)))
            status = e->status;
    }
    dam_panels_drop(&panels);
    return status;
}

/* The bytes of the patterns that are in the buffer. */
static dam_status begin_bytes(dam_sampler *s, dam_wave wave, pattern_buffer *b, dam_error *e)
{
    const int64_t sets = shares_patterns(s) ? 1 : wave.count;
    const pattern_parts to = parts_of(s, b->memory.at, (uint64_t)sets);
    room *r = (room *)s->room;

    return CHECKED(r->number,
                   DAM_LAUNCHED(dam_launch_bytes(to.panels, s->patterns->N, s->patterns->M, sets,
                                                 to.of, to.words, r->making)),
                   "dam_launch_bytes", e);
}

/* Puts the making of a wave's patterns into the stream for it. */
static dam_status begin_patterns(dam_sampler *s, dam_wave wave, pattern_buffer *b, dam_error *e)
{
    const dam_patterns *p = s->patterns;
    room *r = (room *)s->room;

    b->wave.count = 0;
    if (p->data) {
        if (send_data(s, wave, b, e))
            return e->status;
    } else if (FAILS(r,
                     DAM_LAUNCHED(
                         dam_launch_patterns((float *)b->memory.at, p->seed, p->N, p->M, wave.count,
                                             dam_patterns_number(p, wave.first), r->making)),
                     e)) {
        return e->status;
    }
    if ((r->coarse && begin_bytes(s, wave, b, e)) ||
        FAILS(r, cudaEventRecord(b->made, r->making), e))
        return e->status;
    b->wave = wave;
    return DAM_OK;
}

static bool same(dam_wave a, dam_wave b)
{
    return a.first == b.first && a.count == b.count;
}

/* The buffer with the wave's patterns, or NULL. */
static pattern_buffer *find_patterns(const dam_sampler *s, room *r, dam_wave wave)
{
    for (int i = 0; i < r->buffers; i++)
        if (same(r->patterns[i].wave, wave) ||
            (shares_patterns(s) && r->patterns[i].wave.count > 0))
            return r->patterns + i;
    return NULL;
}

dam_status make_patterns(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t after = wave.first + wave.count, left = s->patterns->disorder - after;
    const dam_wave next = {after, left < r->capacity ? left : r->capacity};
    pattern_buffer *b, *other;
    pattern_parts parts;

    if (enter(r->number, e))
        return e->status;
    b = find_patterns(s, r, wave);
    if (!b) {
        b = r->patterns;
        if (begin_patterns(s, wave, b, e))
            return e->status;
    }
    r->made = b->made;
    r->wave = describe(s, wave.count);
    parts = parts_of(s, b->memory.at, shares_patterns(s) ? 1 : (uint64_t)wave.count);
    r->wave.panels = parts.panels;
    r->wave.coarse_of = parts.of;
    r->wave.coarse_bytes = parts.words;
    other = b == r->patterns ? r->patterns + 1 : r->patterns;
    if (r->buffers == 2 && left > 0 && !s->patterns->data && !same(other->wave, next) &&
        begin_patterns(s, next, other, e))
        return e->status;
    return DAM_OK;
}

/* ---- chains ---- */

static dam_device_chain to_device(const dam_chain *c)
{
    dam_device_chain d;

    memset(&d, 0, sizeof d);
    d.proposals = c->proposals;
    d.acceptance = c->acceptance;
    d.sigma = c->sigma;
    d.theta = c->theta;
    d.L = c->L;
    d.phi = c->phi;
    d.decisions = c->decisions;
    d.steps = c->steps;
    d.accepted = c->accepted;
    d.phi_sum = c->phi_sum;
    d.phi2_sum = c->phi2_sum;
    d.L_sum = c->L_sum;
    d.L2_sum = c->L2_sum;
    d.phi_max_other = c->phi_max_other;
    d.tried = c->tried[DAM_TIER_SINGLE];
    d.unsure = c->unsure[DAM_TIER_SINGLE];
    d.patterns = c->patterns[DAM_TIER_SINGLE] + c->patterns[DAM_TIER_REFERENCE];
    d.coarse_patterns = c->patterns[DAM_TIER_COARSE];
    d.coarse_tried = c->tried[DAM_TIER_COARSE];
    d.coarse_unsure = c->unsure[DAM_TIER_COARSE];
    d.list_patterns = c->patterns[DAM_TIER_ACTIVE];
    d.list_tried = c->tried[DAM_TIER_ACTIVE];
    d.list_unsure = c->unsure[DAM_TIER_ACTIVE];
    d.rebuilds = c->rebuilds;
    d.listed = c->listed;
    d.now = dam_unknown();
    if (c->exact)
        d.now.low = d.now.high = c->L;
    else if (c->known_at == c->steps)
        d.now = c->now;
    return d;
}

static void from_device(const dam_device_chain *d, uint64_t M, dam_chain *c)
{
    c->L = d->L;
    c->phi = d->phi;
    c->exact = d->now.low == d->now.high;
    c->decisions = d->decisions;
    c->steps = d->steps;
    c->accepted = d->accepted;
    c->phi_sum = d->phi_sum;
    c->phi2_sum = d->phi2_sum;
    c->L_sum = d->L_sum;
    c->L2_sum = d->L2_sum;
    c->phi_max_other = d->phi_max_other;
    c->now = d->now;
    c->known_at = d->now.high < HUGE_VAL ? c->steps : UINT64_MAX;
    c->patterns[DAM_TIER_SINGLE] += (d->tried - c->tried[DAM_TIER_SINGLE]) * M;
    c->patterns[DAM_TIER_REFERENCE] = d->patterns - c->patterns[DAM_TIER_SINGLE];
    c->tried[DAM_TIER_SINGLE] = d->tried;
    c->unsure[DAM_TIER_SINGLE] = d->unsure;
    c->patterns[DAM_TIER_COARSE] = d->coarse_patterns;
    c->tried[DAM_TIER_COARSE] = d->coarse_tried;
    c->unsure[DAM_TIER_COARSE] = d->coarse_unsure;
    c->patterns[DAM_TIER_ACTIVE] = d->list_patterns;
    c->tried[DAM_TIER_ACTIVE] = d->list_tried;
    c->unsure[DAM_TIER_ACTIVE] = d->list_unsure;
    c->rebuilds = d->rebuilds;
    c->listed = d->listed;
}

/* The parts of the staging memory, for the wave on the device. */
typedef struct {
    dam_device_chain *chain; /* [disorders][chains] */
    float *x;                /* [disorders][chains][N] */
    double *q12_sum;         /* [disorders][n_T] */
    double *phi, *L, *q12;   /* the log's rows */
} staged;

static dam_status stage_wave(dam_sampler *s, int64_t rows, staged *out, dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t groups = (uint64_t)(r->wave.disorders * s->n_T);
    const uint64_t chains = groups * (uint64_t)s->replicas;
    const uint64_t sizes[] = {chains * sizeof(dam_device_chain),
                              chains * (uint64_t)s->patterns->N * sizeof(float),
                              groups * sizeof(double),
                              (uint64_t)rows * chains * sizeof(double),
                              (uint64_t)rows * chains * sizeof(double),
                              (uint64_t)rows * groups * sizeof(double)};
    void **const parts[] = {(void **)&out->chain, (void **)&out->x, (void **)&out->q12_sum,
                            (void **)&out->phi,   (void **)&out->L, (void **)&out->q12};
    uint64_t bytes = 0;

    for (int i = 0; i < 6; i++)
        bytes += (sizes[i] + 63) / 64 * 64;
    if (stage(r, bytes, e))
        return e->status;
    bytes = 0;
    for (int i = 0; i < 6; i++) {
        *parts[i] = (char *)r->staging + bytes;
        bytes += (sizes[i] + 63) / 64 * 64;
    }
    return DAM_OK;
}

dam_status send(room *r, void *to, const void *from, uint64_t bytes, dam_error *e)
{
    return CHECKED(r->number, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, r->stream),
                   "cudaMemcpyAsync to the device", e);
}

static dam_status fetch(room *r, void *to, const void *from, uint64_t bytes, dam_error *e)
{
    return CHECKED(r->number, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, r->stream),
                   "cudaMemcpyAsync to the host", e);
}

dam_status upload(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t chains = wave.count * chains_of(s), first = wave.first * chains_of(s);
    const int64_t groups = wave.count * s->n_T;
    const float *x = s->x + first * s->patterns->N;
    int64_t *target;
    staged host;

    (void)dam_wave_layout(&r->wave, r->work.at);
    if (r->lists.at)
        (void)dam_wave_layout_lists(&r->wave, r->lists.at);
    else
        r->wave.list_room = 0;
    r->wave.target = (const int64_t *)r->targets.at;
    r->wave.end = (uint64_t *)r->ends.at;
    r->wave.single = tiers_of(s) >> DAM_TIER_SINGLE & 1 ? dam_wave_single(&r->wave) : 0;
    if (!same(r->lists_of, wave) &&
        FAILS(r, DAM_LAUNCHED(dam_launch_forget(&r->wave, r->stream)), e))
        return e->status;
    r->lists_of.count = 0; /* until what they are used for has arrived */
    if (stage_wave(s, 0, &host, e))
        return e->status;
    for (int64_t c = 0; c < chains; c++)
        host.chain[c] = to_device(s->chain + first + c);
    target = (int64_t *)(void *)host.x; /* states go directly */
    for (int64_t d = 0; d < wave.count; d++)
        target[d] = dam_patterns_target(s->patterns, wave.first + d);
    if (send(r, r->wave.chain, host.chain, (uint64_t)chains * sizeof *host.chain, e) ||
        send(r, r->targets.at, target, (uint64_t)wave.count * sizeof *target, e) ||
        send(r, r->wave.x, x, (uint64_t)(chains * s->patterns->N) * sizeof *x, e) ||
        send(r, r->wave.q12_sum, s->q12_sum + wave.first * s->n_T,
             (uint64_t)groups * sizeof *s->q12_sum, e))
        return e->status;
    if (FAILS(r, cudaStreamSynchronize(r->stream), e)) /* the staging memory is used again */
        return e->status;
    r->fresh = true;
    r->logged = r->ended = r->timed = false;
    return DAM_OK;
}

/* ---- results ---- */

/* The steps of the log, in order, into the record: those that the host's chains have not done. */
static void replay(dam_sampler *s, dam_wave wave, const staged *host)
{
    const room *r = (const room *)s->room;
    const int64_t groups = wave.count * s->n_T, N = s->patterns->N;

#pragma omp parallel for schedule(static) if (groups > 1)
    for (int64_t g = 0; g < groups; g++) {
        const int64_t d = g / s->n_T, t = g % s->n_T;
        const int64_t place = t * s->record->disorder + wave.first + d;
        const dam_chain *before = s->chain + wave.first * chains_of(s) + g * s->replicas;
        const dam_device_chain *after = host->chain + g * s->replicas;
        for (uint64_t step = before->steps; step < after->steps; step++) {
            const dam_moment m = dam_record_moment(s->record, step);
            const int64_t row = (int64_t)(step - r->row);
            for (int64_t a = 0; a < s->replicas; a++) {
                const int64_t c = g * s->replicas + a, i = row * groups * s->replicas + c;
                dam_record_chain(s->record, m, place * s->replicas + a, host->phi[i], host->L[i],
                                 host->x + c * N);
            }
            if (s->replicas > 1)
                dam_record_q12(s->record, m, place, host->q12[row * groups + g]);
        }
    }
}

dam_status download(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t chains = wave.count * chains_of(s), first = wave.first * chains_of(s);
    const int64_t groups = wave.count * s->n_T, rows = r->logged ? r->piece : 0;
    const uint64_t x_bytes = (uint64_t)(chains * s->patterns->N) * sizeof *s->x;
    const uint64_t row = (uint64_t)rows * sizeof(double);
    const double *phi = (const double *)r->rows.at, *L = phi + r->log_rows * chains;
    staged host;

    if (stage_wave(s, rows, &host, e) ||
        fetch(r, host.chain, r->wave.chain, (uint64_t)chains * sizeof *host.chain, e) ||
        fetch(r, host.x, r->wave.x, x_bytes, e) ||
        fetch(r, host.q12_sum, r->wave.q12_sum, (uint64_t)groups * sizeof *host.q12_sum, e))
        return e->status;
    if (rows > 0 && (fetch(r, host.phi, phi, row * (uint64_t)chains, e) ||
                     fetch(r, host.L, L, row * (uint64_t)chains, e) ||
                     fetch(r, host.q12, L + r->log_rows * chains, row * (uint64_t)groups, e)))
        return e->status;
    if (FAILS(r, cudaStreamSynchronize(r->stream), e))
        return e->status;
    if (rows > 0)
        replay(s, wave, &host);
    for (int64_t c = 0; c < chains; c++) {
        from_device(host.chain + c, (uint64_t)s->patterns->M, s->chain + first + c);
        s->chain[first + c].measured |= r->ended && r->to.last;
    }
    memcpy(s->x + first * s->patterns->N, host.x, x_bytes);
    memcpy(s->q12_sum + wave.first * s->n_T, host.q12_sum, (size_t)groups * sizeof *host.q12_sum);
    r->lists_of = wave;
    return DAM_OK;
}

} // namespace DAM_CUDA_NAMESPACE
