/*
 * The single precision pass: its terms, and the proof of its intervals. For a chain and a part of
 * the patterns it adds two sums, `low` and `high`; what the sums of all parts say about the L of
 * the reference is worked out in double by single_interval.
 *
 * u = 2^-24 is the rounding of singles, g(n) = n u / (1 - n u) bounds n of them in a row.
 *
 * Overlap d = x.xi: products are added by fma in chunks of SINGLE_CHUNK, chunks one after the
 * other, so a product is rounded at most SINGLE_CHUNK + ceil(N / SINGLE_CHUNK) - 1 times: |d
 * computed - d| <= g(that) |x| |xi| <= g(that) N (1 + 2e-5) = D, because states and patterns are on
 * the sphere to 1e-5 of x.x (src/patterns.h, src/sampler.c).
 *
 * Sums: a thread adds the terms of a tile, then tiles; the rest is added in double. Terms are
 * rounded at most SINGLE_OWN + tiles - 1 times on their way: relative error g(that) of the sum of
 * their magnitudes.
 *
 * LSE. The terms are 2^z, z = scale d + shift by one fma, scale = beta_net log2(e) in single, and
 * `shift` any single that keeps the sum near one (log2(e) (-c - L of the current state)). Then
 *   L = ln(sum) - shift ln 2 - c
 * up to the error of z: |scale| (D + u N (1 + 2e-5)) for overlap and scale, and the rounding of the
 * fma, 160 u while -160 < z < 160; 2^z itself is good to 2^-20 of its value (ex2.approx: 2^-22).
 * Below z = -126 terms may be flushed to 0: at most M 2^-125 is missing from the sum. Above 128 the
 * sum is infinite and says nothing.
 *
 * LSR. The weight 1 - b (1 - phi) is computed twice, with an offset below and above: they enclose
 * what the reference computes, so the two sums of max(epsilon, weight) enclose its sum.
 *
 * Polynomial. `low` is the sum of p^k, `high` that of (|p| + delta)^(k-1), where |p - phi| <=
 * delta: the derivative bounds each error by k delta (|p| + delta)^(k-1), roundings of the power by
 * g(k) |p|^k <= 1.01 g(k) (|p| + delta)^(k-1).
 *
 * The reference itself rounds: 2.5e-16 (N + 2) an alignment, 1.2e-16 (M/1024 + 64) a sum, both
 * relative, and 1e-12 for the exponents of LSE (docs/numerics.md).
 */
#ifndef DAM_CUDA_SINGLE_H
#define DAM_CUDA_SINGLE_H

#include "common.h"

namespace DAM_CUDA_NAMESPACE
{

#define SINGLE_CHUNK 16
#define SINGLE_TILE 128 /* patterns */
#define SINGLE_OWN 8    /* patterns of a tile that one thread has */
#define SINGLE_MAX_TILES 64
#define SINGLE_MAX_SPLITS 512

/* What the terms need. */
struct single_terms {
    float scale;       /* of an overlap */
    float low, high;   /* LSR: offsets of the weight; polynomial: delta, in `high` */
    float floor, ceil; /* LSR: epsilon, rounded down and up */
    int32_t k;         /* polynomial */
};

/* Errors, as derived above. */
struct single_errors {
    double term; /* LSE: of ln(term); LSR: of a weight; polynomial: of phi (delta) */
    double sum;  /* relative */
};

static __host__ __device__ __forceinline__ double single_gamma(double n)
{
    const double u = 0x1p-24 * (1.0 + 0x1p-20);
    return n * u / (1.0 - n * u);
}

static __host__ __device__ __forceinline__ single_errors single_errors_of(const dam_reference &f,
                                                                          int64_t M, int32_t tiles)
{
    const double N = f.N, u = 0x1p-24;
    const double roundings =
        SINGLE_CHUNK + static_cast<double>(divide_up(static_cast<int64_t>(N), SINGLE_CHUNK)) - 1;
    const double own = roundings * u < 0.5 ? single_gamma(roundings) : HUGE_VAL;
    const double phi = 2.5e-16 * (N + 2); /* the reference's */
    single_errors e;

    e.sum = single_gamma(SINGLE_OWN + tiles) + 1.2e-16 * (static_cast<double>(M) / DAM_BLOCK + 200);
    switch (f.kernel) {
    case DAM_LSE:
        e.term = 1.0001 * (f.c * (1 + 2e-5) * (own + 2 * u) + 160 * u + 0x1p-20) + f.c * phi;
        break;
    case DAM_LSR:
        e.term = 1.0001 * (f.b * (1 + 2e-5) * (own + 2 * u) + 3 * u * (2 + 2 * f.b)) + f.b * phi +
                 1e-15 * (1 + 2 * f.b);
        break;
    default:
        e.term = 1.0001 * ((1 + 2e-5) * (own + 3 * u)) + phi;
    }
    if (DAM_PLANTED(13))
        e.term = e.sum = 0;
    if (DAM_PLANTED(DAM_PLANT_DOUBT))
        e.term *= 1e4; /* no fault: more proposals must go further, to the same end */
    return e;
}

/*
 * Chains per thread of single_2.cu for tiles that hold `chains` best: few unused columns, but wide
 * tiles, which read less shared memory for a product.
 */
static inline int32_t single_count(int64_t chains)
{
    static const int32_t counts[] = {8, 5, 4, 2, 1};
    static const double cost[] = {1.0, 1.1, 1.2, 1.8, 3.0}; /* of a column, estimated */
    int32_t best = 8;
    double least = HUGE_VAL;

    for (int i = 0; i < 5; i++) {
        const double c =
            cost[i] * static_cast<double>(divide_up(chains, 8 * counts[i])) * counts[i];
        if (c < least) {
            least = c;
            best = counts[i];
        }
    }
    return best;
}

/* The nearest singles below and above, one step further than rounding needs. */
static inline float single_below(double v)
{
    return nextafterf(static_cast<float>(v), -HUGE_VALF);
}

static inline float single_above(double v)
{
    return nextafterf(static_cast<float>(v), HUGE_VALF);
}

static inline single_terms single_terms_of(const dam_reference &f, int64_t M, int32_t tiles)
{
    const single_errors e = single_errors_of(f, M, tiles);
    single_terms t = {0, 0, 0, 0, 0, f.k};

    switch (f.kernel) {
    case DAM_LSE:
        t.scale = static_cast<float>(f.c / f.N * 1.4426950408889634);
        break;
    case DAM_LSR:
        t.scale = static_cast<float>(f.b / f.N);
        t.low = single_below(1.0 - f.b - e.term);
        t.high = single_above(1.0 - f.b + e.term);
        t.floor = f.epsilon > 0 ? single_below(f.epsilon) : 0.0f;
        t.ceil = f.epsilon > 0 ? single_above(f.epsilon) : 0.0f;
        break;
    default:
        t.scale = static_cast<float>(1.0 / f.N);
        t.high = single_above(e.term);
    }
    return t;
}

/* The shift of a chain whose L is near `near` (LSE). */
static __host__ __device__ __forceinline__ float single_shift(const dam_reference &f, double near)
{
    return f.kernel == DAM_LSE ? static_cast<float>(-(f.c + near) * 1.4426950408889634) : 0.0f;
}

/* 2^z, relative error below 2^-20; 0 or what is below 2^-126 for z < -126; inf for z >= 128. */
static __device__ __forceinline__ float single_exp2(float z)
{
#ifdef __CUDA_ARCH__
    float v;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(v) : "f"(z));
    return v;
#else
    if (!(z >= -126.0f))
        return z < -126.0f ? 0.0f : z;
    if (z >= 128.0f)
        return HUGE_VALF;
    const float shifted = z + 0x1.8p23f, n = shifted - 0x1.8p23f; /* to an integer */
    const float r = z - n;
    float p = 1.5403530e-4f; /* (ln 2)^i / i!, i = 6 .. 0 */

    p = p * r + 1.3333558e-3f;
    p = p * r + 9.6181291e-3f;
    p = p * r + 5.5504109e-2f;
    p = p * r + 2.4022651e-1f;
    p = p * r + 6.9314718e-1f;
    p = p * r + 1.0f;
    const int32_t e = static_cast<int32_t>(n);
    return p * dam_float(static_cast<uint32_t>(e / 2 + 127) << 23) *
           dam_float(static_cast<uint32_t>(e - e / 2 + 127) << 23);
#endif
}

static __device__ __forceinline__ float single_power(float v, int32_t k)
{
    float power = 1.0f;

    for (; k > 0; k >>= 1) {
        if (k & 1)
            power = power * v;
        v = v * v;
    }
    return power;
}

/* Takes one overlap into the sums of a tile. */
template <dam_kernel KERNEL>
static __device__ __forceinline__ void single_add(const single_terms &t, float overlap, float shift,
                                                  float *low, float *high)
{
    if (KERNEL == DAM_LSE) {
        *low += single_exp2(multiply_add(t.scale, overlap, shift));
    } else if (KERNEL == DAM_LSR) {
        *low += fmaxf(t.floor, multiply_add(t.scale, overlap, t.low));
        *high += fmaxf(t.ceil, multiply_add(t.scale, overlap, t.high));
    } else {
        const float p = t.scale * overlap;
        *low += single_power(p, t.k);
        *high += single_power(fabsf(p) + t.high, t.k - 1);
    }
}

/* What the logarithm of a sum adds, here and in the reference. */
static __device__ __forceinline__ double single_log_slack(double L)
{
    return 1e-14 * (1.0 + fabs(L));
}

static __device__ __forceinline__ dam_interval single_interval_lse(const dam_reference &f,
                                                                   const single_errors &e,
                                                                   int64_t M, double sum,
                                                                   float shift)
{
    const double missing = static_cast<double>(M) * 0x1p-125, offset = shift * 0.6931471805599453;
    dam_interval L = {-HUGE_VAL, HUGE_VAL};

    if (!(sum < 0x1p120))
        return L; /* nothing is known: an overflow, or NaN */
    if (sum > 0)
        L.low = dam_log(sum * (1 - e.sum)) - offset - f.c;
    L.high = dam_log(sum * (1 + e.sum) + missing) - offset - f.c;
    /* the sums of L, the reference's own (active_set.h), and the two logarithms */
    const double slack =
        e.term + 1e-12 +
        4e-15 * (fabs(offset) + f.c + fabs(L.high) + fabs(dam_log(sum + missing))) + 1e-13;
    L.low -= slack;
    L.high += slack;
    return L;
}

static __device__ __forceinline__ dam_interval single_interval_lsr(const single_errors &e,
                                                                   double low, double high)
{
    dam_interval L = {-HUGE_VAL, -HUGE_VAL};

    if (!(high < 0x1p120 && low <= high))
        return {-HUGE_VAL, HUGE_VAL};
    if (low > 0) {
        L.low = dam_log(low * (1 - e.sum));
        L.low -= single_log_slack(L.low);
    }
    if (high > 0) {
        L.high = dam_log(high * (1 + e.sum));
        L.high += single_log_slack(L.high);
    }
    return L;
}

static __device__ __forceinline__ dam_interval single_interval_polynomial(const dam_reference &f,
                                                                          const single_errors &e,
                                                                          int64_t M, double sum,
                                                                          double slopes)
{
    const double k = f.k, largest = 1.11; /* 1.001^100 */
    const double each = (k + 2) * (2.5e-16 * (f.N + 2) + 4e-16) * largest +
                        2e-16 * (static_cast<double>(M) / DAM_BLOCK + 64) * largest;
    const double error = slopes * 1.0002 * (k * e.term + 1.01 * (single_gamma(k + 2) + e.sum)) +
                         static_cast<double>(M) * (each + 1e-36);

    if (!(error < 0x1p120 && fabs(sum) < 0x1p120))
        return {-HUGE_VAL, HUGE_VAL};
    return {f.N * (sum - error), f.N * (sum + error)};
}

/* The interval that contains the reference's L. */
static __device__ __forceinline__ dam_interval single_interval(const dam_reference &f,
                                                               const single_errors &e, int64_t M,
                                                               double low, double high, float shift)
{
    if (f.kernel == DAM_LSE)
        return single_interval_lse(f, e, M, low, shift);
    return f.kernel == DAM_LSR ? single_interval_lsr(e, low, high)
                               : single_interval_polynomial(f, e, M, low, high);
}

} // namespace DAM_CUDA_NAMESPACE

#endif
