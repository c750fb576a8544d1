/* cuRAND's Philox, compiled for the host; apart, because it and Random123 share names. */
#ifndef CURAND_WORDS_H
#define CURAND_WORDS_H

#include <cstdint>

/* As dam_words of streams.h, by the call that it makes on a device. */
void curand_words(uint64_t key, uint64_t subsequence, uint64_t block, uint32_t w[4]);

/* The same through cuRAND's generator with state: seed, subsequence, offset. */
void curand_words_by_state(uint64_t seed, uint64_t subsequence, uint64_t offset, uint32_t w[4]);

#endif
