/*
 * The words and normals of cuRAND's Philox, as the device draws them, against Random123's, as the
 * CPU does: 10^6 draws at random places of random streams, and the places where counters carry.
 */
#include "exact_math.h"
#include "streams.h"

#include "../c/check.h"
#include "curand_words.h"

/* One block of a stream, drawn three ways; the words that differ. */
static long differences(dam_stream s, uint64_t block)
{
    uint32_t a[4], b[4], c[4];
    long differ = 0;

    dam_words(s, block, a);
    curand_words(s.key, s.subsequence, block, b);
    curand_words_by_state(s.key, s.subsequence, block << 2, c);
    for (int i = 0; i < 4; i++)
        differ += a[i] != b[i] || (block < (uint64_t)1 << 62 && a[i] != c[i]);
    for (int i = 0; i < 4; i += 2) {
        float m[2], n[2];
        dam_normal_pair(a[i], a[i + 1], &m[0], &m[1]);
        dam_normal_pair(b[i], b[i + 1], &n[0], &n[1]);
        differ += dam_bits32(m[0]) != dam_bits32(n[0]) || dam_bits32(m[1]) != dam_bits32(n[1]);
    }
    return differ;
}

int main()
{
    static const uint64_t edges[] = {
        0, 1, 0xffffffff, 0x100000000, 0xffffffffffff, 0xffffffffffffffff};
    const int draws = 1000000 / 4;
    long differ = 0;

    for (int i = 0; i < draws; i++) {
        const uint64_t u = static_cast<uint64_t>(i);
        differ += differences({dam_mix(3 * u + 1), dam_mix(3 * u + 2)}, dam_mix(3 * u) >> (u % 64));
    }
    CHECK(differ == 0, "%ld of %d words or normals differ", differ, 4 * draws);
    differ = 0;
    for (uint64_t key : edges)
        for (uint64_t subsequence : edges)
            for (uint64_t block : edges)
                differ += differences({key, subsequence}, block);
    CHECK(differ == 0, "%ld words or normals differ where counters carry", differ);
    return check_finish();
}
