/*
 * The certified pass (fused.h) on the matrix units of recent x86 processors (AMX). States and
 * patterns are split into two half-precision (bfloat16) parts each, whose products are exact; three
 * of the four products are summed in single precision. What is left out and what is rounded is
 * bounded (docs/numerics.md). For LSE and LSR; the polynomial has no such pass.
 */
#ifndef DAM_TILES_H
#define DAM_TILES_H

#include "fused.h"

/* States below which other ways are faster: patterns are split anew in every pass. */
#define DAM_TILES_LEAST_STATES 4

/* Whether processor and operating system have the units, and `kernels` is the table to use them. */
bool dam_tiles_usable(const dam_kernels *kernels, const dam_reference *f);

/* False when interrupted. */
uint64_t dam_tiles_scratch(int N, int64_t states);
bool dam_tiles_pass(const dam_pass *pass);

#endif
