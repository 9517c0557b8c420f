/* boxes.h - what a detector saw: boxes of clips, from the files that detectors and trackers write.  Recognised by content.
 *
 * Text:
 *     # comment
 *     clip frame x1 y1 x2 y2 [score] [tTRACK] [anything else]
 * Columns are split at blanks, or at commas where a line has one (blanks around a column then do not count, so a clip
 * name may have blanks inside).  Frames count from 0; x2 and y2 are exclusive; numbers are pixels and may be fractions.
 * All lines have a score or none has.  A track is a t and a number (t17), so that a detector's column of classes is none.  Boxes may reach
 * over the edges of the frame, whose size is not known here.
 *
 * MOT: a folder with CLIP.txt for each clip, lines frame,id,x,y,w,h[,score[,...]]; frame, x and y count from 1; id -1: no track;
 * score -1: none.  A single file with lines of ten columns, -1 in the last three, is MOT, too: of the one clip given, or of
 * the clip that the file's name says.
 *
 * YOLO: a folder with FRAME.txt for each frame that has boxes, or a folder CLIP (or CLIP/labels) of them for each clip; lines
 * class x y w h [score [track]]; centre and size as shares of the frame.  classes.txt is passed over.
 *
 * COCO: results [{"image_id", "bbox": [x, y, w, h], "score"}, ...]; or {"images": [{"id", "file_name"}, ...], "annotations": results};
 * or a folder with both in files of their own.  Without a list of images an image_id that is a text is a file's name, one that is a
 * number the number in a frame's file name (of one clip, a folder).  Categories are not looked at.
 *
 * Names of frames (YOLO, COCO) mean the clip's file of that name, extensions aside; frames of a video file are counted from 1
 * by the number at the end of the name.  The clip is the folder before the name; or its name and _ come first (01_0042); or there is one. */
#ifndef IO_BOXES_H
#define IO_BOXES_H

#include "io/names.h"
#include "io/video.h"

#define SV_MIN_SCORE 0.5                /* the default below which a scored box is dropped */
enum { SV_FRAME_MAX = 100000000, SV_PIXEL_MAX = 1000000 };      /* a frame number, a coordinate: above is a broken file */

struct sv_box {
    size_t frame;
    double x1, y1, x2, y2;
    double score;                       /* 1 where the file has none */
    int64_t track;                      /* -1 where the file has none */
};

struct sv_boxes {
    struct sv_names clip;               /* in order of appearance, with clips whose boxes were all dropped */
    size_t *first;                      /* [clip.n + 1]: boxes of clip i are box[first[i]] .. box[first[i + 1] - 1] */
    struct sv_box *box; size_t n, cap;  /* by clip, frame, and order in the file */
    bool scored;                        /* the file has scores */
    size_t dropped;                     /* boxes below min_score */
};

/* file is the name for messages.  Scored boxes below min_score are left out; a file without scores keeps all.  Fails on
 * a number that is none, a frame or coordinate beyond the limits, a box without area, a missing or empty column, a score on
 * some lines only, no boxes at all: line, clip and frame are named.  Free with sv_boxes_free. */
int sv_boxes_parse(struct sv_boxes *b, const char *file, const void *data, size_t size, double min_score, struct sv_err *e);
/* A file or a folder.  clips (NULL: not known) are what the boxes are of: names of frames and sizes come from there.  Boxes of
 * other clips may be left out, but their clips' names are not. */
int sv_boxes_read_of(struct sv_boxes *b, const char *path, const struct sv_clip_list *clips, double min_score, struct sv_err *e);
int sv_boxes_read(struct sv_boxes *b, const char *path, double min_score, struct sv_err *e);
void sv_boxes_free(struct sv_boxes *b);             /* {0} is fine */

/* The boxes of a clip, by frame; *n is 0 where it has none. */
const struct sv_box *sv_boxes_of(const struct sv_boxes *b, const char *clip, size_t *n);

#endif
