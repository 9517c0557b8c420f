#include "io/jpeg_int.h"

#include <string.h>

/* T.81 G.1.1.1.1: a coefficient is first sent without its al lowest bits, then one more bit in each later scan.
 * A component's DC comes before its AC. */
static int check_progression(struct sv_jpeg *d) {
    for (size_t i = 0; i < d->scan.n; i++) {
        struct sv_jpeg_comp *c = d->scan.c[i];
        for (int k = d->scan.ss; k <= d->scan.se; k++) {
            const int expected = d->scan.ah ? d->scan.ah : -1;
            if (c->al[k] != expected || (k && c->al[0] < 0))
                return sv_jpeg_bad(d, d->p, "scan %zu is out of turn: coefficient %d of component %d", d->scans, k, c->id);
            c->al[k] = (int8_t)d->scan.al;
        }
    }
    return 0;
}

static int use_table(struct sv_jpeg *d, struct sv_jpeg_table *t, bool dc) {
    const size_t id = (size_t)(t - d->table[dc ? 0 : 1]);
    if (!t->defined) {
        if (d->progressive || id > 1)
            return sv_jpeg_bad(d, d->p, "scan %zu uses %s Huffman table %zu, which is not defined",
                               d->scans, dc ? "DC" : "AC", id);
        sv_jpeg_table_default(t, dc, id);
    }
    if (!t->built && !sv_jpeg_table_build(t, dc))
        return sv_jpeg_bad(d, d->p, "%s Huffman table %zu is no prefix code of symbols 0 .. %d", dc ? "DC" : "AC", id, dc ? 15 : 255);
    return 0;
}

static bool make_samples(struct sv_jpeg *d, struct sv_jpeg_comp *c) {
    c->kept = d->whole ? c->ph * 8 : c->v * 16u;
    return (c->px = sv_alloc(c->kept * c->pw * 8 + SV_JPEG_STEP, 1, d->e));
}

/* Fixes the tables, makes the buffers.  Every symbol has a bit at least, so a scan that the file is too short for is
 * known before memory is taken: 2 symbols a block (sequential), 1 (DC of progressive). */
static int prepare(struct sv_jpeg *d, size_t blocks) {
    const size_t least = d->progressive ? d->scan.ss == 0 : 2, left = (size_t)(d->end - d->p);
    if (blocks * least > left * 8)
        return sv_jpeg_bad(d, d->p, "scan %zu of %zu blocks ends early: %zu bytes left", d->scans, blocks, left);
    for (size_t i = 0; i < d->scan.n; i++) {
        struct sv_jpeg_comp *c = d->scan.c[i];
        int rc = 0;
        if (d->scan.ss == 0 && d->scan.ah == 0) rc = use_table(d, c->dc, true);
        if (!rc && d->scan.se > 0) rc = use_table(d, c->ac, false);
        if (rc) return rc;
        if (!c->latched) {
            if (!d->has_quant[c->tq]) return sv_jpeg_bad(d, d->p, "quantization table %d is not defined", c->tq);
            memcpy(c->q, d->quant[c->tq], sizeof c->q);
            c->latched = true;
        }
        c->seen = true, c->pred = 0;
        if (d->progressive) {
            if (!c->coef && !(c->coef = sv_alloc(c->pw * c->ph, 64 * sizeof *c->coef, d->e))) return SV_ENOMEM;
        } else if (!c->px && !make_samples(d, c)) {
            return SV_ENOMEM;
        }
    }
    return 0;
}

static int make_image(struct sv_jpeg *d) {
    const size_t width = d->mcux * 8 * d->hmax + 2 * SV_JPEG_STEP;
    for (size_t i = 0; i < d->n; i++)
        if (!(d->line[i] = sv_alloc(width, 1, d->e))) return SV_ENOMEM;
    if (!(d->sum = sv_alloc(width, sizeof *d->sum, d->e))) return SV_ENOMEM;
    return sv_image_new(d->im, d->w, d->h, d->n == 1 ? SV_GRAY : SV_RGB, d->name, d->e);
}

/* Steps over the restart marker that must come now. */
static int restart(struct sv_jpeg *d, struct sv_jpeg_bits *b, size_t number) {
    const uint8_t *p = b->p;
    while (d->end - p >= 2 && (*p != 0xff || p[1] == 0xff || p[1] == 0)) p++;
    const unsigned want = 0xd0 + (unsigned)(number & 7);
    if (d->end - p < 2) return sv_jpeg_bad(d, p, "expected restart marker 0x%x, found the end", want);
    if (p[1] != want) return sv_jpeg_bad(d, p, "expected restart marker 0x%x, found 0x%x", want, p[1]);
    *b = (struct sv_jpeg_bits){ .p = p + 2, .end = d->end };
    for (size_t i = 0; i < d->scan.n; i++) d->scan.c[i]->pred = 0;
    d->eobrun = 0;
    return 0;
}

static void decode_block(struct sv_jpeg *d, struct sv_jpeg_bits *b, struct sv_jpeg_comp *c, size_t bx, size_t by) {
    if (!d->progressive) {
        _Alignas(16) int16_t block[64];
        const int last = sv_jpeg_block(b, c, block);
        sv_jpeg_idct(block, last, c->px + by * 8 % c->kept * (c->pw * 8) + bx * 8, c->pw * 8);
        return;
    }
    int16_t *block = c->coef + (by * c->pw + bx) * 64;
    if (!d->scan.ss) {
        if (d->scan.ah) sv_jpeg_dc_refine(b, d->scan.al, block);
        else sv_jpeg_dc_first(b, c, d->scan.al, block);
    } else if (d->scan.ah) {
        sv_jpeg_ac_refine(b, d, c->ac, block);
    } else {
        sv_jpeg_ac_first(b, d, c->ac, block);
    }
}

static void decode_mcu(struct sv_jpeg *d, struct sv_jpeg_bits *b, size_t mx, size_t my) {
    if (d->scan.n == 1) {
        decode_block(d, b, d->scan.c[0], mx, my);
        return;
    }
    for (size_t i = 0; i < d->scan.n; i++) {
        struct sv_jpeg_comp *c = d->scan.c[i];
        for (size_t y = 0; y < c->v; y++)
            for (size_t x = 0; x < c->h; x++) decode_block(d, b, c, mx * c->h + x, my * c->v + y);
    }
}

int sv_jpeg_scan(struct sv_jpeg *d) {
    const struct sv_jpeg_comp *only = d->scan.c[0];
    const size_t nx = d->scan.n == 1 ? only->bw : d->mcux, ny = d->scan.n == 1 ? only->bh : d->mcuy;
    size_t per = 0;
    for (size_t i = 0; i < d->scan.n; i++) per += (size_t)d->scan.c[i]->h * d->scan.c[i]->v;
    if (d->scan.n == 1) per = 1;
    /* T.81 B.2.3 */
    if (per > 10) return sv_jpeg_bad(d, d->p, "MCUs of %zu blocks, expected at most 10", per);
    if (!d->scans++) d->whole = !d->progressive && d->scan.n < d->n;
    int rc = d->progressive ? check_progression(d) : 0;
    if (!rc) rc = prepare(d, nx * ny * per);
    const bool stream = !d->progressive && !d->whole;
    if (!rc && stream && !d->im->px) rc = make_image(d);
    if (rc) return rc;
    struct sv_jpeg_bits b = { .p = d->p, .end = d->end };
    d->eobrun = 0;
    size_t until = d->restart, restarts = 0;
    for (size_t y = 0; y < ny; y++) {
        for (size_t x = 0; x < nx; x++) {
            if (d->restart && !until--) {
                if ((rc = restart(d, &b, restarts++))) return rc;
                until = d->restart - 1;
            }
            decode_mcu(d, &b, x, y);
            if (b.bad || b.n < b.pad)
                return sv_jpeg_bad(d, b.p, "scan %zu, MCU %zu of %zu: %s", d->scans, y * nx + x, nx * ny,
                                   b.bad ? "damaged data" : "the data ends early");
        }
        if (stream) sv_jpeg_emit(d, y);
    }
    d->p = b.p;
    return 0;
}

int sv_jpeg_finish(struct sv_jpeg *d) {
    if (!d->progressive && !d->whole) return 0;
    const int rc = make_image(d);
    if (rc) return rc;
    for (size_t i = 0; d->progressive && i < d->n; i++)
        if (!make_samples(d, &d->comp[i])) return SV_ENOMEM;
    for (size_t row = 0; row < d->mcuy; row++) {
        for (size_t i = 0; d->progressive && i < d->n; i++) {
            struct sv_jpeg_comp *c = &d->comp[i];
            for (size_t by = row * c->v; by < (row + 1) * c->v; by++)
                for (size_t bx = 0; bx < c->pw; bx++) {
                    _Alignas(16) int16_t block[64];
                    const int16_t *coef = c->coef + (by * c->pw + bx) * 64;
                    for (int k = 0; k < 64; k++) block[k] = (int16_t)((uint32_t)coef[k] * c->q[k]);
                    sv_jpeg_idct(block, 63, c->px + by * 8 % c->kept * (c->pw * 8) + bx * 8, c->pw * 8);
                }
        }
        sv_jpeg_emit(d, row);
    }
    return 0;
}
