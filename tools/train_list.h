/* train_list.h - what svad pretrain learns from: videos and the action that each shows.
 *
 *     video,label[,boxes]          a CSV file; paths relative to it; a first row of these very words is skipped
 *     DIR/label/video              a folder of folders; '_' in the name of a label is read as a blank
 *
 * video is whatever svad extract takes, or a file or folder of stored features; one that means several clips makes a row for
 * each.  boxes is a file of detections.  Labels are cut at the ends and ASCII capitals made small: equal ones are one class. */
#ifndef TOOLS_TRAIN_LIST_H
#define TOOLS_TRAIN_LIST_H

#include "io/names.h"
#include "tools/source.h"

struct sv_train_row {
    struct sv_source source;            /* owned */
    char *boxes;                        /* owned; NULL where none are given */
    size_t label;                       /* of names */
    size_t video;                       /* rows of one path have one number */
};

struct sv_train_list {
    struct sv_train_row *row; size_t n, cap;
    struct sv_names label, video;
};

/* Reads the list and looks at every video and boxes file in it, but decodes none.  Fails on a video or boxes file that is not
 * there, an empty label, a label without a video, fewer than two labels: file and line are named. */
int sv_train_list_read(struct sv_train_list *l, const char *path, struct sv_err *e);
void sv_train_list_free(struct sv_train_list *l);   /* {0} is fine; leaves {0} */

/* Hex digits of a hash over what the list says, with size and time of every file it names. */
enum { SV_TRAIN_LIST_HASH = 65 };
int sv_train_list_hash(const struct sv_train_list *l, char out[SV_TRAIN_LIST_HASH], struct sv_err *e);

#endif
