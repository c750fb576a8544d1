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

/* The sum of F.P + X.(256 P + E) of a state with each of sixteen patterns. */
static void multiply_pairs(const dam_paired_block *b, const int8_t *state, const int8_t *tile,
                           int32_t *v)
{
    const int8_t *F = state, *X = state + b->depth;
    const int8_t *P = tile, *E = tile + b->depth * DAM_COARSE_TILE;

    for (int k = 0; k < b->depth; k++)
        for (int i = 0; i < DAM_COARSE_TILE; i++) {
            const int at = k / 4 * 4 * DAM_COARSE_TILE + 4 * i + k % 4;
            v[i] += F[k] * P[at] + X[k] * (256 * P[at] + E[at]);
        }
}

void dam_paired_sum_plain(const dam_paired_block *b)
{
    for (int64_t t = 0; t < b->tiles; t++)
        for (int64_t j = 0; j < b->states; j++) {
            int32_t v[DAM_COARSE_TILE];
            unsigned mask = 0;
            for (int i = 0; i < DAM_COARSE_TILE; i++)
                v[i] = b->start;
            multiply_pairs(b, b->state + j * 3 * b->depth,
                           b->pattern + t * 2 * b->depth * DAM_COARSE_TILE, v);
            for (int i = 0; i < DAM_COARSE_TILE; i++) {
                const uint32_t z = (uint32_t)(v[i] > b->floor ? v[i] : b->floor) << b->shift;
                if (b->mask && v[i] > b->edge[j])
                    continue;
                mask |= 1u << i;
                b->sums[j][i] += dam_paired_power[z >> 18 & 31] * dam_float(z);
            }
            if (b->mask)
                b->mask[j * b->mask_stride + t] = (uint16_t)mask;
        }
}

static bool always(void)
{
    return true;
}

const dam_coarse_loops dam_coarse_plain = {"plain", always, scan, dam_paired_sum_plain,
                                           false,   1.0,    1.0};

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
