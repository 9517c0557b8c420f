/* classify.c - svad classify: softmax over labels of exp(logit scale) * cosine, prompt templates averaged. */
#include "clip/image.h"
#include "io/image.h"
#include "io/json.h"
#include "tools/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct classify {
    struct sv_common common;
    const char *model, *labels;
    struct sv_list template, images;
    size_t top;
    struct sv_model m;
    struct sv_cpu cpu;
    struct sv_clip *clip;
    struct sv_lines label;
    float *text;                        /* [labels, E], unit */
    double *p;                          /* [labels] */
};

/* Each {} of the template becomes the label. */
static char *fill_in(const char *template, const char *label, struct sv_err *e) {
    const size_t n = strlen(template), m = strlen(label);
    char *out = sv_alloc(n * (m + 1) + 1, 1, e), *at = out;
    for (const char *t = template; out && *t;) {
        if (t[0] == '{' && t[1] == '}') memcpy(at, label, m), at += m, t += 2;
        else *at++ = *t++;
    }
    return out;
}

/* Zero-shot classifier rows (Radford et al. 2021, 3.1.4): unit mean over templates of unit text features. */
static int embed_labels(struct classify *x, struct sv_err *e) {
    const size_t width = x->m.cfg.embed, templates = x->template.n ? x->template.n : 1;
    float *row = sv_alloc(width, sizeof *row, e);
    x->text = sv_alloc(x->label.n, width * sizeof *x->text, e);
    int rc = row && x->text ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < x->label.n; i++) {
        float *sum = x->text + i * width;
        for (size_t t = 0; !rc && t < templates; t++) {
            const char *text = fill_in(x->template.n ? x->template.item[t] : "{}", x->label.line[i], e);
            rc = text ? sv_model_texts(&x->m, x->clip, &text, 1, NULL, row, e) : SV_ENOMEM;
            sv_free((void *)text);
            if (rc) break;
            sv_unit_rows(row, row, 1, width);
            for (size_t k = 0; k < width; k++) sum[k] += row[k];
        }
        if (!rc) sv_unit_rows(sum, sum, 1, width);
    }
    sv_free(row);
    return rc;
}

static int put(const struct classify *x, const char *image, size_t label, struct sv_err *e) {
    if (!x->common.json) {
        printf("%s\t%.6f\t%s\n", image, x->p[label], x->label.line[label]);
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "image", image);
    sv_json_put_text(&o, "label", x->label.line[label]);
    sv_json_put_real(&o, "probability", x->p[label]);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int classify_image(struct classify *x, const char *path, float *pixels, float *row, struct sv_err *e) {
    const size_t width = x->m.cfg.embed;
    struct sv_image im = {0};
    int rc = sv_image_load(path, &im, e);
    if (!rc) rc = sv_clip_pixels(&im, x->m.cfg.image_size, x->m.cfg.squash, x->m.cfg.mean, x->m.cfg.std, pixels, NULL, e);
    sv_image_free(&im);
    if (rc) return rc;
    sv_clip_image(x->clip, pixels, 1, row);
    if ((rc = sv_check_finite(row, width, path, e))) return rc;
    sv_unit_rows(row, row, 1, width);
    const double scale = exp(x->m.cfg.logit_scale);
    double best = -INFINITY, sum = 0;
    for (size_t i = 0; i < x->label.n; i++) {
        double cosine = 0;
        for (size_t k = 0; k < width; k++) cosine += (double)row[k] * x->text[i * width + k];
        x->p[i] = scale * cosine;
        best = fmax(best, x->p[i]);
    }
    for (size_t i = 0; i < x->label.n; i++) sum += x->p[i] = exp(x->p[i] - best);
    for (size_t i = 0; i < x->label.n; i++) x->p[i] /= sum;
    for (size_t t = 0; !rc && t < sv_min(x->top, x->label.n); t++) {
        size_t at = 0;
        for (size_t i = 1; i < x->label.n; i++)
            if (x->p[i] > x->p[at]) at = i;
        rc = put(x, path, at, e);
        x->p[at] = -1;
    }
    return rc;
}

static int run(struct classify *x, struct sv_err *e) {
    int rc;
    if (!x->labels) return sv_fail(e, SV_EUSAGE, "classify: no labels given: --labels FILE, one a line");
    if ((rc = sv_model_open(&x->m, x->model, e)) || (rc = sv_lines_read(&x->label, x->labels, e)) || (rc = sv_cpu_open(&x->cpu, &x->common, e))) return rc;
    if (!x->label.n) return sv_fail(e, SV_EINPUT, "%s: no label in it", x->labels);
    if (!(x->clip = sv_clip_open(&x->m.store, &x->cpu, SV_CLIP_IMAGE | SV_CLIP_TEXT, 1, e))) return e->code;
    if ((rc = embed_labels(x, e))) return rc;
    const size_t size = x->m.cfg.image_size;
    float *pixels = sv_alloc(3 * size * size, sizeof *pixels, e), *row = sv_alloc(x->m.cfg.embed, sizeof *row, e);
    x->p = sv_alloc(x->label.n, sizeof *x->p, e);
    rc = pixels && row && x->p ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < x->images.n; i++) rc = classify_image(x, x->images.item[i], pixels, row, e);
    sv_free(pixels), sv_free(row);
    return rc;
}

int sv_tool_classify(int argc, char **argv, struct sv_err *e) {
    struct classify x = { .top = 5 };
    const struct sv_opt opt[] = {
        { "m", SV_OPT_TEXT, &x.model, "MODEL", "model file", 0, 0 },
        { "labels", SV_OPT_TEXT, &x.labels, "FILE", "the labels, one a line", 0, 0 },
        { "template", SV_OPT_LIST, &x.template, "TEXT", "sentence with {} for the label; several are averaged (default: {})", 0, 0 },
        { "top", SV_OPT_SIZE, &x.top, "N", "labels to print for each image (5)", 1, 1e6 },
        SV_COMMON(&x.common),
    };
    static const struct sv_usage u = { "classify", "-m MODEL IMAGE... --labels FILE [--template T]...",
        "Which of the labels fits an image: lines of image, probability, label.",
        "svad classify -m model.svad photo.png --labels labels.txt --template \"a photo of a {}.\"", 1, 0 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &x.images, e);
    if (!rc) rc = run(&x, e);
    sv_clip_free(x.clip);
    sv_cpu_close(&x.cpu);
    sv_lines_free(&x.label);
    sv_model_close(&x.m);
    sv_free(x.text), sv_free(x.p);
    sv_list_free(&x.template), sv_list_free(&x.images);
    return rc < 0 ? rc : 0;
}
