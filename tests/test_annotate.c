/* Boxes and letters on pixels, and the frames that svad score --annotate writes. */
#include "io/image.h"
#include "io/video.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/draw.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { W = 40, H = 30 };
static const struct sv_colour red = { 255, 64, 48 };

static struct sv_canvas canvas(size_t w, size_t h) { return (struct sv_canvas){ sv_alloc(w * h, 3, NULL), w, h }; }
static size_t count(const struct sv_canvas *c, struct sv_colour v) {
    size_t n = 0;
    for (size_t i = 0; i < c->w * c->h; i++) n += c->rgb[3 * i] == v.r && c->rgb[3 * i + 1] == v.g && c->rgb[3 * i + 2] == v.b;
    return n;
}

Test(draw, box) {
    struct sv_canvas c = canvas(W, H);
    sv_draw_box(&c, 5, 6, 15, 16, 1, red);
    cr_expect_eq(count(&c, red), 4 * 10 - 4);
    cr_expect(c.rgb[3 * (6 * W + 5)] == 255 && c.rgb[3 * (15 * W + 14)] == 255 && !c.rgb[3 * (7 * W + 6)] && !c.rgb[3 * (16 * W + 15)]);
    sv_free(c.rgb), c = canvas(W, H);
    sv_draw_box(&c, 5, 6, 15, 16, 2, red);
    cr_expect_eq(count(&c, red), 10 * 10 - 6 * 6);
    /* Whatever lies outside is cut: a sanitizer watches. */
    for (long x = -50; x < 60; x += 7)
        for (long y = -50; y < 60; y += 7)
            for (long n = -3; n < 50; n += 9) sv_draw_box(&c, x, y, x + n, y + n, 3, red), sv_draw_text(&c, x, y, 1 + (n > 20), "x \xc3\xa9\x7f", red);
    sv_draw_fill(&c, 0, 0, W, H, (struct sv_colour){ 0, 0, 0 }, 100);
    sv_draw_fill(&c, -5, -5, 10, 10, (struct sv_colour){ 200, 100, 50 }, 50);
    cr_expect_eq(count(&c, (struct sv_colour){ 100, 50, 25 }), 25);
    sv_free(c.rgb);
}

/* A letter as it is drawn: F at scale 2. */
Test(draw, text) {
    static const char *const f[7] = { "#####", "#....", "#....", "####.", "#....", "#....", "#...." };
    struct sv_canvas c = canvas(W, H);
    sv_draw_text(&c, 4, 3, 2, "F", red);
    for (size_t y = 0; y < 14; y++)
        for (size_t x = 0; x < 10; x++) {
            const uint8_t *p = c.rgb + 3 * ((y + 5) * W + x + 6);
            cr_expect_eq(p[0] == 255, f[y / 2][x / 2] == '#', "%zu, %zu", x, y);
        }
    /* Every printable letter but the blank has dots, no two are the same. */
    char seen[95][W * H];
    for (int k = 0; k < 95; k++) {
        memset(c.rgb, 0, W * H * 3);
        sv_draw_text(&c, 0, 0, 1, (char[]){ (char)(' ' + k), 0 }, red);
        for (size_t i = 0; i < W * H; i++) seen[k][i] = (char)c.rgb[3 * i];
        cr_expect_eq(count(&c, red) == 0, k == 0);
        for (int j = 0; j < k; j++) cr_expect(memcmp(seen[j], seen[k], W * H), "%c and %c", ' ' + j, ' ' + k);
    }
    /* At the lower right corner it is moved inside. */
    memset(c.rgb, 0, W * H * 3);
    sv_draw_text(&c, W - 1, H - 1, 1, "|", red);
    cr_expect_eq(count(&c, red), 7);
    sv_free(c.rgb);
}

static struct ran r;
static char dir[4100];

static const char *in(const char *fmt, int t) {
    static char path[4400];
    const int n = snprintf(path, sizeof path, "%s/", dir);
    snprintf(path + n, sizeof path - (size_t)n, fmt, t);
    return path;
}

static void setup(void) {
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "fit -m m.svad clip --frames 3 --boxes boxes.txt --actions actions.txt --clusters 2 --prompts 0 -o s.scene --quiet"), 0, "%s", r.err);
}

enum { FW = 24, FH = 18, BYTES = FW * FH * 3 };

static void pixels(const char *path, uint8_t rgb[BYTES]) {
    struct sv_image im;
    struct sv_err e = {0};
    cr_assert_eq(sv_image_load(path, &im, &e), 0, "%s", e.msg);
    cr_assert(im.w == FW && im.h == FH);
    sv_image_rgb(&im, rgb);
    sv_image_free(&im);
}

/* Frame 5 has the boxes 8 2 18 14 and 1 1 9 17; letters cover the rows above 11. */
Test(annotate, frames, .init = setup) {
    uint8_t was[BYTES], is[BYTES], again[BYTES];
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene clip --boxes boxes.txt --fps 12.5 --annotate drawn -o a --quiet"), 0, "%s", r.err);
    cr_assert(!access(in("drawn/clip/%06d.png", 5), F_OK) && access(in("drawn/clip/%06d.png", 6), F_OK));
    pixels(in("clip/f%02d.ppm", 5), was), pixels(in("drawn/clip/%06d.png", 5), is);
    for (int y = 12; y < 18; y++)
        for (int x = 0; x < 24; x++) {
            const bool first = (y < 14 && (x == 8 || x == 17)) || (y == 13 && x >= 8 && x < 18), second = (y < 17 && (x == 1 || x == 8)) || (y == 16 && x >= 1 && x < 9);
            const int at = 3 * (FW * y + x);
            cr_expect_eq(memcmp(was + at, is + at, 3) != 0, first || second, "%d, %d", x, y);
            if (first && !second) cr_expect(!memcmp(is + at, is + 3 * (FW * 13 + 10), 3));
        }
    /* Scored again from what was stored, as y4m: the same pictures but for the rounding of colours. */
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene a --annotate moving --y4m -o b --quiet"), 0, "%s", r.err);
    struct sv_video v;
    struct sv_err e = {0};
    cr_assert_eq(sv_video_open(&v, in("moving/clip.y4m", 0), &e), 0, "%s", e.msg);
    cr_assert(v.w == 24 && v.h == 18 && v.fps > 12.49 && v.fps < 12.51);
    for (int t = 0; t < 6; t++) {
        cr_assert_eq(sv_video_next(&v, again, &e), 1);
        pixels(in("drawn/clip/%06d.png", t), is);
        for (int i = 0; i < BYTES; i++) cr_assert(abs(is[i] - again[i]) <= 3, "frame %d, %d: %d, %d", t, i, is[i], again[i]);
    }
    cr_expect_eq(sv_video_next(&v, again, &e), 0);
    sv_video_close(&v);
}

static void refused(int code, const char *args, const char *says) {
    run_svad(&r, dir, "score -m m.svad -s s.scene %s --quiet", args);
    cr_expect_eq(r.code, code, "%s: %d %s", args, r.code, r.err);
    cr_expect(strstr(r.err, says) && strchr(r.err, '\n') && !strchr(r.err, '\n')[1], "%s: \"%s\", expected \"%s\"", args, r.err, says);
    cr_expect(access(in("drawn", 0), F_OK) && access(in("b", 0), F_OK), "%s: something is left", args);
}

Test(annotate, refuses, .init = setup) {
    char from[4400];
    refused(1, "- --boxes boxes.txt --annotate drawn -o b </dev/null", "stdin");
    refused(1, "clip --boxes boxes.txt --annotate drawn --dry-run", "--dry-run");
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene clip --boxes boxes.txt -o a --quiet"), 0, "%s", r.err);
    snprintf(from, sizeof from, "%s", in("clip/f%02d.ppm", 5));
    cr_assert_eq(rename(from, in("f05.ppm", 0)), 0);
    refused(2, "a --annotate drawn -o b", "ends at frame 5, but clip clip has 6");
    refused(2, "a --annotate drawn --y4m -o b", "ends at frame 5");
    refused(4, "a --annotate boxes.txt -o b", "boxes.txt");
    cr_assert_eq(unlink(in("a/run.json", 0)), 0);
    refused(2, "a --annotate drawn -o b", "not known where the video of clip clip is");
}
