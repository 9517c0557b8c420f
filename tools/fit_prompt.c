#include "tools/fit_prompt.h"

#include "core/rng.h"
#include "kmeans/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { K = 16, EPOCHS = 5 };
static const double sigma = 0.1, first_sd = 0.02;
static const char *const places[] = { [SV_PLACE_MIDDLE] = "middle", [SV_PLACE_FRONT] = "front", [SV_PLACE_END] = "end" };

bool sv_place_named(const char *name, enum sv_place *out) {
    for (size_t i = 0; i < SV_LEN(places); i++)
        if (!strcmp(name, places[i])) return *out = (enum sv_place)i, true;
    return false;
}

const char *sv_place_name(enum sv_place p) { return places[p]; }

/* ---- before anything is encoded ---- */

static int tokens_of(struct sv_fit_prompt *p, const char *text, int32_t *ids, size_t *n, struct sv_err *e) {
    struct sv_token_opts o = SV_TOKEN_OPTS;
    o.context = p->model->cfg.context;
    return sv_token_bare(p->model->token, text, strlen(text), &o, ids, n, e);
}

static int plan_phrase(struct sv_fit_prompt *p, struct sv_err *e) {
    const struct sv_prompt_opts *o = p->o;
    p->cfg.k = o->k == SIZE_MAX ? K : o->k;
    if (!o->init || !p->cfg.k) return 0;
    if (!(p->phrase = sv_alloc(p->model->cfg.context, sizeof *p->phrase, e))) return SV_ENOMEM;
    const int rc = tokens_of(p, o->init, p->phrase, &p->phrase_n, e);
    if (rc) return rc;
    if (!p->phrase_n) return sv_fail(e, SV_EUSAGE, "fit: the phrase \"%s\" that prompts begin as (--prompt-init) has no token in it", o->init);
    if (o->k == SIZE_MAX) p->cfg.k = p->phrase_n;
    if (p->phrase_n > p->cfg.k)
        return sv_fail(e, SV_EUSAGE, "fit: --prompt-init \"%.100s\": %zu tokens, expected at most --prompts %zu", o->init, p->phrase_n, p->cfg.k);
    return 0;
}

static int plan_names(struct sv_fit_prompt *p, struct sv_err *e) {
    const size_t n = p->actions->n, context = p->model->cfg.context;
    int rc = 0;
    if (!(p->ids = sv_alloc(n, context * sizeof *p->ids, e)) || !(p->start = sv_alloc(n + 1, sizeof *p->start, e))) return SV_ENOMEM;
    for (size_t j = 0, len; !rc && j < n; j++) {
        if ((rc = tokens_of(p, p->actions->name[j], p->ids + p->start[j], &len, e))) break;
        p->start[j + 1] = p->start[j] + len;
        if (len + p->cfg.k + 2 > context)
            rc = sv_fail(e, SV_EINPUT, "fit: \"%.100s\": %zu tokens, %zu context vectors and both ends are %zu, expected at most %zu as %s has; "
                         "lower --prompts (0: plain texts)", p->actions->name[j], len, p->cfg.k, len + p->cfg.k + 2, context, p->model->store.file);
    }
    return rc;
}

/* What was not given is the model's, or fit's own. */
static int complete(struct sv_prompt_opts *o, const struct sv_store *model, struct sv_err *e) {
    int64_t epochs = EPOCHS;
    int rc = 0;
    if (!o->init && o->k == SIZE_MAX && sv_store_value(model, SV_PROMPT_MODEL_INIT)) rc = sv_store_get_text(model, SV_PROMPT_MODEL_INIT, &o->init, e);
    if (!rc && !o->epochs && sv_store_value(model, SV_PROMPT_MODEL_EPOCHS)) rc = sv_store_get_int(model, SV_PROMPT_MODEL_EPOCHS, 1, SV_PROMPT_EPOCHS, &epochs, e);
    if (!rc && !o->epochs) o->epochs = (size_t)epochs;
    return rc;
}

int sv_fit_prompt_plan(struct sv_fit_prompt *p, struct sv_prompt_opts *o, struct sv_model *m, const struct sv_cpu *c,
                       const struct sv_actions *a, struct sv_err *e) {
    *p = (struct sv_fit_prompt){ .o = o, .model = m, .cpu = c, .actions = a };
    if (!sv_place_named(o->place, &p->cfg.place)) return sv_fail(e, SV_EUSAGE, "fit: --prompt-place %s: expected middle, front or end", o->place);
    if (!(o->memory > 0)) return sv_fail(e, SV_EUSAGE, "fit: --memory %g: expected more than 0", o->memory);
    int rc = complete(o, &m->store, e);
    if (!rc) rc = sv_model_token(m, e);
    if (!rc) rc = plan_phrase(p, e);
    if (rc || !p->cfg.k) return rc;
    p->cfg.per_class = o->per_class, p->cfg.batch = o->batch, p->cfg.memory = (size_t)(o->memory * 0x1p30);
    rc = plan_names(p, e);
    return rc ? rc : sv_prompts_check(&m->store, c, &p->cfg, p->ids, p->start, a->n, e);
}

/* ---- learning ---- */

struct run {
    struct sv_fit_prompt *p;
    struct sv_prompts *prompts;
    const float *video; size_t n;
    float *text;                        /* [N, E] */
    uint32_t *order;                    /* [n] */
    float *rows; uint32_t *target;      /* [batch, E], [batch] */
    size_t step;
    struct sv_progress progress;
};

/* Token rows of the phrase, then noise; each class the same start with its own noise. */
static int first_context(struct run *r, struct sv_err *e) {
    struct sv_fit_prompt *p = r->p;
    const size_t w = p->model->cfg.text.width, k = p->cfg.k, n = sv_prompts_floats(r->prompts) / (k * w);
    const struct sv_view *token;
    float *context = sv_prompts_context(r->prompts);
    uint64_t rng = p->o->seed ^ 0xc0277e47;
    const int rc = sv_store_expect(&p->model->store, "clip.text.token", SV_FLOATS, 2, (size_t[]){ p->model->cfg.vocab, w }, &token, e);
    if (rc) return rc;
    for (size_t i = 0; i < n * k; i++) {
        float *v = context + i * w;
        if (i % k < p->phrase_n) sv_view_f32(token, (size_t)p->phrase[i % k] * w, w, v);
        else for (size_t x = 0; x < w; x++) v[x] = (float)(first_sd * sv_rng_normal(&rng));
    }
    return 0;
}

static bool finite(const float *x, size_t n) {
    double sum = 0;                     /* 0 * x is NaN for NaN and for infinities */
    for (size_t i = 0; i < n; i++) sum += 0 * (double)x[i];
    return sum == 0;
}

/* Why: video and plain texts were finite, so it is the vectors, or what the tower makes of them. */
static int diverged(struct run *r, size_t epoch, const char *what, double value, struct sv_err *e) {
    const struct sv_fit_prompt *p = r->p;
    const size_t embed = p->model->cfg.embed;
    if (!finite(sv_prompts_context(r->prompts), sv_prompts_floats(r->prompts)))
        return sv_fail(e, SV_ECHECK, "prompts: step %zu (epoch %zu): the %s is %g: the context vectors have grown out of bounds; lower --prompt-lr (%g)",
                       r->step, epoch, what, value, p->o->lr);
    sv_prompts_texts(r->prompts, r->text);
    for (size_t j = 0; j < p->actions->n; j++)
        if (!finite(r->text + j * embed, embed))
            return sv_fail(e, SV_ECHECK, "prompts: step %zu (epoch %zu): the %s is %g: the text tower gives nothing finite for \"%.100s\" with the vectors "
                           "learned so far; lower --prompt-lr (%g)", r->step, epoch, what, value, p->actions->name[j], p->o->lr);
    return sv_fail(e, SV_ECHECK, "prompts: step %zu (epoch %zu): the %s is %g, with finite vectors and features: it overflows on the way back; "
                   "lower --prompt-lr (%g)", r->step, epoch, what, value, p->o->lr);
}

/* A random order that follows from seed and epoch alone. */
static void shuffle(struct run *r, size_t epoch) {
    uint64_t rng = r->p->o->seed * 0x9e3779b97f4a7c15u + epoch;
    for (size_t i = 0; i < r->n; i++) {
        const size_t at = sv_rng_below(&rng, i + 1);
        r->order[i] = r->order[at], r->order[at] = (uint32_t)i;
    }
}

static int one_epoch(struct run *r, size_t epoch, struct sv_err *e) {
    struct sv_fit_prompt *p = r->p;
    const size_t embed = p->model->cfg.embed;
    double sum = 0;
    shuffle(r, epoch);
    for (size_t at = 0, n; at < r->n; at += n) {
        n = sv_min(p->cfg.batch, r->n - at);
        for (size_t b = 0; b < n; b++) {
            memcpy(r->rows + b * embed, r->video + r->order[at + b] * embed, embed * sizeof *r->rows);
            r->target[b] = p->label[r->order[at + b]];
        }
        r->step++;
        const double loss = sv_prompts_loss(r->prompts, r->rows, r->target, n, (float)(1 / sigma));
        if (!isfinite(loss)) return diverged(r, epoch, "loss", loss, e);
        if (!finite(sv_prompts_gradient(r->prompts), sv_prompts_floats(r->prompts))) return diverged(r, epoch, "gradient", (double)NAN, e);
        sv_prompts_update(r->prompts, p->o->lr);
        sum += loss * (double)n;
        snprintf(r->progress.note, sizeof r->progress.note, "epoch %zu of %zu, loss %.4f", epoch, p->o->epochs, sum / (double)(at + n));
        sv_progress_at(&r->progress, (epoch - 1) * r->n + at + n);
    }
    p->loss[p->epochs++] = sum / (double)r->n;
    return 0;
}

/* Learning from one's own labels sharpens them: it ends once an epoch's loss has fallen by less than 0.1 % twice running. */
static bool settled(const struct sv_fit_prompt *p) {
    const double *l = p->loss + p->epochs;
    return p->epochs > 2 && l[-1] > 0.999 * l[-2] && l[-2] > 0.999 * l[-3];
}

static int train(struct run *r, const struct sv_common *common, struct sv_err *e) {
    struct sv_fit_prompt *p = r->p;
    struct sv_answers now;
    int rc = 0;
    sv_progress_start(&r->progress, common, "prompts", "tubes", p->o->epochs * r->n);
    while (!rc && p->epochs < p->o->epochs && !settled(p)) {
        if (p->o->relabel && p->epochs) {
            sv_prompts_texts(r->prompts, r->text);
            rc = sv_answers_take(&now, p->cpu, r->text, p->actions->n, p->model->cfg.embed, r->video, r->n, sigma, p->label, e);
        }
        if (!rc) rc = one_epoch(r, p->epochs + 1, e);
        if (rc) break;
        sv_progress_end(&r->progress);
        sv_say(common, "prompts: epoch %zu: loss %.6f", p->epochs, p->loss[p->epochs - 1]);
        sv_progress_start(&r->progress, common, "prompts", "tubes", p->o->epochs * r->n);
    }
    sv_progress_end(&r->progress);
    if (!rc) sv_prompts_texts(r->prompts, r->text);
    return rc;
}

static int run(struct run *r, const struct sv_common *common, struct sv_err *e) {
    struct sv_fit_prompt *p = r->p;
    const size_t embed = p->model->cfg.embed, batch = p->cfg.batch = sv_min(p->cfg.batch, r->n);
    if (r->n > UINT32_MAX) return sv_fail(e, SV_EINPUT, "fit: %zu tubes, prompts are learned from at most %u", r->n, UINT32_MAX);
    r->prompts = sv_prompts_open(&p->model->store, p->cpu, &p->cfg, p->ids, p->start, p->actions->n, e);
    if (!r->prompts) return e && e->code ? e->code : SV_ENOMEM;
    p->floats = sv_prompts_floats(r->prompts), p->kept = sv_prompts_kept(r->prompts);
    if (!(r->order = sv_alloc(r->n, sizeof *r->order, e)) || !(r->rows = sv_alloc(batch, embed * sizeof *r->rows, e)) ||
        !(r->target = sv_alloc(batch, sizeof *r->target, e)) || !(p->context = sv_alloc(p->floats, sizeof *p->context, e)))
        return SV_ENOMEM;
    int rc = first_context(r, e);
    if (!rc) rc = train(r, common, e);
    for (size_t j = 0; !rc && j < p->actions->n; j++) rc = sv_check_finite(r->text + j * embed, embed, p->actions->name[j], e);
    if (!rc) memcpy(p->context, sv_prompts_context(r->prompts), p->floats * sizeof *p->context);
    return rc;
}

/* The token whose row has the largest cosine with each vector. */
static int find_near(struct sv_fit_prompt *p, struct sv_err *e) {
    const size_t w = p->model->cfg.text.width, k = p->cfg.k;
    const float *context = p->context + (p->cfg.per_class ? p->before.top[0] * k * w : 0);
    const struct sv_view *token = sv_store_find(&p->model->store, "clip.text.token");
    float *row = sv_alloc(w, sizeof *row, e), *unit = sv_alloc(k, w * sizeof *unit, e);
    const int rc = row && unit && (p->near = sv_alloc(k, sizeof *p->near, e)) ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < k * w; i++) unit[i] = (float)((double)context[i] * sv_unit_scale(context + i / w * w, w));
    for (size_t id = 0; !rc && id < p->model->cfg.vocab - 2; id++) {
        sv_view_f32(token, id * w, w, row);
        const float scale = (float)sv_unit_scale(row, w);
        for (size_t i = 0; i < k; i++) {
            const float cos = scale * p->cpu->kern->dot(row, unit + i * w, w);
            if (!id || cos > p->near[i].cos) p->near[i].id = (int32_t)id, p->near[i].cos = cos;
        }
    }
    if (!rc) sv_store_forget(&p->model->store, token);
    sv_free(row), sv_free(unit);
    return rc;
}

int sv_fit_prompt_learn(struct sv_fit_prompt *p, const struct sv_common *common, const float *video, size_t n, float *text, struct sv_err *e) {
    const size_t texts = p->actions->n, embed = p->model->cfg.embed;
    struct run r = { .p = p, .video = video, .n = n, .text = text };
    if (!p->cfg.k) return 0;
    p->tubes = n;
    int rc = (p->label = sv_alloc(n, sizeof *p->label, e)) ? 0 : SV_ENOMEM;
    if (!rc) rc = sv_answers_take(&p->before, p->cpu, text, texts, embed, video, n, sigma, p->label, e);
    if (!rc) rc = run(&r, common, e);
    sv_prompts_free(r.prompts);
    sv_free(r.order), sv_free(r.rows), sv_free(r.target);
    if (!rc) rc = sv_answers_take(&p->after, p->cpu, text, texts, embed, video, n, sigma, NULL, e);
    if (!rc) rc = find_near(p, e);
    const char *why = rc ? NULL : sv_answers_collapsed(&p->before, &p->after);
    if (why) sv_say(common, "warning: the responses collapsed: %s; try fewer --prompt-epochs, a --prompt-init, or plain texts (--prompts 0)", why);
    return rc;
}

void sv_fit_prompt_free(struct sv_fit_prompt *p) {
    sv_free(p->ids), sv_free(p->start), sv_free(p->phrase), sv_free(p->context), sv_free(p->label), sv_free(p->near);
    *p = (struct sv_fit_prompt){0};
}

/* ---- what is told ---- */

static const char *whose(const struct sv_fit_prompt *p) { return p->cfg.per_class ? "of each text's own" : "the same for all texts"; }

static double share(const struct sv_fit_prompt *p, size_t i) { return (double)p->before.count[i] / (double)p->tubes; }

void sv_fit_prompt_print(const struct sv_fit_prompt *p) {
    const struct sv_answers *a = &p->before, *b = &p->after;
    char word[128];
    bool end;
    if (!p->cfg.k) return;
    printf("pseudo-labels: %zu of %zu actions, entropy %.2f of %.2f bits:", a->used, p->actions->n, a->entropy, log2((double)p->actions->n));
    for (size_t i = 0; i < sv_min(SV_ANSWERS_TOP, a->used); i++) printf("%s %.1f %% \"%s\"", i ? "," : "", 100 * share(p, i), p->actions->name[a->top[i]]);
    printf("\nprompts: %zu vectors (%s, %s), mean loss of %zu epochs:", p->cfg.k, places[p->cfg.place], whose(p), p->epochs);
    for (size_t i = 0; i < p->epochs; i++) printf(" %.6g", p->loss[i]);
    printf("\nnearest tokens");
    if (p->cfg.per_class) printf(" of \"%s\"", p->actions->name[a->top[0]]);
    for (size_t i = 0; i < p->cfg.k; i++) {
        sv_token_text(p->model->token, p->near[i].id, word, sizeof word, &end);
        printf("%s \"%s%s\" %.2f", i ? "," : ":", word, end ? "" : "-", (double)p->near[i].cos);
    }
    printf("\nresponses, before and after: between tubes %.3g, %.3g; along actions %.3g, %.3g; certainty %.3g, %.3g; answering actions %zu, %zu\n",
           a->between, b->between, a->along, b->along, a->certainty, b->certainty, a->used, b->used);
}

static void put_answers(struct sv_json_out *o, const char *key, const struct sv_answers *a) {
    sv_json_open(o, key, '{');
    sv_json_put_real(o, "between", a->between);
    sv_json_put_real(o, "along", a->along);
    sv_json_put_real(o, "certainty", a->certainty);
    sv_json_put_int(o, "actions", (int64_t)a->used);
    sv_json_put_real(o, "entropy", a->entropy);
    sv_json_close(o);
}

void sv_fit_prompt_put(const struct sv_fit_prompt *p, struct sv_json_out *o) {
    char word[128];
    if (!p->cfg.k) return;
    sv_json_open(o, "prompts", '{');
    sv_json_put_int(o, "vectors", (int64_t)p->cfg.k);
    sv_json_put_text(o, "place", places[p->cfg.place]);
    sv_json_put_bool(o, "per_class", p->cfg.per_class);
    sv_json_open(o, "loss", '[');
    for (size_t i = 0; i < p->epochs; i++) sv_json_put_real(o, NULL, p->loss[i]);
    sv_json_close(o);
    sv_json_open(o, "labels", '[');
    for (size_t i = 0; i < sv_min(SV_ANSWERS_TOP, p->before.used); i++) {
        sv_json_open(o, NULL, '{');
        sv_json_put_text(o, "action", p->actions->name[p->before.top[i]]);
        sv_json_put_real(o, "share", share(p, i));
        sv_json_close(o);
    }
    sv_json_close(o);
    sv_json_open(o, "nearest", '[');
    for (size_t i = 0; i < p->cfg.k; i++) {
        sv_token_text(p->model->token, p->near[i].id, word, sizeof word, NULL);
        sv_json_open(o, NULL, '{');
        sv_json_put_text(o, "token", word);
        sv_json_put_f32(o, "cos", p->near[i].cos);
        sv_json_close(o);
    }
    sv_json_close(o);
    put_answers(o, "before", &p->before), put_answers(o, "after", &p->after);
    sv_json_put_text(o, "collapsed", sv_answers_collapsed(&p->before, &p->after));
    sv_json_close(o);
}
