/*
 * Random streams. Every random number is a pure function of what it is for: the seed, a named
 * purpose, and the identity of the pattern or chain it belongs to; never of a thread, a chunk, a
 * list position or how many were asked for. The generator is Philox4x32-10, addressed as cuRAND
 * addresses it: key = {lo32(seed), hi32(seed)}, counter = {lo32(off >> 2), hi32(off >> 2),
 * lo32(subsequence), hi32(subsequence)}, and word `off` is element off & 3 of that block.
 */
#ifndef DAM_STREAMS_H
#define DAM_STREAMS_H

#include "portable.h"

#ifdef __CUDACC__
#include <curand_philox4x32_x.h>
#else
#ifndef R123_USE_SSE
/* Nothing here needs its vectors, whose headers take a compiler longer than all others together. */
#define R123_USE_SSE 0
#define R123_USE_X86INTRIN_H 0
#endif
#if defined(__cplusplus) && !defined(_GLIBCXX_IOSTREAM)
/* In C++ Random123 wants to print; what <iostream> links would need a newer C library. */
#include <istream>
#define _GLIBCXX_IOSTREAM 1
#include <Random123/philox.h>
#undef _GLIBCXX_IOSTREAM
#else
#include <Random123/philox.h>
#endif
#endif

/* What numbers are drawn for. The values are part of every result: never change or reuse one. */
enum dam_purpose {
    DAM_FOR_PATTERN = 1,       /* components of pattern mu of disorder d */
    DAM_FOR_PROPOSAL = 2,      /* normals of a chain's proposals */
    DAM_FOR_ACCEPTANCE = 3,    /* uniforms of a chain's decisions */
    DAM_FOR_INITIAL_STATE = 4, /* normals of a chain's start */
    DAM_FOR_INITIAL_PHI = 5,   /* alignment of a chain's start */
    DAM_FOR_EXACT_START = 6,   /* draws of the LSE mixture */
    DAM_FOR_BOOTSTRAP = 7,     /* resampling in dam.stats */
    DAM_FOR_CELL_SEED = 8,     /* seeds of a sweep's cells */
    DAM_FOR_VERIFY = 9,        /* choice of units to verify */
};

typedef struct {
    uint64_t key;
    uint64_t subsequence;
} dam_stream;

/* A bijection of 64-bit words with full avalanche (the finaliser of splitmix64). */
DAM_HD uint64_t dam_mix(uint64_t v)
{
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9u;
    v = (v ^ (v >> 27)) * 0x94d049bb133111ebu;
    return v ^ (v >> 31);
}

/* Takes `v` into the hash `h`; a bijection in either argument. */
DAM_HD uint64_t dam_absorb(uint64_t h, uint64_t v)
{
    return dam_mix((h ^ v) + 0x9e3779b97f4a7c15u);
}

/* Subsequence of a pattern or chain: the disorder above, the pattern or replica below; both < 2^32.
 */
DAM_HD uint64_t dam_pair(uint64_t disorder, uint64_t item)
{
    return disorder << 32 | item;
}

/* Stream of pattern `mu` (from 1) of `disorder` (from 1): its word k makes component k. */
DAM_HD dam_stream dam_pattern_stream(uint64_t seed, uint64_t N, uint64_t disorder, uint64_t mu)
{
    dam_stream s;
    s.key = dam_absorb(dam_absorb(dam_absorb(0, seed), DAM_FOR_PATTERN), N);
    s.subsequence = dam_pair(disorder, mu);
    return s;
}

/* Stream of a chain: (disorder from 1, T, replica from 1) at N, M. */
DAM_HD dam_stream dam_chain_stream(uint64_t seed, enum dam_purpose purpose, uint64_t N, uint64_t M,
                                   double T, uint64_t disorder, uint64_t replica)
{
    dam_stream s;
    s.key = dam_absorb(dam_absorb(dam_absorb(0, seed), (uint64_t)purpose), N);
    s.key = dam_absorb(dam_absorb(s.key, M), dam_bits64(T));
    s.subsequence = dam_pair(disorder, replica);
    return s;
}

#ifdef __CUDACC__
#define DAM_WORDS static __device__ __forceinline__ /* cuRAND's has no host form */
#else
#define DAM_WORDS DAM_HD
#endif

/* Words 4 block .. 4 block + 3 of the stream. */
DAM_WORDS void dam_words(dam_stream s, uint64_t block, uint32_t w[4])
{
#ifdef __CUDACC__
    uint4 c = make_uint4((uint32_t)block, (uint32_t)(block >> 32), (uint32_t)s.subsequence,
                         (uint32_t)(s.subsequence >> 32));
    uint4 r = curand_Philox4x32_10(c, make_uint2((uint32_t)s.key, (uint32_t)(s.key >> 32)));
    w[0] = r.x;
    w[1] = r.y;
    w[2] = r.z;
    w[3] = r.w;
#else
    philox4x32_ctr_t c;
    philox4x32_key_t k;
    c.v[0] = (uint32_t)block;
    c.v[1] = (uint32_t)(block >> 32);
    c.v[2] = (uint32_t)s.subsequence;
    c.v[3] = (uint32_t)(s.subsequence >> 32);
    k.v[0] = (uint32_t)s.key;
    k.v[1] = (uint32_t)(s.key >> 32);
    c = philox4x32(c, k);
    memcpy(w, c.v, sizeof c.v);
#endif
}

/* A uniform in (0, 1) of a block's first two words: ((w >> 12) + 0.5) 2^-52 of the 64-bit word. */
DAM_HD double dam_uniform(const uint32_t w[2])
{
    uint64_t word = (uint64_t)w[1] << 32 | w[0];
    return ((double)(int64_t)(word >> 12) + 0.5) * 0x1p-52;
}

#endif
