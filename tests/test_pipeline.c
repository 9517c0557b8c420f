/* The chain extract, fit, score, eval over a world made here: three training clips and two to test in which a bright square
 * moves, and a model of random weights. */
#include "clip/clip.h"
#include "clip/image.h"
#include "io/container.h"
#include "tests/util.h"
#include "tools/feature.h"
#include "tools/run.h"
#include "tools/scene.h"
#include "tools/stop.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { W = 40, H = 30, FRAMES = 11 };

struct path { char s[1024]; };
static struct path in(const char *root, const char *fmt, ...) SV_PRINTF(2, 3);
static struct path in(const char *root, const char *fmt, ...) {
    struct path p;
    va_list ap;
    const size_t n = (size_t)snprintf(p.s, sizeof p.s, "%s/", root);
    va_start(ap, fmt);
    vsnprintf(p.s + n, sizeof p.s - n, fmt, ap);
    va_end(ap);
    return p;
}

static FILE *create(const char *path) {
    FILE *f = fopen(path, "wb");
    cr_assert(f, "%s", path);
    return f;
}

/* Where the square of clip c stands at frame t: it goes right, in the last clip in jumps. */
static int left_of(int c, int t) { return c == 4 && t > 5 ? (t * 13) % 28 : 2 + 2 * t + c; }

static void frame_of(int c, int t, uint8_t rgb[H][W][3]) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const int at = left_of(c, t), inside = x >= at && x < at + 9 && y >= 8 && y < 20;
            rgb[y][x][0] = (uint8_t)(inside ? 230 : 3 * x), rgb[y][x][1] = (uint8_t)(inside ? 20 * c : 4 * y);
            rgb[y][x][2] = (uint8_t)(40 + t);
        }
}

static void clip_of(const char *root, const char *set, const char *name, int c) {
    static uint8_t rgb[H][W][3];
    mkdir(root, 0777), mkdir(in(root, "%s", set).s, 0777), mkdir(in(root, "%s/%s", set, name).s, 0777);
    for (int t = 0; t < FRAMES; t++) {
        FILE *f = create(in(root, "%s/%s/%02d.ppm", set, name, t).s);
        frame_of(c, t, rgb);
        fprintf(f, "P6\n%d %d\n255\n", W, H);
        fwrite(rgb, sizeof rgb, 1, f);
        fclose(f);
    }
}

/* The square, and a corner that stays; in test clip e frames 4 and 5 have no box. */
static void boxes_of(FILE *f, const char *name, int c) {
    for (int t = 0; t < FRAMES; t++) {
        if (c == 4 && (t == 4 || t == 5)) continue;
        fprintf(f, "%s %d %d.25 8 %d 20 0.9\n", name, t, left_of(c, t), left_of(c, t) + 9);
        fprintf(f, "%s %d 28 20.5 55 99 0.7\n", name, t);
        fprintf(f, "%s %d 1 1 9 9 0.2\n", name, t);
    }
}

static struct sv_clip_config config(void) {
    struct sv_clip_config g;
    cr_assert(sv_clip_family(&g, "tiny"));
    g.visual.layers = g.text.layers = 1;
    g.vocab = 512 + 2 + 2;
    return g;
}

static void model_of(const char *path, uint64_t seed) {
    static const char merges[] = "i n\nin g</w>\n";
    const struct sv_clip_config g = config();
    struct sv_store s;
    struct sv_err e = {0};
    cr_assert_eq(sv_store_init(&s, "test", &e), 0);
    cr_assert_eq(sv_clip_random(&s, &g, seed, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_store_add(&s, "clip.merges", SV_U8, 1, (size_t[]){ sizeof merges - 1 }, merges, sizeof merges - 1,
                              &e), 0);
    cr_assert_eq(sv_container_write(path, "model", &s, &e), 0, "%s", e.msg);
    sv_store_free(&s);
}

/* A world in a fresh folder: m.svad, train/{a,b,c}, test/{d,e}, train.txt, test.txt, labels.txt. */
static const char *world(void) {
    const char *root = temp_dir();
    clip_of(root, "train", "a", 0), clip_of(root, "train", "b", 1), clip_of(root, "train", "c", 2);
    clip_of(root, "test", "d", 3), clip_of(root, "test", "e", 4);
    FILE *f = create(in(root, "train.txt").s);
    boxes_of(f, "a", 0), boxes_of(f, "b", 1), boxes_of(f, "c", 2);
    fclose(f);
    f = create(in(root, "test.txt").s);
    boxes_of(f, "d", 3), boxes_of(f, "e", 4);
    fclose(f);
    f = create(in(root, "labels.txt").s);
    fprintf(f, "d 11 00000000000\ne 11 00000011111\n");
    fclose(f);
    model_of(in(root, "m.svad").s, 1);
    return root;
}

#define RUN(want, ...) do { \
    run_svad(&r, root, __VA_ARGS__); \
    cr_assert_eq(r.code, want, "%s: %d, expected %d: %s", #__VA_ARGS__, r.code, want, r.err); } while (0)
#define SAYS(text) cr_expect(strstr(r.err, text), "expected \"%s\" in: %s", text, r.err)

/* -1 where a file is not there. */
static int differ(const char *root, const char *a, const char *b) {
    struct sv_file x, y;
    struct sv_err e = {0};
    if (sv_file_read(&x, in(root, "%s", a).s, 1 << 28, &e)) return -1;
    if (sv_file_read(&y, in(root, "%s", b).s, 1 << 28, &e)) return sv_file_close(&x), -1;
    const int d = x.size != y.size || memcmp(x.data, y.data, x.size);
    sv_file_close(&x), sv_file_close(&y);
    return d;
}
#define SAME(a, b) cr_expect_eq(differ(root, a, b), 0, "%s and %s", a, b)
#define DIFFERENT(a, b) cr_expect_eq(differ(root, a, b), 1, "%s and %s", a, b)

Test(pipeline, end_to_end) {
    const char *root = world();
    static struct ran r;
    RUN(0, "fit -m m.svad train --boxes train.txt --clusters 4 -o v1.scene --threads 1");
    cr_expect(strstr(r.out, "3 clips, 66 tubes in 33 frames, 258 action texts"), "%s", r.out);
    RUN(0, "fit -m m.svad train --boxes train.txt --clusters 4 -o v3.scene --threads 3 --batch 7");
    RUN(0, "extract -m m.svad train --boxes train.txt -o ftrain");
    RUN(0, "extract -m m.svad test --boxes test.txt -o ftest");
    RUN(0, "fit -m m.svad ftrain --clusters 4 -o f.scene");
    SAME("v1.scene", "v3.scene");
    SAME("v1.scene", "f.scene");
    RUN(0, "verify f.scene");

    RUN(0, "score -m m.svad -s f.scene test --boxes test.txt -o s1 --threads 1");
    RUN(0, "score -m m.svad -s f.scene test --boxes test.txt -o s3 --threads 3 --batch 5");
    RUN(0, "score -m m.svad -s f.scene ftest -o sf");
    RUN(0, "score -m m.svad -s f.scene s1 -o ss");
    for (int i = 0; i < 4; i++) {
        static const char *const file[] = { "scores.csv", "objects.csv", "d.svad", "e.svad" };
        const struct path a = in("s1", "%s", file[i]), b = in("s3", "%s", file[i]), c = in("sf", "%s", file[i]),
            d = in("ss", "%s", file[i]);
        SAME(a.s, b.s);
        SAME(a.s, c.s);
        SAME(a.s, d.s);
    }
    RUN(0, "eval s1 --labels labels.txt");
    cr_expect(strstr(r.out, "micro"), "%s", r.out);

    /* Frames without a box score 0, the others not. */
    char row[256];
    FILE *f = fopen(in(root, "s1/scores.csv").s, "r");
    cr_assert(f);
    size_t rows = 0, zero = 0;
    cr_expect(fgets(row, sizeof row, f) && !strcmp(row, "clip,frame,score\n"));
    for (; fgets(row, sizeof row, f); rows++) zero += strstr(row, ",0\n") != NULL;
    fclose(f);
    cr_expect(rows == 22 && zero == 2, "%zu rows, %zu of them zero", rows, zero);
}

Test(pipeline, redefinition) {
    const char *root = world();
    static struct ran r;
    RUN(0, "fit -m m.svad train --boxes train.txt -o w.scene");
    RUN(0, "score -m m.svad -s w.scene test --boxes test.txt -o s");
    RUN(0, "score -m m.svad -s w.scene s --threshold -1 --normal 'riding a bicycle' -o n");
    cr_expect(strstr(r.out, "normal \"riding a bicycle\": threshold -1"), "%s", r.out);
    DIFFERENT("s/scores.csv", "n/scores.csv");
    RUN(0, "score -m m.svad -s w.scene s --threshold -1 --abnormal 'riding a bicycle' -o a");
    DIFFERENT("s/scores.csv", "a/scores.csv");
    DIFFERENT("n/scores.csv", "a/scores.csv");
    /* What a text did is not kept: scored again without it, all is as before. */
    RUN(0, "score -m m.svad -s w.scene n -o back");
    SAME("s/scores.csv", "back/scores.csv");
    SAME("s/d.svad", "back/d.svad");
    /* Nothing is above 1: no change. */
    RUN(1, "score -m m.svad -s w.scene s --threshold 1 --threshold-z 3 --abnormal 'riding a bicycle' -o none");
    RUN(0, "score -m m.svad -s w.scene s --threshold-z 99 --abnormal 'riding a bicycle' -o none");
    SAME("s/scores.csv", "none/scores.csv");      /* nothing is 99 deviations above the mean */
    RUN(0, "score -m m.svad -s w.scene s --threshold 1 --theta 1 --abnormal 'riding a bicycle' -o none");
    SAME("s/scores.csv", "none/scores.csv");
    RUN(0, "score -m m.svad -s w.scene s --threshold -1 --frame-level --abnormal 'riding a bicycle' -o fl");
    DIFFERENT("s/scores.csv", "fl/scores.csv");
    SAME("s/objects.csv", "fl/objects.csv");
    RUN(0, "score -m m.svad -s w.scene s --normal 'a' --dry-run");
    cr_expect(strstr(r.out, "normal \"a\": threshold"), "%s", r.out);
}

static const char *text_of(const struct sv_json *j, const char *member, const char *in_it) {
    return sv_json_text(sv_json_get(sv_json_get(j->root, member), in_it));
}

/* run.json says how the scores were made and, over any number of scorings, where the video is; the stored clips say why. */
Test(pipeline, what_is_kept_for_the_report) {
    const char *root = world();
    static struct ran r;
    struct sv_json j;
    struct sv_err e = {0};
    struct sv_stored s;
    const struct sv_view *over, *under, *actions;
    int64_t frames = 0;
    double q50, q99;
    RUN(0, "fit -m m.svad train --boxes train.txt --seed 7 -o w.scene");
    RUN(0, "score -m m.svad -s w.scene test --boxes test.txt -o s --threads 1");
    RUN(0, "score -m m.svad -s w.scene s --threshold -1 --normal 'riding a \"bicycle\"' -o n");
    RUN(0, "score -m m.svad -s w.scene n -o back");
    for (int i = 0; i < 3; i++) {
        static const char *const dir[] = { "s", "n", "back" };
        cr_assert_eq(sv_run_read(&j, in(root, "%s", dir[i]).s, &e), 0, "%s", e.msg);
        const char *video = sv_json_text(sv_json_get(sv_run_clip_of(&j, "e"), "video"));
        cr_assert(video && video[0] == '/' && !access(in(video, "00.ppm").s, R_OK), "%s: %s", dir[i], video);
        cr_expect(sv_json_int(sv_json_get(sv_run_clip_of(&j, "e"), "frames"), &frames) && frames == FRAMES);
        cr_expect(!sv_run_clip_of(&j, "f") && strlen(text_of(&j, "model", "id")) >= 32);
        const struct sv_json_node *q = sv_json_get(sv_json_get(j.root, "scene"), "frame_scores"), *guide = sv_json_get(j.root, "redefined");
        cr_expect(sv_json_real(sv_json_get(q, "0.5"), &q50) && sv_json_real(sv_json_get(q, "0.99"), &q99) && q50 > 0 && q99 > q50);
        cr_expect_str_eq(text_of(&j, "scene", "file"), "w.scene");
        cr_expect_eq(guide->n, i == 1);
        if (i == 1) cr_expect_str_eq(sv_json_text(sv_json_get(guide->child, "normal")), "riding a \"bicycle\"");
        const char *from = sv_json_text(sv_json_get(j.root, "from")), *want[] = { NULL, "/s", "/n" };
        cr_expect(i ? from && !strcmp(from + strlen(from) - 2, want[i]) : !from, "%s", from);
        sv_json_free(&j);
    }
    cr_assert_eq(sv_stored_open(&s, in(root, "s/e.svad").s, &e), 0, "%s", e.msg);
    cr_expect_eq(sv_store_expect(&s.store, "over", 1 << SV_I32, 2, (size_t[]){ s.n, 3 }, &over, &e), 0, "%s", e.msg);
    cr_expect_eq(sv_store_expect(&s.store, "under", 1 << SV_I32, 2, (size_t[]){ s.n, 3 }, &under, &e), 0, "%s", e.msg);
    cr_expect_eq(sv_store_expect(&s.store, "actions", 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &actions, &e), 0, "%s", e.msg);
    cr_expect(memcmp(over->data, under->data, s.n * 12));
    sv_stored_close(&s);
}

/* Footage that was held out gives p-values and thresholds, and texts their place among what was seen in training. */
Test(pipeline, held_out) {
    const char *root = world();
    static struct ran r;
    RUN(0, "fit -m m.svad train --boxes train.txt --frames 1 -o w.scene --fps 10 --threads 1");
    cr_expect(strstr(r.out, "3 clips, 54 tubes in 27 frames") && strstr(r.out, "held out: 12 tubes in 6 frames, 3 blocks, 0.01 minutes; 0 tubes"), "%s", r.out);
    RUN(0, "fit -m m.svad train --boxes train.txt --frames 1 -o w3.scene --fps 10 --threads 3 --batch 5");
    SAME("w.scene", "w3.scene");
    RUN(0, "fit -m m.svad train --boxes train.txt --frames 1 -o all.scene --hold-out 0");
    cr_expect(strstr(r.out, "66 tubes in 33 frames") && !strstr(r.out, "held out"), "%s", r.out);
    RUN(0, "fit -m m.svad train --boxes train.txt -o few.scene");
    SAYS("too little footage to hold any out");
    RUN(0, "fit -m m.svad train --boxes train.txt --frames 1 -o timeless.scene");
    SAYS("give --fps");

    RUN(0, "score -m m.svad -s w.scene test --boxes test.txt -o s");
    cr_expect(strstr(r.out, "p-value") && strstr(r.out, "alarm"), "%s", r.out);
    SAYS("--alarms-per-hour 1: rarer than the 0.01 minutes of held-out footage can show; the threshold");
    SAYS("alarms at or above");
    RUN(0, "score -m m.svad -s w.scene s --dry-run --json --alarm-score 0.0000001 --min-length 0 --cooldown 0.1");
    cr_expect(strstr(r.out, "\"p_value\"") && strstr(r.out, "\"threshold\": 1e-7, \"alarms\": 1}"), "%s", r.out);
    RUN(0, "score -m m.svad -s all.scene test --boxes test.txt -o sall");
    cr_expect(!strstr(r.out, "p-value") && !strstr(r.err, "alarms"), "%s%s", r.out, r.err);
    RUN(0, "score -m m.svad -s timeless.scene s --dry-run");
    cr_expect(strstr(r.out, "p-value") && !strstr(r.out, "alarm"), "%s", r.out);
    RUN(0, "score -m m.svad -s timeless.scene s --dry-run --fps 10 --alarms-per-hour 1e6");
    cr_expect(strstr(r.out, "alarm"), "%s", r.out);

    RUN(0, "score -m m.svad -s w.scene s --normal a --dry-run");
    cr_expect(strstr(r.out, "(z 2)") && strstr(r.out, "highest z ") && strstr(r.out, "by itself it would change the score of ") &&
              strstr(r.out, "  d frame ") && strstr(r.out, " -> "), "%s", r.out);
    RUN(0, "score -m m.svad -s w.scene s --abnormal a --threshold -1 --dry-run --json");
    cr_expect(strstr(r.out, "\"most_similar\": [{\"clip\": ") && strstr(r.out, "\"frames\": 20,"), "%s", r.out);
    RUN(1, "fit -m m.svad train --boxes train.txt -o x.scene --hold-out 0.7");
}

Test(pipeline, every) {
    const char *root = world();
    static struct ran r;
    RUN(0, "fit -m m.svad train --boxes train.txt -o w.scene");
    RUN(0, "score -m m.svad -s w.scene test --boxes test.txt -o all");
    RUN(0, "score -m m.svad -s w.scene test --boxes test.txt --every 4 -o some");
    RUN(0, "score -m m.svad -s w.scene some -o again");
    SAME("some/scores.csv", "again/scores.csv");
    double all[22], some[22];
    for (int k = 0; k < 2; k++) {
        FILE *f = fopen(in(root, k ? "some/scores.csv" : "all/scores.csv").s, "r");
        cr_assert(f && fscanf(f, "clip,frame,score\n") == 0);
        for (int i = 0; i < 22; i++) cr_assert_eq(fscanf(f, "%*[^,],%*d,%lf\n", k ? &some[i] : &all[i]), 1);
        fclose(f);
    }
    static const int nearest[FRAMES] = { 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8 };
    for (int i = 0; i < 22; i++)
        cr_expect(fabs(some[i] - all[i / FRAMES * FRAMES + nearest[i % FRAMES]]) <= 0, "frame %d: %g", i, some[i]);
}

Test(pipeline, extract_resumes_and_shards) {
    const char *root = world();
    static struct ran r;
    struct stat before, after, b;
    RUN(0, "extract -m m.svad train --boxes train.txt -o whole");
    RUN(0, "extract -m m.svad train --boxes train.txt --shard 1/2 -o parts");
    cr_expect(!stat(in(root, "parts/a.svad").s, &b) && stat(in(root, "parts/b.svad").s, &b) &&
              !stat(in(root, "parts/c.svad").s, &b));
    cr_assert_eq(stat(in(root, "parts/a.svad").s, &before), 0);
    /* What a killed run leaves is no clip, and in nobody's way. */
    fclose(create(in(root, "parts/b.svad.x7Qk2p").s));
    RUN(0, "extract -m m.svad train --boxes train.txt -o parts");
    cr_assert_eq(stat(in(root, "parts/a.svad").s, &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino, "made again");
    SAYS("2 clips were there");
    SAME("whole/a.svad", "parts/a.svad");
    SAME("whole/b.svad", "parts/b.svad");
    SAME("whole/c.svad", "parts/c.svad");
    RUN(0, "fit -m m.svad parts -o parts.scene");
    cr_expect(strstr(r.out, "3 clips"), "%s", r.out);

    /* Other settings do not mix with what is there; a damaged file is not taken for done. */
    RUN(2, "extract -m m.svad train --boxes train.txt --step 2 -o whole");
    SAYS("step of 1 frames");
    RUN(2, "extract -m m.svad train --boxes train.txt --min-score 0.8 -o whole");
    SAYS("other boxes");
    FILE *f = fopen(in(root, "whole/b.svad").s, "r+b");
    cr_assert(f);
    fseek(f, 5000, SEEK_SET), fputc(0x55, f), fseek(f, 5001, SEEK_SET), fputc(0xaa, f), fclose(f);
    RUN(2, "extract -m m.svad train --boxes train.txt -o whole");
    SAYS("whole/b.svad");
    RUN(1, "extract -m m.svad train --boxes train.txt --shard 3/2 -o x");
    RUN(0, "extract -m m.svad train --boxes train.txt --dtype f16 -o half");
    RUN(0, "fit -m m.svad half -o half.scene");
}

/* Boxes from motion and tubes along tracks: found once or on the way, stored or not, one thread or three, the same bits. */
Test(pipeline, without_a_detector) {
    const char *root = world();
    static struct ran r;
    RUN(0, "boxes train test -o moving.txt");
    RUN(0, "fit -m m.svad train -o live.scene");
    SAYS("using motion proposals");
    RUN(0, "fit -m m.svad train --boxes moving.txt --threads 3 -o file.scene");
    SAME("live.scene", "file.scene");
    RUN(0, "fit -m m.svad train --tubes track -o track.scene");
    RUN(0, "extract -m m.svad train --tubes track -o strain");
    RUN(0, "fit -m m.svad strain -o stored.scene");
    SAME("track.scene", "stored.scene");
    RUN(0, "score -m m.svad -s track.scene test -o live");
    RUN(0, "score -m m.svad -s track.scene test --boxes moving.txt -o file");
    SAME("live/scores.csv", "file/scores.csv");
    RUN(0, "score -m m.svad -s track.scene test --boxes test.txt --add-motion -o both");
    RUN(0, "boxes test --boxes test.txt --add-motion -o both.txt");
    RUN(0, "score -m m.svad -s track.scene test --boxes both.txt -o both2");
    SAME("both/scores.csv", "both2/scores.csv");
}

Test(pipeline, refuses) {
    const char *root = world();
    static struct ran r;
    struct stat st;
    model_of(in(root, "other.svad").s, 2);
    RUN(0, "fit -m m.svad train --boxes train.txt -o w.scene");
    RUN(0, "extract -m m.svad test --boxes test.txt -o ftest");

    RUN(1, "fit -m m.svad train --boxes train.txt --tubes track --every 2 -o x.scene");
    SAYS("--every");
    RUN(1, "fit -m m.svad train --boxes train.txt --tubes edge -o x.scene");
    SAYS("centre or track");
    RUN(0, "fit -m m.svad train --boxes train.txt --tubes track -o track.scene");
    RUN(2, "score -m m.svad -s track.scene ftest -o x");
    SAYS("boxes of their centre, expected track");
    RUN(1, "boxes train");
    SAYS("-o FILE");
    RUN(2, "boxes ftest -o x.txt");
    SAYS("stored features");
    RUN(1, "fit -m m.svad train --boxes train.txt --frames 4 -o x.scene");
    RUN(1, "fit train --boxes train.txt -o x.scene");
    RUN(2, "fit -m m.svad train --boxes train.txt --tube-seconds 0.1 -o x.scene");
    SAYS("frame rate is not known");
    RUN(0, "fit -m m.svad train --boxes train.txt --tube-seconds 0.1 --fps 18 -o seconds.scene");
    RUN(0, "fit -m m.svad train --boxes train.txt --step 2 -o step.scene");
    RUN(0, "score -m m.svad -s seconds.scene test --boxes test.txt --fps 18 -o seconds");
    RUN(0, "score -m m.svad -s step.scene test --boxes test.txt -o step");
    SAME("seconds/scores.csv", "step/scores.csv");
    RUN(2, "score -m m.svad -s seconds.scene test --boxes test.txt -o x");
    SAYS("--fps");
    RUN(2, "fit -m m.svad train --boxes test.txt -o x.scene");
    SAYS("clip d");
    RUN(2, "score -m other.svad -s w.scene test --boxes test.txt -o x");
    SAYS("another model");
    RUN(2, "fit -m other.svad ftest -o x.scene");
    SAYS("another model");
    RUN(2, "score -m m.svad -s m.svad test --boxes test.txt -o x");
    RUN(2, "score -m m.svad -s w.scene ftest --step 2 -o x");
    RUN(1, "score -m m.svad -s w.scene ftest -o ftest");
    SAYS("another folder");
    RUN(1, "score -m m.svad -s w.scene ftest --boxes test.txt -o x");
    RUN(2, "extract -m m.svad ftest --boxes test.txt -o x");

    FILE *f = create(in(root, "beyond.txt").s);
    fprintf(f, "d 3 1 1 9 9\nd 11 1 1 9 9\n");
    fclose(f);
    RUN(2, "score -m m.svad -s w.scene test/d --boxes beyond.txt -o x");
    SAYS("clip d: a box in frame 11, but it has 11 frames");
    f = create(in(root, "outside.txt").s);
    fprintf(f, "d 3 1 1 9 9\nd 7 41 1 50 9\n");
    fclose(f);
    RUN(2, "score -m m.svad -s w.scene test/d --boxes outside.txt -o x");
    SAYS("clip d, frame 7");
    RUN(2, "extract -m m.svad test/d --boxes outside.txt -o y");
    cr_expect(stat(in(root, "x").s, &st) && stat(in(root, "x.scene").s, &st), "something was left behind");
    cr_expect(stat(in(root, "y/d.svad").s, &st));

    /* A clip without boxes is said, and scores 0. */
    f = create(in(root, "one.txt").s);
    fprintf(f, "d 3 1 1 9 9\n");
    fclose(f);
    RUN(0, "score -m m.svad -s w.scene test --boxes one.txt -o one");
    SAYS("clip e has no box");
}

/* The features of one tube by the shortest way. */
static void plain(struct sv_clip *m, const struct sv_tube *tube, int c, const struct sv_object *o,
                  enum sv_crop_rule rule, float *out /* [n, E] */) {
    const struct sv_clip_config *g = sv_clip_config(m);
    static uint8_t rgb[H][W][3];
    struct sv_crop crop = {0};
    struct sv_err e = {0};
    size_t box[4];
    float *px = sv_alloc(3 * g->image_size * g->image_size, sizeof *px, &e);
    cr_assert_eq(sv_crop_init(&crop, g->image_size, W, H, g->mean, g->std, &e), 0, "%s", e.msg);
    cr_assert(sv_tube_box(o->box, W, H, box));
    for (size_t i = 0; i < tube->n; i++) {
        const long at = (long)o->frame + ((long)i - (long)(tube->n / 2)) * (long)tube->step;
        frame_of(c, at < 0 ? 0 : at >= FRAMES ? FRAMES - 1 : (int)at, rgb);
        sv_crop_pixels(&crop, &rgb[0][0][0], W, H, box, rule, px);
        sv_clip_image(m, px, 1, out + i * g->embed);
    }
    sv_crop_free(&crop);
    sv_free(px);
}

Test(pipeline, feed_equals_plain_tubes) {
    const char *root = temp_dir();
    clip_of(root, "v", "d", 3);
    const struct sv_clip_config g = config();
    struct sv_err e = {0};
    struct sv_store s;
    cr_assert_eq(sv_store_init(&s, "test", &e), 0);
    cr_assert_eq(sv_clip_random(&s, &g, 5, &e), 0, "%s", e.msg);
    struct sv_object object[9] = {0};
    static const size_t at[9] = { 0, 0, 0, 2, 5, 5, 9, 10, 10 };
    for (size_t i = 0; i < 9; i++)
        object[i] = (struct sv_object){ .frame = at[i], .box = { (double)i - 2.5, 1, (double)i + 12.5, 29 - (double)i },
                                       .score = 1, .track = -1 };
    static const struct { struct sv_tube tube; size_t batch, threads; bool square; } row[] = {
        { { 9, 1 }, 8, 1, false }, { { 5, 2 }, 3, 3, false }, { { 7, 9 }, 64, 2, true }, { { 1, 1 }, 2, 1, false },
    };
    float *want = sv_alloc(9 * g.embed, sizeof *want, &e);
    for (size_t k = 0; k < SV_LEN(row); k++) {
        struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = sv_pool_new(row[k].threads, &e) };
        struct sv_crops crops;
        struct sv_feed feed;
        const struct sv_rule rule = { .tube = row[k].tube, .square = row[k].square, .every = 1 };
        cr_assert_eq(sv_crops_open(&crops, &s, &cpu, row[k].batch, &e), 0, "%s", e.msg);
        cr_assert_eq(sv_feed_open(&feed, &crops, &rule, "d", in(root, "v/d").s, object, 9, &e), 0, "%s", e.msg);
        const float *feats;
        for (size_t i = 0; i < 9; i++) {
            cr_assert_eq(sv_feed_next(&feed, &feats, &e), 1, "%s", e.msg);
            plain(crops.clip, &row[k].tube, 3, &object[i], row[k].square ? SV_CROP_SQUARE : SV_CROP_SQUASH, want);
            cr_expect_arr_eq(feats, want, row[k].tube.n * g.embed * sizeof *want, "row %zu object %zu", k, i);
        }
        cr_expect_eq(sv_feed_next(&feed, &feats, &e), 0);
        cr_expect_eq(feed.frames, FRAMES);
        sv_feed_close(&feed);
        sv_crops_close(&crops);
        sv_pool_free(cpu.pool);
    }
    sv_free(want);
    sv_store_free(&s);
}

static size_t asked;
static bool third_time(void) { return ++asked >= 3; }

/* A wish to stop is seen between the crops of a batch. */
Test(pipeline, feed_stops) {
    const char *root = temp_dir();
    clip_of(root, "v", "d", 3);
    const struct sv_clip_config g = config();
    struct sv_err e = {0};
    struct sv_store s;
    struct sv_crops crops;
    struct sv_feed feed;
    const struct sv_cpu cpu = { .kern = sv_kern_best(), .pool = NULL };
    const struct sv_rule rule = { .tube = { 9, 1 }, .every = 1 };
    const struct sv_object object = { .frame = 5, .box = { 1, 1, 20, 20 }, .score = 1, .track = -1 };
    const float *feats;
    cr_assert(!sv_store_init(&s, "test", &e) && !sv_clip_random(&s, &g, 5, &e) && !sv_crops_open(&crops, &s, &cpu, 9, &e), "%s", e.msg);
    cr_expect(crops.piece >= 1);
    crops.stop = third_time, crops.piece = 2;
    cr_assert_eq(sv_feed_open(&feed, &crops, &rule, "d", in(root, "v/d").s, &object, 1, &e), 0, "%s", e.msg);
    cr_expect_eq(sv_feed_next(&feed, &feats, &e), SV_STOPPED);
    cr_expect_eq(asked, 3);
    sv_feed_close(&feed), sv_crops_close(&crops), sv_store_free(&s);
}

Test(pipeline, actions) {
    struct sv_actions a;
    struct sv_err e = {0};
    cr_assert_eq(sv_actions_load(&a, NULL, &e), 0, "%s", e.msg);
    cr_expect(a.n >= 200);
    sv_actions_free(&a);
    static const char text[] = "\n  walking a dog \r\n\t\nrunning";
    cr_assert_eq(sv_actions_parse(&a, text, sizeof text - 1, "mem", &e), 0, "%s", e.msg);
    cr_expect(a.n == 2 && !strcmp(a.name[0], "walking a dog") && !strcmp(a.name[1], "running"));
    sv_actions_free(&a);
    static const char *const bad[] = { "", " \n\n", "a\nb\n a\n" };
    for (size_t i = 0; i < SV_LEN(bad); i++)
        cr_expect_eq(sv_actions_parse(&a, bad[i], strlen(bad[i]), "mem", memset(&e, 0, sizeof e)), SV_EINPUT);
    cr_expect_eq(sv_actions_parse(&a, "a\0b", 3, "mem", memset(&e, 0, sizeof e)), SV_EINPUT);
}
