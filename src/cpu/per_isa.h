/*
 * What the sources that are compiled once per instruction set (DAM_ISA) have in common, and what
 * each of them adds to the table in kernels.c.
 */
#ifndef DAM_CPU_PER_ISA_H
#define DAM_CPU_PER_ISA_H

#include "kernels.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define INLINE static inline __attribute__((always_inline))

void PASTE(dam_normals, DAM_ISA)(dam_stream s, int64_t count, uint64_t first, float *out);
void PASTE(dam_log_uniforms, DAM_ISA)(dam_stream s, int64_t count, uint64_t first, double *out);
extern const dam_single_loops PASTE(dam_single, DAM_ISA);
extern const dam_kernels PASTE(dam_kernels, DAM_ISA);

#endif
