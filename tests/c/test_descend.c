/*
 * Retrieval at T = 0: gradients against differences of energies, energies that never rise over 10^4
 * random starts, fixed points that are ones, and results that do not depend on threads or on which
 * other starts there are.
 */
#include <omp.h>
#include <stdlib.h>

#include "check.h"
#include "descend.h"
#include "gradient.h"
#include "observables.h"

static const dam_hamiltonian kernel[] = {
    {.kernel = DAM_LSE, .beta_net = 1},    {.kernel = DAM_LSE, .beta_net = 2.5},
    {.kernel = DAM_LSE, .beta_net = 0.05}, {.kernel = DAM_LSR, .b = 3.41},
    {.kernel = DAM_LSR, .b = 0.45},        {.kernel = DAM_LSR, .b = 2, .epsilon = 1e-2},
    {.kernel = DAM_POLYNOMIAL, .k = 1},    {.kernel = DAM_POLYNOMIAL, .k = 2},
    {.kernel = DAM_POLYNOMIAL, .k = 3},    {.kernel = DAM_POLYNOMIAL, .k = 4},
    {.kernel = DAM_POLYNOMIAL, .k = 7},
};
enum { KERNELS = sizeof kernel / sizeof kernel[0] };

static const char *name_of(const dam_hamiltonian *h)
{
    static char text[128];

    dam_hamiltonian_describe(h, text, sizeof text);
    return text;
}

static dam_patterns *draw(int N, int64_t M, int64_t disorder)
{
    dam_error e = {DAM_OK, ""};
    dam_patterns *p;

    CHECK(dam_patterns_draw(&p, N, M, disorder, 3, 7, &e) == DAM_OK, "%s", e.message);
    return p;
}

/* Results of a descent, with paths. */
static dam_descent results(const dam_descent_options *o)
{
    const size_t starts = (size_t)(o->sets * o->patterns->disorder * o->replicas);
    const size_t path = starts * (size_t)(o->max_steps + 1);

    return (dam_descent){.x = calloc(starts * (size_t)o->patterns->N, sizeof(double)),
                         .phi = calloc(starts, sizeof(double)),
                         .energy = calloc(starts, sizeof(double)),
                         .energy_start = calloc(starts, sizeof(double)),
                         .steps = calloc(starts, sizeof(double)),
                         .converged = calloc(starts, sizeof(double)),
                         .pattern = calloc(starts, sizeof(double)),
                         .phi_pattern = calloc(starts, sizeof(double)),
                         .path_energy = calloc(path, sizeof(double)),
                         .path_phi = calloc(path, sizeof(double))};
}

static void release(dam_descent *r)
{
    double *all[] = {r->x,         r->phi,     r->energy,      r->energy_start, r->steps,
                     r->converged, r->pattern, r->phi_pattern, r->path_energy,  r->path_phi};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

/* True when a kink of LSR lies within the reach of the differences. */
static bool near_kink(const dam_hamiltonian *h, const dam_patterns *p, const dam_kernels *kernels,
                      const double *x)
{
    dam_error e;
    double *phi = calloc((size_t)p->M, sizeof *phi);
    bool near = false;

    CHECK(dam_overlaps(p, kernels, 0, x, phi, &e) == DAM_OK, "%s", e.message);
    for (int64_t mu = 0; mu < p->M && h->kernel == DAM_LSR; mu++)
        near |= fabs(1 - h->b * (1 - phi[mu]) - h->epsilon) < 1e-3;
    free(phi);
    return near;
}

/* The largest error of the gradient at x, relative to its largest component. */
static double gradient_error(const dam_hamiltonian *h, const dam_patterns *p,
                             const dam_kernels *kernels, const double *x)
{
    const int N = p->N;
    const double step = 1e-4;
    double *g = calloc((size_t)N, sizeof *g), *y = calloc((size_t)N, sizeof *y);
    double worst = 0, largest = 0;
    dam_error e;

    CHECK(dam_gradients(h, p, kernels, 0, 1, x, g, &e) == DAM_OK, "%s", e.message);
    for (int k = 0; k < N; k++)
        largest = fmax(largest, fabs(g[k]));
    memcpy(y, x, (size_t)N * sizeof *y);
    for (int k = 0; k < N; k++) {
        double up, down;
        y[k] = x[k] + step;
        dam_energies(h, p, kernels, 0, 1, y, &up, &e);
        y[k] = x[k] - step;
        dam_energies(h, p, kernels, 0, 1, y, &down, &e);
        y[k] = x[k];
        worst = fmax(worst, fabs((up - down) / (2 * step) - g[k]) / largest);
    }
    free(g);
    free(y);
    return worst;
}

static void check_gradients(void)
{
    dam_patterns *p = draw(13, 70, 1);
    const dam_kernels *kernels;

    FOR_EACH_ISA(kernels)
    for (int h = 0; h < KERNELS; h++) {
        int tried = 0;
        double worst = 0;
        for (uint64_t i = 0; tried < 10 && i < 1000; i++) {
            const dam_stream s = dam_pattern_stream(99, 13, 1, i + 1);
            float noise[13], xi[13];
            double x[13], squared = 0;
            kernels->normals(s, 13, 0, noise);
            dam_patterns_rows(p, kernels, 0, (int64_t)i % 70, 1, xi);
            for (int k = 0; k < 13; k++) {
                x[k] = xi[k] + 0.4 * noise[k];
                squared += x[k] * x[k];
            }
            for (int k = 0; k < 13; k++)
                x[k] *= sqrt(13 / squared);
            if (near_kink(&kernel[h], p, kernels, x))
                continue;
            worst = fmax(worst, gradient_error(&kernel[h], p, kernels, x));
            tried++;
        }
        CHECK(tried == 10, "only %d states away from kinks", tried);
        CHECK(worst < 1e-6, "%s, %s: gradient is off by %g", kernels->name, name_of(&kernel[h]),
              worst);
    }
    dam_patterns_release(p);
}

/* Walls keep LSR's starts near a pattern; all others start anywhere. */
static dam_start random_start(const dam_hamiltonian *h)
{
    const bool wall = h->kernel == DAM_LSR && h->epsilon == 0 && h->b > 0.5;

    return (dam_start){.kind = wall ? DAM_START_PHI : DAM_START_HOT,
                       .phi_min = 0.75,
                       .phi_max = 1,
                       .pattern = {-1}};
}

static void check_descents(const dam_hamiltonian *h, dam_rule rule, dam_patterns *p, int64_t number)
{
    dam_descent_options o = {.hamiltonian = *h,
                             .patterns = p,
                             .start = random_start(h),
                             .sets = 1,
                             .replicas = number / p->disorder,
                             .first_replica = 1,
                             .seed = 5,
                             .rule = rule,
                             .tolerance = 1e-7,
                             .max_steps = 60};
    const int64_t starts = p->disorder * o.replicas, length = o.max_steps + 1;
    dam_descent r = results(&o);
    dam_error e = {DAM_OK, ""};
    double rise = -HUGE_VAL;
    long wrong = 0, converged = 0;

    CHECK(dam_descend(&o, &r, &e) == DAM_OK, "%s", e.message);
    for (int64_t i = 0; i < starts; i++) {
        const double *path = r.path_energy + i * length;
        for (int64_t step = 1; step < length; step++)
            rise = fmax(rise, path[step] - path[step - 1]);
        wrong += path[0] != r.energy_start[i] || path[length - 1] != r.energy[i] ||
                 r.path_phi[i * length + length - 1] != r.phi[i];
        converged += r.converged[i] == 1;
    }
    CHECK(rise <= 0, "%s, rule %d: the energy rose by %g", name_of(h), rule, rise);
    CHECK(wrong == 0, "%s, rule %d: %ld paths do not end where the result is", name_of(h), rule,
          wrong);
    CHECK(converged > starts / 100, "%s, rule %d: %ld of %ld converged", name_of(h), rule,
          converged, (long)starts);
    release(&r);
}

/* One thread or five, alone or among others. */
static void check_identity(dam_patterns *p)
{
    const int threads = omp_get_max_threads();
    dam_descent_options o = {.hamiltonian = kernel[0],
                             .patterns = p,
                             .start = {.kind = DAM_START_HOT},
                             .sets = 1,
                             .replicas = 12,
                             .first_replica = 1,
                             .seed = 5,
                             .tolerance = 1e-7,
                             .max_steps = 100};
    const size_t N = (size_t)p->N;
    dam_descent all = results(&o), again = results(&o);
    dam_error e = {DAM_OK, ""};

    omp_set_num_threads(1);
    CHECK(dam_descend(&o, &all, &e) == DAM_OK, "%s", e.message);
    omp_set_num_threads(5);
    CHECK(dam_descend(&o, &again, &e) == DAM_OK, "%s", e.message);
    omp_set_num_threads(threads);
    CHECK(memcmp(all.x, again.x, (size_t)p->disorder * 12 * N * sizeof *all.x) == 0,
          "threads change states");
    o.first_replica = 8;
    o.replicas = 1;
    CHECK(dam_descend(&o, &again, &e) == DAM_OK, "%s", e.message);
    for (int64_t d = 0; d < p->disorder; d++)
        CHECK(memcmp(all.x + (size_t)(d * 12 + 7) * N, again.x + (size_t)d * N,
                     N * sizeof *all.x) == 0,
              "replica 8 of disorder %d differs alone", (int)d);
    o.replicas = 12;
    release(&all);
    release(&again);
}

/* At a fixed point of "update" the state is the projected sum of patterns, whatever the kernel. */
static void check_fixed_points(dam_patterns *p)
{
    for (int h = 0; h < KERNELS; h++) {
        dam_descent_options o = {.hamiltonian = kernel[h],
                                 .patterns = p,
                                 .start = random_start(&kernel[h]),
                                 .sets = 1,
                                 .replicas = 20,
                                 .first_replica = 1,
                                 .seed = 6,
                                 .tolerance = 1e-7,
                                 .max_steps = 5000};
        const int N = p->N;
        dam_descent r = results(&o);
        double g[64], worst = 0;
        int converged = 0;
        const dam_kernels *kernels;
        dam_error e = {DAM_OK, ""};

        CHECK(dam_kernels_get(&kernels, &e) == DAM_OK && N <= 64, "%s", e.message);
        CHECK(dam_descend(&o, &r, &e) == DAM_OK, "%s", e.message);
        for (int64_t i = 0; i < 20 * p->disorder; i++) {
            const double *x = r.x + i * N;
            double along = 0, across = 0, energy;
            dam_energies(&kernel[h], p, kernels, i / 20, 1, x, &energy, &e);
            CHECK(energy == r.energy[i], "energy %.17g, wanted %.17g", r.energy[i], energy);
            if (r.converged[i] != 1)
                continue;
            converged++;
            dam_gradients(&kernel[h], p, kernels, i / 20, 1, x, g, &e);
            for (int k = 0; k < N; k++)
                along += g[k] * x[k] / N;
            for (int k = 0; k < N; k++)
                across += pow(g[k] - along * x[k], 2);
            if (along != 0)
                worst = fmax(worst, sqrt(across / N) / fabs(along));
        }
        CHECK(converged > 10 * p->disorder, "%s: %d converged", name_of(&kernel[h]), converged);
        CHECK(worst < 2e-6, "%s: gradient and state differ by %g rad", name_of(&kernel[h]), worst);
        release(&r);
    }
}

int main(void)
{
    dam_patterns *p = draw(12, 40, 4), *larger = draw(31, 1100, 2);

    check_gradients();
    for (int h = 0; h < KERNELS; h++) {
        const bool usual = h == 0 || h == 3 || kernel[h].k == 3;
        check_descents(&kernel[h], DAM_RULE_UPDATE, p, usual ? 10000 : 1000);
        check_descents(&kernel[h], DAM_RULE_GRADIENT, p, usual ? 10000 : 1000);
    }
    check_identity(larger);
    check_fixed_points(p);
    dam_patterns_release(p);
    dam_patterns_release(larger);
    return check_finish();
}
