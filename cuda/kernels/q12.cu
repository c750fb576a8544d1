/*
 * Mean overlap of the pairs among the replicas of a temperature, a warp a group, as dam_mean_q12
 * (src/gang.c): two replicas directly, more of them through the sum of all, k ascending.
 */
#include "steps.h"

namespace DAM_CUDA_NAMESPACE
{

/* sum_a x_a[k], a ascending. */
static __device__ double sum_of_replicas(const float *x, int64_t replicas, int32_t N, int32_t k)
{
    double sum = 0;

    for (int64_t a = 0; a < replicas; a++)
        sum += x[a * N + k];
    return sum;
}

/* All lanes get it. */
static __device__ double mean_q12(const float *x, int64_t replicas, int32_t N)
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

__global__ void measure_q12(const wave w, int32_t all)
{
    const int64_t group = warp_number(), first = group * w.replicas;
    const int64_t groups = w.disorders * w.chains / w.replicas;
    bool moved = all;

    if (group >= groups || (!all && w.chain[first].verdict == DAM_ARRIVED))
        return;
    for (int64_t a = 0; a < w.replicas; a++)
        moved = moved || w.chain[first + a].verdict == DAM_ACCEPTED;
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

cudaError_t launch_q12(const wave &w, int32_t all, cudaStream_t stream)
{
    DAM_LAUNCH(measure_q12, blocks_for_warps(w.disorders * w.chains / w.replicas),
               dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream, w, all);
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
