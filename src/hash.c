#include "hash.h"

#include "streams.h"

uint64_t dam_hash64(const void *bytes, size_t size)
{
    const unsigned char *p = bytes;
    uint64_t h = dam_absorb(0, size);

    while (size > 0) {
        size_t n = size < 8 ? size : 8;
        uint64_t word = 0;
        for (size_t i = 0; i < n; i++)
            word |= (uint64_t)p[i] << (8 * i);
        h = dam_absorb(h, word);
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
