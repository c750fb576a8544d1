/*
 * The launches that a step is made of, in the order in which they come. Each is a file of this
 * folder with the same name; a file with a number is one of several versions of the same kernel,
 * from the plain one to the fast one.
 */
#ifndef DAM_CUDA_STEPS_H
#define DAM_CUDA_STEPS_H

#include "common.h"

namespace DAM_CUDA_NAMESPACE
{

/* Proposals, thresholds, shifts. */
cudaError_t launch_propose(const wave &w, cudaStream_t stream);

/* Where w.lists: verdicts of the lists, and claims; then what they leave open put into columns. */
cudaError_t launch_ask(const wave &w, cudaStream_t stream);
cudaError_t launch_gather(const wave &w, cudaStream_t stream);

/* Lists of the chains whose claims were heard. */
cudaError_t launch_build(const wave &w, cudaStream_t stream);

/* w.partial from w.columns: one warp a chain; tiles in registers. The sums differ in rounding. */
cudaError_t launch_single_1(const wave &w, cudaStream_t stream);
cudaError_t launch_single_2(const wave &w, cudaStream_t stream);

/* Verdicts from w.partial; what they leave open is put into queue 0. */
cudaError_t launch_judge(const wave &w, cudaStream_t stream);

/* All chains, or those whose L is not exact, into queue 1. */
cudaError_t launch_enlist(const wave &w, int32_t inexact, cudaStream_t stream);

/* What the reference evaluates, and what it is for. */
enum purpose {
    OF_PROPOSALS, /* queue 0: next, next_phi, verdict; what stays open goes into queue 1 */
    OF_STATES,    /* queue 1: now, L, phi, and the verdict when one is open */
    OF_OTHERS     /* queue 1: phi_max_other of the states */
};

/* Block sums (or maxima) of the queued chains, and their alignments with the target. */
cudaError_t launch_reference_1(const wave &w, enum purpose purpose, cudaStream_t stream);
cudaError_t launch_reference_2(const wave &w, enum purpose purpose, cudaStream_t stream);

/* L of the queued chains from their block sums, and what follows from it. */
cudaError_t launch_settle(const wave &w, enum purpose purpose, cudaStream_t stream);

/* The verdicts carried out: states, hashes, sums, log. */
cudaError_t launch_decide(const wave &w, cudaStream_t stream);

/* q12 after a step, where a replica moved; or (`all`) as the states are, without adding it up. */
cudaError_t launch_q12(const wave &w, int32_t all, cudaStream_t stream);

} // namespace DAM_CUDA_NAMESPACE

#endif
