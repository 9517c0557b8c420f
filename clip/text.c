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
    m->text.dtoken = sv_load_grad(l, &p, "token"), m->text.dposition = sv_load_grad(l, &p, "position");
    m->text.block = SV_TAKE(l->arena, struct sv_block, g->text.layers);
    for (size_t i = 0; i < g->text.layers; i++) {
        const struct sv_block b = sv_block_load(l, tower, i, &g->text);
        if (m->text.block) m->text.block[i] = b;
    }
}

size_t sv_text_floats(const struct sv_clip *m) {
    return sv_max(sv_stack_floats(m->cpu, &m->cfg.text, m->batch, m->cfg.context), sv_gemm_floats(m->cpu, m->batch, m->cfg.text.width));
}

void sv_text_rows(struct sv_clip *m, struct sv_arena *a) {
    m->text.start = SV_TAKE(a, size_t, m->batch + 1);
    m->text.id = SV_TAKE(a, int32_t, m->batch * m->cfg.context);
    m->text.place = SV_TAKE(a, int32_t, m->batch * m->cfg.context);
}

/* Position of the first end token: the largest id of the row. */
static size_t end_of(const int32_t *ids, size_t context) {
    size_t end = 0;
    for (size_t i = 1; i < context; i++)
        if (ids[i] > ids[end]) end = i;
    return end;
}

/* Causal: nothing behind a text's end token can reach a row that is used, so its rows end there. */
void sv_text_pass(struct sv_clip *m, const int32_t *ids, size_t batch, float *out) {
    const struct sv_clip_config *g = &m->cfg;
    const struct sv_cpu *c = m->cpu;
    const size_t w = g->text.width;
    size_t rows = 0, longest = 0;
    for (size_t b = 0; b < batch; b++, ids += g->context) {
        const size_t len = end_of(ids, g->context) + 1;
        m->text.start[b] = rows;
        longest = sv_max(longest, len);
        for (size_t t = 0; t < len; t++, rows++) {
            float *x = m->x + rows * w;
            m->text.id[rows] = ids[t], m->text.place[rows] = (int32_t)t;
            sv_view_f32(&m->text.token, sv_entry(ids[t], g->vocab) * w, w, x);
            for (size_t i = 0; i < w; i++) x[i] += m->text.position[t * w + i];
        }
    }
    m->text.start[batch] = rows;
    m->trip.seqs = (struct sv_seqs){ .batch = batch, .len = longest, .start = m->text.start, .causal = true };
    sv_stack_there(c, &g->text, m->text.block, m->x, &m->trip, m->scratch);
    for (size_t b = 0; b < batch; b++)
        sv_norm_rows(c, m->rows + b * w, m->x + (m->text.start[b + 1] - 1) * w, w, 1, w, &m->text.ln_final);
    sv_gemm(c, out, g->embed, m->rows, w, batch, &m->text.proj.w, NULL, m->scratch);
}

void sv_text_back(struct sv_clip *m, const float *dout) {
    const struct sv_clip_config *g = &m->cfg;
    const struct sv_cpu *c = m->cpu;
    const size_t batch = m->trip.seqs.batch, w = g->text.width, rows = m->text.start[batch];
    sv_linear_back(c, &m->text.proj, m->drows, dout, m->rows, batch, m->scratch);
    memset(m->dx, 0, rows * w * sizeof *m->dx);
    for (size_t b = 0; b < batch; b++) {
        const size_t end = (m->text.start[b + 1] - 1) * w;
        sv_norm_back(c, m->dx + end, m->drows + b * w, m->x + end, w, 1, w, &m->text.ln_final, m->scratch);
    }
    sv_stack_back(c, &g->text, m->text.block, m->dx, &m->trip, m->scratch);
    sv_embed_back(c, m->text.dtoken, g->vocab, m->text.id, m->dx, rows, w);
    sv_embed_back(c, m->text.dposition, g->context, m->text.place, m->dx, rows, w);
}

void sv_clip_text(struct sv_clip *m, const int32_t *ids, size_t batch, float *out) {
    for (size_t at = 0; at < batch; at += m->batch)
        sv_text_pass(m, ids + at * m->cfg.context, sv_min(m->batch, batch - at), out + at * m->cfg.embed);
}
