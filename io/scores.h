/* scores.h - what `svad score` leaves in its folder, written and read back to the same bits.
 *
 *     scores.csv      clip,frame,score                                                every frame of every clip
 *     objects.csv     clip,frame,x1,y1,x2,y2,track,score,action,similarity            every box
 *
 * Both begin with that header line.  The rows of a clip stand in order of frames; scores.csv has each frame from 0 on.
 * track is -1 where boxes were not tracked.  A number that is not finite is never written and never read. */
#ifndef IO_SCORES_H
#define IO_SCORES_H

#include "io/file.h"
#include "io/names.h"

struct sv_frames { size_t n, cap; double *score; /* [n]; owned */ };

struct sv_scores {
    struct sv_names clip;
    struct sv_frames *frames;           /* [clip.n] */
    size_t cap;
};

struct sv_object_row {
    size_t frame;
    double x1, y1, x2, y2;
    int64_t track;
    double score;
    const char *action;                 /* when read: owned by sv_objects */
    float similarity;                   /* the response to that action */
};

struct sv_objects {
    struct sv_names clip, action;
    struct sv_object_row *object; size_t n, cap;
    size_t *first;                      /* [clip.n + 1]: objects of clip i are object[first[i]] .. object[first[i + 1] - 1] */
};

/* Writing: open, put clip by clip, then sv_out_commit (or sv_out_drop).  A score that is not finite is SV_EINPUT and names
 * clip and frame. */
int sv_scores_open(struct sv_out *o, const char *path, struct sv_err *e);
int sv_scores_put(struct sv_out *o, const char *clip, const double *score /* [n] */, size_t n, struct sv_err *e);
int sv_objects_open(struct sv_out *o, const char *path, struct sv_err *e);
int sv_objects_put(struct sv_out *o, const char *clip, const struct sv_object_row *x /* [n] */, size_t n, struct sv_err *e);

/* Reading.  Errors name the line.  Free with the function below; {0} is fine there. */
int sv_scores_parse(struct sv_scores *s, const char *file, const void *data, size_t size, struct sv_err *e);
int sv_scores_read(struct sv_scores *s, const char *path, struct sv_err *e);
void sv_scores_free(struct sv_scores *s);
const struct sv_frames *sv_scores_of(const struct sv_scores *s, const char *clip);         /* NULL where it is not there */

/* The clips' rows must not be mixed. */
int sv_objects_parse(struct sv_objects *s, const char *file, const void *data, size_t size, struct sv_err *e);
int sv_objects_read(struct sv_objects *s, const char *path, struct sv_err *e);
void sv_objects_free(struct sv_objects *s);

#endif
