/*
 * Hashes that name things: a 64-bit hash of bytes (identity of a script, key of a sweep's cell,
 * checksum of a stored row), and the CRC-32 that the zip format asks for. Equal input gives equal
 * output on every machine. These are not cryptographic: they find accidents, not forgers. SHA-256,
 * by which bundles name their parts, is.
 */
#ifndef DAM_HASH_H
#define DAM_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Hash of `size` bytes: eight at a time, little-endian, the length included. */
uint64_t dam_hash64(const void *bytes, size_t size);

/* CRC-32 of the zip format; pass the result so far (0 at the beginning) to go on. */
uint32_t dam_crc32(uint32_t crc, const void *bytes, size_t size);

/* SHA-256 (FIPS 180-4) as text, its end included. */
#define DAM_SHA256_HEX 65
void dam_sha256(const void *bytes, size_t size, char hex[DAM_SHA256_HEX]);

#endif
