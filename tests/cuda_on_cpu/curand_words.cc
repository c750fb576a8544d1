#include "curand_words.h"

#include <cuda_runtime.h>
#include <curand_kernel.h>

static void put(uint4 r, uint32_t w[4])
{
    w[0] = r.x;
    w[1] = r.y;
    w[2] = r.z;
    w[3] = r.w;
}

void curand_words(uint64_t key, uint64_t subsequence, uint64_t block, uint32_t w[4])
{
    const uint4 c = {static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                     static_cast<uint32_t>(subsequence), static_cast<uint32_t>(subsequence >> 32)};
    const uint2 k = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};

    put(curand_Philox4x32_10(c, k), w);
}

void curand_words_by_state(uint64_t seed, uint64_t subsequence, uint64_t offset, uint32_t w[4])
{
    curandStatePhilox4_32_10_t state;

    curand_init(seed, subsequence, offset, &state);
    put(curand4(&state), w);
}
