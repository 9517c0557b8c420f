#include "tools/world/sheet.h"

#include "io/png_write.h"
#include "tools/world/world.h"
#include <string.h>

enum { SIDE = 56, MOMENTS = 3, ACTORS = 2, ACROSS = 4, WIDE = SIDE * MOMENTS * ACTORS, GAP = 3, STEP = 3 };

/* Is this a world to judge the action by: by day, in colours, all of the actor in the picture? */
static bool clear(struct sv_world *w, const uint8_t *rgb) {
    struct sv_world_object o[8];
    const size_t n = sv_min(sv_world_objects(w, o, SV_LEN(o)), SV_LEN(o));
    unsigned long sum = 0, rough = 0;
    for (size_t i = 0; i < SIDE * SIDE; i++) sum += rgb[3 * i + 1];
    for (size_t i = 1; i < SIDE * SIDE; i++) rough += (unsigned long)(rgb[3 * i + 1] > rgb[3 * i - 2] ? rgb[3 * i + 1] - rgb[3 * i - 2] : rgb[3 * i - 2] - rgb[3 * i + 1]);
    bool good = n && !sv_world_gray(w) && sum > 90ul * SIDE * SIDE && sum < 190ul * SIDE * SIDE && rough < 9ul * SIDE * SIDE;
    for (size_t i = 0; i < n; i++) good = good && o[i].inside > 0.95 && o[i].seen > 0.7;
    return good;
}

/* Three moments of an action, from the first seed on whose world is clear. */
static int moments(uint8_t *sheet, size_t stride, enum sv_action a, uint64_t seed, struct sv_err *e) {
    enum { TRIES = 400 };
    uint8_t rgb[SIDE * SIDE * 3];
    float weight[SV_ACTIONS] = {0};
    weight[a] = 1;
    for (size_t n = 0; n < TRIES; n++) {
        const struct sv_world_config g = { .seed = seed + n, .w = SIDE, .h = SIDE, .fps = 12, .crowd = 1, .height = 30, .weight = weight };
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
        for (size_t k = 0; !rc && k < ACTORS; k++)
            rc = moments(px + 3 * (a / ACROSS * (SIDE + GAP) * w + a % ACROSS * (WIDE + GAP) + k * MOMENTS * SIDE), 3 * w, (enum sv_action)a,
                         seed * 1000003 + (a * ACTORS + k) * 1009, e);
    if (!rc) rc = sv_png_write(path, w, h, 3, px, e);
    sv_free(px);
    return rc;
}
