/* size.h - models of any size for benches and tests: "B/16", or a family with some of its sizes changed, "B/16,layers=2,text.width=256". */
#ifndef BENCH_SIZE_H
#define BENCH_SIZE_H

#include "clip/clip.h"

/* Keys: embed, image, patch, context, vocab; width, layers, heads, mlp of both towers, or of one behind "image." or "text.".  A width
 * brings heads of 64 and an mlp of 4 widths where they are not given behind it. */
int sv_clip_sized(struct sv_clip_config *g, const char *text, struct sv_err *e);

#endif
