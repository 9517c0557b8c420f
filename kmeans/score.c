#include "kmeans/score.h"

#include "kmeans/unit.h"

struct job { double *score; size_t *nearest; const float *x; size_t n; const double *centre; size_t m; };

void sv_unit_rows_f64(double *y, const float *x, size_t rows, size_t n) {
    for (size_t i = 0; i < rows; i++) {
        const double scale = sv_unit_scale(x + i * n, n);
        for (size_t j = 0; j < n; j++) y[i * n + j] = (double)x[i * n + j] * scale;
    }
}

static void score_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *k = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const float *x = k->x + i * k->n;
        const double scale = sv_unit_scale(x, k->n);
        double best = isnan(scale) ? (double)NAN : INFINITY;
        size_t at = 0;
        for (size_t m = 0; m < k->m; m++) {
            double s = 0;
            for (size_t j = 0; j < k->n; j++) {
                const double d = (double)x[j] * scale - k->centre[m * k->n + j];
                s += d * d;
            }
            if (s < best) best = s, at = m;
        }
        k->score[i] = 0.5 * best;
        if (k->nearest) k->nearest[i] = at;
    }
}

void sv_score(struct sv_pool *p, double *score, size_t *nearest, const float *response, size_t rows, size_t n,
              const double *centre, size_t m) {
    struct job k = { score, nearest, response, n, centre, m };
    sv_pool_for(p, rows, score_range, &k);
}

size_t sv_action(const float *response, size_t n) {
    size_t best = 0;
    for (size_t j = 1; j < n; j++) if (response[j] > response[best]) best = j;
    return best;
}

void sv_explain(size_t *action, size_t k, const float *response, const double *centre, size_t n, int sign) {
    const double scale = sv_unit_scale(response, n);
    size_t have = 0;
    double last = INFINITY;
    /* Selection in order of (difference, index): no memory needed, and ties come out in index order. */
    while (have < k) {
        size_t best = n;
        double most = -INFINITY;
        for (size_t j = 0; j < n; j++) {
            const double d = sign * ((double)response[j] * scale - centre[j]);
            const bool left = have == 0 || d < last || (d == last && j > action[have - 1]);
            if (left && (best == n || d > most)) best = j, most = d;
        }
        if (best == n) best = 0;        /* only where differences are NaN */
        action[have++] = best, last = most;
    }
}

void sv_frame_scores(double *out, size_t frames, const double *score, const size_t *frame, size_t objects) {
    for (size_t t = 0; t < frames; t++) out[t] = 0;
    for (size_t i = 0; i < objects; i++) {
        double *o = &out[frame[i]];
        if (!isnan(*o) && !(score[i] <= *o)) *o = score[i];
    }
}
