/*
 * The canonical evaluation: the double-precision program whose decisions every other way of
 * evaluating must reproduce (docs/numerics.md). For one state:
 *   1. phi^mu = (sum_k x_k xi^mu_k, k ascending, in double: each product is exact) / N.
 *   2. Patterns are taken in blocks of DAM_BLOCK, a block in DAM_PANEL lanes (lane mu mod
 * DAM_PANEL, mu ascending). Lane sums are added by halving: lane j takes lane j + 16, j + 8, ... j
 * + 1. LSE: terms exp(c (phi^mu - m)), c = beta_net N, m the block's exact maximum; LSR: terms
 * max(epsilon, 1 - b (1 - phi^mu));  polynomial: terms (phi^mu)^k.
 *   3. Blocks are combined in ascending order. LSE: with m* the exact maximum of all,
 *      L = c (m* - 1) + ln sum_blocks s exp(c (m - m*)). LSR: L = ln sum, -inf when the sum is 0.
 *      Polynomial: L = N sum.
 * A proposal is accepted iff L(x') - L(x) > theta ln u (hamiltonian.h: theta; L = -beta_net H).
 */
#ifndef DAM_REFERENCE_H
#define DAM_REFERENCE_H

#include "exact_math.h"
#include "hamiltonian.h"

#define DAM_PANEL 32        /* patterns of a panel: the lanes of the reduction */
#define DAM_BLOCK_PANELS 32 /* panels of a block */
#define DAM_BLOCK (DAM_PANEL * DAM_BLOCK_PANELS)

/* What the terms need, per Hamiltonian and dimension. */
typedef struct {
    dam_kernel kernel;
    int k;          /* polynomial: degree */
    double c;       /* LSE: beta_net N */
    double b;       /* LSR */
    double epsilon; /* LSR */
    double N;
} dam_reference;

/* [low, high] contains the reference's L; low = high when it is that value itself. */
typedef struct {
    double low, high;
} dam_interval;

/* One block of one state: its exact maximum (LSE) and its sum. */
typedef struct {
    double max;
    double sum;
} dam_block_sum;

static inline dam_reference dam_reference_of(const dam_hamiltonian *h, int N)
{
    dam_reference f;
    f.kernel = h->kernel;
    f.k = h->k;
    f.c = h->beta_net * N;
    f.b = dam_hamiltonian_b(h, N);
    f.epsilon = h->epsilon;
    f.N = N;
    return f;
}

DAM_HD double dam_term_lse(const dam_reference *f, double max, double phi)
{
    return dam_exp(f->c * (phi - max));
}

DAM_HD double dam_term_lsr(const dam_reference *f, double phi)
{
    double weight = 1.0 - f->b * (1.0 - phi);
    return weight > f->epsilon ? weight : f->epsilon;
}

/* phi^k by squaring, from the lowest bit of k upwards. */
DAM_HD double dam_term_polynomial(const dam_reference *f, double phi)
{
    double power = 1.0;
    for (int k = f->k; k > 0; k >>= 1) {
        if (k & 1)
            power = power * phi;
        phi = phi * phi;
    }
    return power;
}

DAM_HD double dam_add_panel_lanes(double lane[DAM_PANEL])
{
    for (int half = DAM_PANEL / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

/* L of a state from its blocks. */
DAM_HD double dam_combine_blocks(const dam_reference *f, const dam_block_sum *block, int64_t blocks)
{
    double sum = 0, max = block[0].max;

    if (f->kernel != DAM_LSE) {
        for (int64_t i = 0; i < blocks; i++)
            sum += block[i].sum;
        if (f->kernel == DAM_POLYNOMIAL)
            return f->N * sum;
        return sum > 0 ? dam_log(sum) : -HUGE_VAL;
    }
    for (int64_t i = 1; i < blocks; i++)
        max = block[i].max > max ? block[i].max : max;
    for (int64_t i = 0; i < blocks; i++)
        sum += block[i].sum * dam_exp(f->c * (block[i].max - max));
    return f->c * (max - 1.0) + dam_log(sum);
}

/* H of a state from its L; `beta_net` as of dam_hamiltonian_beta_net. */
DAM_HD double dam_energy_of(double L, double beta_net)
{
    return -L / beta_net;
}

/* The decision of one step. */
DAM_HD int dam_accept(double L_new, double L_old, double theta, double u)
{
    return L_new - L_old > theta * dam_log(u);
}

#endif
