#include "nn/embedding.h"

enum { COLUMNS = 64 };

struct job { const struct sv_cpu *c; float *dtable; size_t entries; const int32_t *ids; const float *dx; size_t rows, width; };

static void scatter(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t at = begin * COLUMNS, n = sv_min(end * COLUMNS, j->width) - at;
    (void)thread;
    for (size_t r = 0; r < j->rows; r++)
        j->c->kern->axpy(j->dtable + sv_entry(j->ids[r], j->entries) * j->width + at, 1, j->dx + r * j->width + at, n);
}

void sv_embed_back(const struct sv_cpu *c, float *dtable, size_t entries, const int32_t *ids, const float *dx, size_t rows, size_t width) {
    struct job j = { c, dtable, entries, ids, dx, rows, width };
    sv_pool_for(c->pool, sv_ceil_div(width, COLUMNS), scatter, &j);
}
