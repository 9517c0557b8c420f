/* agree.h - how far features of pictures go from f32 when they are computed with fewer bits. */
#ifndef TOOLS_AGREE_H
#define TOOLS_AGREE_H

#include "tools/tool.h"

/* Prints, for the first model in bf16 and in i8 and for each other model as it is stored: the least and the mean cosine to the first
 * model's features in f32, and the rank agreement.  pictures: files and folders of them. */
int sv_agree(const struct sv_list *models, const struct sv_list *pictures, const struct sv_common *common, struct sv_err *e);

/* Each row of a [rows, width] ranks the others by their likeness; the share of pairs that the same row of b ranks the same way.  NaN for
 * fewer than three rows.  room: 2 rows. */
double sv_rank_agreement(const float *a, const float *b, size_t rows, size_t width, double *room);

#endif
