#include "patterns.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "sphere.h"

/* How far x.x/N of a row may be from 1 before it counts as off the sphere. */
#define ON_SPHERE 1e-5

static dam_status make(dam_patterns **out, int N, int64_t M, int64_t disorder, dam_error *e)
{
    void *memory;
    dam_status status = dam_alloc(&memory, 1, sizeof **out, "a pattern set", "drop objects", e);

    if (status)
        return status;
    *out = memory;
    **out = (dam_patterns){
        .references = 1, .N = N, .M = M, .disorder = disorder, .first_disorder = 1, .seed = 0};
    return DAM_OK;
}

dam_status dam_patterns_draw(dam_patterns **out, int N, int64_t M, int64_t disorder,
                             int64_t first_disorder, uint64_t seed, dam_error *e)
{
    *out = NULL;
    if (make(out, N, M, disorder, e))
        return e->status;
    (*out)->first_disorder = first_disorder;
    (*out)->seed = seed;
    if (dam_memory_check((double)dam_patterns_bytes(*out), "one disorder of M x N patterns",
                         "lower M (or alpha) or N", e)) {
        dam_patterns_release(*out);
        *out = NULL;
        return e->status;
    }
    return DAM_OK;
}

/* One row of user data to the sphere, or why not. */
static dam_status take_row(const double *row, int N, bool rescale, int64_t set, int64_t mu,
                           float *out, dam_error *e)
{
    double squared = 0, factor = 1;

    for (int k = 0; k < N; k++) {
        if (!isfinite(row[k]))
            return dam_fail(e, DAM_ERR_ARGUMENT,
                            "pattern %lld of data set %lld has the component %g at %d: only finite "
                            "numbers are allowed",
                            (long long)mu + 1, (long long)set + 1, row[k], k + 1);
        squared += row[k] * row[k];
    }
    if (rescale && !(squared > 0 && isfinite(squared)))
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "pattern %lld of data set %lld has squared norm %g: it has no direction to "
                        "rescale",
                        (long long)mu + 1, (long long)set + 1, squared);
    if (rescale)
        factor = dam_onto_sphere(N, squared);
    else if (!(fabs(squared / N - 1) <= ON_SPHERE))
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "pattern %lld of data set %lld is off the sphere: x.x/N = %.9g instead of "
                        "1; use rescale = true to project",
                        (long long)mu + 1, (long long)set + 1, squared / N);
    for (int k = 0; k < N; k++)
        out[k] = (float)(row[k] * factor);
    return DAM_OK;
}

dam_status dam_patterns_from(dam_patterns **out, const double *values, int64_t data_sets, int64_t M,
                             int N, bool rescale, const int64_t *target, int64_t disorder,
                             dam_error *e)
{
    dam_patterns *p = NULL;
    void *data = NULL, *targets = NULL;

    *out = NULL;
    if (make(&p, N, M, disorder, e))
        return e->status;
    if (dam_alloc(&targets, (uint64_t)disorder, sizeof(int64_t), "a pattern set's targets",
                  "lower the number of targets", e))
        goto failed;
    p->target = targets;
    memcpy(p->target, target, (size_t)disorder * sizeof *target);
    if (dam_alloc(&data, (uint64_t)(data_sets * M) * (uint64_t)N, sizeof(float),
                  "a copy of the patterns", "use fewer or smaller patterns", e))
        goto failed;
    p->data = data;
    p->data_sets = data_sets;
    for (int64_t row = 0; row < data_sets * M; row++)
        if (take_row(values + row * N, N, rescale, row / M, row % M, p->data + row * N, e))
            goto failed;
    *out = p;
    return DAM_OK;
failed:
    dam_patterns_release(p);
    return e->status;
}

void dam_patterns_retain(dam_patterns *p)
{
    __atomic_add_fetch(&p->references, 1, __ATOMIC_RELAXED);
}

void dam_patterns_release(dam_patterns *p)
{
    if (p && __atomic_sub_fetch(&p->references, 1, __ATOMIC_ACQ_REL) == 0) {
        dam_free(p->data);
        dam_free(p->target);
        dam_free(p);
    }
}

int64_t dam_patterns_number(const dam_patterns *p, int64_t index)
{
    return p->first_disorder + index;
}

int64_t dam_patterns_target(const dam_patterns *p, int64_t index)
{
    return p->target ? p->target[index] : 0;
}

double dam_patterns_alpha(const dam_patterns *p)
{
    return log((double)p->M) / p->N;
}

int64_t dam_patterns_panels(const dam_patterns *p)
{
    return (p->M + DAM_PANEL - 1) / DAM_PANEL;
}

uint64_t dam_patterns_bytes(const dam_patterns *p)
{
    return (uint64_t)dam_patterns_panels(p) * DAM_PANEL * (uint64_t)p->N * sizeof(float);
}

/* A drawn pattern: N normals, projected to the sphere. */
static void draw(const dam_patterns *p, const dam_kernels *kernels, int64_t index, int64_t mu,
                 float *row)
{
    dam_stream s = dam_pattern_stream(p->seed, (uint64_t)p->N,
                                      (uint64_t)dam_patterns_number(p, index), (uint64_t)mu + 1);

    kernels->normals(s, p->N, 0, row);
    kernels->scale(p->N, row, dam_onto_sphere(p->N, kernels->dot(p->N, row, row)), row);
}

void dam_patterns_rows(const dam_patterns *p, const dam_kernels *kernels, int64_t index, int64_t mu,
                       int64_t count, float *rows)
{
    const int64_t set = p->data_sets > 1 ? index : 0;

    if (p->data)
        memcpy(rows, p->data + (set * p->M + mu) * p->N, (size_t)(count * p->N) * sizeof *rows);
    else
        for (int64_t i = 0; i < count; i++)
            draw(p, kernels, index, mu + i, rows + i * p->N);
}

void dam_patterns_fill_panel(const dam_patterns *p, const dam_kernels *kernels, int64_t index,
                             int64_t panel, float *rows, float *out)
{
    const int64_t mu = panel * DAM_PANEL;
    const int64_t count = p->M - mu < DAM_PANEL ? p->M - mu : DAM_PANEL;

    dam_patterns_rows(p, kernels, index, mu, count, rows);
    for (int64_t k = 0; k < p->N; k++)
        for (int64_t j = 0; j < DAM_PANEL; j++)
            out[k * DAM_PANEL + j] = j < count ? rows[j * p->N + k] : 0.0f;
}
