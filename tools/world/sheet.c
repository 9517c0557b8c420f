#include "tools/world/sheet.h"

#include "io/png_write.h"
#include "tools/world/world.h"
#include <math.h>
#include <stdlib.h>

enum { SIDE = 64, MOMENTS = 3, ACROSS = 6, WIDE = SIDE * MOMENTS, GAP = 3, STEP = 3 };

/* Is this a world to judge the action by: by day, in colours, on smooth ground, the actor whole and seen from its side? */
static bool clear(struct sv_world *w, const uint8_t *rgb) {
    struct sv_world_object o[8];
    const size_t n = sv_min(sv_world_objects(w, o, SV_LEN(o)), SV_LEN(o));
    unsigned long sum = 0, rough = 0;
    for (size_t i = 3; i < SIDE * SIDE * 3; i += 3) sum += rgb[i + 1], rough += (unsigned long)abs(rgb[i + 1] - rgb[i - 2]);
    bool good = n && !sv_world_gray(w) && sum > 110ul * SIDE * SIDE && sum < 200ul * SIDE * SIDE && rough < 5ul * SIDE * SIDE;
    for (size_t i = 0; i < n; i++) {
        const double turn = fabs(o[i].facing);
        good = good && o[i].inside > 0.97 && o[i].seen > (n > 1 ? 0.6 : 0.95) && (n > 1 || turn < 0.6 || turn > 2.6);
    }
    return good;
}

/* Three moments of an action, from the first seed on whose world is clear. */
static int moments(uint8_t *sheet, size_t stride, enum sv_action a, uint64_t seed, struct sv_err *e) {
    enum { TRIES = 3000 };
    uint8_t rgb[SIDE * SIDE * 3];
    float weight[SV_ACTIONS] = {0};
    weight[a] = 1;
    for (size_t n = 0; n < TRIES; n++) {
        const struct sv_world_config g = { .seed = seed + n, .w = SIDE, .h = SIDE, .fps = 12, .crowd = 1, .height = 40, .weight = weight };
        struct sv_world *w = sv_world_open(&g, e);
        if (!w) return e->code;
        for (size_t t = 0; t < STEP; t++) sv_world_next(w, NULL);
        sv_world_next(w, rgb);
        const bool good = n + 1 == TRIES || clear(w, rgb);
        for (size_t k = 0; good && k < MOMENTS; k++) {
            /* Four bits a channel: noise would not pack. */
            for (size_t i = 0; i < sizeof rgb; i++) sheet[i / (SIDE * 3) * stride + k * SIDE * 3 + i % (SIDE * 3)] = (uint8_t)((rgb[i] & 0xf0) + 8);
            for (size_t t = 1; t < STEP; t++) sv_world_next(w, NULL);
            sv_world_next(w, rgb);
        }
        sv_world_free(w);
        if (good) break;
    }
    return 0;
}

int sv_world_sheet(const char *path, uint64_t seed, struct sv_err *e) {
    const size_t w = ACROSS * (WIDE + GAP) - GAP, rows = sv_ceil_div(SV_ACTIONS, ACROSS), h = rows * (SIDE + GAP) - GAP;
    uint8_t *px = sv_alloc(w * h, 3, e);
    int rc = px ? 0 : SV_ENOMEM;
    for (size_t a = 0; !rc && a < SV_ACTIONS; a++)
        rc = moments(px + 3 * (a / ACROSS * (SIDE + GAP) * w + a % ACROSS * (WIDE + GAP)), 3 * w, (enum sv_action)a, seed * 1000003 + a * 100003, e);
    if (!rc) rc = sv_png_write(path, w, h, 3, px, e);
    sv_free(px);
    return rc;
}
