/*
 * What headers shared by host and device need. All arithmetic that decides bits uses IEEE add,
 * subtract, multiply, divide and square root only, in a fixed order: no fma is needed, because the
 * product of two singles is exact in double. So these headers give the same bits wherever they are
 * compiled without contraction (-ffp-contract=off; nvcc -fmad=false) and without relaxed
 * arithmetic.
 */
#ifndef DAM_PORTABLE_H
#define DAM_PORTABLE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define DAM_HD static __host__ __device__ __forceinline__
#else
#define DAM_HD static inline __attribute__((always_inline))
#endif

#ifdef __FAST_MATH__
#error "relaxed arithmetic changes the results: build without -ffast-math"
#endif

DAM_HD uint32_t dam_bits32(float x)
{
    uint32_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

DAM_HD float dam_float(uint32_t i)
{
    float x;
    memcpy(&x, &i, sizeof x);
    return x;
}

DAM_HD uint64_t dam_bits64(double x)
{
    uint64_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

DAM_HD double dam_double(uint64_t i)
{
    double x;
    memcpy(&x, &i, sizeof x);
    return x;
}

#endif
