#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "kmeans/auc.h"
#include "tests/golden/normal.h"

static void near(double a, double b, double bound, const char *what) {
    cr_assert(fabs(a - b) <= bound, "%s: %.17g, expected %.17g", what, a, b);
}

Test(auc, is_the_oracle) {
    const size_t lens[4] = { 40, 25, 7, 3 };
    struct sv_auc_clip raw[4], smooth[4];
    static double out[75];
    struct sv_err e = { 0 };
    for (size_t i = 0, at = 0; i < 4; at += lens[i++]) {
        raw[i] = (struct sv_auc_clip){ "c", auc_label + at, auc_score + at, lens[i] };
        smooth[i] = (struct sv_auc_clip){ "c", auc_label + at, out + at, lens[i] };
        cr_assert_eq(sv_smooth(out + at, auc_score + at, lens[i], 3, &e), 0, "%s", e.msg);
        double a;
        cr_assert_eq(sv_auc(&raw[i], &a, &e), 0);
        if (i < 2) near(a, auc_clip[i], 1e-15, "clip");
        if (i == 2) cr_assert(isnan(a));
    }
    for (size_t i = 0; i < 25; i++) near(out[40 + i], smooth_3[i], 1e-14, "sigma 3");
    double seven[3];                    /* radius 28 over 3 frames: reflected many times */
    cr_assert_eq(sv_smooth(seven, auc_score + 72, 3, 7, &e), 0);
    for (size_t i = 0; i < 3; i++) near(seven[i], smooth_7[i], 1e-14, "sigma 7");
    struct sv_aucs a, s;
    cr_assert_eq(sv_auc_all(raw, 4, &a, &e), 0, "%s", e.msg);
    cr_assert_eq(sv_auc_all(smooth, 4, &s, &e), 0, "%s", e.msg);
    cr_assert(a.skipped == 1 && s.skipped == 1);
    near(a.micro, auc_raw[0], 1e-14, "micro"), near(a.sentinel, auc_raw[1], 1e-14, "sentinel");
    near(a.skip, auc_raw[2], 1e-14, "skip");
    near(s.micro, auc_smooth[0], 1e-14, "micro"), near(s.sentinel, auc_smooth[1], 1e-14, "sentinel");
    near(s.skip, auc_smooth[2], 1e-14, "skip");
}

/* From corner to corner, never back, at most as many points as there is room for; the area under it is the AUC. */
Test(auc, roc) {
    static uint8_t label[5000];
    static double score[5000];
    struct sv_roc_point p[400];
    struct sv_err e = { 0 };
    size_t n;
    for (size_t i = 0; i < 5000; i++) label[i] = i * 7919 % 5000 < 1500, score[i] = (double)(i * 104729 % 997) + 300 * label[i];
    const struct sv_auc_clip c[2] = { { "a", label, score, 2000 }, { "b", label + 2000, score + 2000, 3000 } };
    for (size_t cap = 4; cap <= 400; cap += 99) {
        struct sv_aucs all;
        double area = 0;
        cr_assert_eq(sv_roc(c, 2, p, cap, &n, &e), 0, "%s", e.msg);
        cr_assert(n >= 2 && n <= cap, "%zu points of %zu", n, cap);
        near(p[0].fpr + p[0].tpr, 0, 0, "begin"), near(p[n - 1].fpr + p[n - 1].tpr, 2, 0, "end");
        for (size_t i = 1; i < n; i++) {
            cr_assert(p[i].fpr >= p[i - 1].fpr && p[i].tpr >= p[i - 1].tpr);
            area += (p[i].fpr - p[i - 1].fpr) * (p[i].tpr + p[i - 1].tpr) / 2;
        }
        cr_assert_eq(sv_auc_all(c, 2, &all, &e), 0);
        near(area, all.micro, 1.5 / (double)cap, "area");
    }
    const uint8_t same[3] = { 1, 1, 1 };
    cr_assert_eq(sv_roc(&(struct sv_auc_clip){ "c", same, score, 3 }, 1, p, 4, &n, &e), 0);
    cr_expect_eq(n, 0);
    /* Ties are one step: no staircase through them. */
    const uint8_t two[4] = { 0, 1, 0, 1 };
    const double tied[4] = { 1, 1, 1, 1 };
    cr_assert_eq(sv_roc(&(struct sv_auc_clip){ "c", two, tied, 4 }, 1, p, 400, &n, &e), 0);
    cr_expect_eq(n, 2);
    score[2] = NAN;
    cr_expect_eq(sv_roc(c, 2, p, 400, &n, &e), SV_EINPUT);
}

/* UCSD Ped2's test labels: frames of each clip, and the first and last abnormal one (from 1). */
static const unsigned short ped2[12][3] = {
    { 180, 61, 180 }, { 180, 95, 180 }, { 150, 1, 146 }, { 180, 31, 180 }, { 150, 1, 129 }, { 180, 1, 159 },
    { 180, 46, 180 }, { 180, 1, 180 }, { 120, 1, 120 }, { 150, 1, 150 }, { 180, 1, 180 }, { 180, 88, 180 },
};

Test(auc, ped2_fixtures) {
    static uint8_t label[2010];
    static double constant[2010], hash[2010];
    struct sv_auc_clip c[12], h[12];
    size_t n = 0, abnormal = 0;
    for (size_t i = 0; i < 12; i++) {
        c[i] = (struct sv_auc_clip){ "c", label + n, constant + n, ped2[i][0] };
        h[i] = (struct sv_auc_clip){ "h", label + n, hash + n, ped2[i][0] };
        for (size_t t = 1; t <= ped2[i][0]; t++, n++) {
            label[n] = t >= ped2[i][1] && t <= ped2[i][2];
            abnormal += label[n];
            constant[n] = 0.5;
            hash[n] = (double)(uint32_t)(n * 2654435761u) / 4294967296.0;
        }
    }
    cr_assert(n == 2010 && abnormal == 1648);
    struct sv_aucs a;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_auc_all(c, 12, &a, &e), 0, "%s", e.msg);
    near(a.micro, 0.5, 1e-12, "micro"), near(a.sentinel, 0.685232, 1e-6, "sentinel"), near(a.skip, 0.5, 1e-12, "skip");
    cr_assert_eq(sv_auc_all(h, 12, &a, &e), 0);
    near(a.micro, 0.500996, 1e-6, "micro"), near(a.sentinel, 0.676859, 1e-6, "sentinel"), near(a.skip, 0.483636, 1e-6, "skip");
    cr_assert_eq(a.skipped, 4);
}

Test(auc, one_class) {
    const uint8_t ones[3] = { 1, 1, 1 }, none[2] = { 0 };
    const double s[3] = { 1, 2, 3 };
    const struct sv_auc_clip c[2] = { { "a", ones, s, 3 }, { "b", ones, s, 3 } };
    const struct sv_auc_clip mixed[2] = { { "a", ones, s, 3 }, { "b", none, s, 2 } };
    struct sv_aucs a;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_auc_all(c, 2, &a, &e), 0);
    cr_assert(isnan(a.micro) && isnan(a.skip) && a.sentinel == 1 && a.skipped == 2);
    cr_assert_eq(sv_auc_all(mixed, 2, &a, &e), 0);
    /* pairs: 1>1 tie .5, 1<2; 2>1, tie; 3>1, 3>2: (0.5 + 0 + 1 + 0.5 + 1 + 1) / 6 */
    near(a.micro, 4.0 / 6, 1e-15, "micro");
    cr_assert(isnan(a.skip) && a.sentinel == 1);
}

Test(auc, refuses_nan) {
    const uint8_t y[3] = { 0, 1, 1 };
    double s[3] = { 1, NAN, 3 };
    const struct sv_auc_clip c = { "07", y, s, 3 };
    struct sv_aucs a;
    double one;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_auc_all(&c, 1, &a, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "07") && strstr(e.msg, "frame 1"), "%s", e.msg);
    s[1] = -INFINITY;
    cr_assert_eq(sv_auc(&c, &one, NULL), SV_EINPUT);
}

Test(auc, smoothing_bounds) {
    const double in[4] = { 1, 5, 2, 8 };
    double out[4];
    struct sv_err e = { 0 };
    cr_assert_eq(sv_smooth(out, in, 4, 0, &e), 0);
    cr_assert(!memcmp(in, out, sizeof in));
    cr_assert_eq(sv_smooth(out, in, 0, 3, &e), 0);
    cr_assert_eq(sv_smooth(out, in, 1, 3, &e), 0);
    near(out[0], 1, 1e-15, "one frame");
    cr_assert_eq(sv_smooth(out, in, 4, -1, NULL), SV_EUSAGE);
    cr_assert_eq(sv_smooth(out, in, 4, NAN, NULL), SV_EUSAGE);
    cr_assert_eq(sv_smooth(out, in, 4, 1e9, NULL), SV_EUSAGE);
}
