#include <string.h>

#include "coarse_rows.h"

/* States and tiles of patterns whose products are computed together. */
#define WIDTH 8
#define TILES 2

static bool usable(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vnni");
}

/* Four bytes of a state, as often as there are patterns. */
DAM_INLINE __m512i splat(const int8_t *four)
{
    int32_t word;

    memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

/*
 * `width` states from j on with `tiles` tiles from t on; both are constants where this is inlined.
 * The instruction wants one factor without a sign: patterns are taken 128 larger, which adds 128
 * times the sum of the state.
 */
DAM_INLINE void multiply(const dam_coarse_block *b, const dam_coarse_finisher *f, bool sum,
                         int64_t j, int width, int64_t t, int tiles)
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
        __m512i xi[TILES];
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
            xi[s] = _mm512_xor_si512(
                _mm512_load_si512(pattern + ((int64_t)s * row + k) * DAM_COARSE_TILE), offset);
#pragma GCC unroll 8
        for (int i = 0; i < width; i++) {
            const __m512i x = splat(state + i * row + k);
#pragma GCC unroll 2
            for (int s = 0; s < tiles; s++)
                v[i][s] = _mm512_dpbusd_epi32(v[i][s], xi[s], x);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < width; i++)
#pragma GCC unroll 2
        for (int s = 0; s < tiles; s++)
            dam_coarse_finish(f, sum, f->mask + (j + i) * f->mask_stride + t + s, f->sums[j + i],
                              v[i][s]);
}

DAM_INLINE void scan_states(const dam_coarse_block *b, bool sum, int64_t j, int width)
{
    const dam_coarse_finisher f = dam_coarse_finisher_of(b);
    int64_t t = 0;

    for (; t + TILES <= b->tiles; t += TILES)
        multiply(b, &f, sum, j, width, t, TILES);
    for (; t < b->tiles; t++)
        multiply(b, &f, sum, j, width, t, 1);
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

const dam_coarse_loops dam_coarse_vnni = {"vnni", usable, scan, dam_paired_sum_plain,
                                          false,  0.02,   0.5};
