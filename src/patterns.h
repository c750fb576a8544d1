/*
 * Pattern sets: `disorder` independent draws of M patterns, uniform on the sphere |xi|^2 = N, or a
 * user's own data. Drawn patterns are pure functions of (seed, N, disorder, mu, k): they are not
 * stored but made when needed, and sets nest (a larger M or more disorders begin with the same
 * patterns). User data are stored, in single precision. Sets are immutable and counted by
 * reference, so that a sampler keeps what it works on.
 */
#ifndef DAM_PATTERNS_H
#define DAM_PATTERNS_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/kernels.h"
#include "error.h"

#define DAM_MAX_N 1000000
#define DAM_MAX_M UINT32_MAX
#define DAM_MAX_DISORDER UINT32_MAX

typedef struct dam_patterns {
    int references;
    int N;
    int64_t M;
    int64_t disorder;       /* number of disorders in this set */
    int64_t first_disorder; /* number of the first one, from 1 */
    uint64_t seed;
    int64_t data_sets; /* user data: 1 (shared by all disorders) or `disorder`; 0 when drawn */
    float *data;       /* user data [data_sets][M][N], else NULL */
    int64_t *target;   /* user data: index of each disorder's target, from 0; else NULL (all 0) */
    struct dam_patterns *owner; /* of data and target, when this is a part of it */
    int64_t rescaled;           /* user data: rows that were off the sphere and were projected */
    bool loose;       /* user data: a row is off the sphere by more than rounding explains */
    int64_t repeated; /* user data: rows equal to an earlier one of their set; they are legal */
} dam_patterns;

/* A set to be drawn. Nothing is drawn yet, but one disorder must fit into memory. */
dam_status dam_patterns_draw(dam_patterns **out, int N, int64_t M, int64_t disorder,
                             int64_t first_disorder, uint64_t seed, dam_error *e);

/*
 * A set of user data: `values` is [data_sets][M][N] in double; with `rescale` each row is projected
 * to the sphere, else rows off the sphere (relative 1e-5 in x.x) are an error that names the first
 * one and says how many there are. `target` (from 0) has one entry per disorder; `disorder` equals
 * data_sets when that is > 1.
 */
dam_status dam_patterns_from(dam_patterns **out, const double *values, int64_t data_sets, int64_t M,
                             int N, bool rescale, const int64_t *target, int64_t disorder,
                             dam_error *e);

/* The disorders at first .. first + count - 1 of a set, as a set; user data are shared. */
dam_status dam_patterns_part(dam_patterns **out, dam_patterns *p, int64_t first, int64_t count,
                             dam_error *e);

/*
 * A hash of what the patterns are: of drawn ones N, M, the seed and the first disorder's number,
 * not how many disorders there are; of user data all numbers and targets.
 */
uint64_t dam_patterns_fingerprint(const dam_patterns *p);

void dam_patterns_retain(dam_patterns *p);
void dam_patterns_release(dam_patterns *p); /* NULL is allowed */

/* Number of the disorder at `index` (from 0), as it enters the streams. */
int64_t dam_patterns_number(const dam_patterns *p, int64_t index);

/* Index of the target pattern of the disorder at `index`. */
int64_t dam_patterns_target(const dam_patterns *p, int64_t index);

/* ln(M)/N */
double dam_patterns_alpha(const dam_patterns *p);

/* Panels of DAM_PANEL patterns in a disorder, and their size in bytes together. */
int64_t dam_patterns_panels(const dam_patterns *p);
uint64_t dam_patterns_bytes(const dam_patterns *p);

/* Patterns mu .. mu + count - 1 of the disorder at `index`, as rows of N. */
void dam_patterns_rows(const dam_patterns *p, const dam_kernels *kernels, int64_t index, int64_t mu,
                       int64_t count, float *rows);

/*
 * first[M]: for each pattern of the disorder at `index` the lowest index of an equal one, its own
 * if it is the first; the number of the others in `*repeated`. DAM_ERR_INTERRUPTED when
 * interrupted.
 */
dam_status dam_patterns_repeats(const dam_patterns *p, const dam_kernels *kernels, int64_t index,
                                int64_t *first, int64_t *repeated, dam_error *e);

/*
 * Panel `panel` of the disorder at `index`, [k][DAM_PANEL]; zeros stand beyond the last pattern.
 * `rows` is scratch for DAM_PANEL rows of N.
 */
void dam_patterns_fill_panel(const dam_patterns *p, const dam_kernels *kernels, int64_t index,
                             int64_t panel, float *rows, float *out);

#endif
