/* What becomes of the products of one state with sixteen patterns, with AVX-512. */
#ifndef DAM_CPU_COARSE_ROWS_H
#define DAM_CPU_COARSE_ROWS_H

#include <immintrin.h>

#include "coarse.h"

#define DAM_INLINE static inline __attribute__((always_inline))

/* What is the same for all rows. */
typedef struct {
    __m512i edge, floor;
    __m128i shift;
} dam_coarse_common;

DAM_INLINE dam_coarse_common dam_coarse_common_of(const dam_coarse_block *b)
{
    return (dam_coarse_common){_mm512_set1_epi32(b->edge), _mm512_set1_epi32(b->floor),
                               _mm_cvtsi32_si128(b->shift)};
}

/* State j with tile t. */
DAM_INLINE void dam_coarse_finish(const dam_coarse_block *b, const dam_coarse_common *c, bool sum,
                                  int64_t j, int64_t t, __m512i v)
{
    const __mmask16 far = _mm512_cmple_epi32_mask(v, c->edge);

    b->mask[j * b->mask_stride + t] = far;
    if (sum) {
        const __m512i bits = _mm512_sll_epi32(_mm512_max_epi32(v, c->floor), c->shift);
        const __m512 old = _mm512_load_ps(b->sums[j]);
        _mm512_store_ps(b->sums[j],
                        _mm512_mask_add_ps(old, far, old, _mm512_castsi512_ps(bits)));
    }
}

#endif
