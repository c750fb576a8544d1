#include <string.h>
#include <time.h>

#include "room.h"

/* A ceiling is the best of so many measurements, each of which takes so long at least. */
#define CEILING_TRIES 5
#define CEILING_SECONDS 0.05

/* What the copy for it copies; less where that is an eighth of what is free. */
#define CEILING_BYTES ((uint64_t)256 << 20)

namespace DAM_CUDA_NAMESPACE
{

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Two buffers that a copy goes between, and the blocks that fill the device. */
typedef struct {
    block from, to;
    int64_t singles;
    int32_t blocks;
} ceiling_room;

/* Puts `rounds` rounds of multiply-adds, or copies, into the stream. */
static cudaError_t launch_ceiling(room *r, const ceiling_room *c, bool copies, int32_t rounds)
{
    cudaError_t code = cudaSuccess;

    if (!copies)
        return dam_launch_multiply_adds((float *)c->to.at, c->blocks, rounds, r->stream);
    for (int32_t i = 0; i < rounds && code == cudaSuccess; i++)
        code = dam_launch_copy((float *)c->to.at, (const float *)c->from.at, c->singles, c->blocks,
                               r->stream);
    return code;
}

/* Rounds a second, the best of some measurements. */
static dam_status measure_ceiling(room *r, const ceiling_room *c, bool copies, double *best,
                                  dam_error *e)
{
    int32_t rounds = 1;

    *best = 0;
    for (int done = 0; done < CEILING_TRIES;) {
        const double start = seconds_now();
        double seconds;
        if (FAILS(r, launch_ceiling(r, c, copies, rounds), e) ||
            FAILS(r, cudaStreamSynchronize(r->stream), e))
            return e->status;
        seconds = seconds_now() - start;
        if (seconds < CEILING_SECONDS && rounds < 1 << 20) {
            rounds *= 2;
            continue;
        }
        if (rounds / seconds > *best)
            *best = rounds / seconds;
        done++;
    }
    return DAM_OK;
}

static dam_status take_ceilings(room *r, ceiling_room *c, dam_error *e)
{
    uint64_t bytes = 0;
    dam_chip chip;

    if (enter(r->number, e) || FAILS(r, dam_chip_of(r->number, &chip), e) ||
        budget(r->number, 0, &bytes, e) ||
        FAILS(r, cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking), e))
        return e->status;
    bytes = bytes / 8 < CEILING_BYTES ? bytes / 8 : CEILING_BYTES;
    c->blocks = 8 * (chip.blocks > 0 ? chip.blocks : 128);
    c->singles = (int64_t)(bytes / sizeof(float) / 4 * 4);
    if (take(r->number, bytes, "a copy", &c->from, e) ||
        take(r->number, bytes, "a copy", &c->to, e) ||
        FAILS(r, cudaMemsetAsync(c->from.at, 0, bytes, r->stream), e))
        return e->status;
    return DAM_OK;
}

dam_status ceilings(int number, double *multiply_adds, double *bytes, dam_error *e)
{
    room r;
    ceiling_room c;
    dam_status status;

    *multiply_adds = *bytes = 0;
    memset(&r, 0, sizeof r);
    memset(&c, 0, sizeof c);
    r.number = number;
    status = take_ceilings(&r, &c, e);
    if (status == DAM_OK)
        status = measure_ceiling(&r, &c, false, multiply_adds, e);
    if (status == DAM_OK)
        status = measure_ceiling(&r, &c, true, bytes, e);
    *multiply_adds *= dam_multiply_adds(c.blocks, 1);
    *bytes *= 2.0 * sizeof(float) * (double)c.singles;
    give_back(r.number, &c.from);
    give_back(r.number, &c.to);
    if (r.stream)
        (void)cudaStreamDestroy(r.stream);
    return status;
}

} // namespace DAM_CUDA_NAMESPACE
