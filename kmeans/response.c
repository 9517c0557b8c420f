#include "kmeans/response.h"

#include "core/mem.h"
#include "kmeans/unit.h"
#include <string.h>

struct rows { float *y; const float *x; size_t n; };

static void unit_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct rows *r = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const float *x = r->x + i * r->n;
        const double scale = sv_unit_scale(x, r->n);
        for (size_t j = 0; j < r->n; j++) r->y[i * r->n + j] = (float)((double)x[j] * scale);
    }
}

static void unit_rows(struct sv_pool *p, float *y, const float *x, size_t rows, size_t n) {
    struct rows r = { y, x, n };
    sv_pool_for(p, rows, unit_range, &r);
}

/* The whole text matrix is needed as unit rows only while it is packed. */
static int pack_texts(struct sv_response *r, const struct sv_cpu *c, float *panel, const float *text, struct sv_err *e) {
    float *unit = sv_alloc(r->texts * r->dim, sizeof *unit, e);
    if (!unit) return SV_ENOMEM;
    unit_rows(c->pool, unit, text, r->texts, r->dim);
    r->text = sv_pack_f32(c, panel, unit, r->texts, r->dim);
    sv_free(unit);
    return 0;
}

static float *carve(struct sv_arena *a, struct sv_response *r, const struct sv_cpu *c) {
    float *panel = SV_TAKE(a, float, sv_pack_floats(c->kern, SV_F32, r->texts, r->dim));
    r->unit = SV_TAKE(a, float, SV_RESPONSE_ROWS * r->dim);
    r->scratch = SV_TAKE(a, float, sv_gemm_floats(c, SV_RESPONSE_ROWS, r->dim));
    return panel;
}

int sv_response_init(struct sv_response *r, const struct sv_cpu *c, const float *text, size_t texts, size_t dim,
                     struct sv_err *e) {
    memset(r, 0, sizeof *r);
    size_t all;
    if (!texts || !dim || dim > SIZE_MAX / 8 / SV_RESPONSE_ROWS || !sv_mul(texts, dim, &all) || all > SIZE_MAX / 8)
        return sv_fail(e, SV_EINPUT, "action texts: a matrix of %zu x %zu, expected at least one text of width 1",
                       texts, dim);
    for (size_t i = 0; i < texts; i++)
        if (isnan(sv_unit_scale(text + i * dim, dim)))
            return sv_fail(e, SV_EINPUT, "action text %zu: its vector is not finite", i);
    r->texts = texts, r->dim = dim;
    struct sv_arena a = { 0 };
    carve(&a, r, c);
    if (!(r->mem = sv_alloc(a.used, 1, e))) return SV_ENOMEM;
    a = (struct sv_arena){ .base = r->mem, .cap = a.used };
    const int rc = pack_texts(r, c, carve(&a, r, c), text, e);
    if (rc) sv_response_free(r);
    return rc;
}

void sv_response_free(struct sv_response *r) {
    sv_free(r->mem);
    memset(r, 0, sizeof *r);
}

void sv_response_run(struct sv_response *r, const struct sv_cpu *c, float *out, const float *video, size_t rows) {
    for (size_t at = 0; at < rows; at += SV_RESPONSE_ROWS) {
        const size_t m = sv_min(rows - at, SV_RESPONSE_ROWS);
        unit_rows(c->pool, r->unit, video + at * r->dim, m, r->dim);
        sv_gemm(c, out + at * r->texts, r->texts, r->unit, r->dim, m, &r->text, NULL, r->scratch);
    }
}

void sv_response_mean(float *mean, const float *response, size_t rows, size_t texts) {
    for (size_t j = 0; j < texts; j++) {
        double s = 0;
        for (size_t i = 0; i < rows; i++) s += (double)response[i * texts + j];
        mean[j] = rows ? (float)(s / (double)rows) : 0;
    }
}

void sv_response_center(float *response, const float *mean, size_t rows, size_t texts) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < texts; j++) response[i * texts + j] -= mean[j];
}
