/*
 * Many steps in one launch, with the patterns on the chip: they are read from device memory once
 * for all steps. The blocks of a crew hold the patterns of one disorder in their shared memory, a
 * slice each, and take its chains from step to step; where the patterns fit in more than once,
 * several crews work side by side. All blocks of the launch run at the same time, and those of a
 * crew wait for each other between the phases of a step:
 *
 *   proposals            each chain by a warp of its own, always the same
 *   single precision     each block, its slice with all proposals; sums of each part of 128
 *   verdicts             each chain's warp adds the sums of all parts, in a fixed order
 *   reference            what is open, DAM_RESIDENT_ROUND chains at a time: each block the
 * alignments of its slice, in double; then blocks of 1024 patterns, a warp each; then L. The
 * proposals first, then the states that are in doubt decisions, q12
 *
 * Sums have the order of the other kernels where they decide bits, and a shape of their own, by
 * parts, in the single precision pass. Nobody's work depends on how many blocks a crew has.
 */
#include "chain.h"
#include "reference.h"

namespace DAM_CUDA_NAMESPACE
{

#define THREADS 256
#define WARPS (THREADS / DAM_WARP)
#define GROUP 8                          /* columns, and */
#define PANELS (SINGLE_TILE / DAM_PANEL) /* panels that a warp takes at a time: a part */
#define COLUMN_BYTES 32768               /* of proposals in shared memory, where that is enough */
#define HEAD 128                         /* bytes of shared memory before the columns */

/* Products of a step of all chains up to which this saves more than lists and the coarse pass do:
 * estimated from what barriers and launches are said to cost. */
#define RESIDENT_MOST_WORK 1e9

/* What a warp tells the crew of its chain; twice, for odd and for even steps. */
enum flag { IN_DOUBT, STILL_IN_DOUBT, MOVED };
static_assert(MOVED < DAM_RESIDENT_FLAGS, "room for flags");

/* The chains of a round. */
struct resident_shared {
    int32_t count, next; /* next: where to look for more */
    int32_t chain[DAM_RESIDENT_ROUND];
};
static_assert(sizeof(resident_shared) <= HEAD, "the head of a block's shared memory");

/* A block at its disorder. */
struct resident_place {
    resident_shared *s;
    float *columns; /* [N][w.resident.columns], or doubles [N][DAM_BATCH] */
    float *slice;   /* [panel][k][DAM_PANEL] */
    int64_t d, slot;
    int64_t first;  /* part of the slice, */
    int32_t parts;  /* and how many there are in it */
    int32_t member; /* of the crew */
    int32_t due;    /* at the next barrier of the crew */
    int32_t *flags; /* of the step */
};

static __host__ __device__ __forceinline__ int64_t all_parts(const wave &w)
{
    return divide_up(w.M, SINGLE_TILE);
}

/* The columns that are looked at: the chains, and what fills the last group. */
static __host__ __device__ __forceinline__ int32_t used_columns(const wave &w)
{
    return static_cast<int32_t>(divide_up(w.chains, GROUP)) * GROUP;
}

/* Waits for the crew. */
static __device__ __forceinline__ void wait_for_crew(const wave &w, resident_place *at)
{
    at->due = static_cast<int32_t>(static_cast<uint32_t>(at->due) +
                                   static_cast<uint32_t>(w.resident.crew));
    __syncthreads();
    if (threadIdx.x == 0)
        meet(w.resident.arrived + at->slot, at->due);
    __syncthreads();
}

/* This warp's number in the crew, and how many there are. */
static __device__ __forceinline__ int32_t crew_warp(const resident_place &at)
{
    return at.member * WARPS + static_cast<int32_t>(threadIdx.x) / DAM_WARP;
}

static __device__ __forceinline__ int32_t crew_warps(const wave &w)
{
    return w.resident.crew * WARPS;
}

static __device__ __forceinline__ void load_slice(const wave &w, const resident_place &at)
{
    const int64_t size = static_cast<int64_t>(w.N) * DAM_PANEL;
    const int64_t first = at.first * PANELS + DAM_PLANTED(25) * (at.member > 0);
    const int64_t left = divide_up(w.M, DAM_PANEL) - first;
    const int64_t panels = left < at.parts * PANELS ? left : at.parts * PANELS;
    const float4 *from =
        reinterpret_cast<const float4 *>(w.panels + at.d * w.panels_stride + first * size);
    float4 *to = reinterpret_cast<float4 *>(at.slice);

    for (int64_t i = threadIdx.x; i < panels * size / 4; i += THREADS)
        to[i] = from[i];
}

/* ---- the single precision pass ---- */

/* Columns first .. of the disorder's proposals into shared memory. */
static __device__ __forceinline__ void stage_columns(const wave &w, const resident_place &at,
                                                     int32_t first, int32_t columns)
{
    const float *from = w.columns + at.d * w.N * w.width + first;

    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < w.N * (columns / 4); i += THREADS) {
        const int32_t k = i / (columns / 4), j = i % (columns / 4) * 4;
        *reinterpret_cast<float4 *>(at.columns + k * w.resident.columns + j) =
            *reinterpret_cast<const float4 *>(from + static_cast<int64_t>(k) * w.width + j);
    }
}

/* Overlaps of the lane's PANELS patterns with GROUP proposals: in chunks, as single.h says. */
static __device__ __forceinline__ void
part_overlaps(const wave &w, const float *slice, const float *columns, float overlap[GROUP][PANELS])
{
    for (int32_t first = 0; first < w.N; first += SINGLE_CHUNK) {
        const int32_t end = first + SINGLE_CHUNK < w.N ? first + SINGLE_CHUNK : w.N;
        float sum[GROUP][PANELS] = {};
#pragma unroll 4
        for (int32_t k = first; k < end; k++) {
            const float4 *x = reinterpret_cast<const float4 *>(columns + k * w.resident.columns);
            const float4 a = x[0], b = x[1];
            const float own[GROUP] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
            float xi[PANELS];
#pragma unroll
            for (int32_t p = 0; p < PANELS; p++)
                xi[p] = slice[(p * w.N + k) * DAM_PANEL];
#pragma unroll
            for (int32_t j = 0; j < GROUP; j++)
#pragma unroll
                for (int32_t p = 0; p < PANELS; p++)
                    sum[j][p] = multiply_add(xi[p], own[j], sum[j][p]);
        }
#pragma unroll
        for (int32_t j = 0; j < GROUP; j++)
#pragma unroll
            for (int32_t p = 0; p < PANELS; p++)
                overlap[j][p] += sum[j][p];
    }
}

/* Adds each of the GROUP numbers over the warp; a lane gets the sum of number lane / 4. */
static __device__ __forceinline__ double add_by_column(double v[GROUP])
{
    const unsigned lane = threadIdx.x % DAM_WARP;

#pragma unroll
    for (int half = GROUP / 2; half > 0; half /= 2) {
        const unsigned bit = static_cast<unsigned>(half) * (DAM_WARP / GROUP);
#pragma unroll
        for (int j = 0; j < half; j++) {
            const double kept = lane & bit ? v[j + half] : v[j];
            const double sent = lane & bit ? v[j] : v[j + half];
            v[j] = kept + __shfl_xor_sync(DAM_FULL_WARP, sent, static_cast<int>(bit));
        }
    }
    for (int bits = DAM_WARP / GROUP / 2; bits > 0; bits /= 2)
        v[0] += __shfl_xor_sync(DAM_FULL_WARP, v[0], bits);
    return v[0];
}

/* One part of the slice with the GROUP columns from `column` on, which is the staged `staged`. */
template <dam_kernel KERNEL>
static __device__ __forceinline__ void add_part(const wave &w, const single_terms &t,
                                                const resident_place &at, int32_t part,
                                                int32_t column, int32_t staged)
{
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);
    const int64_t patterns = w.M - (at.first + part) * SINGLE_TILE + DAM_PLANTED(26);
    const float *shift = w.shift + at.d * w.width + column;
    float overlap[GROUP][PANELS] = {};
    double sum[GROUP], other[GROUP];

    part_overlaps(w, at.slice + static_cast<int64_t>(part) * PANELS * w.N * DAM_PANEL + lane,
                  at.columns + staged, overlap);
#pragma unroll
    for (int32_t j = 0; j < GROUP; j++) {
        const float own = shift[j];
        float l = 0, h = 0;
#pragma unroll
        for (int32_t p = 0; p < PANELS; p++)
            if (p * DAM_PANEL + lane < patterns)
                single_add<KERNEL>(t, overlap[j][p], own, &l, &h);
        sum[j] = l;
        other[j] = h;
    }
    double *out = w.resident.sum + ((at.slot * all_parts(w) + at.first + part) * 2) * w.width +
                  column + lane / 4;
    const double l = add_by_column(sum);
    if (lane % 4 == 0)
        out[0] = l;
    if (KERNEL != DAM_LSE) {
        const double h = add_by_column(other);
        if (lane % 4 == 0)
            out[w.width] = h;
    }
}

/* The sums of the slice's parts with the staged columns, `first` and on. */
template <dam_kernel KERNEL>
static __device__ __forceinline__ void add_parts(const wave &w, const single_terms &t,
                                                 const resident_place &at, int32_t first,
                                                 int32_t groups)
{
    for (int32_t i = static_cast<int32_t>(threadIdx.x) / DAM_WARP; i < at.parts * groups;
         i += WARPS)
        add_part<KERNEL>(w, t, at, i / groups, first + i % groups * GROUP, i % groups * GROUP);
}

/* The sums of the slice's parts, for all proposals. */
static __device__ __forceinline__ void add_slice(const wave &w, const single_terms &t,
                                                 const resident_place &at)
{
    const int32_t all = used_columns(w);

    for (int32_t first = 0; first < all; first += w.resident.columns) {
        const int32_t left = all - first;
        const int32_t columns = left < w.resident.columns ? left : w.resident.columns;
        DAM_UNLESS_PLANTED(27) __syncthreads(); /* the columns before are done with */
        stage_columns(w, at, first, columns);
        __syncthreads();
        switch (w.reference.kernel) {
        case DAM_LSE:
            add_parts<DAM_LSE>(w, t, at, first, columns / GROUP);
            break;
        case DAM_LSR:
            add_parts<DAM_LSR>(w, t, at, first, columns / GROUP);
            break;
        default:
            add_parts<DAM_POLYNOMIAL>(w, t, at, first, columns / GROUP);
        }
    }
}

/* The interval of a chain's proposal, by a warp; all lanes get it. */
static __device__ __forceinline__ dam_interval parts_interval(const wave &w, const dam_precision &p,
                                                              const resident_place &at, int64_t i)
{
    const int64_t parts = all_parts(w);
    const double *from = w.resident.sum + at.slot * parts * 2 * w.width + i;
    double sum = 0, other = 0;

    for (int64_t part = threadIdx.x % DAM_WARP; part < parts; part += DAM_WARP) {
        sum += from[part * 2 * w.width];
        if (w.reference.kernel != DAM_LSE)
            other += from[(part * 2 + 1) * w.width];
    }
    return single_interval(w.reference, p, w.M, warp_sum(sum), warp_sum(other),
                           w.shift[at.d * w.width + i]);
}

/* ---- the reference pass ---- */

/* The next chains, from s->next on, that have the flag, at most DAM_RESIDENT_ROUND, into shared
 * memory; how many. */
static __device__ __forceinline__ int32_t choose(const wave &w, const resident_place &at,
                                                 const int32_t *wanted, int64_t from)
{
    const unsigned lane = threadIdx.x % DAM_WARP;

    __syncthreads(); /* the chains before are done with */
    if (threadIdx.x < DAM_WARP) {
        int32_t n = 0;
        int64_t i = from;
        for (; i < w.chains && n < DAM_RESIDENT_ROUND; i += DAM_WARP) {
            const bool mine = i + lane < w.chains && wanted[i + lane];
            const unsigned those = __ballot_sync(DAM_FULL_WARP, mine);
            const int32_t rank = n + __popc(those & ((1u << lane) - 1));
            if (mine && rank < DAM_RESIDENT_ROUND)
                at.s->chain[rank] = static_cast<int32_t>(i + lane);
            n += __popc(those);
        }
        __syncwarp();
        if (lane == 0) {
            const bool more = n > DAM_RESIDENT_ROUND;
            at.s->count = more ? DAM_RESIDENT_ROUND : n;
            at.s->next = more ? at.s->chain[DAM_RESIDENT_ROUND - 1] + 1 : static_cast<int32_t>(i);
        }
    }
    __syncthreads();
    return at.s->count;
}

/* States of the round's chains first .. first + DAM_BATCH - 1, in double; missing ones are 0. */
static __device__ __forceinline__ void stage_batch(const wave &w, enum purpose purpose,
                                                   const resident_place &at, int32_t first)
{
    const float *from = (purpose == OF_PROPOSALS ? w.proposal : w.x) + at.d * w.chains * w.N;
    double *state = reinterpret_cast<double *>(at.columns);

    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < w.N * DAM_BATCH; i += THREADS) {
        const int32_t j = i / w.N, k = i % w.N;
        state[k * DAM_BATCH + j] =
            first + j < at.s->count ? from[static_cast<int64_t>(at.s->chain[first + j]) * w.N + k]
                                    : 0.0;
    }
}

/* Alignments of a part of the slice with the staged states, k ascending. */
static __device__ __forceinline__ void align_part(const wave &w, enum purpose purpose,
                                                  const resident_place &at, int32_t part,
                                                  int32_t first)
{
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP);
    const float *slice = at.slice + static_cast<int64_t>(part) * PANELS * w.N * DAM_PANEL + lane;
    const double *state = reinterpret_cast<const double *>(at.columns);
    const int64_t begin = (at.first + part) * SINGLE_TILE + lane, target = w.target[at.d];
    double sum[DAM_BATCH][PANELS] = {};

    for (int32_t k = 0; k < w.N; k++)
#pragma unroll
        for (int32_t p = 0; p < PANELS; p++) {
            const float xi = slice[(p * w.N + k) * DAM_PANEL];
#pragma unroll
            for (int32_t j = 0; j < DAM_BATCH; j++)
                sum[j][p] = multiply_add_exact(xi, state[k * DAM_BATCH + j], sum[j][p]);
        }
#pragma unroll
    for (int32_t j = 0; j < DAM_BATCH; j++)
#pragma unroll
        for (int32_t p = 0; p < PANELS; p++) {
            const int64_t mu = begin + p * DAM_PANEL;
            const double phi = sum[j][p] / w.N;
            if (mu >= w.M || first + j >= at.s->count)
                continue;
            w.resident.phi[(at.slot * DAM_RESIDENT_ROUND + first + j) * w.M + mu] = phi;
            if (mu == target)
                put_target_phi(w, at.d * w.chains + at.s->chain[first + j], purpose, phi);
        }
}

/* The sum of a block of patterns from its alignments, by a warp. */
static __device__ __forceinline__ void add_block(const wave &w, const resident_place &at,
                                                 int32_t chosen, int64_t block)
{
    const int64_t lane = threadIdx.x % DAM_WARP, begin = block * DAM_BLOCK;
    const int64_t end = begin + DAM_BLOCK < w.M ? begin + DAM_BLOCK : w.M;
    const double *phi = w.resident.phi + (at.slot * DAM_RESIDENT_ROUND + chosen) * w.M;
    double max = -HUGE_VAL, sum = 0;

    for (int64_t mu = begin + lane; mu < end; mu += DAM_PANEL)
        max = phi[mu] > max ? phi[mu] : max;
    max = warp_maximum(max);
    for (int64_t mu = begin + lane; mu < end; mu += DAM_PANEL)
        sum += reference_term(w.reference, max, phi[mu]);
    sum = warp_add_panel_lanes(sum);
    if (lane == 0) {
        dam_block_sum *out =
            w.sums + (at.d * w.chains + at.s->chain[chosen]) * blocks_of(w) + block;
        out->max = max;
        out->sum = sum;
    }
}

/* What the L of a chain means for it, by its own warp. */
static __device__ __forceinline__ void settle_own(const wave &w, enum purpose purpose,
                                                  const resident_place &at, int32_t i)
{
    const int64_t place = at.d * w.chains + i;
    const double L = combine(w.reference, w.sums + place * blocks_of(w), blocks_of(w));

    if (threadIdx.x % DAM_WARP != 0)
        return;
    if (purpose == OF_PROPOSALS)
        at.flags[STILL_IN_DOUBT * w.chains + i] = take_proposal(w, w.chain + place, L);
    else
        take_state(w, w.chain + place, L);
}

/* The chains that have the flag, by the reference; whether there were any. */
static __device__ __forceinline__ bool evaluate(const wave &w, enum purpose purpose,
                                                resident_place *at, enum flag flag)
{
    const int32_t own = crew_warp(*at), warps = crew_warps(w);
    const int64_t blocks = blocks_of(w);
    int64_t from = 0;

    for (bool any = false;; any = true) {
        const int32_t count = choose(w, *at, at->flags + flag * w.chains, from);
        if (count == 0)
            return any;
        from = at->s->next;
        for (int32_t first = 0; first < count; first += DAM_BATCH) {
            __syncthreads(); /* the states before are done with */
            stage_batch(w, purpose, *at, first);
            __syncthreads();
            for (int32_t part = own % WARPS; part < at->parts; part += WARPS)
                align_part(w, purpose, *at, part, first);
        }
        DAM_UNLESS_PLANTED(28) wait_for_crew(w, at);
        for (int64_t i = own; i < count * blocks; i += warps)
            add_block(w, *at, static_cast<int32_t>(i / blocks), i % blocks);
        wait_for_crew(w, at);
        for (int32_t n = 0; n < count; n++)
            if (at->s->chain[n] % warps == own)
                settle_own(w, purpose, *at, at->s->chain[n]);
    }
}

/* ---- a step ---- */

/* Verdicts of the warp's chains, as far as the single precision pass knows. */
static __device__ __forceinline__ void judge_own(const wave &w, const dam_precision &p,
                                                 const resident_place &at)
{
    for (int64_t i = crew_warp(at); i < w.chains; i += crew_warps(w)) {
        dam_device_chain *c = w.chain + at.d * w.chains + i;
        __syncwarp();
        const bool open = c->verdict == DAM_UNDECIDED;
        dam_interval L = dam_unknown();
        if (open && w.single)
            L = parts_interval(w, p, at, i);
        __syncwarp();
        if (threadIdx.x % DAM_WARP != 0)
            continue;
        if (open && w.single)
            take_single(w, c, L);
        at.flags[IN_DOUBT * w.chains + i] = c->verdict == DAM_UNDECIDED;
        at.flags[STILL_IN_DOUBT * w.chains + i] = 0;
    }
}

static __device__ __forceinline__ void decide_own(const wave &w, const resident_place &at)
{
    for (int64_t i = crew_warp(at); i < w.chains; i += crew_warps(w)) {
        __syncwarp();
        decide_chain(w, at.d * w.chains + i);
        if (threadIdx.x % DAM_WARP == 0)
            at.flags[MOVED * w.chains + i] = w.chain[at.d * w.chains + i].verdict;
    }
}

/* q12 of the disorder's temperatures after the decisions. */
static __device__ __forceinline__ void add_q12(const wave &w, const resident_place &at)
{
    const int32_t *verdict = at.flags + MOVED * w.chains;
    const int64_t groups = w.chains / w.replicas;

    for (int64_t g = crew_warp(at); g < groups; g += crew_warps(w)) {
        bool moved = false;
        for (int64_t a = 0; a < w.replicas; a++)
            moved = moved || verdict[g * w.replicas + a] == DAM_ACCEPTED;
        if (verdict[g * w.replicas] != DAM_ARRIVED)
            put_q12(w, at.d * groups + g, moved, 0);
        __syncwarp();
    }
}

static __device__ __forceinline__ void take_step(const wave &w, const single_terms &t,
                                                 const dam_precision &p, resident_place *at)
{
    for (int64_t i = crew_warp(*at); i < used_columns(w); i += crew_warps(w)) {
        __syncwarp();
        propose_chain(w, at->d, i);
    }
    if (w.single) {
        DAM_UNLESS_PLANTED(29) wait_for_crew(w, at);
        add_slice(w, t, *at);
        wait_for_crew(w, at);
    }
    judge_own(w, p, *at);
    wait_for_crew(w, at);
    if (evaluate(w, OF_PROPOSALS, at, IN_DOUBT)) {
        wait_for_crew(w, at);
        evaluate(w, OF_STATES, at, STILL_IN_DOUBT);
    }
    decide_own(w, *at);
    if (w.measure && w.replicas > 1) {
        wait_for_crew(w, at);
        add_q12(w, *at);
    }
}

__global__ void __launch_bounds__(THREADS, 1)
    resident(const wave w, const single_terms t, const dam_precision p, int32_t steps)
{
    DAM_SHARED(unsigned char, shared);
    resident_place at;

    at.s = reinterpret_cast<resident_shared *>(shared);
    at.columns = reinterpret_cast<float *>(shared + HEAD);
    at.slice = at.columns + w.N * w.resident.columns;
    at.slot = blockIdx.x / static_cast<unsigned>(w.resident.crew);
    at.member = static_cast<int32_t>(blockIdx.x) % w.resident.crew;
    at.first = static_cast<int64_t>(at.member) * w.resident.parts;
    const int64_t left = all_parts(w) - at.first;
    at.parts = static_cast<int32_t>(left < w.resident.parts ? left : w.resident.parts);
    at.due = 0;
    for (at.d = at.slot; at.d < w.disorders; at.d += w.resident.slots) {
        __syncthreads(); /* the disorder before is done with */
        load_slice(w, at);
        for (int32_t step = 0; step < steps; step++) {
            at.flags = w.resident.flag + (at.slot * 2 + step % 2) * DAM_RESIDENT_FLAGS * w.chains;
            take_step(w, t, p, &at);
        }
        wait_for_crew(w, &at); /* its flags, too */
    }
}

/* ---- the host's part ---- */

/* Bytes of shared memory of a block. */
static uint64_t shared_bytes(const wave &w, int32_t columns, int64_t parts)
{
    return HEAD + sizeof(float) * static_cast<uint64_t>(w.N) *
                      (static_cast<uint64_t>(columns) + static_cast<uint64_t>(parts) * SINGLE_TILE);
}

void dam_wave_resident(struct dam_device_wave *w, struct dam_chip chip)
{
    struct dam_resident *r = &w->resident;
    const int64_t width = used_columns(*w), parts = all_parts(*w);
    int64_t columns = COLUMN_BYTES / (static_cast<int64_t>(sizeof(float)) * w->N) / GROUP * GROUP;
    int64_t each = 0;

    memset(r, 0, sizeof *r);
    columns = columns > width ? width : columns < GROUP ? GROUP : columns;
    while (chip.shared >= shared_bytes(*w, static_cast<int32_t>(columns), each + 1) && each < parts)
        each++;
    if (each == 0 || divide_up(parts, each) > chip.blocks)
        return;
    r->columns = static_cast<int32_t>(columns);
    r->slots = static_cast<int32_t>(chip.blocks / divide_up(parts, each));
    if (r->slots > w->disorders)
        r->slots = static_cast<int32_t>(w->disorders);
    r->room = r->slots;
    /* as many rounds of disorders, but each with all blocks at work */
    r->slots = static_cast<int32_t>(divide_up(w->disorders, divide_up(w->disorders, r->slots)));
    r->parts = static_cast<int32_t>(divide_up(parts, chip.blocks / r->slots));
    r->crew = static_cast<int32_t>(divide_up(parts, r->parts));
}

int32_t dam_wave_resident_pays(const struct dam_device_wave *w, int32_t others)
{
    const double work =
        static_cast<double>(w->disorders * w->chains) * static_cast<double>(w->M) * w->N;

    return w->resident.slots > 0 && (!others || work <= RESIDENT_MOST_WORK);
}

cudaError_t dam_chip_of(int32_t device, struct dam_chip *chip)
{
    *chip = {0, 0};
#ifdef __CUDACC__
    int blocks = 0, shared = 0, together = 0;
    cudaError_t code = cudaDeviceGetAttribute(&blocks, cudaDevAttrMultiProcessorCount, device);

    if (code == cudaSuccess)
        code = cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
    if (code == cudaSuccess)
        code = cudaDeviceGetAttribute(&together, cudaDevAttrCooperativeLaunch, device);
    if (code == cudaSuccess && together)
        *chip = {blocks, static_cast<uint64_t>(shared)};
    return code;
#else
    (void)device;
    *chip = {dam_shim::CHIP_BLOCKS, dam_shim::CHIP_SHARED};
    return cudaSuccess;
#endif
}

cudaError_t dam_launch_resident(const struct dam_device_wave *w, int32_t steps, cudaStream_t stream)
{
    const struct dam_resident &r = w->resident;
    const single_terms t = single_terms_of(w->reference, 1);
    const dam_precision p = single_precision_of(w->reference, 1);
    const dim3 grid(static_cast<unsigned>(r.slots * r.crew));
    const cudaError_t error =
        cudaMemsetAsync(r.arrived, 0, static_cast<size_t>(r.slots) * sizeof *r.arrived, stream);

    return error != cudaSuccess
               ? error
               : DAM_LAUNCH_TOGETHER(resident, grid, dim3(THREADS),
                                     shared_bytes(*w, r.columns, r.parts), stream, *w, t, p, steps);
}

} // namespace DAM_CUDA_NAMESPACE
