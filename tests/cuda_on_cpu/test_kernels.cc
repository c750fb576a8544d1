/*
 * The kernels of cuda/, executed by the shim, against the engine: patterns, proposals, block sums
 * and whole chains on a grid of cases must have the same bits, and the intervals of the single
 * precision pass must contain the reference's value and be no wider than they claim to be. With
 * DAMLUA_SHIM_PLANT=n a fault is planted, and this program must fail.
 */
#include "kernels/coarse.h"
#include "kernels/queue.h"
#include "kernels/reference.h"
#include "kernels/single.h"
#include "kernels/steps.h"

#include <algorithm>
#include <string>

extern "C" {
#include "../c/check.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* which C does not need */
#include "bytes.h"
#pragma GCC diagnostic pop
#include "sampler.h"
}

using namespace dam_cuda_on_cpu;

#ifdef DAM_SHIM_THREADS
#define SMALL 1 /* a thread of the host for each of a block: small cases, for ThreadSanitizer */
#else
#define SMALL 0
#endif

#ifdef DAM_SHIM_ASAN
#define ORDERS 2 /* of threads and blocks */
#else
#define ORDERS 3
#endif

/* Memory of exactly this size, with NaN in it, so that what lies beyond is noticed. */
template <class T> struct piece {
    T *at = nullptr;

    void make(int64_t count)
    {
        const size_t bytes = static_cast<size_t>(count) * sizeof(T);
        free(at);
        at = static_cast<T *>(malloc(bytes));
        memset(static_cast<void *>(at), 0xff, bytes);
    }
    piece() = default;
    piece(const piece &) = delete;
    piece &operator=(const piece &) = delete;
    ~piece() { free(at); }
};

struct test_case {
    const char *name;
    dam_hamiltonian h;
    int N;
    int64_t M, disorder, n_T, replicas;
    int64_t run, sample;    /* steps */
    bool own;               /* the user's own patterns, one set for all disorders */
    int lists;              /* of the wave */
    double T;               /* the lowest one; 0: 0.05 */
    bool coarse = false;    /* with the coarse pass */
    dam_chip chip = {0, 0}; /* patterns stay there */
};

static void must(dam_status status, const dam_error &e)
{
    if (status != DAM_OK) {
        fprintf(stderr, "%s\n", e.message);
        exit(1);
    }
}

/* A sampler on the CPU, and a wave of all its disorders. */
class pair
{
  public:
    dam_sampler *s = nullptr;
    dam_patterns *patterns = nullptr;
    const dam_kernels *kernels = nullptr;
    dam_device_wave w = {};
    piece<uint64_t> end;

    explicit pair(const test_case &t);
    ~pair()
    {
        dam_sampler_free(s);
        dam_patterns_release(patterns);
    }
    pair(const pair &) = delete;
    pair &operator=(const pair &) = delete;

    int64_t chains() const { return w.disorders * w.chains; }
    void cut(); /* the wave's memory, again after `w` was changed */
    void upload();

  private:
    void make_patterns(const test_case &t);
    void make_sampler(const test_case &t);
    void make_panels(const test_case &t);

    piece<dam_device_chain> chain;
    piece<float> x, proposal, columns, shift, panels;
    piece<double> q12, q12_sum, partial;
    piece<dam_block_sum> sums;
    piece<int32_t> queued, claim, open, who;
    piece<dam_near_list> list;
    piece<float> listed, centre;
    piece<uint16_t> bins;
    piece<dam_batch> queue;
    piece<int64_t> target;
    void cut_coarse();
    void cut_resident();
    piece<double> resident_sum, resident_phi;
    piece<int32_t> resident_flag, resident_arrived;
    piece<dam_byte_patterns> coarse_of;
    piece<dam_byte_row> coarse_row;
    piece<int32_t> coarse_bytes, coarse_open, coarse_state, coarse_count;
    piece<double> coarse_rest;
    piece<uint16_t> coarse_near;
};

void pair::make_patterns(const test_case &t)
{
    piece<double> values;
    piece<int64_t> targets;
    dam_error e;

    if (!t.own) {
        must(dam_patterns_draw(&patterns, t.N, t.M, t.disorder, 3, 11, &e), e);
        return;
    }
    values.make(t.M * t.N);
    targets.make(t.disorder);
    for (int64_t i = 0; i < t.M * t.N; i++)
        values.at[i] = static_cast<double>(dam_mix(static_cast<uint64_t>(i)) >> 40) - 0x1p23;
    for (int64_t d = 0; d < t.disorder; d++)
        targets.at[d] = (t.M / 2 + d) % t.M;
    must(dam_patterns_from(&patterns, values.at, 1, t.M, t.N, true, targets.at, t.disorder, &e), e);
}

void pair::make_sampler(const test_case &t)
{
    dam_sampler_options o = {};
    std::vector<double> T;
    dam_error e;

    for (int64_t i = 0; i < t.n_T; i++)
        T.push_back((t.T > 0 ? t.T : 0.05) +
                    0.4 * static_cast<double>(i) / static_cast<double>(t.n_T));
    o.hamiltonian = t.h;
    o.patterns = patterns;
    o.T = T.data();
    o.n_T = t.n_T;
    o.replicas = t.replicas;
    o.first_replica = 1;
    o.seed = 5;
    o.step = 2.4;
    o.tiers = 0; /* so that every L is the reference's */
    o.start.kind = DAM_START_PHI;
    o.start.pattern[0] = -1;
    o.start.phi_min = 0.9;
    o.start.phi_max = 1.0;
    must(dam_sampler_create(&s, &o, &e), e);
}

void pair::make_panels(const test_case &t)
{
    const int64_t number = divide_up(t.M, DAM_PANEL), size = t.N * DAM_PANEL;

    w.panels_stride = t.own ? 0 : number * size;
    panels.make(number * size * (t.own ? 1 : t.disorder));
    if (t.own) {
        std::vector<float> rows(static_cast<size_t>(size));
        for (int64_t i = 0; i < number; i++)
            dam_patterns_fill_panel(patterns, kernels, 0, i, rows.data(), panels.at + i * size);
    } else {
        dam_launch_patterns(panels.at, 11, t.N, t.M, t.disorder, 3, nullptr);
    }
    w.panels = panels.at;
    target.make(t.disorder);
    for (int64_t d = 0; d < t.disorder; d++)
        target.at[d] = dam_patterns_target(patterns, d);
    w.target = target.at;
}

void pair::cut()
{
    const int64_t all = chains();

    dam_wave_layout(&w, nullptr);
    chain.make(all);
    x.make(all * w.N);
    q12.make(all / w.replicas);
    q12_sum.make(all / w.replicas);
    proposal.make(all * w.N);
    columns.make(w.disorders * w.N * w.width);
    shift.make(w.disorders * w.width);
    partial.make(w.disorders * w.splits * 2 * w.width);
    sums.make(all * blocks_of(w));
    queued.make(DAM_QUEUES);
    queue.make(DAM_QUEUES * w.room);
    w.chain = chain.at;
    w.x = x.at;
    w.q12 = q12.at;
    w.q12_sum = q12_sum.at;
    w.proposal = proposal.at;
    w.columns = columns.at;
    w.shift = shift.at;
    w.partial = partial.at;
    w.sums = sums.at;
    w.queued = queued.at;
    w.queue = queue.at;
    open.make(w.disorders);
    who.make(w.disorders * w.width);
    w.open = open.at;
    w.who = who.at;
    if (w.coarse)
        cut_coarse();
    if (w.resident.slots)
        cut_resident();
    if (w.list_room == 0)
        return;
    dam_wave_layout_lists(&w, nullptr);
    list.make(all);
    listed.make(all * w.list_room * w.N);
    centre.make(all * w.N);
    claim.make(w.disorders * w.builders);
    bins.make(w.disorders * w.builders * w.M);
    w.list = list.at;
    w.listed = listed.at;
    w.centre = centre.at;
    w.claim = claim.at;
    w.bins = bins.at;
    dam_launch_forget(&w, nullptr);
}

void pair::cut_coarse()
{
    const int64_t rows = w.disorders * w.coarse_width, sets = w.panels_stride ? w.disorders : 1;

    coarse_of.make(sets);
    coarse_bytes.make(sets * dam_coarse_words(w.N, w.M));
    coarse_open.make(w.disorders);
    coarse_row.make(rows);
    coarse_state.make(rows * coarse_slices(w.N) * (COARSE_SLICE / 4));
    coarse_rest.make(rows * w.segments);
    coarse_count.make(rows * w.segments);
    coarse_near.make(rows * w.segments * w.coarse_room);
    w.coarse_of = coarse_of.at;
    w.coarse_bytes = coarse_bytes.at;
    w.coarse_open = coarse_open.at;
    w.coarse_row = coarse_row.at;
    w.coarse_state = coarse_state.at;
    w.coarse_rest = coarse_rest.at;
    w.coarse_count = coarse_count.at;
    w.coarse_near = coarse_near.at;
    dam_launch_bytes(w.panels, w.N, w.M, sets, coarse_of.at, coarse_bytes.at, nullptr);
}

void pair::cut_resident()
{
    const int64_t room = w.resident.room;

    resident_sum.make(room * divide_up(w.M, SINGLE_TILE) * 2 * w.width);
    resident_phi.make(room * DAM_RESIDENT_ROUND * w.M);
    resident_flag.make(room * 2 * DAM_RESIDENT_FLAGS * w.chains);
    resident_arrived.make(room);
    w.resident.sum = resident_sum.at;
    w.resident.phi = resident_phi.at;
    w.resident.flag = resident_flag.at;
    w.resident.arrived = resident_arrived.at;
}

/* The sampler's chains as they are. */
void pair::upload()
{
    for (int64_t c = 0; c < chains(); c++) {
        const dam_chain &from = s->chain[c];
        dam_device_chain &to = w.chain[c];
        to.proposals = from.proposals;
        to.acceptance = from.acceptance;
        to.sigma = from.sigma;
        to.theta = from.theta;
        to.L = from.L;
        to.phi = from.phi;
        to.decisions = from.decisions;
        to.steps = from.steps;
        to.accepted = to.patterns = to.tried = to.unsure = 0;
        to.list_patterns = to.list_tried = to.list_unsure = to.rebuilds = to.listed = 0;
        to.coarse_patterns = to.coarse_tried = to.coarse_unsure = 0;
        memset(to.fortune, 0, sizeof to.fortune);
        to.phi_sum = to.phi2_sum = to.L_sum = to.L2_sum = 0;
        to.now = {from.L, from.L};
    }
    memcpy(w.x, s->x, static_cast<size_t>(chains() * w.N) * sizeof(float));
    for (int64_t g = 0; g < chains() / w.replicas; g++)
        w.q12_sum[g] = 0;
}

pair::pair(const test_case &t)
{
    dam_error e;

    must(dam_kernels_named("scalar", &kernels, &e), e);
    make_patterns(t);
    make_sampler(t);
    w.reference = s->reference;
    w.N = t.N;
    w.M = t.M;
    w.disorders = t.disorder;
    w.chains = t.n_T * t.replicas;
    w.replicas = t.replicas;
    w.single = 1;
    w.list_room = t.lists ? dam_wave_list_room(&w) : 0;
    w.lists = t.lists;
    w.coarse = t.coarse ? DAM_COARSE_PLAIN : DAM_COARSE_OFF;
    dam_wave_resident(&w, t.chip);
    CHECK((w.resident.slots > 0) == (t.chip.blocks > 0), "%s: no place on the chip", t.name);
    make_panels(t);
    cut();
    upload();
    end.make(1);
    *end.at = s->steps + 1;
    w.end = end.at;
}

static bool same(double a, double b)
{
    return dam_bits64(a) == dam_bits64(b);
}

/* The panels against those of the engine. */
static void check_patterns(const test_case &t)
{
    pair p(t);
    const int64_t size = t.N * DAM_PANEL;
    std::vector<float> rows(static_cast<size_t>(size)), panel(static_cast<size_t>(size));
    long differ = 0;

    for (int64_t d = 0; d < t.disorder; d++)
        for (int64_t i = 0; i < divide_up(t.M, DAM_PANEL); i++) {
            dam_patterns_fill_panel(p.patterns, p.kernels, d, i, rows.data(), panel.data());
            differ += memcmp(panel.data(), p.w.panels + d * p.w.panels_stride + i * size,
                             static_cast<size_t>(size) * sizeof(float)) != 0;
        }
    CHECK(differ == 0, "%s: %ld panels differ", t.name, differ);
}

/* Proposals, their columns and thresholds. */
static void check_propose(pair &p, const test_case &t)
{
    std::vector<float> eta(static_cast<size_t>(t.N)), out(static_cast<size_t>(t.N));
    std::vector<double> y(static_cast<size_t>(t.N));
    long rows = 0, columns = 0, unused = 0, thresholds = 0;

    launch_propose(p.w, nullptr);
    for (int64_t c = 0; c < p.chains(); c++) {
        const dam_chain &chain = p.s->chain[c];
        const int64_t d = c / p.w.chains, i = c % p.w.chains;
        uint32_t words[4];
        p.kernels->normals(chain.proposals, t.N, chain.steps * DAM_BLOCKS_OF(t.N), eta.data());
        p.kernels->propose(t.N, p.s->x + c * t.N, eta.data(), chain.sigma, y.data(), out.data());
        rows += memcmp(out.data(), p.w.proposal + c * t.N, out.size() * sizeof(float)) != 0;
        for (int64_t k = 0; k < t.N; k++)
            columns += !(p.w.columns[(d * t.N + k) * p.w.width + i] == out[static_cast<size_t>(k)]);
        dam_words(chain.acceptance, chain.steps, words);
        thresholds += !same(p.w.chain[c].threshold, chain.theta * dam_log(dam_uniform(words)));
    }
    for (int64_t d = 0; d < p.w.disorders; d++)
        for (int64_t k = 0; k < t.N; k++)
            for (int64_t i = p.w.chains; i < p.w.width; i++)
                unused += !(p.w.columns[(d * t.N + k) * p.w.width + i] == 0);
    CHECK(rows == 0, "%s: %ld proposals differ", t.name, rows);
    CHECK(columns == 0, "%s: %ld numbers of columns differ", t.name, columns);
    CHECK(unused == 0, "%s: %ld numbers of unused columns are not zero", t.name, unused);
    CHECK(thresholds == 0, "%s: %ld thresholds differ", t.name, thresholds);
}

/* Block sums and L of a state, by the engine's plain kernels. */
static double engine_sums(const pair &p, int64_t d, const float *x, dam_block_sum *sums,
                          double *target_phi)
{
    const int64_t blocks = blocks_of(p.w), N = p.w.N;
    std::vector<double> state(x, x + N), phi(static_cast<size_t>(DAM_TILE) * DAM_BLOCK);

    for (int64_t b = 0; b < blocks; b++) {
        const int64_t n = p.w.M - b * DAM_BLOCK < DAM_BLOCK ? p.w.M - b * DAM_BLOCK : DAM_BLOCK;
        const int64_t target = p.w.target[d] - b * DAM_BLOCK;
        p.kernels->overlaps(p.w.panels + d * p.w.panels_stride + b * DAM_BLOCK * N,
                            divide_up(n, DAM_PANEL), p.w.N, state.data(), 1, phi.data());
        sums[b] = p.kernels->reduce(&p.w.reference, phi.data(), n);
        if (target >= 0 && target < n)
            *target_phi = phi[static_cast<size_t>(target)];
    }
    return dam_combine_blocks(&p.w.reference, sums, blocks);
}

/* Both versions of the single precision pass, for the proposals that are there. */
static void check_single(pair &p, const test_case &t, int version)
{
    const dam_precision precision = single_precision_of(p.w.reference, p.w.tiles);
    std::vector<dam_block_sum> sums(static_cast<size_t>(blocks_of(p.w)));
    long outside = 0, unknown = 0;
    double phi, widest = 0;

    (version == 1 ? launch_single_1 : launch_single_2)(p.w, nullptr);
    for (int64_t c = 0; c < p.chains(); c++) {
        const int64_t d = c / p.w.chains, i = c % p.w.chains;
        const double L = engine_sums(p, d, p.w.proposal + c * t.N, sums.data(), &phi);
        double sum = 0, other = 0;
        for (int32_t part = 0; part < p.w.splits; part++) {
            const double *at = p.w.partial + (d * p.w.splits + part) * 2 * p.w.width + i;
            sum += at[0];
            other += at[p.w.width];
        }
        const dam_interval L_single = single_interval(p.w.reference, precision, t.M, sum, other,
                                                      p.w.shift[d * p.w.width + i]);
        outside += !(L_single.low <= L && L <= L_single.high);
        unknown += !(L_single.high - L_single.low < HUGE_VAL) && isfinite(L);
        if (isfinite(L_single.low))
            widest = fmax(widest, L_single.high - L_single.low);
    }
    CHECK(outside == 0, "%s: %ld intervals of pass %d miss the value", t.name, outside, version);
    CHECK(unknown == 0, "%s: pass %d says nothing on %ld chains", t.name, version, unknown);
    CHECK(widest < 0.05 || DAM_PLANTED(DAM_PLANT_DOUBT), "%s: pass %d is %g wide", t.name, version,
          widest);
}

/* Both versions of the reference pass, for the proposals that are there. */
static void check_reference(pair &p, const test_case &t, int version)
{
    const int64_t blocks = blocks_of(p.w);
    std::vector<dam_block_sum> sums(static_cast<size_t>(blocks));
    long differ = 0, phis = 0, values = 0;
    double phi = 0;

    cudaMemsetAsync(p.w.queued, 0, DAM_QUEUES * sizeof(int32_t), nullptr);
    p.w.single = 0; /* all are left to the reference */
    launch_judge(p.w, nullptr);
    (version == 1 ? launch_reference_1 : launch_reference_2)(p.w, OF_PROPOSALS, nullptr);
    launch_settle(p.w, OF_PROPOSALS, nullptr);
    p.w.single = 1;
    for (int64_t c = 0; c < p.chains(); c++) {
        const double L = engine_sums(p, c / p.w.chains, p.w.proposal + c * t.N, sums.data(), &phi);
        for (int64_t b = 0; b < blocks; b++) {
            const dam_block_sum &own = p.w.sums[c * blocks + b];
            differ += !same(own.sum, sums[static_cast<size_t>(b)].sum);
            if (t.h.kernel == DAM_LSE)
                differ += !same(own.max, sums[static_cast<size_t>(b)].max);
        }
        phis += !same(p.w.chain[c].next_phi, phi);
        values += !same(p.w.chain[c].next.low, L);
    }
    CHECK(differ == 0, "%s: reference %d: %ld block sums differ", t.name, version, differ);
    CHECK(phis == 0, "%s: reference %d: %ld alignments differ", t.name, version, phis);
    CHECK(values == 0, "%s: reference %d: %ld values of L differ", t.name, version, values);
}

/* Kernels one by one, on the proposals of a first step. */
static void check_kernels(const test_case &t)
{
    pair p(t);

    p.w.lists = p.w.coarse = 0;
    check_patterns(t);
    check_propose(p, t);
    for (int version = 1; version <= 2; version++) {
        check_single(p, t, version);
        launch_propose(p.w, nullptr); /* the verdicts are open again */
        check_reference(p, t, version);
        launch_propose(p.w, nullptr);
    }
}

/* Whether sums of L and of its square agree: to the bit, or where lists or the coarse pass answer
 * as far as energies are certified. */
static bool same_sums(const pair &p, const test_case &t, const dam_chain &a,
                      const dam_device_chain &b)
{
    const double each = 0.5 * dam_energy_width(&p.w.reference), n = static_cast<double>(t.sample);

    if (!t.lists && !t.coarse)
        return same(a.L_sum, b.L_sum) && same(a.L2_sum, b.L2_sum);
    return fabs(a.L_sum - b.L_sum) <= 1.01 * n * each &&
           fabs(a.L2_sum - b.L2_sum) <= 2.1 * each * sqrt(n * a.L2_sum) + n * each * each;
}

/* Chains of the wave against those of the sampler, after a stretch of steps. */
static void compare(const pair &p, const test_case &t, bool measured)
{
    long states = 0, decisions = 0, values = 0, sums = 0, q12 = 0, others = 0;

    for (int64_t c = 0; c < p.chains(); c++) {
        const dam_chain &a = p.s->chain[c];
        const dam_device_chain &b = p.w.chain[c];
        states += memcmp(p.s->x + c * t.N, p.w.x + c * t.N,
                         static_cast<size_t>(t.N) * sizeof(float)) != 0;
        decisions += a.decisions != b.decisions || a.steps != b.steps;
        values += !same(a.L, b.L) || !same(a.phi, b.phi);
        if (!measured)
            continue;
        sums += a.accepted != b.accepted || !same(a.phi_sum, b.phi_sum) ||
                !same(a.phi2_sum, b.phi2_sum) || !same_sums(p, t, a, b);
        others += !same(a.phi_max_other, b.phi_max_other);
    }
    for (int64_t g = 0; measured && t.replicas > 1 && g < p.chains() / t.replicas; g++)
        q12 += !same(p.s->q12_sum[g], p.w.q12_sum[g]);
    CHECK(states == 0, "%s: %ld states differ", t.name, states);
    CHECK(decisions == 0, "%s: decisions of %ld chains differ", t.name, decisions);
    CHECK(values == 0, "%s: L or phi of %ld chains differ", t.name, values);
    CHECK(sums == 0, "%s: sums of %ld chains differ", t.name, sums);
    CHECK(q12 == 0, "%s: q12 of %ld pairs differ", t.name, q12);
    CHECK(others == 0, "%s: phi_max_other of %ld chains differ", t.name, others);
}

static void take_steps(pair &p, int64_t steps)
{
    *p.end.at = p.s->steps + static_cast<uint64_t>(steps);
    if (p.w.resident.slots) { /* some, then the rest */
        dam_launch_resident(&p.w, static_cast<int32_t>(steps / 2), nullptr);
        dam_launch_resident(&p.w, static_cast<int32_t>(steps - steps / 2), nullptr);
        return;
    }
    for (int64_t i = 0; i < steps; i++)
        dam_launch_step(&p.w, nullptr);
}

/* The log of a sample, against itself: its sums are the chains'. */
static void check_log(const pair &p, const test_case &t, const dam_device_log &log)
{
    const int64_t all = p.chains(), groups = all / t.replicas;
    long differ = 0;

    for (int64_t c = 0; c < all; c++) {
        double phi = 0, L = 0;
        uint64_t accepted = 0;
        for (int64_t i = 0; i < t.sample; i++) {
            phi += log.phi[i * all + c];
            L += log.L[i * all + c];
            accepted += log.accepted[i * all + c];
        }
        differ += !same(phi, p.w.chain[c].phi_sum) || !same(L, p.w.chain[c].L_sum) ||
                  accepted != p.w.chain[c].accepted;
    }
    for (int64_t g = 0; t.replicas > 1 && g < groups; g++) {
        double q12 = 0;
        for (int64_t i = 0; i < t.sample; i++)
            q12 += log.q12[i * groups + g];
        differ += !same(q12, p.w.q12_sum[g]);
    }
    CHECK(differ == 0, "%s: the log of %ld chains differs from their sums", t.name, differ);
}

/* What a chain says of its work, and its energies: the same in every order of threads and blocks.
 */
template <class F>
static void check_orders(const pair &p, const test_case &t, unsigned order, const F &numbers)
{
    static uint64_t first;
    uint64_t all = 0;

    for (int64_t c = 0; c < p.chains(); c++)
        for (uint64_t v : numbers(p.w.chain[c]))
            all = dam_absorb(all, v);
    if (order == 0)
        first = all;
    CHECK(all == first, "%s: work and energies depend on the order of threads", t.name);
}

/* Lists decide most proposals. */
static void check_use_of_lists(const pair &p, const test_case &t, unsigned order)
{
    uint64_t tried = 0, unsure = 0;

    for (int64_t c = 0; c < p.chains(); c++) {
        tried += p.w.chain[c].list_tried;
        unsure += p.w.chain[c].list_unsure;
    }
    CHECK(tried > 0 && 2 * unsure < tried, "%s: lists left %g of %g open", t.name,
          static_cast<double>(unsure), static_cast<double>(tried));
    check_orders(p, t, order, [](const dam_device_chain &c) {
        return std::vector<uint64_t>{
            c.list_tried, c.list_unsure,       c.rebuilds,          c.listed,
            c.patterns,   dam_bits64(c.L_sum), dam_bits64(c.L2_sum)};
    });
}

/* The coarse pass decides most proposals that it is asked about. */
static void check_use_of_coarse(const pair &p, const test_case &t, unsigned order)
{
    uint64_t tried = 0, unsure = 0;

    for (int64_t c = 0; c < p.chains(); c++) {
        tried += p.w.chain[c].coarse_tried;
        unsure += p.w.chain[c].coarse_unsure;
    }
    CHECK(tried > 0 && (4 * unsure < tried || DAM_PLANTED(DAM_PLANT_DOUBT)),
          "%s: the coarse pass left %g of %g open", t.name, static_cast<double>(unsure),
          static_cast<double>(tried));
    check_orders(p, t, order, [](const dam_device_chain &c) {
        return std::vector<uint64_t>{c.coarse_tried,
                                     c.coarse_unsure,
                                     c.coarse_patterns,
                                     c.patterns,
                                     dam_bits64(c.fortune[0].depth),
                                     dam_bits64(c.fortune[1].depth),
                                     dam_bits64(c.L_sum),
                                     dam_bits64(c.L2_sum)};
    });
}

/* On the chip the same holds for every size of crews, which differs from order to order. */
static void check_use_of_chip(const pair &p, const test_case &t, unsigned order)
{
    check_orders(p, t, order, [](const dam_device_chain &c) {
        return std::vector<uint64_t>{c.tried, c.unsure, c.patterns, dam_bits64(c.L_sum)};
    });
}

/* Intervals of the resident kernel contain the reference's value, and are as narrow as they say. */
static void check_resident(const test_case &t)
{
    pair p(t);
    std::vector<dam_block_sum> sums(static_cast<size_t>(blocks_of(p.w)));
    long outside = 0, exact = 0;
    double phi, widest = 0;

    dam_launch_resident(&p.w, 1, nullptr);
    for (int64_t c = 0; c < p.chains(); c++) {
        const dam_interval L = p.w.chain[c].next;
        const double value =
            engine_sums(p, c / p.w.chains, p.w.proposal + c * t.N, sums.data(), &phi);
        outside += !(L.low <= value && value <= L.high);
        exact += p.w.chain[c].evaluated;
        if (isfinite(L.low))
            widest = fmax(widest, L.high - L.low);
    }
    CHECK(outside == 0, "%s: %ld intervals on the chip miss the value", t.name, outside);
    CHECK(widest < 0.05 || DAM_PLANTED(DAM_PLANT_DOUBT), "%s: the chip's are %g wide", t.name,
          widest);
    CHECK(2 * exact <= p.chains() || DAM_PLANTED(DAM_PLANT_DOUBT),
          "%s: %ld proposals went to the reference", t.name, exact);
}

/* A byte of a pattern or, of four words that stand like it, of a state. */
static int32_t byte_of(const int32_t *words, int64_t word, int32_t k)
{
    return static_cast<int8_t>(words[word] >> 8 * (k % 4));
}

/* Patterns in bytes are off what they claim at most; padding is 0. */
static void check_bytes(const pair &p, const test_case &t)
{
    const int32_t slices = coarse_slices(p.w.N);
    long off = 0, padding = 0;
    double worst = 0;

    for (int64_t d = 0; d < (t.own ? 1 : t.disorder); d++) {
        const int32_t *words = p.w.coarse_bytes + d * dam_coarse_words(p.w.N, t.M);
        const double error = dam_float(static_cast<uint32_t>(p.w.coarse_of[d].error));
        for (int64_t mu = 0; mu < divide_up(t.M, DAM_PANEL) * DAM_PANEL; mu++) {
            const float *xi = p.w.panels + d * p.w.panels_stride +
                              mu / DAM_PANEL * DAM_PANEL * p.w.N + mu % DAM_PANEL;
            double square = 0;
            for (int32_t k = 0; k < slices * COARSE_SLICE; k++) {
                const int32_t byte = byte_of(words, coarse_pattern_word(slices, mu, k / 4), k);
                padding += (k >= t.N || mu >= t.M) && byte != 0;
                if (k < t.N) {
                    const double v = xi[k * DAM_PANEL] - coarse_quantum(p.w.coarse_of + d) * byte;
                    square += v * v;
                }
            }
            off += sqrt(square) > error;
            worst = fmax(worst, sqrt(square) / error);
        }
    }
    CHECK(off == 0, "%s: %ld patterns are further off their bytes than claimed", t.name, off);
    CHECK(worst > 0.999, "%s: no pattern is off by more than %g of what is claimed", t.name, worst);
    CHECK(padding == 0, "%s: %ld bytes of padding are not 0", t.name, padding);
}

/* What the CPU's plain loop finds of a row: far patterns (bits) and, padding left out, the products
 * and the rough sum. */
struct plain_scan {
    std::vector<int32_t> product;
    std::vector<uint16_t> far;
    double rest;
};

static plain_scan scan_plainly(const pair &p, int64_t d, int64_t j)
{
    const dam_byte_row &row = p.w.coarse_row[d * p.w.coarse_width + j];
    const dam_coarse_shape shape = dam_coarse_shape_of(p.w.N);
    const int64_t all = divide_up(p.w.M, DAM_PANEL) * DAM_PANEL;
    const int32_t slices = coarse_slices(p.w.N), wide = dam_coarse_row(shape);
    const int32_t *words =
        p.w.coarse_bytes + (p.w.panels_stride ? d : 0) * dam_coarse_words(p.w.N, p.w.M);
    const int32_t *states = p.w.coarse_state + d * p.w.coarse_width * slices * (COARSE_SLICE / 4);
    std::vector<int8_t> pattern(static_cast<size_t>(all * wide)),
        state(static_cast<size_t>(DAM_COARSE_TILE * wide));
    int32_t start[DAM_COARSE_TILE][DAM_COARSE_TILE] = {}, total[DAM_COARSE_TILE] = {};
    float sums[DAM_COARSE_TILE][DAM_COARSE_TILE] = {};
    dam_coarse_block b = {};
    plain_scan out = {{}, std::vector<uint16_t>(static_cast<size_t>(all)), 0};

    for (int32_t k = 0; k < p.w.N; k++) {
        state[static_cast<size_t>(k)] =
            static_cast<int8_t>(byte_of(states, coarse_state_word(slices, j, k / 4), k));
        total[0] += state[static_cast<size_t>(k)];
        for (int64_t mu = 0; mu < all; mu++)
            pattern[static_cast<size_t>(dam_bytes_place(shape, 1, mu, 0, k))] =
                static_cast<int8_t>(byte_of(words, coarse_pattern_word(slices, mu, k / 4), k));
    }
    b.shape = shape;
    b.pattern = pattern.data();
    b.tiles = all / DAM_COARSE_TILE;
    b.state = state.data();
    b.start = start;
    b.total = total;
    b.states = 1;
    b.sum = p.w.reference.kernel == DAM_LSE && row.factor > 0;
    while (b.sum && 1 << b.shift != row.factor)
        b.shift++;
    b.edge = b.sum ? 127 << (23 - b.shift) : 0;
    b.floor = b.sum ? 1 << (23 - b.shift) : 0;
    b.mask = out.far.data();
    b.mask_stride = b.tiles + b.tiles % 2;
    b.sums = sums;
    for (int32_t &v : start[0])
        v = row.start + b.edge;
    dam_coarse_plain.scan(&b);
    for (float v : sums[0])
        out.rest += v;
    if (b.sum && row.start <= 0) /* the products of padding are 0 */
        out.rest -=
            static_cast<double>(all - p.w.M) *
            dam_float(static_cast<uint32_t>(std::max(row.start + b.edge, b.floor)) << b.shift);
    for (int64_t mu = 0; mu < p.w.M; mu++) {
        int32_t v = 0;
        for (int32_t k = 0; k < p.w.N; k++)
            v += state[static_cast<size_t>(k)] *
                 pattern[static_cast<size_t>(dam_bytes_place(shape, 1, mu, 0, k))];
        out.product.push_back(v);
    }
    return out;
}

/* Near patterns of a row, as the kernel has noted them; false when there were too many. */
static bool noted(const pair &p, int64_t d, int64_t j, std::vector<int64_t> *near, double *rest)
{
    for (int32_t i = 0; i < p.w.segments; i++) {
        const int64_t place = (d * p.w.segments + i) * p.w.coarse_width + j;
        if (p.w.coarse_count[place] > p.w.coarse_room)
            return false;
        for (int32_t n = 0; n < p.w.coarse_count[place]; n++)
            near->push_back(static_cast<int64_t>(i) * p.w.segment * DAM_PANEL +
                            p.w.coarse_near[place * p.w.coarse_room + n]);
        if (p.w.reference.kernel == DAM_LSE)
            *rest += p.w.coarse_rest[place];
    }
    return true;
}

/* Alignments are as near to those of bytes as a row claims. */
static long count_outside(const pair &p, int64_t d, const dam_byte_row &row,
                          const plain_scan &plain)
{
    const double unit =
        row.edge / -row.start / (p.w.reference.kernel == DAM_LSE ? p.w.reference.c : 1.0);
    const float *x = p.w.proposal + (d * p.w.chains + row.chain) * p.w.N;
    long outside = 0;

    for (int64_t mu = 0; mu < p.w.M && row.start != 0; mu++) {
        const float *xi = p.w.panels + d * p.w.panels_stride + mu / DAM_PANEL * DAM_PANEL * p.w.N +
                          mu % DAM_PANEL;
        double phi = 0;
        for (int64_t k = 0; k < p.w.N; k++)
            phi += static_cast<double>(x[k]) * xi[k * DAM_PANEL] / p.w.N;
        outside += fabs(phi - unit * plain.product[static_cast<size_t>(mu)]) > row.error;
    }
    return outside;
}

/* Rows of more chains than threads that choose them. */
static void check_rows(const test_case &t)
{
    pair p(t);
    long wrong = 0;

    launch_propose(p.w, nullptr);
    for (int64_t c = 0; c < p.chains(); c++)
        p.w.chain[c].verdict = c % 3 == 1 ? DAM_REJECTED : DAM_UNDECIDED;
    launch_coarse_rows(p.w, 0, nullptr);
    for (int64_t d = 0; d < p.w.disorders; d++) {
        int64_t used = 0;
        for (int64_t i = 0; i < p.w.chains; i++)
            if ((d * p.w.chains + i) % 3 != 1)
                wrong += p.w.coarse_row[d * p.w.coarse_width + used++].chain != i;
        wrong += p.w.coarse_open[d] != used;
    }
    CHECK(wrong == 0, "%s: %ld chains are in the wrong row", t.name, wrong);
}

/* The kernels of the coarse pass one by one, on the proposals of a first step. */
static void check_coarse(const test_case &t)
{
    pair p(t);
    std::vector<dam_block_sum> sums(static_cast<size_t>(blocks_of(p.w)));
    long outside = 0, differ = 0, rests = 0, missed = 0, known = 0;
    double phi;

    p.w.lists = 0;
    check_bytes(p, t);
    launch_propose(p.w, nullptr);
    p.w.chain[0].verdict = DAM_REJECTED; /* is not asked about */
    launch_coarse_rows(p.w, 0, nullptr);
    launch_coarse_scan(p.w, nullptr);
    for (int64_t d = 0; d < t.disorder; d++)
        CHECK(p.w.coarse_open[d] == p.w.chains - (d == 0), "%s: rows", t.name);
    for (int64_t c = 1; c < p.chains(); c++) {
        const int64_t d = c / p.w.chains, j = c % p.w.chains - (d == 0);
        const dam_byte_row &row = p.w.coarse_row[d * p.w.coarse_width + j];
        const plain_scan plain = scan_plainly(p, d, j);
        std::vector<int64_t> near, wanted;
        double rest = 0;
        CHECK(row.chain == c % p.w.chains, "%s: chain of a row", t.name);
        outside += count_outside(p, d, row, plain);
        for (int64_t mu = 0; mu < t.M; mu++)
            if (!(plain.far[static_cast<size_t>(mu / DAM_COARSE_TILE)] >> mu % DAM_COARSE_TILE & 1))
                wanted.push_back(mu);
        if (!noted(p, d, j, &near, &rest))
            continue;
        differ += near != wanted;
        rests += !(fabs(rest - plain.rest) <= 2e-5 * plain.rest);
    }
    launch_coarse_judge(p.w, 0, nullptr);
    for (int64_t c = 1; c < p.chains(); c++) {
        const dam_interval L = p.w.chain[c].next;
        const double value =
            engine_sums(p, c / p.w.chains, p.w.proposal + c * t.N, sums.data(), &phi);
        missed += !(L.low <= value && value <= L.high);
        known += L.high < HUGE_VAL;
    }
    CHECK(outside == 0, "%s: %ld alignments are outside of the error", t.name, outside);
    CHECK(differ == 0, "%s: near patterns of %ld rows differ", t.name, differ);
    CHECK(rests == 0, "%s: the rests of %ld rows differ", t.name, rests);
    CHECK(missed == 0, "%s: %ld intervals of the coarse pass miss the value", t.name, missed);
    CHECK(2 * known > p.chains() || DAM_PLANTED(DAM_PLANT_DOUBT),
          "%s: the coarse pass says something of %ld proposals", t.name, known);
}

/* The proposals that lists leave open, side by side in columns, and who is given a list. */
static void check_gather(const test_case &t)
{
    pair p(t);
    const int64_t tile = 8 * single_count(p.w.chains), wide = p.w.width;
    long places = 0, columns = 0, builders = 0;

    launch_propose(p.w, nullptr);
    for (int64_t c = 0; c < p.chains(); c++) {
        const int64_t i = c % p.w.chains;
        p.w.chain[c].verdict = c % 3 == 1 ? DAM_REJECTED : DAM_UNDECIDED;
        p.w.chain[c].column = c % 5 == 2 ? -1 : 0;
        if (c % 4 < 3)
            atomicMin(p.w.claim + c / p.w.chains * p.w.builders + i % p.w.builders,
                      static_cast<int>(i));
    }
    launch_gather(p.w, nullptr);
    for (int64_t d = 0; d < p.w.disorders; d++) {
        int64_t used = 0;
        for (int64_t i = 0; i < p.w.chains; i++) {
            const int64_t c = d * p.w.chains + i, builder = i % p.w.builders;
            const dam_device_chain &chain = p.w.chain[c];
            const bool given = c % 3 != 1 && p.w.claim[d * p.w.builders + builder] == i;
            builders += chain.builder != (given ? builder : -1);
            if (c % 3 == 1 || given || c % 5 == 2) {
                places += c % 3 != 1 && chain.column != -1;
                continue;
            }
            places += chain.column != used || p.w.who[d * wide + used] != i;
            for (int64_t k = 0; k < t.N; k++)
                columns += !(p.w.columns[(d * t.N + k) * wide + used] == p.w.proposal[c * t.N + k]);
            used++;
        }
        places += p.w.open[d] != used;
        for (; used % tile; used++)
            for (int64_t k = 0; k < t.N; k++)
                columns += !(p.w.columns[(d * t.N + k) * wide + used] == 0);
    }
    CHECK(places == 0, "%s: %ld chains are in the wrong column", t.name, places);
    CHECK(columns == 0, "%s: %ld numbers of gathered columns differ", t.name, columns);
    CHECK(builders == 0, "%s: %ld chains have the wrong builder", t.name, builders);
}

/* A state between a list's centre and pattern mu, at a part of the angles of its table. */
static void place_between(const pair &p, int64_t c, int64_t mu, double part)
{
    const dam_near_list &l = p.w.list[c];
    const int64_t N = p.w.N, d = c / p.w.chains;
    const float *x = p.w.centre + c * N;
    const float *xi =
        p.w.panels + d * p.w.panels_stride + mu / DAM_PANEL * DAM_PANEL * N + mu % DAM_PANEL;
    const double angle = part * (l.angles - 1) * DAM_ACTIVE_GRID;
    double overlap = 0, squared = 0;
    std::vector<double> y(static_cast<size_t>(N));

    for (int64_t k = 0; k < N; k++)
        overlap += static_cast<double>(x[k]) * xi[k * DAM_PANEL] / static_cast<double>(N);
    for (int64_t k = 0; k < N; k++) /* along the great circle through both */
        y[static_cast<size_t>(k)] =
            x[k] * cos(angle) + (xi[k * DAM_PANEL] - overlap * x[k]) /
                                    sqrt(fmax(1e-12, 1 - overlap * overlap)) * sin(angle);
    for (double v : y)
        squared += v * v;
    for (int64_t k = 0; k < N; k++)
        p.w.proposal[c * N + k] = static_cast<float>(
            y[static_cast<size_t>(k)] * dam_onto_sphere(static_cast<double>(N), squared));
}

/* Patterns of a disorder by falling alignment with x. */
static std::vector<int64_t> by_alignment(const pair &p, int64_t d, const float *x)
{
    std::vector<std::pair<double, int64_t>> all;
    std::vector<int64_t> order;

    for (int64_t mu = 0; mu < p.w.M; mu++) {
        const float *xi = p.w.panels + d * p.w.panels_stride + mu / DAM_PANEL * DAM_PANEL * p.w.N +
                          mu % DAM_PANEL;
        double phi = 0;
        for (int64_t k = 0; k < p.w.N; k++)
            phi -= static_cast<double>(x[k]) * xi[k * DAM_PANEL];
        all.emplace_back(phi, mu);
    }
    std::sort(all.begin(), all.end());
    for (const auto &a : all)
        order.push_back(a.second);
    return order;
}

/*
 * Intervals of lists contain the reference's value: at states that come as near to a pattern as the
 * table allows, patterns listed and left out.
 */
static void check_lists(const test_case &t)
{
    pair p(t);
    std::vector<dam_block_sum> sums(static_cast<size_t>(blocks_of(p.w)));
    std::vector<std::vector<int64_t>> near;
    long outside = 0, known = 0, lists = 0;
    double phi;

    take_steps(p, t.run);
    for (int64_t c = 0; c < p.chains(); c++) {
        lists += p.w.list[c].listed > 0;
        near.push_back(by_alignment(p, c / p.w.chains, p.w.centre + c * p.w.N));
    }
    for (int trial = 0; trial < 12; trial++) {
        for (int64_t c = 0; c < p.chains(); c++) {
            const dam_near_list &l = p.w.list[c];
            const int64_t rank = trial < 6 ? l.listed + trial / 2 : trial < 9 ? trial - 6 : t.M / 2;
            p.w.chain[c].verdict = DAM_UNDECIDED;
            if (l.listed > 0)
                place_between(p, c, near[static_cast<size_t>(c)][static_cast<size_t>(rank)],
                              trial % 2 ? 0.999 : 0.5);
        }
        launch_ask(p.w, nullptr);
        for (int64_t c = 0; c < p.chains(); c++) {
            const dam_interval L = p.w.chain[c].next;
            const double value =
                engine_sums(p, c / p.w.chains, p.w.proposal + c * t.N, sums.data(), &phi);
            if (p.w.list[c].listed == 0)
                continue;
            outside += !(L.low <= value && value <= L.high);
            known += L.high < HUGE_VAL;
        }
    }
    CHECK(lists > 0, "%s: no list was made", t.name);
    CHECK(outside == 0, "%s: %ld intervals of lists miss the value", t.name, outside);
    CHECK(known > 6 * lists, "%s: %ld lists said something %ld times", t.name, lists, known);
}

/* Steps without and with measuring; returns the proposals that the single pass left open. */
static uint64_t check_chains(test_case t, unsigned order)
{
    if (t.chip.blocks && order > 0) /* other crews: more blocks, or one */
        t.chip = order == 1 ? dam_chip{t.chip.blocks + 2, t.chip.shared}
                            : dam_chip{1, dam_shim::MOST_SHARED};
    pair p(t);
    dam_error e;
    piece<double> phi, L, q12;
    piece<uint8_t> accepted;
    uint64_t unsure = 0;
    dam_device_log log = {};

    dam_shim::order = order;
    dam_shim::queue_blocks = 1 + order; /* no result depends on it */
    p.w.measure = 0;
    take_steps(p, t.run);
    dam_launch_evaluate(&p.w, 1, nullptr);
    must(dam_sampler_run(p.s, t.run, &e), e);
    compare(p, t, false);
    for (int64_t c = 0; c < p.chains(); c++)
        unsure += p.w.chain[c].unsure;

    p.upload();
    phi.make(t.sample * p.chains());
    L.make(t.sample * p.chains());
    accepted.make(t.sample * p.chains());
    q12.make(t.sample * p.chains() / t.replicas);
    log.first = p.s->steps;
    log.phi = phi.at;
    log.L = L.at;
    log.q12 = q12.at;
    log.accepted = accepted.at;
    p.w.log = &log;
    p.w.measure = 1;
    dam_launch_q12(&p.w, nullptr);
    take_steps(p, t.sample);
    if (t.chip.blocks) /* all have arrived: nothing happens */
        dam_launch_resident(&p.w, 1, nullptr);
    else
        dam_launch_step(&p.w, nullptr);
    dam_launch_evaluate(&p.w, 1, nullptr);
    dam_launch_largest(&p.w, nullptr);
    must(dam_sampler_sample(p.s, t.sample, &e), e);
    compare(p, t, true);
    check_log(p, t, log);
    if (t.lists)
        check_use_of_lists(p, t, order);
    if (t.coarse)
        check_use_of_coarse(p, t, order);
    if (t.chip.blocks)
        check_use_of_chip(p, t, order);
    return unsure;
}

/* A whole evaluation gives what the sampler knows. */
static void check_evaluate(const test_case &t)
{
    pair p(t);

    for (int64_t c = 0; c < p.chains(); c++) {
        p.w.chain[c].L = p.w.chain[c].phi = NAN;
        p.w.chain[c].now = {-HUGE_VAL, HUGE_VAL};
    }
    dam_launch_evaluate(&p.w, 1, nullptr);
    compare(p, t, false);
    for (int64_t c = 0; c < p.chains(); c++)
        p.w.chain[c].L = p.w.chain[c].phi = NAN;
    dam_launch_evaluate(&p.w, 0, nullptr);
    compare(p, t, false);
}

/* Pieces of memory one after the other, aligned, the last one of `last` bytes at most. */
static void check_pieces(const char *name, const std::vector<const void *> &pieces,
                         const char *memory, uint64_t bytes, uint64_t last)
{
    for (size_t i = 1; i < pieces.size(); i++) {
        const char *at = static_cast<const char *>(pieces[i]);
        CHECK(at > static_cast<const char *>(pieces[i - 1]) && (at - memory) % 256 == 0,
              "%s: piece %zu", name, i);
    }
    CHECK(static_cast<uint64_t>(static_cast<const char *>(pieces.back()) - memory) + last <= bytes,
          "%s: the last piece", name);
}

static ptrdiff_t bytes_between(const void *a, const void *b)
{
    return static_cast<const char *>(b) - static_cast<const char *>(a);
}

/* Memory from the layout does not overlap and is as large as it says. */
static void check_layout(const test_case &t)
{
    pair p(t);
    dam_device_wave w = p.w;
    const int64_t all = p.chains();
    uint64_t bytes = dam_wave_layout(&w, nullptr);
    char *memory = static_cast<char *>(aligned_alloc(256, bytes));

    dam_wave_layout(&w, memory);
    check_pieces(t.name,
                 {w.chain, w.x, w.q12, w.q12_sum, w.proposal, w.columns, w.shift, w.partial, w.sums,
                  w.queued, w.queue},
                 memory, bytes, static_cast<uint64_t>(DAM_QUEUES * w.room) * sizeof(dam_batch));
    CHECK(bytes_between(w.x, w.q12) >= all * t.N * 4, "%s: states", t.name);
    free(memory);
    if (!t.lists)
        return;
    bytes = dam_wave_layout_lists(&w, nullptr);
    memory = static_cast<char *>(aligned_alloc(256, bytes));
    dam_wave_layout_lists(&w, memory);
    check_pieces(t.name, {w.list, w.listed, w.centre, w.claim, w.bins}, memory, bytes,
                 static_cast<uint64_t>(w.disorders * w.builders * w.M) * sizeof(uint16_t));
    CHECK(bytes_between(w.listed, w.centre) >= all * w.list_room * t.N * 4, "%s: lists", t.name);
    free(memory);
}

static const dam_hamiltonian lse = {DAM_LSE, 1, 0, 0, 0}, sharp = {DAM_LSE, 3.5, 0, 0, 0},
                             lsr = {DAM_LSR, 0, 3.41, 0, 0}, soft = {DAM_LSR, 0, 2.5, 0.01, 0},
                             cubic = {DAM_POLYNOMIAL, 0, 0, 0, 3},
                             quartic = {DAM_POLYNOMIAL, 0, 0, 0, 4},
                             steep = {DAM_POLYNOMIAL, 0, 0, 0, 21};

/* Widths of tiles, tails of N, M and blocks of every kind; M = 96 has no pattern 97 to read. */
static const test_case cases[] = {
    {"lse", lse, 24, 1300, 2, 3, 2, 12, 8, false, 0, 0},
    {"lse wide", lse, 19, 161, 1, 40, 1, 5, 4, false, 0, 0},
    {"lse, own patterns", sharp, 33, 96, 3, 5, 3, 12, 8, true, 0, 0},
    {"lse, many blocks", lse, 16, 2177, 1, 1, 2, 4, 4, false, 0, 0},
    {"lsr", lsr, 47, 517, 2, 2, 2, 12, 8, false, 0, 0},
    {"lsr, own patterns", soft, 65, 96, 2, 9, 2, 6, 6, true, 0, 0},
    {"lsr wide", lsr, 17, 33, 1, 65, 2, 4, 4, false, 0, 0},
    {"cubic", cubic, 31, 1025, 1, 4, 2, 8, 6, false, 0, 0},
    {"quartic", quartic, 130, 40, 2, 1, 1, 6, 6, false, 0, 0},
    {"one pattern", lse, 5, 1, 2, 2, 2, 8, 8, false, 0, 0},
    {"two dimensions", lse, 2, 7, 1, 2, 4, 8, 8, false, 0, 0},
    {"lse, lists", lse, 33, 1100, 2, 3, 3, 9, 9, false, 2, 0},
    {"lse, lists that pay", lse, 24, 1537, 1, 1, 2, 20, 30, false, 1, 0.02},
    {"lsr, lists", lsr, 31, 1025, 1, 3, 2, 8, 8, false, 2, 0},
    {"lsr with floor, lists", soft, 40, 1100, 1, 2, 1, 8, 8, false, 2, 0},
    {"polynomial, lists", steep, 47, 1025, 2, 2, 1, 8, 6, true, 2, 0},
    {"lse, coarse", lse, 33, 1101, 2, 3, 3, 9, 6, false, 0, 0, true},
    {"lse wide, coarse", sharp, 24, 160, 1, 19, 2, 6, 6, false, 0, 0, true},
    {"lse, own patterns, coarse", sharp, 65, 96, 2, 3, 2, 8, 6, true, 0, 0, true},
    {"lsr, coarse", lsr, 47, 517, 2, 3, 4, 8, 6, false, 0, 0, true},
    {"lsr with floor, coarse", soft, 31, 33, 1, 5, 4, 6, 6, false, 0, 0, true},
    {"few patterns, coarse", lse, 5, 7, 2, 2, 2, 8, 6, false, 0, 0, true},
    {"lse, lists and coarse", lse, 31, 1030, 1, 4, 5, 9, 6, false, 2, 0, true},
    {"lse on chip", lse, 24, 1300, 2, 3, 3, 8, 6, false, 0, 0, false, {3, 52 << 10}},
    {"lsr on chip", lsr, 47, 517, 3, 2, 2, 8, 6, false, 0, 0, false, {5, 60 << 10}},
    {"cubic on chip", cubic, 17, 161, 1, 20, 1, 6, 4, false, 0, 0, false, {2, 12 << 10}},
    {"own patterns on chip", sharp, 33, 96, 3, 5, 3, 8, 6, true, 0, 0, false, {2, 24 << 10}},
    {"more columns than fit", lse, 257, 97, 1, 15, 2, 3, 2, false, 0, 0, false, {1, 200 << 10}},
};

/* More chains than threads that gather them. */
static const test_case crowd = {"a crowd", lse, 5, 1030, 2, 50, 3, 0, 0, false, 1, 0};

static const test_case rows = {"rows", lse, 5, 33, 2, 50, 3, 0, 0, false, 0, 0, true};

static const test_case small[] = {
    {"lse", lse, 18, 161, 2, 2, 2, 2, 2, false, 0, 0},
    {"lsr", lsr, 33, 40, 1, 2, 3, 2, 2, true, 0, 0},
    {"lse, lists", lse, 19, 1030, 1, 1, 2, 4, 4, false, 2, 0.02},
    {"lse, coarse", sharp, 33, 65, 1, 3, 3, 2, 2, false, 0, 0, true},
    {"lse on chip", lse, 18, 161, 1, 2, 2, 2, 2, false, 0, 0, false, {2, 12 << 10}},
};

int main()
{
    const test_case *list = SMALL ? small : cases;
    const size_t n = SMALL ? sizeof small / sizeof *small : sizeof cases / sizeof *cases;
    const unsigned orders = SMALL ? 1 : ORDERS;
    uint64_t unsure = 0;

    for (size_t i = 0; i < n && checks_failed == 0; i++) {
        for (unsigned order = 0; order < orders && checks_failed == 0; order++) {
            dam_shim::order = order;
            check_kernels(list[i]);
            if (list[i].coarse)
                check_coarse(list[i]);
            if (list[i].chip.blocks)
                check_resident(list[i]);
            unsure += check_chains(list[i], order);
        }
        check_evaluate(list[i]);
        check_layout(list[i]);
        if (list[i].lists) {
            check_gather(list[i]);
            check_lists(list[i]);
        }
    }
    for (unsigned order = 0; order < orders && !SMALL; order++) {
        dam_shim::order = order;
        check_gather(crowd);
        check_rows(rows);
    }
    if (DAM_PLANTED(DAM_PLANT_DOUBT))
        CHECK(unsure > 0, "no proposal was in doubt");
    return check_finish();
}
