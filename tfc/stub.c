#include "tfc/stub.h"
#include "core/mem.h"
struct sv_tfc_train { const struct sv_tfc_config *g; const struct sv_flat *f; const float *feats; size_t batch; };
struct sv_tfc_train *sv_tfc_train_open(const struct sv_tfc_config *g, const struct sv_flat *f, const struct sv_cpu *c, size_t max, struct sv_err *e) {
    struct sv_tfc_train *t = sv_alloc(1, sizeof *t, e); (void)c, (void)max;
    if (t) t->g = g, t->f = f;
    return t;
}
void sv_tfc_train_free(struct sv_tfc_train *t) { sv_free(t); }
void sv_tfc_train_reload(struct sv_tfc_train *t) { (void)t; }
void sv_tfc_train_forward(struct sv_tfc_train *t, const float *feats, size_t batch, float *video) {
    const size_t n = t->g->frames, w = t->g->stack.width;
    t->feats = feats, t->batch = batch;
    for (size_t b = 0; b < batch; b++) for (size_t i = 0; i < w; i++) {
        float s = 0;
        for (size_t k = 0; k < n; k++) s += feats[(b * n + k) * w + i] * (t->f->n ? t->f->params[k * w + i] * 100 : 1);
        video[b * w + i] = s;
    }
}
void sv_tfc_train_back(struct sv_tfc_train *t, const float *dvideo) {
    const size_t n = t->g->frames, w = t->g->stack.width;
    if (t->f->n) for (size_t b = 0; b < t->batch; b++) for (size_t k = 0; k < n; k++) for (size_t i = 0; i < w; i++)
        t->f->grads[k * w + i] += 100 * t->feats[(b * n + k) * w + i] * dvideo[b * w + i];
}
