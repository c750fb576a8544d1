#include "descend.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gradient.h"
#include "interrupt.h"
#include "memory.h"
#include "panels.h"

/* Longest step of the gradient rule, in radii of the sphere: it is to follow the valley it starts
 * in. */
#define LONGEST 0.1

/* Part of the decrease promised by the slope that a step must bring (Armijo). */
#define SUFFICIENT 1e-4

/* A step shorter than this moves nothing but the last digits. */
#define SHORTEST 1e-12

/* Where energies cannot tell lower from higher any more, this angle counts as converged. */
#define RESOLVED 1e-6

/* One start on its way down. */
typedef struct {
    const dam_descent_options *o;
    dam_slope slope;
    double *x, *trial, *direction, *tangent; /* [N] */
    double energy;
    double angle;     /* between x and the direction: its sine, 2 - sine beyond a right angle */
    double steepness; /* -dH along the tangent, per radian */
    double stride;    /* gradient rule: last step over angle */
    void *memory;
} descent;

static double dot(int N, const double *x, const double *y)
{
    double sum = 0;

    for (int k = 0; k < N; k++)
        sum += x[k] * y[k];
    return sum;
}

/* y onto the sphere; false when it has no direction. */
static bool project(int N, double *y)
{
    const double squared = dot(N, y, y), factor = sqrt(N / squared);

    if (!(squared > 0 && isfinite(factor)))
        return false;
    for (int k = 0; k < N; k++)
        y[k] *= factor;
    return true;
}

static dam_status descent_make(descent *d, const dam_descent_options *o, dam_error *e)
{
    const int N = o->patterns->N;
    const dam_kernels *kernels;

    memset(d, 0, sizeof *d);
    d->o = o;
    if (dam_kernels_get(&kernels, e) ||
        dam_slope_make(&d->slope, &o->hamiltonian, o->patterns, kernels, e))
        return e->status;
    if (dam_alloc(&d->memory, (uint64_t)(4 * (int64_t)N + DAM_START_SCRATCH(N)), sizeof(double),
                  "room for a descent", "lower N", e)) {
        dam_slope_free(&d->slope);
        return e->status;
    }
    d->x = d->memory;
    d->trial = d->x + N;
    d->direction = d->trial + N;
    d->tangent = d->direction + N;
    return DAM_OK;
}

static void descent_free(descent *d)
{
    dam_slope_free(&d->slope);
    dam_free(d->memory);
}

/* The start of a chain, on the sphere in double precision. */
static dam_status start(descent *d, int64_t set, int64_t index, int64_t replica, dam_error *e)
{
    const dam_descent_options *o = d->o;
    const dam_patterns *p = o->patterns;
    const int N = p->N;
    double *scratch = d->tangent + N;
    float *single = (void *)d->trial;
    const dam_start_chain chain = {.seed = o->seed,
                                   .T = 0.0,
                                   .disorder_index = index,
                                   .replica = (uint64_t)(o->first_replica + replica)};

    if (o->start.kind == DAM_START_STATES) {
        memcpy(d->x, o->start.states + ((set * p->disorder + index) * o->replicas + replica) * N,
               (size_t)N * sizeof *d->x);
    } else {
        if (dam_start_state(&o->start, &o->hamiltonian, p, d->slope.kernels, chain, scratch, single,
                            e))
            return e->status;
        for (int k = 0; k < N; k++)
            d->x[k] = single[k];
    }
    if (!(fabs(dot(N, d->x, d->x) / N - 1) <= 1e-5))
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "the state of chain (disorder %lld, replica %lld) is off the sphere: x.x/N "
                        "= %.9g instead of 1",
                        (long long)dam_patterns_number(p, index),
                        (long long)(o->first_replica + replica), dot(N, d->x, d->x) / N);
    project(N, d->x);
    return DAM_OK;
}

static dam_status interrupted(dam_error *e)
{
    return dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
}

/* The direction at the state evaluated last, its tangent and angle with x; false where H is flat.
 */
static bool look(descent *d)
{
    const int N = d->slope.N;
    double along, sine, scale, length;

    dam_slope_direction(&d->slope, d->direction, &scale);
    length = sqrt(dot(N, d->direction, d->direction));
    if (!project(N, d->direction)) {
        d->angle = 0;
        return false;
    }
    along = dot(N, d->direction, d->x) / N;
    for (int k = 0; k < N; k++)
        d->tangent[k] = d->direction[k] - along * d->x[k];
    sine = sqrt(dot(N, d->tangent, d->tangent) / N);
    d->angle = along > 0 ? sine : 2 - sine;
    d->steepness = scale * length * sqrt(N) * sine;
    return true;
}

/* The candidate of "update": the direction with `shift` of x; false when they cancel. */
static bool mix_in(descent *d, double shift)
{
    for (int k = 0; k < d->slope.N; k++)
        d->trial[k] = d->direction[k] + shift * d->x[k];
    return project(d->slope.N, d->trial);
}

/* Takes the candidate, whose energy was evaluated last. */
static void accept(descent *d, double energy)
{
    double *old = d->x;

    d->x = d->trial;
    d->trial = old;
    d->energy = energy;
}

/* One step of "update". `*moved` is false when no shorter one lowers the energy either. */
static dam_status update(descent *d, bool *moved, dam_error *e)
{
    double energy, shift = 0;

    for (*moved = false; !*moved; shift = shift > 0 ? 4 * shift : 0.25) {
        if (d->angle / (1 + shift) < SHORTEST)
            return DAM_OK;
        if (!mix_in(d, shift))
            continue;
        if (!dam_slope_energy(&d->slope, d->trial, &energy))
            return interrupted(e);
        *moved = energy <= d->energy;
    }
    accept(d, energy);
    return DAM_OK;
}

/* One step of "gradient". `*moved` is false when no step lowers the energy enough. */
static dam_status gradient(descent *d, bool *moved, dam_error *e)
{
    const int N = d->slope.N;
    double energy, angle = fmin(2 * d->stride * d->angle, LONGEST);

    *moved = false;
    if (!project(N, d->tangent))
        return DAM_OK;
    for (; angle >= SHORTEST; angle *= 0.5) {
        const double wanted = d->energy - SUFFICIENT * angle * d->steepness;
        for (int k = 0; k < N; k++)
            d->trial[k] = d->x[k] + angle * d->tangent[k];
        project(N, d->trial);
        if (!dam_slope_energy(&d->slope, d->trial, &energy))
            return interrupted(e);
        if (energy <= wanted) {
            *moved = energy < d->energy;
            break;
        }
    }
    if (*moved) {
        d->stride = angle / d->angle;
        accept(d, energy);
    }
    return DAM_OK;
}

/* Notes where the descent stands after `step` steps, and from there on. */
static void note(const descent *d, const dam_descent *out, int64_t chain, int64_t step,
                 int64_t target)
{
    const int64_t length = d->o->max_steps + 1;

    if (!out->path_energy)
        return;
    out->path_energy[chain * length + step] = d->energy;
    out->path_phi[chain * length + step] = d->slope.phi[target];
}

/* The path after its last step repeats it. */
static void fill_path(const descent *d, const dam_descent *out, int64_t chain, int64_t steps)
{
    const int64_t length = d->o->max_steps + 1;

    for (int64_t i = steps + 1; out->path_energy && i < length; i++) {
        out->path_energy[chain * length + i] = out->path_energy[chain * length + steps];
        out->path_phi[chain * length + i] = out->path_phi[chain * length + steps];
    }
}

/* Down to the fixed point. d->x has been evaluated last, here and after every step. */
static dam_status go_down(descent *d, const dam_descent *out, int64_t chain, int64_t target,
                          dam_error *e)
{
    const dam_descent_options *o = d->o;
    bool converged = false, moved = true;
    int64_t step = 0;

    d->stride = 0.5;
    note(d, out, chain, 0, target);
    for (;;) {
        converged = !look(d) || d->angle <= o->tolerance;
        if (converged || step == o->max_steps)
            break;
        if (o->rule == DAM_RULE_UPDATE ? update(d, &moved, e) : gradient(d, &moved, e))
            return e->status;
        if (!moved) {
            converged = d->angle <= RESOLVED;
            break;
        }
        step++;
        note(d, out, chain, step, target);
    }
    fill_path(d, out, chain, step);
    out->steps[chain] = (double)step;
    out->converged[chain] = converged;
    return DAM_OK;
}

/* The alignments of the final state. */
static void note_alignments(const descent *d, const dam_descent *out, int64_t chain, int64_t target)
{
    const double *phi = d->slope.phi;
    int64_t nearest = 0;

    for (int64_t mu = 1; mu < d->slope.M; mu++)
        if (phi[mu] > phi[nearest])
            nearest = mu;
    out->phi[chain] = phi[target];
    out->pattern[chain] = (double)(nearest + 1);
    out->phi_pattern[chain] = phi[nearest];
}

/* One start, from the beginning to the end. */
static dam_status descend_one(descent *d, const dam_descent *out, int64_t set, int64_t index,
                              int64_t replica, dam_error *e)
{
    const dam_descent_options *o = d->o;
    const dam_patterns *p = o->patterns;
    const int64_t chain = (set * p->disorder + index) * o->replicas + replica;
    const int64_t target = dam_patterns_target(p, index);
    double energy;

    if (start(d, set, index, replica, e))
        return e->status;
    if (!dam_slope_energy(&d->slope, d->x, &energy))
        return interrupted(e);
    if (!isfinite(energy))
        return dam_fail(e, DAM_ERR_DOMAIN,
                        "the initial state of chain (disorder %lld, replica %lld) is out of every "
                        "pattern's support, where H is infinite: its alignment with the target is "
                        "%.6g, the support begins at 1 - 1/b = %.6g; start closer (init = "
                        "\"support\", \"cold\" or { phi = ... })",
                        (long long)dam_patterns_number(p, index),
                        (long long)(o->first_replica + replica), d->slope.phi[target],
                        1 - 1 / d->slope.reference.b);
    d->energy = out->energy_start[chain] = energy;
    if (go_down(d, out, chain, target, e))
        return e->status;
    /* the alignments at hand may be those of a step that was not taken */
    if (!dam_slope_energy(&d->slope, d->x, &energy))
        return interrupted(e);
    note_alignments(d, out, chain, target);
    out->energy[chain] = d->energy;
    memcpy(out->x + chain * p->N, d->x, (size_t)p->N * sizeof *d->x);
    return DAM_OK;
}

/* Start `i` has failed, or before all starts (-1) a thread had no room. */
static void note_failure(int64_t i, const dam_error *mine, int64_t *failed, dam_error *e)
{
#pragma omp critical(dam_descend_error)
    if (i < *failed) {
#pragma omp atomic write
        *failed = i;
        *e = *mine;
    }
}

/* All starts of the disorders first .. first + wave - 1, whose patterns are there. */
static dam_status descend_wave(const dam_descent_options *o, const dam_panels *panels,
                               int64_t first, int64_t wave, dam_descent *out, dam_error *e)
{
    const dam_patterns *p = o->patterns;
    const int64_t starts = wave * o->sets * o->replicas;
    int64_t failed = starts; /* the first start that failed: the one to be named */

#pragma omp parallel if (starts > 1)
    {
        dam_error mine = {DAM_OK, ""};
        descent d;
        if (descent_make(&d, o, &mine))
            note_failure(-1, &mine, &failed, e);
#pragma omp for schedule(dynamic, 1)
        for (int64_t i = 0; i < starts; i++) {
            const int64_t index = first + i / (o->sets * o->replicas);
            int64_t first_failed;
#pragma omp atomic read
            first_failed = failed;
            if (i > first_failed) /* earlier ones may be handed out later */
                continue;
            d.slope.panels = dam_panels_of(panels, p, index);
            if (descend_one(&d, out, i / o->replicas % o->sets, index, i % o->replicas, &mine))
                note_failure(i, &mine, &failed, e);
        }
        if (d.memory)
            descent_free(&d);
    }
    return failed < starts ? e->status : DAM_OK;
}

dam_status dam_descend(const dam_descent_options *o, dam_descent *out, dam_error *e)
{
    const int64_t disorder = o->patterns->disorder;
    dam_panels panels = {NULL, 0, 0, 0};
    const int64_t size = dam_panels_wave(&panels, o->patterns, false);
    const dam_kernels *kernels;
    dam_status status = dam_kernels_get(&kernels, e);

    for (int64_t first = 0; first < disorder && status == DAM_OK; first += size) {
        const int64_t wave = disorder - first < size ? disorder - first : size;
        status = dam_panels_make(&panels, o->patterns, kernels, first, wave, e);
        if (status == DAM_OK)
            status = descend_wave(o, &panels, first, wave, out, e);
    }
    dam_panels_drop(&panels);
    return status;
}
