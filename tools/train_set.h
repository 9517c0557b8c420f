/* train_set.h - the frame features of all tubes of a list, in one file: made once, mapped by every training.
 *
 * A container of kind "tubes".  values: the rule of the tubes (tube.*, as in stored clips) and list, the hash of the list that
 * it was made from ("": none).  tensors, for R rows, K tubes, V videos:
 *
 *     features  f32, f16 or bf16 [K, n, E]     tubes, those of a row together
 *     first     i64 [R + 1]                    row r has the tubes first[r] .. first[r + 1] - 1; it may have none
 *     label     i32 [R]                        the row's class
 *     video     i32 [R]                        0 .. V-1: rows of one video are never parted by the validation split
 *     labels    u8                             names of the classes, one a line */
#ifndef TOOLS_TRAIN_SET_H
#define TOOLS_TRAIN_SET_H

#include "tools/actions.h"
#include "tools/train_list.h"
#include "tools/tubes.h"

struct sv_train_set {
    struct sv_file file;                /* mapped; tensors borrow from it */
    struct sv_store store;
    struct sv_rule rule;
    struct sv_actions classes;
    const char *list;                   /* in store */
    size_t rows, videos, tubes, embed;
    const struct sv_view *features;
    size_t *first;                      /* [rows + 1]; this and below owned */
    uint32_t *label, *video;            /* [rows] */
};

/* Whether the file is of this kind; one that cannot be opened is not. */
int sv_train_set_is(const char *path, bool *is, struct sv_err *e);

/* Opens and checks everything but the features' values.  A class without a tube is an error. */
int sv_train_set_open(struct sv_train_set *s, const char *path, struct sv_err *e);
void sv_train_set_close(struct sv_train_set *s);    /* {0} is fine; leaves {0} */

/* Makes the file from a list, atomically.  t: model, CPU and rule, opened without videos; crops are opened if a row needs them.
 * A row without boxes gets a tube of the whole frame at every rule.every-th frame: then each frame is encoded once and shared by its
 * tubes.  Stored features must be of t's rule.  Returns SV_STOPPED where sv_stop_wanted. */
int sv_train_set_make(const char *path, struct sv_tubes *t, const struct sv_train_list *l, size_t crop_batch, enum sv_dtype dtype,
                      const struct sv_common *common, struct sv_err *e);

/* out [n, E] in f32: the frame features of one tube. */
static inline void sv_train_set_tube(const struct sv_train_set *s, size_t tube, float *out) {
    const size_t n = s->rule.tube.n * s->embed;
    sv_view_f32(s->features, tube * n, n, out);
}

#endif
