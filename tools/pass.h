/* pass.h - a clip frame by frame, read once: boxes, tubes and F_video of each frame as soon as they can be known.
 *
 *     do more = next picture into sv_pass_room(p), sv_pass_push(p, more, e);
 *         while (sv_pass_take(p, &out)) ...
 *     while (more);
 *
 * Objects and their bits are those that svad score finds in the whole clip.  Frame t is complete half a tube later, with motion
 * or tracks to be found at least SV_MOTION_LOOK frames later, with tubes of tracks that much after half a tube; at the end of the
 * clip all are.  Memory is bounded by the objects of that many frames, if eager; else of a batch more. */
#ifndef TOOLS_PASS_H
#define TOOLS_PASS_H

#include "tools/tubes.h"

struct sv_pass_opts {
    size_t most;                        /* objects of a frame: those of highest detection score, then the largest; 0: all */
    bool tracks;                        /* objects get tracks, also where tubes do not need them */
    bool eager;                         /* encodes what a frame made possible at once, instead of filling batches */
};

struct sv_pass_out {
    size_t frame, n;
    bool tubes;                         /* tubes were to be made on this frame (--every), and it was seen */
    struct sv_object *object;           /* [n] */
    const float *video;                 /* [n, E] */
    const uint8_t *rgb;                 /* [h, w, 3]; NULL where the picture is gone (possible if not eager) */
};

struct sv_pass;

/* Borrows t, with crops and fusion open.  box [boxes] is what a detector saw, sorted by frame, borrowed. */
int sv_pass_open(struct sv_pass **p, struct sv_tubes *t, const char *clip, size_t w, size_t h, double fps, const struct sv_box *box,
                 size_t boxes, const struct sv_pass_opts *o, struct sv_err *e);
void sv_pass_close(struct sv_pass *p);              /* NULL is fine */

uint8_t *sv_pass_room(struct sv_pass *p);           /* [h, w, 3] for the next picture */
/* more: the picture in the room is the next frame; else the clip has ended. */
int sv_pass_push(struct sv_pass *p, bool more, struct sv_err *e);
/* A frame that was not seen: the picture before it stands in (black, where there is none), and it has no objects. */
int sv_pass_repeat(struct sv_pass *p, struct sv_err *e);
/* The next frame that is complete, valid until the next call of either. */
bool sv_pass_take(struct sv_pass *p, struct sv_pass_out *out);
size_t sv_pass_frames(const struct sv_pass *p);     /* that came */

#endif
