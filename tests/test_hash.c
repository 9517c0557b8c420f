#include <criterion/criterion.h>

#include "core/hash.h"
#include "tests/util.h"

/* Byte by byte, bit by bit: independent of the tables. */
static uint32_t slow_crc(uint32_t poly, const uint8_t *p, size_t n) {
    uint32_t c = ~0u;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int b = 0; b < 8; b++) c = c >> 1 ^ (c & 1 ? poly : 0);
    }
    return ~c;
}

static void fill(uint8_t *p, size_t n) {
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
}

/* The check values of Koopman's and Williams' CRC catalogues, RFC 3720 B.4, RFC 1950's Adler-32. */
Test(hash, published) {
    uint8_t z[32] = { 0 }, f[32];
    memset(f, 0xff, sizeof f);
    cr_expect_eq(sv_crc32(0, "123456789", 9), 0xcbf43926u);
    cr_expect_eq(sv_crc32(0, "", 0), 0u);
    cr_expect_eq(sv_crc32c(0, "123456789", 9), 0xe3069283u);
    cr_expect_eq(sv_crc32c(0, z, 32), 0x8a9136aau);
    cr_expect_eq(sv_crc32c(0, f, 32), 0x62a8ab43u);
    cr_expect_eq(sv_adler32(1, "Wikipedia", 9), 0x11e60398u);
    cr_expect_eq(sv_adler32(1, "", 0), 1u);
}

Test(hash, tables_match_bitwise) {
    uint8_t p[300];
    fill(p, sizeof p);
    for (size_t at = 0; at < 8; at++)
        for (size_t n = 0; n + at <= sizeof p; n += n < 40 ? 1 : 37) {
            cr_assert_eq(sv_crc32(0, p + at, n), slow_crc(0xedb88320u, p + at, n), "at %zu n %zu", at, n);
            cr_assert_eq(sv_crc32c(0, p + at, n), slow_crc(0x82f63b78u, p + at, n), "at %zu n %zu", at, n);
        }
    /* Every entry of every table: one byte set, k zeros behind it. */
    for (size_t k = 0; k < 8; k++)
        for (unsigned v = 0; v < 256; v++) {
            uint8_t q[8] = { 0 };
            q[7 - k] = (uint8_t)v;
            cr_assert_eq(sv_crc32(0, q, 8), slow_crc(0xedb88320u, q, 8));
            cr_assert_eq(sv_crc32c(0, q, 8), slow_crc(0x82f63b78u, q, 8));
        }
}

Test(hash, continues) {
    static uint8_t p[40000];
    uint8_t a[32], b[32];
    memset(p, 0xff, sizeof p);          /* the most that Adler's sums can grow */
    uint32_t slow_a = 1, slow_b = 0;
    for (size_t i = 0; i < sizeof p; i++) slow_a = (slow_a + p[i]) % 65521, slow_b = (slow_b + slow_a) % 65521;
    cr_expect_eq(sv_adler32(1, p, sizeof p), slow_b << 16 | slow_a);
    cr_expect_eq(sv_adler32(65520u << 16 | 65520u, p, 5552), sv_adler32(sv_adler32(65520u << 16 | 65520u, p, 1), p, 5551));
    fill(p, sizeof p);
    for (size_t cut = 0; cut < 200; cut++) {
        cr_assert_eq(sv_crc32(sv_crc32(0, p, cut), p + cut, 200 - cut), sv_crc32(0, p, 200));
        cr_assert_eq(sv_crc32c(sv_crc32c(0, p, cut), p + cut, 200 - cut), sv_crc32c(0, p, 200));
        cr_assert_eq(sv_adler32(sv_adler32(1, p, cut), p + cut, 200 - cut), sv_adler32(1, p, 200));
        struct sv_sha256 s;
        sv_sha256_init(&s), sv_sha256_add(&s, p, 200), sv_sha256_done(&s, a);
        sv_sha256_init(&s), sv_sha256_add(&s, p, cut), sv_sha256_add(&s, p + cut, 200 - cut), sv_sha256_done(&s, b);
        cr_assert_arr_eq(a, b, 32);
    }
}

/* FIPS 180-4 examples and the empty message. */
Test(hash, sha256) {
    char hex[65];
    hex_sha256("", 0, hex);
    cr_expect_str_eq(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hex_sha256("abc", 3, hex);
    cr_expect_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hex_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex);
    cr_expect_str_eq(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    static uint8_t p[1000000];
    memset(p, 'a', sizeof p);
    hex_sha256(p, sizeof p, hex);
    cr_expect_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
