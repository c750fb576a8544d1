/*
 * The reference pass, plain: a warp takes one chain through one block of patterns. Lane j has the
 * patterns j, j + 32, ..., which is the order in which reference.h adds; what LSE needs twice is
 * computed twice. For tests and as a text to read first.
 */
#include "reference.h"

namespace DAM_CUDA_NAMESPACE
{

/* phi of pattern mu, k ascending. */
static __device__ double plain_phi(const float *panels, int64_t mu, const float *x, int32_t N)
{
    const float *xi = panels + mu / DAM_PANEL * DAM_PANEL * N + mu % DAM_PANEL;
    double sum = 0;

    for (int32_t k = 0; k < N; k++)
        sum = multiply_add_exact(xi[static_cast<int64_t>(k) * DAM_PANEL], x[k], sum);
    return sum / N;
}

static __device__ void plain_block(const wave &w, enum purpose purpose, int64_t d, int64_t place,
                                   int64_t block)
{
    const float *panels = w.panels + d * w.panels_stride;
    const float *x = (purpose == OF_PROPOSALS ? w.proposal : w.x) + place * w.N;
    const int64_t lane = threadIdx.x % DAM_WARP, begin = block * DAM_BLOCK;
    const int64_t end = begin + DAM_BLOCK < w.M ? begin + DAM_BLOCK : w.M;
    uint16_t *bins = bins_of(w, d, place, purpose);
    double max = -HUGE_VAL, sum = 0;

    for (int64_t mu = begin + lane; mu < end; mu += DAM_PANEL) {
        const double phi = plain_phi(panels, mu, x, w.N);
        if (mu == w.target[d])
            put_target_phi(w, place, purpose, phi);
        if (bins)
            bins[mu] = static_cast<uint16_t>(dam_active_bin(phi));
        if (phi > max && !(purpose == OF_OTHERS && mu == w.target[d]))
            max = phi;
    }
    max = warp_maximum(max);
    if (purpose != OF_OTHERS)
        for (int64_t mu = begin + lane; mu < end; mu += DAM_PANEL)
            sum += reference_term(w.reference, max, plain_phi(panels, mu, x, w.N));
    sum = warp_add_panel_lanes(sum);
    if (lane == 0) {
        w.sums[place * blocks_of(w) + block].max = max;
        w.sums[place * blocks_of(w) + block].sum = sum;
    }
}

__global__ void reference_plain(const wave w, enum purpose purpose)
{
    const int queue = queue_of(purpose);
    const int64_t blocks = blocks_of(w), all = w.queued[queue] * blocks * DAM_BATCH;

    for (int64_t i = warp_number(); i < all;
         i += static_cast<int64_t>(gridDim.x) * DAM_CHAIN_WARPS) {
        const dam_batch *b = w.queue + queue * w.room + i / DAM_BATCH / blocks;
        if (i % DAM_BATCH < b->count)
            plain_block(w, purpose, b->disorder, b->disorder * w.chains + b->chain[i % DAM_BATCH],
                        i / DAM_BATCH % blocks);
    }
}

cudaError_t launch_reference_1(const wave &w, enum purpose purpose, cudaStream_t stream)
{
    const unsigned blocks = queue_blocks(w, purpose, stream);

    if (blocks == 0)
        return cudaSuccess;
    DAM_LAUNCH(reference_plain, dim3(blocks), dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream, w,
               purpose);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
