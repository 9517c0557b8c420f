/* figure.h - size and speed as a density, whatever a thing looks like: how far an object's figure is from those of the training.
 *
 * A figure is (width, height, speed) of an object, divided by the height H that a body has where the object stands.  With one
 * camera over flat ground H = a + b * bottom, bottom the image row of the box's lower edge: so the same walker has the same
 * figure near and far, and objects are compared with all others as if they stood in their row.
 *
 *     z = (figure - median) / sd of the training;  a component below its median counts SV_FIGURE_BELOW of its distance
 *     score = mean Euclidean distance of z to the nearest SV_FIGURE_NEAR of a sample of training figures
 *
 * Boxes are cut by the picture's edges, by pillars and by other people, which makes things smaller and slower, never larger
 * or faster: hence the lighter weight of what is below the median.
 *
 * Detectors shake and matches fail for single frames, so a figure is the median over an object's track (sv_figure_steady). */
#ifndef KMEANS_FIGURE_H
#define KMEANS_FIGURE_H

#include "core/pool.h"

enum { SV_FIGURE = 3, SV_FIGURE_NEAR = 8, SV_FIGURE_STEADY = 4 /* frames before and after */, SV_FIGURE_SAMPLE = 4096 };
#define SV_FIGURE_BELOW 0.25

struct sv_figure {
    size_t frame;
    int64_t track;                      /* -1: none */
    double bottom, w, h, right, down;   /* pixels; of velocity, in any unit of time that is the same everywhere */
};

/* w, h, right, down of each become their medians over the figures of the same track at most SV_FIGURE_STEADY frames away. */
int sv_figure_steady(struct sv_figure *f /* [n] */, size_t n, struct sv_err *e);

struct sv_figures {
    double line[2];                     /* H = line[0] + line[1] * bottom, but at least `least` */
    double least;
    double middle[SV_FIGURE], spread[SV_FIGURE];
    float *sample; size_t n;            /* [n, SV_FIGURE] of z; owned */
};

/* H by least squares without the third that fits worst; the rest from the figures of all objects.  use [n]: those that take
 * part, NULL: all.  The same seed draws the same sample.  Fails where none takes part, or on what is not finite. */
int sv_figures_fit(struct sv_figures *g, const struct sv_figure *f /* [n] */, const uint8_t *use /* [n] */, size_t n, uint64_t seed,
                   struct sv_err *e);
/* H alone anew, from what another camera sees, normal or not: figures are shares of H, so all else holds there too. */
int sv_figures_adapt(struct sv_figures *g, const struct sv_figure *f /* [n] */, size_t n, struct sv_err *e);
void sv_figures_free(struct sv_figures *g);         /* {0} is fine */

double sv_figures_height(const struct sv_figures *g, double bottom);                            /* H */
void sv_figures_z(const struct sv_figures *g, const struct sv_figure *f, double z[SV_FIGURE]);
void sv_figures_score(struct sv_pool *p, double *score /* [n] */, const struct sv_figures *g, const struct sv_figure *f /* [n] */, size_t n);

#endif
