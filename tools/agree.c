/* agree.c - svad compare --embed: how far a model's features of pictures go from f32 when they are computed with fewer bits. */
#include "tools/agree.h"

#include "io/json.h"
#include "nn/norm.h"
#include "tools/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 1000 };                   /* pictures: pairs are compared for each */

struct job {
    const struct sv_common *common;
    struct sv_dir files;                /* pictures */
    size_t width;                       /* E */
    float *f32, *row;                   /* [files, E] unit features of the reference, and of what is compared with it */
};

/* Features of all pictures, of a model in a precision. */
static int features(struct job *j, const char *path, const char *precision, float **out, struct sv_err *e) {
    struct sv_model m = { 0 };
    struct sv_cpu cpu = { 0 };
    struct sv_common common = *j->common;
    struct sv_clip *clip = NULL;
    struct sv_progress p;
    common.precision = precision;
    int rc = sv_model_open(&m, path, e);
    if (!rc) rc = sv_cpu_open(&cpu, &common, e);
    if (!rc && j->width && m.cfg.embed != j->width) rc = sv_fail(e, SV_EINPUT, "%s: features of width %zu, expected %zu", path, m.cfg.embed, j->width);
    if (!rc && !(clip = sv_clip_open(&m.store, &cpu, SV_CLIP_IMAGE, 1, e))) rc = e->code;
    if (!rc && !*out && !(*out = sv_alloc(j->files.n, m.cfg.embed * sizeof **out, e))) rc = SV_ENOMEM;
    if (!rc) j->width = m.cfg.embed;
    sv_progress_start(&p, j->common, path, "pictures", j->files.n);
    for (size_t i = 0; !rc && i < j->files.n; i++) {
        float *row = *out + i * j->width;
        if (!(rc = sv_model_image(&m, clip, j->files.name[i], row, e))) rc = sv_check_finite(row, j->width, j->files.name[i], e);
        sv_progress_at(&p, i + 1);
    }
    sv_progress_end(&p);
    if (!rc) sv_unit_rows(*out, *out, j->files.n, j->width);
    sv_clip_free(clip), sv_cpu_close(&cpu), sv_model_close(&m);
    return rc;
}

static double cosine(const float *a, const float *b, size_t n) {
    double gap = 0;
    for (size_t i = 0; i < n; i++) gap += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return 1 - gap / 2;                 /* of unit vectors: half the squared chord keeps the digits that count */
}

double sv_rank_agreement(const float *a, const float *b, size_t rows, size_t width, double *room) {
    size_t same = 0, pairs = 0;
    double *p = room, *q = room + rows;
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < rows; k++) p[k] = cosine(a + i * width, a + k * width, width), q[k] = cosine(b + i * width, b + k * width, width);
        for (size_t k = 0; k < rows; k++)
            for (size_t l = k + 1; l < rows; l++) {
                if (k == i || l == i) continue;
                pairs++, same += (p[k] > p[l]) - (p[k] < p[l]) == (q[k] > q[l]) - (q[k] < q[l]);
            }
    }
    return pairs ? (double)same / (double)pairs : NAN;
}

static int line(const struct job *j, const char *path, const char *precision, struct sv_err *e) {
    double least = 1, sum = 0, *room = sv_alloc(2 * j->files.n, sizeof *room, e);
    if (!room) return SV_ENOMEM;
    for (size_t i = 0; i < j->files.n; i++) {
        const double c = cosine(j->f32 + i * j->width, j->row + i * j->width, j->width);
        least = fmin(least, c), sum += c;
    }
    const double rank = sv_rank_agreement(j->f32, j->row, j->files.n, j->width, room), mean = sum / (double)j->files.n;
    sv_free(room);
    if (!j->common->json) {
        char text[16] = "-";
        if (!isnan(rank)) snprintf(text, sizeof text, "%.5f", rank);
        printf("%-32s  %-9s  %9.7f  %9.7f  %s\n", path, precision, least, mean, text);
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "model", path), sv_json_put_text(&o, "precision", precision);
    sv_json_put_real(&o, "least", least), sv_json_put_real(&o, "mean", mean);
    if (!isnan(rank)) sv_json_put_real(&o, "rank", rank);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int add_file(struct sv_dir *l, const char *path, struct sv_err *e) {
    const int rc = sv_grow(&l->name, &l->cap, l->n, sizeof *l->name, e);
    if (!rc && !(l->name[l->n] = sv_strdup(path, e))) return SV_ENOMEM;
    l->n += !rc;
    return rc;
}

/* Files of a folder in its place. */
static int add(struct sv_dir *l, const char *path, struct sv_err *e) {
    struct sv_dir d;
    if (!sv_is_dir(path)) return add_file(l, path, e);
    int rc = sv_dir_list(&d, path, e);
    if (rc) return rc;
    for (size_t i = 0; !rc && i < d.n; i++) {
        char name[4096];
        if (snprintf(name, sizeof name, "%s/%s", path, d.name[i]) >= (int)sizeof name) rc = sv_fail(e, SV_EINPUT, "%s: the path is too long", path);
        else if (!sv_is_dir(name)) rc = add_file(l, name, e);
    }
    sv_dir_free(&d);
    return rc;
}

int sv_agree(const struct sv_list *models, const struct sv_list *pictures, const struct sv_common *common, struct sv_err *e) {
    static const char *const fewer[] = { "bf16", "i8" };
    struct job j = { .common = common };
    int rc = 0;
    for (size_t i = 0; !rc && i < pictures->n; i++) rc = add(&j.files, pictures->item[i], e);
    if (!rc && (!j.files.n || j.files.n > MOST)) rc = sv_fail(e, SV_EUSAGE, "compare: %zu pictures, expected 1 .. %d", j.files.n, MOST);
    if (!rc) rc = features(&j, models->item[0], "f32", &j.f32, e);
    if (!rc && !common->json) printf("%zu pictures against %s in f32\n%-32s  %-9s  %9s  %9s  %s\n", j.files.n, models->item[0], "model", "precision", "cos least", "cos mean", "rank agreement");
    for (size_t i = 0; !rc && i < SV_LEN(fewer); i++)
        if (!(rc = features(&j, models->item[0], fewer[i], &j.row, e))) rc = line(&j, models->item[0], fewer[i], e);
    for (size_t i = 1; !rc && i < models->n; i++)
        if (!(rc = features(&j, models->item[i], NULL, &j.row, e))) rc = line(&j, models->item[i], "as stored", e);
    sv_free(j.f32), sv_free(j.row), sv_dir_free(&j.files);
    return rc;
}
