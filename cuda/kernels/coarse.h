/*
 * The coarse pass (src/fused.h, docs/numerics.md): where bytes stand, and what its kernels share.
 * Products of bytes are exact integers, so it does not matter who adds them up, or in which order:
 * tensor cores and plain code give the same. Patterns that may be near a state are evaluated one by
 * one in double; the others' terms are added roughly, from the bits of their products.
 *
 * Bytes stand as tensor cores want them. mma.m16n8k32 multiplies 16 patterns by 8 states, over a
 * slice of 32 components; with g = lane / 4 and t = lane % 4 a lane holds, in words of four bytes,
 *   patterns  0: pattern g,     components 4 t ..        states  0: state g, components 4 t ..
 *             1: pattern g + 8, the same                          1: the same, 16 + 4 t ..
 *             2: pattern g,     components 16 + 4 t ..
 *             3: pattern g + 8, the same
 * and gets the products of
 *             0: pattern g and state 2 t,      1: state 2 t + 1
 *             2: pattern g + 8 and state 2 t,  3: state 2 t + 1.
 * A lane's words of a slice are neighbours, those of lanes follow each other: [slice][lane][word].
 * Two such tiles of 16 patterns are a panel; what a warp has in registers are the products of a
 * panel with 8 GROUPS states.
 */
#ifndef DAM_CUDA_COARSE_H
#define DAM_CUDA_COARSE_H

#include "common.h"

#include "bounds.h"

namespace DAM_CUDA_NAMESPACE
{

#define COARSE_SLICE 32    /* components */
#define COARSE_PATTERNS 16 /* of a tile, */
#define COARSE_STATES 8    /* and states that meet it in one product */
#define COARSE_WORDS 4     /* of a lane, of patterns; half as many of states */

/* Dimensions that states of a block still fit into shared memory with. */
#define COARSE_LARGEST_N 4096

/* Products, and where patterns begin to be near, stay well within 32 bits. */
#define COARSE_LARGEST_PRODUCT 0x1p27
#define COARSE_NEVER (-(1 << 30))

/* Panels of a segment, which is what a warp works on: singles that are added in a row are four for
 * each. */
#define COARSE_LEAST_SEGMENT 4
#define COARSE_SEGMENT 64

/* A state's near patterns are evaluated while they are less than one in so many, and a few. */
#define COARSE_NEAR 128
#define COARSE_FEW 32

/* LSE: the depth below L at which patterns are near, at first, and by how much it moves. */
#define COARSE_FIRST_DEPTH 8.0
#define COARSE_LEAST_DEPTH 1e-3
#define COARSE_LARGEST_MOVE 3.0
#define COARSE_SMALL_MOVE 0.05

/* Widths of intervals: wanted, in theta, or of what is good enough for energies; and carried. */
#define COARSE_WIDTH 0.06
#define COARSE_OF_CERTIFIED 0.5
#define COARSE_CARRIED 0.5

/* A pass that leaves too much open is not asked for a while: proposals looked at, one in how many
 * it must decide, and steps to wait. */
#define COARSE_TRIES 32
#define COARSE_PAYS 4
#define COARSE_WAIT 992

static __host__ __device__ __forceinline__ int32_t coarse_slices(int32_t N)
{
    return (N + COARSE_SLICE - 1) / COARSE_SLICE;
}

/* The word of components 4 q .. 4 q + 3 of pattern mu. */
static __host__ __device__ __forceinline__ int64_t coarse_pattern_word(int32_t slices, int64_t mu,
                                                                       int32_t q)
{
    const int64_t tile = mu / COARSE_PATTERNS, i = mu % COARSE_PATTERNS;
    const int64_t lane = i % 8 * 4 + q % 4;

    return ((tile * slices + q / 8) * DAM_WARP + lane) * COARSE_WORDS + i / 8 + q % 8 / 4 * 2;
}

/* The same of a state. */
static __host__ __device__ __forceinline__ int64_t coarse_state_word(int32_t slices, int64_t i,
                                                                     int32_t q)
{
    const int64_t lane = i % COARSE_STATES * 4 + q % 4;

    return ((i / COARSE_STATES * slices + q / 8) * DAM_WARP + lane) * (COARSE_WORDS / 2) +
           q % 8 / 4;
}

/* Groups of eight states that a block takes: few unused ones, and their bytes fit into it. */
static inline int32_t coarse_groups(const wave &w)
{
    const int32_t slices = coarse_slices(w.N);

    if (w.chains > 32 && slices <= 18)
        return 8;
    if (w.chains > 16 && slices <= 32)
        return 4;
    return w.chains > 8 && slices <= 64 ? 2 : 1;
}

/* Of the patterns' bytes. */
static __host__ __device__ __forceinline__ double coarse_quantum(const dam_byte_patterns *p)
{
    const double largest = dam_float(static_cast<uint32_t>(p->largest));
    return largest > 0 ? largest / 127.0 : 1.0;
}

/* The disorder's patterns; all share the first where there is one set. */
static __device__ __forceinline__ const dam_byte_patterns *coarse_patterns_of(const wave &w,
                                                                              int64_t d)
{
    return w.coarse_of + (w.panels_stride ? d : 0);
}

static __device__ __forceinline__ uint32_t coarse_pack(const int32_t byte[4])
{
    uint32_t word = 0;

    for (int i = 0; i < 4; i++)
        word |= (static_cast<uint32_t>(byte[i]) & 0xff) << 8 * i;
    return word;
}

/* States in bytes for the chains that are asked; what is near them; intervals and verdicts. */
cudaError_t launch_coarse_rows(const wave &w, int32_t fine, cudaStream_t stream);
cudaError_t launch_coarse_scan(const wave &w, cudaStream_t stream);
cudaError_t launch_coarse_judge(const wave &w, int32_t fine, cudaStream_t stream);

} // namespace DAM_CUDA_NAMESPACE

#endif
