#include "bench/bench.h"

#include "bench/table.h"
#include "core/mem.h"
#include <math.h>
#include <string.h>

enum { ROUNDS = 1 << 16, STREAM = 1 << 25 };        /* multiply-adds in a chain; floats of the streamed array: 128 MiB */

/* a contracts towards b / (1 - a), so the numbers stay ordinary however long it runs. */
static void burn(void *arg, size_t begin, size_t end, size_t thread) {
    const struct sv_peak *p = arg;
    float x[1024] = { 0 };
    (void)thread;
    for (; begin < end; begin++) p->cpu->kern->peak(x, 0.9990234f, 1, ROUNDS);
}

void sv_peak_run(void *peak) {
    const struct sv_peak *p = peak;
    sv_pool_for(p->threads > 1 ? p->cpu->pool : NULL, p->threads, burn, peak);
}

double sv_peak_flops(const struct sv_peak *p) {
    return 2.0 * ROUNDS * (double)(p->cpu->kern->mr * p->cpu->kern->nr) * (double)p->threads;
}

static void stream(void *arg, size_t begin, size_t end, size_t thread) {
    enum { STEP = 4096 };
    const struct sv_stream *s = arg;
    (void)thread;
    for (size_t i = begin * STEP; i < sv_min(end * STEP, s->n); i += STEP) {
        const size_t n = sv_min(STEP, s->n - i);
        if (s->to) memcpy(s->to + i, s->from + i, n * sizeof *s->to);
        else s->cpu->kern->dot(s->from + i, s->from + i, n);
    }
}

void sv_stream_run(void *arg) {
    const struct sv_stream *s = arg;
    sv_pool_for(s->cpu->pool, sv_ceil_div(s->n, 4096), stream, arg);
}

static const struct sv_column columns[] = { { "what", -8, 0 }, { "isa", -8, 0 }, { "threads", 7, 0 }, { "GFLOP/s", 9, 1 }, { "median", 9, 1 }, { "GB/s", 9, 1 } };

static int bench_memory(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e) {
    const size_t n = o->quick ? STREAM / 16 : STREAM;
    float *from = sv_alloc(n, sizeof *from, e), *to = from ? sv_alloc(n, sizeof *to, e) : NULL;
    if (!to) { sv_free(from); return SV_ENOMEM; }
    struct sv_stream read = { c, from, NULL, n }, copy = { c, from, to, n };
    struct sv_bench b[] = { { .run = sv_stream_run, .arg = &read }, { .run = sv_stream_run, .arg = &copy } };
    sv_bench_run(b, 2, 0, o->quick ? 3 : 15);
    for (size_t i = 0; i < 2; i++) {
        const double bytes = (double)n * sizeof *from * (double)(i + 1), threads = (double)sv_pool_threads(c->pool);
        sv_table_row(columns, SV_LEN(columns), (struct sv_cell[]){ { i ? "copy" : "read", 0 }, { c->kern->isa, 0 }, { NULL, threads },
                     { NULL, NAN }, { NULL, NAN }, { NULL, bytes / b[i].min * 1e-9 } }, o->json);
    }
    sv_free(from), sv_free(to);
    return 0;
}

int sv_bench_peak(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_err *e) {
    const size_t threads = sv_pool_threads(c->pool);
    sv_table_head(columns, SV_LEN(columns), o->json);
    for (const struct sv_kern *const *k = sv_kern_usable(); *k; k++) {
        const struct sv_cpu cpu = { *k, c->pool };
        struct sv_peak p[] = { { &cpu, 1 }, { &cpu, threads } };
        struct sv_bench b[] = { { .run = sv_peak_run, .arg = &p[0] }, { .run = sv_peak_run, .arg = &p[1] } };
        const size_t n = threads > 1 ? 2 : 1;
        sv_bench_run(b, n, o->quick ? 1e-4 : 5e-3, o->quick ? 3 : 31);
        for (size_t i = 0; i < n; i++)
            sv_table_row(columns, SV_LEN(columns), (struct sv_cell[]){ { "fma", 0 }, { (*k)->isa, 0 }, { NULL, (double)p[i].threads },
                         { NULL, sv_peak_flops(&p[i]) / b[i].min * 1e-9 }, { NULL, sv_peak_flops(&p[i]) / b[i].median * 1e-9 }, { NULL, NAN } }, o->json);
    }
    return bench_memory(c, o, e);
}
