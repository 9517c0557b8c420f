/* Scores steadied along tracks, against the definition. */
#include "kmeans/steady.h"
#include "core/base.h"
#include "core/rng.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 400, FRAMES = 40 };

struct rows { double score[MOST]; size_t frame[MOST]; int64_t track[MOST]; size_t n; };

/* Tracks with holes, and things without one, in a random order. */
static void fill(struct rows *r, uint64_t seed, size_t begin, size_t frames) {
    r->n = 0;
    for (int64_t track = -1; track < 6; track++)
        for (size_t t = begin; t < begin + frames; t++)
            if (sv_rng_unit(&seed) < 0.7) r->score[r->n] = sv_rng_unit(&seed), r->frame[r->n] = t, r->track[r->n++] = track;
    for (size_t i = r->n; i > 1; i--) {
        const size_t k = (size_t)(sv_rng_unit(&seed) * (double)i);
        const double s = r->score[k];
        const size_t t = r->frame[k];
        const int64_t track = r->track[k];
        r->score[k] = r->score[i - 1], r->frame[k] = r->frame[i - 1], r->track[k] = r->track[i - 1];
        r->score[i - 1] = s, r->frame[i - 1] = t, r->track[i - 1] = track;
    }
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double defined(const struct rows *r, size_t i, size_t reach, size_t begin, size_t end) {
    double v[2 * SV_STEADY_MOST + 1];
    size_t n = 0;
    if (r->track[i] < 0) return r->score[i];
    for (size_t t = begin; t < end; t++) {
        if (t + reach < r->frame[i] || t > r->frame[i] + reach) continue;
        v[n] = 0;
        for (size_t k = 0; k < r->n; k++)
            if (r->track[k] == r->track[i] && r->frame[k] == t) v[n] = r->score[k];
        n++;
    }
    qsort(v, n, sizeof *v, by_value);
    return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

/* What tracks say of frame t that are seen within reach before it and after it, but not in it. */
static double defined_unseen(struct rows *r, size_t t, size_t reach, size_t begin, size_t end) {
    double most = 0;
    for (int64_t track = 0; track < 6; track++) {
        bool before = false, after = false, there = false;
        for (size_t k = 0; k < r->n; k++) {
            if (r->track[k] != track) continue;
            before = before || (r->frame[k] < t && r->frame[k] + reach >= t), after = after || (r->frame[k] > t && r->frame[k] <= t + reach);
            there = there || r->frame[k] == t;
        }
        if (there || !before || !after) continue;
        r->score[r->n] = 0, r->frame[r->n] = t, r->track[r->n++] = track;      /* a row that scores as what is not seen does */
        most = fmax(most, defined(r, r->n - 1, reach, begin, end));
        r->n--;
    }
    return most;
}

Test(steady, what_is_missed_for_a_while_is_still_there) {
    static struct rows r;
    static const size_t reach[] = { 1, 2, 7, SV_STEADY_MOST };
    static double rows[MOST];
    double out[FRAMES + 2], one;
    size_t some = 0, higher = 0;
    for (size_t k = 0; k < SV_LEN(reach); k++)
        for (size_t frames = 1; frames <= FRAMES; frames += 13)
            for (size_t begin = 0; begin < 12; begin += 11) {
                fill(&r, 10 * k + frames, begin, frames);
                const size_t end = begin + frames;
                const struct sv_tracked c = { r.frame, r.track, r.n, begin, end };
                cr_assert_eq(sv_steady(rows, r.score, &c, reach[k], out, begin, end, NULL), 0);
                for (size_t t = begin; t < end; t++) {
                    const double unseen = defined_unseen(&r, t, reach[k], begin, end);
                    double seen = 0;
                    for (size_t i = 0; i < r.n; i++) seen = r.frame[i] == t ? fmax(seen, rows[i]) : seen;
                    const double want = fmax(seen, unseen);
                    cr_assert_float_eq(out[t - begin], want, 1e-15, "frame %zu of %zu, reach %zu: %g, expected %g", t, frames, reach[k], out[t - begin], want);
                    cr_assert_eq(sv_steady(rows, r.score, &c, reach[k], &one, t, t + 1, NULL), 0);
                    cr_assert(!memcmp(&one, &out[t - begin], sizeof one), "frame %zu by itself", t);
                    some += unseen > 0, higher += unseen > seen;
                }
            }
    cr_expect_gt(some, 50);
    cr_expect_gt(higher, 10);
    cr_assert_eq(sv_steady(NULL, NULL, &(struct sv_tracked){ .end = 2 }, 3, out, 0, 2, NULL), 0);
    cr_expect(!(out[0] > 0) && !(out[1] > 0));
}

Test(steady, is_the_median_over_the_track) {
    static struct rows r;
    static double out[MOST];
    static const size_t reach[] = { 1, 2, 7, SV_STEADY_MOST };
    for (size_t k = 0; k < SV_LEN(reach); k++)
        for (size_t frames = 1; frames <= FRAMES; frames += 13)
            for (size_t begin = 0; begin < 12; begin += 11) {
                fill(&r, 10 * k + frames, begin, frames);
                const struct sv_tracked c = { r.frame, r.track, r.n, begin, begin + frames };
                cr_assert_eq(sv_steady(out, r.score, &c, reach[k], NULL, 0, 0, NULL), 0);
                for (size_t i = 0; i < r.n; i++) cr_assert_float_eq(out[i], defined(&r, i, reach[k], begin, begin + frames), 1e-15, "row %zu", i);
                cr_assert_eq(sv_steady(r.score, r.score, &c, reach[k], NULL, 0, 0, NULL), 0);
                cr_assert(!memcmp(out, r.score, r.n * sizeof *out), "in place");
            }
}

Test(steady, of_nothing_and_of_an_end_that_is_not_known) {
    cr_assert_eq(sv_steady(NULL, NULL, &(struct sv_tracked){ .n = 0 }, 3, NULL, 0, 0, NULL), 0);
    double s[3] = { 3, 1, 2 };
    cr_assert_eq(sv_steady(s, s, &(struct sv_tracked){ (const size_t[]){ 5, 6, 7 }, (const int64_t[]){ 1, 1, 1 }, 3, 0, SIZE_MAX }, 1, NULL, 0, 0, NULL), 0);
    cr_expect(s[0] == 1 && s[1] == 2 && s[2] == 1, "%g %g %g", s[0], s[1], s[2]);
    /* A file that has a track twice in a frame. */
    double twice[3] = { 3, 9, 2 };
    cr_assert_eq(sv_steady(twice, twice, &(struct sv_tracked){ (const size_t[]){ 0, 0, 1 }, (const int64_t[]){ 1, 1, 1 }, 3, 0, 2 }, 1, NULL, 0, 0, NULL), 0);
    cr_expect(twice[0] == 2.5 && twice[1] == 2.5 && twice[2] == 2.5, "%g %g %g", twice[0], twice[1], twice[2]);
}
