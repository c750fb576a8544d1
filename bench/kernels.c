/*
 * Speed of the inner loops: the rate of multiply-adds that a core reaches in registers alone, and
 * beside it, in the same seconds, what the single-precision pass (fused.h) and the reference reach
 * over the shapes of the papers' maps; normals; and the passes in bytes beside that in single
 * precision. Times are processor time of the threads, so
 * that a busy machine disturbs less; measurements take turns, and the best of each counts, of the
 * peak as well as of what is compared with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <omp.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "fused.h"
#include "memory.h"
#include "patterns.h"

#define REPEATS 15
#define PEAK_SECONDS 0.004
#define PASS_SECONDS 0.02
#define STATES 80

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Multiply-adds a second in registers alone, twelve independent sums. */
#ifdef __x86_64__
#define PEAK(NAME, TARGET, VECTOR, SET, FMA, WIDTH)                                               \
    __attribute__((target(TARGET))) static double NAME(void)                                      \
    {                                                                                             \
        VECTOR sum[12], a = SET(0.999f), b = SET(1e-3f);                                          \
        double begin = now(), count = 0;                                                          \
        for (int i = 0; i < 12; i++)                                                              \
            sum[i] = SET((float)i);                                                               \
        while (now() - begin < PEAK_SECONDS) {                                                    \
            for (int n = 0; n < 10000; n++)                                                       \
                _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) sum[i] = FMA(sum[i], a, b); \
            __asm__ volatile("" ::"m"(sum));                                                      \
            count += 12e4 * WIDTH;                                                                \
        }                                                                                         \
        return count / (now() - begin);                                                           \
    }
PEAK(peak_avx2_double, "avx2,fma", __m256d, _mm256_set1_pd, _mm256_fmadd_pd, 4)
PEAK(peak_avx2_single, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, 8)
PEAK(peak_avx512_double, "avx512f", __m512d, _mm512_set1_pd, _mm512_fmadd_pd, 8)
PEAK(peak_avx512_single, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, 16)
#endif

/* 0 where there is no fused multiply-add. */
static double peak_rate(const char *isa, int singles)
{
#ifdef __x86_64__
    if (strcmp(isa, "avx2") == 0)
        return singles ? peak_avx2_single() : peak_avx2_double();
    if (strcmp(isa, "avx512") == 0)
        return singles ? peak_avx512_single() : peak_avx512_double();
#endif
    (void)isa;
    (void)singles;
    return 0;
}

static double normals_rate(const dam_kernels *k)
{
    static float out[4096];
    double count = 0, begin = now();

    for (uint64_t i = 0; now() - begin < PASS_SECONDS; i++) {
        k->normals(dam_pattern_stream(1, 50, 1, i), 4096, 0, out);
        count += 4096;
    }
    return count / (now() - begin);
}

#define STATE 990 /* components of the states that are proposed and multiplied */

/* Components a second of proposals, their normals at hand. */
static double proposal_rate(const dam_kernels *k)
{
    static float x[STATE], eta[STATE], out[STATE];
    static double scratch[STATE];
    double count = 0, begin = now();

    k->normals((dam_stream){1, 1}, STATE, 0, x);
    k->normals((dam_stream){1, 2}, STATE, 0, eta);
    for (; now() - begin < PASS_SECONDS; count += 100.0 * STATE)
        for (int i = 0; i < 100; i++)
            k->propose(STATE, x, eta, 0.02, scratch, out);
    return count / (now() - begin);
}

/* Products a second of a state with two others: what a list of one pattern takes. */
static double product_rate(const dam_kernels *k)
{
    static float x[3][STATE];
    const float *const row[] = {x[1], x[2]};
    double sum[2], count = 0, begin = now();
    volatile double sink = 0;

    for (uint64_t i = 0; i < 3; i++)
        k->normals((dam_stream){1, i}, STATE, 0, x[i]);
    for (; now() - begin < PASS_SECONDS; count += 200.0 * STATE)
        for (int i = 0; i < 100; i++) {
            k->dots(STATE, x[0], row, 2, sum);
            sink += sum[0] + sum[1];
        }
    return count / (now() - begin);
}

static void *room(uint64_t count, uint64_t size)
{
    void *p;
    dam_error e;

    if (dam_alloc(&p, count, size, "a benchmark", "nothing", &e)) {
        fprintf(stderr, "bench_kernels: %s\n", e.message);
        exit(1);
    }
    return p;
}

/* M patterns of dimension N, and states near the first one. */
typedef struct {
    int N;
    int64_t M, slot[STATES];
    float *panels, *x;
    double *states, near[STATES]; /* one tile of the reference */
} field;

static void onto_sphere(int N, float *x, int64_t stride)
{
    double norm = 0;

    for (int k = 0; k < N; k++)
        norm += (double)x[k * stride] * x[k * stride];
    for (int k = 0; k < N; k++)
        x[k * stride] = (float)(x[k * stride] * sqrt(N / norm));
}

static field field_make(int N, int64_t M)
{
    const int64_t panels = (M + DAM_PANEL - 1) / DAM_PANEL;
    const dam_kernels *k;
    field f = {.N = N, .M = M};

    dam_kernels_get(&k, &(dam_error){0});
    f.panels = room((uint64_t)(panels * N), DAM_PANEL * sizeof(float));
    f.x = room(STATES, (uint64_t)N * sizeof(float));
    f.states = room(DAM_TILE, (uint64_t)N * sizeof(double));
    k->normals((dam_stream){1, 1}, panels * N * DAM_PANEL, 0, f.panels);
    for (int64_t mu = 0; mu < panels * DAM_PANEL; mu++) {
        float *xi = f.panels + mu / DAM_PANEL * DAM_PANEL * N + mu % DAM_PANEL;
        onto_sphere(N, xi, DAM_PANEL);
        for (int i = 0; i < N && mu >= M; i++)
            xi[(int64_t)i * DAM_PANEL] = 0;
    }
    k->normals((dam_stream){2, 1}, (int64_t)STATES * N, 0, f.x);
    for (int i = 0; i < STATES; i++) {
        f.slot[i] = i;
        for (int j = 0; j < N; j++)
            f.x[i * N + j] = f.panels[(int64_t)j * DAM_PANEL] + 0.4f * f.x[i * N + j];
        onto_sphere(N, f.x + i * N, 1);
        f.near[i] = -0.07 * N;
    }
    for (int i = 0; i < DAM_TILE * N; i++)
        f.states[i] = f.x[i % DAM_TILE * N + i / DAM_TILE];
    return f;
}

static void field_free(field *f)
{
    dam_free(f->panels);
    dam_free(f->x);
    dam_free(f->states);
}

/* Multiply-adds a second of the pass, and whether it says anything about the states. */
static double single_rate(const dam_kernels *k, const field *f, const dam_reference *r,
                          void *scratch, double *width)
{
    dam_interval L[STATES];
    const dam_pass pass = {.kernels = k,
                           .reference = r,
                           .N = f->N,
                           .M = f->M,
                           .panels = f->panels,
                           .x = f->x,
                           .slot = f->slot,
                           .states = STATES,
                           .near = f->near,
                           .scratch = scratch,
                           .L = L};
    double count = 0, begin = now();

    do {
        dam_single_pass(&pass);
        count += (double)f->M * f->N * STATES;
    } while (now() - begin < PASS_SECONDS);
    *width = L[0].high - L[0].low;
    return count / (now() - begin);
}

/* Multiply-adds a second of the reference with one tile of states. */
static double reference_rate(const dam_kernels *k, const field *f, const dam_reference *r,
                             double *phi)
{
    double count = 0, begin = now();
    volatile double sink = 0;

    while (now() - begin < PASS_SECONDS)
        for (int64_t mu = 0; mu < f->M && now() - begin < PASS_SECONDS; mu += DAM_BLOCK) {
            const int64_t n = f->M - mu < DAM_BLOCK ? f->M - mu : DAM_BLOCK;
            k->overlaps(f->panels + mu * f->N, (n + DAM_PANEL - 1) / DAM_PANEL, f->N, f->states,
                        DAM_TILE, phi);
            for (int j = 0; j < DAM_TILE; j++)
                sink += k->reduce(r, phi + j * DAM_BLOCK, n).sum;
            count += (double)n * f->N * DAM_TILE;
        }
    return count / (now() - begin);
}

static void keep_best(double *best, double rate)
{
    if (rate > *best)
        *best = rate;
}

/* One line of the table: each thread's best of all repetitions. */
static void measure(const dam_kernels *k, const field *f, dam_kernel kernel, int threads)
{
    const dam_hamiltonian h = {.kernel = kernel, .beta_net = 1, .b = kernel == DAM_LSR ? 3.41 : 0};
    const dam_reference r = dam_reference_of(&h, f->N);
    double single = 0, reference = 0, of_single = 0, of_double = 0, width = 0;

#pragma omp parallel num_threads(threads)
    {
        void *scratch = room(dam_single_scratch(f->N, STATES), 1);
        double *phi = room(DAM_TILE * DAM_BLOCK, sizeof *phi);
        double best[4] = {0}, mine = 0;
        for (int i = 0; i < REPEATS; i++) {
#pragma omp barrier
            keep_best(best, peak_rate(k->name, 1));
            keep_best(best + 1, single_rate(k, f, &r, scratch, &mine));
            keep_best(best + 2, peak_rate(k->name, 0));
            keep_best(best + 3, reference_rate(k, f, &r, phi));
        }
#pragma omp critical
        {
            width = mine;
            single += best[1];
            reference += best[3];
            of_single += best[1] / best[0] / threads;
            of_double += best[3] / best[2] / threads;
        }
        dam_free(scratch);
        dam_free(phi);
    }
    printf("%-7s %4d %7lld %-4s %7d %11.3g %9.2f %12.3g %9.2f %9.1e\n", k->name, f->N,
           (long long)f->M, kernel == DAM_LSE ? "lse" : "lsr", threads, single, of_single,
           reference, of_double, width);
    fflush(stdout);
}

/* The passes that are compared, each on states that are nowhere near a pattern. */
static const struct {
    const char *name;
    dam_kernel kernel;
    dam_bytes_kind kind;
    bool fine;
} byte_passes[] = {
    {"single", DAM_LSE, DAM_NO_BYTES, false},     {"single, fine", DAM_LSE, DAM_NO_BYTES, true},
    {"words", DAM_LSE, DAM_WORDS16, false},       {"words, fine", DAM_LSE, DAM_WORDS16, true},
    {"two bytes", DAM_LSE, DAM_TWO_BYTES, false}, {"three bytes", DAM_LSE, DAM_TWO_BYTES, true},
    {"one byte", DAM_LSE, DAM_ONE_BYTE, false},   {"one, fine", DAM_LSE, DAM_ONE_BYTE, true},
    {"one, LSR", DAM_LSR, DAM_ONE_BYTE, false}};
#define BYTE_PASSES (sizeof byte_passes / sizeof byte_passes[0])

/* Nanoseconds of byte_passes[i] per pattern and state; the edges have been learnt before. */
static double time_of_pass(const dam_pass *pass, size_t i)
{
    const double begin = now();
    double count = 0;

    do {
        switch (byte_passes[i].kind) {
        case DAM_NO_BYTES:
            dam_single_pass(pass);
            break;
        case DAM_ONE_BYTE:
            dam_coarse_pass(pass);
            break;
        case DAM_TWO_BYTES:
            dam_paired_pass(pass);
            break;
        case DAM_WORDS16:
            dam_words_pass(pass);
            break;
        }
        count += (double)pass->M * (double)pass->states;
    } while (now() - begin < PASS_SECONDS);
    return 1e9 * (now() - begin) / count;
}

/* Whether byte_passes[i] is there, and more than the plain loop that all others are tested against.
 */
static bool is_worth_it(const dam_kernels *k, int N, size_t i)
{
    const bool fast = dam_coarse_loops_for(k)->for_lse == DAM_TWO_BYTES;

    return byte_passes[i].kind != DAM_TWO_BYTES || (fast && N <= DAM_PAIRED_LARGEST_N);
}

static uint64_t largest_scratch(int N)
{
    const uint64_t size[] = {dam_single_scratch(N, STATES), dam_coarse_scratch(N, STATES),
                             dam_paired_scratch(N, STATES), dam_words_scratch(N, STATES)};
    uint64_t largest = 0;

    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        largest = size[i] > largest ? size[i] : largest;
    return largest;
}

static dam_patterns *draw(int N, int64_t M, const dam_kernels *k, float **panels)
{
    float *rows = room(DAM_PANEL, (uint64_t)N * sizeof *rows);
    dam_patterns *p;

    if (dam_patterns_draw(&p, N, M, 1, 1, 1, &(dam_error){0}))
        exit(1);
    *panels = room(dam_patterns_bytes(p), 1);
    for (int64_t i = 0; i < dam_patterns_panels(p); i++)
        dam_patterns_fill_panel(p, k, 0, i, rows, *panels + i * N * DAM_PANEL);
    dam_free(rows);
    return p;
}

/* One line: all passes by turns, on one thread, the best of each. */
static void measure_bytes(const dam_kernels *k, int N, int64_t M)
{
    static int64_t slot[STATES];
    static double near[STATES], wanted[STATES], depth[BYTE_PASSES][STATES];
    static dam_interval L[STATES];
    double best[BYTE_PASSES];
    dam_bytes_set bytes[DAM_WORDS16 + 1] = {{.of = NULL}};
    float *panels, *x = room(STATES, (uint64_t)N * sizeof *x);
    dam_patterns *p = draw(N, M, k, &panels);
    void *scratch = room(largest_scratch(N), 1);

    k->normals((dam_stream){2, 1}, (int64_t)STATES * N, 0, x);
    for (int i = 0; i < STATES; i++) {
        slot[i] = i;
        onto_sphere(N, x + i * N, 1);
    }
    for (dam_bytes_kind kind = DAM_ONE_BYTE; kind <= DAM_WORDS16; kind++)
        dam_bytes_make(bytes + kind, p, k, panels, 1, dam_bytes_whole(kind, N));
    memset(depth, 0, sizeof depth);
    for (int repeat = -10; repeat < REPEATS; repeat++)
        for (size_t i = 0; i < BYTE_PASSES; i++) {
            if (!is_worth_it(k, N, i))
                continue;
            const dam_hamiltonian h = {.kernel = byte_passes[i].kernel,
                                       .beta_net = 1,
                                       .b = byte_passes[i].kernel == DAM_LSR ? 3.41 : 0};
            const dam_reference r = dam_reference_of(&h, N);
            const dam_pass pass = {.kernels = k,
                                   .reference = &r,
                                   .N = N,
                                   .M = M,
                                   .panels = panels,
                                   .coarse = bytes[byte_passes[i].kind].of,
                                   .x = x,
                                   .slot = slot,
                                   .states = STATES,
                                   .near = near,
                                   .wanted = wanted,
                                   .depth = depth[i],
                                   .scratch = scratch,
                                   .L = L,
                                   .fine = byte_passes[i].fine};
            for (int c = 0; c < STATES; c++)
                wanted[c] = byte_passes[i].fine ? 0.9e-6 * N : 0.03;
            const double time = time_of_pass(&pass, i);
            best[i] = repeat <= 0 || time < best[i] ? time : best[i];
            for (int c = 0; c < STATES && r.kernel == DAM_LSE && L[c].low > -1e300; c++)
                near[c] = L[c].low;
        }
    printf("%4d %7lld", N, (long long)M);
    for (size_t i = 0; i < BYTE_PASSES; i++)
        if (!is_worth_it(k, N, i))
            printf(" %13s", "");
        else
            printf(" %13.3f", best[i]);
    printf("\n");
    fflush(stdout);
    for (dam_bytes_kind kind = DAM_ONE_BYTE; kind <= DAM_WORDS16; kind++)
        dam_bytes_drop(bytes + kind);
    dam_patterns_release(p);
    dam_free(panels);
    dam_free(scratch);
    dam_free(x);
}

/* The shapes of maps, on the best instruction set. */
static void compare_bytes(void)
{
    static const struct {
        int N;
        int64_t M;
    } shapes[] = {{28, 312640}, {37, 143706}, {51, 79288}, {64, 57500}, {96, 39460}, {499, 21451}};
    const dam_kernels *k;

    dam_kernels_get(&k, &(dam_error){0});
    printf("\nOne core, %s, loops in bytes: %s. Nanoseconds per pattern and state, %d states\n"
           "%4s %7s",
           k->name, dam_coarse_loops_for(k)->name, STATES, "N", "M");
    for (size_t i = 0; i < BYTE_PASSES; i++)
        printf(" %13s", byte_passes[i].name);
    printf("\n");
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        measure_bytes(k, shapes[s].N, shapes[s].M);
}

static void print_peaks(const dam_kernels *k)
{
    double singles = 0, doubles = 0, normals = 0, proposals = 0, products = 0;

    for (int i = 0; i < REPEATS; i++) {
        keep_best(&singles, peak_rate(k->name, 1));
        keep_best(&normals, normals_rate(k));
        keep_best(&proposals, proposal_rate(k));
        keep_best(&products, product_rate(k));
        keep_best(&doubles, peak_rate(k->name, 0));
    }
    printf("%-7s %16.3g %16.3g %12.3g %12.3g %12.3g\n", k->name, singles, doubles, normals,
           proposals, products);
}

int main(int argc, char **argv)
{
    static const struct {
        int N;
        int64_t M;
    } shapes[] = {{24, 500000},  {24, 20000},  {50, 200000},
                  {100, 100000}, {240, 60000}, {990, 20000}};
    static const char *const names[] = {"scalar", "avx2", "avx512"};
    const dam_kernels *k;

    printf("One core: multiply-adds a second in registers alone; normals, components of proposals\n"
           "and products of states a second\n"
           "%-7s %16s %16s %12s %12s %12s\n",
           "isa", "peak (single)", "peak (double)", "normals", "proposals", "products");
    for (int i = 0; i < 3; i++)
        if (dam_kernels_named(names[i], &k, &(dam_error){0}) == DAM_OK)
            print_peaks(k);
    if (argc < 2)
        compare_bytes();
    printf(
        "\nMultiply-adds a second, all threads: the single-precision pass over %d states and the\n"
        "reference, fractions of the peak in single and double; width of an interval of L\n"
        "%-7s %4s %7s %-4s %7s %11s %9s %12s %9s %9s\n",
        STATES, "isa", "N", "M", "H", "threads", "single", "fraction", "reference", "fraction",
        "width");
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        field f;
        if (argc > 2 && atoi(argv[2]) != shapes[s].N)
            continue;
        f = field_make(shapes[s].N, shapes[s].M);
        for (int i = 1; i < 3; i++)
            for (int j = 0; j < 4; j++)
                if ((argc < 2 || strcmp(argv[1], names[i]) == 0) &&
                    dam_kernels_named(names[i], &k, &(dam_error){0}) == DAM_OK)
                    measure(k, &f, j & 1 ? DAM_LSR : DAM_LSE, 1 + j / 2);
        field_free(&f);
    }
    return 0;
}
