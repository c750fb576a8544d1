/*
 * Near patterns, for the passes in bytes and words (fused.h): those of a block that a state's mask
 * leaves unmarked are evaluated in double precision, and their terms added up. That is done a block
 * later, so that memory brings their rows while products are made.
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
    int waiting;  /* near patterns that were found, and not evaluated yet */
    bool given_up;
} dam_near_state;

typedef struct {
    const dam_pass *pass;
    double most;         /* near patterns of a state that are evaluated */
    uint16_t *mask;      /* [state][mask_stride], in whole groups of DAM_COARSE_TILE */
    int64_t mask_stride; /* tiles of the largest block */
    dam_near_state *states;
    double *x;        /* [state][N, rounded up to eight] */
    double *batch;    /* [state][...] */
    int64_t first, n; /* the block that was looked at: so many patterns from there on */
    int32_t *place;   /* those of it that wait, in the block, state by state, */
    int64_t found;    /* and their number */
    double *phi;      /* [DAM_NEAR_LARGEST_BLOCK] */
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

/* Finds what is near in the block of n patterns from `first` on; what fills no tile always is. With
 * `marked` the masks are there; else all tiles are far. What was found before is added. */
void dam_near_add(dam_near *w, int64_t first, int64_t n, bool marked);

/* What was found, as rows, if there are such. */
dam_coarse_rows dam_near_rows(const dam_near *w);

/* Adds the lanes of what is not near, by state. */
void dam_near_add_rest(dam_near *w, const float (*sums)[DAM_COARSE_TILE]);

/* After the last block. */
void dam_near_finish(dam_near *w);

/* LSE: how far below L the edge of state i is to be put, if nothing is known at `first`. */
double dam_near_depth(const dam_near *w, int64_t i, double first);

/* Moves the edge to where the interval of state i will be as wide as it should be. */
void dam_near_learn(const dam_near *w, int64_t i);

#endif
