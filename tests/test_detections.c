/* Boxes in the formats of the rest of the world: MOT, YOLO, COCO; in files and folders. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/boxes_int.h"
#include "io/json.h"
#include "io/pnm.h"
#include "tests/util.h"

static char dir[3900];

static void setup(void) { snprintf(dir, sizeof dir, "%s", temp_dir()); }

static char *in(const char *name) {
    static char path[4][4300];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    return p;
}

/* A file in a folder, with the folders it needs. */
static void put(const char *name, const char *text) {
    char folder[4300];
    snprintf(folder, sizeof folder, "%s", in(name));
    *strrchr(folder, '/') = 0;
    cr_assert_eq(sv_mkdirs(folder, NULL), 0);
    FILE *f = fopen(in(name), "wb");
    cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
}

/* Clip `name` of the given frames, each 100 x 50. */
static void put_clip(const char *name, const char *const *frame, size_t n) {
    static const uint8_t rgb[100 * 50 * 3];
    char path[300];
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "video/%s/%s.ppm", name, frame[i]);
        put(path, "");
        cr_assert_eq(sv_pnm_write(in(path), 100, 50, rgb, NULL), 0);
    }
}

static struct sv_clip_list clips(const char *path) {
    struct sv_clip_list l = { 0 };
    struct sv_err e = { 0 };
    cr_assert_eq(sv_clip_list_add(&l, in(path), &e), 0, "%s", e.msg);
    return l;
}

/* The boxes as lines of our own text. */
static const char *shown(const struct sv_boxes *b) {
    static char text[4096];
    size_t at = 0;
    text[0] = 0;
    for (size_t c = 0; c < b->clip.n; c++)
        for (size_t i = b->first[c]; i < b->first[c + 1]; i++) {
            const struct sv_box *x = &b->box[i];
            at += (size_t)snprintf(text + at, sizeof text - at, "%s %zu %g %g %g %g", b->clip.name[c], x->frame, x->x1, x->y1, x->x2, x->y2);
            if (b->scored) at += (size_t)snprintf(text + at, sizeof text - at, " %g", x->score);
            if (x->track >= 0) at += (size_t)snprintf(text + at, sizeof text - at, " t%d", (int)x->track);
            at += (size_t)snprintf(text + at, sizeof text - at, "\n");
        }
    return text;
}

static void reads(const char *path, const char *video, const char *want) {
    struct sv_clip_list l = clips(video);
    struct sv_boxes b;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_boxes_read_of(&b, in(path), &l, 0.5, &e), 0, "%s: %s", path, e.msg);
    cr_expect_str_eq(shown(&b), want, "%s:\n%s", path, shown(&b));
    sv_boxes_free(&b);
    sv_clip_list_free(&l);
}

static void refused(const char *path, const char *video, const char *word) {
    struct sv_clip_list l = clips(video);
    struct sv_boxes b;
    struct sv_err e = { 0 };
    cr_expect_eq(sv_boxes_read_of(&b, in(path), &l, 0.5, &e), SV_EINPUT, "%s was read", path);
    cr_expect(strstr(e.msg, word) && !strchr(e.msg, '\n'), "%s: \"%s\"", path, e.msg);
    cr_expect(!b.box && !b.first && !b.clip.name);
    sv_clip_list_free(&l);
}

static const char *const f0[] = { "000", "001", "002" }, *const f1[] = { "f_1", "f_2", "f_10" };

static void two_clips(void) {
    setup();
    put_clip("01", f0, 3), put_clip("02", f1, 3);
}

TestSuite(boxes_formats, .init = two_clips);

/* ---- MOT ---- */

Test(boxes_formats, mot_folder) {
    put("mot/02.txt", "");
    put("mot/01.txt", "3,-1,11,21,30,5.5,0.9,-1,-1,-1\n1,7,1,1,10,10,0.5\n1,8,1,1,10,10,0.4\r\n");
    put("mot/readme", "not a box");
    reads("mot", "video", "01 0 0 0 10 10 0.5 t7\n01 2 10 20 40 25.5 0.9\n");
    put("mot/02.txt", "1.00,2.00,5,5,10,10,1,-1,-1,-1\n");
    reads("mot", "video", "01 0 0 0 10 10 0.5 t7\n01 2 10 20 40 25.5 0.9\n02 0 4 4 14 14 1 t2\n");
    put("mot/02.txt", "1,2,5,5,10,10,-1,-1,-1,-1\n");         /* a file of scores: it is one */
    reads("mot", "video", "01 0 0 0 10 10 0.5 t7\n01 2 10 20 40 25.5 0.9\n");
}

Test(boxes_formats, mot_without_scores) {
    put("mot/01.txt", "1,2,5,5,10,10,-1,-1,-1,-1\n2,2,6,5,10,10,-1,-1,-1,-1\n");
    reads("mot", "video", "01 0 4 4 14 14 t2\n01 1 5 4 15 14 t2\n");
    put("mot/01.txt", "1,2,5,5,10,10\n");
    reads("mot", "video", "01 0 4 4 14 14 t2\n");
    put("mot/01.txt", "1,2,5,5,10,10,-1,-1,-1,-1\n2,2,6,5,10,10,0.5,-1,-1,-1\n");
    refused("mot", "video", "01.txt: line 2: has a score");
}

/* A file by itself is MOT only where nothing else can be meant. */
Test(boxes_formats, mot_file) {
    put("det.txt", "1,-1,5,5,10,10,0.75,-1,-1,-1\n");
    reads("det.txt", "video/02", "02 0 4 4 14 14 0.75\n");
    reads("det.txt", "video", "det 0 4 4 14 14 0.75\n");
    put("own.txt", "1,1,5,5,10,10,0.75,-1,-1\n");
    reads("own.txt", "video/02", "1 1 5 5 10 10 0.75\n");
}

Test(boxes_formats, mot_refused) {
    static const char *const bad[][2] = {
        { "0,1,5,5,10,10,1\n", "line 1: frame is \"0\", expected a whole number from 1" }, { "1.5,1,5,5,10,10,1\n", "frame is" },
        { "1,1,5,5,10\n", "5 columns" }, { "1,x,5,5,10,10,1\n", "id is \"x\"" }, { "1,-2,5,5,10,10,1\n", "id is" },
        { "1,1,5,5,0,10,1\n", "clip 01 frame 0: the box 4 4 4 14 is empty" }, { "1,1,5,5,10,-10,1\n", "is empty" },
        { "1,1,5,5,10,10,high\n", "score is" }, { "1,1,nan,5,10,10,1\n", "x is" }, { "1,1,5,5,1e9,10,1\n", "w is" },
        { "1,1,5,5,10,10,1\n1,1,5\n", "line 2" }, { "100000001,1,5,5,10,10,1\n", "frame is" }, { "1,,5,5,10,10,1\n", "column 2 is empty" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) put("mot/01.txt", bad[i][0]), refused("mot", "video", bad[i][1]);
}

/* ---- YOLO ---- */

Test(boxes_formats, yolo_tree) {
    put("yolo/01/002.txt", "0 0.5 0.5 0.2 0.4 0.9\n2 0.1 0.1 0.1 0.1 0.3\n");
    put("yolo/01/000.txt", "\n");
    put("yolo/01/classes.txt", "person\nbicycle\n");
    put("yolo/02/labels/f_10.txt", "0 0 0 0.02 0.04 0.75 12\n");
    put("yolo/readme.txt", "x");
    reads("yolo", "video", "01 2 40 15 60 35 0.9\n02 1 -1 -1 1 1 0.75 t12\n");      /* f_10 comes before f_2 */
    put("yolo/03/f.txt", "nothing that is looked at\n");
    struct sv_clip_list l = clips("video");
    struct sv_boxes b;
    cr_assert_eq(sv_boxes_read_of(&b, in("yolo"), &l, 0.5, NULL), 0);
    cr_expect(b.clip.n == 3 && !strcmp(b.clip.name[2], "03") && b.first[3] == b.first[2]);
    sv_boxes_free(&b), sv_clip_list_free(&l);
}

Test(boxes_formats, yolo_flat) {
    put("yolo/001.txt", "0 0.5 0.5 1 1\n");
    reads("yolo", "video/01", "01 1 0 0 100 50\n");
    refused("yolo", "video", "of which clip is \"001.txt\"?");
    refused("yolo", "video/02", "no frame of ");
    put("both/01_001.txt", "0 0.5 0.5 1 1\n"), put("both/02_f_2.txt", "0 0.5 0.5 1 0.5\n");
    reads("both", "video", "01 1 0 0 100 50\n02 2 0 12.5 100 37.5\n");
}

/* Video files: what YOLO counts from 1. */
Test(boxes_formats, yolo_of_a_stream) {
    char y4m[256] = "YUV4MPEG2 W4 H2 F25:1 Cmono\n";
    for (int i = 0; i < 3; i++) strcat(y4m, "FRAME\nabcdefgh");
    put("streams/cam_1.y4m", y4m), put("streams/cam.y4m", y4m);
    put("yolo/cam_1_3.txt", "0 0.5 0.5 1 1 1\n"), put("yolo/cam_2.txt", "0 0.5 0.5 1 1 1\n");
    reads("yolo", "streams", "cam_1 2 0 0 4 2 1\ncam 1 0 0 4 2 1\n");
    put("yolo/cam_0.txt", "0 0.5 0.5 1 1 1\n");
    refused("yolo", "streams", "\"cam_0\" has no number from 1 at its end");
}

Test(boxes_formats, yolo_refused) {
    static const char *const bad[][2] = {
        { "0 320 240 10 10\n", "000.txt: line 1: x is \"320\", expected a share from 0 to 1" }, { "0 .5 0.5 1 1\n", "x is" },
        { "0 0.5 0.5 1\n", "4 columns" }, { "0 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n", "9 columns" }, { "0 0.5 0.5 0 1\n", "is empty" },
        { "0 0.5 0.5 1 1 7\n", "score is \"7\"" }, { "0 0.5 0.5 1 1 0.5 x\n", "track is" }, { "0 0.5 0.5 1 1\n0 0.5 0.5 1 1 0.5\n", "line 2: has a score" },
        { "0 nan 0.5 1 1\n", "x is" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) put("yolo/01/000.txt", bad[i][0]), refused("yolo", "video", bad[i][1]);
    put("yolo/01/000.txt", ""), put("yolo/01/7.txt", "0 0.5 0.5 1 1\n");
    refused("yolo", "video", "is called \"7\" (the first is 000)");
    cr_assert_eq(mkdir(in("empty"), 0777), 0);
    refused("empty", "video", "no boxes in this folder");
    put("video/01/000.png", "");
    put("twice/01/000.txt", "0 0.5 0.5 1 1\n"), refused("twice", "video", "two frames are called 000");
}

/* ---- COCO ---- */

#define IMAGES "{\"images\": [{\"id\": 5, \"file_name\": \"test/01/001.jpg\"}, {\"id\": 9, \"file_name\": \"02/f_2.png\"}," \
               " {\"id\": 7, \"file_name\": \"77/x.png\"}]"
#define RESULTS "[{\"image_id\": 9, \"category_id\": 1, \"bbox\": [1, 2, 3.5, 4], \"score\": 0.75}," \
                " {\"image_id\": 5, \"bbox\": [0, 0, 5, 5], \"score\": 0.5, \"track_id\": 3}, {\"image_id\": 5, \"bbox\": [0, 0, 5, 5], \"score\": 0.4}," \
                " {\"image_id\": 7, \"bbox\": [0, 0, 5, 5], \"score\": 1}]"

Test(boxes_formats, coco) {
    static const char want[] = "02 2 1 2 4.5 6 0.75\n01 1 0 0 5 5 0.5 t3\n";
    put("one.json", IMAGES ", \"annotations\": " RESULTS "}");
    reads("one.json", "video", want);
    put("two/images.json", IMAGES ", \"annotations\": [{\"image_id\": 5, \"bbox\": [0, 0, 1, 1]}]}"), put("two/results.json", "\n" RESULTS "\n");
    reads("two", "video", want);
    struct sv_clip_list l = clips("video");
    struct sv_boxes b;
    cr_assert_eq(sv_boxes_read_of(&b, in("two"), &l, 0.5, NULL), 0);
    cr_expect(b.clip.n == 3 && !strcmp(b.clip.name[2], "77") && b.dropped == 1);
    sv_boxes_free(&b), sv_clip_list_free(&l);
}

Test(boxes_formats, coco_by_name) {
    put("r.json", "[{\"image_id\": \"01_002\", \"bbox\": [0, 0, 5, 5]}, {\"image_id\": \"02/f_1\", \"bbox\": [0, 0, 5, 5]}]");
    reads("r.json", "video", "01 2 0 0 5 5\n02 0 0 0 5 5\n");
    put("n.json", "[{\"image_id\": 10, \"bbox\": [0, 0, 5, 5]}, {\"image_id\": 1, \"bbox\": [0, 0, 6, 5]}]");
    reads("n.json", "video/02", "02 0 0 0 6 5\n02 1 0 0 5 5\n");
    refused("n.json", "video", "result 0: which frame is image_id 10?  Expected a list of images");
    refused("n.json", "video/01", "has the number of image_id 10");
}

Test(boxes_formats, coco_refused) {
    static const char *const bad[][2] = {
        { "[]", "no boxes" }, { "{}", "expected COCO results" }, { "{\"annotations\": 3}", "\"annotations\" is no array" },
        { "[{\"image_id\": 5}]", "result 0: expected a \"bbox\"" }, { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 3]}]", "four numbers" },
        { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 3, \"4\"]}]", "number 3 of its bbox" }, { "[{\"bbox\": [1, 2, 3, 4]}]", "expected an \"image_id\"" },
        { "[{\"image_id\": 1.5, \"bbox\": [1, 2, 3, 4]}]", "image_id" }, { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 0, 4]}]", "is empty" },
        { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 3, 4], \"score\": \"x\"}]", "score is no number" }, { "[7]", "bbox" }, { "[", "json" },
        { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 1e300, 4]}]", "number 2 of its bbox" }, { "{\"images\": 3}", "\"images\" is no array" },
        { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 3, 4], \"track_id\": -7}]", "track_id" }, { IMAGES "}", "no boxes" },
        { IMAGES ", \"annotations\": [{\"image_id\": 6, \"bbox\": [0, 0, 5, 5]}]}", "annotation 0: image_id 6 is not in the list of images" },
        { "{\"images\": [{\"id\": 5, \"file_name\": \"a\"}, {\"id\": 5, \"file_name\": \"b\"}]}", "image 1: id 5 comes twice" },
        { "{\"images\": [{\"id\": 5}]}", "image 0: expected a \"file_name\"" }, { "{\"images\": [{\"file_name\": \"x\"}]}", "image 0: expected an \"id\"" },
        { "[{\"image_id\": \"x\", \"bbox\": [1, 2, 3, 4]}]", "of which clip is \"x\"" },
        { "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 3, 4]}, {\"image_id\": \"01/000\", \"bbox\": [1, 2, 3, 4], \"score\": 1}]", "result 1: has a score" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) put("bad.json", bad[i][0]), refused("bad.json", "video", bad[i][1]);
    struct sv_boxes b;
    struct sv_err e = { 0 };
    const char *text = "[{\"image_id\": \"01/000\", \"bbox\": [1, 2, 3, 4]}]";
    cr_expect_eq(sv_boxes_parse(&b, "b.json", text, strlen(text), 0.5, &e), SV_EINPUT);
    cr_expect(strstr(e.msg, "no clips to look for them"), "%s", e.msg);
}

/* ---- all ---- */

/* Every cut of each format, in memory of just its size. */
Test(boxes_formats, every_cut) {
    static const char *const text[] = { "1,7,1,1,10,10,0.5,-1,-1,-1\n2,7,1,1,10,10,0.5\n", "0 0.5 0.5 0.2 0.4 0.9 3\n0 0.5 0.5 0.2 0.4 0.9\n", RESULTS };
    for (size_t which = 0; which < SV_LEN(text); which++)
        for (size_t n = 0; n <= strlen(text[which]); n++) {
            char *p = malloc(n ? n : 1);
            memcpy(p, text[which], n);
            const struct sv_box_place place = { .name = "c", .len = 1 };
            struct sv_boxes b = { 0 };
            struct sv_box_reader r = { .file = "f", .b = &b, .unit = "line" };
            struct sv_json j = { 0 };
            const char *name = "f";
            if (which == 0) sv_box_mot(&r, "c", p, n, NULL);
            else if (which == 1) sv_box_yolo(&r, &place, 10, 10, p, n, NULL);
            else if (!sv_json_parse(&j, p, n, "f", NULL)) sv_box_coco(&r, (const struct sv_json_node *const[]){ j.root }, &name, 1, NULL);
            sv_box_format(p, n, false), sv_box_format(p, n, true);
            sv_json_free(&j), sv_free(r.clip), sv_boxes_free(&b);
            free(p);
        }
}

/* The first lines of a published MOT data set. */
Test(boxes_formats, mot_corpus) {
    const char *det = shared_path("corpora/csv/mot-tud/det_head.txt"), *gt = shared_path("corpora/csv/mot-tud/gt_head.txt");
    if (!det || !gt) cr_skip_test("no corpora");
    struct sv_boxes b;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_boxes_read(&b, det, 0.5, &e), 0, "%s", e.msg);
    cr_expect(b.n == 9 && b.dropped == 1 && b.scored && b.box[0].frame == 0 && b.box[0].x1 == 197 && b.box[0].y1 == 202 && b.box[0].track == -1);
    sv_boxes_free(&b);
    cr_assert_eq(sv_boxes_read(&b, gt, 0.5, &e), 0, "%s", e.msg);
    cr_expect(b.n == 13 && !b.scored && b.box[0].track == 2308 && b.box[0].x2 == 390 + 144);
    sv_boxes_free(&b);
}

/* The same boxes of a whole data set in all four formats, where a command takes them. */
Test(boxes_formats, commands) {
    static struct ran r;
    static char text[4][sizeof r.out];
    put("own.txt", "01 0 2 4 12 14 0.75\n01 2 2 4 12 14 0.75\n02 1 50 20 60 45 0.75\n");
    put("mot/01.txt", "1,-1,3,5,10,10,0.75,-1,-1,-1\n3,-1,3,5,10,10,0.75,-1,-1,-1\n"), put("mot/02.txt", "2,-1,51,21,10,25,0.75,-1,-1,-1\n");
    put("yolo/01/000.txt", "0 0.07 0.18 0.1 0.2 0.75\n"), put("yolo/01/002.txt", "0 0.07 0.18 0.1 0.2 0.75\n");
    put("yolo/02/f_10.txt", "0 0.55 0.65 0.1 0.5 0.75\n");
    put("coco.json", "[{\"image_id\": \"01/000\", \"bbox\": [2, 4, 10, 10], \"score\": 0.75}, {\"image_id\": \"01/002\", \"bbox\": [2, 4, 10, 10], \"score\": 0.75},"
                     " {\"image_id\": \"02/f_10\", \"bbox\": [50, 20, 10, 25], \"score\": 0.75}]");
    static const char *const from[] = { "own.txt", "mot", "yolo", "coco.json" };
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(run_svad(&r, dir, "boxes video --boxes %s -o -", from[i]), 0, "%s: %s", from[i], r.err);
        strcpy(text[i], r.out);
        cr_expect_str_eq(text[i], text[0], "%s", from[i]);
    }
    cr_expect(strstr(text[0], "\n02 1 50 20 60 45 0.75 t0\n"), "%s", text[0]);
}
