/* train_state.c - a training on disk, whole at any moment.
 *
 * A container of kind "training".  values: set (the identity of the file of features), the settings by name, step, epoch, at,
 * loss, top1, top5, best_epoch, best_loss.  tensors: the parameters by their names in a model, and m, v, best f32 [n] in the same
 * order.  The order of the epoch's samples is not stored: it follows from seed and epoch. */
#include "io/container.h"
#include "tools/train.h"

#include <math.h>
#include <string.h>

enum { SETTINGS = 15 };
struct setting { const char *name; double value; };

/* What must be equal for a training to go on as the same one. */
static void settings(const struct sv_train_opts *o, struct setting out[SETTINGS]) {
    const struct setting all[SETTINGS] = {
        { "frames", (double)o->tfc.frames }, { "layers", (double)o->tfc.stack.layers }, { "alpha", (double)o->tfc.alpha },
        { "beta", (double)o->tfc.beta }, { "sigma", o->sigma }, { "lr", o->lr }, { "weight-decay", o->decay }, { "val", o->val },
        { "clip-norm", o->clip }, { "batch", (double)o->batch }, { "seed", (double)o->seed }, { "tubes-per-video", (double)o->tubes },
        { "norm-then-blend", o->tfc.norm_then_blend ? 1 : 0 }, { "warmup", (double)o->warm }, { "cosine over epochs", o->cosine ? (double)o->epochs : 0 },
    };
    memcpy(out, all, sizeof all);
}

static int put_values(const struct sv_train *t, struct sv_store *st, struct sv_err *e) {
    struct setting s[SETTINGS];
    char id[SV_IDENTITY];
    settings(t->o, s);
    sv_identity(&t->set->file, "", id);
    int rc = sv_store_set_text(st, "set", id, e);
    if (!rc) rc = sv_store_set_text(st, "backbone", t->o->tfc.backbone, e);
    for (size_t i = 0; !rc && i < SETTINGS; i++) rc = sv_store_set_real(st, s[i].name, s[i].value, e);
    if (!rc) rc = sv_store_set_int(st, "step", (int64_t)t->step, e);
    if (!rc) rc = sv_store_set_int(st, "epoch", (int64_t)t->epoch, e);
    if (!rc) rc = sv_store_set_int(st, "at", (int64_t)t->at, e);
    if (!rc) rc = sv_store_set_real(st, "loss", t->tally.loss, e);
    if (!rc) rc = sv_store_set_int(st, "top1", (int64_t)t->tally.top1, e);
    if (!rc) rc = sv_store_set_int(st, "top5", (int64_t)t->tally.top5, e);
    if (!rc) rc = sv_store_set_int(st, "best_epoch", (int64_t)t->best_epoch, e);
    return rc ? rc : sv_store_set_real(st, "best_loss", t->best_loss, e);
}

int sv_train_save(const struct sv_train *t, const char *path, struct sv_err *e) {
    struct sv_store st = {0};
    const size_t n = t->flat.n;
    int rc = sv_store_init(&st, path, e);
    if (!rc) rc = put_values(t, &st, e);
    if (!rc) rc = sv_flat_write(&t->flat, &st, e);
    if (!rc) rc = sv_store_add(&st, "m", SV_F32, 1, &n, t->m, 4 * n, e);
    if (!rc) rc = sv_store_add(&st, "v", SV_F32, 1, &n, t->v, 4 * n, e);
    if (!rc) rc = sv_store_add(&st, "best", SV_F32, 1, &n, t->best, 4 * n, e);
    if (!rc) rc = sv_container_write(path, "training", &st, e);
    sv_store_free(&st);
    return rc;
}

static int check_settings(const struct sv_train *t, const struct sv_store *st, struct sv_err *e) {
    struct setting s[SETTINGS];
    char id[SV_IDENTITY];
    const char *set, *backbone;
    settings(t->o, s);
    sv_identity(&t->set->file, "", id);
    int rc = sv_store_get_text(st, "set", &set, e);
    if (!rc) rc = sv_store_get_text(st, "backbone", &backbone, e);
    if (rc) return rc;
    if (strcmp(set, id)) return sv_fail(e, SV_EINPUT, "%s: the training of other features: %.40s, expected %s", st->file, set, id);
    if (strcmp(backbone, t->o->tfc.backbone))
        return sv_fail(e, SV_EINPUT, "%s: the training of backbone %.40s, expected %s", st->file, backbone, t->o->tfc.backbone);
    for (size_t i = 0; i < SETTINGS; i++) {
        double found;
        if ((rc = sv_store_get_real(st, s[i].name, -INFINITY, INFINITY, &found, e))) return rc;
        if (fabs(found - s[i].value) > 0)
            return sv_fail(e, SV_EINPUT, "%s: a training with %s %g, expected %g", st->file, s[i].name, found, s[i].value);
    }
    return 0;
}

static int take_values(struct sv_train *t, const struct sv_store *st, struct sv_err *e) {
    int64_t step, epoch, at, top1, top5, best;
    const int64_t most = (int64_t)t->samples;
    int rc = sv_store_get_int(st, "step", 0, INT64_MAX, &step, e);
    if (!rc) rc = sv_store_get_int(st, "epoch", 0, INT32_MAX, &epoch, e);
    if (!rc) rc = sv_store_get_int(st, "at", 0, most, &at, e);
    if (!rc) rc = sv_store_get_real(st, "loss", -INFINITY, INFINITY, &t->tally.loss, e);
    if (!rc) rc = sv_store_get_int(st, "top1", 0, at, &top1, e);
    if (!rc) rc = sv_store_get_int(st, "top5", 0, at, &top5, e);
    if (!rc) rc = sv_store_get_int(st, "best_epoch", 0, epoch, &best, e);
    if (!rc) rc = sv_store_get_real(st, "best_loss", -INFINITY, INFINITY, &t->best_loss, e);
    if (rc) return rc;
    t->step = (uint64_t)step, t->epoch = (size_t)epoch, t->at = (size_t)at, t->best_epoch = (size_t)best;
    t->tally.n = t->at, t->tally.top1 = (size_t)top1, t->tally.top5 = (size_t)top5;
    return 0;
}

static int take_vector(const struct sv_store *st, const char *name, size_t n, float *out, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = sv_store_expect(st, name, 1 << SV_F32, 1, &n, &v, e);
    if (!rc) memcpy(out, v->data, v->bytes);
    return rc;
}

int sv_train_load(struct sv_train *t, const char *path, struct sv_err *e) {
    struct sv_file f;
    struct sv_store st = {0};
    int rc = sv_file_map(&f, path, e);
    if (rc) return rc;
    rc = sv_store_init(&st, path, e);
    if (!rc) rc = sv_container_read(&f, "training", &st, e);
    if (!rc) rc = sv_container_verify(&f, e);
    if (!rc) rc = check_settings(t, &st, e);
    if (!rc) rc = take_values(t, &st, e);
    if (!rc) rc = sv_flat_read(&t->flat, &st, e);
    if (!rc) rc = take_vector(&st, "m", t->flat.n, t->m, e);
    if (!rc) rc = take_vector(&st, "v", t->flat.n, t->v, e);
    if (!rc) rc = take_vector(&st, "best", t->flat.n, t->best, e);
    if (!rc) sv_train_begin(t);
    sv_store_free(&st);
    sv_file_close(&f);
    return rc;
}
