/* hash.h - checksums: CRC-32 (zip, gzip, PNG), CRC-32C (the container), Adler-32 (zlib), SHA-256 (known checkpoints). */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include "core/base.h"

/* Continue a checksum by passing the last result; start with 0 (Adler-32: with 1). */
uint32_t sv_crc32(uint32_t crc, const void *p, size_t n);
uint32_t sv_crc32c(uint32_t crc, const void *p, size_t n);
uint32_t sv_adler32(uint32_t sum, const void *p, size_t n);

struct sv_sha256 { uint32_t h[8]; uint64_t bytes; uint8_t block[64]; };
void sv_sha256_init(struct sv_sha256 *s);
void sv_sha256_add(struct sv_sha256 *s, const void *p, size_t n);
void sv_sha256_done(struct sv_sha256 *s, uint8_t out[32]);

#endif
