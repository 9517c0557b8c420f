#include <criterion/criterion.h>
#include <string.h>

#include "core/hash.h"
#include "io/file.h"
#include "io/inflate.h"
#include "tests/util.h"

enum { LIMIT = 100 << 20 };

/* status: "ok", "ok:SIZE:SHA", "ok-trailing:SIZE:SHA", "reject", "either". */
static void expect(const struct sv_file *f, enum sv_wrap wrap, const char *status, const char *sha) {
    struct sv_err e = { 0 };
    uint8_t *out;
    size_t n, used = 0;
    const bool trailing = !strncmp(status, "ok-trailing", 11);
    const int rc = sv_inflate(f->data, f->size, wrap, LIMIT, &out, &n, trailing ? &used : NULL, "f", &e);
    if (!strcmp(status, "either")) {
        sv_free(out);
        return;
    }
    cr_expect_eq(rc, *status == 'o' ? 0 : SV_EINPUT, "%s wrap %d: %d %s", f->name, (int)wrap, rc, e.msg);
    cr_expect_eq(!out, rc != 0);
    if (rc) {
        cr_expect_eq(strlen(e.msg) > 0, 1);
        return;
    }
    char hex[65];
    hex_sha256(out, n, hex);
    cr_expect_str_eq(hex, strrchr(sha, ':') ? strrchr(sha, ':') + 1 : sha, "%s wrap %d", f->name, (int)wrap);
    if (trailing) cr_expect_lt(used, f->size);
    /* The caller's buffer gives the same bytes, and every other size is refused. */
    uint8_t *again = sv_alloc(n + 1, 1, NULL);
    cr_expect_eq(sv_inflate_into(f->data, f->size, wrap, again, n, &used, "f", NULL), 0);
    cr_expect_eq(memcmp(out, again, n), 0);
    cr_expect_eq(sv_inflate_into(f->data, f->size, wrap, again, n + 1, &used, "f", NULL), SV_EINPUT);
    if (n) cr_expect_eq(sv_inflate_into(f->data, f->size, wrap, again, n - 1, &used, "f", NULL), SV_EINPUT);
    sv_free(out), sv_free(again);
    if (n) cr_expect_eq(sv_inflate(f->data, f->size, wrap, n - 1, &out, &n, &used, "f", NULL), SV_EINPUT);
}

static void corpus_row(const struct corpus_row *row, void *arg) {
    (void)arg;
    struct sv_file f;
    cr_assert_eq(sv_file_read(&f, row->path, LIMIT, NULL), 0);
    cr_assert_eq(row->cols, 7);
    expect(&f, SV_GZIP, row->status, row->col[3]);
    expect(&f, SV_ZLIB, row->col[5], row->col[5]);
    expect(&f, SV_RAW, row->col[6], row->col[6]);
    sv_file_close(&f);
}

Test(inflate, corpus) {
    if (!corpus_each("gzip", corpus_row, NULL)) cr_skip_test("no corpus");
}

/* "hello hello hello hello\n" by zlib at level 9: one block of fixed codes with a match. */
static const uint8_t hello_zlib[] = {
    0x78, 0xda, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00, 0x70, 0xbe, 0x08, 0xbb,
};

static int inflate(const uint8_t *in, size_t n, enum sv_wrap wrap, size_t limit, char *out, size_t *used) {
    /* A copy of exactly n bytes, so that a sanitizer sees a read past the end. */
    uint8_t *copy = sv_alloc(n, 1, NULL), *p = NULL;
    memcpy(copy, in, n);
    size_t got;
    const int rc = sv_inflate(copy, n, wrap, limit, &p, &got, used, "t", NULL);
    if (!rc) memcpy(out, p, got), out[got] = 0;
    sv_free(p), sv_free(copy);
    return rc;
}

Test(inflate, truncations_are_refused) {
    char out[100];
    size_t used;
    cr_assert_eq(inflate(hello_zlib, sizeof hello_zlib, SV_ZLIB, 24, out, NULL), 0);
    cr_expect_str_eq(out, "hello hello hello hello\n");
    cr_expect_eq(inflate(hello_zlib, sizeof hello_zlib, SV_ZLIB, 23, out, NULL), SV_EINPUT);
    for (size_t n = 0; n < sizeof hello_zlib; n++)
        cr_expect_eq(inflate(hello_zlib, n, SV_ZLIB, 99, out, &used), SV_EINPUT, "%zu bytes", n);
    cr_expect_eq(inflate(hello_zlib + 2, sizeof hello_zlib - 2, SV_RAW, 99, out, NULL), SV_EINPUT);
    cr_expect_eq(inflate(hello_zlib + 2, sizeof hello_zlib - 2, SV_RAW, 99, out, &used), 0);
    cr_expect_eq(used, sizeof hello_zlib - 6);
}

Test(inflate, flipped_bits_are_found) {
    char out[70000];
    for (size_t bit = 0; bit < sizeof hello_zlib * 8; bit++) {
        uint8_t p[sizeof hello_zlib];
        memcpy(p, hello_zlib, sizeof p);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_eq(inflate(p, sizeof p, SV_ZLIB, sizeof out - 1, out, NULL), SV_EINPUT, "bit %zu", bit);
    }
}

Test(inflate, zlib_header) {
    char out[100];
    uint8_t p[sizeof hello_zlib];
    static const uint8_t head[][2] = { { 0x79, 0x9c }, { 0x88, 0x1c }, { 0x78, 0xdb }, { 0x78, 0x20 | 0x9c } };
    for (size_t i = 0; i < SV_LEN(head); i++) {
        memcpy(p, hello_zlib, sizeof p);
        memcpy(p, head[i], 2);
        while (i > 2 && (p[0] << 8 | p[1]) % 31) p[1] = (uint8_t)(p[1] % 32 == 31 ? p[1] - 31 : p[1] + 1);
        cr_expect_eq(inflate(p, sizeof p, SV_ZLIB, 99, out, NULL), SV_EINPUT, "header %zu", i);
    }
}

/* A member with every header field: FEXTRA "ab", FNAME "n", FCOMMENT "c", FHCRC; a stored block "abc". */
static size_t member(uint8_t *p) {
    static const uint8_t head[] = { 0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 2, 0, 'a', 'b', 'n', 0, 'c', 0 };
    static const uint8_t body[] = { 1, 3, 0, 0xfc, 0xff, 'a', 'b', 'c', 0xc2, 0x41, 0x24, 0x35, 3, 0, 0, 0 };
    memcpy(p, head, sizeof head);
    const uint32_t crc = sv_crc32(0, head, sizeof head);
    p[sizeof head] = (uint8_t)crc, p[sizeof head + 1] = (uint8_t)(crc >> 8);
    memcpy(p + sizeof head + 2, body, sizeof body);
    return sizeof head + 2 + sizeof body;
}

Test(inflate, gzip_members) {
    char out[100];
    uint8_t p[200] = { 0 };
    const size_t one = member(p), two = one + member(p + one);
    cr_expect_eq(inflate(p, one, SV_GZIP, 99, out, NULL), 0);
    cr_expect_str_eq(out, "abc");
    cr_expect_eq(inflate(p, two, SV_GZIP, 6, out, NULL), 0);
    cr_expect_str_eq(out, "abcabc");
    cr_expect_eq(inflate(p, two, SV_GZIP, 5, out, NULL), SV_EINPUT);
    cr_expect_eq(inflate(p, two + 50, SV_GZIP, 99, out, NULL), 0, "zeros behind the end");
    for (size_t n = 0; n < two; n++)
        cr_expect_eq(inflate(p, n, SV_GZIP, 99, out, NULL), n == one ? 0 : SV_EINPUT, "%zu bytes", n);
    p[two + 20] = 1;
    cr_expect_eq(inflate(p, two + 50, SV_GZIP, 99, out, NULL), SV_EINPUT, "garbage behind the zeros");
    p[two] = 1;
    cr_expect_eq(inflate(p, two + 50, SV_GZIP, 99, out, NULL), SV_EINPUT, "garbage behind the end");
    for (size_t bit = 0; bit < one * 8; bit++) {
        if (bit / 8 == 20 && bit % 8 > 2) continue;     /* the unused bits before a stored block's length */
        member(p);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_expect_eq(inflate(p, one, SV_GZIP, 99, out, NULL), SV_EINPUT, "bit %zu", bit);
    }
}

/* The second member must not reach into the first one's bytes: fixed block, match of length 3 at distance 1. */
Test(inflate, distance_stays_in_its_member) {
    uint8_t p[200] = { 0 };
    const size_t one = member(p);
    static const uint8_t second[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x03, 0x02, 0x00, 0, 0, 0, 0, 3, 0, 0, 0 };
    memcpy(p + one, second, sizeof second);
    struct sv_err e = { 0 };
    uint8_t *o;
    size_t n;
    cr_expect_eq(sv_inflate(p, one + sizeof second, SV_GZIP, 99, &o, &n, NULL, "t", &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "before the first byte"), "%s", e.msg);
}

/* Stored blocks of 0 and of 65535 bytes, in the middle of others, and growth by many of them. */
Test(inflate, stored) {
    enum { N = 65535, BLOCKS = 20 };
    uint8_t *p = sv_alloc(BLOCKS * (N + 10), 1, NULL), *out;
    size_t n = 0, got;
    for (int k = 0; k < BLOCKS; k++) {
        const unsigned len = k % 3 ? N : 0;
        const uint8_t head[] = { k == BLOCKS - 1, (uint8_t)len, (uint8_t)(len >> 8), (uint8_t)~len, (uint8_t)(~len >> 8) };
        memcpy(p + n, head, 5);
        n += 5;
        memset(p + n, 'a' + k, len);
        n += len;
    }
    cr_assert_eq(sv_inflate(p, n, SV_RAW, LIMIT, &out, &got, NULL, "t", NULL), 0);
    cr_expect_eq(got, (size_t)13 * N);
    cr_expect_eq(out[0], 'b');
    cr_expect_eq(out[got - 1], 'a' + 19);
    sv_free(out);
    cr_expect_eq(sv_inflate(p, n - 1, SV_RAW, LIMIT, &out, &got, NULL, "t", NULL), SV_EINPUT);
    p[3] ^= 1;
    cr_expect_eq(sv_inflate(p, n, SV_RAW, LIMIT, &out, &got, NULL, "t", NULL), SV_EINPUT);
    sv_free(p);
}

/* Blocks with codes of their own, written bit by bit.  The code lengths are sent with 4 bits each: a code of the 16
 * symbols 0 .. 15, so that the length is its own code. */
struct writer { uint8_t p[1000]; size_t bit; };

static void put(struct writer *w, unsigned v, unsigned n) {
    for (; n--; v >>= 1, w->bit++) w->p[w->bit / 8] |= (uint8_t)((v & 1) << w->bit % 8);
}

static void put_code(struct writer *w, unsigned code, unsigned n) {       /* codes go most significant bit first */
    while (n--) put(w, code >> n, 1);
}

static void begin(struct writer *w, unsigned lits, unsigned dists, const uint8_t *len) {
    memset(w, 0, sizeof *w);
    put(w, 1, 1), put(w, 2, 2), put(w, lits - 257, 5), put(w, dists - 1, 5), put(w, 15, 4);
    for (int i = 0; i < 19; i++) put(w, i < 3 ? 0 : 4, 3);
    for (unsigned i = 0; i < lits + dists; i++) put_code(w, len[i], 4);
}

/* The text that the block holds, "!" where it is refused. */
static const char *text(const struct writer *w) {
    static char out[1000];
    size_t used;
    return inflate(w->p, (w->bit + 7) / 8, SV_RAW, sizeof out - 1, out, &used) ? "!" : out;
}

/* lits and dists codes, of which 'a' and the end have one bit; "aa". */
static const char *counts(unsigned lits, unsigned dists) {
    struct writer w;
    uint8_t len[288 + 32] = { 0 };
    len['a'] = len[256] = 1;
    begin(&w, lits, dists, len);
    put(&w, 0, 2), put(&w, 1, 1);
    return text(&w);
}

Test(inflate, numbers_of_codes) {
    cr_expect_str_eq(counts(257, 1), "aa");
    cr_expect_str_eq(counts(286, 30), "aa");
    cr_expect_str_eq(counts(287, 1), "!");
    cr_expect_str_eq(counts(288, 1), "!");
    cr_expect_str_eq(counts(257, 31), "!");
    cr_expect_str_eq(counts(257, 32), "!");
}

/* Code lengths of 'a', the end, length 3, distances 1 and 2; then the eight bits of body. */
static const char *lengths(unsigned a, unsigned end, unsigned three, unsigned one, unsigned two, unsigned body) {
    struct writer w;
    uint8_t len[260] = { 0 };
    len['a'] = (uint8_t)a, len[256] = (uint8_t)end, len[257] = (uint8_t)three, len[258] = (uint8_t)one;
    len[259] = (uint8_t)two;
    begin(&w, 258, 2, len);
    put_code(&w, body, 8);
    return text(&w);
}

Test(inflate, complete_codes_only) {
    cr_expect_str_eq(lengths(2, 2, 1, 1, 1, 0x8c), "aaaa");             /* 10 a, 0 length, 0 distance, 11 end */
    cr_expect_str_eq(lengths(2, 2, 1, 1, 1, 0x9c), "!");                /* distance 2 behind one byte */
    cr_expect_str_eq(lengths(2, 2, 1, 1, 0, 0x8c), "aaaa");             /* one distance of one bit is allowed */
    cr_expect_str_eq(lengths(2, 2, 1, 1, 0, 0x9c), "!");                /* but its other half is no distance */
    cr_expect_str_eq(lengths(2, 2, 1, 0, 0, 0x8c), "!");                /* none: no length may be used */
    cr_expect_str_eq(lengths(2, 2, 1, 0, 0, 0xb0), "a");
    cr_expect_str_eq(lengths(2, 2, 1, 2, 0, 0xb0), "!");                /* incomplete */
    cr_expect_str_eq(lengths(2, 2, 1, 2, 2, 0xb0), "!");
    cr_expect_str_eq(lengths(2, 2, 2, 1, 1, 0xb0), "!");
    cr_expect_str_eq(lengths(1, 1, 1, 1, 1, 0x40), "!");                /* over-subscribed */
    cr_expect_str_eq(lengths(1, 0, 1, 1, 1, 0x00), "!");                /* no end */
    cr_expect_str_eq(lengths(0, 1, 0, 1, 1, 0x00), "");                 /* nothing but an end */
    cr_expect_str_eq(lengths(0, 1, 0, 1, 1, 0x80), "!");
}

/* One code of every length up to 15 bits: 'a' has 1 bit, the end 15. */
Test(inflate, long_codes) {
    struct writer w;
    uint8_t len[258] = { 0 };
    for (unsigned i = 0; i < 15; i++) len['a' + i] = (uint8_t)(i + 1);
    len[256] = 15;
    begin(&w, 257, 1, len);
    for (unsigned i = 15; i--;) put_code(&w, (1u << (i + 1)) - 2, i + 1);
    put_code(&w, 0x7fff, 15);
    cr_expect_str_eq(text(&w), "onmlkjihgfedcba");
}

Test(inflate, repeated_lengths) {
    for (int past = 0; past < 2; past++) {
        struct writer w = { .bit = 0 };
        put(&w, 1, 1), put(&w, 2, 2), put(&w, 0, 10), put(&w, 0, 4);
        put(&w, 2, 3), put(&w, 0, 3), put(&w, 2, 3), put(&w, 1, 3);     /* 16: 10, 18: 11, 0: 0 */
        if (past) put_code(&w, 3, 2), put(&w, 127, 7), put_code(&w, 3, 2), put(&w, 127, 7);
        else put_code(&w, 2, 2), put(&w, 0, 2);
        put(&w, 0, 30);
        cr_expect_str_eq(text(&w), "!");
        struct sv_err e = { 0 };
        uint8_t *out;
        size_t n;
        cr_expect_eq(sv_inflate(w.p, sizeof w.p, SV_RAW, 99, &out, &n, NULL, "t", &e), SV_EINPUT);
        cr_expect(strstr(e.msg, past ? "past the last" : "none before"), "%s", e.msg);
    }
}
