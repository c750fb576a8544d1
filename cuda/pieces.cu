#include "room.h"

#include <math.h>
#include <string.h>

extern "C" {
#include "active_set.h"
#include "interrupt.h"
}

/* What a piece may take. */
#define PIECE_SECONDS 0.08

/* Steps of a graph, which is replayed as often as needed. */
#define GRAPH_STEPS 16

namespace DAM_CUDA_NAMESPACE
{

/*
 * To be called before the first launch that reads patterns, and after the last upload: an upload
 * keeps the host waiting for all that is in the stream, and the host has other samplers to serve.
 */
static dam_status await_patterns(room *r, dam_error *e)
{
    return CHECKED(r->number, cudaStreamWaitEvent(r->stream, r->made, 0), "cudaStreamWaitEvent", e);
}

dam_status energies(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;

    (void)wave;
    if (enter(r->number, e) || await_patterns(r, e))
        return e->status;
    return CHECKED(r->number, DAM_LAUNCHED(dam_launch_evaluate(&r->wave, 0, r->stream)),
                   "dam_launch_evaluate", e);
}

/* The steps that the wave's chains have done: of those behind `end`, the fewest. */
static uint64_t least_steps(const dam_sampler *s, dam_wave wave, uint64_t end)
{
    const int64_t chains = chains_of(s);
    uint64_t least = end;

    for (int64_t c = wave.first * chains; c < (wave.first + wave.count) * chains; c++)
        if (s->chain[c].steps < least)
            least = s->chain[c].steps;
    return least;
}

/* Where the piece that begins at step `begin` ends. */
static uint64_t piece_end(const dam_sampler *s, const room *r, uint64_t begin, uint64_t end)
{
    const dam_record *record = r->logged ? s->record : NULL;
    uint64_t steps = r->seconds > 0 ? (uint64_t)(PIECE_SECONDS / r->seconds) : GRAPH_STEPS;

    if (steps < 1)
        steps = 1;
    if (steps > PIECE_STEPS)
        steps = PIECE_STEPS;
    if (record && steps > (uint64_t)r->log_rows)
        steps = (uint64_t)r->log_rows;
    if (record && record->options.tracks > 0) {
        /* a block's last state must be seen by the host */
        const uint64_t every = (uint64_t)record->options.every;
        const uint64_t left = every - (begin - record->sample.begin) % every;
        if (steps > left)
            steps = left;
    }
    return end - begin < steps ? end : begin + steps;
}

#ifndef DAM_CUDA_ON_CPU
/* The graph of GRAPH_STEPS steps of the wave on the device. */
static dam_status make_graph(room *r, dam_error *e)
{
    cudaGraph_t graph = NULL;
    cudaError_t code = cudaSuccess, ended;

    if (r->graph && memcmp(&r->graph_wave, &r->wave, sizeof r->wave) == 0)
        return DAM_OK;
    drop_graph(r);
    if (FAILS(r, cudaStreamBeginCapture(r->stream, cudaStreamCaptureModeThreadLocal), e))
        return e->status;
    for (int i = 0; i < GRAPH_STEPS && code == cudaSuccess; i++)
        code = dam_launch_step(&r->wave, r->stream);
    ended = cudaStreamEndCapture(r->stream, &graph);
    if (code == cudaSuccess)
        code = ended;
    if (code == cudaSuccess)
        code = cudaGraphInstantiate(&r->graph, graph, 0);
    if (graph)
        (void)cudaGraphDestroy(graph);
    if (code != cudaSuccess) {
        r->graph = NULL;
        return CHECKED(r->number, code, "the graph of steps", e);
    }
    memcpy(&r->graph_wave, &r->wave, sizeof r->wave); /* its padding, too */
    return DAM_OK;
}
#endif

/* Puts `steps` steps into the stream, fewer when interrupted; chains stop where they are to. */
static dam_status launch_steps(room *r, uint64_t steps, dam_error *e)
{
    uint64_t done = 0;

    if (r->wave.resident.slots > 0) {
        if (steps == 0 || dam_interrupted())
            return DAM_OK;
        return CHECKED(r->number,
                       DAM_LAUNCHED(dam_launch_resident(&r->wave, (int32_t)steps, r->stream)),
                       "dam_launch_resident", e);
    }
#ifndef DAM_CUDA_ON_CPU
    if (steps >= GRAPH_STEPS) {
        if (make_graph(r, e))
            return e->status;
        for (; done + GRAPH_STEPS <= steps && !dam_interrupted(); done += GRAPH_STEPS)
            if (FAILS(r, cudaGraphLaunch(r->graph, r->stream), e))
                return e->status;
    }
#endif
    for (; done < steps && !dam_interrupted(); done++)
        if (FAILS(r, DAM_LAUNCHED(dam_launch_step(&r->wave, r->stream)), e))
            return e->status;
    return DAM_OK;
}

/* What the device has to know of the piece from step `begin` to `end`. */
static dam_status send_piece(dam_sampler *s, uint64_t begin, uint64_t end, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t groups = r->wave.disorders * s->n_T;
    const int64_t rows = r->log_rows;
    dam_device_log log;

    memset(&log, 0, sizeof log);
    log.first = r->row = begin;
    if (r->logged) {
        log.phi = (double *)r->rows.at;
        log.L = log.phi + rows * groups * s->replicas;
        log.q12 = log.L + rows * groups * s->replicas;
    }
    if ((r->logged && send(r, r->log.at, &log, sizeof log, e)) ||
        send(r, r->ends.at, &end, sizeof end, e))
        return e->status;
    return CHECKED(r->number, cudaStreamSynchronize(r->stream), "cudaStreamSynchronize",
                   e); /* what was sent is on the stack */
}

/* Whether lists are there, or may pay, for a stretch of `steps` steps. */
static bool lists_pay(const dam_sampler *s, const room *r, uint64_t steps)
{
    const bool kept = r->capacity == s->patterns->disorder && keeps(s) &&
                      (s->keep_patterns || r->lists.bytes <= KEEP_BYTES);

    return r->wave.list_room > 0 && (kept || steps >= DAM_ACTIVE_LEAST_STEPS);
}

/* How the stretch whose first step is `begin` is to be taken. */
static void plan_stretch(dam_sampler *s, const dam_stretch *to, uint64_t begin)
{
    room *r = (room *)s->room;

    r->to = *to;
    r->logged = to->measure && s->record;
    r->wave.measure = to->measure;
    r->wave.lists = lists_pay(s, r, to->end - begin);
    r->wave.log = r->logged ? (dam_device_log *)r->log.at : NULL;
}

/* What is needed once, before the first step of a stretch. */
static dam_status begin_stretch(room *r, dam_error *e)
{
    if (await_patterns(r, e) ||
        FAILS(r, DAM_LAUNCHED(dam_launch_evaluate(&r->wave, 1, r->stream)), e))
        return e->status;
    if (r->to.measure && FAILS(r, DAM_LAUNCHED(dam_launch_q12(&r->wave, r->stream)), e))
        return e->status;
    r->fresh = false;
    return DAM_OK;
}

/* What is needed once, after the last one: exact energies, and at a sample's end phi_max_other. */
static dam_status end_stretch(room *r, dam_error *e)
{
    if (FAILS(r, DAM_LAUNCHED(dam_launch_evaluate(&r->wave, 1, r->stream)), e))
        return e->status;
    if (r->to.last && FAILS(r, DAM_LAUNCHED(dam_launch_largest(&r->wave, r->stream)), e))
        return e->status;
    return DAM_OK;
}

dam_status step_many(dam_sampler *s, dam_wave wave, const dam_stretch *to, bool *there,
                     dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t begin = least_steps(s, wave, to->end);
    uint64_t end;

    if (enter(r->number, e))
        return e->status;
    if (r->fresh)
        plan_stretch(s, to, begin);
    end = piece_end(s, r, begin, to->end);
    r->piece = (int64_t)(end - begin);
    if (send_piece(s, begin, end, e) || (r->fresh && begin_stretch(r, e)) ||
        FAILS(r, cudaEventRecord(r->began, r->stream), e) || launch_steps(r, end - begin, e) ||
        FAILS(r, cudaEventRecord(r->done, r->stream), e))
        return e->status;
    *there = r->ended = end == to->end && !dam_interrupted();
    r->timed = end > begin && !dam_interrupted();
    return r->ended ? end_stretch(r, e) : DAM_OK;
}

dam_status sync(dam_sampler *s, dam_error *e)
{
    room *r = (room *)s->room;
    float milliseconds = 0;

    if (enter(r->number, e) || FAILS(r, cudaStreamSynchronize(r->stream), e))
        return e->status;
    if (r->timed) {
        if (FAILS(r, cudaEventElapsedTime(&milliseconds, r->began, r->done), e))
            return e->status;
        r->seconds = fmax(1e-3 * (double)milliseconds, 1e-6) / (double)r->piece;
        r->timed = false;
    }
    return DAM_OK;
}

} // namespace DAM_CUDA_NAMESPACE
