#include "tools/street_train.h"

#include "core/rng.h"
#include "nn/loss.h"
#include "nn/muon.h"
#include "nn/random.h"
#include "tools/bpe.h"
#include "tools/stop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Crops of a part: its activations stay in L2.  A constant, for sums depend on it. */
enum { CHUNK = 16, CONTEXT = 32, FRAMES = 2 /* of an object that are filmed */ };

struct sv_street_part {
    struct sv_cpu cpu;                  /* no pool: a part belongs to one thread */
    struct sv_flat flat;                /* the training's parameters, its own gradient */
    struct sv_clip_train *clip;
    int rc;
    struct sv_err err;
};

/* What the loss against the phrases of a kind counts beside that of actions. */
static const double weight[SV_STREET_KINDS] = { 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25 };

/* ---- opening ---- */

static struct sv_clip_config config_of(const struct sv_street_opts *o, size_t vocab) {
    const struct sv_stack see = { o->width, o->layers, sv_max(o->width / 32, 1), 4 * o->width, SV_ACT_QUICK, 1e-5f, false };
    const struct sv_stack read = { o->text_width, o->text_layers, sv_max(o->text_width / 32, 1), 4 * o->text_width, SV_ACT_QUICK, 1e-5f, true };
    return (struct sv_clip_config){ .embed = o->embed, .image_size = SV_STREET_SIDE, .patch = 8, .context = CONTEXT, .vocab = vocab, .visual = see, .text = read,
                                    .mean = { 0.45f, 0.45f, 0.45f }, .std = { 0.25f, 0.25f, 0.25f }, .logit_scale = log(10), .square_crop = true, .tube_seconds = 0.1 };
}

/* Captions of the first round and all phrases, a line each: what the tokenizer is learned from. */
static int learn_words(struct sv_street_train *t, struct sv_err *e) {
    const struct sv_street_roll *r = &t->roll;
    const size_t deeds = sv_street_deeds(NULL, 0);
    size_t at = 0;
    char *text = sv_alloc(r->n + deeds + SV_STREET_KINDS * SV_STREET_MOST, SV_STREET_TEXT + 1, e);
    struct sv_street_deed *deed = sv_alloc(deeds, sizeof *deed, e);
    int rc = text && deed ? 0 : SV_ENOMEM;
    if (!rc) {
        char one[SV_STREET_TEXT];
        for (size_t i = 0; i < r->n; i++) at += (size_t)sprintf(text + at, "%s\n", r->sample[i].caption);
        sv_street_deeds(deed, deeds);
        for (size_t i = 0; i < deeds; i++) sv_street_deed_text(&deed[i], one), at += (size_t)sprintf(text + at, "%s\n", one);
        for (enum sv_street_kind k = 0; k < SV_STREET_KINDS; k++)
            for (size_t c = 0; c < sv_street_classes(k); c++) at += (size_t)sprintf(text + at, "%s\n", sv_street_phrase(k, c));
        rc = sv_bpe_learn(text, at, t->o->merges, &t->merges, e);
    }
    if (!rc && !(t->token = sv_token_new((const uint8_t *)t->merges, strlen(t->merges), e))) rc = e && e->code ? e->code : SV_ENOMEM;
    sv_free(text), sv_free(deed);
    return rc;
}

/* The values of a tensor that is ours: of the first weights, or a slice of the flat vector. */
static float *data_of(const struct sv_store *s, const char *name, size_t *n) {
    const struct sv_view *v = sv_store_find(s, name);
    if (n) *n = v->count;
    return (float *)(uintptr_t)v->data;
}

static void scale_tensor(struct sv_street_train *t, const char *name, double by) {
    size_t n;
    float *x = data_of(&t->first, name, &n);
    for (size_t i = 0; i < n; i++) x[i] *= (float)by;
}

/* Filters that answer to what differs within a patch, little to how bright it is. */
static void see_edges(struct sv_street_train *t) {
    const size_t in = 3 * t->cfg.patch * t->cfg.patch;
    size_t n;
    float *w = data_of(&t->first, "clip.visual.patch.weight", &n);
    for (size_t i = 0; i < n; i += in) {
        float mean = 0;
        for (size_t k = 0; k < in; k++) mean += w[i + k] / (float)in;
        for (size_t k = 0; k < in; k++) w[i + k] = 4 * (w[i + k] - 0.9f * mean);
    }
}

/* Positions as waves over columns and rows (Vaswani et al. 2017, in two dimensions): neighbours are alike before anything was learned.
 * The class row, number 0, stands nowhere. */
static void place_waves(struct sv_street_train *t) {
    const size_t w = t->cfg.visual.width, grid = t->cfg.image_size / t->cfg.patch, waves = w / 4;
    float *p = data_of(&t->first, "clip.visual.position", NULL);
    memset(p, 0, w * sizeof *p);
    for (size_t i = 0; i < grid * grid; i++)
        for (size_t k = 0; k < w; k++) {
            const double at = (double)(k / waves < 2 ? i % grid : i / grid), turn = at * pow(30, -(double)(k % waves) / (double)waves);
            p[(1 + i) * w + k] = (float)(k / waves % 2 ? sin(turn) : cos(turn));
        }
}

/* Random weights under which pictures differ from the beginning, and texts too: words stand far apart and positions near together;
 * the class row begins as nothing but what it sees; branches begin small against the stream they are added to. */
static int first_weights(struct sv_street_train *t, struct sv_err *e) {
    static const char *const tower[] = { "visual", "text" };
    const struct sv_stack *stack[] = { &t->cfg.visual, &t->cfg.text };
    int rc = sv_store_init(&t->first, "the first parameters", e);
    if (!rc) rc = sv_clip_random(&t->first, &t->cfg, t->o->seed, e);
    if (rc) return rc;
    scale_tensor(t, "clip.text.token", 25);
    scale_tensor(t, "clip.text.position", 5);
    scale_tensor(t, "clip.visual.class", 0);
    see_edges(t);
    place_waves(t);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < stack[k]->layers; i++) {
            const double by = 1 / sqrt(2 * (double)stack[k]->layers);
            scale_tensor(t, sv_prefix("clip.%s.block.%zu.out.weight", tower[k], i).text, by);
            scale_tensor(t, sv_prefix("clip.%s.block.%zu.fc2.weight", tower[k], i).text, by);
        }
    return sv_flat_init(&t->flat, &t->first, "clip.", e);
}

static int encode(const struct sv_street_train *t, const char *text, int32_t *ids, struct sv_err *e) {
    struct sv_token_opts o = SV_TOKEN_OPTS;
    size_t len;
    o.context = CONTEXT, o.truncate = true;
    return sv_token_encode(t->token, text, strlen(text), &o, ids, &len, e);
}

/* ---- the way there ---- */

static const struct sv_street_sample *sample(const struct sv_street_train *t, size_t i) { return &t->roll.sample[t->order[t->at + i]]; }

static size_t part_texts(const struct sv_street_train *t, size_t i) { return sv_min(t->room, t->texts - sv_min(t->texts, i * t->room)); }
static size_t part_crops(const struct sv_street_train *t, size_t i) { return sv_min(CHUNK, t->o->batch - i * CHUNK); }

static void there(void *arg, size_t begin, size_t end, size_t thread) {
    struct sv_street_train *t = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        struct sv_street_part *p = &t->part[i];
        const size_t first = i * CHUNK, n = part_crops(t, i), embed = t->cfg.embed;
        for (size_t k = first; k < first + n; k++) {
            sv_street_pixels((const float (*)[256])t->crop.table, sample(t, k), t->pixels + k * SV_STREET_PIXELS);
            if (!p->rc) p->rc = encode(t, sample(t, k)->caption, t->ids + k * CONTEXT, &p->err);
        }
        memset(p->flat.grads, 0, t->flat.n * sizeof(float));
        sv_clip_train_reload(p->clip);
        sv_clip_train_image(p->clip, t->pixels + first * SV_STREET_PIXELS, n, t->image + first * embed);
    }
}

/* Texts of a part may be captions of another, so they wait for all of them. */
static void read_texts(void *arg, size_t begin, size_t end, size_t thread) {
    struct sv_street_train *t = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++)
        if (part_texts(t, i)) sv_clip_train_text(t->part[i].clip, t->ids + i * t->room * CONTEXT, part_texts(t, i), t->text + i * t->room * t->cfg.embed);
}

/* How a tower ends, and one pass of it: rows of features at out [rows, E]. */
struct end { const char *norm, *proj; size_t width, rows; float *out; void (*pass)(struct sv_street_train *); };

static void see_all(struct sv_street_train *t) { sv_pool_for(t->cpu->pool, t->parts, there, t); }
static void read_all(struct sv_street_train *t) { sv_pool_for(t->cpu->pool, t->parts, there, t), sv_pool_for(t->cpu->pool, t->parts, read_texts, t); }

/* x [n, width]: what the last norm says of the first batches, read through a projection that is set to pick out channels. */
static void collect(struct sv_street_train *t, const struct end *d, float *p, size_t batches, double *x) {
    const size_t w = d->width, embed = t->cfg.embed;
    for (size_t first = 0; first < w; first += embed) {
        memset(p, 0, embed * w * sizeof *p);
        for (size_t i = 0; i < embed && first + i < w; i++) p[i * w + first + i] = 1;
        for (size_t b = 0; b < batches; b++) {
            t->at = b * t->o->batch;
            d->pass(t);
            for (size_t k = 0; k < d->rows; k++)
                for (size_t i = 0; i < embed && first + i < w; i++) x[(b * d->rows + k) * w + first + i] = (double)d->out[k * embed + i];
        }
    }
    t->at = 0;
}

/* Gain and bias such that each channel has mean 0 and deviation 1 over the n rows of x, which are brought there too. */
static void centre(double *x, size_t n, size_t w, float *gain, float *bias) {
    for (size_t i = 0; i < w; i++) {
        double mean = 0, square = 0;
        for (size_t k = 0; k < n; k++) mean += x[k * w + i] / (double)n;
        for (size_t k = 0; k < n; k++) square += (x[k * w + i] - mean) * (x[k * w + i] - mean) / (double)n;
        const double by = 1 / sqrt(square + 1e-4);
        for (size_t k = 0; k < n; k++) x[k * w + i] = (x[k * w + i] - mean) * by;
        gain[i] = (float)by, bias[i] = (float)(-mean * by);
    }
}

/* a [w, w], symmetric, becomes diagonal, its eigenvectors the columns of v: Jacobi's rotations, a fixed number of sweeps. */
static void eigen(double *a, double *v, size_t w) {
    memset(v, 0, w * w * sizeof *v);
    for (size_t i = 0; i < w; i++) v[i * w + i] = 1;
    for (int sweep = 0; sweep < 10; sweep++)
        for (size_t p = 0; p < w; p++)
            for (size_t q = p + 1; q < w; q++) {
                const double apq = a[p * w + q];
                if (!(fabs(apq) > 1e-300)) continue;
                const double theta = (a[q * w + q] - a[p * w + p]) / (2 * apq);
                const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
                for (size_t k = 0; k < w; k++) {
                    const double x = a[k * w + p], y = a[k * w + q], vx = v[k * w + p], vy = v[k * w + q];
                    a[k * w + p] = c * x - s * y, a[k * w + q] = s * x + c * y;
                    v[k * w + p] = c * vx - s * vy, v[k * w + q] = s * vx + c * vy;
                }
                for (size_t k = 0; k < w; k++) {
                    const double x = a[p * w + k], y = a[q * w + k];
                    a[p * w + k] = c * x - s * y, a[q * w + k] = s * x + c * y;
                }
            }
}

/* p [E, w] times the symmetric inverse root of the rows' covariance, a little of the mean variance added to each direction. */
static void whiten(const double *x, size_t n, size_t w, float *p, size_t embed, double *c /* [3, w, w] */) {
    double *v = c + w * w, *root = v + w * w, *row = root;
    for (size_t i = 0; i < w; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++) sum += x[k * w + i] * x[k * w + j] / (double)n;
            c[i * w + j] = c[j * w + i] = sum;
        }
    eigen(c, v, w);
    for (size_t i = 0; i < w; i++) c[i * w + i] = 1 / sqrt(fmax(c[i * w + i], 0) + 0.01);
    for (size_t e = 0; e < embed; e++, p += w) {
        for (size_t j = 0; j < w; j++) {
            row[j] = 0;
            for (size_t k = 0; k < w; k++) row[j] += (double)p[k] * v[k * w + j];
            row[j] *= c[j * w + j];
        }
        for (size_t k = 0; k < w; k++) {
            double sum = 0;
            for (size_t j = 0; j < w; j++) sum += row[j] * v[k * w + j];
            p[k] = (float)sum;
        }
    }
}

/* The end of a tower such that its features, over what is seen first, lie around 0 and in all directions alike.  Without it they are one
 * direction and a little more, mostly how bright it is; the cosines of any two are near 1, and the loss finds no way down for long. */
static int spread(struct sv_street_train *t, const struct end *d, struct sv_err *e) {
    const size_t w = d->width, embed = t->cfg.embed, batches = sv_min(8, t->orders / t->o->batch), n = batches * d->rows;
    const struct sv_store *s = &t->flat.store;
    float *gain = data_of(s, sv_prefix("%s.weight", d->norm).text, NULL), *bias = data_of(s, sv_prefix("%s.bias", d->norm).text, NULL), *p = data_of(s, d->proj, NULL);
    double *x = sv_alloc(n, w * sizeof *x, e), *c = sv_alloc(3, w * w * sizeof *c, e);
    float *first = sv_alloc(embed, w * sizeof *first, e);
    const int rc = x && c && first ? 0 : SV_ENOMEM;
    if (!rc) {
        memcpy(first, p, embed * w * sizeof *p);
        for (size_t i = 0; i < w; i++) gain[i] = 1, bias[i] = 0;
        collect(t, d, p, batches, x);
        centre(x, n, w, gain, bias);
        memcpy(p, first, embed * w * sizeof *p);
        whiten(x, n, w, p, embed, c);
    }
    sv_free(x), sv_free(c), sv_free(first);
    return rc;
}

static int open_parts(struct sv_street_train *t, struct sv_err *e) {
    t->parts = sv_ceil_div(t->o->batch, CHUNK);
    t->room = sv_ceil_div(t->texts, t->parts);
    if (!(t->part = sv_alloc(t->parts, sizeof *t->part, e))) return SV_ENOMEM;
    for (size_t i = 0; i < t->parts; i++) {
        struct sv_street_part *p = &t->part[i];
        p->cpu = *t->cpu, p->cpu.pool = NULL;
        p->flat = t->flat;
        if (!(p->flat.grads = sv_alloc(t->flat.n, sizeof(float), e)) || !(p->clip = sv_clip_train_open(&t->cfg, &p->flat, &p->cpu, sv_max(CHUNK, t->room), e)))
            return e && e->code ? e->code : SV_ENOMEM;
    }
    return 0;
}

static int allocate(struct sv_street_train *t, struct sv_err *e) {
    const size_t b = t->o->batch, embed = t->cfg.embed, most = sv_max(b, SV_STREET_MOST);
    if (!(t->m = sv_alloc(t->flat.n, sizeof *t->m, e)) || !(t->v = sv_alloc(t->flat.n, sizeof *t->v, e)) ||
        !(t->pixels = sv_alloc(b, SV_STREET_PIXELS * sizeof *t->pixels, e)) || !(t->ids = sv_alloc(t->texts, CONTEXT * sizeof *t->ids, e)) ||
        !(t->image = sv_alloc(b, embed * sizeof *t->image, e)) || !(t->dimage = sv_alloc(b, embed * sizeof *t->dimage, e)) ||
        !(t->text = sv_alloc(t->texts, embed * sizeof *t->text, e)) || !(t->dtext = sv_alloc(t->texts, embed * sizeof *t->dtext, e)) ||
        !(t->some = sv_alloc(b, embed * sizeof *t->some, e)) || !(t->dsome = sv_alloc(b, embed * sizeof *t->dsome, e)) ||
        !(t->pair = sv_alloc(most, embed * sizeof *t->pair, e)) || !(t->dpair = sv_alloc(most, embed * sizeof *t->dpair, e)) ||
        !(t->scratch = sv_alloc(sv_nce_floats(t->cpu, b, most, embed), sizeof *t->scratch, e)) || !(t->row = sv_alloc(b, sizeof *t->row, e)) ||
        !(t->target = sv_alloc(b, sizeof *t->target, e)) || !(t->rank = sv_alloc(b, sizeof *t->rank, e))) return SV_ENOMEM;
    return 0;
}

static int encode_phrases(struct sv_street_train *t, struct sv_err *e) {
    int rc = 0;
    for (enum sv_street_kind k = 0; k < SV_STREET_KINDS; k++)
        for (size_t c = 0; !rc && c < sv_street_classes(k); c++) rc = encode(t, sv_street_phrase(k, c), t->ids + (t->kind_first[k] + c) * CONTEXT, e);
    return rc;
}

/* ---- rounds ---- */

/* One sample of each object, in random order: which of its two follows from the round. */
static int arrange(struct sv_street_train *t, struct sv_err *e) {
    const struct sv_street_roll *r = &t->roll;
    uint64_t rng = t->o->seed * 0x9e3779b97f4a7c15u ^ (t->round + 1) * 0xd1342543de82ef95u;
    if (t->order_cap < r->n) {
        sv_free(t->order);
        t->order_cap = 0;
        if (!(t->order = sv_alloc(r->n, sizeof *t->order, e))) return SV_ENOMEM;
        t->order_cap = r->n;
    }
    t->orders = 0;
    for (size_t i = 0; i + FRAMES <= r->n; i += FRAMES) {
        size_t at = i + sv_rng_below(&rng, FRAMES);
        if (r->sample[at].class[SV_STREET_PLACE] == SV_STREET_NONE) at = i + FRAMES - 1 - (at - i);
        if (r->sample[at].class[SV_STREET_PLACE] == SV_STREET_NONE) continue;
        const size_t k = sv_rng_below(&rng, ++t->orders);
        t->order[t->orders - 1] = t->order[k], t->order[k] = (uint32_t)at;
    }
    return 0;
}

int sv_street_round(struct sv_street_train *t, uint64_t round, struct sv_err *e) {
    const struct sv_street_film f = { t->o->seed, SV_STREET_LEARN, round * t->o->worlds, t->o->worlds, FRAMES };
    t->round = round, t->at = 0;
    const int rc = sv_street_film(&t->roll, t->cpu, &f, e);
    return rc ? rc : arrange(t, e);
}

static int open_matrices(struct sv_street_train *t, struct sv_err *e);

static int too_few(const struct sv_street_train *t, struct sv_err *e) {
    return sv_fail(e, SV_EUSAGE, "street: %zu worlds hold fewer than %zu crops", t->o->worlds, t->o->batch);
}

int sv_street_train_open(struct sv_street_train *t, const struct sv_street_opts *o, const struct sv_cpu *cpu, struct sv_err *e) {
    *t = (struct sv_street_train){ .o = o, .cpu = cpu, .scale = { logf(10) } };
    int rc = sv_street_round(t, 0, e);
    if (!rc) rc = learn_words(t, e);
    if (!rc) {
        t->cfg = config_of(o, sv_token_vocab(t->token));
        t->texts = o->batch;
        for (enum sv_street_kind k = 0; k < SV_STREET_KINDS; k++) t->kind_first[k] = t->texts, t->texts += sv_street_classes(k);
        t->kind_first[SV_STREET_KINDS] = t->texts;
        rc = first_weights(t, e);
    }
    if (!rc) rc = sv_crop_init(&t->crop, SV_STREET_SIDE, 1, 1, t->cfg.mean, t->cfg.std, e);
    if (!rc) rc = allocate(t, e);
    if (!rc) rc = open_parts(t, e);
    if (!rc) rc = open_matrices(t, e);
    if (!rc) rc = encode_phrases(t, e);
    if (!rc && t->orders < o->batch) rc = too_few(t, e);
    const struct end see = { "clip.visual.ln_post", "clip.visual.proj", o->width, o->batch, t->image, see_all };
    const struct end read = { "clip.text.ln_final", "clip.text.proj", o->text_width, t->texts, t->text, read_all };
    if (!rc) rc = spread(t, &see, e);
    if (!rc) rc = spread(t, &read, e);
    if (rc) sv_street_train_close(t);
    return rc;
}

void sv_street_train_close(struct sv_street_train *t) {
    for (size_t i = 0; t->part && i < t->parts; i++) sv_clip_train_free(t->part[i].clip), sv_free(t->part[i].flat.grads);
    sv_free(t->part), sv_free(t->merges), sv_token_free(t->token), sv_crop_free(&t->crop);
    sv_flat_free(&t->flat), sv_store_free(&t->first), sv_street_roll_free(&t->roll);
    sv_free(t->m), sv_free(t->v), sv_free(t->order), sv_free(t->pixels), sv_free(t->ids), sv_free(t->image), sv_free(t->text);
    sv_free(t->dimage), sv_free(t->dtext), sv_free(t->some), sv_free(t->dsome), sv_free(t->pair), sv_free(t->dpair), sv_free(t->scratch);
    sv_free(t->row), sv_free(t->target), sv_free(t->rank), sv_free(t->matrix), sv_free(t->muon);
    *t = (struct sv_street_train){0};
}

/* ---- a step ---- */

static void back(void *arg, size_t begin, size_t end, size_t thread) {
    struct sv_street_train *t = arg;
    (void)thread;
    for (size_t i = begin; i < end; i++) {
        sv_clip_train_image_back(t->part[i].clip, t->dimage + i * CHUNK * t->cfg.embed);
        if (part_texts(t, i)) sv_clip_train_text_back(t->part[i].clip, t->dtext + i * t->room * t->cfg.embed);
    }
}

static void add_grads(void *arg, size_t begin, size_t end, size_t thread) {
    struct sv_street_train *t = arg;
    (void)thread;
    memset(t->flat.grads + begin, 0, (end - begin) * sizeof(float));
    for (size_t i = 0; i < t->parts; i++)
        for (size_t k = begin; k < end; k++) t->flat.grads[k] += t->part[i].flat.grads[k];
}

/* The loss of rows t->row [n] of the crops against rows of texts, times `by`; gradients are added.  pairs: text row[i] belongs to crop
 * row[i]; else to target[i] of the `classes` texts from `first` on. */
static double loss(struct sv_street_train *t, size_t n, bool pairs, size_t first, size_t classes, double by, double *dscale) {
    const size_t embed = t->cfg.embed;
    const float *text = t->text + first * embed;
    double d = 0;
    if (!n) return 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(t->some + i * embed, t->image + t->row[i] * embed, embed * sizeof(float));
        if (pairs) memcpy(t->pair + i * embed, t->text + t->row[i] * embed, embed * sizeof(float));
    }
    const struct sv_nce x = { n, pairs ? n : classes, embed, t->some, pairs ? t->pair : text, t->target, expf(t->scale[0]), pairs };
    const struct sv_nce_out out = { t->dsome, t->dpair, &d, t->rank };
    const double value = sv_nce(t->cpu, &x, &out, t->scratch);
    for (size_t i = 0; i < n; i++) t->cpu->kern->axpy(t->dimage + t->row[i] * embed, (float)by, t->dsome + i * embed, embed);
    for (size_t i = 0; i < x.classes; i++) t->cpu->kern->axpy(t->dtext + (pairs ? t->row[i] : first + i) * embed, (float)by, t->dpair + i * embed, embed);
    *dscale += by * d;
    return value;
}

/* Crops whose caption no earlier crop of the batch has: equal captions are no negatives of each other. */
static size_t distinct(struct sv_street_train *t) {
    size_t n = 0;
    for (size_t i = 0; i < t->o->batch; i++) {
        size_t k = 0;
        while (k < n && memcmp(t->ids + t->row[k] * CONTEXT, t->ids + i * CONTEXT, CONTEXT * sizeof *t->ids)) k++;
        if (k == n) t->row[n++] = (uint32_t)i;
    }
    return n;
}

static double all_losses(struct sv_street_train *t, struct sv_street_tally *y, double *dscale) {
    const size_t embed = t->cfg.embed;
    memset(t->dimage, 0, t->o->batch * embed * sizeof(float));
    memset(t->dtext, 0, t->texts * embed * sizeof(float));
    double sum = y->caption = loss(t, distinct(t), true, 0, 0, 1, dscale);
    for (enum sv_street_kind k = 0; k < SV_STREET_KINDS; k++) {
        size_t n = 0;
        for (size_t i = 0; i < t->o->batch; i++)
            if (sample(t, i)->class[k] != SV_STREET_NONE) t->row[n] = (uint32_t)i, t->target[n++] = sample(t, i)->class[k];
        sum += y->kind[k] = loss(t, n, false, t->kind_first[k], sv_street_classes(k), t->o->kinds * weight[k], dscale);
        for (size_t i = 0; k == SV_STREET_ACTION && i < n; i++) y->of++, y->top1 += !t->rank[i];
    }
    return sum;
}

/* Matrices of the blocks take Muon's steps, q, k and v apart; all else AdamW's, without decay but for the first and the last matrix. */
static bool hidden(const struct sv_view *v) { return v->rank == 2 && (strstr(v->name, ".block.") || strstr(v->name, "patch") || strstr(v->name, "proj")); }
static bool decays(const struct sv_view *v) { return v->rank == 2 && !strstr(v->name, "token") && !strstr(v->name, "position"); }

struct steps { struct sv_street_train *t; double lr; size_t share; };

/* Matrix by matrix, each by one thread. */
static void step_matrices(void *arg, size_t begin, size_t end, size_t thread) {
    const struct steps *s = arg;
    struct sv_street_train *t = s->t;
    const struct sv_muon o = { 0.95, t->o->decay };
    for (size_t i = begin; i < end; i++) {
        const struct sv_view *v = &t->flat.store.view[t->matrix[i]];
        const size_t at = (size_t)((const float *)v->data - t->flat.params), cols = v->dim[1], parts = strstr(v->name, "qkv") ? 3 : 1, rows = v->dim[0] / parts;
        for (size_t k = 0, from = at; k < parts; k++, from += rows * cols)
            sv_muon_step(&t->part->cpu, &o, s->lr * t->o->muon, t->flat.params + from, t->m + from, t->flat.grads + from, rows, cols, t->muon + thread * s->share);
    }
}

/* A rise, a plain, and a straight line down over the last part of all steps: what was learned on the plain serves any number of them. */
static double rate_at(const struct sv_street_opts *o, uint64_t step) {
    const double left = (double)(o->steps - step), fall = (double)(o->steps - sv_street_plain(o->steps));
    return o->lr * fmin(1, left / fall) * fmin(1, (double)(step + 1) / (double)sv_max(o->warm, 1));
}

static void update(struct sv_street_train *t, double dscale) {
    const struct sv_street_opts *o = t->o;
    const double lr = rate_at(o, t->step);
    const struct sv_adamw with = { 0.9, 0.98, 1e-8, o->decay }, without = { 0.9, 0.98, 1e-8, 0 };
    const float d = (float)dscale;
    struct steps j = { t, lr, t->muon_floats };
    for (size_t i = 0; i < t->flat.store.views; i++) {
        const struct sv_view *v = &t->flat.store.view[i];
        const size_t at = (size_t)((const float *)v->data - t->flat.params);
        if (!hidden(v))
            sv_adamw_step(t->cpu->pool, decays(v) ? &with : &without, lr, t->step + 1, t->flat.params + at, t->m + at, t->v + at, t->flat.grads + at, v->count);
    }
    sv_pool_for(t->cpu->pool, t->matrices, step_matrices, &j);
    sv_adamw_step(NULL, &without, lr, t->step + 1, &t->scale[0], &t->scale[1], &t->scale[2], &d, 1);
    t->scale[0] = fminf(t->scale[0], logf(100));
}

/* Which matrices those are. */
static int open_matrices(struct sv_street_train *t, struct sv_err *e) {
    const struct sv_store *s = &t->flat.store;
    if (!(t->matrix = sv_alloc(s->views, sizeof *t->matrix, e))) return SV_ENOMEM;
    for (size_t i = 0; i < s->views; i++) {
        if (!hidden(&s->view[i])) continue;
        t->matrix[t->matrices++] = i;
        t->muon_floats = sv_max(t->muon_floats, sv_muon_floats(&t->part->cpu, s->view[i].dim[0], s->view[i].dim[1]));
    }
    t->muon_floats = sv_ceil_div(t->muon_floats, 16) * 16;
    t->muon = sv_alloc(sv_pool_threads(t->cpu->pool), t->muon_floats * sizeof *t->muon, e);
    return t->muon ? 0 : SV_ENOMEM;
}

int sv_street_step(struct sv_street_train *t, struct sv_street_tally *tally, struct sv_err *e) {
    double dscale = 0;
    if (sv_stop_wanted()) return SV_STOPPED;
    for (int empty = 0; t->at + t->o->batch > t->orders; empty++) {
        if (empty > 8) return too_few(t, e);
        const int rc = sv_street_round(t, t->round + 1, e);
        if (rc) return rc;
    }
    *tally = (struct sv_street_tally){ .n = t->o->batch, .steps = 1 };
    sv_pool_for(t->cpu->pool, t->parts, there, t);
    for (size_t i = 0; i < t->parts; i++)
        if (t->part[i].rc) return sv_fail(e, t->part[i].rc, "%s", t->part[i].err.msg);
    sv_pool_for(t->cpu->pool, t->parts, read_texts, t);
    const double value = all_losses(t, tally, &dscale);
    if (!isfinite(value)) return sv_fail(e, SV_ECHECK, "street: step %llu: the loss is %g; lower --lr (%g)", (unsigned long long)t->step + 1, value, t->o->lr);
    sv_pool_for(t->cpu->pool, t->parts, back, t);
    sv_pool_for(t->cpu->pool, t->flat.n, add_grads, t);
    const double norm = sv_clip_norm(t->cpu->pool, t->flat.grads, t->flat.n, 1);
    if (!isfinite(norm)) return sv_fail(e, SV_ECHECK, "street: step %llu: the gradient is %g; lower --lr (%g)", (unsigned long long)t->step + 1, norm, t->o->lr);
    update(t, dscale);
    t->step++, t->at += t->o->batch;
    return 0;
}
