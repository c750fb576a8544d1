#include "array.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Below this a plain loop sums; its error is that of few additions. */
#define PAIRWISE_BLOCK 64

/* Integers up to here, and powers of ten up to 10^15, are exact in double precision. */
#define EXACT_INTEGER 0x1p53
#define MAX_DECIMALS 15

dam_status dam_array_create(dam_array *a, int rank, const int64_t *shape, dam_error *e)
{
    double count = 1;
    void *data;

    memset(a, 0, sizeof *a);
    for (int i = 0; i < rank; i++)
        count *= (double)shape[i];
    if (count > 0x1p60)
        return dam_fail(e, DAM_ERR_MEMORY, "an array of %.3g numbers is too large", count);
    if (dam_alloc(&data, (uint64_t)count, sizeof(double), "an array", "make it smaller", e))
        return e->status;
    a->rank = rank;
    memcpy(a->shape, shape, (size_t)rank * sizeof *shape);
    a->count = (int64_t)count;
    a->data = data;
    return DAM_OK;
}

void dam_array_close(dam_array *a)
{
    dam_free(a->data);
    a->data = NULL;
}

bool dam_array_same_shape(const dam_array *a, const dam_array *b)
{
    return a->rank == b->rank &&
           memcmp(a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) == 0;
}

bool dam_array_equal(const dam_array *a, const dam_array *b)
{
    if (!dam_array_same_shape(a, b))
        return false;
    for (int64_t i = 0; i < a->count; i++)
        if (a->data[i] != b->data[i] && !(isnan(a->data[i]) && isnan(b->data[i])))
            return false;
    return true;
}

void dam_array_describe_shape(const dam_array *a, char text[DAM_ARRAY_SHAPE_TEXT])
{
    size_t used = 0;

    for (int i = 0; i < a->rank; i++)
        used += (size_t)snprintf(text + used, DAM_ARRAY_SHAPE_TEXT - used, "%s%lld", i ? ", " : "[",
                                 (long long)a->shape[i]);
    snprintf(text + used, DAM_ARRAY_SHAPE_TEXT - used, "]");
}

void dam_array_combine(dam_operation op, int64_t n, double *out, const double *x, int sx,
                       const double *y, int sy)
{
    switch (op) {
    case DAM_ADD:
        for (int64_t i = 0; i < n; i++)
            out[i] = x[i * sx] + y[i * sy];
        return;
    case DAM_SUBTRACT:
        for (int64_t i = 0; i < n; i++)
            out[i] = x[i * sx] - y[i * sy];
        return;
    case DAM_MULTIPLY:
        for (int64_t i = 0; i < n; i++)
            out[i] = x[i * sx] * y[i * sy];
        return;
    case DAM_DIVIDE:
        for (int64_t i = 0; i < n; i++)
            out[i] = x[i * sx] / y[i * sy];
        return;
    case DAM_POWER:
        for (int64_t i = 0; i < n; i++)
            out[i] = pow(x[i * sx], y[i * sy]);
        return;
    }
}

static double sum(const double *x, int64_t n, int64_t stride)
{
    double s = 0;
    int64_t half;

    if (n > PAIRWISE_BLOCK) {
        half = n / 2 / PAIRWISE_BLOCK * PAIRWISE_BLOCK;
        half = half > 0 ? half : PAIRWISE_BLOCK;
        return sum(x, half, stride) + sum(x + half * stride, n - half, stride);
    }
    for (int64_t i = 0; i < n; i++)
        s += x[i * stride];
    return s;
}

/* Sum of (x - mean)^power, pairwise. */
static double moment(const double *x, int64_t n, int64_t stride, double mean, int power)
{
    double s = 0;
    int64_t half;

    if (n > PAIRWISE_BLOCK) {
        half = n / 2 / PAIRWISE_BLOCK * PAIRWISE_BLOCK;
        half = half > 0 ? half : PAIRWISE_BLOCK;
        return moment(x, half, stride, mean, power) +
               moment(x + half * stride, n - half, stride, mean, power);
    }
    for (int64_t i = 0; i < n; i++) {
        double d = x[i * stride] - mean;
        s += power == 2 ? d * d : d;
    }
    return s;
}

static double standard_deviation(const double *x, int64_t n, int64_t stride)
{
    double mean, drift, squares;

    if (n < 2)
        return NAN;
    mean = sum(x, n, stride) / (double)n;
    drift = moment(x, n, stride, mean, 1); /* what rounding left in the mean */
    squares = moment(x, n, stride, mean, 2) - drift * drift / (double)n;
    return sqrt(fabs(squares) / (double)(n - 1));
}

static double extreme(const double *x, int64_t n, int64_t stride, bool largest)
{
    double best = x[0];

    for (int64_t i = 0; i < n; i++) {
        double v = x[i * stride];
        if (isnan(v))
            return v;
        if (largest ? v > best : v < best)
            best = v;
    }
    return best;
}

double dam_array_statistic(dam_statistic s, const double *x, int64_t n, int64_t stride)
{
    switch (s) {
    case DAM_SUM:
        return sum(x, n, stride);
    case DAM_MEAN:
        return sum(x, n, stride) / (double)n;
    case DAM_STD:
        return standard_deviation(x, n, stride);
    case DAM_SEM:
        return standard_deviation(x, n, stride) / sqrt((double)n);
    default:
        return extreme(x, n, stride, s == DAM_MAX);
    }
}

void dam_array_reduce(dam_statistic s, const dam_array *a, int dim, double *out)
{
    int64_t inner = 1, n = a->shape[dim];

    for (int i = dim + 1; i < a->rank; i++)
        inner *= a->shape[i];
    for (int64_t o = 0; o < a->count / n / inner; o++)
        for (int64_t i = 0; i < inner; i++)
            *out++ = dam_array_statistic(s, a->data + o * n * inner + i, n, inner);
}

void dam_array_copy_box(const dam_array *a, const int64_t *first, const int64_t *length,
                        double *out)
{
    int64_t at[DAM_ARRAY_MAX_RANK] = {0};
    int last = a->rank - 1;

    for (;;) {
        int64_t offset = 0;
        int i;
        for (i = 0; i < a->rank; i++)
            offset = offset * a->shape[i] + first[i] + at[i];
        memcpy(out, a->data + offset, (size_t)length[last] * sizeof *out);
        out += length[last];
        for (i = last - 1; i >= 0 && ++at[i] == length[i]; i--)
            at[i] = 0;
        if (i < 0)
            return;
    }
}

static double round12(double v)
{
    char text[40];

    snprintf(text, sizeof text, "%.12g", v);
    return strtod(text, NULL);
}

/*
 * The smallest power of ten, at most 10^MAX_DECIMALS, that makes integers of the decimals x and y;
 * 0 when they are no such decimals.
 */
static double decimal_scale(double x, double y)
{
    double scale = 1;

    for (int k = 0; k <= MAX_DECIMALS; k++, scale *= 10) {
        double i = nearbyint(x * scale), j = nearbyint(y * scale);
        if (fabs(i) >= EXACT_INTEGER || fabs(j) >= EXACT_INTEGER)
            return 0;
        if (i / scale == x && j / scale == y)
            return scale;
    }
    return 0;
}

void dam_array_linspace(double a, double b, int64_t n, double *out)
{
    double parts = n > 1 ? (double)(n - 1) : 1;
    double scale = decimal_scale(a, b);
    double A = nearbyint(a * scale), B = nearbyint(b * scale);
    bool exact =
        scale > 0 && (fabs(A) + fabs(B)) * parts < EXACT_INTEGER && scale * parts < EXACT_INTEGER;

    for (int64_t i = 0; i < n; i++) {
        double left = (double)(n - 1 - i), right = (double)i, v;
        if (n == 1)
            v = a;
        else if (exact)
            v = (A * left + B * right) / (scale * parts);
        else
            v = a * (left / parts) + b * (right / parts);
        if (i > 0 && i < n - 1 && fabs(v) < 1e-9 * fabs(b / parts - a / parts))
            v = 0; /* cancellation, not a value */
        out[i] = round12(v);
    }
}

void dam_array_range(double a, double step, int64_t n, double *out)
{
    double scale = decimal_scale(a, step);
    double A = nearbyint(a * scale), S = nearbyint(step * scale);
    bool exact = scale > 0 && fabs(A) + fabs(S) * (double)n < EXACT_INTEGER;

    for (int64_t i = 0; i < n; i++) {
        double v = exact ? (A + S * (double)i) / scale : a + step * (double)i;
        if (i > 0 && fabs(v) < 1e-9 * fabs(step))
            v = 0; /* cancellation, not a value */
        out[i] = round12(v);
    }
}

double dam_array_range_count(double a, double b, double step)
{
    double q = b / step - a / step;

    return floor(q + 1e-9 + 4 * DBL_EPSILON * fabs(q)) + 1;
}
