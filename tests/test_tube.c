#include "tfc/tube.h"

#include <criterion/criterion.h>
#include <math.h>

Test(tube, frames_clamped_at_both_ends) {
    const struct sv_tube one = { 9, 1 }, three = { 5, 3 }, even = { 4, 1 };
    const size_t start[9] = { 0, 0, 0, 0, 0, 1, 2, 3, 4 }, end[9] = { 5, 6, 7, 8, 9, 9, 9, 9, 9 };
    static const size_t wide[5] = { 0, 1, 4, 7, 9 }, four[4] = { 3, 4, 5, 6 };
    for (size_t i = 0; i < 9; i++) {
        cr_expect_eq(sv_tube_frame(&one, 0, i, 10), start[i]);
        cr_expect_eq(sv_tube_frame(&one, 9, i, 10), end[i]);
        cr_expect_eq(sv_tube_frame(&one, 0, i, 1), 0);
    }
    for (size_t i = 0; i < 5; i++) cr_expect_eq(sv_tube_frame(&three, 4, i, 10), wide[i]);
    for (size_t i = 0; i < 4; i++) cr_expect_eq(sv_tube_frame(&even, 5, i, 10), four[i]);
    cr_expect_eq(sv_tube_reach(&one), 4);
    cr_expect_eq(sv_tube_reach(&three), 6);
}

Test(tube, a_track_is_followed_to_its_nearest_boxes) {
    /* Track 7 in frames 2, 3, 6, 9; track 1 in frame 3; a box without a track. */
    const size_t frame[] = { 2, 3, 3, 3, 6, 9 };
    const int64_t track[] = { 7, 1, 7, -1, 7, 7 };
    const struct sv_tube tube = { 5, 2 };
    size_t index[6 * 5];
    cr_assert_eq(sv_tube_follow(&tube, frame, track, 6, 11, index, NULL), 0);
    const size_t want[6 * 5] = {
        0, 0, 0, 2, 4,                  /* frames 0 0 2 4 6; 4 is next to 3 */
        1, 1, 1, 1, 1,
        0, 0, 2, 4, 4,                  /* 0 1 3 5 7 */
        3, 3, 3, 3, 3,
        0, 2, 4, 5, 5,                  /* 2 4 6 8 10 */
        4, 4, 5, 5, 5,                  /* 5 7 9 10 10 */
    };
    for (size_t i = 0; i < 30; i++) cr_expect_eq(index[i], want[i], "%zu of object %zu: %zu", i % 5, i / 5, index[i]);
    cr_assert_eq(sv_tube_follow(&tube, frame, track, 0, 11, index, NULL), 0);
    /* What lies beyond the tube is not there, though it be nearer to its last frame. */
    cr_assert_eq(sv_tube_follow(&(struct sv_tube){ 3, 4 }, (const size_t[]){ 0, 5, 9 }, (const int64_t[]){ 2, 2, 2 }, 3, 11, index, NULL), 0);
    const size_t gap[9] = { 0, 0, 0, 1, 1, 2, 1, 2, 2 };
    for (size_t i = 0; i < 9; i++) cr_expect_eq(index[i], gap[i], "%zu of object %zu: %zu", i % 3, i / 3, index[i]);
}

Test(tube, boxes_to_pixels) {
    static const struct { double box[4]; size_t want[4]; } good[] = {
        {{ 1.2, 2.9, 3.1, 4 }, { 1, 2, 4, 4 }},
        {{ -5, -0.5, 2, 1 }, { 0, 0, 2, 1 }},
        {{ 8.5, 4.5, 1e30, 99 }, { 8, 4, 10, 5 }},
        {{ 3, 3, 3.01, 3.01 }, { 3, 3, 4, 4 }},
    };
    static const double bad[][4] = {
        { 3, 1, 3, 2 }, { 4, 1, 3, 2 }, { 3, 2, 4, 2 }, { 10, 0, 12, 2 }, { -3, 0, 0, 2 }, { 0, 5, 2, 9 },
        { NAN, 0, 1, 1 }, { 0, 0, INFINITY, 1 },
        { -4, -4, -2, -2 },
    };
    size_t r[4];
    for (size_t i = 0; i < SV_LEN(good); i++) {
        cr_assert(sv_tube_box(good[i].box, 10, 5, r), "%zu", i);
        cr_expect_arr_eq(r, good[i].want, sizeof r, "%zu: %zu %zu %zu %zu", i, r[0], r[1], r[2], r[3]);
    }
    for (size_t i = 0; i < SV_LEN(bad); i++) cr_expect(!sv_tube_box(bad[i], 10, 5, r), "%zu", i);
}

Test(tube, ring_holds_the_last_frames) {
    struct sv_ring r;
    struct sv_err e = {0};
    cr_assert_eq(sv_ring_init(&r, 3, 2, &e), 0);
    for (uint8_t t = 0; t < 8; t++) {
        uint8_t *p = sv_ring_room(&r);
        p[0] = t, p[1] = (uint8_t)(t + 100);
        sv_ring_push(&r);
        cr_expect_eq(r.end, t + 1u);
        cr_expect_eq(r.begin, t < 2 ? 0u : t - 2u);
        for (size_t k = r.begin; k < r.end; k++) cr_expect(sv_ring_at(&r, k)[0] == k && sv_ring_at(&r, k)[1] == k + 100);
    }
    sv_ring_free(&r);
}
