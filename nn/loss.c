#include "nn/loss.h"

#include "core/gemm.h"
#include "nn/norm.h"

#include <math.h>

/* The scratch of one loss. */
struct work {
    const struct sv_cpu *cpu;
    const struct sv_nce *x;
    const struct sv_nce_out *out;
    float *video, *text;                /* unit rows [B, E], [N, E] */
    float *cos, *flipped;               /* [B, N], [N, B]: cosines, then their gradient */
    float *panel, *gemm;                /* packed rows, scratch of gemm */
    double *loss;                       /* [max(B, N)] of each row */
    float share;                        /* of one row in the loss */
};

static size_t carve(struct work *w, const struct sv_cpu *c, size_t b, size_t n, size_t e, float *scratch) {
    struct sv_arena a = { .base = (char *)scratch, .cap = SIZE_MAX };
    const struct sv_kern *k = c->kern;
    const size_t most = sv_max(b, n);
    w->video = SV_TAKE(&a, float, b * e);
    w->text = SV_TAKE(&a, float, n * e);
    w->cos = SV_TAKE(&a, float, b * n);
    w->flipped = SV_TAKE(&a, float, b * n);
    w->panel = SV_TAKE(&a, float, sv_max(sv_pack_floats(k, SV_F32, n, e), sv_pack_floats(k, SV_F32, e, most)));
    w->gemm = SV_TAKE(&a, float, sv_gemm_floats(c, most, sv_max(most, e)));
    w->loss = SV_TAKE(&a, double, most);
    return a.used / sizeof(float);
}

size_t sv_nce_floats(const struct sv_cpu *c, size_t batch, size_t classes, size_t width) {
    return carve(&(struct work){0}, c, batch, classes, width, NULL);
}

static uint32_t rank_of(const float *x, size_t n, size_t target) {
    uint32_t above = 0;
    for (size_t j = 0; j < n; j++) above += !(x[j] < x[target]) && (j < target || x[j] > x[target]);
    return above;
}

/* One row of cosines to its loss and, in place, the gradient of the whole loss with respect to them:
 * (softmax(l)_j - [j = target]) s share.  The largest probability is 1 / sum of exp(l - max): that gives the logarithm of
 * the sum without a second pass, and is never 0. */
static double row_loss(const struct work *w, float *x, size_t n, size_t target) {
    const float aim = x[target], s = w->x->scale;
    size_t top = 0;
    for (size_t j = 1; j < n; j++) top = x[j] > x[top] ? j : top;
    const double gap = (double)s * ((double)x[top] - (double)aim);
    w->cpu->kern->softmax(x, n, s);
    const double loss = gap - log((double)x[top]);
    x[target] -= 1;
    for (size_t j = 0; j < n; j++) x[j] *= s * w->share;
    return loss;
}

static void video_rows(void *arg, size_t begin, size_t end, size_t thread) {
    struct work *w = arg;
    const size_t n = w->x->classes;
    (void)thread;
    for (size_t b = begin; b < end; b++) {
        const size_t target = w->x->two_sided ? b : w->x->target[b];
        float *x = w->cos + b * n;
        if (w->out->rank) w->out->rank[b] = rank_of(x, n, target);
        w->loss[b] = row_loss(w, x, n, target);
    }
}

static void text_rows(void *arg, size_t begin, size_t end, size_t thread) {
    struct work *w = arg;
    const size_t n = w->x->batch;
    (void)thread;
    for (size_t j = begin; j < end; j++) w->loss[j] = row_loss(w, w->flipped + j * n, n, j);
}

/* The mean loss over n rows, in their order. */
static double mean_loss(struct work *w, size_t n, void (*rows)(void *, size_t, size_t, size_t)) {
    double sum = 0;
    sv_pool_for(w->cpu->pool, n, rows, w);
    for (size_t i = 0; i < n; i++) sum += w->loss[i];
    return sum / (double)n;
}

/* Sum over b of <u_b, du_b>.  A cosine's gradient is s times its logit's, so this is the sum of dl_bj l_bj: dloss / dlog s. */
static double along(const float *u, const float *du, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)u[i] * (double)du[i];
    return sum;
}

double sv_nce(const struct sv_cpu *c, const struct sv_nce *x, const struct sv_nce_out *out, float *scratch) {
    static const struct sv_nce_out nothing = {0};
    const size_t b = x->batch, n = x->classes, e = x->width;
    struct work w = { .cpu = c, .x = x, .out = out ? out : &nothing, .share = (x->two_sided ? 0.5f : 1) / (float)b };
    carve(&w, c, b, n, e, scratch);
    sv_unit_rows(w.video, x->video, b, e);
    sv_unit_rows(w.text, x->text, n, e);
    struct sv_packed p = sv_pack_f32(c, w.panel, w.text, n, e);
    sv_gemm(c, w.cos, n, w.video, e, b, &p, NULL, w.gemm);
    if (x->two_sided) c->kern->pack(w.flipped, b, w.cos, n, b, n);
    double loss = mean_loss(&w, b, video_rows);
    if (x->two_sided) {
        loss = (loss + mean_loss(&w, n, text_rows)) / 2;
        for (size_t i = 0; i < b; i++)
            for (size_t j = 0; j < n; j++) w.cos[i * n + j] += w.flipped[j * b + i];
    }
    if (w.out->dvideo) {
        p = sv_pack_turned(c, w.panel, w.text, e, e, n);
        sv_gemm(c, w.out->dvideo, e, w.cos, n, b, &p, NULL, w.gemm);
        if (w.out->dscale) *w.out->dscale = along(w.video, w.out->dvideo, b * e);
        sv_unit_back(c, w.out->dvideo, w.out->dvideo, x->video, b, e);
    }
    if (w.out->dtext) {
        p = sv_pack_turned(c, w.panel, w.video, e, e, b);
        sv_gemm_turned(c, w.out->dtext, e, w.cos, n, n, &p, NULL, w.gemm);
        sv_unit_back(c, w.out->dtext, w.out->dtext, x->text, n, e);
    }
    return loss;
}
