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

static bool always(void)
{
    return true;
}

const dam_coarse_loops dam_coarse_plain = {"plain", always, scan, 1.0, 1.0};

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
