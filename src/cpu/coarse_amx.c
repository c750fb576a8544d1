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

/* Products of two groups of states with two tiles of patterns. */
typedef struct {
    int32_t v[2][2][GROUP][DAM_COARSE_TILE]; /* [group][tile][state][pattern] */
} product;

/* What is being worked on: `groups` groups from state j on, `tiles` tiles from t on. */
typedef struct {
    int64_t j, t;
    int groups, tiles;
} place;

/* Finishes rows first .. last - 1 of a product, counted over groups, tiles and states. */
DAM_INLINE void finish_rows(const dam_coarse_block *b, const dam_coarse_common *c, bool sum,
                            const place *at, const product *p, int first, int last)
{
    for (int r = first; r < last; r++) {
        const int group = r / GROUP >> (at->tiles - 1), tile = r / GROUP & (at->tiles - 1);
        dam_coarse_finish(b, c, sum, at->j + group * GROUP + r % GROUP, at->t + tile,
                          _mm512_load_si512(p->v[group][tile][r % GROUP]));
    }
}

/* Tile registers: 0 .. 3 products, 4 and 5 states, 6 and 7 patterns. */

/*
 * The product of a place, while that of the one before is finished: the units work side by side.
 * groups and tiles are constants where this is inlined.
 */
DAM_INLINE void multiply(const dam_coarse_block *b, const dam_coarse_common *c, bool sum,
                         const place *at, int groups, int tiles, product *out, const place *before,
                         const product *done)
{
    const int slices = b->shape.slices, depth = b->shape.depth, row = dam_coarse_row(b->shape);
    const int rows = before ? before->groups * before->tiles * GROUP : 0;
    const int parts = slices * groups * tiles;
    const int8_t *state = b->state + at->j * row;
    const int8_t *pattern = b->pattern + at->t * row * DAM_COARSE_TILE;
    int part = 0;

#define FINISH_PART                                                                      \
    finish_rows(b, c, sum, before, done, rows * part / parts, rows * (part + 1) / parts); \
    part++

    _tile_loadd(0, b->start[at->j], 64);
    if (tiles > 1)
        _tile_loadd(1, b->start[at->j], 64);
    if (groups > 1)
        _tile_loadd(2, b->start[at->j + GROUP], 64);
    if (groups > 1 && tiles > 1)
        _tile_loadd(3, b->start[at->j + GROUP], 64);
    for (int s = 0; s < slices; s++) {
        _tile_loadd(4, state + s * depth, row);
        _tile_loadd(6, pattern + (int64_t)s * depth * DAM_COARSE_TILE, 64);
        _tile_dpbssd(0, 4, 6);
        FINISH_PART;
        if (tiles > 1) {
            _tile_loadd(7, pattern + (int64_t)(row + s * depth) * DAM_COARSE_TILE, 64);
            _tile_dpbssd(1, 4, 7);
            FINISH_PART;
        }
        if (groups > 1) {
            _tile_loadd(5, state + (int64_t)GROUP * row + s * depth, row);
            _tile_dpbssd(2, 5, 6);
            FINISH_PART;
        }
        if (groups > 1 && tiles > 1) {
            _tile_dpbssd(3, 5, 7);
            FINISH_PART;
        }
    }
#undef FINISH_PART
    _tile_stored(0, out->v[0][0], 64);
    if (tiles > 1)
        _tile_stored(1, out->v[0][1], 64);
    if (groups > 1)
        _tile_stored(2, out->v[1][0], 64);
    if (groups > 1 && tiles > 1)
        _tile_stored(3, out->v[1][1], 64);
}

/* One group of states, or two, from j on with all tiles. */
DAM_INLINE void scan_groups(const dam_coarse_block *b, bool sum, int64_t j, int groups)
{
    const dam_coarse_common c = dam_coarse_common_of(b);
    product out[2] __attribute__((aligned(64)));
    place at[2];
    int64_t n = 0;

    for (int64_t t = 0; t < b->tiles; t += 2, n++) {
        const place *before = n > 0 ? &at[(n - 1) % 2] : NULL;
        const product *done = &out[(n - 1) & 1];
        place *here = &at[n % 2];
        *here = (place){j, t, groups, b->tiles - t > 1 ? 2 : 1};
        if (here->tiles == 2)
            multiply(b, &c, sum, here, groups, 2, &out[n % 2], before, done);
        else
            multiply(b, &c, sum, here, groups, 1, &out[n % 2], before, done);
    }
    if (n > 0) {
        const place *last = &at[(n - 1) % 2];
        finish_rows(b, &c, sum, last, &out[(n - 1) % 2], 0, last->groups * last->tiles * GROUP);
    }
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
        c.bytes[i] = (uint16_t)(i == 4 || i == 5 ? s.depth : 64);
        c.rows[i] = (uint8_t)(i >= 6 ? s.depth / 4 : GROUP);
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
    int64_t g = 0;

    configure(b->shape);
    for (; g + 2 <= groups; g += 2)
        b->sum ? scan_groups(b, true, g * GROUP, 2) : scan_groups(b, false, g * GROUP, 2);
    for (; g < groups; g++)
        b->sum ? scan_groups(b, true, g * GROUP, 1) : scan_groups(b, false, g * GROUP, 1);
    _tile_release();
    dam_coarse_scan_vnni(b, groups * GROUP);
}

const dam_coarse_loops dam_coarse_amx = {"amx", usable, scan, 0.003, 0.3};
