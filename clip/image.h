/* image.h - from pictures to what the image encoder sees.
 *
 * Resampling is Pillow's antialiased bicubic in its integer arithmetic, bit for bit: 22-bit coefficients, the horizontal
 * pass first, its result rounded to u8.  Geometry is torchvision's. */
#ifndef CLIP_IMAGE_H
#define CLIP_IMAGE_H

#include "core/image.h"

/* The coefficients of one axis: `in` samples become `out`, of which only first .. first + count - 1 are made. */
struct sv_resize {
    size_t in, out, first, count;
    size_t taps;                        /* row length of k: the most that an output needs */
    uint32_t *at, *n;                   /* [count]: first sample, number of samples */
    int32_t *k;                         /* [count, taps] */
    double *weight;                     /* [taps] scratch */
};

/* Room for every axis of at most max_in samples and at most count made of at least min_out; sv_resize_set then cannot
 * fail.  r is {0} before the first call. */
int sv_resize_room(struct sv_resize *r, size_t max_in, size_t min_out, size_t count, struct sv_err *e);
void sv_resize_set(struct sv_resize *r, size_t in, size_t out, size_t first, size_t count);
void sv_resize_free(struct sv_resize *r);

/* One row through the horizontal pass: out [count, c] from in [in, c], c 1 .. 4. */
void sv_resize_row(const struct sv_resize *r, const uint8_t *in, size_t c, uint8_t *out);
/* One output row (counted from first) of the vertical pass: in is the first of the r->in rows of `width` bytes. */
void sv_resize_column(const struct sv_resize *r, size_t row, const uint8_t *in, size_t width, uint8_t *out);

/* A whole picture as OpenAI's transform: short side to size in the picture's own mode (palette and bilevel: nearest;
 * alpha premultiplies and is undone), long side truncated, centre crop rounded half to even, RGB, (u / 255 - mean) / std.
 * squash: both sides to size, no crop. */
int sv_clip_pixels(const struct sv_image *im, size_t size, bool squash, const float mean[3], const float std[3],
                   float *out /* [3, size, size] */, uint8_t *rgb /* [size, size, 3] or NULL */, struct sv_err *e);

/* Crops of frames, for tubes: allocate once, then crop without failing.  One per thread. */
struct sv_crop {
    size_t size, max_w, max_h;
    float table[3][256];
    struct sv_resize x, y;
    uint8_t *edge, *mid, *line;         /* a row with its edges replicated, rows after the horizontal pass, one output row */
};
enum sv_crop_rule {
    SV_CROP_SQUASH,                     /* the box, squashed to the square */
    SV_CROP_SQUARE,                     /* a square of ceil(1.25 * longer side) around the box, edges of the frame replicated */
};
int sv_crop_init(struct sv_crop *c, size_t size, size_t max_w, size_t max_h, const float mean[3], const float std[3],
                 struct sv_err *e);
void sv_crop_free(struct sv_crop *c);               /* {0} is fine */
/* The box x1 y1 x2 y2 (x2 and y2 exclusive, inside the frame, not empty) of a frame of at most max_w x max_h.  Pillow
 * crops and then resizes, so nothing outside the crop is seen. */
void sv_crop_pixels(struct sv_crop *c, const uint8_t *frame /* [h, w, 3] */, size_t w, size_t h, const size_t box[4],
                    enum sv_crop_rule rule, float *out /* [3, size, size] */);

#endif
