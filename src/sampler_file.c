/*
 * A sampler's file: 64-bit little-endian words. Magic, the options, the patterns (their numbers, or
 * the user's data), the temperatures, the chains, the states, the record of a sample in progress,
 * and last a checksum over all words before it. One function walks over the fields for counting,
 * writing and reading alike.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "memory.h"
#include "sampler.h"

#define FORMAT 3
#define CHAIN_WORDS 16

/* A walk over the words of a file. */
typedef struct {
    enum { COUNT, WRITE, READ } mode;
    uint64_t *word; /* NULL when counting */
    int64_t at, count;
    bool past_end;
} walk;

static void visit(walk *w, uint64_t *v)
{
    if (w->mode == WRITE)
        w->word[w->at] = *v;
    else if (w->mode == READ && w->at < w->count)
        *v = w->word[w->at];
    else if (w->mode == READ)
        w->past_end = true;
    w->at++;
}

static void visit_integer(walk *w, int64_t *v)
{
    uint64_t word = (uint64_t)*v;
    visit(w, &word);
    *v = (int64_t)word;
}

static void visit_double(walk *w, double *v)
{
    uint64_t word = dam_bits64(*v);
    visit(w, &word);
    *v = dam_double(word);
}

/* Singles, two to a word; above an odd last one stands zero. */
static void visit_singles(walk *w, float *x, int64_t count)
{
    for (int64_t i = 0; i < count; i += 2) {
        uint64_t word = dam_bits32(x[i]);
        if (i + 1 < count)
            word |= (uint64_t)dam_bits32(x[i + 1]) << 32;
        visit(w, &word);
        x[i] = dam_float((uint32_t)word);
        if (i + 1 < count)
            x[i + 1] = dam_float((uint32_t)(word >> 32));
    }
}

/* Everything of fixed size. */
typedef struct {
    dam_hamiltonian h;
    int64_t N, M, disorder, first_disorder, data_sets;
    uint64_t pattern_seed, seed, steps, ask;
    int64_t n_T, replicas, first_replica, activity;
    double step;
    int64_t tiers;
    int64_t recorded; /* a record follows the states */
} options;

static void visit_options(walk *w, options *o)
{
    int64_t format = FORMAT, kernel = (int64_t)o->h.kernel, k = o->h.k;

    visit_integer(w, &format);
    visit_integer(w, &kernel);
    visit_double(w, &o->h.beta_net);
    visit_double(w, &o->h.b);
    visit_double(w, &o->h.epsilon);
    visit_integer(w, &k);
    visit_integer(w, &o->N);
    visit_integer(w, &o->M);
    visit_integer(w, &o->disorder);
    visit_integer(w, &o->first_disorder);
    visit_integer(w, &o->data_sets);
    visit(w, &o->pattern_seed);
    visit(w, &o->seed);
    visit(w, &o->steps);
    visit(w, &o->ask);
    visit_integer(w, &o->n_T);
    visit_integer(w, &o->replicas);
    visit_integer(w, &o->first_replica);
    visit_integer(w, &o->activity);
    visit_double(w, &o->step);
    visit_integer(w, &o->tiers);
    visit_integer(w, &o->recorded);
    o->h.kernel = (dam_kernel)(kernel >= DAM_LSE && kernel <= DAM_POLYNOMIAL ? kernel : DAM_LSE);
    o->h.k = (int)k;
    if (format != FORMAT)
        w->past_end = true;
}

static void visit_chain(walk *w, dam_chain *c)
{
    uint64_t flags = (uint64_t)c->measured | (uint64_t)c->exact << 1;

    visit_double(w, &c->L);
    visit_double(w, &c->now.low);
    visit_double(w, &c->now.high);
    visit(w, &c->known_at);
    visit_double(w, &c->phi);
    visit(w, &c->decisions);
    visit(w, &c->steps);
    visit(w, &c->accepted);
    visit_double(w, &c->phi_sum);
    visit_double(w, &c->phi2_sum);
    visit_double(w, &c->L_sum);
    visit_double(w, &c->L2_sum);
    visit_double(w, &c->phi_max_other);
    for (int tier = 0; tier < DAM_TIERS; tier++) {
        visit(w, c->patterns + tier);
        visit(w, c->tried + tier);
        visit(w, c->unsure + tier);
    }
    visit(w, &c->rebuilds);
    visit(w, &c->listed);
    visit(w, &flags);
    c->measured = flags & 1;
    c->exact = flags >> 1 & 1;
}

/* What follows the patterns. */
static void visit_chains(walk *w, dam_sampler *s)
{
    const int64_t chains = dam_sampler_chains(s);

    for (int64_t c = 0; c < chains; c++)
        visit_chain(w, s->chain + c);
    for (int64_t i = 0; i < chains / s->replicas; i++)
        visit_double(w, s->q12_sum + i);
    visit_singles(w, s->x, chains * s->patterns->N);
}

static void visit_record_options(walk *w, dam_record_options *o, int64_t *observed)
{
    visit_integer(w, &o->every);
    visit_integer(w, &o->tracks);
    visit_integer(w, observed);
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++) {
        uint64_t series = o->series[q];
        visit(w, &series);
        o->series[q] = series != 0;
        visit_integer(w, &o->histogram[q].bins);
        visit_double(w, &o->histogram[q].low);
        visit_double(w, &o->histogram[q].high);
    }
}

static void visit_array(walk *w, dam_array *a)
{
    for (int64_t i = 0; a->data && i < a->count; i++)
        visit_double(w, a->data + i);
}

/* What was recorded so far. */
static void visit_recorded(walk *w, dam_record *r)
{
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++) {
        visit_array(w, &r->series[q]);
        visit_array(w, &r->counts[q]);
        visit_array(w, &r->below[q]);
        visit_array(w, &r->above[q]);
    }
    visit_array(w, &r->tracked);
}

static void visit_all(walk *w, options *o, dam_sampler *s)
{
    dam_patterns *p = s->patterns;

    visit_options(w, o);
    for (int64_t t = 0; t < s->n_T; t++)
        visit_double(w, s->T + t);
    if (p->data) {
        for (int64_t d = 0; d < p->disorder; d++)
            visit_integer(w, p->target + d);
        visit_singles(w, p->data, p->data_sets * p->M * p->N);
    }
    visit_chains(w, s);
    if (o->recorded) {
        visit_record_options(w, &s->record->options, &s->record->observed);
        for (int64_t i = 0; i < s->record->options.tracks; i++)
            visit_integer(w, s->record->track + i);
        visit_recorded(w, s->record);
    }
}

static uint64_t checksum(const uint64_t *word, int64_t count)
{
    uint64_t h = 0;

    for (int64_t i = 0; i < count; i++)
        h = dam_absorb(h, word[i]);
    return h;
}

/* Turns words into the file's byte order and back. */
static void to_little_endian(uint64_t *word, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        unsigned char byte[8];
        for (int b = 0; b < 8; b++)
            byte[b] = (unsigned char)(word[i] >> (8 * b));
        memcpy(word + i, byte, 8);
    }
}

static bool write_words(int fd, void *context)
{
    const walk *w = context;

    return dam_write_all(fd, DAM_SAMPLER_MAGIC, DAM_SAMPLER_MAGIC_SIZE) &&
           dam_write_all(fd, w->word, (size_t)w->count * sizeof *w->word);
}

dam_status dam_sampler_save(dam_sampler *s, const char *path, dam_error *e)
{
    const dam_patterns *p = s->patterns;
    options o = {s->hamiltonian,
                 p->N,
                 p->M,
                 p->disorder,
                 p->first_disorder,
                 p->data_sets,
                 p->seed,
                 s->seed,
                 s->steps,
                 s->ask,
                 s->n_T,
                 s->replicas,
                 s->first_replica,
                 (int64_t)s->activity,
                 s->step,
                 s->tiers,
                 s->activity == DAM_SAMPLING && s->record};
    walk w = {COUNT, NULL, 0, 0, false};
    void *memory = NULL;
    dam_status status;

    visit_all(&w, &o, s);
    w = (walk){WRITE, NULL, 0, w.at + 1, false};
    status = dam_alloc(&memory, (uint64_t)w.count, sizeof *w.word, "the image of a sampler",
                       "free other objects", e);
    if (status)
        return status;
    w.word = memory;
    visit_all(&w, &o, s);
    w.word[w.at] = checksum(w.word, w.at);
    to_little_endian(w.word, w.count);
    status = dam_file_save(path, write_words, &w, e);
    dam_free(memory);
    return status;
}

static dam_status damaged(const char *path, const char *why, dam_error *e)
{
    return dam_fail(e, DAM_ERR_IO, "%.600s: is not a complete sampler file: %s", path, why);
}

/* The words of the file, checked; released by dam_free(w->word). */
static dam_status read_words(const char *path, walk *w, dam_error *e)
{
    char magic[DAM_SAMPLER_MAGIC_SIZE];
    struct stat st;
    void *memory = NULL;
    FILE *f = dam_file_reader(path);
    dam_status status = DAM_OK;
    int64_t bytes;

    if (!f)
        return dam_fail(e, DAM_ERR_IO, "%.600s: cannot be opened: %s", path,
                        dam_file_reason(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode))
        status = dam_fail(e, DAM_ERR_IO, "%.600s: is not a regular file", path);
    else if (fread(magic, sizeof magic, 1, f) != 1 ||
             memcmp(magic, DAM_SAMPLER_MAGIC, sizeof magic) != 0)
        status = damaged(path, "it does not begin like one", e);
    bytes = (int64_t)st.st_size - DAM_SAMPLER_MAGIC_SIZE;
    if (status == DAM_OK && (bytes % 8 != 0 || bytes < 16))
        status = damaged(path, "it is truncated", e);
    if (status == DAM_OK)
        status = dam_alloc(&memory, (uint64_t)bytes / 8, 8, "the image of a sampler",
                           "free other objects", e);
    if (status == DAM_OK && fread(memory, 8, (size_t)bytes / 8, f) != (size_t)bytes / 8)
        status = damaged(path, "it cannot be read to its end", e);
    fclose(f);
    *w = (walk){READ, memory, 0, bytes / 8 - 1, false};
    if (status == DAM_OK) {
        to_little_endian(w->word, w->count + 1);
        if (checksum(w->word, w->count) != w->word[w->count])
            status = damaged(path, "its checksum is wrong, it was truncated or altered", e);
    }
    if (status) {
        dam_free(memory);
        w->word = NULL;
    }
    return status;
}

/* True when the numbers can belong to a file of `count` words; nothing was allocated yet. */
static bool plausible(const options *o, int64_t count)
{
    double chains = (double)o->disorder * (double)o->n_T * (double)o->replicas;
    double data = (double)o->data_sets * (double)o->M * (double)o->N;

    return o->N >= 2 && o->N <= DAM_MAX_N && o->M >= 1 && o->M <= DAM_MAX_M && o->disorder >= 1 &&
           o->first_disorder >= 1 && o->n_T >= 1 && o->replicas >= 1 && o->first_replica >= 1 &&
           (o->data_sets == 0 || o->data_sets == 1 || o->data_sets == o->disorder) &&
           o->activity >= DAM_IDLE && o->activity <= DAM_SAMPLING && isfinite(o->step) &&
           o->step > 0 && o->h.k <= DAM_POLYNOMIAL_MAX_K &&
           chains * (CHAIN_WORDS + (double)(o->N / 2)) + data / 2 + (double)o->n_T <= (double)count;
}

/* The patterns, drawn or read from the file. */
static dam_status read_patterns(walk *w, const options *o, dam_patterns **out, dam_error *e)
{
    const int64_t values = o->data_sets * o->M * o->N;
    void *memory = NULL, *targets = NULL;
    dam_status status;

    if (o->data_sets == 0)
        return dam_patterns_draw(out, (int)o->N, o->M, o->disorder, o->first_disorder,
                                 o->pattern_seed, e);
    status =
        dam_alloc(&targets, (uint64_t)o->disorder, sizeof(int64_t), "targets", "free objects", e);
    if (status == DAM_OK)
        status = dam_alloc(&memory, (uint64_t)values, sizeof(double) + sizeof(float),
                           "the patterns", "free other objects", e);
    if (status == DAM_OK) {
        double *wide = memory;
        float *singles = (void *)(wide + values);
        for (int64_t d = 0; d < o->disorder; d++) {
            int64_t *target = (int64_t *)targets + d;
            visit_integer(w, target);
            w->past_end |= *target < 0 || *target >= o->M;
        }
        visit_singles(w, singles, values);
        for (int64_t i = 0; i < values; i++)
            wide[i] = singles[i];
        status = w->past_end ? dam_fail(e, DAM_ERR_IO, "impossible patterns")
                             : dam_patterns_from(out, wide, o->data_sets, o->M, (int)o->N, false,
                                                 targets, o->disorder, e);
        if (status == DAM_OK)
            (*out)->first_disorder = o->first_disorder; /* of a part of a set */
    }
    dam_free(memory);
    dam_free(targets);
    return status;
}

/* True when a record of these options can be that of the sample, and fit into the words left. */
static bool plausible_record(const walk *w, const dam_record_options *o, int64_t observed,
                             const dam_record_sample *sample)
{
    if (sample->steps < 1 || sample->steps > DAM_MAX_STEPS || o->every < 1 ||
        sample->steps % o->every != 0 || o->tracks < 0 || o->tracks > w->count || observed < 0 ||
        observed > sample->steps / o->every)
        return false;
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++)
        if (o->histogram[q].bins < 0 || o->histogram[q].bins > DAM_RECORD_MAX_BINS ||
            (o->histogram[q].bins > 0 && !(o->histogram[q].low < o->histogram[q].high)))
            return false;
    /* the tracked patterns themselves are not in the file */
    return dam_record_bytes(o, sample) -
               (double)o->tracks * (double)(sample->patterns->disorder * sample->patterns->N) *
                   sizeof(float) <=
           (double)(w->count - w->at) * 8;
}

static dam_status read_record(walk *w, dam_sampler *s, const char *path, dam_error *e)
{
    const dam_record_sample sample = dam_sampler_record_sample(s, (int64_t)s->ask);
    dam_record_options o;
    int64_t observed = 0;
    void *track = NULL;
    dam_status status = DAM_OK;

    memset(&o, 0, sizeof o);
    visit_record_options(w, &o, &observed);
    if (w->past_end || !plausible_record(w, &o, observed, &sample))
        return damaged(path, "its record holds impossible numbers", e);
    if (o.tracks > 0)
        status = dam_alloc(&track, (uint64_t)o.tracks, sizeof(int64_t), "tracked patterns",
                           "free other objects", e);
    o.track = track;
    for (int64_t i = 0; i < o.tracks && status == DAM_OK; i++) {
        visit_integer(w, (int64_t *)track + i);
        if (o.track[i] < 0 || o.track[i] >= s->patterns->M)
            status = damaged(path, "its record holds impossible numbers", e);
    }
    if (status == DAM_OK)
        status = dam_record_create(&s->record, &o, &sample, s->kernels, e);
    dam_free(track);
    if (status == DAM_OK) {
        s->record->observed = observed;
        visit_recorded(w, s->record);
    }
    return status;
}

/* The sampler from its words. */
static dam_status build(dam_sampler **out, walk *w, const char *path, dam_device_choice device,
                        dam_error *e)
{
    options o;
    dam_patterns *patterns = NULL;
    dam_sampler_options made;
    void *memory = NULL;
    double *T;
    dam_status status;

    memset(&o, 0, sizeof o);
    visit_options(w, &o);
    if (w->past_end || !plausible(&o, w->count))
        return damaged(path, "it holds impossible numbers, or is of another version", e);
    status = dam_alloc(&memory, (uint64_t)o.n_T, sizeof *T, "temperatures", "free objects", e);
    if (status)
        return status;
    T = memory;
    for (int64_t t = 0; t < o.n_T; t++)
        visit_double(w, T + t);
    status = read_patterns(w, &o, &patterns, e);
    made = (dam_sampler_options){.hamiltonian = o.h,
                                 .patterns = patterns,
                                 .T = T,
                                 .n_T = o.n_T,
                                 .replicas = o.replicas,
                                 .first_replica = o.first_replica,
                                 .seed = o.seed,
                                 .step = o.step,
                                 .tiers = (dam_tier_set)o.tiers & (DAM_TIERS_ALL | DAM_TIERS_AUTO),
                                 .device = device};
    if (status == DAM_OK)
        status = dam_sampler_allocate(out, &made, e);
    dam_patterns_release(patterns);
    dam_free(T);
    if (status)
        return status;
    (*out)->steps = o.steps;
    (*out)->ask = o.ask;
    (*out)->activity = (dam_activity)o.activity;
    visit_chains(w, *out);
    if (o.recorded && o.activity == DAM_SAMPLING && !w->past_end)
        status = read_record(w, *out, path, e);
    if (status)
        return status;
    if (w->past_end || w->at != w->count)
        status = damaged(path, "its length does not fit its content", e);
    return status;
}

dam_status dam_sampler_load(dam_sampler **out, const char *path, dam_device_choice device,
                            dam_error *e)
{
    walk w;
    dam_status status;

    *out = NULL;
    status = read_words(path, &w, e);
    if (status)
        return status;
    status = build(out, &w, path, device, e);
    dam_free(w.word);
    if (status) {
        dam_sampler_free(*out);
        *out = NULL;
    }
    return status;
}
