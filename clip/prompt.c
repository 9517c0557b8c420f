#include "clip/prompt.h"

#include "clip/clip_int.h"
#include "nn/adamw.h"
#include "nn/embedding.h"
#include "nn/loss.h"
#include <string.h>

enum { CHUNK_ROWS = 1024 };             /* rows that travel together: enough for gemm, few enough for the caches */

/* Rows first .. of classes first .. last - 1; start counts from the chunk's first row. */
struct chunk { size_t first, last, rows; const size_t *start; };

struct sv_prompts {
    struct sv_clip tower;               /* its text part, loaded for both ways */
    struct sv_prompt_config cfg;
    size_t classes, before;             /* N; context vectors in front of the name */
    size_t prefix, shared;              /* P: rows that all classes begin with; how many of them are context vectors */
    size_t rows, longest;               /* own rows of all classes, of the longest */
    size_t *names, *start;              /* [N] tokens of a name; [N + chunks]: each chunk's starts, from 0 */
    struct chunk *chunk; size_t chunks, kept;       /* of the first `kept` chunks activations stay */
    float *fixed, *fixed_prefix;        /* [rows, W], [P, W]: token + position; context rows hold the position alone */
    float *context, *grad, *m, *v; size_t floats;   /* [floats]: vectors, gradient, moments of AdamW */
    uint64_t steps;
    float *slot; size_t slot_floats;    /* [kept, slot_floats] what trips through the stack keep */
    float *kept_prefix, *dprefix;       /* the prefix's trip; [layers, P, 3W] */
    float *x;                           /* [most rows of a chunk or P, W] the stream, then its gradient */
    float *last, *normed, *dlast;       /* [N, W] the EOT rows, normed, and their gradient */
    float *text, *dtext;                /* [N, E] */
    float *stats, *scratch;
};

/* Names as the caller gives them. */
struct names { const int32_t *ids; const size_t *start; };

static size_t name_tokens(const struct names *in, size_t j) { return in->start[j + 1] - in->start[j]; }

/* Rows of a prompt that are its own: its name, the context vectors that are not in the prefix, EOT. */
static size_t own_rows(const struct sv_prompts *p, size_t tokens) { return tokens + p->cfg.k - p->shared + 1; }

static struct sv_trip prefix_trip(const struct sv_prompts *p) {
    return (struct sv_trip){ .seqs = { .batch = 1, .len = p->prefix, .causal = p->tower.cfg.text.causal }, .frozen = true,
                             .kept = p->kept_prefix, .later = p->dprefix };
}

static struct sv_trip trip_of(const struct sv_prompts *p, const struct chunk *c, float *kept) {
    return (struct sv_trip){ .seqs = { c->last - c->first, p->longest, c->start, p->prefix, p->tower.cfg.text.causal }, .frozen = true,
                             .kept = kept, .prefix = p->kept_prefix, .dprefix = p->dprefix };
}

/* Floats of activations where a chunk has at most `cap` rows and those of `kept` chunks stay. */
static size_t activations(const struct sv_prompts *p, size_t cap, size_t kept, size_t *slot, size_t *scratch) {
    const struct sv_stack *s = &p->tower.cfg.text;
    const struct chunk most = { 0, 1, cap, (size_t[]){ 0, cap } };
    const struct sv_trip own = trip_of(p, &most, NULL), pre = prefix_trip(p);
    *slot = sv_ceil_div(sv_trip_kept(s, &own), 16) * 16;
    *scratch = sv_max(sv_trip_floats(p->tower.cpu, s, &own), sv_trip_floats(p->tower.cpu, s, &pre));
    return kept * *slot + *scratch + sv_max(cap, p->prefix) * s->width + sv_trip_kept(s, &pre) + s->layers * p->prefix * 3 * s->width;
}

/* Cuts the classes into chunks of at most cap rows, into p->chunk if that is placed; returns their number. */
static size_t cut(const struct sv_prompts *p, const struct names *in, size_t cap) {
    size_t n = 0, rows = 0, *at = p->start;
    for (size_t j = 0; j < p->classes; j++) {
        const size_t own = own_rows(p, name_tokens(in, j));
        if (!n || rows + own > cap) {
            n++, rows = 0;
            if (p->chunk) p->chunk[n - 1] = (struct chunk){ .first = j, .start = at }, *at++ = 0;
        }
        rows += own;
        if (p->chunk) p->chunk[n - 1].last = j + 1, p->chunk[n - 1].rows = rows, *at++ = rows;
    }
    return n;
}

/* Chunks of about equal size; smaller ones where not even one finds room. */
static int plan(struct sv_prompts *p, const struct names *in, size_t *cap, size_t *scratch, struct sv_err *e) {
    const size_t limit = p->cfg.memory / sizeof(float);
    *cap = sv_min(p->rows, p->rows / sv_ceil_div(p->rows, CHUNK_ROWS) + p->longest);
    while (activations(p, *cap, 1, &p->slot_floats, scratch) > limit && *cap > p->longest) *cap = sv_max(p->longest, *cap / 2);
    const size_t need = activations(p, *cap, 1, &p->slot_floats, scratch);
    if (need > limit)
        return sv_fail(e, SV_EUSAGE, "prompts: %zu bytes of memory for activations, expected at least %zu", p->cfg.memory, need * sizeof(float));
    p->chunks = cut(p, in, *cap);
    p->kept = sv_min(p->chunks, 1 + (limit - need) / p->slot_floats);
    return 0;
}

static int measure_names(struct sv_prompts *p, const struct names *in, struct sv_err *e) {
    const size_t k = p->cfg.k, context = p->tower.cfg.context;
    p->before = p->cfg.place == SV_PLACE_MIDDLE ? sv_ceil_div(k, 2) : p->cfg.place == SV_PLACE_FRONT ? k : 0;
    p->shared = p->cfg.per_class ? 0 : p->before;
    p->prefix = 1 + p->shared;
    if (!k || !p->classes) return sv_fail(e, SV_EUSAGE, "prompts: %zu context vectors, %zu classes, expected at least one of each", k, p->classes);
    for (size_t j = 0; j < p->classes; j++) {
        const size_t n = name_tokens(in, j), own = own_rows(p, n);
        if (k > context || n > context || p->prefix + own > context)
            return sv_fail(e, SV_EINPUT, "prompts: class %zu has %zu tokens, with %zu context vectors and both ends expected at most %zu", j, n, k, context);
        p->rows += own, p->longest = sv_max(p->longest, own);
    }
    p->floats = (p->cfg.per_class ? p->classes : 1) * k * p->tower.cfg.text.width;
    return 0;
}

static struct sv_prompts *carve(struct sv_prompts *p, struct sv_load *l, const struct names *in, size_t cap, size_t scratch) {
    struct sv_prompts *place = SV_TAKE(l->arena, struct sv_prompts, 1);
    const struct sv_cpu *c = p->tower.cpu;
    const size_t n = p->classes, w = p->tower.cfg.text.width, layers = p->tower.cfg.text.layers, embed = p->tower.cfg.embed;
    const struct sv_trip pre = prefix_trip(p);
    p->tower.text.block = SV_TAKE(l->arena, struct sv_block, layers);
    sv_text_load(&p->tower, l);
    p->names = SV_TAKE(l->arena, size_t, n), p->start = SV_TAKE(l->arena, size_t, n + p->chunks);
    p->chunk = SV_TAKE(l->arena, struct chunk, p->chunks);
    p->fixed = SV_TAKE(l->arena, float, p->rows * w), p->fixed_prefix = SV_TAKE(l->arena, float, p->prefix * w);
    p->context = SV_TAKE(l->arena, float, p->floats), p->grad = SV_TAKE(l->arena, float, p->floats);
    p->m = SV_TAKE(l->arena, float, p->floats), p->v = SV_TAKE(l->arena, float, p->floats);
    p->slot = SV_TAKE(l->arena, float, p->kept * p->slot_floats);
    p->kept_prefix = SV_TAKE(l->arena, float, sv_trip_kept(&p->tower.cfg.text, &pre));
    p->dprefix = SV_TAKE(l->arena, float, layers * p->prefix * 3 * w);
    p->x = SV_TAKE(l->arena, float, sv_max(cap, p->prefix) * w);
    p->last = SV_TAKE(l->arena, float, n * w), p->normed = SV_TAKE(l->arena, float, n * w), p->dlast = SV_TAKE(l->arena, float, n * w);
    p->text = SV_TAKE(l->arena, float, n * embed), p->dtext = SV_TAKE(l->arena, float, n * embed);
    p->stats = SV_TAKE(l->arena, float, 2 * n);
    p->scratch = SV_TAKE(l->arena, float, sv_max(sv_max(scratch, sv_nce_floats(c, p->cfg.batch, n, embed)),
                                                 sv_max(sv_gemm_floats(c, n, w), sv_gemm_floats(c, n, embed))));
    if (p->chunk && p->start) cut(p, in, cap);
    if (place) *place = *p;
    return place;
}

/* out = the token's row + position t. */
static void embed(const struct sv_prompts *p, float *out, size_t id, size_t t) {
    const size_t w = p->tower.cfg.text.width;
    sv_view_f32(&p->tower.text.token, id * w, w, out);
    p->tower.cpu->kern->axpy(out, 1, p->tower.text.position + t * w, w);
}

/* Number of the row, among a class's own, of context vector c, which is not in the prefix. */
static size_t row_of(const struct sv_prompts *p, size_t j, size_t c) { return c - p->shared + (c < p->before ? 0 : p->names[j]); }

static void fill_fixed(struct sv_prompts *p, const struct names *in) {
    const size_t w = p->tower.cfg.text.width, vocab = p->tower.cfg.vocab, sot = vocab - 2, eot = vocab - 1, front = p->before - p->shared;
    float *x = p->fixed;
    embed(p, p->fixed_prefix, sot, 0);
    memcpy(p->fixed_prefix + w, p->tower.text.position + w, p->shared * w * sizeof *x);
    for (size_t j = 0; j < p->classes; j++) {
        const size_t n = p->names[j] = name_tokens(in, j), own = own_rows(p, n);
        memcpy(x, p->tower.text.position + p->prefix * w, own * w * sizeof *x);
        for (size_t t = 0; t < n; t++)
            embed(p, x + (front + t) * w, sv_entry(in->ids[in->start[j] + t], vocab), p->prefix + front + t);
        embed(p, x + (own - 1) * w, eot, p->prefix + own - 1);
        x += own * w;
    }
}

/* Sizes of everything, from the config of the store alone. */
static int measure(struct sv_prompts *p, const struct sv_store *s, const struct names *in, size_t *cap, size_t *scratch, struct sv_err *e) {
    int rc = sv_clip_config_read(&p->tower.cfg, s, e);
    if (!rc) rc = measure_names(p, in, e);
    return rc ? rc : plan(p, in, cap, scratch, e);
}

int sv_prompts_check(const struct sv_store *s, const struct sv_cpu *c, const struct sv_prompt_config *g, const int32_t *ids,
                     const size_t *start, size_t classes, struct sv_err *e) {
    struct sv_prompts p = { .tower = { .cpu = c, .towers = SV_CLIP_TEXT }, .cfg = *g, .classes = classes };
    size_t cap, scratch;
    return measure(&p, s, &(struct names){ ids, start }, &cap, &scratch, e);
}

struct sv_prompts *sv_prompts_open(const struct sv_store *s, const struct sv_cpu *c, const struct sv_prompt_config *g, const int32_t *ids,
                                   const size_t *start, size_t classes, struct sv_err *e) {
    struct sv_prompts p = { .tower = { .cpu = c, .towers = SV_CLIP_TEXT }, .cfg = *g, .classes = classes };
    const struct names in = { ids, start };
    size_t cap, scratch;
    if (measure(&p, s, &in, &cap, &scratch, e)) return NULL;
    struct sv_arena a = {0};
    struct sv_load l = { .store = s, .cpu = c, .arena = &a, .err = e, .back = true };
    carve(&p, &l, &in, cap, scratch);
    void *mem = l.rc ? NULL : sv_alloc(a.used, 1, e);
    if (!mem) return NULL;
    a = (struct sv_arena){ .base = mem, .cap = a.used };
    struct sv_prompts *out = carve(&p, &l, &in, cap, scratch);
    fill_fixed(out, &in);
    return out;
}

void sv_prompts_free(struct sv_prompts *p) { sv_free(p); }

float *sv_prompts_context(struct sv_prompts *p) { return p->context; }
const float *sv_prompts_gradient(const struct sv_prompts *p) { return p->grad; }
size_t sv_prompts_floats(const struct sv_prompts *p) { return p->floats; }
size_t sv_prompts_rows(const struct sv_prompts *p) { return p->prefix + p->rows; }

double sv_prompts_kept(const struct sv_prompts *p) {
    size_t rows = 0;
    for (size_t i = 0; i < p->kept; i++) rows += p->chunk[i].rows;
    return (double)rows / (double)p->rows;
}

/* Where vector c of class j lies in context or grad. */
static size_t vector(const struct sv_prompts *p, size_t j, size_t c) {
    return ((p->cfg.per_class ? j * p->cfg.k : 0) + c) * p->tower.cfg.text.width;
}

static void walk(struct sv_prompts *p, const struct sv_trip *t) {
    sv_stack_there(p->tower.cpu, &p->tower.cfg.text, p->tower.text.block, p->x, t, p->scratch);
}

static void walk_back(struct sv_prompts *p, const struct sv_trip *t) {
    sv_stack_back(p->tower.cpu, &p->tower.cfg.text, p->tower.text.block, p->x, t, p->scratch);
}

/* First of the rows of class c->first in the list of all. */
static size_t first_row(const struct sv_prompts *p, const struct chunk *c) {
    size_t rows = 0;
    for (const struct chunk *b = p->chunk; b < c; b++) rows += b->rows;
    return rows;
}

/* A chunk's rows through the stack; what the way back needs goes to kept. */
static void forward(struct sv_prompts *p, const struct chunk *c, float *kept) {
    const size_t w = p->tower.cfg.text.width;
    memcpy(p->x, p->fixed + first_row(p, c) * w, c->rows * w * sizeof *p->x);
    for (size_t j = c->first; j < c->last; j++)
        for (size_t v = p->shared; v < p->cfg.k; v++)
            p->tower.cpu->kern->axpy(p->x + (c->start[j - c->first] + row_of(p, j, v)) * w, 1, p->context + vector(p, j, v), w);
    const struct sv_trip t = trip_of(p, c, kept);
    walk(p, &t);
}

/* The chunks that stay come last, so that the others can use their place. */
static void features(struct sv_prompts *p) {
    const struct sv_cpu *c = p->tower.cpu;
    const size_t w = p->tower.cfg.text.width;
    const struct sv_trip pre = prefix_trip(p);
    memcpy(p->x, p->fixed_prefix, p->prefix * w * sizeof *p->x);
    c->kern->axpy(p->x + w, 1, p->context, p->shared * w);
    walk(p, &pre);
    for (size_t i = p->chunks; i-- > 0;) {
        const struct chunk *k = &p->chunk[i];
        forward(p, k, p->slot + (i < p->kept ? i : 0) * p->slot_floats);
        for (size_t j = k->first; j < k->last; j++) memcpy(p->last + j * w, p->x + (k->start[j - k->first + 1] - 1) * w, w * sizeof *p->x);
    }
    sv_norm_rows(c, p->normed, p->last, w, p->classes, w, &p->tower.text.ln_final);
    sv_gemm(c, p->text, p->tower.cfg.embed, p->normed, w, p->classes, &p->tower.text.proj.w, NULL, p->scratch);
}

void sv_prompts_texts(struct sv_prompts *p, float *out) {
    features(p);
    memcpy(out, p->text, p->classes * p->tower.cfg.embed * sizeof *out);
}

/* From the gradient of a chunk's EOT rows to that of its context vectors and of the prefix's keys and values. */
static void backward(struct sv_prompts *p, const struct chunk *c, float *kept) {
    const size_t w = p->tower.cfg.text.width;
    memset(p->x, 0, c->rows * w * sizeof *p->x);
    for (size_t j = c->first; j < c->last; j++) memcpy(p->x + (c->start[j - c->first + 1] - 1) * w, p->dlast + j * w, w * sizeof *p->x);
    const struct sv_trip t = trip_of(p, c, kept);
    walk_back(p, &t);
    for (size_t j = c->first; j < c->last; j++)
        for (size_t v = p->shared; v < p->cfg.k; v++)
            p->tower.cpu->kern->axpy(p->grad + vector(p, j, v), 1, p->x + (c->start[j - c->first] + row_of(p, j, v)) * w, w);
}

/* From dtext to grad.  Chunks come in order: sums over classes are then the same however they are cut.  A chunk that was not
 * kept is computed again in the place of the first, which has had its turn. */
static void gradients(struct sv_prompts *p) {
    const struct sv_cpu *c = p->tower.cpu;
    const size_t w = p->tower.cfg.text.width;
    float *dnormed = p->normed;
    sv_linear_back(c, &p->tower.text.proj, dnormed, p->dtext, NULL, p->classes, p->scratch);
    memset(p->dlast, 0, p->classes * w * sizeof *p->dlast);
    sv_norm_back(c, p->dlast, dnormed, p->last, w, p->classes, w, &p->tower.text.ln_final, p->stats);
    memset(p->grad, 0, p->floats * sizeof *p->grad);
    memset(p->dprefix, 0, p->tower.cfg.text.layers * p->prefix * 3 * w * sizeof *p->dprefix);
    for (size_t i = 0; i < p->chunks; i++) {
        float *kept = p->slot + (i < p->kept ? i : 0) * p->slot_floats;
        if (i >= p->kept) forward(p, &p->chunk[i], kept);
        backward(p, &p->chunk[i], kept);
    }
    if (!p->shared) return;
    const struct sv_trip pre = prefix_trip(p);
    memset(p->x, 0, p->prefix * w * sizeof *p->x);
    walk_back(p, &pre);
    memcpy(p->grad, p->x + w, p->shared * w * sizeof *p->grad);
}

double sv_prompts_loss(struct sv_prompts *p, const float *video, const uint32_t *target, size_t batch, float scale) {
    features(p);
    const struct sv_nce nce = { .batch = batch, .classes = p->classes, .width = p->tower.cfg.embed, .video = video, .text = p->text,
                                .target = target, .scale = scale };
    const struct sv_nce_out out = { .dtext = p->dtext };
    const double loss = sv_nce(p->tower.cpu, &nce, &out, p->scratch);
    gradients(p);
    return loss;
}

void sv_prompts_update(struct sv_prompts *p, double lr) {
    sv_adamw_step(p->tower.cpu->pool, &SV_ADAMW, lr, ++p->steps, p->context, p->m, p->v, p->grad, p->floats);
}
