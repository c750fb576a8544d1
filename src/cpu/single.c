#include "per_isa.h"
#include "reduce_single.h"

/* Registers of patterns and states of a tile: the accumulators are as many as fit. */
#if defined(DAM_ISA_avx512)
#define VECTORS 2
#define TILE 12 /* 24 of 32 registers */
#else
#define VECTORS 2
#define TILE 6 /* 12 of 16 */
#endif
#define STRIP (VECTORS * DAM_SINGLES)

/* Overlaps of a strip of patterns with a tile, and the lanes that terms are added to. */
typedef struct {
    singles dot[TILE * VECTORS];
    singles sum[TILE];
    union {
        singles absolute[TILE];
        integers count[TILE];
    };
} work;

/* Sums over first <= k < last of a strip with `width` states, a constant where this is inlined. */
DAM_INLINE void sum_products(const float *panel, int first, int last, const float *states,
                             int width, const singles *from, const char *next, int64_t step,
                             singles *sum)
{
#pragma GCC unroll 24
    for (int i = 0; i < width * VECTORS; i++)
        sum[i] = from[i % VECTORS];
    for (int k = first; k < last; k++) {
        const float *at = panel + (int64_t)k * DAM_PANEL;
        singles xi[VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < VECTORS; v++)
            xi[v] = ((const singles *)at)[v];
        __builtin_prefetch(next + k * step, 0, 2);
#pragma GCC unroll 12
        for (int j = 0; j < width; j++) {
            const singles x = splat(states[k * width + j]);
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                sum[j * VECTORS + v] = multiply_add(xi[v], x, sum[j * VECTORS + v]);
        }
    }
}

/* Overlaps of a strip. Chunks of k are added up apart, so that fewer roundings pile up. */
DAM_INLINE void overlap_strip(const float *panel, int N, const float *states, int width,
                              const float *start, const char *next, int64_t step, singles *dot)
{
    static const singles zero[VECTORS];

    for (int first = 0; first < N; first += DAM_SINGLE_CHUNK) {
        const int last = N - first < DAM_SINGLE_CHUNK ? N : first + DAM_SINGLE_CHUNK;
        singles sum[TILE * VECTORS];

        sum_products(panel, first, last, states, width, first ? zero : (const singles *)start, next,
                     step, sum);
#pragma GCC unroll 24
        for (int i = 0; i < width * VECTORS; i++)
            dot[i] = first ? dot[i] + sum[i] : sum[i];
    }
}

/* The same with small chunks, and these in pairs, pairs in pairs and so on. */
DAM_INLINE void overlap_strip_fine(const float *panel, int N, const float *states, int width,
                                   const float *start, const char *next, int64_t step, singles *dot)
{
    static const singles zero[VECTORS];
    const int chunk = dam_single_fine_chunk(N);
    singles level[DAM_SINGLE_LEVELS][TILE * VECTORS];
    unsigned done = 0;
    bool begun = false;

    for (int first = 0; first < N; first += chunk) {
        const int last = N - first < chunk ? N : first + chunk;
        singles sum[TILE * VECTORS];
        int l = 0;

        sum_products(panel, first, last, states, width, first ? zero : (const singles *)start, next,
                     step, sum);
        for (; done >> l & 1; l++)
#pragma GCC unroll 24
            for (int i = 0; i < width * VECTORS; i++)
                sum[i] += level[l][i];
#pragma GCC unroll 24
        for (int i = 0; i < width * VECTORS; i++)
            level[l][i] = sum[i];
        done++;
    }
    for (int l = 0; done >> l; l++) {
        if (!(done >> l & 1))
            continue;
#pragma GCC unroll 24
        for (int i = 0; i < width * VECTORS; i++)
            dot[i] = begun ? dot[i] + level[l][i] : level[l][i];
        begun = true;
    }
}

static void add_terms(const dam_single_terms *t, const float *offset, int width, work *w)
{
    switch (t->kernel) {
    case DAM_LSE:
        if (t->fine)
            add_terms_lse(t, offset, w->dot, width, VECTORS, true, w->sum);
        else
            add_terms_lse(t, offset, w->dot, width, VECTORS, false, w->sum);
        break;
    case DAM_LSR:
        add_terms_lsr(t, offset, w->dot, width, VECTORS, w->sum, w->count);
        break;
    case DAM_POLYNOMIAL:
        add_terms_polynomial(t, w->dot, width, VECTORS, w->sum, w->absolute);
        break;
    }
}

#define ADD_PANELS(WIDTH)                                                                          \
    static void add_panels_##WIDTH(const dam_single_terms *t, const float *panel, int64_t panels,  \
                                   int N, const float *states, const float *start,                 \
                                   const float *offset, const char *next, int64_t step, work *w)   \
    {                                                                                              \
        for (int64_t p = 0; p < panels; p++)                                                       \
            for (int v = 0; v < DAM_PANEL; v += STRIP, next += N * step) {                         \
                if (t->fine)                                                                       \
                    overlap_strip_fine(panel + p * N * DAM_PANEL + v, N, states, WIDTH, start + v, \
                                       next, step, w->dot);                                        \
                else                                                                               \
                    overlap_strip(panel + p * N * DAM_PANEL + v, N, states, WIDTH, start + v,      \
                                  next, step, w->dot);                                             \
                add_terms(t, offset, WIDTH, w);                                                    \
            }                                                                                      \
    }
ADD_PANELS(1)
ADD_PANELS(2)
ADD_PANELS(3)
ADD_PANELS(4)
ADD_PANELS(5)
ADD_PANELS(6)
#if TILE == 12
ADD_PANELS(7)
ADD_PANELS(8)
ADD_PANELS(9)
ADD_PANELS(10)
ADD_PANELS(11)
ADD_PANELS(12)
#endif

static void (*const by_width[TILE])(const dam_single_terms *, const float *, int64_t, int,
                                    const float *, const float *, const float *, const char *,
                                    int64_t, work *) = {
    add_panels_1, add_panels_2, add_panels_3, add_panels_4,  add_panels_5,  add_panels_6,
#if TILE == 12
    add_panels_7, add_panels_8, add_panels_9, add_panels_10, add_panels_11, add_panels_12,
#endif
};

/* The sum of a register's lanes, by halving, in double. */
DAM_INLINE double add_lanes(singles x)
{
    double lane[DAM_SINGLES / 2];

    for (int i = 0; i < DAM_SINGLES / 2; i++)
        lane[i] = (double)x[i] + (double)x[i + DAM_SINGLES / 2];
    for (int half = DAM_SINGLES / 4; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

static void add(const dam_single_terms *t, const float *panel, int64_t panels, int N,
                const float *states, int width, const float *start, const float *offset,
                const float *next, int64_t bytes, dam_single_sum *sum)
{
    const int64_t rows = panels * N * (DAM_PANEL / STRIP);
    work w;
#ifdef __SSE2__
    const unsigned int control = _mm_getcsr();

    _mm_setcsr(control | _MM_FLUSH_ZERO_ON); /* numbers below the normal ones take long */
#endif
    memset(w.sum, 0, (size_t)width * sizeof *w.sum);
    memset(w.absolute, 0, (size_t)width * sizeof *w.absolute);
    by_width[width - 1](t, panel, panels, N, states, start, offset, (const char *)next,
                        bytes / rows, &w);
#ifdef __SSE2__
    _mm_setcsr(control);
#endif
    for (int j = 0; j < width; j++) {
        sum[j].sum += add_lanes(w.sum[j]);
        if (t->kernel == DAM_LSR)
            sum[j].other += add_lanes(__builtin_convertvector(w.count[j], singles));
        else if (t->kernel == DAM_POLYNOMIAL)
            sum[j].other += add_lanes(w.absolute[j]);
    }
}

const dam_single_loops PASTE(dam_single, DAM_ISA) = {.tile = TILE, .strip = STRIP, .add = add};
