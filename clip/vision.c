/* vision.c - the image tower: patches, class token, positions, blocks, projection of the class row. */
#include "clip/clip_int.h"

#include <string.h>

static const char tower[] = "clip.visual.";

void sv_vision_load(struct sv_clip *m, struct sv_load *l) {
    const struct sv_clip_config *g = &m->cfg;
    const size_t w = g->visual.width;
    const struct sv_prefix p = sv_prefix("%s", tower);
    m->visual.patch = sv_load_linear(l, &p, "patch", w, 3 * g->patch * g->patch, false);
    m->visual.class_row = sv_load_f32(l, &p, "class", 0, w);
    m->visual.position = sv_load_f32(l, &p, "position", sv_vision_len(g), w);
    m->visual.ln_pre = sv_load_norm(l, &p, "ln_pre", w, g->visual.eps);
    m->visual.ln_post = sv_load_norm(l, &p, "ln_post", w, g->visual.eps);
    m->visual.proj = sv_load_projection(l, &p, "proj", g->embed, w);
    m->visual.dclass = sv_load_grad(l, &p, "class"), m->visual.dposition = sv_load_grad(l, &p, "position");
    m->visual.block = SV_TAKE(l->arena, struct sv_block, g->visual.layers);
    for (size_t i = 0; i < g->visual.layers; i++) {
        const struct sv_block b = sv_block_load(l, tower, i, &g->visual);
        if (m->visual.block) m->visual.block[i] = b;
    }
}

/* Patch rows, their embeddings and what gemm needs share the scratch of the stack, which is not in use yet. */
struct layout { size_t embedded, tail, total; };

static struct layout lay_out(const struct sv_clip *m) {
    const struct sv_clip_config *g = &m->cfg;
    const size_t rows = m->batch * sv_grid(g) * sv_grid(g), in = 3 * g->patch * g->patch, line = 16;
    struct layout o;
    o.embedded = sv_ceil_div(rows * in, line) * line;
    o.tail = o.embedded + sv_ceil_div(rows * g->visual.width, line) * line;
    o.total = o.tail + sv_max(sv_gemm_floats(m->cpu, rows, in), sv_gemm_floats(m->cpu, m->batch, g->visual.width));
    return o;
}

size_t sv_vision_floats(const struct sv_clip *m) {
    return sv_max(lay_out(m).total, sv_stack_floats(m->cpu, &m->cfg.visual, m->batch, sv_vision_len(&m->cfg)));
}

struct cut { const struct sv_clip_config *g; const float *pixels; float *patches; };

/* Rows of the patch matrix: patch (gy, gx) of a picture as [3, P, P], the order of the convolution's weights. */
static void cut_patches(void *arg, size_t begin, size_t end, size_t thread) {
    const struct cut *j = arg;
    const size_t s = j->g->image_size, p = j->g->patch, grid = s / p;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        const float *image = j->pixels + i / (grid * grid) * 3 * s * s;
        const float *corner = image + i / grid % grid * p * s + i % grid * p;
        float *out = j->patches + i * 3 * p * p;
        for (size_t c = 0; c < 3; c++)
            for (size_t y = 0; y < p; y++, out += p) memcpy(out, corner + (c * s + y) * s, p * sizeof *out);
    }
}

void sv_vision_pass(struct sv_clip *m, const float *pixels, size_t batch, float *out) {
    const struct sv_clip_config *g = &m->cfg;
    const struct sv_cpu *c = m->cpu;
    const size_t w = g->visual.width, len = sv_vision_len(g), patches = len - 1, in = 3 * g->patch * g->patch;
    const struct layout o = lay_out(m);
    float *cut = m->cut ? m->cut : m->scratch, *pre = m->pre ? m->pre : m->x, *embedded = m->scratch + o.embedded;
    struct cut j = { g, pixels, cut };
    sv_pool_for(c->pool, batch * patches, cut_patches, &j);
    sv_gemm(c, embedded, w, cut, in, batch * patches, &m->visual.patch.w, NULL, m->scratch + o.tail);
    for (size_t b = 0; b < batch; b++) {
        float *x = pre + b * len * w;
        const float *pos = m->visual.position;
        for (size_t i = 0; i < w; i++) x[i] = m->visual.class_row[i] + pos[i];
        const float *e = embedded + b * patches * w;
        for (size_t i = 0; i < patches * w; i++) x[w + i] = e[i] + pos[w + i];
    }
    sv_norm_rows(c, m->x, pre, w, batch * len, w, &m->visual.ln_pre);
    m->trip.seqs = (struct sv_seqs){ .batch = batch, .len = len };
    sv_stack_there(c, &g->visual, m->visual.block, m->x, &m->trip, m->scratch);
    sv_norm_rows(c, m->rows, m->x, len * w, batch, w, &m->visual.ln_post);
    sv_gemm(c, out, g->embed, m->rows, w, batch, &m->visual.proj.w, NULL, m->scratch);
}

/* The pass from its end to its beginning; x serves for the gradient before ln_pre once ln_post has seen it. */
void sv_vision_back(struct sv_clip *m, const float *dout) {
    const struct sv_clip_config *g = &m->cfg;
    const struct sv_cpu *c = m->cpu;
    const size_t batch = m->trip.seqs.batch, w = g->visual.width, len = sv_vision_len(g), patches = len - 1, image = len * w;
    sv_linear_back(c, &m->visual.proj, m->drows, dout, m->rows, batch, m->scratch);
    memset(m->dx, 0, batch * image * sizeof *m->dx);
    sv_norm_back(c, m->dx, m->drows, m->x, image, batch, w, &m->visual.ln_post, m->scratch);
    sv_stack_back(c, &g->visual, m->visual.block, m->dx, &m->trip, m->scratch);
    float *dpre = memset(m->x, 0, batch * image * sizeof *m->x);
    sv_norm_back(c, dpre, m->dx, m->pre, w, batch * len, w, &m->visual.ln_pre, m->scratch);
    sv_column_sums(c, m->visual.dclass, dpre, image, batch, w);
    sv_column_sums(c, m->visual.dposition, dpre, image, batch, image);
    for (size_t b = 0; b < batch; b++) memcpy(m->dx + b * patches * w, dpre + b * image + w, patches * w * sizeof *m->dx);
    sv_linear_back(c, &m->visual.patch, NULL, m->dx, m->cut, batch * patches, m->scratch);
}

void sv_clip_image(struct sv_clip *m, const float *pixels, size_t batch, float *out) {
    const size_t image = 3 * m->cfg.image_size * m->cfg.image_size;
    for (size_t at = 0; at < batch; at += m->batch)
        sv_vision_pass(m, pixels + at * image, sv_min(m->batch, batch - at), out + at * m->cfg.embed);
}
