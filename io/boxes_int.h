/* boxes_int.h - what the readers of box formats share: a collector of boxes, and what is known of the clips they are of. */
#ifndef IO_BOXES_INT_H
#define IO_BOXES_INT_H

#include "io/boxes.h"

struct sv_json_node;

struct sv_box_clip {
    bool listed, measured;
    struct sv_names frame;              /* a folder's files without their extensions, in order of frames; of a video file none */
    struct sv_names number;             /* the numbers in them, without zeros in front */
    size_t w, h;
};

struct sv_box_reader {
    const char *file;                   /* for messages */
    const char *unit; size_t at;        /* the place in it: "line", 3 */
    struct sv_boxes *b;
    size_t *clip; size_t clip_cap;      /* clip of each box */
    bool sorted, any;
    double min_score;
    const struct sv_clip_list *clips;   /* NULL: not known */
    struct sv_box_clip *about;          /* [clips->n] */
};

/* "FILE: UNIT AT: ..." */
int sv_box_bad(const struct sv_box_reader *r, struct sv_err *e, const char *fmt, ...) SV_PRINTF(3, 4);

/* Collects a box of a clip, or drops it for its score.  Refuses an empty one, and a score where others have none. */
int sv_box_add(struct sv_box_reader *r, const char *clip, size_t len, const struct sv_box *x, bool scored, struct sv_err *e);

/* The picture that a name (n bytes) means.  Its clip is the last folder in it that is called like a clip; else the clip whose name and
 * a _ it begins with; else the only clip.  Its frame is the clip's file of the rest of the name, extensions aside; of a video
 * file the number at its end, counted from 1.  clip NULL: of none of the clips, but of the folder at name. */
struct sv_box_place { const struct sv_clip_path *clip; const char *name; size_t len; size_t frame; };
int sv_box_place(struct sv_box_reader *r, const char *name, size_t n, struct sv_box_place *out, struct sv_err *e);
/* The frame whose file has this number in its name, where one clip is given and it is a folder. */
int sv_box_numbered(struct sv_box_reader *r, int64_t number, struct sv_box_place *out, struct sv_err *e);
/* Width and height of the frames of a clip. */
int sv_box_measure(struct sv_box_reader *r, const struct sv_clip_path *clip, const struct sv_box_clip **out, struct sv_err *e);

/* The formats.  All take what a reader has set: file and b. */
enum sv_box_format { SV_BOX_TEXT, SV_BOX_MOT, SV_BOX_YOLO, SV_BOX_COCO, SV_BOX_NONE /* no line to tell by */ };
/* Lines of text: MOT or YOLO where they are of one clip, else clip by clip. */
enum sv_box_format sv_box_format(const char *s, size_t n, bool one_clip);
int sv_box_text(struct sv_box_reader *r, const char *s, size_t n, struct sv_err *e);
int sv_box_mot(struct sv_box_reader *r, const char *clip, const char *s, size_t n, struct sv_err *e);
int sv_box_yolo(struct sv_box_reader *r, const struct sv_box_place *place, size_t w, size_t h, const char *s, size_t n, struct sv_err *e);
/* The boxes of n files; file[i] are their names. */
int sv_box_coco(struct sv_box_reader *r, const struct sv_json_node *const *root, const char *const *file, size_t n, struct sv_err *e);

#endif
