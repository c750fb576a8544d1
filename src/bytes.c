#include "bytes.h"

#include <math.h>
#include <string.h>

#include "interrupt.h"
#include "memory.h"

/* Among fewer patterns "auto" does without. */
#define LEAST_PATTERNS 1024

/* In lower dimension words serve LSE better than bytes; the more so where energies are wanted. */
#define LEAST_N_ONE_BYTE 38
#define LEAST_N_ONE_BYTE_MEASURED 68

/* LSR: what a near pattern costs, in bytes that are multiplied; how far alignments are off,
 * roughly; components that four bytes of a length are enough for; and what a part of the components
 * must save. */
#define NEAR_COST 1000.0
#define NEAR_COST_PER_N 15.0
#define TYPICAL_ERROR 0.03
#define REST_OF_FOUR 48.0
#define LEAST_GAIN 0.95

/* Rows are made where they take no more than this part of the free memory. */
#define ROWS_SHARE 0.25

/* What patterns are off their bytes: the largest squares of these vectors, with one, two, three. */
typedef struct {
    double off[DAM_PARTS];
} squares;

/* Where bytes go. */
typedef struct {
    dam_coarse_shape shape;
    int N, parts;
    dam_bytes_plan plan;
    double quantum;
    int8_t *bytes, *third;
    int16_t *words;
} places;

double dam_largest_of(const float *x, int64_t numbers)
{
    float largest = 0;

    for (int64_t i = 0; i < numbers; i++)
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    return largest;
}

/*
 * Leading components, of which those of drawn patterns that may be in LSR's support cost least:
 * what they are multiplied by takes so long, and so many are near though they are not, evaluated
 * one by one.
 */
static void choose_leading(dam_bytes_plan *plan, const dam_reference *f)
{
    const int N = plan->leading;
    const double beyond = 1.0 - (1.0 - f->epsilon) / f->b - TYPICAL_ERROR;
    double least = LEAST_GAIN * N;

    for (int leading = 4; leading < N; leading += 4) {
        const double rest = 1.0 - (double)leading / N;
        const int beside = 4 * (int)ceil((N - leading) / REST_OF_FOUR);
        /* a state in another direction: of lengths and of the product of what leads */
        const double deviation = sqrt((1.0 - rest) * (1.0 + rest) / N);
        const double near = 0.5 * erfc((beyond - rest) / deviation / sqrt(2.0));
        const double cost = leading + beside + near * (NEAR_COST + NEAR_COST_PER_N * N);
        if (cost >= least)
            continue;
        least = cost;
        plan->leading = leading;
        plan->beside = beside;
    }
}

static dam_bytes_kind kind_for(const dam_kernels *kernels, dam_kernel kernel, int N, int64_t M,
                               bool automatic, bool measure)
{
    const int least = measure ? LEAST_N_ONE_BYTE_MEASURED : LEAST_N_ONE_BYTE;
    const dam_coarse_loops *loops = dam_coarse_loops_for(kernels);

    if (kernel == DAM_POLYNOMIAL || N > DAM_COARSE_LARGEST_N)
        return DAM_NO_BYTES;
    if (automatic && (M < LEAST_PATTERNS || loops == &dam_coarse_plain))
        return DAM_NO_BYTES;
    if (kernel == DAM_LSR)
        return DAM_ONE_BYTE;
    if (loops->for_lse == DAM_WORDS16)
        return N < least ? DAM_WORDS16 : DAM_ONE_BYTE;
    return N <= DAM_PAIRED_LARGEST_N ? DAM_TWO_BYTES : DAM_ONE_BYTE;
}

dam_bytes_plan dam_bytes_plan_for(const dam_kernels *kernels, const dam_reference *f,
                                  const dam_patterns *p, bool automatic, bool measure)
{
    dam_bytes_plan plan =
        dam_bytes_whole(kind_for(kernels, f->kernel, p->N, p->M, automatic, measure), p->N);

    /* nothing is known of how a user's patterns are directed */
    if (plan.kind == DAM_ONE_BYTE && f->kernel == DAM_LSR && p->data_sets == 0)
        choose_leading(&plan, f);
    return plan;
}

/* Puts part `part` of component k of a panel's patterns at its place among `parts`. */
static void put(const places *to, int8_t *bytes, int parts, int64_t number, int part, int k,
                const int8_t *byte)
{
    const int64_t tile = dam_bytes_place(to->shape, parts, DAM_COARSE_TILE, 0, 0);

    bytes += dam_bytes_place(to->shape, parts, number * DAM_PANEL, part, k);
    for (int i = 0; i < DAM_PANEL; i++)
        bytes[i / DAM_COARSE_TILE * tile + i % DAM_COARSE_TILE * 4] = byte[i];
}

/* Of pattern i of a panel, beyond the leading components. */
static double length_of_rest(const places *to, const float *panel, int i)
{
    double square = 0;

    for (int k = to->plan.leading; k < to->N; k++)
        square += (double)panel[k * DAM_PANEL + i] * panel[k * DAM_PANEL + i];
    return sqrt(square);
}

/* The largest number that must fit into a byte of a panel. */
static double largest_of_panel(const places *to, const float *panel)
{
    double largest = dam_largest_of(panel, (int64_t)to->plan.leading * DAM_PANEL);

    for (int i = 0; i < DAM_PANEL && to->plan.beside > 0; i++)
        largest = fmax(largest, 1.001 * length_of_rest(to, panel, i) / sqrt(to->plan.beside));
    return largest;
}

/* The largest squares of what a panel's patterns are off their bytes. */
static squares fill_panel(const places *to, const float *panel, int64_t number)
{
    const int beside = dam_paired_third(dam_coarse_row(to->shape));
    const double fine = to->quantum / 65536.0;
    double left[DAM_PARTS][DAM_PANEL] = {{0}};
    int8_t byte[DAM_PARTS][DAM_PANEL] = {{0}};
    squares largest = {{0}};

    for (int k = 0; k < to->plan.leading; k++) {
        for (int i = 0; i < DAM_PANEL; i++) {
            const float xi = panel[k * DAM_PANEL + i];
            int8_t three[DAM_PARTS] = {0};
            double off = xi, unit = to->quantum;
            if (to->parts > 1)
                dam_three_bytes(xi / fine, three);
            else
                three[0] = (int8_t)fmaxf(-127.0f, fminf(127.0f, rintf(xi * (float)(1.0 / unit))));
            for (int part = 0; part < DAM_PARTS; part++, unit /= 256.0) {
                off -= unit * three[part];
                left[part][i] += off * off;
                byte[part][i] = three[part];
            }
        }
        for (int part = 0; part < to->parts; part++)
            put(to, to->bytes, to->parts, number, part, k, byte[part]);
        for (int part = 0; part < beside && to->third; part++)
            put(to, to->third, beside, number, part, k, byte[2 - part]);
    }
    for (int i = 0; i < DAM_PANEL && to->plan.beside > 0; i++)
        byte[0][i] = dam_bytes_beside(length_of_rest(to, panel, i) / to->quantum, to->plan.beside);
    for (int k = to->plan.leading; k < to->plan.leading + to->plan.beside; k++)
        put(to, to->bytes, 1, number, 0, k, byte[0]);
    for (int part = 0; part < DAM_PARTS; part++)
        for (int i = 0; i < DAM_PANEL; i++)
            largest.off[part] = fmax(largest.off[part], left[part][i]);
    return largest;
}

/* The same of words. */
static squares fill_panel_of_words(const places *to, const float *panel, int64_t number)
{
    const int row = dam_words_row(to->N);
    double left[DAM_PANEL] = {0};
    squares largest = {{0}};

    for (int k = 0; k < to->N; k++)
        for (int i = 0; i < DAM_PANEL; i++) {
            const float xi = panel[k * DAM_PANEL + i];
            const double word = fmax(-32767.0, fmin(32767.0, rint(xi / to->quantum)));
            const double off = xi - to->quantum * word;
            const int64_t mu = number * DAM_PANEL + i;
            left[i] += off * off;
            to->words[mu / DAM_COARSE_TILE * row * DAM_COARSE_TILE + k / 2 * (2 * DAM_COARSE_TILE) +
                      mu % DAM_COARSE_TILE * 2 + k % 2] = (int16_t)word;
        }
    for (int i = 0; i < DAM_PANEL; i++)
        largest.off[0] = fmax(largest.off[0], left[i]);
    return largest;
}

/* The bytes of a disorder from its panels. */
static dam_bytes fill(const dam_patterns *p, const float *panels, places to)
{
    const dam_bytes_kind kind = to.plan.kind;
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    dam_bytes of = {.plan = to.plan, .bytes = to.bytes, .third = to.third, .words = to.words};
    double component = 0;

    for (int64_t i = 0; i < number; i++)
        component = fmax(component, largest_of_panel(&to, panels + i * size));
    component = component > 0 ? component : 1.0;
    to.quantum = of.quantum = component / (kind == DAM_WORDS16 ? 32767.0 : 127.0);
    for (int64_t i = 0; i < number && !dam_interrupted(); i++) {
        const squares own = kind == DAM_WORDS16 ? fill_panel_of_words(&to, panels + i * size, i)
                                                : fill_panel(&to, panels + i * size, i);
        for (int part = 0; part < DAM_PARTS; part++)
            of.off[part] = fmax(of.off[part], own.off[part]);
    }
    for (int part = 0; part < DAM_PARTS; part++)
        of.off[part] = sqrt(of.off[part]) * (1.0 + 1e-9);
    return of;
}

/* Room of a size, unless it is there already. */
static bool make_room(void **memory, uint64_t *there, uint64_t bytes, const char *what)
{
    dam_error ignored;

    if (*there >= bytes)
        return true;
    dam_free(*memory);
    *there = 0;
    if (dam_alloc(memory, bytes, 1, what, "", &ignored)) {
        *memory = NULL;
        return false;
    }
    *there = bytes;
    return true;
}

/* The patterns of `count` disorders as rows. */
static void make_rows(dam_bytes_set *set, const dam_patterns *p, const dam_kernels *kernels,
                      const float *panels, int64_t count)
{
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    const int stride = (p->N + 7) / 8 * 8;
    const int64_t each = number * DAM_PANEL * stride;
    const uint64_t bytes = (uint64_t)(count * each) * sizeof(float);

    if ((double)bytes > ROWS_SHARE * (dam_memory_available() + (double)set->rows_bytes) ||
        !make_room(&set->rows, &set->rows_bytes, bytes, "patterns as rows"))
        return;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count * number; i++) {
        float *to = (float *)set->rows + i * DAM_PANEL * stride;
        if (dam_interrupted())
            continue;
        memset(to, 0, (size_t)(DAM_PANEL * stride) * sizeof *to);
        kernels->rows(panels + i * size, 1, p->N, stride, to);
    }
    for (int64_t d = 0; d < count; d++) {
        set->of[d].rows = (float *)set->rows + d * each;
        set->of[d].stride = stride;
    }
}

void dam_bytes_make(dam_bytes_set *set, const dam_patterns *p, const dam_kernels *kernels,
                    const float *panels, int64_t count, dam_bytes_plan plan)
{
    const dam_bytes_kind kind = plan.kind;
    const dam_coarse_shape shape = dam_bytes_shape(plan);
    const int64_t number = dam_patterns_panels(p), size = (int64_t)p->N * DAM_PANEL;
    const int64_t padded = number * DAM_PANEL;
    const int parts = kind == DAM_TWO_BYTES ? 2 : kind == DAM_ONE_BYTE ? 1 : 0;
    const int beside = kind == DAM_TWO_BYTES ? dam_paired_third(dam_coarse_row(shape)) : 0;
    const uint64_t bytes = kind == DAM_WORDS16
                               ? (uint64_t)(padded * dam_words_row(p->N)) * sizeof(int16_t)
                               : (uint64_t)dam_bytes_place(shape, parts, padded, 0, 0);
    const uint64_t third = (uint64_t)dam_bytes_place(shape, beside, padded, 0, 0);
    const uint64_t head =
        ((uint64_t)count * sizeof(dam_bytes) + DAM_ALIGNMENT - 1) / DAM_ALIGNMENT * DAM_ALIGNMENT;
    const uint64_t each = bytes + third, all = head + (uint64_t)count * each;

    set->count = 0;
    if (!make_room(&set->memory, &set->bytes, all, "patterns in bytes"))
        return;
    set->of = set->memory;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t d = 0; d < count; d++) {
        int8_t *to = (int8_t *)set->memory + head + (uint64_t)d * each;
        memset(to, 0, each);
        set->of[d] = fill(p, panels + d * number * size,
                          (places){.shape = shape,
                                   .N = p->N,
                                   .parts = parts,
                                   .plan = plan,
                                   .bytes = to,
                                   .third = kind == DAM_TWO_BYTES ? to + bytes : NULL,
                                   .words = kind == DAM_WORDS16 ? (int16_t *)to : NULL});
    }
    make_rows(set, p, kernels, panels, count);
    set->count = dam_interrupted() ? 0 : count;
}

void dam_bytes_drop(dam_bytes_set *set)
{
    dam_free(set->memory);
    dam_free(set->rows);
    *set = (dam_bytes_set){.of = NULL};
}
