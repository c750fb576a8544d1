/* What the versions of the reference pass share. */
#ifndef DAM_CUDA_REFERENCE_H
#define DAM_CUDA_REFERENCE_H

#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

static __host__ __device__ __forceinline__ int queue_of(enum purpose p)
{
    return p == OF_PROPOSALS ? 0 : 1;
}

/*
 * Blocks of threads for a kernel that works from a queue: eight for each multiprocessor of an H100;
 * the number changes no result. On the CPU, where the queue can be looked at, none when it is
 * empty.
 */
static inline unsigned queue_blocks(const wave &w, enum purpose purpose, cudaStream_t stream)
{
#ifdef __CUDACC__
    (void)w;
    (void)purpose;
    (void)stream;
    return 1056;
#else
    dam_shim::drain(stream);
    return w.queued[queue_of(purpose)] > 0 ? dam_shim::queue_blocks : 0;
#endif
}

/* One term of a block's sum; `max` is the block's exact maximum (LSE). */
static __device__ __forceinline__ double reference_term(const dam_reference &f, double max,
                                                        double phi)
{
    return f.kernel == DAM_LSE   ? dam_term_lse(&f, max, phi)
           : f.kernel == DAM_LSR ? dam_term_lsr(&f, phi)
                                 : dam_term_polynomial(&f, phi);
}

/* Puts down the alignment with the target that was met on the way. */
static __device__ __forceinline__ void put_target_phi(const wave &w, int64_t place,
                                                      enum purpose purpose, double phi)
{
    if (purpose == OF_PROPOSALS)
        w.chain[place].next_phi = phi;
    else
        w.chain[place].phi = phi;
}

/* Where the bins of a proposal's alignments go, for a list to be made; NULL: nowhere. */
static __device__ __forceinline__ uint16_t *bins_of(const wave &w, int64_t d, int64_t place,
                                                    enum purpose purpose)
{
    const int32_t builder = w.lists && purpose == OF_PROPOSALS ? w.chain[place].builder : -1;

    return builder < 0 ? NULL : w.bins + (d * w.builders + builder) * w.M;
}

} // namespace DAM_CUDA_NAMESPACE

#endif
