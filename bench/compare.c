#include "bench/compare.h"

#include "io/json.h"
#include <stdio.h>
#include <stdlib.h>

struct pair { const struct sv_row *before, *now; enum sv_change change; double ratio; };

static const char *const name[SV_CHANGES] = { "same", "slower", "faster", "missing", "added" };

enum sv_change sv_row_change(const struct sv_row *before, const struct sv_row *now, double share) {
    if (now->min > before->median && now->min > before->min * (1 + share)) return SV_SLOWER;
    if (before->min > now->median && before->min > now->min * (1 + share)) return SV_FASTER;
    return SV_SAME;
}

/* Slower before faster, and the larger change first; the rest in the order of the files. */
static int by_change(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    if (x->change != y->change) return (x->change > y->change) - (x->change < y->change);
    const double p = x->change == SV_FASTER ? -x->ratio : x->ratio, q = y->change == SV_FASTER ? -y->ratio : y->ratio;
    if (p != q) return p < q ? 1 : -1;
    return (x->before > y->before) - (x->before < y->before) + (x->now > y->now) - (x->now < y->now);
}

static void print_pair(const struct pair *p) {
    const struct sv_row *r = p->before ? p->before : p->now;
    char old[16], new[16];
    printf("%-8s  %-28s  %-10s  %-4s  %2zu", name[p->change], r->name, r->isa, r->type, r->threads);
    if (p->before && p->now)
        printf("  %7s -> %7s  %+6.1f %%", sv_time_text(old, p->before->min), sv_time_text(new, p->now->min), 100 * (p->ratio - 1));
    putchar('\n');
}

static int print_json(const struct pair *p, struct sv_err *e) {
    const struct sv_row *r = p->before ? p->before : p->now;
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "change", name[p->change]), sv_json_put_text(&o, "row", r->name);
    sv_json_put_text(&o, "isa", r->isa), sv_json_put_text(&o, "type", r->type), sv_json_put_int(&o, "threads", (int64_t)r->threads);
    if (p->before) sv_json_put_f32(&o, "before", (float)(p->before->min * 1e9));
    if (p->now) sv_json_put_f32(&o, "now", (float)(p->now->min * 1e9));
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int print_counts(const size_t count[SV_CHANGES], bool json, struct sv_err *e) {
    struct sv_json_out o = { .e = e };
    if (!json) {
        printf("%zu rows: %zu slower, %zu faster, %zu within the noise; %zu missing, %zu added\n", count[SV_SAME] + count[SV_SLOWER] + count[SV_FASTER],
               count[SV_SLOWER], count[SV_FASTER], count[SV_SAME], count[SV_MISSING], count[SV_ADDED]);
        return 0;
    }
    sv_json_open(&o, NULL, '{');
    for (size_t i = 0; i < SV_CHANGES; i++) sv_json_put_int(&o, name[i], (int64_t)count[i]);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

int sv_rows_compare(const struct sv_rows *before, const struct sv_rows *now, double share, bool json, size_t count[SV_CHANGES], struct sv_err *e) {
    struct pair *p = sv_alloc(before->n + now->n, sizeof *p, e);
    size_t n = 0;
    int rc = p ? 0 : SV_ENOMEM;
    memset(count, 0, SV_CHANGES * sizeof *count);
    for (size_t i = 0; p && i < before->n; i++) {
        const struct sv_row *old = &before->row[i], *new = sv_rows_find(now, old);
        p[n++] = (struct pair){ old, new, new ? sv_row_change(old, new, share) : SV_MISSING, new ? new->min / old->min : 0 };
    }
    for (size_t i = 0; p && i < now->n; i++)
        if (!sv_rows_find(before, &now->row[i])) p[n++] = (struct pair){ NULL, &now->row[i], SV_ADDED, 0 };
    for (size_t i = 0; i < n; i++) count[p[i].change]++;
    if (n) qsort(p, n, sizeof *p, by_change);
    for (size_t i = 0; !rc && i < n; i++) {
        if (p[i].change == SV_SAME) continue;
        if (json) rc = print_json(&p[i], e);
        else print_pair(&p[i]);
    }
    sv_free(p);
    return rc ? rc : print_counts(count, json, e);
}
