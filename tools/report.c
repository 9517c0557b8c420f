/* report.c - svad report: what a score run found, as one page that needs nothing else. */
#include "tools/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/run.h"

enum { ROC_POINTS = 400 };

/* ---- inputs ---- */

double sv_report_fps(const struct sv_report *r, const char *clip) {
    double fps = 0;
    if (!isnan(r->fps)) return r->fps;
    return sv_json_real(sv_json_get(sv_run_clip_of(&r->run, clip), "fps"), &fps) && fps > 0 && fps < 1e6 ? fps : 0;
}

size_t sv_report_above(const struct sv_report *r, const struct sv_frames *f) {
    size_t n = 0;
    for (size_t t = 0; t < f->n; t++) n += f->score[t] >= r->line;
    return n;
}

/* The scores before a text changed them: of the folder that is named, else of the one that these were scored again from. */
static int read_before(struct sv_report *r, struct sv_err *e) {
    char path[4096];
    const struct sv_json_node *texts = sv_json_get(r->run.root, "redefined");
    const char *from = sv_json_text(sv_json_get(r->run.root, "from"));
    if (!r->before_dir && (!from || !texts || !texts->n)) return 0;
    struct sv_err own = {0};
    int rc = sv_scores_load(&r->before, r->before_dir ? r->before_dir : from, path, &own);
    for (size_t i = 0; !rc && i < r->j.scores.clip.n; i++) {
        const char *name = r->j.scores.clip.name[i];
        const struct sv_frames *b = sv_scores_of(&r->before, name);
        if (b && b->n != r->j.scores.frames[i].n)
            rc = sv_fail(&own, SV_EINPUT, "clip %s has %zu frames in %s, but %zu in %s", name, b->n, path, r->j.scores.frames[i].n, r->j.path);
    }
    r->redefined = !rc;
    if (!rc || (!r->before_dir && rc != SV_ENOMEM)) return 0;           /* what run.json remembers may be gone by now */
    return sv_fail(e, rc, "%s", own.msg);
}

static void set_line(struct sv_report *r) {
    const struct sv_json_node *asked = sv_json_get(r->run.root, "threshold"), *frames = sv_json_get(sv_json_get(r->run.root, "scene"), "frame_scores");
    double rate;
    r->line = NAN;
    snprintf(r->line_is, sizeof r->line_is, "the threshold given");
    if (!isnan(r->threshold)) r->line = r->threshold;
    else if (sv_json_real(asked, &r->line) && sv_json_real(sv_json_get(r->run.root, "alarms_per_hour"), &rate))
        snprintf(r->line_is, sizeof r->line_is, "the threshold for %g alarm%s an hour", rate, rate > 1 ? "s" : "");
    else if (isnan(r->line) && sv_json_real(sv_json_get(frames, "0.999"), &r->line))
        snprintf(r->line_is, sizeof r->line_is, "above 99.9\xc2\xa0%% of the training frames");
}

static void set_axis(struct sv_report *r) {
    double low = 0, high = isnan(r->line) ? 0 : r->line;
    const struct sv_scores *all[2] = { &r->j.scores, &r->before };
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < all[k]->clip.n; i++)
            for (size_t t = 0; t < all[k]->frames[i].n; t++) low = fmin(low, all[k]->frames[i].score[t]), high = fmax(high, all[k]->frames[i].score[t]);
    if (!(high > low)) high = low + 1;
    r->step = sv_report_step(high - low, 5);
    r->low = floor(low / r->step) * r->step, r->high = high + (high - low) * 0.06;
}

/* The objects, which must be of the scored frames; a folder without them is fine. */
static int read_objects(struct sv_report *r, struct sv_err *e) {
    char path[4096];
    const struct sv_objects *x = &r->objects;
    const int n = snprintf(path, sizeof path, "%s/objects.csv", r->dir);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK)) return 0;
    const int rc = sv_objects_read(&r->objects, path, e);
    for (size_t c = 0; !rc && c < x->clip.n; c++) {
        const struct sv_frames *f = sv_scores_of(&r->j.scores, x->clip.name[c]);
        if (!f) return sv_fail(e, SV_EINPUT, "%s: clip %s is not in %s", path, x->clip.name[c], r->j.path);
        const size_t last = x->object[x->first[c + 1] - 1].frame;
        if (last >= f->n) return sv_fail(e, SV_EINPUT, "%s: clip %s has an object in frame %zu, but %s has %zu frames of it", path, x->clip.name[c], last, r->j.path, f->n);
    }
    return rc;
}

static int read_all(struct sv_report *r, struct sv_err *e) {
    if (!r->path) return sv_fail(e, SV_EUSAGE, "report: no file given: -o FILE.html");
    int rc = r->labels ? sv_judged_open(&r->j, r->dir, r->labels, r->sigma, e) : sv_scores_load(&r->j.scores, r->dir, r->j.path, e);
    if (!rc) rc = sv_run_read(&r->run, r->dir, e);
    if (!rc) rc = read_objects(r, e);
    if (!rc) rc = read_before(r, e);
    if (rc) return rc;
    set_line(r), set_axis(r);
    if ((rc = sv_report_choose(r, e))) return rc;
    return r->objects.n ? sv_report_pick(r, e) : 0;
}

/* ---- parts ---- */

static const char *duration(char out[32], double s) {
    if (s < 100) snprintf(out, 32, "%.0f s", s);
    else if (s < 6000) snprintf(out, 32, "%.0f min", s / 60);
    else snprintf(out, 32, "%.1f h", s / 3600);
    return out;
}

static bool has_texts(const struct sv_report *r) {
    const struct sv_json_node *texts = sv_json_get(r->run.root, "redefined");
    return r->redefined || (texts && texts->n);
}

static void put_head(struct sv_report *r) {
    struct sv_html *h = &r->h;
    sv_html(h, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
    sv_html_text(h, r->title);
    sv_html(h, "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n");
    for (const char *const *line = sv_report_style; *line; line++) sv_html(h, "%s", *line);
    sv_html(h, "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<header>\n<h1>");
    sv_html_text(h, r->title);
    sv_html(h, "</h1>\n<p>What svad found unusual in <bdi>");
    sv_html_text(h, r->dir);
    sv_html(h, "</bdi></p>\n</header>\n<nav aria-label=\"Contents\"><ul>");
    if (r->picks) sv_html(h, "<li><a href=\"#boxes\">Highest boxes</a></li>");
    sv_html(h, "<li><a href=\"#scores\">Scores over time</a></li><li><a href=\"#clips\">Clips</a></li>");
    if (r->labels) sv_html(h, "<li><a href=\"#labels\">Against the labels</a></li>");
    if (has_texts(r)) sv_html(h, "<li><a href=\"#texts\">Redefinition</a></li>");
    if (r->log) sv_html(h, "<li><a href=\"#training\">Training</a></li>");
    sv_html(h, "<li><a href=\"#run\">The run</a></li></ul></nav>\n<main id=\"main\" tabindex=\"-1\">\n");
}

static void put_tiles(struct sv_report *r, const struct sv_aucs *raw) {
    struct sv_html *h = &r->h;
    const struct sv_scores *s = &r->j.scores;
    size_t frames = 0, above = 0, clip = 0, at = r->clip[0].top;
    double seconds = 0;
    bool timed = true;
    char t[64];
    for (size_t i = 0; i < s->clip.n; i++) {
        const double fps = sv_report_fps(r, s->clip.name[i]);
        frames += s->frames[i].n, above += sv_report_above(r, &s->frames[i]);
        timed = timed && fps > 0, seconds += fps > 0 ? (double)s->frames[i].n / fps : 0;
        if (s->frames[i].score[r->clip[i].top] > s->frames[clip].score[at]) clip = i, at = r->clip[i].top;
    }
    sv_html(h, "<dl class=\"tiles\" aria-label=\"Summary\"><div><dt>Clips</dt><dd>%zu</dd></div><div><dt>Frames</dt><dd>%zu", s->clip.n, frames);
    if (timed) sv_html(h, "<small>%s</small>", duration(t, seconds));
    sv_html(h, "</dd></div>");
    if (r->objects.n) sv_html(h, "<div><dt>Objects</dt><dd>%zu</dd></div>", r->objects.n);
    sv_html(h, "<div><dt>Highest score</dt><dd>%.4g<small><bdi>", s->frames[clip].score[at]);
    sv_html_text(h, s->clip.name[clip]);
    sv_html(h, "</bdi>, %s</small></dd></div>", sv_report_when(t, at, sv_report_fps(r, s->clip.name[clip])));
    if (!isnan(r->line)) {
        sv_html(h, "<div><dt>Above the line</dt><dd>%.*f %%<small>of frames; %.4g, ", above && above * 100 < frames ? 2 : 0, 100.0 * (double)above / (double)frames, r->line);
        sv_html_text(h, r->line_is);
        sv_html(h, "</small></dd></div>");
    }
    if (raw && !isnan(raw->micro)) sv_html(h, "<div><dt>AUC, all frames</dt><dd>%.2f %%</dd></div>", 100 * raw->micro);
    sv_html(h, "</dl>\n");
}

static void put_area(struct sv_html *h, double v) {
    if (isnan(v)) sv_html(h, "<td>-</td>");
    else sv_html(h, "<td>%.2f</td>", 100 * v);
}

void sv_report_name(struct sv_report *r, size_t clip) {
    struct sv_html *h = &r->h;
    if (r->clip[clip].curve) sv_html(h, "<a href=\"#c%zu\">", clip);
    sv_html(h, "<bdi>");
    sv_html_text(h, r->j.scores.clip.name[clip]);
    sv_html(h, r->clip[clip].curve ? "</bdi></a>" : "</bdi>");
}

static int put_clip_row(struct sv_report *r, size_t i, struct sv_err *e) {
    struct sv_html *h = &r->h;
    const struct sv_frames *f = &r->j.scores.frames[i];
    const char *name = r->j.scores.clip.name[i];
    const size_t o = sv_names_find(&r->objects.clip, name, strlen(name));
    const size_t top = r->clip[i].top;
    size_t abnormal = 0;
    char t[64];
    sv_html(h, "<tr><th scope=\"row\">");
    sv_report_name(r, i);
    sv_html(h, "</th><td>%zu</td><td>%zu</td><td>%.4g</td><td>%s</td>", f->n, o == SIZE_MAX ? 0 : r->objects.first[o + 1] - r->objects.first[o],
            f->score[top], sv_report_when(t, top, sv_report_fps(r, name)) + 6);
    if (!isnan(r->line)) sv_html(h, "<td>%.1f</td>", 100 * (double)sv_report_above(r, f) / (double)f->n);
    for (size_t k = 0; r->labels && k < r->j.clips; k++) {
        double raw, smooth;
        if (strcmp(r->j.raw[k].name, name)) continue;
        int rc = sv_auc(&r->j.raw[k], &raw, e);
        if (!rc) rc = sv_auc(&r->j.smooth[k], &smooth, e);
        if (rc) return rc;
        for (size_t x = 0; x < f->n; x++) abnormal += r->j.raw[k].label[x];
        sv_html(h, "<td>%.1f</td>", 100 * (double)abnormal / (double)f->n);
        put_area(h, raw), put_area(h, smooth);
    }
    sv_html(h, "</tr>\n");
    return 0;
}

static int put_clips(struct sv_report *r, struct sv_err *e) {
    struct sv_html *h = &r->h;
    int rc = 0;
    sv_html(h, "<section id=\"clips\"><h2>Clips</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Clips\"><table><caption>Every clip%s</caption>\n"
            "<thead><tr><th scope=\"col\">Clip</th><th scope=\"col\">Frames</th><th scope=\"col\">Objects</th><th scope=\"col\">Highest</th><th scope=\"col\">at frame</th>",
            r->labels ? ", AUC in percent (a dash: all its frames are of one class)" : "");
    if (!isnan(r->line)) sv_html(h, "<th scope=\"col\">%% above</th>");
    if (r->labels) sv_html(h, "<th scope=\"col\">%% abnormal</th><th scope=\"col\">AUC</th><th scope=\"col\">smoothed</th>");
    sv_html(h, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; !rc && i < r->j.scores.clip.n; i++) rc = put_clip_row(r, i, e);
    sv_html(h, "</tbody></table></div></section>\n");
    return rc;
}

static int put_labels(struct sv_report *r, const struct sv_aucs *raw, const struct sv_aucs *smooth, struct sv_err *e) {
    struct sv_html *h = &r->h;
    struct sv_roc_point a[ROC_POINTS], b[ROC_POINTS];
    size_t an = 0, bn = 0;
    const struct { const char *name, *is; double raw, smooth; } row[] = {
        { "micro", "all frames together", raw->micro, smooth->micro },
        { "macro-sentinel", "mean over clips, each with a frame of either class added", raw->sentinel, smooth->sentinel },
        { "macro-skip", "mean over clips of both classes", raw->skip, smooth->skip },
    };
    int rc = sv_roc(r->j.raw, r->j.clips, a, ROC_POINTS, &an, e);
    if (!rc) rc = sv_roc(r->j.smooth, r->j.clips, b, ROC_POINTS, &bn, e);
    if (rc) return rc;
    sv_html(h, "<section id=\"labels\"><h2>Against the labels</h2>\n<div class=\"two\">\n");
    if (an && bn) sv_report_roc(r, a, an, b, bn);
    sv_html(h, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"AUC\"><table><caption>Area under the ROC curve, percent; smoothed by a Gaussian of %g frames</caption>\n"
            "<thead><tr><th scope=\"col\">AUC</th><th scope=\"col\">raw</th><th scope=\"col\">smoothed</th></tr></thead>\n<tbody>\n", r->sigma);
    for (size_t i = 0; i < SV_LEN(row); i++) {
        sv_html(h, "<tr><th scope=\"row\">%s<br><small>%s</small></th>", row[i].name, row[i].is);
        put_area(h, row[i].raw), put_area(h, row[i].smooth);
        sv_html(h, "</tr>\n");
    }
    sv_html(h, "</tbody></table>");
    if (raw->skipped) sv_html(h, "<p><small>%zu of %zu clips have one class.</small></p>", raw->skipped, r->j.clips);
    sv_html(h, "</div></div></section>\n");
    return 0;
}

static void put_number(struct sv_html *h, const struct sv_json_node *object, const char *member) {
    const struct sv_json_node *node = sv_json_get(object, member);
    int64_t whole;
    double v;
    if (sv_json_int(node, &whole)) sv_html(h, "<td>%lld</td>", (long long)whole);
    else if (sv_json_real(node, &v)) sv_html(h, "<td>%.4g</td>", v);
    else sv_html(h, "<td>-</td>");
}

/* How far the texts moved the scores. */
static void put_changes(struct sv_report *r) {
    size_t frames = 0, changed = 0, up = 0, from = 0, now = 0;
    for (size_t i = 0; i < r->j.scores.clip.n; i++) {
        const struct sv_frames *a = &r->j.scores.frames[i], *b = sv_scores_of(&r->before, r->j.scores.clip.name[i]);
        if (!b) continue;
        frames += a->n, from += sv_report_above(r, b), now += sv_report_above(r, a);
        for (size_t t = 0; t < a->n; t++) changed += fabs(a->score[t] - b->score[t]) > 0, up += a->score[t] > b->score[t];
    }
    sv_html(&r->h, "<p>%zu of %zu frames have another score than before: %zu a higher one, %zu a lower one.", changed, frames, up, changed - up);
    if (!isnan(r->line)) sv_html(&r->h, " Above the line are %zu frames, before there were %zu.", now, from);
    sv_html(&r->h, " The dashed curves <a href=\"#scores\">over time</a> are the scores before.</p>\n");
}

static void put_texts(struct sv_report *r) {
    struct sv_html *h = &r->h;
    const struct sv_json_node *texts = sv_json_get(r->run.root, "redefined");
    if (!has_texts(r)) return;
    sv_html(h, "<section id=\"texts\"><h2>Redefinition</h2>\n");
    if (r->redefined) put_changes(r);
    if (texts && texts->n) {
        sv_html(h, "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Texts\"><table><caption>What was said, and from which similarity on it acts</caption>\n<thead><tr>"
                "<th scope=\"col\">Text</th><th scope=\"col\" class=\"text\">is now</th><th scope=\"col\">Threshold</th><th scope=\"col\">Width</th><th scope=\"col\">Objects above</th>"
                "<th scope=\"col\">of</th></tr></thead>\n<tbody>\n");
        for (const struct sv_json_node *t = texts->child; t; t = t->next) {
            const char *normal = sv_json_text(sv_json_get(t, "normal")), *abnormal = sv_json_text(sv_json_get(t, "abnormal"));
            sv_html(h, "<tr><th scope=\"row\">");
            sv_html_text(h, normal ? normal : abnormal ? abnormal : "");
            sv_html(h, "</th><td class=\"text\">%s</td>", normal ? "normal" : "abnormal");
            put_number(h, t, "threshold"), put_number(h, t, "width"), put_number(h, t, "above"), put_number(h, t, "objects");
            sv_html(h, "</tr>\n");
        }
        sv_html(h, "</tbody></table></div>");
    }
    sv_html(h, "</section>\n");
}

/* ---- the run ---- */

static void put_fact(struct sv_html *h, const char *name, const struct sv_json_node *v) {
    if (!v || v->type == SV_JSON_NULL || v->type == SV_JSON_OBJECT || v->type == SV_JSON_ARRAY) return;
    sv_html(h, "<dt>%s</dt><dd>", name);
    if (v->type == SV_JSON_TRUE || v->type == SV_JSON_FALSE) sv_html(h, v->type == SV_JSON_TRUE ? "yes" : "no");
    else sv_html_text(h, v->text);
    sv_html(h, "</dd>\n");
}

/* A word as a shell would take it. */
static void put_word(struct sv_html *h, const char *s) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,.:/@%";
    if (*s && s[strspn(s, plain)] == 0) { sv_html_text(h, s); return; }
    sv_html(h, "&#39;");
    for (const char *q; (q = strchr(s, '\'')); s = q + 1) {
        char piece[2] = "";
        for (; s < q; s++) *piece = *s, sv_html_text(h, piece);
        sv_html(h, "&#39;\\&#39;&#39;");
    }
    sv_html_text(h, s);
    sv_html(h, "&#39;");
}

static void put_run(struct sv_report *r) {
    struct sv_html *h = &r->h;
    const struct sv_json_node *root = r->run.root, *command = sv_json_get(root, "command"), *model = sv_json_get(root, "model"),
                              *scene = sv_json_get(root, "scene"), *tubes = sv_json_get(root, "tubes");
    sv_html(h, "<section id=\"run\"><h2>The run</h2>\n");
    if (!root) sv_html(h, "<p>There is no run.json beside the scores, so nothing is known of how they were made.</p>\n");
    sv_html(h, "<dl class=\"facts\">\n");
    if (command && command->n) {
        sv_html(h, "<dt>command</dt><dd><code>");
        for (const struct sv_json_node *w = command->child; w; w = w->next) {
            if (w->type == SV_JSON_TEXT) put_word(h, w->text), sv_html(h, " ");
        }
        sv_html(h, "</code></dd>\n");
    }
    put_fact(h, "svad", sv_json_get(root, "svad"));
    put_fact(h, "model", sv_json_get(model, "file")), put_fact(h, "identity of the model", sv_json_get(model, "id"));
    put_fact(h, "kernel table", sv_json_get(root, "isa")), put_fact(h, "threads", sv_json_get(root, "threads"));
    put_fact(h, "scene", sv_json_get(scene, "file")), put_fact(h, "seed", sv_json_get(scene, "seed"));
    put_fact(h, "learned from clips", sv_json_get(scene, "clips")), put_fact(h, "learned from objects", sv_json_get(scene, "objects"));
    put_fact(h, "action texts", sv_json_get(scene, "texts")), put_fact(h, "normal patterns", sv_json_get(scene, "centres"));
    put_fact(h, "learned context vectors", sv_json_get(scene, "prompts")), put_fact(h, "looks are compared by", sv_json_get(scene, "patterns"));
    put_fact(h, "size and speed count", sv_json_get(scene, "motion"));
    put_fact(h, "boxes", sv_json_get(root, "boxes")), put_fact(h, "boxes from motion", sv_json_get(root, "motion"));
    put_fact(h, "frames of a tube", sv_json_get(tubes, "frames")), put_fact(h, "step", sv_json_get(tubes, "step")), put_fact(h, "step in seconds", sv_json_get(tubes, "seconds"));
    put_fact(h, "crops", sv_json_get(tubes, "crop")), put_fact(h, "boxes of a tube", sv_json_get(tubes, "boxes")), put_fact(h, "a tube on every n-th frame", sv_json_get(tubes, "every"));
    put_fact(h, "lowest score of a box", sv_json_get(tubes, "min_score"));
    sv_html(h, "</dl></section>\n");
}

static int put_page(struct sv_report *r, struct sv_err *e) {
    struct sv_aucs raw, smooth;
    int rc = 0;
    if (r->labels && ((rc = sv_auc_all(r->j.raw, r->j.clips, &raw, e)) || (rc = sv_auc_all(r->j.smooth, r->j.clips, &smooth, e)))) return rc;
    put_head(r);
    put_tiles(r, r->labels ? &raw : NULL);
    sv_report_boxes(r);
    sv_report_curves(r);
    rc = put_clips(r, e);
    if (!rc && r->labels) rc = put_labels(r, &raw, &smooth, e);
    put_texts(r);
    if (!rc) rc = sv_report_log(r, e);
    put_run(r);
    sv_html(&r->h, "</main>\n<footer>svad %s</footer>\n</body>\n</html>\n", SV_VERSION);
    return rc ? rc : r->h.rc;
}

static int run(struct sv_report *r, struct sv_err *e) {
    int rc = read_all(r, e);
    if (!rc) rc = sv_out_open(&r->h.out, r->path, e);
    if (rc) return rc;
    r->h.e = e;
    rc = put_page(r, e);
    const size_t bytes = r->h.out.size;
    if (!rc) rc = sv_out_commit(&r->h.out, e);
    sv_out_drop(&r->h.out);
    if (!rc) sv_say(&r->common, "%s: %zu clip%s, %zu box%s, %zu kB", r->path, r->j.scores.clip.n, r->j.scores.clip.n == 1 ? "" : "s", r->picks,
                    r->picks == 1 ? "" : "es", (bytes + 500) / 1000);
    return rc;
}

int sv_tool_report(int argc, char **argv, struct sv_err *e) {
    struct sv_report r = { .threshold = NAN, .sigma = 3, .fps = NAN, .wanted = 24, .title = "Anomaly report", .h = { .out.fd = -1 } };
    struct sv_list args = {0};
    const struct sv_usage u = { "report", "DIR -o FILE.html [--labels FILE] [options]",
        "Writes what svad score left in DIR as one page for a browser: curves, the highest boxes with pictures and reasons, and with labels the ROC\n"
        "curve and AUCs.  It needs no network and no script, and reads on a phone and on paper.",
        "svad report out -o report.html --labels labels.txt --log training.json", 1, 1 };
    const struct sv_opt opt[] = {
        { "o", SV_OPT_TEXT, &r.path, "FILE.html", "the page", 0, 0 },
        { "labels", SV_OPT_TEXT, &r.labels, "FILE", "labels, as svad eval takes them", 0, 0 },
        { "smooth", SV_OPT_REAL, &r.sigma, "SIGMA", "Gaussian over the frames of a clip, for the smoothed AUC (3)", 0, SV_SMOOTH_MAX },
        { "threshold", SV_OPT_REAL, &r.threshold, "X", "draw the line here (the scene's threshold)", -1e9, 1e9 },
        { "before", SV_OPT_TEXT, &r.before_dir, "DIR0", "scores before a text changed them (those that DIR was scored again from)", 0, 0 },
        { "video", SV_OPT_LIST, &r.videos, "VIDEO", "where to take pictures from (where DIR's scores come from; repeatable)", 0, 0 },
        { "boxes", SV_OPT_SIZE, &r.wanted, "N", "show the N highest boxes (24)", 0, 100 },
        { "log", SV_OPT_TEXT, &r.log, "FILE", "draw the training curves of svad pretrain --log FILE", 0, 0 },
        { "fps", SV_OPT_REAL, &r.fps, "F", "frames a second, where the video did not tell", 1e-3, 1e6 },
        { "title", SV_OPT_TEXT, &r.title, "TEXT", "title of the page", 0, 0 },
        SV_COMMON(&r.common),
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) {
        r.dir = args.item[0];
        rc = run(&r, e);
    }
    sv_report_pick_free(&r);
    sv_free(r.clip);
    sv_judged_close(&r.j);
    sv_scores_free(&r.before), sv_objects_free(&r.objects);
    sv_json_free(&r.run);
    sv_list_free(&r.videos), sv_list_free(&args);
    return rc > 0 ? 0 : rc;
}
