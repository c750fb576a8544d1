/*
 * Metropolis-Hastings sampling, B(7): chains (T, disorder, replica) whose every decision is that of
 * the reference evaluation (reference.h). Results do not depend on threads, instruction set, which
 * other chains are in the sampler, or how a run is cut into calls. An interruption leaves every
 * chain at a completed step; dam_sampler_finish completes what was asked.
 */
#ifndef DAM_SAMPLER_H
#define DAM_SAMPLER_H

#include <stdbool.h>
#include <stdint.h>

#include "active_set.h"
#include "device.h"
#include "hamiltonian.h"
#include "patterns.h"
#include "record.h"
#include "start.h"
#include "tiers.h"

#define DAM_MAX_REPLICAS UINT32_MAX
#define DAM_MAX_STEPS ((int64_t)1 << 48)

/* What lists may hold between calls, all chains together. */
#define DAM_LIST_BYTES ((uint64_t)256 << 20)

/* What a sampler is made from. */
typedef struct {
    dam_hamiltonian hamiltonian;
    dam_patterns *patterns; /* retained */
    const double *T;        /* [n_T], all > 0; copied */
    int64_t n_T;
    int64_t replicas, first_replica; /* numbers first_replica .. first_replica + replicas - 1 */
    uint64_t seed;
    double step;        /* B(7): sigma = step T / sqrt(N) */
    dam_tier_set tiers; /* that may be used; 0: the reference alone */
    dam_start start;
    dam_device_choice device; /* all zero: the CPU */
} dam_sampler_options;

/* One chain. The sums belong to the sample in progress, or to the last one. */
typedef struct {
    dam_stream proposals, acceptance;
    double sigma, theta;
    double L;         /* of the current state: the reference's value when `exact`, else near it */
    dam_interval now; /* contains the reference's value; when not `exact`, and at step known_at */
    uint64_t known_at;
    double phi; /* alignment of the current state with the target, when `exact` or measured */
    uint64_t decisions;     /* rolling hash of all decisions */
    uint64_t steps;         /* since creation */
    uint64_t energies_from; /* step from which the rough pass in bytes is asked for energies */
    uint64_t accepted;
    double phi_sum, phi2_sum, L_sum, L2_sum;
    double phi_max_other; /* of the last state of a sample */
    /* Work in the sample in progress, or in the last one. */
    uint64_t patterns[DAM_TIERS]; /* evaluated by each tier, */
    uint64_t tried[DAM_TIERS];    /* proposals that it was given, */
    uint64_t unsure[DAM_TIERS];   /* and of these left undecided */
    uint64_t rebuilds;            /* of lists */
    uint64_t listed;              /* sum of the lengths of the lists that were tried */
    bool exact;
    bool measured; /* phi_max_other is that of the sample in progress */
} dam_chain;

typedef enum { DAM_IDLE, DAM_RUNNING, DAM_SAMPLING } dam_activity;

/* How far all chains are on their way to a step (drive.h); all zero: on none. */
typedef struct {
    int64_t size;  /* disorders of a wave; 0: nothing has begun */
    int64_t first; /* of the wave in turn */
    bool aboard;   /* the backend has its patterns and chains, */
    bool flying;   /* works on them, */
    bool there;    /* and thereby takes them to the end */
} dam_way;

typedef struct {
    dam_hamiltonian hamiltonian;
    dam_reference reference;
    dam_patterns *patterns;
    const dam_kernels *kernels;
    double *T;
    int64_t n_T, replicas, first_replica;
    uint64_t seed;
    double step;
    dam_tier_set tiers;    /* as asked for; what is not usable here is left out */
    dam_chain *chain;      /* [disorder][T][replica] */
    dam_active_set *lists; /* [disorder][T][replica]: lists kept between calls; or NULL */
    float *x;              /* [disorder][T][replica][N] */
    double *q12_sum;       /* [disorder][T] */
    uint64_t steps;        /* completed by all chains before the activity in progress */
    dam_activity activity;
    uint64_t ask;       /* steps asked for by the activity in progress, or by the last sample */
    dam_record *record; /* of the sample in progress or the last one; NULL: nothing recorded */
    const dam_backend *backend;
    dam_way way;
    void *room;         /* the backend's own */
    bool keep_patterns; /* between calls, whatever their size */
} dam_sampler;

/* Quantities of the last sample. */
typedef enum {
    DAM_Q_PHI,            /* [T][disorder][replica] */
    DAM_Q_PHI2,           /* [T][disorder][replica] */
    DAM_Q_ENERGY_DENSITY, /* [T][disorder][replica] */
    DAM_Q_ENERGY2,        /* [T][disorder][replica]; mean square of the energy density */
    DAM_Q_ACCEPTANCE,     /* [T][disorder][replica] */
    DAM_Q_PHI_MAX_OTHER,  /* [T][disorder][replica]; NaN when M = 1 */
    DAM_Q_Q12,            /* [T][disorder]; mean over pairs of replicas */
} dam_quantity;

/* A sampler whose states are not set and not evaluated yet; for dam_sampler_create and _load. */
dam_status dam_sampler_allocate(dam_sampler **out, const dam_sampler_options *options,
                                dam_error *e);

/* Makes the chains and evaluates their starts. An LSR start out of support is an error. */
dam_status dam_sampler_create(dam_sampler **out, const dam_sampler_options *options, dam_error *e);
void dam_sampler_free(dam_sampler *s); /* NULL is allowed */

/* Chains in the sampler; index of one in s->chain and s->x. */
int64_t dam_sampler_chains(const dam_sampler *s);
int64_t dam_sampler_index(const dam_sampler *s, int64_t t, int64_t disorder, int64_t replica);

/*
 * Advances all chains by `steps`, without or with measuring. DAM_ERR_INTERRUPTED leaves an activity
 * to be finished; DAM_ERR_STATE when one is already there.
 */
dam_status dam_sampler_run(dam_sampler *s, int64_t steps, dam_error *e);
dam_status dam_sampler_sample(dam_sampler *s, int64_t steps, dam_error *e);

/* Begins a run and takes no step: it waits like an interrupted one. */
dam_status dam_sampler_begin_run(dam_sampler *s, int64_t steps, dam_error *e);

/* Steps since creation that the chains have done, on average: also while some are ahead. */
double dam_sampler_mean_steps(const dam_sampler *s);

/*
 * A sample in pieces: begins one, with a record of it if `record` is not NULL, and takes no step.
 * It waits like an interrupted one: dam_sampler_finish takes its steps.
 */
dam_status dam_sampler_begin_sample(dam_sampler *s, int64_t steps, const dam_record_options *record,
                                    dam_error *e);

/* What a record of `steps` steps from now on would be about; to ask for its size. */
dam_record_sample dam_sampler_record_sample(const dam_sampler *s, int64_t steps);

/*
 * Takes all chains of a recorded sample in progress to the end of the next block that nobody has
 * observed; `*there` is false when there is none. The sample goes on waiting, after the last block
 * too.
 */
dam_status dam_sampler_next_block(dam_sampler *s, bool *there, dam_error *e);

/* Releases the record of a completed sample. */
void dam_sampler_drop_record(dam_sampler *s);

/* Whether patterns, once made, are kept between calls whatever their size. */
void dam_sampler_keep_patterns(dam_sampler *s, bool keep);

/* A quantity of the states as they are now, shaped like that of a sample. */
dam_status dam_sampler_now(const dam_sampler *s, dam_recorded q, double *out, dam_error *e);

/* Completes what was interrupted; `*was` says what it was (DAM_IDLE: nothing to do). */
dam_status dam_sampler_finish(dam_sampler *s, dam_activity *was, dam_error *e);

/* Where the work of the last sample went, over the chains of one temperature. */
typedef struct {
    double patterns[DAM_TIERS]; /* evaluated per step by each tier */
    double unsure[DAM_TIERS];   /* fraction of the proposals given to it that it left undecided */
    double rebuilds;            /* lists made, per chain */
    double list_size;           /* mean length of the lists in use; 0 without any */
} dam_work;

dam_work dam_sampler_work(const dam_sampler *s, int64_t t);

/* Writes a quantity of the last completed sample. */
void dam_sampler_read(const dam_sampler *s, dam_quantity q, double *out);

/* Digest of a chain: its decisions since creation and its state (docs/numerics.md). */
uint64_t dam_sampler_chain_digest(const dam_sampler *s, int64_t chain);

/* Sum modulo 2^64 over chains of mix(identity of the chain, its digest). */
uint64_t dam_sampler_digest(const dam_sampler *s);

/* States as [T][disorder][replica][N]; setting them evaluates them, or changes nothing on error. */
void dam_sampler_state(const dam_sampler *s, double *out);
dam_status dam_sampler_set_state(dam_sampler *s, const double *states, dam_error *e);

/* Same chains at new temperatures (as many as before): states, step counters, decisions are kept.
 */
dam_status dam_sampler_set_T(dam_sampler *s, const double *T, dam_error *e);

/*
 * To and from a file, to the bit, an activity in progress included. A truncated or altered file is
 * an error. (Saving only reads; it is not const because one function walks for both directions.)
 */
#define DAM_SAMPLER_MAGIC "DAMMH1\r\n"
#define DAM_SAMPLER_MAGIC_SIZE 8
dam_status dam_sampler_save(dam_sampler *s, const char *path, dam_error *e);
dam_status dam_sampler_load(dam_sampler **out, const char *path, dam_device_choice device,
                            dam_error *e);

#endif
