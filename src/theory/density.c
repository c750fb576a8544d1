#include "density.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "solve.h"

/* Where a side of a peak is cut off: exp(-50) is far below rounding. */
#define CUT 50.0

/* The scan for peaks: points in the logit of the position, so that both ends are resolved. */
#define SCAN_POINTS 121
#define SCAN_LIMIT 45.0

#define MAX_PEAKS 16

/*
 * The trapezoidal rule in t, x = 1/(1 + exp(-pi sinh t)): FINEST steps to the unit of t, begun with
 * every COARSEST-th node. Halving the step squares the error, so a side has converged when two
 * levels agree to the root of what is wanted.
 */
#define FINEST 128
#define COARSEST 16
#define HALF (28 * COARSEST) /* nodes on either side of t = 0: up to |t| = 3.5 */
#define AGREED 1e-6

/* What may remain unconverged, of the whole: spikes narrower than rounding. */
#define DOUBT 1e-12

/* ---- the integrand ---------------------------------------------------------------------- */

static double sine(const dam_density *d, dam_angle a)
{
    return d->end == M_PI && a.rest < a.theta ? sin(a.rest) : sin(a.theta);
}

static double cosine(const dam_density *d, dam_angle a)
{
    return d->end == M_PI_2 ? sin(a.rest) : cos(a.theta);
}

/* The LSR weight 1 - b (1 - phi) or epsilon; from the distance to its zero where it is near. */
static double lsr_weight(const dam_density *d, dam_angle a)
{
    double half;

    if (d->epsilon > 0) {
        half = sin(a.theta / 2);
        return fmax(d->epsilon, 1 - 2 * d->b * half * half);
    }
    if (d->fold)
        return 1 - d->b + d->b * cosine(d, a);
    if (d->b <= 0.5) {
        half = sin(a.rest / 2);
        return 1 - 2 * d->b + 2 * d->b * half * half;
    }
    return 2 * d->b * sin(a.theta + a.rest / 2) * sin(a.rest / 2);
}

/* u - u(phi = 1), precise where it is small. */
static double excess(const dam_density *d, dam_angle a)
{
    double half = sin(a.theta / 2), y = 2 * half * half, phi;

    switch (d->kernel) {
    case DAM_LSE:
        return y;
    case DAM_LSR:
        if (d->b * y < fmin(0.5, 1 - d->epsilon))
            return -log1p(-d->b * y) / d->b;
        return -log(lsr_weight(d, a)) / d->b;
    default:
        phi = cosine(d, a);
        return phi > 0.5 ? -expm1(d->k * log1p(-y)) : 1 - pow(phi, d->k);
    }
}

static double energy(const dam_density *d, dam_angle a)
{
    return d->kernel == DAM_POLYNOMIAL ? -pow(cosine(d, a), d->k) : excess(d, a);
}

/* u(a) - u(r): the products below do not cancel when a and r are close. */
static double energy_difference(const dam_density *d, dam_angle a, dam_angle r)
{
    double step = 2 * sin((a.theta + r.theta) / 2) * sin(a.offset / 2); /* cos r - cos a */
    double weight, other, cosine_r;

    switch (d->kernel) {
    case DAM_LSE:
        return step;
    case DAM_LSR:
        weight = lsr_weight(d, a);
        other = lsr_weight(d, r);
        if (weight > 0.5 * other && weight < 2 * other && weight > d->epsilon && other > d->epsilon)
            return -log1p(-d->b * step / other) / d->b;
        return -log(weight / other) / d->b;
    default:
        cosine_r = cosine(d, r);
        if (fabs(step) < 0.25 * fabs(cosine_r))
            return -pow(cosine_r, d->k) * expm1(d->k * log1p(-step / cosine_r));
        return energy(d, a) - energy(d, r);
    }
}

/* u(-phi) - u(phi) on the folded interval, HUGE_VAL where -phi is outside the support. */
static double gap(const dam_density *d, dam_angle a)
{
    double phi = cosine(d, a), half, mirror;

    switch (d->kernel) {
    case DAM_LSE:
        return 2 * phi;
    case DAM_LSR:
        half = sin(a.theta / 2);
        mirror = d->b <= 0.5 ? 1 - 2 * d->b + 2 * d->b * half * half : 1 - d->b - d->b * phi;
        if (mirror > d->epsilon && d->b * phi < 0.5 * (1 - d->b))
            return 2 * atanh(d->b * phi / (1 - d->b)) / d->b;
        mirror = fmax(mirror, d->epsilon);
        return mirror > 0 ? log(lsr_weight(d, a) / mirror) / d->b : HUGE_VAL;
    default:
        return d->k % 2 ? 2 * pow(phi, d->k) : 0;
    }
}

/* ln of phi^j [1 + (-1)^j exp(-strength gap)]. */
static double log_fold(const dam_density *d, dam_angle a)
{
    double phi = cosine(d, a), g = gap(d, a), value = d->fold * log(phi);

    if (d->mirrored)
        return value;
    if (d->fold % 2 == 0)
        return value + log1p(exp(-d->strength * g));
    if (d->strength * g > 1e-10)
        return value + log(-expm1(-d->strength * g));
    if (d->kernel == DAM_POLYNOMIAL && d->k % 2) /* the gap itself may underflow */
        return value + M_LN2 + d->k * log(phi) + log(d->strength);
    return value + log(g) + log(d->strength);
}

static double log_value(const dam_density *d, dam_angle a)
{
    double value = 0;

    if (d->power > 0)
        value += d->power * log(sine(d, a));
    if (d->strength > 0)
        value -= d->strength * excess(d, a);
    return d->fold ? value + log_fold(d, a) : value;
}

/* ln of value(a)/value(r), where a.offset = a - r. */
static double log_ratio(const dam_density *d, dam_angle a, dam_angle r)
{
    double value = 0;

    if (d->power > 0) {
        double sine_a = sine(d, a), sine_r = sine(d, r);
        double step = 2 * cos((a.theta + r.theta) / 2) * sin(a.offset / 2);
        value =
            d->power * (fabs(step) < 0.5 * sine_r ? log1p(step / sine_r) : log(sine_a / sine_r));
    }
    if (d->strength > 0)
        value -= d->strength * energy_difference(d, a, r);
    return d->fold ? value + log_fold(d, a) - log_fold(d, r) : value;
}

/* ---- peaks -------------------------------------------------------------------------------- */

/* A stretch of angles with one local maximum inside. */
typedef struct {
    double from, to; /* theta of its ends */
    dam_angle peak;
    double log_at_peak;
} stretch;

typedef struct {
    const dam_density *d;
    double from, to;
} piece;

/* The angle at logit v of the piece. */
static dam_angle at_logit(const piece *p, double v)
{
    double length = p->to - p->from, from_end = p->d->end - p->to;

    return (dam_angle){.theta = p->from + length / (1 + exp(-v)),
                       .rest = from_end + length / (1 + exp(v))};
}

static double minus_log_value(double v, void *context)
{
    const piece *p = context;

    return -log_value(p->d, at_logit(p, v));
}

static double scan_point(int i)
{
    return SCAN_LIMIT * (2.0 * i / (SCAN_POINTS - 1) - 1);
}

/* Cuts a piece at its valleys, notes the peak between each two, and returns the new count. */
static int find_peaks(const piece *p, stretch *out, int count)
{
    double value[SCAN_POINTS];
    double from = p->from;

    for (int i = 0; i < SCAN_POINTS; i++)
        value[i] = log_value(p->d, at_logit(p, scan_point(i)));
    for (int i = 0; i < SCAN_POINTS && count < MAX_PEAKS; i++) {
        double v = scan_point(i);
        int end = i;

        if ((i > 0 && !(value[i] > value[i - 1])) ||
            (i < SCAN_POINTS - 1 && !(value[i] >= value[i + 1])))
            continue;
        if (i > 0 && i < SCAN_POINTS - 1)
            v = dam_minimum(minus_log_value, (void *)p, scan_point(i - 1), v, scan_point(i + 1));
        while (end < SCAN_POINTS - 1 && value[end + 1] <= value[end])
            end++;
        out[count].from = from;
        out[count].to = end == SCAN_POINTS - 1 ? p->to : at_logit(p, scan_point(end)).theta;
        out[count].peak = at_logit(p, v);
        out[count].log_at_peak = log_value(p->d, out[count].peak);
        from = out[count].to;
        count++;
        i = end;
    }
    return count;
}

/* ---- one side of a peak -------------------------------------------------------------------- */

/* Nodes on [0, 1]: x, 1 - x and dx/dt. */
static struct {
    double x, rest, weight;
} nodes[2 * HALF + 1];

static void fill_nodes(void)
{
    for (int i = 0; i <= 2 * HALF; i++) {
        double t = (double)(i - HALF) / FINEST, q = M_PI * sinh(t);
        nodes[i].x = 1 / (1 + exp(-q));
        nodes[i].rest = 1 / (1 + exp(q));
        nodes[i].weight = M_PI * cosh(t) * nodes[i].x * nodes[i].rest;
    }
}

/* Sums over the integrand relative to its value at the highest peak. */
typedef struct {
    double zero, phi, phi2, u, u2;
    double doubt; /* what did not converge */
} sums;

typedef struct {
    const dam_density *d;
    const stretch *s;
    double shift;            /* ln of value(own peak)/value(highest peak) */
    double phi_step, u_step; /* own peak less the highest */
    double length;           /* from the peak to the end of the stretch */
    int sign;                /* +1: towards larger theta */
} side;

/* The angle at distance x from the peak, x + far = length. */
static dam_angle at_distance(const side *s, double x, double far)
{
    double from_end = s->sign > 0 ? s->d->end - s->s->to : 0;

    if (s->sign > 0)
        return (dam_angle){s->s->peak.theta + x, from_end + far, x};
    return (dam_angle){s->s->from + far, s->s->peak.rest + x, -x};
}

/* How far from the peak the integrand matters. */
static double reach(const side *s)
{
    double lo = -745, hi = 0; /* ln of the fraction of the length */

    if (s->shift + log_ratio(s->d, at_distance(s, s->length, 0), s->s->peak) > -CUT)
        return s->length;
    while (hi - lo > 0.05) {
        double middle = (lo + hi) / 2, x = s->length * exp(middle);
        if (s->shift + log_ratio(s->d, at_distance(s, x, s->length - x), s->s->peak) > -CUT)
            lo = middle;
        else
            hi = middle;
    }
    return s->length * exp(hi);
}

static void add_node(const side *s, double span, int node, sums *out)
{
    double x = span * nodes[node].x;
    double far = span < s->length ? s->length - x : span * nodes[node].rest;
    dam_angle a = at_distance(s, x, far), p = s->s->peak;
    double value = span * nodes[node].weight * exp(s->shift + log_ratio(s->d, a, p));
    double phi = s->phi_step - 2 * sin((a.theta + p.theta) / 2) * sin(a.offset / 2);
    double u = s->u_step + energy_difference(s->d, a, p);

    if (!(value > 0))
        return;
    out->zero += value;
    out->phi += value * phi;
    out->phi2 += value * phi * phi;
    out->u += value * u;
    out->u2 += value * u * u;
}

/* Adds the integral over one side to `total`. */
static void add_side(const side *s, sums *total)
{
    double span = reach(s), before = -1, step = (double)COARSEST / FINEST;
    sums sum = {0};

    for (int i = 0; i <= 2 * HALF; i += COARSEST)
        add_node(s, span, i, &sum);
    for (int stride = COARSEST; fabs(sum.zero * step - before) > AGREED * sum.zero * step;) {
        if (stride == 1) {
            total->doubt += fabs(sum.zero * step - before);
            break;
        }
        before = sum.zero * step;
        for (int i = stride / 2; i <= 2 * HALF; i += stride)
            add_node(s, span, i, &sum);
        stride /= 2;
        step /= 2;
    }
    total->zero += sum.zero * step;
    total->phi += sum.phi * step;
    total->phi2 += sum.phi2 * step;
    total->u += sum.u * step;
    total->u2 += sum.u2 * step;
}

/* Both sides of all peaks. */
static void add_all(const dam_density *d, const stretch *s, int count, int top, sums *total)
{
    for (int i = 0; i < count; i++) {
        dam_angle own = s[i].peak;
        side one = {.d = d, .s = &s[i]};

        own.offset = own.theta - s[top].peak.theta;
        if (i != top) {
            one.shift = log_ratio(d, own, s[top].peak);
            one.phi_step = cosine(d, own) - cosine(d, s[top].peak);
            one.u_step = energy(d, own) - energy(d, s[top].peak);
        }
        if (one.shift < -CUT)
            continue;
        one.sign = 1;
        one.length = s[i].to == d->end ? own.rest : s[i].to - own.theta;
        add_side(&one, total);
        one.sign = -1;
        one.length = own.theta - s[i].from;
        add_side(&one, total);
    }
}

static void set_moments(const dam_density *d, const sums *all, dam_density_integral *out)
{
    double phi = all->phi / all->zero, u = all->u / all->zero;

    out->log_relative = log(all->zero);
    out->log_integral = out->log_at_peak + out->log_relative;
    out->phi = cosine(d, out->peak) + phi;
    out->phi_variance = fmax(0, all->phi2 / all->zero - phi * phi);
    out->u = energy(d, out->peak) + u;
    out->u_variance = fmax(0, all->u2 / all->zero - u * u);
}

dam_status dam_density_integrate(const dam_density *d, dam_density_integral *out, dam_error *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    stretch s[MAX_PEAKS];
    piece first = {d, 0, d->kink > 0 ? d->kink : d->end}, second = {d, d->kink, d->end};
    int count = find_peaks(&first, s, 0), top = 0;
    sums all = {0};

    if (d->kink > 0)
        count = find_peaks(&second, s, count);
    if (count == 0 || count == MAX_PEAKS)
        return dam_fail(e, DAM_ERR_DOMAIN, "the density has no clear peak");
    for (int i = 1; i < count; i++)
        if (s[i].log_at_peak > s[top].log_at_peak)
            top = i;
    pthread_once(&once, fill_nodes);
    add_all(d, s, count, top, &all);
    if (!(all.doubt <= DOUBT * all.zero) || !(all.zero > 0))
        return dam_fail(e, DAM_ERR_DOMAIN, "the integral over the sphere did not converge");
    out->peak = s[top].peak;
    out->log_at_peak = s[top].log_at_peak;
    set_moments(d, &all, out);
    return DAM_OK;
}

dam_status dam_density_folded(const dam_density *d, int j, const dam_density_integral *whole,
                              double *mean, dam_error *e)
{
    dam_density folded = *d;
    dam_density_integral part;
    double edge = fabs(cos(d->kink > 0 ? d->kink : d->end));
    dam_angle peak = {.theta = d->kink, .rest = d->end - d->kink};

    /* Where the energy is flat but for a cap, only the cap counts: it may be out of range. */
    peak.offset = peak.theta - whole->peak.theta;
    if (d->epsilon > 0 && d->kink > 0 && d->kink < whole->peak.theta &&
        log_ratio(d, peak, whole->peak) - whole->log_relative < -750) {
        *mean = 0;
        return DAM_OK;
    }
    folded.fold = j;
    folded.end = M_PI_2;
    if (d->kernel == DAM_LSR)
        folded.kink = edge > 0 && edge < 1 ? acos(edge) : 0;
    if (dam_density_integrate(&folded, &part, e))
        return e->status;
    /* Both integrals relative to the same angle: their own logarithms may be huge. */
    peak = part.peak;
    peak.rest = d->end - peak.theta;
    peak.offset = peak.theta - whole->peak.theta;
    *mean = exp(log_ratio(d, peak, whole->peak) + log_fold(&folded, part.peak) + part.log_relative -
                whole->log_relative);
    return DAM_OK;
}

double dam_density_log_value(const dam_density *d, const dam_density_integral *whole, double phi)
{
    double value, both = d->mirrored ? M_LN2 : 0;
    dam_angle a;

    if (d->mirrored)
        phi = fabs(phi);
    a.theta = phi > 0 ? 2 * asin(sqrt((1 - phi) / 2)) : acos(phi);
    a.rest = d->end == M_PI ? 2 * asin(sqrt((1 + phi) / 2)) : d->end - a.theta;
    a.offset = a.theta - whole->peak.theta;
    if (a.rest <= 0 && d->end < M_PI && !d->mirrored)
        return -HUGE_VAL;
    if (sine(d, a) <= 0) { /* phi = 1 or -1: sin^(power - 1) there is 0, 1 or infinite */
        if (d->power != 1)
            return d->power > 1 ? -HUGE_VAL : HUGE_VAL;
        return -d->strength * excess(d, a) - whole->log_integral - both;
    }
    value = log_ratio(d, a, whole->peak) - whole->log_relative - log(sine(d, a)) - both;
    return isnan(value) ? -HUGE_VAL : value;
}

/* ---- what the Hamiltonians make of it ------------------------------------------------------ */

dam_status dam_density_make(const dam_theory *th, double power, double strength, dam_density *out,
                            dam_error *e)
{
    double edge;

    memset(out, 0, sizeof *out);
    out->kernel = th->h.kernel;
    out->k = th->h.k;
    out->power = power;
    out->strength = strength;
    out->mirrored = th->h.kernel == DAM_POLYNOMIAL && th->h.k % 2 == 0;
    out->end = out->mirrored ? M_PI_2 : M_PI;
    if (th->h.kernel == DAM_POLYNOMIAL && th->h.k > 2) /* between the two peaks, at any T */
        out->kink = acos(sqrt((th->h.k - 2.0) / th->h.k));
    if (th->h.kernel != DAM_LSR)
        return DAM_OK;
    if (dam_theory_b(th, &out->b, e))
        return e->status;
    out->epsilon = th->h.epsilon;
    edge = (1 - out->epsilon) / (2 * out->b);
    if (edge < 1) { /* sin^2(theta/2) where the weight reaches epsilon */
        if (out->epsilon > 0)
            out->kink = 2 * asin(sqrt(edge));
        else
            out->end = 2 * asin(sqrt(edge));
    }
    return DAM_OK;
}
