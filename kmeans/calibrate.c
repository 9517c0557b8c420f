#include "kmeans/calibrate.h"

#include "kmeans/redefine.h"

#include <math.h>
#include <stdlib.h>

enum { FEW = 10 };                      /* fewer excesses have no shape, fewer alarms no rate of their own */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ---- the tail ---- */

void sv_tail_fit(struct sv_tail *t, double u, const double *x, size_t n) {
    double a0 = 0, a1 = 0;
    for (size_t j = 0; j < n; j++) {
        a0 += x[j];
        if (n > 1) a1 += x[j] * (double)(n - 1 - j) / (double)(n - 1);
    }
    if (n) a0 /= (double)n, a1 /= (double)n;
    *t = (struct sv_tail){ .u = u, .sigma = a0, .n = n };
    if (n < FEW) return;
    const double d = a0 - 2 * a1;       /* half of Gini's mean difference: 0 where all are equal */
    t->xi = d > 1e-12 * a0 ? fmin(fmax(2 - a0 / d, -0.5), 0.5) : -0.5;
    t->sigma = fabs(t->xi) < 0.5 ? 2 * a0 * a1 / d : a0 * (1 - t->xi);
}

double sv_tail_beyond(const struct sv_tail *t, double score) {
    const double x = score - t->u;
    if (x <= 0) return 1;
    if (!(t->sigma > 0)) return 0;
    if (fabs(t->xi) < 1e-6) return exp(-x / t->sigma);
    const double base = 1 + t->xi * x / t->sigma;
    return base > 0 ? pow(base, -1 / t->xi) : 0;
}

double sv_tail_inverse(const struct sv_tail *t, double g) {
    return t->u + (fabs(t->xi) < 1e-6 ? -t->sigma * log(g) : t->sigma / t->xi * (pow(g, -t->xi) - 1));
}

/* ---- p-values ---- */

/* How many of sorted [n] are at least x. */
static size_t at_least(const double *sorted, size_t n, double x) {
    size_t low = 0;
    for (size_t top = n; low < top; ) {
        const size_t mid = low + (top - low) / 2;
        if (sorted[mid] < x) low = mid + 1;
        else top = mid;
    }
    return n - low;
}

/* The excesses of sorted [n] over its 95th percentile, as a tail. */
static int fit_above(struct sv_tail *t, const double *sorted, size_t n, struct sv_err *e) {
    const double u = sv_quantile(sorted, n, 0.95);
    size_t first = n - at_least(sorted, n, u);
    while (first < n && !(sorted[first] > u)) first++;
    double *x = sv_alloc(n - first, sizeof *x, e);
    if (!x) return SV_ENOMEM;
    for (size_t i = first; i < n; i++) x[i - first] = sorted[i] - u;
    sv_tail_fit(t, u, x, n - first);
    sv_free(x);
    return 0;
}

int sv_normal_init(struct sv_normal *d, const double *sorted, size_t n, struct sv_err *e) {
    *d = (struct sv_normal){ .sorted = sorted, .n = n };
    const int rc = fit_above(&d->tail, sorted, n, e);
    if (d->tail.n < FEW) d->tail.u = INFINITY;
    d->top = (double)(1 + at_least(sorted, n, d->tail.u)) / (double)(n + 1);
    return rc;
}

double sv_p_value(const struct sv_normal *d, double score) {
    if (isnan(score)) return score;
    if (score <= d->tail.u) return (double)(1 + at_least(d->sorted, d->n, score)) / (double)(d->n + 1);
    return fmax(d->top * sv_tail_beyond(&d->tail, score), SV_P_LEAST);
}

double sv_surprise(const struct sv_normal *d, double score) {
    const struct sv_tail *t = &d->tail;
    const double mean = t->sigma / (1 - t->xi);
    return score > t->u && mean > 0 ? -log(d->top) + (score - t->u) / mean : -log(sv_p_value(d, score));
}

/* ---- alarms ---- */

/* r_t: the lowest of the last `length` samples; -inf where the block has fewer before. */
static void runs(double *out, const struct sv_footage *f, size_t length) {
    for (size_t b = 0, first = 0; b < f->blocks; first += (size_t)f->block[b++])
        for (size_t t = first; t < first + (size_t)f->block[b]; t++) {
            double low = t - first + 1 < length ? -(double)INFINITY : f->score[t];
            for (size_t k = 1; k < length && isfinite(low); k++) low = fmin(low, f->score[t - k]);
            out[t] = low;
        }
}

/* The place of sample t on a line where blocks lie further apart than any gap reaches. */
static void lay_out(size_t *at, const struct sv_footage *f, size_t reach) {
    for (size_t b = 0, t = 0, where = 0; b < f->blocks; b++, where += reach + 1)
        for (int32_t i = 0; i < f->block[b]; i++) at[t++] = where++;
}

size_t sv_alarms(const struct sv_footage *f, const struct sv_alarm_rule *r, double threshold) {
    size_t alarms = 0;
    for (size_t b = 0, first = 0; b < f->blocks; first += (size_t)f->block[b++]) {
        size_t row = 0, quiet = 0;      /* samples in a row that reach it; samples since the last alarm's end */
        bool before = false;
        for (size_t t = first; t < first + (size_t)f->block[b]; t++) {
            row = f->score[t] >= threshold ? row + 1 : 0;
            quiet++;
            if (row < r->length) continue;
            if (!before || quiet > r->length + r->gap) alarms++;
            before = true, quiet = 0;
        }
    }
    return alarms;
}

struct event { double r; size_t at; };

static int falling(const void *a, const void *b) {
    const struct event *x = a, *y = b;
    if (x->r < y->r || x->r > y->r) return x->r < y->r ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The nearest sample of `on` within reach of at, to one side; SIZE_MAX where there is none. */
static size_t neighbour(const uint8_t *on, size_t n, size_t at, size_t reach, bool right) {
    for (size_t d = 1; d <= reach; d++) {
        if (right ? at + d >= n : at < d) break;
        const size_t k = right ? at + d : at - d;
        if (on[k]) return k;
    }
    return SIZE_MAX;
}

/* The footage prepared: samples laid out on a line, where blocks lie further apart than clusters reach. */
struct counter {
    const struct sv_footage *f;
    size_t reach, line;                 /* samples of one cluster are at most reach apart */
    double *r, *x;                      /* [f->n] r_t; scratch */
    size_t *at;                         /* [f->n] place on the line */
    struct event *event; size_t events; /* samples with r > 0, falling */
    uint8_t *on;                        /* [line] */
};

/* Lowers the threshold sample by sample and counts clusters: the lowest score before there are more than `most`. */
static double count_down(struct counter *c, double most) {
    double lowest = INFINITY;
    size_t alarms = 0;
    for (size_t i = 0; i < c->events; ) {
        const double r = c->event[i].r;
        for (; i < c->events && !(c->event[i].r < r); i++) {
            const size_t at = c->event[i].at;
            const size_t left = neighbour(c->on, c->line, at, c->reach, false), right = neighbour(c->on, c->line, at, c->reach, true);
            if (left == SIZE_MAX && right == SIZE_MAX) alarms++;
            else if (left != SIZE_MAX && right != SIZE_MAX && right - left > c->reach) alarms--;
            c->on[at] = 1;
        }
        if ((double)alarms > most) break;
        lowest = r;
    }
    return lowest;
}

/* Peaks of the clusters above the 95th percentile of all r, as a tail. */
static void fit_peaks(struct counter *c, struct sv_tail *t) {
    size_t n = 0, peaks = 0, last = 0;
    for (size_t i = 0; i < c->f->n; i++)
        if (isfinite(c->r[i])) c->x[n++] = c->r[i];
    qsort(c->x, n, sizeof *c->x, by_value);
    const double u = sv_quantile(c->x, n, 0.95);
    for (size_t i = 0; i < c->f->n; i++) {
        if (!(c->r[i] > u)) continue;
        if (!peaks || c->at[i] - last > c->reach) c->x[peaks++] = c->r[i] - u;
        else c->x[peaks - 1] = fmax(c->x[peaks - 1], c->r[i] - u);
        last = c->at[i];
    }
    qsort(c->x, peaks, sizeof *c->x, by_value);
    sv_tail_fit(t, u, c->x, peaks);
}

static void find(struct counter *c, struct sv_threshold *t) {
    struct sv_tail tail;
    for (size_t i = 0; i < c->f->n; i++)
        if (c->r[i] > 0) c->event[c->events++] = (struct event){ c->r[i], c->at[i] };
    qsort(c->event, c->events, sizeof *c->event, falling);
    fit_peaks(c, &tail);
    t->beyond = t->expected < 1;
    t->counted = t->expected >= FEW || (double)tail.n < t->expected;
    const double counted = count_down(c, t->counted ? t->expected : FEW);
    t->score = counted;
    if (!t->counted) {                  /* never below what FEW alarms would give */
        const double far = sv_tail_inverse(&tail, t->expected / (double)tail.n);
        t->score = isfinite(counted) ? fmax(far, counted) : far;
    }
    /* Footage whose highest scores are all one: above them. */
    if (!isfinite(t->score)) t->score = nextafter(c->events ? c->event[0].r : 0, INFINITY), t->beyond = true;
}

int sv_alarm_threshold(struct sv_threshold *t, const struct sv_footage *f, const struct sv_alarm_rule *rule, double per_hour, struct sv_err *e) {
    struct counter c = { .f = f, .reach = sv_min(rule->length + rule->gap, f->n) };     /* no piece is longer */
    *t = (struct sv_threshold){ .hours = (double)f->n / f->per_second / 3600 };
    t->expected = per_hour * t->hours;
    c.line = f->n + f->blocks * (c.reach + 1);
    c.r = sv_alloc(f->n, sizeof *c.r, e), c.x = sv_alloc(f->n, sizeof *c.x, e), c.at = sv_alloc(f->n, sizeof *c.at, e);
    c.event = sv_alloc(f->n, sizeof *c.event, e), c.on = sv_alloc(c.line, 1, e);
    int rc = c.r && c.x && c.at && c.event && c.on ? 0 : SV_ENOMEM;
    if (!rc) {
        runs(c.r, f, rule->length);
        lay_out(c.at, f, c.reach);
        bool any = false;
        for (size_t i = 0; !any && i < f->n; i++) any = isfinite(c.r[i]);
        if (any) find(&c, t);
        else rc = sv_fail(e, SV_EINPUT, "held-out footage of %zu frames in %zu pieces: none has the %zu frames in a row that make an alarm",
                          f->n, f->blocks, rule->length);
    }
    sv_free(c.r), sv_free(c.x), sv_free(c.at), sv_free(c.event), sv_free(c.on);
    return rc;
}
