#include "io/zip.h"
#include "tests/archive.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct archive three(void) {
    static struct archive a;
    memset(&a, 0, sizeof a);
    add_entry(&a, "t/data.pkl", 10, "hello", 5, 0);
    add_entry(&a, "t/data/0", 8, "0123456789abcdef", 16, 37);
    add_entry(&a, "t/data/1", 8, "", 0, 0);
    close_archive(&a);
    return a;
}

/* In a block of exactly its size. */
static bool opens(const uint8_t *p, size_t n) {
    uint8_t *exact = sv_alloc(n, 1, NULL);
    if (n) memcpy(exact, p, n);
    struct sv_zip z;
    struct sv_err e = { 0 };
    const int rc = sv_zip_open(&z, exact, n, "f", &e);
    cr_assert(rc ? rc == SV_EINPUT && !strncmp(e.msg, "f: ", 3) && !z.entry : !e.code);
    for (size_t i = 0; !rc && i < z.n; i++) {
        const uint8_t *out;
        uint8_t *owned;
        if (!sv_zip_read(&z, &z.entry[i], &out, &owned, NULL))
            cr_expect(sv_crc32(0, out, z.entry[i].size) == z.entry[i].crc);
        sv_free(owned);
    }
    sv_zip_close(&z);
    sv_free(exact);
    return !rc;
}

static bool reads(const struct archive *a, const char *name) {
    struct sv_zip z;
    const uint8_t *out;
    uint8_t *owned = NULL;
    cr_assert(!sv_zip_open(&z, a->p, a->n, "f", NULL));
    const struct sv_zip_entry *en = sv_zip_find(&z, name, strlen(name));
    cr_assert(en);
    const int rc = sv_zip_read(&z, en, &out, &owned, NULL);
    sv_free(owned);
    sv_zip_close(&z);
    return !rc;
}

Test(zip, good) {
    const struct archive a = three();
    struct sv_zip z;
    const uint8_t *out;
    uint8_t *owned;
    cr_assert(!sv_zip_open(&z, a.p, a.n, "f", NULL) && z.n == 3);
    const struct sv_zip_entry *en = sv_zip_find(&z, "t/data/0", 8);
    cr_assert(en && !sv_zip_read(&z, en, &out, &owned, NULL) && !owned);
    cr_expect(en->size == 16 && !memcmp(out, "0123456789abcdef", 16) && out > a.p && out < a.p + a.n);
    cr_expect(!sv_zip_find(&z, "t/data/2", 8) && !sv_zip_find(&z, "t/data/", 7)
              && sv_zip_find(&z, "t/data/1", 8)->size == 0);
    sv_zip_close(&z);
}

Test(zip, empty) {
    struct archive a = { .n = 0 };
    close_archive(&a);
    cr_expect(opens(a.p, a.n) && !opens(a.p, a.n - 1) && !opens(a.p, 0));
}

Test(zip, truncated) {
    const struct archive a = three();
    for (size_t n = 0; n < a.n; n++) cr_expect(!opens(a.p, n), "%zu", n);
}

/* Fields of the three headers: where, how wide, the value; each alone makes the archive one that is refused. */
Test(zip, bad_fields) {
    static const struct { char where; size_t entry, at, bytes; uint64_t v; } rows[] = {
        { 'c', 0, 0, 4, 0 }, { 'c', 0, 8, 2, 1 }, { 'c', 0, 8, 2, 0x40 }, { 'c', 0, 8, 2, 0x2000 }, { 'c', 0, 10, 2, 8 },
        { 'c', 0, 20, 4, 0xffffffff }, { 'c', 0, 20, 4, 6 }, { 'c', 0, 24, 4, 6 }, { 'c', 2, 20, 8, 0x500000005 }, { 'c', 0, 24, 4, 0xffffffff },
        { 'c', 0, 28, 2, 9 }, { 'c', 0, 28, 2, 0xffff },
        { 'c', 0, 30, 2, 1 }, { 'c', 0, 30, 2, 0xffff }, { 'c', 0, 32, 2, 0xffff }, { 'c', 0, 34, 2, 1 },
        { 'c', 0, 42, 4, 1 }, { 'c', 0, 42, 4, 0xffffffff },
        { 'c', 0, 42, 4, 0x7fffffff }, { 'c', 2, 46, 1, 'T' }, { 'c', 1, 53, 1, '1' },
        { 'l', 0, 0, 4, 0 }, { 'l', 0, 6, 2, 1 }, { 'l', 0, 8, 2, 8 }, { 'l', 0, 26, 2, 9 }, { 'l', 0, 26, 2, 0xffff },
        { 'l', 0, 28, 2, 0xffff },
        { 'l', 0, 28, 2, 0x7000 }, { 'l', 0, 30, 1, 'T' }, { 'l', 2, 28, 2, 1 },
        { 'e', 0, 0, 4, 0 }, { 'e', 0, 4, 2, 1 }, { 'e', 0, 6, 2, 1 }, { 'e', 0, 8, 2, 2 }, { 'e', 0, 10, 2, 2 },
        { 'e', 0, 10, 2, 0xffff }, { 'e', 0, 8, 4, 0x20002 },
        { 'e', 0, 8, 4, 0x40004 }, { 'e', 0, 8, 4, 0xffffffff }, { 'e', 0, 12, 4, 0xffffffff }, { 'e', 0, 12, 4, 1 },
        { 'e', 0, 16, 4, 0xffffffff }, { 'e', 0, 16, 4, 0 },
        { 'e', 0, 20, 2, 1 }, { 'e', 0, 20, 2, 0xffff },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        struct archive a = three();
        uint8_t *p = a.p + (rows[i].where == 'c' ? a.central[rows[i].entry] : rows[i].where == 'l'
                            ? a.local[rows[i].entry] : a.end);
        set(p + rows[i].at, rows[i].v, rows[i].bytes);
        cr_expect(!opens(a.p, a.n), "row %zu", i);
    }
}

Test(zip, bad_names) {
    static const struct { const char *s; size_t n; bool ok; } rows[] = {
        { "", 0, false }, { "/a", 2, false }, { "../a", 4, false }, { "a/../b", 6, false }, { "a/..", 4, false },
        { "./a", 3, false }, { "a//b", 4, false },
        { "a\\b", 3, false }, { "a\0b", 3, false }, { "c:b", 3, false }, { "a/b", 3, true }, { "a/", 2, true },
        { "..a/.b", 6, true }, { "a", 1, true },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        struct archive a = { .n = 0 };
        add_entry(&a, rows[i].s, rows[i].n, "x", 1, 0);
        close_archive(&a);
        cr_expect(opens(a.p, a.n) == rows[i].ok, "row %zu", i);
    }
    struct archive a = { .n = 0 };
    add_entry(&a, "a", 1, "x", 1, 0), add_entry(&a, "b", 1, "x", 1, 0), add_entry(&a, "a", 1, "y", 1, 0);
    close_archive(&a);
    cr_expect(!opens(a.p, a.n), "one name twice");
}

Test(zip, overlap) {
    struct archive a = { .n = 0 };
    add_entry(&a, "a", 1, "0123", 4, 0), add_entry(&a, "b", 1, "0123", 4, 0);
    close_archive(&a);
    cr_expect(opens(a.p, a.n));
    set(a.p + a.central[0] + 20, 5, 4), set(a.p + a.central[0] + 24, 5, 4);         /* one byte into b's header */
    cr_expect(!opens(a.p, a.n));
    /* A quine-like bomb: two central entries of one local header. */
    struct archive b = { .n = 0 };
    add_entry(&b, "a", 1, "0123", 4, 0);
    b.local[b.entries++] = 0;
    close_archive(&b);
    cr_expect(!opens(b.p, b.n));
}

Test(zip, comment_and_junk) {
    struct archive a = three();
    set(a.p + a.end + 20, 5, 2);
    raw(&a, "hello", 5);
    cr_expect(opens(a.p, a.n));
    raw(&a, "!", 1);
    cr_expect(!opens(a.p, a.n));
    struct archive b = { .n = 0 };
    raw(&b, "junk", 4);
    const struct archive c = three();
    raw(&b, c.p, c.n);
    cr_expect(!opens(b.p, b.n), "offsets that count from elsewhere");
}

Test(zip, data_descriptor) {
    struct archive a = { .n = 0 };
    add_entry(&a, "a", 1, "0123", 4, 0);
    raw(&a, "PK\7\10", 4), le(&a, sv_crc32(0, "0123", 4), 4), le(&a, 4, 4), le(&a, 4, 4);
    add_entry(&a, "b", 1, "x", 1, 0);
    close_archive(&a);
    set(a.p + a.local[0] + 6, 8, 2), set(a.p + a.local[0] + 14, 0, 4), set(a.p + a.local[0] + 18, 0, 8);
    cr_expect(opens(a.p, a.n) && reads(&a, "a") && reads(&a, "b"));
}

/* The archive again, with zip64 end records and a zip64 field in the first central header. */
static struct archive wide(uint64_t shift) {
    struct archive a = { .n = 0 };
    add_entry(&a, "a", 1, "0123", 4, 0), add_entry(&a, "b", 1, "01", 2, 0);
    const size_t begin = a.n;
    close_archive(&a);
    uint8_t rest[256];
    const size_t cut = a.central[0] + 47, n = a.end - cut;
    memcpy(rest, a.p + cut, n);
    set(a.p + a.central[0] + 20, 0xffffffff, 4), set(a.p + a.central[0] + 24, 0xffffffff, 4),
        set(a.p + a.central[0] + 30, 4 + 3 + 4 + 16, 2);
    a.n = cut;
    le(&a, 0x5555, 2), le(&a, 3, 2), raw(&a, "abc", 3), le(&a, 1, 2), le(&a, 16, 2), le(&a, 4, 8), le(&a, 4, 8);
    raw(&a, rest, n);
    const size_t end64 = a.n;
    le(&a, 0x06064b50, 4), le(&a, 44, 8), le(&a, 45, 2), le(&a, 45, 2), le(&a, 0, 8), le(&a, 2, 8), le(&a, 2, 8),
        le(&a, end64 - begin, 8), le(&a, begin, 8);
    le(&a, 0x07064b50, 4), le(&a, 0, 4), le(&a, end64 + shift, 8), le(&a, 1, 4);
    a.end = a.n;
    le(&a, 0x06054b50, 4), le(&a, 0, 4), le(&a, 2, 2), le(&a, 2, 2), le(&a, end64 - begin, 4), le(&a, begin, 4),
        le(&a, 0, 2);
    return a;
}

Test(zip, zip64) {
    struct archive a = wide(0);
    cr_assert(opens(a.p, a.n) && reads(&a, "a") && reads(&a, "b"));
    for (size_t n = 0; n < a.n; n++) cr_expect(!opens(a.p, n), "%zu", n);
    const uint64_t shifts[] = { 1, (uint64_t)-1, (uint64_t)1 << 63, 76, (uint64_t)-80 };
    for (size_t i = 0; i < SV_LEN(shifts); i++) {
        a = wide(shifts[i]);
        cr_expect(!opens(a.p, a.n), "shift %zu", i);
    }
    const size_t at[] = { 16, 20, 24, 32, 40, 48 };                                 /* of the zip64 end record */
    for (size_t i = 0; i < SV_LEN(at); i++) {
        a = wide(0);
        a.p[a.end - 76 + at[i]] ^= 1;
        cr_expect(!opens(a.p, a.n), "field %zu", at[i]);
    }
    a = wide(0);
    set(a.p + a.end + 16, 0xffffffff, 4);           /* all ones although there is room */
    cr_expect(!opens(a.p, a.n));
    a = wide(0);
    set(a.p + a.central[0] + 47 + 9, 8, 2);         /* the field is shorter than what it must hold */
    cr_expect(!opens(a.p, a.n));
    a = wide(0);
    set(a.p + a.central[0] + 47 + 2, 200, 2);
    cr_expect(!opens(a.p, a.n));
}

Test(zip, checksum) {
    struct archive a = three();
    a.p[a.local[1] + 30 + 8 + 37 + 3] ^= 1;
    cr_expect(!reads(&a, "t/data/0") && reads(&a, "t/data.pkl"));
}

/* method 8 with one stored block of "hello" */
static struct archive deflated(void) {
    struct archive a = { .n = 0 };
    add_entry(&a, "a", 1, "\x01\x05\x00\xfa\xffhello", 10, 0);
    set(a.p + 8, 8, 2), set(a.p + 14, sv_crc32(0, "hello", 5), 4), set(a.p + 22, 5, 4);
    close_archive(&a);
    return a;
}

Test(zip, deflate) {
    struct archive a = deflated();
    cr_expect(reads(&a, "a"));
    const uint64_t sizes[] = { 0, 4, 6, 10001, (64 << 20) + 1, 0xfffffffe };
    for (size_t i = 0; i < SV_LEN(sizes); i++) {
        a = deflated();
        set(a.p + a.central[0] + 24, sizes[i], 4);
        cr_expect(!reads(&a, "a"), "%zu", (size_t)sizes[i]);
    }
    a = deflated();
    set(a.p + a.central[0] + 20, 9, 4);
    cr_expect(!reads(&a, "a"));
    a = deflated();
    set(a.p + 8, 12, 2), set(a.p + a.central[0] + 10, 12, 2);
    cr_expect(!reads(&a, "a"), "bzip2 may stand there but is not read");
}
