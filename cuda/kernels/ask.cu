/*
 * What the lists say of the proposals: a warp a chain. An interval from the listed patterns, in
 * double, and the rest that the table allows at the proposal's distance from where the list was
 * made; then the verdict, or a claim to have the list made anew, around the proposal.
 */
#include "lists.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

/* LSE: how far L may be above that of the state before terms are too large. */
#define HEADROOM 20.0

/* Sums over a list; `count`: LSR's terms that are not certain to be 0. */
struct list_sums {
    double sum, count;
};

/* Takes one alignment into them; LSE: relative to exp(shift). */
static __device__ __forceinline__ void add_term(const dam_reference &f, double phi, double shift,
                                                double margin, list_sums *s)
{
    if (f.kernel == DAM_LSE) {
        const double z = f.c * (phi - 1.0) - shift;
        s->sum += z > 0 ? HUGE_VAL : dam_exp(z);
    } else if (f.kernel == DAM_LSR) {
        const double weight = 1.0 - f.epsilon - f.b * (1.0 - phi);
        s->sum += weight > 0 ? weight : 0.0;
        s->count += weight > -margin;
    } else {
        s->sum += dam_term_polynomial(&f, phi);
    }
}

/* The sums of all listed patterns; all lanes get them. */
static __device__ list_sums sum_list(const wave &w, int64_t place, double shift, double margin)
{
    const dam_near_list *l = w.list + place;
    const float *panel = w.listed + place * w.list_room * w.N, *x = w.proposal + place * w.N;
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP), across = l->across;
    list_sums s = {0, 0};

    for (int32_t first = 0; first < l->listed; first += across, panel += across * w.N) {
        double phi = 0;
#pragma unroll 4
        for (int32_t k = lane / across; k < w.N - DAM_PLANTED(14); k += DAM_WARP / across)
            phi = multiply_add_exact(panel[k * across + lane % across], x[k], phi);
        for (int32_t bits = across; bits < DAM_WARP; bits *= 2)
            phi += __shfl_xor_sync(DAM_FULL_WARP, phi, bits);
        if (lane < across && first + lane < l->listed)
            add_term(w.reference, phi / w.N, shift, margin, &s);
    }
    s.sum = warp_sum(s.sum);
    s.count = warp_sum(s.count);
    return s;
}

/* What the list leaves out at a state of this alignment with its centre. */
static __device__ dam_active_rest rest_at(const wave &w, const dam_near_list *l, double phi)
{
    const double at = ceil(dam_active_angle(phi) / DAM_ACTIVE_GRID);

    if (DAM_PLANTED(15))
        return {0, 0};
    if (at < l->angles)
        return l->rest[static_cast<int32_t>(at > 0 ? at : 0)];
    return {w.reference.kernel == DAM_POLYNOMIAL ? -HUGE_VAL : 0, HUGE_VAL};
}

/* The interval that the sums and the rest allow: what src/bounds.h says of either end. */
static __device__ dam_interval interval_of(const dam_reference &f, double M, const dam_precision &p,
                                           const dam_near_list *l, list_sums s,
                                           dam_active_rest rest, double shift)
{
    const double terms = M * pow(1.001, f.k); /* alignments stay below 1.001 */
    dam_interval L = dam_unknown();

    if (!(rest.high < HUGE_VAL))
        return L;
    if (f.kernel == DAM_LSE) {
        const double log_rest = log(rest.high) + f.c * (l->top - 1.0) - shift;
        const double most = rest.high > 0 ? exp(fmin(700.0, log_rest)) * (1 + 1e-9) : 0;
        L.low = dam_lse_interval(&f, M, &p, shift, s.sum).low;
        L.high = dam_lse_interval(&f, M, &p, shift, s.sum + most).high;
    } else if (f.kernel == DAM_LSR) { /* the rest counts epsilon, as bounds.h does */
        const double most = rest.high - rest.low + 1e-12 * rest.high;
        L.low = dam_lsr_interval(&f, M, &p, s.sum, s.count).low;
        L.high = dam_lsr_interval(&f, M, &p, s.sum + most, s.count).high;
    } else {
        const double error = 1e-12 * (fabs(rest.low) + fabs(rest.high));
        L.low = dam_polynomial_interval(&f, M, &p, s.sum + rest.low - error, terms).low;
        L.high = dam_polynomial_interval(&f, M, &p, s.sum + rest.high + error, terms).high;
    }
    return L;
}

/* What the list says of the proposal; all lanes get it. */
static __device__ dam_interval ask(const wave &w, int64_t place)
{
    const dam_near_list *l = w.list + place;
    const dam_reference &f = w.reference;
    const float *x = w.proposal + place * w.N;
    const dam_precision p = dam_double_precision(f.N, l->listed);
    const double shift = w.chain[place].L + HEADROOM;
    const double phi = warp_dot(w.N, x, w.centre + place * w.N) / w.N;
    const list_sums s =
        sum_list(w, place, shift, f.kernel == DAM_LSR ? dam_lsr_margin(&f, &p) : 0.0);

    return interval_of(f, static_cast<double>(w.M), p, l, s, rest_at(w, l, phi), shift);
}

/* The verdict, what it cost, and whether the list is wanted anew. */
static __device__ bool conclude(const wave &w, dam_device_chain *c, dam_near_list *l,
                                dam_interval L)
{
    const double plain = list_plain_cost(w), build = list_build_cost(w);
    bool wanted = false;

    c->list_tried++;
    c->list_patterns += static_cast<uint64_t>(l->listed);
    c->listed += static_cast<uint64_t>(l->listed);
    c->next = L;
    c->verdict = judge(c->now, c->next, c->threshold);
    l->account -= l->cost;
    if (c->verdict == DAM_UNDECIDED) {
        c->list_unsure++;
        l->account -= plain;
        l->debt += plain;
        wanted = 2 * l->debt >= build;
    } else if (c->verdict == DAM_ACCEPTED && !(L.high - L.low <= list_carried(w, c->theta))) {
        c->verdict = DAM_UNDECIDED;
        c->column = -1;
        wanted = true;
    }
    l->account = fmin(l->account + plain, DAM_ACTIVE_CREDIT * build);
    if (l->account >= -DAM_ACTIVE_LARGEST_LOSS * build || w.lists > 1)
        return wanted;
    list_rest(l, c->steps + 1);
    return false;
}

__global__ void ask_lists(const wave w)
{
    const int64_t place = warp_number();
    const int32_t i = static_cast<int32_t>(place % w.chains);

    if (place >= w.disorders * w.chains || w.chain[place].verdict == DAM_ARRIVED)
        return;
    dam_device_chain *c = w.chain + place;
    dam_near_list *l = w.list + place;
    const bool known = l->sigma == c->sigma, there = known && l->listed > 0;
    dam_interval L = dam_unknown();
    bool wanted;

    if (there)
        L = ask(w, place);
    __syncwarp();
    if (threadIdx.x % DAM_WARP != 0)
        return;
    if (!known) {
        l->sigma = c->sigma;
        l->spread = l->account = 0;
        l->retry_at = l->patience = 0;
        l->listed = 0;
    }
    wanted = there ? conclude(w, c, l, L) : c->steps + 1 >= l->retry_at;
    if (wanted) /* of those who want the same builder the first one gets it */
        atomicMin(w.claim + place / w.chains * w.builders + i % w.builders, i);
}

cudaError_t launch_ask(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(ask_lists, blocks_for_warps(w.disorders * w.chains),
               dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream, w);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
