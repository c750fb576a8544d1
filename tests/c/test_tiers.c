/*
 * Tiers: whatever combination of them evaluates, on whatever instruction set, chains take the
 * decisions of the reference; energies stay within 1e-6; statistics add up; and lists save the work
 * that they are there to save, and cost next to nothing where they cannot. `test_tiers long` does
 * the same at length.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "patterns.h"
#include "sampler.h"
#include "tiers.h"

#define MOST_CHAINS 256

/* A cell of the grid. */
typedef struct {
    dam_hamiltonian h;
    int N;
    int64_t M;
    double T, step;
    dam_start start;
    uint64_t seed;
    int disorders, replicas; /* 0: one, and two */
} cell;

static int chains_of(const cell *c)
{
    return 2 * (c->disorders ? c->disorders : 1) * (c->replicas ? c->replicas : 2);
}

static dam_sampler *make(const cell *c, dam_patterns *p, dam_tier_set tiers,
                         const dam_kernels *kernels)
{
    const double T[] = {c->T, 1.7 * c->T};
    dam_sampler_options o = {.hamiltonian = c->h,
                             .patterns = p,
                             .T = T,
                             .n_T = 2,
                             .replicas = c->replicas ? c->replicas : 2,
                             .first_replica = 1,
                             .seed = c->seed,
                             .step = c->step,
                             .tiers = tiers,
                             .start = c->start};
    dam_error e = {DAM_OK, ""};
    dam_sampler *s = NULL;

    CHECK(dam_sampler_create(&s, &o, &e) == DAM_OK, "%s", e.message);
    if (s && kernels)
        s->kernels = kernels;
    return s;
}

static void advance(dam_sampler *s, int run, int sample)
{
    dam_error e = {DAM_OK, ""};

    CHECK(dam_sampler_run(s, run, &e) == DAM_OK, "%s", e.message);
    CHECK(dam_sampler_sample(s, sample, &e) == DAM_OK, "%s", e.message);
}

/* A number of [0, 1) for cell `i`. */
static double random_of(int i, int which)
{
    uint32_t w[4];

    dam_words((dam_stream){4711, (uint64_t)which}, (uint64_t)i, w);
    return w[0] * 0x1p-32;
}

/* Kernels, sizes, temperatures and starts from cold to hot, transitions in between. */
static cell random_cell(int i)
{
    cell c = {.h = {.kernel = DAM_LSE},
              .N = 2 + (int)(110 * random_of(i, 1)),
              .M = 1 + (int64_t)exp(8.0 * random_of(i, 2)),
              .T = 0.02 * pow(100.0, random_of(i, 3)),
              .step = 1 + 3 * random_of(i, 4),
              .start = {.kind = DAM_START_PHI, .pattern = {-1}, .phi_min = 0.75, .phi_max = 1},
              .seed = 100 + (uint64_t)i};

    if (i % 8 == 3) { /* enough chains of a disorder for some to wait for others */
        c.disorders = 8;
        c.replicas = MOST_CHAINS / 16;
        c.M = 500 + c.M / 3;
    }
    if (i % 3 == 0)
        c.h.beta_net = 0.3 + 2 * random_of(i, 5);
    else if (i % 3 == 1)
        c.h = (dam_hamiltonian){.kernel = DAM_LSR,
                                .b = 0.7 + 6 * random_of(i, 5),
                                .epsilon = i % 6 == 1 ? 0 : 1e-4 * random_of(i, 6)};
    else
        c.h = (dam_hamiltonian){.kernel = DAM_POLYNOMIAL, .k = 2 + (int)(25 * random_of(i, 5))};
    if (c.h.kernel == DAM_LSR && c.h.epsilon == 0)
        c.start.phi_min = fmax(0.75, 1.001 - 1 / c.h.b);
    else if (i % 4 == 3)
        c.start.kind = DAM_START_HOT;
    return c;
}

/* A sampler against the reference's, which is `wanted`. */
static void compare(dam_sampler *s, dam_sampler *wanted, int chains, const char *what, int i)
{
    double found[2][MOST_CHAINS] = {{0}};

    CHECK(dam_sampler_digest(s) == dam_sampler_digest(wanted), "cell %d, %s: digests differ", i,
          what);
    dam_sampler_read(s, DAM_Q_PHI, found[0]);
    dam_sampler_read(wanted, DAM_Q_PHI, found[1]);
    CHECK(memcmp(found[0], found[1], sizeof found[0]) == 0, "cell %d, %s: phi differs", i, what);
    dam_sampler_read(s, DAM_Q_ENERGY_DENSITY, found[0]);
    dam_sampler_read(wanted, DAM_Q_ENERGY_DENSITY, found[1]);
    for (int c = 0; c < chains; c++)
        CHECK(fabs(found[0][c] - found[1][c]) <= 1e-6, "cell %d, %s: energy density off by %g", i,
              what, found[0][c] - found[1][c]);
}

static void check_statistics(const dam_sampler *s, dam_tier_set tiers, int i)
{
    const double M = (double)s->patterns->M;

    for (int64_t t = 0; t < 2; t++) {
        const dam_work work = dam_sampler_work(s, t);
        double all = 0;
        for (int tier = 0; tier < DAM_TIERS; tier++) {
            all += work.patterns[tier];
            CHECK(work.unsure[tier] >= 0 && work.unsure[tier] <= 1, "cell %d: unsure %g", i,
                  work.unsure[tier]);
            if (!(tiers >> tier & 1) && tier != DAM_TIER_REFERENCE)
                CHECK(work.patterns[tier] == 0, "cell %d: tier %d was not asked for", i, tier);
        }
        CHECK(all > 0 && all <= 6 * M, "cell %d: %g of %g patterns a step", i, all, M);
        if (tiers == 0)
            CHECK(all == M && work.rebuilds == 0 && work.list_size == 0,
                  "cell %d: the reference evaluates %g of %g", i, all, M);
    }
}

/* Every combination of tiers on every instruction set, or (`quick`) one set each. */
static double check_cell(int i, int at_most, bool quick)
{
    const cell c = random_cell(i);
    const int steps = c.disorders ? at_most / 10 : at_most;
    dam_error e = {DAM_OK, ""};
    dam_sampler *wanted;
    dam_patterns *p;
    const dam_kernels *kernels;
    double decisions = 0;

    CHECK(dam_patterns_draw(&p, c.N, c.M, c.disorders ? c.disorders : 1, 1, c.seed, &e) == DAM_OK,
          "%s", e.message);
    wanted = make(&c, p, 0, NULL);
    advance(wanted, steps / 2, steps - steps / 2);
    check_statistics(wanted, 0, i);
    FOR_EACH_ISA(kernels)
    for (dam_tier_set tiers = 1; tiers < 1u << DAM_TIER_REFERENCE; tiers++) {
        char what[64];
        dam_sampler *s;
        if (quick && (tiers + (unsigned)i) % 3 != (unsigned)isa_)
            continue;
        snprintf(what, sizeof what, "%s, tiers %u", kernels->name, tiers);
        s = make(&c, p, tiers, kernels);
        advance(s, steps / 2, steps - steps / 2);
        compare(s, wanted, chains_of(&c), what, i);
        check_statistics(s, tiers, i);
        dam_sampler_free(s);
        decisions += chains_of(&c) * steps;
    }
    dam_sampler_free(wanted);
    dam_patterns_release(p);
    return decisions;
}

static double patterns_per_step(const dam_sampler *s, int64_t t)
{
    const dam_work work = dam_sampler_work(s, t);
    double all = 0;

    for (int tier = 0; tier < DAM_TIERS; tier++)
        all += work.patterns[tier];
    return all;
}

/* Patterns evaluated per step against M, the larger of the temperatures T / 1.7 and T. */
static double work_of(dam_hamiltonian h, int N, int64_t M, double T, int run, int sample)
{
    const cell c = {.h = h,
                    .N = N,
                    .M = M,
                    .T = T / 1.7,
                    .step = 2.4,
                    .start = {.pattern = {-1}, .phi_min = 0.8, .phi_max = 1},
                    .seed = 5};
    dam_error e = {DAM_OK, ""};
    dam_patterns *p;
    dam_sampler *s;
    double work;

    CHECK(dam_patterns_draw(&p, N, M, 1, 1, 6, &e) == DAM_OK, "%s", e.message);
    s = make(&c, p, 1u << DAM_TIER_ACTIVE, NULL);
    advance(s, run, sample);
    work = fmax(patterns_per_step(s, 0), patterns_per_step(s, 1)) / (double)M;
    dam_sampler_free(s);
    dam_patterns_release(p);
    return work;
}

static const dam_hamiltonian lse = {.kernel = DAM_LSE, .beta_net = 1};
static const dam_hamiltonian lsr = {.kernel = DAM_LSR, .b = 3.41};

/* Where few patterns matter, few are evaluated. */
static void check_savings(int steps)
{
    static const struct {
        int N;
        double T, most;
    } cases[] = {{990, 0.25, 1.0 / 5000}, {198, 0.25, 1.0 / 100}, {99, 0.5, 1.0 / 15}};

    for (int i = 0; i < 6; i++) {
        const int N = cases[i / 2].N;
        const double T = cases[i / 2].T, most = cases[i / 2].most;
        const double work = work_of(i % 2 ? lsr : lse, N, 20000, T, steps, steps);
        CHECK(work <= most, "%s, N = %d, T = %g: 1/%.0f of all patterns a step, wanted 1/%.0f",
              i % 2 ? "LSR" : "LSE", N, T, 1 / work, 1 / most);
    }
}

/* Where all matter, or nearly all, trying costs next to nothing. */
static void check_restraint(int M, int steps)
{
    static const int N[] = {18, 24, 36, 50, 70, 99};
    static const double T[] = {0.1, 0.4, 1.0, 2.0};

    for (int i = 0; i < 24; i++) {
        const double work = work_of(i % 2 ? lsr : lse, N[i / 4], M, T[i % 4], 0 + steps, steps);
        CHECK(work <= 1.03, "N = %d, T = %g: %.3f of all patterns a step", N[i / 4], T[i % 4],
              work);
    }
}

static void check_names(void)
{
    const struct {
        const char *name;
        dam_tier_set tiers; /* 0: an error */
    } names[] = {
        {"auto", dam_tiers_auto()},
        {"reference", 8},
        {"active", 9},
        {"single", 12},
        {"active+single", 13},
        {"single+active", 13},
        {"single+reference", 12},
        {"coarse", 10},
        {"active+coarse+single", 15},
        {"", 0},
        {"active+", 0},
        {"+active", 0},
        {"fast", 0},
        {"Active", 0},
        {"active+active", 0},
        {"auto+single", 0},
        {"active single", 0},
        {"activesingle", 0},
        {"active+single+fast", 0},
    };
    dam_tier_set tiers;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        dam_error e = {DAM_OK, ""};
        const dam_status status = dam_tiers_named(names[i].name, &tiers, &e);
        if (names[i].tiers)
            CHECK(status == DAM_OK && tiers == names[i].tiers, "'%s' is %u", names[i].name, tiers);
        else
            CHECK(status == DAM_ERR_ARGUMENT && strstr(e.message, "\"active\""), "'%s': %s",
                  names[i].name, e.message);
    }
}

int main(int argc, char **argv)
{
    const bool at_length = argc > 1 && strcmp(argv[1], "long") == 0;
    double decisions = 0;

    check_names();
    for (int i = 0; i < (at_length ? 200 : CHECK_SANITIZED ? 12 : 40); i++)
        decisions += check_cell(i, at_length ? 1500 : 300, !at_length);
    printf("%.3g decisions\n", decisions);
    if (at_length)
        CHECK(decisions >= 1e7, "%g decisions", decisions);
    if (CHECK_SANITIZED && !at_length) /* what follows counts work */
        return check_finish();
    check_savings(at_length ? 30000 : 3000);
    check_restraint(at_length ? 20000 : 5000, at_length ? 1000 : 128);
    return check_finish();
}
