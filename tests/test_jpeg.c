#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"
#include "io/jpeg.h"
#include "io/jpeg_int.h"
#include "tests/util.h"
#include "tools/golden_files.h"

struct bytes { uint8_t *p; size_t n; };

static struct bytes unhex(const char *hex) {
    struct bytes b = { sv_alloc(strlen(hex) / 2, 1, NULL), strlen(hex) / 2 };
    for (size_t i = 0; i < b.n; i++) {
        unsigned v;
        cr_assert_eq(sscanf(hex + 2 * i, "%2x", &v), 1);
        b.p[i] = (uint8_t)v;
    }
    return b;
}

static struct bytes inline_file(const char *name) {
    for (size_t i = 0; i < SV_LEN(golden_jpeg); i++)
        if (!strcmp(golden_jpeg[i].name, name)) return unhex(golden_jpeg[i].hex);
    cr_assert_fail("no file %s", name);
    return (struct bytes){ 0 };
}

/* The first segment with this marker: the index of its 0xff. */
static size_t find(struct bytes b, unsigned marker) {
    for (size_t i = 0; i + 1 < b.n; i++)
        if (b.p[i] == 0xff && b.p[i + 1] == marker) return i;
    cr_assert_fail("no marker %x", marker);
    return 0;
}

static size_t find_frame(struct bytes b) {
    size_t i = find(b, 0xdb);
    while (b.p[i + 1] > 0xc2) i += 2 + ((size_t)b.p[i + 2] << 8 | b.p[i + 3]);
    return i;
}

/* The file with `cut` bytes at `at` replaced by n others; frees b. */
static struct bytes splice(struct bytes b, size_t at, size_t cut, const void *in, size_t n) {
    struct bytes out = { sv_alloc(b.n - cut + n, 1, NULL), b.n - cut + n };
    memcpy(out.p, b.p, at);
    if (n) memcpy(out.p + at, in, n);
    memcpy(out.p + at + n, b.p + at + cut, b.n - at - cut);
    sv_free(b.p);
    return out;
}

static void image_hash(const struct sv_image *im, char hex[65]) {
    uint8_t *rgb = sv_alloc(im->w * im->h, 3, NULL);
    sv_image_rgb(im, rgb);
    hex_sha256(rgb, im->w * im->h * 3, hex);
    sv_free(rgb);
}

/* Decodes from memory of exactly this size, checks what every outcome must keep to, leaves the hash ("" if refused). */
static int decode(const uint8_t *p, size_t n, const char *name, char hex[65], struct sv_err *e) {
    struct sv_image im;
    uint8_t *own = sv_alloc(n, 1, NULL);
    if (n) memcpy(own, p, n);
    *e = (struct sv_err){ 0 };
    const int rc = sv_jpeg_decode(own, n, name, &im, e);
    sv_free(own);
    hex[0] = 0;
    if (rc) cr_assert(rc == SV_EINPUT && !im.px && !im.w && e->msg[0] && !strchr(e->msg, '\n'), "%s: %d", name, rc);
    else image_hash(&im, hex);
    sv_image_free(&im);
    return rc;
}

static void expect_refused(struct bytes b, const char *why) {
    struct sv_err e;
    char hex[65];
    cr_expect_eq(decode(b.p, b.n, "x.jpg", hex, &e), SV_EINPUT, "%s", why);
    cr_expect(!strncmp(e.msg, "x.jpg: ", 7) && strstr(e.msg, why), "%s, expected %s", e.msg, why);
    sv_free(b.p);
}

static void expect_same(struct bytes b, const char *name) {
    struct sv_err e;
    char hex[65];
    for (size_t i = 0; i < SV_LEN(golden_jpeg); i++) {
        if (strcmp(golden_jpeg[i].name, name)) continue;
        cr_expect_eq(decode(b.p, b.n, name, hex, &e), 0, "%s", e.msg);
        cr_expect_str_eq(hex, golden_jpeg[i].sha, "%s", name);
    }
    sv_free(b.p);
}

Test(jpeg, inline_files) {
    for (size_t i = 0; i < SV_LEN(golden_jpeg); i++) {
        struct bytes b = unhex(golden_jpeg[i].hex);
        struct sv_image im;
        struct sv_err e = { 0 };
        char hex[65];
        cr_assert_eq(sv_jpeg_decode(b.p, b.n, golden_jpeg[i].name, &im, &e), 0, "%s", e.msg);
        cr_expect(im.w == golden_jpeg[i].w && im.h == golden_jpeg[i].h, "%s: %zu x %zu", golden_jpeg[i].name, im.w, im.h);
        cr_expect_eq(im.mode, i ? SV_RGB : SV_GRAY);
        image_hash(&im, hex);
        cr_expect_str_eq(hex, golden_jpeg[i].sha, "%s", golden_jpeg[i].name);
        sv_image_free(&im);
        sv_free(b.p);
    }
}

/* Every prefix that lacks more than the end marker is refused; without the end marker the picture is whole. */
Test(jpeg, truncated) {
    for (size_t i = 0; i < SV_LEN(golden_jpeg); i++) {
        struct bytes b = unhex(golden_jpeg[i].hex);
        struct sv_err e;
        char hex[65];
        for (size_t n = 0; n < b.n - 3; n++)
            cr_expect_eq(decode(b.p, n, golden_jpeg[i].name, hex, &e), SV_EINPUT, "%s to %zu", golden_jpeg[i].name, n);
        sv_free(b.p);
        b = unhex(golden_jpeg[i].hex), b.n -= 2;
        expect_same(b, golden_jpeg[i].name);
    }
}

Test(jpeg, flipped_bits) {
    for (size_t i = 0; i < SV_LEN(golden_jpeg); i++) {
        struct bytes b = unhex(golden_jpeg[i].hex);
        struct sv_err e;
        char hex[65];
        const size_t size = find_frame(b) + 5;
        size_t refused = 0;
        for (size_t bit = 0; bit < b.n * 8; bit++) {
            /* A claim of a large picture would be decoded, or refused, at its size: not the point here. */
            if (bit / 8 == size || bit / 8 == size + 2) continue;
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused += decode(b.p, b.n, golden_jpeg[i].name, hex, &e) != 0;
            b.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        cr_expect(refused > b.n && refused < 8 * b.n, "%s: %zu of %zu", golden_jpeg[i].name, refused, 8 * b.n);
        sv_free(b.p);
    }
}

/* Motion JPEG leaves out the tables of T.81 annex K. */
Test(jpeg, standard_tables) {
    struct bytes b = inline_file("420");
    for (int i = 0; i < 4; i++) {
        const size_t at = find(b, 0xc4);
        struct sv_jpeg_table t;
        const uint8_t *p = b.p + at + 5;
        sv_jpeg_table_default(&t, i % 2 == 0, (size_t)i / 2);       /* the order in which libjpeg writes them */
        cr_expect_eq(p[-1], i % 2 * 16 + i / 2);
        cr_expect(!memcmp(t.count + 1, p, 16) && !memcmp(t.symbol, p + 16, i % 2 ? 162 : 12), "table %d", i);
        b = splice(b, at, 2u + ((size_t)b.p[at + 2] << 8 | b.p[at + 3]), NULL, 0);
    }
    expect_same(b, "420");
}

Test(jpeg, between_segments) {
    struct bytes b = inline_file("420");
    expect_same(splice(inline_file("420"), find(b, 0xdb), 0, "\xff\xff\xff", 3), "420");
    expect_same(splice(inline_file("420"), find(b, 0xda), 0, "junk\xff\0junk", 10), "420");
    expect_same(splice(inline_file("420"), find(b, 0xc4), 0, "\xff\xfe\0\5\xff\xd9\xff", 7), "420");
    expect_same(splice(inline_file("420"), find(b, 0xd9), 2, "\xff\xff\xd9trailer", 10), "420");
    sv_free(b.p);
    b = inline_file("422 restart");
    expect_same(splice(inline_file("422 restart"), find(b, 0xd0), 0, "\xff\xff", 2), "422 restart");
    expect_same(splice(inline_file("422 restart"), find(b, 0xd0), 0, "\x55\x55", 2), "422 restart");
    expect_refused(splice(inline_file("422 restart"), find(b, 0xd0) + 1, 1, "\xd1", 1), "restart marker");
    expect_refused(splice(inline_file("422 restart"), find(b, 0xd0), 2, NULL, 0), "expected restart marker 0xd0");
    sv_free(b.p);
}

/* The colour of three components: JFIF, then Adobe's flag, then their names. */
Test(jpeg, colour_space) {
    static const uint8_t adobe[2][16] = { "\xff\xee\0\x0e" "Adobe\0d\0\0\0\0", "\xff\xee\0\x0e" "Adobe\0d\0\0\0\0\1" };
    const char *name[] = { "rgb", "420" };
    char ycc[2][65], rgb[2][65], hex[65];
    struct sv_err e;
    for (int i = 0; i < 2; i++) {
        struct bytes b = inline_file(name[i]);
        if (!i) b = splice(b, find(b, 0xee), 16, NULL, 0);          /* named R, G, B */
        else b = splice(b, find(b, 0xe0), 18, NULL, 0);             /* named 1, 2, 3 */
        cr_assert_eq(decode(b.p, b.n, name[i], i ? ycc[i] : rgb[i], &e), 0, "%s", e.msg);
        b = splice(b, 2, 0, adobe[!i], 16);
        cr_assert_eq(decode(b.p, b.n, name[i], i ? rgb[i] : ycc[i], &e), 0, "%s", e.msg);
        cr_expect_str_neq(rgb[i], ycc[i]);
        b.p[2 + 15] ^= 1;
        cr_assert_eq(decode(b.p, b.n, name[i], hex, &e), 0);
        cr_expect_str_eq(hex, i ? ycc[i] : rgb[i]);
        b.p[2 + 15] = 0;
        b = splice(b, 2, 0, "\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 18);
        cr_assert_eq(decode(b.p, b.n, name[i], hex, &e), 0);
        cr_expect_str_eq(hex, ycc[i], "JFIF is YCbCr");
        sv_free(b.p);
    }
    cr_expect_str_eq(rgb[0], golden_jpeg[4].sha);
    cr_expect_str_eq(ycc[1], golden_jpeg[1].sha);
}

static struct bytes poke(const char *name, unsigned marker, size_t offset, unsigned value) {
    struct bytes b = inline_file(name);
    b.p[find(b, marker) + offset] = (uint8_t)value;
    return b;
}

Test(jpeg, refused) {
    expect_refused((struct bytes){ 0 }, "not a JPEG");
    expect_refused(poke("420", 0xc0, 1, 0xc1 + 2), "lossless");
    expect_refused(poke("420", 0xc0, 1, 0xc9), "arithmetic");
    expect_refused(poke("420", 0xc0, 1, 0xc5), "hierarchical");
    expect_refused(poke("420", 0xc0, 4, 12), "12 bits");
    expect_refused(poke("gray", 0xc0, 6, 0), "DNL");
    expect_refused(poke("gray", 0xc0, 8, 0), "0 x 9 pixels");
    expect_refused(poke("420", 0xc0, 3, 18), "frame header");
    expect_refused(poke("420", 0xc4, 3, 30), "codes in 11 bytes");
    expect_refused(poke("420", 0xc0, 11, 0x52), "sampling");
    expect_refused(poke("420", 0xc0, 11, 0x44), "at most 10");
    expect_refused(poke("420", 0xc0, 12, 3), "quantization table 3");
    expect_refused(poke("420", 0xda, 6, 0x33), "not defined");
    expect_refused(poke("420", 0xda, 5, 9), "no such component");
    expect_refused(poke("420", 0xc4, 21, 16), "prefix code of symbols 0 .. 15");
    expect_refused(poke("420", 0xdb, 3, 3), "quantization table");
    expect_refused(poke("progressive", 0xda, 11, 5), "progressive scan");
    struct bytes b = inline_file("420");
    expect_refused(splice(inline_file("420"), find(b, 0xda), 0, "\xff\xd8", 2), "second image");
    expect_refused(splice(inline_file("420"), find(b, 0xda), 0, "\xff\x02\0\2", 4), "unknown marker");
    expect_refused(splice(inline_file("420"), find(b, 0xc0), 0, b.p + find(b, 0xc0), 19), "second frame");
    uint8_t count[16] = { 0 };          /* as many codes, all of one bit */
    for (size_t i = 0; i < 16; i++) count[0] = (uint8_t)(count[0] + b.p[find(b, 0xc4) + 5 + i]);
    expect_refused(splice(inline_file("420"), find(b, 0xc4) + 5, 16, count, 16), "prefix code");
    expect_refused(splice(inline_file("420"), find(b, 0xda), b.n - find(b, 0xda), "\xff\xd9", 2), "no scan");
    sv_free(b.p);
}

/* A small file may claim the largest picture: it must be refused before memory of that size is taken. */
Test(jpeg, large_claim) {
    static const char *const name[] = { "gray", "420", "progressive", "non interleaved" };
    for (size_t i = 0; i < SV_LEN(name); i++) {
        struct bytes b = inline_file(name[i]);
        const size_t at = find_frame(b) + 5;
        memcpy(b.p + at, "\x10\0\xff\xff", 4);
        expect_refused(b, "blocks ends early");
        b = inline_file(name[i]);
        memcpy(b.p + at, "\x10\1\xff\xff", 4);
        expect_refused(b, "pixels, expected");
    }
}

/* Files written by hand: DC codes are 4 bits, the size itself (0 .. 8); AC codes are 0 and 10, for two symbols of the
 * test's choice; every quantizer is 8, so that a DC coefficient is a sample less 128. */
struct hand { struct bytes b; unsigned acc; int bits; };

static void put(struct hand *f, const void *p, size_t n) { memcpy(f->b.p + f->b.n, p, n), f->b.n += n; }

static struct hand hand_made(unsigned frame, unsigned w, unsigned h, unsigned comps, unsigned ac0, unsigned ac1) {
    struct hand f = { { sv_alloc(1 << 16, 1, NULL), 0 }, 0, 0 };
    const uint8_t dc[] = { 0xff, 0xd8, 0xff, 0xc4, 0, 28, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };
    const uint8_t ac[] = { 0xff, 0xc4, 0, 21, 0x10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)ac0, (uint8_t)ac1 };
    const uint8_t sof[] = { 0xff, (uint8_t)frame, 0, (uint8_t)(8 + 3 * comps), 8, 0, (uint8_t)h, 0, (uint8_t)w, (uint8_t)comps };
    uint8_t dqt[69] = { 0xff, 0xdb, 0, 67 };
    memset(dqt + 5, 8, 64);
    put(&f, dc, sizeof dc), put(&f, ac, sizeof ac), put(&f, dqt, sizeof dqt), put(&f, sof, sizeof sof);
    for (unsigned i = 0; i < comps; i++) put(&f, (uint8_t[]){ (uint8_t)(i + 1), 0x11, 0 }, 3);
    return f;
}

static void scan(struct hand *f, int comp, int ss, int se, int high_low) {
    put(f, (uint8_t[]){ 0xff, 0xda, 0, 8, 1, (uint8_t)comp, 0, (uint8_t)ss, (uint8_t)se, (uint8_t)high_low }, 10);
}

static void put_bits(struct hand *f, unsigned v, int n) {
    while (n--) {
        f->acc = f->acc << 1 | (v >> n & 1);
        if (++f->bits < 8) continue;
        put(f, (uint8_t[]){ (uint8_t)f->acc, 0 }, 1 + ((f->acc & 255) == 255));
        f->acc = 0, f->bits = 0;
    }
}

static void end_bits(struct hand *f) { while (f->bits) put_bits(f, 1, 1); }

static void put_dc(struct hand *f, int diff) {
    int size = 0;
    while (diff >= 1 << size || -diff >= 1 << size) size++;
    put_bits(f, (unsigned)size, 4);
    put_bits(f, (unsigned)(diff < 0 ? diff + (1 << size) - 1 : diff), size);
}

/* One gray block of nothing: DC, then `scans` scans of one coefficient and one bit each. */
static struct bytes scans_of_nothing(int scans) {
    struct hand f = hand_made(0xc2, 8, 8, 1, 0, 1);
    for (int i = -1; i < scans; i++) {
        const int k = i < 0 ? 0 : 1 + i / 14, low = i < 0 ? 0 : 13 - i % 14, high = i < 0 || low == 13 ? 0 : low + 1;
        scan(&f, 1, k, k, high << 4 | low);
        put(&f, "\x07", 1);
    }
    put(&f, "\xff\xd9", 2);
    return f.b;
}

/* Coefficients past the end of the block or the band, corrections of two bits, a code of all ones. */
Test(jpeg, damaged) {
    struct hand f = hand_made(0xc0, 8, 8, 1, 0xf0, 0xf1);
    scan(&f, 1, 0, 63, 0), put_dc(&f, 0), put_bits(&f, 5, 6), end_bits(&f);         /* at 1 + 3 * 16 + 15 */
    expect_refused(f.b, "damaged");
    f = hand_made(0xc0, 8, 8, 1, 0xf0, 0xe1);
    scan(&f, 1, 0, 63, 0), put_dc(&f, 0), put_bits(&f, 5, 6), end_bits(&f);         /* 63 is the last */
    struct sv_err e;
    char hex[65];
    cr_expect_eq(decode(f.b.p, f.b.n, "63", hex, &e), 0, "%s", e.msg);
    sv_free(f.b.p);
    for (int high = 0; high < 2; high++)
        for (int run = 4; run < 6; run++) {
            f = hand_made(0xc2, 8, 8, 1, 0, (unsigned)run << 4 | 1);
            scan(&f, 1, 0, 0, 0), put_dc(&f, 0), end_bits(&f);
            scan(&f, 1, 1, 5, 1), put_bits(&f, 0, 1), end_bits(&f);
            scan(&f, 1, high ? 1 : 6, high ? 5 : 10, high ? 0x10 : 0), put_bits(&f, 5, 3), end_bits(&f);
            put(&f, "\xff\xd9", 2);
            if (run == 5) { expect_refused(f.b, "damaged"); continue; }
            cr_expect_eq(decode(f.b.p, f.b.n, "band", hex, &e), 0, "%s", e.msg);
            sv_free(f.b.p);
        }
    f = hand_made(0xc2, 8, 8, 1, 0, 2);
    scan(&f, 1, 0, 0, 0), put_dc(&f, 0), end_bits(&f);
    scan(&f, 1, 1, 5, 1), put_bits(&f, 0, 1), end_bits(&f);
    scan(&f, 1, 1, 5, 0x10), put_bits(&f, 4, 3), put_bits(&f, 0, 1), end_bits(&f), put(&f, "\xff\xd9", 2);
    expect_refused(f.b, "damaged");
    f = hand_made(0xc0, 8, 8, 1, 0, 1);
    f.b.p[find(f.b, 0xc4) + 30 + 5] = 2, f.b.p[find(f.b, 0xc4) + 30 + 6] = 0;
    scan(&f, 1, 0, 63, 0), put_dc(&f, 0), put_bits(&f, 0, 1), end_bits(&f);
    expect_refused(f.b, "prefix code");
    f = hand_made(0xc0, 255, 255, 1, 0, 1);
    scan(&f, 1, 0, 63, 0);
    for (int i = 0; i < 1024; i++) put_dc(&f, 255), put_bits(&f, 0, 1);
    expect_refused(f.b, "MCU 128 of 1024: damaged");                                /* 129 * 255 > 32767 */
}

/* Every pair of chroma values, against libjpeg's tables. */
Test(jpeg, colours) {
    for (int n = 0; n < 256; n++) {
        struct hand f = hand_made(0xc0, 128, 128, 3, 0, 1);
        for (int c = 0; c < 3; c++) {
            int last = 0;
            scan(&f, c + 1, 0, 63, 0);
            for (int i = 0; i < 256; i++) {
                const int v[3] = { n ^ i, n / 16 * 16 + i / 16, n % 16 * 16 + i % 16 };
                put_dc(&f, v[c] - 128 - last), put_bits(&f, 0, 1);
                last = v[c] - 128;
            }
            end_bits(&f);
        }
        struct sv_image im;
        struct sv_err e = { 0 };
        cr_assert_eq(sv_jpeg_decode(f.b.p, f.b.n, "colours", &im, &e), 0, "%s", e.msg);
        for (int i = 0; i < 256; i++) {
            const int y = n ^ i, cb = n / 16 * 16 + i / 16 - 128, cr = n % 16 * 16 + i % 16 - 128;
            const int want[3] = {
                y + ((91881 * cr + 32768) >> 16), y + ((-22554 * cb - 46802 * cr + 32768) >> 16), y + ((116130 * cb + 32768) >> 16)
            };
            const uint8_t *px = im.px + ((i / 16 * 8 + 3) * 128 + i % 16 * 8 + 5) * 3;
            for (int c = 0; c < 3; c++) cr_assert_eq(px[c], want[c] < 0 ? 0 : want[c] > 255 ? 255 : want[c]);
        }
        sv_image_free(&im);
        sv_free(f.b.p);
    }
}

/* Work is bounded: a scan that sends again what was sent is out of order, and scans are counted. */
Test(jpeg, many_scans) {
    struct bytes b = inline_file("progressive");
    size_t at = b.n;
    while (b.p[at - 1] != 0xda) at--;
    expect_refused(splice(inline_file("progressive"), b.n - 2, 0, b.p + at - 2, b.n - at), "out of turn");
    sv_free(b.p);
    struct hand f = hand_made(0xc2, 8, 8, 1, 0, 1);
    scan(&f, 1, 1, 5, 0), put(&f, "\x07", 1);
    expect_refused(f.b, "out of turn");
    struct sv_err e;
    char hex[65];
    b = scans_of_nothing(SV_JPEG_MAX_SCANS - 1);
    cr_expect_eq(decode(b.p, b.n, "255", hex, &e), 0, "%s", e.msg);
    sv_free(b.p);
    expect_refused(scans_of_nothing(SV_JPEG_MAX_SCANS), "more than 256 scans");
}

/* Every combination of sampling factors, those too that are no whole multiples, in a picture of one colour. */
Test(jpeg, sampling) {
    static const int dc[3] = { 40, 52, -40 };
    struct hand f = hand_made(0xc0, 37, 21, 3, 0, 1);
    for (int i = 0; i < 3; i++) {
        scan(&f, i + 1, 0, 63, 0);
        put_dc(&f, dc[i]);
        for (int k = 0; k < 15; k++) put_bits(&f, 0, 5);            /* end of block, DC as before */
        put_bits(&f, 0, 1), end_bits(&f);
    }
    uint8_t *sof = f.b.p + find_frame(f.b);
    const int red = (int)floor(168.5 - 1.402 * 40), green = (int)floor(168.5 - 0.34414 * 52 + 0.71414 * 40), blue = 255;
    for (unsigned factors = 0; factors < 4096; factors++) {
        struct sv_image im;
        struct sv_err e = { 0 };
        for (int i = 0; i < 3; i++) sof[11 + 3 * i] = (uint8_t)((factors >> 4 * i << 4 & 0x30) + (factors >> 4 * i >> 2 & 3) + 0x11);
        cr_assert_eq(sv_jpeg_decode(f.b.p, f.b.n, "sampling", &im, &e), 0, "%x: %s", factors, e.msg);
        cr_assert(im.w == 37 && im.h == 21);
        for (size_t i = 0; i < im.w * im.h; i++)
            cr_assert(im.px[3 * i] == red && im.px[3 * i + 1] == green && im.px[3 * i + 2] == blue, "%x: %zu", factors, i);
        sv_image_free(&im);
    }
    sv_free(f.b.p);
}

/* Against the definition of the transform (T.81 A.3.3): integers may be off by one, never more. */
Test(jpeg, idct) {
    uint32_t state = 1;
    for (int n = 0; n < 300; n++) {
        int16_t block[64] = { 0 };
        uint8_t out[64];
        int last = 0;
        for (int k = 0; k < 1 + n % 64; k++) {
            state = state * 1664525u + 1013904223u;
            const int v = (int)(state >> 16) % 301 - 150;
            block[sv_jpeg_zigzag[k]] = (int16_t)(k ? v / (1 + k / 4) : 4 * v);
            last = k;
        }
        sv_jpeg_idct(block, last, out, 8);
        for (int i = 0; i < 64; i++) {
            double sum = 0;
            for (int j = 0; j < 64; j++) {
                const int x = i % 8, y = i / 8, u = j % 8, v = j / 8;
                sum += (u ? 1 : sqrt(0.5)) * (v ? 1 : sqrt(0.5)) / 4 * block[j]
                     * cos((2 * x + 1) * u * acos(-1) / 16) * cos((2 * y + 1) * v * acos(-1) / 16);
            }
            const double want = fmin(255, fmax(0, sum + 128));
            cr_assert(fabs(out[i] - want) <= 1, "block %d sample %d: %d, expected %g", n, i, out[i], want);
        }
    }
}

static int decode_path(const char *path, char hex[65], struct sv_err *e) {
    struct sv_file f;
    cr_assert_eq(sv_file_read(&f, path, 1 << 28, NULL), 0);
    const int rc = decode(f.data, f.size, path, hex, e);
    sv_file_close(&f);
    return rc;
}

static void corpus_row(const struct corpus_row *row, void *arg) {
    (void)arg;
    char hex[65];
    struct sv_err e;
    const int rc = decode_path(row->path, hex, &e);
    if (!strcmp(row->status, "ok")) cr_expect_str_eq(hex, row->col[4], "%s: %s", row->col[0], e.msg);
    else if (!strcmp(row->status, "reject")) cr_expect_eq(rc, SV_EINPUT, "%s decoded", row->col[0]);
}

Test(jpeg, corpus) {
    if (!corpus_each("jpeg", corpus_row, NULL)) cr_skip_test("no corpus");
}

Test(jpeg, real_pictures) {
    static const char *const known[][2] = {
        { "data/ped2/testing/05/100.jpg", "e5d38a18921eb2e157f68be26189b9ed42252bc97ea03971be5014a8103f5844" },
        { "data/images/franz-kafka.jpg", "0c3abb77d566552bc43d76f1fa68c669cdfbf78574c0ff54594498a701055ac9" },
        { "data/images/red_apple.jpg", "53d10ca506191c8777146c8337d074a5df5fedd61b06bce05a6d1c72f5c63260" },
    };
    char hex[65];
    struct sv_err e;
    for (size_t i = 0; i < SV_LEN(known); i++) {
        const char *path = shared_path(known[i][0]);
        if (!path) cr_skip_test("no data");
        cr_expect_eq(decode_path(path, hex, &e), 0, "%s", e.msg);
        cr_expect_str_eq(hex, known[i][1], "%s", path);
    }
    struct sv_dir d;
    const char *clip = shared_path("data/ped2/testing/12");
    if (!clip) cr_skip_test("no data");
    cr_assert_eq(sv_dir_list(&d, clip, NULL), 0);
    cr_expect_gt(d.n, 100);
    for (size_t i = 0; i < d.n; i++) {
        char path[2048];
        snprintf(path, sizeof path, "%s/%s", clip, d.name[i]);
        cr_expect_eq(decode_path(path, hex, &e), 0, "%s", e.msg);
    }
    sv_dir_free(&d);
}
