/*
 * The patterns of a disorder in bytes, for the passes that multiply integers (fused.h): one byte a
 * component, or two, of which the second is what the first is off, 256 times finer, and apart from
 * these a third one; or in words of 16 bits. Beside them stand the patterns as rows, from which the
 * few that matter are taken: in panels each of them has as many cache lines as components.
 */
#ifndef DAM_BYTES_H
#define DAM_BYTES_H

#include <math.h>
#include <stdint.h>

#include "cpu/coarse.h"
#include "patterns.h"

/* Bytes of a component at most. */
#define DAM_PARTS 3

/*
 * How patterns are put into bytes. Where patterns beyond an alignment are all that is asked for,
 * the first `leading` components may do: `beside` further bytes, a multiple of four, hold the
 * length of what is left, so that a product is the largest that the alignment can be.
 */
typedef struct {
    dam_bytes_kind kind;
    int leading, beside; /* together N at most */
} dam_bytes_plan;

typedef struct {
    dam_bytes_plan plan;
    double quantum;        /* patterns are `quantum` times their first bytes, or words, */
    double off[DAM_PARTS]; /* and off that by a vector of this length at most; or off more bytes */
    const int8_t *bytes;   /* dam_bytes_place */
    const int8_t *third;   /* two parts: third and second bytes, or third ones alone where only they
                            * fit into a slice, in the same order */
    const int16_t *words;  /* instead of bytes: [tile][k / 2][pattern][k % 2] */
    const float *rows;     /* [pattern][stride], zeros beyond N; NULL: no memory for them */
    int stride;            /* N, rounded up to eight */
} dam_bytes;

/* One byte a component. */
static inline dam_coarse_shape dam_bytes_shape(dam_bytes_plan plan)
{
    return dam_coarse_shape_of(plan.leading + plan.beside);
}

/* Those of a wave (panels.h), in the same places. */
typedef struct {
    dam_bytes *of; /* [count] */
    int64_t count;
    void *memory; /* headers and bytes */
    uint64_t bytes;
    void *rows;
    uint64_t rows_bytes;
} dam_bytes_set;

/* Where byte `part` of component k of pattern mu stands: [tile][part][k / 4][pattern][k % 4]. */
static inline int64_t dam_bytes_place(dam_coarse_shape s, int parts, int64_t mu, int part, int k)
{
    const int64_t tile = mu / DAM_COARSE_TILE, i = mu % DAM_COARSE_TILE;

    return ((tile * parts + part) * (dam_coarse_row(s) / 4) + k / 4) * (4 * DAM_COARSE_TILE) +
           4 * i + k % 4;
}

/*
 * x as a number of units, 65536 of which are 127th parts of the largest that can be: its first
 * byte, and what that is off in 256th parts, and what these are.
 */
static inline void dam_three_bytes(double units, int8_t byte[DAM_PARTS])
{
    int32_t v = (int32_t)fmax(-127.0 * 65536.0, fmin(127.0 * 65536.0, rint(units)));

    byte[2] = (int8_t)v;
    v = (v - byte[2]) / 256;
    byte[1] = (int8_t)v;
    byte[0] = (int8_t)((v - byte[1]) / 256);
}

/* The largest of numbers, in size. */
double dam_largest_of(const float *x, int64_t numbers);

/*
 * What patterns are to be put into, for samples to be measured or not; DAM_NO_BYTES where there is
 * no pass that takes them, or (`automatic`) where it hardly ever pays.
 */
dam_bytes_plan dam_bytes_plan_for(const dam_kernels *kernels, const dam_reference *f,
                                  const dam_patterns *p, bool automatic, bool measure);

/* All components. */
static inline dam_bytes_plan dam_bytes_whole(dam_bytes_kind kind, int N)
{
    return (dam_bytes_plan){kind, N, 0};
}

/* Bytes of a component of a length that stands in `beside` of them; quantum 1. */
static inline int8_t dam_bytes_beside(double length, int beside)
{
    return (int8_t)fmin(127.0, ceil(length / sqrt(beside) * (1.0 + 1e-9)));
}

/*
 * Makes the bytes and rows of `count` disorders from their panels, on all threads. When there is no
 * memory for them, the set stays empty, or without rows: nothing needs it.
 */
void dam_bytes_make(dam_bytes_set *set, const dam_patterns *p, const dam_kernels *kernels,
                    const float *panels, int64_t count, dam_bytes_plan plan);

void dam_bytes_drop(dam_bytes_set *set);

#endif
