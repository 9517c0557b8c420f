/* measure.h - what footage is like, in numbers that a model feels: sizes, contrast, sharpness, noise, blocks, speeds.
 *
 * A world is wide enough for a camera where the camera's numbers lie inside the world's. */
#ifndef TOOLS_WORLD_MEASURE_H
#define TOOLS_WORLD_MEASURE_H

#include "core/mem.h"

#define SV_MEASURES(X) \
    X(TALL,      "box height, pixels") \
    X(SHAPE,     "box height / width") \
    X(LIGHT,     "mean inside") \
    X(TEXTURE,   "deviation inside") \
    X(CONTRAST,  "middle against the sides") \
    X(SHARPNESS, "gradient^2 / variance") \
    X(MEAN,      "frame mean") \
    X(DEVIATION, "frame deviation") \
    X(NOISE,     "noise, 68 % of pixels") \
    X(BLOCKS,    "steps at multiples of 8") \
    X(SPEED,     "speed, body heights/s")

enum sv_measure {
#define X(name, about) SV_OF_##name,
    SV_MEASURES(X)
#undef X
    SV_MEASURED
};

struct sv_measures { float *value[SV_MEASURED]; size_t n[SV_MEASURED], cap[SV_MEASURED]; };

/* before: the frame before it, NULL: none.  Boxes are x1 y1 x2 y2. */
int sv_measure_frame(struct sv_measures *m, const uint8_t *luma /* [h, w] */, const uint8_t *before, size_t w, size_t h, struct sv_err *e);
int sv_measure_box(struct sv_measures *m, const uint8_t *luma, size_t w, size_t h, const double box[4], struct sv_err *e);
/* Boxes of two frames so many seconds apart: each is followed to the one that it overlaps most, by 0.3 at least. */
int sv_measure_speed(struct sv_measures *m, const double (*from)[4], size_t n, const double (*to)[4], size_t n_to, double seconds, struct sv_err *e);
/* Sorts; the q-quantile of a measure, NaN where there is none. */
double sv_measures_quantile(struct sv_measures *m, enum sv_measure what, double q);
void sv_measures_free(struct sv_measures *m);       /* {0} is fine */

/* Measures of rendered worlds like those that the street model learns from: of people who stand and walk. */
int sv_measure_worlds(struct sv_measures *m, size_t worlds, struct sv_err *e);

#endif
