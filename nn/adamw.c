#include "nn/adamw.h"

#include <math.h>

struct step {
    float *w, *m, *v;
    const float *g;
    float keep, beta1, beta2, rest1, rest2, rate, root, eps;
};

static void step_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct step *s = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const float g = s->g[i];
        s->m[i] = s->beta1 * s->m[i] + s->rest1 * g;
        s->v[i] = s->beta2 * s->v[i] + s->rest2 * g * g;
        s->w[i] = s->keep * s->w[i] - s->rate * s->m[i] / (sqrtf(s->v[i]) / s->root + s->eps);
    }
}

void sv_adamw_step(struct sv_pool *pool, const struct sv_adamw *o, double lr, uint64_t t, float *w, float *m, float *v, const float *g, size_t n) {
    struct step s = {
        .w = w, .m = m, .v = v, .g = g, .keep = (float)(1 - lr * o->decay), .beta1 = (float)o->beta1, .beta2 = (float)o->beta2,
        .rest1 = (float)(1 - o->beta1), .rest2 = (float)(1 - o->beta2), .rate = (float)(lr / (1 - pow(o->beta1, (double)t))),
        .root = (float)sqrt(1 - pow(o->beta2, (double)t)), .eps = (float)o->eps,
    };
    sv_pool_for(pool, n, step_range, &s);
}

double sv_schedule_lr(const struct sv_schedule *s, uint64_t step) {
    if (step < s->warm) return s->lr * (double)(step + 1) / (double)s->warm;
    if (!s->cosine) return s->lr;
    if (step >= s->total) return 0;
    return s->lr * (1 + cos(3.14159265358979323846 * (double)(step - s->warm) / (double)(s->total - s->warm))) / 2;
}

/* The vector is cut into PARTS whatever the threads are, and the parts are added in order. */
enum { PARTS = 256 };
struct norm { float *g; size_t n; float scale; double part[PARTS]; };

static size_t part_begin(const struct norm *s, size_t part) { return s->n / PARTS * part + sv_min(part, s->n % PARTS); }

static void square_parts(void *arg, size_t begin, size_t end, size_t thread) {
    struct norm *s = arg;
    (void)thread;
    for (size_t p = begin; p < end; p++) {
        s->part[p] = 0;
        for (size_t i = part_begin(s, p); i < part_begin(s, p + 1); i++) s->part[p] += (double)s->g[i] * s->g[i];
    }
}

static void scale_range(void *arg, size_t begin, size_t end, size_t thread) {
    const struct norm *s = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) s->g[i] *= s->scale;
}

double sv_clip_norm(struct sv_pool *pool, float *g, size_t n, double limit) {
    struct norm s = { .g = g, .n = n };
    double sum = 0;
    sv_pool_for(pool, PARTS, square_parts, &s);
    for (size_t p = 0; p < PARTS; p++) sum += s.part[p];
    const double norm = sqrt(sum), scale = limit / (norm + 1e-6);
    if (limit > 0 && scale < 1 && isfinite(norm)) {
        s.scale = (float)scale;
        sv_pool_for(pool, n, scale_range, &s);
    }
    return norm;
}
