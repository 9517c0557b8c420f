#include "io/y4m.h"

#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_mem(struct sv_y4m *y, const void *data, size_t n, struct sv_err *e) {
    struct sv_stream in;
    const int rc = sv_stream_mem(&in, data, n, "mem", e);
    return rc ? rc : sv_y4m_open(y, &in, e);
}

static int open_file(struct sv_y4m *y, const char *path, struct sv_err *e) {
    struct sv_stream in;
    const int rc = sv_stream_open(&in, path, e);
    return rc ? rc : sv_y4m_open(y, &in, e);
}

/* All frames of a stream: their raw planes one after the other (owned by the caller), or the error's code. */
static int frames_of(struct sv_y4m *y, uint8_t **raw, size_t *bytes, struct sv_err *e) {
    int rc;
    *raw = NULL, *bytes = 0;
    while ((rc = sv_y4m_next(y, e)) > 0) {
        *raw = realloc(*raw, *bytes + y->frame_bytes);
        memcpy(*raw + *bytes, y->raw, y->frame_bytes);
        *bytes += y->frame_bytes;
    }
    return rc;
}

static void corpus_row(const struct corpus_row *row, void *arg) {
    size_t *checked = arg;
    struct sv_y4m y;
    struct sv_err e = {0};
    uint8_t *raw = NULL;
    size_t bytes = 0;
    int rc = open_file(&y, row->path, &e);
    if (!rc) {
        rc = frames_of(&y, &raw, &bytes, &e);
        if (!rc) cr_expect_eq(y.frames, y.next, "%s: expected frames from the length", row->path);
        sv_y4m_close(&y);
    }
    if (!strcmp(row->status, "reject")) cr_expect_eq(rc, SV_EINPUT, "%s: accepted", row->path);
    if (!strcmp(row->status, "ok")) {
        char hex[65];
        hex_sha256(raw, bytes, hex);
        cr_expect(!rc && !strcmp(hex, row->col[3]), "%s: %s %s", row->path, hex, e.msg);
        ++*checked;
    }
    free(raw);
}

Test(y4m, corpus) {
    size_t checked = 0;
    if (!corpus_each("y4m", corpus_row, &checked)) cr_skip_test("no corpora");
    cr_expect_geq(checked, 14);
}

/* A stream of one frame out of a header line and bytes counting up from `first` in steps of `step`. */
static size_t stream(uint8_t *out, const char *header, size_t bytes, int first, int step) {
    size_t n = (size_t)sprintf((char *)out, "%s\nFRAME\n", header);
    for (size_t i = 0; i < bytes; i++) out[n++] = (uint8_t)(first + step * (int)i);
    return n;
}

static void one_frame(const char *header, size_t bytes, const uint8_t *planes, uint8_t *rgb) {
    uint8_t data[512];
    struct sv_y4m y;
    struct sv_err e = {0};
    const size_t n = stream(data, header, 0, 0, 0);
    memcpy(data + n, planes, bytes);
    cr_assert_eq(open_mem(&y, data, n + bytes, &e), 0, "%s", e.msg);
    cr_assert_eq(y.frame_bytes, bytes);
    cr_assert_eq(sv_y4m_next(&y, &e), 1, "%s", e.msg);
    sv_y4m_rgb(&y, rgb);
    cr_assert_eq(sv_y4m_next(&y, &e), 0);
    sv_y4m_close(&y);
}

/* BT.601's corners: black, white, and the primaries as studio levels. */
Test(y4m, colour) {
    static const uint8_t yuv[5][3] = {{ 16, 128, 128 }, { 235, 128, 128 }, { 81, 90, 240 }, { 145, 54, 34 },
                                      { 41, 240, 110 }};
    static const uint8_t want[5][3] = {{ 0, 0, 0 }, { 255, 255, 255 }, { 254, 0, 0 }, { 0, 255, 1 }, { 0, 0, 255 }};
    for (size_t i = 0; i < 5; i++) {
        uint8_t rgb[3];
        one_frame("YUV4MPEG2 W1 H1 F25:1 C444", 3, yuv[i], rgb);
        for (size_t c = 0; c < 3; c++)
            cr_expect_eq(rgb[c], want[i][c], "colour %zu channel %zu: %d, expected %d", i, c, rgb[c], want[i][c]);
    }
    const uint8_t full[3] = { 76, 85, 255 };
    uint8_t rgb[3];
    one_frame("YUV4MPEG2 W1 H1 F25:1 C444 XCOLORRANGE=FULL", 3, full, rgb);
    cr_expect(rgb[0] == 254 && rgb[1] == 0 && rgb[2] == 0, "%d %d %d", rgb[0], rgb[1], rgb[2]);
}

/* Two chroma samples side by side under even luma: blue tells where each luma sample lies between them. */
Test(y4m, chroma_position) {
    static const struct { const char *c; size_t bytes, cw; int want[4]; } row[] = {
        { "420jpeg", 8 + 4, 2, { 128, 136, 152, 160 } },        /* 0, 1/4, 3/4, 1 of the way from 128 to 160 */
        { "420mpeg2", 8 + 4, 2, { 128, 144, 160, 160 } },
        { "420paldv", 8 + 4, 2, { 128, 144, 160, 160 } },
        { "422", 8 + 8, 2, { 128, 144, 160, 160 } },
        { "411", 8 + 4, 1, { 128, 128, 128, 128 } },
    };
    for (size_t k = 0; k < SV_LEN(row); k++) {
        uint8_t planes[16], rgb[4 * 2 * 3];
        char header[64];
        memset(planes, 128, sizeof planes);
        for (size_t i = 8; i < 8 + (row[k].bytes - 8) / 2; i++) planes[i] = row[k].cw == 2 && i % 2 ? 160 : 128;
        snprintf(header, sizeof header, "YUV4MPEG2 W4 H2 F25:1 C%s XCOLORRANGE=FULL", row[k].c);
        one_frame(header, row[k].bytes, planes, rgb);
        for (size_t x = 0; x < 4; x++) {
            const int want = 128 + (int)(1.772 * (row[k].want[x] - 128) + 0.5);
            cr_expect_eq(rgb[3 * x + 2], want, "%s x %zu: %d, expected %d", row[k].c, x, rgb[3 * x + 2], want);
        }
    }
}

Test(y4m, deep_samples_keep_their_high_byte) {
    const uint8_t ten[2] = { 0xff, 0x01 }, nine[2] = { 0x55, 0x01 };    /* 511 of 1023, 341 of 511 */
    uint8_t rgb[3];
    one_frame("YUV4MPEG2 W1 H1 F25:1 Cmono10 XCOLORRANGE=FULL", 2, ten, rgb);
    cr_expect_eq(rgb[0], 127);
    one_frame("YUV4MPEG2 W1 H1 F25:1 Cmono9 XCOLORRANGE=FULL", 2, nine, rgb);
    cr_expect_eq(rgb[0], 170);
}

Test(y4m, refuses) {
    static const struct { const char *header; const char *why; } bad[] = {
        { "YUV4MPEG W4 H2", "does not begin" }, { "YUV4MPEG2 H2", "0 x 2" }, { "YUV4MPEG2 W4 H0", "4 x 0" },
        { "YUV4MPEG2 W-4 H2", "'W-4'" }, { "YUV4MPEG2 W4 H2 F25", "'F25'" }, { "YUV4MPEG2 W4 H2 F25:", "'F25:'" },
        { "YUV4MPEG2 W99999999999999999999 H2", "malformed" }, { "YUV4MPEG2 W16384 H16384", "at most" },
        { "YUV4MPEG2 W4 H2 C444alpha", "444alpha" }, { "YUV4MPEG2 W4 H2 C420p17", "420p17" },
        { "YUV4MPEG2 W4 H2 C", "chroma" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        uint8_t data[512];
        struct sv_y4m y;
        struct sv_err e = {0};
        const size_t n = stream(data, bad[i].header, 12, 0, 1);
        cr_expect_eq(open_mem(&y, data, n, &e), SV_EINPUT, "%s", bad[i].header);
        cr_expect(strstr(e.msg, bad[i].why), "%s: %s", bad[i].header, e.msg);
    }
}

/* Every truncation is an error, except between frames. */
Test(y4m, truncated) {
    uint8_t data[512];
    const char *header = "YUV4MPEG2 W4 H2 F25:1";
    size_t n = stream(data, header, 12, 0, 9);
    const size_t head = strlen(header) + 1, first = n;
    memcpy(data + n, data + head, first - head), n += first - head;
    for (size_t cut = 0; cut <= n; cut++) {
        struct sv_y4m y;
        struct sv_err e = {0};
        uint8_t *raw = NULL;
        size_t bytes = 0;
        int rc = open_mem(&y, data, cut, &e);
        if (!rc) {
            rc = frames_of(&y, &raw, &bytes, &e);
            sv_y4m_close(&y);
        }
        free(raw);
        const bool whole = cut == head || cut == first || cut == n;
        cr_expect_eq(rc, whole ? 0 : SV_EINPUT, "cut at %zu: %d %s", cut, rc, e.msg);
    }
}
