#include "coarse.h"

#include <string.h>

/* The product of a state with sixteen patterns. */
static void multiply(const int8_t *state, const int8_t *tile, int row, int32_t *product)
{
    for (int k = 0; k < row; k += 4)
        for (int i = 0; i < DAM_COARSE_TILE; i++, tile += 4)
            product[i] += state[k] * tile[0] + state[k + 1] * tile[1] + state[k + 2] * tile[2] +
                          state[k + 3] * tile[3];
}

static void scan(const dam_coarse_block *b)
{
    const int row = dam_coarse_row(b->shape);

    for (int64_t t = 0; t < b->tiles; t++)
        for (int64_t j = 0; j < b->states; j++) {
            int32_t v[DAM_COARSE_TILE];
            unsigned mask = 0;
            memcpy(v, b->start[j], sizeof v);
            multiply(b->state + j * row, b->pattern + t * row * DAM_COARSE_TILE, row, v);
            for (int i = 0; i < DAM_COARSE_TILE; i++) {
                const int32_t least = v[i] > b->floor ? v[i] : b->floor;
                if (v[i] > b->edge)
                    continue;
                mask |= 1u << i;
                if (b->sum)
                    b->sums[j][i] += dam_float((uint32_t)least << b->shift);
            }
            b->mask[j * b->mask_stride + t] = (uint16_t)mask;
        }
}

/* For each part the number that is off by the same fraction at most either way. */
const float dam_paired_power[32] = {
    0x1.fdaaecp-1f, 0x1.f9473ep-1f, 0x1.f55fa8p-1f, 0x1.f1eaecp-1f, 0x1.eee0d6p-1f, 0x1.ec3a1ep-1f,
    0x1.e9f04p-1f,  0x1.e7fd6ap-1f, 0x1.e65c6p-1f,  0x1.e50876p-1f, 0x1.e3fd6ep-1f, 0x1.e3377ap-1f,
    0x1.e2b328p-1f, 0x1.e26d5ep-1f, 0x1.e262ep-1f,  0x1.e29256p-1f, 0x1.e2f83ap-1f, 0x1.e392d6p-1f,
    0x1.e46042p-1f, 0x1.e55ec2p-1f, 0x1.e68ccp-1f,  0x1.e7e8cep-1f, 0x1.e9719ep-1f, 0x1.eb26p-1f,
    0x1.ed04e4p-1f, 0x1.ef0d4ep-1f, 0x1.f13e62p-1f, 0x1.f39752p-1f, 0x1.f61768p-1f, 0x1.f8be02p-1f,
    0x1.fb8a8cp-1f, 0x1.fe7c86p-1f};

/* 2^f as a linear function of 1 + f, of which the error is the same either way at most. */
const float dam_words_slope[32] = {
    0x1.66c09ap-1f, 0x1.6e9ba6p-1f, 0x1.76a2bcp-1f, 0x1.7ed6d2p-1f, 0x1.8738e4p-1f, 0x1.8fc9f4p-1f,
    0x1.988b0ap-1f, 0x1.a17d32p-1f, 0x1.aaa18p-1f,  0x1.b3f90ep-1f, 0x1.bd84fap-1f, 0x1.c74668p-1f,
    0x1.d13e88p-1f, 0x1.db6e88p-1f, 0x1.e5d7a6p-1f, 0x1.f07b1ep-1f, 0x1.fb5a3ap-1f, 0x1.033b24p+0f,
    0x1.08e84ep+0f, 0x1.0eb54ap+0f, 0x1.14a2cap+0f, 0x1.1ab184p+0f, 0x1.20e234p+0f, 0x1.273596p+0f,
    0x1.2dac7p+0f,  0x1.344784p+0f, 0x1.3b07a2p+0f, 0x1.41ed96p+0f, 0x1.48fa34p+0f, 0x1.502e58p+0f,
    0x1.578adep+0f, 0x1.5f10a6p+0f};

const float dam_words_start[32] = {
    0x1.32771ap-2f,  0x1.224352p-2f,  0x1.113444p-2f,  0x1.fe84aap-3f,  0x1.d8cb5ap-3f,
    0x1.b12c6ep-3f,  0x1.879748p-3f,  0x1.5bfac2p-3f,  0x1.2e453cp-3f,  0x1.fcc90ep-4f,
    0x1.988be6p-4f,  0x1.2fac7ap-4f,  0x1.840646p-5f,  0x1.3d9c48p-6f,  -0x1.428de6p-7f,
    -0x1.4aa512p-5f, -0x1.27c7d6p-4f, -0x1.afdf74p-4f, -0x1.1ee446p-3f, -0x1.68d9dp-3f,
    -0x1.b5e952p-3f, -0x1.03163ep-2f, -0x1.2cdeep-2f,  -0x1.585c28p-2f, -0x1.859c14p-2f,
    -0x1.b4ad0ap-2f, -0x1.e59ddap-2f, -0x1.0c3ee2p-1f, -0x1.26ae36p-1f, -0x1.4224fep-1f,
    -0x1.5eab82p-1f, -0x1.7c4a4ap-1f};

const float dam_paired_power_of[] = {0x1.bb7cd4p-7f, -0x1.168e4p-9f, 0x1.553966p-3f, 0x1.3f8122p-2f,
                                     0x1.051a08p-1f};

/* Adds to v the product of a part of a state with a part of sixteen patterns, times `factor`. */
static void add_product(const int8_t *state, const int8_t *part, int depth, int32_t factor,
                        int32_t *v)
{
    for (int k = 0; k < depth; k++)
        for (int i = 0; i < DAM_COARSE_TILE; i++)
            v[i] += factor * state[k] * part[k / 4 * 4 * DAM_COARSE_TILE + 4 * i + k % 4];
}

/* The bits of terms of state j with the patterns of tile t. */
static void bits_of_pairs(const dam_paired_block *b, int64_t j, int64_t t, uint32_t *z)
{
    const int8_t *state = b->state + j * DAM_PAIRED_ROW * b->depth;
    const int d = b->depth, size = d * DAM_COARSE_TILE;
    const int8_t *G = state, *F = state + d, *X = state + 2 * d;
    const int8_t *P = b->pattern + t * 2 * size, *E = P + size;
    const int8_t *Q = b->third + (b->third ? t * size * dam_paired_third(d) : 0);
    int32_t high[DAM_COARSE_TILE] = {0}, low[DAM_COARSE_TILE] = {0}, last[DAM_COARSE_TILE] = {0};

    add_product(X, P, d, 1, high);
    add_product(F, P, d, b->full ? 256 : 1, low);
    add_product(X, E, d, b->full ? 256 : 1, low);
    if (b->full) {
        add_product(G, P, d, 1, low);
        add_product(F, E, d, 1, low);
        add_product(X, Q, d, 1, low);
        add_product(F, Q, d, 1, last);
        add_product(G, E, d, 1, last);
    }
    for (int i = 0; i < DAM_COARSE_TILE && b->full; i++) {
        const int32_t v = (int32_t)(((uint32_t)(high[i] + b->start) << (16 - b->shift)) +
                                    (uint32_t)((low[i] + (last[i] >> 8)) >> b->shift));
        z[i] = (uint32_t)(v > b->floor ? v : b->floor);
    }
    for (int i = 0; i < DAM_COARSE_TILE && !b->full; i++) {
        const int32_t above = high[i] - b->edge[j];
        const int32_t v = (int32_t)(256 * (uint32_t)above) + low[i] + b->start;
        if (above >= 0)
            b->mask[j * b->mask_stride + t] &= (uint16_t) ~(1u << i);
        z[i] = (uint32_t)(above < 0 && v > b->floor ? v : b->floor) << b->shift;
    }
}

/* A term from its bits. */
static float term_of(const dam_paired_block *b, uint32_t z)
{
    const uint32_t m = (z & 0x7fffff) | 0x3f800000;
    float power = dam_paired_power_of[0], product;
    uint32_t bits;

    if (!b->full)
        return dam_paired_power[z >> 18 & 31] * dam_float(z);
    for (int i = 1; i <= DAM_PAIRED_DEGREE; i++) {
        product = power * dam_float(m);
        power = product + dam_paired_power_of[i];
    }
    memcpy(&bits, &power, sizeof bits);
    return dam_float(bits + z - m);
}

void dam_paired_sum_plain(const dam_paired_block *b)
{
    for (int64_t t = 0; t < b->tiles; t++)
        for (int64_t j = 0; j < b->states; j++) {
            uint32_t z[DAM_COARSE_TILE];
            if (!b->full)
                b->mask[j * b->mask_stride + t] = 0xffff;
            bits_of_pairs(b, j, t, z);
            for (int i = 0; i < DAM_COARSE_TILE; i++)
                b->sums[j][i] += term_of(b, z[i]);
        }
}

/* The single of a product that is at most the edge of state i. */
static float far_term(const dam_words_block *b, int64_t i, int32_t v)
{
    const int32_t least = v > b->least[i] ? v : b->least[i];
    const uint32_t shifted =
        b->shift < 0 ? (uint32_t)least << -b->shift : (uint32_t)(least >> b->shift);
    const uint32_t z = shifted + (uint32_t)b->bias[i];

    const float slope = dam_words_slope[z >> 18 & 31], start = dam_words_start[z >> 18 & 31];
    const float octave = dam_float(z & 0xff800000);

    return b->fine ? slope * dam_float(z) + start * octave
                   : dam_paired_power[z >> 18 & 31] * dam_float(z);
}

void dam_words_sum_plain(const dam_words_block *b)
{
    for (int64_t t = 0; t < b->tiles; t++)
        for (int64_t i = 0; i < b->states; i++) {
            const int16_t *pattern = b->pattern + t * b->row * DAM_COARSE_TILE;
            const int16_t *state = b->state + i * b->row;
            uint32_t v[DAM_COARSE_TILE] = {0};
            unsigned mask = 0;
            for (int k = 0; k < b->row; k += 2)
                for (int j = 0; j < DAM_COARSE_TILE; j++, pattern += 2)
                    v[j] +=
                        (uint32_t)(state[k] * pattern[0]) + (uint32_t)(state[k + 1] * pattern[1]);
            for (int j = 0; j < DAM_COARSE_TILE; j++)
                if ((int32_t)v[j] <= b->edge[i]) {
                    mask |= 1u << j;
                    b->sums[i][j] += far_term(b, i, (int32_t)v[j]);
                }
            b->mask[i * b->mask_stride + t] = (uint16_t)mask;
        }
}

static bool always(void)
{
    return true;
}

const dam_coarse_loops dam_coarse_plain = {
    "plain", always, scan, dam_paired_sum_plain, dam_words_sum_plain, DAM_NO_BYTES, 1.0, 1.0};

const dam_coarse_loops *dam_coarse_loops_for(const dam_kernels *kernels)
{
#ifdef DAM_HAVE_COARSE_LOOPS
    if (strcmp(kernels->name, "avx512") == 0) {
        if (dam_coarse_amx.usable())
            return &dam_coarse_amx;
        if (dam_coarse_vnni.usable())
            return &dam_coarse_vnni;
    }
#else
    (void)kernels;
#endif
    return &dam_coarse_plain;
}
