#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "coarse_rows.h"

/* Linux gives the tiles' registers to a process that asks for them. */
#define ARCH_REQ_XCOMP_PERM 0x1023
#define XFEATURE_XTILEDATA 18

/* A product of matrix units takes as long as so many of the byte instructions. */
#define PRODUCT_TIME 40

#define GROUP DAM_COARSE_TILE

static bool has_units;

static void find_units(void)
{
    unsigned a, b, c, d, low, high;

    if (!dam_coarse_vnni.usable())
        return;
    __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
    if (!(d >> 24 & 1) || !(d >> 25 & 1)) /* amx-tile, amx-int8 */
        return;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 0x60000) != 0x60000) /* the system saves them */
        return;
    has_units = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static bool usable(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_units);
    return has_units;
}

/* Groups of states that are taken together. */
#define GROUPS 2

/*
 * Products of a tile of patterns with the states. Two of them must not take more than a page:
 * otherwise what is read of one looks to the processor like what is being written of the other.
 */
typedef struct {
    int32_t v[GROUPS][GROUP][DAM_COARSE_TILE];
} product;

/*
 * Finishes states first .. last - 1 of a product of a group, whose states begin at j, and tile t.
 * Without sums near patterns are so few that first it is asked whether there are any: masks are
 * all far already.
 */
DAM_INLINE void finish_rows(const dam_coarse_finisher *f, bool sum, int64_t j, int64_t t,
                            const int32_t (*v)[DAM_COARSE_TILE], int first, int last)
{
    uint16_t *mask = f->mask + (j + first) * f->mask_stride + t;
    __m512i largest = f->edge;

    for (int r = first; r < last && !sum; r++)
        largest = _mm512_max_epi32(largest, _mm512_load_si512(v[r]));
    if (!sum && !_mm512_cmpneq_epi32_mask(largest, f->edge))
        return;
    for (int r = first; r < last; r++, mask += f->mask_stride)
        dam_coarse_finish(f, sum, mask, f->sums[j + r], _mm512_load_si512(v[r]));
}

/* States of one slice or two stay in registers. */
typedef enum { ONE_SLICE, TWO_SLICES, MANY_SLICES } slices_kind;

/* Tile registers: 0 and 1, and 6 and 7, products, 2 and 3 states, 4 patterns. */
#define LOAD_STATES(SLICE)                      \
    _tile_loadd(2, state + (SLICE)*depth, row); \
    if (groups > 1)                             \
    _tile_loadd(3, state + (int64_t)GROUP * row + (SLICE)*depth, row)

#define MULTIPLY(FIRST, SECOND, BEFORE_FIRST, BEFORE_SECOND)                       \
    do {                                                                           \
        _tile_loadd(FIRST, b->start[j], 64);                                       \
        if (groups > 1)                                                            \
            _tile_loadd(SECOND, b->start[j + GROUP], 64);                          \
        for (int s = 0; s < slices; s++) {                                         \
            const int first = s * GROUP / slices, last = (s + 1) * GROUP / slices; \
            _tile_loadd(4, pattern + (int64_t)s * depth * DAM_COARSE_TILE, 64);    \
            if (kind == MANY_SLICES) {                                             \
                LOAD_STATES(s);                                                    \
            }                                                                      \
            _tile_dpbssd(FIRST, 2, 4);                                             \
            if (done)                                                              \
                finish_rows(f, sum, j, t - 2, done->v[0], first, last);            \
            if (groups > 1)                                                        \
                _tile_dpbssd(SECOND, 3, 4);                                        \
            if (s == 0 && out)                                                     \
                _tile_stored(BEFORE_FIRST, out->v[0], 64);                         \
            if (groups > 1 && done)                                                \
                finish_rows(f, sum, j + GROUP, t - 2, done->v[1], first, last);    \
            if (s == 0 && out && groups > 1)                                       \
                _tile_stored(BEFORE_SECOND, out->v[1], 64);                        \
        }                                                                          \
    } while (0)

/* The same of one group, whose two slices are in registers 2 and 3. */
#define MULTIPLY_TWO(FIRST, BEFORE_FIRST)                                \
    do {                                                                 \
        _tile_loadd(FIRST, b->start[j], 64);                             \
        _tile_loadd(4, pattern, 64);                                     \
        _tile_dpbssd(FIRST, 2, 4);                                       \
        if (done)                                                        \
            finish_rows(f, sum, j, t - 2, done->v[0], 0, GROUP / 2);     \
        _tile_loadd(5, pattern + (int64_t)depth * DAM_COARSE_TILE, 64);  \
        _tile_dpbssd(FIRST, 3, 5);                                       \
        if (out)                                                         \
            _tile_stored(BEFORE_FIRST, out->v[0], 64);                   \
        if (done)                                                        \
            finish_rows(f, sum, j, t - 2, done->v[0], GROUP / 2, GROUP); \
    } while (0)

/*
 * The product of `groups` groups of states from j on with tile t, while that with the tile before
 * is stored at `out`, and `done`, that with the one before that, is finished: the units, which take
 * long to answer, work side by side. What is not a pointer but j and t is constant where this is
 * inlined; with one slice or two the states are in the registers already.
 */
DAM_INLINE void multiply(const dam_coarse_block *b, const dam_coarse_finisher *f, bool sum,
                         int64_t j, int groups, slices_kind kind, int64_t t, bool odd,
                         const product *done, product *out)
{
    const int slices = kind == ONE_SLICE ? 1 : b->shape.slices, depth = b->shape.depth;
    const int row = dam_coarse_row(b->shape);
    const int8_t *state = b->state + j * row;
    const int8_t *pattern = b->pattern + t * row * DAM_COARSE_TILE;

    if (kind == TWO_SLICES && odd)
        MULTIPLY_TWO(6, 0);
    else if (kind == TWO_SLICES)
        MULTIPLY_TWO(0, 6);
    else if (odd)
        MULTIPLY(6, 7, 0, 1);
    else
        MULTIPLY(0, 1, 6, 7);
}

/* Stores the last product, and finishes that and the one before, of `tiles`. */
DAM_INLINE void finish_last(const dam_coarse_finisher *f, bool sum, int64_t j, int groups,
                            int64_t tiles, product *out)
{
    product *last = &out[(tiles - 1) % 2];

    for (int g = 0; tiles > 1 && g < groups; g++)
        finish_rows(f, sum, j + g * GROUP, tiles - 2, out[tiles % 2].v[g], 0, GROUP);
    if (tiles % 2 == 1) {
        _tile_stored(0, last->v[0], 64);
        if (groups > 1)
            _tile_stored(1, last->v[1], 64);
    } else {
        _tile_stored(6, last->v[0], 64);
        if (groups > 1)
            _tile_stored(7, last->v[1], 64);
    }
    for (int g = 0; g < groups; g++)
        finish_rows(f, sum, j + g * GROUP, tiles - 1, last->v[g], 0, GROUP);
}

/* One group of states, or two, from j on with all tiles. */
DAM_INLINE void scan_groups(const dam_coarse_block *b, bool sum, int64_t j, int groups,
                            slices_kind kind)
{
    /* this part of the states fetches its part of what is next */
    const int64_t end = j + groups * GROUP < b->states ? j + groups * GROUP : b->states;
    const int64_t line = b->lines * j / b->states, lines = b->lines * end / b->states - line;
    const int64_t at = b->rows.rows * j / b->states, rows = b->rows.rows * end / b->states - at;
    const dam_coarse_finisher f = dam_coarse_finisher_of(b);
    const int depth = b->shape.depth, row = dam_coarse_row(b->shape);
    const int8_t *state = b->state + j * row;
    product out[2] __attribute__((aligned(4096)));

    if (b->tiles == 0)
        return;
    if (kind == ONE_SLICE) {
        LOAD_STATES(0);
    } else if (kind == TWO_SLICES) {
        _tile_loadd(2, state, row);
        _tile_loadd(3, state + depth, row);
    }
    for (int64_t t = 0; t < b->tiles; t++) {
        for (int64_t i = lines * t / b->tiles; i < lines * (t + 1) / b->tiles; i++)
            _mm_prefetch(b->next + 64 * (line + i), _MM_HINT_T1);
        dam_coarse_fetch(&b->rows, at + rows * t / b->tiles, at + rows * (t + 1) / b->tiles);
        product *done = t > 1 ? &out[t % 2] : NULL, *before = t > 0 ? &out[(t - 1) % 2] : NULL;
        if (t % 2 == 1)
            multiply(b, &f, sum, j, groups, kind, t, true, done, before);
        else
            multiply(b, &f, sum, j, groups, kind, t, false, done, before);
    }
    finish_last(&f, sum, j, groups, b->tiles, out);
}

DAM_INLINE void scan_all(const dam_coarse_block *b, int64_t groups, bool sum, slices_kind kind)
{
    int64_t g = 0;

    for (; g + 2 <= groups && kind != TWO_SLICES; g += 2)
        scan_groups(b, sum, g * GROUP, 2, kind);
    for (; g < groups; g++)
        scan_groups(b, sum, g * GROUP, 1, kind);
}

/* Registers that hold states, sixteen rows of a slice, and those that hold patterns, a row for
 * every four components, as sets of bits; the others hold products. */
static void configure(dam_coarse_shape s, unsigned states, unsigned patterns)
{
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } c __attribute__((aligned(64)));

    memset(&c, 0, sizeof c);
    c.palette = 1;
    for (int i = 0; i < 8; i++) {
        c.bytes[i] = (uint16_t)(states >> i & 1 ? s.depth : 64);
        c.rows[i] = (uint8_t)(patterns >> i & 1 ? s.depth / 4 : GROUP);
    }
    _tile_loadconfig(&c);
}

/* A group that is nearly empty is left to the byte instructions. */
static bool is_worth(const dam_coarse_block *b, int64_t states)
{
    return states * b->shape.depth / 4 > PRODUCT_TIME;
}

static void scan(const dam_coarse_block *b)
{
    const int64_t left = b->states % GROUP;
    const int64_t groups = b->states / GROUP + (left > 0 && is_worth(b, left));
    const int slices = b->shape.slices;

    configure(b->shape, 0x0c, 0x30);
    for (int64_t i = 0; i < groups * GROUP && !b->sum; i++)
        memset(b->mask + i * b->mask_stride, 0xff, (size_t)b->tiles * sizeof *b->mask);
    switch (b->sum * 3 + (slices < 3 ? slices : 0)) {
    case 0:
        scan_all(b, groups, false, MANY_SLICES);
        break;
    case 1:
        scan_all(b, groups, false, ONE_SLICE);
        break;
    case 2:
        scan_all(b, groups, false, TWO_SLICES);
        break;
    case 3:
        scan_all(b, groups, true, MANY_SLICES);
        break;
    case 4:
        scan_all(b, groups, true, ONE_SLICE);
        break;
    default:
        scan_all(b, groups, true, TWO_SLICES);
        break;
    }
    _tile_release();
    dam_coarse_scan_vnni(b, groups * GROUP);
}

/* ---- pairs of bytes ---- */

/* Products of a group of states with a tile of patterns, by the powers of 256 they stand for. */
typedef struct {
    int32_t of[4][GROUP][DAM_COARSE_TILE];
} products;

typedef struct {
    __m512i floor, left, right, fraction, one;
    __m512 power[2], of[DAM_PAIRED_DEGREE + 1];
} pair_finisher;

static pair_finisher pair_finisher_of(const dam_paired_block *b)
{
    pair_finisher f = {
        .floor = _mm512_set1_epi32(b->floor),
        .left = _mm512_set1_epi32(b->full ? 16 - b->shift : b->shift),
        .right = _mm512_set1_epi32(b->shift),
        .fraction = _mm512_set1_epi32(0x7fffff),
        .one = _mm512_set1_epi32(0x3f800000),
        .power = {_mm512_loadu_ps(dam_paired_power), _mm512_loadu_ps(dam_paired_power + 16)}};

    for (int i = 0; i <= DAM_PAIRED_DEGREE; i++)
        f.of[i] = _mm512_set1_ps(dam_paired_power_of[i]);
    return f;
}

/* What a pass makes of the products: constant where it is inlined. */
typedef struct {
    bool full;
    bool joint;
    bool narrow;
} pair_kind;

/* Terms of a row of products, roughly, are added to `sum`. */
DAM_INLINE __m512 add_rough(const pair_finisher *f, bool narrow, __m512i high, __m512i low,
                            __m512 sum)
{
    __m512i v = _mm512_add_epi32(_mm512_slli_epi32(high, 8), low);

    if (!narrow)
        v = _mm512_max_epi32(v, f->floor);
    v = _mm512_sllv_epi32(v, f->left);
    const __m512 power = _mm512_permutex2var_ps(f->power[0], _mm512_srli_epi32(v, 18), f->power[1]);
    return _mm512_fmadd_ps(power, _mm512_castsi512_ps(v), sum);
}

/* The same with all that is known: `low` is in units 256 times smaller, as those of `high` are. */
DAM_INLINE __m512 add_fine(const pair_finisher *f, bool narrow, __m512i high, __m512i low,
                           __m512 sum)
{
    __m512i v =
        _mm512_add_epi32(_mm512_sllv_epi32(high, f->left), _mm512_srav_epi32(low, f->right));

    if (!narrow)
        v = _mm512_max_epi32(v, f->floor);
    const __m512i m = _mm512_ternarylogic_epi32(v, f->fraction, f->one, 0xea); /* (a & b) | c */
    __m512 power = f->of[0];
    for (int i = 1; i <= DAM_PAIRED_DEGREE; i++)
        power = _mm512_fmadd_ps(power, _mm512_castsi512_ps(m), f->of[i]);
    const __m512i bits = _mm512_add_epi32(_mm512_castps_si512(power), _mm512_sub_epi32(v, m));
    return _mm512_add_ps(sum, _mm512_castsi512_ps(bits));
}

/* Finishes states first .. last - 1 of a group with a tile. All but the pointers is constant where
 * this is inlined, so that the sums stay in registers. */
DAM_INLINE void finish_pairs(const pair_finisher *f, pair_kind kind, const products *v, int first,
                             int last, __m512 *sum)
{
#pragma GCC unroll 16
    for (int r = first; r < last; r++) {
        const __m512i high = _mm512_load_si512(v->of[0][r]);
        __m512i low = _mm512_load_si512(v->of[1][r]);
        if (!kind.full) {
            sum[r] = add_rough(f, kind.narrow, high, low, sum[r]);
            continue;
        }
        low = _mm512_add_epi32(_mm512_slli_epi32(low, 8), _mm512_load_si512(v->of[2][r]));
        low = _mm512_add_epi32(low, _mm512_srai_epi32(_mm512_load_si512(v->of[3][r]), 8));
        sum[r] = add_fine(f, kind.narrow, high, low, sum[r]);
    }
}

/* Marks what is near of a group, from state j on, with tile t; instead of it the floor is added. */
static __attribute__((noinline)) void mark_rows(const dam_paired_block *b, products *v, int64_t j,
                                                int64_t t)
{
    for (int r = 0; r < GROUP; r++) {
        const __mmask16 far = _mm512_movepi32_mask(_mm512_load_si512(v->of[0][r]));
        b->mask[(j + r) * b->mask_stride + t] = far;
        _mm512_mask_store_epi32(v->of[0][r], (__mmask16)~far, _mm512_setzero_si512());
        _mm512_mask_store_epi32(v->of[1][r], (__mmask16)~far, _mm512_set1_epi32(b->floor));
    }
}

/* The same, where first it is asked whether there is anything: masks are all far already. */
DAM_INLINE void mark_near(const dam_paired_block *b, products *v, int64_t j, int64_t t)
{
    __m512i far = _mm512_set1_epi32(-1);

#pragma GCC unroll 8
    for (int r = 0; r < GROUP; r += 2)
        far = _mm512_ternarylogic_epi32(far, _mm512_load_si512(v->of[0][r]),
                                        _mm512_load_si512(v->of[0][r + 1]), 0x80); /* a & b & c */
    if (__builtin_expect(_mm512_movepi32_mask(far) != 0xffff, 0))
        mark_rows(b, v, j, t);
}

#define FINISH_PAIRS(FIRST, LAST) \
    if (last)                     \
    finish_pairs(&f, kind, last, FIRST, LAST, sum)

/* After a tile: lines that are read later are fetched, and products stored elsewhere. */
#define NEXT_TILE                                                            \
    do {                                                                     \
        for (int64_t i = 0; i < lines && next < end; i++)                    \
            _mm_prefetch(next + 64 * i, _MM_HINT_T1);                        \
        next += 64 * lines;                                                  \
        pattern += 2 * size;                                                 \
        products *const oldest = last ? last : before ? &area[2] : &area[1]; \
        last = before;                                                       \
        before = out;                                                        \
        out = oldest;                                                        \
    } while (0)

/*
 * Products of a group with the next tile, those of the tile before being stored and those of the
 * one before that, `last`, finished meanwhile. An instruction that stores a register takes as long
 * to issue as a hundred others: what is finished stands between them. The units work side by side
 * only where their instructions do, and take three times as long after _tile_zero.
 *
 * Rough: into registers HIGH and LOW; registers 2 and 3 hold states, 4 and 5 patterns.
 */
#define SUM_ROUGHLY(HIGH, LOW, BEFORE_HIGH, BEFORE_LOW)   \
    do {                                                  \
        if (last)                                         \
            mark_near(b, last, j, marked++);              \
        _tile_loadd(4, pattern, 64);                      \
        _tile_loadd(HIGH, edges, 64);                     \
        _tile_dpbssd(HIGH, 2, 4);                         \
        FINISH_PAIRS(0, 3);                               \
        _tile_loadd(LOW, start, 64);                      \
        _tile_dpbssd(LOW, 3, 4);                          \
        FINISH_PAIRS(3, 6);                               \
        if (!kind.joint) {                                \
            _tile_loadd(5, pattern + size, 64);           \
            _tile_dpbssd(LOW, 2, 5);                      \
        }                                                 \
        FINISH_PAIRS(6, 9);                               \
        if (before)                                       \
            _tile_stored(BEFORE_HIGH, before->of[0], 64); \
        FINISH_PAIRS(9, 13);                              \
        if (before)                                       \
            _tile_stored(BEFORE_LOW, before->of[1], 64);  \
        FINISH_PAIRS(13, GROUP);                          \
        NEXT_TILE;                                        \
    } while (0)

/* All: into registers 0 to 3, which are stored at once. Registers 5, 6 and 7 hold the states' parts
 * X, F and G, joint or alone; 4 patterns. */
#define SUM_FULLY                               \
    do {                                        \
        _tile_loadd(4, pattern, 64);            \
        _tile_loadd(2, zeros, 64);              \
        _tile_dpbssd(2, 7, 4);                  \
        _tile_loadd(0, start, 64);              \
        _tile_dpbssd(0, 5, 4);                  \
        _tile_loadd(1, zeros, 64);              \
        _tile_dpbssd(1, 6, 4);                  \
        FINISH_PAIRS(0, 2);                     \
        _tile_loadd(3, zeros, 64);              \
        if (!kind.joint) {                      \
            _tile_loadd(4, pattern + size, 64); \
            _tile_dpbssd(1, 5, 4);              \
            _tile_dpbssd(2, 6, 4);              \
            _tile_dpbssd(3, 7, 4);              \
        }                                       \
        FINISH_PAIRS(2, 4);                     \
        _tile_loadd(4, third, 64);              \
        _tile_dpbssd(2, 5, 4);                  \
        if (kind.joint) {                       \
            _tile_loadd(7, FG, 64);             \
            _tile_dpbssd(3, 7, 4);              \
            _tile_loadd(7, GF, 64);             \
        } else                                  \
            _tile_dpbssd(3, 6, 4);              \
        third += kind.joint ? 2 * size : size;  \
        FINISH_PAIRS(4, 6);                     \
        _tile_stored(0, out->of[0], 64);        \
        FINISH_PAIRS(6, 9);                     \
        _tile_stored(1, out->of[1], 64);        \
        FINISH_PAIRS(9, 12);                    \
        _tile_stored(2, out->of[2], 64);        \
        FINISH_PAIRS(12, 14);                   \
        _tile_stored(3, out->of[3], 64);        \
        FINISH_PAIRS(14, GROUP);                \
        NEXT_TILE;                              \
    } while (0)

static const int32_t zeros[GROUP][DAM_COARSE_TILE] __attribute__((aligned(64)));

DAM_INLINE void sum_group(const dam_paired_block *b, pair_kind kind, int64_t j)
{
    const pair_finisher f = pair_finisher_of(b);
    const int row = DAM_PAIRED_ROW * b->depth, size = b->depth * DAM_COARSE_TILE;
    const int8_t *state = b->state + j * row, *pattern = b->pattern, *third = b->third;
    /* this group fetches its part of what is next: so many lines with each tile */
    const int64_t groups = (b->states + GROUP - 1) / GROUP, parts = groups * b->tiles;
    const int64_t lines = parts > 0 ? (b->lines + parts - 1) / parts : 0;
    const char *next = b->next + 64 * lines * b->tiles * (j / GROUP);
    const char *end = b->next + 64 * b->lines;
    products area[3] __attribute__((aligned(64))); /* by turns */
    int32_t start[GROUP][DAM_COARSE_TILE] __attribute__((aligned(64)));
    int32_t edges[GROUP][DAM_COARSE_TILE] __attribute__((aligned(64)));
    int8_t GF[GROUP][64] __attribute__((aligned(64))), FG[GROUP][64] __attribute__((aligned(64)));
    __m512 sum[GROUP];
    products *out = &area[0], *before = NULL, *last = NULL;
    int64_t t = 0, marked = 0;

#pragma GCC unroll 16
    for (int r = 0; r < GROUP; r++)
        sum[r] = _mm512_load_ps(b->sums[j + r]);
    for (int r = 0; r < GROUP; r++)
        _mm512_store_si512(start[r], _mm512_set1_epi32(b->start));
    for (int r = 0; r < GROUP && !kind.full; r++)
        _mm512_store_si512(edges[r], _mm512_set1_epi32(-b->edge[j + r]));
    if (kind.full) {
        for (int r = 0; r < GROUP && kind.joint; r++) { /* rows that are loaded fast */
            memcpy(GF[r], state + r * row, (size_t)(2 * b->depth));
            memcpy(FG[r], state + r * row + 4 * b->depth, (size_t)(2 * b->depth));
        }
        _tile_loadd(5, state + 2 * b->depth, row);
        _tile_loadd(6, state + b->depth, row);
        _tile_loadd(7, state, row);
        for (; t < b->tiles; t++)
            SUM_FULLY;
    } else {
        _tile_loadd(2, state + 2 * b->depth, row);
        _tile_loadd(3, state + b->depth, row);
        for (; t + 2 <= b->tiles; t += 2) {
            SUM_ROUGHLY(0, 1, 6, 7);
            SUM_ROUGHLY(6, 7, 0, 1);
        }
        if (t < b->tiles)
            SUM_ROUGHLY(0, 1, 6, 7);
        if (b->tiles % 2 == 1) {
            _tile_stored(0, before->of[0], 64);
            _tile_stored(1, before->of[1], 64);
        } else if (b->tiles > 0) {
            _tile_stored(6, before->of[0], 64);
            _tile_stored(7, before->of[1], 64);
        }
    }
    for (; last || before; last = before, before = NULL) {
        if (last && !kind.full)
            mark_near(b, last, j, marked++);
        FINISH_PAIRS(0, GROUP);
    }
#pragma GCC unroll 16
    for (int r = 0; r < GROUP; r++)
        _mm512_store_ps(b->sums[j + r], sum[r]);
}

DAM_INLINE void sum_all(const dam_paired_block *b, pair_kind kind)
{
    for (int64_t j = 0; j < b->states; j += GROUP)
        sum_group(b, kind, j);
}

DAM_INLINE void sum_shape(const dam_paired_block *b, bool full, bool joint)
{
    if (b->narrow)
        sum_all(b, (pair_kind){full, joint, true});
    else
        sum_all(b, (pair_kind){full, joint, false});
}

static void sum_pairs(const dam_paired_block *b)
{
    const bool joint = dam_paired_joint(b->depth);
    const dam_coarse_shape shape = {1, joint ? 2 * b->depth : b->depth};
    const int64_t groups = (b->states + GROUP - 1) / GROUP;

    configure(shape, b->full ? 0xe0 : 0x0c, b->full ? 0x10 : 0x30);
    for (int64_t i = 0; !b->full && i < groups * GROUP; i++)
        memset(b->mask + i * b->mask_stride, 0xff, (size_t)b->tiles * sizeof *b->mask);
    if (b->full && joint)
        sum_shape(b, true, true);
    else if (b->full)
        sum_shape(b, true, false);
    else if (joint)
        sum_shape(b, false, true);
    else
        sum_shape(b, false, false);
    _tile_release();
}

const dam_coarse_loops dam_coarse_amx = {"amx",         usable, scan, sum_pairs, dam_words_sum_vnni,
                                         DAM_TWO_BYTES, 0.004,  0.5};
