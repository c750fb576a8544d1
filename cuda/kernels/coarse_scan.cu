/*
 * States against all patterns, in bytes. A block of threads holds 8 GROUPS states in shared memory;
 * each of its warps takes a segment of the patterns, panel by panel, with the products of a panel
 * and all of the states in registers. Where no pattern is near, a product takes a few instructions;
 * near ones are noted in ascending order by the one warp that meets them, so lists are the same
 * whoever comes first.
 *
 * UNITS: products by tensor cores. Without: by __dp4a, for machines that have none and for tests on
 * the CPU; the same integers.
 */
#include "coarse.h"

namespace DAM_CUDA_NAMESPACE
{

#define WARPS 4
#define TILES (DAM_PANEL / COARSE_PATTERNS)
#define STATE_WORDS (DAM_WARP * COARSE_WORDS / 2) /* of a group and a slice */

/* The bits of 1. */
#define ONE 0x3f800000

/* What is needed of a row, beside its bytes. */
struct scan_row {
    int32_t start, low, factor;
};

template <int GROUPS> struct scan_shared {
    scan_row row[GROUPS * COARSE_STATES];
    int32_t count[WARPS][GROUPS * COARSE_STATES];
    int32_t state[4]; /* as many as there are: the states' bytes, aligned to 16 */
};

template <int GROUPS> static __host__ __device__ size_t scan_bytes(int32_t slices)
{
    return sizeof(scan_shared<GROUPS>) +
           static_cast<size_t>(GROUPS * COARSE_STATES * slices * COARSE_SLICE);
}

/* Where a warp works. */
struct scan_place {
    const int32_t *pattern; /* the first tile's words */
    uint16_t *near;         /* of the first of the states */
    int64_t patterns;       /* of the segment, from there on */
    int32_t slices, panels, lane;
};

/* Adds the products of a tile and a group over a slice: tensor cores, the lane's own words. */
static __device__ __forceinline__ void multiply_units(int32_t v[4], const int32_t own[COARSE_WORDS],
                                                      const int32_t *state, int32_t lane)
{
#ifdef __CUDACC__
    const int2 x = *reinterpret_cast<const int2 *>(state + 2 * lane);
    asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+r"(v[0]), "+r"(v[1]), "+r"(v[2]), "+r"(v[3])
        : "r"(own[0]), "r"(own[1]), "r"(own[2]), "r"(own[3]), "r"(x.x), "r"(x.y));
#else
    (void)v, (void)own, (void)state, (void)lane;
#endif
}

/* The same, plain. */
static __device__ __forceinline__ void multiply_plain(int32_t v[4], const int32_t *pattern,
                                                      const int32_t *state, int32_t lane)
{
#pragma unroll
    for (int32_t t = 0; t < 4; t++) { /* the lanes with other components of the same patterns */
        const int32_t *xi = pattern + (lane / 4 * 4 + t) * COARSE_WORDS;
#pragma unroll
        for (int32_t i = 0; i < 2; i++) {
            const int32_t *x = state + ((2 * (lane % 4) + i) * 4 + t) * (COARSE_WORDS / 2);
            v[i] = __dp4a(xi[0], x[0], __dp4a(xi[2], x[1], v[i]));
            v[2 + i] = __dp4a(xi[1], x[0], __dp4a(xi[3], x[1], v[2 + i]));
        }
    }
}

/* The products of a panel with all states, each larger by its start. */
template <int GROUPS, bool UNITS>
static __device__ __forceinline__ void multiply_panel(const scan_shared<GROUPS> *s,
                                                      const scan_place &at, const int32_t *pattern,
                                                      int32_t v[GROUPS][TILES][4])
{
#pragma unroll
    for (int j = 0; j < GROUPS; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int32_t start = s->row[j * COARSE_STATES + 2 * (at.lane % 4) + i % 2].start;
#pragma unroll
            for (int t = 0; t < TILES; t++)
                v[j][t][i] = start;
        }
    for (int32_t slice = 0; slice < at.slices; slice++) {
        const int32_t *state = s->state + slice * STATE_WORDS;
        int32_t own[TILES][COARSE_WORDS] = {};
        const int32_t *tile[TILES];
#pragma unroll
        for (int t = 0; t < TILES; t++) {
            tile[t] =
                pattern + (static_cast<int64_t>(t) * at.slices + slice) * (DAM_WARP * COARSE_WORDS);
#ifdef __CUDACC__
            if (UNITS) {
                const int4 words = reinterpret_cast<const int4 *>(tile[t])[at.lane];
                own[t][0] = words.x;
                own[t][1] = words.y;
                own[t][2] = words.z;
                own[t][3] = words.w;
            }
#endif
        }
#pragma unroll
        for (int j = 0; j < GROUPS; j++)
#pragma unroll
            for (int t = 0; t < TILES; t++)
                if (UNITS)
                    multiply_units(v[j][t], own[t], state + j * at.slices * STATE_WORDS, at.lane);
                else
                    multiply_plain(v[j][t], tile[t], state + j * at.slices * STATE_WORDS, at.lane);
    }
}

/* The rough term of a product that is not near. */
static __device__ __forceinline__ float rough_term(const scan_row &row, int32_t v)
{
    const int32_t least = v > row.low ? v : row.low;
    return dam_float(static_cast<uint32_t>(least * row.factor + ONE));
}

/* A group of states where patterns may be near, or are missing: product by product. */
template <int GROUPS, bool SUM>
static __device__ void note_near(scan_shared<GROUPS> *s, const wave &w, const scan_place &at,
                                 int32_t warp, int32_t panel, int j, const int32_t v[TILES][4],
                                 float sum[2])
{
    const int32_t place = panel * DAM_PANEL;
#pragma unroll
    for (int i = 0; i < 4 * TILES; i++) {
        const int32_t state = j * COARSE_STATES + 2 * (at.lane % 4) + i % 2;
        const int32_t mu = place + i / 2 * 8 + at.lane / 4, product = v[i / 4][i % 4];
        const bool there = mu < at.patterns + DAM_PLANTED(21) * DAM_PANEL,
                   near = there && product > 0;
        const unsigned those = __ballot_sync(DAM_FULL_WARP, near) & 0x11111111u << at.lane % 4;
        int32_t *count = &s->count[warp][state];
        const int32_t before = *count + __popc(those & ((1u << at.lane) - 1));
        if (near && before < w.coarse_room)
            at.near[static_cast<int64_t>(state) * w.coarse_room + before] =
                static_cast<uint16_t>(mu);
        DAM_UNLESS_PLANTED(22) __syncwarp();
        if (at.lane < 4)
            *count += __popc(those);
        __syncwarp();
        if (SUM && there && !near)
            sum[i % 2] += rough_term(s->row[state], product);
    }
}

/* What becomes of the products of a panel. */
template <int GROUPS, bool SUM>
static __device__ __forceinline__ void
finish(scan_shared<GROUPS> *s, const wave &w, const scan_place &at, int32_t warp, int32_t panel,
       const int32_t v[GROUPS][TILES][4], float sum[GROUPS][2])
{
    const bool partial = (panel + 1) * DAM_PANEL > at.patterns;

#pragma unroll
    for (int j = 0; j < GROUPS; j++) {
        int32_t largest = v[j][0][0];
#pragma unroll
        for (int i = 1; i < 4 * TILES; i++)
            largest = v[j][i / 4][i % 4] > largest ? v[j][i / 4][i % 4] : largest;
        if (__ballot_sync(DAM_FULL_WARP, largest > 0) != 0 || partial) {
            note_near<GROUPS, SUM>(s, w, at, warp, panel, j, v[j], sum[j]);
            continue;
        }
#pragma unroll
        for (int i = 0; SUM && i < 2; i++) {
            const scan_row row = s->row[j * COARSE_STATES + 2 * (at.lane % 4) + i];
#pragma unroll
            for (int n = i; n < 4 * TILES; n += 2)
                sum[j][i] += rough_term(row, v[j][n / 4][n % 4]);
        }
    }
}

/* The states of a block to shared memory; nothing is near yet. */
template <int GROUPS>
static __device__ void load_states(scan_shared<GROUPS> *s, const wave &w, int64_t first,
                                   int32_t slices)
{
    const int32_t states = GROUPS * COARSE_STATES, thread = static_cast<int32_t>(threadIdx.x);
    const int32_t *from = w.coarse_state + first * slices * (COARSE_SLICE / 4);

    for (int32_t i = thread; i < states; i += WARPS * DAM_WARP) {
        const dam_byte_row *row = w.coarse_row + first + i;
        s->row[i].start = row->start;
        s->row[i].low = row->low;
        s->row[i].factor = row->factor;
    }
    for (int32_t i = thread; i < WARPS * states; i += WARPS * DAM_WARP)
        s->count[i / states][i % states] = 0;
    for (int32_t i = thread; i < states * slices * (COARSE_SLICE / 4); i += WARPS * DAM_WARP)
        s->state[i] = from[i];
}

/* Adds the lanes that have patterns of the same state. */
static __device__ __forceinline__ double add_patterns(double v)
{
    for (int bits = 4; bits < DAM_WARP; bits *= 2)
        v += __shfl_xor_sync(DAM_FULL_WARP, v, bits);
    return v;
}

template <int GROUPS, bool UNITS, bool SUM>
__global__ void __launch_bounds__(WARPS *DAM_WARP, GROUPS > 4 ? 3 : 4) coarse_scan(const wave w)
{
    DAM_SHARED(scan_shared<GROUPS>, s);
    const int32_t states = GROUPS * COARSE_STATES, slices = coarse_slices(w.N);
    const int64_t tiles = w.coarse_width / states, first = blockIdx.x % tiles * states;
    const int64_t parts = divide_up(w.segments, WARPS), d = blockIdx.x / tiles / parts;
    const int32_t warp = static_cast<int32_t>(threadIdx.x) / DAM_WARP;
    const int64_t segment = blockIdx.x / tiles % parts * WARPS + warp;
    const int64_t panel = segment * w.segment, left = divide_up(w.M, DAM_PANEL) - panel;
    const int64_t place = (d * w.segments + segment) * w.coarse_width + first;
    const scan_place at = {w.coarse_bytes +
                               ((w.panels_stride ? d * divide_up(w.M, DAM_PANEL) : 0) + panel) *
                                   DAM_PANEL * slices * (COARSE_SLICE / 4),
                           w.coarse_near + place * w.coarse_room,
                           w.M - panel * DAM_PANEL,
                           slices,
                           static_cast<int32_t>(left < w.segment ? left : w.segment),
                           static_cast<int32_t>(threadIdx.x) % DAM_WARP};
    float sum[GROUPS][2] = {};

    if (first >= w.coarse_open[d])
        return;
    load_states<GROUPS>(s, w, d * w.coarse_width + first, slices);
    DAM_UNLESS_PLANTED(23) __syncthreads();
    if (segment >= w.segments)
        return;
    for (int32_t p = 0; p < at.panels; p++) {
        int32_t v[GROUPS][TILES][4];
        multiply_panel<GROUPS, UNITS>(
            s, at, at.pattern + static_cast<int64_t>(p) * DAM_PANEL * slices * (COARSE_SLICE / 4),
            v);
        finish<GROUPS, SUM>(s, w, at, warp, p, v, sum);
    }
#pragma unroll
    for (int i = 0; SUM && i < 2 * GROUPS; i++) {
        const double rest = add_patterns(sum[i / 2][i % 2]);
        if (at.lane < 4)
            w.coarse_rest[place + i / 2 * COARSE_STATES + 2 * at.lane + i % 2] = rest;
    }
    for (int32_t i = at.lane; i < states; i += DAM_WARP)
        w.coarse_count[place + i] = s->count[warp][i];
}

template <int GROUPS, bool UNITS> static cudaError_t launch(const wave &w, cudaStream_t stream)
{
    const int64_t tiles = w.coarse_width / (GROUPS * COARSE_STATES);
    const dim3 grid(static_cast<unsigned>(w.disorders * divide_up(w.segments, WARPS) * tiles));
    const dim3 block(WARPS * DAM_WARP);
    const size_t shared = scan_bytes<GROUPS>(coarse_slices(w.N));

    if (w.reference.kernel == DAM_LSE)
        DAM_LAUNCH((coarse_scan<GROUPS, UNITS, true>), grid, block, shared, stream, w);
    else
        DAM_LAUNCH((coarse_scan<GROUPS, UNITS, false>), grid, block, shared, stream, w);
    return cudaGetLastError();
}

template <bool UNITS> static cudaError_t launch_groups(const wave &w, cudaStream_t stream)
{
    switch (coarse_groups(w)) {
    case 1:
        return launch<1, UNITS>(w, stream);
    case 2:
        return launch<2, UNITS>(w, stream);
    case 4:
        return launch<4, UNITS>(w, stream);
    default:
        return launch<8, UNITS>(w, stream);
    }
}

cudaError_t launch_coarse_scan(const wave &w, cudaStream_t stream)
{
#ifdef __CUDACC__
    /* the plain twin only for tests: a group at a time, for each takes a while to compile */
    return w.coarse == DAM_COARSE_UNITS ? launch_groups<true>(w, stream)
                                        : launch<1, false>(w, stream);
#else
    return launch_groups<false>(w, stream);
#endif
}

} // namespace DAM_CUDA_NAMESPACE
