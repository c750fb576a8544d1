#include "tiles.h"

#include <immintrin.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux gives the tiles' registers to a process that asks for them. */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

#define INLINE static inline __attribute__((always_inline))

static bool has_tiles;

static void find_tiles(void)
{
    unsigned a, b, c, d, low, high;

    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512f"))
        return;
    __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
    if (!(d >> 22 & 1) || !(d >> 24 & 1)) /* amx-bf16, amx-tile */
        return;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x60000) != 0x60000) /* the system saves them */
        return;
    has_tiles = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

bool dam_tiles_supported(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_tiles);
    return has_tiles;
}

/* Rounds to bfloat16, half away from zero; the result is in the upper halves. */
INLINE __m512i round_half(__m512i x)
{
    return _mm512_add_epi32(x, _mm512_set1_epi32(0x8000));
}

/* Upper halves of the components k (even words) and k + 1. */
INLINE __m512i upper_pairs(__m512i k0, __m512i k1)
{
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(k0, 16), k1);
}

INLINE __m512i rest(__m512i x, __m512i rounded)
{
    __m512i high = _mm512_and_si512(rounded, _mm512_set1_epi32((int)0xffff0000u));
    return _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(high)));
}

/* Splits components k and k + 1 of sixteen patterns. */
INLINE void split_pairs(const float *k0, const float *k1, uint32_t *high, uint32_t *low)
{
    const __m512i x0 = k0 ? _mm512_loadu_si512(k0) : _mm512_setzero_si512();
    const __m512i x1 = k1 ? _mm512_loadu_si512(k1) : _mm512_setzero_si512();
    const __m512i r0 = round_half(x0), r1 = round_half(x1);

    _mm512_store_si512(high, upper_pairs(r0, r1));
    _mm512_store_si512(low, upper_pairs(round_half(rest(x0, r0)), round_half(rest(x1, r1))));
}

void dam_tiles_split(dam_tiles_shape s, const float *panel, int N, uint32_t *high, uint32_t *low)
{
    const int64_t half = s.slices * DAM_TILES_WORDS;

    for (int t = 0; t < s.slices; t++)
        for (int i = 0; i < s.depth / 2; i++) {
            const int k = t * s.depth + 2 * i;
            const float *k0 = k < N ? panel + (int64_t)k * DAM_PANEL : NULL;
            const float *k1 = k + 1 < N ? panel + (int64_t)(k + 1) * DAM_PANEL : NULL;
            const int64_t out = t * DAM_TILES_WORDS + i * 16;
            split_pairs(k0, k1, high + out, low + out);
            split_pairs(k0 ? k0 + 16 : NULL, k1 ? k1 + 16 : NULL, high + half + out,
                        low + half + out);
        }
}

/*
 * 2^y with relative error below 4e-6 (a minimax polynomial on [0, 1]), but not less than 2^-126:
 * smaller results would take several times as long.
 */
INLINE __m512 exp2_masked(__mmask16 mask, __m512 exponent)
{
    const __m512 y = _mm512_max_ps(exponent, _mm512_set1_ps(-126.0f));
    const __m512 f = _mm512_reduce_ps(y, _MM_FROUND_TO_NEG_INF);
    __m512 p = _mm512_set1_ps(0.013534167966436084f);

    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.05201146230030024f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.24144275442421093f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(0.6930038354272259f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0000025932853331f));
    return _mm512_maskz_scalef_ps(mask, p, y);
}

/* Products of a group with the two halves of a panel: [half][state][pattern]. */
typedef struct {
    float value[2][16][16];
} product;

/* What a product is added to: the sums over one panel, of the states of one group or two. */
typedef struct {
    const product *of; /* NULL: nothing */
    int64_t group;
    __mmask16 mask[2];
} reduction;

/* Adds row `i` (a state) of the product. */
INLINE void reduce_row(const dam_tiles_block *b, const reduction *r, int64_t i, bool hinge)
{
    const product *t = r->of + i / 16;
    const int64_t state = r->group * 16 + i;
    const __m512 v0 = _mm512_load_ps(t->value[0][i % 16]), v1 = _mm512_load_ps(t->value[1][i % 16]);
    const __m512 low = _mm512_set1_ps(b->low[state]);
    float *sum = b->low_sum + state * 16;
    __m512 e0, e1;

    if (hinge) {
        const __m512 least = _mm512_set1_ps(b->least), high = _mm512_set1_ps(b->high[state]);
        float *upper = b->high_sum + state * 16;
        e0 = _mm512_maskz_max_ps(r->mask[0], _mm512_add_ps(v0, high), least);
        e1 = _mm512_maskz_max_ps(r->mask[1], _mm512_add_ps(v1, high), least);
        _mm512_store_ps(upper, _mm512_add_ps(_mm512_load_ps(upper), _mm512_add_ps(e0, e1)));
        e0 = _mm512_maskz_max_ps(r->mask[0], _mm512_add_ps(v0, low), least);
        e1 = _mm512_maskz_max_ps(r->mask[1], _mm512_add_ps(v1, low), least);
    } else {
        e0 = exp2_masked(r->mask[0], _mm512_add_ps(v0, low));
        e1 = exp2_masked(r->mask[1], _mm512_add_ps(v1, low));
    }
    _mm512_store_ps(sum, _mm512_add_ps(_mm512_load_ps(sum), _mm512_add_ps(e0, e1)));
}

/* Part `step` of `steps` of the reduction. */
INLINE void reduce_part(const dam_tiles_block *b, const reduction *r, int64_t step, int64_t steps,
                        bool two, bool hinge)
{
    const int64_t rows = two ? 32 : 16;

    for (int64_t i = rows * step / steps; r->of && i < rows * (step + 1) / steps; i++)
        reduce_row(b, r, i, hinge);
}

/* Tile registers: 0 .. 3 sums, 4 and 5 states, 6 and 7 patterns. */
#define LOAD_STATES(part)                                                         \
    _tile_loadd(4, b->states[part] + (group * slices + t) * DAM_TILES_WORDS, 64); \
    if (two)                                                                      \
    _tile_loadd(5, b->states[part] + ((group + 1) * slices + t) * DAM_TILES_WORDS, 64)
#define LOAD_PATTERNS(part)                                                             \
    _tile_loadd(6, b->patterns[part] + (2 * panel * slices + t) * DAM_TILES_WORDS, 64); \
    _tile_loadd(7, b->patterns[part] + ((2 * panel + 1) * slices + t) * DAM_TILES_WORDS, 64)
#define ADD_PRODUCTS             \
    _tile_dpbf16ps(0, 4, 6);     \
    _tile_dpbf16ps(1, 4, 7);     \
    if (two) {                   \
        _tile_dpbf16ps(2, 5, 6); \
        _tile_dpbf16ps(3, 5, 7); \
    }

/* Brings a tile that is about to be loaded nearer. */
INLINE void fetch(const uint32_t *tile)
{
    for (int i = 0; i < 16; i++)
        _mm_prefetch((const char *)(tile + 16 * i), _MM_HINT_T0);
}

/*
 * One panel with one group of states, or two. Meanwhile the product before is reduced: the two
 * units work side by side.
 */
INLINE void multiply(const dam_tiles_block *b, int64_t group, int64_t panel, bool two, bool hinge,
                     const reduction *before, product *out)
{
    const int64_t slices = b->shape.slices;

    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t t = 0; t < slices; t++) {
        LOAD_STATES(1);
        LOAD_PATTERNS(0);
        ADD_PRODUCTS
        fetch(b->patterns[1] + ((2 * panel * slices) + t) * DAM_TILES_WORDS);
        reduce_part(b, before, 3 * t, 3 * slices, two, hinge);
        LOAD_STATES(0);
        ADD_PRODUCTS
        fetch(b->patterns[1] + (((2 * panel + 1) * slices) + t) * DAM_TILES_WORDS);
        reduce_part(b, before, 3 * t + 1, 3 * slices, two, hinge);
        LOAD_PATTERNS(1);
        ADD_PRODUCTS
        fetch(b->patterns[0] + ((2 * panel * slices) + t + 1) * DAM_TILES_WORDS);
        fetch(b->patterns[0] + (((2 * panel + 1) * slices) + t + 1) * DAM_TILES_WORDS);
        reduce_part(b, before, 3 * t + 2, 3 * slices, two, hinge);
    }
    _tile_stored(0, out[0].value[0], 64);
    _tile_stored(1, out[0].value[1], 64);
    if (two) {
        _tile_stored(2, out[1].value[0], 64);
        _tile_stored(3, out[1].value[1], 64);
    }
}

/* Fetches the part of what follows that belongs to one of the block's panels. */
INLINE void prefetch(const dam_tiles_block *b, int64_t panel)
{
    const int64_t lines = (b->next_bytes + 63) / 64;

    for (int64_t i = lines * panel / b->panels; i < lines * (panel + 1) / b->panels; i++)
        _mm_prefetch((const char *)b->next + 64 * i, _MM_HINT_T1);
}

INLINE void sum_groups(const dam_tiles_block *b, int64_t group, bool two, bool hinge)
{
    product out[3][2] __attribute__((aligned(64)));
    reduction before = {.of = NULL, .group = group, .mask = {0xffff, 0xffff}};

    for (int64_t panel = 0; panel < b->panels; panel++) {
        before.of = panel >= 2 ? out[(panel - 2) % 3] : NULL;
        multiply(b, group, panel, two, hinge, &before, out[panel % 3]);
        if (group == 0)
            prefetch(b, panel);
    }
    if (b->panels > 1) {
        before.of = out[(b->panels - 2) % 3];
        reduce_part(b, &before, 0, 1, two, hinge);
    }
    before.of = out[(b->panels - 1) % 3];
    before.mask[0] = (__mmask16)b->last_mask;
    before.mask[1] = (__mmask16)(b->last_mask >> 16);
    reduce_part(b, &before, 0, 1, two, hinge);
}

/* Tiles 0 to 5: sixteen rows; 6 and 7, the patterns: a row per pair of components. */
static void configure(dam_tiles_shape s)
{
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } c __attribute__((aligned(64)));

    memset(&c, 0, sizeof c);
    c.palette = 1;
    for (int i = 0; i < 8; i++) {
        c.bytes[i] = (uint16_t)(i == 4 || i == 5 ? 2 * s.depth : 64);
        c.rows[i] = (uint8_t)(i >= 6 ? s.depth / 2 : 16);
    }
    _tile_loadconfig(&c);
}

void dam_tiles_sum(const dam_tiles_block *b)
{
    int64_t group = 0;

    configure(b->shape);
    for (; group + 2 <= b->groups; group += 2)
        if (b->hinge)
            sum_groups(b, group, true, true);
        else
            sum_groups(b, group, true, false);
    if (group < b->groups && b->hinge)
        sum_groups(b, group, false, true);
    else if (group < b->groups)
        sum_groups(b, group, false, false);
    _tile_release();
}
