#include <string.h>

#include "coarse_rows.h"

/* States and tiles of patterns whose products are computed together. */
#define WIDTH 8
#define TILES 2

/* What is needed to make terms of words. */
typedef struct {
    __m512 power[2];
    __m512i shift;
    __m512 start[2];
    bool left, narrow, fine; /* constants where this is inlined */
} words_finisher;

static bool usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vnni");
}

/* Lines, or rows, of which some are fetched while some states meet two tiles. */
typedef struct {
    int64_t next, each;
} fetch;

/* What the states from j on fetch of so many. */
DAM_INLINE fetch fetch_of(int64_t number, int64_t states, int64_t tiles, int64_t j)
{
    const int64_t rounds = (states + WIDTH - 1) / WIDTH * (tiles / TILES);
    const int64_t each = rounds > 0 ? (number + rounds - 1) / rounds : 0;

    return (fetch){j / WIDTH * (tiles / TILES) * each, each};
}

DAM_INLINE void fetch_lines(fetch *f, const char *first, int64_t lines)
{
    for (int64_t end = f->next + f->each; f->next < end && f->next < lines; f->next++)
        _mm_prefetch(first + 64 * f->next, _MM_HINT_T1);
}

DAM_INLINE void fetch_rows(fetch *f, const dam_coarse_rows *rows)
{
    dam_coarse_fetch(rows, f->next, f->next + f->each);
    f->next += f->each;
}

/* Two words of a state. */
typedef int32_t __attribute__((may_alias)) two_words;

/* Four bytes of a state, as often as there are patterns. */
DAM_INLINE __m512i splat(const void *four)
{
    int32_t word;

    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

/* Adds products of bytes, the first ones without a sign, or of words, of which two of a state meet
 * all patterns. Compilers copy all registers back and forth around the functions that stand for
 * these instructions. */
DAM_INLINE void multiply_bytes(__m512i *sum, __m512i a, __m512i b)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sum) : "v"(a), "v"(b));
}

DAM_INLINE void multiply_words(__m512i *sum, __m512i a, const int16_t *b)
{
    __asm__("vpdpwssd %2%{1to16%}, %1, %0" : "+v"(*sum) : "v"(a), "m"(*(const two_words *)b));
}

/*
 * `width` states from j on with `tiles` tiles from t on; both are constants where this is inlined.
 * The instruction wants one factor without a sign: patterns are taken 128 larger, which adds 128
 * times the sum of the state.
 */
DAM_INLINE void multiply(const dam_coarse_block *b, bool sum, int64_t j, int width, int64_t t,
                         int tiles, __m512 *sums)
{
    const int row = dam_coarse_row(b->shape);
    const int8_t *pattern = b->pattern + t * row * DAM_COARSE_TILE, *state = b->state + j * row;
    const __m512i offset = _mm512_set1_epi8((char)0x80);
    __m512i v[WIDTH][TILES];

#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
            v[i][s] = _mm512_sub_epi32(_mm512_load_si512(b->start[j + i]),
                                       _mm512_set1_epi32(128 * b->total[j + i]));
    for (int k = 0; k < row; k += 4) {
        __m512i xi[TILES], x[WIDTH];
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
            xi[s] = _mm512_xor_si512(
                _mm512_load_si512(pattern + ((int64_t)s * row + k) * DAM_COARSE_TILE), offset);
#pragma GCC unroll 8
        for (int i = 0; i < width; i++)
            x[i] = splat(state + i * row + k);
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
#pragma GCC unroll 8
            for (int i = 0; i < width; i++)
                multiply_bytes(&v[i][s], xi[s], x[i]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++) {
            const __mmask16 far = _mm512_cmple_epi32_mask(v[i][s], _mm512_set1_epi32(b->edge));
            b->mask[(j + i) * b->mask_stride + t + s] = far;
            if (!sum)
                continue;
            v[i][s] = _mm512_sllv_epi32(_mm512_max_epi32(v[i][s], _mm512_set1_epi32(b->floor)),
                                        _mm512_set1_epi32(b->shift));
            sums[i] = _mm512_mask_add_ps(sums[i], far, sums[i], _mm512_castsi512_ps(v[i][s]));
        }
}

DAM_INLINE void scan_states(const dam_coarse_block *b, bool sum, int64_t j, int width)
{
    fetch line = fetch_of(b->lines, b->states, b->tiles, j);
    fetch row = fetch_of(b->rows.rows, b->states, b->tiles, j);
    __m512 sums[WIDTH];
    int64_t t = 0;

#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
        sums[i] = _mm512_load_ps(b->sums[j + i]);
    for (; t + TILES <= b->tiles; t += TILES) {
        fetch_lines(&line, b->next, b->lines);
        fetch_rows(&row, &b->rows);
        multiply(b, sum, j, width, t, TILES, sums);
    }
    if (t < b->tiles)
        multiply(b, sum, j, width, t, 1, sums);
#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
        _mm512_store_ps(b->sums[j + i], sums[i]);
}

void dam_coarse_scan_vnni(const dam_coarse_block *b, int64_t first)
{
    for (int64_t j = first; j < b->states; j += WIDTH) {
        const int64_t left = b->states - j;
        if (left > 4)
            b->sum ? scan_states(b, true, j, 8) : scan_states(b, false, j, 8);
        else if (left > 2)
            b->sum ? scan_states(b, true, j, 4) : scan_states(b, false, j, 4);
        else if (left > 1)
            b->sum ? scan_states(b, true, j, 2) : scan_states(b, false, j, 2);
        else
            b->sum ? scan_states(b, true, j, 1) : scan_states(b, false, j, 1);
    }
}

static void scan(const dam_coarse_block *b)
{
    dam_coarse_scan_vnni(b, 0);
}

/* What is added to a single for one pattern, of sixteen products of a state. */
DAM_INLINE __m512 add_far(const words_finisher *f, __m512i v, int32_t least, int32_t bias,
                          __mmask16 far, __m512 sum)
{
    if (!f->narrow)
        v = _mm512_max_epi32(v, _mm512_set1_epi32(least));
    v = f->left ? _mm512_sllv_epi32(v, f->shift) : _mm512_srav_epi32(v, f->shift);
    v = _mm512_add_epi32(v, _mm512_set1_epi32(bias));
    const __m512 z = _mm512_castsi512_ps(v);
    const __m512i part = _mm512_srli_epi32(v, 18);
    const __m512 power = _mm512_permutex2var_ps(f->power[0], part, f->power[1]);
    if (f->fine) {
        const __m512 octave =
            _mm512_castsi512_ps(_mm512_and_si512(v, _mm512_set1_epi32((int)0xff800000)));
        const __m512 start = _mm512_permutex2var_ps(f->start[0], part, f->start[1]);
        sum = _mm512_mask3_fmadd_ps(start, octave, sum, far);
    }
    return _mm512_mask3_fmadd_ps(power, z, sum, far);
}

/* `width` states from j on with `tiles` tiles from t on, as above. */
DAM_INLINE void add_words(const dam_words_block *b, const words_finisher *f, int64_t j, int width,
                          int64_t t, int tiles, __m512 *sum)
{
    const int row = b->row;
    const int16_t *pattern = b->pattern + t * row * DAM_COARSE_TILE, *state = b->state + j * row;
    __m512i v[WIDTH][TILES];

#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
            v[i][s] = _mm512_setzero_si512();
    for (int k = 0; k < row; k += 2) {
        __m512i xi[TILES];
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
            xi[s] = _mm512_load_si512(pattern + ((int64_t)s * row + k) * DAM_COARSE_TILE);
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
#pragma GCC unroll 8
            for (int i = 0; i < width; i++)
                multiply_words(&v[i][s], xi[s], state + i * row + k);
    }
#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++) {
            const __mmask16 far =
                _mm512_cmple_epi32_mask(v[i][s], _mm512_set1_epi32(b->edge[j + i]));
            b->mask[(j + i) * b->mask_stride + t + s] = far;
            sum[i] = add_far(f, v[i][s], b->least[j + i], b->bias[j + i], far, sum[i]);
        }
}

DAM_INLINE void sum_states(const dam_words_block *b, bool left, bool narrow, bool fine, int64_t j,
                           int width)
{
    const float *power = fine ? dam_words_slope : dam_paired_power;
    const words_finisher f = {
        {_mm512_loadu_ps(power), _mm512_loadu_ps(power + 16)},
        _mm512_set1_epi32(left ? -b->shift : b->shift),
        {_mm512_loadu_ps(dam_words_start), _mm512_loadu_ps(dam_words_start + 16)},
        left,
        narrow,
        fine};
    fetch line = fetch_of(b->lines, b->states, b->tiles, j);
    fetch row = fetch_of(b->rows.rows, b->states, b->tiles, j);
    __m512 sum[WIDTH];
    int64_t t = 0;

#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
        sum[i] = _mm512_load_ps(b->sums[j + i]);
    for (; t + TILES <= b->tiles; t += TILES) {
        fetch_lines(&line, b->next, b->lines);
        fetch_rows(&row, &b->rows);
        add_words(b, &f, j, width, t, TILES, sum);
    }
    if (t < b->tiles)
        add_words(b, &f, j, width, t, 1, sum);
#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
        _mm512_store_ps(b->sums[j + i], sum[i]);
}

DAM_INLINE void sum_all(const dam_words_block *b, bool left, bool narrow, bool fine)
{
    for (int64_t j = 0; j < b->states; j += WIDTH) {
        const int64_t states = b->states - j;
        if (states > 4) /* what is beyond is written, too */
            sum_states(b, left, narrow, fine, j, 8);
        else if (states > 2)
            sum_states(b, left, narrow, fine, j, 4);
        else if (states > 1)
            sum_states(b, left, narrow, fine, j, 2);
        else
            sum_states(b, left, narrow, fine, j, 1);
    }
}

void dam_words_sum_vnni(const dam_words_block *b)
{
    const bool left = b->shift < 0, narrow = b->narrow && !left;

    if (b->fine)
        left     ? sum_all(b, true, false, true)
        : narrow ? sum_all(b, false, true, true)
                 : sum_all(b, false, false, true);
    else
        left     ? sum_all(b, true, false, false)
        : narrow ? sum_all(b, false, true, false)
                 : sum_all(b, false, false, false);
}

const dam_coarse_loops dam_coarse_vnni = {
    "vnni", usable, scan, dam_paired_sum_plain, dam_words_sum_vnni, DAM_WORDS16, 0.0145, 0.17};
