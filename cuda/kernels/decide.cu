/*
 * The verdicts carried out, a warp a chain: the state, the rolling hash of decisions, the sums and
 * the log, in the order and the arithmetic of src/gang.c.
 */
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

/* The alignment of a proposal with the target, k ascending, by a warp; all lanes get it. */
static __device__ double target_phi(const wave &w, int64_t place)
{
    const int64_t d = place / w.chains, mu = w.target[d];
    const float *x = w.proposal + place * w.N;
    const float *xi =
        w.panels + d * w.panels_stride + mu / DAM_PANEL * DAM_PANEL * w.N + mu % DAM_PANEL;
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);
    double sum = 0;

    for (int32_t first = 0; first < w.N; first += DAM_WARP) {
        const int32_t n = w.N - first < DAM_WARP ? w.N - first : DAM_WARP;
        const double product = lane < n ? static_cast<double>(x[first + lane]) *
                                              xi[static_cast<int64_t>(first + lane) * DAM_PANEL]
                                        : 0.0;
        for (int32_t i = 0; i < n; i++)
            sum += __shfl_sync(DAM_FULL_WARP, product, i);
    }
    return sum / w.N;
}

/* L and phi of an accepted proposal. */
static __device__ void take_values(dam_device_chain *c)
{
    c->now = c->next;
    c->L = c->now.low == c->now.high ? c->now.low : 0.5 * (c->now.low + c->now.high);
    if (c->evaluated)
        c->phi = c->next_phi;
}

static __device__ void accumulate(dam_device_chain *c, bool accepted)
{
    c->accepted += accepted;
    c->phi_sum += c->phi;
    c->phi2_sum += c->phi * c->phi;
    c->L_sum += c->L;
    c->L2_sum += c->L * c->L;
}

static __device__ void write_log(const wave &w, const dam_device_chain *c, int64_t place,
                                 bool accepted)
{
    const int64_t row = static_cast<int64_t>(c->steps - 1 - w.log->first);
    const int64_t at = row * w.disorders * w.chains + place;

    if (w.log->phi)
        w.log->phi[at] = c->phi;
    if (w.log->L)
        w.log->L[at] = c->L;
    if (w.log->accepted)
        w.log->accepted[at] = accepted;
}

__global__ void decide(const wave w)
{
    const int64_t place = warp_number();
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);

    if (place >= w.disorders * w.chains || w.chain[place].verdict == DAM_ARRIVED)
        return;
    dam_device_chain *c = w.chain + place;
    const bool accepted = c->verdict == DAM_ACCEPTED;
    const bool unseen = accepted && w.measure && !c->evaluated; /* a list has accepted it */
    double phi = 0;
    if (unseen)
        phi = target_phi(w, place);
    if (accepted)
        for (int32_t k = lane; k < w.N - DAM_PLANTED(12); k += DAM_WARP)
            w.x[place * w.N + k] = w.proposal[place * w.N + k];
    if (lane == 0) {
        if (accepted)
            take_values(c);
        if (unseen)
            c->phi = phi;
        c->decisions = dam_absorb(c->decisions, accepted);
        c->steps++;
        if (w.measure)
            accumulate(c, accepted);
        if (w.log)
            write_log(w, c, place, accepted);
    }
}

cudaError_t launch_decide(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(decide, blocks_for_warps(w.disorders * w.chains), dim3(DAM_CHAIN_WARPS * DAM_WARP),
               0, stream, w);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
