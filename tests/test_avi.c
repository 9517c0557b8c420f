#include "io/avi.h"
#include "io/jpeg.h"
#include "io/video.h"
#include "tests/util.h"
#include "tools/golden_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_mem(struct sv_avi *a, const void *data, size_t n, struct sv_err *e) {
    struct sv_stream in;
    const int rc = sv_stream_mem(&in, data, n, "mem", e);
    return rc ? rc : sv_avi_open(a, &in, e);
}

/* The hash over the packets' hashes in hex, joined by newlines, is in the table; the last fields of its third column are frames a second
 * and frames. */
static void corpus_row(const struct corpus_row *row, void *arg) {
    (void)arg;
    struct sv_avi a;
    struct sv_stream in;
    struct sv_err e = { 0 };
    char text[65 * 256], hex[65], rate[64];
    size_t k = 0;
    cr_assert_eq(sv_stream_open(&in, row->path, &e), 0);
    int rc = sv_avi_open(&a, &in, &e);
    while (!rc && (rc = sv_avi_next(&a, &e)) == 1) {
        struct sv_image im;
        cr_assert_lt(k + 65, sizeof text);
        hex_sha256(a.packet, a.n, hex);
        k += (size_t)snprintf(text + k, sizeof text - k, "%s%s", k ? "\n" : "", hex);
        rc = sv_avi_frame(&a, &im, &e);
        sv_image_free(&im);
    }
    cr_expect(!rc || (rc == SV_EINPUT && e.msg[0]), "%s", row->path);
    if (!strcmp(row->status, "reject")) cr_expect_eq(rc, SV_EINPUT, "%s", row->path);
    if (!strcmp(row->status, "ok")) {
        cr_expect_eq(rc, 0, "%s: %s", row->path, e.msg);
        hex_sha256(text, k, hex);
        cr_expect_str_eq(hex, row->col[3], "%s", row->path);
        snprintf(rate, sizeof rate, ",%zu/%zu,%zu", a.rate, a.per, a.next);
        cr_expect(strstr(row->col[2], rate) && a.frames == a.next, "%s: %s, %s", row->path, rate, row->col[2]);
        snprintf(rate, sizeof rate, "mjpeg,%zu,%zu,", a.w, a.h);
        cr_expect(strstr(row->col[2], rate) == row->col[2], "%s: %s", row->path, rate);
    }
    sv_avi_close(&a);
}

Test(avi, corpus) {
    if (!corpus_each("avi", corpus_row, NULL)) cr_skip_test("no corpora");
}

/* A writer of its own, around one small JPEG. */
struct file { uint8_t p[1 << 15]; size_t n; };

static void le32(struct file *f, size_t at, size_t v) {
    for (size_t i = 0; i < 4; i++) f->p[at + i] = (uint8_t)(v >> 8 * i);
}

static size_t begin(struct file *f, const char *id, const char *type) {
    const size_t at = f->n;
    memcpy(f->p + f->n, id, 4), memset(f->p + f->n + 4, 0, 4), f->n += 8;
    if (type) memcpy(f->p + f->n, type, 4), f->n += 4;
    return at;
}

static void end(struct file *f, size_t at) {
    le32(f, at + 4, f->n - at - 8);
    if (f->n % 2) f->p[f->n++] = 0;
}

static void chunk(struct file *f, const char *id, const void *p, size_t n) {
    const size_t at = begin(f, id, NULL);
    if (n) memcpy(f->p + f->n, p, n);
    f->n += n;
    end(f, at);
}

static void stream(struct file *f, const char *type, const char *codec, size_t w, size_t h) {
    const size_t list = begin(f, "LIST", "strl"), head = f->n;
    uint8_t strh[56] = { 0 }, strf[40] = { 0 };
    memcpy(strh, type, 4), memcpy(strf + 16, codec, 4);
    chunk(f, "strh", strh, sizeof strh), le32(f, head + 8 + 20, 1001), le32(f, head + 8 + 24, 30000), le32(f, head + 8 + 32, 3);
    const size_t format = f->n;
    chunk(f, "strf", strf, sizeof strf), le32(f, format + 8 + 4, w), le32(f, format + 8 + 8, h);
    end(f, list);
}

static uint8_t jpeg[4096];
static size_t jpeg_n, jpeg_w, jpeg_h;

static void setup(void) {
    struct sv_image im;
    for (const char *s = golden_jpeg[0].hex; *s; s += 2) jpeg[jpeg_n++] = (uint8_t)strtoul((char[]){ s[0], s[1], 0 }, NULL, 16);
    cr_assert_eq(sv_jpeg_decode(jpeg, jpeg_n, "t", &im, NULL), 0);
    jpeg_w = im.w, jpeg_h = im.h;
    sv_image_free(&im);
}

/* Sound first, so that frames are of stream 01; a frame, sound, an empty frame, a record with a frame. */
static void movie(struct file *f, size_t w, size_t h) {
    f->n = 0;
    const size_t riff = begin(f, "RIFF", "AVI "), hdrl = begin(f, "LIST", "hdrl");
    chunk(f, "avih", jpeg, 56);
    stream(f, "auds", "\1\0\1\0", 1, 1), stream(f, "vids", "MJPG", w, h);
    end(f, hdrl);
    chunk(f, "JUNK", "odd", 3);
    const size_t movi = begin(f, "LIST", "movi");
    chunk(f, "01dc", jpeg, jpeg_n), chunk(f, "00wb", "noise", 5), chunk(f, "01dc", NULL, 0);
    const size_t rec = begin(f, "LIST", "rec ");
    chunk(f, "01db", jpeg, jpeg_n);
    end(f, rec), end(f, movi);
    chunk(f, "idx1", "0123456789abcdef", 16);
    end(f, riff);
}

/* Frames until the end or an error. */
static int play(const void *data, size_t n, size_t *frames, struct sv_err *e) {
    struct sv_avi a;
    uint8_t *copy = sv_alloc(n, 1, NULL);
    memcpy(copy, data, n);
    int rc = open_mem(&a, copy, n, e);
    for (*frames = 0; !rc && (rc = sv_avi_next(&a, e)) == 1;) {
        struct sv_image im;
        rc = sv_avi_frame(&a, &im, e);
        *frames += !rc;
        sv_image_free(&im);
    }
    sv_avi_close(&a);
    sv_free(copy);
    cr_expect(!rc || (rc == SV_EINPUT && (!e || e->msg[0])));
    return rc;
}

Test(avi, streams_records_and_empty_frames, .init = setup) {
    static struct file f;
    struct sv_err e = { 0 };
    size_t n;
    movie(&f, jpeg_w, jpeg_h);
    cr_expect(!play(f.p, f.n, &n, &e) && n == 3, "%zu %s", n, e.msg);
    movie(&f, 0, 0);
    cr_expect(!play(f.p, f.n, &n, &e) && n == 3, "%zu %s", n, e.msg);
    movie(&f, jpeg_w, 0u - jpeg_h);                         /* top-down, says the sign */
    cr_expect(!play(f.p, f.n, &n, &e) && n == 3, "%zu %s", n, e.msg);
    movie(&f, jpeg_w + 1, jpeg_h);
    cr_expect_eq(play(f.p, f.n, &n, &e), SV_EINPUT);
    cr_expect(n == 0 && strstr(e.msg, "mem: frame 0"), "%s", e.msg);
}

Test(avi, later_parts_and_open_ends, .init = setup) {
    static struct file f;
    struct sv_err e = { 0 };
    size_t n;
    movie(&f, jpeg_w, jpeg_h);
    const size_t riff = begin(&f, "RIFF", "AVIX"), movi = begin(&f, "LIST", "movi");
    chunk(&f, "01dc", jpeg, jpeg_n), chunk(&f, "ix01", "x", 1);
    end(&f, movi), end(&f, riff);
    cr_expect(!play(f.p, f.n, &n, &e) && n == 4, "%zu %s", n, e.msg);
    for (int how = 0; how < 2; how++) {                     /* never filled in: up to the end, also in the middle of the second part */
        le32(&f, movi + 4, how ? 0xffffffff : 0), le32(&f, riff + 4, how ? 0xffffffff : 0);
        cr_expect(!play(f.p, f.n, &n, &e) && n == 4, "%zu %s", n, e.msg);
    }
}

Test(avi, truncations, .init = setup) {
    static struct file f;
    size_t n, last = 0;
    movie(&f, jpeg_w, jpeg_h);
    const size_t whole = f.n - 24;                          /* where the index begins */
    for (size_t k = 0; k < f.n; k++) {
        struct sv_err e = { 0 };
        const int rc = play(f.p, k, &n, &e);
        cr_expect_eq(rc, k < whole ? SV_EINPUT : 0, "%zu of %zu bytes: %s", k, f.n, e.msg);
        cr_expect_geq(n, last);
        last = n;
    }
}

Test(avi, refused, .init = setup) {
    static struct file f;
    struct sv_err e = { 0 };
    size_t n;
    movie(&f, jpeg_w, jpeg_h);
    for (size_t i = 0; i + 4 < f.n; i++) if (!memcmp(f.p + i, "MJPG", 4)) memcpy(f.p + i, "XV\1D", 4);
    cr_expect(play(f.p, f.n, &n, &e) && strstr(e.msg, "XV?D") && strstr(e.msg, "ffmpeg"), "%s", e.msg);
    f.n = 0;
    begin(&f, "RIFF", "AVI "), begin(&f, "LIST", "movi");
    cr_expect(play(f.p, f.n, &n, memset(&e, 0, sizeof e)) && strstr(e.msg, "without a video"), "%s", e.msg);
    movie(&f, jpeg_w, jpeg_h);
    for (size_t i = 0; i + 4 < f.n; i++) if (!memcmp(f.p + i, "01dc", 4)) { le32(&f, i + 4, 0x7fffffff); break; }
    cr_expect(play(f.p, f.n, &n, memset(&e, 0, sizeof e)) && strstr(e.msg, "more than its list"), "%s", e.msg);
    movie(&f, 65536, jpeg_h);
    cr_expect_eq(play(f.p, f.n, &n, &e), SV_EINPUT);
    movie(&f, jpeg_w, 0);
    cr_expect_eq(play(f.p, f.n, &n, &e), SV_EINPUT);
    for (size_t i = 0; i < f.n; i++) {                      /* no byte makes it crash */
        movie(&f, jpeg_w, jpeg_h);
        f.p[i] ^= 0xff;
        play(f.p, f.n, &n, memset(&e, 0, sizeof e));
    }
}

/* The same frames from a file and from a pipe; both kinds of video are told apart by their bytes. */
Test(avi, as_a_video, .init = setup) {
    static struct file f;
    struct sv_video v;
    struct sv_err e = { 0 };
    struct ran r;
    char path[4200];
    const char *dir = temp_dir();
    movie(&f, jpeg_w, jpeg_h);
    snprintf(path, sizeof path, "%s/x.mp4", dir);
    FILE *out = fopen(path, "wb");
    cr_assert(out && fwrite(f.p, 1, f.n, out) == f.n && !fclose(out));
    cr_assert_eq(sv_video_open(&v, path, &e), 0, "%s", e.msg);
    cr_expect(v.w == jpeg_w && v.h == jpeg_h && v.frames == 3 && v.fps > 29.97 && v.fps < 29.98);
    uint8_t *rgb = sv_alloc(v.w * v.h, 3, NULL), *want = sv_alloc(v.w * v.h, 3, NULL);
    struct sv_image im;
    cr_assert_eq(sv_jpeg_decode(jpeg, jpeg_n, "t", &im, NULL), 0);
    sv_image_rgb(&im, want);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(sv_video_next(&v, rgb, &e), 1, "%s", e.msg);
        cr_expect_arr_eq(rgb, want, 3 * v.w * v.h);
    }
    cr_expect(sv_video_next(&v, rgb, &e) == 0 && sv_video_next(&v, rgb, &e) == 0);
    sv_video_close(&v);
    sv_image_free(&im), sv_free(rgb), sv_free(want);
    run_svad(&r, dir, "frames x.mp4");
    char line[128];
    snprintf(line, sizeof line, "3 frames of %zu x %zu, 29.97002997002997 a second\n", jpeg_w, jpeg_h);
    cr_expect_str_eq(r.out, line, "%s", r.err);
    run_svad(&r, dir, "frames - < x.mp4");
    cr_expect_str_eq(r.out, line, "%s", r.err);
}
