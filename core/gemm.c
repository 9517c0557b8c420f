#include "core/gemm.h"

#include <string.h>

/* A block of x is ROWS x kc floats and stays in L2 while panels of w pass through L1; the sums of one block are ROWS x
 * COLS floats of a thread's own scratch, so y is touched once, at the end. */
enum { ROWS = 264, COLS = 128, PACK_CHUNK = 64, SMALL = 1 << 16, AHEAD = 8, LINE = 16, TURN = 16 };

static size_t round_up(size_t n, size_t to) { return sv_ceil_div(n, to) * to; }
static size_t block_rows(const struct sv_kern *k, size_t m) { return round_up(sv_min(m, ROWS / k->mr * k->mr), k->mr); }
static size_t block_panels(const struct sv_kern *k) { return sv_max(COLS / k->nr, 1); }

size_t sv_pack_floats(const struct sv_kern *k, size_t rows, size_t cols) { return sv_ceil_div(rows, k->nr) * k->nr * cols; }

struct pack { const struct sv_kern *kern; float *panel; const struct sv_view *w; size_t n, k; };

/* out = elements first .. first + n - 1 of w, n <= PACK_CHUNK. */
static void widen(const struct pack *g, size_t first, size_t n, float *out) {
    const unsigned char *p = (const unsigned char *)g->w->data + first * sv_dtype_size(g->w->dtype);
    if (g->w->dtype == SV_F32) { memcpy(out, p, n * sizeof *out); return; }
    uint16_t h[PACK_CHUNK];
    memcpy(h, p, n * sizeof *h);        /* a file aligns to nothing */
    (g->w->dtype == SV_F16 ? g->kern->half : g->kern->bhalf)(out, h, n);
}

static void pack_panels(void *arg, size_t begin, size_t end, size_t thread) {
    const struct pack *g = arg;
    const size_t nr = g->kern->nr;
    (void)thread;
    for (size_t j = begin; j < end; j++)
        for (size_t p = 0; p < g->k; p += PACK_CHUNK) {
            const size_t len = sv_min(PACK_CHUNK, g->k - p);
            float *out = g->panel + (j * g->k + p) * nr, row[PACK_CHUNK];
            for (size_t r = 0; r < nr; r++) {
                if (j * nr + r < g->n) widen(g, (j * nr + r) * g->k + p, len, row);
                else memset(row, 0, sizeof row);
                for (size_t q = 0; q < len; q++) out[q * nr + r] = row[q];
            }
        }
}

struct sv_packed sv_pack(const struct sv_cpu *c, float *panel, const struct sv_view *w) {
    const size_t n = w->rank ? w->dim[0] : 1;
    struct pack g = { c->kern, panel, w, n, n ? w->count / n : 0 };
    sv_pool_for(c->pool, sv_ceil_div(n, c->kern->nr), pack_panels, &g);
    return (struct sv_packed){ n, g.k, panel };
}

struct sv_packed sv_pack_f32(const struct sv_cpu *c, float *panel, const float *w, size_t n, size_t k) {
    const struct sv_view v = { .dtype = SV_F32, .rank = 2, .dim = { n, k }, .count = n * k, .bytes = n * k * sizeof *w, .data = w };
    return sv_pack(c, panel, &v);
}

/* wide columns of x [rows, cols] side by side, those past cols zero. */
static void copy_cols(float *out, size_t wide, const float *x, size_t ldx, size_t rows, size_t cols) {
    for (size_t p = 0; p < rows; p++, x += ldx, out += wide) {
        for (size_t i = 0; i < cols; i++) out[i] = x[i];
        for (size_t i = cols; i < wide; i++) out[i] = 0;
    }
}

struct turn { const struct sv_kern *kern; float *panel; const float *w; size_t ld, n, k; };

/* A few rows of w at a time through all panels: both sides then go in runs that the hardware follows. */
static void turn_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct turn *g = arg;
    const size_t nr = g->kern->nr;
    (void)thread;
    for (size_t p = begin * TURN; p < sv_min(end * TURN, g->k); p += TURN)
        for (size_t j = 0; j < g->n; j += nr)
            copy_cols(g->panel + j * g->k + p * nr, nr, g->w + p * g->ld + j, g->ld, sv_min(TURN, g->k - p), sv_min(nr, g->n - j));
}

struct sv_packed sv_pack_turned(const struct sv_cpu *c, float *panel, const float *w, size_t ld, size_t n, size_t k) {
    struct turn g = { c->kern, panel, w, ld, n, k };
    sv_pool_for(c->pool, sv_ceil_div(k, TURN), turn_rows, &g);
    return (struct sv_packed){ n, k, panel };
}

/* Squares of nr x nr. */
static void turn_panels(void *arg, size_t begin, size_t end, size_t thread) {
    const struct turn *g = arg;
    const size_t nr = g->kern->nr, square = nr * nr;
    (void)thread;
    for (size_t j = begin; j < end; j++)
        for (size_t i = 0; i * nr < g->k; i++)
            g->kern->pack(g->panel + j * nr * g->k + i * square, nr, g->w + i * nr * g->n + j * square, nr, sv_min(nr, g->n - j * nr),
                          sv_min(nr, g->k - i * nr));
}

struct sv_packed sv_turn(const struct sv_cpu *c, float *panel, const struct sv_packed *w) {
    struct turn g = { .kern = c->kern, .panel = panel, .w = w->panel, .n = w->k, .k = w->n };
    sv_pool_for(c->pool, sv_ceil_div(g.n, c->kern->nr), turn_panels, &g);
    return (struct sv_packed){ g.n, g.k, panel };
}

size_t sv_gemm_floats(const struct sv_cpu *c, size_t m, size_t k) {
    const size_t rows = block_rows(c->kern, m);
    return round_up(rows * k, 16) + sv_pool_threads(c->pool) * round_up(rows * block_panels(c->kern) * c->kern->nr, 16);
}

struct gemm {
    const struct sv_kern *kern;
    float *y; size_t ldy;
    const float *x; size_t ldx;
    bool turned;                        /* x is x^T: row i of it is column i of memory */
    size_t m;                           /* rows of this block */
    const struct sv_packed *w;
    const struct sv_epilogue *ep;
    float *ap;                          /* [k / kc] blocks of [tiles, kc, mr] */
    float *sums;                        /* [threads, stride] */
    size_t stride, across, down;        /* the block is cut into across x down cells */
};

static void pack_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t mr = g->kern->mr, k = g->w->k, padded = round_up(g->m, mr);
    (void)thread;
    for (size_t t = begin; t < end; t++)
        for (size_t p = 0; p < k; p += g->kern->kc) {
            const size_t len = sv_min(g->kern->kc, k - p), rows = sv_min(mr, g->m - t * mr);
            float *out = g->ap + p * padded + t * mr * len;
            if (g->turned) copy_cols(out, mr, g->x + p * g->ldx + t * mr, g->ldx, len, rows);
            else g->kern->pack(out, mr, g->x + t * mr * g->ldx + p, g->ldx, rows, len);
        }
}

/* One row of finished sums into y: act(s + bias), or added to it. */
static void finish(const struct gemm *g, float *s, size_t row, size_t col, size_t n) {
    const struct sv_epilogue *ep = g->ep;
    const struct sv_kern *k = g->kern;
    float *y = g->y + row * g->ldy + col;
    if (ep && ep->bias) k->axpy(s, 1, ep->bias + col, n);
    if (ep && ep->act != SV_ACT_NONE) (ep->act == SV_ACT_QUICK ? k->quick : k->gelu)(s, s, n);
    if (ep && ep->add) k->axpy(y, 1, s, n);
    else memcpy(y, s, n * sizeof *y);
}

/* Tiles top .. bottom - 1 of panels left .. right - 1, all of K. */
static void block(const struct gemm *g, float *sums, size_t top, size_t bottom, size_t left, size_t right) {
    const struct sv_kern *kn = g->kern;
    const size_t mr = kn->mr, nr = kn->nr, k = g->w->k, padded = round_up(g->m, mr), ld = (right - left) * nr;
    size_t p = 0;
    do {                                /* once for k = 0: the empty sum */
        const size_t len = sv_min(kn->kc, k - p);
        for (size_t j = left; j < right; j++)
            for (size_t i = top; i < bottom; i++) {
                /* w streams from memory and a tile cannot wait for it, so each fetches its share of the next panel.  Where
                 * few tiles use a panel, the hardware's own guess is better.  (In a function of its own gcc drops it as pure.) */
                const float *next = g->w->panel + ((j + 1) * k + p) * nr;
                const size_t share = len * nr / (bottom - top) + LINE, at = share * (i - top);
                if (bottom - top >= AHEAD && j + 1 < right)
                    for (size_t q = at; q < sv_min(at + share, len * nr); q += LINE) __builtin_prefetch(next + q);
                kn->tile(sums + (i - top) * mr * ld + (j - left) * nr, ld, mr, nr, len,
                         g->ap + p * padded + i * mr * len, g->w->panel + (j * k + p) * nr, p > 0);
            }
        p += len;
    } while (p < k);
    const size_t col = left * nr, n = sv_min(ld, g->w->n - col);
    for (size_t r = top * mr; r < sv_min(bottom * mr, g->m); r++) finish(g, sums + (r - top * mr) * ld, r, col, n);
}

static void cells(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t panels = sv_ceil_div(g->w->n, g->kern->nr), tiles = sv_ceil_div(g->m, g->kern->mr), most = block_panels(g->kern);
    for (size_t cell = begin; cell < end; cell++) {
        const size_t a = cell % g->across, d = cell / g->across;
        const size_t right = panels * (a + 1) / g->across, top = tiles * d / g->down, bottom = tiles * (d + 1) / g->down;
        for (size_t j = panels * a / g->across; j < right && top < bottom; j += most)
            block(g, g->sums + thread * g->stride, top, bottom, j, sv_min(j + most, right));
    }
}

/* The split whose largest cell is smallest; ties go to the one that shares panels least. */
static void cut(struct gemm *g, size_t threads) {
    const size_t panels = sv_ceil_div(g->w->n, g->kern->nr), tiles = sv_ceil_div(g->m, g->kern->mr);
    size_t least = SIZE_MAX;
    for (size_t down = 1; down <= sv_min(threads, tiles); down++) {
        const size_t across = sv_min(threads / down, panels), most = sv_ceil_div(tiles, down) * sv_ceil_div(panels, across);
        if (most < least) least = most, g->down = down, g->across = across;
    }
}

static void product(const struct sv_cpu *c, float *y, size_t ldy, const float *x, size_t ldx, bool turned, size_t m,
                    const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    if (!m || !w->n) return;
    const struct sv_kern *kn = c->kern;
    const size_t tiles = sv_ceil_div(m, kn->mr), blocks = sv_ceil_div(tiles, ROWS / kn->mr);
    const size_t rows = block_rows(kn, m);
    struct gemm g = { .kern = kn, .ldy = ldy, .ldx = ldx, .turned = turned, .w = w, .ep = ep, .ap = scratch,
                      .sums = scratch + round_up(rows * w->k, 16), .stride = round_up(rows * block_panels(kn) * kn->nr, 16) };
    for (size_t b = 0; b < blocks; b++) {
        const size_t first = tiles * b / blocks * kn->mr, last = sv_min(tiles * (b + 1) / blocks * kn->mr, m);
        g.x = x + first * (turned ? 1 : ldx), g.y = y + first * ldy, g.m = last - first;
        const size_t work = g.m * w->k;
        sv_pool_for(work < SMALL ? NULL : c->pool, sv_ceil_div(g.m, kn->mr), pack_rows, &g);
        struct sv_pool *pool = work * w->n < SMALL ? NULL : c->pool;
        cut(&g, sv_pool_threads(pool));
        sv_pool_for(pool, g.across * g.down, cells, &g);
    }
}

void sv_gemm(const struct sv_cpu *c, float *y, size_t ldy, const float *x, size_t ldx, size_t m,
             const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    product(c, y, ldy, x, ldx, false, m, w, ep, scratch);
}

void sv_gemm_turned(const struct sv_cpu *c, float *y, size_t ldy, const float *x, size_t ldx, size_t m,
                    const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    product(c, y, ldy, x, ldx, true, m, w, ep, scratch);
}
