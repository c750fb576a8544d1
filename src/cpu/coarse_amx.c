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

/* Finishes states first .. last - 1 of a product of a group, whose states begin at j, and tile t.
 */
DAM_INLINE void finish_rows(const dam_coarse_finisher *f, bool sum, int64_t j, int64_t t,
                            const int32_t (*v)[DAM_COARSE_TILE], int first, int last)
{
    uint16_t *mask = f->mask + (j + first) * f->mask_stride + t;

    for (int r = first; r < last; r++, mask += f->mask_stride)
        dam_coarse_finish(f, sum, mask, f->sums[j + r], _mm512_load_si512(v[r]));
}

/* Tile registers: 0 and 1 products, 2 and 3 states, 4 patterns. */
#define LOAD_STATES(SLICE)                      \
    _tile_loadd(2, state + (SLICE)*depth, row); \
    if (groups > 1)                             \
    _tile_loadd(3, state + (int64_t)GROUP * row + (SLICE)*depth, row)

/*
 * The product of `groups` groups of states from j on with tile t, while `done`, that with the tile
 * before, is finished: the units work side by side. What is not a pointer but j and t is constant
 * where this is inlined; with a `single` slice the states are in the registers already.
 */
DAM_INLINE void multiply(const dam_coarse_block *b, const dam_coarse_finisher *f, bool sum,
                         int64_t j, int groups, bool single, int64_t t, const product *done,
                         product *out)
{
    const int slices = single ? 1 : b->shape.slices, depth = b->shape.depth;
    const int row = dam_coarse_row(b->shape);
    const int8_t *state = b->state + j * row;
    const int8_t *pattern = b->pattern + t * row * DAM_COARSE_TILE;

    _tile_loadd(0, b->start[j], 64);
    if (groups > 1)
        _tile_loadd(1, b->start[j + GROUP], 64);
    for (int s = 0; s < slices; s++) {
        const int first = s * GROUP / slices, last = (s + 1) * GROUP / slices;
        _tile_loadd(4, pattern + (int64_t)s * depth * DAM_COARSE_TILE, 64);
        if (!single) {
            LOAD_STATES(s);
        }
        _tile_dpbssd(0, 2, 4);
        if (done)
            finish_rows(f, sum, j, t - 1, done->v[0], first, last);
        if (groups > 1)
            _tile_dpbssd(1, 3, 4);
        if (groups > 1 && done)
            finish_rows(f, sum, j + GROUP, t - 1, done->v[1], first, last);
    }
    _tile_stored(0, out->v[0], 64);
    if (groups > 1)
        _tile_stored(1, out->v[1], 64);
}

/* One group of states, or two, from j on with all tiles. */
DAM_INLINE void scan_groups(const dam_coarse_block *b, bool sum, int64_t j, int groups, bool single)
{
    /* this part of the states fetches its part of what is next */
    const int64_t first = b->lines * j / b->states, end = j + groups * GROUP;
    const int64_t lines = (end < b->states ? b->lines * end / b->states : b->lines) - first;
    const char *next = b->next + 64 * first;
    const dam_coarse_finisher f = dam_coarse_finisher_of(b);
    const int depth = b->shape.depth, row = dam_coarse_row(b->shape);
    const int8_t *state = b->state + j * row;
    product out[2] __attribute__((aligned(4096)));
    int64_t t = 0;

    if (single) {
        LOAD_STATES(0);
    }
    for (; t < b->tiles; t++) {
        for (int64_t i = lines * t / b->tiles; i < lines * (t + 1) / b->tiles; i++)
            _mm_prefetch(next + 64 * i, _MM_HINT_T1);
        multiply(b, &f, sum, j, groups, single, t, t > 0 ? &out[(t - 1) % 2] : NULL, &out[t % 2]);
    }
    for (int g = 0; t > 0 && g < groups; g++)
        finish_rows(&f, sum, j + g * GROUP, t - 1, out[(t - 1) % 2].v[g], 0, GROUP);
}

DAM_INLINE void scan_all(const dam_coarse_block *b, int64_t groups, bool sum, bool single)
{
    int64_t g = 0;

    for (; g + 2 <= groups; g += 2)
        scan_groups(b, sum, g * GROUP, 2, single);
    if (g < groups)
        scan_groups(b, sum, g * GROUP, 1, single);
}

/* States: sixteen rows of a slice; patterns: a row for every four components. */
static void configure(dam_coarse_shape s)
{
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t bytes[16];
        uint8_t rows[16];
    } c __attribute__((aligned(64)));

    memset(&c, 0, sizeof c);
    c.palette = 1;
    for (int i = 0; i < 8; i++) {
        c.bytes[i] = (uint16_t)(i == 2 || i == 3 ? s.depth : 64);
        c.rows[i] = (uint8_t)(i == 4 ? s.depth / 4 : GROUP);
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
    const bool single = b->shape.slices == 1;

    configure(b->shape);
    if (b->sum)
        single ? scan_all(b, groups, true, true) : scan_all(b, groups, true, false);
    else
        single ? scan_all(b, groups, false, true) : scan_all(b, groups, false, false);
    _tile_release();
    dam_coarse_scan_vnni(b, groups * GROUP);
}

const dam_coarse_loops dam_coarse_amx = {"amx", usable, scan, 0.003, 0.3};
