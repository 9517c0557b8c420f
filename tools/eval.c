/* eval.c - svad eval: AUC of frame scores against labels, in every variant that papers print. */
#include "io/json.h"
#include "tools/judged.h"
#include "tools/tool.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct eval {
    struct sv_common common;
    const char *dir, *labels;
    double sigma;
    bool per_clip;
    struct sv_judged j;
};

static const char *area(char out[16], double v) {
    snprintf(out, 16, isnan(v) ? "-" : "%.6f", v);
    return out;
}

static int put_clip(const struct eval *x, size_t i, struct sv_err *e) {
    const struct sv_auc_clip *c = &x->j.raw[i];
    double raw, smooth;
    size_t abnormal = 0;
    char a[16], b[16];
    int rc = sv_auc(c, &raw, e);
    if (rc || (rc = sv_auc(&x->j.smooth[i], &smooth, e))) return rc;
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
    sv_json_put_int(&o, "clips", (int64_t)x->j.clips);
    sv_json_put_int(&o, "skipped", (int64_t)a->skipped);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int put_all(const struct eval *x, struct sv_err *e) {
    struct sv_aucs raw, smooth;
    char a[16], b[16];
    int rc = sv_auc_all(x->j.raw, x->j.clips, &raw, e);
    if (rc || (rc = sv_auc_all(x->j.smooth, x->j.clips, &smooth, e))) return rc;
    if (isnan(raw.micro))
        return sv_fail(e, SV_EINPUT, "%s: all frames are %s: there is no AUC of one class", x->labels,
                       x->j.raw[0].label[0] ? "abnormal" : "normal");
    if (x->per_clip && !x->common.json) printf("%-16s %8s %8s %10s %10s\n", "clip", "frames", "abnormal", "raw", "smoothed");
    for (size_t i = 0; x->per_clip && i < x->j.clips; i++) if ((rc = put_clip(x, i, e))) return rc;
    if (x->common.json) return (rc = put_json(x, &raw, 0, e)) ? rc : put_json(x, &smooth, x->sigma, e);
    if (x->per_clip) putchar('\n');
    printf("%-16s %10s %10s   (sigma %g)\n", "AUC", "raw", "smoothed", x->sigma);
    printf("%-16s %10s %10s\n", "micro", area(a, raw.micro), area(b, smooth.micro));
    printf("%-16s %10s %10s\n", "macro-sentinel", area(a, raw.sentinel), area(b, smooth.sentinel));
    printf("%-16s %10s %10s", "macro-skip", area(a, raw.skip), area(b, smooth.skip));
    if (raw.skipped) printf("   (%zu of %zu clips have one class)", raw.skipped, x->j.clips);
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
        rc = sv_judged_open(&x.j, x.dir, x.labels, x.sigma, e);
        if (!rc) rc = put_all(&x, e);
    }
    sv_judged_close(&x.j);
    sv_list_free(&args);
    return rc > 0 ? 0 : rc;
}
