#include "kernels.h"

#include "../sphere.h"
#include "normals.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)

/* One register of doubles. */
#if defined(DAM_ISA_avx512)
#define WIDTH 8
#define VECTORS 4 /* registers of patterns; times six chains: 24 of 32 are accumulators */
#elif defined(DAM_ISA_avx2)
#define WIDTH 4
#define VECTORS 2 /* 12 of 16 */
#else
#define WIDTH 2
#define VECTORS 2
#endif
typedef double vector __attribute__((vector_size(8 * WIDTH)));
typedef double vector_unaligned __attribute__((vector_size(8 * WIDTH), aligned(8)));
typedef float singles __attribute__((vector_size(4 * WIDTH)));

/* a x + s; the product of two singles is exact, so fusing or not gives the same bits. */
static inline __attribute__((always_inline)) vector multiply_add(vector a, double x, vector s)
{
#if defined(DAM_ISA_avx512)
    return (vector)_mm512_fmadd_pd((__m512d)a, _mm512_set1_pd(x), (__m512d)s);
#elif defined(DAM_ISA_avx2)
    return (vector)_mm256_fmadd_pd((__m256d)a, _mm256_set1_pd(x), (__m256d)s);
#else
    return s + a * x;
#endif
}

/* VECTORS * WIDTH patterns of a panel with `chains` states, a constant where this is inlined. */
static inline __attribute__((always_inline)) void
overlap_tile(const float *panel, int N, const double *states, int chains, double *phi)
{
    vector sum[DAM_TILE][VECTORS];
    double n = N;

    for (int j = 0; j < chains; j++)
        for (int v = 0; v < VECTORS; v++)
            sum[j][v] = (vector){0};
    for (int k = 0; k < N; k++) {
        vector xi[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
            xi[v] = __builtin_convertvector(*(const singles *)(panel + k * DAM_PANEL + WIDTH * v),
                                            vector);
#pragma GCC unroll 6
        for (int j = 0; j < chains; j++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[j][v] = multiply_add(xi[v], states[k * chains + j], sum[j][v]);
    }
    for (int j = 0; j < chains; j++)
        for (int v = 0; v < VECTORS; v++)
            *(vector_unaligned *)(phi + j * DAM_BLOCK + WIDTH * v) = sum[j][v] / n;
}

#define OVERLAP_PANELS(CHAINS)                                                     \
    static void overlap_panels_##CHAINS(const float *panel, int64_t panels, int N, \
                                        const double *states, double *phi)         \
    {                                                                              \
        for (int64_t p = 0; p < panels; p++)                                       \
            for (int v = 0; v < DAM_PANEL; v += WIDTH * VECTORS)                   \
                overlap_tile(panel + p * N * DAM_PANEL + v, N, states, CHAINS,     \
                             phi + p * DAM_PANEL + v);                             \
    }
OVERLAP_PANELS(1)
OVERLAP_PANELS(2)
OVERLAP_PANELS(3)
OVERLAP_PANELS(4)
OVERLAP_PANELS(5)
OVERLAP_PANELS(6)

static void overlaps(const float *panel, int64_t panels, int N, const double *states, int chains,
                     double *phi)
{
    static void (*const by_chains[DAM_TILE])(const float *, int64_t, int, const double *,
                                             double *) = {overlap_panels_1, overlap_panels_2,
                                                          overlap_panels_3, overlap_panels_4,
                                                          overlap_panels_5, overlap_panels_6};

    by_chains[chains - 1](panel, panels, N, states, phi);
}

/* The term loops, per Hamiltonian; `phi` holds whole panels, the last may be partial. */
#define SUM_TERMS(TERM)                               \
    for (; p + DAM_PANEL <= patterns; p += DAM_PANEL) \
        for (int j = 0; j < DAM_PANEL; j++) {         \
            double x = phi[p + j];                    \
            lane[j] += TERM;                          \
        }                                             \
    for (int j = 0; p + j < patterns; j++) {          \
        double x = phi[p + j];                        \
        lane[j] += TERM;                              \
    }

static double maximum(const double *phi, int64_t patterns)
{
    double lane[DAM_PANEL], max;
    int64_t p = 0;

    for (int j = 0; j < DAM_PANEL; j++)
        lane[j] = -HUGE_VAL;
    for (; p + DAM_PANEL <= patterns; p += DAM_PANEL)
        for (int j = 0; j < DAM_PANEL; j++)
            lane[j] = phi[p + j] > lane[j] ? phi[p + j] : lane[j];
    for (int j = 0; p + j < patterns; j++)
        lane[j] = phi[p + j] > lane[j] ? phi[p + j] : lane[j];
    max = lane[0];
    for (int j = 1; j < DAM_PANEL; j++)
        max = lane[j] > max ? lane[j] : max;
    return max;
}

static dam_block_sum reduce(const dam_reference *reference, const double *phi, int64_t patterns)
{
    const dam_reference f = *reference; /* a copy the compiler knows nobody else writes */
    dam_block_sum block = {0, 0};
    double lane[DAM_PANEL] = {0};
    int64_t p = 0;

    switch (f.kernel) {
    case DAM_LSE:
        block.max = maximum(phi, patterns);
        SUM_TERMS(dam_term_lse(&f, block.max, x))
        break;
    case DAM_LSR:
        SUM_TERMS(dam_term_lsr(&f, x))
        break;
    case DAM_POLYNOMIAL:
        SUM_TERMS(dam_term_polynomial(&f, x))
        break;
    }
    block.sum = dam_add_panel_lanes(lane);
    return block;
}

static void scale(int N, const float *x, double factor, float *out)
{
    for (int k = 0; k < N; k++)
        out[k] = (float)(x[k] * factor);
}

static void propose(int N, const float *restrict x, const float *restrict eta, double sigma,
                    double *restrict y, float *restrict out)
{
    double lane[DAM_LANES] = {0}, factor;
    int k = 0;

    for (int i = 0; i < N; i++)
        y[i] = x[i] + sigma * eta[i];
    for (; k + DAM_LANES <= N; k += DAM_LANES)
        for (int j = 0; j < DAM_LANES; j++)
            lane[j] += y[k + j] * y[k + j];
    for (int j = 0; k + j < N; j++)
        lane[j] += y[k + j] * y[k + j];
    factor = dam_onto_sphere(N, dam_add_lanes(lane));
    for (int i = 0; i < N; i++)
        out[i] = (float)(y[i] * factor);
}

static double dot(int N, const float *restrict x, const float *restrict y)
{
    double lane[DAM_LANES] = {0};
    int k = 0;

    for (; k + DAM_LANES <= N; k += DAM_LANES)
        for (int j = 0; j < DAM_LANES; j++)
            lane[j] += (double)x[k + j] * y[k + j];
    for (int j = 0; k + j < N; j++)
        lane[j] += (double)x[k + j] * y[k + j];
    return dam_add_lanes(lane);
}

#define TEXT2(name) #name
#define TEXT(name) TEXT2(name)

extern const dam_single_loops PASTE(dam_single, DAM_ISA);
extern const dam_kernels PASTE(dam_kernels, DAM_ISA);
const dam_kernels PASTE(dam_kernels, DAM_ISA) = {
    .name = TEXT(DAM_ISA),
    .normals = normals,
    .overlaps = overlaps,
    .reduce = reduce,
    .propose = propose,
    .dot = dot,
    .scale = scale,
    .single = &PASTE(dam_single, DAM_ISA),
};
