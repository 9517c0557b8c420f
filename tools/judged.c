#include "tools/judged.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sv_scores_load(struct sv_scores *s, const char *dir, char path[4096], struct sv_err *e) {
    const int n = snprintf(path, 4096, sv_is_dir(dir) ? "%s/scores.csv" : "%s", dir);
    if (n < 0 || n >= 4096) return sv_fail(e, SV_EUSAGE, "the path of the scores is too long");
    if (sv_is_dir(dir) && access(path, F_OK)) return sv_fail(e, SV_EINPUT, "%s: no scores.csv in this folder; expected one that svad score made", dir);
    return sv_scores_read(s, path, e);
}

static int read_inputs(struct sv_judged *x, const char *dir, const char *labels, struct sv_err *e) {
    int rc = sv_scores_load(&x->scores, dir, x->path, e);
    if (!rc) rc = sv_labels_read(&x->label, labels, e);
    size_t *frames = rc ? NULL : sv_alloc(x->scores.clip.n, sizeof *frames, e);
    if (rc || !frames) return rc ? rc : SV_ENOMEM;
    for (size_t i = 0; i < x->scores.clip.n; i++) frames[i] = x->scores.frames[i].n;
    rc = sv_labels_fit(&x->label, labels, &x->scores.clip, frames, e);
    sv_free(frames);
    return rc;
}

/* Both files must be about the same frames: an AUC over part of them would be a number about nothing. */
static int match(struct sv_judged *x, const char *labels, size_t *total, struct sv_err *e) {
    const struct sv_names *scored = &x->scores.clip, *labelled = &x->label.clip;
    for (size_t i = 0; i < scored->n; i++)
        if (!sv_labels_of(&x->label, scored->name[i]))
            return sv_fail(e, SV_EINPUT, "clip %s has scores in %s, but no labels in %s", scored->name[i], x->path,
                           labels);

    for (size_t i = 0; i < labelled->n; i++) {
        const struct sv_label *l = &x->label.label[i];
        const struct sv_frames *s = sv_scores_of(&x->scores, labelled->name[i]);
        if (!s)
            return sv_fail(e, SV_EINPUT, "clip %s has labels in %s, but no scores in %s", labelled->name[i], labels,
                           x->path);
        if (s->n != l->n)
            return sv_fail(e, SV_EINPUT, "clip %s has %zu labels in %s, but %zu frames in %s", labelled->name[i], l->n,
                           labels, s->n, x->path);
        *total += l->n;
    }
    x->clips = labelled->n;
    return 0;
}

static int prepare(struct sv_judged *x, const char *labels, double sigma, struct sv_err *e) {
    size_t total = 0;
    int rc = match(x, labels, &total, e);
    if (rc) return rc;
    if (!(x->raw = sv_alloc(x->clips, sizeof *x->raw, e)) || !(x->smooth = sv_alloc(x->clips, sizeof *x->smooth, e)) ||
        !(x->frames = sv_alloc(total, sizeof *x->frames, e))) return SV_ENOMEM;
    double *to = x->frames;
    for (size_t i = 0; !rc && i < x->clips; i++) {
        const struct sv_label *l = &x->label.label[i];
        const char *name = x->label.clip.name[i];
        x->raw[i] = (struct sv_auc_clip){ name, l->frame, sv_scores_of(&x->scores, name)->score, l->n };
        x->smooth[i] = (struct sv_auc_clip){ name, l->frame, to, l->n };
        rc = sv_smooth(to, x->raw[i].score, l->n, sigma, e);
        to += l->n;
    }
    return rc;
}

int sv_judged_open(struct sv_judged *x, const char *dir, const char *labels, double sigma, struct sv_err *e) {
    *x = (struct sv_judged){0};
    const int rc = read_inputs(x, dir, labels, e);
    return rc ? rc : prepare(x, labels, sigma, e);
}

void sv_judged_close(struct sv_judged *x) {
    sv_free(x->raw), sv_free(x->smooth), sv_free(x->frames);
    sv_scores_free(&x->scores);
    sv_labels_free(&x->label);
}
