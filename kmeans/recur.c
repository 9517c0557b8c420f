#include "kmeans/recur.h"

#include "core/mem.h"

struct job { const float *cosine; size_t m; double reach; size_t *seen; };

static void look(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const float *c = j->cosine + i * j->m;
        float most = c[0];
        for (size_t r = 1; r < j->m; r++) most = c[r] > most ? c[r] : most;
        j->seen[i] += 1 - (double)most <= j->reach;
    }
}

/* seen[i]++ for the rows of x that have their like among the m rows of one stretch. */
static int see(size_t *seen, const struct sv_cpu *c, const float *x, size_t n, size_t dim, const float *stretch, size_t m, double reach, struct sv_err *e) {
    struct sv_response r;
    int rc = sv_response_init(&r, c, stretch, m, dim, e);
    if (rc) return rc;
    float *cosine = sv_alloc(SV_RESPONSE_ROWS, m * sizeof *cosine, e);
    for (size_t at = 0; cosine && at < n; at += SV_RESPONSE_ROWS) {
        const size_t some = sv_min(n - at, SV_RESPONSE_ROWS);
        struct job j = { cosine, m, reach, seen + at };
        sv_response_run(&r, c, cosine, x + at * dim, some);
        sv_pool_for(c->pool, some, look, &j);
    }
    rc = cosine ? 0 : SV_ENOMEM;
    sv_free(cosine);
    sv_response_free(&r);
    return rc;
}

int sv_recur(uint8_t *recurs, const struct sv_cpu *c, const float *x, size_t dim, const size_t *first, size_t stretches, double reach, struct sv_err *e) {
    const size_t n = first[stretches];
    size_t used = 0;
    for (size_t s = 0; s < stretches; s++) used += first[s] < first[s + 1];
    if (used < SV_RECUR_LEAST)
        return sv_fail(e, SV_EINPUT, "%zu of %zu stretches of footage show anything: nothing can recur; expected at least %d", used, stretches, SV_RECUR_LEAST);
    size_t *seen = sv_alloc(n, sizeof *seen, e);
    int rc = seen ? 0 : SV_ENOMEM;
    for (size_t s = 0; !rc && s < stretches; s++) {
        const size_t from = first[s], m = first[s + 1] - from;
        if (!m) continue;
        rc = see(seen, c, x, from, dim, x + from * dim, m, reach, e);
        if (!rc) rc = see(seen + from + m, c, x + (from + m) * dim, n - from - m, dim, x + from * dim, m, reach, e);
    }
    for (size_t i = 0; !rc && i < n; i++) recurs[i] = 2 * seen[i] >= used - 1;
    sv_free(seen);
    return rc;
}
