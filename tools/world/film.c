#include "tools/world/film.h"

int sv_film_open(struct sv_film *f, const char *path, size_t w, size_t h, double fps, bool gray, struct sv_err *e) {
    *f = (struct sv_film){ .w = w, .h = h, .gray = gray, .out.fd = -1 };
    f->size = w * h + (gray ? 0 : 2 * ((w + 1) / 2) * ((h + 1) / 2));
    if (!(f->raw = sv_alloc(f->size, 1, e)) || sv_out_open(&f->out, path, e)) return e->code;
    return sv_out_printf(&f->out, e, "YUV4MPEG2 W%zu H%zu F%.0f:1000 Ip A1:1 C%s XCOLORRANGE=FULL\n", w, h, fps * 1000, gray ? "mono" : "420jpeg");
}

static uint8_t part(int r, int g, int b, int of) {
    static const int k[3][3] = { { 19595, 38470, 7471 }, { -11059, -21709, 32768 }, { 32768, -27439, -5329 } };
    const int v = (k[of][0] * r + k[of][1] * g + k[of][2] * b + (of ? (128 << 16) + 32768 : 32768)) / 65536;
    return (uint8_t)(v > 255 ? 255 : v);
}

int sv_film_add(struct sv_film *f, const uint8_t *rgb, struct sv_err *e) {
    uint8_t *o = f->raw;
    for (size_t i = 0; i < f->w * f->h; i++) *o++ = part(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2], 0);
    for (int of = 1; of < 3 && !f->gray; of++)
        for (size_t y = 0; y < f->h; y += 2)
            for (size_t x = 0; x < f->w; x += 2) {
                /* The mean of four; at an odd edge the last column and row count twice. */
                const uint8_t *p = rgb + 3 * (y * f->w + x), *q = y + 1 < f->h ? p + 3 * f->w : p;
                const size_t n = x + 1 < f->w ? 3 : 0;
                *o++ = part((p[0] + p[n] + q[0] + q[n] + 2) / 4, (p[1] + p[n + 1] + q[1] + q[n + 1] + 2) / 4,
                    (p[2] + p[n + 2] + q[2] + q[n + 2] + 2) / 4, of);
            }
    int rc = sv_out_write(&f->out, "FRAME\n", 6, e);
    return rc ? rc : sv_out_write(&f->out, f->raw, f->size, e);
}

int sv_film_commit(struct sv_film *f, struct sv_err *e) {
    sv_free(f->raw), f->raw = NULL;
    return sv_out_commit(&f->out, e);
}

void sv_film_drop(struct sv_film *f) {
    sv_free(f->raw), f->raw = NULL;
    sv_out_drop(&f->out);
}
