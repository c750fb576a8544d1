/*
 * Random numbers of a stream on vector registers: Philox4x32-10 for a register of counters, and the
 * transforms of exact_math.h. The bits are those of dam_words and dam_normal_pair; several
 * registers go through each operation together, because every operation waits for the one before
 * it.
 */
#include <string.h>

#include "../exact_math.h"
#include "per_isa.h"

/* 64-bit lanes of a register; each holds a 32-bit word below, and anything above. */
#if defined(DAM_ISA_avx512)
#define WORDS 8
#elif defined(DAM_ISA_avx2)
#define WORDS 4
#else
#define WORDS 2
#endif
#define PLACES (2 * WORDS) /* singles of a register, and blocks that are made together */
typedef uint64_t words __attribute__((vector_size(8 * WORDS)));
typedef uint32_t halves __attribute__((vector_size(8 * WORDS)));
typedef int32_t integers __attribute__((vector_size(8 * WORDS)));
typedef float reals __attribute__((vector_size(8 * WORDS)));

#define ROUNDS PHILOX4x32_DEFAULT_ROUNDS

/* Registers of blocks that are made together, at most. */
#define MOST_PARTS 2

INLINE words every(uint64_t word)
{
    return (words){0} + word;
}

/* The products of the lower words. */
INLINE words multiply(words a, words b)
{
#if defined(DAM_ISA_avx512)
    return (words)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(DAM_ISA_avx2)
    return (words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
    return (words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
    return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

/* The lower words of a and b, by turns. */
INLINE halves merge(words a, words b)
{
#if defined(DAM_ISA_avx512)
    return (halves)_mm512_mask_shuffle_epi32((__m512i)a, 0xaaaa, (__m512i)b, _MM_PERM_CCAA);
#elif defined(DAM_ISA_avx2)
    return (halves)_mm256_blend_epi32((__m256i)a, _mm256_slli_epi64((__m256i)b, 32), 0xaa);
#else
    return (halves)((a & 0xffffffffu) | b << 32);
#endif
}

/* a b + c where a b is exact, so that it may be fused or not. */
INLINE reals add_exact(reals a, float b, reals c)
{
#if defined(DAM_ISA_avx512)
    return (reals)_mm512_fmadd_ps((__m512)a, _mm512_set1_ps(b), (__m512)c);
#elif defined(DAM_ISA_avx2)
    return (reals)_mm256_fmadd_ps((__m256)a, _mm256_set1_ps(b), (__m256)c);
#else
    return a * b + c;
#endif
}

INLINE reals root(reals x)
{
#if defined(DAM_ISA_avx512)
    return (reals)_mm512_sqrt_ps((__m512)x);
#elif defined(DAM_ISA_avx2)
    return (reals)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
    return (reals)_mm_sqrt_ps((__m128)x);
#else
    for (int i = 0; i < PLACES; i++)
        x[i] = sqrtf(x[i]);
    return x;
#endif
}

/*
 * Block of a register whose words stand at `place`: places 4 i .. 4 i + 3 (128 bits) are transposed
 * when numbers are written, and that puts the blocks in order.
 */
#define BLOCK_AT(place) ((place) % 4 * (PLACES / 4) + (place) / 4)
#define PLACE_OF(block) ((block) % (PLACES / 4) * 4 + (block) / (PLACES / 4))

/*
 * A stream's generator. The first two rounds multiply what all blocks have in common (the
 * subsequence, and the upper word of the counter, `upper`), so a part of them is done beforehand.
 */
typedef struct {
    words key[ROUNDS][2];
    words first, second, third, fourth; /* in the state after two rounds */
    words even, odd;                    /* which blocks stand at even and odd places */
    dam_stream stream;
    uint32_t upper;
} generator;

static inline void begin_at(generator *g, uint32_t upper)
{
    const dam_stream s = g->stream;
    const uint32_t low = (uint32_t)s.subsequence, high = (uint32_t)(s.subsequence >> 32);
    const uint64_t product = (uint64_t)low * PHILOX_M4x32_1;
    const uint32_t common = (uint32_t)(product >> 32) ^ upper ^ (uint32_t)g->key[0][0][0];
    const uint64_t next = (uint64_t)common * PHILOX_M4x32_0;

    g->upper = upper;
    g->first = every((uint32_t)product ^ g->key[1][0][0]);
    g->second = every(high ^ g->key[0][1][0]);
    g->third = every(next >> 32 ^ g->key[1][1][0]);
    g->fourth = every(next);
}

static inline void generator_make(generator *g, dam_stream s, uint32_t upper)
{
    for (int i = 0; i < ROUNDS; i++) {
        g->key[i][0] = every((uint32_t)s.key + (uint32_t)i * PHILOX_W32_0);
        g->key[i][1] = every((uint32_t)(s.key >> 32) + (uint32_t)i * PHILOX_W32_1);
    }
    for (int j = 0; j < WORDS; j++) {
        g->even[j] = BLOCK_AT(2 * j);
        g->odd[j] = BLOCK_AT(2 * j + 1);
    }
    g->stream = s;
    begin_at(g, upper);
}

/* w[i]: word i of the blocks from `first` on, `parts` registers of blocks, a constant. */
INLINE void make_words(const generator *g, uint64_t first, int parts, halves w[4][MOST_PARTS])
{
    const words m0 = every(PHILOX_M4x32_0), m1 = every(PHILOX_M4x32_1);
    words c[4][2 * MOST_PARTS];

#pragma GCC unroll 4
    for (int v = 0; v < 2 * parts; v++) {
        const words counter = (v & 1 ? g->odd : g->even) + (first + (uint64_t)(v / 2 * PLACES));
        const words a = multiply(counter, m0), b = multiply(a >> 32 ^ g->second, m1);
        c[0][v] = b >> 32 ^ g->first;
        c[1][v] = b;
        c[2][v] = a ^ g->third;
        c[3][v] = g->fourth;
    }
#pragma GCC unroll 8
    for (int i = 2; i < ROUNDS; i++) {
#pragma GCC unroll 4
        for (int v = 0; v < 2 * parts; v++) {
            const words a = multiply(c[0][v], m0), b = multiply(c[2][v], m1);
            c[0][v] = b >> 32 ^ c[1][v] ^ g->key[i][0];
            c[1][v] = b;
            c[2][v] = a >> 32 ^ c[3][v] ^ g->key[i][1];
            c[3][v] = a;
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
#pragma GCC unroll 2
        for (int v = 0; v < parts; v++)
            w[i][v] = merge(c[i][2 * v], c[i][2 * v + 1]);
}

/* The same where the upper word of the counter changes. */
static void make_words_across(dam_stream s, uint64_t first, int parts, halves w[4][MOST_PARTS])
{
    for (int v = 0; v < parts; v++)
        for (int place = 0; place < PLACES; place++) {
            uint32_t block[4];
            dam_words(s, first + (uint64_t)(v * PLACES + BLOCK_AT(place)), block);
            for (int i = 0; i < 4; i++)
                w[i][v][place] = block[i];
        }
}

#define FOR_EACH_PART _Pragma("GCC unroll 4") for (int v = 0; v < parts; v++)

/* sqrt(-2 dam_logf(u)) of the u that words stand for. */
INLINE void make_radii(const halves *word, int parts, reals *radius)
{
    static const float coefficient[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                                        -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                                        2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    const int32_t sqrt_half = 0x3f3504f3;
    reals e[2 * MOST_PARTS], x[2 * MOST_PARTS], p[2 * MOST_PARTS];

    FOR_EACH_PART
    {
        const reals w = __builtin_convertvector(word[v], reals);
        const reals u = add_exact(w, 0x1p-32f, (reals){0} + 0x1p-33f);
        const integers shifted = (integers)u - sqrt_half;
        e[v] = __builtin_convertvector(shifted >> 23, reals);
        x[v] = (reals)((shifted & 0x7fffff) + sqrt_half) - 1.0f;
        p[v] = (reals){0} + coefficient[0];
    }
#pragma GCC unroll 8
    for (int i = 1; i < 9; i++)
        FOR_EACH_PART p[v] = p[v] * x[v] + coefficient[i];
    FOR_EACH_PART
    {
        const reals z = x[v] * x[v];
        p[v] = p[v] * x[v] * z;
        p[v] = p[v] - 2.12194440e-4f * e[v];
        p[v] = add_exact(z, -0.5f, p[v]);
        p[v] = add_exact(e[v], 0.693359375f, x[v] + p[v]);
        radius[v] = root(-2.0f * p[v]);
    }
}

/* Sine and cosine of an angle from those of what it is beyond the nearest quarter of a turn, by the
 * quarter: `turned` counts quarters in its upper two bits. */
INLINE void turn_by_quarters(halves turned, reals s, reals c, reals *sine, reals *cosine)
{
    const halves other = turned + 0x40000000u;
#if defined(DAM_ISA_avx512)
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    const __mmask16 odd = _mm512_test_epi32_mask((__m512i)turned, _mm512_set1_epi32(1 << 30));
    const __m512 a = _mm512_mask_blend_ps(odd, (__m512)s, (__m512)c);
    const __m512 b = _mm512_mask_blend_ps(odd, (__m512)c, (__m512)s);

    *sine = (reals)_mm512_ternarylogic_epi32((__m512i)a, (__m512i)turned, sign, 0x78); /* a^(b&c) */
    *cosine = (reals)_mm512_ternarylogic_epi32((__m512i)b, (__m512i)other, sign, 0x78);
#else
    const halves odd = (halves){0} - (turned >> 30 & 1u), sign = (halves){0} + (1u << 31);

    *sine = (reals)((((halves)c & odd) | ((halves)s & ~odd)) ^ (turned & sign));
    *cosine = (reals)((((halves)s & odd) | ((halves)c & ~odd)) ^ (other & sign));
#endif
}

/* dam_sincos_turn; its angle times four is that of the word's lower bits as an integer. */
INLINE void make_turns(const halves *word, int parts, reals *sine, reals *cosine)
{
    const float unit = 0.25f * 1.46291807926715968e-9f;
    reals t[2 * MOST_PARTS], z[2 * MOST_PARTS], s[2 * MOST_PARTS], c[2 * MOST_PARTS];

    FOR_EACH_PART
    {
        t[v] = __builtin_convertvector((integers)(word[v] << 2), reals) * unit;
        z[v] = t[v] * t[v];
    }
    FOR_EACH_PART s[v] = -1.9515295891e-4f * z[v] + 8.3321608736e-3f;
    FOR_EACH_PART c[v] = 2.443315711809948e-5f * z[v] - 1.388731625493765e-3f;
    FOR_EACH_PART s[v] = s[v] * z[v] - 1.6666654611e-1f;
    FOR_EACH_PART c[v] = c[v] * z[v] + 4.166664568298827e-2f;
    FOR_EACH_PART s[v] = s[v] * z[v] * t[v] + t[v];
    FOR_EACH_PART c[v] = c[v] * z[v] * z[v] + add_exact(z[v], -0.5f, (reals){0} + 1.0f);
    FOR_EACH_PART turn_by_quarters(word[v] + 0x20000000u, s[v], c[v], sine + v, cosine + v);
}

/* Component i of the block at `place` goes to out[4 BLOCK_AT(place) + i]. */
INLINE void write_blocks(reals n0, reals n1, reals n2, reals n3, float *out)
{
#if defined(DAM_ISA_avx512)
#define REGISTER __m512
#define STORE _mm512_storeu_ps
#define LOW _mm512_unpacklo_ps
#define HIGH _mm512_unpackhi_ps
#define SHUFFLE _mm512_shuffle_ps
#elif defined(DAM_ISA_avx2)
#define REGISTER __m256
#define STORE _mm256_storeu_ps
#define LOW _mm256_unpacklo_ps
#define HIGH _mm256_unpackhi_ps
#define SHUFFLE _mm256_shuffle_ps
#elif defined(__SSE2__)
#define REGISTER __m128
#define STORE _mm_storeu_ps
#define LOW _mm_unpacklo_ps
#define HIGH _mm_unpackhi_ps
#define SHUFFLE _mm_shuffle_ps
#endif
#ifdef REGISTER
    const REGISTER low_01 = LOW((REGISTER)n0, (REGISTER)n1);
    const REGISTER low_23 = LOW((REGISTER)n2, (REGISTER)n3);
    const REGISTER high_01 = HIGH((REGISTER)n0, (REGISTER)n1);
    const REGISTER high_23 = HIGH((REGISTER)n2, (REGISTER)n3);

    STORE(out, SHUFFLE(low_01, low_23, 0x44));
    STORE(out + PLACES, SHUFFLE(low_01, low_23, 0xee));
    STORE(out + 2 * PLACES, SHUFFLE(high_01, high_23, 0x44));
    STORE(out + 3 * PLACES, SHUFFLE(high_01, high_23, 0xee));
#else
    for (int place = 0; place < PLACES; place++) {
        out[4 * BLOCK_AT(place)] = n0[place];
        out[4 * BLOCK_AT(place) + 1] = n1[place];
        out[4 * BLOCK_AT(place) + 2] = n2[place];
        out[4 * BLOCK_AT(place) + 3] = n3[place];
    }
#endif
}

/* The words of any blocks. */
INLINE void make_any_words(generator *g, uint64_t first, int parts, halves w[4][MOST_PARTS])
{
    const uint64_t last = first + (uint64_t)(parts * PLACES) - 1;

    if (last >> 32 != g->upper)
        begin_at(g, (uint32_t)(last >> 32));
    if (first >> 32 == g->upper)
        make_words(g, first, parts, w);
    else
        make_words_across(g->stream, first, parts, w);
}

/* The normals of `parts` registers of blocks, from `first` on. */
INLINE void make_normals(generator *g, uint64_t first, int parts, float *restrict out)
{
    reals radius[2 * MOST_PARTS], sine[2 * MOST_PARTS], cosine[2 * MOST_PARTS];
    halves w[4][MOST_PARTS], word[2][2 * MOST_PARTS];

    make_any_words(g, first, parts, w);
#pragma GCC unroll 4
    for (int v = 0; v < 2 * parts; v++) {
        word[0][v] = w[v / parts * 2][v % parts];
        word[1][v] = w[v / parts * 2 + 1][v % parts];
    }
    make_radii(word[0], 2 * parts, radius);
    make_turns(word[1], 2 * parts, sine, cosine);
#pragma GCC unroll 2
    for (int v = 0; v < parts; v++)
        write_blocks(radius[v] * cosine[v], radius[v] * sine[v],
                     radius[parts + v] * cosine[parts + v], radius[parts + v] * sine[parts + v],
                     out + 4 * PLACES * v);
}

void PASTE(dam_normals, DAM_ISA)(dam_stream s, int64_t count, uint64_t first, float *restrict out)
{
    const int64_t two = 8 * PLACES, one = 4 * PLACES;
    float last[8 * PLACES];
    generator g;

    generator_make(&g, s, (uint32_t)(first >> 32));
    for (; count >= two; count -= two, first += 2 * PLACES, out += two)
        make_normals(&g, first, 2, out);
    if (count <= 0)
        return;
    if (count > one)
        make_normals(&g, first, 2, last);
    else
        make_normals(&g, first, 1, last);
    memcpy(out, last, (size_t)count * sizeof *out);
}

void PASTE(dam_log_uniforms, DAM_ISA)(dam_stream s, int64_t count, uint64_t first,
                                      double *restrict out)
{
    halves w[4][MOST_PARTS];
    double all[PLACES];
    generator g;

    generator_make(&g, s, (uint32_t)(first >> 32));
    for (; count > 0; count -= PLACES, first += PLACES, out += PLACES) {
        const int some = count < PLACES ? (int)count : PLACES;
        uint32_t word[PLACES], next[PLACES];
        make_any_words(&g, first, 1, w);
        memcpy(word, &w[0][0], sizeof word);
        memcpy(next, &w[1][0], sizeof next);
        for (int place = 0; place < PLACES; place++)
            all[place] = dam_log(dam_uniform((const uint32_t[]){word[place], next[place]}));
        for (int i = 0; i < some; i++)
            out[i] = all[PLACE_OF(i)];
    }
}
