/*
 * Proposals, B(7), of all chains: a warp a chain. The normals of four components come from one
 * block of the stream, so a lane makes four neighbours; the squared norm is added in DAM_LANES
 * lanes of ascending k, as everywhere. The proposal is written twice: as a row for those who move
 * chains, and as a column of the disorder's matrix for the single precision pass. (Where other
 * tiers come first, gather.cu writes the columns, of the proposals that they leave open.)
 */
#include "common.h"
#include "single.h"

namespace DAM_CUDA_NAMESPACE
{

/* The normals of step `step` to eta[N]. */
static __device__ void draw_normals(dam_stream s, int32_t N, uint64_t step, float *eta)
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
static __device__ void begin_step(const wave &w, dam_device_chain *c, int64_t column, float *shift)
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
static __device__ void clear_column(const wave &w, int64_t number, float *column)
{
    for (int32_t k = static_cast<int32_t>(threadIdx.x % DAM_WARP); k < w.N && !gathers(w);
         k += DAM_WARP)
        column[static_cast<int64_t>(k) * w.width] = 0.0f;
    if (threadIdx.x % DAM_WARP == 0)
        w.shift[number] = 0.0f;
}

__global__ void propose(const wave w)
{
    const int64_t number = warp_number(), d = number / w.width, i = number % w.width;
    const int32_t lane = static_cast<int32_t>(threadIdx.x % DAM_WARP), N = w.N;
    float *column = w.columns + d * N * w.width + i;

    if (d >= w.disorders)
        return;
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

cudaError_t launch_propose(const wave &w, cudaStream_t stream)
{
    DAM_LAUNCH(propose, blocks_for_warps(w.disorders * w.width), dim3(DAM_CHAIN_WARPS * DAM_WARP),
               0, stream, w);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
