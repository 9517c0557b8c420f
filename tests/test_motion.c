#include "core/rng.h"
#include "tfc/proposal.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { W = 160, H = 120, FRAMES = 240 };

/* A textured ground under light of gain / 256; then bodies are drawn on it. */
static void ground(uint8_t *rgb, int gain, uint64_t noise) {
    for (size_t i = 0; i < W * H; i++) {
        const uint64_t x = i % W, y = i / W;
        const int v = 110 + (int)((x * 7 + y * 13) % 23) + (int)(x / 16 % 2 * 14) + (int)(noise ? sv_rng(&noise) % 5 : 2) - 2;
        const int lit = v * gain >> 8;
        memset(rgb + 3 * i, lit > 255 ? 255 : lit, 3);
    }
}

static void body(uint8_t *rgb, double x, double y, double w, double h, int level) {
    for (size_t r = (size_t)y; r < (size_t)(y + h); r++)
        for (size_t c = (size_t)x; c < (size_t)(x + w); c++)
            memset(rgb + 3 * (r * W + c), level + (int)((c - (size_t)x) * 5 % 17), 3);
}

static void shadow(uint8_t *rgb, size_t x1, size_t y1, size_t x2, size_t y2) {
    for (size_t y = y1; y < y2; y++)
        for (size_t x = 3 * x1; x < 3 * x2; x++) rgb[y * W * 3 + x] = (uint8_t)(rgb[y * W * 3 + x] * 3 / 4);
}

/* Draws frame t. */
typedef void scene(size_t t, uint8_t *rgb);

struct seen { size_t n; struct sv_tracked box[64]; };

/* All frames of a scene, each pushed once. */
static void watch(scene *draw, struct seen *out, size_t frames) {
    static uint8_t rgb[W * H * 3];
    struct sv_proposer *p = sv_proposer_open(W, H, NULL);
    size_t given = 0;
    for (size_t t = 0; given < frames; t++) {
        if (t < frames) draw(t, rgb);
        if (!sv_proposer_push(p, t < frames ? rgb : NULL)) continue;
        const struct sv_tracked *box;
        out[given].n = sv_proposer_take(p, NULL, 0, true, &box);
        cr_assert_leq(out[given].n, 64);
        memcpy(out[given].box, box, out[given].n * sizeof *box);
        given++;
    }
    cr_assert(!sv_proposer_push(p, NULL), "more frames than came");
    sv_proposer_free(p);
}

static const struct sv_tracked *find(const struct seen *s, double x1, double y1, double x2, double y2, double least) {
    const double want[4] = { x1, y1, x2, y2 };
    for (size_t i = 0; i < s->n; i++)
        if (sv_overlap(s->box[i].box, want) > least) return &s->box[i];
    return NULL;
}

static struct seen seen[FRAMES];

static void walker(size_t t, uint8_t *rgb) {
    ground(rgb, 256, t + 1);
    body(rgb, 10 + (double)t, 50, 10, 30, 30);
}

Test(motion, a_walker_has_one_box_and_one_track_from_the_first_frame) {
    watch(walker, seen, 120);
    int64_t track = -1;
    for (size_t t = 0; t < 120; t++) {
        const struct sv_tracked *b = find(&seen[t], 10 + (double)t, 50, 20 + (double)t, 80, 0.5);
        cr_assert(b, "frame %zu: no box", t);
        cr_assert_leq(seen[t].n, 2, "frame %zu: %zu boxes", t, seen[t].n);
        if (t > 30) cr_assert(track < 0 || b->track == track, "frame %zu: another track", t);
        track = b->track;
    }
}

static void nobody(size_t t, uint8_t *rgb) { ground(rgb, 256, t + 1); }

static void lights(size_t t, uint8_t *rgb) {
    const int gain[] = { 256, 320, 180, 256, 10, 256 };
    ground(rgb, t < 200 ? gain[t / 40] : 256 + (int)t - 200, t + 1);
}

static void dark(size_t t, uint8_t *rgb) { (void)t; memset(rgb, 0, W * H * 3); }

Test(motion, an_empty_scene_has_no_boxes_whatever_the_light_does) {
    static const struct { const char *name; scene *draw; } row[] = { { "noise", nobody }, { "lights", lights }, { "dark", dark } };
    for (size_t r = 0; r < 3; r++) {
        size_t boxes = 0;
        watch(row[r].draw, seen, FRAMES);
        for (size_t t = 0; t < FRAMES; t++) boxes += seen[t].n;
        cr_expect_eq(boxes, 0, "%s: %zu boxes", row[r].name, boxes);
    }
}

static void shaded(size_t t, uint8_t *rgb) {
    ground(rgb, 256, t + 1);
    if (t < 60) return;
    shadow(rgb, t - 60 + 14, 68, t - 60 + 44, 82);
    body(rgb, (double)t - 60 + 4, 50, 10, 30, 30);
}

Test(motion, a_shadow_belongs_to_the_ground) {
    watch(shaded, seen, 140);
    size_t right = 0, n = 0;
    for (size_t t = 80; t < 130; t++, n++) right += find(&seen[t], (double)t - 56, 50, (double)t - 46, 80, 0.6) != NULL;
    cr_expect_geq(right, n * 9 / 10, "%zu of %zu", right, n);
}

static double stop_at(size_t t) { return t < 50 ? 10 + (double)t : t < 180 ? 60 : 60 + (double)t - 180; }

static void waiter(size_t t, uint8_t *rgb) {
    ground(rgb, 256, t + 1);
    body(rgb, stop_at(t), 40, 10, 32, 200);
}

Test(motion, who_stands_still_keeps_box_and_track) {
    watch(waiter, seen, FRAMES);
    const struct sv_tracked *before = find(&seen[45], stop_at(45), 40, stop_at(45) + 10, 72, 0.5);
    cr_assert(before);
    const int64_t track = before->track;
    for (size_t t = 60; t < 220; t++) {
        const double x = stop_at(t);
        const struct sv_tracked *b = find(&seen[t], x, 40, x + 10, 72, 0.4);
        cr_assert(b, "frame %zu: gone", t);
        if (t < 180) cr_assert_eq(b->track, track, "frame %zu", t);
    }
}

static void hidden(size_t t, uint8_t *rgb) {
    ground(rgb, 256, t + 1);
    body(rgb, 10 + (double)t, 50, 10, 30, 30);
    body(rgb, 70, 20, 14, 80, 128);     /* a pillar, in front */
}

Test(motion, a_track_goes_on_behind_a_pillar) {
    watch(hidden, seen, 110);
    const struct sv_tracked *a = find(&seen[45], 55, 50, 65, 80, 0.5), *b = find(&seen[85], 95, 50, 105, 80, 0.5);
    cr_assert(a && b);
    cr_expect_eq(a->track, b->track);
}

static void pair(size_t t, uint8_t *rgb) {
    ground(rgb, 256, t + 1);
    for (size_t i = 0; i < 4; i++) body(rgb, 10 + (double)(t + 30 * i) * 0.8, 15 + 6 * (double)i, 9, 26, 25);
    body(rgb, 150 - (double)t, 75, 10, 30, 220), body(rgb, 139 - (double)t, 75, 10, 30, 30);
}

Test(motion, people_side_by_side_are_taken_apart) {
    watch(pair, seen, 80);
    size_t both = 0, n = 0;
    for (size_t t = 40; t < 75; t++, n++)
        both += find(&seen[t], 150 - (double)t, 75, 160 - (double)t, 105, 0.5) && find(&seen[t], 139 - (double)t, 75, 149 - (double)t, 105, 0.5);
    cr_expect_geq(both, n * 8 / 10, "%zu of %zu", both, n);
}

Test(motion, every_size_and_length) {
    static uint8_t rgb[64 * 64 * 3];
    uint64_t rng = 7;
    for (size_t w = 1; w < 12; w++)
        for (size_t h = 1; h < 12; h++)
            for (size_t frames = 0; frames < 12; frames += 1 + (w + h) % 4) {
                struct sv_proposer *p = sv_proposer_open(w, h, NULL);
                size_t due = 0;
                bool good = true;
                const struct sv_tracked *box;
                for (size_t t = 0; t < frames; t++) {
                    for (size_t i = 0; i < w * h * 3; i++) rgb[i] = (uint8_t)sv_rng(&rng);
                    due += sv_proposer_push(p, rgb);
                }
                good = good && due == (frames > SV_MOTION_LOOK ? frames - SV_MOTION_LOOK : 0);
                while (sv_proposer_push(p, NULL)) {
                    const size_t n = sv_proposer_take(p, NULL, 0, true, &box);
                    for (size_t i = 0; i < n; i++)
                        good = good && box[i].box[0] < box[i].box[2] && box[i].box[1] < box[i].box[3] && box[i].box[0] >= 0 &&
                               box[i].box[1] >= 0 && box[i].box[2] <= (double)w && box[i].box[3] <= (double)h;
                    due++;
                }
                cr_assert(good && due == frames, "%zu frames of %zu x %zu", frames, w, h);
                sv_proposer_free(p);
            }
}

/* Boxes of frame t do not depend on what comes more than LOOK frames later. */
Test(motion, the_future_beyond_the_look_does_not_count) {
    static struct seen more[FRAMES];
    watch(pair, seen, 60);
    watch(pair, more, 80);
    for (size_t t = 0; t < 60 - SV_MOTION_LOOK; t++) {
        cr_assert_eq(seen[t].n, more[t].n, "frame %zu", t);
        for (size_t i = 0; i < seen[t].n; i++) {
            cr_assert(!memcmp(seen[t].box[i].box, more[t].box[i].box, sizeof seen[t].box[i].box));
            cr_assert_eq(seen[t].box[i].track, more[t].box[i].track);
        }
    }
}

Test(motion, a_detectors_boxes_keep_their_order_and_motion_adds_the_rest) {
    static uint8_t rgb[W * H * 3];
    struct sv_proposer *p = sv_proposer_open(W, H, NULL);
    for (size_t t = 0, given = 0; given < 60; t++) {
        pair(t, rgb);
        if (!sv_proposer_push(p, rgb)) continue;
        const double x = 150 - (double)given;
        const struct sv_tracked det[] = { { .box = { 100, 100, 110, 118 }, .score = 0.25f }, { .box = { x, 75, x + 10, 105 }, .score = 0.5f } };
        const struct sv_tracked *box;
        const size_t n = sv_proposer_take(p, det, 2, given >= 40, &box);
        cr_assert(given < 40 ? n == 2 : n > 2);
        cr_assert(!memcmp(box[0].box, det[0].box, sizeof box[0].box) && !memcmp(box[1].box, det[1].box, sizeof box[1].box));
        cr_assert(box[0].score == 0.25f && box[0].track == 0 && box[1].track == 1);
        for (size_t i = 2; i < n; i++) cr_assert(sv_overlap(box[i].box, det[1].box) <= 0.5);
        given++;
    }
    sv_proposer_free(p);
}

Test(motion, overlap_by_hand) {
    const double a[4] = { 0, 0, 10, 10 }, b[4] = { 5, 0, 15, 10 }, c[4] = { 10, 0, 20, 10 };
    cr_expect_float_eq(sv_overlap(a, a), 1, 0);
    cr_expect_float_eq(sv_overlap(a, b), 50.0 / 150, 1e-15);
    cr_expect_float_eq(sv_overlap(a, c), 0, 0);
}

/* Two people side by side, one blob; the detector knows both, one, or neither. */
static void couple(size_t t, uint8_t *rgb) {
    ground(rgb, 256, t + 1);
    body(rgb, 10 + (double)t, 50, 10, 30, 30), body(rgb, 20 + (double)t, 50, 10, 30, 200);
}

Test(motion, what_the_detector_covers_is_not_added_again) {
    static uint8_t rgb[W * H * 3];
    for (size_t known = 0; known < 3; known++) {
        struct sv_proposer *p = sv_proposer_open(W, H, NULL);
        size_t added = 0;
        for (size_t t = 0, given = 0; given < 60; t++) {
            if (t < 60) couple(t, rgb);
            if (!sv_proposer_push(p, t < 60 ? rgb : NULL)) continue;
            const double x = 10 + (double)given++;
            const struct sv_tracked own[2] = { { .box = { x, 50, x + 10, 80 } }, { .box = { x + 10, 50, x + 20, 80 } } }, *box;
            const size_t n = sv_proposer_take(p, own, known, true, &box);
            cr_assert_geq(n, known);
            added += n - known;
            for (size_t i = known; i < n && known; i++)
                cr_expect(box[i].box[0] > x + 4, "%zu known: added a box from %g on, where people stand at %g and %g", known, box[i].box[0], x, x + 10);
        }
        if (known == 2) cr_expect_leq(added, 5, "both known: %zu boxes added", added);
        else cr_expect_geq(added, 50, "%zu of two known: %zu boxes added", known, added);
        sv_proposer_free(p);
    }
}

Test(motion, boxes_carry_their_flow_if_asked) {
    static uint8_t rgb[W * H * 3];
    for (size_t apart = 0; apart < 4; apart++) {
        struct sv_proposer *p = sv_proposer_open(W, H, NULL);
        sv_proposer_flow(p, apart);
        for (size_t t = 0, given = 0; given < 60; t++) {
            if (t < 60) walker(t, rgb);
            if (!sv_proposer_push(p, t < 60 ? rgb : NULL)) continue;
            const double x = 10 + (double)given++;
            const struct sv_tracked own = { .box = { x, 50, x + 10, 80 } }, *box;
            cr_assert_eq(sv_proposer_take(p, &own, 1, false, &box), 1);
            cr_expect(fabs(box->flow[0] - (apart ? 1 : 0)) < 0.2 && fabs(box->flow[1]) < 0.2, "frame %zu, apart %zu: %g %g", given - 1, apart, box->flow[0], box->flow[1]);
        }
        sv_proposer_free(p);
    }
}
