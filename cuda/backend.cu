/*
 * The backend of CUDA devices: kernels.h does the work, this file keeps the memory, the order and
 * the errors. The same source makes two backends: nvcc compiles "cuda", and a C++ compiler, over
 * tests/cuda_on_cpu/shim.h, "cuda-on-cpu", whose device is the CPU.
 *
 * A wave's patterns, chains and states stay on the device from its upload to its last step; the
 * host reads chains and states back after each piece of about PIECE_SECONDS, so that an
 * interruption waits no longer, and a device that fails takes no completed piece with it. Between
 * two pieces nothing is uploaded or evaluated anew: where pieces end enters no result.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "streams.h" /* the libraries in it are C++ */

extern "C" {
#include "backend.h"
#include "bounds.h"
#include "interrupt.h"
#include "memory.h"
#include "panels.h"
}

#include "kernels.h"

#ifdef DAM_CUDA_ON_CPU
#include "runtime_on_cpu.h"
#define DAM_LAUNCHED(launch) dam_runtime::launched(launch)
#else
#define DAM_LAUNCHED(launch) (launch)
#endif

/* What a piece may take; at most this many steps where each is short. */
#define PIECE_SECONDS 0.08
#define PIECE_STEPS 8192

/* Steps of a graph, which is replayed as often as needed. */
#define GRAPH_STEPS 16

/* Of a device's memory this part is left to others. */
#define RESERVE_PART 16

/* The log of a record has this many bytes, or one row. */
#define LOG_BYTES ((uint64_t)64 << 20)

/* Kept between calls, beside what keep_patterns asks for. */
#define KEEP_BYTES ((uint64_t)256 << 20)

/* A ceiling is the best of so many measurements, each of which takes so long at least. */
#define CEILING_TRIES 5
#define CEILING_SECONDS 0.05

/* What the copy for it copies; less where that is an eighth of what is free. */
#define CEILING_BYTES ((uint64_t)256 << 20)

/* As errors name this file. */
#define FILE_NAME "cuda/backend.cu"

#ifdef DAM_CUDA_ON_CPU
#define KIND "cuda-on-cpu"
#else
#define KIND "cuda"
#define LEAST_CAPABILITY 8
#endif

namespace DAM_CUDA_NAMESPACE
{

/* ---- devices and errors ---- */

/* What is known of a device in this process. */
typedef struct {
    uint64_t live; /* bytes taken there */
    int parts;     /* a sampler takes at most one part in so many; 0: as 1 */
    bool lost;
    char why[256];
} device;

static device devices[DAM_MAX_DEVICES];

/* A piece of device memory. */
typedef struct {
    void *at;
    uint64_t bytes;
} block;

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

static void name_device(int number, char name[DAM_DEVICE_NAME_SIZE])
{
#ifdef DAM_CUDA_ON_CPU
    (void)number;
    snprintf(name, DAM_DEVICE_NAME_SIZE, "%s", KIND);
#else
    snprintf(name, DAM_DEVICE_NAME_SIZE, KIND ":%d", number);
#endif
}

/*
 * The error of a call. What is left of the device after it decides: a context that does not answer
 * any more is lost for this process.
 */
static dam_status failed(int number, cudaError_t code, const char *call, int line, dam_error *e)
{
    device *d = devices + number;
    char name[DAM_DEVICE_NAME_SIZE];
    cudaError_t after;

    name_device(number, name);
    (void)cudaGetLastError();
    after = cudaDeviceSynchronize();
    if (after != cudaSuccess && !d->lost) {
        d->lost = true;
        snprintf(d->why, sizeof d->why, "lost after an error of %.80s (%.40s:%d): %.80s", call,
                 FILE_NAME, line, cudaGetErrorString(code));
    }
    return dam_fail(e, DAM_ERR_DEVICE, "device %s: %s failed (%s:%d): %s: %s%s", name, call,
                    FILE_NAME, line, cudaGetErrorName(code), cudaGetErrorString(code),
                    d->lost ? "; the device is lost for this process, samplers on it can be saved "
                              "and loaded on another"
                            : "");
}

/* A call of the runtime or a launch; true when it failed, with `e` filled. */
#define FAILS(r, call, e) (failed_code((r)->number, (call), #call, __LINE__, (e)) != DAM_OK)

static dam_status failed_code(int number, cudaError_t code, const char *call, int line,
                              dam_error *e)
{
    return code == cudaSuccess ? DAM_OK : failed(number, code, call, line, e);
}

/* Makes the device current; DAM_ERR_DEVICE when it is lost. */
static dam_status enter(const room *r, dam_error *e)
{
    char name[DAM_DEVICE_NAME_SIZE];

    if (devices[r->number].lost) {
        name_device(r->number, name);
        return dam_fail(e, DAM_ERR_DEVICE, "device %s: %s", name, devices[r->number].why);
    }
    return failed_code(r->number, cudaSetDevice(r->number), "cudaSetDevice", __LINE__, e);
}

static const char *last_error(int number)
{
    return devices[number].lost ? devices[number].why : NULL;
}

/* Why the device is not to be used, into `why`; empty when it is. */
static void examine(int number, char *why, size_t size)
{
    why[0] = 0;
    if (devices[number].lost) {
        snprintf(why, size, "%.255s", devices[number].why);
        return;
    }
#ifndef DAM_CUDA_ON_CPU
    int major = 0, minor = 0;
    cudaError_t code = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, number);
    if (code == cudaSuccess)
        code = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, number);
    if (code != cudaSuccess)
        snprintf(why, size, "%s", cudaGetErrorString(code));
    else if (major < LEAST_CAPABILITY)
        snprintf(why, size, "compute capability %d.%d: %d.0 or higher is needed", major, minor,
                 LEAST_CAPABILITY);
#endif
}

static size_t probe(dam_device *out, size_t max, bool memory)
{
    int count = 0;
    const cudaError_t code = cudaGetDeviceCount(&count);
    const bool none = code != cudaSuccess || count < 1;

    if (none) {
        (void)cudaGetLastError();
        count = 1; /* one entry, to say why */
    }
    for (int i = 0; i < count && i < DAM_MAX_DEVICES && (size_t)i < max; i++) {
        size_t available = 0, total = 0;
        memset(out + i, 0, sizeof out[i]);
        name_device(i, out[i].name);
        out[i].kind = KIND;
        out[i].live = (double)__atomic_load_n(&devices[i].live, __ATOMIC_RELAXED);
        if (none)
            snprintf(out[i].why, sizeof out[i].why, "no CUDA driver, or no device: %s",
                     code != cudaSuccess ? cudaGetErrorString(code) : "the driver lists none");
        else
            examine(i, out[i].why, sizeof out[i].why);
        out[i].usable = !out[i].why[0];
        if (out[i].usable && memory && cudaSetDevice(i) == cudaSuccess &&
            cudaMemGetInfo(&available, &total) == cudaSuccess)
            out[i].memory = (double)available;
    }
    return (size_t)count;
}

/* ---- memory ---- */

static void give_back(const room *r, block *b)
{
    if (!b->at)
        return;
    (void)cudaFree(b->at); /* a device that is lost has freed it */
    __atomic_sub_fetch(&devices[r->number].live, b->bytes, __ATOMIC_RELAXED);
    b->at = NULL;
    b->bytes = 0;
}

/* Device memory that the sampler holds. */
static uint64_t held(const room *r)
{
    return r->patterns[0].memory.bytes + r->patterns[1].memory.bytes + r->work.bytes +
           r->targets.bytes + r->ends.bytes + r->log.bytes + r->rows.bytes + r->lists.bytes;
}

/* Bytes that the sampler may take now: the reserve is left alone, and the parts of others. */
static dam_status budget(const room *r, uint64_t *bytes, dam_error *e)
{
    const device *d = devices + r->number;
    const uint64_t live = __atomic_load_n(&d->live, __ATOMIC_RELAXED), mine = held(r);
    size_t available = 0, total = 0;
    uint64_t part;

    if (FAILS(r, cudaMemGetInfo(&available, &total), e))
        return e->status;
    *bytes = available > total / RESERVE_PART ? available - total / RESERVE_PART : 0;
    part = (*bytes + live) / (uint64_t)(d->parts > 1 ? d->parts : 1);
    part = part > mine ? part - mine : 0;
    if (part < *bytes)
        *bytes = part;
    return DAM_OK;
}

static void share(int number, int parts)
{
    devices[number].parts = parts;
}

static dam_status refuse(const room *r, uint64_t bytes, const char *what, dam_error *e)
{
    const double mib = 1024.0 * 1024.0;
    char name[DAM_DEVICE_NAME_SIZE];
    size_t available = 0, total = 0;

    name_device(r->number, name);
    if (cudaMemGetInfo(&available, &total) != cudaSuccess)
        (void)cudaGetLastError();
    return dam_fail(e, DAM_ERR_MEMORY,
                    "device %s: %s takes %.4g MiB, of %.4g MiB %.4g are free and this process "
                    "holds %.4g: lower M (or alpha), N, replicas or the number of temperatures, "
                    "or close other samplers",
                    name, what, (double)bytes / mib, (double)total / mib, (double)available / mib,
                    (double)__atomic_load_n(&devices[r->number].live, __ATOMIC_RELAXED) / mib);
}

/* Device memory; what no room is left for is DAM_ERR_MEMORY with the sizes. */
static dam_status take(const room *r, uint64_t bytes, const char *what, block *b, dam_error *e)
{
    const cudaError_t code = cudaMalloc(&b->at, bytes);

    if (code == cudaErrorMemoryAllocation) {
        b->at = NULL;
        (void)cudaGetLastError();
        return refuse(r, bytes, what, e);
    }
    if (failed_code(r->number, code, "cudaMalloc", __LINE__, e))
        return e->status;
    b->bytes = bytes;
    __atomic_add_fetch(&devices[r->number].live, bytes, __ATOMIC_RELAXED);
    return DAM_OK;
}

/* Host memory for a download of `bytes`. */
static dam_status stage(room *r, uint64_t bytes, dam_error *e)
{
    if (r->staging_bytes >= bytes)
        return DAM_OK;
    dam_free(r->staging);
    r->staging = NULL;
    r->staging_bytes = 0;
    if (dam_alloc(&r->staging, bytes, 1, "results of a device", "lower disorder or replicas", e))
        return e->status;
    r->staging_bytes = bytes;
    return DAM_OK;
}

static void drop_graph(room *r)
{
#ifdef DAM_CUDA_ON_CPU
    (void)r;
#else
    if (r->graph)
        (void)cudaGraphExecDestroy(r->graph);
    r->graph = NULL;
#endif
}

/* Releases all device memory of the sampler. */
static void drop(room *r)
{
    drop_graph(r);
    for (int i = 0; i < 2; i++) {
        give_back(r, &r->patterns[i].memory);
        r->patterns[i].wave.count = 0;
    }
    give_back(r, &r->work);
    give_back(r, &r->targets);
    give_back(r, &r->ends);
    give_back(r, &r->log);
    give_back(r, &r->rows);
    give_back(r, &r->lists);
    dam_free(r->staging);
    r->staging = NULL;
    r->staging_bytes = 0;
    r->capacity = 0;
    r->log_rows = 0;
    r->lists_of.count = 0;
}

static void close_room(dam_sampler *s)
{
    room *r = (room *)s->room;

    if (!r)
        return;
    if (cudaSetDevice(r->number) == cudaSuccess && r->stream) {
        (void)cudaStreamSynchronize(r->making);
        (void)cudaStreamSynchronize(r->stream);
    }
    drop(r);
    for (int i = 0; i < 2; i++)
        if (r->patterns[i].made)
            (void)cudaEventDestroy(r->patterns[i].made);
    if (r->began)
        (void)cudaEventDestroy(r->began);
    if (r->done)
        (void)cudaEventDestroy(r->done);
    if (r->making)
        (void)cudaStreamDestroy(r->making);
    if (r->stream)
        (void)cudaStreamDestroy(r->stream);
    (void)cudaGetLastError();
    dam_free(r);
    s->room = NULL;
}

static dam_status open_room(dam_sampler *s, int number, dam_error *e)
{
    room *r;

    if (dam_alloc(&s->room, 1, sizeof(room), "a sampler", "drop objects", e))
        return e->status;
    r = (room *)s->room;
    r->number = number;
    if (enter(r, e) || FAILS(r, cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking), e) ||
        FAILS(r, cudaStreamCreateWithFlags(&r->making, cudaStreamNonBlocking), e))
        return e->status;
    for (int i = 0; i < 2; i++)
        if (FAILS(r, cudaEventCreateWithFlags(&r->patterns[i].made, cudaEventDisableTiming), e))
            return e->status;
    if (FAILS(r, cudaEventCreateWithFlags(&r->began, cudaEventDefault), e) ||
        FAILS(r, cudaEventCreateWithFlags(&r->done, cudaEventDefault), e))
        return e->status;
    return DAM_OK;
}

/* ---- room for a wave ---- */

static bool shares_patterns(const dam_sampler *s)
{
    return s->patterns->data_sets == 1;
}

/* The tiers that are used: patterns off the sphere are nobody's but the reference's. */
static dam_tier_set tiers_of(const dam_sampler *s)
{
    return s->patterns->loose ? 1u << DAM_TIER_REFERENCE : s->tiers;
}

/* How the coarse pass multiplies, where it is asked for; "auto" leaves it out where it hardly pays.
 */
static dam_coarse_products coarse_of(const dam_sampler *s, const dam_device_wave &w)
{
    const dam_tier_set tiers = tiers_of(s);
    const bool automatic = tiers & DAM_TIERS_AUTO;

    if (!(automatic || tiers >> DAM_TIER_COARSE & 1) || !dam_wave_coarse(&w, automatic))
        return DAM_COARSE_OFF;
    /* so that tests can compare both */
    return getenv("DAMLUA_TEST_CUDA_PLAIN") ? DAM_COARSE_PLAIN : DAM_COARSE_UNITS;
}

/* Singles of a disorder's panels on the device. */
static int64_t panels_size(const dam_sampler *s)
{
    return (int64_t)(dam_patterns_bytes(s->patterns) / sizeof(float));
}

/* The wave that the kernels see, without its memory. */
static dam_device_wave describe(const dam_sampler *s, int64_t disorders)
{
    const room *r = (const room *)s->room;
    dam_device_wave w;

    memset(&w, 0, sizeof w); /* also its padding: waves are compared byte by byte */
    w.reference = s->reference;
    w.N = s->patterns->N;
    w.M = s->patterns->M;
    w.disorders = disorders;
    w.chains = s->n_T * s->replicas;
    w.replicas = s->replicas;
    w.panels_stride = shares_patterns(s) ? 0 : panels_size(s);
    if (r->resident) {
        dam_wave_resident(&w, r->chip);
        return w;
    }
    if (tiers_of(s) >> DAM_TIER_ACTIVE & 1)
        w.list_room = dam_wave_list_room(&w);
    w.coarse = r->coarse;
    return w;
}

/*
 * Whether patterns are to stay on the chip from step to step: where they fit, and neither lists nor
 * the coarse pass is asked for by name; in "auto" only if that hardly costs more than these.
 */
static dam_status choose_resident(const dam_sampler *s, room *r, dam_error *e)
{
    const char *wanted = getenv("DAMLUA_TEST_CUDA_RESIDENT"); /* 0: never; 1: where they fit */
    const dam_tier_set others = 1u << DAM_TIER_ACTIVE | 1u << DAM_TIER_COARSE;
    const bool automatic = tiers_of(s) & DAM_TIERS_AUTO;
    dam_device_wave w = describe(s, s->patterns->disorder);

    if (FAILS(r, dam_chip_of(r->number, &r->chip), e))
        return e->status;
    w.coarse = DAM_COARSE_OFF;
    dam_wave_resident(&w, r->chip);
    r->resident = (automatic || !(tiers_of(s) & others)) && dam_wave_resident_pays(&w, automatic);
    if (wanted && wanted[0] == '0')
        r->resident = false;
    else if (wanted)
        r->resident = w.resident.slots > 0;
    if (r->resident)
        r->coarse = DAM_COARSE_OFF;
    return DAM_OK;
}

/* Numbers of four bytes of a disorder's patterns in bytes; 0 without the coarse pass. */
static int64_t words_size(const dam_sampler *s)
{
    return ((const room *)s->room)->coarse ? dam_coarse_words(s->patterns->N, s->patterns->M) : 0;
}

/* The parts of a buffer for the patterns of `sets` disorders: panels, words, and what these have in
 * common. */
typedef struct {
    float *panels;
    int32_t *words;
    dam_byte_patterns *of;
    uint64_t bytes; /* of all */
} pattern_parts;

static pattern_parts parts_of(const dam_sampler *s, void *memory, uint64_t sets)
{
    const uint64_t panels = sets * (uint64_t)panels_size(s) * sizeof(float);
    const uint64_t words = sets * (uint64_t)words_size(s) * sizeof(int32_t);
    char *at = (char *)memory;

    return {(float *)memory, at ? (int32_t *)(at + panels) : NULL,
            at ? (dam_byte_patterns *)(at + panels + words) : NULL,
            panels + words + (words > 0 ? sets * sizeof(dam_byte_patterns) : 0)};
}

/* Bytes of the lists of a wave. */
static uint64_t list_bytes_of(const dam_sampler *s, int64_t disorders)
{
    dam_device_wave w = describe(s, disorders);

    (void)dam_wave_layout(&w, NULL);
    return w.list_room > 0 ? dam_wave_layout_lists(&w, NULL) : 0;
}

/* Bytes of a wave on the device, its patterns in `buffers` copies included; no log, no lists. */
static uint64_t bytes_of(const dam_sampler *s, int64_t disorders, int buffers)
{
    dam_device_wave w = describe(s, disorders);
    const uint64_t sets = shares_patterns(s) ? 1 : (uint64_t)disorders * (uint64_t)buffers;

    return parts_of(s, NULL, sets).bytes + dam_wave_layout(&w, NULL) +
           (uint64_t)disorders * sizeof(int64_t) + 4096;
}

/* The most disorders, at most `limit`, that fit into `bytes`, with lists or without; 0: not one. */
static int64_t fitting(const dam_sampler *s, int64_t limit, int buffers, bool lists, uint64_t bytes)
{
    int64_t low = 0, high = limit;

    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (bytes_of(s, middle, buffers) + (lists ? list_bytes_of(s, middle) : 0) <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Bytes of a row of the log. */
static uint64_t row_bytes(const dam_sampler *s, int64_t disorders)
{
    const uint64_t groups = (uint64_t)(disorders * s->n_T);

    return groups * (uint64_t)s->replicas * 2 * sizeof(double) + groups * sizeof(double);
}

static dam_status take_all(dam_sampler *s, int64_t disorders, int buffers, dam_error *e)
{
    room *r = (room *)s->room;
    dam_device_wave w = describe(s, disorders);
    const uint64_t sets = shares_patterns(s) ? 1 : (uint64_t)disorders;

    for (int i = 0; i < buffers; i++)
        if (take(r, parts_of(s, NULL, sets).bytes, "patterns", &r->patterns[i].memory, e))
            return e->status;
    if (take(r, dam_wave_layout(&w, NULL), "the chains of a wave", &r->work, e) ||
        take(r, (uint64_t)disorders * sizeof(int64_t), "the targets", &r->targets, e) ||
        take(r, sizeof(uint64_t), "a step counter", &r->ends, e) ||
        take(r, sizeof(dam_device_log), "a log", &r->log, e))
        return e->status;
    r->capacity = disorders;
    r->buffers = buffers;
    return DAM_OK;
}

/* Room for the lists of a wave, unless it is there, or has to be done without. */
static dam_status take_lists(dam_sampler *s, dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t bytes = list_bytes_of(s, r->capacity);
    uint64_t available = 0;

    if (r->lists.at || bytes == 0)
        return DAM_OK;
    r->lists_of.count = 0;
    if (budget(r, &available, e))
        return e->status;
    if (bytes > available || take(r, bytes, "the lists of a wave", &r->lists, e) == DAM_OK)
        return DAM_OK;
    return e->status == DAM_ERR_MEMORY ? DAM_OK : e->status;
}

/* Room for the log of the sampler's record, in what is left of the budget. */
static dam_status take_log(dam_sampler *s, dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t row = row_bytes(s, r->capacity);
    int64_t rows = (int64_t)(LOG_BYTES / row);

    if (!s->record || r->log_rows > 0)
        return DAM_OK;
    if (rows > PIECE_STEPS)
        rows = PIECE_STEPS;
    if (rows < 1)
        rows = 1;
    while (take(r, (uint64_t)rows * row, "the log of a sample", &r->rows, e)) {
        if (e->status != DAM_ERR_MEMORY || rows == 1)
            return e->status;
        rows = (rows + 7) / 8;
    }
    r->log_rows = rows;
    return DAM_OK;
}

static dam_status alloc(dam_sampler *s, int64_t *count, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t disorder = s->patterns->disorder;
    uint64_t bytes = 0;
    int64_t n;
    int buffers = 1;
    bool lists = true;

    *count = 0;
    if (enter(r, e))
        return e->status;
    if (r->capacity == 0) {
        if (budget(r, &bytes, e))
            return e->status;
        r->resident = false;
        r->coarse = coarse_of(s, describe(s, disorder));
        if (choose_resident(s, r, e))
            return e->status;
        n = fitting(s, disorder, 1, lists, bytes);
        if (n < 1) {
            lists = r->resident = false; /* it can do without these */
            r->coarse = DAM_COARSE_OFF;
            n = fitting(s, disorder, 1, lists, bytes);
        }
        if (n < 1)
            return refuse(r, bytes_of(s, 1, 1), "one disorder with its chains", e);
        if (n < disorder && !shares_patterns(s) && fitting(s, disorder, 2, lists, bytes) > 0) {
            buffers = 2; /* the next wave's patterns are made while this one steps */
            n = fitting(s, disorder, 2, lists, bytes);
        }
        if (take_all(s, n, buffers, e)) {
            drop(r);
            return e->status;
        }
    }
    if (take_lists(s, e) || take_log(s, e)) {
        drop(r);
        return e->status;
    }
    *count = r->capacity;
    return DAM_OK;
}

/* Whether what is on the device now is small enough to stay there. */
static bool keeps(const dam_sampler *s)
{
    const room *r = (const room *)s->room;

    return s->keep_patterns || (r->capacity == s->patterns->disorder &&
                                bytes_of(s, r->capacity, r->buffers) + r->rows.bytes <= KEEP_BYTES);
}

static void trim(dam_sampler *s)
{
    room *r = (room *)s->room;
    dam_error ignored;

    if (!r || s->keep_patterns || enter(r, &ignored))
        return;
    (void)cudaStreamSynchronize(r->making);
    (void)cudaStreamSynchronize(r->stream);
    if (r->lists.bytes > KEEP_BYTES)
        give_back(r, &r->lists);
    if (!keeps(s))
        drop(r);
    if (r->log_rows > 0) {
        give_back(r, &r->rows);
        r->log_rows = 0;
    }
}

/* ---- patterns ---- */

/* A user's patterns in panels, one disorder after the other, in the order of the copies. */
static dam_status send_data(dam_sampler *s, dam_wave wave, pattern_buffer *b, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t sets = shares_patterns(s) ? 1 : wave.count;
    dam_panels panels = {NULL, 0, 0, 0};
    dam_status status = DAM_OK;

    for (int64_t i = 0; i < sets && status == DAM_OK; i++) {
        float *to = (float *)b->memory.at + i * panels_size(s);
        status = dam_panels_make(&panels, s->patterns, s->kernels, wave.first + i, 1, e);
        if (status == DAM_OK &&
            (FAILS(r,
                   cudaMemcpyAsync(to, panels.data, dam_patterns_bytes(s->patterns),
                                   cudaMemcpyHostToDevice, r->making),
                   e) ||
             FAILS(r, cudaStreamSynchronize(r->making), e)))
            status = e->status;
    }
    dam_panels_drop(&panels);
    return status;
}

/* The bytes of the patterns that are in the buffer. */
static dam_status begin_bytes(dam_sampler *s, dam_wave wave, pattern_buffer *b, dam_error *e)
{
    const int64_t sets = shares_patterns(s) ? 1 : wave.count;
    const pattern_parts to = parts_of(s, b->memory.at, (uint64_t)sets);
    room *r = (room *)s->room;

    return failed_code(r->number,
                       DAM_LAUNCHED(dam_launch_bytes(to.panels, s->patterns->N, s->patterns->M,
                                                     sets, to.of, to.words, r->making)),
                       "dam_launch_bytes", __LINE__, e);
}

/* Puts the making of a wave's patterns into the stream for it. */
static dam_status begin_patterns(dam_sampler *s, dam_wave wave, pattern_buffer *b, dam_error *e)
{
    const dam_patterns *p = s->patterns;
    room *r = (room *)s->room;

    b->wave.count = 0;
    if (p->data) {
        if (send_data(s, wave, b, e))
            return e->status;
    } else if (FAILS(r,
                     DAM_LAUNCHED(
                         dam_launch_patterns((float *)b->memory.at, p->seed, p->N, p->M, wave.count,
                                             dam_patterns_number(p, wave.first), r->making)),
                     e)) {
        return e->status;
    }
    if ((r->coarse && begin_bytes(s, wave, b, e)) ||
        FAILS(r, cudaEventRecord(b->made, r->making), e))
        return e->status;
    b->wave = wave;
    return DAM_OK;
}

static bool same(dam_wave a, dam_wave b)
{
    return a.first == b.first && a.count == b.count;
}

/* The buffer with the wave's patterns, or NULL. */
static pattern_buffer *find_patterns(const dam_sampler *s, room *r, dam_wave wave)
{
    for (int i = 0; i < r->buffers; i++)
        if (same(r->patterns[i].wave, wave) ||
            (shares_patterns(s) && r->patterns[i].wave.count > 0))
            return r->patterns + i;
    return NULL;
}

static dam_status make_patterns(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t after = wave.first + wave.count, left = s->patterns->disorder - after;
    const dam_wave next = {after, left < r->capacity ? left : r->capacity};
    pattern_buffer *b, *other;
    pattern_parts parts;

    if (enter(r, e))
        return e->status;
    b = find_patterns(s, r, wave);
    if (!b) {
        b = r->patterns;
        if (begin_patterns(s, wave, b, e))
            return e->status;
    }
    r->made = b->made;
    r->wave = describe(s, wave.count);
    parts = parts_of(s, b->memory.at, shares_patterns(s) ? 1 : (uint64_t)wave.count);
    r->wave.panels = parts.panels;
    r->wave.coarse_of = parts.of;
    r->wave.coarse_bytes = parts.words;
    other = b == r->patterns ? r->patterns + 1 : r->patterns;
    if (r->buffers == 2 && left > 0 && !s->patterns->data && !same(other->wave, next) &&
        begin_patterns(s, next, other, e))
        return e->status;
    return DAM_OK;
}

/* ---- chains ---- */

static int64_t chains_of(const dam_sampler *s)
{
    return s->n_T * s->replicas;
}

static dam_device_chain to_device(const dam_chain *c)
{
    dam_device_chain d;

    memset(&d, 0, sizeof d);
    d.proposals = c->proposals;
    d.acceptance = c->acceptance;
    d.sigma = c->sigma;
    d.theta = c->theta;
    d.L = c->L;
    d.phi = c->phi;
    d.decisions = c->decisions;
    d.steps = c->steps;
    d.accepted = c->accepted;
    d.phi_sum = c->phi_sum;
    d.phi2_sum = c->phi2_sum;
    d.L_sum = c->L_sum;
    d.L2_sum = c->L2_sum;
    d.phi_max_other = c->phi_max_other;
    d.tried = c->tried[DAM_TIER_SINGLE];
    d.unsure = c->unsure[DAM_TIER_SINGLE];
    d.patterns = c->patterns[DAM_TIER_SINGLE] + c->patterns[DAM_TIER_REFERENCE];
    d.coarse_patterns = c->patterns[DAM_TIER_COARSE];
    d.coarse_tried = c->tried[DAM_TIER_COARSE];
    d.coarse_unsure = c->unsure[DAM_TIER_COARSE];
    d.list_patterns = c->patterns[DAM_TIER_ACTIVE];
    d.list_tried = c->tried[DAM_TIER_ACTIVE];
    d.list_unsure = c->unsure[DAM_TIER_ACTIVE];
    d.rebuilds = c->rebuilds;
    d.listed = c->listed;
    d.now = dam_unknown();
    if (c->exact)
        d.now.low = d.now.high = c->L;
    else if (c->known_at == c->steps)
        d.now = c->now;
    return d;
}

static void from_device(const dam_device_chain *d, uint64_t M, dam_chain *c)
{
    c->L = d->L;
    c->phi = d->phi;
    c->exact = d->now.low == d->now.high;
    c->decisions = d->decisions;
    c->steps = d->steps;
    c->accepted = d->accepted;
    c->phi_sum = d->phi_sum;
    c->phi2_sum = d->phi2_sum;
    c->L_sum = d->L_sum;
    c->L2_sum = d->L2_sum;
    c->phi_max_other = d->phi_max_other;
    c->now = d->now;
    c->known_at = d->now.high < HUGE_VAL ? c->steps : UINT64_MAX;
    c->patterns[DAM_TIER_SINGLE] += (d->tried - c->tried[DAM_TIER_SINGLE]) * M;
    c->patterns[DAM_TIER_REFERENCE] = d->patterns - c->patterns[DAM_TIER_SINGLE];
    c->tried[DAM_TIER_SINGLE] = d->tried;
    c->unsure[DAM_TIER_SINGLE] = d->unsure;
    c->patterns[DAM_TIER_COARSE] = d->coarse_patterns;
    c->tried[DAM_TIER_COARSE] = d->coarse_tried;
    c->unsure[DAM_TIER_COARSE] = d->coarse_unsure;
    c->patterns[DAM_TIER_ACTIVE] = d->list_patterns;
    c->tried[DAM_TIER_ACTIVE] = d->list_tried;
    c->unsure[DAM_TIER_ACTIVE] = d->list_unsure;
    c->rebuilds = d->rebuilds;
    c->listed = d->listed;
}

/* The parts of the staging memory, for the wave on the device. */
typedef struct {
    dam_device_chain *chain; /* [disorders][chains] */
    float *x;                /* [disorders][chains][N] */
    double *q12_sum;         /* [disorders][n_T] */
    double *phi, *L, *q12;   /* the log's rows */
} staged;

static dam_status stage_wave(dam_sampler *s, int64_t rows, staged *out, dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t groups = (uint64_t)(r->wave.disorders * s->n_T);
    const uint64_t chains = groups * (uint64_t)s->replicas;
    const uint64_t sizes[] = {chains * sizeof(dam_device_chain),
                              chains * (uint64_t)s->patterns->N * sizeof(float),
                              groups * sizeof(double),
                              (uint64_t)rows * chains * sizeof(double),
                              (uint64_t)rows * chains * sizeof(double),
                              (uint64_t)rows * groups * sizeof(double)};
    void **const parts[] = {(void **)&out->chain, (void **)&out->x, (void **)&out->q12_sum,
                            (void **)&out->phi,   (void **)&out->L, (void **)&out->q12};
    uint64_t bytes = 0;

    for (int i = 0; i < 6; i++)
        bytes += (sizes[i] + 63) / 64 * 64;
    if (stage(r, bytes, e))
        return e->status;
    bytes = 0;
    for (int i = 0; i < 6; i++) {
        *parts[i] = (char *)r->staging + bytes;
        bytes += (sizes[i] + 63) / 64 * 64;
    }
    return DAM_OK;
}

static dam_status send(room *r, void *to, const void *from, uint64_t bytes, dam_error *e)
{
    return failed_code(r->number,
                       cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, r->stream),
                       "cudaMemcpyAsync to the device", __LINE__, e);
}

static dam_status fetch(room *r, void *to, const void *from, uint64_t bytes, dam_error *e)
{
    return failed_code(r->number,
                       cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, r->stream),
                       "cudaMemcpyAsync to the host", __LINE__, e);
}

static dam_status upload(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t chains = wave.count * chains_of(s), first = wave.first * chains_of(s);
    const int64_t groups = wave.count * s->n_T;
    const float *x = s->x + first * s->patterns->N;
    int64_t *target;
    staged host;

    (void)dam_wave_layout(&r->wave, r->work.at);
    if (r->lists.at)
        (void)dam_wave_layout_lists(&r->wave, r->lists.at);
    else
        r->wave.list_room = 0;
    r->wave.target = (const int64_t *)r->targets.at;
    r->wave.end = (uint64_t *)r->ends.at;
    r->wave.single = tiers_of(s) >> DAM_TIER_SINGLE & 1 ? dam_wave_single(&r->wave) : 0;
    if (!same(r->lists_of, wave) &&
        FAILS(r, DAM_LAUNCHED(dam_launch_forget(&r->wave, r->stream)), e))
        return e->status;
    r->lists_of.count = 0; /* until what they are used for has arrived */
    if (stage_wave(s, 0, &host, e))
        return e->status;
    for (int64_t c = 0; c < chains; c++)
        host.chain[c] = to_device(s->chain + first + c);
    target = (int64_t *)(void *)host.x; /* states go directly */
    for (int64_t d = 0; d < wave.count; d++)
        target[d] = dam_patterns_target(s->patterns, wave.first + d);
    if (send(r, r->wave.chain, host.chain, (uint64_t)chains * sizeof *host.chain, e) ||
        send(r, r->targets.at, target, (uint64_t)wave.count * sizeof *target, e) ||
        send(r, r->wave.x, x, (uint64_t)(chains * s->patterns->N) * sizeof *x, e) ||
        send(r, r->wave.q12_sum, s->q12_sum + wave.first * s->n_T,
             (uint64_t)groups * sizeof *s->q12_sum, e))
        return e->status;
    if (FAILS(r, cudaStreamSynchronize(r->stream), e)) /* the staging memory is used again */
        return e->status;
    r->fresh = true;
    r->logged = r->ended = r->timed = false;
    return DAM_OK;
}

/*
 * To be called before the first launch that reads patterns, and after the last upload: an upload
 * keeps the host waiting for all that is in the stream, and the host has other samplers to serve.
 */
static dam_status await_patterns(room *r, dam_error *e)
{
    return failed_code(r->number, cudaStreamWaitEvent(r->stream, r->made, 0), "cudaStreamWaitEvent",
                       __LINE__, e);
}

static dam_status energies(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;

    (void)wave;
    if (enter(r, e) || await_patterns(r, e))
        return e->status;
    return failed_code(r->number, DAM_LAUNCHED(dam_launch_evaluate(&r->wave, 0, r->stream)),
                       "dam_launch_evaluate", __LINE__, e);
}

/* ---- steps ---- */

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The steps that the wave's chains have done: of those behind `end`, the fewest. */
static uint64_t least_steps(const dam_sampler *s, dam_wave wave, uint64_t end)
{
    const int64_t chains = chains_of(s);
    uint64_t least = end;

    for (int64_t c = wave.first * chains; c < (wave.first + wave.count) * chains; c++)
        if (s->chain[c].steps < least)
            least = s->chain[c].steps;
    return least;
}

/* Where the piece that begins at step `begin` ends. */
static uint64_t piece_end(const dam_sampler *s, const room *r, uint64_t begin, uint64_t end)
{
    const dam_record *record = r->logged ? s->record : NULL;
    uint64_t steps = r->seconds > 0 ? (uint64_t)(PIECE_SECONDS / r->seconds) : GRAPH_STEPS;

    if (steps < 1)
        steps = 1;
    if (steps > PIECE_STEPS)
        steps = PIECE_STEPS;
    if (record && steps > (uint64_t)r->log_rows)
        steps = (uint64_t)r->log_rows;
    if (record && record->options.tracks > 0) {
        /* a block's last state must be seen by the host */
        const uint64_t every = (uint64_t)record->options.every;
        const uint64_t left = every - (begin - record->sample.begin) % every;
        if (steps > left)
            steps = left;
    }
    return end - begin < steps ? end : begin + steps;
}

#ifndef DAM_CUDA_ON_CPU
/* The graph of GRAPH_STEPS steps of the wave on the device. */
static dam_status make_graph(room *r, dam_error *e)
{
    cudaGraph_t graph = NULL;
    cudaError_t code = cudaSuccess, ended;

    if (r->graph && memcmp(&r->graph_wave, &r->wave, sizeof r->wave) == 0)
        return DAM_OK;
    drop_graph(r);
    if (FAILS(r, cudaStreamBeginCapture(r->stream, cudaStreamCaptureModeThreadLocal), e))
        return e->status;
    for (int i = 0; i < GRAPH_STEPS && code == cudaSuccess; i++)
        code = dam_launch_step(&r->wave, r->stream);
    ended = cudaStreamEndCapture(r->stream, &graph);
    if (code == cudaSuccess)
        code = ended;
    if (code == cudaSuccess)
        code = cudaGraphInstantiate(&r->graph, graph, 0);
    if (graph)
        (void)cudaGraphDestroy(graph);
    if (code != cudaSuccess) {
        r->graph = NULL;
        return failed(r->number, code, "the graph of steps", __LINE__, e);
    }
    memcpy(&r->graph_wave, &r->wave, sizeof r->wave); /* its padding, too */
    return DAM_OK;
}
#endif

/* Puts `steps` steps into the stream, fewer when interrupted; chains stop where they are to. */
static dam_status launch_steps(room *r, uint64_t steps, dam_error *e)
{
    uint64_t done = 0;

    if (r->wave.resident.slots > 0) {
        if (steps == 0 || dam_interrupted())
            return DAM_OK;
        return failed_code(r->number,
                           DAM_LAUNCHED(dam_launch_resident(&r->wave, (int32_t)steps, r->stream)),
                           "dam_launch_resident", __LINE__, e);
    }
#ifndef DAM_CUDA_ON_CPU
    if (steps >= GRAPH_STEPS) {
        if (make_graph(r, e))
            return e->status;
        for (; done + GRAPH_STEPS <= steps && !dam_interrupted(); done += GRAPH_STEPS)
            if (FAILS(r, cudaGraphLaunch(r->graph, r->stream), e))
                return e->status;
    }
#endif
    for (; done < steps && !dam_interrupted(); done++)
        if (FAILS(r, DAM_LAUNCHED(dam_launch_step(&r->wave, r->stream)), e))
            return e->status;
    return DAM_OK;
}

/* What the device has to know of the piece from step `begin` to `end`. */
static dam_status send_piece(dam_sampler *s, uint64_t begin, uint64_t end, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t groups = r->wave.disorders * s->n_T;
    const int64_t rows = r->log_rows;
    dam_device_log log;

    memset(&log, 0, sizeof log);
    log.first = r->row = begin;
    if (r->logged) {
        log.phi = (double *)r->rows.at;
        log.L = log.phi + rows * groups * s->replicas;
        log.q12 = log.L + rows * groups * s->replicas;
    }
    if ((r->logged && send(r, r->log.at, &log, sizeof log, e)) ||
        send(r, r->ends.at, &end, sizeof end, e))
        return e->status;
    return failed_code(r->number, cudaStreamSynchronize(r->stream), "cudaStreamSynchronize",
                       __LINE__, e); /* what was sent is on the stack */
}

/* Whether lists are there, or may pay, for a stretch of `steps` steps. */
static bool lists_pay(const dam_sampler *s, const room *r, uint64_t steps)
{
    const bool kept = r->capacity == s->patterns->disorder && keeps(s) &&
                      (s->keep_patterns || r->lists.bytes <= KEEP_BYTES);

    return r->wave.list_room > 0 && (kept || steps >= DAM_ACTIVE_LEAST_STEPS);
}

/* How the stretch whose first step is `begin` is to be taken. */
static void plan_stretch(dam_sampler *s, const dam_stretch *to, uint64_t begin)
{
    room *r = (room *)s->room;

    r->to = *to;
    r->logged = to->measure && s->record;
    r->wave.measure = to->measure;
    r->wave.lists = lists_pay(s, r, to->end - begin);
    r->wave.log = r->logged ? (dam_device_log *)r->log.at : NULL;
}

/* What is needed once, before the first step of a stretch. */
static dam_status begin_stretch(room *r, dam_error *e)
{
    if (await_patterns(r, e) ||
        FAILS(r, DAM_LAUNCHED(dam_launch_evaluate(&r->wave, 1, r->stream)), e))
        return e->status;
    if (r->to.measure && FAILS(r, DAM_LAUNCHED(dam_launch_q12(&r->wave, r->stream)), e))
        return e->status;
    r->fresh = false;
    return DAM_OK;
}

/* What is needed once, after the last one: exact energies, and at a sample's end phi_max_other. */
static dam_status end_stretch(room *r, dam_error *e)
{
    if (FAILS(r, DAM_LAUNCHED(dam_launch_evaluate(&r->wave, 1, r->stream)), e))
        return e->status;
    if (r->to.last && FAILS(r, DAM_LAUNCHED(dam_launch_largest(&r->wave, r->stream)), e))
        return e->status;
    return DAM_OK;
}

static dam_status step_many(dam_sampler *s, dam_wave wave, const dam_stretch *to, bool *there,
                            dam_error *e)
{
    room *r = (room *)s->room;
    const uint64_t begin = least_steps(s, wave, to->end);
    uint64_t end;

    if (enter(r, e))
        return e->status;
    if (r->fresh)
        plan_stretch(s, to, begin);
    end = piece_end(s, r, begin, to->end);
    r->piece = (int64_t)(end - begin);
    if (send_piece(s, begin, end, e) || (r->fresh && begin_stretch(r, e)) ||
        FAILS(r, cudaEventRecord(r->began, r->stream), e) || launch_steps(r, end - begin, e) ||
        FAILS(r, cudaEventRecord(r->done, r->stream), e))
        return e->status;
    *there = r->ended = end == to->end && !dam_interrupted();
    r->timed = end > begin && !dam_interrupted();
    return r->ended ? end_stretch(r, e) : DAM_OK;
}

static dam_status sync(dam_sampler *s, dam_error *e)
{
    room *r = (room *)s->room;
    float milliseconds = 0;

    if (enter(r, e) || FAILS(r, cudaStreamSynchronize(r->stream), e))
        return e->status;
    if (r->timed) {
        if (FAILS(r, cudaEventElapsedTime(&milliseconds, r->began, r->done), e))
            return e->status;
        r->seconds = fmax(1e-3 * (double)milliseconds, 1e-6) / (double)r->piece;
        r->timed = false;
    }
    return DAM_OK;
}

/* ---- results ---- */

/* The steps of the log, in order, into the record: those that the host's chains have not done. */
static void replay(dam_sampler *s, dam_wave wave, const staged *host)
{
    const room *r = (const room *)s->room;
    const int64_t groups = wave.count * s->n_T, N = s->patterns->N;

#pragma omp parallel for schedule(static) if (groups > 1)
    for (int64_t g = 0; g < groups; g++) {
        const int64_t d = g / s->n_T, t = g % s->n_T;
        const int64_t place = t * s->record->disorder + wave.first + d;
        const dam_chain *before = s->chain + wave.first * chains_of(s) + g * s->replicas;
        const dam_device_chain *after = host->chain + g * s->replicas;
        for (uint64_t step = before->steps; step < after->steps; step++) {
            const dam_moment m = dam_record_moment(s->record, step);
            const int64_t row = (int64_t)(step - r->row);
            for (int64_t a = 0; a < s->replicas; a++) {
                const int64_t c = g * s->replicas + a, i = row * groups * s->replicas + c;
                dam_record_chain(s->record, m, place * s->replicas + a, host->phi[i], host->L[i],
                                 host->x + c * N);
            }
            if (s->replicas > 1)
                dam_record_q12(s->record, m, place, host->q12[row * groups + g]);
        }
    }
}

static dam_status download(dam_sampler *s, dam_wave wave, dam_error *e)
{
    room *r = (room *)s->room;
    const int64_t chains = wave.count * chains_of(s), first = wave.first * chains_of(s);
    const int64_t groups = wave.count * s->n_T, rows = r->logged ? r->piece : 0;
    const uint64_t x_bytes = (uint64_t)(chains * s->patterns->N) * sizeof *s->x;
    const uint64_t row = (uint64_t)rows * sizeof(double);
    const double *phi = (const double *)r->rows.at, *L = phi + r->log_rows * chains;
    staged host;

    if (stage_wave(s, rows, &host, e) ||
        fetch(r, host.chain, r->wave.chain, (uint64_t)chains * sizeof *host.chain, e) ||
        fetch(r, host.x, r->wave.x, x_bytes, e) ||
        fetch(r, host.q12_sum, r->wave.q12_sum, (uint64_t)groups * sizeof *host.q12_sum, e))
        return e->status;
    if (rows > 0 && (fetch(r, host.phi, phi, row * (uint64_t)chains, e) ||
                     fetch(r, host.L, L, row * (uint64_t)chains, e) ||
                     fetch(r, host.q12, L + r->log_rows * chains, row * (uint64_t)groups, e)))
        return e->status;
    if (FAILS(r, cudaStreamSynchronize(r->stream), e))
        return e->status;
    if (rows > 0)
        replay(s, wave, &host);
    for (int64_t c = 0; c < chains; c++) {
        from_device(host.chain + c, (uint64_t)s->patterns->M, s->chain + first + c);
        s->chain[first + c].measured |= r->ended && r->to.last;
    }
    memcpy(s->x + first * s->patterns->N, host.x, x_bytes);
    memcpy(s->q12_sum + wave.first * s->n_T, host.q12_sum, (size_t)groups * sizeof *host.q12_sum);
    r->lists_of = wave;
    return DAM_OK;
}

/* ---- ceilings ---- */

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

    if (enter(r, e) || FAILS(r, dam_chip_of(r->number, &chip), e) || budget(r, &bytes, e) ||
        FAILS(r, cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking), e))
        return e->status;
    bytes = bytes / 8 < CEILING_BYTES ? bytes / 8 : CEILING_BYTES;
    c->blocks = 8 * (chip.blocks > 0 ? chip.blocks : 128);
    c->singles = (int64_t)(bytes / sizeof(float) / 4 * 4);
    if (take(r, bytes, "a copy", &c->from, e) || take(r, bytes, "a copy", &c->to, e) ||
        FAILS(r, cudaMemsetAsync(c->from.at, 0, bytes, r->stream), e))
        return e->status;
    return DAM_OK;
}

static dam_status ceilings(int number, double *multiply_adds, double *bytes, dam_error *e)
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
    give_back(&r, &c.from);
    give_back(&r, &c.to);
    if (r.stream)
        (void)cudaStreamDestroy(r.stream);
    return status;
}

} // namespace DAM_CUDA_NAMESPACE

#ifdef DAM_CUDA_ON_CPU
#define BACKEND dam_backend_cuda_on_cpu
#else
#define BACKEND dam_backend_cuda
#endif

/* in the order of struct dam_backend */
const dam_backend BACKEND = {
    KIND,
    DAM_CUDA_NAMESPACE::probe,
    DAM_CUDA_NAMESPACE::open_room,
    DAM_CUDA_NAMESPACE::close_room,
    DAM_CUDA_NAMESPACE::alloc,
    DAM_CUDA_NAMESPACE::trim,
    DAM_CUDA_NAMESPACE::make_patterns,
    DAM_CUDA_NAMESPACE::upload,
    DAM_CUDA_NAMESPACE::energies,
    DAM_CUDA_NAMESPACE::step_many,
    DAM_CUDA_NAMESPACE::sync,
    DAM_CUDA_NAMESPACE::download,
    DAM_CUDA_NAMESPACE::last_error,
    DAM_CUDA_NAMESPACE::share,
    DAM_CUDA_NAMESPACE::ceilings,
};
