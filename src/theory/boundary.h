/*
 * Where retrieval ends: the load alpha_c(T), its inverse T_c(alpha), LSR's T_max, and the phase at
 * a point of the plane. Papers: A(22), A(35), A(39), or LSR with its own floor A(30). Exact
 * geometry: three boundaries for LSE (dam_boundary), the support threshold for LSR, and with th->N
 * > 0 the boundaries against the annealed floor.
 */
#ifndef DAM_THEORY_BOUNDARY_H
#define DAM_THEORY_BOUNDARY_H

#include "theory.h"

typedef enum { DAM_PHASE_RETRIEVAL, DAM_PHASE_SPIN_GLASS, DAM_PHASE_PARAMAGNETIC } dam_phase;

dam_status dam_boundary_alpha_c(const dam_theory *th, double T, double *alpha, dam_error *e);

/* HUGE_VAL where retrieval holds at every temperature. */
dam_status dam_boundary_T_c(const dam_theory *th, double alpha, double *T, dam_error *e);

/* Papers, LSR, floor A(39): the temperature at which alpha_c(T) meets alpha_th, f_ret = 1/b. */
dam_status dam_boundary_T_max(const dam_theory *th, double *T, dam_error *e);

/* As in A, Fig. 1: beyond the boundary, spin-glass up to alpha = 1/2 and paramagnetic above. */
dam_status dam_boundary_phase(const dam_theory *th, double alpha, double T, dam_phase *phase,
                              dam_error *e);

#endif
