/*
 * The part of the tile pass (../tiles.h) that needs AMX. Numbers are split into a high and a low
 * bfloat16. A "slice" is a range of `depth` components (even, at most 32) that one tile holds:
 * sixteen states as rows of components, or sixteen patterns as columns of pairs of components.
 */
#ifndef DAM_CPU_TILES_H
#define DAM_CPU_TILES_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels.h"

#define DAM_TILES_GROUP 16  /* states of a tile, and patterns */
#define DAM_TILES_WORDS 256 /* 32-bit words of a tile */

typedef struct {
    int slices, depth;
} dam_tiles_shape;

/* Slices for dimension N. */
static inline dam_tiles_shape dam_tiles_shape_of(int N)
{
    dam_tiles_shape s = {.slices = (N + 31) / 32};
    s.depth = (N + 2 * s.slices - 1) / (2 * s.slices) * 2;
    return s;
}

/* A block of patterns against all states. */
typedef struct {
    dam_tiles_shape shape;
    bool hinge;                  /* LSR, else LSE */
    int64_t groups, panels;      /* of states, of patterns */
    const uint32_t *states[2];   /* high, low: [group][slice][DAM_TILES_WORDS] */
    const uint32_t *patterns[2]; /* high, low: [panel][half][slice][DAM_TILES_WORDS] */
    uint32_t last_mask;          /* patterns that the last panel has */
    const float *low, *high;     /* [state]: added to products; LSE: the same */
    float least;                 /* LSR: epsilon */
    float *low_sum, *high_sum;   /* [state][16]: lane sums, added to; LSE: low_sum only */
    const void *next;            /* what will be read after this, */
    int64_t next_bytes;
} dam_tiles_block;

bool dam_tiles_supported(void);

/* Splits one panel. */
void dam_tiles_split(dam_tiles_shape s, const float *panel, int N, uint32_t *high, uint32_t *low);

void dam_tiles_sum(const dam_tiles_block *b);

#endif
