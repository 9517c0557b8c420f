/* labels_int.h - what labels.c and labels_matlab.c share. */
#ifndef IO_LABELS_INT_H
#define IO_LABELS_INT_H

#include "io/labels.h"

enum { SV_LABELS_MAX = 100000000 };

/* A new clip of n frames, all normal.  n 0: open, with as many as its intervals ask for. */
int sv_labels_clip(struct sv_labels *l, const char *file, const char *name, size_t len, size_t n, uint8_t **out, struct sv_err *e);

bool sv_labels_is_m(const char *s, size_t n);
int sv_labels_m(struct sv_labels *l, const char *file, const char *s, size_t n, struct sv_err *e);
/* clip names the clip of a file of masks. */
int sv_labels_mat(struct sv_labels *l, const char *clip, const char *file, const void *data, size_t size, struct sv_err *e);

#endif
