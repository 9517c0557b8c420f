/* embedding.h - rows looked up in a table, and the way back: what a row gives back is added to its entry. */
#ifndef NN_EMBEDDING_H
#define NN_EMBEDDING_H

#include "core/cpu.h"

/* Entry of an id: ids outside the table are read as 0. */
static inline size_t sv_entry(int32_t id, size_t entries) { return id >= 0 && (size_t)id < entries ? (size_t)id : 0; }

/* dtable[ids[r]] += dx[r] for every row r in order; threads share out the columns. */
void sv_embed_back(const struct sv_cpu *c, float *dtable /* [entries, width] */, size_t entries, const int32_t *ids /* [rows] */,
                   const float *dx /* [rows, width] */, size_t rows, size_t width);

#endif
