/*
 * Near patterns, for the passes in bytes and words (fused.h): those of a block that a state's mask
 * leaves unmarked are evaluated in double precision, and their terms added up.
 */
#ifndef DAM_NEAR_H
#define DAM_NEAR_H

#include "bounds.h"
#include "fused.h"

#define DAM_NEAR_LARGEST_BLOCK (4 * DAM_BLOCK)

/* What is kept of a state. */
typedef struct {
    dam_coarse_sum sum;
    double error; /* of its alignments */
    int held;     /* alignments in its batch */
    bool given_up;
} dam_near_state;

typedef struct {
    const dam_pass *pass;
    double most;         /* near patterns of a state that are evaluated */
    int64_t found;       /* near patterns of all states in the block before */
    uint16_t *mask;      /* [state][mask_stride], in whole groups of DAM_COARSE_TILE */
    int64_t mask_stride; /* tiles of the largest block */
    dam_near_state *states;
    double *x;         /* [state][N, rounded up to eight] */
    double *batch;     /* [state][...] */
    int32_t *place[2]; /* [DAM_NEAR_LARGEST_BLOCK and a tile]: near patterns, in a block */
    double *phi;       /* [DAM_NEAR_LARGEST_BLOCK] */
} dam_near;

/* Cuts the memory, where there is some, into pieces, for blocks of so many patterns, a multiple of
 * 64; returns the size. */
uint64_t dam_near_cut(dam_near *w, int N, int64_t states, int64_t block, void *memory);

/*
 * Begins with the pass's states. Of a state for which more than M (1 + N/10) / cost patterns are
 * near, nothing is found: `cost` is what one of them costs, memory included, in units of a pattern
 * in single precision at N = 0.
 */
void dam_near_begin(dam_near *w, const dam_pass *pass, double cost);

/* Adds what is near in the block of n patterns from `first` on; what fills no tile always is. With
 * `marked` the masks are there; else all tiles are far. */
void dam_near_add(dam_near *w, int64_t first, int64_t n, bool marked);

/* The rows of the n patterns from `first` on, and how many lines of 64 bytes they are, if enough of
 * them will be read: they may be fetched while it is found out which. Else no lines. */
int64_t dam_near_rows(const dam_near *w, int64_t first, int64_t n, const char **rows);

/* Adds the lanes of what is not near, by state. */
void dam_near_add_rest(dam_near *w, const float (*sums)[DAM_COARSE_TILE]);

/* After the last block. */
void dam_near_finish(dam_near *w);

/* LSE: how far below L the edge of state i is to be put, if nothing is known at `first`. */
double dam_near_depth(const dam_near *w, int64_t i, double first);

/* Moves the edge to where the interval of state i will be as wide as it should be. */
void dam_near_learn(const dam_near *w, int64_t i);

#endif
