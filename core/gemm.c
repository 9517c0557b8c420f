#include "core/gemm.h"

#include <unistd.h>

enum { ROWS = 192, DEEP = 1024, SMALL = 1 << 16, STRIP = 16, TURN = 16, LINE = 16 };

static size_t round_up(size_t n, size_t to) { return sv_ceil_div(n, to) * to; }

struct sv_block_sizes sv_block_sizes(void) {
#ifdef _SC_LEVEL2_CACHE_SIZE
    const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
#else
    const long l2 = 0;
#endif
    return (struct sv_block_sizes){ .rows = l2 > 0 ? (size_t)l2 / 2 / (DEEP * sizeof(float)) : ROWS, .cols = 1 };
}

/* Words of packed x that stay in L2; panels that pass together. */
static size_t block_floats(const struct sv_cpu *c) { return (c->block.rows ? c->block.rows : ROWS) * DEEP; }
static size_t block_panels(const struct sv_cpu *c) { return sv_max(c->block.cols / c->kern->nr, 1); }

/* Rows of a tile. */
static size_t tile_rows(const struct sv_kern *k, enum sv_dtype type) { return type == SV_F32 ? k->mr : k->wmr; }

/* Words of x as packed, and (bytes) two numbers a row.  Never less for smaller m or k, though the rounding of a block to tiles may be. */
static size_t packed_floats(const struct sv_cpu *c, enum sv_dtype type, size_t m, size_t k) {
    const size_t mr = tile_rows(c->kern, type), words = sv_panel_words(c->kern, type, k) + (type == SV_I8 ? 2 : 0);
    return round_up(sv_min(sv_ceil_div(m, mr) * mr * words, sv_max(block_floats(c), mr * words)), LINE);
}

/* Enough rows are split over the threads once and for all. */
static size_t strips(const struct sv_cpu *c, size_t m) {
    const size_t threads = sv_pool_threads(c->pool);
    return m >= threads * STRIP ? threads : 1;
}

size_t sv_gemm_floats(const struct sv_cpu *c, size_t m, size_t k) {
    const size_t n = strips(c, m), r = sv_ceil_div(m, n);
    return n * sv_max(packed_floats(c, SV_F32, r, k), sv_max(packed_floats(c, SV_BF16, r, k), packed_floats(c, SV_I8, r, k)));
}

/* Rows of one tile, as a source makes them: each thread has its own. */
static size_t made_floats(const struct sv_cpu *c, size_t k) { return round_up(sv_max(c->kern->mr, c->kern->wmr) * k, LINE); }

size_t sv_gemm_from_floats(const struct sv_cpu *c, size_t m, size_t k) {
    return sv_gemm_floats(c, m, k) + sv_pool_threads(c->pool) * made_floats(c, k);
}

struct gemm {
    const struct sv_kern *kern;
    void *y; size_t ldy;
    const void *x; size_t ldx;
    bool half;                          /* x is bf16 */
    bool turned;                        /* x is x^T: row i of it is column i of memory */
    const struct sv_maker *from; size_t first;         /* or row i of this block is what from makes of first + i */
    float *made; size_t made_floats;                   /* rows of a tile on their way: as from makes them, or widened; or NULL */
    size_t m, tiles;                    /* rows of this block */
    size_t small, larger;               /* rows of a tile as cut; so many at the beginning have one more */
    const struct sv_packed *w;
    const struct sv_epilogue *ep;
    size_t mr, words;                   /* rows of a tile, words of a row */
    float *ap;                          /* [tiles, words / wk, mr, wk] */
    float *scale, *low;                 /* [tiles, mr] of bytes: x = low + scale u */
    size_t most, strips, share;         /* tiles of a block; threads that go their own way, and what each packs into */
    size_t across, down;                /* the block is cut into across x down cells */
    size_t together;                    /* panels */
};

/* The first row of tile t. */
static size_t row_of(const struct gemm *g, size_t t) { return sv_min(t * g->small + sv_min(t, g->larger), g->m); }

/* Row i of x as floats: where it lies, or what is made of it at made. */
static const float *floats_of(const struct gemm *g, size_t i, float *made) {
    if (g->from) g->from->row(g->from->arg, g->first + i, made);
    else if (g->half) g->kern->bhalf(made, (const uint16_t *)g->x + i * g->ldx, g->w->k);
    else return (const float *)g->x + i * g->ldx;
    return made;
}

static void pack_tile(const struct gemm *g, float *out, size_t first, size_t rows, float *made) {
    const size_t k = g->w->k;
    if (!g->made) { g->kern->pack(out, g->mr, floats_of(g, first, NULL), g->ldx, rows, k); return; }
    for (size_t i = 0; i < rows; i++) floats_of(g, first + i, made + i * k);
    g->kern->pack(out, g->mr, made, k, rows, k);
}

/* Words: rows one after the other, so that what is made of one is read from L1. */
static void pack_words(const struct gemm *g, uint32_t *out, size_t first, size_t rows, float *scale, float *low, float *made) {
    const struct sv_kern *kern = g->kern;
    const size_t mr = g->mr, k = g->w->k;
    for (size_t i = 0; i < rows; i++, out += kern->wk) {
        if (g->w->type == SV_I8) kern->ipack(out, mr, floats_of(g, first + i, made), k, scale + i, low + i);
        else if (g->half) sv_pack_half(kern, out, mr, (const uint16_t *)g->x + (first + i) * g->ldx, k);
        else kern->bpack(out, mr, floats_of(g, first + i, made), k);
    }
}

static void pack_rows(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t mr = g->mr;
    float *made = g->made ? g->made + thread * g->made_floats : NULL;
    for (size_t t = begin; t < end; t++) {
        const size_t first = row_of(g, t), rows = row_of(g, t + 1) - first;
        float *out = g->ap + t * mr * g->words;
        if (g->w->type == SV_F32) pack_tile(g, out, first, rows, made);
        else pack_words(g, (uint32_t *)(void *)out, first, rows, g->scale + t * mr, g->low + t * mr, made);
    }
}

/* x^T, f32: some of its rows at a time through all tiles. */
static void turn_tiles(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t mr = g->mr, k = g->w->k;
    (void)thread;
    for (size_t p = begin * TURN; p < sv_min(end * TURN, k); p += TURN)
        for (size_t t = 0; t < g->tiles; t++) {
            const size_t first = row_of(g, t), rows = row_of(g, t + 1) - first;
            g->kern->lay(g->ap + t * mr * k + p * mr, mr, (const float *)g->x + p * g->ldx + first, g->ldx, rows, sv_min(TURN, k - p));
        }
}

/* A tile of floats whose K is longer than a block: sums stay in L1 between blocks. */
static void blocks_of_tile(const struct gemm *g, void *y, size_t m, size_t n, const float *ap, const float *bp, const float *bias) {
    const struct sv_kern *kn = g->kern;
    const size_t nr = kn->nr;
    const void *a = ap, *b = bp;
    _Alignas(64) float sums[SV_TILE];
    for (size_t p = 0, len; p < g->words; p += len) {
        len = sv_min(kn->kc, g->words - p);
        if (g->w->type == SV_F32) kn->tile(sums, nr, m, nr, len, ap + p * g->mr, bp + p * nr, p > 0);
        else kn->btile(sums, nr, m, nr, len, (const uint32_t *)a + p * g->mr, (const uint32_t *)b + p * nr, p > 0);
    }
    kn->finish(y, g->ldy, sums, m, n, bias, g->ep->act, g->ep->put);
}

/* Whether the rows of many tiles are one call's. */
static bool runs(const struct gemm *g) { return g->kern->runs && g->w->type != SV_F32; }

/* Tiles top .. bottom - 1 of one panel, or one tile; y is touched once.  Bytes, whose sums are exact, need no blocks of K. */
static void one_panel(const struct gemm *g, size_t i, size_t bottom, size_t j) {
    const struct sv_kern *kn = g->kern;
    const size_t mr = g->mr, nr = kn->nr, words = g->words, first = row_of(g, i), m = row_of(g, bottom) - first, n = sv_min(nr, g->w->n - j * nr);
    const float *ap = g->ap + i * mr * words, *bp = g->w->panel + j * nr * words, *bias = g->ep->bias ? g->ep->bias + j * nr : NULL;
    const void *a = ap, *b = bp;
    const size_t size = sv_put_size(g->ep->put);
    char *y = (char *)g->y + (first * g->ldy + j * nr) * size, *row = y;
    for (size_t r = 0; r < m && !runs(g); r++, row += g->ldy * size)        /* rows of y lie far apart: fetched while the sums run */
        for (size_t q = 0; q < nr * size; q += LINE * sizeof(float)) __builtin_prefetch(row + q, 1);
    if (g->w->type == SV_I8) {
        const struct sv_bytes of = { g->scale + i * mr, g->low + i * mr, g->w->sum + j * nr, g->w->scale + j * nr };
        kn->iproduct(y, g->ldy, m, n, words, a, b, &of, bias, g->ep->act, g->ep->put);
    }
    else if (words > kn->kc && !runs(g)) blocks_of_tile(g, y, m, n, ap, bp, bias);
    else if (g->w->type == SV_F32) kn->product(y, g->ldy, m, n, words, ap, bp, bias, g->ep->act, g->ep->put);
    else kn->bproduct(y, g->ldy, m, n, words, a, b, bias, g->ep->act, g->ep->put);
}

/* Tiles top .. bottom - 1 of panels left .. right - 1. */
static void block(const struct gemm *g, size_t top, size_t bottom, size_t left, size_t right) {
    const size_t step = runs(g) ? bottom - top : 1;
    for (size_t first = left; first < right; first += g->together)
        for (size_t i = top; i < bottom; i += step)
            for (size_t j = first; j < sv_min(first + g->together, right); j++) one_panel(g, i, i + step, j);
}

static void cells(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *g = arg;
    const size_t panels = sv_ceil_div(g->w->n, g->kern->nr), tiles = g->tiles;
    (void)thread;
    for (size_t cell = begin; cell < end; cell++) {
        const size_t a = cell % g->across, d = cell / g->across;
        block(g, tiles * d / g->down, tiles * (d + 1) / g->down, panels * a / g->across, panels * (a + 1) / g->across);
    }
}

/* The split whose largest cell is smallest; ties go to the one that shares panels least. */
static void cut(struct gemm *g, size_t threads) {
    const size_t panels = sv_ceil_div(g->w->n, g->kern->nr), tiles = g->tiles;
    size_t least = SIZE_MAX;
    for (size_t down = 1; down <= sv_min(threads, tiles); down++) {
        const size_t across = sv_min(threads / down, panels), most = sv_ceil_div(tiles, down) * sv_ceil_div(panels, across);
        if (most < least) least = most, g->down = down, g->across = across;
    }
}

static struct gemm rows_of(const struct gemm *g, size_t first, size_t last) {
    struct gemm part = *g;
    const size_t size = g->half ? sizeof(uint16_t) : sizeof(float);
    part.x = g->x ? (const char *)g->x + first * (g->turned ? 1 : g->ldx) * size : NULL;
    part.first += first, part.y = (char *)g->y + first * g->ldy * sv_put_size(g->ep->put), part.m = last - first, part.tiles = sv_ceil_div(part.m, part.mr);
    /* A last tile of few rows would wait for its own sums, step by step; then all are a little smaller. */
    const bool even = part.m % part.mr * 3 < part.mr && !runs(g);
    part.small = even ? part.m / part.tiles : part.mr, part.larger = even ? part.m % part.tiles : 0;
    return part;
}

/* Blocks of rows that fit a cache, packed and multiplied one after the other, all threads at the same one. */
static void blocks(const struct gemm *whole, struct sv_pool *pool) {
    const size_t tiles = sv_ceil_div(whole->m, whole->mr), count = sv_ceil_div(tiles, whole->most), held = sv_min(tiles, whole->most) * whole->mr;
    for (size_t b = 0; b < count; b++) {
        struct gemm g = rows_of(whole, tiles * b / count * whole->mr, sv_min(tiles * (b + 1) / count * whole->mr, whole->m));
        const size_t work = g.m * g.w->k;
        struct sv_pool *packers = work < SMALL ? NULL : pool, *multipliers = work * g.w->n < SMALL ? NULL : pool;
        g.scale = g.ap + held * g.words, g.low = g.scale + held;
        if (g.turned) sv_pool_for(packers, sv_ceil_div(g.w->k, TURN), turn_tiles, &g);
        else sv_pool_for(packers, g.tiles, pack_rows, &g);
        cut(&g, sv_pool_threads(multipliers));
        sv_pool_for(multipliers, g.across * g.down, cells, &g);
    }
}

/* A share of the rows: what a thread packs only it reads, and it waits for nobody. */
static void strip(void *arg, size_t begin, size_t end, size_t thread) {
    const struct gemm *whole = arg;
    for (size_t s = begin; s < end; s++) {
        struct gemm g = rows_of(whole, whole->m * s / whole->strips, whole->m * (s + 1) / whole->strips);
        g.ap += s * g.share, g.made = g.made ? g.made + thread * g.made_floats : NULL;
        blocks(&g, NULL);
    }
}

/* g says where x comes from. */
static void product(struct gemm *g, const struct sv_cpu *c, void *y, size_t ldy, size_t m, const struct sv_packed *w,
                    const struct sv_epilogue *ep, float *scratch) {
    if (!m || !w->n) return;
    static const struct sv_epilogue none;
    const size_t mr = tile_rows(c->kern, w->type), words = sv_panel_words(c->kern, w->type, w->k);
    g->kern = c->kern, g->y = y, g->ldy = ldy, g->m = m, g->w = w, g->ep = ep ? ep : &none, g->mr = mr, g->words = words, g->together = block_panels(c);
    g->ap = scratch, g->most = sv_max(block_floats(c) / (mr * (words + (w->type == SV_I8 ? 2 : 0) + !words)), 1);
    g->strips = strips(c, m), g->share = packed_floats(c, w->type, sv_ceil_div(m, g->strips), w->k);
    if (g->strips > 1 && m * w->k * w->n >= SMALL) sv_pool_for(c->pool, g->strips, strip, g);
    else blocks(g, c->pool);
}

void sv_gemm(const struct sv_cpu *c, void *y, size_t ldy, const float *x, size_t ldx, size_t m,
             const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    struct gemm g = { .x = x, .ldx = ldx };
    product(&g, c, y, ldy, m, w, ep, scratch);
}

void sv_gemm_half(const struct sv_cpu *c, void *y, size_t ldy, const uint16_t *x, size_t ldx, size_t m,
                  const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    struct gemm g = { .x = x, .ldx = ldx, .half = true, .made = scratch + sv_gemm_floats(c, m, w->k), .made_floats = made_floats(c, w->k) };
    product(&g, c, y, ldy, m, w, ep, scratch);
}

void sv_gemm_from(const struct sv_cpu *c, void *y, size_t ldy, const struct sv_maker *from, size_t m, const struct sv_packed *w,
                  const struct sv_epilogue *ep, float *scratch) {
    struct gemm g = { .from = from, .made = scratch + sv_gemm_floats(c, m, w->k), .made_floats = made_floats(c, w->k) };
    product(&g, c, y, ldy, m, w, ep, scratch);
}

void sv_gemm_turned(const struct sv_cpu *c, void *y, size_t ldy, const float *x, size_t ldx, size_t m,
                    const struct sv_packed *w, const struct sv_epilogue *ep, float *scratch) {
    struct gemm g = { .x = x, .ldx = ldx, .turned = true };
    product(&g, c, y, ldy, m, w, ep, scratch);
}
