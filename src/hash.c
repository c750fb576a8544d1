#include "hash.h"

uint64_t dam_mix64(uint64_t word)
{
    word ^= word >> 30;
    word *= UINT64_C(0xbf58476d1ce4e5b9);
    word ^= word >> 27;
    word *= UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

uint64_t dam_hash64(const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    uint64_t h = dam_mix64((uint64_t)size + UINT64_C(0x9e3779b97f4a7c15));

    while (size > 0) {
        size_t n = size < 8 ? size : 8;
        uint64_t word = 0;
        for (size_t i = 0; i < n; i++)
            word |= (uint64_t)p[i] << (8 * i);
        /* The odd constant keeps a zero word from leaving a zero state alone. */
        h = dam_mix64((h ^ word) + UINT64_C(0x9e3779b97f4a7c15));
        p += n;
        size -= n;
    }
    return h;
}

uint32_t dam_crc32(uint32_t crc, const void *bytes, size_t size)
{
    const unsigned char *p = bytes;

    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (UINT32_C(0xedb88320) & -(crc & 1));
    }
    return ~crc;
}
