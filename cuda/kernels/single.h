/*
 * The single precision pass: its terms, its precision, and the interval that its sums allow. For a
 * chain and a part of the patterns it adds two sums, `sum` and `other`; what those of all parts say
 * about the L of the reference is worked out by the functions of src/bounds.h, which hold for every
 * backend. What is said here is what they need to know of this pass.
 *
 * Overlap x.xi: products are added by fma in chunks of SINGLE_CHUNK, chunks one after the other, so
 * a product is rounded at most SINGLE_CHUNK + ceil(N / SINGLE_CHUNK) - 1 times; the constant that
 * the overlap is multiplied by and the product of the polynomial with it round once more each.
 *
 * Sums: a thread adds the terms of a tile, then tiles; the rest is added in double. So terms are
 * rounded at most SINGLE_OWN + tiles - 1 times.
 *
 * LSE. `sum` is that of 2^z, z = scale x.xi + shift by one fma, scale = beta_net log2(e) in single
 * and `shift` any single that keeps the sum near one: terms are relative to exp(-c - shift ln 2),
 * with no error from the shift's rounding. 2^z itself is good to 2^-20 (ex2.approx: 2^-22); below
 * z = -126 it may be 0, above 128 it is infinite.
 *
 * LSR. `sum` is that of max(0, t), t = 1 - epsilon - b (1 - phi) by one fma; `other` counts the t
 * that are not certain to be below 0.
 *
 * Polynomial. `sum` is that of phi^k, `other` that of |phi|^k.
 */
#ifndef DAM_CUDA_SINGLE_H
#define DAM_CUDA_SINGLE_H

#include "common.h"

#include "bounds.h"

namespace DAM_CUDA_NAMESPACE
{

#define SINGLE_CHUNK 16
#define SINGLE_TILE 128 /* patterns */
#define SINGLE_OWN 8    /* patterns of a tile that one thread has */
#define SINGLE_MAX_TILES 64
#define SINGLE_MAX_SPLITS 512

/* ex2.approx is given as good to 2^-22 of its value. */
#define SINGLE_EXP2_ERROR 0x1p-20

/* What the terms need. */
struct single_terms {
    float scale;  /* of an overlap */
    float offset; /* LSR: of the weight */
    float edge;   /* LSR: weights up to this are below 0 */
    int32_t k;    /* polynomial */
};

static __host__ __device__ __forceinline__ dam_precision single_precision_of(const dam_reference &f,
                                                                             int32_t tiles)
{
    const double chunks = static_cast<double>(divide_up(static_cast<int64_t>(f.N), SINGLE_CHUNK));
    dam_precision p =
        dam_precision_of(SINGLE_CHUNK + chunks + 1, SINGLE_EXP2_ERROR, SINGLE_OWN + tiles - 1);

    if (DAM_PLANTED(13))
        p.unit = p.overlap = p.exponential = p.sum = 0;
    if (DAM_PLANTED(DAM_PLANT_DOUBT))
        p.overlap *= 1e4; /* no fault: more proposals must go further, to the same end */
    return p;
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

static inline single_terms single_terms_of(const dam_reference &f, int32_t tiles)
{
    const dam_precision p = single_precision_of(f, tiles);
    single_terms t = {0, 0, 0, f.k};

    switch (f.kernel) {
    case DAM_LSE:
        t.scale = static_cast<float>(f.c / f.N * 1.4426950408889634);
        break;
    case DAM_LSR:
        t.scale = static_cast<float>(f.b / f.N);
        t.offset = static_cast<float>(1.0 - f.epsilon - f.b);
        t.edge = static_cast<float>(-dam_lsr_margin(&f, &p) * (1.0 + 1e-6));
        break;
    default:
        t.scale = static_cast<float>(1.0 / f.N);
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
                                                  float *sum, float *other)
{
    if (KERNEL == DAM_LSE) {
        *sum += single_exp2(multiply_add(t.scale, overlap, shift));
    } else if (KERNEL == DAM_LSR) {
        const float weight = multiply_add(t.scale, overlap, t.offset);
        *sum += fmaxf(0.0f, weight);
        *other += weight > t.edge ? 1.0f : 0.0f;
    } else {
        const float power = single_power(t.scale * overlap, t.k);
        *sum += power;
        *other += fabsf(power);
    }
}

/* The interval that contains the reference's L. */
static __device__ __forceinline__ dam_interval single_interval(const dam_reference &f,
                                                               const dam_precision &p, int64_t M,
                                                               double sum, double other,
                                                               float shift)
{
    const double patterns = static_cast<double>(M);

    if (f.kernel == DAM_LSE)
        return dam_lse_interval(&f, patterns, &p, -f.c - shift * 0.6931471805599453, sum);
    return f.kernel == DAM_LSR ? dam_lsr_interval(&f, patterns, &p, sum, other)
                               : dam_polynomial_interval(&f, patterns, &p, sum, other);
}

} // namespace DAM_CUDA_NAMESPACE

#endif
