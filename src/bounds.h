/*
 * Proven bounds on rounding: what the reference's own evaluation (reference.h) may be off from the
 * exact value of L, and what intervals the sums of a pass in lower precision allow. Derived in
 * docs/numerics.md, sections "Active sets" and "Single precision". Shared by every backend: a pass
 * differs in its dam_precision only.
 */
#ifndef DAM_BOUNDS_H
#define DAM_BOUNDS_H

#include "reference.h"

/* States and patterns are singles: |x|^2/N is within 2.4e-7 of 1, so an alignment and the cosine
 * of an angle differ by less than this. */
#define DAM_NORM_SLACK 3e-7

/* A test build claims less than is proven, by this factor; its tests must notice. */
#ifndef DAM_SINGLE_SHRINK
#define DAM_SINGLE_SHRINK 1.0
#endif

/* The reference: an alignment, with its products added in any order. */
DAM_HD double dam_phi_rounding(double N)
{
    return 2.5e-16 * (N + 2.0);
}

/* The reference: a sum of M terms of one sign, in panels and blocks, relative. */
DAM_HD double dam_sum_rounding(double M)
{
    return 1.2e-16 * (M / DAM_BLOCK + 64.0);
}

/* The reference, for LSE over M patterns: |L computed - L exact|. */
DAM_HD double dam_lse_rounding(const dam_reference *f, double M, double max_phi, double log_sum)
{
    /* alignments, then 700 times two roundings of an exponent, exp and ln, and the sum */
    return f->c * dam_phi_rounding(f->N) + 1e-12 + dam_sum_rounding(M) +
           1e-15 * (fabs(f->c * (max_phi - 1.0)) + fabs(log_sum) + 1.0);
}

/* The reference, for LSR: one term. */
DAM_HD double dam_lsr_rounding(const dam_reference *f)
{
    return f->b * dam_phi_rounding(f->N) + 1e-15 * (1.0 + 2.0 * f->b);
}

/*
 * Width up to which an interval of L is good for energies: with the middle of it H/N is within
 * 0.9e-6 of the reference's; what is left of 1e-6 is for the rounding of averages.
 */
DAM_HD double dam_energy_width(const dam_reference *f)
{
    const double per_neuron = f->kernel == DAM_LSE ? f->c : f->kernel == DAM_LSR ? f->b : f->N;
    return 2 * 0.9e-6 * per_neuron;
}

/* How exact a pass is. */
typedef struct {
    double unit;        /* of its arithmetic: half the distance from 1 to the next number */
    double overlap;     /* of an alignment times a rounded constant: absolute */
    double exponential; /* of 2^y as computed from a rounded y: relative */
    double sum;         /* of a sum of terms of one sign: relative */
} dam_precision;

/* Below this power of two terms of LSE may be dropped; from 2^DAM_OVERFLOW on nothing is certain.
 */
#define DAM_CUT (-125)
#define DAM_OVERFLOW 120

/* Exponents of LSE that need no care. */
#define DAM_INSIDE 120

/* Products that are added in a row before they are added to the rest. */
#define DAM_SINGLE_CHUNK 64

/*
 * Relative error of 2^y as the single-precision passes compute it from y in [-125, 127]: 2.72e-6
 * measured at all fractional parts (tests/c/test_single.c), padded.
 */
#define DAM_EXP2_ERROR 3e-6

/* The same of the fine pass: 1.6e-7 measured, padded. */
#define DAM_EXP2_FINE_ERROR 3e-7

/* The fine pass: products added in a row, and how often their sums may be added in pairs. */
#define DAM_SINGLE_LEVELS 20
DAM_HD int dam_single_fine_chunk(int N)
{
    return N <= 32 ? 8 : N <= 64 ? 5 : 4;
}

/* Precision where an overlap takes `rounds` roundings and a sum takes `additions`. */
DAM_HD dam_precision dam_precision_of(double rounds, double exponential, double additions)
{
    const double unit = 0x1p-24;
    dam_precision p;

    p.unit = unit;
    p.overlap = rounds * unit / (1.0 - rounds * unit) * (1.0 + 2.0 * DAM_NORM_SLACK);
    p.exponential = exponential;
    p.sum = additions * unit / (1.0 - additions * unit);
    p.overlap *= DAM_SINGLE_SHRINK;
    p.exponential *= DAM_SINGLE_SHRINK;
    p.sum *= DAM_SINGLE_SHRINK;
    return p;
}

/* The single-precision pass in dimension N whose sums take `additions` roundings. */
DAM_HD dam_precision dam_single_precision(int N, double additions)
{
    const double chunk = N < DAM_SINGLE_CHUNK ? N : DAM_SINGLE_CHUNK;

    /* a chunk, the sum of chunks, the rounded constant and the product with it */
    return dam_precision_of(chunk + (double)((N - 1) / DAM_SINGLE_CHUNK) + 2.0, DAM_EXP2_ERROR,
                            additions);
}

/* The fine one. */
DAM_HD dam_precision dam_single_fine_precision(int N, double additions)
{
    const int chunk = dam_single_fine_chunk(N);
    double rounds = chunk + 2.0;

    for (int chunks = (N + chunk - 1) / chunk; chunks > 1; chunks = (chunks + 1) / 2)
        rounds += 1.0;
    return dam_precision_of(rounds, DAM_EXP2_FINE_ERROR, additions);
}

/* Sums over a list of `listed` patterns in double, no exponent above 0 and none below -708. */
DAM_HD dam_precision dam_double_precision(double N, double listed)
{
    dam_precision p;

    p.unit = 0x1p-53;
    p.overlap = dam_phi_rounding(N);
    p.exponential = 1e-12; /* three roundings of an exponent, and exp */
    p.sum = 1.2e-16 * (listed + 64.0);
    return p;
}

/* Nothing is known. */
DAM_HD dam_interval dam_unknown(void)
{
    dam_interval L;
    L.low = -HUGE_VAL;
    L.high = HUGE_VAL;
    return L;
}

/* ln of a sum in [low, high]. */
DAM_HD dam_interval dam_log_interval(double low, double high)
{
    const double slack = 1e-14;
    dam_interval L;

    L.low = L.high = -HUGE_VAL;
    if (low > 0)
        L.low = log(low) - slack * (1.0 + fabs(log(low)));
    if (high > 0)
        L.high = log(high) + slack * (1.0 + fabs(log(high)));
    return L;
}

/* LSE, from the computed sum of exp(c (phi - 1) - shift) over M patterns. */
DAM_HD dam_interval dam_lse_interval(const dam_reference *f, double M, const dam_precision *p,
                                     double shift, double sum)
{
    const double dropped = (M + DAM_PANEL) * ldexp(1.0, DAM_CUT + 1); /* padding, too */
    /* terms below 2^-24 / M of the sum do not matter, none is above it: |y| of the others */
    const double reach = sum > 0 ? fmin(128.0, (fabs(log(sum)) + log(M)) * 1.442696 + 25.0) : 128.0;
    const double term = p->exponential + DAM_SINGLE_SHRINK * 0.693148 * p->unit * (reach + 1e-4);
    const double up = (1.0 - term) * (1.0 - p->sum), down = (1.0 + term) * (1.0 + p->sum);
    dam_interval L;
    double slack, size;

    if (!(sum < ldexp(1.0, DAM_OVERFLOW) && up > 0))
        return dam_unknown();
    L = dam_log_interval(sum / down - dropped, sum / up + dropped);
    size = fabs(shift) + fabs(L.high) + 2.0 * log(M) + 2.0;
    slack = f->c * p->overlap + dam_lse_rounding(f, M, 1.0 - size / f->c, log(M)) + 1e-15 * size;
    L.low += shift - slack;
    L.high += shift + slack;
    return L;
}

/* Half the width in which a term of LSR is known, the reference's rounding included. */
DAM_HD double dam_lsr_margin(const dam_reference *f, const dam_precision *p)
{
    return f->b * p->overlap * (1.0 + 2.0 * p->unit) +
           DAM_SINGLE_SHRINK * p->unit * (2.0 + fabs(1.0 - f->epsilon - f->b)) +
           2.0 * dam_lsr_rounding(f);
}

/*
 * LSR, from the computed sum of max(0, 1 - epsilon - b (1 - phi)) over M patterns and the number of
 * those whose computed term, before the maximum is taken, is above minus the margin.
 */
DAM_HD dam_interval dam_lsr_interval(const dam_reference *f, double M, const dam_precision *p,
                                     double sum, double count)
{
    const double error = count * dam_lsr_margin(f, p), rest = M * f->epsilon;
    const double relative = 1e-14 + dam_sum_rounding(M);

    if (!(sum < HUGE_VAL && p->sum < 1.0))
        return dam_unknown();
    return dam_log_interval((fmax(0.0, sum / (1.0 + p->sum) - error) + rest) * (1.0 - relative),
                            (sum / (1.0 - p->sum) + error + rest) * (1.0 + relative));
}

/* The polynomial, from the computed sums of phi^k and of |phi|^k over M patterns. */
DAM_HD dam_interval dam_polynomial_interval(const dam_reference *f, double M,
                                            const dam_precision *p, double sum, double absolute)
{
    const double k = f->k, tiny = M * k * 1e-37;
    /* products round k - 1 times at most, ours and the reference's */
    const double relative =
        p->sum + DAM_SINGLE_SHRINK * k * p->unit * 1.001 + dam_sum_rounding(M) + 2e-16 * (k + 2.0);
    const double phi = p->overlap + DAM_SINGLE_SHRINK * p->unit + dam_phi_rounding(f->N);
    const double most = absolute / (1.0 - relative) + tiny, root = pow(M, 1.0 / k);
    /* a sum of |phi|^(k - 1), by the inequalities of Hoelder and Minkowski */
    const double slope = root * pow(pow(most, 1.0 / k) + phi * root, k - 1.0);
    const double error = (k * phi * slope + relative * most + tiny) * (1.0 + 1e-12);
    dam_interval L;

    if (!(error < HUGE_VAL && relative < 1.0))
        return dam_unknown();
    L.low = f->N * (sum - error);
    L.high = f->N * (sum + error);
    return L;
}

/* What 1 + f may be more than 2^f, 0 <= f <= 1: the bits of a single taken for its logarithm. */
#define DAM_COARSE_EXP2 0.0615

/*
 * The coarse pass (fused.h): |x.xi/N - x'.xi'/N| where a state is off x' by state_error and
 * patterns are off xi' by pattern_error at most, as lengths.
 */
DAM_HD double dam_coarse_error(double N, double pattern_error, double state_error)
{
    const double length = sqrt(N) * (1.0 + DAM_NORM_SLACK);

    return DAM_SINGLE_SHRINK *
           ((length * (pattern_error + state_error) + pattern_error * state_error) / N *
                (1.0 + 1e-9) +
            1e-13);
}

/* With more bytes a component (cpu/coarse.h): `product` is the most that products of parts which
 * are left out amount to. */
DAM_HD double dam_paired_error(double N, double pattern_error, double state_error, double product)
{
    return dam_coarse_error(N, pattern_error, state_error) +
           DAM_SINGLE_SHRINK * product / N * (1.0 + 1e-9);
}

/* Relative error of the powers of two of dam_paired_block, rough and full, and of dam_words_block,
 * fine: 4.5556e-3, 2.72e-6 and 2.95e-5 measured at fractions all over [0, 1)
 * (tests/c/test_coarse.c), padded; and what may be lost by rounding down to bits of a single, at
 * most one and a half of the last. */
#define DAM_PAIRED_EXP2 4.56e-3
#define DAM_PAIRED_FINE_EXP2 2.9e-6
#define DAM_WORDS_FINE_EXP2 3.1e-5
#define DAM_PAIRED_TRUNCATION (1.5 * 0.6931472 * 0x1p-23)

/* What a coarse pass has found of a state: near patterns, evaluated one by one, and the rest. */
typedef struct {
    double count;      /* near patterns */
    double max_phi;    /* LSE: the largest of their alignments, */
    double sum;        /* and the sum of their terms relative to it; LSR: sum of their terms */
    double merges;     /* sums that were put together for that */
    double edge;       /* LSE: c phi of a term that counts as 1 in */
    double rest;       /* the sum of the others, as singles */
    double rounds;     /* that were added one after another, */
    double less, more; /* and may be less or more than they should be by these fractions */
} dam_coarse_sum;

/* LSE, alignments of the rest being off by `error`. */
DAM_HD dam_interval dam_coarse_lse_interval(const dam_reference *f, double M, double error,
                                            const dam_coarse_sum *s)
{
    const double relative = s->rounds * 0x1p-24 * 1.001, off = f->c * error;
    const double least = fmax(0.0, s->rest * (1.0 - relative) - M * 0x1p-125);
    const double shift = s->edge - f->c, gap = s->count > 0 ? f->c * s->max_phi - s->edge : 0.0;
    dam_interval near = {0, 0}, L;
    double slack, size;

    if (!(off < 300.0 && relative < 0.5 && s->rest < HUGE_VAL))
        return dam_unknown();
    if (s->count > 0 && (s->rest == 0 || gap > 600.0)) { /* all that matters is near */
        L = dam_log_interval(s->sum, s->sum);
        L.low += gap;
        L.high += gap;
    } else {
        if (s->count > 0)
            near.high = s->sum * exp(fmax(-600.0, gap));
        near.low = gap > -600.0 ? near.high : 0;
        L = dam_log_interval(near.low + least / (1.0 + s->more) * exp(-off),
                             near.high + s->rest * (1.0 + relative) / (1.0 - s->less) * exp(off));
    }
    size = fabs(shift) + fabs(gap) + fmin(1e3, fabs(L.high)) + 2.0 * log(M) + 2.0;
    slack = 2.0 * dam_lse_rounding(f, M, 1.0 - size / f->c, log(M)) + 1e-14 * s->merges + 1e-12;
    L.low += shift - slack;
    L.high += shift + slack;
    return L;
}

/* LSR: the rest is at its floor. */
DAM_HD dam_interval dam_coarse_lsr_interval(const dam_reference *f, double M,
                                            const dam_coarse_sum *s)
{
    const double error = 2.0 * dam_lsr_rounding(f) * s->count, rest = (M - s->count) * f->epsilon;
    const double relative = 1e-12 + 1e-14 * s->merges + dam_sum_rounding(M);

    return dam_log_interval((fmax(0.0, s->sum - error) + rest) * (1.0 - relative),
                            (s->sum + error + rest) * (1.0 + relative));
}

#endif
