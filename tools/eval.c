/* eval.c - svad eval: AUC of frame scores against labels, in every variant that papers print. */
#include "io/file.h"
#include "io/json.h"
#include "io/labels.h"
#include "io/scores.h"
#include "kmeans/auc.h"
#include "tools/tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct eval {
    struct sv_common common;
    const char *dir, *labels;
    double sigma;
    bool per_clip;
    char path[4096];                    /* of the scores */
    struct sv_scores scores;
    struct sv_labels label;
    struct sv_auc_clip *raw, *smooth;   /* [clips] */
    double *frames;                     /* all smoothed scores */
    size_t clips;
};

static int read_inputs(struct eval *x, struct sv_err *e) {
    const int n = snprintf(x->path, sizeof x->path, sv_is_dir(x->dir) ? "%s/scores.csv" : "%s", x->dir);
    if (n < 0 || (size_t)n >= sizeof x->path) return sv_fail(e, SV_EUSAGE, "eval: the path of the scores is too long");
    int rc = sv_scores_read(&x->scores, x->path, e);
    if (!rc) rc = sv_labels_read(&x->label, x->labels, e);
    size_t *frames = rc ? NULL : sv_alloc(x->scores.clip.n, sizeof *frames, e);
    if (rc || !frames) return rc ? rc : SV_ENOMEM;
    for (size_t i = 0; i < x->scores.clip.n; i++) frames[i] = x->scores.frames[i].n;
    rc = sv_labels_fit(&x->label, x->labels, &x->scores.clip, frames, e);
    sv_free(frames);
    return rc;
}

/* Both files must be about the same frames: an AUC over part of them would be a number about nothing. */
static int match(struct eval *x, size_t *total, struct sv_err *e) {
    const struct sv_names *scored = &x->scores.clip, *labelled = &x->label.clip;
    for (size_t i = 0; i < scored->n; i++)
        if (!sv_labels_of(&x->label, scored->name[i]))
            return sv_fail(e, SV_EINPUT, "clip %s has scores in %s, but no labels in %s", scored->name[i], x->path,
                           x->labels);

    for (size_t i = 0; i < labelled->n; i++) {
        const struct sv_label *l = &x->label.label[i];
        const struct sv_frames *s = sv_scores_of(&x->scores, labelled->name[i]);
        if (!s)
            return sv_fail(e, SV_EINPUT, "clip %s has labels in %s, but no scores in %s", labelled->name[i], x->labels,
                           x->path);
        if (s->n != l->n)
            return sv_fail(e, SV_EINPUT, "clip %s has %zu labels in %s, but %zu frames in %s", labelled->name[i], l->n,
                           x->labels, s->n, x->path);
        *total += l->n;
    }
    x->clips = labelled->n;
    return 0;
}

static int prepare(struct eval *x, struct sv_err *e) {
    size_t total = 0;
    int rc = match(x, &total, e);
    if (rc) return rc;
    if (!(x->raw = sv_alloc(x->clips, sizeof *x->raw, e)) || !(x->smooth = sv_alloc(x->clips, sizeof *x->smooth, e)) ||
        !(x->frames = sv_alloc(total, sizeof *x->frames, e))) return SV_ENOMEM;
    double *to = x->frames;
    for (size_t i = 0; !rc && i < x->clips; i++) {
        const struct sv_label *l = &x->label.label[i];
        const char *name = x->label.clip.name[i];
        x->raw[i] = (struct sv_auc_clip){ name, l->frame, sv_scores_of(&x->scores, name)->score, l->n };
        x->smooth[i] = (struct sv_auc_clip){ name, l->frame, to, l->n };
        rc = sv_smooth(to, x->raw[i].score, l->n, x->sigma, e);
        to += l->n;
    }
    return rc;
}

static const char *area(char out[16], double v) {
    snprintf(out, 16, isnan(v) ? "-" : "%.6f", v);
    return out;
}

static int put_clip(const struct eval *x, size_t i, struct sv_err *e) {
    const struct sv_auc_clip *c = &x->raw[i];
    double raw, smooth;
    size_t abnormal = 0;
    char a[16], b[16];
    int rc = sv_auc(c, &raw, e);
    if (rc || (rc = sv_auc(&x->smooth[i], &smooth, e))) return rc;
    for (size_t t = 0; t < c->n; t++) abnormal += c->label[t];
    if (!x->common.json) {
        printf("%-16s %8zu %8zu %10s %10s\n", c->name, c->n, abnormal, area(a, raw), area(b, smooth));
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "clip", c->name);
    sv_json_put_int(&o, "frames", (int64_t)c->n);
    sv_json_put_int(&o, "abnormal", (int64_t)abnormal);
    sv_json_put_real(&o, "auc", raw);
    sv_json_put_real(&o, "auc_smooth", smooth);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int put_json(const struct eval *x, const struct sv_aucs *a, double sigma, struct sv_err *e) {
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_real(&o, "smooth", sigma);
    sv_json_put_real(&o, "micro", a->micro);
    sv_json_put_real(&o, "macro_sentinel", a->sentinel);
    sv_json_put_real(&o, "macro_skip", a->skip);
    sv_json_put_int(&o, "clips", (int64_t)x->clips);
    sv_json_put_int(&o, "skipped", (int64_t)a->skipped);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int put_all(const struct eval *x, struct sv_err *e) {
    struct sv_aucs raw, smooth;
    char a[16], b[16];
    int rc = sv_auc_all(x->raw, x->clips, &raw, e);
    if (rc || (rc = sv_auc_all(x->smooth, x->clips, &smooth, e))) return rc;
    if (isnan(raw.micro))
        return sv_fail(e, SV_EINPUT, "%s: all frames are %s: there is no AUC of one class", x->labels,
                       x->raw[0].label[0] ? "abnormal" : "normal");
    if (x->per_clip && !x->common.json) printf("%-16s %8s %8s %10s %10s\n", "clip", "frames", "abnormal", "raw", "smoothed");
    for (size_t i = 0; x->per_clip && i < x->clips; i++) if ((rc = put_clip(x, i, e))) return rc;
    if (x->common.json) return (rc = put_json(x, &raw, 0, e)) ? rc : put_json(x, &smooth, x->sigma, e);
    if (x->per_clip) putchar('\n');
    printf("%-16s %10s %10s   (sigma %g)\n", "AUC", "raw", "smoothed", x->sigma);
    printf("%-16s %10s %10s\n", "micro", area(a, raw.micro), area(b, smooth.micro));
    printf("%-16s %10s %10s\n", "macro-sentinel", area(a, raw.sentinel), area(b, smooth.sentinel));
    printf("%-16s %10s %10s", "macro-skip", area(a, raw.skip), area(b, smooth.skip));
    if (raw.skipped) printf("   (%zu of %zu clips have one class)", raw.skipped, x->clips);
    putchar('\n');
    return 0;
}

int sv_tool_eval(int argc, char **argv, struct sv_err *e) {
    struct eval x = { .sigma = 3 };
    struct sv_list args = {0};
    const struct sv_usage u = { "eval", "DIR --labels FILE [options]",
        "Area under the ROC curve of DIR/scores.csv against labels: micro (all frames), macro-sentinel (mean over clips,\n"
        "each with one frame of either class added at the ends of the range) and macro-skip (clips of one class left out).",
        "svad eval out --labels labels.txt --smooth 7", 1, 1 };
    const struct sv_opt opt[] = {
        { "labels", SV_OPT_TEXT, &x.labels, "FILE", "lines \"clip n 0101...\", UCSD's .m, .mat, or a folder of .npy or .mat", 0, 0 },
        { "smooth", SV_OPT_REAL, &x.sigma, "SIGMA", "Gaussian over the frames of a clip (3)", 0, SV_SMOOTH_MAX },
        { "per-clip", SV_OPT_FLAG, &x.per_clip, NULL, "one line a clip as well", 0, 0 },
        { "v", SV_OPT_FLAG, &x.per_clip, NULL, "the same", 0, 0 },
        SV_COMMON(&x.common),
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc && !x.labels) rc = sv_fail(e, SV_EUSAGE, "eval: needs --labels FILE");
    if (!rc) {
        x.dir = args.item[0];
        rc = read_inputs(&x, e);
        if (!rc) rc = prepare(&x, e);
        if (!rc) rc = put_all(&x, e);
    }
    sv_free(x.raw), sv_free(x.smooth), sv_free(x.frames);
    sv_scores_free(&x.scores);
    sv_labels_free(&x.label);
    sv_list_free(&args);
    return rc > 0 ? 0 : rc;
}
