#include "tfc/blob.h"

/* A row has at most (w + 1) / 2 runs, and a component at least one. */
void sv_blobs_take(struct sv_blobs *b, struct sv_arena *a, size_t w, size_t h) {
    const size_t most = (w + 1) / 2 * h;
    b->w = w, b->h = h;
    b->run = SV_TAKE(a, struct sv_run, most);
    b->parent = SV_TAKE(a, uint32_t, most);
    b->blob = SV_TAKE(a, struct sv_blob, most);
}

static uint32_t root(uint32_t *parent, uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
}

/* The root of two trees is the earlier run, so that components are numbered by their first pixel. */
static void join(uint32_t *parent, uint32_t a, uint32_t b) {
    a = root(parent, a), b = root(parent, b);
    if (a < b) parent[b] = a;
    else parent[a] = b;
}

static size_t runs_of_row(struct sv_blobs *b, const uint8_t *row, size_t y) {
    const size_t before = b->runs;
    for (size_t x = 0; x < b->w;) {
        for (; x < b->w && !row[x];) x++;
        const size_t from = x;
        for (; x < b->w && row[x];) x++;
        if (from == x) break;
        b->run[b->runs] = (struct sv_run){ (uint32_t)y, (uint32_t)from, (uint32_t)x, 0 };
        b->parent[b->runs] = (uint32_t)b->runs;
        b->runs++;
    }
    return b->runs - before;
}

void sv_blobs_find(struct sv_blobs *b, const uint8_t *mask) {
    b->runs = b->n = 0;
    for (size_t y = 0, above = 0; y < b->h; y++) {
        const size_t first = b->runs, old = first - above, here = runs_of_row(b, mask + y * b->w, y);
        for (size_t i = first, k = old; i < first + here && k < first;) {
            const struct sv_run *r = &b->run[i], *u = &b->run[k];
            if (r->x1 <= u->x2 && u->x1 <= r->x2) join(b->parent, (uint32_t)i, (uint32_t)k);
            if (r->x2 < u->x2) i++;
            else k++;
        }
        above = here;
    }
    for (size_t i = 0; i < b->runs; i++) {
        struct sv_run *r = &b->run[i];
        const uint32_t top = root(b->parent, (uint32_t)i);
        if (top == i) {
            r->blob = (uint32_t)b->n;
            b->blob[b->n++] = (struct sv_blob){ r->x1, r->y, r->x2, r->y + 1, 0 };
        } else {
            r->blob = b->run[top].blob;
        }
        struct sv_blob *o = &b->blob[r->blob];
        o->x1 = sv_min(o->x1, r->x1), o->x2 = sv_max(o->x2, r->x2), o->y2 = r->y + 1, o->area += r->x2 - r->x1;
    }
}
