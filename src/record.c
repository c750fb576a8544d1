#include "record.h"

#include <string.h>

#include "memory.h"

static const char remedy[] = "raise every, or lower the bins, the steps or the number of chains";

/* Chains, or pairs of them, that quantity q has a value for. */
static int64_t places(const dam_record_sample *s, int q)
{
    return s->n_T * s->patterns->disorder * (q == DAM_RECORD_Q12 ? 1 : s->replicas);
}

double dam_record_bytes(const dam_record_options *o, const dam_record_sample *s)
{
    const double blocks = (double)s->steps / (double)o->every, tracks = (double)o->tracks;
    double values = (double)places(s, DAM_RECORD_PHI) * blocks * tracks;

    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++) {
        if (o->series[q])
            values += (double)places(s, q) * blocks;
        if (o->histogram[q].bins > 0)
            values += (double)places(s, q) * ((double)o->histogram[q].bins + 2);
    }
    return values * sizeof(double) +
           (double)s->patterns->disorder * tracks * s->patterns->N * sizeof(float);
}

/* Shape [T, disorder, replica, length]; without the replica for q12, without a length below 1. */
static dam_status make(dam_array *a, const dam_record_sample *s, int q, int64_t length,
                       dam_error *e)
{
    int64_t shape[4] = {s->n_T, s->patterns->disorder};
    int rank = 2;

    if (q != DAM_RECORD_Q12)
        shape[rank++] = s->replicas;
    if (length > 0)
        shape[rank++] = length;
    return dam_array_create(a, rank, shape, e);
}

static dam_status make_quantity(dam_record *r, const dam_record_sample *s, int q, dam_error *e)
{
    const int64_t bins = r->options.histogram[q].bins;

    if (r->options.series[q] && make(&r->series[q], s, q, r->blocks, e))
        return e->status;
    if (bins > 0 && (make(&r->counts[q], s, q, bins, e) || make(&r->below[q], s, q, 0, e) ||
                     make(&r->above[q], s, q, 0, e)))
        return e->status;
    return DAM_OK;
}

static dam_status make_track(dam_record *r, const dam_record_sample *s, const dam_kernels *kernels,
                             dam_error *e)
{
    const int64_t tracks = r->options.tracks;
    const int64_t shape[] = {s->n_T, s->patterns->disorder, s->replicas, r->blocks, tracks};
    void *memory;

    if (dam_alloc(&memory, (uint64_t)tracks, sizeof *r->track, "tracked patterns", remedy, e))
        return e->status;
    r->track = memory;
    memcpy(r->track, r->options.track, (size_t)tracks * sizeof *r->track);
    r->options.track = r->track;
    if (dam_alloc(&memory, (uint64_t)(r->disorder * tracks), (uint64_t)r->N * sizeof *r->rows,
                  "tracked patterns", remedy, e))
        return e->status;
    r->rows = memory;
    for (int64_t d = 0; d < r->disorder; d++)
        for (int64_t i = 0; i < tracks; i++)
            dam_patterns_rows(s->patterns, kernels, d, r->track[i], 1,
                              r->rows + (d * tracks + i) * r->N);
    return dam_array_create(&r->tracked, 5, shape, e);
}

dam_status dam_record_create(dam_record **out, const dam_record_options *o,
                             const dam_record_sample *sample, const dam_kernels *kernels,
                             dam_error *e)
{
    const int64_t over = sample->steps % o->every;
    void *memory;
    dam_record *r;

    *out = NULL;
    if (over != 0)
        return dam_fail(e, DAM_ERR_ARGUMENT,
                        "every = %lld does not divide n = %lld steps into whole blocks: use n = "
                        "%lld or %lld",
                        (long long)o->every, (long long)sample->steps,
                        (long long)(over < sample->steps ? sample->steps - over : o->every),
                        (long long)(sample->steps - over + o->every));
    if (dam_memory_check(dam_record_bytes(o, sample), "the record of series and histograms", remedy,
                         e) ||
        dam_alloc(&memory, 1, sizeof *r, "a record", remedy, e))
        return e->status;
    r = memory;
    r->options = *o;
    r->sample = *sample;
    r->disorder = sample->patterns->disorder;
    r->blocks = sample->steps / o->every;
    r->N = sample->patterns->N;
    e->status = DAM_OK;
    for (int q = 0; q < DAM_RECORD_QUANTITIES && e->status == DAM_OK; q++)
        e->status = make_quantity(r, sample, q, e);
    if (e->status == DAM_OK && o->tracks > 0)
        e->status = make_track(r, sample, kernels, e);
    r->sample.patterns = NULL;
    if (e->status)
        dam_record_free(r);
    else
        *out = r;
    return e->status;
}

void dam_record_free(dam_record *r)
{
    if (!r)
        return;
    for (int q = 0; q < DAM_RECORD_QUANTITIES; q++) {
        dam_array_close(&r->series[q]);
        dam_array_close(&r->counts[q]);
        dam_array_close(&r->below[q]);
        dam_array_close(&r->above[q]);
    }
    dam_array_close(&r->tracked);
    dam_free(r->rows);
    dam_free(r->track);
    dam_free(r);
}

dam_moment dam_record_moment(const dam_record *r, uint64_t step)
{
    const int64_t i = (int64_t)(step - r->sample.begin), block = i / r->options.every;

    return (dam_moment){block, i + 1 == (block + 1) * r->options.every};
}

static void count(dam_record *r, int q, int64_t place, double v)
{
    const int64_t bins = r->options.histogram[q].bins;
    const double low = r->options.histogram[q].low, high = r->options.histogram[q].high;
    int64_t bin;

    if (v < low - DAM_RECORD_ROUNDING) {
        r->below[q].data[place] += 1;
    } else if (v > high + DAM_RECORD_ROUNDING) {
        r->above[q].data[place] += 1;
    } else {
        bin = (int64_t)((v - low) / (high - low) * (double)bins);
        bin = bin < 0 ? 0 : bin >= bins ? bins - 1 : bin;
        r->counts[q].data[place * bins + bin] += 1;
    }
}

static void record(dam_record *r, dam_moment m, int q, int64_t place, double v)
{
    if (r->series[q].data) {
        double *mean = r->series[q].data + place * r->blocks + m.block;
        *mean += v;
        if (m.last)
            *mean /= (double)r->options.every;
    }
    if (r->counts[q].data)
        count(r, q, place, v);
}

/* Alignments of x with the tracked patterns; k ascending as everywhere, each product is exact. */
static void track(dam_record *r, int64_t block, int64_t place, const float *x)
{
    const int64_t tracks = r->options.tracks;
    const float *xi = r->rows + place / r->sample.replicas % r->disorder * tracks * r->N;
    double *out = r->tracked.data + (place * r->blocks + block) * tracks;

    for (int64_t i = 0; i < tracks; i++, xi += r->N) {
        double sum = 0;
        for (int k = 0; k < r->N; k++)
            sum += (double)x[k] * xi[k];
        out[i] = sum / r->N;
    }
}

void dam_record_chain(dam_record *r, dam_moment m, int64_t place, double phi, double L,
                      const float *x)
{
    record(r, m, DAM_RECORD_PHI, place, phi);
    record(r, m, DAM_RECORD_ENERGY_DENSITY, place, r->sample.per_neuron * L);
    if (m.last && r->options.tracks > 0)
        track(r, m.block, place, x);
}

void dam_record_q12(dam_record *r, dam_moment m, int64_t place, double q12)
{
    record(r, m, DAM_RECORD_Q12, place, q12);
}
