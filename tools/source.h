/* source.h - what a VIDEO argument may be: a clip to decode, a data set, or a folder of what was stored for clips before.
 *
 * Stored clips are containers CLIP.svad, one a clip: of kind "features" (svad extract: frame features of every tube) or
 * "objects" (svad score: F_video of every tube).  Both carry the rule their tubes were made by. */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include "core/tensor.h"
#include "io/file.h"
#include "io/boxes.h"
#include "io/identity.h"
#include "tfc/tube.h"

enum sv_source_kind { SV_LIVE, SV_FEATURES, SV_OBJECTS };

struct sv_source { char *name, *path; enum sv_source_kind kind; };
struct sv_sources { struct sv_source *item; size_t n, cap; };

/* Adds what one VIDEO argument means.  A clip name that is there already is an error. */
int sv_sources_add(struct sv_sources *l, const char *path, struct sv_err *e);
void sv_sources_free(struct sv_sources *l);         /* {0} is fine; leaves {0} */

/* Boxes of these clips from a file or folder. */
int sv_sources_boxes(const struct sv_sources *l, struct sv_boxes *b, const char *path, double min_score, struct sv_err *e);

/* How tubes are made: features made by different rules must not meet. */
struct sv_rule {
    struct sv_tube tube;                /* n; step in frames, unless seconds is set */
    double seconds;                     /* > 0: the step in seconds, for each clip by its frame rate */
    bool square;                        /* crop rule */
    bool track;                         /* every frame has the box of its own track: crops are encoded once and shared by tubes */
    bool figures;                       /* objects carry their figures, for --with motion */
    size_t every;                       /* a tube on every E-th frame */
    double min_score;                   /* of boxes that have scores */
    char clip[SV_IDENTITY];             /* the identity of the model's "clip." section */
};

int sv_rule_write(const struct sv_rule *r, struct sv_store *s, struct sv_err *e);
int sv_rule_read(struct sv_rule *r, const struct sv_store *s, struct sv_err *e);
/* Refuses `found`, of a file, where it differs from what is wanted in anything but every and min_score. */
int sv_rule_match(const struct sv_rule *want, const struct sv_rule *found, const char *file, struct sv_err *e);
/* tube with the step of a clip of `fps` frames a second (0: not known). */
int sv_rule_tube(const struct sv_rule *r, double fps, const char *clip, struct sv_tube *out, struct sv_err *e);

/* Frames that are encoded for each object. */
static inline size_t sv_rule_encoded(const struct sv_rule *r) { return r->track ? 1 : r->tube.n; }

/* One detection.  figure: width, height, velocity right and down in pixels and pixels a frame, medians over its track
 * (kmeans/figure.h); 0 where the rule is without figures. */
struct sv_object { size_t frame; double box[4]; float score; int64_t track; float figure[4]; };

static inline struct sv_object sv_object_of(const struct sv_box *b) {
    return (struct sv_object){ .frame = b->frame, .score = (float)b->score, .track = b->track, .box = { b->x1, b->y1, b->x2, b->y2 } };
}

/* A stored clip, opened: everything but the features is read. */
struct sv_stored {
    struct sv_file file;
    struct sv_store store;
    enum sv_source_kind kind;
    struct sv_rule rule;
    const char *clip;                   /* in store */
    size_t frames, w, h;                /* of the clip */
    double fps;
    struct sv_object *object; size_t n; /* sorted by frame */
    const struct sv_view *data;         /* features [n, sv_rule_encoded, E] or F_video [n, E] */
};

int sv_stored_open(struct sv_stored *s, const char *path, struct sv_err *e);
void sv_stored_close(struct sv_stored *s);          /* {0} is fine; leaves {0} */

/* Adds to store (copying) what sv_stored_open reads: values, and tensors frame, box, score, track.  The clip's number of
 * frames is a tensor "frames" i64 [1], to be added by the caller, because it may be known only at the end. */
int sv_stored_put(struct sv_store *s, const struct sv_rule *r, const char *clip, size_t w, size_t h, double fps,
                  const struct sv_object *object, size_t n, struct sv_err *e);

#endif
