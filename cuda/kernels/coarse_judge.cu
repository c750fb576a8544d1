/*
 * What the coarse pass says of its proposals: a block of threads a row. Near patterns are evaluated
 * in double, a warp a pattern; their terms, and what was added roughly of the others, give an
 * interval, and that a verdict. All sums have a fixed shape. The edge then moves to where the next
 * interval will be about as wide as it should be.
 */
#include "coarse.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

#define WARPS 4

struct coarse_judge_shared {
    double rest[WARPS], sum[WARPS];
    int32_t count[WARPS], full[WARPS];
};

/* The row of a block. */
struct coarse_judge_place {
    const dam_byte_row *row;
    const float *x, *panels;
    int64_t number; /* of the row in the first segment, for all segments `step` further */
    int64_t step;
};

static __device__ __forceinline__ int32_t warp_total(int32_t v)
{
    for (int bits = DAM_WARP / 2; bits > 0; bits /= 2)
        v += __shfl_xor_sync(DAM_FULL_WARP, v, bits);
    return v;
}

/* What the segments have found: the rest, and near patterns; true when these were too many. */
static __device__ bool add_segments(const wave &w, coarse_judge_shared *s,
                                    const coarse_judge_place &at, dam_coarse_sum *out)
{
    const int32_t thread = static_cast<int32_t>(threadIdx.x), warp = thread / DAM_WARP;
    const bool rough = w.reference.kernel == DAM_LSE;
    double rest = 0;
    int32_t count = 0, full = 0;

    for (int32_t i = thread; i < w.segments; i += WARPS * DAM_WARP) {
        const int32_t own = w.coarse_count[at.number + i * at.step];
        count += own;
        full |= own > w.coarse_room;
        if (rough)
            rest += w.coarse_rest[at.number + i * at.step];
    }
    rest = warp_sum(rest);
    count = warp_total(count);
    full = warp_total(full);
    if (thread % DAM_WARP == 0) {
        s->rest[warp] = rest;
        s->count[warp] = count;
        s->full[warp] = full;
    }
    DAM_UNLESS_PLANTED(24) __syncthreads();
    count = full = 0;
    for (int v = 0; v < WARPS; v++) {
        out->rest += s->rest[v];
        count += s->count[v];
        full |= s->full[v];
    }
    out->count = count;
    return full || count > w.M / COARSE_NEAR + COARSE_FEW;
}

/* The alignment with a near pattern, by a warp; all lanes get it. */
static __device__ __forceinline__ double alignment(const wave &w, const coarse_judge_place &at,
                                                   int64_t mu)
{
    const float *xi = at.panels + mu / DAM_PANEL * DAM_PANEL * w.N + mu % DAM_PANEL;
    double sum = 0;

    for (int32_t k = static_cast<int32_t>(threadIdx.x % DAM_WARP); k < w.N; k += DAM_WARP)
        sum = multiply_add_exact(at.x[k], xi[static_cast<int64_t>(k) * DAM_PANEL], sum);
    return warp_sum(sum) / w.N;
}

/* The term of an alignment; LSE: relative to that at the edge. */
static __device__ __forceinline__ double near_term(const dam_reference &f, double edge, double phi)
{
    if (f.kernel == DAM_LSR)
        return dam_term_lsr(&f, phi);
    const double z = f.c * (phi - 1.0) - (edge - f.c);
    return z < 600.0 ? dam_exp(z) : HUGE_VAL;
}

/* The sum of the terms of all near patterns. Warps take segments in turn; a lane takes every 32nd
 * pattern of its warp's. */
static __device__ double add_near(const wave &w, coarse_judge_shared *s,
                                  const coarse_judge_place &at)
{
    const int32_t thread = static_cast<int32_t>(threadIdx.x), warp = thread / DAM_WARP;
    double sum = 0, own = 0;
    int32_t held = 0;

    for (int32_t i = warp; i < w.segments; i += WARPS) {
        const int64_t place = at.number + i * at.step;
        const int64_t first = static_cast<int64_t>(i) * w.segment * DAM_PANEL;
        for (int32_t n = 0; n < w.coarse_count[place]; n++) {
            const double phi = alignment(w, at, first + w.coarse_near[place * w.coarse_room + n]);
            if (held == thread % DAM_WARP)
                own = phi;
            if (++held == DAM_WARP) {
                sum += near_term(w.reference, at.row->edge, own);
                held = 0;
            }
        }
    }
    if (thread % DAM_WARP < held)
        sum += near_term(w.reference, at.row->edge, own);
    sum = warp_sum(sum);
    if (thread % DAM_WARP == 0)
        s->sum[warp] = sum;
    __syncthreads();
    return ((s->sum[0] + s->sum[1]) + s->sum[2]) + s->sum[3];
}

static __device__ dam_interval interval_of(const wave &w, double error, const dam_coarse_sum &s)
{
    const dam_reference *f = &w.reference;
    const double M = static_cast<double>(w.M);

    if (!(error < HUGE_VAL && s.sum < 1e250))
        return dam_unknown();
    return f->kernel == DAM_LSE ? dam_coarse_lse_interval(f, M, error, &s)
                                : dam_coarse_lsr_interval(f, M, &s);
}

/* The verdict, and what goes on: straight to the reference, or the fine pass before, goes what is
 * accepted but must not be carried. */
static __device__ void conclude(const wave &w, dam_device_chain *c, dam_interval L)
{
    const double carried = w.measure ? dam_energy_width(&w.reference) : COARSE_CARRIED * c->theta;

    c->next = intersection(c->next, L);
    c->verdict = judge(c->now, c->next, c->threshold);
    c->coarse_patterns += static_cast<uint64_t>(w.M);
    c->coarse_tried++;
    if (c->verdict == DAM_UNDECIDED)
        c->coarse_unsure++;
    if (c->verdict == DAM_ACCEPTED && !(c->next.high - c->next.low <= carried)) {
        c->verdict = DAM_UNDECIDED;
        c->column = -1;
    }
}

/* Takes note of how the pass has fared. */
static __device__ void remember(dam_device_chain *c, dam_coarse_fortune *f)
{
    f->tried++;
    f->failed += c->verdict == DAM_UNDECIDED;
    if (f->tried < COARSE_TRIES)
        return;
    if (COARSE_PAYS * (f->tried - f->failed) < f->tried)
        f->wait_until = c->steps + COARSE_WAIT;
    f->tried = f->failed = 0;
}

/* Moves the edge: less deep after too many near patterns, deeper where the interval is wide. */
static __device__ void learn(const wave &w, const dam_device_chain *c, dam_coarse_fortune *f,
                             int32_t fine, bool too_many, double width)
{
    const double wanted =
        fine ? COARSE_OF_CERTIFIED * dam_energy_width(&w.reference) : COARSE_WIDTH * c->theta;
    double move = log(fmax(width, 1e-12) / wanted);

    if (too_many)
        move = -1.0;
    else if (!(move < COARSE_LARGEST_MOVE))
        move = COARSE_LARGEST_MOVE;
    else if (move < 0)
        move = fmax(move, -1.0) * COARSE_SMALL_MOVE;
    f->depth = fmax(COARSE_LEAST_DEPTH, f->depth + move);
}

__global__ void __launch_bounds__(WARPS *DAM_WARP) coarse_judge(const wave w, int32_t fine)
{
    DAM_SHARED(coarse_judge_shared, s);
    const int64_t d = blockIdx.x / w.coarse_width, j = blockIdx.x % w.coarse_width;
    coarse_judge_place at = {w.coarse_row + blockIdx.x, w.proposal, w.panels + d * w.panels_stride,
                             d * w.segments * w.coarse_width + j, w.coarse_width};
    dam_coarse_sum sum = {0, 0, 0, 0, 0, 0, 0, 0, DAM_COARSE_EXP2};
    dam_interval L = dam_unknown();

    if (j >= w.coarse_open[d])
        return;
    dam_device_chain *c = w.chain + d * w.chains + at.row->chain;
    at.x += (d * w.chains + at.row->chain) * w.N;
    const bool too_many = add_segments(w, s, at, &sum);
    if (!too_many)
        sum.sum = add_near(w, s, at);
    if (threadIdx.x != 0)
        return;
    sum.merges = sum.count / 64.0 + 8.0; /* 2^-53 for each addition, and more */
    sum.edge = at.row->edge;
    sum.max_phi = sum.edge / w.reference.c;
    sum.rounds = 4.0 * w.segment + 1.0;
    if (!too_many)
        L = interval_of(w, at.row->error, sum);
    conclude(w, c, L);
    remember(c, c->fortune + fine);
    if (w.reference.kernel == DAM_LSE)
        learn(w, c, c->fortune + fine, fine, too_many, L.high - L.low);
}

cudaError_t launch_coarse_judge(const wave &w, int32_t fine, cudaStream_t stream)
{
    DAM_LAUNCH(coarse_judge, dim3(static_cast<unsigned>(w.disorders * w.coarse_width)),
               dim3(WARPS * DAM_WARP), sizeof(coarse_judge_shared), stream, w, fine);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
