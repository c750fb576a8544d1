/*
 * Certified passes: many states of one disorder against all of its patterns in lower precision,
 * overlaps and reduction fused, so that nothing of size M x states is stored. For each state the
 * result is an interval that contains L of the reference evaluation (reference.h), whatever the
 * rounding was. A pass that cannot say anything useful about a state answers [-inf, inf].
 */
#ifndef DAM_FUSED_H
#define DAM_FUSED_H

#include <stdbool.h>

#include "bytes.h"
#include "cpu/kernels.h"

typedef struct {
    const dam_kernels *kernels;
    const dam_reference *reference;
    int N;
    int64_t M;
    const float *panels;     /* all patterns, [panel][k][DAM_PANEL] */
    const dam_bytes *coarse; /* the same in bytes: for the coarse passes */
    const float *x;          /* states are x[slot[i] * N + k] */
    const int64_t *slot;     /* [states] */
    int64_t states;
    const double *near;   /* [states]: L is expected near this; any value is allowed */
    const double *wanted; /* [states]: the width of L that is good enough: passes in bytes */
    double *depth;        /* [states]: what these have learnt of a state; 0: nothing yet */
    void *scratch;        /* of the size that the pass asks for, aligned to DAM_ALIGNMENT */
    dam_interval *L;      /* [states]: the result */
    bool fine;            /* narrow intervals, for energies; one byte: `wanted` says it all */
} dam_pass;

/*
 * One byte a component, and near patterns in double precision. Patterns that may be near a state
 * are evaluated one by one; of the others LSR needs to know no more than that they are beyond its
 * support, and for LSE their terms are added roughly, and make up little of the sum. Knows nothing
 * of the polynomial. False when interrupted.
 */
uint64_t dam_coarse_scratch(int N, int64_t states);
bool dam_coarse_pass(const dam_pass *pass);

/* Two bytes a component, for LSE up to DAM_PAIRED_LARGEST_N dimensions, where many patterns count:
 * the few that are near in double precision, the others with an error that is small against
 * decisions. The fine one takes three and no near patterns, and is good for energies. */
uint64_t dam_paired_scratch(int N, int64_t states);
bool dam_paired_pass(const dam_pass *pass);

/* The same as the rough one in words of 16 bits, in any dimension. The fine one takes more near
 * patterns for energies, too many in low dimension. */
#define DAM_WORDS_LEAST_N_FINE 26
uint64_t dam_words_scratch(int N, int64_t states);
bool dam_words_pass(const dam_pass *pass);

/* Single precision. */
uint64_t dam_single_scratch(int N, int64_t states);
bool dam_single_pass(const dam_pass *pass);

#endif
