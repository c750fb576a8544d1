/*
 * One basin on its own: the energy of a state at alignment phi with the target, the entropy of the
 * sphere there, and the balance of the two at temperature T (N -> infinity). Papers: A(13), A(14),
 * A(19), A(21), A(32) to (34), A(36), A(37); all closed forms are written so that nothing cancels
 * for T from 0 to the largest double.
 */
#ifndef DAM_THEORY_BASIN_H
#define DAM_THEORY_BASIN_H

#include <stdint.h>

#include "theory.h"

/* The balance at T. Where phi = 1 (T = 0) the entropy is -infinity, and only T s = 0 is kept. */
typedef struct {
    double phi;         /* alignment phi(T) */
    double deficit;     /* 1 - phi */
    double free_energy; /* f_ret = u - T s */
    double retained;    /* 1 - f_ret */
    double entropy;     /* s = (1/2) ln(1 - phi^2) */
} dam_basin;

/* phi(T), f_ret(T) and what belongs to them. T >= 0. */
dam_status dam_basin_at(const dam_theory *th, double T, dam_basin *out, dam_error *e);

/* u(phi), phi in [-1, 1] and in the support. */
dam_status dam_basin_u(const dam_theory *th, double phi, double *u, dam_error *e);

/* Replica free energy f(phi, q, T) = u(phi) - T s(phi, q), A(12), A(21). */
dam_status dam_basin_f(const dam_theory *th, double phi, double q, double T, double *f,
                       dam_error *e);

/* A(19): s(phi) = (1/2) ln(1 - phi^2), |phi| < 1. */
dam_status dam_entropy(double phi, double *s, dam_error *e);

/* A(21): s(phi, q) = (1/2) [ln(1 - q) + (q - phi^2)/(1 - q)], |phi| <= 1, -1 <= q < 1. */
dam_status dam_entropy_replica(double phi, double q, double *s, dam_error *e);

/*
 * A(18): S = ((N - M)/2) ln(1 - phi^T G^-1 phi), extensive, for the alignments phi [M] with M
 * patterns of Gram matrix G [M, M]. DAM_ERR_ARGUMENT when G is not symmetric and positive definite;
 * DAM_ERR_DOMAIN when no state has these alignments, or M >= N.
 */
dam_status dam_entropy_gram(const double *phi, const double *gram, int64_t M, double N, double *S,
                            dam_error *e);

#endif
