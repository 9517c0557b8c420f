/* gemm.c - BLIS's five loops (Van Zee, van de Geijn 2015) around the tile kernel, with the weights packed beforehand.
 *
 * x is packed whole, in parallel; then every thread owns a range of y: columns first, and rows too where there are more
 * threads than columns.  Inside it: blocks of NC columns, blocks of MC rows, K in steps of kc, tiles.  A block of x stays
 * in L2 while the panels of w stream past it, one panel at a time in L1. */
#include "core/gemm.h"

#include <string.h>

enum { MC = 192, NC = 512 };            /* upper bounds, rounded down to whole tiles */

size_t sv_pack_floats(const struct sv_kern *k, size_t rows, size_t cols) { return sv_ceil_div(rows, k->nr) * k->nr * cols; }

struct pack { const struct sv_kern *kern; float *panel; const struct sv_view *view; const float *w; size_t n, k; };

/* Columns at .. at + len - 1 of row r as f32: in place, or widened into tmp. */
static const float *row_part(const struct pack *j, size_t r, size_t at, size_t len, float *tmp) {
    if (j->w) return j->w + r * j->k + at;
    sv_view_f32(j->view, r * j->k + at, len, tmp);
    return tmp;
}

static void pack_panels(void *arg, size_t begin, size_t end, size_t thread) {
    enum { STEP = 64 };
    const struct pack *j = arg;
    const size_t nr = j->kern->nr;
    float tmp[STEP];
    (void)thread;
    for (size_t p = begin; p < end; p++) {
        float *panel = j->panel + p * nr * j->k;
        const size_t rows = sv_min(nr, j->n - p * nr);
        if (rows < nr) memset(panel, 0, nr * j->k * sizeof *panel);
        for (size_t at = 0; at < j->k; at += STEP) {
            const size_t len = sv_min(STEP, j->k - at);
            for (size_t r = 0; r < rows; r++) {
                const float *w = row_part(j, p * nr + r, at, len, tmp);
                for (size_t i = 0; i < len; i++) panel[(at + i) * nr + r] = w[i];
            }
        }
    }
}

static struct sv_packed pack_all(const struct sv_cpu *c, struct pack j) {
    sv_pool_for(c->pool, sv_ceil_div(j.n, c->kern->nr), pack_panels, &j);
    return (struct sv_packed){ j.n, j.k, j.panel };
}

struct sv_packed sv_pack(const struct sv_cpu *c, float *panel, const struct sv_view *w) {
    return pack_all(c, (struct pack){ c->kern, panel, w, NULL, w->dim[0], w->dim[1] });
}

struct sv_packed sv_pack_f32(const struct sv_cpu *c, float *panel, const float *w, size_t n, size_t k) {
    return pack_all(c, (struct pack){ c->kern, panel, NULL, w, n, k });
}

size_t sv_gemm_floats(const struct sv_cpu *c, size_t m, size_t k) { return sv_ceil_div(m, c->kern->mr) * c->kern->mr * k; }

struct job {
    const struct sv_kern *kern;
    float *y; size_t ldy;
    const float *x; size_t ldx;
    size_t m;
    const struct sv_packed *w;
    const struct sv_epilogue *ep;
    float *packed;                      /* [ceil(m / mr), k, mr] */
    size_t cuts;                        /* ranges of rows that a column panel is shared out in */
};

static void pack_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t mr = j->kern->mr, k = j->w->k;
    (void)thread;
    for (size_t p = begin; p < end; p++) {
        float *panel = j->packed + p * mr * k;
        const size_t rows = sv_min(mr, j->m - p * mr);
        if (rows < mr) memset(panel, 0, mr * k * sizeof *panel);
        for (size_t r = 0; r < rows; r++) {
            const float *x = j->x + (p * mr + r) * j->ldx;
            for (size_t i = 0; i < k; i++) panel[i * mr + r] = x[i];
        }
    }
}

/* Bias and activation on a finished tile, while it is in L1. */
static void finish(const struct job *j, size_t row, size_t col, size_t m, size_t n) {
    const struct sv_epilogue *ep = j->ep;
    for (size_t i = row; i < row + m; i++) {
        float *y = j->y + i * j->ldy + col;
        if (ep->bias)
            for (size_t t = 0; t < n; t++) y[t] += ep->bias[col + t];
        if (ep->act == SV_ACT_QUICK) j->kern->quick(y, y, n);
        else if (ep->act == SV_ACT_GELU) j->kern->gelu(y, y, n);
    }
}

/* Rows row .. row_end - 1 by column panels panel .. panel_end - 1, for all of K. */
static void block(const struct job *j, size_t row, size_t row_end, size_t panel, size_t panel_end) {
    const size_t mr = j->kern->mr, nr = j->kern->nr, k = j->w->k, kc = j->kern->kc;
    for (size_t p = 0; p < k; p += kc) {
        const size_t len = sv_min(kc, k - p);
        for (size_t q = panel; q < panel_end; q++) {
            const size_t col = q * nr, n = sv_min(nr, j->w->n - col);
            for (size_t r = row; r < row_end; r += mr) {
                const size_t m = sv_min(mr, j->m - r);
                j->kern->tile(j->y + r * j->ldy + col, j->ldy, m, n, len, j->packed + r * k + p * mr, j->w->panel + (q * k + p) * nr,
                              p > 0 || (j->ep && j->ep->add));
                if (j->ep && p + len == k) finish(j, r, col, m, n);
            }
        }
    }
}

static void some_tiles(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t mr = j->kern->mr, panels = sv_ceil_div(j->w->n, j->kern->nr), tiles = sv_ceil_div(j->m, mr);
    const size_t mc = MC / mr * mr, nc = NC / j->kern->nr;
    (void)thread;
    while (begin < end) {               /* one cut of the rows at a time: panels begin % panels .. */
        const size_t cut = begin / panels, first = begin % panels, last = sv_min(panels, first + (end - begin));
        const size_t row0 = tiles * cut / j->cuts * mr, row1 = sv_min(j->m, tiles * (cut + 1) / j->cuts * mr);
        for (size_t q = first; q < last; q += nc)
            for (size_t r = row0; r < row1; r += mc) block(j, r, sv_min(row1, r + mc), q, sv_min(last, q + nc));
        begin += last - first;
    }
}

void sv_gemm(const struct sv_cpu *c, float *y, size_t ldy, const float *x, size_t ldx, size_t m,
             const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    if (!m || !w->n) return;
    const size_t threads = sv_pool_threads(c->pool), panels = sv_ceil_div(w->n, c->kern->nr), tiles = sv_ceil_div(m, c->kern->mr);
    const size_t cuts = threads == 1 || panels >= 4 * threads ? 1 : sv_min(tiles, sv_ceil_div(4 * threads, panels));
    struct job j = { c->kern, y, ldy, x, ldx, m, w, ep, scratch, cuts };
    sv_pool_for(c->pool, tiles, pack_rows, &j);
    sv_pool_for(c->pool, cuts * panels, some_tiles, &j);
}
