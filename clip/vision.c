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

/* What the products need; the blocks' scratch is not in use yet, or no more. */
size_t sv_vision_floats(const struct sv_clip *m) {
    const struct sv_clip_config *g = &m->cfg;
    const size_t in = 3 * g->patch * g->patch, patches = sv_grid(g) * sv_grid(g), ends = sv_gemm_from_floats(m->cpu, sv_max(patches, m->batch), sv_max(in, g->visual.width));
    return sv_max(ends, sv_stack_floats(m->cpu, &g->visual, m->batch, sv_vision_len(g)));
}

struct cut { const struct sv_clip_config *g; const float *image; float *kept; /* [patches, 3 P P] or NULL */ };

/* Row i of the patch matrix of a picture: patch (i / grid, i % grid) as [3, P, P], the order of the convolution's weights. */
static void cut_patch(const void *cut, size_t i, float *out) {
    const struct cut *j = cut;
    const size_t s = j->g->image_size, p = j->g->patch, grid = s / p;
    const float *corner = j->image + i / grid * p * s + i % grid * p;
    float *at = out;
    for (size_t c = 0; c < 3; c++)
        for (size_t y = 0; y < p; y++, at += p) memcpy(at, corner + (c * s + y) * s, p * sizeof *at);
    if (j->kept) memcpy(j->kept + i * 3 * p * p, out, 3 * p * p * sizeof *out);
}

/* Rows of one picture: the class row, then the embedded patches, added to the positions. */
static void embed(struct sv_clip *m, float *x, const float *image, float *kept) {
    const struct sv_clip_config *g = &m->cfg;
    const size_t w = g->visual.width, patches = sv_grid(g) * sv_grid(g);
    const struct cut j = { g, image, kept };
    memcpy(x, m->visual.position, (1 + patches) * w * sizeof *x);
    for (size_t i = 0; i < w; i++) x[i] += m->visual.class_row[i];
    sv_gemm_from(m->cpu, x + w, w, &(struct sv_maker){ cut_patch, &j }, patches, &m->visual.patch.w, &(struct sv_epilogue){ .put = SV_ADD }, m->scratch);
}

void sv_vision_begin(struct sv_clip *m, const float *pixels, size_t batch) {
    const struct sv_clip_config *g = &m->cfg;
    const size_t w = g->visual.width, len = sv_vision_len(g), patches = len - 1, in = 3 * g->patch * g->patch, image = 3 * g->image_size * g->image_size;
    float *pre = m->pre ? m->pre : m->x;
    for (size_t b = 0; b < batch; b++) embed(m, pre + b * len * w, pixels + b * image, m->cut ? m->cut + b * patches * in : NULL);
    sv_norm_rows(m->cpu, m->x, pre, w, batch * len, w, &m->visual.ln_pre);
    m->trip.seqs = (struct sv_seqs){ .batch = batch, .len = len };
}

void sv_vision_pass(struct sv_clip *m, const float *pixels, size_t batch, float *out) {
    const struct sv_clip_config *g = &m->cfg;
    const struct sv_cpu *c = m->cpu;
    const size_t w = g->visual.width, len = sv_vision_len(g);
    sv_vision_begin(m, pixels, batch);
    sv_stack_there(c, &g->visual, m->visual.block, m->x, &m->trip, m->scratch);
    const struct sv_normed rows = { c, m->x, len * w, w, &m->visual.ln_post };
    if (m->cut) sv_norm_rows(c, m->rows, m->x, len * w, batch, w, &m->visual.ln_post);         /* the way back needs them */
    sv_gemm_from(c, out, g->embed, &(struct sv_maker){ sv_normed_row, &rows }, batch, &m->visual.proj.w, NULL, m->scratch);
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
