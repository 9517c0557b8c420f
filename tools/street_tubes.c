#include "tools/street_tubes.h"

#include "io/container.h"
#include "tools/feature.h"
#include "tools/model.h"
#include "tools/stop.h"
#include "tools/street.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 128 /* worlds filmed at a time */, BATCH = 64 };

struct tubes {
    const struct sv_cpu *cpu;
    struct sv_model model;
    struct sv_clip *clip;
    struct sv_crop crop;
    struct sv_street_roll roll;
    float *pixels, *out;                /* [BATCH, 3, 64, 64], [BATCH, E] */
    uint16_t *half; size_t cap;         /* [n, 9, E]; cap in tubes */
    int32_t *label, *video; size_t n;
};

static int open_tubes(struct tubes *t, const char *model, struct sv_err *e) {
    int rc = sv_model_open(&t->model, model, e);
    if (rc) return rc;
    const struct sv_clip_config *g = &t->model.cfg;
    if (g->image_size != SV_STREET_SIDE || !g->square_crop)
        return sv_fail(e, SV_EINPUT, "%s: a model of %zu pixels and %s crops, expected %d and square", model, g->image_size, g->square_crop ? "square" : "squashed", SV_STREET_SIDE);
    if (!(t->clip = sv_clip_open(&t->model.store, t->cpu, SV_CLIP_IMAGE, BATCH, e))) return e && e->code ? e->code : SV_ENOMEM;
    if ((rc = sv_crop_init(&t->crop, SV_STREET_SIDE, 1, 1, g->mean, g->std, e))) return rc;
    if (!(t->pixels = sv_alloc(BATCH, SV_STREET_PIXELS * sizeof *t->pixels, e)) || !(t->out = sv_alloc(BATCH, g->embed * sizeof *t->out, e))) return SV_ENOMEM;
    return 0;
}

/* Room for `more` tubes. */
static int room(struct tubes *t, size_t more, struct sv_err *e) {
    const size_t tube = SV_STREET_FRAMES * t->model.cfg.embed, want = t->n + more;
    if (want <= t->cap) return 0;
    const size_t cap = sv_max(want, 2 * t->cap);
    uint16_t *half = sv_alloc(cap, tube * sizeof *half, e);
    int32_t *label = sv_alloc(cap, sizeof *label, e), *video = sv_alloc(cap, sizeof *video, e);
    if (!half || !label || !video) {
        sv_free(half), sv_free(label), sv_free(video);
        return SV_ENOMEM;
    }
    if (t->n) memcpy(half, t->half, t->n * tube * sizeof *half), memcpy(label, t->label, t->n * sizeof *label), memcpy(video, t->video, t->n * sizeof *video);
    sv_free(t->half), sv_free(t->label), sv_free(t->video);
    t->half = half, t->label = label, t->video = video, t->cap = cap;
    return 0;
}

static int see(struct tubes *t, struct sv_err *e) {
    const size_t embed = t->model.cfg.embed, first = t->n * SV_STREET_FRAMES;
    int rc = room(t, t->roll.n / SV_STREET_FRAMES, e);
    for (size_t i = 0, n; !rc && i < t->roll.n; i += n) {
        n = sv_min(BATCH, t->roll.n - i);
        for (size_t k = 0; k < n; k++) sv_street_pixels((const float (*)[256])t->crop.table, &t->roll.sample[i + k], t->pixels + k * SV_STREET_PIXELS);
        sv_clip_image(t->clip, t->pixels, n, t->out);
        rc = sv_check_finite(t->out, n * embed, t->model.store.file, e);
        if (!rc) rc = sv_narrow(t->half + (first + i) * embed, SV_F16, t->out, n * embed, e);
    }
    for (size_t i = 0; !rc && i < t->roll.n; i += SV_STREET_FRAMES, t->n++)
        t->label[t->n] = t->roll.sample[i].deed, t->video[t->n] = (int32_t)t->roll.sample[i].world;
    return rc;
}

/* Only deeds that some tube shows are classes: their numbers close up.  Each tube is a row. */
static int put(struct tubes *t, struct sv_store *st, struct sv_err *e) {
    const size_t deeds = sv_street_deeds(NULL, 0), rows = t->n, starts = rows + 1, dim[3] = { rows, SV_STREET_FRAMES, t->model.cfg.embed };
    struct sv_street_deed *deed = sv_store_alloc(st, deeds, sizeof *deed, e);
    int32_t *number = sv_store_alloc(st, deeds, sizeof *number, e), n = 0;
    int64_t *first = sv_store_alloc(st, starts, sizeof *first, e);
    char *names = sv_store_alloc(st, deeds, SV_STREET_TEXT + 1, e), one[SV_STREET_TEXT];
    struct sv_rule rule = { .tube = { SV_STREET_FRAMES, 1 }, .seconds = t->model.cfg.tube_seconds, .square = true, .every = 1, .min_score = 0.5 };
    size_t bytes = 0;
    if (!deed || !number || !first || !names) return SV_ENOMEM;
    sv_street_deeds(deed, deeds);
    for (size_t i = 0; i < rows; i++) number[t->label[i]] = 1, first[i + 1] = (int64_t)i + 1;
    for (size_t i = 0; i < deeds; i++) {
        if (!number[i]) continue;
        number[i] = n++;
        sv_street_deed_text(&deed[i], one);
        bytes += (size_t)sprintf(names + bytes, "%s\n", one);
    }
    for (size_t i = 0; i < rows; i++) t->label[i] = number[t->label[i]];
    sv_identity(&t->model.file, "clip.", rule.clip);
    int rc = sv_rule_write(&rule, st, e);
    if (!rc) rc = sv_store_set_text(st, "list", "", e);
    if (!rc) rc = sv_store_add(st, "features", SV_F16, 3, dim, t->half, 2 * rows * dim[1] * dim[2], e);
    if (!rc) rc = sv_store_add(st, "first", SV_I64, 1, &starts, first, 8 * starts, e);
    if (!rc) rc = sv_store_add(st, "label", SV_I32, 1, &rows, t->label, 4 * rows, e);
    if (!rc) rc = sv_store_add(st, "video", SV_I32, 1, &rows, t->video, 4 * rows, e);
    return rc ? rc : sv_store_add(st, "labels", SV_U8, 1, &bytes, names, bytes, e);
}

static int make(struct tubes *t, const char *path, size_t seed, size_t worlds, const struct sv_common *common, struct sv_err *e) {
    struct sv_progress p;
    struct sv_store st = {0};
    int rc = 0;
    sv_progress_start(&p, common, "tubes", "worlds", worlds);
    for (size_t i = 0; !rc && i < worlds; i += BLOCK) {
        const struct sv_street_film f = { seed, SV_STREET_TUBES, i, sv_min(BLOCK, worlds - i), SV_STREET_FRAMES };
        if (sv_stop_wanted()) rc = SV_STOPPED;
        if (!rc) rc = sv_street_film(&t->roll, t->cpu, &f, e);
        if (!rc) rc = see(t, e);
        sv_progress_at(&p, i);
    }
    sv_progress_end(&p);
    if (!rc) rc = sv_store_init(&st, path, e);
    if (!rc) rc = put(t, &st, e);
    if (!rc) rc = sv_container_write(path, "tubes", &st, e);
    sv_store_free(&st);
    if (!rc) sv_say(common, "%zu tubes of %zu worlds", t->n, worlds);
    return rc;
}

int sv_street_tubes(const char *path, const char *model, size_t seed, size_t worlds, const struct sv_cpu *c, const struct sv_common *common, struct sv_err *e) {
    struct tubes t = { .cpu = c };
    sv_stop_catch();
    int rc = open_tubes(&t, model, e);
    if (!rc) rc = make(&t, path, seed, worlds, common, e);
    sv_model_close(&t.model);
    sv_clip_free(t.clip), sv_crop_free(&t.crop), sv_street_roll_free(&t.roll);
    sv_free(t.pixels), sv_free(t.out), sv_free(t.half), sv_free(t.label), sv_free(t.video);
    return rc;
}
