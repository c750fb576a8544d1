/*
 * The single precision pass in tiles. A block of 128 threads holds SINGLE_TILE patterns and 8 COUNT
 * chains at a time: 16 threads along the patterns, 8 along the chains, 8 x COUNT overlaps in the
 * registers of each. Patterns and chains come through shared memory in chunks of SINGLE_CHUNK
 * components; while one chunk is worked on, the next one is copied by cp.async. Each half warp
 * ends up with the terms of its own chains, so sums need no shared memory.
 *
 * A chunk is added up on its own and then to the rest: that costs one addition in SINGLE_CHUNK and
 * makes the proven error of an overlap grow like N / SINGLE_CHUNK instead of N.
 */
#include "single.h"
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

#define THREADS 128
#define ALONG_PATTERNS 16
#define ALONG_CHAINS 8

template <int COUNT> struct single_shared {
    alignas(16) float patterns[2][SINGLE_CHUNK][SINGLE_TILE];
    alignas(16) float chains[2][SINGLE_CHUNK][ALONG_CHAINS * COUNT];
};

/* 16 bytes from device to shared memory, by cp.async. */
static __device__ __forceinline__ void copy_16(float *to, const float *from)
{
#ifdef __CUDACC__
    const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(to));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from) : "memory");
#else
    dam_shim::copy_async(to, from, 16);
#endif
}

static __device__ __forceinline__ void commit_copies()
{
#ifdef __CUDACC__
    asm volatile("cp.async.commit_group;" ::: "memory");
#else
    dam_shim::copy_commit();
#endif
}

static __device__ __forceinline__ void wait_for_copies()
{
#ifdef __CUDACC__
    asm volatile("cp.async.wait_group 0;" ::: "memory");
#else
    dam_shim::copy_wait(0);
#endif
}

/* Where a block works. */
struct single_place {
    const float *panels;  /* of the disorder */
    const float *columns; /* first column of the block's chains */
    int64_t panels_there; /* of the disorder */
    int32_t N, width;
};

/*
 * Begins to copy chunk `chunk` of tile `tile` into half `half` of shared memory. Components and
 * patterns that do not exist are left out, and not looked at later.
 */
template <int COUNT>
static __device__ __forceinline__ void
load_chunk(single_shared<COUNT> *s, int half, const single_place &at, int64_t tile, int32_t chunk)
{
    const int32_t first = chunk * SINGLE_CHUNK, thread = static_cast<int32_t>(threadIdx.x);

    for (int32_t i = thread; i < SINGLE_CHUNK * SINGLE_TILE / 4; i += THREADS) {
        const int32_t k = i / (SINGLE_TILE / 4), column = i % (SINGLE_TILE / 4) * 4;
        const int64_t panel = tile * (SINGLE_TILE / DAM_PANEL) + column / DAM_PANEL;
        if (first + k < at.N && panel < at.panels_there)
            copy_16(&s->patterns[half][k][column], at.panels +
                                                       (panel * at.N + first + k) * DAM_PANEL +
                                                       (column + 4 * DAM_PLANTED(2)) % DAM_PANEL);
    }
    for (int32_t i = thread; i < SINGLE_CHUNK * ALONG_CHAINS * COUNT / 4; i += THREADS) {
        const int32_t k = i / (ALONG_CHAINS * COUNT / 4), j = i % (ALONG_CHAINS * COUNT / 4) * 4;
        if (first + k < at.N)
            copy_16(&s->chains[half][k][j],
                    at.columns + static_cast<int64_t>(first + k) * at.width + j);
    }
    commit_copies();
}

/*
 * Column of a block's tile that is chain `j` of thread `along`: four neighbours at a time, for
 * loads of 16 bytes, then what is left of COUNT.
 */
template <int COUNT> static __device__ __forceinline__ int32_t chain_column(int32_t along, int j)
{
    const int whole = COUNT / 4 * 4, rest = COUNT % 4;

    return j < whole ? j / 4 * 4 * ALONG_CHAINS + along * 4 + j % 4
                     : whole * ALONG_CHAINS + along * rest + j - whole;
}

template <int COUNT>
static __device__ __forceinline__ void load_chains(const float *row, int32_t along,
                                                   float value[COUNT])
{
#pragma unroll
    for (int j = 0; j + 4 <= COUNT; j += 4) {
        const float4 four = *reinterpret_cast<const float4 *>(row + chain_column<COUNT>(along, j));
        value[j] = four.x;
        value[j + 1] = four.y;
        value[j + 2] = four.z;
        value[j + 3] = four.w;
    }
#pragma unroll
    for (int j = COUNT / 4 * 4; j < COUNT; j++)
        value[j] = row[chain_column<COUNT>(along, j)];
}

/* One component: its products into the sums of the chunk. */
template <int COUNT>
static __device__ __forceinline__ void
add_component(const single_shared<COUNT> *s, int half, int32_t k, int32_t along_patterns,
              int32_t along_chains, float sum[COUNT][SINGLE_OWN])
{
    const float4 a = *reinterpret_cast<const float4 *>(&s->patterns[half][k][along_patterns * 4]);
    const float4 b = *reinterpret_cast<const float4 *>(
        &s->patterns[half][k][SINGLE_TILE / 2 + along_patterns * 4]);
    const float xi[SINGLE_OWN] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
    float x[COUNT];

    load_chains<COUNT>(s->chains[half][k], along_chains, x);
#pragma unroll
    for (int j = 0; j < COUNT; j++)
#pragma unroll
        for (int i = 0; i < SINGLE_OWN; i++)
            sum[j][i] = multiply_add(xi[i], x[j], sum[j][i]);
}

/* A chunk in shared memory into the overlaps. */
template <int COUNT>
static __device__ __forceinline__ void
add_chunk(const single_shared<COUNT> *s, int half, int32_t components, int32_t along_patterns,
          int32_t along_chains, float overlap[COUNT][SINGLE_OWN])
{
    float sum[COUNT][SINGLE_OWN] = {};

    if (components == SINGLE_CHUNK) {
#pragma unroll
        for (int32_t k = 0; k < SINGLE_CHUNK; k++)
            add_component<COUNT>(s, half, k, along_patterns, along_chains, sum);
    } else {
#pragma unroll 4
        for (int32_t k = 0; k < components + DAM_PLANTED(3); k++)
            add_component<COUNT>(s, half, k, along_patterns, along_chains, sum);
    }
#pragma unroll
    for (int j = 0; j < COUNT; j++)
#pragma unroll
        for (int i = 0; i < SINGLE_OWN; i++)
            overlap[j][i] += sum[j][i];
}

/* The terms of a tile's overlaps, which are cleared; patterns from `patterns` on do not exist. */
template <int COUNT, dam_kernel KERNEL>
static __device__ __forceinline__ void
add_terms(const single_terms &t, const float *shift, int32_t along_patterns, int32_t along_chains,
          int64_t patterns, float overlap[COUNT][SINGLE_OWN], float sum[COUNT], float other[COUNT])
{
#pragma unroll
    for (int j = 0; j < COUNT; j++) {
        const float own = shift[chain_column<COUNT>(along_chains, j)];
        float l = 0, h = 0;
#pragma unroll
        for (int i = 0; i < SINGLE_OWN; i++) {
            const int32_t pattern = i / 4 * (SINGLE_TILE / 2) + along_patterns * 4 + i % 4;
            if (pattern < patterns + DAM_PLANTED(4))
                single_add<KERNEL>(t, overlap[j][i], own, &l, &h);
            overlap[j][i] = 0;
        }
        sum[j] += l;
        other[j] += h;
    }
}

/* Adds the half warp's threads. */
static __device__ __forceinline__ double half_warp_sum(float v)
{
    double sum = v;

    for (int bits = ALONG_PATTERNS / 2; bits > 0; bits /= 2)
        sum += __shfl_xor_sync(DAM_FULL_WARP, sum, bits);
    return sum;
}

template <int COUNT, dam_kernel KERNEL>
__global__ void __launch_bounds__(THREADS, COUNT > 5 ? 2 : 3)
    single_tiled(const wave w, const single_terms t)
{
    DAM_SHARED(single_shared<COUNT>, s);
    const int32_t groups = w.width / (ALONG_CHAINS * COUNT);
    const int64_t part = blockIdx.x / static_cast<unsigned>(groups) % w.splits;
    const int64_t d = blockIdx.x / static_cast<unsigned>(groups) / w.splits;
    const int32_t first_column =
        static_cast<int32_t>(blockIdx.x % static_cast<unsigned>(groups)) * ALONG_CHAINS * COUNT;
    const int32_t along_patterns = static_cast<int32_t>(threadIdx.x) % ALONG_PATTERNS;
    const int32_t along_chains = static_cast<int32_t>(threadIdx.x) / ALONG_PATTERNS;
    const int32_t chunks = static_cast<int32_t>(divide_up(w.N, SINGLE_CHUNK));
    const int64_t all_tiles = divide_up(w.M, SINGLE_TILE), first_tile = part * w.tiles;
    const int64_t tiles = all_tiles - first_tile < w.tiles ? all_tiles - first_tile : w.tiles;
    const single_place at = {w.panels + d * w.panels_stride,
                             w.columns + d * w.N * w.width + first_column,
                             divide_up(w.M, DAM_PANEL), w.N, w.width};
    if (gathers(w) && first_column >= w.open[d])
        return;
    float overlap[COUNT][SINGLE_OWN] = {}, sum[COUNT] = {}, other[COUNT] = {};
    int64_t tile = first_tile;
    int32_t chunk = 0;
    int half = 0;

    load_chunk<COUNT>(s, 0, at, tile, 0);
    while (tile < first_tile + tiles) {
        const int32_t next_chunk = chunk + 1 == chunks ? 0 : chunk + 1;
        const int64_t next_tile = next_chunk ? tile : tile + 1;
        DAM_UNLESS_PLANTED(5) wait_for_copies();
        DAM_UNLESS_PLANTED(6) __syncthreads(); /* this chunk is there, the other half is free */
        if (next_tile < first_tile + tiles)
            load_chunk<COUNT>(s, 1 - half, at, next_tile, next_chunk);
        add_chunk<COUNT>(s, half,
                         w.N - chunk * SINGLE_CHUNK < SINGLE_CHUNK ? w.N - chunk * SINGLE_CHUNK
                                                                   : SINGLE_CHUNK,
                         along_patterns, along_chains, overlap);
        if (next_chunk == 0)
            add_terms<COUNT, KERNEL>(t, w.shift + d * w.width + first_column, along_patterns,
                                     along_chains, w.M - tile * SINGLE_TILE, overlap, sum, other);
        tile = next_tile;
        chunk = next_chunk;
        half = 1 - half;
    }
#pragma unroll
    for (int j = 0; j < COUNT; j++) {
        const double l = half_warp_sum(sum[j]), h = half_warp_sum(other[j]);
        double *out = w.partial + (d * w.splits + part) * 2 * w.width + first_column +
                      chain_column<COUNT>(along_chains, j);
        if (along_patterns == 0) {
            out[0] = l;
            out[w.width] = h;
        }
    }
}

template <int COUNT> static cudaError_t launch(const wave &w, cudaStream_t stream)
{
    const single_terms t = single_terms_of(w.reference, w.tiles);
    const dim3 grid(static_cast<unsigned>(w.disorders * w.splits) *
                    static_cast<unsigned>(w.width / (ALONG_CHAINS * COUNT)));
    const size_t shared = sizeof(single_shared<COUNT>);

    switch (w.reference.kernel) {
    case DAM_LSE:
        DAM_LAUNCH((single_tiled<COUNT, DAM_LSE>), grid, dim3(THREADS), shared, stream, w, t);
        break;
    case DAM_LSR:
        DAM_LAUNCH((single_tiled<COUNT, DAM_LSR>), grid, dim3(THREADS), shared, stream, w, t);
        break;
    default:
        DAM_LAUNCH((single_tiled<COUNT, DAM_POLYNOMIAL>), grid, dim3(THREADS), shared, stream, w,
                   t);
    }
    return cudaGetLastError();
}

cudaError_t launch_single_2(const wave &w, cudaStream_t stream)
{
    switch (single_count(w.chains)) {
    case 1:
        return launch<1>(w, stream);
    case 2:
        return launch<2>(w, stream);
    case 4:
        return launch<4>(w, stream);
    case 5:
        return launch<5>(w, stream);
    default:
        return launch<8>(w, stream);
    }
}

} // namespace DAM_CUDA_NAMESPACE
