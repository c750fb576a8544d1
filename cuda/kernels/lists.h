/*
 * What making and asking lists of near patterns have in common: what they cost, and how exact they
 * have to be. Lists change how much work a step is, and nothing else: they answer only where their
 * intervals prove what the reference decides (src/active_rest.h, docs/numerics.md). Which lists are
 * made follows from the chains alone, in a fixed order, never from the device or the clock.
 */
#ifndef DAM_CUDA_LISTS_H
#define DAM_CUDA_LISTS_H

#include "common.h"

namespace DAM_CUDA_NAMESPACE
{

/* Numbers of a list, the most patterns whose places fit into a block's shared memory, and the part
 * of all patterns from which on a list is about as dear as all of them. */
#define LIST_NUMBERS 32768
#define LIST_PATTERNS DAM_ACTIVE_BINS
#define LIST_LEAST_PART 8

/* Chains of a disorder that can be given lists in the same step. */
#define LIST_BUILDERS 8

/* Widths of intervals in units of theta: what a list's rest may add, and what may be carried. */
#define LIST_WIDTH 0.05
#define LIST_CARRIED 0.5

/*
 * Costs in units of a multiply-add of the single precision pass, estimated from what devices are
 * said to do: patterns of a list are read from memory for one chain alone, those of the passes for
 * many. Constants, so that counts of work are reproducible.
 */
#define LIST_COST_TERM 8.0   /* of a term, in components of a pattern */
#define LIST_COST_COARSE 0.1 /* of a component in the coarse pass, */
#define LIST_COST_COARSE_TERM 4.0
#define LIST_COST_READ 20.0     /* of a component of a list */
#define LIST_COST_REFERENCE 6.0 /* of a component in the reference pass, */
#define LIST_COST_REFERENCE_TERM 30.0
#define LIST_COST_BIN 10.0  /* of a pattern, when a list is made, */
#define LIST_COST_BUILD 3e6 /* and once */

static __device__ __forceinline__ double list_reference_cost(const wave &w)
{
    return static_cast<double>(w.M) * (LIST_COST_REFERENCE * w.N + LIST_COST_REFERENCE_TERM);
}

/* Of a proposal without a list; when measuring, accepted ones go to the reference. */
static __device__ __forceinline__ double list_plain_cost(const wave &w)
{
    const double exact = list_reference_cost(w);
    const double single = static_cast<double>(w.M) * (w.N + LIST_COST_TERM);

    if (w.coarse) {
        const double coarse =
            static_cast<double>(w.M) * (LIST_COST_COARSE * w.N + LIST_COST_COARSE_TERM);
        return w.measure && w.reference.kernel == DAM_LSE ? (1.0 + DAM_ACTIVE_ACCEPTANCE) * coarse
                                                          : coarse;
    }
    if (!w.single)
        return exact;
    return w.measure ? fmin(exact, single + DAM_ACTIVE_ACCEPTANCE * exact) : single;
}

/* Of asking a list. */
static __device__ __forceinline__ double list_cost(const wave &w, double listed)
{
    return LIST_COST_READ * (listed + 2.0) * (w.N + LIST_COST_TERM);
}

/* Of making one: a pass of the reference, and what follows. */
static __device__ __forceinline__ double list_build_cost(const wave &w)
{
    return list_reference_cost(w) + LIST_COST_BIN * static_cast<double>(w.M) + LIST_COST_BUILD;
}

/* Width of an interval up to which an accepted proposal may be carried. */
static __device__ __forceinline__ double list_carried(const wave &w, double theta)
{
    return w.measure ? dam_energy_width(&w.reference) : LIST_CARRIED * theta;
}

/* What the rest of a list may add to L. */
static __device__ __forceinline__ double list_tolerance(const wave &w, double theta)
{
    const double width = LIST_WIDTH * theta;
    return w.measure ? fmin(width, dam_energy_width(&w.reference)) : width;
}

/* No list for a while, longer each time. */
static __device__ __forceinline__ void list_rest(dam_near_list *l, uint64_t step)
{
    l->patience =
        l->patience ? DAM_ACTIVE_PATIENCE_FACTOR * l->patience : DAM_ACTIVE_FIRST_PATIENCE;
    if (l->patience > DAM_ACTIVE_LAST_PATIENCE)
        l->patience = DAM_ACTIVE_LAST_PATIENCE;
    l->retry_at = step + l->patience;
    l->listed = 0;
    l->account = 0;
}

} // namespace DAM_CUDA_NAMESPACE

#endif
