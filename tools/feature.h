/* feature.h - from a video and boxes to the frame features of tubes, object by object.
 *
 * Frames are streamed; the window that a tube touches is kept.  Crops of many objects and frames travel to the image
 * encoder in one batch; a frame that a tube repeats at the ends of the clip is encoded once. */
#ifndef TOOLS_FEATURE_H
#define TOOLS_FEATURE_H

#include "clip/clip.h"
#include "io/video.h"
#include "tools/source.h"

struct sv_crop;

/* What is shared by all clips: made once. */
struct sv_crops {
    const struct sv_cpu *cpu;
    struct sv_clip *clip;               /* image tower; owned */
    size_t batch;
    double fps;                         /* of videos that do not tell theirs; 0: not known */
    bool (*stop)(void);                 /* asked every second or so of encoding: true ends sv_feed_next with SV_STOPPED; NULL: never */
    size_t piece;                       /* crops between two askings */
    struct sv_crop *crop;               /* [threads]; made for frames of at most max_w x max_h */
    size_t threads, max_w, max_h;
    float *pixels, *out;                /* [batch, 3, S, S], [batch, E] */
};

/* Opens the image tower.  cpu and store are borrowed; batch 0: what 128 MiB of activations allow, 8 .. 64. */
int sv_crops_open(struct sv_crops *c, const struct sv_store *store, const struct sv_cpu *cpu, size_t batch,
                  struct sv_err *e);
void sv_crops_close(struct sv_crops *c);            /* {0} is fine; leaves {0} */
/* Croppers for frames of w x h: kept while clips are no larger than those before. */
int sv_crops_fit(struct sv_crops *c, size_t w, size_t h, struct sv_err *e);

struct sv_feed {
    struct sv_video video;
    size_t frames;                      /* decoded so far; all of them once sv_feed_next returned 0 */
    struct sv_feed_own *own;
};

/* Opens the video at path.  object [n], sorted by frame, is borrowed.  A box with nothing inside the frame is an error
 * that names clip and frame. */
int sv_feed_open(struct sv_feed *f, struct sv_crops *c, const struct sv_rule *r, const char *clip, const char *path,
                 const struct sv_object *object, size_t n, struct sv_err *e);
/* 1: *feats [tube.n, E] are the frame features of the next object, in order, valid until the next call.  0: that was the
 * last, and the video was read to its end.  SV_STOPPED where c->stop wants it.  A box in a frame that the clip does not have is an error. */
int sv_feed_next(struct sv_feed *f, const float **feats, struct sv_err *e);
void sv_feed_close(struct sv_feed *f);              /* {0} is fine; leaves {0} */

/* out = x [n] as f32, f16 or bf16, for a file of features; one that f16 cannot hold is an error. */
int sv_narrow(void *out, enum sv_dtype t, const float *x /* [n] */, size_t n, struct sv_err *e);

#endif
