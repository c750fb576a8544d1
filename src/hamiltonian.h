/*
 * The energy functions of dense associative memories on the sphere x.x = N, as functions of the
 * alignments phi^mu = x.xi^mu/N:
 *   LSE         H = -(1/beta_net) ln sum_mu exp(-beta_net N (1 - phi^mu))            A(3), B(1)
 *   LSR         H = -(1/beta_net) ln sum_mu max(epsilon, 1 - b (1 - phi^mu))         A(7), B(2)
 *   polynomial  H = -N sum_mu (phi^mu)^k                                             A(1)
 * with b = N beta_net. This file holds the parameters; reference.h evaluates.
 */
#ifndef DAM_HAMILTONIAN_H
#define DAM_HAMILTONIAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { DAM_LSE, DAM_LSR, DAM_POLYNOMIAL } dam_kernel;

typedef struct {
    dam_kernel kernel;
    double beta_net; /* LSE; LSR when b was not given */
    double b;        /* LSR when given, else 0 */
    double epsilon;  /* LSR: 0 is the hard wall of B */
    int k;           /* polynomial */
} dam_hamiltonian;

#define DAM_POLYNOMIAL_MAX_K 100

/* The sharpness b = N beta_net (LSR). */
double dam_hamiltonian_b(const dam_hamiltonian *h, double N);

/* The inverse variance beta_net; 1 for the polynomial, whose H has no such prefactor. */
double dam_hamiltonian_beta_net(const dam_hamiltonian *h, double N);

/* theta = T beta_net of the decision L(x') - L(x) > theta ln u (L = -beta_net H). */
double dam_hamiltonian_theta(const dam_hamiltonian *h, double N, double T);

/*
 * Energy density of a single basin at alignment phi: A(13) LSE, A(14) LSR, -phi^k polynomial.
 * LSR needs b: pass the dimension N, or any N when b was given. HUGE_VAL outside the support.
 */
double dam_hamiltonian_u(const dam_hamiltonian *h, double N, double phi);

/* "lse{ beta_net = 1 }", in the form that creates it again. */
void dam_hamiltonian_describe(const dam_hamiltonian *h, char *text, size_t size);

#endif
