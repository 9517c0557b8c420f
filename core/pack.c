#include "core/gemm.h"

#include "core/half.h"
#include "core/quant.h"
#include <string.h>

enum { CHUNK = 64, TURN = 16, MOST_NR = 64, SMALL = 1 << 15 };

/* Elements of a word. */
static size_t per(enum sv_dtype type) { return sizeof(uint32_t) / sv_dtype_size(type); }

size_t sv_panel_words(const struct sv_kern *k, enum sv_dtype type, size_t cols) {
    const size_t step = type == SV_F32 ? 1 : k->wk;
    return sv_ceil_div(sv_ceil_div(cols, per(type)), step) * step;
}

size_t sv_pack_floats(const struct sv_kern *k, enum sv_dtype type, size_t rows, size_t cols) {
    const size_t whole = sv_ceil_div(rows, k->nr) * k->nr;
    return whole * (sv_panel_words(k, type, cols) + (type == SV_I8 ? 2 : 0));
}

void sv_pack_half(const struct sv_kern *kern, uint32_t *out, size_t wide, const uint16_t *x, size_t k) {
    enum { LINE = 64 };                 /* bytes: a constant size is not a call */
    const size_t wk = kern->wk, size = wk * sizeof *out, whole = k / (2 * wk) * 2 * wk;
    for (size_t p = 0; p < whole; p += 2 * wk, out += wide * wk) {
        if (size == LINE) memcpy(out, x + p, LINE);
        else memcpy(out, x + p, size);
    }
    if (whole < k) memcpy(memset(out, 0, size), x + whole, (k - whole) * sizeof *x);
}

struct pack {
    const struct sv_kern *kern;
    enum sv_dtype type;
    float *panel, *scale, *sum;
    const struct sv_view *w, *factor;   /* factor: of each row of w, where w is i8 */
    size_t n, k, words;
};

/* Elements go into panels as they are: not bytes where a table limits their pairs, of which a file knows nothing. */
static bool as_stored(const struct pack *g) { return g->w->dtype == g->type && (g->type != SV_I8 || g->kern->ipair == SV_ANY_PAIR); }

static float factor_of(const struct pack *g, size_t row) {
    float s;
    memcpy(&s, (const char *)g->factor->data + row * sizeof s, sizeof s);       /* a file aligns to nothing */
    return s;
}

/* Elements at .. at + n - 1 of a row, n <= CHUNK. */
static void widen(const struct pack *g, size_t row, size_t at, size_t n, float *out) {
    const unsigned char *p = (const unsigned char *)g->w->data + (row * g->k + at) * sv_dtype_size(g->w->dtype);
    uint16_t h[CHUNK];
    if (g->w->dtype == SV_F32) { memcpy(out, p, n * sizeof *out); return; }
    if (g->w->dtype == SV_I8) {
        const float s = factor_of(g, row);
        for (size_t i = 0; i < n; i++) out[i] = s * (float)(int8_t)p[i];
        return;
    }
    memcpy(h, p, n * sizeof *h);
    (g->w->dtype == SV_F16 ? g->kern->half : g->kern->bhalf)(out, h, n);
}

/* Words first .. first + CHUNK / per - 1 of a row, those behind its end 0. */
static void words_of(const struct pack *g, size_t row, size_t first, float scale, uint32_t *out) {
    const size_t at = first * per(g->type), n = at < g->k ? sv_min(CHUNK, g->k - at) : 0, size = sv_dtype_size(g->type);
    unsigned char *to = memset(out, 0, CHUNK * size);
    if (as_stored(g)) {
        memcpy(to, (const unsigned char *)g->w->data + (row * g->k + at) * size, n * size);
        return;
    }
    float x[CHUNK];
    widen(g, row, at, n, x);
    for (size_t i = 0; i < n; i++) {
        const uint16_t h = sv_f32_bf16(x[i]);
        const int8_t q = g->type == SV_I8 ? sv_i8(x[i], scale) : 0;
        memcpy(to + i * size, g->type == SV_F32 ? (const void *)&x[i] : g->type == SV_BF16 ? (const void *)&h : (const void *)&q, size);
    }
}

static float scale_of(const struct pack *g, size_t row) {
    if (as_stored(g)) return factor_of(g, row);
    float x[CHUNK], scale = 0;
    for (size_t at = 0; at < g->k; at += CHUNK) {
        const size_t n = sv_min(CHUNK, g->k - at);
        widen(g, row, at, n, x);
        scale = sv_i8_scale(x, n, scale, g->kern->ipair);
    }
    return scale;
}

static float sum_of(const uint32_t *words, size_t n) {
    int32_t s = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < 32; b += 8) s += (int8_t)(words[i] >> b & 255);
    return (float)s;
}

static void pack_panel(const struct pack *g, size_t j) {
    const size_t nr = g->kern->nr, rows = sv_min(nr, g->n - j * nr), step = CHUNK / per(g->type);
    uint32_t buf[MOST_NR][CHUNK];
    float scale[MOST_NR] = { 0 }, sum[MOST_NR] = { 0 };
    for (size_t r = 0; g->type == SV_I8 && r < rows; r++) scale[r] = scale_of(g, j * nr + r);
    for (size_t p = 0; p < g->words; p += step) {
        const size_t len = sv_min(step, g->words - p);
        for (size_t r = 0; r < rows; r++) {
            words_of(g, j * nr + r, p, scale[r], buf[r]);
            if (g->type == SV_I8) sum[r] += sum_of(buf[r], len);
        }
        g->kern->pack(g->panel + (j * g->words + p) * nr, nr, (const float *)(const void *)buf, CHUNK, rows, len);
    }
    if (g->type != SV_I8) return;
    memcpy(g->scale + j * nr, scale, nr * sizeof *scale);
    memcpy(g->sum + j * nr, sum, nr * sizeof *sum);
}

static void pack_panels(void *arg, size_t begin, size_t end, size_t thread) {
    (void)thread;
    for (size_t j = begin; j < end; j++) pack_panel(arg, j);
}

struct sv_packed sv_packed_at(const struct sv_kern *k, enum sv_dtype type, const float *panel, size_t n, size_t cols) {
    const size_t whole = sv_ceil_div(n, k->nr) * k->nr, words = whole * sv_panel_words(k, type, cols);
    return (struct sv_packed){ n, cols, panel, type, type == SV_I8 ? panel + words : NULL, type == SV_I8 ? panel + words + whole : NULL };
}

struct sv_packed sv_pack(const struct sv_cpu *c, float *panel, enum sv_dtype type, const struct sv_view *w, const struct sv_view *factor) {
    const size_t n = w->rank ? w->dim[0] : 1, k = n ? w->count / n : 0, whole = sv_ceil_div(n, c->kern->nr) * c->kern->nr;
    struct pack g = { .kern = c->kern, .type = type, .panel = panel, .w = w, .factor = factor, .n = n, .k = k,
                      .words = sv_panel_words(c->kern, type, k) };
    g.scale = panel + whole * g.words, g.sum = g.scale + whole;
    sv_pool_for(c->pool, sv_ceil_div(n, c->kern->nr), pack_panels, &g);
    return sv_packed_at(c->kern, type, panel, n, k);
}

struct sv_packed sv_pack_f32(const struct sv_cpu *c, float *panel, const float *w, size_t n, size_t k) {
    const struct sv_view v = { .dtype = SV_F32, .rank = 2, .dim = { n, k }, .count = n * k, .bytes = n * k * sizeof *w, .data = w };
    return sv_pack(c, panel, SV_F32, &v, NULL);
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
    sv_pool_for(n * k < SMALL ? NULL : c->pool, sv_ceil_div(k, TURN), turn_rows, &g);
    return sv_packed_at(c->kern, SV_F32, panel, n, k);
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
    return sv_packed_at(c->kern, SV_F32, panel, g.n, g.k);
}
