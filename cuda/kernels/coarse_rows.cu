/*
 * Which open proposals the coarse pass is asked about, side by side in as few rows as they need: a
 * block of threads a disorder, chains in ascending order. Then a warp a row: its bytes, their
 * error, and where patterns begin to be near it.
 */
#include "coarse.h"
#include "queue.h"

namespace DAM_CUDA_NAMESPACE
{

struct coarse_rows_shared {
    int32_t of_warp[QUEUE_CHAINS / DAM_WARP];
};

/* Whether the pass is asked about the chain's proposal; the fine one: when that was accepted, but
 * its energy is not known well enough. */
static __device__ bool wants_row(const wave &w, int64_t d, int32_t i, int32_t fine)
{
    const dam_device_chain *c = w.chain + d * w.chains + i;

    if (c->verdict != DAM_UNDECIDED || (c->column < 0) != (fine != 0) ||
        c->steps < c->fortune[fine].wait_until)
        return false;
    return !w.lists || w.claim[d * w.builders + i % w.builders] != i;
}

__global__ void choose_rows(const wave w, int32_t fine)
{
    DAM_SHARED(coarse_rows_shared, s);
    const unsigned lane = threadIdx.x % DAM_WARP, warp = threadIdx.x / DAM_WARP;
    const int64_t d = blockIdx.x;
    int32_t used = 0;

    for (int64_t first = 0; first < w.chains; first += QUEUE_CHAINS) {
        const int32_t i = static_cast<int32_t>(first + threadIdx.x);
        const bool wanted = i < w.chains && wants_row(w, d, i, fine);
        const unsigned those = __ballot_sync(DAM_FULL_WARP, wanted);
        int32_t row = used + __popc(those & ((1u << lane) - 1));
        if (lane == 0)
            s->of_warp[warp] = __popc(those);
        __syncthreads();
        for (unsigned v = 0; v < QUEUE_CHAINS / DAM_WARP; v++) {
            row += v < warp ? s->of_warp[v] : 0;
            used += s->of_warp[v];
        }
        if (wanted)
            w.coarse_row[d * w.coarse_width + row].chain = i;
        DAM_UNLESS_PLANTED(19) __syncthreads();
    }
    if (threadIdx.x == 0)
        w.coarse_open[d] = used;
}

/* What the bytes of a row stand for. */
struct coarse_scale {
    double quantum; /* of the state's bytes */
    double unit;    /* c phi (LSE) or phi (LSR) of a product of 1 */
    int32_t shift;  /* LSE: of a product, for the bits of a term; -1: products are too rough */
};

/* LSE: a power of two of a product is an octave of a term. */
static __device__ coarse_scale scale_of(const dam_reference &f, double largest, double patterns)
{
    const double ln_2 = 0.6931471805599453, log2_e = 1.4426950408889634;
    coarse_scale s;
    int exponent;

    s.quantum = fmax(largest, 1e-30) / 127.0;
    s.unit = s.quantum * patterns / f.N;
    s.shift = 0;
    if (f.kernel == DAM_LSR) /* no terms are made of products */
        return s;
    (void)frexp(s.unit * f.c * log2_e * (1.0 - 1e-9), &exponent);
    s.shift = exponent + 23 > 0 ? exponent + 23 : 0;
    s.quantum = ldexp(1.0, s.shift - 23) * f.N / (patterns * f.c * log2_e);
    s.unit = ldexp(ln_2, s.shift - 23);
    if (s.shift > 23)
        s.shift = -1;
    return s;
}

/* Bytes of a row from its state; all lanes get the length of what they are off. */
static __device__ double write_bytes(const wave &w, int64_t d, int64_t j, const float *x,
                                     double quantum)
{
    const int32_t slices = coarse_slices(w.N);
    int32_t *to = w.coarse_state + d * w.coarse_width * slices * (COARSE_SLICE / 4);
    double square = 0;

    for (int32_t q = static_cast<int32_t>(threadIdx.x % DAM_WARP); q < slices * (COARSE_SLICE / 4);
         q += DAM_WARP) {
        int32_t byte[4] = {0, 0, 0, 0};
        for (int32_t i = 0; i < 4 && 4 * q + i < w.N && x; i++) {
            const double v = x[4 * q + i];
            const double scaled = fmax(-127.0, fmin(127.0, rint(v / quantum)));
            const double off = v - quantum * scaled;
            square += off * off;
            byte[i] = static_cast<int32_t>(scaled);
        }
        to[coarse_state_word(slices, j, q)] = static_cast<int32_t>(coarse_pack(byte));
    }
    return sqrt(warp_sum(square)) * (1.0 + 1e-9);
}

/* The largest component; all lanes get it. */
static __device__ double largest_of(const float *x, int32_t N)
{
    double largest = 0;

    for (int32_t k = static_cast<int32_t>(threadIdx.x % DAM_WARP); k < N; k += DAM_WARP)
        largest = fmax(largest, fabs(static_cast<double>(x[k])));
    return warp_maximum(largest);
}

/* Where patterns begin to be near a row. */
static __device__ void put_edge(const dam_reference &f, dam_device_chain *c, int32_t fine,
                                const coarse_scale &s, dam_byte_row *row)
{
    double *depth = &c->fortune[fine].depth, edge;

    if (f.kernel == DAM_LSE) {
        const double near = c->now.low > -HUGE_VAL ? c->now.low : 0;
        *depth = *depth > 0 ? *depth : COARSE_FIRST_DEPTH;
        edge = floor((f.c + near - *depth) / s.unit);
    } else {
        /* beyond this alignment the reference finds the floor */
        const double beyond = 1.0 - (1.0 - f.epsilon) / f.b - 2.0 * dam_lsr_rounding(&f) / f.b;
        edge = floor((beyond - row->error) / s.unit) - 1.0;
    }
    edge = fmax(-COARSE_LARGEST_PRODUCT, fmin(COARSE_LARGEST_PRODUCT, edge));
    row->edge = edge * s.unit;
    row->start = -static_cast<int32_t>(edge);
    row->low = s.shift >= 0 ? -126 * (1 << (23 - s.shift)) : 0;
    row->factor = s.shift >= 0 ? 1 << s.shift : 0;
    if (s.shift < 0) {
        row->start = COARSE_NEVER;
        row->error = HUGE_VAL;
    }
}

__global__ void fill_rows(const wave w, int32_t fine, int32_t tile)
{
    const int64_t number = warp_number(), d = number / w.coarse_width, j = number % w.coarse_width;

    if (d >= w.disorders || j >= divide_up(w.coarse_open[d], tile) * tile)
        return;
    dam_byte_row *row = w.coarse_row + number;
    if (j >= w.coarse_open[d]) { /* of the tile only */
        (void)write_bytes(w, d, j, nullptr, 1.0);
        if (threadIdx.x % DAM_WARP == 0) {
            row->start = COARSE_NEVER;
            row->low = row->factor = 0;
        }
        return;
    }
    const dam_byte_patterns *p = coarse_patterns_of(w, d);
    const int64_t place = d * w.chains + row->chain;
    const float *x = w.proposal + place * w.N;
    const coarse_scale s = scale_of(w.reference, largest_of(x, w.N), coarse_quantum(p));
    const double off = write_bytes(w, d, j, x, s.quantum);
    if (threadIdx.x % DAM_WARP == 0) {
        row->error = dam_coarse_error(w.N, dam_float(static_cast<uint32_t>(p->error)), off);
        if (DAM_PLANTED(20))
            row->error = 0;
        if (DAM_PLANTED(DAM_PLANT_DOUBT))
            row->error *= 20; /* no fault: as for the single precision pass */
        put_edge(w.reference, w.chain + place, fine, s, row);
    }
}

cudaError_t launch_coarse_rows(const wave &w, int32_t fine, cudaStream_t stream)
{
    DAM_LAUNCH(choose_rows, dim3(static_cast<unsigned>(w.disorders)), dim3(QUEUE_CHAINS),
               sizeof(coarse_rows_shared), stream, w, fine);
    DAM_LAUNCH(fill_rows, blocks_for_warps(w.disorders * w.coarse_width),
               dim3(DAM_CHAIN_WARPS * DAM_WARP), 0, stream, w, fine,
               COARSE_STATES * coarse_groups(w));
    return cudaGetLastError();
}

} // namespace DAM_CUDA_NAMESPACE
