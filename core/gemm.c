#include "core/gemm.h"

#include <string.h>
#include <unistd.h>

enum { ROWS = 192, DEEP = 1024, PACK_CHUNK = 64, SMALL = 1 << 16, TURN = 16, LINE = 16 };

static size_t round_up(size_t n, size_t to) { return sv_ceil_div(n, to) * to; }

struct sv_block_sizes sv_block_sizes(void) {
#ifdef _SC_LEVEL2_CACHE_SIZE
    const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
#else
    const long l2 = 0;
#endif
    return (struct sv_block_sizes){ .rows = l2 > 0 ? (size_t)l2 / 4 * 3 / (DEEP * sizeof(float)) : ROWS, .cols = 1 };
}

/* Floats of packed x that stay in L2; tiles of a block; panels that pass together. */
static size_t block_floats(const struct sv_cpu *c) { return (c->block.rows ? c->block.rows : ROWS) * DEEP; }
static size_t block_tiles(const struct sv_cpu *c, size_t k) { return sv_max(block_floats(c) / (c->kern->mr * sv_max(k, 1)), 1); }
static size_t block_panels(const struct sv_cpu *c) { return sv_max(c->block.cols / c->kern->nr, 1); }

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

struct turn { const struct sv_kern *kern; float *panel; const float *w; size_t ld, n, k; };

/* A few rows of w at a time through all panels: both sides then go in runs that the hardware follows. */
static void turn_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct turn *g = arg;
    const size_t nr = g->kern->nr;
    (void)thread;
    for (size_t p = begin * TURN; p < sv_min(end * TURN, g->k); p += TURN)
        for (size_t j = 0; j < g->n; j += nr)
            g->kern->lay(g->panel + j * g->k + p * nr, nr, g->w + p * g->ld + j, g->ld, sv_min(nr, g->n - j), sv_min(TURN, g->k - p));
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

/* Never less for smaller m or k, though the rounding of a block to tiles may be. */
size_t sv_gemm_floats(const struct sv_cpu *c, size_t m, size_t k) {
    const size_t mr = c->kern->mr;
    return round_up(sv_min(sv_ceil_div(m, mr) * mr * k, sv_max(block_floats(c), mr * k)), 16);
}

struct gemm {
    const struct sv_kern *kern;
    float *y; size_t ldy;
    const float *x; size_t ldx;
    bool turned;                        /* x is x^T: row i of it is column i of memory */
    size_t m;                           /* rows of this block */
    const struct sv_packed *w;
    const struct sv_epilogue *ep;
    float *ap;                          /* [tiles, k, mr] */
    size_t across, down;                /* the block is cut into across x down cells */
    size_t together;                    /* panels */
};

static void pack_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t mr = g->kern->mr, k = g->w->k;
    (void)thread;
    for (size_t t = begin; t < end; t++)
        g->kern->pack(g->ap + t * mr * k, mr, g->x + t * mr * g->ldx, g->ldx, sv_min(mr, g->m - t * mr), k);
}

/* The same of x^T: some of its rows at a time through all tiles. */
static void turn_tiles(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t mr = g->kern->mr, k = g->w->k;
    (void)thread;
    for (size_t p = begin * TURN; p < sv_min(end * TURN, k); p += TURN)
        for (size_t i = 0; i < g->m; i += mr)
            g->kern->lay(g->ap + i * k + p * mr, mr, g->x + p * g->ldx + i, g->ldx, sv_min(mr, g->m - i), sv_min(TURN, k - p));
}

/* One tile of y.  Its sums stay in registers for a block of K and in L1 between blocks; y is touched once. */
static void one_tile(const struct gemm *g, size_t i, size_t j) {
    const struct sv_kern *kn = g->kern;
    const size_t mr = kn->mr, nr = kn->nr, k = g->w->k, m = sv_min(mr, g->m - i * mr);
    const float *ap = g->ap + i * mr * k, *bp = g->w->panel + j * nr * k;
    float *y = g->y + i * mr * g->ldy + j * nr;
    _Alignas(64) float sums[SV_TILE];
    for (size_t r = 0; r < m; r++)      /* rows of y lie far apart: fetched while the sums run */
        for (size_t q = 0; q < nr; q += LINE) __builtin_prefetch(y + r * g->ldy + q, 1);
    size_t p = 0;
    do {                                /* once for k = 0: the empty sum */
        const size_t len = sv_min(kn->kc, k - p);
        kn->tile(sums, nr, m, nr, len, ap + p * mr, bp + p * nr, p > 0);
        p += len;
    } while (p < k);
    kn->finish(y, g->ldy, sums, m, sv_min(nr, g->w->n - j * nr), g->ep->bias ? g->ep->bias + j * nr : NULL, g->ep->act, g->ep->add);
}

/* Tiles top .. bottom - 1 of panels left .. right - 1. */
static void block(const struct gemm *g, size_t top, size_t bottom, size_t left, size_t right) {
    for (size_t first = left; first < right; first += g->together)
        for (size_t i = top; i < bottom; i++)
            for (size_t j = first; j < sv_min(first + g->together, right); j++) one_tile(g, i, j);
}

static void cells(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t panels = sv_ceil_div(g->w->n, g->kern->nr), tiles = sv_ceil_div(g->m, g->kern->mr);
    (void)thread;
    for (size_t cell = begin; cell < end; cell++) {
        const size_t a = cell % g->across, d = cell / g->across;
        block(g, tiles * d / g->down, tiles * (d + 1) / g->down, panels * a / g->across, panels * (a + 1) / g->across);
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
    const size_t tiles = sv_ceil_div(m, kn->mr), blocks = sv_ceil_div(tiles, block_tiles(c, w->k));
    static const struct sv_epilogue none;
    struct gemm g = { .kern = kn, .ldy = ldy, .ldx = ldx, .turned = turned, .w = w, .ep = ep ? ep : &none, .ap = scratch,
                      .together = block_panels(c) };
    for (size_t b = 0; b < blocks; b++) {
        const size_t first = tiles * b / blocks * kn->mr, last = sv_min(tiles * (b + 1) / blocks * kn->mr, m);
        g.x = x + first * (turned ? 1 : ldx), g.y = y + first * ldy, g.m = last - first;
        const size_t work = g.m * w->k;
        struct sv_pool *packers = work < SMALL ? NULL : c->pool;
        if (turned) sv_pool_for(packers, sv_ceil_div(w->k, TURN), turn_tiles, &g);
        else sv_pool_for(packers, sv_ceil_div(g.m, kn->mr), pack_rows, &g);
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
