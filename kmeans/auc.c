#include "kmeans/auc.h"

#include "core/mem.h"
#include <math.h>
#include <stdlib.h>

struct item { double score; bool abnormal; };

/* u = number of (abnormal, normal) pairs in the right order, ties half: exact, multiples of one half. */
struct pairs { double u; size_t abnormal, normal; };

static int by_score(const void *a, const void *b) {
    const double x = ((const struct item *)a)->score, y = ((const struct item *)b)->score;
    return (x > y) - (x < y);
}

static int add_clip(struct item *to, const struct sv_auc_clip *c, struct sv_err *e) {
    for (size_t i = 0; i < c->n; i++) {
        if (!isfinite(c->score[i]))
            return sv_fail(e, SV_EINPUT, "clip %s: the score of frame %zu is not a finite number", c->name, i);
        to[i] = (struct item){ c->score[i], c->label[i] != 0 };
    }
    return 0;
}

static struct pairs count(struct item *item /* sorted here */, size_t n) {
    struct pairs p = { 0, 0, 0 };
    qsort(item, n, sizeof *item, by_score);
    for (size_t i = 0; i < n;) {
        size_t abnormal = 0, normal = 0;
        for (const double s = item[i].score; i < n && item[i].score == s; i++) item[i].abnormal ? abnormal++ : normal++;
        p.u += (double)abnormal * ((double)p.normal + 0.5 * (double)normal);
        p.abnormal += abnormal, p.normal += normal;
    }
    return p;
}

static double area(struct pairs p) {
    return p.abnormal && p.normal ? p.u / ((double)p.abnormal * (double)p.normal) : (double)NAN;
}

/* The abnormal frame at +inf beats every normal one and the sentinel at -inf, which every other abnormal one beats. */
static struct pairs with_sentinels(struct pairs p) {
    return (struct pairs){ p.u + (double)p.abnormal + (double)p.normal + 1, p.abnormal + 1, p.normal + 1 };
}

int sv_auc(const struct sv_auc_clip *c, double *out, struct sv_err *e) {
    struct item *item = sv_alloc(c->n, sizeof *item, e);
    const int rc = item ? add_clip(item, c, e) : SV_ENOMEM;
    if (!rc) *out = area(count(item, c->n));
    sv_free(item);
    return rc;
}

int sv_auc_all(const struct sv_auc_clip *clip, size_t clips, struct sv_aucs *out, struct sv_err *e) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < clips; i++)
        if (!sv_add(total, clip[i].n, &total)) return sv_fail(e, SV_ENOMEM, "out of memory: too many frames");
    struct item *item = sv_alloc(total, sizeof *item, e);
    int rc = item ? 0 : SV_ENOMEM;
    *out = (struct sv_aucs){ 0 };
    for (size_t i = 0; !rc && i < clips; at += clip[i++].n) {
        if ((rc = add_clip(item + at, &clip[i], e))) break;
        const struct pairs p = count(item + at, clip[i].n);
        out->sentinel += area(with_sentinels(p));
        if (p.abnormal && p.normal) out->skip += area(p);
        else out->skipped++;
    }
    if (!rc) {
        out->micro = area(count(item, total));
        out->sentinel /= (double)clips;
        out->skip = out->skipped < clips ? out->skip / (double)(clips - out->skipped) : (double)NAN;
    }
    sv_free(item);
    return rc;
}

/* Frames taken from the highest score down, those of one score at once.  A point is kept where it is a step of 2 / (cap - 2) from the one before:
 * the curve is 2 long from corner to corner. */
static size_t walk(const struct item *item /* sorted */, size_t total, struct sv_roc_point *out, size_t cap) {
    const double step = 2 / (double)(cap - 2);
    double abnormal = 0, normal = 0, p = 0, q = 0;
    size_t n = 0;
    for (size_t i = 0; i < total; i++) item[i].abnormal ? abnormal++ : normal++;
    if (!(abnormal > 0 && normal > 0)) return 0;
    out[n++] = (struct sv_roc_point){ 0, 0 };
    for (size_t i = total; i;) {
        for (const double s = item[i - 1].score; i && item[i - 1].score == s; i--) item[i - 1].abnormal ? p++ : q++;
        const struct sv_roc_point at = { q / normal, p / abnormal };
        if (!i || at.fpr + at.tpr - out[n - 1].fpr - out[n - 1].tpr >= step) out[n++] = at;
    }
    return n;
}

int sv_roc(const struct sv_auc_clip *clip, size_t clips, struct sv_roc_point *out, size_t cap, size_t *n, struct sv_err *e) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < clips; i++)
        if (!sv_add(total, clip[i].n, &total)) return sv_fail(e, SV_ENOMEM, "out of memory: too many frames");
    struct item *item = sv_alloc(total, sizeof *item, e);
    int rc = item ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < clips; at += clip[i++].n) rc = add_clip(item + at, &clip[i], e);
    if (!rc) {
        qsort(item, total, sizeof *item, by_score);
        *n = walk(item, total, out, cap);
    }
    sv_free(item);
    return rc;
}

int sv_smooth(double *out, const double *in, size_t n, double sigma, struct sv_err *e) {
    if (!(sigma >= 0 && sigma <= SV_SMOOTH_MAX))
        return sv_fail(e, SV_EUSAGE, "sigma %g of the smoothing, expected 0 .. %d", sigma, SV_SMOOTH_MAX);
    const size_t radius = (size_t)(4 * sigma + 0.5);
    double *w = sv_alloc(radius + 1, sizeof *w, e), sum = 1;
    if (!w) return SV_ENOMEM;
    w[0] = 1;
    for (size_t k = 1; k <= radius; k++) {
        w[k] = exp(-0.5 * ((double)k / sigma) * ((double)k / sigma));
        sum += 2 * w[k];
    }
    for (size_t i = 0; i < n; i++) {
        double s = w[0] * in[i];
        /* Reflected, the clip has period 2 n: left walks down from i, right up, both folded back into 0 .. n - 1. */
        size_t left = 2 * n + i, right = i;
        for (size_t k = 1; k <= radius; k++) {
            left = left > 2 * n ? left - 1 : 4 * n - 1;
            right = right + 1 < 2 * n ? right + 1 : 0;
            const size_t l = left - 2 * n;
            s += w[k] * (in[l < n ? l : 2 * n - 1 - l] + in[right < n ? right : 2 * n - 1 - right]);
        }
        out[i] = s / sum;
    }
    sv_free(w);
    return 0;
}
