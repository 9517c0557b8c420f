/* draw.h - boxes and letters on pixels: a font of 5 x 7 dots for printable ASCII, scaled by whole numbers. */
#ifndef TOOLS_DRAW_H
#define TOOLS_DRAW_H

#include "core/base.h"

struct sv_canvas { uint8_t *rgb; size_t w, h; };    /* rgb [h, w, 3] */
struct sv_colour { uint8_t r, g, b; };

enum { SV_GLYPH_W = 6, SV_GLYPH_H = 9 };            /* of a letter with the room around it, at scale 1 */

/* All of them cut what lies outside. */
void sv_draw_fill(const struct sv_canvas *c, long x, long y, long w, long h, struct sv_colour v, unsigned percent);    /* laid over what is there */
void sv_draw_box(const struct sv_canvas *c, long x1, long y1, long x2, long y2, long thick, struct sv_colour v);       /* its line lies inside */
/* A line of text on a dark ground, its upper left corner at x, y, moved so far that it is inside where it fits; other bytes than printable ASCII are '?'. */
void sv_draw_text(const struct sv_canvas *c, long x, long y, long scale, const char *s, struct sv_colour v);

#endif
