#include "kmeans/knn.h"

#include "core/mem.h"
#include "kmeans/unit.h"
#include <string.h>

int sv_knn_init(struct sv_knn *g, const struct sv_cpu *c, const float *sample, size_t m, size_t dim, size_t k, struct sv_err *e) {
    memset(g, 0, sizeof *g);
    const int rc = sv_response_init(&g->near, c, sample, m, dim, e);
    if (rc) return rc;
    g->k = sv_min(sv_min(k, m), SV_KNN_MOST);
    if (!(g->sample = sv_alloc(m * dim, sizeof *g->sample, e)) || !(g->cosine = sv_alloc(SV_RESPONSE_ROWS, m * sizeof *g->cosine, e))) {
        sv_knn_free(g);
        return SV_ENOMEM;
    }
    memcpy(g->sample, sample, m * dim * sizeof *sample);
    return 0;
}

void sv_knn_free(struct sv_knn *g) {
    sv_response_free(&g->near);
    sv_free(g->sample), sv_free(g->cosine);
    memset(g, 0, sizeof *g);
}

/* at = the k largest of cosine [m], the lower index on a tie. */
static void largest(const float *cosine, size_t m, size_t k, size_t *at) {
    size_t n = 0;
    for (size_t i = 0; i < m; i++) {
        if (n == k && !(cosine[i] > cosine[at[k - 1]])) continue;
        size_t to = n < k ? n++ : k - 1;
        for (; to && cosine[i] > cosine[at[to - 1]]; to--) at[to] = at[to - 1];
        at[to] = i;
    }
}

static double chord(const float *x, double x_scale, const float *y, double y_scale, size_t n) {
    double s = 0;
    for (size_t j = 0; j < n; j++) {
        const double d = (double)x[j] * x_scale - (double)y[j] * y_scale;
        s += d * d;
    }
    return 0.5 * s;
}

struct job { const struct sv_knn *g; const float *x; double *score; };

static void score_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t n = j->g->near.dim, m = j->g->near.texts, k = j->g->k;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const double scale = sv_unit_scale(j->x + i * n, n);
        size_t at[SV_KNN_MOST];
        double sum = 0;
        largest(j->g->cosine + i * m, m, k, at);
        for (size_t r = 0; r < k; r++) {
            const float *y = j->g->sample + at[r] * n;
            sum += chord(j->x + i * n, scale, y, sv_unit_scale(y, n), n);
        }
        j->score[i] = sum / (double)k;
    }
}

void sv_knn_score(struct sv_knn *g, const struct sv_cpu *c, double *score, const float *x, size_t rows) {
    for (size_t at = 0; at < rows; at += SV_RESPONSE_ROWS) {
        const size_t some = sv_min(rows - at, SV_RESPONSE_ROWS);
        struct job j = { g, x + at * g->near.dim, score + at };
        sv_response_run(&g->near, c, g->cosine, j.x, some);
        sv_pool_for(c->pool, some, score_range, &j);
    }
}
