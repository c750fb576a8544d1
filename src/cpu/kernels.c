#include "kernels.h"

#include <string.h>

#include "../sphere.h"

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
typedef float singles_unaligned __attribute__((vector_size(4 * WIDTH), aligned(4)));

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

/* One component of WIDTH patterns. */
static inline __attribute__((always_inline)) vector gather(const float *component,
                                                           const int32_t *at)
{
#if defined(DAM_ISA_avx512)
    return (vector)_mm512_cvtps_pd(
        _mm256_i32gather_ps(component, _mm256_loadu_si256((const __m256i *)at), 4));
#elif defined(DAM_ISA_avx2)
    return (vector)_mm256_cvtps_pd(
        _mm_i32gather_ps(component, _mm_loadu_si128((const __m128i *)at), 4));
#else
    return (vector){component[at[0]], component[at[1]]};
#endif
}

/* As many patterns as are gathered side by side. */
#define GATHERED (4 * WIDTH)

static void overlaps_of(const float *panels, int N, const int32_t *mu, int64_t n, const double *x,
                        double *phi)
{
    for (int64_t first = 0; first < n; first += GATHERED) {
        const int64_t some = n - first < GATHERED ? n - first : GATHERED;
        int32_t at[GATHERED];
        double out[GATHERED];
        vector sum[4] = {{0}, {0}, {0}, {0}};
        for (int i = 0; i < GATHERED; i++) {
            const int32_t p = mu[first + (i < some ? i : 0)];
            at[i] = p / DAM_PANEL * DAM_PANEL * N + p % DAM_PANEL;
        }
        for (int k = 0; k < N; k++)
#pragma GCC unroll 4
            for (int v = 0; v < 4; v++)
                if (v * WIDTH < some)
                    sum[v] = multiply_add(gather(panels + k * DAM_PANEL, at + v * WIDTH), x[k],
                                          sum[v]);
        for (int v = 0; v < 4; v++)
            *(vector_unaligned *)(out + v * WIDTH) = sum[v] / (double)N;
        memcpy(phi + first, out, (size_t)some * sizeof *out);
    }
}

#if defined(DAM_ISA_avx512) || defined(DAM_ISA_avx2)
/* Eight components of eight patterns of a panel, as rows. */
static inline __attribute__((always_inline)) void turn(const float *panel, float *rows, int stride)
{
    __m256 a[8], b[8];

#pragma GCC unroll 8
    for (int k = 0; k < 8; k++)
        a[k] = _mm256_loadu_ps(panel + k * DAM_PANEL);
#pragma GCC unroll 4
    for (int k = 0; k < 8; k += 2) {
        b[k] = _mm256_unpacklo_ps(a[k], a[k + 1]);
        b[k + 1] = _mm256_unpackhi_ps(a[k], a[k + 1]);
    }
#pragma GCC unroll 2
    for (int k = 0; k < 8; k += 4) {
        a[k] = _mm256_shuffle_ps(b[k], b[k + 2], 0x44);
        a[k + 1] = _mm256_shuffle_ps(b[k], b[k + 2], 0xee);
        a[k + 2] = _mm256_shuffle_ps(b[k + 1], b[k + 3], 0x44);
        a[k + 3] = _mm256_shuffle_ps(b[k + 1], b[k + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++) {
        _mm256_storeu_ps(rows + p * stride, _mm256_permute2f128_ps(a[p], a[p + 4], 0x20));
        _mm256_storeu_ps(rows + (p + 4) * stride, _mm256_permute2f128_ps(a[p], a[p + 4], 0x31));
    }
}
#else
static inline void turn(const float *panel, float *rows, int stride)
{
    for (int p = 0; p < 8; p++)
        for (int k = 0; k < 8; k++)
            rows[p * stride + k] = panel[k * DAM_PANEL + p];
}
#endif

static void rows(const float *panels, int64_t count, int N, int stride, float *out)
{
    for (; count > 0; count--, panels += (int64_t)N * DAM_PANEL, out += (int64_t)stride * DAM_PANEL)
        for (int p = 0; p < DAM_PANEL; p += 8) {
            for (int k = 0; k + 8 <= N; k += 8)
                turn(panels + k * DAM_PANEL + p, out + p * stride + k, stride);
            if (N >= 8 && N % 8) /* some of them once more */
                turn(panels + (N - 8) * DAM_PANEL + p, out + p * stride + N - 8, stride);
            for (int k = 0; N < 8 && k < N; k++)
                for (int i = p; i < p + 8; i++)
                    out[i * stride + k] = panels[k * DAM_PANEL + i];
        }
}

static void overlaps_of_rows(const float *out, int stride, int N, const int32_t *mu, int64_t n,
                             const double *x, double *phi)
{
    for (int64_t i = 0; i < n; i++) {
        const float *row = out + (int64_t)mu[i] * stride;
        vector sum = {0};
        double all = 0;
        for (int k = 0; k < stride; k += WIDTH)
            sum += __builtin_convertvector(*(const singles_unaligned *)(row + k), vector) *
                   *(const vector_unaligned *)(x + k);
#if defined(DAM_ISA_avx512)
        all = _mm512_reduce_add_pd((__m512d)sum);
#else
        for (int j = 0; j < WIDTH; j++)
            all += sum[j];
#endif
        phi[i] = all / N;
    }
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

/*
 * Random123's Philox for a register of counters: its own templates, instantiated for the word type
 * `words`, whose 64-bit lanes hold a 32-bit word below (what stands above is never used).
 */
typedef uint64_t words __attribute__((vector_size(8 * WIDTH)));
struct r123array4xV {
    words v[4];
};
struct r123array2xV {
    words v[2];
};
#define PHILOX_M4xV_0 PHILOX_M4x32_0
#define PHILOX_M4xV_1 PHILOX_M4x32_1
#define PHILOX_WV_0 PHILOX_W32_0
#define PHILOX_WV_1 PHILOX_W32_1
#define PHILOX4xV_DEFAULT_ROUNDS PHILOX4x32_DEFAULT_ROUNDS

/* Low and high word of a b, lane by lane. */
static inline __attribute__((always_inline)) words mulhiloV(uint32_t a, words b, words *high)
{
#if defined(DAM_ISA_avx512)
    words product = (words)_mm512_mul_epu32(_mm512_set1_epi64(a), (__m512i)b);
#elif defined(DAM_ISA_avx2)
    words product = (words)_mm256_mul_epu32(_mm256_set1_epi64x(a), (__m256i)b);
#elif defined(__SSE2__)
    words product = (words)_mm_mul_epu32(_mm_set1_epi64x(a), (__m128i)b);
#else
    words product = (b & 0xffffffffu) * (uint64_t)a;
#endif
    *high = product >> 32;
    return product;
}

/* The templates make a key function, too, that is of no use here. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
/* clang-format off */
_philox4xWbumpkey_tpl(V)
_philox4xWround_tpl(V, words)
_philoxNxW_tpl(4, 2, V, words)
/* clang-format on */
#pragma GCC diagnostic pop

#define BATCH 16 /* blocks made together */
    typedef uint32_t words32 __attribute__((vector_size(4 * WIDTH)));

/* The words of BATCH blocks: w[i][j] is word i of block `first` + j. */
static inline void batch_words(dam_stream s, uint64_t first, uint32_t w[4][BATCH])
{
    for (int j = 0; j < BATCH; j += WIDTH) {
        struct r123array4xV c;
        struct r123array2xV key;
        words block = {0};
        for (int i = 0; i < WIDTH; i++)
            block[i] = first + (uint64_t)(j + i);
        c.v[0] = block;
        c.v[1] = block >> 32;
        c.v[2] = (words){0} + (uint32_t)s.subsequence;
        c.v[3] = (words){0} + (uint32_t)(s.subsequence >> 32);
        key.v[0] = (words){0} + (uint32_t)s.key;
        key.v[1] = (words){0} + (uint32_t)(s.key >> 32);
        c = philox4xV_R(philox4xV_rounds, c, key);
        for (int i = 0; i < 4; i++) {
            words32 low = __builtin_convertvector(c.v[i], words32);
            memcpy(&w[i][j], &low, sizeof low);
        }
    }
}

static inline void batch_normals(uint32_t w[4][BATCH], float *restrict out)
{
    for (int i = 0; i < BATCH; i++) {
        float n[4];
        dam_normal_pair(w[0][i], w[1][i], &n[0], &n[1]);
        dam_normal_pair(w[2][i], w[3][i], &n[2], &n[3]);
        out[4 * i] = n[0];
        out[4 * i + 1] = n[1];
        out[4 * i + 2] = n[2];
        out[4 * i + 3] = n[3];
    }
}

static void normals(dam_stream s, int64_t count, uint64_t first_block, float *restrict out)
{
    uint32_t w[4][BATCH];
    float last[4 * BATCH];

    for (; count >= 4 * BATCH; count -= 4 * BATCH, first_block += BATCH, out += 4 * BATCH) {
        batch_words(s, first_block, w);
        batch_normals(w, out);
    }
    if (count > 0) {
        batch_words(s, first_block, w);
        batch_normals(w, last);
        memcpy(out, last, (size_t)count * sizeof *out);
    }
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
    .overlaps_of = overlaps_of,
    .rows = rows,
    .overlaps_of_rows = overlaps_of_rows,
    .reduce = reduce,
    .propose = propose,
    .dot = dot,
    .scale = scale,
    .single = &PASTE(dam_single, DAM_ISA),
};
