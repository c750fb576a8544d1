/*
 * The coarse pass: all patterns of a disorder in bytes, products of bytes as exact integers, and a
 * proven bound on what they are off. Patterns that may be near a state are evaluated in double
 * precision, one by one. Of the others LSR needs to know no more than that they are beyond its
 * support; for LSE their terms are added roughly, and make up little of the sum. docs/numerics.md
 * derives the bounds of bounds.h.
 */
#ifndef DAM_COARSE_H
#define DAM_COARSE_H

#include "cpu/coarse.h"
#include "patterns.h"

/* Among fewer patterns, and for LSE in lower dimension, "auto" does without. */
#define DAM_COARSE_LEAST_PATTERNS 1024
#define DAM_COARSE_LEAST_N_LSE 56

/* The patterns of one disorder in bytes. */
typedef struct {
    double quantum; /* patterns are `quantum` times their bytes, */
    double error;   /* and off that by a vector of this length at most */
    const int8_t *bytes;
} dam_coarse;

/* Those of a wave (panels.h), in the same places. */
typedef struct {
    dam_coarse *of; /* [count] */
    int64_t count;
    void *memory;
    uint64_t bytes;
} dam_coarse_set;

/*
 * Makes the bytes of `count` disorders from their panels, on all threads. When there is no memory
 * for them, or N is too large, the set stays empty: nothing needs it.
 */
void dam_coarse_make(dam_coarse_set *set, const dam_patterns *p, const float *panels,
                     int64_t count);

void dam_coarse_drop(dam_coarse_set *set);

#endif
