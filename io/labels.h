/* labels.h - which frames of a clip are abnormal.
 *
 *     clip n 0101...              one line a clip: n digits, 0 normal, 1 abnormal; blanks between digits do not count
 *
 * or a folder of .npy files, one a clip, named by it: one dimension (or one that is not 1), zeros and ones of any real
 * type; or pixel masks [n, h, w], where a frame with any pixel set is abnormal.
 *
 * Labels as data sets carry them for MATLAB, recognised by content:
 * - UCSD's script, a line NAME{end+1}.gt_frame = [5:90, 140:200]; a clip, frames from 1, ends included;
 * - a .mat file with a cell of [2, K] arrays (first; last frame), one a clip;
 * - a .mat file with variables named by clip, a zero or one a frame;
 * - a folder of .mat files with a cell of masks [h, w], one a frame, whose names hold the clip's number (1_label.mat).
 * Where clips are counted and not named, sv_labels_fit names them; where intervals leave the length open, it sets it. */
#ifndef IO_LABELS_H
#define IO_LABELS_H

#include "io/names.h"

struct sv_label {
    size_t n;
    uint8_t *frame;                     /* [n], 0 or 1; owned */
    bool open;                          /* frames from n on are normal, as many as there may be */
};

struct sv_labels {
    struct sv_names clip;
    struct sv_label *label;             /* [clip.n] */
    size_t cap;
    bool numbered;                      /* clips are counted: 1, 2, ... in order */
};

/* file names the clip, too, where it is one of masks: the first number in its last part.  Fails on a count that is not n
 * (clip and both numbers are named), n of 0, other characters, a clip that comes twice, no clips.  Free with
 * sv_labels_free. */
int sv_labels_parse(struct sv_labels *l, const char *file, const void *data, size_t size, struct sv_err *e);
int sv_labels_read(struct sv_labels *l, const char *path, struct sv_err *e);        /* a file or a folder */
void sv_labels_free(struct sv_labels *l);           /* {0} is fine */

/* Gives the k-th numbered clip the k-th of these names in order of their bytes, and clips that are open the length of the clip of
 * their name.  Fails where the numbers of clips differ, or an interval ends after its clip.  Labels of names that are not
 * among these stay as they are. */
int sv_labels_fit(struct sv_labels *l, const char *file, const struct sv_names *clip, const size_t *frames, struct sv_err *e);

/* NULL where the clip is not there. */
const struct sv_label *sv_labels_of(const struct sv_labels *l, const char *clip);

/* One .npy file as the labels of a clip, added to l ({0} at first). */
int sv_labels_npy(struct sv_labels *l, const char *clip, const char *file, const void *data, size_t size, struct sv_err *e);

#endif
