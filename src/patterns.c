#include "patterns.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
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

/* What rounding to singles can do to x.x/N of a row on the sphere; bounds.h relies on it. */
#define ROUNDED 2.4e-7

/* Whether x.x/N is near enough to 1 to be taken for a row on the sphere. */
static bool on_sphere(double squared, int N)
{
    return fabs(squared / N - 1) <= ON_SPHERE;
}

static double squared_norm(const double *row, int N)
{
    double squared = 0;

    for (int k = 0; k < N; k++)
        squared += row[k] * row[k];
    return squared;
}

/* The factor that takes a row to the sphere, however large or small it is; 0 for a zero row. */
static double onto_sphere(const double *row, int N)
{
    double squared = squared_norm(row, N), largest = 0, scaled = 0;

    if (isnormal(squared))
        return dam_onto_sphere(N, squared);
    for (int k = 0; k < N; k++)
        largest = fmax(largest, fabs(row[k]));
    for (int k = 0; k < N && largest > 0; k++)
        scaled += row[k] / largest * (row[k] / largest);
    return largest > 0 ? dam_onto_sphere(N, scaled) / largest : 0;
}

/* One row of user data to the sphere, or why not. */
static dam_status take_row(const double *row, int N, bool rescale, int64_t set, int64_t mu,
                           float *out, dam_error *e)
{
    double factor = 1;

    for (int k = 0; k < N; k++)
        if (!isfinite(row[k]))
            return dam_fail(e, DAM_ERR_ARGUMENT,
                            "pattern %lld of data set %lld has the component %g at %d: only finite "
                            "numbers are allowed",
                            (long long)mu + 1, (long long)set + 1, row[k], k + 1);
    if (rescale)
        factor = onto_sphere(row, N);
    if (!(factor > 0 && isfinite(factor)))
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "pattern %lld of data set %lld has squared norm %g: it has no direction to "
                        "rescale",
                        (long long)mu + 1, (long long)set + 1, squared_norm(row, N));
    for (int k = 0; k < N; k++)
        out[k] = (float)(row[k] * factor);
    return DAM_OK;
}

/* Rows off the sphere; `*first` is the first of them. */
static int64_t count_off(const double *values, int64_t rows, int N, int64_t *first)
{
    int64_t off = 0;

    for (int64_t row = 0; row < rows; row++)
        if (!on_sphere(squared_norm(values + row * N, N), N) && off++ == 0)
            *first = row;
    return off;
}

static dam_status refuse_off(const double *values, int64_t M, int64_t rows, int N, int64_t first,
                             int64_t off, dam_error *e)
{
    char more[96] = "";

    if (off > 1)
        snprintf(more, sizeof more, " (so are %lld more of the %lld rows)", (long long)off - 1,
                 (long long)rows);
    return dam_fail(e, DAM_ERR_ARGUMENT,
                    "pattern %lld of data set %lld is off the sphere: x.x/N = %.9g instead of 1%s; "
                    "use rescale = true to project",
                    (long long)(first % M) + 1, (long long)(first / M) + 1,
                    squared_norm(values + first * N, N) / N, more);
}

/* Whether a row is off the sphere by more than its rounding to singles explains. */
static bool is_loose(const float *row, int N)
{
    double squared = 0;

    for (int k = 0; k < N; k++)
        squared += (double)row[k] * row[k];
    return !(fabs(squared / N - 1.0) <= ROUNDED);
}

/* Takes all rows; not finite ones are named first, for nothing else makes sense of them. */
static dam_status take_rows(dam_patterns *p, const double *values, bool rescale, dam_error *e)
{
    const int64_t rows = p->data_sets * p->M;
    int64_t first = 0;

    for (int64_t row = 0; row < rows; row++) {
        float *out = p->data + row * p->N;
        if (take_row(values + row * p->N, p->N, rescale, row / p->M, row % p->M, out, e))
            return e->status;
        p->loose |= is_loose(out, p->N);
    }
    p->rescaled = count_off(values, rows, p->N, &first);
    if (!rescale && p->rescaled > 0)
        return refuse_off(values, p->M, rows, p->N, first, p->rescaled, e);
    return DAM_OK;
}

/* Counts the repeated rows of all sets. */
static dam_status count_repeats(dam_patterns *p, dam_error *e)
{
    void *memory;
    int64_t repeated;
    dam_status status = dam_alloc(&memory, (uint64_t)p->M, sizeof(int64_t), "indices of patterns",
                                  "use fewer patterns", e);

    for (int64_t set = 0; set < p->data_sets && status == DAM_OK; set++) {
        status = dam_patterns_repeats(p, NULL, set, memory, &repeated, e);
        p->repeated += repeated;
    }
    dam_free(memory);
    return status;
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
    if (take_rows(p, values, rescale, e) || count_repeats(p, e))
        goto failed;
    *out = p;
    return DAM_OK;
failed:
    dam_patterns_release(p);
    return e->status;
}

dam_status dam_patterns_part(dam_patterns **out, dam_patterns *p, int64_t first, int64_t count,
                             dam_error *e)
{
    *out = NULL;
    if (make(out, p->N, p->M, count, e))
        return e->status;
    (*out)->first_disorder = p->first_disorder + first;
    (*out)->seed = p->seed;
    if (p->data) {
        const int64_t set = p->data_sets > 1 ? first : 0;
        (*out)->data_sets = p->data_sets > 1 ? count : 1;
        (*out)->data = p->data + set * p->M * p->N;
        (*out)->target = p->target + first;
        (*out)->owner = p;
        dam_patterns_retain(p);
    }
    return DAM_OK;
}

uint64_t dam_patterns_fingerprint(const dam_patterns *p)
{
    uint64_t h = dam_absorb(dam_absorb(p->data ? 1 : 0, (uint64_t)p->N), (uint64_t)p->M);

    h = dam_absorb(h, (uint64_t)p->first_disorder);
    if (!p->data)
        return dam_absorb(h, p->seed);
    for (int64_t i = 0; i < p->data_sets * p->M * p->N; i++)
        h = dam_absorb(h, dam_bits32(p->data[i]));
    for (int64_t d = 0; d < p->disorder; d++)
        h = dam_absorb(h, (uint64_t)p->target[d]);
    return h;
}

void dam_patterns_retain(dam_patterns *p)
{
    __atomic_add_fetch(&p->references, 1, __ATOMIC_RELAXED);
}

void dam_patterns_release(dam_patterns *p)
{
    if (p && __atomic_sub_fetch(&p->references, 1, __ATOMIC_ACQ_REL) == 0) {
        if (p->owner) {
            dam_patterns_release(p->owner);
        } else {
            dam_free(p->data);
            dam_free(p->target);
        }
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

/* A pattern and the hash of its components. */
typedef struct {
    uint64_t hash;
    int64_t mu;
} hashed;

static int by_hash(const void *a, const void *b)
{
    const hashed *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->mu > y->mu) - (x->mu < y->mu);
}

static uint64_t hash_row(const float *row, int N)
{
    uint64_t h = 0;

    for (int k = 0; k < N; k++)
        h = dam_absorb(h, row[k] == 0 ? 0 : dam_bits32(row[k])); /* -0 equals 0 */
    return h;
}

static bool equal_rows(const dam_patterns *p, const dam_kernels *kernels, int64_t index, int64_t mu,
                       int64_t nu, float *rows)
{
    dam_patterns_rows(p, kernels, index, mu, 1, rows);
    dam_patterns_rows(p, kernels, index, nu, 1, rows + p->N);
    for (int k = 0; k < p->N; k++)
        if (rows[k] != rows[p->N + k])
            return false;
    return true;
}

dam_status dam_patterns_repeats(const dam_patterns *p, const dam_kernels *kernels, int64_t index,
                                int64_t *first, int64_t *repeated, dam_error *e)
{
    void *memory = NULL, *rows = NULL;
    hashed *h;

    *repeated = 0;
    e->status = DAM_OK;
    if (dam_alloc(&memory, (uint64_t)p->M, sizeof *h, "a list of patterns", "use fewer", e) ||
        dam_alloc(&rows, 2, (uint64_t)p->N * sizeof(float), "two patterns", "lower N", e))
        goto done;
    h = memory;
    for (int64_t mu = 0; mu < p->M; mu++) {
        dam_patterns_rows(p, kernels, index, mu, 1, rows);
        h[mu] = (hashed){hash_row(rows, p->N), mu};
        if (dam_interrupted()) {
            dam_fail(e, DAM_ERR_INTERRUPTED, "interrupted");
            goto done;
        }
    }
    qsort(h, (size_t)p->M, sizeof *h, by_hash);
    for (int64_t i = 0, run = 0; i < p->M; i++) {
        if (h[i].hash != h[run].hash)
            run = i;
        first[h[i].mu] = h[i].mu;
        for (int64_t j = run; j < i && first[h[i].mu] == h[i].mu; j++)
            if (first[h[j].mu] == h[j].mu && equal_rows(p, kernels, index, h[i].mu, h[j].mu, rows))
                first[h[i].mu] = h[j].mu;
        *repeated += first[h[i].mu] != h[i].mu;
    }
done:
    dam_free(memory);
    dam_free(rows);
    return e->status;
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
