/*
 * Overlaps and energies of states that the user gives, in double precision as given (the sampler's
 * own states are singles; see reference.h). The same on every machine.
 */
#ifndef DAM_OBSERVABLES_H
#define DAM_OBSERVABLES_H

#include "hamiltonian.h"
#include "patterns.h"

/* out[M]: alignments phi^mu = x.xi^mu/N of the state x[N] in the disorder at `index`. */
dam_status dam_overlaps(const dam_patterns *p, const dam_kernels *kernels, int64_t index,
                        const double *x, double *out, dam_error *e);

/* out[n]: the extensive energies H of n states x[n][N]; inf where an LSR state has no support. */
dam_status dam_energies(const dam_hamiltonian *h, const dam_patterns *p, const dam_kernels *kernels,
                        int64_t index, int64_t n, const double *x, double *out, dam_error *e);

/* out[M][M]: the Gram matrix xi^mu.xi^nu/N of the disorder at `index`. */
dam_status dam_gram(const dam_patterns *p, const dam_kernels *kernels, int64_t index, double *out,
                    dam_error *e);

#endif
