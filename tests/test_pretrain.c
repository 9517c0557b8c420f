/* svad pretrain on features with a known answer: classes that have the same frames and the same middle one, in another order. */
#include "core/half.h"
#include "io/container.h"
#include "io/json.h"
#include "nn/loss.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/train.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLASSES = 12, N = 9 };

static char dir[4100];
static struct ran r;

/* The frame that class c shows at place i: the middle one stays, the others stand in an order of the class's own. */
static size_t frame_of(size_t c, size_t i) {
    uint64_t rng = 77 + c;
    size_t order[N];
    for (size_t k = 0; k < N; k++) {
        const size_t at = k == N / 2 ? k : sv_rng_below(&rng, k + 1);
        if (at == N / 2 || k == N / 2) order[k] = k;
        else order[k] = order[at], order[at] = k;
    }
    return order[i];
}

/* Changes of a set of tubes; 0: none. */
struct flaw { size_t nan_tube, empty_class, frames; bool other_model, bad_label, bad_first, bad_video; };

static void write_set(const char *name, size_t per_class, size_t tubes, enum sv_dtype dtype, const struct flaw *flaw) {
    const size_t rows = CLASSES * per_class, n = flaw->frames ? flaw->frames : N, starts = rows + 1;
    struct sv_store st = {0};
    struct sv_file model;
    struct sv_rule rule = { .tube = { n, 1 }, .every = 1, .min_score = 0.5 };
    float base[N][TINY_E];
    uint64_t rng = 5;
    char labels[CLASSES * 3 + 1] = "";
    cr_assert(!sv_store_init(&st, name, NULL) && !sv_file_map(&model, path_in(dir, "m.svad"), NULL));
    sv_identity(&model, "clip.", rule.clip);
    if (flaw->other_model) rule.clip[0] = rule.clip[0] == '0' ? '1' : '0';
    uint8_t *data = sv_store_alloc(&st, rows * tubes * n * TINY_E, sv_dtype_size(dtype), NULL);
    int64_t *first = sv_store_alloc(&st, starts, 8, NULL);
    int32_t *label = sv_store_alloc(&st, rows, 4, NULL), *video = sv_store_alloc(&st, rows, 4, NULL);
    for (size_t f = 0; f < N; f++)
        for (size_t i = 0; i < TINY_E; i++) base[f][i] = (float)sv_rng_normal(&rng);
    size_t at = 0;
    for (size_t row = 0; row < rows; row++) {
        label[row] = (int32_t)(row % CLASSES), video[row] = (int32_t)row;
        const size_t k = flaw->empty_class && (size_t)label[row] == flaw->empty_class ? 0 : tubes;
        for (size_t t = 0; t < k; t++)
            for (size_t i = 0; i < n * TINY_E; i++, at++) {
                float v = base[frame_of(row % CLASSES, i / TINY_E % N)][i % TINY_E] + (float)(0.3 * sv_rng_normal(&rng));
                if (flaw->nan_tube && at / (n * TINY_E) == flaw->nan_tube) v = NAN;
                const uint16_t half = sv_f32_f16(v);
                memcpy(data + at * sv_dtype_size(dtype), dtype == SV_F32 ? (const void *)&v : &half, sv_dtype_size(dtype));
            }
        first[row + 1] = first[row] + (int64_t)k;
    }
    if (flaw->bad_label) label[1] = CLASSES;
    if (flaw->bad_video) video[1] = -1;
    if (flaw->bad_first) first[1] = first[2] + 1;
    for (int c = 0; c < CLASSES; c++) sprintf(labels + 3 * c, "%c%c\n", 'a' + c, 'a' + c);
    const size_t bytes = CLASSES * 3, dim[3] = { (size_t)first[rows], n, TINY_E };
    cr_assert(!sv_rule_write(&rule, &st, NULL) && !sv_store_set_text(&st, "list", "", NULL) &&
              !sv_store_add(&st, "features", dtype, 3, dim, data, at * sv_dtype_size(dtype), NULL) &&
              !sv_store_add(&st, "first", SV_I64, 1, &starts, first, 8 * starts, NULL) &&
              !sv_store_add(&st, "label", SV_I32, 1, &rows, label, 4 * rows, NULL) &&
              !sv_store_add(&st, "video", SV_I32, 1, &rows, video, 4 * rows, NULL) &&
              !sv_store_add(&st, "labels", SV_U8, 1, &bytes, labels, bytes, NULL) && !sv_container_write(path_in(dir, name), "tubes", &st, NULL));
    sv_store_free(&st);
    sv_file_close(&model);
}

static void setup(void) {
    cr_assert(temp_dir());
    snprintf(dir, sizeof dir, "%s", temp_dir());
    cr_assert_eq(tiny_folder(dir), 0);
    cr_assert_eq(run_svad(&r, dir, "convert model.safetensors --act quick -o m.svad --quiet"), 0, "%s", r.err);
    write_set("order.tubes", 40, 2, SV_F32, &(struct flaw){0});
}

/* The number behind the last "key": in text; NAN where there is none. */
static double last_number(const char *text, const char *key) {
    const char *at = NULL;
    for (const char *p = text; (p = strstr(p, key)); p++) at = p;
    return at ? atof(at + strlen(key)) : (double)NAN;
}

Test(pretrain, order_is_learned_by_the_fusion_and_not_by_the_mean, .init = setup) {
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --backbone mean --val 0.25 --json --quiet -o mean.svad"), 0, "%s", r.err);
    cr_expect(last_number(r.out, "\"top1\":") < 3.0 / CLASSES, "%s", r.out);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --val 0.25 --batch 32 --lr 1e-2 --epochs 15 --json --quiet -o order.svad"), 0, "%s", r.err);
    cr_expect(last_number(r.out, "\"top1\":") > 0.95, "%s", r.out);
}

static void same_files(const char *a, const char *b) {
    struct sv_file x, y;
    cr_assert(!sv_file_map(&x, path_in(dir, a), NULL) && !sv_file_map(&y, path_in(dir, b), NULL), "%s, %s", a, b);
    cr_expect(x.size == y.size && !memcmp(x.data, y.data, x.size), "%s and %s differ", a, b);
    sv_file_close(&x), sv_file_close(&y);
}

/* What no interruption may change: held-out rows, a last batch that is smaller, several tubes of a row, every setting that has state. */
#define SETTINGS "-m m.svad order.tubes --val 0.2 --batch 100 --epochs 6 --tubes-per-video 3 --patience 4 --seed 5 --warmup 7 --cosine --clip-norm 0.5 --quiet"

/* Runs until the log has so many lines more, sends the signal, and returns the exit code. */
static int stopped(const char *args, const char *signal, int lines) {
    return run_svad(&r, dir, "pretrain %s --log log & p=$!; n=$(cat log 2>/dev/null | wc -l); "
                    "while kill -0 $p 2>/dev/null && test $(cat log 2>/dev/null | wc -l) -lt $((n + %d)); do sleep 0.01; done; kill -%s $p; wait $p",
                    args, lines, signal);
}

Test(pretrain, a_stopped_run_ends_with_the_same_bits, .init = setup) {
    cr_assert_eq(run_svad(&r, dir, "pretrain " SETTINGS " -o whole.svad"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "pretrain " SETTINGS " -o threads.svad --threads 3"), 0, "%s", r.err);
    same_files("whole.svad", "threads.svad");
    cr_expect(access(path_in(dir, "whole.svad.state"), F_OK), "the state of a finished training is left");
    static const char *const signals[] = { "TERM", "INT", "KILL", "TERM" };
    int code = 0;
    for (size_t i = 0; i < SV_LEN(signals) && (!i || code); i++) {
        code = stopped(i ? SETTINGS " --save-every 0 --resume -o parts.svad" : SETTINGS " --save-every 0 -o parts.svad", signals[i], 9);
        cr_assert(code == 130 || (code == 137 && !strcmp(signals[i], "KILL")), "%s: exit code %d: %s", signals[i], code, r.err);
        cr_assert_eq(run_svad(&r, dir, "verify parts.svad.state"), 0, "after %s: %s", signals[i], r.err);
        cr_expect(access(path_in(dir, "parts.svad"), F_OK), "a model before the end");
    }
    cr_assert_eq(run_svad(&r, dir, "pretrain " SETTINGS " --resume -o parts.svad"), 0, "%s", r.err);
    same_files("whole.svad", "parts.svad");
    cr_expect(access(path_in(dir, "parts.svad.state"), F_OK));
}

/* Exit code 2 or 3 with one line that says `what`, and nothing written. */
static void refused(int code, const char *what, const char *args) {
    const char *end;
    cr_expect_eq(run_svad(&r, dir, "pretrain -m m.svad --quiet %s -o no.svad", args), code, "%s: %d %s", args, r.code, r.err);
    end = strchr(r.err, '\n');
    cr_expect(strstr(r.err, what) && end && !end[1], "%s: %s", args, r.err);
    cr_expect(access(path_in(dir, "no.svad"), F_OK), "%s: a model", args);
}

static void list_of(const char *name, const char *text) { cr_assert_eq(tiny_write(dir, name, text, strlen(text)), 0); }

Test(pretrain, mistakes_are_told_before_the_training, .init = setup) {
    list_of("missing.csv", "clip,walk\nclips/none,run\n");
    refused(2, "missing.csv: line 2: video ", "missing.csv");
    list_of("no_boxes.csv", "clip,walk,none.txt\nclip,run\n");
    refused(2, "no_boxes.csv: line 1: boxes ", "no_boxes.csv");
    list_of("no_label.csv", "video,label\nclip,walk\nclip,  \n");
    refused(2, "no_label.csv: line 3: label", "no_label.csv");
    list_of("fields.csv", "clip\n");
    refused(2, "fields.csv: line 1: 1 fields", "fields.csv");
    list_of("one.csv", "clip,walk\nclip,WALK \n");
    refused(2, "one.csv: 1 labels in 2 rows", "one.csv");
    list_of("none.txt", "other 0 1 1 5 5\n");
    list_of("empty.csv", "clip,walk\nclip,run,none.txt\n");
    refused(2, "the class \"run\" has no tube", "empty.csv --frames 3");
    write_set("empty.tubes", 2, 1, SV_F32, &(struct flaw){ .empty_class = 3 });
    refused(2, "the class \"dd\" has no tube", "empty.tubes");
    write_set("other.tubes", 2, 1, SV_F32, &(struct flaw){ .other_model = true });
    refused(2, "another model", "other.tubes");
    write_set("label.tubes", 2, 1, SV_F32, &(struct flaw){ .bad_label = true });
    refused(2, "tensor label: row 1 is 12, expected 0 .. 11", "label.tubes");
    write_set("video.tubes", 2, 1, SV_F32, &(struct flaw){ .bad_video = true });
    refused(2, "tensor video: row 1 is -1", "video.tubes");
    write_set("first.tubes", 2, 1, SV_F32, &(struct flaw){ .bad_first = true });
    refused(2, "tensor first: row 2 begins", "first.tubes");
    refused(2, "its tubes have 7 frames, expected 9", "order.tubes --frames 7");
    refused(1, "--boxes and --cache", "order.tubes --boxes boxes.txt");
    refused(1, "--backbone", "order.tubes --backbone lstm");
    refused(1, "--val", "order.tubes --val 1");
    refused(1, "--frames 4", "list.csv --frames 4");
    refused(1, "--dtype", "list.csv --frames 3 --dtype i8");
    refused(2, "nothing to resume", "order.tubes --resume");
    list_of("no.svad.tubes", "notes of somebody\n");
    refused(2, "not overwritten", "list.csv --frames 3");
    refused(2, "none.csv", "none.csv");
}

Test(pretrain, a_state_of_other_settings_is_refused, .init = setup) {
    cr_assert_eq(stopped("-m m.svad order.tubes --quiet --epochs 1000 -o s.svad", "TERM", 3), 130, "%s", r.err);
    static const char *const bad[][2] = { { "--lr 1e-3", "lr" }, { "--seed 9", "seed" }, { "--val 0", "val" }, { "--alpha 0.5", "alpha" },
                                          { "--backbone actionclip", "backbone" }, { "--norm-then-blend", "norm-then-blend" } };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        cr_expect_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --quiet --resume %s -o s.svad", bad[i][0]), 2, "%s", bad[i][0]);
        cr_expect(strstr(r.err, bad[i][1]), "%s: %s", bad[i][0], r.err);
    }
    struct sv_file f;
    cr_assert(!sv_file_read(&f, path_in(dir, "s.svad.state"), 1 << 24, NULL));
    ((uint8_t *)f.data)[f.size / 2] ^= 8;
    cr_assert_eq(tiny_write(dir, "d.svad.state", f.data, f.size), 0);
    sv_file_close(&f);
    cr_expect_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --quiet --epochs 1000 --resume -o d.svad"), 2);
    cr_expect(strstr(r.err, "damaged"), "%s", r.err);
    write_set("more.tubes", 41, 2, SV_F32, &(struct flaw){0});
    cr_expect_eq(run_svad(&r, dir, "pretrain -m m.svad more.tubes --quiet --resume -o s.svad"), 2);
    cr_expect(strstr(r.err, "other features"), "%s", r.err);
    cr_expect_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --quiet -o s.svad"), 2);
    cr_expect(strstr(r.err, "--resume goes on"), "%s", r.err);
}

Test(pretrain, a_loss_that_is_not_finite_stops_with_the_cause, .init = setup) {
    write_set("nan.tubes", 3, 1, SV_F32, &(struct flaw){ .nan_tube = 17 });
    refused(3, "step 1 (epoch 1): the loss is nan: tube 17 of ", "nan.tubes --val 0");
    refused(3, "lower --lr", "order.tubes --lr 1e6 --weight-decay 1000 --epochs 100");
}

/* A log that cannot be written is told before features are made; one that is there stays until a training begins. */
Test(pretrain, the_log_is_opened_first, .init = setup) {
    refused(4, "none/log: cannot create", "list.csv --frames 3 --log none/log");
    cr_expect(access(path_in(dir, "no.svad.tubes"), F_OK), "features were made");
    list_of("old.log", "earlier\n");
    refused(2, "none.csv", "none.csv --log old.log");
    refused(2, "none.csv", "none.csv --log new.log");
    cr_expect(access(path_in(dir, "new.log"), F_OK), "an empty log is left");
    struct sv_file f;
    cr_assert(!sv_file_read(&f, path_in(dir, "old.log"), 100, NULL));
    cr_expect(f.size == 8, "%zu bytes", f.size);
    sv_file_close(&f);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --epochs 1 --quiet --log old.log -o l.svad"), 0, "%s", r.err);
    cr_assert(!sv_file_read(&f, path_in(dir, "old.log"), 1 << 20, NULL));
    cr_expect(f.size > 100 && f.data[0] == '{', "%zu bytes", f.size);
    sv_file_close(&f);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --epochs 1 --quiet --log /dev/null -o l.svad"), 0, "%s", r.err);
}

Test(pretrain, every_backbone_and_form_of_data, .init = setup) {
    static const char *const backbones[] = { "prompt-vlm", "actionclip", "clip4clip", "mean" };
    write_set("half.tubes", 5, 1, SV_F16, &(struct flaw){ .frames = 5 });
    for (size_t i = 0; i < SV_LEN(backbones); i++) {
        cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad half.tubes --backbone %s --epochs 2 --quiet -o b.svad", backbones[i]), 0, "%s", r.err);
        cr_assert_eq(run_svad(&r, dir, "info b.svad"), 0);
        cr_expect(strstr(r.out, backbones[i]), "%s", r.out);
        cr_assert_eq(run_svad(&r, dir, "verify b.svad"), 0);
    }
    /* What was trained is trained again, of another n: the old section goes, and the identity of what made the features stays. */
    cr_assert_eq(run_svad(&r, dir, "pretrain -m b.svad order.tubes --epochs 1 --quiet -o b.svad"), 0, "%s", r.err);
    struct sv_file a, b;
    char was[SV_IDENTITY], is[SV_IDENTITY];
    cr_assert(!sv_file_map(&a, path_in(dir, "m.svad"), NULL) && !sv_file_map(&b, path_in(dir, "b.svad"), NULL));
    sv_identity(&a, "clip.", was), sv_identity(&b, "clip.", is);
    cr_expect_str_eq(was, is);
    sv_file_close(&a), sv_file_close(&b);
    /* What was extracted before the training serves the trained model, and its fusion does not bind what is extracted. */
    cr_assert_eq(run_svad(&r, dir, "extract -m m.svad clip --boxes boxes.txt -o f9 --quiet"), 0, "%s", r.err);
    cr_expect_eq(run_svad(&r, dir, "fit -m b.svad f9 --actions actions.txt --clusters 2 --prompts 3 -o s.scene --quiet"), 0, "%s", r.err);
    cr_expect_eq(run_svad(&r, dir, "extract -m b.svad clip --boxes boxes.txt --frames 3 -o f3 --quiet"), 0, "%s", r.err);
    cr_expect_eq(run_svad(&r, dir, "fit -m b.svad f3 --actions actions.txt --clusters 2 --prompts 3 -o s.scene --quiet"), 2);
    cr_expect(strstr(r.err, "temporal fusion"), "%s", r.err);
}

/* Videos, a folder of labels and stored features give the same tubes, and a cache is used again. */
Test(pretrain, lists_folders_and_stored_features, .init = setup) {
    mkdir(path_in(dir, "set"), 0777), mkdir(path_in(dir, "set/Walk_1"), 0777), mkdir(path_in(dir, "set/run"), 0777);
    cr_assert(!symlink(path_in(dir, "clip"), path_in(dir, "set/Walk_1/clip")) && !symlink(path_in(dir, "clip"), path_in(dir, "set/run/clip")));
    list_of("live.csv", "set/Walk_1/clip,walk 1,boxes.txt\nset/run/clip,run,boxes.txt\n");
    list_of("stored.csv", "\"f/clip.svad\", Walk 1\nf,run\n");
    cr_assert_eq(run_svad(&r, dir, "extract -m m.svad clip --boxes boxes.txt --frames 3 -o f --quiet"), 0, "%s", r.err);
    static const char *const lists[] = { "live.csv", "set --boxes boxes.txt", "stored.csv" };
    static float feats[3][3 * TINY_E];
    for (size_t i = 0; i < SV_LEN(lists); i++) {
        struct sv_train_set s;
        char cache[32];
        snprintf(cache, sizeof cache, "%zu.tubes", i);
        cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad %s --frames 3 --epochs 1 --val 0 --cache %s -o o%zu.svad --quiet", lists[i], cache, i), 0, "%s", r.err);
        cr_assert_eq(sv_train_set_open(&s, path_in(dir, cache), NULL), 0);
        cr_expect(s.rows == 2 && s.tubes == 24 && s.classes.n == 2 && s.first[1] == 12, "%s: %zu rows, %zu tubes", lists[i], s.rows, s.tubes);
        const size_t run_row = !strcmp(s.classes.name[s.label[0]], "run") ? 0 : 1;
        cr_expect_str_eq(s.classes.name[s.label[!run_row]], "walk 1");
        sv_train_set_tube(&s, 5, feats[i]);
        cr_expect_arr_eq(feats[0], feats[i], sizeof feats[0], "%s", lists[i]);
        sv_train_set_close(&s);
    }
    /* Without boxes the frames themselves: equal to tubes of a box that is the frame. */
    list_of("whole.txt", "clip 0 0 0 24 18\nclip 2 0 0 24 18\nclip 4 0 0 24 18\n");
    list_of("whole.csv", "clip,walk\nclip,run,whole.txt\n");
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad whole.csv --frames 5 --every 2 --epochs 1 --val 0 -o w.svad"), 0, "%s", r.err);
    cr_expect(strstr(r.err, "1 videos have no boxes: the whole frame is the box"), "%s", r.err);
    struct sv_train_set s;
    static float one[5 * TINY_E], two[5 * TINY_E];
    cr_assert_eq(sv_train_set_open(&s, path_in(dir, "w.svad.tubes"), NULL), 0);
    cr_assert_eq(s.tubes, 6);
    for (size_t i = 0; i < 3; i++) {
        sv_train_set_tube(&s, i, one), sv_train_set_tube(&s, 3 + i, two);
        cr_expect_arr_eq(one, two, sizeof one, "tube %zu", i);
    }
    sv_train_set_close(&s);
    struct stat before, after;
    cr_assert_eq(stat(path_in(dir, "w.svad.tubes"), &before), 0);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad whole.csv --frames 5 --every 2 --epochs 1 --val 0 -o w.svad"), 0, "%s", r.err);
    cr_assert_eq(stat(path_in(dir, "w.svad.tubes"), &after), 0);
    cr_expect(before.st_ino == after.st_ino && !strstr(r.err, "made again"), "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad whole.csv --frames 5 --every 3 --epochs 1 --val 0 -o w.svad"), 0, "%s", r.err);
    cr_expect(strstr(r.err, "made again"), "%s", r.err);
}

Test(pretrain, the_log_is_json_lines, .init = setup) {
    static const char *const of_step[] = { "step", "epoch", "batch", "samples_per_s" };
    static const char *const of_epoch[] = { "epoch", "step", "learned", "held_out", "best_epoch", "samples_per_s" };
    cr_assert_eq(run_svad(&r, dir, "pretrain -m m.svad order.tubes --batch 200 --epochs 2 --val 0 --quiet --log log -o l.svad"), 0, "%s", r.err);
    struct sv_file f;
    cr_assert(!sv_file_read(&f, path_in(dir, "log"), 1 << 20, NULL));
    size_t lines = 0;
    for (const char *p = (const char *)f.data, *end = p + f.size, *nl; p < end; p = nl + 1, lines++) {
        struct sv_json j;
        cr_assert(nl = memchr(p, '\n', (size_t)(end - p)));
        cr_assert_eq(sv_json_parse(&j, p, (size_t)(nl - p), "log", NULL), 0);
        const bool step = lines % 4 < 3;        /* 480 tubes in steps of 200 */
        for (size_t i = 0; i < (step ? SV_LEN(of_step) : SV_LEN(of_epoch)); i++)
            cr_expect(sv_json_get(j.root, step ? of_step[i] : of_epoch[i]), "line %zu has no %s", lines, step ? of_step[i] : of_epoch[i]);
        int64_t n;
        double loss;
        const struct sv_json_node *sums = sv_json_get(j.root, step ? "batch" : "learned");
        cr_expect(sv_json_int(sv_json_get(sums, "samples"), &n) && n == (!step ? 480 : lines % 4 == 2 ? 80 : 200), "line %zu: %lld", lines, (long long)n);
        cr_expect(sv_json_real(sv_json_get(sums, "loss"), &loss) && loss > 0);
        sv_json_free(&j);
    }
    cr_expect_eq(lines, 8);
    sv_file_close(&f);
}

/* 16.6 MB of features are trained on; what the process has beside their map (4 MB) stays below. */
Test(pretrain, features_are_mapped, .init = setup) {
#ifdef __SANITIZE_ADDRESS__
    cr_skip_test("the sanitizer's own memory counts too");
#endif
    write_set("large.tubes", 600, 2, SV_F32, &(struct flaw){0});
    run_svad(&r, dir, "pretrain -m m.svad large.tubes --epochs 100 --batch 4096 --quiet --log log -o l.svad & p=$!; "
             "while kill -0 $p 2>/dev/null && test $(cat log 2>/dev/null | wc -l) -lt 6; do sleep 0.01; done; "
             "grep RssAnon: /proc/$p/status; kill -TERM $p; wait $p");
    cr_assert_eq(r.code, 130, "%s", r.err);
    if (!strstr(r.out, "RssAnon")) cr_skip_test("this kernel does not tell RssAnon");
    cr_expect_lt(last_number(r.out, "RssAnon:"), 12000, "%s", r.out);
}

/* ---- inside ---- */

static struct sv_train_opts options(void) {
    struct sv_train_opts o = { .sigma = 0.1, .lr = 1e-3, .decay = 0.01, .batch = 100, .epochs = 3, .seed = 3, .tubes = 1 };
    cr_assert(sv_tfc_backbone(&o.tfc, "prompt-vlm", TINY_E, N));
    return o;
}

/* A step in chunks has the gradient of its batch taken at once. */
Test(pretrain, chunks_make_up_the_gradient_of_the_batch, .init = setup) {
    const struct sv_train_opts o = options();
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    struct sv_train_set set;
    struct sv_train t;
    struct sv_tally batch;
    struct sv_err e = {0};
    float text[CLASSES * TINY_E];
    uint64_t rng = 8;
    for (size_t i = 0; i < SV_LEN(text); i++) text[i] = (float)sv_rng_normal(&rng);
    cr_assert_eq(sv_train_set_open(&set, path_in(dir, "order.tubes"), &e), 0, "%s", e.msg);
    cr_assert_eq(sv_train_open(&t, &o, &set, &c, text, NULL, &e), 0, "%s", e.msg);

    const size_t n = t.flat.n;
    float *feats = sv_alloc(o.batch, N * TINY_E * sizeof *feats, &e), *video = sv_alloc(o.batch, TINY_E * sizeof *video, &e);
    float *dvideo = sv_alloc(o.batch, TINY_E * sizeof *dvideo, &e), *want = sv_alloc(n, sizeof *want, &e);
    float *scratch = sv_alloc(sv_nce_floats(&c, o.batch, CLASSES, TINY_E), sizeof *scratch, &e);
    uint32_t target[100];
    struct sv_tfc_train *tfc = sv_tfc_train_open(&o.tfc, &t.flat, &c, o.batch, &e);
    for (size_t i = 0; i < o.batch; i++) sv_train_set_tube(&set, t.pick[i], feats + i * N * TINY_E), target[i] = set.label[t.pick[i] / 2];
    sv_tfc_train_forward(tfc, feats, o.batch, video);
    const struct sv_nce x = { o.batch, CLASSES, TINY_E, video, text, target, 10, false };
    const double loss = sv_nce(&c, &x, &(struct sv_nce_out){ .dvideo = dvideo }, scratch);
    sv_tfc_train_back(tfc, dvideo);
    memcpy(want, t.flat.grads, n * sizeof *want);

    cr_assert_eq(sv_train_step(&t, &batch, &e), 0, "%s", e.msg);
    double most = 0;
    for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++) cr_assert(fabs((double)(t.flat.grads[i] - want[i])) < 1e-5 * most, "[%zu] %g, expected %g", i, (double)t.flat.grads[i], (double)want[i]);
    cr_expect_float_eq(batch.loss / 100, loss, 1e-6);
    cr_expect(t.at == 100 && t.step == 1 && batch.n == 100);

    /* Saved and taken up, it is the same training. */
    struct sv_train again;
    cr_assert(!sv_train_save(&t, path_in(dir, "t.state"), &e) && !sv_train_open(&again, &o, &set, &c, text, NULL, &e) && !sv_train_load(&again, path_in(dir, "t.state"), &e),
              "%s", e.msg);
    for (int i = 0; i < 2; i++) {
        cr_expect_arr_eq(t.flat.params, again.flat.params, n * sizeof(float));
        cr_expect(!memcmp(&t.tally, &again.tally, sizeof t.tally) && t.at == again.at && t.step == again.step && t.epoch == again.epoch);
        cr_assert(!sv_train_step(&t, &batch, &e) && !sv_train_step(&again, &batch, &e));
    }
    sv_train_close(&again);
    sv_tfc_train_free(tfc);
    sv_free(feats), sv_free(video), sv_free(dvideo), sv_free(want), sv_free(scratch);
    sv_train_close(&t), sv_train_set_close(&set);
}

/* Every row is on one side, rows of a video together, every class has something to learn from, and epochs differ in order. */
Test(pretrain, split_and_order, .init = setup) {
    struct sv_train_opts o = options();
    struct sv_train_set set;
    struct sv_train t;
    const struct sv_cpu c = { .kern = sv_kern_best(), .pool = NULL };
    cr_assert_eq(sv_train_set_open(&set, path_in(dir, "order.tubes"), NULL), 0);
    for (size_t i = 0; i < set.rows; i++) set.video[i] = (uint32_t)(i / 3);
    set.videos = sv_ceil_div(set.rows, 3);
    static const double shares[] = { 0, 0.1, 0.5, 0.99 };
    for (size_t i = 0; i < SV_LEN(shares); i++) {
        static float text[CLASSES * TINY_E];
        size_t side[2][CLASSES * 40] = { { 0 } }, left[CLASSES] = { 0 };
        o.val = shares[i], o.tubes = 2;
        cr_assert_eq(sv_train_open(&t, &o, &set, &c, text, NULL, NULL), 0);
        cr_expect_eq(t.rows + t.helds, set.rows);
        if (i < 3) cr_expect_eq(t.helds, (size_t)(shares[i] * (double)set.videos + 0.5) * 3);
        for (size_t k = 0; k < t.rows; k++) side[0][set.video[t.row[k]]]++, left[set.label[t.row[k]]]++;
        for (size_t k = 0; k < t.helds; k++) side[1][set.video[t.held[k]]]++;
        for (size_t v = 0; v < set.videos; v++) cr_expect(side[0][v] + side[1][v] == 3 && (!side[0][v] || !side[1][v]), "video %zu", v);
        for (size_t k = 0; k < CLASSES; k++) cr_expect(left[k] > 0, "share %g, class %zu", shares[i], k);
        uint32_t *first = sv_alloc(t.samples, sizeof *first, NULL);
        memcpy(first, t.pick, t.samples * sizeof *first);
        t.epoch = 1, sv_train_begin(&t);
        cr_expect(memcmp(first, t.pick, t.samples * sizeof *first));
        t.epoch = 0, sv_train_begin(&t);
        cr_expect_arr_eq(first, t.pick, t.samples * sizeof *first);
        sv_free(first), sv_train_close(&t);
    }
    sv_train_set_close(&set);
}

/* The first weights: PyTorch's bounds; N(0, 0.02); the text tower's own blocks where they fit. */
Test(pretrain, first_weights) {
    struct sv_store s = {0}, clip = {0};
    struct sv_tfc_config g;
    struct sv_clip_config cg;
    cr_assert(!sv_store_init(&s, "first", NULL) && sv_tfc_backbone(&g, "prompt-vlm", 64, 9) && !sv_tfc_init(&s, &g, 1, NULL, NULL));
    static const struct { const char *name; double most, sd; } row[] = {
        { "tfc.position", 0.05, 0.01 },                  { "tfc.block.1.qkv.weight", 0.153093, 0.088388 }, { "tfc.block.0.qkv.bias", 0, 0 },
        { "tfc.block.0.out.weight", 0.125, 0.072169 },   { "tfc.block.1.fc2.weight", 0.0625, 0.036084 },   { "tfc.block.0.fc1.bias", 0.125, 0.072169 },
        { "tfc.block.1.ln2.bias", 0, 0 },                { "tfc.block.1.out.bias", 0, 0 },
    };
    for (size_t i = 0; i < SV_LEN(row); i++) {
        const struct sv_view *v = sv_store_find(&s, row[i].name);
        double most = 0, sum = 0;
        cr_assert(v, "%s", row[i].name);
        for (size_t k = 0; k < v->count; k++) {
            float x;
            sv_view_f32(v, k, 1, &x);
            most = fmax(most, fabs((double)x)), sum += (double)x * (double)x;
        }
        const double sd = sqrt(sum / (double)v->count);
        cr_expect(most <= row[i].most && fabs(sd - row[i].sd) <= 0.1 * row[i].sd, "%s: largest %g, sd %g", row[i].name, most, sd);
    }
    sv_store_free(&s);
    cr_assert(!sv_store_init(&clip, "clip", NULL) && sv_clip_family(&cg, "tiny"));
    cg.text.layers = 4;
    cr_assert(!sv_clip_random(&clip, &cg, 1, NULL));
    for (size_t wide = 0; wide < 2; wide++) {
        const size_t width = cg.text.width * (1 + wide);
        cr_assert(!sv_store_init(&s, "first", NULL) && sv_tfc_backbone(&g, "clip4clip", width, 5) && !sv_tfc_init(&s, &g, 1, &clip, NULL));
        const struct sv_view *mine = sv_store_find(&s, "tfc.block.3.fc1.weight"), *its = sv_store_find(&clip, "clip.text.block.3.fc1.weight");
        const struct sv_view *place = sv_store_find(&s, "tfc.position"), *text = sv_store_find(&clip, "clip.text.position");
        cr_assert(mine && its && place && text);
        cr_expect_eq(!memcmp(mine->data, its->data, its->bytes), !wide);
        cr_expect_eq(!memcmp(place->data, text->data, 5 * cg.text.width * 4), !wide);
        sv_store_free(&s);
    }
    sv_store_free(&clip);
}
