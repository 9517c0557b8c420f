/* labels.h - which frames of a clip are abnormal.
 *
 *     clip n 0101...              one line a clip: n digits, 0 normal, 1 abnormal; blanks between digits do not count
 *
 * or a folder of .npy files, one a clip, named by it: one dimension (or one that is not 1), zeros and ones of any
 * real type. */
#ifndef IO_LABELS_H
#define IO_LABELS_H

#include "io/names.h"

struct sv_label { size_t n; uint8_t *frame; /* [n], 0 or 1; owned */ };

struct sv_labels {
    struct sv_names clip;
    struct sv_label *label;             /* [clip.n] */
    size_t cap;
};

/* Fails on a count that is not n (clip and both numbers are named), n of 0, other characters, a clip that comes twice, no
 * clips.  Free with sv_labels_free. */
int sv_labels_parse(struct sv_labels *l, const char *file, const void *data, size_t size, struct sv_err *e);
int sv_labels_read(struct sv_labels *l, const char *path, struct sv_err *e);        /* a text file or a folder of .npy */
void sv_labels_free(struct sv_labels *l);           /* {0} is fine */

/* NULL where the clip is not there. */
const struct sv_label *sv_labels_of(const struct sv_labels *l, const char *clip);

/* One .npy file as the labels of a clip, added to l ({0} at first). */
int sv_labels_npy(struct sv_labels *l, const char *clip, const char *file, const void *data, size_t size, struct sv_err *e);

#endif
