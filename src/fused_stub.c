#include "fused.h"

#include <stdlib.h>
#include "interrupt.h"

/* Stand-in. */
static bool stub(const dam_pass *p, double width)
{
    const int64_t blocks = (p->M + DAM_BLOCK - 1) / DAM_BLOCK;
    double phi[DAM_BLOCK];
    double *x = malloc((size_t)p->N * 8);
    dam_block_sum *sums = malloc((size_t)blocks * sizeof *sums);
    for (int64_t i = 0; i < p->states; i++) {
        for (int k = 0; k < p->N; k++)
            x[k] = p->x[p->slot[i] * p->N + k];
        for (int64_t b = 0; b < blocks; b++) {
            int64_t n = p->M - b * DAM_BLOCK < DAM_BLOCK ? p->M - b * DAM_BLOCK : DAM_BLOCK;
            p->kernels->overlaps(p->panels + b * DAM_BLOCK * p->N, (n + DAM_PANEL - 1) / DAM_PANEL,
                                 p->N, x, 1, phi);
            sums[b] = p->kernels->reduce(p->reference, phi, n);
        }
        double L = dam_combine_blocks(p->reference, sums, blocks);
        double u = (dam_mix(dam_bits64(L)) >> 11) * 0x1p-53;
        if (L == -HUGE_VAL)
            p->L[i] = (dam_interval){-HUGE_VAL, -30};
        else
            p->L[i] = (dam_interval){L - width * u, L + width * (1 - u)};
    }
    free(x);
    free(sums);
    return !dam_interrupted();
}

uint64_t dam_single_scratch(int N, int64_t states)
{
    return (uint64_t)(N * states);
}
bool dam_single_pass(const dam_pass *pass)
{
    return stub(pass, 1e-5);
}
bool dam_tiles_usable(void)
{
    return getenv("DAM_STUB_TILES") != NULL;
}
uint64_t dam_tiles_scratch(int N, int64_t states)
{
    return (uint64_t)(N * states);
}
bool dam_tiles_pass(const dam_pass *pass)
{
    return stub(pass, 0.3);
}
