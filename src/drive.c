#include "drive.h"

#include <string.h>
#include <time.h>

#include "interrupt.h"

dam_stretch dam_drive_goal(const dam_sampler *s)
{
    const bool measure = s->activity == DAM_SAMPLING;

    return (dam_stretch){s->steps + s->ask, measure, measure};
}

static bool wave_is_done(const dam_sampler *s, dam_wave wave, const dam_stretch *to)
{
    const int64_t chains = s->n_T * s->replicas;

    for (int64_t c = wave.first * chains; c < (wave.first + wave.count) * chains; c++)
        if (!dam_stretch_done(to, s->chain + c))
            return false;
    return true;
}

static dam_wave wave_in_turn(const dam_sampler *s)
{
    const int64_t left = s->patterns->disorder - s->way.first;

    return (dam_wave){s->way.first, left < s->way.size ? left : s->way.size};
}

/* Goes on to a wave that has something left to do; false when there is none. */
static bool find_wave(dam_sampler *s, const dam_stretch *to)
{
    dam_way *way = &s->way;

    while (!way->aboard && way->first < s->patterns->disorder && to &&
           wave_is_done(s, wave_in_turn(s), to))
        way->first += way->size;
    return way->first < s->patterns->disorder;
}

/* Puts the next piece of work under way; where none is left, nothing is. */
static dam_status take_off(dam_sampler *s, const dam_stretch *to, dam_error *e)
{
    const dam_backend *b = s->backend;
    dam_way *way = &s->way;
    int64_t size = way->size;
    dam_wave wave;

    if (size == 0 && b->alloc(s, &size, e))
        return e->status;
    way->size = size;
    if (!find_wave(s, to))
        return DAM_OK;
    wave = wave_in_turn(s);
    if (!way->aboard && (b->make_patterns(s, wave, e) || b->upload(s, wave, e)))
        return e->status;
    way->aboard = way->there = true;
    if (dam_interrupted())
        return dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
    if (to ? b->step_many(s, wave, to, &way->there, e) : b->energies(s, wave, e))
        return e->status;
    way->flying = true;
    return DAM_OK;
}

/* Waits for the piece that is under way, and takes what it did. */
static dam_status land(dam_sampler *s, dam_error *e)
{
    dam_way *way = &s->way;

    if (s->backend->sync(s, e) || s->backend->download(s, wave_in_turn(s), e))
        return e->status;
    way->flying = false;
    if (way->there) {
        way->aboard = false;
        way->first += way->size;
    }
    return DAM_OK;
}

void dam_drive_stop(dam_sampler *s)
{
    memset(&s->way, 0, sizeof s->way);
    s->backend->free(s);
}

dam_status dam_drive(dam_sampler *s, const dam_stretch *to, dam_error *e)
{
    const dam_wave all = {0, s->patterns->disorder};
    dam_status status;

    memset(&s->way, 0, sizeof s->way); /* what is under way is given up */
    if (to && wave_is_done(s, all, to))
        return DAM_OK;
    status = take_off(s, to, e);
    while (status == DAM_OK && s->way.flying) {
        status = land(s, e);
        if (status == DAM_OK)
            status = take_off(s, to, e);
    }
    dam_drive_stop(s);
    return status;
}

/* Lands a sampler's piece, if one is under way, and puts the next one there; none is left when that
 * was the last. */
static dam_status turn(dam_sampler *s, bool *there, dam_error *e)
{
    const dam_stretch to = dam_drive_goal(s);
    dam_status status = DAM_OK;

    *there = s->activity == DAM_IDLE;
    if (*there)
        return DAM_OK;
    if (s->way.flying)
        status = land(s, e);
    if (status == DAM_OK)
        status = take_off(s, &to, e);
    *there = status == DAM_OK && !s->way.flying;
    if (status || *there)
        dam_drive_stop(s);
    return status;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

dam_status dam_drive_together(dam_sampler *const *s, size_t n, double seconds, size_t *which,
                              dam_error *e)
{
    const double until = now() + seconds;
    bool there = false;

    for (int pass = 0; pass < 2 || now() < until; pass++)
        for (*which = 0; *which < n; ++*which) {
            if (pass == 0 && s[*which]->way.flying)
                continue; /* nobody waits before all have a piece under way */
            if (turn(s[*which], &there, e))
                return e->status;
            if (there)
                return DAM_OK;
        }
    return DAM_OK;
}
