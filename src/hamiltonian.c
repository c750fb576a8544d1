#include "hamiltonian.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double dam_hamiltonian_b(const dam_hamiltonian *h, double N)
{
    return h->b > 0 ? h->b : N * h->beta_net;
}

double dam_hamiltonian_beta_net(const dam_hamiltonian *h, double N)
{
    switch (h->kernel) {
    case DAM_LSE:
        return h->beta_net;
    case DAM_LSR:
        return h->b > 0 ? h->b / N : h->beta_net;
    default:
        return 1.0;
    }
}

double dam_hamiltonian_theta(const dam_hamiltonian *h, double N, double T)
{
    return T * dam_hamiltonian_beta_net(h, N);
}

double dam_hamiltonian_u(const dam_hamiltonian *h, double N, double phi)
{
    double b, weight;

    switch (h->kernel) {
    case DAM_LSE:
        return 1.0 - phi;
    case DAM_LSR:
        b = dam_hamiltonian_b(h, N);
        weight = fmax(h->epsilon, 1.0 - b * (1.0 - phi));
        return weight > 0 ? -log(weight) / b : HUGE_VAL;
    default:
        return -pow(phi, h->k);
    }
}

/* The shortest text that reads back as the same number. */
static void number(char text[32], double v)
{
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, 32, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            return;
    }
}

void dam_hamiltonian_describe(const dam_hamiltonian *h, char *text, size_t size)
{
    char a[32], e[32];

    switch (h->kernel) {
    case DAM_LSE:
        number(a, h->beta_net);
        snprintf(text, size, "lse{ beta_net = %s }", a);
        return;
    case DAM_LSR:
        number(a, h->b > 0 ? h->b : h->beta_net);
        number(e, h->epsilon);
        snprintf(text, size, "lsr{ %s = %s, epsilon = %s }", h->b > 0 ? "b" : "beta_net", a, e);
        return;
    default:
        snprintf(text, size, "polynomial{ k = %d }", h->k);
    }
}
