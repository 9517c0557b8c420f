/* street_state.c - a training of the small CLIP on disk, and the model that comes of it.
 *
 * A container of kind "street".  values: the settings by name, steps, step, round, at.  tensors: the parameters by their names in a model;
 * m, v f32 [n] in the same order; scale f32 [3] with its moments; merges u8. */
#include "io/container.h"
#include "tools/actions.h"
#include "tools/feature.h"
#include "tools/fit_prompt.h"
#include "tools/street_train.h"

#include <math.h>
#include <string.h>

enum { SETTINGS = 14 };
struct setting { const char *name; double value; };

/* What must be equal for a training to go on as the same one. */
static void settings(const struct sv_street_opts *o, struct setting out[SETTINGS]) {
    const struct setting all[SETTINGS] = {
        { "seed", (double)o->seed }, { "batch", (double)o->batch }, { "worlds", (double)o->worlds },
        { "width", (double)o->width }, { "layers", (double)o->layers }, { "text-width", (double)o->text_width }, { "text-layers", (double)o->text_layers },
        { "embed", (double)o->embed }, { "merges", (double)o->merges }, { "lr", o->lr }, { "weight-decay", o->decay }, { "kinds", o->kinds }, { "warmup", (double)o->warm },
        { "muon", o->muon },
    };
    memcpy(out, all, sizeof all);
}

static int put(const struct sv_street_train *t, struct sv_store *st, struct sv_err *e) {
    const size_t n = t->flat.n, three = 3, merges = strlen(t->merges);
    struct setting s[SETTINGS];
    int rc = 0;
    settings(t->o, s);
    for (size_t i = 0; !rc && i < SETTINGS; i++) rc = sv_store_set_real(st, s[i].name, s[i].value, e);
    if (!rc) rc = sv_store_set_int(st, "steps", (int64_t)t->o->steps, e);
    if (!rc) rc = sv_store_set_int(st, "step", (int64_t)t->step, e);
    if (!rc) rc = sv_store_set_int(st, "round", (int64_t)t->round, e);
    if (!rc) rc = sv_store_set_int(st, "at", (int64_t)t->at, e);
    if (!rc) rc = sv_flat_write(&t->flat, st, e);
    if (!rc) rc = sv_store_add(st, "m", SV_F32, 1, &n, t->m, 4 * n, e);
    if (!rc) rc = sv_store_add(st, "v", SV_F32, 1, &n, t->v, 4 * n, e);
    if (!rc) rc = sv_store_add(st, "scale", SV_F32, 1, &three, t->scale, 12, e);
    return rc ? rc : sv_store_add(st, "merges", SV_U8, 1, &merges, t->merges, merges, e);
}

int sv_street_save(const struct sv_street_train *t, const char *path, struct sv_err *e) {
    struct sv_store st = {0};
    int rc = sv_store_init(&st, path, e);
    if (!rc) rc = put(t, &st, e);
    if (!rc) rc = sv_container_write(path, "street", &st, e);
    sv_store_free(&st);
    return rc;
}

static int check(const struct sv_street_train *t, const struct sv_store *st, struct sv_err *e) {
    const struct sv_view *v;
    const size_t merges = strlen(t->merges);
    struct setting s[SETTINGS];
    settings(t->o, s);
    for (size_t i = 0; i < SETTINGS; i++) {
        double found;
        const int rc = sv_store_get_real(st, s[i].name, -INFINITY, INFINITY, &found, e);
        if (rc) return rc;
        if (fabs(found - s[i].value) > 0) return sv_fail(e, SV_EINPUT, "%s: a training with %s %g, expected %g", st->file, s[i].name, found, s[i].value);
    }
    const int rc = sv_store_expect(st, "merges", 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &v, e);
    if (rc) return rc;
    if (v->bytes == merges && !memcmp(v->data, t->merges, merges)) return 0;
    return sv_fail(e, SV_EINPUT, "%s: a training with other words: the world has changed since", st->file);
}

static int take_vector(const struct sv_store *st, const char *name, size_t n, float *out, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = sv_store_expect(st, name, 1 << SV_F32, 1, &n, &v, e);
    if (!rc) memcpy(out, v->data, v->bytes);
    return rc;
}

static int take(struct sv_street_train *t, const struct sv_store *st, struct sv_err *e) {
    int64_t steps, step, round, at;
    int rc = check(t, st, e);
    if (!rc) rc = sv_store_get_int(st, "steps", 1, INT32_MAX, &steps, e);
    if (!rc) rc = sv_store_get_int(st, "step", 0, steps, &step, e);
    if (!rc && (size_t)steps != t->o->steps && (size_t)step > sv_min(sv_street_plain((size_t)steps), sv_street_plain(t->o->steps)))
        rc = sv_fail(e, SV_EINPUT, "%s: a training of %lld steps behind step %lld, where its rate falls already: expected --steps %lld", st->file, (long long)steps, (long long)step, (long long)steps);
    if (!rc) rc = sv_store_get_int(st, "round", 0, INT32_MAX, &round, e);
    if (!rc) rc = sv_store_get_int(st, "at", 0, INT32_MAX, &at, e);
    if (!rc) rc = sv_flat_read(&t->flat, st, e);
    if (!rc) rc = take_vector(st, "m", t->flat.n, t->m, e);
    if (!rc) rc = take_vector(st, "v", t->flat.n, t->v, e);
    if (!rc) rc = take_vector(st, "scale", 3, t->scale, e);
    if (rc) return rc;
    t->step = (uint64_t)step;
    if ((rc = sv_street_round(t, (uint64_t)round, e))) return rc;
    t->at = (size_t)at;
    return t->at <= t->orders ? 0 : sv_fail(e, SV_EINPUT, "%s: at is %zu, of %zu samples", st->file, t->at, t->orders);
}

int sv_street_load(struct sv_street_train *t, const char *path, struct sv_err *e) {
    struct sv_file f;
    struct sv_store st = {0};
    int rc = sv_file_map(&f, path, e);
    if (rc) return rc;
    rc = sv_store_init(&st, path, e);
    if (!rc) rc = sv_container_read(&f, "street", &st, e);
    if (!rc) rc = sv_container_verify(&f, e);
    if (!rc) rc = take(t, &st, e);
    sv_store_free(&st);
    sv_file_close(&f);
    return rc;
}

/* ---- the model ---- */

/* How fit begins its prompts with this model: best of a few on validation days (bench/RESULTS.md). */
static const char phrase[] = "a person is";
enum { PROMPT_EPOCHS = 10 };

/* All deeds, a line each: what fit takes responses to. */
static int put_actions(struct sv_store *st, struct sv_err *e) {
    const size_t n = sv_street_deeds(NULL, 0);
    struct sv_street_deed *deed = sv_store_alloc(st, n, sizeof *deed, e);
    char *text = sv_store_alloc(st, n, SV_STREET_TEXT + 1, e), one[SV_STREET_TEXT];
    size_t at = 0;
    if (!deed || !text) return SV_ENOMEM;
    sv_street_deeds(deed, n);
    for (size_t i = 0; i < n; i++) {
        sv_street_deed_text(&deed[i], one);
        const size_t len = strlen(one);
        memcpy(text + at, one, len), text[at + len] = '\n', at += len + 1;
    }
    return sv_store_add(st, SV_ACTIONS_TENSOR, SV_U8, 1, &at, text, at, e);
}

static int put_half(struct sv_store *st, const struct sv_view *v, struct sv_err *e) {
    uint16_t *half = sv_store_alloc(st, v->count, 2, e);
    int rc = half ? sv_narrow(half, SV_F16, v->data, v->count, e) : SV_ENOMEM;
    return rc ? rc : sv_store_add(st, v->name, SV_F16, v->rank, v->dim, half, 2 * v->count, e);
}

int sv_street_model(const struct sv_street_train *t, struct sv_store *st, bool half, struct sv_err *e) {
    struct sv_clip_config g = t->cfg;
    const size_t merges = strlen(t->merges);
    g.logit_scale = (double)t->scale[0];
    int rc = sv_clip_config_write(&g, st, e);
    for (size_t i = 0; !rc && half && i < t->flat.store.views; i++) rc = put_half(st, &t->flat.store.view[i], e);
    if (!rc && !half) rc = sv_flat_write(&t->flat, st, e);
    if (!rc) rc = sv_store_add(st, "clip.merges", SV_U8, 1, &merges, t->merges, merges, e);
    if (!rc) rc = sv_store_set_text(st, SV_PROMPT_MODEL_INIT, phrase, e);
    if (!rc) rc = sv_store_set_int(st, SV_PROMPT_MODEL_EPOCHS, PROMPT_EPOCHS, e);
    return rc ? rc : put_actions(st, e);
}

int sv_street_export(const struct sv_street_train *t, const char *path, const char *commit, struct sv_err *e) {
    struct sv_store st = {0};
    int rc = sv_store_init(&st, path, e);
    if (!rc) rc = sv_street_model(t, &st, true, e);
    if (!rc) rc = sv_store_set_int(&st, "street.seed", (int64_t)t->o->seed, e);
    if (!rc) rc = sv_store_set_int(&st, "street.steps", (int64_t)t->step, e);
    if (!rc && commit) rc = sv_store_set_text(&st, "street.commit", commit, e);
    if (!rc) rc = sv_container_write(path, "model", &st, e);
    sv_store_free(&st);
    return rc;
}
