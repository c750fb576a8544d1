/*
 * What the patterns that a list leaves out can add (active_set.h), and the rules by which lists are
 * made and given up, for every backend. Patterns are counted in bins of their alignment with x_ref,
 * and those in steps of pi / DAM_ACTIVE_STEPS of the smallest angle in the bin. A pattern at angle
 * theta from x_ref has, at any state within the angle delta of x_ref, an alignment between
 * cos(theta + delta) and cos(theta - delta).
 */
#ifndef DAM_ACTIVE_REST_H
#define DAM_ACTIVE_REST_H

#include "bounds.h"

#define DAM_ACTIVE_PI 3.14159265358979323846

/* Among fewer patterns a list costs more to make than it saves. */
#define DAM_ACTIVE_LEAST_PATTERNS 1024

/* With fewer steps to go a list costs more to make than it saves, unless it is kept. */
#define DAM_ACTIVE_LEAST_STEPS 64

/* Bins of equal width in the alignment; steps of the angle, of pi. */
#define DAM_ACTIVE_BINS 4096
#define DAM_ACTIVE_STEPS 1024

/* Angles delta of the table of rests, DAM_ACTIVE_GRID apart, which is so many steps. */
#define DAM_ACTIVE_ANGLES 256
#define DAM_ACTIVE_GRID (DAM_ACTIVE_PI / 512)
#define DAM_ACTIVE_PER_GRID 2

/* Skins that are tried: from a few proposals on, each larger by this factor. */
#define DAM_ACTIVE_FIRST_SKIN 1.5
#define DAM_ACTIVE_SKIN_FACTOR 1.2
#define DAM_ACTIVE_LARGEST_SKIN 1.5
#define DAM_ACTIVE_PLANS 64

/* Steps to wait after a list that did not pay, at first and at most; longer each time by a factor.
 */
#define DAM_ACTIVE_FIRST_PATIENCE 128
#define DAM_ACTIVE_PATIENCE_FACTOR 4
#define DAM_ACTIVE_LAST_PATIENCE 8192

/* Of proposals, until the chain is known better. */
#define DAM_ACTIVE_ACCEPTANCE 0.3

/* A list must promise to cost less than this fraction of doing without. */
#define DAM_ACTIVE_WORTHWHILE 0.7

/* In costs of making a list: what lists may have saved and still lose before they are given up,
 * what they may lose at all, and with what loss no other one is made. */
#define DAM_ACTIVE_CREDIT 3.0
#define DAM_ACTIVE_LARGEST_LOSS 1.5
#define DAM_ACTIVE_LAST_LOSS 0.5

/* In units of theta: where the rest says nothing any more; e^30 for LSE, at most. */
#define DAM_ACTIVE_HOPELESS 5.0

/* LSE: terms are cut off at so many e-folds above the one that they are relative to. */
#define DAM_ACTIVE_TERM 690.0

/* What the patterns left out add is between low and high; LSE: relative to exp(c (top - 1)). */
typedef struct {
    double low, high;
} dam_active_rest;

/* Bin of an alignment; what lies beyond the ends goes to the end bins. */
DAM_HD int dam_active_bin(double phi)
{
    const int b = (int)((phi + 1.0) * (DAM_ACTIVE_BINS / 2));
    return b < 0 ? 0 : b >= DAM_ACTIVE_BINS ? DAM_ACTIVE_BINS - 1 : b;
}

/* The angles, in steps, that the patterns of a bin lie between. */
DAM_HD int dam_active_nearest(int bin)
{
    const double up = 2.0 * (bin + 1) / DAM_ACTIVE_BINS - 1.0 + DAM_NORM_SLACK;
    const double step = floor(acos(fmin(1.0, up)) * (DAM_ACTIVE_STEPS / DAM_ACTIVE_PI) - 1e-9);
    return bin == DAM_ACTIVE_BINS - 1 ? 0 : (int)fmax(0.0, step);
}

DAM_HD int dam_active_farthest(int bin)
{
    const double down = 2.0 * bin / DAM_ACTIVE_BINS - 1.0 - DAM_NORM_SLACK;
    const double step = ceil(acos(fmax(-1.0, down)) * (DAM_ACTIVE_STEPS / DAM_ACTIVE_PI) + 1e-9);
    return bin == 0 ? DAM_ACTIVE_STEPS : (int)fmin((double)DAM_ACTIVE_STEPS, step);
}

DAM_HD double dam_active_cosine(int step)
{
#ifdef __CUDA_ARCH__
    return cospi((double)step / DAM_ACTIVE_STEPS); /* cos needs a stack for large arguments */
#else
    return cos(DAM_ACTIVE_PI * step / DAM_ACTIVE_STEPS);
#endif
}

/*
 * The term of a pattern at an angle, or more; LSE: relative to exp(c (top - 1)), and not so far
 * from it that it could not be represented. What is cut off above makes any sum too large to be of
 * use: see dam_active_widest.
 */
DAM_HD double dam_active_term_up(const dam_reference *f, double top, double cosine)
{
    const double up = cosine + DAM_NORM_SLACK;

    return f->kernel == DAM_LSE   ? exp(fmax(-690.0, fmin(DAM_ACTIVE_TERM, f->c * (up - top))))
           : f->kernel == DAM_LSR ? dam_term_lsr(f, up)
                                  : pow(up, f->k);
}

/* Polynomial: the term at an angle, or less. */
DAM_HD double dam_active_term_down(const dam_reference *f, double cosine)
{
    return f->kernel == DAM_POLYNOMIAL ? pow(cosine - DAM_NORM_SLACK, f->k) : 0;
}

/*
 * What `number` patterns between steps `nearest` and `farthest` add at a state `moved` steps away
 * from x_ref, from the terms `up` and `down` at each step.
 */
DAM_HD dam_active_rest dam_active_rest_of(const dam_reference *f, double number, int nearest,
                                          int farthest, int moved, const double *up,
                                          const double *down)
{
    const int near = nearest > moved ? nearest - moved : 0;
    dam_active_rest rest;
    double most = up[near], least;
    int far;

    rest.low = f->kernel == DAM_LSR ? number * f->epsilon : 0;
    rest.high = number * most;
    if (f->kernel != DAM_POLYNOMIAL)
        return rest;
    far = farthest + moved < DAM_ACTIVE_STEPS ? farthest + moved : DAM_ACTIVE_STEPS;
    least = down[far];
    if (f->k % 2 == 0) {
        const double a = most, b = least;
        most = a > b ? a : b;
        least = near <= DAM_ACTIVE_STEPS / 2 && far >= DAM_ACTIVE_STEPS / 2 ? 0 : a < b ? a : b;
    }
    rest.low = number * least;
    rest.high = number * most;
    return rest;
}

/* The scale of the sum of terms where L is `level`; LSE: relative to exp(c (top - 1)). */
DAM_HD double dam_active_scale(const dam_reference *f, double level, double top)
{
    return f->kernel == DAM_POLYNOMIAL ? 1.0 / f->N
           : f->kernel == DAM_LSR      ? exp(level)
                                       : exp(fmin(600.0, level - f->c * (top - 1.0)));
}

/* The widest rest that still says something; LSE: less than a term that is cut off. */
DAM_HD double dam_active_widest(const dam_reference *f, double scale, double width, double theta)
{
    const double hopeless = fmin(30.0, DAM_ACTIVE_HOPELESS * theta);
    const double widest =
        fmax(width, f->kernel == DAM_POLYNOMIAL ? hopeless * scale : scale * expm1(hopeless));

    return f->kernel == DAM_LSE ? fmin(widest, exp(DAM_ACTIVE_TERM - 1.0)) : widest;
}

/* Steps that a list of this skin, in steps of the angle, lives; `spread` is the mean square angle
 * of a step of the chain. */
DAM_HD double dam_active_life(int skin, double spread)
{
    const double angle = skin * (DAM_ACTIVE_PI / DAM_ACTIVE_STEPS);
    return fmax(1.0, angle * angle / spread);
}

/* That mean, from what it was (0: unknown) and a list that lived `life` steps and saw `angle`. */
DAM_HD double dam_active_spread(double before, double angle, double life)
{
    const double spread = angle * angle / fmax(1.0, life);
    return before > 0 ? sqrt(before * fmax(spread, 1e-3 * before)) : spread;
}

/* exp z or more, by up to 2% above e^-46; that is for less, and e^700 for more. */
DAM_HD double dam_active_exp_above(double z)
{
    const double ln_2 = 0x1.62e42fefa39efp-1, to_integer = 0x1.8p52; /* as in dam_exp */
    const double inside = z > 700.0 ? 700.0 : z > -46.0 ? z : -46.0;
    const double shifted = inside * 1.4426950408889634 + to_integer;
    const double r = inside - (shifted - to_integer) * ln_2;

    /* for |r| <= ln(2)/2 exp r is at most 1.0054 times the first three terms of its series */
    return 1.0055 * (1.0 + (r + 0.5 * (r * r))) * dam_double((dam_bits64(shifted) + 1023u) << 52);
}

/* Bound on the angle between two states or patterns, from their computed alignment. */
DAM_HD double dam_active_angle(double phi)
{
    return acos(fmin(1.0, fmax(-1.0, phi - DAM_NORM_SLACK))) * (1.0 + 1e-12) + 1e-12;
}

#endif
