#include "bench/bench.h"

#include "core/mem.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double time_calls(const struct sv_bench *b) {
    const double start = now();
    for (size_t i = 0; i < b->calls; i++) b->run(b->arg);
    return now() - start;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sv_bench_run(struct sv_bench *b, size_t n, const struct sv_pace *p) {
    for (size_t i = 0; i < n; i++) {
        b[i].calls = 1, b[i].samples = 0;
        for (double t; (t = time_calls(&b[i])) < p->sample;)
            b[i].calls = t > p->sample / 64 ? (size_t)((double)b[i].calls * p->sample / t * 1.1) + 1 : b[i].calls * 8;
    }
    for (size_t r = 0; r < sv_min(p->rounds, SV_BENCH_ROUNDS); r++)
        for (size_t i = 0; i < n; i++) {
            double spent = 0;
            for (size_t k = 0; k < b[i].samples; k++) spent += b[i].sample[k] * (double)b[i].calls;
            if (r < SV_BENCH_FEWEST || spent < p->budget) b[i].sample[b[i].samples++] = time_calls(&b[i]) / (double)b[i].calls;
        }
    for (size_t i = 0; i < n; i++) {
        qsort(b[i].sample, b[i].samples, sizeof *b[i].sample, ascending);
        b[i].min = b[i].sample[0], b[i].median = b[i].sample[b[i].samples / 2];
    }
}

int sv_measure(const struct sv_probe *p, size_t n, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    static const struct sv_pace usual = { 1e-3, 0.25, SV_BENCH_ROUNDS }, quick = { 0, 0, 1 };
    struct sv_bench *b = sv_alloc(2 * n, sizeof *b, e);
    struct sv_peak *peak = b ? sv_alloc(n, sizeof *peak, e) : NULL;
    int rc = peak ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < n; i++) {
        peak[i] = (struct sv_peak){ p[i].cpu, p[i].row.type };
        b[2 * i] = (struct sv_bench){ .run = p[i].run, .arg = p[i].arg };
        b[2 * i + 1] = (struct sv_bench){ .run = sv_peak_run, .arg = &peak[i] };
    }
    if (!rc) sv_bench_run(b, 2 * n, o->quick ? &quick : &usual);
    for (size_t i = 0; !rc && i < n; i++) {
        struct sv_row row = p[i].row;
        snprintf(row.isa, sizeof row.isa, "%s", p[i].cpu->kern->isa);
        row.threads = sv_pool_threads(p[i].cpu->pool);
        row.min = b[2 * i].min, row.median = b[2 * i].median;
        row.peak = sv_peak_flops(&peak[i]) / b[2 * i + 1].min;
        rc = sv_rows_put(out, &row, e);
    }
    sv_free(b), sv_free(peak);
    return rc;
}
