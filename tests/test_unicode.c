#include <criterion/criterion.h>

#include "clip/unicode.h"
#include "core/hash.h"
#include "tests/util.h"

#include <stdio.h>
#include <string.h>

static struct sv_chars chars(const char *s, size_t n) {
    struct sv_chars t = {0};
    cr_assert_eq(sv_utf8_decode(&t, s, n, NULL), 0);
    return t;
}

static size_t bytes(const struct sv_chars *t, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++) {
        uint8_t b[4];
        const size_t len = sv_utf8_encode(t->c[i], b);
        cr_assert_lt(n + len, cap);
        memcpy(out + n, b, len);
        n += len;
    }
    out[n] = 0;
    return n;
}

Test(unicode, version) { cr_expect_str_eq(sv_unicode_version(), "14.0.0"); }

Test(unicode, utf8_round_trip) {
    for (uint32_t c = 0; c < 0x110000; c++) {
        if (c >= 0xd800 && c < 0xe000) continue;
        uint8_t b[4];
        struct sv_chars t = {0};
        const size_t n = sv_utf8_encode(c, b);
        if (sv_utf8_decode(&t, (const char *)b, n, NULL) || t.n != 1 || t.c[0] != c || sv_utf8_length(b, n) != n || sv_utf8_length(b, n - 1))
            cr_assert_fail("U+%04X", (unsigned)c);
        sv_chars_free(&t);
    }
}

Test(unicode, utf8_refused) {
    static const struct { const char *s; size_t n, at; } bad[] = {
        { "\x80", 1, 0 }, { "a\xc0\x80", 3, 1 }, { "\xc1\xbf", 2, 0 }, { "ab\xe0\x9f\xbf", 5, 2 }, { "\xed\xa0\x80", 3, 0 },
        { "\xed\xbf\xbf", 3, 0 }, { "\xf0\x8f\xbf\xbf", 4, 0 }, { "\xf4\x90\x80\x80", 4, 0 }, { "\xf5\x80\x80\x80", 4, 0 }, { "\xff", 1, 0 },
        { "xyz\xe2\x82", 5, 3 }, { "\xe2\x82\x41", 3, 0 }, { "\xc3", 1, 0 }, { "\xf0\x9f\x98", 3, 0 }, { "\xfe", 1, 0 },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        struct sv_chars t = {0};
        struct sv_err e = {0};
        char where[32];
        snprintf(where, sizeof where, "byte %zu ", bad[i].at);
        cr_expect_eq(sv_utf8_decode(&t, bad[i].s, bad[i].n, &e), SV_EINPUT, "row %zu", i);
        cr_expect(strstr(e.msg, where), "row %zu: %s", i, e.msg);
        sv_chars_free(&t);
    }
}

static void put(struct sv_chars *t, uint32_t c) { cr_assert_eq(sv_chars_add(t, c, NULL), 0); }

static void hash_text(struct sv_sha256 *h, struct sv_chars *t) {
    static char buf[1 << 16];
    sv_sha256_add(h, buf, bytes(t, buf, sizeof buf));
    sv_chars_free(t);
}

/* Categories, NFC and lower case of every code point, in the contexts of tests/golden/unicode.py. */
Test(unicode, golden) {
    struct sv_sha256 h;
    sv_sha256_init(&h);
    for (uint32_t first = 0; first < 0x110000; first += 256) {
        struct sv_chars nfc = {0}, lower = {0};
        if (first >= 0xd800 && first < 0xe000) continue;
        for (uint32_t c = first; c < first + 256; c++) {
            const uint8_t flags = (uint8_t)(sv_uni_letter(c) + 2 * sv_uni_number(c) + 4 * sv_uni_digit(c) + 8 * sv_uni_space(c));
            sv_sha256_add(&h, &flags, 1);
            const uint32_t n[] = { c, '\n', 'a', c, '\n', c, 0x301, 0x316, '\n' };
            const uint32_t l[] = { c, '\n', c, 0x3a3, '\n', 'A', c, 0x3a3, '\n', 'A', 0x3a3, c, '\n' };
            for (size_t i = 0; i < SV_LEN(n); i++) put(&nfc, n[i]);
            for (size_t i = 0; i < SV_LEN(l); i++) put(&lower, l[i]);
        }
        cr_assert_eq(sv_uni_nfc(&nfc, NULL), 0);
        cr_assert_eq(sv_uni_lower_text(&lower, NULL), 0);
        hash_text(&h, &nfc), hash_text(&h, &lower);
    }
    uint8_t sum[32];
    char hex[65];
    sv_sha256_done(&h, sum);
    for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", sum[i]);
    cr_expect_str_eq(hex, "ae71e80ae07bcb8d82425e5613b9b49de6377c5b89715b65cd7a15e98c890cc4");
}

Test(unicode, nfc) {
    static const struct { const char *in, *out; } rows[] = {
        { "cafe\xcc\x81", "caf\xc3\xa9" }, { "\xe2\x84\xab", "\xc3\x85" },              /* e + acute; the Angstrom sign */
        { "a\xcc\x81\xcc\xa7", "\xc3\xa1\xcc\xa7" },                                     /* a mark of a lower class between */
        { "a\xcc\x81\xcc\x80", "\xc3\xa1\xcc\x80" }, { "a\xcc\x85\xcc\x80", "a\xcc\x85\xcc\x80" },      /* one of the same class blocks */
        { "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81" }, { "\xea\xb0\x80\xe1\x86\xa8", "\xea\xb0\x81" },      /* Hangul */
        { "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc" },                                  /* excluded from composition */
        { "\xcc\x81" "a", "\xcc\x81" "a" },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        struct sv_chars t = chars(rows[i].in, strlen(rows[i].in));
        char out[64];
        cr_assert_eq(sv_uni_nfc(&t, NULL), 0);
        bytes(&t, out, sizeof out);
        cr_expect_str_eq(out, rows[i].out, "row %zu", i);
        sv_chars_free(&t);
    }
}

Test(unicode, unescape) {
    static const struct { const char *in, *html, *ftfy; } rows[] = {
        { "&lt;b&gt;", "<b>", "<b>" }, { "&ampx", "&x", "&ampx" }, { "&notit;", "\xc2\xac" "it;", "&notit;" },
        { "&notin;", "\xe2\x88\x89", "\xe2\x88\x89" }, { "&#39;&#x27;&#X27;", "'''", "'''" }, { "&#39a", "'a", "&#39a" },
        { "&#0;&#xD800;&#x110000;&#99999999999999999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "&#128;", "\xe2\x82\xac", "\xe2\x82\xac" }, { "a&#1;b&#xfdd0;c", "abc", "abc" }, { "&#59;", ";", "&#59;" },
        { "&EACUTE;", "&EACUTE;", "\xc3\x89" }, { "&SZLIG;", "&SZLIG;", "SS" }, { "&", "&", "&" }, { "&;&#;&#x;&&", "&;&#;&#x;&&", "&;&#;&#x;&&" },
        { "&amp;amp;lt;", "&amp;lt;", "&amp;lt;" }, { "&acE;", "\xe2\x88\xbe\xcc\xb3", "\xe2\x88\xbe\xcc\xb3" }, { "&nosuch;", "&nosuch;", "&nosuch;" },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++)
        for (int html = 0; html < 2; html++) {
            struct sv_chars in = chars(rows[i].in, strlen(rows[i].in)), t = {0};
            char out[256];
            cr_assert_eq(sv_uni_unescape(&t, in.c, in.n, html, NULL), 0);
            bytes(&t, out, sizeof out);
            cr_expect_str_eq(out, html ? rows[i].html : rows[i].ftfy, "row %zu, html5 %d", i, html);
            sv_chars_free(&in), sv_chars_free(&t);
        }
}
