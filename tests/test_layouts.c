/* Small trees that look like data sets as they are distributed, and the one command for each that scores and judges them. */
#include "io/npy.h"
#include "tests/matfile.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/golden_files.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static char dir[3900];
static struct ran r;

static char *in(const char *name) {
    static char path[4][4300];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

static void put(const char *name, const void *p, size_t n) {
    char folder[4300];
    snprintf(folder, sizeof folder, "%s", in(name));
    *strrchr(folder, '/') = 0;
    cr_assert(!sv_mkdirs(folder, NULL) && !tiny_write(dir, name, p, n), "%s", name);
}

enum { SIDE_W = 24, SIDE_H = 18 };

static uint8_t shade(int t, size_t i) { return (uint8_t)(i * 7 + i / 24 * 11 + (size_t)t * (i % 97)); }

/* UCSD's frames: gray, 8 bits, not packed. */
static void put_tiff(const char *name, int t) {
    static const struct { unsigned tag, value; } entry[] = { { 256, SIDE_W }, { 257, SIDE_H }, { 258, 8 }, { 259, 1 }, { 262, 1 }, { 273, 8 },
                                                             { 277, 1 }, { 278, SIDE_H }, { 279, SIDE_W * SIDE_H } };
    uint8_t p[1024] = { 'I', 'I', 42, 0 };
    size_t n = 8;
    for (size_t i = 0; i < SIDE_W * SIDE_H; i++) p[n++] = shade(t, i);
    p[4] = (uint8_t)n, p[5] = (uint8_t)(n >> 8), p[n++] = (uint8_t)SV_LEN(entry), n++;
    for (size_t i = 0; i < SV_LEN(entry); i++, n += 12) {
        p[n] = (uint8_t)entry[i].tag, p[n + 1] = (uint8_t)(entry[i].tag >> 8), p[n + 2] = 3, p[n + 4] = 1;
        p[n + 8] = (uint8_t)entry[i].value, p[n + 9] = (uint8_t)(entry[i].value >> 8);
    }
    put(name, p, n + 4);
}

/* And its masks: bitmaps. */
static void put_bmp(const char *name) {
    uint8_t p[62 + 4 * SIDE_H] = { 'B', 'M' };
    p[10] = 62, p[14] = 40, p[18] = SIDE_W, p[22] = SIDE_H, p[26] = 1, p[28] = 1, p[58] = p[59] = p[60] = 0xff;
    put(name, p, sizeof p);
}

static void put_ppm(const char *name, int t) {
    uint8_t p[16 + 3 * SIDE_W * SIDE_H];
    size_t n = (size_t)sprintf((char *)p, "P6 24 18 255\n");
    for (size_t i = 0; i < SIDE_W * SIDE_H; i++, n += 3) memset(p + n, shade(t, i), 3);
    put(name, p, n);
}

/* An AVI of frames in a codec; MJPG's are the self-test's first JPEG. */
static void put_avi(const char *name, const char *codec, size_t frames) {
    static const char head[] =
        "5249464600000000415649204c495354000000007374726c"
        "7374726838000000766964734d4a5047000000000000000000000000010000001900000000000000010000000000000000000000000000000000000000000000"
        "7374726628000000280000000000000000000000010018004d4a50470000000000000000000000000000000000000000"
        "4c495354000000006d6f7669";
    static uint8_t p[1 << 15];
    const size_t jpeg = strlen(golden_jpeg[0].hex) / 2;
    size_t n = 0;
    for (const char *h = head; *h; h += 2) p[n++] = (uint8_t)strtoul((char[]){ h[0], h[1], 0 }, NULL, 16);
    memcpy(p + 36, codec, 4), memcpy(p + 112, codec, 4);
    for (size_t i = 0; i < frames; i++, n += jpeg % 2) {
        memcpy(p + n, "00dc", 4), n += 4;
        for (size_t k = 0; k < 4; k++) p[n++] = (uint8_t)(jpeg >> 8 * k);
        for (const char *h = golden_jpeg[0].hex; *h; h += 2) p[n++] = (uint8_t)strtoul((char[]){ h[0], h[1], 0 }, NULL, 16);
    }
    put(name, p, n);
}

static void setup(void) {
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "fit -m m.svad clip --frames 3 --boxes boxes.txt --actions actions.txt --clusters 2 --prompts 3 -o s.scene --quiet"), 0, "%s", r.err);
}

TestSuite(layouts, .init = setup);

/* The two commands; boxes are what moves, which in these clips is little, so most frames score 0. */
static void scores(const char *video, const char *labels, const char *const *clip, size_t clips, size_t frames, const char *abnormal) {
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene %s -o out --quiet", video), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "eval out --labels %s --per-clip", labels), 0, "%s", r.err);
    for (size_t i = 0; i < clips; i++) {
        char line[64];
        snprintf(line, sizeof line, "%-16s %8zu %8c ", clip[i], frames, abnormal[i]);
        cr_expect(strstr(r.out, line), "no \"%s\" in\n%s", line, r.out);
    }
    cr_expect(strstr(r.out, "\nmicro "), "%s", r.out);
}

/* UCSDped2/Test/Test001/001.tif, the masks beside it in Test001_gt, UCSDped2.m. */
Test(layouts, ucsd) {
    char name[64];
    for (int c = 1; c <= 3; c++)
        for (int t = 1; t <= 6; t++) {
            snprintf(name, sizeof name, "UCSDped2/Test/Test%03d/%03d.tif", c, t), put_tiff(name, t);
            snprintf(name, sizeof name, "UCSDped2/Test/Test%03d_gt/%03d.bmp", c, t);
            if (c != 2) put_bmp(name);
        }
    static const char m[] = "TestVideoFile = {};\nTestVideoFile{end+1}.gt_frame = [4:6];\nTestVideoFile{end+1}.gt_frame = [1:2, 6:6];\n"
                            "TestVideoFile{end+1}.gt_frame = [2:2];\n";
    put("UCSDped2/Test/UCSDped2.m", m, sizeof m - 1);
    put("UCSDped2/Test/.DS_Store", "\0", 1);
    scores("UCSDped2/Test", "UCSDped2/Test/UCSDped2.m", (const char *[]){ "Test001", "Test002", "Test003" }, 3, 6, "331");
    cr_assert_eq(run_svad(&r, dir, "eval out --labels UCSDped2/Test/Test001_gt"), 2);
    cr_expect(strstr(r.err, "no .npy or .mat files"), "%s", r.err);
}

/* avenue/testing_videos/01.avi, testing_label_mask/1_label.mat. */
Test(layouts, avenue) {
    static struct matfile f;
    char name[64];
    static const uint8_t mask[2][12] = { { 0 }, { [5] = 1 } };
    for (int c = 1; c <= 11; c++) {
        snprintf(name, sizeof name, "avenue/testing_videos/%02d.avi", c), put_avi(name, c == 7 ? "XVID" : "MJPG", 4);
        mat_begin(&f, false);
        const size_t cell = mat_array(&f, "volLabel", 1, 1, 4);
        for (int t = 0; t < 4; t++) mat_bytes(&f, "", 4, 3, mask[t == 2 || (c == 11 && t == 1)]);
        mat_end(&f, cell), mat_deflate(&f, 128);
        snprintf(name, sizeof name, "avenue/testing_label_mask/%d_label.mat", c), put(name, f.p, f.n);
    }
    cr_assert_eq(run_svad(&r, dir, "score -m m.svad -s s.scene avenue/testing_videos -o out --quiet"), 2, "%d %s", r.code, r.err);
    cr_expect(strstr(r.err, "07.avi: AVI of codec XVID, expected Motion JPEG") && strstr(r.err, "ffmpeg -i FILE -c:v mjpeg -q:v 2 OUT.avi"), "%s", r.err);
    put_avi("avenue/testing_videos/07.avi", "MJPG", 4);
    scores("avenue/testing_videos", "avenue/testing_label_mask", (const char *[]){ "01", "02", "11" }, 3, 4, "112");
}

/* shanghaitech/testing/{frames/01_0014/000.jpg, test_frame_mask/01_0014.npy, test_pixel_mask}; the folder above means its frames. */
Test(layouts, shanghaitech) {
    static const uint8_t labels[2][6] = { { 0, 0, 1, 1, 0, 0 }, { 1, 0, 0, 0, 0, 0 } };
    static const char *const clip[2] = { "01_0014", "12_0175" };
    static const uint8_t pixels[6 * 4] = { [9] = 1 };
    char name[128];
    for (int c = 0; c < 2; c++) {
        for (int t = 0; t < 6; t++) snprintf(name, sizeof name, "sht/testing/frames/%s/%03d.jpg", clip[c], t), put_ppm(name, t);
        snprintf(name, sizeof name, "sht/testing/test_frame_mask/%s.npy", clip[c]), put(name, "", 0);
        cr_assert_eq(sv_npy_write(in(name), SV_U8, 1, (size_t[]){ 6 }, labels[c], NULL), 0);
        snprintf(name, sizeof name, "sht/testing/test_pixel_mask/%s.npy", clip[c]), put(name, "", 0);
        cr_assert_eq(sv_npy_write(in(name), SV_U8, 3, (size_t[]){ 6, 2, 2 }, pixels, NULL), 0);
    }
    scores("sht/testing", "sht/testing/test_frame_mask", clip, 2, 6, "21");
    scores("sht/testing/frames", "sht/testing/test_pixel_mask", clip, 2, 6, "11");
    for (int c = 1; c <= 2; c++) snprintf(name, sizeof name, "sht/training/videos/01_%03d.avi", c), put_avi(name, "MJPG", 5);
    cr_expect_eq(run_svad(&r, dir, "fit -m m.svad sht/training --frames 3 --actions actions.txt --clusters 2 --prompts 3 -o sht.scene"), 2, "%d %s%s", r.code, r.out, r.err);
    cr_expect(strstr(r.err, "no tube in 2 clips: nothing to learn from; give --boxes"), "%s", r.err);
}

/* The repack that most code reads: ped2/testing/frames/01/000.jpg, ped2.mat of intervals. */
Test(layouts, repack) {
    static struct matfile f;
    static const double from[2][4] = { { 2, 3, 5, 6 }, { 1, 1, 1, 1 } };
    char name[64];
    for (int c = 1; c <= 2; c++)
        for (int t = 0; t < 6; t++) snprintf(name, sizeof name, "ped2/testing/frames/%02d/%03d.jpg", c, t), put_ppm(name, t);
    mat_begin(&f, false);
    const size_t cell = mat_array(&f, "gt", 1, 1, 2);
    mat_doubles(&f, "", 2, 2, from[0]), mat_doubles(&f, "", 2, 1, from[1]), mat_end(&f, cell);
    put("ped2/ped2.mat", f.p, f.n);
    scores("ped2/testing", "ped2/ped2.mat", (const char *[]){ "01", "02" }, 2, 6, "41");
}
