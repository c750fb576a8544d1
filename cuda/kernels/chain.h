/*
 * What happens to one chain in a step, by a warp: its proposal, B(7); what a value says of it; the
 * verdict carried out. A step is made of these whether it is a sequence of launches (steps.h) or
 * many steps are one launch (resident.cu).
 */
#ifndef DAM_CUDA_CHAIN_H
#define DAM_CUDA_CHAIN_H

#include "common.h"
#include "single.h"

namespace DAM_CUDA_NAMESPACE
{

/* The normals of step `step` to eta[N]. */
static __device__ __forceinline__ void draw_normals(dam_stream s, int32_t N, uint64_t step,
                                                    float *eta)
{
    const uint64_t blocks = (static_cast<uint64_t>(N) + 3) / 4;

    for (uint64_t b = threadIdx.x % DAM_WARP; b < blocks; b += DAM_WARP) {
        uint32_t words[4];
        float n[4];
        dam_words(s, step * blocks + b, words);
        dam_normal_pair(words[0], words[1], &n[0], &n[1]);
        dam_normal_pair(words[2], words[3], &n[2], &n[3]);
        for (int32_t i = 0; i < 4; i++)
            if (static_cast<int32_t>(4 * b) + i < N)
                eta[4 * b + static_cast<uint64_t>(i)] = n[i];
    }
}

/* What the step needs beside the proposal. */
static __device__ __forceinline__ void begin_step(const wave &w, dam_device_chain *c,
                                                  int64_t column, float *shift)
{
    uint32_t words[4];

    dam_words(c->acceptance, c->steps, words);
    c->threshold = c->theta * dam_log(dam_uniform(words));
    c->verdict = DAM_UNDECIDED;
    c->next = dam_unknown();
    c->evaluated = 0;
    c->builder = -1;
    c->column = static_cast<int32_t>(column);
    *shift = single_shift(w.reference, c->L);
}

/* A column that no proposal uses. */
static __device__ __forceinline__ void clear_column(const wave &w, int64_t number, float *column)
{
    for (int32_t k = static_cast<int32_t>(threadIdx.x % DAM_WARP); k < w.N && !gathers(w);
         k += DAM_WARP)
        column[static_cast<int64_t>(k) * w.width] = 0.0f;
    if (threadIdx.x % DAM_WARP == 0)
        w.shift[number] = 0.0f;
}

/*
 * Column i of disorder d: the proposal of a chain, or zeros. The normals of four components come
 * from one block of the stream, so a lane makes four neighbours; the squared norm is added in
 * DAM_LANES lanes of ascending k, as everywhere. The proposal is written twice: as a row for those
 * who move chains, and as a column of the disorder's matrix for the single precision pass. (Where
 * other tiers come first, gather.cu writes the columns, of the proposals that they leave open.)
 */
static __device__ __forceinline__ void propose_chain(const wave &w, int64_t d, int64_t i)
{
    const int64_t number = d * w.width + i;
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP), N = w.N;
    float *column = w.columns + d * N * w.width + i;

    if (i >= w.chains) { /* of the tile's width only */
        clear_column(w, number, column);
        return;
    }
    const int64_t place = d * w.chains + i;
    dam_device_chain *c = w.chain + place;
    if (c->steps >= *w.end) {
        if (lane == 0)
            c->verdict = DAM_ARRIVED;
        clear_column(w, number, column);
        return;
    }
    const float *x = w.x + place * N;
    float *eta = w.proposal + place * N;
    double sum = 0;

    draw_normals(c->proposals, N, c->steps, eta);
    DAM_UNLESS_PLANTED(1) __syncwarp();
    if (lane < DAM_LANES)
        for (int32_t k = lane; k < N; k += DAM_LANES) {
            const double y = x[k] + c->sigma * eta[k];
            sum += y * y;
        }
    const double factor = dam_onto_sphere(N, warp_add_lanes(sum));
    for (int32_t k = lane; k < N; k += DAM_WARP) {
        const double y = x[k] + c->sigma * eta[k];
        const float v = static_cast<float>(y * factor);
        eta[k] = v;
        if (!gathers(w))
            column[static_cast<int64_t>(k) * w.width] = v;
    }
    if (lane == 0)
        begin_step(w, c, i, w.shift + number);
}

/* What the single precision pass says of a proposal, by one thread. While measuring, an accepted
 * one is left to the reference as well, for its L and phi are wanted to the last bit. */
static __device__ __forceinline__ void take_single(const wave &w, dam_device_chain *c,
                                                   dam_interval L)
{
    c->next = intersection(c->next, L);
    c->verdict = judge(c->now, c->next, c->threshold);
    c->patterns += static_cast<uint64_t>(w.M);
    c->tried++;
    if (c->verdict == DAM_UNDECIDED)
        c->unsure++;
    if (c->verdict == DAM_ACCEPTED && w.measure)
        c->verdict = DAM_UNDECIDED;
}

/* As dam_combine_blocks, by a warp; all lanes get it. */
static __device__ __forceinline__ double combine(const dam_reference &f, const dam_block_sum *block,
                                                 int64_t blocks)
{
    const int64_t lane = threadIdx.x % DAM_WARP;
    double max = -HUGE_VAL, sum = 0;

    if (f.kernel == DAM_LSE) {
        for (int64_t i = lane; i < blocks; i += DAM_WARP)
            max = block[i].max > max ? block[i].max : max;
        max = warp_maximum(max);
    }
    for (int64_t first = 0; first < blocks - DAM_PLANTED(10); first += DAM_WARP) {
        const int64_t n = blocks - first < DAM_WARP ? blocks - first : DAM_WARP;
        double term = lane < n ? block[first + lane].sum : 0.0;
        if (f.kernel == DAM_LSE && lane < n)
            term = term * dam_exp(f.c * (block[first + lane].max - max));
        for (int64_t i = 0; i < n; i++)
            sum += __shfl_sync(DAM_FULL_WARP, term, static_cast<int>(i));
    }
    if (f.kernel == DAM_POLYNOMIAL)
        return f.N * sum;
    if (f.kernel == DAM_LSR)
        return sum > 0 ? dam_log(sum) : -HUGE_VAL;
    return f.c * (max - 1.0) + dam_log(sum);
}

/* What follows from the L of a proposal; true while the verdict is open. */
static __device__ __forceinline__ bool take_proposal(const wave &w, dam_device_chain *c, double L)
{
    c->next.low = c->next.high = L;
    c->evaluated = 1;
    c->patterns += static_cast<uint64_t>(w.M);
    c->verdict = judge(c->now, c->next, c->threshold);
    return c->verdict == DAM_UNDECIDED;
}

static __device__ __forceinline__ void take_state(const wave &w, dam_device_chain *c, double L)
{
    c->L = c->now.low = c->now.high = L;
    c->patterns += static_cast<uint64_t>(w.M);
    if (c->verdict == DAM_UNDECIDED)
        c->verdict = judge(c->now, c->next, c->threshold);
}

/* The alignment of a proposal with the target, k ascending, by a warp; all lanes get it. */
static __device__ __forceinline__ double target_phi(const wave &w, int64_t place)
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
static __device__ __forceinline__ void take_values(dam_device_chain *c)
{
    c->now = c->next;
    c->L = c->now.low == c->now.high ? c->now.low : 0.5 * (c->now.low + c->now.high);
    if (c->evaluated)
        c->phi = c->next_phi;
}

static __device__ __forceinline__ void accumulate(dam_device_chain *c, bool accepted)
{
    c->accepted += accepted;
    c->phi_sum += c->phi;
    c->phi2_sum += c->phi * c->phi;
    c->L_sum += c->L;
    c->L2_sum += c->L * c->L;
}

static __device__ __forceinline__ void write_log(const wave &w, const dam_device_chain *c,
                                                 int64_t place, bool accepted)
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

/* The verdict carried out: the state, the rolling hash of decisions, the sums and the log, in the
 * order and the arithmetic of src/gang.c. */
static __device__ __forceinline__ void decide_chain(const wave &w, int64_t place)
{
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);

    if (w.chain[place].verdict == DAM_ARRIVED)
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

/* sum_a x_a[k], a ascending. */
static __device__ __forceinline__ double sum_of_replicas(const float *x, int64_t replicas,
                                                         int32_t N, int32_t k)
{
    double sum = 0;

    for (int64_t a = 0; a < replicas; a++)
        sum += x[a * N + k];
    return sum;
}

/* All lanes get it. */
static __device__ __forceinline__ double mean_q12(const float *x, int64_t replicas, int32_t N)
{
    const double pairs = 0.5 * static_cast<double>(replicas) * static_cast<double>(replicas - 1);
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);
    double total = 0, own = 0;

    if (replicas == 2)
        return warp_dot(N, x, x + N) / N;
    for (int64_t a = 0; a < replicas; a++)
        own += warp_dot(N, x + a * N, x + a * N);
    for (int32_t first = 0; first < N; first += DAM_WARP) {
        const int32_t n = N - first < DAM_WARP ? N - first : DAM_WARP;
        const double sum = lane < n ? sum_of_replicas(x, replicas, N, first + lane) : 0.0;
        const double square = sum * sum;
        for (int32_t i = 0; i < n; i++)
            total += __shfl_sync(DAM_FULL_WARP, square, i);
    }
    return 0.5 * (total - own) / pairs / N;
}

/*
 * Mean overlap of the pairs among the replicas of a temperature after a step: anew where one of
 * them moved; `all`: as the states are, without adding it up.
 */
static __device__ __forceinline__ void put_q12(const wave &w, int64_t group, bool moved,
                                               int32_t all)
{
    const int64_t first = group * w.replicas, groups = w.disorders * w.chains / w.replicas;
    double q12 = 0;

    if (moved)
        q12 = mean_q12(w.x + first * w.N, w.replicas, w.N);
    if (threadIdx.x % DAM_WARP != 0)
        return;
    if (moved)
        w.q12[group] = q12;
    else
        q12 = w.q12[group];
    if (all)
        return;
    w.q12_sum[group] += q12;
    if (w.log && w.log->q12)
        w.log->q12[static_cast<int64_t>(w.chain[first].steps - 1 - w.log->first) * groups + group] =
            q12;
}

} // namespace DAM_CUDA_NAMESPACE

#endif
