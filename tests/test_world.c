/* The rendered world: bytes that follow from the seed, boxes that lie where actors are, captions of known words, and svad world. */
#include "core/hash.h"
#include "core/mem.h"
#include "core/rng.h"
#include "io/boxes.h"
#include "io/labels.h"
#include "io/video.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tools/world/measure.h"
#include "tools/world/space.h"
#include "tools/world/world.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { W = 128, H = 96 };
static struct ran r;

static struct sv_world *open_at(const char *scene, uint64_t seed, const float *weight) {
    const struct sv_world_config g = { .scene = scene, .seed = seed, .w = W, .h = H, .fps = 10, .weight = weight };
    struct sv_err e = {0};
    struct sv_world *w = sv_world_open(&g, &e);
    cr_assert(w, "%s", e.msg);
    return w;
}

static uint32_t film(const char *scene, uint64_t seed, size_t frames) {
    static uint8_t rgb[W * H * 3];
    struct sv_world *w = open_at(scene, seed, NULL);
    uint32_t crc = 0;
    for (size_t t = 0; t < frames; t++) sv_world_next(w, rgb), crc = sv_crc32(crc, rgb, sizeof rgb);
    sv_world_free(w);
    return crc;
}

Test(world, the_seed_makes_the_bytes) {
    const char *const *scene;
    const size_t scenes = sv_world_scenes(&scene);
    cr_assert_geq(scenes, 8);
    for (size_t i = 0; i <= scenes; i++) {
        const char *name = i < scenes ? scene[i] : NULL;
        const uint32_t a = film(name, 7, 12);
        cr_expect_eq(film(name, 7, 12), a, "%s", name);
        cr_expect_neq(film(name, 8, 12), a, "%s", name);
    }
    cr_expect_neq(film("street-2", 7, 12), film("street", 7, 12));
    cr_expect_eq(film("street-1", 7, 12), film("street", 7, 12));
}

/* Models are trained on these pixels: they are the same with every compiler, on every machine, for ever. */
Test(world, the_bytes_of_version_1) {
    cr_expect_eq(film(NULL, 7, 9), 0xa3b804e2u, "%08x", (unsigned)film(NULL, 7, 9));
    cr_expect_eq(film("campus", 7, 9), 0xe1d74625u, "%08x", (unsigned)film("campus", 7, 9));
    cr_expect_eq(film("park-3", 7, 9), 0xf410fd93u, "%08x", (unsigned)film("park-3", 7, 9));
}

Test(world, frames_that_are_not_drawn_change_nothing) {
    static uint8_t a[W * H * 3], b[W * H * 3];
    struct sv_world *v = open_at("square", 3, NULL), *w = open_at("square", 3, NULL);
    for (int t = 0; t < 40; t++) sv_world_next(v, a), sv_world_next(w, t % 13 ? NULL : b);
    cr_expect(!memcmp(a, b, sizeof a));
    sv_world_free(v), sv_world_free(w);
}

Test(world, boxes_lie_in_the_picture_and_tracks_stay) {
    static uint8_t rgb[W * H * 3];
    const char *const *scene;
    const size_t scenes = sv_world_scenes(&scene);
    size_t all = 0, near = 0;
    for (size_t i = 0; i < 40; i++) {
        struct sv_world *w = open_at(i < scenes ? scene[i] : NULL, i, NULL);
        struct sv_world_object last[64], o[64];
        struct sv_world_box d[64];
        size_t before = 0;
        uint64_t rng = i;
        for (int t = 0; t < 9; t++) {
            sv_world_next(w, rgb);
            const size_t n = sv_min(sv_world_objects(w, o, 64), 64);
            for (size_t k = 0; k < n; k++) {
                const double *b = o[k].box, *p = o[k].person;
                cr_expect(b[0] >= 0 && b[1] >= 0 && b[2] <= W && b[3] <= H && b[0] < b[2] && b[1] < b[3], "%zu: %g %g %g %g", i, b[0], b[1], b[2], b[3]);
                cr_expect((p[0] >= b[0] && p[1] >= b[1] && p[2] <= b[2] && p[3] <= b[3]) || p[2] == p[0], "%zu: a person outside of its box", i);
                cr_expect(o[k].seen >= 0 && o[k].seen <= 1 && o[k].inside > 0 && o[k].inside <= 1 + 1e-6 && o[k].tall >= 1);
                cr_expect(fabs(o[k].facing) <= 3.15 && o[k].action < SV_ACTIONS);
                for (size_t m = 0; m < before; m++) {
                    if (last[m].track != o[k].track) continue;
                    near++;
                    /* A tenth of a second at 11 metres a second, and what limbs add. */
                    cr_expect_lt(hypot(o[k].box[0] - last[m].box[0], o[k].box[3] - last[m].box[3]), 2.2 * o[k].tall + 4, "%zu: track %zu leaps", i, (size_t)o[k].track);
                    cr_expect(last[m].who == o[k].who && last[m].top == o[k].top);
                }
            }
            for (size_t k = 0; k < n; k++) for (size_t m = 0; m < k; m++) cr_expect_neq(o[k].track, o[m].track);
            all += n;
            memcpy(last, o, n * sizeof *o), before = n;
            const size_t found = sv_world_detect(w, &rng, d, 64);
            for (size_t k = 0; k < found; k++)
                cr_expect(d[k].box[0] >= 0 && d[k].box[1] >= 0 && d[k].box[2] <= W && d[k].box[3] <= H && d[k].box[2] - d[k].box[0] >= 2 && d[k].score >= 0.5 && d[k].score <= 1);
        }
        sv_world_free(w);
    }
    cr_expect_gt(all, 900);
    cr_expect_gt(near, all * 3 / 4);
}

/* What is asked for is what is done, and its box holds pixels that differ from the place without it. */
Test(world, every_action_can_be_seen) {
    static uint8_t rgb[W * H * 3];
    cr_assert_geq(SV_ACTIONS, 45);
    for (int a = 0; a < SV_ACTIONS; a++) {
        float weight[SV_ACTIONS] = {0};
        weight[a] = 1;
        size_t seen = 0, moved = 0;
        for (uint64_t s = 0; s < 12; s++) {
            struct sv_world *w = open_at(NULL, 100 + s, weight);
            struct sv_world_object o[64];
            for (int t = 0; t < 4; t++) sv_world_next(w, rgb);
            const size_t n = sv_min(sv_world_objects(w, o, 64), 64);
            for (size_t k = 0; k < n; k++) {
                cr_expect_eq((int)o[k].action, a);
                seen += o[k].seen > 0.5;
                moved += o[k].speed > 0.1;
            }
            sv_world_free(w);
        }
        cr_expect_geq(seen, 5, "%s: seen %zu times", sv_action_phrase((enum sv_action)a), seen);
        if (a == SV_DO_RUN || a == SV_DO_CYCLE || a == SV_DO_WALK) cr_expect_gt(moved, 5);
        if (a == SV_DO_STAND || a == SV_DO_SIT) cr_expect_eq(moved, 0);
    }
}

Test(world, phrases_differ_and_end_nowhere_odd) {
    for (int a = 0; a < SV_ACTIONS; a++) {
        const char *p = sv_action_phrase((enum sv_action)a);
        cr_expect(p && strlen(p) > 4 && strspn(p, "abcdefghijklmnopqrstuvwxyz ") == strlen(p), "%s", p);
        for (int b = 0; b < a; b++) cr_expect_str_neq(p, sv_action_phrase((enum sv_action)b));
    }
}

static char word[512][24];
static size_t words;

static void learn(const char *text) {
    for (size_t n; *text; text += n + (text[n] == ' ')) {
        char one[24] = "";
        n = strcspn(text, " ");
        cr_assert(n && n < sizeof one, "a word of %zu letters in \"%s\"", n, text);
        memcpy(one, text, n - (text[n - 1] == ','));
        size_t k = 0;
        while (k < words && strcmp(word[k], one)) k++;
        cr_assert_lt(words, 512);
        if (k == words) strcpy(word[words++], one);
    }
}

Test(world, captions_are_short_and_of_few_words) {
    static uint8_t rgb[W * H * 3];
    size_t told = 0, left = 0;
    for (uint64_t s = 0; s < 250; s++) {
        struct sv_world *w = open_at(NULL, s, NULL);
        struct sv_world_object o[64];
        char text[160], again[160];
        uint64_t rng = s;
        for (int t = 0; t < 2; t++) sv_world_next(w, rgb);
        const size_t n = sv_min(sv_world_objects(w, o, 64), 64);
        for (size_t k = 0; k < n; k++)
            for (int v = 0; v < 6; v++, told++) {
                uint64_t same = rng;
                memset(text, '#', sizeof text);
                sv_world_caption(w, &o[k], &rng, text);
                cr_assert(memchr(text, 0, sizeof text), "no end");
                cr_expect(strlen(text) > 8 && strspn(text, "abcdefghijklmnopqrstuvwxyz ,") == strlen(text) && !strstr(text, "  "), "\"%s\"", text);
                cr_expect(strstr(text, " is "), "\"%s\"", text);
                sv_world_caption(w, &o[k], &same, again);
                cr_expect_str_eq(text, again);
                const bool goes = strstr(text, "to the left") && o[k].speed > 0.2;
                cr_expect(!goes || fabs(o[k].facing) > 1.5, "\"%s\"", text);
                left += goes;
                learn(text);
            }
        sv_world_free(w);
    }
    cr_expect_gt(told, 1000);
    cr_expect_gt(left, 20);
    cr_expect(words > 100 && words < 350, "%zu words", words);
}

Test(world, its_own_sine_and_angle) {
    for (int i = -4000; i <= 4000; i++) {
        const float x = (float)i * 0.01f;
        cr_expect_lt(fabs((double)sv_sin(x) - sin((double)x)), 0.0015, "sin %g", (double)x);
        cr_expect_lt(fabs((double)sv_cos(x) - cos((double)x)), 0.0015, "cos %g", (double)x);
        const float y = (float)(i % 37) - 18, z = (float)(i % 23) - 11;
        if (y != 0 || z != 0) cr_expect_lt(fabs(remainder((double)sv_angle(y, z) - atan2((double)y, (double)z), 2 * 3.14159265358979)), 0.006, "%g %g", (double)y, (double)z);
        cr_expect_eq(sv_floorf(x), floorf(x));
    }
}

Test(world, what_cannot_be_is_refused) {
    const struct { const char *name; struct sv_world_config g; } bad[] = {
        { "no such scene", { .scene = "moon", .w = W, .h = H, .fps = 10 } }, { "a number that is none", { .scene = "street-x", .w = W, .h = H, .fps = 10 } },
        { "number 0", { .scene = "street-0", .w = W, .h = H, .fps = 10 } }, { "narrow", { .w = 15, .h = H, .fps = 10 } }, { "high", { .w = W, .h = 4097, .fps = 10 } },
        { "no rate", { .w = W, .h = H } }, { "NaN", { .w = W, .h = H, .fps = (double)NAN } }, { "crowd", { .w = W, .h = H, .fps = 10, .crowd = 1e9 } },
        { "a giant", { .w = W, .h = H, .fps = 10, .height = (double)INFINITY } }, { "below ground", { .w = W, .h = H, .fps = 10, .height = -1 } },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        struct sv_err e = {0};
        cr_expect_null(sv_world_open(&bad[i].g, &e), "%s", bad[i].name);
        cr_expect(e.code == SV_EUSAGE && e.msg[0], "%s: %d", bad[i].name, e.code);
    }
}

/* Sizes and people at the limits, weights that are none. */
Test(world, odd_sizes_and_weights) {
    static uint8_t rgb[61 * 41 * 3 + 1];
    const struct { size_t w, h; double crowd, height; float weight; } odd[] = {
        { 16, 16, 0, 0, 1 }, { 61, 41, 48, 0, 1 }, { 17, 23, 3, 90, 1 }, { 33, 16, 1, 0.01, 1 }, { 61, 41, 5, 0, 0 }, { 61, 41, 5, 0, -1 }, { 61, 41, 5, 0, NAN },
    };
    for (size_t i = 0; i < SV_LEN(odd); i++)
        for (uint64_t s = 0; s < 6; s++) {
            float weight[SV_ACTIONS];
            for (int a = 0; a < SV_ACTIONS; a++) weight[a] = odd[i].weight;
            const struct sv_world_config g = { .scene = s % 2 ? "road" : NULL, .seed = s, .w = odd[i].w, .h = odd[i].h, .fps = 30, .crowd = odd[i].crowd, .height = odd[i].height, .weight = weight };
            struct sv_world *w = sv_world_open(&g, NULL);
            cr_assert(w);
            rgb[3 * g.w * g.h] = 0xa5;
            for (int t = 0; t < 5; t++) sv_world_next(w, rgb);
            cr_expect_eq(rgb[3 * g.w * g.h], 0xa5);
            sv_world_free(w);
        }
}

Test(world, begins_what_it_is_told) {
    static uint8_t rgb[W * H * 3];
    static const enum sv_action ask[] = { SV_DO_FIGHT, SV_DO_CYCLE, SV_DO_JUMP_RAILING, SV_DO_FALL, SV_DO_CLIMB, SV_DO_CHASE };
    for (size_t i = 0; i < SV_LEN(ask); i++) {
        struct sv_world *w = open_at("campus", 5 + i, NULL);
        size_t shown = 0;
        cr_expect(!sv_world_normal(w, ask[i]) && sv_world_normal(w, SV_DO_WALK));
        cr_assert(sv_world_begin(w, ask[i]));
        for (int t = 0; t < 300; t++) {
            struct sv_world_object o[64];
            sv_world_next(w, rgb);
            const size_t n = sv_min(sv_world_objects(w, o, 64), 64);
            for (size_t k = 0; k < n; k++) shown += o[k].action == ask[i] && o[k].seen > 0.15;
        }
        cr_expect(shown > 5, "%s: %zu", sv_action_phrase(ask[i]), shown);
        sv_world_free(w);
    }
}

/* Somebody alone who goes behind a lamp post is seen in part, though all of them is in the picture. */
Test(world, what_stands_in_front_hides) {
    static uint8_t rgb[W * H * 3];
    size_t hidden = 0, whole = 0;
    for (uint64_t s = 0; s < 6; s++) {
        const struct sv_world_config g = { .scene = "street", .seed = s, .w = W, .h = H, .fps = 5, .crowd = 1 };
        struct sv_world *w = sv_world_open(&g, NULL);
        cr_assert(w);
        for (int t = 0; t < 100; t++) {
            struct sv_world_object o[64];
            sv_world_next(w, rgb);
            if (sv_world_objects(w, o, 64) != 1 || o[0].inside < 0.999) continue;
            hidden += o[0].seen < 0.9, whole += o[0].seen > 0.999;
        }
        sv_world_free(w);
    }
    cr_expect(hidden > 3 && whole > 30, "%zu hidden, %zu whole", hidden, whole);
}

Test(world, a_full_cast_turns_newcomers_away) {
    struct sv_world *w = open_at("square", 1, NULL);
    size_t n = 0;
    while (n < 1000 && sv_world_begin(w, SV_DO_WALK)) n++;
    cr_expect(n > 20 && n < 200, "%zu", n);
    sv_world_free(w);
}

/* The command's folder read back by the project's own readers. */
Test(world, the_command_writes_what_the_others_read) {
    const char *dir = temp_dir();
    char path[4200];
    cr_assert_eq(run_svad(&r, dir, "world --scene campus --frames 260 --clips 2 --size 96x65 --fps 10 --seed 4 --anomalies cycle,run -o day --quiet"), 0, "%s", r.err);
    struct sv_err e = {0};
    struct sv_labels l = {0};
    struct sv_boxes b = {0};
    struct sv_clip_list clips = {0};
    snprintf(path, sizeof path, "%s/day/labels.txt", dir);
    cr_assert_eq(sv_labels_read(&l, path, &e), 0, "%s", e.msg);
    snprintf(path, sizeof path, "%s/day/boxes.txt", dir);
    cr_assert_eq(sv_boxes_read(&b, path, 0.5, &e), 0, "%s", e.msg);
    snprintf(path, sizeof path, "%s/day/video", dir);
    cr_assert_eq(sv_clip_list_add(&clips, path, &e), 0, "%s", e.msg);
    cr_assert_eq(clips.n, 2);
    size_t odd = 0;
    for (size_t i = 0; i < clips.n; i++) {
        struct sv_video v = {0};
        static uint8_t rgb[96 * 65 * 3];
        size_t frames = 0;
        const struct sv_label *of = sv_labels_of(&l, clips.item[i].name);
        cr_assert(of && of->n == 260);
        for (size_t t = 0; t < of->n; t++) odd += of->frame[t];
        cr_assert_eq(sv_video_open(&v, clips.item[i].path, &e), 0, "%s", e.msg);
        cr_expect(v.w == 96 && v.h == 65 && v.fps == 10);
        while (sv_video_next(&v, rgb, &e) == 1) frames++;
        cr_expect_eq(frames, 260);
        sv_video_close(&v);
    }
    cr_expect(odd > 20 && odd < 500, "%zu frames are abnormal", odd);
    cr_expect(b.n > 300 && b.clip.n == 2 && b.scored);
    sv_labels_free(&l), sv_boxes_free(&b), sv_clip_list_free(&clips);

    cr_assert_eq(run_svad(&r, dir, "world --scene campus --frames 260 --clips 2 --size 96x65 --fps 10 --seed 4 --anomalies cycle,run -o again --quiet"), 0, "%s", r.err);
    snprintf(path, sizeof path, "diff -r %s/day %s/again", dir, dir);
    cr_expect_eq(system(path), 0);
    cr_expect_eq(run_svad(&r, dir, "world --scene campus --frames 3 -o day --quiet"), 2);
    cr_expect(strstr(r.err, "02.y4m"), "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "world --frames 40 --size 64x48 -o calm --quiet"), 0, "%s", r.err);
    snprintf(path, sizeof path, "grep -q 1.*1 %s/calm/labels.txt", dir);
    cr_expect_neq(system(path), 0, "a normal day is labelled");
}

Test(world, its_days_go_from_fit_to_eval) {
    const char *dir = temp_dir();
    cr_assert_eq(tiny_folder(dir), 0);
    static const char *const lines[] = {
        "convert model.safetensors --act quick -o m.svad --quiet", "world --scene campus --frames 60 --fps 10 --size 120x80 -o days --quiet",
        "world --scene campus --frames 120 --fps 10 --size 120x80 --seed 2 --anomalies cycle -o test --quiet",
        "fit -m m.svad days/video --boxes days/boxes.txt --frames 3 --clusters 2 --prompts 0 --actions actions.txt -o s.scene --quiet",
        "score -m m.svad -s s.scene test/video --boxes test/boxes.txt -o out --quiet", "eval out --labels test/labels.txt",
    };
    for (size_t i = 0; i < SV_LEN(lines); i++) cr_assert_eq(run_svad(&r, dir, "%s", lines[i]), 0, "%s: %s", lines[i], r.err);
    cr_expect(strstr(r.out, "micro"), "%s", r.out);
}

Test(world, measures_of_a_known_picture) {
    enum { SIDE = 64 };
    static uint8_t a[SIDE * SIDE], b[SIDE * SIDE];
    struct sv_measures m = {0};
    /* A box of stripes 50 and 150, one pixel each, on 200; a wall of steps of 40 every eight pixels under it. */
    memset(a, 200, sizeof a);
    for (size_t y = 8; y < 40; y++) for (size_t x = 24; x < 40; x++) a[y * SIDE + x] = x % 2 ? 150 : 50;
    for (size_t i = 0; i < sizeof a; i++) b[i] = (uint8_t)(a[i] + (i % 4 == 0 ? 6 : 0));
    const double box[4] = { 24, 8, 40, 40 }, later[1][4] = { { 28, 8, 44, 40 } }, now[1][4] = { { 24, 8, 40, 40 } };
    cr_assert(!sv_measure_box(&m, a, SIDE, SIDE, box, NULL) && !sv_measure_frame(&m, b, a, SIDE, SIDE, NULL));
    cr_assert(!sv_measure_speed(&m, now, 1, later, 1, 0.5, NULL));
    static const struct { enum sv_measure what; double value; } right[] = {
        { SV_OF_TALL, 32 }, { SV_OF_SHAPE, 2 }, { SV_OF_LIGHT, 100 }, { SV_OF_TEXTURE, 50 }, { SV_OF_CONTRAST, -100 },
        { SV_OF_SHARPNESS, 10000.0 * 15 / 16 / 2500 }, { SV_OF_SPEED, 4 / 32.0 / 0.5 },
    };
    for (size_t i = 0; i < SV_LEN(right); i++)
        cr_expect_float_eq(sv_measures_quantile(&m, right[i].what, 0.5), right[i].value, 1e-4, "%zu: %g", i, sv_measures_quantile(&m, right[i].what, 0.5));
    cr_expect_lt(sv_measures_quantile(&m, SV_OF_NOISE, 0.5), 0.5);      /* a quarter of the pixels changed: not the 68 % */
    sv_measures_free(&m);
    for (size_t y = 0; y < SIDE; y++) for (size_t x = 0; x < SIDE; x++) a[y * SIDE + x] = (uint8_t)(x / 8 * 20 + x % 2);
    cr_assert(!sv_measure_frame(&m, a, NULL, SIDE, SIDE, NULL));
    cr_expect_float_eq(sv_measures_quantile(&m, SV_OF_BLOCKS, 0.5), 19, 1e-4);
    cr_expect(isnan(sv_measures_quantile(&m, SV_OF_NOISE, 0.5)));
    sv_measures_free(&m);
}

Test(world, footage_is_held_against_worlds) {
    const char *dir = temp_dir();
    cr_assert_eq(run_svad(&r, dir, "world --scene square --frames 30 --size 120x80 -o film --quiet"), 0, "%s", r.err);
    cr_assert_eq(run_svad(&r, dir, "world --against film/video --boxes film/boxes.txt"), 0, "%s", r.err);
    size_t lines = 0, told = 0;
    for (const char *p = r.out; *p; p++) lines += *p == '\n';
    for (const char *p = r.out; (p = strstr(p, "side\n")); p++) told++;
    cr_expect(lines == SV_MEASURED + 1 && told == SV_MEASURED, "%s", r.out);
    cr_expect_eq(run_svad(&r, dir, "world --against film/video"), 1);
    cr_expect_eq(run_svad(&r, dir, "world --against nowhere --boxes film/boxes.txt"), 2);
}

Test(world, bad_arguments_are_told) {
    static const struct { const char *args, *word; } bad[] = {
        { "", "-o DIR" }, { "-o d --scene moon", "moon" }, { "-o d --size 10x10", "--size" }, { "-o d --size 300", "--size" }, { "-o d --frames 0", "--frames" },
        { "-o d --anomalies fly", "fly" }, { "-o d --anomalies walk", "walk" }, { "-o d --anomalies ,", "no action" }, { "-o d --fps 0", "--fps" }, { "-o d more", "more" },
    };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        cr_expect_eq(run_svad(&r, temp_dir(), "world %s", bad[i].args), 1, "%s: %d", bad[i].args, r.code);
        cr_expect(strstr(r.err, bad[i].word) && !strchr(r.err, '\n')[1], "%s: %s", bad[i].args, r.err);
    }
    cr_expect_eq(run_svad(&r, NULL, "world --list"), 0);
    cr_expect(strstr(r.out, "jump-railing") && strstr(r.out, "station"));
    cr_expect_eq(run_svad(&r, NULL, "world --frames 5 -o /dev/full/x"), 4);
}
