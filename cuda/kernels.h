/*
 * What runs on a CUDA device, as functions of the host that put kernels into a stream. A wave of
 * disorders, with all of their chains, is taken through its steps by the same sequence of launches
 * at every step: the host reads nothing in between, so that a step can be captured into a graph and
 * replayed. Where patterns fit on the chip, many steps are one launch. Every decision is that of
 * the reference evaluation (reference.h); states, decisions, phi and q12 have the bits of the CPU
 * (docs/numerics.md, "Why the GPU gives the same bits"). Nothing depends on how many blocks or
 * threads a kernel is given, or on the device.
 *
 * The same source is compiled by nvcc, into namespace dam_cuda, and by a C++ compiler over
 * tests/cuda_on_cpu/shim.h, into namespace dam_cuda_on_cpu, where `device memory` is the host's and
 * a stream is done when a launch returns, unless a test makes it lazy. A function returns
 * cudaSuccess or what a launch said.
 */
#ifndef DAM_CUDA_KERNELS_H
#define DAM_CUDA_KERNELS_H

#include "kernels/platform.h"

#include "active_rest.h"
#include "reference.h"
#include "sphere.h"

namespace DAM_CUDA_NAMESPACE
{

/* How a coarse pass fares with a chain; all zero: nothing is known. */
struct dam_coarse_fortune {
    double depth;          /* LSE: near patterns begin so far below L */
    uint64_t wait_until;   /* step before which it is not asked */
    int32_t tried, failed; /* of the last proposals */
};

/* One chain on the device. The host fills it from its dam_chain, and that from it. */
struct dam_device_chain {
    /* as in dam_chain */
    dam_stream proposals, acceptance;
    double sigma, theta;
    double L, phi;
    uint64_t decisions, steps, accepted;
    double phi_sum, phi2_sum, L_sum, L2_sum;
    double phi_max_other;
    uint64_t patterns; /* evaluated, in whatever precision */
    uint64_t tried;    /* proposals given to the single precision pass, */
    uint64_t unsure;   /* of them left to the reference */

    /* the same of lists; lists made, and the sum of the lengths of those that were asked */
    uint64_t list_patterns, list_tried, list_unsure, rebuilds, listed;

    /* the same of coarse passes; how they fare with the chain */
    uint64_t coarse_patterns, coarse_tried, coarse_unsure;
    struct dam_coarse_fortune fortune[2]; /* [1]: for energies */

    dam_interval now; /* L of the state: low = high when it is the reference's value */

    /* of the step in progress: the host need not set these */
    dam_interval next; /* L of the proposal */
    double threshold;  /* theta ln u */
    double next_phi;   /* alignment of the proposal, when the reference evaluated it */
    int32_t verdict;   /* enum dam_verdict */
    int32_t evaluated; /* the reference evaluated the proposal */
    int32_t column;    /* of the single precision pass; -1: straight to the reference */
    int32_t builder;   /* where the reference is to leave its alignments for a list; -1: nowhere */
};

/*
 * The list of a chain (active_rest.h); all zero: none, and nothing is known of lists. Its patterns
 * are kept `across` side by side, a power of two up to 32: [panel][k][across].
 */
struct dam_near_list {
    double sigma;  /* of the proposals that the list is for; a change begins anew */
    double spread; /* mean square of the angle by which the chain moves in a step; 0: unknown */
    double account;
    uint64_t retry_at, patience;
    /* of the list that is there */
    int32_t listed; /* patterns; 0: there is none */
    int32_t across;
    int32_t angles; /* entries of `rest`; nothing is known of larger angles */
    double top, cost, debt;
    uint64_t made_at;
    dam_active_rest rest[DAM_ACTIVE_ANGLES];
};

/*
 * The patterns of a disorder in bytes (coarse.h): bits of singles, which order like them. They are
 * `largest` / 127 times their bytes, and off that by a vector of length `error` at most.
 */
struct dam_byte_patterns {
    int32_t largest, error;
};

/* A proposal in bytes. */
struct dam_byte_row {
    int32_t chain;       /* within the disorder */
    int32_t start;       /* a product, this much larger, is above 0 where the pattern is near */
    int32_t low, factor; /* LSE: what makes it the bits of a term */
    double error;        /* of its alignments; infinite: nothing can be said */
    double edge;         /* LSE: c phi of a term that counts as 1 */
};

/* How the products of the coarse pass are computed; to the same integers. */
enum dam_coarse_products { DAM_COARSE_OFF, DAM_COARSE_UNITS, DAM_COARSE_PLAIN };

/* No chain claims a builder: bytes of 0x7f. */
#define DAM_NOBODY 0x7f7f7f7f

enum dam_verdict { DAM_UNDECIDED, DAM_ACCEPTED, DAM_REJECTED, DAM_ARRIVED /* no step to take */ };

/* Chains of one disorder that are evaluated together by the reference. */
#define DAM_BATCH 4
struct dam_batch {
    int32_t disorder, count;
    int32_t chain[DAM_BATCH]; /* within the disorder */
};

#define DAM_QUEUES 2 /* proposals, and states, that the reference is to evaluate */

/* What happened at each step, where a record is kept; any of the arrays may be NULL. */
struct dam_device_log {
    uint64_t first;    /* the step that has row 0 */
    double *phi, *L;   /* [rows][disorders][chains] */
    double *q12;       /* [rows][disorders][chains / replicas] */
    uint8_t *accepted; /* [rows][disorders][chains] */
};

/* What of a device can hold patterns while they are used. */
struct dam_chip {
    int32_t blocks;  /* of threads, that run at the same time and hold that much memory each: its
                        multiprocessors; 0: it cannot make them wait for each other */
    uint64_t shared; /* bytes of shared memory of such a block */
};

/* Chains that the resident kernel evaluates by the reference between two barriers, and what it
 * keeps of each chain for all blocks to see. */
#define DAM_RESIDENT_ROUND 16
#define DAM_RESIDENT_FLAGS 3

/*
 * How a wave's disorders are held on the chip (resident.cu): `slots` of them at a time, each by a
 * `crew` of blocks, of which each has `parts` parts of 128 patterns. slots = 0: they are not.
 */
struct dam_resident {
    int32_t slots, crew, parts;
    int32_t columns; /* proposals that a block looks at together */
    int32_t room;    /* slots that there is memory for */
    /* cut by dam_wave_layout */
    double *sum;      /* [room][all parts][2][width]: of the single precision pass */
    double *phi;      /* [room][DAM_RESIDENT_ROUND][M]: alignments for the reference */
    int32_t *flag;    /* [room][2][DAM_RESIDENT_FLAGS][chains] */
    int32_t *arrived; /* [room]: blocks that have come to a barrier of their crew, ever */
};

/*
 * A wave. Pointers are to device memory; those under "cut by dam_wave_layout" are set by it. The
 * structure itself is passed to kernels by value.
 */
struct dam_device_wave {
    dam_reference reference;
    int32_t N;
    int32_t single; /* the single precision pass is to be used: as dam_wave_single advises, or 0 */
    int64_t M;
    int64_t disorders;
    int64_t chains;    /* per disorder: temperatures times replicas, replicas of one T together */
    int64_t replicas;  /* of a temperature, when measuring; else any divisor of `chains` */
    int32_t measure;   /* sums are kept; accepted energies are certified at every step */
    int32_t lists;     /* lists are asked, and made where they pay (2, for tests: where they can be
                          made);     0: none, as it must be where list_room = 0 */
    int32_t list_room; /* patterns of a list: as dam_wave_list_room advises, or 0 */
    int32_t coarse;    /* enum dam_coarse_products; off, where dam_wave_coarse is 0 */
    struct dam_resident resident; /* as dam_wave_resident says, or slots = 0 */

    const float *panels;   /* [disorder][panel][k][DAM_PANEL], aligned to 256 bytes */
    int64_t panels_stride; /* singles from one disorder to the next; 0: all share one set */
    const struct dam_byte_patterns *coarse_of; /* [disorders], or one that all share */
    const int32_t *coarse_bytes; /* [disorder][dam_coarse_words]: the patterns in bytes */
    const int64_t *target;       /* [disorders]: index of the target pattern */

    uint64_t *end; /* one number: chains whose `steps` have reached it stay as they are */
    struct dam_device_log *log; /* one structure, on the device as well; NULL: no log */

    /* cut by dam_wave_layout */
    struct dam_device_chain *chain; /* [disorders][chains] */
    float *x;                       /* [disorders][chains][N] */
    double *q12, *q12_sum;          /* [disorders][chains / replicas] */
    float *proposal;                /* [disorders][chains][N] */
    float *columns;                 /* [disorders][N][width]: the proposals, k-major */
    float *shift;                   /* [disorders][width] */
    double *partial;                /* [disorders][splits][2][width] */
    dam_block_sum *sums;            /* [disorders][chains][blocks] */
    int32_t *queued;                /* [DAM_QUEUES]: batches that wait for the reference */
    struct dam_batch *queue;        /* [DAM_QUEUES][room] */
    int64_t room;                   /* batches that a queue can hold */
    int32_t width;                  /* `chains` rounded up to whole tiles of the single pass */
    int32_t splits, tiles;          /* parts of the patterns, and tiles of patterns in a part */

    int32_t *open;    /* [disorders]: columns in use, where other tiers come first */
    int32_t *who;     /* [disorders][width]: chain of a column */
    int32_t builders; /* chains of a disorder that get lists in the same step */

    /* the same, when coarse */
    int32_t *coarse_open;            /* [disorders]: rows in use */
    struct dam_byte_row *coarse_row; /* [disorders][coarse_width] */
    int32_t *coarse_state;           /* [disorders][coarse_width][slice]: their bytes */
    double *coarse_rest;             /* [disorders][segments][coarse_width] */
    int32_t *coarse_count;           /* the same: near patterns, */
    uint16_t *coarse_near;           /* [..][coarse_room]: and their places in the segment */
    int32_t coarse_width;            /* `chains` rounded up to whole tiles of the coarse pass */
    int32_t segments, coarse_room;   /* parts of the patterns; near ones that are noted */
    int32_t segment;                 /* panels of a part */

    /* cut by dam_wave_layout_lists */
    struct dam_near_list *list; /* [disorders][chains] */
    float *listed;              /* [disorders][chains][list_room][N] */
    float *centre;              /* [disorders][chains][N]: where lists were made */
    int32_t *claim;             /* [disorders][builders]: chain that is given a list */
    uint16_t *bins;             /* [disorders][builders][M]: alignments of its proposal */
};

/*
 * Bytes that a wave needs beside its patterns; with `memory` (of the device, aligned to 256 bytes)
 * also sets what is "cut by dam_wave_layout". N, M, disorders, chains, replicas, coarse and
 * resident must be set. Large parts, per chain: 12 N bytes of states and 16 bytes per block of 1024
 * patterns; for the coarse pass M/2 bytes more at most. 128 M bytes for each disorder on the chip.
 */
uint64_t dam_wave_layout(struct dam_device_wave *w, void *memory);

/*
 * Plans w->resident for the chip, where a disorder's patterns fit on it; else slots = 0. N, M,
 * disorders, chains and replicas must be set, and coarse and list_room 0. To be called before
 * dam_wave_layout.
 */
void dam_wave_resident(struct dam_device_wave *w, struct dam_chip chip);

/* Whether that is done; `others`: only where it is likely to take less time than lists, or the
 * coarse pass. */
int32_t dam_wave_resident_pays(const struct dam_device_wave *w, int32_t others);

/* The chip of a device, as far as the kernel that keeps patterns there can have it. */
cudaError_t dam_chip_of(int32_t device, struct dam_chip *chip);

/*
 * The same for lists, after dam_wave_layout, with list_room set and above 0. Per chain: 4 N bytes
 * for each pattern of list_room, 128 KiB at most where N is below 8192, and 4 KiB; 16 M bytes per
 * disorder.
 */
uint64_t dam_wave_layout_lists(struct dam_device_wave *w, void *memory);

/* Whether the single precision pass can decide much here; else all goes to the reference. */
int32_t dam_wave_single(const struct dam_device_wave *w);

/* Whether there is a coarse pass for this wave; `automatic`: and is likely to save time. */
int32_t dam_wave_coarse(const struct dam_device_wave *w, int32_t automatic);

/* Words, of four bytes, that the patterns of a disorder need for it. */
int64_t dam_coarse_words(int32_t N, int64_t M);

/* Makes the bytes of `sets` disorders, words[set][dam_coarse_words], from their panels. */
cudaError_t dam_launch_bytes(const float *panels, int32_t N, int64_t M, int64_t sets,
                             struct dam_byte_patterns *of, int32_t *words, cudaStream_t stream);

/* Patterns that a list should have room for; 0: too few patterns for lists. N and M must be set. */
int32_t dam_wave_list_room(const struct dam_device_wave *w);

/* Forgets all lists: once after dam_wave_layout_lists, and for other chains. */
cudaError_t dam_launch_forget(const struct dam_device_wave *w, cudaStream_t stream);

/*
 * Makes the patterns of the disorders numbered `number` .. number + disorders - 1 (from 1), as
 * dam_patterns_fill_panel does: panels [disorder][panel][k][DAM_PANEL], every number of which is
 * written. User data are uploaded in this form instead.
 */
cudaError_t dam_launch_patterns(float *panels, uint64_t seed, int32_t N, int64_t M,
                                int64_t disorders, int64_t number, cudaStream_t stream);

/*
 * L, phi and `now` of the states x, by the reference: of all chains, or (`inexact`) only of those
 * whose L is not the reference's own value. To be called after uploading new states (all), before
 * the first step of a stretch (inexact; chains that came from the host with exact = false have
 * now.low < now.high, e.g. -inf and inf), and after its last step, so that the energies that the
 * host reads are exact.
 */
cudaError_t dam_launch_evaluate(const struct dam_device_wave *w, int32_t inexact,
                                cudaStream_t stream);

/* q12 of all groups of replicas as they are: before the first step that measures. */
cudaError_t dam_launch_q12(const struct dam_device_wave *w, cudaStream_t stream);

/*
 * One step of all chains that have not arrived at *w->end; always the same launches, for waves with
 * lists and for those without. q12_sum and
 * the chains' sums are added to when w->measure; the log, where there is one, gets its rows.
 */
cudaError_t dam_launch_step(const struct dam_device_wave *w, cudaStream_t stream);

/*
 * `steps` steps as dam_launch_step takes them, in one launch: each disorder's patterns are read
 * once and stay on the chip. w->resident.slots must be above 0, w->lists and w->coarse 0.
 */
cudaError_t dam_launch_resident(const struct dam_device_wave *w, int32_t steps,
                                cudaStream_t stream);

/* phi_max_other of the states: at the end of a sample. */
cudaError_t dam_launch_largest(const struct dam_device_wave *w, cudaStream_t stream);

/*
 * For benchmarks: multiply-adds in registers, dam_multiply_adds(blocks, rounds) of them, with one
 * number for each of 256 threads a block to `out`; and a copy of `singles`, a multiple of 4.
 */
double dam_multiply_adds(int32_t blocks, int32_t rounds);
cudaError_t dam_launch_multiply_adds(float *out, int32_t blocks, int32_t rounds,
                                     cudaStream_t stream);
cudaError_t dam_launch_copy(float *to, const float *from, int64_t singles, int32_t blocks,
                            cudaStream_t stream);

} // namespace DAM_CUDA_NAMESPACE

#endif
