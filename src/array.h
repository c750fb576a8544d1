/*
 * Arrays of doubles on the host: row-major, up to DAM_ARRAY_MAX_RANK dimensions, each of length 1
 * or more. Indices here count from 0; the binding counts from 1.
 */
#ifndef DAM_ARRAY_H
#define DAM_ARRAY_H

#include <stdint.h>

#include "error.h"

#define DAM_ARRAY_MAX_RANK 8

typedef struct {
    int rank;
    int64_t shape[DAM_ARRAY_MAX_RANK];
    int64_t count; /* product of the shape */
    double *data;  /* NULL when closed */
} dam_array;

/* Makes an array of zeros in `a`. On failure `a` holds nothing. */
dam_status dam_array_create(dam_array *a, int rank, const int64_t *shape, dam_error *e);

/* Releases the data; the array is closed then. Calling it twice is harmless. */
void dam_array_close(dam_array *a);

#endif
