/* The losses against finite differences in double, the optimiser against PyTorch's. */
#include "core/mem.h"
#include "core/rng.h"
#include "nn/adamw.h"
#include "nn/loss.h"
#include "tests/golden/adamw.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

/* ---- losses ---- */

enum { B = 23, N = 41, E = 37 };        /* the largest of the shapes; odd, with tails */

struct rows { float video[B * E], text[N * E], dvideo[B * E], dtext[N * E]; uint32_t target[B], rank[B]; };
static struct rows r;

static void fill(uint64_t seed, const struct sv_nce *x) {
    for (size_t i = 0; i < x->batch * x->width; i++) r.video[i] = (float)(6 * sv_rng_unit(&seed) - 3);
    for (size_t i = 0; i < x->classes * x->width; i++) r.text[i] = (float)(sv_rng_unit(&seed) - 0.5);
    for (size_t i = 0; i < x->batch; i++) r.target[i] = (uint32_t)sv_rng_below(&seed, x->classes);
}

/* cos of rows b and j with element at (of the rows of `which`) moved by h. */
static double cosine(const struct sv_nce *x, size_t b, size_t j, const float *moved, double h) {
    double uu = 0, tt = 0, ut = 0;
    for (size_t i = 0; i < x->width; i++) {
        const float *pu = x->video + b * x->width + i, *pt = x->text + j * x->width + i;
        const double u = *pu + (pu == moved ? h : 0), t = *pt + (pt == moved ? h : 0);
        uu += u * u, tt += t * t, ut += u * t;
    }
    return uu > 0 && tt > 0 ? ut / sqrt(uu * tt) : 0;
}

static double cross(const double *l, size_t n, size_t stride, size_t target) {
    double max = -INFINITY, sum = 0;
    for (size_t j = 0; j < n; j++) max = fmax(max, l[j * stride]);
    for (size_t j = 0; j < n; j++) sum += exp(l[j * stride] - max);
    return max + log(sum) - l[target * stride];
}

static double plain_loss(const struct sv_nce *x, const float *moved, double h, double more_scale) {
    static double l[N * N];
    const size_t n = x->classes;
    double rows = 0, cols = 0;
    for (size_t b = 0; b < x->batch; b++)
        for (size_t j = 0; j < n; j++) l[b * n + j] = x->scale * exp(more_scale) * cosine(x, b, j, moved, h);
    for (size_t b = 0; b < x->batch; b++) rows += cross(l + b * n, n, 1, x->two_sided ? b : x->target[b]) / (double)x->batch;
    for (size_t j = 0; x->two_sided && j < n; j++) cols += cross(l + j, n, n, j) / (double)n;
    return x->two_sided ? (rows + cols) / 2 : rows;
}

static double run(const struct sv_cpu *c, const struct sv_nce *x, const struct sv_nce_out *out) {
    float *scratch = sv_alloc(sv_nce_floats(c, x->batch, x->classes, x->width), sizeof *scratch, NULL);
    cr_assert(scratch);
    const double loss = sv_nce(c, x, out, scratch);
    sv_free(scratch);
    return loss;
}

static void slopes(const struct sv_nce *x, const float *at, const float *got, size_t n, const char *what) {
    const double h = 1e-4;
    for (size_t i = 0; i < n; i++) {
        const double want = (plain_loss(x, at + i, h, 0) - plain_loss(x, at + i, -h, 0)) / (2 * h);
        cr_assert(fabs((double)got[i] - want) <= 2e-6 * fmax(1, x->scale / 10), "%s[%zu] is %g, expected %g", what, i, (double)got[i], want);
    }
}

static const struct { size_t batch, classes, width; float scale; bool two_sided; } shapes[] = {
    { 1, 1, 1, 10, false }, { 3, 1, 5, 10, false }, { 5, 7, 3, 10, false }, { 7, 12, 37, 1, false }, { 23, 41, 9, 14.3f, false },
    { 1, 1, 4, 10, true }, { 9, 9, 13, 10, true }, { 17, 17, 8, 100, true },
};

Test(train, loss_gradients_are_the_slopes) {
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++)
        for (size_t s = 0; s < SV_LEN(shapes); s++) {
            const struct sv_cpu c = { *k, NULL };
            const struct sv_nce x = { shapes[s].batch, shapes[s].classes, shapes[s].width, r.video, r.text, r.target, shapes[s].scale,
                                      shapes[s].two_sided };
            double dscale = NAN;
            const struct sv_nce_out out = { r.dvideo, r.dtext, &dscale, r.rank };
            fill(s + 1, &x);
            const double loss = run(&c, &x, &out), want = plain_loss(&x, NULL, 0, 0), h = 1e-4;
            cr_assert(fabs(loss - want) <= 1e-6 * fmax(1, want), "shape %zu: loss %.9g, expected %.9g", s, loss, want);
            slopes(&x, r.video, r.dvideo, x.batch * x.width, "dvideo");
            slopes(&x, r.text, r.dtext, x.classes * x.width, "dtext");
            const double slope = (plain_loss(&x, NULL, 0, h) - plain_loss(&x, NULL, 0, -h)) / (2 * h);
            cr_assert(fabs(dscale - slope) <= 1e-6 * fmax(1, x.scale), "shape %zu: dscale %.9g, expected %.9g", s, dscale, slope);
            for (size_t b = 0; b < x.batch; b++) {
                size_t above = 0, target = x.two_sided ? b : r.target[b];
                for (size_t j = 0; j < x.classes; j++) above += cosine(&x, b, j, NULL, 0) > cosine(&x, b, target, NULL, 0);
                cr_assert_eq(r.rank[b], above, "shape %zu, row %zu", s, b);
            }
            cr_expect_eq(run(&c, &x, NULL), loss);
        }
}

Test(train, loss_has_the_same_bits_for_any_threads) {
    static struct rows one;
    const struct sv_nce x = { B, N, E, r.video, r.text, r.target, 10, false }, pairs = { B, B, E, r.video, r.text, NULL, 30, true };
    fill(3, &x);
    for (size_t t = 1; t <= 8; t++) {
        struct sv_cpu c = { sv_kern_best(), sv_pool_new(t, NULL) };
        static double loss[4];
        double dscale[2], got[4];
        got[0] = run(&c, &x, &(struct sv_nce_out){ r.dvideo, r.dtext, dscale, r.rank });
        if (t == 1) one = r;
        cr_expect_arr_eq(&one, &r, sizeof r, "%zu threads", t);
        got[1] = run(&c, &pairs, &(struct sv_nce_out){ r.dvideo, r.dtext, dscale + 1, r.rank });
        got[2] = dscale[0], got[3] = dscale[1];
        if (t == 1) memcpy(loss, got, sizeof loss);
        cr_expect_arr_eq(loss, got, sizeof got, "%zu threads", t);
        sv_pool_free(c.pool);
    }
}

Test(train, loss_of_rows_without_a_direction) {
    const struct sv_cpu c = { sv_kern_best(), NULL };
    const struct sv_nce x = { 5, 7, 9, r.video, r.text, r.target, 10, false };
    const struct sv_nce_out out = { r.dvideo, r.dtext, NULL, r.rank };
    fill(4, &x);
    memset(r.video + 9, 0, 9 * sizeof(float)), memset(r.text + 18, 0, 9 * sizeof(float));
    cr_expect(fabs(run(&c, &x, &out) - plain_loss(&x, NULL, 0, 0)) < 1e-6);
    for (size_t i = 0; i < 9; i++) cr_expect(r.dvideo[9 + i] == 0 && r.dtext[18 + i] == 0);
    cr_expect_eq(r.rank[1], r.target[1]);           /* all cosines are equal: the earlier classes count */
    static const float bad[] = { NAN, INFINITY, -INFINITY };
    for (size_t i = 0; i < SV_LEN(bad); i++) {
        fill(4, &x), r.video[40] = bad[i];
        cr_expect(!isfinite(run(&c, &x, &out)), "%g in a video row", (double)bad[i]);
        fill(4, &x), r.text[50] = bad[i];
        cr_expect(!isfinite(run(&c, &x, &out)), "%g in a text row", (double)bad[i]);
    }
}

/* A target 200 below the largest logit has a probability of 0 in f32, but a loss of 200. */
Test(train, loss_of_a_hopeless_row) {
    static const float video[2] = { 1, 0 }, text[4] = { -1, 0, 1, 0 };
    static const uint32_t target[1] = { 0 };
    const struct sv_cpu c = { sv_kern_best(), NULL };
    const struct sv_nce x = { 1, 2, 2, video, text, target, 100, false };
    cr_expect_float_eq(run(&c, &x, NULL), 200, 1e-4);
}

/* ---- the optimiser ---- */

Test(train, adamw_is_pytorchs) {
    for (size_t k = 0; k < SV_LEN(adamw_golden); k++) {
        const struct sv_adamw o = { adamw_golden[k].beta1, adamw_golden[k].beta2, adamw_golden[k].eps, adamw_golden[k].decay };
        const struct sv_schedule lr = { adamw_golden[k].lr, adamw_golden[k].warm, ADAMW_STEPS, adamw_golden[k].cosine };
        uint64_t rng = adamw_golden[k].seed;
        float w[ADAMW_N], g[ADAMW_N], m[ADAMW_N] = {0}, v[ADAMW_N] = {0};
        for (size_t i = 0; i < ADAMW_N; i++) w[i] = (float)(2 * sv_rng_unit(&rng) - 1);
        for (uint64_t step = 0; step < ADAMW_STEPS; step++) {
            const float size = (float)pow(10, -(double)(step % 5));
            for (size_t i = 0; i < ADAMW_N; i++) g[i] = (float)(2 * sv_rng_unit(&rng) - 1) * size;
            sv_clip_norm(NULL, g, ADAMW_N, adamw_golden[k].limit);
            sv_adamw_step(NULL, &o, sv_schedule_lr(&lr, step), step + 1, w, m, v, g, ADAMW_N);
        }
        for (size_t i = 0; i < ADAMW_N; i++)
            cr_assert(fabsf(w[i] - adamw_golden[k].w[i]) <= 1e-6f, "run %zu: weight %zu is %.9g, expected %.9g", k, i, (double)w[i],
                      (double)adamw_golden[k].w[i]);
    }
}

Test(train, schedules) {
    const struct sv_schedule flat = { .lr = 3 }, warm = { .lr = 2, .warm = 4 }, cosine = { 1, 2, 12, true };
    cr_expect_eq(sv_schedule_lr(&flat, 0), 3);
    cr_expect_eq(sv_schedule_lr(&flat, 1000000), 3);
    cr_expect(sv_schedule_lr(&warm, 0) == 0.5 && sv_schedule_lr(&warm, 3) == 2 && sv_schedule_lr(&warm, 4) == 2);
    cr_expect(sv_schedule_lr(&cosine, 0) == 0.5 && sv_schedule_lr(&cosine, 1) == 1 && sv_schedule_lr(&cosine, 2) == 1);
    cr_expect_float_eq(sv_schedule_lr(&cosine, 7), 0.5, 1e-15);
    cr_expect(sv_schedule_lr(&cosine, 11) > 0 && sv_schedule_lr(&cosine, 12) == 0 && sv_schedule_lr(&cosine, 13) == 0);
}

Test(train, clipping) {
    float g[4] = { 3, 0, 4, 0 };
    cr_expect_eq(sv_clip_norm(NULL, g, 4, 0), 5);
    cr_expect_eq(sv_clip_norm(NULL, g, 4, 5.1), 5);
    cr_expect(g[0] == 3 && g[2] == 4);
    cr_expect_eq(sv_clip_norm(NULL, g, 4, 1), 5);
    cr_expect_float_eq(g[0], 0.6f, 1e-6f);
    cr_expect_float_eq(g[2], 0.8f, 1e-6f);
    cr_expect_eq(sv_clip_norm(NULL, g, 0, 1), 0);
    g[1] = NAN;
    cr_expect(isnan(sv_clip_norm(NULL, g, 4, 0.1)));
    cr_expect_float_eq(g[0], 0.6f, 1e-6f);
}

Test(train, optimiser_has_the_same_bits_for_any_threads) {
    enum { W = 5003 };
    static float w[W], g[W], m[W], v[W], want[W];
    for (size_t t = 1; t <= 7; t += 2) {
        struct sv_pool *p = sv_pool_new(t, NULL);
        uint64_t rng = 5;
        memset(m, 0, sizeof m), memset(v, 0, sizeof v);
        for (size_t i = 0; i < W; i++) w[i] = (float)sv_rng_unit(&rng);
        for (uint64_t step = 1; step < 4; step++) {
            for (size_t i = 0; i < W; i++) g[i] = (float)(sv_rng_unit(&rng) - 0.5);
            sv_clip_norm(p, g, W, 0.5);
            sv_adamw_step(p, &SV_ADAMW, 1e-2, step, w, m, v, g, W);
        }
        if (t == 1) memcpy(want, w, sizeof w);
        cr_expect_arr_eq(want, w, sizeof w, "%zu threads", t);
        sv_pool_free(p);
    }
}
