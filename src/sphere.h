/*
 * States and patterns on the sphere x.x = N. They are single-precision vectors by definition; norms
 * and scalings are computed in double from these very numbers, in DAM_LANES partial sums (lane k
 * mod DAM_LANES, k ascending) that are added by a fixed tree.
 */
#ifndef DAM_SPHERE_H
#define DAM_SPHERE_H

#include "exact_math.h"
#include "streams.h"

#define DAM_LANES 16

/* Adds the lanes by halving: lane j takes lane j + 8, then j + 4, j + 2, j + 1. */
DAM_HD double dam_add_lanes(double lane[DAM_LANES])
{
    for (int half = DAM_LANES / 2; half > 0; half /= 2)
        for (int j = 0; j < half; j++)
            lane[j] += lane[j + half];
    return lane[0];
}

/* Factor that takes a vector of squared norm `squared` onto the sphere of dimension N. */
DAM_HD double dam_onto_sphere(double N, double squared)
{
    return sqrt(N / squared);
}

#endif
