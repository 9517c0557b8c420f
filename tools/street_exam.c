#include "tools/street_exam.h"

#include "nn/norm.h"
#include "tfc/temporal.h"

#include <math.h>
#include <string.h>

enum { BATCH = 32, PAIRS = 256, MOST = 512 /* texts at once */ };

struct exam {
    const struct sv_cpu *cpu;
    const struct sv_store *model;
    struct sv_street_exam *out;
    struct sv_street_roll roll;
    struct sv_clip *clip;
    struct sv_tfc *tfc;
    struct sv_token *token;
    size_t embed, context, side;
    float *image;                       /* [roll.n, E] unit rows but for tubes */
    float *text, *row;                  /* [MOST, E] unit rows of texts; of crops */
    const char *name[MOST];             /* the texts */
    char (*line)[SV_STREET_TEXT];       /* [deeds] */
    struct sv_street_deed *deed; size_t deeds;
    int32_t *ids;
};

static int open_exam(struct exam *x, const struct sv_street_film *f, struct sv_err *e) {
    const struct sv_view *v;
    struct sv_tfc_config g;
    int rc = sv_street_film(&x->roll, x->cpu, f, e);
    if (!rc) rc = sv_store_expect(x->model, "clip.merges", 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &v, e);
    if (rc) return rc;
    if (!(x->token = sv_token_new(v->data, v->bytes, e)) || !(x->clip = sv_clip_open(x->model, x->cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, BATCH, e)))
        return e && e->code ? e->code : SV_ENOMEM;
    const struct sv_clip_config *c = sv_clip_config(x->clip);
    x->embed = c->embed, x->context = c->context, x->side = c->image_size;
    if (x->side != SV_STREET_SIDE) return sv_fail(e, SV_EINPUT, "%s: a model of %zu pixels a side, expected %d", x->model->file, x->side, SV_STREET_SIDE);
    if ((rc = sv_tfc_config_read(&g, x->model, x->embed, SV_STREET_FRAMES, e))) return rc;
    if (g.frames != SV_STREET_FRAMES) return sv_fail(e, SV_EINPUT, "%s: a model of %zu frames, expected %d", x->model->file, g.frames, SV_STREET_FRAMES);
    if (x->embed > 512) return sv_fail(e, SV_EINPUT, "%s: features of width %zu, at most 512", x->model->file, x->embed);
    if (!(x->tfc = sv_tfc_open(&g, x->model, x->cpu, BATCH, e))) return e && e->code ? e->code : SV_ENOMEM;
    x->deeds = sv_street_deeds(NULL, 0);
    if (!(x->image = sv_alloc(x->roll.n, x->embed * sizeof *x->image, e)) || !(x->text = sv_alloc(MOST, x->embed * sizeof *x->text, e)) ||
        !(x->row = sv_alloc(MOST, x->embed * sizeof *x->row, e)) || !(x->line = sv_alloc(x->deeds, sizeof *x->line, e)) ||
        !(x->deed = sv_alloc(x->deeds, sizeof *x->deed, e)) || !(x->ids = sv_alloc(MOST, x->context * sizeof *x->ids, e))) return SV_ENOMEM;
    sv_street_deeds(x->deed, x->deeds);
    return 0;
}

static int see(struct exam *x, struct sv_err *e) {
    const struct sv_clip_config *g = sv_clip_config(x->clip);
    struct sv_crop crop = {0};
    float *pixels = sv_alloc(BATCH, SV_STREET_PIXELS * sizeof *pixels, e);
    const int rc = pixels ? sv_crop_init(&crop, SV_STREET_SIDE, 1, 1, g->mean, g->std, e) : SV_ENOMEM;
    for (size_t i = 0, n; !rc && i < x->roll.n; i += n) {
        n = sv_min(BATCH, x->roll.n - i);
        for (size_t k = 0; k < n; k++) sv_street_pixels((const float (*)[256])crop.table, &x->roll.sample[i + k], pixels + k * SV_STREET_PIXELS);
        sv_clip_image(x->clip, pixels, n, x->image + i * x->embed);
    }
    sv_crop_free(&crop);
    sv_free(pixels);
    return rc;
}

/* Unit rows of the texts x->name [n]. */
static int read_texts(struct exam *x, size_t n, struct sv_err *e) {
    struct sv_token_opts o = SV_TOKEN_OPTS;
    size_t len;
    int rc = 0;
    o.context = x->context, o.truncate = true;
    for (size_t i = 0; !rc && i < n; i++) rc = sv_token_encode(x->token, x->name[i], strlen(x->name[i]), &o, x->ids + i * x->context, &len, e);
    if (rc) return rc;
    sv_clip_text(x->clip, x->ids, n, x->text);
    sv_unit_rows(x->text, x->text, n, x->embed);
    return 0;
}

static float cosine(const struct exam *x, const float *u, const float *text) { return x->cpu->kern->dot(u, text, x->embed); }

/* The row of `rows` [n, E] that is nearest to u. */
static size_t nearest(const struct exam *x, const float *u, const float *rows, size_t n) {
    size_t best = 0;
    float most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const float c = cosine(x, u, rows + i * x->embed);
        if (c > most) most = c, best = i;
    }
    return best;
}

static double part(size_t n, size_t of) { return of ? (double)n / (double)of : NAN; }

/* ---- crops ---- */

static bool there(const struct sv_street_sample *s) { return s->class[SV_STREET_PLACE] != SV_STREET_NONE; }

static int ask_kinds(struct exam *x, struct sv_err *e) {
    for (enum sv_street_kind k = 0; k < SV_STREET_KINDS; k++) {
        const size_t n = sv_street_classes(k);
        size_t right = 0, of = 0;
        for (size_t c = 0; c < n; c++) x->name[c] = sv_street_phrase(k, c);
        const int rc = read_texts(x, n, e);
        if (rc) return rc;
        for (size_t i = 0; i < x->roll.n; i++) {
            const struct sv_street_sample *s = &x->roll.sample[i];
            if (s->class[k] == SV_STREET_NONE || !there(s)) continue;
            of++, right += nearest(x, x->image + i * x->embed, x->text, n) == s->class[k];
        }
        x->out->kind[k] = part(right, of);
        x->out->crops = sv_max(x->out->crops, of);
    }
    return 0;
}

/* The first crop of objects whose captions differ from all before. */
static int ask_captions(struct exam *x, struct sv_err *e) {
    float *image = x->row;
    size_t n = 0, there_and = 0, back = 0;
    for (size_t i = 0; n < PAIRS && i < x->roll.n; i++) {
        const struct sv_street_sample *s = &x->roll.sample[i];
        size_t k = 0;
        if (!there(s) || (i && s->world == s[-1].world && s->turn)) continue;
        while (k < n && strcmp(x->name[k], s->caption)) k++;
        if (k < n) continue;
        memcpy(image + n * x->embed, x->image + i * x->embed, x->embed * sizeof *image);
        x->name[n++] = s->caption;
    }
    const int rc = read_texts(x, n, e);
    if (rc) return rc;
    sv_unit_rows(image, image, n, x->embed);
    for (size_t i = 0; i < n; i++) {
        there_and += nearest(x, image + i * x->embed, x->text, n) == i;
        back += nearest(x, x->text + i * x->embed, image, n) == i;
    }
    x->out->pairs = n, x->out->to_text = part(there_and, n), x->out->to_image = part(back, n);
    return 0;
}

/* ---- tubes ---- */

/* The class with the largest sum of p [deeds] over the deeds that have it. */
static size_t most_likely(const struct exam *x, const double *p, size_t (*class)(const struct sv_street_deed *)) {
    double sum[256] = {0};
    size_t best = 0;
    for (size_t i = 0; i < x->deeds; i++) sum[class(&x->deed[i])] += p[i];
    for (size_t i = 1; i < SV_STREET_NONE; i++) best = sum[i] > sum[best] ? i : best;       /* 255: no class */
    return best;
}

static size_t action_of(const struct sv_street_deed *d) { return d->action; }
static size_t way_of(const struct sv_street_deed *d) { return d->way; }

static int ask_tubes(struct exam *x, struct sv_err *e) {
    size_t n = 0, deed = 0, action = 0, way = 0, ways = 0, pace = 0;
    double *p = sv_alloc(x->deeds, sizeof *p, e);
    float video[512];
    int rc = p ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < x->deeds; i++) sv_street_deed_text(&x->deed[i], x->line[i]), x->name[i] = x->line[i];
    if (!rc) rc = read_texts(x, x->deeds, e);
    for (size_t i = 0; !rc && i < x->roll.n; i += SV_STREET_FRAMES, n++) {
        const struct sv_street_sample *s = &x->roll.sample[i];
        const struct sv_street_deed *d = &x->deed[s->deed];
        sv_tfc_video(x->tfc, x->image + i * x->embed, 1, video);
        for (size_t k = 0; k < x->deeds; k++) p[k] = exp(10 * (double)cosine(x, video, x->text + k * x->embed));
        deed += nearest(x, video, x->text, x->deeds) == s->deed;
        action += most_likely(x, p, action_of) == d->action;
        pace += most_likely(x, p, sv_street_deed_pace) == s[SV_STREET_FRAMES / 2].class[SV_STREET_PACE];
        if (d->way != SV_STREET_NONE) ways++, way += most_likely(x, p, way_of) == d->way;
    }
    sv_free(p);
    x->out->tubes = n, x->out->deed = part(deed, n), x->out->action = part(action, n), x->out->pace = part(pace, n), x->out->way = part(way, ways);
    return rc;
}

int sv_street_examine(struct sv_street_exam *out, const struct sv_store *model, const struct sv_cpu *c, const struct sv_street_film *f, struct sv_err *e) {
    struct exam x = { .cpu = c, .model = model, .out = out };
    *out = (struct sv_street_exam){ .deed = NAN, .action = NAN, .way = NAN, .pace = NAN };
    int rc = open_exam(&x, f, e);
    if (!rc) rc = see(&x, e);
    if (!rc) rc = ask_kinds(&x, e);
    if (!rc) rc = ask_captions(&x, e);
    if (!rc && f->frames == SV_STREET_FRAMES) rc = ask_tubes(&x, e);
    sv_street_roll_free(&x.roll);
    sv_clip_free(x.clip), sv_tfc_free(x.tfc), sv_token_free(x.token);
    sv_free(x.image), sv_free(x.text), sv_free(x.row), sv_free(x.deed), sv_free(x.ids), sv_free(x.line);
    return rc;
}
