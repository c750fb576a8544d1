/*
 * A sampler's part of a device: its memory there, and how its chains are taken through their steps.
 *
 * A wave's patterns, chains and states stay on the device from its upload to its last step; the
 * host reads chains and states back after each piece of about 0.08 s, so that an interruption waits
 * no longer, and a device that fails takes no completed piece with it. Between two pieces nothing
 * is uploaded or evaluated anew: where pieces end enters no result. What only puts work into a
 * stream returns at once, so that the host can serve other samplers meanwhile.
 */
#ifndef DAM_CUDA_ROOM_H
#define DAM_CUDA_ROOM_H

#include "streams.h" /* the libraries in it are C++ */

extern "C" {
#include "backend.h"
}

#include "devices.h"
#include "kernels.h"

/* A piece has at most this many steps. */
#define PIECE_STEPS 8192

/* Kept between calls, beside what keep_patterns asks for. */
#define KEEP_BYTES ((uint64_t)256 << 20)

namespace DAM_CUDA_NAMESPACE
{

/* Patterns on the device, made or being made. */
typedef struct {
    block memory;
    dam_wave wave; /* count = 0: none */
    cudaEvent_t made;
} pattern_buffer;

/* A sampler's part of the device. */
typedef struct {
    int number;
    cudaStream_t stream, making; /* steps; patterns of the next wave */
    cudaEvent_t began, done;     /* around the steps of a piece */
    cudaEvent_t made;            /* of the patterns of the wave on the device */
    int64_t capacity;            /* disorders that there is room for; 0: nothing was taken */
    int buffers;
    pattern_buffer patterns[2];
    block work, targets, ends, log, rows; /* ends: the `end` of a wave; log: its structure */
    block lists;                          /* none where there was no room for them */
    dam_coarse_products coarse; /* there is room for patterns in bytes; how they are multiplied */
    bool resident;              /* patterns stay on the chip, from step to step, */
    dam_chip chip;              /* which is this one */
    dam_wave lists_of;          /* the wave whose lists are on the device; count = 0: of none */
    int64_t log_rows;
    dam_device_wave wave; /* the one on the device */
    dam_stretch to;       /* of the steps in progress */
    uint64_t row;         /* the step of the log's first row */
    int64_t piece;        /* rows that the piece in progress may fill */
    bool logged;
    bool fresh;     /* uploaded, and no step taken since */
    bool ended;     /* the last piece was the stretch's last */
    bool timed;     /* the piece in progress is */
    double seconds; /* a step of the last piece, on the device */
    /* host memory that a download goes to before anything of the sampler is changed */
    void *staging;
    uint64_t staging_bytes;
#ifndef DAM_CUDA_ON_CPU
    cudaGraphExec_t graph; /* GRAPH_STEPS steps of graph_wave; NULL: none */
    dam_device_wave graph_wave;
#endif
} room;

/* The parts of a buffer for the patterns of `sets` disorders: panels, words, and what these have in
 * common. */
typedef struct {
    float *panels;
    int32_t *words;
    dam_byte_patterns *of;
    uint64_t bytes; /* of all */
} pattern_parts;

/* ---- room.cu: memory ---- */

dam_status open_room(dam_sampler *s, int number, dam_error *e);
void close_room(dam_sampler *s);
dam_status alloc(dam_sampler *s, int64_t *count, dam_error *e);
void trim(dam_sampler *s);

/* Whether what is on the device now is small enough to stay there. */
bool keeps(const dam_sampler *s);

/* Drops the graph of steps, which belongs to a wave and its memory. */
void drop_graph(room *r);

/* Host memory for a download of `bytes`. */
dam_status stage(room *r, uint64_t bytes, dam_error *e);

/* The wave that the kernels see, without its memory. */
dam_device_wave describe(const dam_sampler *s, int64_t disorders);

/* The tiers that are used: patterns off the sphere are nobody's but the reference's. */
dam_tier_set tiers_of(const dam_sampler *s);

bool shares_patterns(const dam_sampler *s);

/* Singles of a disorder's panels on the device. */
int64_t panels_size(const dam_sampler *s);
pattern_parts parts_of(const dam_sampler *s, void *memory, uint64_t sets);

/* Chains of a disorder. */
static inline int64_t chains_of(const dam_sampler *s)
{
    return s->n_T * s->replicas;
}

/* ---- transfer.cu: what goes to the device and comes back ---- */

dam_status make_patterns(dam_sampler *s, dam_wave wave, dam_error *e);
dam_status upload(dam_sampler *s, dam_wave wave, dam_error *e);
dam_status download(dam_sampler *s, dam_wave wave, dam_error *e);

/* Puts a copy to the device into the stream of the steps. */
dam_status send(room *r, void *to, const void *from, uint64_t bytes, dam_error *e);

/* ---- pieces.cu: steps ---- */

dam_status energies(dam_sampler *s, dam_wave wave, dam_error *e);
dam_status step_many(dam_sampler *s, dam_wave wave, const dam_stretch *to, bool *there,
                     dam_error *e);
dam_status sync(dam_sampler *s, dam_error *e);

/* ---- measure.cu: what the device can do at best ---- */

dam_status ceilings(int number, double *multiply_adds, double *bytes, dam_error *e);

} // namespace DAM_CUDA_NAMESPACE

#endif
