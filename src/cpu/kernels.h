/*
 * The inner loops of the CPU. kernels.c and single.c are compiled once per instruction set; each
 * compilation yields one table. All tables give the same bits (streams.h, exact_math.h, sphere.h,
 * reference.h say which), but for `single`, whose sums are as exact as bounds.h says; they differ
 * in speed only. The instruction set is chosen by what processor and operating system support, or
 * by name.
 */
#ifndef DAM_CPU_KERNELS_H
#define DAM_CPU_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "../error.h"
#include "../reference.h"
#include "../streams.h"

/* Chains whose overlaps with a panel are computed together. */
#define DAM_TILE 6

/* Blocks of the stream that N normals take. */
#define DAM_BLOCKS_OF(N) (((uint64_t)(N) + 3) / 4)

/* What the single-precision pass (fused.h) needs to know of a Hamiltonian. */
typedef struct {
    dam_kernel kernel;
    int k;        /* polynomial: degree */
    float scale;  /* of x.xi: c log2(e) / N, b / N or 1 / N */
    float margin; /* LSR: what a term may be off */
    bool inside;  /* LSE: offsets are integers, and exponents certainly within +- DAM_INSIDE */
    bool fine;    /* fewer roundings, for energies */
} dam_single_terms;

/* One state's terms, added up. */
typedef struct {
    double sum;
    double other; /* LSR: how many may be above their floor; polynomial: sum of |terms| */
} dam_single_sum;

/* The inner loops of the single-precision pass, from single.c. */
typedef struct {
    int tile;  /* states that are taken together, at most */
    int strip; /* patterns that are: each lane adds every strip-th one's term, or fewer */

    /*
     * Adds to sum[width] the terms of `width` states (1 .. tile), singles [k][width], with the
     * patterns of `panels` panels: with d = x.xi + start[pattern mod DAM_PANEL] they are
     * 2^(scale d + offset), max(0, scale d + offset) or (scale d)^k, offset[width] per state.
     * Meanwhile, `bytes` from `next` on are fetched into the cache, at an even pace.
     */
    void (*add)(const dam_single_terms *t, const float *panel, int64_t panels, int N,
                const float *states, int width, const float *start, const float *offset,
                const float *next, int64_t bytes, dam_single_sum *sum);
} dam_single_loops;

typedef struct {
    const char *name; /* "scalar", "avx2", "avx512" */

    /* `count` normals of a stream, from its block `first_block` on (four normals a block). */
    void (*normals)(dam_stream s, int64_t count, uint64_t first_block, float *out);

    /* dam_log of dam_uniform of `count` blocks of a stream, from `first_block` on. */
    void (*log_uniforms)(dam_stream s, int64_t count, uint64_t first_block, double *out);

    /*
     * Overlaps phi[j * DAM_BLOCK + mu] of `chains` (1 .. DAM_TILE) states with the patterns of
     * `panels` panels ([panel][k][DAM_PANEL] singles, aligned to 64 bytes); states are doubles
     * [k][chains].
     */
    void (*overlaps)(const float *panel, int64_t panels, int N, const double *states, int chains,
                     double *phi);

    /*
     * Overlaps phi[n] of one state, doubles x[N], with the patterns at mu[n] of the panels; the
     * same bits as above.
     */
    void (*overlaps_of)(const float *panels, int N, const int32_t *mu, int64_t n, const double *x,
                        double *phi);

    /* Panels as rows of `stride` singles, N or more. What is beyond N stays as it is. */
    void (*rows)(const float *panels, int64_t count, int N, int stride, float *rows);

    /*
     * Overlaps phi[n] of one state, doubles x[stride], with the rows at mu[n]; stride is a multiple
     * of 8, and zeros stand beyond N. Products are added in another order.
     */
    void (*overlaps_of_rows)(const float *rows, int stride, int N, const int32_t *mu, int64_t n,
                             const double *x, double *phi);

    /* The places of the bits that are not set in `masks` masks of sixteen, ascending, counted from
     * `first` on; returns their number. Masks are read in fours, and room for three more places is
     * needed. */
    int64_t (*places)(const uint16_t *mask, int64_t masks, int32_t first, int32_t *place);

    /* One block's sum over the `patterns` first entries of phi (at most DAM_BLOCK). */
    dam_block_sum (*reduce)(const dam_reference *f, const double *phi, int64_t patterns);

    /*
     * Proposal B(7): out = projection of x + sigma n on the sphere, n the N normals in `normals`;
     * `scratch` holds N doubles.
     */
    void (*propose)(int N, const float *x, const float *normals, double sigma, double *scratch,
                    float *out);

    /* x.y in DAM_LANES lanes (sphere.h). */
    double (*dot)(int N, const float *x, const float *y);

    /* The same of x with each of some rows. */
    void (*dots)(int N, const float *x, const float *const *row, int rows, double *out);

    /* out = factor x, rounded once; x and out may be the same. */
    void (*scale)(int N, const float *x, double factor, float *out);

    const dam_single_loops *single;
} dam_kernels;

/*
 * The table in use. The first call chooses: the widest supported, or the one named by DAMLUA_ISA;
 * DAM_ERR_DEVICE when that is unknown or not supported here. Safe from any thread.
 */
dam_status dam_kernels_get(const dam_kernels **out, dam_error *e);

/* The table named ("scalar" | "avx2" | "avx512"), or DAM_ERR_DEVICE. */
dam_status dam_kernels_named(const char *name, const dam_kernels **out, dam_error *e);

#endif
