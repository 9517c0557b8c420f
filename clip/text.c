/* text.c - the text tower: token rows, positions, causal blocks, projection of the end token's row. */
#include "clip/clip_int.h"

#include "nn/embedding.h"
#include <string.h>

static const char tower[] = "clip.text.";

void sv_text_load(struct sv_clip *m, struct sv_load *l) {
    const struct sv_clip_config *g = &m->cfg;
    const size_t w = g->text.width;
    const struct sv_prefix p = sv_prefix("%s", tower);
    const struct sv_view *token = NULL;
    if (!l->rc) l->rc = sv_store_expect(l->store, "clip.text.token", SV_FLOATS, 2, (size_t[]){ g->vocab, w }, &token, l->err);
    if (token) m->text.token = *token;
    m->text.position = sv_load_f32(l, &p, "position", g->context, w);
    m->text.ln_final = sv_load_norm(l, &p, "ln_final", w, g->text.eps);
    m->text.proj = sv_load_projection(l, &p, "proj", g->embed, w);
    for (size_t i = 0; i < g->text.layers; i++) {
        const struct sv_block b = sv_block_load(l, tower, i, &g->text);
        if (m->text.block) m->text.block[i] = b;
    }
}

size_t sv_text_floats(const struct sv_clip *m) {
    return sv_max(sv_stack_floats(m->cpu, &m->cfg.text, m->batch, m->cfg.context), sv_gemm_floats(m->cpu, m->batch, m->cfg.text.width));
}

/* Position of the first end token: the largest id of the row. */
static size_t end_of(const int32_t *ids, size_t context) {
    size_t end = 0;
    for (size_t i = 1; i < context; i++)
        if (ids[i] > ids[end]) end = i;
    return end;
}

static void pass(struct sv_clip *m, const int32_t *ids, size_t batch, float *out) {
    const struct sv_clip_config *g = &m->cfg;
    const struct sv_cpu *c = m->cpu;
    const size_t w = g->text.width;
    /* Causal: nothing behind the last end token of the batch can reach a row that is used. */
    size_t len = 0;
    for (size_t b = 0; b < batch; b++) len = sv_max(len, end_of(ids + b * g->context, g->context) + 1);
    for (size_t b = 0; b < batch; b++)
        for (size_t t = 0; t < len; t++) {
            const int32_t id = ids[b * g->context + t];
            float *x = m->x + (b * len + t) * w;
            sv_view_f32(&m->text.token, sv_entry(id, g->vocab) * w, w, x);
            for (size_t i = 0; i < w; i++) x[i] += m->text.position[t * w + i];
        }
    sv_stack_forward(c, &g->text, m->text.block, m->x, batch, len, m->scratch);
    for (size_t b = 0; b < batch; b++) {
        const size_t end = end_of(ids + b * g->context, g->context);
        sv_norm_rows(c, m->rows + b * w, m->x + (b * len + end) * w, w, 1, w, &m->text.ln_final);
    }
    sv_gemm(c, out, g->embed, m->rows, w, batch, &m->text.proj.w, NULL, m->scratch);
}

void sv_clip_text(struct sv_clip *m, const int32_t *ids, size_t batch, float *out) {
    for (size_t at = 0; at < batch; at += m->batch)
        pass(m, ids + at * m->cfg.context, sv_min(m->batch, batch - at), out + at * m->cfg.embed);
}
