/* blob.h - connected components of a bit mask. */
#ifndef TFC_BLOB_H
#define TFC_BLOB_H

#include "core/arena.h"

struct sv_blob {
    size_t x1, y1, x2, y2;              /* exclusive x2 y2 */
    size_t area;                        /* pixels set */
};

struct sv_run { uint32_t y, x1, x2, blob; };

/* Memory for masks of w x h. */
struct sv_blobs {
    size_t w, h;
    struct sv_run *run; size_t runs;    /* of the last mask; blob is its component's index once sv_blobs_find returned */
    uint32_t *parent;                   /* [runs] */
    struct sv_blob *blob; size_t n;
};

void sv_blobs_take(struct sv_blobs *b, struct sv_arena *a, size_t w, size_t h);

/* Components of mask [h, w] (nonzero: set), 8-connected, in the order of their first pixel. */
void sv_blobs_find(struct sv_blobs *b, const uint8_t *mask);

#endif
