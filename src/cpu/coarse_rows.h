/* What becomes of the products of one state with sixteen patterns, with AVX-512. */
#ifndef DAM_CPU_COARSE_ROWS_H
#define DAM_CPU_COARSE_ROWS_H

#include <immintrin.h>

#include "coarse.h"

#define DAM_INLINE static inline __attribute__((always_inline))

/* Fetches the rows from i on, up to `end`. */
DAM_INLINE void dam_coarse_fetch(const dam_coarse_rows *r, int64_t i, int64_t end)
{
    for (; i < end && i < r->rows; i++) {
        const char *row = r->first + (r->place ? r->place[i] : i) * r->bytes;
        for (int64_t at = 0; at < r->bytes; at += 64)
            _mm_prefetch(row + at, _MM_HINT_T1);
        _mm_prefetch(row + r->bytes - 1, _MM_HINT_T1); /* rows are not aligned to lines */
    }
}

/* What is needed for a row, out of the reach of what is written meanwhile. */
typedef struct {
    __m512i edge, floor;
    __m128i shift;
    uint16_t *mask;
    int64_t mask_stride;
    float (*sums)[DAM_COARSE_TILE];
} dam_coarse_finisher;

DAM_INLINE dam_coarse_finisher dam_coarse_finisher_of(const dam_coarse_block *b)
{
    return (dam_coarse_finisher){_mm512_set1_epi32(b->edge),
                                 _mm512_set1_epi32(b->floor),
                                 _mm_cvtsi32_si128(b->shift),
                                 b->mask,
                                 b->mask_stride,
                                 b->sums};
}

/* A state with sixteen patterns: its mask of them, and its sums. */
DAM_INLINE void dam_coarse_finish(const dam_coarse_finisher *f, bool sum, uint16_t *mask,
                                  float *sums, __m512i v)
{
    const __mmask16 far = _mm512_cmple_epi32_mask(v, f->edge);

    *mask = far;
    if (sum) {
        const __m512i bits = _mm512_sll_epi32(_mm512_max_epi32(v, f->floor), f->shift);
        const __m512 old = _mm512_load_ps(sums);
        _mm512_store_ps(sums, _mm512_mask_add_ps(old, far, old, _mm512_castsi512_ps(bits)));
    }
}

#endif
