#include "nn/activation.h"

#include <string.h>

enum { CHUNK = 4096 };                  /* elements that a thread takes at a time */

struct job { const struct sv_kern *kern; enum sv_act act; float *y; const float *x; size_t n; };

static void forward(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t at = begin * CHUNK, n = sv_min(end * CHUNK, j->n) - at;
    (void)thread;
    if (j->act == SV_ACT_NONE) memcpy(j->y + at, j->x + at, n * sizeof *j->y);
    else (j->act == SV_ACT_QUICK ? j->kern->quick : j->kern->gelu)(j->y + at, j->x + at, n);
}

static void back(void *arg, size_t begin, size_t end, size_t thread) {
    const struct job *j = arg;
    const size_t at = begin * CHUNK, n = sv_min(end * CHUNK, j->n) - at;
    (void)thread;
    (j->act == SV_ACT_QUICK ? j->kern->dquick : j->kern->dgelu)(j->y + at, j->x + at, n);
}

void sv_act(const struct sv_cpu *c, enum sv_act act, float *y, const float *x, size_t n) {
    struct job j = { c->kern, act, y, x, n };
    sv_pool_for(c->pool, sv_ceil_div(n, CHUNK), forward, &j);
}

void sv_act_back(const struct sv_cpu *c, enum sv_act act, float *dy, const float *x, size_t n) {
    struct job j = { c->kern, act, dy, x, n };
    if (act != SV_ACT_NONE) sv_pool_for(c->pool, sv_ceil_div(n, CHUNK), back, &j);
}
