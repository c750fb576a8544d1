#include "bessel.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* Far more than either fraction needs where it is used. */
#define MAX_TERMS 100000

/*
 * Gauss:  I_nu/I_{nu+1} = c_1 + 1/(c_2 + 1/(c_3 + ...)), c_k = 2 (nu + k)/x: all positive; gains a
 *         factor at every step once nu + k passes x/2.
 * Perron: x I_nu/I_{nu+1} = 2nu + 2 + x - (2nu+3) x/(2nu + 3 + 2x - (2nu+5) x/(2nu + 4 + 2x -
 * ...)): gains about (nu + k)/(2x) at every step, so few are needed where x is large. Both by
 * Lentz's forward evaluation.
 */
static double fraction(double nu, double x, bool perron)
{
    double c = perron ? 2 * nu + 2 + x : 2 * (nu + 1) / x, d = 0, value = c;

    for (int k = 1; k < MAX_TERMS; k++) {
        double a = perron ? -(2 * nu + 2 * k + 1) * x : 1;
        double term = perron ? 2 * nu + 2 + k + 2 * x : 2 * (nu + k + 1) / x;

        d = 1 / (term + a * d);
        c = term + a / c;
        value *= c * d;
        if (fabs(c * d - 1) <= DBL_EPSILON)
            break;
    }
    return perron ? value / x : value;
}

double dam_bessel_ratio(double nu, double x)
{
    /* Where the fractions' terms could overflow, one term of the series is exact. */
    if (x < 1e-150)
        return x / (2 * (nu + 1));
    if (x > 1e17 * (nu + 1))
        return 1;
    return 1 / fraction(nu, x, x > 2 * nu + 20);
}
