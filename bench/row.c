#include "bench/row.h"

#include "io/json.h"
#include <math.h>
#include <stdio.h>

enum { FILE_LIMIT = 1 << 28 };

double sv_row_noise(const struct sv_row *r) { return (r->median - r->min) / r->min; }
double sv_row_intensity(const struct sv_row *r) { return r->flops / r->bytes; }

double sv_row_roof(const struct sv_row *r) {
    if (!(r->bandwidth > 0)) return NAN;
    if (!(r->flops > 0)) return r->bandwidth;
    return r->peak > 0 && r->bytes > 0 ? fmin(r->peak, sv_row_intensity(r) * r->bandwidth) : NAN;
}

double sv_row_of_peak(const struct sv_row *r) { return r->peak > 0 && r->flops > 0 ? r->flops / r->min / r->peak : NAN; }
double sv_row_of_roof(const struct sv_row *r) { return (r->flops > 0 ? r->flops : r->bytes) / r->min / sv_row_roof(r); }

const char *sv_time_text(char out[16], double seconds) {
    static const struct { double unit; const char *name; } unit[] = { { 1e-9, "ns" }, { 1e-6, "us" }, { 1e-3, "ms" }, { 1, "s" } };
    size_t i = 0;
    while (i + 1 < SV_LEN(unit) && seconds >= 999.5 * unit[i].unit) i++;
    const double v = seconds / unit[i].unit;
    snprintf(out, 16, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, unit[i].name);
    return out;
}

/* A number in its column, or "-" where it says nothing. */
static void print_number(int width, int digits, double v) {
    if (isfinite(v) && v > 0) printf("  %*.*f", width, digits, v);
    else printf("  %*s", width, "-");
}

static void print_row(const struct sv_row *r, bool first) {
    char min[16], median[16];
    if (first) printf("%-28s  %-10s  %-4s  %2s  %7s  %7s  %6s  %8s  %7s  %6s  %6s  %7s\n", "row", "isa", "type", "th", "best", "median", "noise%",
                      "GFLOP/s", "GB/s", "peak%", "roof%", "/s");
    printf("%-28s  %-10s  %-4s  %2zu  %7s  %7s", r->name, r->isa, r->type, r->threads, sv_time_text(min, r->min), sv_time_text(median, r->median));
    print_number(6, 1, 100 * sv_row_noise(r));
    print_number(8, 1, r->flops / r->min * 1e-9);
    print_number(7, 1, r->bytes / r->min * 1e-9);
    print_number(6, 1, 100 * sv_row_of_peak(r));
    print_number(6, 1, 100 * sv_row_of_roof(r));
    print_number(7, 2, r->items / r->min);
    putchar('\n');
    fflush(stdout);
}

/* Single precision is more than a clock gives, and short. */
static void put(struct sv_json_out *o, const char *key, double v) { sv_json_put_f32(o, key, (float)v); }

static int print_json(const struct sv_row *r, struct sv_err *e) {
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_text(&o, "row", r->name), sv_json_put_text(&o, "isa", r->isa), sv_json_put_text(&o, "type", r->type);
    sv_json_put_int(&o, "threads", (int64_t)r->threads);
    put(&o, "ns", r->min * 1e9), put(&o, "median", r->median * 1e9), put(&o, "noise", sv_row_noise(r));
    put(&o, "flop", r->flops), put(&o, "bytes", r->bytes), put(&o, "items", r->items);
    put(&o, "peak", r->peak), put(&o, "bandwidth", r->bandwidth);
    put(&o, "flop_per_s", r->flops / r->min), put(&o, "bytes_per_s", r->bytes / r->min), put(&o, "items_per_s", r->items / r->min);
    put(&o, "of_peak", sv_row_of_peak(r)), put(&o, "of_roof", sv_row_of_roof(r));
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout), fflush(stdout);
    sv_free(o.text);
    return o.rc;
}

int sv_rows_put(struct sv_rows *r, const struct sv_row *row, struct sv_err *e) {
    if (sv_grow(&r->row, &r->cap, r->n, sizeof *r->row, e)) return SV_ENOMEM;
    r->row[r->n++] = *row;
    if (!r->print) return 0;
    if (r->json) return print_json(row, e);
    print_row(row, r->n == 1);
    return 0;
}

void sv_rows_free(struct sv_rows *r) {
    sv_free(r->row);
    *r = (struct sv_rows){0};
}

static struct sv_row *find(const struct sv_rows *r, const struct sv_row *like) {
    for (size_t i = 0; i < r->n; i++) {
        struct sv_row *x = &r->row[i];
        if (!strcmp(x->name, like->name) && !strcmp(x->isa, like->isa) && !strcmp(x->type, like->type) && x->threads == like->threads) return x;
    }
    return NULL;
}

const struct sv_row *sv_rows_find(const struct sv_rows *r, const struct sv_row *like) { return find(r, like); }

static bool take_text(const struct sv_json_node *n, const char *key, char *out, size_t size) {
    const char *s = sv_json_text(sv_json_get(n, key));
    return s && (size_t)snprintf(out, size, "%s", s) < size;
}

static int read_row(struct sv_row *row, const struct sv_json_node *n, const char *where, struct sv_err *e) {
    const struct { const char *key; double *to, unit; bool needed; } number[] = {
        { "ns", &row->min, 1e-9, true }, { "median", &row->median, 1e-9, true }, { "flop", &row->flops, 1, false }, { "bytes", &row->bytes, 1, false },
        { "items", &row->items, 1, false }, { "peak", &row->peak, 1, false }, { "bandwidth", &row->bandwidth, 1, false },
    };
    int64_t threads;
    *row = (struct sv_row){0};
    if (!take_text(n, "row", row->name, sizeof row->name) || !take_text(n, "isa", row->isa, sizeof row->isa) ||
        !take_text(n, "type", row->type, sizeof row->type) || !sv_json_int(sv_json_get(n, "threads"), &threads) || threads < 1)
        return sv_fail(e, SV_EINPUT, "%s: expected a line of svad bench --json with row, isa, type and threads", where);
    row->threads = (size_t)threads;
    for (size_t i = 0; i < SV_LEN(number); i++) {
        double v = 0;
        const bool there = sv_json_real(sv_json_get(n, number[i].key), &v);
        if (there ? !(v >= 0) || (number[i].needed && v == 0) : number[i].needed)
            return sv_fail(e, SV_EINPUT, "%s: %s is no positive number", where, number[i].key);
        *number[i].to = v * number[i].unit;
    }
    return 0;
}

static int read_line(struct sv_rows *r, const char *line, size_t n, const char *where, struct sv_err *e) {
    struct sv_json j = {0};
    struct sv_row row;
    int rc = sv_json_parse(&j, line, n, where, e);
    if (!rc) rc = read_row(&row, j.root, where, e);
    sv_json_free(&j);
    if (rc) return rc;
    struct sv_row *same = find(r, &row);
    if (!same) return sv_rows_put(r, &row, e);
    if (row.min < same->min) *same = row;
    return 0;
}

int sv_rows_read(struct sv_rows *r, const char *path, struct sv_err *e) {
    struct sv_file f = {0};
    int rc = sv_file_read(&f, path, FILE_LIMIT, e);
    const char *at = (const char *)f.data, *end = rc ? at : at + f.size;
    for (size_t line = 1; !rc && at < end; line++) {
        char where[300];
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t n = (size_t)((stop ? stop : end) - at);
        snprintf(where, sizeof where, "%s line %zu", path, line);
        if (n) rc = read_line(r, at, n, where, e);
        at += n + 1;
    }
    if (!rc && !r->n) rc = sv_fail(e, SV_EINPUT, "%s: no row in it; svad bench kernels --json writes some", path);
    sv_file_close(&f);
    return rc;
}
