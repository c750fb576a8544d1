/*
 * The inner loops of the passes in bytes and words (../fused.h): products of states and patterns,
 * which are exact integers, and what becomes of them. All loops give the same masks; their sums
 * differ in rounding only. A "slice" is a range of `depth` components, 64 at most; sixteen patterns
 * make a tile.
 */
#ifndef DAM_CPU_COARSE_H
#define DAM_CPU_COARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels.h"

#define DAM_COARSE_TILE 16 /* patterns of a tile, and states that share one of its products */

/* In higher dimension products might not fit into 32 bits. */
#define DAM_COARSE_LARGEST_N 16384

typedef struct {
    int slices, depth; /* depth: a multiple of four */
} dam_coarse_shape;

static inline dam_coarse_shape dam_coarse_shape_of(int N)
{
    dam_coarse_shape s = {.slices = (N + 63) / 64};
    s.depth = (N + 4 * s.slices - 1) / (4 * s.slices) * 4;
    return s;
}

/* Components of a state or a pattern, padding included. */
static inline int dam_coarse_row(dam_coarse_shape s)
{
    return s.slices * s.depth;
}

/* Patterns as rows, some of which will be read later: they may be fetched meanwhile. */
typedef struct {
    const char *first;    /* the row of pattern 0 */
    const int32_t *place; /* which ones; NULL: the first ones */
    int64_t rows, bytes;  /* how many, and of each */
} dam_coarse_rows;

/*
 * States against some tiles of patterns. With v = the product of state i and pattern mu + start[i],
 * bit mu % 16 of mask[i][mu / 16] says whether v <= edge. Where it is and `sum` is set, the single
 * whose bits are max(v, floor) << shift is added to one of the lanes sums[i]. Rows of states, masks
 * and sums come in whole groups of DAM_COARSE_TILE; those beyond `states` may be written to.
 */
typedef struct {
    dam_coarse_shape shape;
    const int8_t *pattern; /* [tile][k / 4][DAM_COARSE_TILE][k % 4] */
    int64_t tiles;
    const int8_t *state;                     /* [state][row] */
    const int32_t (*start)[DAM_COARSE_TILE]; /* [state]: the same number sixteen times */
    const int32_t *total;                    /* [state]: the sum of its components */
    int64_t states;
    int32_t edge, floor;
    int shift;
    bool sum;
    uint16_t *mask;      /* [state][mask_stride] */
    int64_t mask_stride; /* even */
    float (*sums)[DAM_COARSE_TILE];
    const char *next;     /* what will be read after this, */
    int64_t lines;        /* so many lines of 64 bytes: may be fetched meanwhile, */
    dam_coarse_rows rows; /* and so may these */
} dam_coarse_block;

/*
 * The same with more bytes a component, in one slice: patterns are P + E/256 + Q/65536, states
 * X + F/256 + G/65536. Each single whose bits are max(v, floor), v modulo 2^32, is multiplied by
 * 2^f / (1 + f), f being its fraction, and added to one of the state's lanes, where
 *   rough: v = 256 (P.X - edge) + P.F + E.X + start, shifted left by `shift`, and a table for f;
 *          near patterns, with P.X >= edge, are unmarked, and count as the floor;
 *   full:  v = (P.X + start) 2^(16 - shift) +
 *              (256 (P.F + E.X) + P.G + E.F + Q.X + (Q.F + E.G) / 256) / 2^shift;
 * quotients are rounded down.
 */
typedef struct {
    bool full;
    int depth;             /* bytes of a slice */
    const int8_t *pattern; /* [tile][P, E][depth / 4][DAM_COARSE_TILE][4] */
    const int8_t *third;   /* full: the same of Q, E or, if they do not fit into a slice, of Q */
    int64_t tiles;
    const int8_t *state; /* [state][G, F, X, 0, F, G][depth], in whole groups of DAM_COARSE_TILE */
    int64_t states;
    int32_t start, floor;
    int shift;
    bool narrow;                    /* v cannot be below the floor */
    const int32_t *edge;            /* rough: [state], in whole groups */
    uint16_t *mask;                 /* rough: [state][mask_stride], in whole groups */
    int64_t mask_stride;            /* at least `tiles` */
    float (*sums)[DAM_COARSE_TILE]; /* [state], in whole groups */
    const char *next;               /* as above */
    int64_t lines;
} dam_paired_block;

/* Parts of a state's row. */
#define DAM_PAIRED_ROW 6

/*
 * The same in words of 16 bits. With v = the product of state i and a pattern modulo 2^32, one that
 * is above edge[i] is near, and unmarked; else the single whose bits are max(v, least[i]), shifted
 * right by `shift` (left, if that is below 0), and bias[i] is multiplied by 2^f / (1 + f) from the
 * table, and added to one of the state's lanes; `fine`: with 2^f from a table of linear functions.
 */
typedef struct {
    int row;                /* components, padding included: even */
    const int16_t *pattern; /* [tile][row / 2][DAM_COARSE_TILE][2] */
    int64_t tiles;
    const int16_t *state; /* [state][row] */
    int64_t states;
    const int32_t *edge, *least, *bias; /* [state] */
    int shift;
    bool narrow; /* nothing is below `least` */
    bool fine;
    uint16_t *mask;                 /* [state][mask_stride] */
    int64_t mask_stride;            /* at least `tiles` */
    float (*sums)[DAM_COARSE_TILE]; /* [state] */
    const char *next;               /* as above */
    int64_t lines;
    dam_coarse_rows rows;
} dam_words_block;

static inline int dam_words_row(int N)
{
    return (N + 1) / 2 * 2;
}

/* 2^f / (1 + f) for 32 equal parts of 0 <= f < 1: a single's first five bits of its fraction. */
extern const float dam_paired_power[32];

/* 2^f for the same parts: slope (1 + f) + start. */
extern const float dam_words_slope[32], dam_words_start[32];

/* 2^(m - 1), 1 <= m < 2: coefficients of a polynomial, from the highest degree down. */
#define DAM_PAIRED_DEGREE 4
extern const float dam_paired_power_of[DAM_PAIRED_DEGREE + 1];

/* Whether two parts of a component fit into one slice. */
static inline bool dam_paired_joint(int depth)
{
    return 2 * depth <= 64;
}

/* Parts of a component that stand in `third`. */
static inline int dam_paired_third(int depth)
{
    return dam_paired_joint(depth) ? 2 : 1;
}

/* In higher dimension components would not fit into one slice. */
#define DAM_PAIRED_LARGEST_N 64

/* What patterns are put into for such loops. */
typedef enum { DAM_NO_BYTES, DAM_ONE_BYTE, DAM_TWO_BYTES, DAM_WORDS16 } dam_bytes_kind;

typedef struct {
    const char *name; /* "plain", "vnni", "amx" */
    bool (*usable)(void);
    void (*scan)(const dam_coarse_block *b);
    void (*sum_pairs)(const dam_paired_block *b);
    void (*sum_words)(const dam_words_block *b);
    dam_bytes_kind for_lse;  /* what serves LSE best, of those that sum all terms */
    double cost_per_N, cost; /* cycles per pattern and state, roughly, near patterns included */
} dam_coarse_loops;

/* Instructions on bytes (AVX-512 VNNI), and matrix units beside them (AMX). */
extern const dam_coarse_loops dam_coarse_plain, dam_coarse_vnni, dam_coarse_amx;

/* The byte instructions alone, for the states from `first` on. */
void dam_coarse_scan_vnni(const dam_coarse_block *b, int64_t first);

/* The same of words. */
void dam_words_sum_vnni(const dam_words_block *b);

/* The plain loops. */
void dam_paired_sum_plain(const dam_paired_block *b);
void dam_words_sum_plain(const dam_words_block *b);

/* The best loops there are for the instruction set of `kernels`. */
const dam_coarse_loops *dam_coarse_loops_for(const dam_kernels *kernels);

#endif
