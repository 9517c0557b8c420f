#include "core/hash.h"

#include <string.h>

/* A CRC is linear, so the 256 entries of a table are the sums of 8 of them: B(0, ...) spells all out from the entries
 * of bytes 1, 2, 4 .. 128.  Table k is the effect of a byte that k more bytes follow: 8 input bytes are one step. */
#define B1(x, a) x, (x) ^ (a)
#define B2(x, a, b) B1(x, a), B1((x) ^ (b), a)
#define B3(x, a, b, c) B2(x, a, b), B2((x) ^ (c), a, b)
#define B4(x, a, b, c, d) B3(x, a, b, c), B3((x) ^ (d), a, b, c)
#define B5(x, a, b, c, d, e) B4(x, a, b, c, d), B4((x) ^ (e), a, b, c, d)
#define B6(x, a, b, c, d, e, f) B5(x, a, b, c, d, e), B5((x) ^ (f), a, b, c, d, e)
#define B7(x, a, b, c, d, e, f, g) B6(x, a, b, c, d, e, f), B6((x) ^ (g), a, b, c, d, e, f)
#define B(x, a, b, c, d, e, f, g, h) B7(x, a, b, c, d, e, f, g), B7((x) ^ (h), a, b, c, d, e, f, g)

/* Polynomial 0xedb88320, bits reversed. */
static const uint32_t crc32_table[8][256] = {
    { B(0, 0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320) },
    { B(0, 0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b) },
    { B(0, 0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80) },
    { B(0, 0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b) },
    { B(0, 0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092) },
    { B(0, 0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8) },
    { B(0, 0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2) },
    { B(0, 0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da) },
};
/* Castagnoli's polynomial 0x82f63b78, bits reversed. */
static const uint32_t crc32c_table[8][256] = {
    { B(0, 0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78) },
    { B(0, 0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9) },
    { B(0, 0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743) },
    { B(0, 0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f) },
    { B(0, 0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c) },
    { B(0, 0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6) },
    { B(0, 0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4) },
    { B(0, 0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664) },
};

static uint32_t crc(const uint32_t t[8][256], uint32_t c, const uint8_t *p, size_t n) {
    for (c = ~c; n >= 8; p += 8, n -= 8) {
        uint32_t lo, hi;
        memcpy(&lo, p, 4), memcpy(&hi, p + 4, 4);
        lo ^= c;
        c = t[7][lo & 255] ^ t[6][lo >> 8 & 255] ^ t[5][lo >> 16 & 255] ^ t[4][lo >> 24]
          ^ t[3][hi & 255] ^ t[2][hi >> 8 & 255] ^ t[1][hi >> 16 & 255] ^ t[0][hi >> 24];
    }
    while (n--) c = c >> 8 ^ t[0][(c ^ *p++) & 255];
    return ~c;
}

uint32_t sv_crc32(uint32_t c, const void *p, size_t n) { return crc(crc32_table, c, p, n); }
uint32_t sv_crc32c(uint32_t c, const void *p, size_t n) { return crc(crc32c_table, c, p, n); }

uint32_t sv_adler32(uint32_t sum, const void *p, size_t n) {
    /* The most bytes of 255 after which b, from 65520, still fits: 255 k (k + 1) / 2 + (k + 1) 65520 < 2^32. */
    enum { MOD = 65521, RUN = 5552 };
    const uint8_t *s = p;
    uint32_t a = sum & 0xffff, b = sum >> 16;
    while (n) {
        const size_t k = sv_min(n, RUN);
        for (size_t i = 0; i < k; i++) a += s[i], b += a;
        a %= MOD, b %= MOD;
        s += k, n -= k;
    }
    return b << 16 | a;
}

/* FIPS 180-4: the cube roots' first 32 fractional bits of the first 64 primes. */
static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t x, int n) { return x >> n | x << (32 - n); }

#define V(k, r) v[((k) - (r)) & 7]
#define ROUND(r, i) ( \
    V(7, r) += (ror(V(4, r), 6) ^ ror(V(4, r), 11) ^ ror(V(4, r), 25)) \
             + ((V(4, r) & V(5, r)) ^ (~V(4, r) & V(6, r))) + sha_k[(i) + (r)] + w[(i) + (r)], \
    V(3, r) += V(7, r), \
    V(7, r) += (ror(V(0, r), 2) ^ ror(V(0, r), 13) ^ ror(V(0, r), 22)) \
             + ((V(0, r) & V(1, r)) ^ (V(0, r) & V(2, r)) ^ (V(1, r) & V(2, r))))

static void sha_block(uint32_t h[8], const uint8_t *p) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++) {
        const uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (ror(a, 7) ^ ror(a, 18) ^ a >> 3) + (ror(b, 17) ^ ror(b, 19) ^ b >> 10);
    }
    memcpy(v, h, sizeof v);
    /* Eight rounds turn the roles of the variables once round: constant indices keep them in registers. */
    for (int i = 0; i < 64; i += 8) {
        ROUND(0, i), ROUND(1, i), ROUND(2, i), ROUND(3, i), ROUND(4, i), ROUND(5, i), ROUND(6, i), ROUND(7, i);
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

void sv_sha256_init(struct sv_sha256 *s) {
    *s = (struct sv_sha256){ .h = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sv_sha256_add(struct sv_sha256 *s, const void *p, size_t n) {
    const uint8_t *q = p;
    const size_t held = s->bytes % 64;
    s->bytes += n;
    if (held) {
        const size_t k = sv_min(n, 64 - held);
        memcpy(s->block + held, q, k);
        if (held + k < 64) return;
        sha_block(s->h, s->block);
        q += k, n -= k;
    }
    for (; n >= 64; q += 64, n -= 64) sha_block(s->h, q);
    if (n) memcpy(s->block, q, n);
}

void sv_sha256_done(struct sv_sha256 *s, uint8_t out[32]) {
    static const uint8_t pad[64] = { 0x80 };
    const uint64_t bits = s->bytes * 8;
    uint8_t len[8];
    for (int i = 0; i < 8; i++) len[i] = (uint8_t)(bits >> (56 - 8 * i));
    sv_sha256_add(s, pad, 1 + (119 - s->bytes % 64) % 64);
    sv_sha256_add(s, len, 8);
    for (int i = 0; i < 32; i++) out[i] = (uint8_t)(s->h[i / 4] >> (24 - 8 * (i % 4)));
}
