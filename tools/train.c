#include "tools/train.h"

#include "core/rng.h"
#include "nn/loss.h"
#include "tools/stop.h"

#include <math.h>
#include <string.h>

/* Tubes that travel through the fusion at once: activations are held for so many.  A constant, for sums depend on it. */
enum { CHUNK = 64 };

/* ---- opening ---- */

static int allocate(struct sv_train *t, struct sv_err *e) {
    const size_t n = t->flat.n, embed = t->set->embed, tube = t->o->tfc.frames * embed;
    t->samples = t->rows * t->o->tubes;
    if (!(t->m = sv_alloc(n, sizeof *t->m, e)) || !(t->v = sv_alloc(n, sizeof *t->v, e)) || !(t->best = sv_alloc(n, sizeof *t->best, e)) ||
        !(t->pick = sv_alloc(t->samples, sizeof *t->pick, e)) || !(t->feats = sv_alloc(CHUNK, tube * sizeof *t->feats, e)) ||
        !(t->video = sv_alloc(CHUNK, embed * sizeof *t->video, e)) || !(t->dvideo = sv_alloc(CHUNK, embed * sizeof *t->dvideo, e)) ||
        !(t->scratch = sv_alloc(sv_nce_floats(t->cpu, CHUNK, t->set->classes.n, embed), sizeof *t->scratch, e)) ||
        !(t->target = sv_alloc(CHUNK, sizeof *t->target, e)) || !(t->rank = sv_alloc(CHUNK, sizeof *t->rank, e)))
        return SV_ENOMEM;
    return 0;
}

int sv_train_open(struct sv_train *t, const struct sv_train_opts *o, const struct sv_train_set *set, const struct sv_cpu *cpu,
                  const float *text, const struct sv_store *clip, struct sv_err *e) {
    *t = (struct sv_train){ .o = o, .set = set, .cpu = cpu, .text = text, .best_loss = INFINITY };
    struct sv_store first = {0};
    int rc = sv_train_split(t, e);
    if (!rc) rc = sv_store_init(&first, "the first parameters", e);
    if (!rc) rc = sv_tfc_init(&first, &o->tfc, o->seed, clip, e);
    if (!rc) rc = sv_flat_init(&t->flat, &first, "tfc.", e);
    if (!rc) rc = allocate(t, e);
    if (!rc && !(t->tfc = sv_tfc_train_open(&o->tfc, &t->flat, cpu, CHUNK, e))) rc = e && e->code ? e->code : SV_ENOMEM;
    if (!rc) sv_train_begin(t);
    else sv_train_close(t);
    sv_store_free(&first);
    return rc;
}

void sv_train_close(struct sv_train *t) {
    sv_tfc_train_free(t->tfc);
    sv_flat_free(&t->flat);
    sv_free(t->row), sv_free(t->held), sv_free(t->m), sv_free(t->v), sv_free(t->best), sv_free(t->pick);
    sv_free(t->feats), sv_free(t->video), sv_free(t->dvideo), sv_free(t->scratch), sv_free(t->target), sv_free(t->rank);
    *t = (struct sv_train){0};
}

/* The tubes of an epoch and their order; the generator begins anew in each, so that any epoch can be begun. */
static void draw(struct sv_train *t) {
    uint64_t rng = t->o->seed * 0x9e3779b97f4a7c15u + t->epoch;
    size_t n = 0;
    for (size_t i = 0; i < t->rows; i++)
        for (size_t k = 0; k < t->o->tubes; k++) {
            const size_t first = t->set->first[t->row[i]], tubes = t->set->first[t->row[i] + 1] - first;
            const size_t at = sv_rng_below(&rng, ++n), tube = first + sv_rng_below(&rng, tubes);
            t->pick[n - 1] = t->pick[at], t->pick[at] = (uint32_t)tube;
        }
}

void sv_train_begin(struct sv_train *t) {
    draw(t);
    sv_tfc_train_reload(t->tfc);
}

/* ---- one pass ---- */

/* The row that a tube belongs to. */
static size_t row_of(const struct sv_train_set *s, size_t tube) {
    size_t lo = 0, hi = s->rows;        /* first[lo] <= tube < first[hi] */
    while (hi - lo > 1) {
        const size_t mid = (lo + hi) / 2;
        if (s->first[mid] <= tube) lo = mid;
        else hi = mid;
    }
    return lo;
}

/* n <= CHUNK tubes through the fusion to the loss; with back to the gradient, of which they make up `share`. */
static void pass(struct sv_train *t, const uint32_t *tube, size_t n, bool back, float share, struct sv_tally *sum) {
    const size_t embed = t->set->embed, size = t->o->tfc.frames * embed;
    for (size_t i = 0; i < n; i++) {
        sv_train_set_tube(t->set, tube[i], t->feats + i * size);
        t->target[i] = t->set->label[row_of(t->set, tube[i])];
    }
    sv_tfc_train_forward(t->tfc, t->feats, n, t->video);
    const struct sv_nce x = { n, t->set->classes.n, embed, t->video, t->text, t->target, (float)(1 / t->o->sigma), false };
    const struct sv_nce_out out = { .dvideo = back ? t->dvideo : NULL, .rank = t->rank };
    sum->loss += sv_nce(t->cpu, &x, &out, t->scratch) * (double)n;
    for (size_t i = 0; i < n; i++) sum->n++, sum->top1 += t->rank[i] < 1, sum->top5 += t->rank[i] < 5;
    if (!back) return;
    for (size_t i = 0; i < n * embed; i++) t->dvideo[i] *= share;
    sv_tfc_train_back(t->tfc, t->dvideo);
}

static bool finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

/* Why a loss is not finite: what went into it is looked at, from the data on. */
static int diverged(const struct sv_train *t, const uint32_t *tube, size_t n, const char *what, double value, struct sv_err *e) {
    const struct sv_train_set *s = t->set;
    const size_t size = t->o->tfc.frames * s->embed;
    const unsigned long long step = (unsigned long long)t->step + 1;
    for (size_t i = 0; i < n; i++) {
        sv_train_set_tube(s, tube[i], t->feats);
        if (!finite(t->feats, size))
            return sv_fail(e, SV_ECHECK, "step %llu (epoch %zu): the %s is %g: tube %u of %s, of class \"%.100s\", holds a feature that is not finite",
                           step, t->epoch + 1, what, value, tube[i], s->store.file, s->classes.name[s->label[row_of(s, tube[i])]]);
    }
    if (!finite(t->text, s->classes.n * s->embed))
        return sv_fail(e, SV_ECHECK, "step %llu (epoch %zu): the %s is %g: a text feature is not finite", step, t->epoch + 1, what, value);
    return sv_fail(e, SV_ECHECK, "step %llu (epoch %zu): the %s is %g, with finite features: the parameters have grown out of bounds; lower --lr (%g)",
                   step, t->epoch + 1, what, value, t->o->lr);
}

int sv_train_step(struct sv_train *t, struct sv_tally *batch, struct sv_err *e) {
    const struct sv_train_opts *o = t->o;
    const size_t n = sv_min(o->batch, t->samples - t->at);
    const uint32_t *pick = t->pick + t->at;
    *batch = (struct sv_tally){0};
    memset(t->flat.grads, 0, t->flat.n * sizeof *t->flat.grads);
    for (size_t i = 0; i < n; i += CHUNK) {
        if (sv_stop_wanted()) return SV_STOPPED;
        const size_t part = sv_min(CHUNK, n - i);
        pass(t, pick + i, part, true, (float)part / (float)n, batch);
        if (!isfinite(batch->loss)) return diverged(t, pick + i, part, "loss", batch->loss, e);
    }
    const double norm = sv_clip_norm(t->cpu->pool, t->flat.grads, t->flat.n, o->clip);
    if (!isfinite(norm)) return diverged(t, pick, n, "gradient", norm, e);
    const uint64_t steps = sv_ceil_div(t->samples, o->batch) * o->epochs;
    const struct sv_schedule lr = { o->lr, o->warm, steps, o->cosine };
    const struct sv_adamw adamw = { 0.9, 0.999, 1e-8, o->decay };
    sv_adamw_step(t->cpu->pool, &adamw, sv_schedule_lr(&lr, t->step), t->step + 1, t->flat.params, t->m, t->v, t->flat.grads, t->flat.n);
    sv_tfc_train_reload(t->tfc);
    t->step++, t->at += n;
    t->tally.loss += batch->loss, t->tally.n += batch->n, t->tally.top1 += batch->top1, t->tally.top5 += batch->top5;
    return 0;
}

/* Each held-out row by the `tubes` of its tubes that lie evenly in it; with one, its middle. */
static int judge(struct sv_train *t, struct sv_tally *held, struct sv_err *e) {
    const size_t each = t->o->tubes, total = t->helds * each;
    uint32_t tube[CHUNK];
    *held = (struct sv_tally){0};
    for (size_t i = 0, n; i < total; i += n) {
        if (sv_stop_wanted()) return SV_STOPPED;
        n = sv_min(CHUNK, total - i);
        for (size_t k = 0; k < n; k++) {
            const size_t first = t->set->first[t->held[(i + k) / each]], tubes = t->set->first[t->held[(i + k) / each] + 1] - first;
            tube[k] = (uint32_t)(first + tubes * (2 * ((i + k) % each) + 1) / (2 * each));
        }
        pass(t, tube, n, false, 0, held);
        if (!isfinite(held->loss)) return diverged(t, tube, n, "held-out loss", held->loss, e);
    }
    return 0;
}

int sv_train_epoch(struct sv_train *t, struct sv_tally *held, struct sv_err *e) {
    const int rc = judge(t, held, e);
    if (rc) return rc;
    const double loss = held->n ? held->loss / (double)held->n : -INFINITY;     /* none held out: the last is the best */
    t->epoch++, t->at = 0, t->tally = (struct sv_tally){0};
    if (!held->n || loss < t->best_loss) {
        t->best_loss = loss, t->best_epoch = t->epoch;
        memcpy(t->best, t->flat.params, t->flat.n * sizeof *t->best);
    }
    draw(t);
    return 0;
}

bool sv_train_done(const struct sv_train *t) {
    return t->epoch >= t->o->epochs || (t->o->patience && t->helds && t->epoch >= t->best_epoch + t->o->patience);
}
