/* Words, elementary functions and normals: known answers, accuracy, equal bits everywhere. */
#include <stdlib.h>

#include "check.h"
#include "cpu/kernels.h"
#include "sphere.h"

/* Known answers of Philox4x32-10, published with Random123. */
static void known_words(void)
{
    static const struct {
        dam_stream s;
        uint64_t block;
        uint32_t w[4];
    } known[] = {
        {{0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0ull, ~0ull}, ~0ull, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x299f31d0a4093822, 0x0370734413198a2e},
         0x85a308d3243f6a88,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (int i = 0; i < 3; i++) {
        uint32_t w[4];
        dam_words(known[i].s, known[i].block, w);
        for (int j = 0; j < 4; j++)
            CHECK(w[j] == known[i].w[j], "block %d word %d: %08x", i, j, w[j]);
    }
}

static void accuracy(void)
{
    double worst_exp = 0, worst_log = 0;

    for (int i = 0; i < 1000000; i++) {
        double z = -708.0 * i / 1e6, v = 1 + i * 1e-3;
        long double e = expl((long double)z), l = logl((long double)v);
        double err_exp = (double)fabsl((dam_exp(z) - e) / e);
        double err_log = l > 0 ? (double)fabsl((dam_log(v) - l) / l) : 0;
        worst_exp = err_exp > worst_exp ? err_exp : worst_exp;
        worst_log = err_log > worst_log ? err_log : worst_log;
    }
    for (int i = -1000; i < 1000; i++) {
        double v = ldexp(1.37, i);
        long double l = logl((long double)v);
        double err = (double)fabsl((dam_log(v) - l) / l);
        worst_log = err > worst_log ? err : worst_log;
    }
    CHECK(worst_exp < 1e-15, "worst relative error of exp %.3g", worst_exp);
    CHECK(worst_log < 1e-15, "worst relative error of log %.3g", worst_log);
    CHECK(dam_exp(0) == 1.0, "%.17g", dam_exp(0));
    CHECK(dam_log(1) == 0.0, "%.17g", dam_log(1));
    CHECK(dam_exp(-708.1) == 0.0, "%g", dam_exp(-708.1));
    CHECK(dam_exp(-HUGE_VAL) == 0.0, "%g", dam_exp(-HUGE_VAL));
}

static void uniforms(void)
{
    const uint32_t lowest[4] = {0}, highest[4] = {~0u, ~0u, 0, 0};

    CHECK(dam_uniform(lowest) == 0x1p-53, "%a", dam_uniform(lowest));
    CHECK(dam_uniform(highest) == 1 - 0x1p-53, "%a", dam_uniform(highest));
}

/* Normals of every instruction set against the headers' scalar program; nothing written beyond. */
static void equal_normals(void)
{
    const dam_kernels *kernels;
    float out[260];

    FOR_EACH_ISA(kernels)
    for (int count = 1; count < 256; count += count < 70 ? 1 : 37)
        for (uint64_t first = 0; first < 3; first++) {
            dam_stream s = {0x123456789abcdef0u + (uint64_t)count, ~0ull - first};
            uint64_t block = first == 2 ? 0xfffffff0u : first * 1000; /* across 32 bits */
            long differ = 0;
            for (int i = 0; i < 260; i++)
                out[i] = -77;
            kernels->normals(s, count, block, out);
            for (int i = 0; i < count; i++) {
                uint32_t w[4];
                float n[4];
                dam_words(s, block + (uint64_t)i / 4, w);
                dam_normal_pair(w[0], w[1], &n[0], &n[1]);
                dam_normal_pair(w[2], w[3], &n[2], &n[3]);
                differ += dam_bits32(out[i]) != dam_bits32(n[i % 4]);
            }
            CHECK(differ == 0, "%s: %ld of %d normals differ", kernels->name, differ, count);
            CHECK(out[count] == -77, "%s wrote beyond %d normals", kernels->name, count);
        }
}

/* Likewise the logarithms of uniforms. */
static void equal_logarithms(void)
{
    const dam_kernels *kernels;
    double out[70];

    FOR_EACH_ISA(kernels)
    for (int count = 1; count < 69; count++)
        for (uint64_t first = 0; first < 3; first++) {
            const dam_stream s = {0x123456789abcdef0u + (uint64_t)count, ~0ull - first};
            const uint64_t block = first == 2 ? 0xfffffff0u - (uint64_t)count / 2 : first * 1000;
            long differ = 0;
            for (int i = 0; i < 70; i++)
                out[i] = -77;
            kernels->log_uniforms(s, count, block, out);
            for (int i = 0; i < count; i++) {
                uint32_t w[4];
                dam_words(s, block + (uint64_t)i, w);
                differ += dam_bits64(out[i]) != dam_bits64(dam_log(dam_uniform(w)));
            }
            CHECK(differ == 0, "%s: %ld of %d logarithms differ", kernels->name, differ, count);
            CHECK(out[count] == -77, "%s wrote beyond %d logarithms", kernels->name, count);
        }
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Kolmogorov-Smirnov distance to the normal law, and moments. */
static void distribution(void)
{
    enum { n = 1 << 20 };
    float *x = malloc(n * sizeof *x);
    const dam_kernels *kernels;
    double mean = 0, square = 0, fourth = 0, distance = 0;

    dam_kernels_named("scalar", &kernels, &(dam_error){0});
    kernels->normals(dam_pattern_stream(5, 50, 1, 1), n, 0, x);
    qsort(x, n, sizeof *x, ascending);
    for (int i = 0; i < n; i++) {
        double v = x[i], cdf = 0.5 * erfc(-v / sqrt(2.0));
        mean += v / n;
        square += v * v / n;
        fourth += v * v * v * v / n;
        distance = fmax(distance, fabs(cdf - (i + 0.5) / n));
    }
    CHECK(fabs(mean) < 4 / sqrt(n), "mean %g", mean);
    CHECK(fabs(square - 1) < 4 * sqrt(2.0 / n), "variance %g", square);
    CHECK(fabs(fourth - 3) < 4 * sqrt(96.0 / n), "fourth moment %g", fourth);
    CHECK(distance * sqrt(n) < 1.95, "Kolmogorov-Smirnov %g (1e-3 above 1.95)", distance * sqrt(n));
    CHECK(x[n - 1] > 4.5 && x[0] < -4.5, "tails end at %g and %g", x[0], x[n - 1]);
    free(x);
}

/* The bits of 10^6 normals: they are part of every result and must never change. */
static void golden(void)
{
    enum { n = 1000000 };
    float *x = malloc(n * sizeof *x);
    const dam_kernels *kernels;

    FOR_EACH_ISA(kernels)
    {
        uint64_t h = 0;
        kernels->normals(dam_pattern_stream(42, 990, 3, 7), n, 0, x);
        for (int i = 0; i < n; i++)
            h = dam_absorb(h, dam_bits32(x[i]));
        CHECK(h == 0x89beaa9cb7a0393eu, "%s: hash of normals %016llx", kernels->name,
              (unsigned long long)h);
    }
    free(x);
}

/* Streams of different identity must not share a word. */
static void distinct_streams(void)
{
    enum { n = 64 };
    uint64_t key[n];
    int used = 0;

    for (uint64_t i = 0; i < 2; i++)
        for (uint64_t j = 0; j < 2; j++)
            for (uint64_t k = 0; k < 2; k++) {
                key[used++] = dam_pattern_stream(1 + i, 50 + j, 1 + k, 1).key + k;
                key[used++] =
                    dam_chain_stream(1 + i, DAM_FOR_PROPOSAL, 50, 9, 0.1 + (double)j, 1, 1).key;
                key[used++] =
                    dam_chain_stream(1 + i, DAM_FOR_ACCEPTANCE, 50 + j, 9 + k, 0.3, 1, 1).key;
            }
    for (int a = 0; a < used; a++)
        for (int b = 0; b < a; b++)
            if (key[a] == key[b]) /* only repetitions of the same identity */
                CHECK((a - b) % 3 == 0, "streams %d and %d share a key", a, b);
    CHECK(dam_chain_stream(1, DAM_FOR_PROPOSAL, 5, 9, 0.1, 2, 1).subsequence !=
              dam_chain_stream(1, DAM_FOR_PROPOSAL, 5, 9, 0.1, 1, 2).subsequence,
          "disorder and replica are exchangeable");
}

int main(void)
{
    known_words();
    accuracy();
    uniforms();
    equal_normals();
    equal_logarithms();
    distribution();
    golden();
    distinct_streams();
    return check_finish();
}
