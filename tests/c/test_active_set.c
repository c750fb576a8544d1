/*
 * Active sets: the interval contains the reference's L at every state within the skin, also at
 * those that come as near to a pattern left out as the skin allows; intervals that are made
 * narrower than they are proven to be are caught by the same check; and chains decide as the
 * reference does.
 */
#include <stdlib.h>
#include <string.h>

#include "active_set.h"
#include "check.h"
#include "patterns.h"
#include "sampler.h"
#include "sphere.h"

/* One disorder in panels, with room for a state and the alignments. */
typedef struct {
    dam_patterns *p;
    const dam_kernels *kernels;
    dam_reference f;
    float *panels;
    const float *rows; /* [mu][row_stride], or NULL */
    int row_stride;
    double *phi;
} field;

static field field_make(dam_hamiltonian h, int N, int64_t M, uint64_t seed)
{
    field s = {.rows = NULL};
    dam_error e = {DAM_OK, ""};
    float *rows = aligned_alloc(64, ((size_t)N * DAM_PANEL * sizeof *rows + 63) / 64 * 64);

    CHECK(dam_patterns_draw(&s.p, N, M, 1, 1, seed, &e) == DAM_OK, "%s", e.message);
    CHECK(dam_kernels_get(&s.kernels, &e) == DAM_OK, "%s", e.message);
    s.f = dam_reference_of(&h, N);
    s.panels = aligned_alloc(64, dam_patterns_bytes(s.p));
    s.phi = malloc((size_t)M * sizeof *s.phi);
    for (int64_t i = 0; i < dam_patterns_panels(s.p); i++)
        dam_patterns_fill_panel(s.p, s.kernels, 0, i, rows, s.panels + i * N * DAM_PANEL);
    free(rows);
    return s;
}

static void field_free(field *s)
{
    dam_patterns_release(s->p);
    free(s->panels);
    free(s->phi);
}

/* The reference's L of x; leaves the alignments in s->phi. */
static double reference_L(field *s, const float *x)
{
    const int N = s->p->N;
    const int64_t M = s->p->M, blocks = (M + DAM_BLOCK - 1) / DAM_BLOCK;
    dam_block_sum *sums = calloc((size_t)blocks, sizeof *sums);
    double L;

    for (int64_t mu = 0; mu < M; mu++) {
        double dot = 0;
        for (int k = 0; k < N; k++)
            dot += (double)x[k] * s->panels[(mu / DAM_PANEL * N + k) * DAM_PANEL + mu % DAM_PANEL];
        s->phi[mu] = dot / N;
    }
    for (int64_t b = 0; b < blocks; b++) {
        int64_t n = M - b * DAM_BLOCK < DAM_BLOCK ? M - b * DAM_BLOCK : DAM_BLOCK;
        sums[b] = s->kernels->reduce(&s->f, s->phi + b * DAM_BLOCK, n);
    }
    L = dam_combine_blocks(&s->f, sums, blocks);
    free(sums);
    return L;
}

/* x at the angle from a, on the great circle through a and b. */
static void towards(int N, const float *a, const float *b, double angle, float *x)
{
    double along = 0, norm = 0, *u = malloc((size_t)N * sizeof *u);

    for (int k = 0; k < N; k++)
        along += (double)a[k] * b[k] / N;
    for (int k = 0; k < N; k++) {
        u[k] = b[k] - along * a[k];
        norm += u[k] * u[k];
    }
    for (int k = 0; k < N; k++)
        x[k] = (float)(cos(angle) * a[k] + sin(angle) * u[k] * sqrt(N / norm));
    free(u);
}

/* What the field's lists have in common; making one always pays. */
static dam_active_field field_of(const field *s)
{
    static dam_active_terms terms;

    terms.made = false;
    return (dam_active_field){.kernels = s->kernels,
                              .reference = &s->f,
                              .N = s->p->N,
                              .M = s->p->M,
                              .panels = s->panels,
                              .rows = s->rows,
                              .row_stride = s->row_stride,
                              .pass_cost = 10,
                              .plain_cost = 1e12,
                              .terms = &terms};
}

/*
 * States whose L is outside of the interval, at random angles up to the largest of the table, in
 * random directions and towards patterns.
 */
static int violations(field *s, const dam_active_set *set, bool inner, int states)
{
    const dam_active_list *list = inner ? &set->inner : &set->outer;
    const dam_active_field f = field_of(s);
    const double most = (list->angles - 1) * DAM_ACTIVE_GRID;
    const int N = s->p->N;
    float *x = malloc((size_t)N * sizeof *x), *aim = malloc((size_t)N * sizeof *aim);
    double *scratch = malloc((size_t)DAM_ACTIVE_SCRATCH(N, s->p->M) * sizeof *scratch);
    int outside = 0, inside = 0;

    for (int i = 0; i < states; i++) {
        dam_interval interval;
        /* just below a step of the table, or anywhere */
        double angle = i % 3 == 0 ? DAM_ACTIVE_GRID * ((i * 7) % list->angles) * 0.9998
                                  : most * (i % 7 + 1) / 8.0;
        double L;
        if (i % 2)
            s->kernels->normals((dam_stream){77, (uint64_t)i}, N, 0, aim);
        else
            dam_patterns_rows(s->p, s->kernels, 0, (i * 37) % s->p->M, 1, aim);
        towards(N, list->x_ref, aim, angle, x);
        interval = dam_active_evaluate(set, &f, inner, x, scratch);
        inside += interval.high < 1e300;
        L = reference_L(s, x);
        outside += !(interval.low <= L && L <= interval.high);
    }
    CHECK(inside > states / 2, "only %d of %d states were within the table", inside, states);
    free(x);
    free(aim);
    free(scratch);
    return outside;
}

/* A list made at a state of alignment phi with the target, to a rough tolerance. */
static dam_active_set list_at(field *s, double phi, double sigma, double tolerance, float *x)
{
    const int N = s->p->N;
    const dam_active_field f = field_of(s);
    dam_active_set set;
    float *target = malloc((size_t)N * sizeof *target), *aim = malloc((size_t)N * sizeof *aim);
    dam_error e = {DAM_OK, ""};
    dam_active_input in = {.phi = s->phi,
                           .x = x,
                           .sigma = sigma,
                           .theta = tolerance,
                           .tolerance = tolerance,
                           .step = 1};

    memset(&set, 0, sizeof set);
    dam_active_begin(&set, sigma);
    dam_patterns_rows(s->p, s->kernels, 0, 0, 1, target);
    s->kernels->normals((dam_stream){5, 5}, N, 0, aim);
    towards(N, target, aim, acos(phi), x);
    in.level = reference_L(s, x);
    CHECK(dam_active_build(&set, &f, &in, &e) == DAM_OK, "%s", e.message);
    free(target);
    free(aim);
    return set;
}

/* An inner list, made at a state a step away from where the outer one was. */
static void add_inner(field *s, dam_active_set *set, double sigma, double tolerance)
{
    const dam_active_field f = field_of(s);
    const int N = s->p->N;
    float *x = malloc((size_t)N * sizeof *x), *aim = malloc((size_t)N * sizeof *aim);
    double *scratch = malloc((size_t)DAM_ACTIVE_SCRATCH(N, s->p->M) * sizeof *scratch);
    dam_error e = {DAM_OK, ""};
    dam_active_input in = {.phi = DAM_ACTIVE_PHI(scratch, N),
                           .x = x,
                           .sigma = sigma,
                           .theta = tolerance,
                           .tolerance = tolerance,
                           .step = 2};

    s->kernels->normals((dam_stream){6, 6}, N, 0, aim);
    towards(N, set->outer.x_ref, aim, sigma, x);
    dam_active_evaluate(set, &f, false, x, scratch);
    in.level = reference_L(s, x);
    CHECK(dam_active_build_inner(set, &f, &in, &e) == DAM_OK, "%s", e.message);
    free(x);
    free(aim);
    free(scratch);
}

static void check_intervals(void)
{
    static const struct {
        dam_hamiltonian h;
        int N;
        double phi, sigma, tolerance;
    } cases[] = {
        {{.kernel = DAM_LSE, .beta_net = 1}, 60, 0.9, 0.05, 1e-5},
        {{.kernel = DAM_LSE, .beta_net = 1}, 60, 0.9, 0.05, 0.5},
        {{.kernel = DAM_LSE, .beta_net = 0.5}, 40, 0.95, 0.03, 0.5},
        {{.kernel = DAM_LSE, .beta_net = 1}, 60, 0.9, 0.02, 1e-5},
        {{.kernel = DAM_LSE, .beta_net = 1}, 45, 0.9, 0.01, 1e-5},
        {{.kernel = DAM_LSR, .b = 3.41}, 30, 0.9, 0.02, 1e-5},
        {{.kernel = DAM_LSE, .beta_net = 3}, 30, 0.9, 0.02, 0.1},
        {{.kernel = DAM_LSR, .b = 3.41}, 40, 0.9, 0.05, 1e-5},
        {{.kernel = DAM_LSR, .b = 3.41}, 25, 0.9, 0.05, 0.5},
        {{.kernel = DAM_LSR, .b = 2.0, .epsilon = 1e-6}, 40, 0.9, 0.05, 0.5},
        {{.kernel = DAM_POLYNOMIAL, .k = 21}, 60, 0.97, 0.01, 0.5},
        {{.kernel = DAM_POLYNOMIAL, .k = 20}, 60, 0.97, 0.01, 0.5},
    };

    int inner = 0;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        field s = field_make(cases[i].h, cases[i].N, 3000, 11 + i);
        float *x = malloc((size_t)cases[i].N * sizeof *x);
        dam_active_set set = list_at(&s, cases[i].phi, cases[i].sigma, cases[i].tolerance, x);
        int found;
        CHECK(set.outer.listed >= 0 && set.outer.listed < 1500, "case %zu: %lld are listed", i,
              (long long)set.outer.listed);
        found = violations(&s, &set, false, 600);
        CHECK(found == 0, "case %zu: %d values outside of their intervals", i, found);
        if (set.outer.by_panel) {
            add_inner(&s, &set, cases[i].sigma, cases[i].tolerance);
            found = set.inner.listed >= 0 ? violations(&s, &set, true, 600) : 0;
            CHECK(found == 0, "case %zu, inner list: %d values outside", i, found);
            inner += set.inner.listed >= 0;
        }
        dam_active_free(&set);
        field_free(&s);
        free(x);
    }
    CHECK(inner >= 2, "only %d inner lists were made", inner);
}

/* Lists around a pattern, outer and inner: its row stands for x_ref, and nothing else changes. */
static void check_centred(void)
{
    for (int i = 0; i < 2; i++) {
        const dam_hamiltonian h = i == 0 ? (dam_hamiltonian){.kernel = DAM_LSE, .beta_net = 1}
                                         : (dam_hamiltonian){.kernel = DAM_LSR, .b = 3.41};
        const int N = i == 0 ? 30 : 40;
        field s = field_make(h, N, 3000, 31);
        const dam_active_field f = field_of(&s);
        float *x = malloc((size_t)N * sizeof *x), *target = malloc((size_t)N * sizeof *target);
        double *scratch = malloc((size_t)DAM_ACTIVE_SCRATCH(N, s.p->M) * sizeof *scratch);
        dam_error e = {DAM_OK, ""};
        dam_active_set set = list_at(&s, 0.95, 0.03, 0.5, x);
        dam_active_input in = {.x = target, .sigma = 0.03, .theta = 0.5, .tolerance = 0.5};
        int found;

        in.level = reference_L(&s, x);
        dam_patterns_rows(s.p, s.kernels, 0, 0, 1, target);
        reference_L(&s, target);
        in.phi = s.phi;
        set.outer.planned = HUGE_VAL; /* whatever it costs */
        CHECK(dam_active_centre(&set, &f, &in, acos(0.95) + 0.15, &e) == DAM_OK, "%s", e.message);
        CHECK(set.outer.centred && set.outer.by_panel, "kernel %d: no long list around it", i);
        found = violations(&s, &set, false, 600);
        CHECK(found == 0, "kernel %d: %d values outside", i, found);
        add_inner(&s, &set, 0.03, 0.5);
        CHECK(set.inner.listed > 0 && set.inner.centre >= 0, "kernel %d: centre %d of %lld", i,
              set.inner.centre, (long long)set.inner.listed);
        for (int j = 0; j < 100 && set.inner.listed > 0; j++) {
            dam_interval with, without;
            const int centre = set.inner.centre;
            s.kernels->normals((dam_stream){78, (uint64_t)j}, N, 0, target);
            towards(N, set.inner.x_ref, target, 0.001 * j, x);
            with = dam_active_evaluate(&set, &f, true, x, scratch);
            set.inner.centre = -1;
            without = dam_active_evaluate(&set, &f, true, x, scratch);
            set.inner.centre = centre;
            CHECK(with.low == without.low && with.high == without.high,
                  "[%.17g, %.17g], wanted [%.17g, %.17g]", with.low, with.high, without.low,
                  without.high);
        }
        dam_active_free(&set);
        field_free(&s);
        free(x);
        free(target);
        free(scratch);
    }
}

/* The same list from panels and from rows. */
static void check_rows(void)
{
    const dam_hamiltonian h = {.kernel = DAM_LSE, .beta_net = 1};
    const int N = 30, stride = 32;
    field s = field_make(h, N, 3000, 41);
    float *x = malloc((size_t)N * sizeof *x);
    float *rows = calloc((size_t)s.p->M * stride, sizeof *rows);
    dam_active_set set[2];

    for (int64_t mu = 0; mu < s.p->M; mu++)
        dam_patterns_rows(s.p, s.kernels, 0, mu, 1, rows + mu * stride);
    for (int i = 0; i < 2; i++) {
        s.rows = i == 0 ? NULL : rows;
        s.row_stride = stride;
        set[i] = list_at(&s, 0.9, 0.05, 1e-3, x);
    }
    CHECK(set[0].outer.listed > DAM_PANEL, "only %lld are listed", (long long)set[0].outer.listed);
    CHECK(set[0].outer.listed == set[1].outer.listed, "%lld and %lld are listed",
          (long long)set[0].outer.listed, (long long)set[1].outer.listed);
    CHECK(set[0].outer.room == set[1].outer.room &&
              memcmp(set[0].outer.patterns, set[1].outer.patterns,
                     (size_t)set[0].outer.room * sizeof *rows) == 0,
          "the listed patterns differ");
    for (int i = 0; i < 2; i++)
        dam_active_free(set + i);
    field_free(&s);
    free(rows);
    free(x);
}

/* The check above must notice bounds that claim too much. */
static void check_shrunk_bounds(void)
{
    for (int i = 0; i < 3; i++) {
        const dam_hamiltonian h = i == 0   ? (dam_hamiltonian){.kernel = DAM_LSE, .beta_net = 1}
                                  : i == 1 ? (dam_hamiltonian){.kernel = DAM_LSR, .b = 3.41}
                                           : (dam_hamiltonian){.kernel = DAM_POLYNOMIAL, .k = 21};
        field s = field_make(h, i == 1 ? 20 : 30, 3000, 21);
        float *x = malloc((size_t)s.p->N * sizeof *x);
        dam_active_set set =
            list_at(&s, i == 2 ? 0.97 : 0.9, i == 2 ? 0.01 : 0.05, i == 1 ? 5 : 0.9, x);
        int found;
        CHECK(set.outer.listed >= 0, "kernel %d has no list", i);
        if (set.outer.listed < 0)
            continue;
        found = violations(&s, &set, false, 600);
        CHECK(found == 0, "kernel %d: %d values outside", i, found);
        for (int j = 0; j < set.outer.angles; j++) /* as if nothing were left out */
            set.outer.rest[j] = (dam_active_rest){0, i == 0 ? -HUGE_VAL : 0};
        found = violations(&s, &set, false, 600);
        CHECK(found > 0, "kernel %d: a rest that was forgotten goes unnoticed", i);
        dam_active_free(&set);
        field_free(&s);
        free(x);
    }
}

static double patterns_per_step(const dam_sampler *s, int64_t t)
{
    const dam_work work = dam_sampler_work(s, t);
    double all = 0;

    for (int tier = 0; tier < DAM_TIERS; tier++)
        all += work.patterns[tier];
    return all;
}

/* Chains with lists against chains without: decisions, states, averages; energies to 1e-6. */
static double compare(dam_hamiltonian h, int N, int64_t M, double T, uint64_t seed, int steps)
{
    const double temperatures[] = {T, 1.9 * T};
    dam_error e = {DAM_OK, ""};
    dam_sampler *s[2];
    dam_patterns *p;
    double saved, energy[2][4], phi[2][4];

    CHECK(dam_patterns_draw(&p, N, M, 1, 1, seed, &e) == DAM_OK, "%s", e.message);
    for (int i = 0; i < 2; i++) {
        dam_sampler_options o = {.hamiltonian = h,
                                 .patterns = p,
                                 .T = temperatures,
                                 .n_T = 2,
                                 .replicas = 2,
                                 .first_replica = 1,
                                 .seed = seed + 1,
                                 .step = 2.4,
                                 .tiers = i == 0 ? 1u << DAM_TIER_ACTIVE : 0,
                                 .start = {.pattern = {-1}, .phi_min = 0.97, .phi_max = 1}};
        CHECK(dam_sampler_create(&s[i], &o, &e) == DAM_OK, "%s", e.message);
        CHECK(dam_sampler_run(s[i], steps / 2, &e) == DAM_OK, "%s", e.message);
        CHECK(dam_sampler_sample(s[i], steps / 2, &e) == DAM_OK, "%s", e.message);
        dam_sampler_read(s[i], DAM_Q_PHI, phi[i]);
        dam_sampler_read(s[i], DAM_Q_ENERGY_DENSITY, energy[i]);
    }
    CHECK(dam_sampler_digest(s[0]) == dam_sampler_digest(s[1]),
          "digests differ: kernel %d, N %d, M %lld, T %g, seed %llu", h.kernel, N, (long long)M, T,
          (unsigned long long)seed);
    for (int c = 0; c < 4; c++) {
        CHECK(phi[0][c] == phi[1][c], "phi %.17g, wanted %.17g", phi[0][c], phi[1][c]);
        CHECK(fabs(energy[0][c] - energy[1][c]) < 1e-6, "energy density off by %g",
              energy[0][c] - energy[1][c]);
    }
    saved = 1 - patterns_per_step(s[0], 0) / patterns_per_step(s[1], 0);
    dam_sampler_free(s[0]);
    dam_sampler_free(s[1]);
    dam_patterns_release(p);
    return saved;
}

/* A grid drawn at random, transition and disordered cells included; lists must have been at work.
 */
static void check_decisions(int cells)
{
    int used = 0;

    for (int i = 0; i < cells; i++) {
        uint32_t w[4];
        dam_hamiltonian h = {.kernel = DAM_LSE};
        int N, M;
        double T;
        dam_words((dam_stream){99, 1}, (uint64_t)i, w);
        N = 8 + (int)(w[0] % 90);
        M = 1024 + (int)(w[1] % 1500);
        T = 0.02 * pow(40.0, w[2] * 0x1p-32);
        if (i % 3 == 0)
            h.beta_net = 0.4 + 2 * (w[3] * 0x1p-32);
        else if (i % 3 == 1)
            h = (dam_hamiltonian){.kernel = DAM_LSR, .b = 1.2 + 8 * (w[3] * 0x1p-32)};
        else
            h = (dam_hamiltonian){.kernel = DAM_POLYNOMIAL, .k = 3 + (int)(w[3] % 25)};
        used += compare(h, N, M, T, 1000 + (uint64_t)i, 400) > 0.2;
    }
    CHECK(used > cells / 4, "lists saved work in %d of %d cells only", used, cells);
}

/* What a rest adds to a sum is never less than it is, nor much more. */
static void check_exp_above(void)
{
    const double lowest = dam_active_exp_above(-46.0), highest = dam_active_exp_above(700.0);
    const double below = dam_active_exp_above(-HUGE_VAL), beyond = dam_active_exp_above(HUGE_VAL);
    double least = HUGE_VAL, most = 0;

    for (int i = 0; i < 746 * 1000; i++) {
        const double z = -46.0 + 0.001 * i + 1e-4;
        const double ratio = (double)(dam_active_exp_above(z) / expl(z));
        least = fmin(least, ratio);
        most = fmax(most, ratio);
    }
    CHECK(least > 1.0 + 1e-6 && most < 1.02, "%.17g to %.17g times as much", least, most);
    CHECK(lowest > 0 && below == lowest, "%g below %g", below, lowest);
    CHECK(highest < HUGE_VAL && beyond == highest, "%g beyond %g", beyond, highest);
}

int main(void)
{
    const char *cells = getenv("DAM_TEST_CELLS");

    check_exp_above();
    check_intervals();
    check_centred();
    check_rows();
    check_shrunk_bounds();
    check_decisions(cells ? atoi(cells) : 60);
    return check_finish();
}
