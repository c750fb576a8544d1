/*
 * The coarse passes, of one byte a component, of two or three, and of words: all loops give the
 * same masks, and sums that differ in rounding only; its interval contains the reference's L for
 * states near a pattern, between patterns and anywhere, at odd N and M, whatever it has learnt; it
 * is as narrow as it was asked to be; and claims made smaller than they are proven are caught:
 * compiled with less than is proven (DAM_SINGLE_SHRINK), the same check must find values outside.
 */
#include <math.h>
#include <stdlib.h>

#include "bounds.h"
#include "check.h"
#include "fused.h"
#include "memory.h"
#include "patterns.h"
#include "sphere.h"

typedef struct {
    dam_patterns *p;
    const dam_kernels *kernels;
    dam_reference f;
    float *panels;
    dam_bytes_set bytes[DAM_WORDS16 + 1]; /* by kind */
    dam_bytes_set leading;                /* one byte of half of the components */
} field;

static void *get(uint64_t bytes)
{
    void *memory;
    dam_error e;

    CHECK(dam_alloc(&memory, bytes, 1, "test", "", &e) == DAM_OK, "no memory");
    return memory;
}

static void make_bytes(const field *s, dam_bytes_set *set, dam_bytes_plan plan)
{
    *set = (dam_bytes_set){.of = NULL};
    if (plan.leading + plan.beside > s->p->N)
        return;
    dam_bytes_make(set, s->p, s->kernels, s->panels, 1, plan);
    CHECK(set->count == 1, "no bytes");
}

static field field_make(dam_hamiltonian h, int N, int64_t M, uint64_t seed)
{
    field s;
    dam_error e = {DAM_OK, ""};
    float *rows = get((uint64_t)N * DAM_PANEL * sizeof *rows);

    CHECK(dam_patterns_draw(&s.p, N, M, 1, 1, seed, &e) == DAM_OK, "%s", e.message);
    CHECK(dam_kernels_get(&s.kernels, &e) == DAM_OK, "%s", e.message);
    s.f = dam_reference_of(&h, N);
    s.panels = get(dam_patterns_bytes(s.p));
    for (int64_t i = 0; i < dam_patterns_panels(s.p); i++)
        dam_patterns_fill_panel(s.p, s.kernels, 0, i, rows, s.panels + i * N * DAM_PANEL);
    dam_free(rows);
    for (dam_bytes_kind kind = DAM_ONE_BYTE; kind <= DAM_WORDS16; kind++)
        make_bytes(&s, &s.bytes[kind], dam_bytes_whole(kind, N));
    make_bytes(&s, &s.leading,
               (dam_bytes_plan){DAM_ONE_BYTE, (N / 2 + 3) / 4 * 4, 4 + (int)(M % 3) * 4});
    return s;
}

static void field_free(field *s)
{
    for (dam_bytes_kind kind = DAM_ONE_BYTE; kind <= DAM_WORDS16; kind++)
        dam_bytes_drop(&s->bytes[kind]);
    dam_bytes_drop(&s->leading);
    dam_patterns_release(s->p);
    dam_free(s->panels);
}

static double reference_L(const field *s, const float *x)
{
    const int N = s->p->N;
    const int64_t M = s->p->M, blocks = (M + DAM_BLOCK - 1) / DAM_BLOCK;
    dam_block_sum *sums = get((uint64_t)blocks * sizeof *sums);
    double *phi = get(DAM_BLOCK * sizeof *phi), *state = get((uint64_t)N * sizeof *state), L;

    for (int k = 0; k < N; k++)
        state[k] = x[k];
    for (int64_t b = 0; b < blocks; b++) {
        int64_t n = M - b * DAM_BLOCK < DAM_BLOCK ? M - b * DAM_BLOCK : DAM_BLOCK;
        s->kernels->overlaps(s->panels + b * DAM_BLOCK * N, (n + DAM_PANEL - 1) / DAM_PANEL, N,
                             state, 1, phi);
        sums[b] = s->kernels->reduce(&s->f, phi, n);
    }
    L = dam_combine_blocks(&s->f, sums, blocks);
    dam_free(sums);
    dam_free(phi);
    dam_free(state);
    return L;
}

/* A state at alignment phi with pattern mu, on the way to a random direction. */
static void state_at(const field *s, int64_t mu, double phi, uint64_t number, float *x)
{
    const int N = s->p->N;
    float *n = get((uint64_t)N * sizeof *n);
    double dot = 0, norm = 0, all = 0;

    s->kernels->normals((dam_stream){99, number}, N, 0, n);
    dam_patterns_rows(s->p, s->kernels, 0, mu, 1, x);
    for (int k = 0; k < N; k++)
        dot += (double)n[k] * x[k] / N;
    for (int k = 0; k < N; k++)
        norm += pow(n[k] - dot * x[k], 2);
    for (int k = 0; k < N; k++) {
        double side = norm > 0 ? (n[k] - dot * x[k]) * sqrt(N / norm) : 0;
        x[k] = (float)(phi * x[k] + sqrt(1 - phi * phi) * side);
        all += (double)x[k] * x[k];
    }
    for (int k = 0; k < N; k++)
        x[k] = (float)(x[k] * sqrt(N / all));
    dam_free(n);
}

static uint64_t scratch_of(dam_bytes_kind kind, int N, int64_t states)
{
    return kind == DAM_ONE_BYTE    ? dam_coarse_scratch(N, states)
           : kind == DAM_TWO_BYTES ? dam_paired_scratch(N, states)
                                   : dam_words_scratch(N, states);
}

static bool run_pass(dam_bytes_kind kind, const dam_pass *pass)
{
    return kind == DAM_ONE_BYTE    ? dam_coarse_pass(pass)
           : kind == DAM_TWO_BYTES ? dam_paired_pass(pass)
                                   : dam_words_pass(pass);
}

/*
 * States outside of their intervals by the pass with such bytes; the widest interval of the last
 * pass is in `*width`. `lost`: L is expected where it is not.
 */
static int violations(const field *s, const dam_bytes *of, bool fine, int64_t states, double wanted,
                      bool lost, double *width)
{
    static const double off[8] = {650, -650, 1e4, -1e4, HUGE_VAL, -HUGE_VAL, NAN, 1e300};
    const int N = s->p->N;
    const int64_t M = s->p->M;
    const dam_bytes_kind kind = of->plan.kind;
    float *x = get((uint64_t)states * N * sizeof *x);
    int64_t *slot = get((uint64_t)states * sizeof *slot);
    double *near = get((uint64_t)states * sizeof *near), *L = get((uint64_t)states * sizeof *L);
    double *want = get((uint64_t)states * sizeof *want);
    double *depth = get((uint64_t)states * sizeof *depth);
    dam_interval *out = get((uint64_t)states * sizeof *out);
    void *scratch = get(scratch_of(kind, N, states));
    int outside = 0;
    const dam_pass pass = {.kernels = s->kernels,
                           .reference = &s->f,
                           .N = N,
                           .M = M,
                           .panels = s->panels,
                           .coarse = of,
                           .x = x,
                           .slot = slot,
                           .states = states,
                           .near = near,
                           .wanted = want,
                           .depth = depth,
                           .scratch = scratch,
                           .L = out,
                           .fine = fine};

    for (int64_t i = 0; i < states; i++) {
        slot[i] = states - 1 - i;
        state_at(s, (i * 7) % M, N > 1 && i % 4 == 3 ? 0 : 1.0 - 0.07 * (double)(i % 13),
                 (uint64_t)i, x + slot[i] * N);
        L[i] = reference_L(s, x + slot[i] * N);
        near[i] = isfinite(L[i]) ? L[i] + (lost ? off[i % 8] : (double)(i % 5 - 2)) : 0;
        want[i] = wanted;
    }
    for (int repeat = 0; repeat < (fine && kind == DAM_TWO_BYTES ? 1 : 12);
         repeat++) { /* the edge moves */
        CHECK(run_pass(kind, &pass), "interrupted");
        *width = 0;
        for (int64_t i = 0; i < states; i++) {
            outside += !(out[i].low <= L[i] && L[i] <= out[i].high);
            if (out[i].low > -HUGE_VAL || out[i].high > -20.0) /* else out of every support */
                *width = fmax(*width, out[i].high - out[i].low);
        }
    }
    dam_free(x);
    dam_free(slot);
    dam_free(near);
    dam_free(L);
    dam_free(want);
    dam_free(depth);
    dam_free(out);
    dam_free(scratch);
    return outside;
}

static const bool shrunk = DAM_SINGLE_SHRINK < 1;
static int caught, caught_pairs, caught_full, caught_words;

/* The passes of two bytes and of words, in all ways; how wide intervals may be for beta_net = 1. */
static void check_sums_of(const field *s, const dam_hamiltonian *h, int64_t states)
{
    const struct {
        const char *name;
        dam_bytes_kind kind;
        bool fine;
        double wanted, widest;
    } way[] = {{"pairs, all far", DAM_TWO_BYTES, false, 1.0, 0.045},
               {"pairs, some near", DAM_TWO_BYTES, false, 0.003, 0.01},
               {"pairs, many near", DAM_TWO_BYTES, false, 1e-5, 0.01},
               {"pairs, full", DAM_TWO_BYTES, true, 1.0, dam_energy_width(&s->f)},
               {"words, all far", DAM_WORDS16, false, 1.0, 0.04},
               {"words, some near", DAM_WORDS16, false, 0.003, 0.01},
               {"words, many near", DAM_WORDS16, false, 1e-5, 0.01},
               {"words, fine, all far", DAM_WORDS16, true, 1.0, 0.03},
               {"words, fine, many near", DAM_WORDS16, true, 1e-5, 0.01}};
    const int N = s->p->N;
    double width;

    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        const dam_bytes_kind kind = way[i].kind;
        const bool fine = way[i].fine;
        if (kind == DAM_TWO_BYTES && N > DAM_PAIRED_LARGEST_N)
            continue;
        const int outside =
            violations(s, s->bytes[kind].of, fine, states, way[i].wanted, true, &width) +
            violations(s, s->bytes[kind].of, fine, states, way[i].wanted, false, &width);
        *(kind == DAM_WORDS16 ? &caught_words : fine ? &caught_full : &caught_pairs) += outside;
        CHECK(shrunk || outside == 0, "N = %d, M = %lld, %s: %d of %lld states outside", N,
              (long long)s->p->M, way[i].name, outside, (long long)states);
        CHECK(h->beta_net != 1 || N > DAM_PAIRED_LARGEST_N ||
                  ((fine || way[i].wanted < 1) && N < 20) || width < way[i].widest,
              "N = %d, M = %lld, %s: width %g", N, (long long)s->p->M, way[i].name, width);
    }
}

static void check_shape(dam_hamiltonian h, int N, int64_t M, int64_t states, double wanted)
{
    char text[80];
    field s = field_make(h, N, M, 3 + (uint64_t)N);
    const dam_bytes *of = s.bytes[DAM_ONE_BYTE].of;
    double width, ignored;
    int outside = violations(&s, of, false, states, wanted, true, &width) +
                  violations(&s, of, false, states, wanted, false, &width);

    if (h.kernel == DAM_LSR && s.leading.of)
        outside += violations(&s, s.leading.of, false, states, wanted, false, &ignored);
    dam_hamiltonian_describe(&h, text, sizeof text);
    caught += outside;
    CHECK(shrunk || outside == 0, "%s, N = %d, M = %lld: %d of %lld states outside", text, N,
          (long long)M, outside, (long long)states);
    if (h.kernel == DAM_LSR && h.epsilon == 0 && N > 16)
        CHECK(width < 1e-9, "%s, N = %d: width %g", text, N, width);
    else if (M > 1000 && N > 90 && h.kernel == DAM_LSE && h.beta_net == 1)
        CHECK(width < 3 * wanted, "%s, N = %d: width %g", text, N, width);
    if (h.kernel == DAM_LSE)
        check_sums_of(&s, &h, states);
    field_free(&s);
}

/* Random bytes, edges and shifts: every loop against the plain one. */
static void check_loops(const dam_coarse_loops *loops, int N, int64_t tiles, int64_t states,
                        int seed)
{
    const dam_coarse_shape shape = dam_coarse_shape_of(N);
    const int64_t row = dam_coarse_row(shape), stride = (tiles + 3) / 4 * 4;
    const int64_t n = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE * DAM_COARSE_TILE;
    int8_t *pattern = get((uint64_t)(tiles * DAM_COARSE_TILE * row));
    int8_t *state = get((uint64_t)(n * row));
    int32_t(*start)[DAM_COARSE_TILE] = get((uint64_t)n * sizeof *start);
    int32_t *total = get((uint64_t)n * sizeof *total);
    uint16_t *mask[2];
    float(*sums[2])[DAM_COARSE_TILE];
    dam_coarse_block b = {.shape = shape,
                          .pattern = pattern,
                          .tiles = tiles,
                          .state = state,
                          .start = (const void *)start,
                          .total = total,
                          .states = states,
                          .shift = 10 + seed % 8,
                          .sum = seed % 3 > 0,
                          .mask_stride = stride};

    srand((unsigned)seed);
    for (int64_t i = 0; i < tiles * DAM_COARSE_TILE * row; i++)
        pattern[i] = (int8_t)(rand() % 255 - 127);
    b.edge = 127 << (23 - b.shift);
    b.floor = 1 << (23 - b.shift);
    for (int64_t i = 0; i < states; i++) {
        const int32_t from = b.edge - rand() % (20000 * N / 16);
        for (int64_t k = 0; k < row; k++)
            total[i] += state[i * row + k] = (int8_t)(rand() % 255 - 127);
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            start[i][j] = from;
    }
    for (int which = 0; which < 2; which++) {
        mask[which] = get((uint64_t)(n * stride) * sizeof **mask);
        sums[which] = get((uint64_t)n * sizeof **sums);
        b.mask = mask[which];
        b.sums = sums[which];
        (which ? loops : &dam_coarse_plain)->scan(&b);
    }
    for (int64_t i = 0; i < states; i++) {
        CHECK(memcmp(mask[0] + i * stride, mask[1] + i * stride, (size_t)tiles * 2) == 0,
              "%s, N = %d, %lld tiles: masks of state %lld of %lld differ", loops->name, N,
              (long long)tiles, (long long)i, (long long)states);
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            CHECK(fabsf(sums[0][i][j] - sums[1][i][j]) <= 1e-5f * sums[0][i][j],
                  "%s, N = %d: sum %g, not %g", loops->name, N, sums[1][i][j], sums[0][i][j]);
    }
    for (int which = 0; which < 2; which++) {
        dam_free(mask[which]);
        dam_free(sums[which]);
    }
    dam_free(pattern);
    dam_free(state);
    dam_free(start);
    dam_free(total);
}

/* The same of sums of pairs; exponents cover all that single numbers have. */
static void check_pairs(const dam_coarse_loops *loops, int N, int64_t tiles, int64_t states,
                        int seed)
{
    const int depth = dam_coarse_row(dam_coarse_shape_of(N));
    const int64_t n = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE * DAM_COARSE_TILE;
    const int64_t bytes = tiles * 2 * depth * DAM_COARSE_TILE;
    int8_t *pattern = get((uint64_t)bytes), *third = get((uint64_t)bytes);
    int8_t *state = get((uint64_t)(n * DAM_PAIRED_ROW * depth));
    float(*sums[2])[DAM_COARSE_TILE];
    int32_t *edge = get((uint64_t)n * sizeof *edge);
    uint16_t *mask[2];
    const bool full = seed / 2 % 2;
    dam_paired_block b = {.full = full,
                          .depth = depth,
                          .pattern = pattern,
                          .third = full ? third : NULL,
                          .tiles = tiles,
                          .state = state,
                          .states = states,
                          .shift = full ? seed % 9 : 2 + seed % 6,
                          .narrow = seed % 2 == 0,
                          .edge = edge,
                          .mask_stride = tiles};
    const int bits = full ? 7 + b.shift : 23 - b.shift; /* of a fraction, in units of `start` */

    srand((unsigned)seed);
    b.floor = 1 << (full ? 23 : bits);
    b.start = (b.narrow ? 128 : 60 + rand() % 100) << bits;
    for (int64_t i = 0; i < bytes; i++) {
        pattern[i] = (int8_t)(rand() % 255 - 127);
        third[i] = (int8_t)(rand() % 255 - 127);
    }
    for (int64_t t = 0; t < tiles && dam_paired_joint(depth); t++) { /* there E stands beside Q */
        const int64_t size = (int64_t)depth * DAM_COARSE_TILE;
        memcpy(third + (2 * t + 1) * size, pattern + (2 * t + 1) * size, (size_t)size);
    }
    for (int64_t i = 0; i < states; i++) {
        const int most = 127 * 127 * (64 >> (seed % 6)) / 64; /* a product of first bytes */
        edge[i] = (rand() % (2 * most + 3) - most - 1) / (b.narrow ? 4 : 1);
        for (int k = 0; k < 3 * N; k++) { /* sums are within 90 octaves */
            int8_t *to = state + i * DAM_PAIRED_ROW * depth + k / N * depth + k % N;
            *to = (int8_t)((rand() % 255 - 127) * (64 >> (seed % 6)) / 64 / N);
            if (k < 2 * N)
                to[(k < N ? 5 : 3) * depth] = *to;
        }
    }
    for (int which = 0; which < 2; which++) {
        sums[which] = get((uint64_t)n * sizeof **sums);
        mask[which] = get((uint64_t)(n * tiles) * sizeof **mask);
        b.sums = sums[which];
        b.mask = mask[which];
        (which ? loops : &dam_coarse_plain)->sum_pairs(&b);
    }
    CHECK(memcmp(mask[0], mask[1], (size_t)(states * tiles) * sizeof **mask) == 0,
          "%s, N = %d, %lld tiles, %lld states: masks of pairs differ", loops->name, N,
          (long long)tiles, (long long)states);
    for (int64_t i = 0; i < states; i++)
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            CHECK(fabsf(sums[0][i][j] - sums[1][i][j]) <= 1e-6f * sums[0][i][j] &&
                      sums[0][i][j] > 0,
                  "%s, N = %d, %lld tiles: sum %g of pairs, not %g%s", loops->name, N,
                  (long long)tiles, sums[1][i][j], sums[0][i][j], full ? ", full" : "");
    for (int which = 0; which < 2; which++) {
        dam_free(sums[which]);
        dam_free(mask[which]);
    }
    dam_free(edge);
    dam_free(pattern);
    dam_free(third);
    dam_free(state);
}

/* And of words. */
static void check_words(const dam_coarse_loops *loops, int N, int64_t tiles, int64_t states,
                        int seed)
{
    const int row = dam_words_row(N);
    const int64_t n = (states + DAM_COARSE_TILE - 1) / DAM_COARSE_TILE * DAM_COARSE_TILE;
    const int64_t words = tiles * row * DAM_COARSE_TILE;
    int16_t *pattern = get((uint64_t)words * sizeof *pattern);
    int16_t *state = get((uint64_t)(n * row) * sizeof *state);
    int32_t *of[3]; /* edge, least, bias */
    float(*sums[2])[DAM_COARSE_TILE];
    uint16_t *mask[2];
    const int shift = seed % 12 - 3, bits = 23 + shift; /* of a fraction */

    srand((unsigned)seed);
    for (int i = 0; i < 3; i++)
        of[i] = get((uint64_t)n * sizeof *of[i]);
    for (int64_t i = 0; i < words; i++)
        pattern[i] = (int16_t)(rand() % 65535 - 32767);
    for (int64_t i = 0; i < states; i++) {
        /* products reach the ends of 32 bits, edges are anywhere between */
        const int64_t edge = (int64_t)(rand() % 4001 - 2000) * 1000000;
        const int64_t least = edge - ((int64_t)238 << bits);
        for (int k = 0; k < N; k++)
            state[i * row + k] = (int16_t)((rand() % 65535 - 32767) / N);
        of[0][i] = (int32_t)edge;
        of[1][i] = (int32_t)(least < INT32_MIN ? INT32_MIN : least);
        of[2][i] =
            (int32_t)((239u << 23) - (uint32_t)(shift < 0 ? edge * (1 << -shift) : edge >> shift));
    }
    for (int which = 0; which < 2; which++) {
        sums[which] = get((uint64_t)n * sizeof **sums);
        mask[which] = get((uint64_t)(n * tiles) * sizeof **mask);
        const dam_words_block b = {.row = row,
                                   .pattern = pattern,
                                   .tiles = tiles,
                                   .state = state,
                                   .states = states,
                                   .edge = of[0],
                                   .least = of[1],
                                   .bias = of[2],
                                   .shift = shift,
                                   .narrow = bits > 24 && seed % 2,
                                   .fine = seed % 5 < 2,
                                   .mask = mask[which],
                                   .mask_stride = tiles,
                                   .sums = sums[which]};
        (which ? loops : &dam_coarse_plain)->sum_words(&b);
    }
    CHECK(memcmp(mask[0], mask[1], (size_t)(states * tiles) * sizeof **mask) == 0,
          "%s, N = %d, %lld tiles, %lld states: masks of words differ", loops->name, N,
          (long long)tiles, (long long)states);
    for (int64_t i = 0; i < states; i++)
        for (int j = 0; j < DAM_COARSE_TILE; j++)
            CHECK(fabsf(sums[0][i][j] - sums[1][i][j]) <= 1e-6f * sums[0][i][j],
                  "%s, N = %d, %lld tiles: sum %g of words, not %g", loops->name, N,
                  (long long)tiles, sums[1][i][j], sums[0][i][j]);
    for (int which = 0; which < 2; which++) {
        dam_free(sums[which]);
        dam_free(mask[which]);
    }
    for (int i = 0; i < 3; i++)
        dam_free(of[i]);
    dam_free(pattern);
    dam_free(state);
}

/* 2^f as sums of pairs have it, at fractions all over [0, 1). */
static void check_power(const dam_coarse_loops *loops, bool full, double claimed, double least)
{
    int8_t pattern[8 * DAM_COARSE_TILE] __attribute__((aligned(64))) = {0};
    int8_t third[8 * DAM_COARSE_TILE] __attribute__((aligned(64))) = {0};
    int8_t state[4 * DAM_PAIRED_ROW * DAM_COARSE_TILE] __attribute__((aligned(64))) = {0};
    float sums[DAM_COARSE_TILE][DAM_COARSE_TILE] __attribute__((aligned(64)));
    const int32_t edge[DAM_COARSE_TILE] = {1}; /* of the one state all are far */
    uint16_t mask[DAM_COARSE_TILE];
    dam_paired_block b = {.full = full,
                          .depth = 4,
                          .pattern = pattern,
                          .tiles = 1,
                          .state = state,
                          .states = 1,
                          .floor = 1 << 23,
                          .shift = full ? 8 : 0,
                          .third = third,
                          .edge = edge,
                          .mask = mask,
                          .mask_stride = 1,
                          .sums = sums};
    double worst = 0;

    for (int32_t fraction = 0; fraction < 1 << 23; fraction += full ? 1 << 8 : 31) {
        /* where `start` has 15 bits of the fraction, patterns give the others */
        for (int low = 0; low < (full ? 255 : 1); low += 85) {
            memset(sums, 0, sizeof sums);
            for (int i = 0; i < 4 * DAM_COARSE_TILE; i++)
                pattern[i] = (int8_t)(i % 4 == 0 ? low / 2 : i % 4 == 1 ? low - low / 2 : 0);
            state[1 * 4] = state[1 * 4 + 1] = full; /* F.P = low */
            b.start = full ? (127 << 15) + (fraction >> 8) : (127 << 23) + fraction + 256;
            loops->sum_pairs(&b);
            worst = fmax(worst, fabs(sums[0][3] / exp2((fraction + low) / 8388608.0) - 1.0));
        }
    }
    CHECK(worst < claimed && worst > least * claimed, "%s: 2^f is off by %g", loops->name, worst);
}

/* The same of words. */
static void check_power_of_words(const dam_coarse_loops *loops, bool fine, double claimed,
                                 double least)
{
    const int16_t pattern[2 * DAM_COARSE_TILE] __attribute__((aligned(64))) = {0};
    const int16_t state[2] = {0};
    const int32_t edge = 0, lowest = INT32_MIN;
    float sums[1][DAM_COARSE_TILE] __attribute__((aligned(64)));
    uint16_t mask;
    int32_t bias;
    const dam_words_block b = {.row = 2,
                               .pattern = pattern,
                               .tiles = 1,
                               .state = state,
                               .states = 1,
                               .edge = &edge,
                               .least = &lowest,
                               .bias = &bias,
                               .narrow = true,
                               .fine = fine,
                               .mask = &mask,
                               .mask_stride = 1,
                               .sums = sums};
    double worst = 0;

    for (int32_t fraction = 0; fraction < 1 << 23; fraction += 31) {
        memset(sums, 0, sizeof sums);
        bias = (127 << 23) + fraction;
        loops->sum_words(&b);
        worst = fmax(worst, fabs(sums[0][3] / exp2(fraction / 8388608.0) - 1.0));
    }
    CHECK(worst < claimed && worst > least * claimed, "%s: 2^f of words is off by %g", loops->name,
          worst);
}

static void check_all_loops(const dam_coarse_loops *loops)
{
    const int N[] = {1, 3, 4, 24, 47, 64, 65, 128, 131, 301};

    if (!loops->usable()) {
        printf("%s: not on this processor\n", loops->name);
        return;
    }
    for (int i = 0; i < 120; i++)
        check_loops(loops, N[i % 10], 1 + (i * 5) % 9, 1 + (i * 29) % 83, i);
    for (int i = 0; i < 120; i++)
        check_pairs(loops, 1 + (i * 13) % DAM_PAIRED_LARGEST_N, 1 + (i * 5) % 9, 1 + (i * 29) % 83,
                    i);
    for (int i = 0; i < 120; i++)
        check_words(loops, N[i % 10], 1 + (i * 5) % 9, 1 + (i * 29) % 83, i);
    check_power_of_words(loops, false, DAM_PAIRED_EXP2, 0.99);
    check_power_of_words(loops, true, DAM_WORDS_FINE_EXP2, 0.9);
    check_power(loops, false, DAM_PAIRED_EXP2, 0.99);
    check_power(loops, true, DAM_PAIRED_FINE_EXP2, 0.9);
}

int main(void)
{
    const dam_hamiltonian lse = {.kernel = DAM_LSE, .beta_net = 1};
    const dam_hamiltonian sharp = {.kernel = DAM_LSE, .beta_net = 6};
    const dam_hamiltonian flat = {.kernel = DAM_LSE, .beta_net = 0.01};
    const dam_hamiltonian lsr = {.kernel = DAM_LSR, .b = 3.41};
    const dam_hamiltonian wide = {.kernel = DAM_LSR, .b = 1.5};
    const dam_hamiltonian soft = {.kernel = DAM_LSR, .b = 3.41, .epsilon = 1e-3};
    const int N[] = {1, 2, 3, 17, 24, 33, 47, 64, 65, 99, 301};
    const int64_t M[] = {1, 2, 31, 33, 1023, 3001};

#ifdef DAM_HAVE_COARSE_LOOPS
    check_all_loops(&dam_coarse_vnni);
    check_all_loops(&dam_coarse_amx);
#endif
    for (size_t n = 0; n < sizeof N / sizeof *N; n++)
        for (size_t m = 0; m < sizeof M / sizeof *M; m++) {
            const int64_t states = 1 + (int64_t)(n * 7 + m * 11) % 49;
            check_shape(lse, N[n], M[m], states, 0.03);
            check_shape(sharp, N[n], M[m], states, 0.01);
            check_shape(flat, N[n], M[m], states, 0.01);
            check_shape(lsr, N[n], M[m], states, 0.01);
            check_shape(soft, N[n], M[m], states, 0.01);
        }
    check_shape(lse, 990, 5000, 20, 0.01);
    check_shape(lse, 200, 5000, 20, 1e-6);
    check_shape(wide, 40, 4101, 640, 0.01); /* more are near in a block than may wait */
    if (shrunk)
        CHECK(caught > 0 && caught_pairs > 0 && caught_full > 0 && caught_words > 0,
              "passes that claim less error than is proven are not caught: %d, %d, %d, %d states "
              "outside",
              caught, caught_pairs, caught_full, caught_words);
    return check_finish();
}
