/* What svad fit holds out: no picture shared with what is learned from, spread over the clips, scored as svad score would. */
#include "core/rng.h"
#include "io/container.h"
#include "kmeans/score.h"
#include "tests/util.h"
#include "tools/holdout.h"
#include "tools/judge.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { E = 8 };

/* A clip with up to two objects a frame; row r of all has the features r, r + 0.5, ... */
static size_t rows_of(struct sv_object *o, size_t frames, size_t every, uint64_t seed) {
    size_t n = 0;
    for (size_t t = 0; t < frames; t += every)
        for (size_t k = sv_rng_below(&seed, 3); k--; n++) o[n] = (struct sv_object){ .frame = t, .box = { 0, 0, 4, 4 }, .track = -1 };
    return n;
}

struct footage { size_t clips, frames[12], every; double fps; size_t reach; };

static float *video;
static size_t total, clip_of[200000], frame_of[200000];

static void add(struct sv_holdout *h, const struct footage *f) {
    static struct sv_object object[200000];
    const struct sv_rule rule = { .tube = { 2 * f->reach + 1, 1 } };
    struct sv_err e = {0};
    total = 0;
    for (size_t i = 0; i < f->clips; i++) {
        struct sv_clip_tubes c = { .name = "c", .frames = f->frames[i], .every = f->every, .fps = f->fps, .object = object };
        c.n = rows_of(object, f->frames[i], f->every, i + 1);
        for (size_t k = 0; k < c.n; k++) clip_of[total] = i, frame_of[total++] = object[k].frame;
        cr_assert_eq(sv_holdout_add(h, &c, &rule, &e), 0);
    }
    cr_assert((video = sv_alloc(total, E * sizeof *video, &e)));
    for (size_t r = 0; r < total * E; r++) video[r] = (float)(r / E) + 0.5f * (float)(r % E);
}

static void check(const struct footage *f, size_t blocks, double low, double high) {
    struct sv_holdout h = { .share = 0.2 };
    struct sv_err e = {0};
    add(&h, f);
    cr_assert_eq(sv_holdout_split(&h, video, E, &e), 0);
    cr_expect_eq(h.blocks, blocks, "%zu blocks, expected %zu", h.blocks, blocks);
    cr_expect_eq(h.fitted + h.held + h.beside, total);
    const double share = (double)h.held / (double)total;
    cr_expect(share >= low && share <= high, "%g held out", share);
    for (size_t i = 1; i < h.fitted + h.held; i++)
        cr_assert(i == h.fitted || video[i * E] > video[(i - 1) * E], "rows in order");
    static uint8_t seen[2][200000];     /* pictures that learned and held-out tubes see, clip after clip */
    size_t base[13] = {0};
    for (size_t i = 0; i < f->clips; i++) base[i + 1] = base[i] + f->frames[i];
    memset(seen, 0, sizeof seen);
    for (size_t i = 0; i < h.fitted + h.held; i++) {
        const size_t r = (size_t)video[i * E], c = clip_of[r];
        for (size_t x = 1; x < E; x++) cr_assert(fabsf(video[i * E + x] - video[i * E] - 0.5f * (float)x) <= 0, "a row stays together");
        for (size_t t = 0; t < f->frames[c]; t++)
            if (t + f->reach >= frame_of[r] && t <= frame_of[r] + f->reach) seen[i >= h.fitted][base[c] + t] = 1;
    }
    for (size_t t = 0; t < base[f->clips]; t++) cr_assert(!seen[0][t] || !seen[1][t], "picture %zu is in both", t);
    sv_holdout_free(&h);
    sv_free(video);
}

Test(holdout, shares_no_picture) {
    check(&(struct footage){ 4, { 180, 120, 150, 200 }, 1, 10, 4 }, 4, 0.15, 0.25);
    check(&(struct footage){ 3, { 181, 60, 20 }, 1, 0, 4 }, 2, 0.13, 0.25);         /* the last is too short */
    check(&(struct footage){ 6, { 20, 20, 20, 20, 20, 20 }, 1, 10, 4 }, 1, 0.1, 0.25);       /* a whole one */
    check(&(struct footage){ 11, { 180, 120, 150, 200, 180, 100, 180, 180, 180, 180, 180 }, 1, 10, 4 }, 2, 0.15, 0.25);
    check(&(struct footage){ 7, { 180, 120, 15000, 200, 180, 100, 180 }, 1, 10, 4 }, 6, 0.15, 0.25);      /* one of the short, five of the long */
    check(&(struct footage){ 2, { 20, 20 }, 1, 10, 4 }, 0, 0, 0);
    check(&(struct footage){ 1, { 1 }, 1, 10, 4 }, 0, 0, 0);
    check(&(struct footage){ 1, { 30000 }, 1, 10, 4 }, 10, 0.19, 0.21);             /* a minute each */
    check(&(struct footage){ 1, { 60000 }, 1, 0, 12 }, 8, 0.19, 0.21);
    check(&(struct footage){ 3, { 1000, 2000, 500 }, 7, 25, 8 }, 3, 0.15, 0.25);
}

/* The distribution is that of the scene's own scores on the held-out tubes. */
Test(holdout, scores_are_the_scenes) {
    enum { N = 5, M = 3 };
    const struct footage f = { 3, { 100, 90, 80 }, 3, 10, 1 };
    struct sv_holdout h = { .share = 0.2 };
    struct sv_err e = {0};
    struct sv_cpu cpu = { .kern = sv_kern_best(), .block = sv_block_sizes(), .pool = sv_pool_new(2, &e) };
    float text[N * E], centre[M * N];
    double unit[M * N];
    uint64_t rng = 4;
    add(&h, &f);
    for (size_t i = 0; i < N * E; i++) text[i] = (float)sv_rng_unit(&rng);
    for (size_t i = 0; i < M * N; i++) centre[i] = (float)sv_rng_unit(&rng);
    sv_unit_rows_f64(unit, centre, M, N);
    for (size_t i = 0; i < total * E; i++) video[i] = (float)sv_rng_unit(&rng);
    struct sv_scene s = { .texts = N, .embed = E, .centres = M, .text = text, .centre = unit };
    cr_assert_eq(sv_holdout_split(&h, video, E, &e), 0);
    cr_assert_eq(sv_holdout_score(&h, video + h.fitted * E, &s, &cpu, &e), 0, "%s", e.msg);
    const struct sv_held *d = &s.held;
    cr_assert(h.held > 10 && d->blocks == 3 && d->objects == h.held);
    cr_expect(fabs(d->per_second - 10.0 / 3) < 1e-12);
    size_t frames = 0, at = 0;
    for (size_t b = 0; b < d->blocks; b++) frames += (size_t)d->block[b];
    cr_expect_eq(frames, d->frames);
    /* Frame by frame, with the tubes of that frame alone. */
    size_t row = 0;
    struct sv_judge j;
    cr_assert_eq(sv_judge_open(&j, &s, &cpu, &e), 0);
    for (size_t b = 0; b < h.blocks; b++)
        for (size_t t = h.block[b].begin; t < h.block[b].end; t++) {
            double most = 0;
            if (t % 3) continue;
            for (size_t r = 0; r < total; r++) {
                if (clip_of[r] != h.block[b].clip || frame_of[r] != t) continue;
                float response[N];
                double score;
                sv_judge_run(&j, video + (h.fitted + row++) * E, 1, &(struct sv_verdict){ .response = response, .score = &score });
                most = fmax(most, score);
            }
            cr_assert(at < d->frames);
            cr_expect(!memcmp(&d->frame[at], &most, 8), "frame %zu of clip %zu: %g, expected %g", t, h.block[b].clip, d->frame[at], most);
            at++;
        }
    cr_expect(row == h.held && at == d->frames);
    for (size_t i = 1; i < d->objects; i++) cr_assert(d->object[i] >= d->object[i - 1]);
    sv_judge_close(&j);
    sv_free(s.held.frame), sv_free(s.held.block), sv_free(s.held.object);
    sv_holdout_free(&h);
    sv_pool_free(cpu.pool);
    sv_free(video);
}

/* A scene file whose held-out part does not fit together is refused. */
Test(holdout, scenes_are_checked) {
    float text[4] = { 1, 0, 0, 1 }, sample[4] = { 1, 0, 0, 1 };
    double centre[2] = { 1, 0 }, frame[4] = { 0.1, 0, 0.3, 0.2 }, object[3] = { 0.1, 0.2, 0.3 };
    int32_t block[2] = { 3, 1 };
    char path[1200];
    struct sv_err e = {0};
    struct sv_scene s = { .texts = 2, .embed = 2, .centres = 1, .samples = 2, .objects = 1, .clips = 1, .text = text, .centre = centre, .sample = sample };
    s.rule = (struct sv_rule){ .tube = { 9, 1 }, .every = 1 };
    memset(s.model, 'a', sizeof s.model - 1), memset(s.rule.clip, 'b', sizeof s.rule.clip - 1);
    cr_assert_eq(sv_actions_parse(&s.actions, "walk\nrun\n", 9, "t", &e), 0, "%s", e.msg);
    s.held = (struct sv_held){ .frame = frame, .frames = 4, .block = block, .blocks = 2, .object = object, .objects = 3, .per_second = 12.5 };
    snprintf(path, sizeof path, "%s/s.scene", temp_dir());
    cr_assert_eq(sv_scene_save(&s, path, &e), 0, "%s", e.msg);
    struct sv_scene back;
    cr_assert_eq(sv_scene_load(&back, path, &e), 0, "%s", e.msg);
    cr_expect(back.held.frames == 4 && back.held.blocks == 2 && back.held.objects == 3 && !memcmp(back.held.frame, frame, sizeof frame));
    cr_expect(!memcmp(back.held.object, object, sizeof object) && back.held.block[1] == 1 && fabs(back.held.per_second - 12.5) <= 0);
    sv_scene_free(&back);
    for (int k = 0; k < 4; k++) {
        static const char *const says[] = { "held.block tells of 5 frames, expected 4", "held.frame: value 2 is -0.3", "held.object is not sorted", "held.block" };
        block[0] = k == 0 ? 4 : k == 3 ? -1 : 3, frame[2] = k == 1 ? -0.3 : 0.3, object[0] = k == 2 ? 0.5 : 0.1;
        e = (struct sv_err){0};
        cr_assert_eq(sv_scene_save(&s, path, &e), 0, "%s", e.msg);
        cr_expect(sv_scene_load(&back, path, &e) == SV_EINPUT && strstr(e.msg, says[k]), "%s", e.msg);
    }
    block[0] = 3;
    double look[3] = { 0.1, 0.2, 0.4 }, by_video[3] = { 0, 0.5, 0.6 };
    s.patterns = SV_KNN_BOTH, s.neighbours = 1, s.held.head[SV_HEAD_LOOK] = look, s.held.head[SV_HEAD_VIDEO] = by_video, s.held.heads = 3;
    cr_assert_eq(sv_scene_save(&s, path, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_scene_load(&back, path, &e), 0, "%s", e.msg);
    cr_expect(back.held.heads == 3 && !memcmp(back.held.head[SV_HEAD_LOOK], look, sizeof look) && !memcmp(back.held.head[SV_HEAD_VIDEO], by_video, sizeof by_video));
    cr_expect(sv_scene_joins(&back) && !back.held.head[SV_HEAD_FIGURE]);
    sv_scene_free(&back);
    /* Of a version that joined them otherwise: its thresholds would not be those of the scores. */
    struct sv_file f;
    struct sv_store st = {0};
    e = (struct sv_err){0};
    cr_assert(!sv_file_read(&f, path, 1 << 20, &e) && !sv_store_init(&st, path, &e) && !sv_container_read(&f, "scene", &st, &e), "%s", e.msg);
    cr_assert(!sv_store_set_text(&st, "held.join", "sum", &e) && !sv_container_write(path, "scene", &st, &e), "%s", e.msg);
    sv_store_free(&st), sv_file_close(&f);
    cr_expect(sv_scene_load(&back, path, &e) == SV_EINPUT && strstr(e.msg, "(\"sum\", expected \"log1p\"): fit it again"), "%s", e.msg);
    by_video[2] = 0.4;
    e = (struct sv_err){0};
    cr_assert_eq(sv_scene_save(&s, path, &e), 0, "%s", e.msg);
    cr_expect(sv_scene_load(&back, path, &e) == SV_EINPUT && strstr(e.msg, "held.video is not sorted"), "%s", e.msg);
    s.patterns = SV_KNN;                /* a file that says "knn" and one that says "knn-both" differ in more than the word */
    cr_assert_eq(sv_scene_save(&s, path, &e), 0, "%s", e.msg);
    e = (struct sv_err){0};
    cr_assert_eq(sv_scene_load(&back, path, &e), 0, "%s", e.msg);
    cr_expect(!sv_scene_joins(&back) && !back.held.heads && !back.usual);
    sv_scene_free(&back);
    for (s.usual = 1; s.usual <= 2; s.usual++) {    /* a sample that is another camera's alone is no scene */
        cr_assert_eq(sv_scene_save(&s, path, &e), 0, "%s", e.msg);
        const int rc = sv_scene_load(&back, path, &e);
        if (s.usual == 1) cr_expect(!rc && back.usual == 1 && back.samples == 2, "%s", e.msg);
        else cr_expect(rc == SV_EINPUT && strstr(e.msg, "scene.usual is 2, expected 1 .. 1"), "%s", e.msg);
        sv_scene_free(&back);
    }
    sv_actions_free(&s.actions);
}

/* What several heads say together: log(1 + surprise) of each among what that head by itself says of held-out tubes. */
Test(holdout, heads_are_added) {
    enum { N = 5, M = 1, SAMPLE = 40, HELD = 300, ROWS = 50 };
    float text[N * E], sample[SAMPLE * E], rows[ROWS * E], response[ROWS * N], z[SAMPLE * SV_FIGURE];
    double centre[M * N], alone[SV_HEADS][ROWS], held[SV_HEADS][HELD], joined[ROWS], nothing[ROWS], look[ROWS];
    uint64_t rng = 8;
    struct sv_figure shape[ROWS];
    struct sv_err e = {0};
    struct sv_cpu cpu = { .kern = sv_kern_best(), .block = sv_block_sizes(), .pool = sv_pool_new(2, &e) };
    for (size_t i = 0; i < N * E; i++) text[i] = (float)sv_rng_normal(&rng);
    for (size_t i = 0; i < SAMPLE * E; i++) sample[i] = (float)sv_rng_normal(&rng);
    for (size_t i = 0; i < ROWS * E; i++) rows[i] = (float)sv_rng_normal(&rng);
    for (size_t i = 0; i < SAMPLE * SV_FIGURE; i++) z[i] = (float)sv_rng_normal(&rng);
    for (size_t i = 0; i < N; i++) centre[i] = 1 / sqrt(N);
    for (size_t h = 0; h < SV_HEADS; h++)
        for (size_t i = 0; i < HELD; i++) held[h][i] = (double)(i + 1) / HELD * (h == SV_HEAD_FIGURE ? 3 : 0.5);
    for (size_t i = 0; i < ROWS; i++) shape[i] = (struct sv_figure){ i, -1, 10, 1 + sv_rng_unit(&rng), 2 + sv_rng_unit(&rng), sv_rng_normal(&rng), 0 };
    struct sv_scene s = { .texts = N, .embed = E, .centres = M, .samples = SAMPLE, .text = text, .centre = centre, .sample = sample, .neighbours = 3,
                          .figures = { .line = { 2, 0 }, .least = 1, .middle = { 0.7, 1.2, 0.3 }, .spread = { 0.2, 0.3, 0.4 }, .sample = z, .n = SAMPLE } };
    s.held.heads = HELD;
    static const enum sv_patterns each[] = { SV_KNN, SV_KNN_VIDEO, SV_NO_LOOKS, SV_KNN_BOTH };
    for (size_t k = 0; k < 4; k++) {
        const bool all = each[k] == SV_KNN_BOTH;
        s.patterns = each[k], s.figures.n = each[k] == SV_NO_LOOKS || all ? SAMPLE : 0;
        for (size_t h = 0; h < SV_HEADS; h++) s.held.head[h] = sv_scene_joins(&s) && sv_scene_has(&s, (enum sv_head)h) ? held[h] : NULL;
        struct sv_judge j;
        struct sv_verdict v = { .response = response, .score = all ? joined : each[k] == SV_NO_LOOKS ? nothing : alone[k], .shape = shape };
        cr_assert_eq(sv_judge_open(&j, &s, &cpu, &e), 0, "%s", e.msg);
        cr_assert_eq(sv_verdict_room(&v, &s, ROWS, &e), 0);
        sv_judge_run(&j, rows, ROWS, &v);
        if (each[k] == SV_NO_LOOKS) memcpy(alone[SV_HEAD_FIGURE], v.more[SV_HEAD_FIGURE], sizeof alone[0]);
        sv_verdict_free(&v), sv_judge_close(&j);
    }
    struct sv_normal d[SV_HEADS];
    for (size_t h = 0; h < SV_HEADS; h++) cr_assert_eq(sv_normal_init(&d[h], held[h], HELD, &e), 0);
    for (size_t i = 0; i < ROWS; i++) {
        look[i] = log((1 + sv_surprise(&d[SV_HEAD_LOOK], alone[SV_HEAD_LOOK][i])) * (1 + sv_surprise(&d[SV_HEAD_VIDEO], alone[SV_HEAD_VIDEO][i])));
        const double figure = log(1 + sv_surprise(&d[SV_HEAD_FIGURE], alone[SV_HEAD_FIGURE][i]));
        cr_expect(look[i] > 0 && figure > 0 && fabs(joined[i] - look[i] - figure) < 1e-12 * joined[i], "%zu: %.17g, expected %.17g", i, joined[i], look[i] + figure);
        cr_expect(fabs(nothing[i] - figure) < 1e-12, "%zu: %.17g, expected %.17g", i, nothing[i], figure);
    }
    sv_pool_free(cpu.pool);
}
