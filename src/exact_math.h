/*
 * Elementary functions whose bits are ours: the C library's differ between versions and devices.
 * Everything is IEEE add, subtract, multiply, divide and square root in the order written here, so
 * scalar code, vector code of any width and a GPU agree to the bit. Single precision for the
 * normals, double precision for the reference evaluation.
 */
#ifndef DAM_EXACT_MATH_H
#define DAM_EXACT_MATH_H

#include "portable.h"

/* ln u for normal u > 0, about 1 ulp off at worst outside u ~ 1; used for the radii of normals. */
DAM_HD float dam_logf(float u)
{
    const int32_t sqrt_half = 0x3f3504f3;
    int32_t shifted = (int32_t)dam_bits32(u) - sqrt_half;
    float e = (float)(shifted >> 23);
    float x = dam_float((uint32_t)((shifted & 0x7fffff) + sqrt_half)) - 1.0f;
    float z = x * x;
    float p = 7.0376836292e-2f;

    p = p * x - 1.1514610310e-1f;
    p = p * x + 1.1676998740e-1f;
    p = p * x - 1.2420140846e-1f;
    p = p * x + 1.4249322787e-1f;
    p = p * x - 1.6668057665e-1f;
    p = p * x + 2.0000714765e-1f;
    p = p * x - 2.4999993993e-1f;
    p = p * x + 3.3333331174e-1f;
    p = p * x * z;
    p = p - 2.12194440e-4f * e;
    p = p - 0.5f * z;
    return (x + p) + 0.693359375f * e;
}

/* sin and cos of 2 pi a / 2^32: the quadrant is exact, the rest a short polynomial. */
DAM_HD void dam_sincos_turn(uint32_t a, float *sine, float *cosine)
{
    uint32_t quadrant = (a + 0x20000000u) >> 30;
    float t = (float)(int32_t)(a - (quadrant << 30)) * 1.46291807926715968e-9f; /* pi / 2^31 */
    float z = t * t;
    float s = ((-1.9515295891e-4f * z + 8.3321608736e-3f) * z - 1.6666654611e-1f) * z * t + t;
    float c =
        ((2.443315711809948e-5f * z - 1.388731625493765e-3f) * z + 4.166664568298827e-2f) * z * z +
        (1.0f - 0.5f * z);
    uint32_t odd = 0u - (quadrant & 1u);
    uint32_t s_bits = (dam_bits32(c) & odd) | (dam_bits32(s) & ~odd);
    uint32_t c_bits = (dam_bits32(s) & odd) | (dam_bits32(c) & ~odd);

    *sine = dam_float(s_bits ^ ((quadrant & 2u) << 30));
    *cosine = dam_float(c_bits ^ (((quadrant + 1u) & 2u) << 30));
}

/* Box and Muller: two words to two standard normals; |n| <= 6.77. */
DAM_HD void dam_normal_pair(uint32_t a, uint32_t b, float *n0, float *n1)
{
    float u = (float)a * 0x1p-32f + 0x1p-33f; /* in (0, 1] */
    float radius = sqrtf(-2.0f * dam_logf(u));
    float s, c;

    dam_sincos_turn(b, &s, &c);
    *n0 = radius * c;
    *n1 = radius * s;
}

/*
 * exp z for z <= 0: relative error below 1e-15; exactly 0 at and below -708, where the result would
 * leave the normal numbers; exp 0 = 1 exactly.
 */
DAM_HD double dam_exp(double z)
{
    const double round_to_integer = 0x1.8p52; /* adding it leaves the integer in the low bits */
    double shifted = z * 1.4426950408889634 + round_to_integer;
    double n = shifted - round_to_integer;
    double r = (z - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33; /* ln 2 in two parts */
    double p = 1.6059043836821613e-10;                                     /* 1/13! .. 1/2! */

    p = p * r + 2.0876756987868100e-9;
    p = p * r + 2.5052108385441720e-8;
    p = p * r + 2.7557319223985888e-7;
    p = p * r + 2.7557319223985893e-6;
    p = p * r + 2.4801587301587302e-5;
    p = p * r + 1.9841269841269841e-4;
    p = p * r + 1.3888888888888889e-3;
    p = p * r + 8.3333333333333332e-3;
    p = p * r + 4.1666666666666664e-2;
    p = p * r + 1.6666666666666666e-1;
    p = p * r + 0.5;
    p = p * (r * r) + r + 1.0;
    p = p * dam_double((dam_bits64(shifted) + 1023u) << 52);
    return z > -708.0 ? p : 0.0;
}

/* ln v for normal v > 0, relative error below 1e-15 (Tang's form with s = f / (2 + f)). */
DAM_HD double dam_log(double v)
{
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcdu;
    int64_t shifted = (int64_t)(dam_bits64(v) - sqrt_half);
    int64_t e = shifted >> 52;
    double f = dam_double((uint64_t)((shifted & 0xfffffffffffff) + (int64_t)sqrt_half)) - 1.0;
    double s = f / (2.0 + f);
    double z = s * s;
    double half_square = 0.5 * f * f;
    double k = (double)e;
    double p = 1.479819860511658591e-1;

    p = p * z + 1.531383769920937332e-1;
    p = p * z + 1.818357216161805012e-1;
    p = p * z + 2.222219843214978396e-1;
    p = p * z + 2.857142874366239149e-1;
    p = p * z + 3.999999999940941908e-1;
    p = p * z + 6.666666666666735130e-1;
    p = p * z;
    return k * 0x1.62e42fee00000p-1 -
           ((half_square - (s * (half_square + p) + k * 0x1.a39ef35793c76p-33)) - f);
}

#endif
