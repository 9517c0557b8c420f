#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "kmeans/redefine.h"
#include "kmeans/score.h"
#include "tests/golden/normal.h"

static void same(const double *a, const double *b, size_t n, double bound) {
    for (size_t i = 0; i < n; i++) cr_assert(fabs(a[i] - b[i]) <= bound, "[%zu]: %.17g, expected %.17g", i, a[i], b[i]);
}

Test(score, is_the_oracle) {
    double s[9];
    size_t nearest[9];
    sv_score(NULL, s, nearest, score_resp, 9, 11, km_empty_centre, 4);
    same(s, score_out, 9, 1e-15);
    for (size_t i = 0; i < 9; i++) {    /* the nearest centre alone gives the same score, any other no smaller one */
        for (size_t m = 0; m < 4; m++) {
            double one;
            sv_score(NULL, &one, NULL, score_resp + i * 11, 1, 11, km_empty_centre + m * 11, 1);
            if (m == nearest[i]) cr_assert_eq(one, s[i]);
            else cr_assert_geq(one, s[i]);
        }
    }
    struct sv_err e = { 0 };
    for (size_t threads = 1; threads <= 8; threads++) {
        double t[9];
        struct sv_pool *p = sv_pool_new(threads, &e);
        sv_score(p, t, NULL, score_resp, 9, 11, km_empty_centre, 4);
        cr_assert(!memcmp(s, t, sizeof s));
        sv_pool_free(p);
    }
}

Test(score, keeps_its_digits) {
    /* Responses 0.2 but for one entry off by 1e-6: 1 - cos = (1e-6 / 0.2)^2 / 2 * (1/n - 1/n^2), about 6e-14 for n = 200. */
    float x[200];
    double c[200], s;
    for (size_t i = 0; i < 200; i++) x[i] = 0.2f;
    sv_unit_rows_f64(c, x, 1, 200);
    sv_score(NULL, &s, NULL, x, 1, 200, c, 1);
    cr_assert_eq(s, 0);
    x[7] += 1e-6f;
    const double step = (double)x[7] / (double)x[0] - 1, want = 0.5 * step * step * (1.0 / 200 - 1.0 / 40000);
    sv_score(NULL, &s, NULL, x, 1, 200, c, 1);
    cr_assert(fabs(s - want) < 1e-4 * want, "%g, expected %g", s, want);
}

Test(score, nan_stays_nan) {
    const float x[4] = { NAN, 1, 1, 1 };
    const double c[2] = { 1, 0 };
    double s[2], f[3];
    size_t nearest[2];
    sv_score(NULL, s, nearest, x, 2, 2, c, 1);
    cr_assert(isnan(s[0]) && nearest[0] == 0 && s[1] > 0);
    const double scores[5] = { 0.5, NAN, 0.7, 0.2, 0.1 };
    const size_t frame[5] = { 0, 0, 0, 2, 2 };
    sv_frame_scores(f, 3, scores, frame, 5);
    cr_assert(isnan(f[0]) && f[1] == 0 && f[2] == 0.2);
}

Test(score, explains) {
    const float x[6] = { 1, 1, 3, 1, 2, 1 };                    /* |x|^2 = 17 */
    const double c[6] = { 0.5, 0.1, 0.3, 0.1, 0.6, 0.5 };
    /* x / sqrt(17) - c = -0.257, 0.143, 0.428, 0.143, -0.115, -0.257 */
    size_t a[6];
    cr_assert_eq(sv_action(x, 6), 2);
    sv_explain(a, 6, x, c, 6, 1);
    const size_t over[6] = { 2, 1, 3, 4, 0, 5 };
    cr_assert(!memcmp(a, over, sizeof a));
    sv_explain(a, 3, x, c, 6, -1);
    const size_t under[3] = { 0, 5, 4 };
    cr_assert(!memcmp(a, under, sizeof under));
    const float ties[3] = { 2, 5, 5 };
    cr_assert_eq(sv_action(ties, 3), 1);
}

enum { K = 14, T = 6 };

Test(score, redefine_is_the_oracle) {
    double f[T], lo, hi, out[K];
    size_t frame[K];
    struct sv_guide g;
    struct sv_err e = { 0 };
    for (size_t i = 0; i < K; i++) frame[i] = re_frame[i];
    sv_frame_scores(f, T, re_score, frame, K);
    same(f, re_frames, T, 0);
    sv_frame_range(&lo, &hi, f, frame, K);
    for (int normal = 0; normal < 2; normal++) {
        cr_assert_eq(sv_guide_init(&g, "t", normal, NULL, 0, 0.22, 2, 30, 4, &e), 0, "%s", e.msg);
        sv_redefine(out, re_score, re_sim, K, &g, 1, lo, hi);
        same(out, normal ? re_normal : re_abnormal, K, 1e-16);
    }
}

/* Three objects in two of three frames: frame scores 0.02 (objects 0, 1), 0 (empty), 0.01 (object 2).
 * S_min = 0.01 and not the empty frame's 0; S_max = 0.02. */
static const double hand_score[3] = { 0.02, 0.004, 0.01 };
static const size_t hand_frame[3] = { 0, 0, 2 };

Test(score, redefine_by_hand) {
    double f[3], lo, hi, out[3];
    sv_frame_scores(f, 3, hand_score, hand_frame, 3);
    sv_frame_range(&lo, &hi, f, hand_frame, 3);
    cr_assert(lo == 0.01 && hi == 0.02);
    const struct sv_guide g[2] = {
        { .normal = true, .threshold = 0.25, .width = 1, .theta = NAN, .gamma = 10 },
        { .normal = false, .threshold = 0.5, .width = 1, .theta = 20, .gamma = NAN },
    };
    const float sim[3 * 2] = { 0.3125f, 0.25f, 0.25f, 0.75f, 0.75f, 0.625f };
    /* object 0: normal by 0.0625: 0.02 - 0.02 * 10 * 0.0625 = 0.0075; not abnormal
     * object 1: normal not above 0.25; abnormal by 0.25: 0.004 + 0.01 * 20 * 0.25 = 0.054
     * object 2: normal by 0.5: - 0.1; abnormal by 0.125: + 0.025; 0.01 - 0.1 + 0.025 < 0: clamped */
    const double want[3] = { 0.0075, 0.054, 0 };
    sv_redefine(out, hand_score, sim, 3, g, 2, lo, hi);
    same(out, want, 3, 1e-17);
    /* Frame level: frame 0 has sims (0.3125, 0.75): 0.02 - 0.0125 + 0.05 = 0.0575; frame 1 stays 0; frame 2 as object 2. */
    double scratch[3];
    const double frames[3] = { 0.0575, 0, 0 };
    sv_redefine_frames(out, f, 3, sim, hand_frame, 3, g, 2, lo, hi, scratch);
    same(out, frames, 3, 1e-17);
}

Test(score, redefine_auto) {
    /* sample 0, 1, ..., 1000 in thousandths: mean 0.5, sd sqrt((1001^2 - 1) / 12) / 1000 = 0.288964, threshold 1.0779
     * > q99.9 = 0.999, so width = sd. */
    static double sim[1001];
    struct sv_guide g;
    struct sv_err e = { 0 };
    for (size_t i = 0; i <= 1000; i++) sim[(i * 5) % 1001] = (double)i / 1000;
    cr_assert_eq(sv_guide_init(&g, "t", false, sim, 1001, NAN, 2, NAN, NAN, &e), 0, "%s", e.msg);
    const double sd = sqrt((1001.0 * 1001 - 1) / 12) / 1000;
    cr_assert_float_eq(g.threshold, 0.5 + 2 * sd, 1e-12);
    cr_assert_float_eq(g.width, sd, 1e-12);
    cr_assert_eq(sv_guide_init(&g, "t", false, sim, 1001, NAN, -0.5, NAN, NAN, &e), 0, "%s", e.msg);
    cr_assert_float_eq(g.threshold, 0.5 - 0.5 * sd, 1e-12);
    cr_assert_float_eq(g.width, 0.999 - g.threshold, 1e-12);
    /* A given threshold of 0.5 leaves width = 0.999 - 0.5. */
    cr_assert_eq(sv_guide_init(&g, "t", false, sim, 1001, 0.5, 2, NAN, NAN, &e), 0);
    cr_assert_float_eq(g.width, 0.499, 1e-12);
    /* abnormal auto adds S_max * over / width, even where S_min is 0; normal takes as much away */
    const float s[2] = { 0.625f, 0.5f };
    const double score[2] = { 0.01, 0.02 };
    double out[2];
    sv_redefine(out, score, s, 2, &g, 1, 0, 0.02);
    cr_assert_float_eq(out[0], 0.01 + 0.02 * 0.125 / 0.499, 1e-15);
    cr_assert_eq(out[1], 0.02);
    g.normal = true;
    sv_redefine(out, score, s, 2, &g, 1, 0, 0.02);
    cr_assert_float_eq(out[0], 0.01 - 0.02 * 0.125 / 0.499, 1e-15);
}

Test(score, guide_refuses) {
    double flat[3] = { 0.2, 0.2, 0.2 }, bad[2] = { 0.1, NAN };
    struct sv_guide g;
    struct sv_err e = { 0 };
    cr_assert_eq(sv_guide_init(&g, "a dog", false, flat, 3, NAN, 2, NAN, NAN, &e), SV_EINPUT);
    cr_assert(strstr(e.msg, "a dog") && strstr(e.msg, "--theta"), "%s", e.msg);
    cr_assert_eq(sv_guide_init(&g, "a dog", true, flat, 3, NAN, 2, NAN, 5, NULL), 0);
    cr_assert_eq(sv_guide_init(&g, "a dog", true, flat, 3, NAN, 2, 5, NAN, NULL), SV_EINPUT);     /* theta is the other branch's */
    cr_assert_eq(sv_guide_init(&g, "a dog", false, bad, 2, NAN, 2, NAN, NAN, NULL), SV_EINPUT);
    cr_assert_eq(sv_guide_init(&g, "a dog", false, NULL, 0, 0.3, 2, NAN, NAN, NULL), SV_EINPUT);
    cr_assert_eq(sv_guide_init(&g, "a dog", false, NULL, 0, 0.3, 2, 2, NAN, NULL), 0);
}

Test(score, redefine_keeps_nan) {
    const struct sv_guide g = { .normal = true, .threshold = 0.25, .width = 1, .theta = NAN, .gamma = NAN };
    const float sim[2] = { NAN, 0.1f };
    const double s[2] = { 0.1, 0.2 };
    const size_t frame[2] = { 0, 1 };
    double out[2], scratch[2];
    sv_redefine(out, s, sim, 2, &g, 1, 0.1, 0.2);
    cr_assert(isnan(out[0]) && out[1] == 0.2);
    sv_redefine_frames(out, s, 2, sim, frame, 2, &g, 1, 0.1, 0.2, scratch);
    cr_assert(isnan(out[0]) && out[1] == 0.2);
}

Test(score, quantile) {
    const double x[5] = { 1, 2, 4, 8, 16 };
    cr_assert(sv_quantile(x, 5, 0) == 1 && sv_quantile(x, 5, 1) == 16 && sv_quantile(x, 5, 0.5) == 4);
    cr_assert_float_eq(sv_quantile(x, 5, 0.9), 12.8, 1e-12);
    cr_assert_eq(sv_quantile(x, 1, 0.3), 1);
}
