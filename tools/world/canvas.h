/* canvas.h - pictures of solids in space: capsules and flat polygons with depth, coverage at edges, light and shadows. */
#ifndef TOOLS_WORLD_CANVAS_H
#define TOOLS_WORLD_CANVAS_H

#include "tools/world/space.h"

/* Over the origin of the ground plane (z up, y away, x right) at `height`, looking down by `tilt`. */
struct sv_camera { float f, cx, cy, height, tilt, sin, cos; };

struct sv_ink { uint8_t r, g, b; };

struct sv_canvas {
    size_t w, h;
    uint8_t *rgb;                       /* [h, w, 3] */
    float *z;                           /* [h, w] distance along the camera's axis */
    uint16_t *mark;                     /* [h, w] the last id that covers the pixel, hidden or not */
    uint16_t *top;                      /* [h, w] the id that is seen there, 0: background */
    uint8_t *shade;                     /* [h, w] how dark shadows of this frame make it */
    size_t shade_from, shade_to;        /* its rows in use */
    struct sv_camera cam;
    struct sv_vec sun;                  /* unit, towards the light */
    float ambient, direct, shadow;      /* shadow: 0 none .. 1 black */
    uint16_t id;                        /* of what is drawn */
    size_t covered;                     /* pixels marked since id was set */
    float box[4];                       /* x1 y1 x2 y2 of what was drawn since sv_canvas_box, not clipped; x2 < x1: nothing */
};

void sv_canvas_box(struct sv_canvas *c);                                /* begins a new box */
/* Picture coordinates and depth of a point; false behind the camera. */
bool sv_project(const struct sv_camera *c, struct sv_vec p, float out[3]);
/* The point of the ground under a place of the picture; false above the horizon. */
bool sv_ground_at(const struct sv_camera *c, float u, float v, struct sv_vec *out);
/* A capsule from a (radius ra) to b (radius rb). */
void sv_capsule(struct sv_canvas *c, struct sv_vec a, float ra, struct sv_vec b, float rb, struct sv_ink ink);
/* A flat convex polygon of n <= 16 corners, lit from both sides. */
void sv_polygon(struct sv_canvas *c, const struct sv_vec *p, size_t n, struct sv_ink ink);
/* A box: centre of its base, half sizes along `along`, across it, and its height. */
void sv_block(struct sv_canvas *c, struct sv_vec base, struct sv_vec along, float half_long, float half_wide, float high, struct sv_ink ink);
/* The shadow on the ground of a capsule, of a polygon; then all are laid on the picture where nothing was drawn. */
void sv_capsule_shadow(struct sv_canvas *c, struct sv_vec a, float ra, struct sv_vec b, float rb);
void sv_polygon_shadow(struct sv_canvas *c, const struct sv_vec *p, size_t n);
void sv_shadows_lay(struct sv_canvas *c);

#endif
