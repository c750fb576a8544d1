#include <string.h>

#include "../sphere.h"
#include "per_isa.h"

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
#if !defined(DAM_ISA_avx512) && !defined(DAM_ISA_avx2)
typedef float singles __attribute__((vector_size(4 * WIDTH), aligned(4)));
#endif

INLINE vector splat(double x)
{
    return x - (vector){0};
}

/* WIDTH singles as doubles. */
INLINE vector widened(const float *x)
{
#if defined(DAM_ISA_avx512)
    return (vector)_mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif defined(DAM_ISA_avx2)
    return (vector)_mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    return __builtin_convertvector(*(const singles *)x, vector);
#endif
}

/* The first n of them, and zeros; what lies beyond is not read. */
INLINE vector widened_first(const float *x, int n)
{
#if defined(DAM_ISA_avx512)
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __mmask8 mask = _mm256_cmpgt_epi32_mask(_mm256_set1_epi32(n), place);
    return (vector)_mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, x));
#elif defined(DAM_ISA_avx2)
    const __m128i mask = _mm_cmpgt_epi32(_mm_set1_epi32(n), _mm_setr_epi32(0, 1, 2, 3));
    return (vector)_mm256_cvtps_pd(_mm_maskload_ps(x, mask));
#else
    vector wide = {0};
    for (int i = 0; i < n && i < WIDTH; i++)
        wide[i] = x[i];
    return wide;
#endif
}

/* WIDTH doubles as singles. */
INLINE void narrow(float *out, vector x)
{
#if defined(DAM_ISA_avx512)
    _mm256_storeu_ps(out, _mm512_cvtpd_ps((__m512d)x));
#elif defined(DAM_ISA_avx2)
    _mm_storeu_ps(out, _mm256_cvtpd_ps((__m256d)x));
#else
    *(singles *)out = __builtin_convertvector(x, singles);
#endif
}

/* The first n of them; what lies beyond is not written. */
INLINE void narrow_first(float *out, vector x, int n)
{
#if defined(DAM_ISA_avx512)
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __mmask8 mask = _mm256_cmpgt_epi32_mask(_mm256_set1_epi32(n), place);
    _mm256_mask_storeu_ps(out, mask, _mm512_cvtpd_ps((__m512d)x));
#elif defined(DAM_ISA_avx2)
    const __m128i mask = _mm_cmpgt_epi32(_mm_set1_epi32(n), _mm_setr_epi32(0, 1, 2, 3));
    _mm_maskstore_ps(out, mask, _mm256_cvtpd_ps((__m256d)x));
#else
    for (int i = 0; i < n && i < WIDTH; i++)
        out[i] = (float)x[i];
#endif
}

/* a x + s; the product of two singles is exact, so fusing or not gives the same bits. */
INLINE vector multiply_add(vector a, vector x, vector s)
{
#if defined(DAM_ISA_avx512)
    return (vector)_mm512_fmadd_pd((__m512d)a, (__m512d)x, (__m512d)s);
#elif defined(DAM_ISA_avx2)
    return (vector)_mm256_fmadd_pd((__m256d)a, (__m256d)x, (__m256d)s);
#else
    return s + a * x;
#endif
}

/* VECTORS * WIDTH patterns of a panel with `chains` states, a constant where this is inlined. */
INLINE void overlap_tile(const float *panel, int N, const double *states, int chains, double *phi)
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
            xi[v] = widened(panel + k * DAM_PANEL + WIDTH * v);
#pragma GCC unroll 6
        for (int j = 0; j < chains; j++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[j][v] = multiply_add(xi[v], splat(states[k * chains + j]), sum[j][v]);
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
INLINE vector gather(const float *component, const int32_t *at)
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
                    sum[v] = multiply_add(gather(panels + k * DAM_PANEL, at + v * WIDTH),
                                          splat(x[k]), sum[v]);
        for (int v = 0; v < 4; v++)
            *(vector_unaligned *)(out + v * WIDTH) = sum[v] / (double)N;
        memcpy(phi + first, out, (size_t)some * sizeof *out);
    }
}

#if defined(DAM_ISA_avx512) || defined(DAM_ISA_avx2)
/* Eight components of eight patterns of a panel, as rows. */
INLINE void turn(const float *panel, float *rows, int stride)
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

/* The products of a row with x, not added up over lanes yet. */
INLINE vector products_of_row(const float *row, int stride, const double *x)
{
    vector sum = {0};

    for (int k = 0; k < stride; k += WIDTH)
        sum = multiply_add(widened(row + k), *(const vector_unaligned *)(x + k), sum);
    return sum;
}

#if defined(DAM_ISA_avx512)
/* The sums over lanes of eight registers. */
INLINE __m512d add_lanes_of_eight(const __m512d *v)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    __m512d a[4], b[2];

#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) /* of pairs of lanes: 2 i, 2 i + 1, 2 i, ... */
        a[i] = _mm512_add_pd(_mm512_unpacklo_pd(v[2 * i], v[2 * i + 1]),
                             _mm512_unpackhi_pd(v[2 * i], v[2 * i + 1]));
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) /* of halves: 4 i, ... 4 i + 3, 4 i, ... */
        b[i] = _mm512_add_pd(_mm512_permutex2var_pd(a[2 * i], low, a[2 * i + 1]),
                             _mm512_permutex2var_pd(a[2 * i], high, a[2 * i + 1]));
    return _mm512_add_pd(_mm512_shuffle_f64x2(b[0], b[1], 0x44),
                         _mm512_shuffle_f64x2(b[0], b[1], 0xee));
}

static void overlaps_of_rows(const float *out, int stride, int N, const int32_t *mu, int64_t n,
                             const double *x, double *phi)
{
    for (int64_t i = 0; i < n; i += 8) {
        const int some = n - i < 8 ? (int)(n - i) : 8;
        __m512d sum[8];
#pragma GCC unroll 8
        for (int j = 0; j < 8; j++) /* what is beyond is the last one again */
            sum[j] = (__m512d)products_of_row(
                out + mu[i + (j < some ? j : some - 1)] * (int64_t)stride, stride, x);
        _mm512_mask_storeu_pd(phi + i, (__mmask8)((1u << some) - 1),
                              _mm512_div_pd(add_lanes_of_eight(sum), _mm512_set1_pd(N)));
    }
}
#else
static void overlaps_of_rows(const float *out, int stride, int N, const int32_t *mu, int64_t n,
                             const double *x, double *phi)
{
    for (int64_t i = 0; i < n; i++) {
        const vector sum = products_of_row(out + (int64_t)mu[i] * stride, stride, x);
        double all = 0;
        for (int j = 0; j < WIDTH; j++)
            all += sum[j];
        phi[i] = all / N;
    }
}
#endif

/* Places are written four at a time: how many there are cannot be foreseen, and a loop that ends
 * too early or too late costs more than some that are written in vain. */
static int64_t places(const uint16_t *mask, int64_t masks, int32_t first, int32_t *place)
{
    int64_t found = 0;

    for (int64_t i = 0; i < masks; i += 4, first += 64) {
        uint64_t near;
        memcpy(&near, mask + i, sizeof near);
        near = ~near;
        if (masks - i < 4)
            near &= (UINT64_C(1) << 16 * (masks - i)) - 1;
        const int number = __builtin_popcountll(near);
        for (int n = 0; n < number; n += 4)
#pragma GCC unroll 4
            for (int j = 0; j < 4; j++, near &= near - 1)
                place[found + n + j] = first + __builtin_ctzll(near | UINT64_C(1) << 63);
        found += number;
    }
    return found;
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

/* The lanes of sphere.h: as registers, and their sum. */
#define LANE_VECTORS (DAM_LANES / WIDTH)

INLINE double add_registers(vector sum[LANE_VECTORS])
{
    double lane[WIDTH];

#pragma GCC unroll 3
    for (int half = LANE_VECTORS / 2; half > 0; half /= 2)
#pragma GCC unroll 4
        for (int v = 0; v < half; v++)
            sum[v] = sum[v] + sum[v + half];
    for (int j = 0; j < WIDTH; j++)
        lane[j] = sum[0][j];
#pragma GCC unroll 3
    for (int half = WIDTH / 2; half > 0; half /= 2)
#pragma GCC unroll 4
        for (int j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

static void propose(int N, const float *restrict x, const float *restrict eta, double sigma,
                    double *restrict y, float *restrict out)
{
    const int whole = N - N % DAM_LANES;
    const vector width = splat(sigma);
    vector last[LANE_VECTORS], sum[LANE_VECTORS] = {{0}}, factor;

    for (int k = 0; k < whole; k += DAM_LANES)
#pragma GCC unroll 8
        for (int v = 0; v < LANE_VECTORS; v++) {
            const int i = k + v * WIDTH;
            const vector moved = widened(x + i) + width * widened(eta + i);
            sum[v] = sum[v] + moved * moved;
            *(vector_unaligned *)(y + i) = moved;
        }
#pragma GCC unroll 8
    for (int v = 0; v < LANE_VECTORS; v++) { /* zeros at the end change no sum */
        const int i = whole + v * WIDTH;
        last[v] = widened_first(x + i, N - i) + width * widened_first(eta + i, N - i);
        sum[v] = sum[v] + last[v] * last[v];
    }
    factor = splat(dam_onto_sphere(N, add_registers(sum)));
    for (int k = 0; k < whole; k += WIDTH)
        narrow(out + k, *(const vector_unaligned *)(y + k) * factor);
#pragma GCC unroll 8
    for (int v = 0; v < LANE_VECTORS; v++)
        narrow_first(out + whole + v * WIDTH, last[v] * factor, N - whole - v * WIDTH);
}

/* Rows whose products with x are added up together. */
#if defined(DAM_ISA_avx512)
#define ROWS 3 /* 6 of 32 registers */
#elif defined(DAM_ISA_avx2)
#define ROWS 2 /* 8 of 16 */
#else
#define ROWS 1
#endif

/* x.row of some rows, a constant number where this is inlined. */
INLINE void dot_rows(int N, const float *x, const float *const *row, int rows, double *out)
{
    const int whole = N - N % DAM_LANES;
    vector sum[ROWS][LANE_VECTORS];

    memset(sum, 0, sizeof sum);
    for (int k = 0; k < whole; k += DAM_LANES)
#pragma GCC unroll 8
        for (int v = 0; v < LANE_VECTORS; v++) {
            const int i = k + v * WIDTH;
            const vector own = widened(x + i);
#pragma GCC unroll 3
            for (int r = 0; r < rows; r++)
                sum[r][v] = multiply_add(widened(row[r] + i), own, sum[r][v]);
        }
#pragma GCC unroll 8
    for (int v = 0; v < LANE_VECTORS; v++) {
        const int i = whole + v * WIDTH;
        const vector own = widened_first(x + i, N - i);
#pragma GCC unroll 3
        for (int r = 0; r < rows; r++)
            sum[r][v] = multiply_add(widened_first(row[r] + i, N - i), own, sum[r][v]);
    }
#pragma GCC unroll 3
    for (int r = 0; r < rows; r++)
        out[r] = add_registers(sum[r]);
}

static void dots(int N, const float *x, const float *const *row, int rows, double *out)
{
    for (; rows >= ROWS; rows -= ROWS, row += ROWS, out += ROWS)
        dot_rows(N, x, row, ROWS, out);
    if (rows == 2)
        dot_rows(N, x, row, ROWS < 2 ? ROWS : 2, out);
    else if (rows == 1)
        dot_rows(N, x, row, 1, out);
}

static double dot(int N, const float *x, const float *y)
{
    double product;

    dot_rows(N, x, &y, 1, &product);
    return product;
}

#define TEXT2(name) #name
#define TEXT(name) TEXT2(name)

const dam_kernels PASTE(dam_kernels, DAM_ISA) = {
    .name = TEXT(DAM_ISA),
    .normals = PASTE(dam_normals, DAM_ISA),
    .log_uniforms = PASTE(dam_log_uniforms, DAM_ISA),
    .overlaps = overlaps,
    .overlaps_of = overlaps_of,
    .rows = rows,
    .overlaps_of_rows = overlaps_of_rows,
    .places = places,
    .reduce = reduce,
    .propose = propose,
    .dot = dot,
    .dots = dots,
    .scale = scale,
    .single = &PASTE(dam_single, DAM_ISA),
};
