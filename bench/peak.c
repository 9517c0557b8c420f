#include "bench/bench.h"

#include "core/mem.h"
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHAIN = 1 << 16 };               /* multiply-adds in a chain */

/* Multiply-adds of a word. */
static size_t adds_of(const struct sv_peak *p) { return !strcmp(p->type, "i8") ? 4 : !strcmp(p->type, "bf16") ? 2 : 1; }

/* a contracts towards b / (1 - a), so the numbers stay ordinary however long it runs; sums of bytes start at 0 each time. */
static void burn(void *arg, size_t begin, size_t end, size_t thread) {
    const struct sv_peak *p = arg;
    const struct sv_kern *k = p->cpu->kern;
    (void)thread;
    for (; begin < end; begin++) {
        float x[1024] = { 0 };
        int32_t c[1024] = { 0 };
        if (adds_of(p) == 1) k->peak(x, 0.9990234f, 1, CHAIN);
        else if (adds_of(p) == 2) k->bpeak(x, 0x3a003a00, 0xba003a00, CHAIN);
        else k->ipeak(c, 0x01020304, 0x010203ff, CHAIN);
    }
}

void sv_peak_run(void *arg) {
    const struct sv_peak *p = arg;
    sv_pool_for(p->cpu->pool, sv_pool_threads(p->cpu->pool), burn, arg);
}

double sv_peak_flops(const struct sv_peak *p) {
    const size_t adds = adds_of(p), mr = adds == 1 ? p->cpu->kern->mr : p->cpu->kern->wmr;
    return 2.0 * CHAIN * (double)(adds * mr * p->cpu->kern->nr) * (double)sv_pool_threads(p->cpu->pool);
}

const char *const sv_level_name[SV_LEVELS] = { "L1", "L2", "L3", "memory" };

/* Bytes of a level on so many threads: the first two belong to a core.  Where the system does not say, what is common. */
static size_t level_bytes(size_t level, size_t threads) {
    static const size_t common[] = { 32 << 10, 512 << 10, 8 << 20 };
    long n = 0;
#ifdef _SC_LEVEL1_DCACHE_SIZE
    static const int name[] = { _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE };
    n = sysconf(name[level]);
#endif
    return (n > 0 ? (size_t)n : common[level]) * (level < 2 ? threads : 1);
}

static size_t level_of(double bytes, size_t threads) {
    size_t level = 0;
    while (level + 1 < SV_LEVELS && bytes > (double)level_bytes(level, threads)) level++;
    return level;
}

double sv_roof_of(const struct sv_roof *r, double bytes, size_t threads) { return r->bandwidth[level_of(bytes, threads)]; }

/* Each thread goes through its own part of an array, by the two kernels that do least with what they move: dot reads, axpy reads
 * twice and writes.  The faster one is the bandwidth. */
enum { STEP = 1024, LEAST = 1 << 18 };  /* floats of a call of a kernel, and of a call of a thread: long against waking it */
struct stream { const struct sv_cpu *cpu; float *x; size_t n, times; bool write; };     /* n: floats of a thread, of both operands */

static void flow(void *arg, size_t begin, size_t end, size_t thread) {
    const struct stream *s = arg;
    (void)end, (void)thread;
    float *a = s->x + begin * s->n, *b = a + s->n / 2;
    for (size_t t = 0; t < s->times; t++)
        for (size_t i = 0; i + STEP <= s->n / 2; i += STEP) {
            if (s->write) s->cpu->kern->axpy(a + i, 1e-9f, b + i, STEP);
            else a[i] = s->cpu->kern->dot(a + i, b + i, STEP);
        }
}

static void run_stream(void *arg) {
    const struct stream *s = arg;
    sv_pool_for(s->cpu->pool, sv_pool_threads(s->cpu->pool), flow, arg);
}

/* Half of a cache, so that what else lives there stays; for memory, well above the last cache; little, if it shall only run. */
static size_t stream_floats(size_t level, size_t threads, bool quick) {
    size_t all = level + 1 < SV_LEVELS ? level_bytes(level, threads) / 2 : sv_max((size_t)128 << 20, 2 * level_bytes(2, 1));
    if (quick) all = sv_min(all, 1 << 20);
    return sv_max(all / threads / sizeof(float) / (2 * STEP), 1) * 2 * STEP;
}

static const char *const types[] = { "f32", "bf16", "i8" };
enum { TYPES = SV_LEN(types) };

/* The peaks and the four bandwidths of one table on the threads of c. */
static int bench_roof(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_roof *roof, struct sv_err *e) {
    const size_t threads = sv_pool_threads(c->pool);
    struct sv_peak peak[TYPES];
    struct sv_probe p[TYPES + 2 * SV_LEVELS] ;
    struct stream s[2 * SV_LEVELS];
    struct sv_rows rows = { 0 };
    size_t most = 0;
    for (size_t i = 0; i < SV_LEVELS; i++) most = sv_max(most, stream_floats(i, threads, o->quick));
    float *x = sv_alloc(most * threads, sizeof *x, e);
    if (!x) return SV_ENOMEM;
    for (size_t i = 0; i < TYPES; i++) {
        peak[i] = (struct sv_peak){ c, types[i] };
        p[i] = (struct sv_probe){ .row = { .name = "roof registers", .flops = sv_peak_flops(&peak[i]) }, .run = sv_peak_run, .arg = &peak[i] };
        snprintf(p[i].row.type, sizeof p[i].row.type, "%s", types[i]);
    }
    for (size_t i = 0; i < 2 * SV_LEVELS; i++) {
        const size_t n = stream_floats(i / 2, threads, o->quick), times = sv_ceil_div(LEAST, n);
        const double bytes = (double)(n * times * threads * sizeof *x) * (i & 1 ? 1.5 : 1);
        s[i] = (struct stream){ c, x, n, times, i & 1 };
        p[TYPES + i] = (struct sv_probe){ .row = { .type = "f32", .bytes = bytes }, .run = run_stream, .arg = &s[i] };
        snprintf(p[TYPES + i].row.name, sizeof p[i].row.name, "roof %s", sv_level_name[i / 2]);
    }
    for (size_t i = 0; i < SV_LEN(p); i++) p[i].cpu = c;
    int rc = sv_measure(p, SV_LEN(p), o, &rows, e);
    for (size_t i = 0; !rc && i < TYPES; i++) rc = sv_rows_put(out, &rows.row[i], e);
    for (size_t i = 0; !rc && i < SV_LEVELS; i++) {
        struct sv_row *read = &rows.row[TYPES + 2 * i], *update = read + 1, *best = update->bytes / update->min > read->bytes / read->min ? update : read;
        if (roof) roof->bandwidth[i] = best->bytes / best->min;
        best->peak = 0;                 /* it is no limit of these */
        rc = sv_rows_put(out, best, e);
    }
    sv_rows_free(&rows), sv_free(x);
    return rc;
}

int sv_bench_roofs(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_roof roof[SV_TABLES][2], struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && o->table[i]; i++)
        for (size_t t = 0; !rc && t < (sv_pool_threads(c->pool) > 1 ? 2 : 1); t++)
            rc = bench_roof(&(struct sv_cpu){ .kern = o->table[i], .pool = t ? c->pool : NULL, .block = c->block }, o, out, roof ? &roof[i][t] : NULL, e);
    return rc;
}

int sv_bench_peak(const struct sv_cpu *c, const struct sv_bench_options *o, struct sv_rows *out, struct sv_err *e) {
    return sv_bench_roofs(c, o, out, NULL, e);
}
