/* report_log.c - training curves from a log of JSON lines, whatever it holds: every member that is a number, over step (or epoch, or the line). */
#include "tools/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LOG_MAX = 1 << 28, NAMES = 64, NAME = 96, LEAST = 2 };

/* A number of the log: "loss" of "held_out" is drawn beside "loss" of "learned"; other members stand together as they do in the log. */
struct kind { char chart[NAME], name[NAME]; double *x, *y; size_t n, x_cap, y_cap; };

struct reader {
    struct kind kind[NAMES]; size_t n;
    bool epochs;                        /* no line has a step */
    double x;
    struct sv_err *e;
};

static bool is_about(const char *key) {
    static const char *const no[] = { "step", "epoch", "samples", "best_epoch", "crops", "pairs", "samples_per_s", "crops_per_s", "seconds", "scale", "seed" };
    for (size_t i = 0; i < SV_LEN(no); i++) if (!strcmp(key, no[i])) return false;
    return true;
}

static int add(struct reader *r, const char *parent, const char *key, double y) {
    char chart[NAME], name[NAME];
    const bool shared = !strcmp(key, "loss") || !strcmp(key, "top1") || !strcmp(key, "top5");
    snprintf(chart, sizeof chart, "%.90s", shared ? key : *parent ? parent : "training");
    snprintf(name, sizeof name, "%.90s", shared && *parent ? parent : key);
    size_t i = 0;
    while (i < r->n && (strcmp(r->kind[i].chart, chart) || strcmp(r->kind[i].name, name))) i++;
    if (i == NAMES) return 0;
    struct kind *k = &r->kind[i];
    if (i == r->n) {
        memcpy(k->chart, chart, NAME), memcpy(k->name, name, NAME);
        r->n++;
    }
    while (k->n && k->x[k->n - 1] >= r->x) k->n--;         /* steps that came again after a stop: later lines count */
    if (sv_grow(&k->x, &k->x_cap, k->n, sizeof *k->x, r->e) || sv_grow(&k->y, &k->y_cap, k->n, sizeof *k->y, r->e)) return SV_ENOMEM;
    k->x[k->n] = r->x, k->y[k->n++] = y;
    return 0;
}

static int add_line(struct reader *r, const struct sv_json_node *line, size_t number) {
    const struct sv_json_node *step = sv_json_get(line, "step"), *epoch = sv_json_get(line, "epoch");
    double v;
    int rc = 0;
    if (!sv_json_real(step, &r->x) && !sv_json_real(epoch, &r->x)) r->x = (double)number;
    r->epochs = r->epochs && !step;
    for (const struct sv_json_node *a = line->child; a && !rc; a = a->next) {
        if (sv_json_real(a, &v) && is_about(a->key)) rc = add(r, "", a->key, v);
        if (a->type != SV_JSON_OBJECT) continue;
        for (const struct sv_json_node *b = a->child; b && !rc; b = b->next)
            if (sv_json_real(b, &v) && is_about(b->key)) rc = add(r, a->key, b->key, v);
    }
    return rc;
}

static int read_log(struct reader *r, const struct sv_file *f, struct sv_err *e) {
    const char *p = (const char *)f->data, *end = p + f->size;
    int rc = 0;
    for (size_t number = 1; !rc && p < end; number++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end;
        char where[320];
        struct sv_json j = {0};
        snprintf(where, sizeof where, "%.256s: line %zu", f->name, number);
        if (stop > p && (stop - p > 1 || *p != '\r')) {
            rc = sv_json_parse(&j, p, (size_t)(stop - p), where, e);
            if (!rc && j.root->type != SV_JSON_OBJECT) rc = sv_fail(e, SV_EINPUT, "%s: expected a JSON object", where);
            if (!rc) rc = add_line(r, j.root, number);
            sv_json_free(&j);
        }
        p = stop + 1;
    }
    return rc;
}

static void put_charts(struct sv_report *r, const struct reader *x) {
    struct sv_series s[NAMES];
    bool done[NAMES] = {0};
    sv_html(&r->h, "<section id=\"training\"><h2>Training</h2>\n<div class=\"two\">\n");
    for (size_t i = 0; i < x->n; i++) {
        size_t n = 0;
        for (size_t k = i; k < x->n && !done[i]; k++) {
            if (strcmp(x->kind[k].chart, x->kind[i].chart) || x->kind[k].n < LEAST) continue;
            s[n++] = (struct sv_series){ x->kind[k].name, x->kind[k].x, x->kind[k].y, x->kind[k].n };
            if (k > i) done[k] = true;
        }
        if (n) sv_report_lines(&r->h, x->kind[i].chart, x->epochs ? "epoch" : "step", s, n);
    }
    sv_html(&r->h, "</div></section>\n");
}

int sv_report_log(struct sv_report *r, struct sv_err *e) {
    if (!r->log) return 0;
    struct sv_file f;
    struct reader *x = sv_alloc(1, sizeof *x, e);
    int rc = x ? sv_file_read(&f, r->log, LOG_MAX, e) : SV_ENOMEM;
    if (!rc) {
        x->epochs = true, x->e = e;
        rc = read_log(x, &f, e);
        size_t curves = 0;
        for (size_t i = 0; i < x->n; i++) curves += x->kind[i].n >= LEAST;
        if (!rc && !curves) rc = sv_fail(e, SV_EINPUT, "%s: no number in two lines or more: nothing to draw", r->log);
        if (!rc) put_charts(r, x);
        sv_file_close(&f);
    }
    for (size_t i = 0; x && i < x->n; i++) sv_free(x->kind[i].x), sv_free(x->kind[i].y);
    sv_free(x);
    return rc;
}
