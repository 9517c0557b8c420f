#include "io/video.h"

#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void put(const char *path, const void *p, size_t n) {
    FILE *f = fopen(path, "wb");
    cr_assert(f, "%s", path);
    fwrite(p, 1, n, f);
    fclose(f);
}

/* A PPM of one colour. */
static void ppm(const char *folder, const char *name, size_t w, size_t h, int level) {
    char path[1024], data[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int head = snprintf(data, sizeof data, "P6\n%zu %zu\n255\n", w, h);
    memset(data + head, level, w * h * 3);
    put(path, data, (size_t)head + w * h * 3);
}

struct path { char s[1024]; };
static struct path in(const char *root, const char *name) {
    struct path p;
    if (snprintf(p.s, sizeof p.s, "%s/%s", root, name) >= (int)sizeof p.s) p.s[0] = 0;
    return p;
}
static struct path folder(const char *root, const char *name) {
    const struct path p = in(root, name);
    mkdir(p.s, 0777);
    return p;
}

Test(video, folder_sorted_by_name) {
    const struct path clip = folder(temp_dir(), "clip");
    const char *d = clip.s;
    ppm(d, "b.ppm", 3, 2, 20), ppm(d, "a.ppm", 3, 2, 10), ppm(d, "c.bin", 3, 2, 30);
    put(in(d, ".hidden").s, "x", 1);
    struct sv_video v;
    struct sv_err e = {0};
    uint8_t rgb[18];
    cr_assert_eq(sv_video_open(&v, d, &e), 0, "%s", e.msg);
    cr_expect(v.w == 3 && v.h == 2 && v.frames == 3 && v.fps <= 0);
    for (int i = 1; i <= 3; i++) {
        cr_assert_eq(sv_video_next(&v, rgb, &e), 1, "%s", e.msg);
        cr_expect(rgb[0] == 10 * i && rgb[17] == 10 * i && v.next == (size_t)i);
    }
    cr_expect_eq(sv_video_next(&v, rgb, &e), 0);
    cr_expect_eq(sv_video_next(&v, rgb, &e), 0);
    sv_video_close(&v);
}

/* Frames that are passed over are those that next would have given, in every kind of video. */
Test(video, skip) {
    const struct path clip = folder(temp_dir(), "clip"), y = in(temp_dir(), "a.y4m");
    char data[256] = "YUV4MPEG2 W2 H2 F25:1 Cmono\n", name[12];
    size_t n = strlen(data);
    for (int t = 0; t < 5; t++) {
        sprintf(name, "%d", t);
        ppm(clip.s, name, 2, 2, 50 * t);
        n += (size_t)sprintf(data + n, "FRAME\n%c%c%c%c", 16 + 40 * t, 16 + 40 * t, 16 + 40 * t, 16 + 40 * t);
    }
    put(y.s, data, n);
    for (int kind = 0; kind < 2; kind++) {
        for (size_t first = 0; first <= 5; first++) {
            struct sv_video v;
            struct sv_err e = {0};
            uint8_t want[12], rgb[12];
            cr_assert_eq(sv_video_open(&v, kind ? y.s : clip.s, &e), 0, "%s", e.msg);
            for (size_t t = 0; t <= first && t < 5; t++) cr_assert_eq(sv_video_next(&v, want, &e), 1);
            sv_video_close(&v);
            cr_assert_eq(sv_video_open(&v, kind ? y.s : clip.s, &e), 0);
            cr_expect_eq(sv_video_skip(&v, first, &e), 1);
            cr_expect_eq(v.next, first);
            cr_expect_eq(sv_video_next(&v, rgb, &e), first < 5);
            cr_expect(first == 5 || !memcmp(rgb, want, 12), "kind %d frame %zu", kind, first);
            cr_expect_eq(sv_video_skip(&v, 5, &e), 0);
            sv_video_close(&v);
        }
    }
}

Test(video, folder_refuses) {
    const struct path clip = folder(temp_dir(), "clip");
    const char *d = clip.s;
    struct sv_video v;
    struct sv_err e = {0};
    uint8_t rgb[18];
    cr_expect_eq(sv_video_open(&v, d, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "without frames"), "%s", e.msg);
    ppm(d, "0.ppm", 3, 2, 1), ppm(d, "1.ppm", 2, 3, 1);
    cr_assert_eq(sv_video_open(&v, d, memset(&e, 0, sizeof e)), 0);
    cr_expect_eq(sv_video_next(&v, rgb, &e), 1);
    cr_expect_eq(sv_video_next(&v, rgb, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "1.ppm") && strstr(e.msg, "2 x 3") && strstr(e.msg, "3 x 2"), "%s", e.msg);
    sv_video_close(&v);
    put(in(d, "1.ppm").s, "not an image", 12);
    cr_assert_eq(sv_video_open(&v, d, memset(&e, 0, sizeof e)), 0);
    cr_expect_eq(sv_video_next(&v, rgb, &e), 1);
    cr_expect_eq(sv_video_next(&v, rgb, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "1.ppm"), "%s", e.msg);
    sv_video_close(&v);
    cr_assert(!remove(in(d, "1.ppm").s) && !mkfifo(in(d, "1.ppm").s, 0600));
    cr_assert_eq(sv_video_open(&v, d, memset(&e, 0, sizeof e)), 0);
    cr_expect(sv_video_next(&v, rgb, &e) == 1 && sv_video_next(&v, rgb, &e) == SV_EINPUT && strstr(e.msg, "regular"), "%s", e.msg);
    sv_video_close(&v);
    cr_expect_eq(sv_video_open(&v, "/nonexistent", memset(&e, 0, sizeof e)), SV_EINPUT);
}

Test(video, compressed_files_are_refused_with_a_way_out) {
    const struct path x = in(temp_dir(), "x");
    const char *path = x.s;
    struct sv_video v;
    struct sv_err e = {0};
    put(path, "\0\0\0\x20" "ftypisom....", 16);
    cr_expect_eq(sv_video_open(&v, path, memset(&e, 0, sizeof e)), SV_EINPUT);
    cr_expect(strstr(e.msg, "yuv4mpegpipe"), "%s", e.msg);
}

Test(video, y4m_and_single_image) {
    const char *root = temp_dir();
    const struct path x = in(root, "x.avi");
    const char *path = x.s;
    struct sv_video v;
    struct sv_err e = {0};
    uint8_t rgb[3 * 6];
    static const char y4m[] = "YUV4MPEG2 W1 H1 F30000:1001 Cmono\nFRAME\n\x10" "FRAME\n\xeb";
    put(path, y4m, sizeof y4m - 1);
    cr_assert_eq(sv_video_open(&v, path, &e), 0, "%s", e.msg);
    cr_expect(v.frames == 2 && v.w == 1 && v.fps > 29.97 && v.fps < 29.98);
    cr_expect(sv_video_next(&v, rgb, &e) == 1 && rgb[0] == 0);
    cr_expect(sv_video_next(&v, rgb, &e) == 1 && rgb[2] == 255);
    cr_expect_eq(sv_video_next(&v, rgb, &e), 0);
    sv_video_close(&v);

    put(path, y4m, 34);
    cr_assert_eq(sv_video_open(&v, path, &e), 0, "%s", e.msg);
    cr_expect_eq(sv_video_next(&v, rgb, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "without frames"), "%s", e.msg);
    sv_video_close(&v);

    ppm(root, "one.ppm", 2, 3, 7);
    cr_assert_eq(sv_video_open(&v, in(root, "one.ppm").s, memset(&e, 0, sizeof e)), 0, "%s", e.msg);
    cr_expect(v.frames == 1 && v.w == 2 && v.h == 3);
    cr_expect(sv_video_next(&v, rgb, &e) == 1 && rgb[17] == 7);
    cr_expect_eq(sv_video_next(&v, rgb, &e), 0);
    sv_video_close(&v);
}

Test(video, data_set) {
    const struct path set = folder(temp_dir(), "set");
    const char *root = set.s;
    static const char y4m[] = "YUV4MPEG2 W1 H1\n";
    struct sv_clip_list l = {0};
    struct sv_err e = {0};
    ppm(folder(root, "02").s, "0.ppm", 2, 2, 1);
    ppm(folder(root, "01.x").s, "0.ppm", 2, 2, 1);
    put(in(root, "b.night.y4m").s, y4m, sizeof y4m - 1);
    put(in(root, "labels.txt").s, "01 1 0\n", 7);
    cr_assert_eq(mkfifo(in(root, "pipe").s, 0600), 0);
    cr_assert_eq(sv_clip_list_add(&l, root, &e), 0, "%s", e.msg);
    cr_assert_eq(l.n, 3);
    cr_expect(!strcmp(l.item[0].name, "01.x") && !strcmp(l.item[1].name, "02") && !strcmp(l.item[2].name, "b.night"));
    cr_expect_eq(sv_clip_list_add(&l, l.item[1].path, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "clip named 02"), "%s", e.msg);
    sv_clip_list_free(&l);

    /* A clip by itself is named by its own folder or file. */
    cr_assert_eq(sv_clip_list_add(&l, in(root, "02///").s, memset(&e, 0, sizeof e)), 0, "%s", e.msg);
    cr_assert_eq(sv_clip_list_add(&l, in(root, "b.night.y4m").s, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_clip_list_add(&l, "-", &e), 0, "%s", e.msg);
    cr_assert_eq(l.n, 3);
    cr_expect(!strcmp(l.item[0].name, "02") && !strcmp(l.item[1].name, "b.night") && !strcmp(l.item[2].name, "stdin"));
    sv_clip_list_free(&l);
}

Test(video, frames_tool) {
    const char *y4m = shared_path("data/video/small_input.y4m");
    if (!y4m) cr_skip_test("no data");
    const char *root = temp_dir();
    struct ran r;
    run_svad(&r, root, "frames %s", y4m);
    cr_expect(!r.code && !strcmp(r.out, "5 frames of 64 x 64, 25 a second\n"), "%d %s%s", r.code, r.out, r.err);
    run_svad(&r, root, "frames --json - < %s", y4m);
    cr_expect(!r.code && !strcmp(r.out, "{\"frames\":5,\"width\":64,\"height\":64,\"fps\":25}\n"), "%d %s%s", r.code,
              r.out, r.err);
    run_svad(&r, root, "frames %s -o out", y4m);
    cr_expect_eq(r.code, 0, "%s", r.err);
    run_svad(&r, root, "frames out");
    cr_expect_str_eq(r.out, "5 frames of 64 x 64\n");

    /* A cut stream leaves nothing. */
    char command[2048];
    snprintf(command, sizeof command, "head -c 20000 %s > %s/cut.y4m", y4m, root);
    cr_assert_eq(system(command), 0);
    run_svad(&r, root, "frames cut.y4m -o cut");
    cr_expect(r.code == 2 && strstr(r.err, "frame 3 is cut"), "%d %s", r.code, r.err);
    struct stat st;
    cr_expect(stat(in(root, "cut").s, &st) != 0);
    run_svad(&r, root, "frames %s -o one.ppm", y4m);
    cr_expect_eq(r.code, 1, "%s", r.err);
}
