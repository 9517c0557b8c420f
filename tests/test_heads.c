/* test_heads.c - what stands beside the paper's score: nearest neighbours, flow, figures.  Against plain loops in double. */
#include "core/mem.h"
#include "core/rng.h"
#include "kmeans/figure.h"
#include "kmeans/knn.h"
#include "tests/tiny.h"
#include "tests/util.h"
#include "tfc/flow.h"
#include "tools/tool.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- nearest neighbours ---- */

static float *normal_rows(size_t rows, size_t dim, uint64_t seed) {
    float *x = malloc((rows * dim + 1) * sizeof *x);
    for (size_t i = 0; i < rows * dim; i++) x[i] = (float)sv_rng_normal(&seed);
    return x;
}

static int up(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* All distances, sorted. */
static double plain_knn(const float *x, const float *sample, size_t m, size_t dim, size_t k) {
    double *d = malloc(m * sizeof *d), sum = 0;
    for (size_t i = 0; i < m; i++) {
        double dot = 0, xx = 0, yy = 0;
        for (size_t j = 0; j < dim; j++) {
            const double a = (double)x[j], b = (double)sample[i * dim + j];
            dot += a * b, xx += a * a, yy += b * b;
        }
        d[i] = xx > 0 && yy > 0 ? 1 - dot / sqrt(xx * yy) : 0.5 * ((xx > 0) + (yy > 0));
    }
    qsort(d, m, sizeof *d, up);
    for (size_t i = 0; i < k; i++) sum += d[i] / (double)k;
    free(d);
    return sum;
}

Test(heads, nearest_neighbours_are_those_of_a_full_search) {
    static const size_t shape[][4] = { { 1, 1, 1, 1 }, { 7, 3, 5, 3 }, { 300, 258, 700, 8 }, { 2, 64, 3, 8 }, { 257, 17, 64, 64 } };
    for (size_t s = 0; s < 5; s++) {
        const size_t rows = shape[s][0], dim = shape[s][1], m = shape[s][2], k = sv_min(shape[s][3], m);
        float *x = normal_rows(rows, dim, s + 1), *sample = normal_rows(m, dim, s + 100);
        double *score = malloc(rows * sizeof *score), *again = malloc(rows * sizeof *again);
        for (size_t threads = 1; threads <= 3; threads++) {
            struct sv_cpu c;
            struct sv_knn g;
            cr_assert_eq(sv_cpu_open(&c, &(struct sv_common){ .threads = threads }, NULL), 0);
            cr_assert_eq(sv_knn_init(&g, &c, sample, m, dim, shape[s][3], NULL), 0);
            sv_knn_score(&g, &c, threads == 1 ? score : again, x, rows);
            sv_knn_free(&g), sv_cpu_close(&c);
            if (threads > 1) cr_assert_arr_eq(score, again, rows * sizeof *score, "%zu threads", threads);
        }
        for (size_t i = 0; i < rows; i++) {
            const double want = plain_knn(x + i * dim, sample, m, dim, k);
            cr_assert(fabs(score[i] - want) < 1e-6 / (double)k + 1e-9, "shape %zu, row %zu: %.12g, expected %.12g", s, i, score[i], want);
        }
        free(x), free(sample), free(score), free(again);
    }
}

Test(heads, a_row_of_the_sample_is_exactly_at_home) {
    float *sample = normal_rows(20, 30, 3);
    struct sv_cpu c;
    struct sv_knn g;
    double score[20];
    cr_assert_eq(sv_cpu_open(&c, &(struct sv_common){ .threads = 1 }, NULL), 0);
    cr_assert_eq(sv_knn_init(&g, &c, sample, 20, 30, 1, NULL), 0);
    sv_knn_score(&g, &c, score, sample, 20);
    for (size_t i = 0; i < 20; i++) cr_assert(!(score[i] > 0) && !(score[i] < 0), "row %zu: %g", i, score[i]);
    float odd[60] = { 0 };
    odd[30] = NAN;
    sv_knn_score(&g, &c, score, odd, 2);
    cr_assert(fabs(score[0] - 0.5) < 1e-15, "a zero row scores %g", score[0]);
    cr_assert(isnan(score[1]), "a row with NaN scores %g", score[1]);
    sv_knn_free(&g);
    sample[7] = INFINITY;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_knn_init(&g, &c, sample, 20, 30, 1, &e), SV_EINPUT, "%s", e.msg);
    cr_assert_eq(sv_knn_init(&g, &c, sample, 0, 30, 1, NULL), SV_EINPUT);
    sv_cpu_close(&c);
    free(sample);
}

/* ---- flow ---- */

enum { W = 120, H = 90 };

/* A ground with a texture, and a body of another whose corner lies at x, y (in pixels and parts of them). */
static void draw(uint8_t *luma, double x0, double y0, double w, double h) {
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const double bx = x - x0, by = y - y0;
            const bool body = bx >= 0 && by >= 0 && bx < w && by < h;
            luma[y * W + x] = (uint8_t)(body ? 90 + 60 * sin(bx * 0.7 + 1) * cos(by * 0.5) : 150 + 12 * sin(x * 0.9) * sin(y * 1.1));
        }
}

Test(heads, flow_finds_how_a_body_moves) {
    static const double move[][2] = { { 0, 0 }, { 3, 0 }, { -7, 2 }, { 0.5, 0 }, { 2.25, -1.5 }, { 12, 0 } };
    static uint8_t past[W * H], now[W * H], next[W * H];
    for (size_t i = 0; i < 6; i++) {
        const double *d = move[i], box[4] = { 48, 30, 62, 66 };
        double out[2];
        draw(past, 50 - d[0], 32 - d[1], 10, 32), draw(now, 50, 32, 10, 32), draw(next, 50 + d[0], 32 + d[1], 10, 32);
        sv_flow(past, now, next, W, H, box, out);
        cr_expect(fabs(out[0] - d[0]) < 0.3 && fabs(out[1] - d[1]) < 0.3, "both sides: %g %g, expected %g %g", out[0], out[1], d[0], d[1]);
        sv_flow(NULL, now, next, W, H, box, out);
        cr_expect(fabs(out[0] - d[0]) < 0.3 && fabs(out[1] - d[1]) < 0.3, "the first frame: %g %g, expected %g %g", out[0], out[1], d[0], d[1]);
        sv_flow(past, now, NULL, W, H, box, out);
        cr_expect(fabs(out[0] - d[0]) < 0.3 && fabs(out[1] - d[1]) < 0.3, "the last frame: %g %g, expected %g %g", out[0], out[1], d[0], d[1]);
    }
}

Test(heads, flow_is_none_where_nothing_can_be_seen) {
    static uint8_t flat[W * H];
    static const double box[][4] = { { 10, 10, 30, 60 }, { -50, -50, -1, -1 }, { 200, 10, 300, 50 }, { 0, 0, W, H }, { -1e6, -1e6, 1e6, 1e6 }, { 5, 5, 5.5, 5.5 } };
    memset(flat, 77, sizeof flat);
    for (size_t i = 0; i < 6; i++) {
        double out[2] = { 9, 9 };
        sv_flow(flat, flat, flat, W, H, box[i], out);
        cr_expect(fabs(out[0]) + fabs(out[1]) < 1e-9, "box %zu: %g %g", i, out[0], out[1]);
        sv_flow(NULL, flat, NULL, W, H, box[i], out);
        cr_expect(fabs(out[0]) + fabs(out[1]) < 1e-9, "box %zu, a clip of one frame: %g %g", i, out[0], out[1]);
    }
}

/* ---- figures ---- */

static double mid(double *v, size_t n) {
    qsort(v, n, sizeof *v, up);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

Test(heads, figures_are_medians_over_their_tracks) {
    enum { N = 400 };
    struct sv_figure f[N], was[N];
    uint64_t rng = 5;
    size_t n = 0;
    for (size_t t = 0; t < 60; t++)
        for (int64_t k = -1; k < 5; k++)
            if (sv_rng_unit(&rng) < 0.8)
                f[n++] = (struct sv_figure){ t, k, 10, 1 + sv_rng_unit(&rng), 2 + sv_rng_unit(&rng), sv_rng_normal(&rng), sv_rng_normal(&rng) };
    memcpy(was, f, sizeof f);
    cr_assert_eq(sv_figure_steady(f, n, NULL), 0);
    for (size_t i = 0; i < n; i++) {
        double w[9], right[9];
        size_t m = 0;
        for (size_t k = 0; k < n; k++)
            if (was[k].track == was[i].track && (was[i].track >= 0 || k == i) && was[k].frame + 4 >= was[i].frame && was[k].frame <= was[i].frame + 4)
                w[m] = was[k].w, right[m++] = was[k].right;
        cr_assert(fabs(f[i].w - mid(w, m)) < 1e-15 && fabs(f[i].right - mid(right, m)) < 1e-15, "figure %zu of track %d", i, (int)f[i].track);
    }
}

/* Walkers of a street seen from above: as tall as their row says, as fast as walkers are. */
static size_t walkers(struct sv_figure *f, size_t n, uint64_t seed) {
    for (size_t i = 0; i < n; i++) {
        const double y = 60 + 160 * sv_rng_unit(&seed), tall = 5 + 0.2 * y, v = tall * (0.03 + 0.003 * sv_rng_normal(&seed));
        f[i] = (struct sv_figure){ i, (int64_t)i, y, tall * (0.4 + 0.03 * sv_rng_normal(&seed)), tall * (1 + 0.05 * sv_rng_normal(&seed)), i % 2 ? v : -v, 0 };
        if (i % 50 == 7) f[i].h *= 2, f[i].w *= 2;     /* two in one box */
    }
    return n;
}

Test(heads, figures_know_the_height_of_a_row) {
    enum { N = 3000 };
    static struct sv_figure f[N];
    struct sv_figures g;
    walkers(f, N, 3);
    cr_assert_eq(sv_figures_fit(&g, f, NULL, N, 0, NULL), 0);
    for (double y = 60; y <= 220; y += 40) cr_expect(fabs(sv_figures_height(&g, y) / (5 + 0.2 * y) - 1) < 0.02, "row %g: %g", y, sv_figures_height(&g, y));
    cr_expect(sv_figures_height(&g, -1e6) > 0);
    sv_figures_free(&g);
}

static double plain_score(const struct sv_figures *g, const struct sv_figure *f) {
    double d[SV_FIGURE_SAMPLE], z[3], sum = 0, raw[3];
    const double tall = fmax(g->line[0] + g->line[1] * f->bottom, g->least);
    raw[0] = f->w / tall, raw[1] = f->h / tall, raw[2] = sqrt(f->right * f->right + f->down * f->down) / tall;
    for (size_t i = 0; i < 3; i++) {
        z[i] = (raw[i] - g->middle[i]) / g->spread[i];
        if (z[i] < 0) z[i] /= 4;
    }
    for (size_t i = 0; i < g->n; i++) {
        d[i] = 0;
        for (size_t k = 0; k < 3; k++) d[i] += pow(z[k] - (double)g->sample[3 * i + k], 2);
        d[i] = sqrt(d[i]);
    }
    qsort(d, g->n, sizeof *d, up);
    const size_t k = g->n < 8 ? g->n : 8;
    for (size_t i = 0; i < k; i++) sum += d[i] / (double)k;
    return sum;
}

Test(heads, the_fast_and_the_wide_stand_out) {
    enum { N = 6000 };
    static struct sv_figure f[N];
    static double score[N], again[N];
    struct sv_figures g;
    walkers(f, N, 9);
    cr_assert_eq(sv_figures_fit(&g, f, NULL, N, 1, NULL), 0);
    cr_assert_eq(g.n, SV_FIGURE_SAMPLE);
    struct sv_figure fast = f[100], wide = f[100], small = f[100];
    fast.right *= 3, wide.w *= 2.2, small.w *= 0.4;
    struct sv_figure three[3] = { fast, wide, small };
    double s[3], usual[N];
    sv_figures_score(NULL, score, &g, f, N);
    sv_figures_score(NULL, s, &g, three, 3);
    memcpy(usual, score, sizeof usual);
    qsort(usual, N, sizeof *usual, up);
    cr_expect_gt(s[0], usual[N * 97 / 100], "fast: %g", s[0]);
    cr_expect_gt(s[1], usual[N * 97 / 100], "wide: %g", s[1]);
    cr_expect_lt(s[2], s[1], "what is cut counts less than what is wide: %g, %g", s[2], s[1]);
    for (size_t i = 0; i < N; i += 97)
        cr_assert(fabs(score[i] - plain_score(&g, &f[i])) < 1e-12, "object %zu: %.15g, expected %.15g", i, score[i], plain_score(&g, &f[i]));
    struct sv_cpu c;
    cr_assert_eq(sv_cpu_open(&c, &(struct sv_common){ .threads = 3 }, NULL), 0);
    sv_figures_score(c.pool, again, &g, f, N);
    cr_assert_arr_eq(score, again, sizeof score);
    sv_cpu_close(&c);
    sv_figures_free(&g);
}

/* The same street from another place: rows and heights of another camera, and a car for every fifth walker. */
Test(heads, figures_move_to_another_camera) {
    enum { N = 3000 };
    static struct sv_figure f[N], there[N + N / 5];
    static double score[N], moved[N], unmoved[N];
    static float sample[SV_FIGURE_SAMPLE * SV_FIGURE];
    struct sv_figures g;
    walkers(f, N, 4);
    cr_assert_eq(sv_figures_fit(&g, f, NULL, N, 0, NULL), 0);
    const struct sv_figures was = g;
    memcpy(sample, g.sample, g.n * SV_FIGURE * sizeof *sample);
    for (size_t i = 0; i < N; i++) {
        const double y = f[i].bottom, k = (90 + 0.5 * y) / (5 + 0.2 * y);
        there[i] = (struct sv_figure){ f[i].frame, f[i].track, 2 * y, k * f[i].w, k * f[i].h, k * f[i].right, 0 };
    }
    for (size_t i = 0; i < N / 5; i++) there[N + i] = there[i], there[N + i].h *= 0.55, there[N + i].w *= 5;
    sv_figures_score(NULL, score, &g, f, N);
    sv_figures_score(NULL, unmoved, &g, there, N);
    cr_assert_eq(sv_figures_adapt(&g, there, N + N / 5, NULL), 0);
    sv_figures_score(NULL, moved, &g, there, N);
    double apart = 0, before = 0;
    for (size_t i = 0; i < N; i++) apart += fabs(moved[i] - score[i]) / N, before += fabs(unmoved[i] - score[i]) / N;
    cr_expect_lt(apart, 0.1, "%g", apart);
    cr_expect_gt(before, 10 * apart, "%g, %g", before, apart);
    cr_expect(fabs(sv_figures_height(&g, 200) / 140 - 1) < 0.02, "%g", sv_figures_height(&g, 200));
    cr_expect(g.n == was.n && !memcmp(g.sample, sample, g.n * SV_FIGURE * sizeof *sample) && !memcmp(g.middle, was.middle, sizeof g.middle) &&
              !memcmp(g.spread, was.spread, sizeof g.spread));
    const struct sv_figures good = g;
    there[7].h = NAN;
    struct sv_err e = { 0 };
    cr_expect_eq(sv_figures_adapt(&g, there, N, &e), SV_EINPUT);
    cr_expect_eq(sv_figures_adapt(&g, there, 0, NULL), SV_EINPUT);
    cr_expect(strstr(e.msg, "figure 7") && !memcmp(g.line, good.line, sizeof g.line), "%s", e.msg);
    sv_figures_free(&g);
}

Test(heads, figures_of_few_and_of_equals) {
    struct sv_figure f[3] = { { 0, 0, 100, 10, 30, 1, 0 }, { 1, 0, 100, 10, 30, 1, 0 }, { 2, 0, 100, 10, 30, 1, 0 } };
    struct sv_figures g;
    double score[3];
    cr_assert_eq(sv_figures_fit(&g, f, NULL, 3, 0, NULL), 0);
    sv_figures_score(NULL, score, &g, f, 3);
    for (size_t i = 0; i < 3; i++) cr_expect(fabs(score[i]) < 1e-9, "equals: %g", score[i]);
    sv_figures_free(&g);
    const uint8_t use[3] = { 0, 1, 0 };
    cr_assert_eq(sv_figures_fit(&g, f, use, 3, 0, NULL), 0);
    cr_assert_eq(g.n, 1);
    f[1].right = NAN;
    sv_figures_score(NULL, score, &g, f, 3);
    cr_expect(isnan(score[1]), "NaN: %g", score[1]);
    sv_figures_free(&g);
    struct sv_err e = { 0 };
    cr_assert_eq(sv_figures_fit(&g, f, NULL, 3, 0, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "figure 1"), "%s", e.msg);
    e.code = 0;
    cr_assert_eq(sv_figures_fit(&g, f, NULL, 0, 0, &e), SV_EINPUT);
    sv_figures_free(&g);
}

/* ---- the commands ---- */

static char root[4096];

/* A street for the tiny model: walkers of all sizes, in test one who is twice as wide and as fast.  40 frames a clip. */
static void film(const char *set, const char *name, bool odd) {
    static uint8_t ppm[64 + W * H * 3];
    char path[4200];
    snprintf(path, sizeof path, "%s/%s/%s", root, set, name);
    cr_assert_eq(sv_mkdirs(path, NULL), 0);
    snprintf(path, sizeof path, "%s/%s.txt", root, set);
    FILE *boxes = fopen(path, "a");
    cr_assert(boxes);
    for (int t = 0; t < 40; t++) {
        uint8_t luma[W * H];
        char file[64];
        const size_t head = (size_t)sprintf((char *)ppm, "P6 %d %d 255\n", W, H);
        const double fast = odd && t >= 20 ? 3 : 1, x = odd && t >= 20 ? 20 + fast * (t - 20) : 10 + t + 0.5 * name[0] - 48;
        const double w = odd && t >= 20 ? 20 : 10;
        draw(luma, x, 32, w, 32);
        for (size_t i = 0; i < W * H; i++) memset(ppm + head + 3 * i, luma[i], 3);
        snprintf(file, sizeof file, "%s/%s/f%02d.ppm", set, name, t);
        cr_assert_eq(tiny_write(root, file, ppm, head + sizeof luma * 3), 0);
        fprintf(boxes, "%s %d %.2f 32 %.2f 64 0.9\n%s %d 90 20 98 %d 0.9\n", name, t, x, x + w, name, t, 45 + t % 2);
    }
    fclose(boxes);
}

static void folder(void) {
    static struct ran r;
    snprintf(root, sizeof root, "%s", temp_dir());
    cr_assert_eq(tiny_folder(root), 0);
    run_svad(&r, root, "convert model.safetensors --vocab merges.txt --act quick -o m.svad --quiet");
    cr_assert_eq(r.code, 0, "%s", r.err);
    for (const char *c = "abcdefgh"; *c; c++) film("train", (char[]){ *c, 0 }, false);
    film("test", "x", false), film("test", "y", true);
    static const char none[] = "00000000000000000000", all[] = "11111111111111111111";
    char labels[128];
    const int n = snprintf(labels, sizeof labels, "x 40 %s%s\ny 40 %s%s\n", none, none, none, all);
    cr_assert_eq(tiny_write(root, "labels.txt", labels, (size_t)n), 0);
}

static int differ(const char *a, const char *b) {
    struct sv_file x, y;
    char p[4200], q[4200];
    snprintf(p, sizeof p, "%s/%s", root, a), snprintf(q, sizeof q, "%s/%s", root, b);
    cr_assert_eq(sv_file_read(&x, p, 1 << 26, NULL), 0, "%s", p);
    cr_assert_eq(sv_file_read(&y, q, 1 << 26, NULL), 0, "%s", q);
    const int d = x.size != y.size || memcmp(x.data, y.data, x.size);
    sv_file_close(&x), sv_file_close(&y);
    return d;
}

#define RUN(want, ...) do { \
    run_svad(&r, root, __VA_ARGS__); \
    cr_assert_eq(r.code, want, "%s: %d, expected %d: %s", #__VA_ARGS__, r.code, want, r.err); } while (0)
#define FIT "fit -m m.svad train --boxes train.txt --actions actions.txt --clusters 2 --prompts 0 --fps 10 "
#define SCORE "score -m m.svad -s s.scene test --boxes test.txt --fps 10 --tubes centre "

Test(heads, size_and_speed_find_what_is_large_and_fast) {
    static struct ran r;
    folder();
    RUN(0, FIT "--patterns none --with motion -o s.scene");
    cr_expect(strstr(r.out, "size and speed: bodies"), "%s", r.out);
    RUN(0, SCORE "-o out --threads 1");
    RUN(0, SCORE "-o out3 --threads 3 --batch 5");
    cr_expect_eq(differ("out/objects.csv", "out3/objects.csv"), 0);
    cr_expect_eq(differ("out/y.svad", "out3/y.svad"), 0);
    RUN(0, "eval out --labels labels.txt");
    const char *micro = strstr(r.out, "micro");
    cr_assert(micro && atof(micro + 5) > 0.95, "%s", r.out);
    RUN(0, "verify s.scene");
}

Test(heads, every_head_scores_what_was_stored_as_it_scores_video) {
    static const char *const head[] = { "--patterns knn", "--patterns knn-video --neighbours 3", "--with motion", "--patterns knn --with motion --center",
                                        "--patterns knn-both", "--patterns knn-both --with motion" };
    static struct ran r;
    folder();
    RUN(0, "extract -m m.svad train --boxes train.txt --fps 10 --with motion -o ftrain");
    RUN(0, "extract -m m.svad test --boxes test.txt --fps 10 --with motion -o ftest");
    for (size_t i = 0; i < SV_LEN(head); i++) {
        RUN(0, FIT "%s -o s.scene --threads 1", head[i]);
        RUN(0, "fit -m m.svad ftrain --actions actions.txt --clusters 2 --prompts 0 %s -o f.scene --threads 3", head[i]);
        cr_expect_eq(differ("s.scene", "f.scene"), 0, "%s", head[i]);
        RUN(0, SCORE "-o a%zu", i);
        RUN(0, "score -m m.svad -s s.scene ftest -o b%zu", i);
        RUN(0, "score -m m.svad -s s.scene a%zu -o c%zu", i, i);
        char x[32], y[32], z[32];
        snprintf(x, sizeof x, "a%zu/scores.csv", i), snprintf(y, sizeof y, "b%zu/scores.csv", i), snprintf(z, sizeof z, "c%zu/scores.csv", i);
        cr_expect_eq(differ(x, y), 0, "%s: features", head[i]);
        cr_expect_eq(differ(x, z), 0, "%s: objects", head[i]);
        cr_expect(i == 0 || differ(x, "a0/scores.csv"), "%s scores as the first did", head[i]);
    }
}

static double member(const char *json, const char *name) {
    const char *at = strstr(json, name);
    cr_assert(at, "%s in %s", name, json);
    return atof(at + strlen(name) + 2);
}

Test(heads, a_scene_is_adapted_by_boxes_alone) {
    static struct ran r;
    folder();
    RUN(0, FIT "--patterns none --with motion -o s.scene");
    RUN(0, "extract -m m.svad test --boxes test.txt --fps 10 --with motion -o ftest");
    RUN(0, SCORE "-o out");
    RUN(0, "adapt -s s.scene test --boxes test.txt -o video.scene --json");
    const double line = member(r.out, "\"line\""), slope = member(r.out, "\"slope\"");
    cr_expect(member(r.out, "\"objects\"") == 160 && slope > 0.2, "%s", r.out);
    RUN(0, "adapt -s s.scene ftest -o features.scene");
    RUN(0, "adapt -s s.scene out -o objects.scene");
    cr_expect_eq(differ("video.scene", "features.scene"), 0);
    cr_expect_eq(differ("video.scene", "objects.scene"), 0);
    RUN(0, "verify video.scene");
    RUN(0, "score -m m.svad -s video.scene out -o again");
    /* A camera from twice as far. */
    cr_assert_eq(run_shell(&r, root, "awk '{ for (i = 3; i < 7; i++) $i /= 2; print }' test.txt > far.txt"), 0);
    RUN(0, "adapt -s s.scene test --boxes far.txt -o far.scene --json");
    cr_expect(fabs(member(r.out, "\"line\"") - line / 2) < 0.05 * fabs(line) && fabs(member(r.out, "\"slope\"") / slope - 1) < 0.05, "%s; line %g, slope %g", r.out, line, slope);
    cr_expect(differ("far.scene", "video.scene"));
    RUN(0, "adapt -s s.scene test -o moving.scene");
    cr_expect(strstr(r.out, "bodies") && strstr(r.err, "using motion proposals"), "%s%s", r.out, r.err);

    RUN(1, "adapt -s s.scene test");
    RUN(1, "adapt test -o x.scene");
    RUN(1, "adapt -s s.scene ftest --boxes test.txt -o x.scene");
    RUN(2, "adapt -s s.scene test --boxes train.txt -o x.scene");
    RUN(4, "adapt -s s.scene test --boxes test.txt -o none/x.scene");
    RUN(2, "adapt -s s.scene test --boxes test.txt --min-score 0.95 -o x.scene");
    cr_expect(strstr(r.err, "adapt: no box in 2 clips"), "%s", r.err);
    RUN(0, "extract -m m.svad test --boxes test.txt --fps 10 -o without");
    RUN(2, "adapt -s s.scene without -o x.scene");
    cr_expect(strstr(r.err, "--with motion"), "%s", r.err);
    RUN(0, FIT "-o looks.scene");
    RUN(2, "adapt -s looks.scene test --boxes test.txt -o x.scene");
    cr_expect(strstr(r.err, "--with motion"), "%s", r.err);
    RUN(2, "adapt -s looks.scene -m m.svad test --boxes test.txt -o x.scene");
    cr_expect(strstr(r.err, "--patterns knn"), "%s", r.err);
    RUN(2, "adapt -s s.scene -m m.svad test --boxes test.txt -o x.scene");
    RUN(2, "adapt -s s.scene -m s.scene test --boxes test.txt -o x.scene");
    cr_expect_neq(run_shell(&r, root, "ls x.scene"), 0, "nothing is left behind");
}

Test(heads, what_recurs_at_another_camera_is_normal_there) {
    static const char *const head[] = { "--patterns knn", "--patterns knn --with motion --center", "--patterns knn-video", "--patterns knn-video --with motion",
                                        "--patterns knn-both --with motion" };
    static struct ran r;
    folder();
    film("odd", "a", true), film("odd", "b", true), film("odd", "c", true);       /* nothing else all day */
    RUN(0, "extract -m m.svad odd --boxes odd.txt --fps 10 --with motion -o fodd");
    for (size_t i = 0; i < SV_LEN(head); i++) {
        RUN(0, FIT "%s -o s.scene", head[i]);
        RUN(0, "adapt -s s.scene -m m.svad odd --boxes odd.txt --fps 10 -o t.scene --json --threads 1");
        cr_expect(member(r.out, "\"stretches\"") == 9 && member(r.out, "\"tubes\"") == 240, "%s: %s", head[i], r.out);
        const double common = member(r.out, "\"recurring\"");
        cr_expect(common > 60 && member(r.out, "\"added\"") == common, "%s: %s", head[i], r.out);
        cr_expect_eq(strstr(head[i], "motion") != NULL, strstr(r.out, "slope") != NULL, "%s: %s", head[i], r.out);
        RUN(0, "adapt -s s.scene -m m.svad fodd -o f.scene --threads 3");
        cr_expect_eq(differ("t.scene", "f.scene"), 0, "%s: features", head[i]);
        RUN(0, "adapt -s t.scene -m m.svad fodd -o f.scene");
        cr_expect_eq(differ("t.scene", "f.scene"), 0, "%s: the second time takes the place of the first", head[i]);
        RUN(0, "verify t.scene");
        RUN(0, SCORE "-o before --normal walk");
        RUN(0, "eval before --labels labels.txt --json");
        const double before = member(r.out, "\"micro\"");
        RUN(0, "score -m m.svad -s t.scene test --boxes test.txt --fps 10 -o after --normal walk");
        RUN(0, "eval after --labels labels.txt --json");
        cr_expect(member(r.out, "\"micro\"") < before, "%s: %s where it was %g: what was odd still is", head[i], r.out, before);
        cr_assert_eq(run_shell(&r, root, "for d in before after; do sed -n 's/.*\"threshold\": \\([^,]*\\).*/\\1/p' $d/run.json | tail -1; done | uniq | wc -l"), 0);
        cr_expect(atoi(r.out) == 1, "%s: a text's threshold is of the training: %s", head[i], r.out);
        cr_assert_eq(run_shell(&r, root, "rm -r before after"), 0);
    }
    cr_assert_eq(run_shell(&r, root, "mkdir short && cp -r odd/a short && awk '$1 == \"a\" && $2 < 8' odd.txt > short.txt"), 0);
    RUN(2, "adapt -s s.scene -m m.svad short --boxes short.txt --fps 10 -o x.scene");
    cr_expect(strstr(r.err, "nothing can recur"), "%s", r.err);
    cr_expect_neq(run_shell(&r, root, "ls x.scene"), 0, "nothing is left behind");
}

Test(heads, what_does_not_fit_is_refused) {
    static struct ran r;
    folder();
    RUN(1, FIT "--patterns means -o s.scene");
    cr_expect(strstr(r.err, "expected kmeans, knn, knn-video, knn-both or none"), "%s", r.err);
    RUN(1, FIT "--patterns none -o s.scene");
    cr_expect(strstr(r.err, "--with motion"), "%s", r.err);
    RUN(1, FIT "--with looks -o s.scene");
    RUN(1, FIT "--with motion --hold-out 0 -o s.scene");
    cr_expect(strstr(r.err, "--hold-out"), "%s", r.err);
    RUN(0, FIT "--tubes track --steady 3 --hold-out 0 -o s.scene");        /* no p-values then, as ever */
    cr_expect(strstr(r.out, "scores of training tubes"), "%s", r.out);
    RUN(1, FIT "--steady 3 -o s.scene");
    cr_expect(strstr(r.err, "expected --tubes track"), "%s", r.err);
    RUN(1, FIT "--tubes track --steady 65 -o s.scene");
    RUN(2, "fit -m m.svad clip --boxes boxes.txt --actions actions.txt --clusters 2 --prompts 0 --with motion -o s.scene");
    cr_expect(strstr(r.err, "too little footage"), "%s", r.err);
    RUN(0, FIT "--with motion -o s.scene");
    RUN(2, "score -m m.svad -s s.scene test --boxes test.txt -o out");
    cr_expect(strstr(r.err, "--fps"), "%s", r.err);
    RUN(0, "extract -m m.svad test --boxes test.txt --fps 10 -o without");
    RUN(2, "score -m m.svad -s s.scene without -o out");
    cr_expect(strstr(r.err, "--with motion"), "%s", r.err);
    RUN(2, "extract -m m.svad test --boxes test.txt --fps 10 --with motion -o without");
    cr_expect(strstr(r.err, "is there already"), "%s", r.err);
}
