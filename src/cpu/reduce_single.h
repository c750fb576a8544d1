/*
 * Terms of the Hamiltonians from overlaps in single precision, on vector registers: what every pass
 * that computes overlaps of many states with a strip of patterns does with them (single.c).
 * Compiled once per instruction set, like kernels.c; src/bounds.h says how exact the sums are.
 */
#ifndef DAM_CPU_REDUCE_SINGLE_H
#define DAM_CPU_REDUCE_SINGLE_H

#include "../bounds.h"
#include "kernels.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#define DAM_INLINE static inline __attribute__((always_inline))

/* One register of singles. */
#if defined(DAM_ISA_avx512)
#define DAM_SINGLES 16
#elif defined(DAM_ISA_avx2)
#define DAM_SINGLES 8
#else
#define DAM_SINGLES 4
#endif
typedef float singles __attribute__((vector_size(4 * DAM_SINGLES)));
typedef int32_t integers __attribute__((vector_size(4 * DAM_SINGLES)));

DAM_INLINE singles splat(float x)
{
    return x - (singles){0};
}

/* a b + c, rounded once or twice. */
DAM_INLINE singles multiply_add(singles a, singles b, singles c)
{
#if defined(DAM_ISA_avx512)
    return (singles)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(DAM_ISA_avx2)
    return (singles)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* The second where the first is not a number. */
DAM_INLINE singles larger(singles a, singles b)
{
#if defined(DAM_ISA_avx512)
    return (singles)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(DAM_ISA_avx2)
    return (singles)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
    return (singles)_mm_max_ps((__m128)a, (__m128)b);
#else
    integers first = a > b;
    return (singles)(((integers)a & first) | ((integers)b & ~first));
#endif
}

DAM_INLINE singles smaller(singles a, singles b)
{
#if defined(DAM_ISA_avx512)
    return (singles)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(DAM_ISA_avx2)
    return (singles)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__SSE2__)
    return (singles)_mm_min_ps((__m128)a, (__m128)b);
#else
    integers first = a < b;
    return (singles)(((integers)a & first) | ((integers)b & ~first));
#endif
}

DAM_INLINE singles magnitude(singles a)
{
    return (singles)((integers)a & 0x7fffffff);
}

/* count + 1 where a > b. */
DAM_INLINE integers count_above(singles a, singles b, integers count)
{
#if defined(DAM_ISA_avx512)
    return (integers)_mm512_mask_sub_epi32((__m512i)count,
                                           _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ),
                                           (__m512i)count, _mm512_set1_epi32(-1));
#else
    return count - (integers)(a > b);
#endif
}

/*
 * 2^y through a polynomial of degree 4 in the fraction of y, fitted for the least largest relative
 * error. Below 2^-125 the result is 0 or about 2^-125; the bounds count both as dropped. From
 * y = 127 on it is at least 2^DAM_OVERFLOW.
 */
#if defined(DAM_ISA_avx512)
DAM_INLINE singles exp2_singles(singles y)
{
    const singles fraction = (singles)_mm512_reduce_ps((__m512)y, _MM_FROUND_TO_NEG_INF);
    singles p = splat(0x1.bb7cd4p-7f); /* on [0, 1] */

    p = multiply_add(p, fraction, splat(0x1.aa13fp-5f));
    p = multiply_add(p, fraction, splat(0x1.ee798ap-3f));
    p = multiply_add(p, fraction, splat(0x1.62d166p-1f));
    p = multiply_add(p, fraction, splat(0x1.00002cp+0f));
    return (singles)_mm512_scalef_ps((__m512)p, (__m512)y);
}

DAM_INLINE singles exp2_near(singles a, singles b, singles c)
{
    return exp2_singles(multiply_add(a, b, c));
}
#else
#define MAGIC 0x1.8p23f /* adding it leaves the integer in the low bits */

/* 2^(n + fraction), where shifted = n + MAGIC. */
DAM_INLINE singles exp2_parts(singles shifted, singles fraction)
{
    singles p = splat(0x1.3997d6p-7f); /* on [-1/2, 1/2] */

    p = multiply_add(p, fraction, splat(0x1.ca144p-5f));
    p = multiply_add(p, fraction, splat(0x1.ec06dap-3f));
    p = multiply_add(p, fraction, splat(0x1.62e0dcp-1f));
    p = multiply_add(p, fraction, splat(0x1.ffffe8p-1f));
    return (singles)((integers)p + ((integers)shifted << 23));
}

DAM_INLINE singles exp2_singles(singles y)
{
    const singles inside = larger(smaller(y, splat(127.0f)), splat(DAM_CUT));
    const singles shifted = inside + splat(MAGIC);

    return exp2_parts(shifted, inside - (shifted - splat(MAGIC)));
}

/* 2^(a b + c) for an integer c, where the exponent is known to be within DAM_INSIDE. */
DAM_INLINE singles exp2_near(singles a, singles b, singles c)
{
    const singles base = c + splat(MAGIC), shifted = multiply_add(a, b, base);

    return exp2_parts(shifted, multiply_add(a, b, base - shifted));
}
#endif

/* phi^k by squaring. */
DAM_INLINE singles power_singles(singles phi, int k)
{
    singles power = splat(1.0f);

    for (; k > 1; k >>= 1) {
        if (k & 1)
            power *= phi;
        phi *= phi;
    }
    return power * phi;
}

/*
 * Adds the terms of `width` states with a strip of `vectors` registers of patterns, whose overlaps
 * x.xi are dot[j][], to each state's lanes: `sum`, and beside it what dam_single_sum calls `other`.
 */
DAM_INLINE void add_terms_lse(const dam_single_terms *t, const float *offset, const singles *dot,
                              int width, int vectors, singles *sum)
{
    const singles scale = splat(t->scale);

    for (int j = 0; j < width; j++, dot += vectors) {
        const singles shift = splat(offset[j]);
        singles terms = {0};
        if (t->inside)
            for (int v = 0; v < vectors; v++)
                terms += exp2_near(dot[v], scale, shift);
        else
            for (int v = 0; v < vectors; v++)
                terms += exp2_singles(multiply_add(dot[v], scale, shift));
        sum[j] += terms;
    }
}

DAM_INLINE void add_terms_lsr(const dam_single_terms *t, const float *offset, const singles *dot,
                              int width, int vectors, singles *sum, integers *count)
{
    const singles scale = splat(t->scale), zero = {0}, margin = splat(-t->margin);

    for (int j = 0; j < width; j++) {
        const singles shift = splat(offset[j]);
        singles terms = zero;
        for (int v = 0; v < vectors; v++) {
            const singles term = multiply_add(dot[j * vectors + v], scale, shift);
            terms += larger(term, zero);
            count[j] = count_above(term, margin, count[j]);
        }
        sum[j] += terms;
    }
}

DAM_INLINE void add_terms_polynomial(const dam_single_terms *t, const singles *dot, int width,
                                     int vectors, singles *sum, singles *absolute)
{
    const singles scale = splat(t->scale);

    for (int j = 0; j < width; j++) {
        singles terms = {0}, sizes = {0};
        for (int v = 0; v < vectors; v++) {
            const singles term = power_singles(dot[j * vectors + v] * scale, t->k);
            terms += term;
            sizes += magnitude(term);
        }
        sum[j] += terms;
        absolute[j] += sizes;
    }
}

#endif
