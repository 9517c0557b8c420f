#include "tools/annotate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/png_write.h"
#include "io/video.h"
#include "tools/draw.h"

enum { PATH = 4096, SCALE = 360 };      /* SCALE: lines of a picture for each size of letters */

/* Green far below the line, amber at it, red above. */
static struct sv_colour colour(const struct sv_annotate *a, double score) {
    const double t = a->line > 0 ? fmin(fmax(score / a->line, 0), 1) : 0;
    if (score >= a->line) return (struct sv_colour){ 255, 64, 48 };
    return (struct sv_colour){ (uint8_t)(70 + 175 * t), (uint8_t)(200 - 20 * t), (uint8_t)(90 - 60 * t) };
}

/* One frame: low scores first, so that high ones lie on top. */
static void draw(const struct sv_annotate *a, const struct sv_scored *s, const struct sv_canvas *c, size_t t, size_t from, size_t to) {
    const long scale = (long)(1 + c->h / SCALE);
    char text[160];
    for (int high = 0; high < 2; high++)
        for (size_t i = from; i < to; i++) {
            const double *b = s->object[i].box;
            const struct sv_colour v = colour(a, s->score[i]);
            if ((s->score[i] >= a->line) != high) continue;
            sv_draw_box(c, (long)floor(b[0]), (long)floor(b[1]), (long)ceil(b[2]), (long)ceil(b[3]), scale, v);
            snprintf(text, sizeof text, high ? "%.3g %.120s" : "%.2g", s->score[i], s->name[s->action[i]]);
            sv_draw_text(c, (long)floor(b[0]), (long)floor(b[1]) - SV_GLYPH_H * scale, scale, text, v);
        }
    snprintf(text, sizeof text, "frame %zu  %.4g", t, s->frame[t]);
    sv_draw_text(c, 0, 0, scale, text, colour(a, s->frame[t]));
}

static int path_of(const struct sv_annotate *a, const char *clip, const char *rest, char out[PATH], struct sv_err *e) {
    const int n = snprintf(out, PATH, "%s/%s%s", a->dir, clip, rest);
    return n < 0 || n >= PATH - 32 ? sv_fail(e, SV_EUSAGE, "--annotate: the path is too long") : 0;
}

static int put_png(const struct sv_annotate *a, const char *clip, size_t t, const struct sv_canvas *c, struct sv_err *e) {
    char path[PATH], rest[32];
    snprintf(rest, sizeof rest, "/%06zu.png", t);
    const int rc = path_of(a, clip, rest, path, e);
    return rc ? rc : sv_png_write(path, c->w, c->h, 3, c->rgb, e);
}

/* BT.601 in 16.16, limited range, as io/y4m reads it; planes of full size. */
static int put_y4m(struct sv_out *o, const struct sv_canvas *c, uint8_t *yuv, struct sv_err *e) {
    const size_t n = c->w * c->h;
    for (size_t i = 0; i < n; i++) {
        const int r = c->rgb[3 * i], g = c->rgb[3 * i + 1], b = c->rgb[3 * i + 2];
        yuv[i] = (uint8_t)(16 + ((16829 * r + 33039 * g + 6416 * b + 32768) >> 16));
        yuv[n + i] = (uint8_t)((-9714 * r - 19070 * g + 28784 * b + (128 << 16) + 32768) >> 16);
        yuv[2 * n + i] = (uint8_t)((28784 * r - 24103 * g - 4681 * b + (128 << 16) + 32768) >> 16);
    }
    const int rc = sv_out_write(o, "FRAME\n", 6, e);
    return rc ? rc : sv_out_write(o, yuv, 3 * n, e);
}

static int open_y4m(const struct sv_annotate *a, const struct sv_scored *s, const struct sv_video *v, struct sv_out *o, struct sv_err *e) {
    char path[PATH];
    int rc = path_of(a, s->clip, ".y4m", path, e);
    if (!rc) rc = sv_out_open(o, path, e);
    return rc ? rc : sv_out_printf(o, e, "YUV4MPEG2 W%zu H%zu F%ld:1000 Ip A1:1 C444\n", v->w, v->h, lround((s->fps > 0 ? s->fps : 25) * 1000));
}

static int put_frames(struct sv_annotate *a, const struct sv_scored *s, struct sv_video *v, struct sv_out *o, uint8_t *rgb, uint8_t *yuv, struct sv_err *e) {
    const struct sv_canvas c = { rgb, v->w, v->h };
    size_t from = 0, to = 0;
    int rc = 0;
    for (size_t t = 0; !rc && t < s->frames; t++, from = to) {
        if ((rc = sv_video_next(v, rgb, e)) < 1)
            return rc ? rc : sv_fail(e, SV_EINPUT, "%s: ends at frame %zu, but clip %s has %zu", s->video, t, s->clip, s->frames);
        while (to < s->n && s->object[to].frame == t) to++;
        draw(a, s, &c, t, from, to);
        rc = a->y4m ? put_y4m(o, &c, yuv, e) : put_png(a, s->clip, t, &c, e);
        if (!rc) a->frames[a->clip.n - 1] = t + 1;
    }
    return rc;
}

int sv_annotate(struct sv_annotate *a, const struct sv_scored *s, struct sv_err *e) {
    struct sv_video v = {0};
    struct sv_out o = { .fd = -1 };
    uint8_t *rgb = NULL, *yuv = NULL;
    char path[PATH];
    size_t bytes, clip;
    if (!s->video) return sv_fail(e, SV_EINPUT, "--annotate: it is not known where the video of clip %s is; score the video itself", s->clip);
    int rc = path_of(a, s->clip, "", path, e);
    if (!rc) rc = sv_video_open(&v, s->video, e);
    if (!rc && !a->clip.n) a->made = !sv_is_dir(a->dir);
    if (!rc) rc = sv_mkdirs(a->y4m ? a->dir : path, e);
    if (!rc) rc = sv_grow(&a->frames, &a->cap, a->clip.n, sizeof *a->frames, e);
    if (!rc && !(rc = sv_names_add(&a->clip, s->clip, strlen(s->clip), &clip, e))) a->frames[clip] = 0;
    if (!rc && (!sv_mul(v.w * v.h, 3, &bytes) || !(rgb = sv_alloc(bytes, 1, e)) || !(yuv = sv_alloc(bytes, 1, e)))) rc = SV_ENOMEM;
    if (!rc && a->y4m) rc = open_y4m(a, s, &v, &o, e);
    if (!rc) rc = put_frames(a, s, &v, &o, rgb, yuv, e);
    if (!rc && a->y4m) rc = sv_out_commit(&o, e);
    sv_out_drop(&o);
    sv_free(rgb), sv_free(yuv);
    sv_video_close(&v);
    return rc;
}

static void drop_clip(const struct sv_annotate *a, size_t clip) {
    char path[PATH], rest[32];
    for (size_t t = 0; !a->y4m && t < a->frames[clip]; t++) {
        snprintf(rest, sizeof rest, "/%06zu.png", t);
        if (!path_of(a, a->clip.name[clip], rest, path, NULL)) unlink(path);
    }
    if (path_of(a, a->clip.name[clip], a->y4m ? ".y4m" : "", path, NULL)) return;
    if (a->y4m) unlink(path);
    else rmdir(path);
}

void sv_annotate_close(struct sv_annotate *a, bool drop) {
    for (size_t i = 0; drop && a->dir && i < a->clip.n; i++) drop_clip(a, i);
    if (drop && a->dir && a->made) rmdir(a->dir);
    sv_names_free(&a->clip), sv_free(a->frames);
    *a = (struct sv_annotate){0};
}
