/* tubes.h - what extract, fit and score share: their options, the model, the boxes, and F_video of every tube of a clip. */
#ifndef TOOLS_TUBES_H
#define TOOLS_TUBES_H

#include "io/boxes.h"
#include "kmeans/figure.h"
#include "tfc/temporal.h"
#include "tools/feature.h"
#include "tools/model.h"
#include "tools/propose.h"

struct sv_tube_opts {
    size_t frames, step, every, batch;  /* 0: not given */
    double seconds, min_score;          /* NAN: not given */
    double fps;                         /* 0: not given */
    const char *tubes, *crop, *boxes, *model, *with;
    bool add_motion;
};
#define SV_TUBE_OPTS_INIT { .seconds = NAN, .min_score = NAN }
#define SV_BOX_OPTS(o) \
    { "boxes", SV_OPT_TEXT, &(o)->boxes, "PATH", "detections: lines \"clip frame x1 y1 x2 y2 [score]\", MOT, YOLO or COCO", 0, 0 }, \
    { "min-score", SV_OPT_REAL, &(o)->min_score, "S", "leave out boxes of a lower score (0.5)", 0, 0 }
#define SV_FPS_OPT(o) \
    { "fps", SV_OPT_REAL, &(o)->fps, "F", "frames a second, where the video does not tell", 1e-3, 1e6 }
#define SV_MOTION_OPT(o) \
    { "add-motion", SV_OPT_FLAG, &(o)->add_motion, NULL, "add motion proposals where the file has no box", 0, 0 }
#define SV_RULE_OPTS(o) \
    { "m", SV_OPT_TEXT, &(o)->model, "MODEL", "the model, made by svad convert", 0, 0 }, \
    SV_BOX_OPTS(o), \
    { "frames", SV_OPT_SIZE, &(o)->frames, "N", "frames of a tube, odd (9, or the model's own)", 1, SV_TUBE_MAX_FRAMES }, \
    { "step", SV_OPT_SIZE, &(o)->step, "S", "spacing of a tube's frames (1)", 1, SV_TUBE_MAX_STEP }, \
    { "tube-seconds", SV_OPT_REAL, &(o)->seconds, "T", "the spacing in seconds, by the video's frame rate", 1e-3, 3600 }, \
    SV_FPS_OPT(o), \
    { "every", SV_OPT_SIZE, &(o)->every, "E", "tubes on every E-th frame, scores of the nearest between (1)", 1, 1e9 }, \
    { "tubes", SV_OPT_TEXT, &(o)->tubes, "RULE", "centre: the middle frame's box in all frames; track: each its own (centre)", 0, 0 }, \
    { "crop", SV_OPT_TEXT, &(o)->crop, "RULE", "squash or square (the model's rule, squash)", 0, 0 }
#define SV_WITH_OPT(o) \
    { "with", SV_OPT_TEXT, &(o)->with, "HEADS", "beside looks: motion, the size and speed of objects", 0, 0 }
#define SV_TUBE_OPTS(o) \
    SV_RULE_OPTS(o), \
    SV_MOTION_OPT(o), \
    { "batch", SV_OPT_SIZE, &(o)->batch, "N", "crops encoded at once (0: by memory)", 0, 4096 }

struct sv_tubes {
    struct sv_cpu cpu;
    struct sv_model model;
    char id[SV_IDENTITY];               /* of the whole model file */
    struct sv_sources sources;
    struct sv_boxes boxes;
    struct sv_rule rule;
    bool live;                          /* some source is to be decoded */
    bool motion;                        /* motion proposals take part */
    struct sv_crops crops;              /* open where live */
    struct sv_tfc *tfc;
    double fps;                         /* of videos that do not tell theirs; 0: not known */
    bool quiet;
};

/* Opens everything for the VIDEO arguments; base: the rule of a scene, or NULL.  Options that contradict the base, the
 * model or stored features are errors.  features: only frame features are wanted, no stored clips and no
 * TFC; the tubes then need not fit the model's.  videos may be empty: nothing is opened then but model, CPU and rule. */
int sv_tubes_open(struct sv_tubes *t, const struct sv_tube_opts *o, const struct sv_common *common,
                  const struct sv_list *videos, const struct sv_rule *base, bool features, struct sv_err *e);
void sv_tubes_close(struct sv_tubes *t);            /* {0} is fine; leaves {0} */
/* Only what sv_tubes_objects needs, by a scene's rule: no model, no CPU. */
int sv_tubes_look(struct sv_tubes *t, const struct sv_tube_opts *o, const struct sv_common *common, const struct sv_list *videos,
                  const struct sv_rule *rule, struct sv_err *e);

/* The boxes of a clip that make tubes, sorted by frame: *object [*n], owned by the caller (sv_free).  Where motion or
 * tracks are wanted a video is read for them. */
int sv_tubes_objects(const struct sv_tubes *t, const struct sv_source *s, struct sv_object **object, size_t *n, struct sv_err *e);

/* The tubes of one clip. */
struct sv_clip_tubes {
    const char *name;                   /* of the source */
    size_t frames, w, h, every, n;
    double fps;
    struct sv_object *object;           /* [n], sorted by frame */
    float *video;                       /* [n, E] F_video */
};
/* done: tubes of earlier clips, for progress (NULL: none). */
int sv_tubes_clip(struct sv_tubes *t, size_t source, struct sv_clip_tubes *out, struct sv_progress *p, size_t done,
                  struct sv_err *e);
void sv_clip_tubes_free(struct sv_clip_tubes *c);   /* {0} is fine; leaves {0} */

/* Figures of a clip's objects, with speeds a second, or a frame.  A clip without a frame rate (fps 0) has none a second. */
int sv_tubes_figures(const char *clip, double fps, const struct sv_object *object, size_t n, bool seconds, struct sv_figure *out /* [n] */,
                     struct sv_err *e);

/* Tubes of all sources, as far as it is known before they are read; 0 where motion finds them. */
size_t sv_tubes_total(const struct sv_tubes *t);

#endif
