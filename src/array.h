/*
 * Arrays of doubles on the host: row-major, up to DAM_ARRAY_MAX_RANK dimensions, each of length 1
 * or more; NaN and infinities are values like others. Indices here count from 0; the binding
 * counts from 1. Sums are pairwise and of a fixed order: their error does not grow with the length
 * (it grows with its logarithm), and the same data gives the same bits everywhere.
 */
#ifndef DAM_ARRAY_H
#define DAM_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
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

bool dam_array_same_shape(const dam_array *a, const dam_array *b);

/* Equal shapes, and every pair of values equal or both NaN. */
bool dam_array_equal(const dam_array *a, const dam_array *b);

/* "[2, 3]" */
#define DAM_ARRAY_SHAPE_TEXT 192
void dam_array_describe_shape(const dam_array *a, char text[DAM_ARRAY_SHAPE_TEXT]);

typedef enum { DAM_ADD, DAM_SUBTRACT, DAM_MULTIPLY, DAM_DIVIDE, DAM_POWER } dam_operation;

/* out[i] = x[i*sx] op y[i*sy] for n elements; a stride of 0 repeats a scalar. */
void dam_array_combine(dam_operation op, int64_t n, double *out, const double *x, int sx,
                       const double *y, int sy);

/*
 * Statistics of n >= 1 values. DAM_STD is the sample standard deviation (n - 1), DAM_SEM the
 * standard error std/sqrt(n); both are NaN for n = 1. A NaN among the values makes the result NaN.
 */
typedef enum { DAM_SUM, DAM_MEAN, DAM_STD, DAM_SEM, DAM_MIN, DAM_MAX } dam_statistic;

double dam_array_statistic(dam_statistic s, const double *x, int64_t n, int64_t stride);

/* The statistic over dimension `dim`: `out` (of the other dimensions' shape) has count/shape[dim]
 * elements. */
void dam_array_reduce(dam_statistic s, const dam_array *a, int dim, double *out);

/* Copies the box of a that starts at first[] and has a's rank and the given lengths to out. */
void dam_array_copy_box(const dam_array *a, const int64_t *first, const int64_t *length,
                        double *out);

/*
 * n equally spaced values from a to b (n = 1: a alone), and a, a + step, ... Both round to 12
 * significant digits, and decimal ends and steps are computed as decimals: the value that reads
 * 0.3 is 0.3, and one between -0.3 and 0.3 is 0.
 */
void dam_array_linspace(double a, double b, int64_t n, double *out);
void dam_array_range(double a, double step, int64_t n, double *out);

/* How many values a, a + step, ... there are up to b, b included up to rounding; <= 0: none. */
double dam_array_range_count(double a, double b, double step);

#endif
