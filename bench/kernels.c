/*
 * Speed of the inner loops, per core: normals, and the reference evaluation at N = 50, M = 20000
 * with full tiles, beside the rate of multiply-adds that the same core reaches in registers alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "cpu/kernels.h"

#define SECONDS 0.5
#define REPEATS 5

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Multiply-adds a second in registers alone, twelve independent sums; 0 where there is no fma. */
#ifdef __x86_64__
#define PEAK(NAME, TARGET, VECTOR, SET, FMA, WIDTH)                                               \
    __attribute__((target(TARGET))) static double NAME(void)                                      \
    {                                                                                             \
        VECTOR sum[12], a = SET(0.999), b = SET(1e-3);                                            \
        double begin = now(), count = 0;                                                          \
        for (int i = 0; i < 12; i++)                                                              \
            sum[i] = SET(i);                                                                      \
        while (now() - begin < SECONDS) {                                                         \
            for (int n = 0; n < 100000; n++)                                                      \
                _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) sum[i] = FMA(sum[i], a, b); \
            __asm__ volatile("" ::"m"(sum));                                                      \
            count += 12e5 * WIDTH;                                                                \
        }                                                                                         \
        return count / (now() - begin);                                                           \
    }
PEAK(peak_avx2, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_fmadd_pd, 4)
PEAK(peak_avx512, "avx512f", __m512d, _mm512_set1_pd, _mm512_fmadd_pd, 8)
#endif

static double peak_rate(const char *isa)
{
#ifdef __x86_64__
    if (strcmp(isa, "avx2") == 0)
        return peak_avx2();
    if (strcmp(isa, "avx512") == 0)
        return peak_avx512();
#endif
    (void)isa;
    return 0;
}

static double normals_rate(const dam_kernels *k)
{
    static float out[4096];
    double count = 0, begin = now();

    for (uint64_t i = 0; now() - begin < SECONDS; i++) {
        k->normals(dam_pattern_stream(1, 50, 1, i), 4096, 0, out);
        count += 4096;
    }
    return count / (now() - begin);
}

/* Overlaps and sums of DAM_TILE states with M patterns: multiply-adds a second. */
static double reference_rate(const dam_kernels *k, int N, int64_t M)
{
    const int64_t panels = (M + DAM_PANEL - 1) / DAM_PANEL;
    const dam_hamiltonian h = {.kernel = DAM_LSE, .beta_net = 1};
    const dam_reference f = dam_reference_of(&h, N);
    float *panel = aligned_alloc(64, (size_t)(panels * N * DAM_PANEL) * sizeof *panel);
    double *states = aligned_alloc(64, (size_t)(N * DAM_TILE + 7) / 8 * 64);
    double *phi = aligned_alloc(64, DAM_TILE * DAM_BLOCK * sizeof *phi), count = 0, begin;
    volatile double sink = 0;

    k->normals((dam_stream){1, 1}, panels * N * DAM_PANEL, 0, panel);
    for (int i = 0; i < N * DAM_TILE; i++)
        states[i] = panel[i * 7];
    begin = now();
    while (now() - begin < SECONDS) {
        for (int64_t mu = 0; mu < M; mu += DAM_BLOCK) {
            const int64_t n = M - mu < DAM_BLOCK ? M - mu : DAM_BLOCK;
            k->overlaps(panel + mu * N, (n + DAM_PANEL - 1) / DAM_PANEL, N, states, DAM_TILE, phi);
            for (int j = 0; j < DAM_TILE; j++)
                sink += k->reduce(&f, phi + j * DAM_BLOCK, n).sum;
        }
        count += (double)M * N * DAM_TILE;
    }
    count /= now() - begin;
    free(panel);
    free(states);
    free(phi);
    return count;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    static const char *const names[] = {"scalar", "avx2", "avx512"};

    printf("%-8s %12s %14s %22s %12s %10s\n", "isa", "normals/s", "MAC/s (50,2e4)",
           "range of MAC/s", "peak MAC/s", "fraction");
    for (int i = 0; i < 3; i++) {
        const dam_kernels *k;
        double normals[REPEATS], rate[REPEATS], peak[REPEATS];
        if (dam_kernels_named(names[i], &k, &(dam_error){0}))
            continue;
        for (int r = 0; r < REPEATS; r++) {
            normals[r] = normals_rate(k);
            rate[r] = reference_rate(k, 50, 20000);
            peak[r] = peak_rate(names[i]);
        }
        qsort(normals, REPEATS, sizeof *normals, ascending);
        qsort(rate, REPEATS, sizeof *rate, ascending);
        qsort(peak, REPEATS, sizeof *peak, ascending);
        printf("%-8s %12.3g %14.3g %10.3g ..%9.3g", names[i], normals[REPEATS / 2],
               rate[REPEATS / 2], rate[0], rate[REPEATS - 1]);
        if (peak[REPEATS / 2] > 0)
            printf(" %12.3g %10.2f", peak[REPEATS / 2], rate[REPEATS / 2] / peak[REPEATS / 2]);
        putchar('\n');
    }
    return 0;
}
