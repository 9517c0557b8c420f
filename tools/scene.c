#include "tools/scene.h"

#include "core/half.h"
#include "io/container.h"
#include "kmeans/knn.h"
#include "kmeans/steady.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static int add_sample(const struct sv_scene *s, struct sv_store *st, struct sv_err *e) {
    const size_t n = s->samples * s->embed;
    uint16_t *half = sv_store_alloc(st, n, 2, e);
    if (!half) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) half[i] = sv_f32_f16(s->sample[i]);
    return sv_store_add(st, "sample", SV_F16, 2, (size_t[]){ s->samples, s->embed }, half, 2 * n, e);
}

void sv_scene_row(float *row, const float *video, size_t embed) {
    for (size_t k = 0; k < embed; k++) row[k] = sv_f16_f32(sv_f32_f16(video[k]));
}

static int add_held(const struct sv_held *d, struct sv_store *st, struct sv_err *e) {
    if (!d->frames) return 0;
    int rc = sv_store_set_real(st, "held.per_second", d->per_second, e);
    if (!rc) rc = sv_store_add(st, "held.frame", SV_F64, 1, &d->frames, d->frame, d->frames * sizeof *d->frame, e);
    if (!rc) rc = sv_store_add(st, "held.block", SV_I32, 1, &d->blocks, d->block, d->blocks * sizeof *d->block, e);
    return rc ? rc : sv_store_add(st, "held.object", SV_F64, 1, &d->objects, d->object, d->objects * sizeof *d->object, e);
}

static int add_context(const struct sv_scene *s, struct sv_store *st, struct sv_err *e) {
    const size_t *dim = s->context_dim, own = dim[0] > 1;
    if (!s->context) return 0;
    const int rc = sv_store_set_text(st, "prompt.place", s->place, e);
    return rc ? rc : sv_store_add(st, "context", SV_F32, 2 + own, dim + 1 - own, s->context, dim[0] * dim[1] * dim[2] * 4, e);
}

const char *const sv_patterns_name[SV_PATTERNS] = { "kmeans", "knn", "knn-video", "knn-both", "none" };

static int add_figures(const struct sv_scene *s, struct sv_store *st, struct sv_err *e) {
    const struct sv_figures *g = &s->figures;
    const double line[3] = { g->line[0], g->line[1], g->least };
    if (!g->n) return 0;
    int rc = sv_store_set_reals(st, "figure.line", line, 3, e);
    if (!rc) rc = sv_store_set_reals(st, "figure.middle", g->middle, SV_FIGURE, e);
    if (!rc) rc = sv_store_set_reals(st, "figure.spread", g->spread, SV_FIGURE, e);
    if (!rc) rc = sv_store_set_int(st, "figure.seconds", s->seconds, e);
    return rc ? rc : sv_store_add(st, "figure", SV_F32, 2, (size_t[]){ g->n, SV_FIGURE }, g->sample, g->n * SV_FIGURE * sizeof *g->sample, e);
}

static const char *const head_name[SV_HEADS] = { "held.look", "held.video", "held.figure" };
static const char join_rule[] = "log1p";

static int add_heads(const struct sv_scene *s, struct sv_store *st, struct sv_err *e) {
    const struct sv_held *d = &s->held;
    if (!sv_scene_joins(s)) return 0;
    int rc = sv_store_set_text(st, "held.join", join_rule, e);
    for (enum sv_head h = 0; !rc && h < SV_HEADS; h++)
        if (sv_scene_has(s, h)) rc = sv_store_add(st, head_name[h], SV_F64, 1, &d->heads, d->head[h], d->heads * sizeof *d->head[h], e);
    return rc;
}

static int add_patterns(const struct sv_scene *s, struct sv_store *st, struct sv_err *e) {
    if (s->patterns == SV_KMEANS) return 0;
    const int rc = sv_store_set_text(st, "scene.patterns", sv_patterns_name[s->patterns], e);
    return rc || !sv_patterns_near(s->patterns) ? rc : sv_store_set_int(st, "scene.neighbours", (int64_t)s->neighbours, e);
}

static int fill(const struct sv_scene *s, struct sv_store *st, struct sv_err *e) {
    const size_t text[2] = { s->texts, s->embed }, centre[2] = { s->centres, s->texts };
    int rc = sv_rule_write(&s->rule, st, e);
    if (!rc) rc = sv_store_set_text(st, "scene.model", s->model, e);
    if (!rc) rc = sv_store_set_int(st, "scene.objects", (int64_t)s->objects, e);
    if (!rc) rc = sv_store_set_int(st, "scene.clips", (int64_t)s->clips, e);
    if (!rc) rc = sv_store_set_int(st, "scene.seed", (int64_t)s->seed, e);
    if (!rc) rc = sv_store_set_reals(st, "scene.object_quantiles", s->object_q, SV_SCENE_QUANTILES, e);
    if (!rc) rc = sv_store_set_reals(st, "scene.frame_quantiles", s->frame_q, SV_SCENE_QUANTILES, e);
    if (!rc) rc = sv_actions_put(&s->actions, st, e);
    if (!rc) rc = sv_store_add(st, "text", SV_F32, 2, text, s->text, text[0] * text[1] * 4, e);
    if (!rc) rc = sv_store_add(st, "centre", SV_F64, 2, centre, s->centre, centre[0] * centre[1] * 8, e);
    if (!rc && s->mean) rc = sv_store_add(st, "mean", SV_F32, 1, &s->texts, s->mean, s->texts * 4, e);
    if (!rc) rc = add_held(&s->held, st, e);
    if (!rc) rc = add_context(s, st, e);
    if (!rc) rc = add_patterns(s, st, e);
    if (!rc) rc = add_figures(s, st, e);
    if (!rc) rc = add_heads(s, st, e);
    if (!rc && s->steady) rc = sv_store_set_int(st, "scene.steady", (int64_t)s->steady, e);
    if (!rc && s->usual) rc = sv_store_set_int(st, "scene.usual", (int64_t)s->usual, e);
    return rc ? rc : add_sample(s, st, e);
}

int sv_scene_save(const struct sv_scene *s, const char *path, struct sv_err *e) {
    struct sv_store st = {0};
    int rc = sv_store_init(&st, path, e);
    if (!rc) rc = fill(s, &st, e);
    if (!rc) rc = sv_container_write(path, "scene", &st, e);
    sv_store_free(&st);
    return rc;
}

/* A float tensor as f32, all finite. */
static int take(const struct sv_store *st, const char *name, size_t rank, const size_t *dim, float **out, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = sv_store_expect(st, name, SV_FLOATS, rank, dim, &v, e);
    if (rc) return rc;
    if (!(*out = sv_alloc(v->count, sizeof **out, e))) return SV_ENOMEM;
    sv_view_f32(v, 0, v->count, *out);
    for (size_t i = 0; i < v->count; i++)
        if (!isfinite((*out)[i])) return sv_fail(e, SV_EINPUT, "%s: tensor %s: value %zu is not finite", st->file, name, i);
    return 0;
}

static int take_centres(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = sv_store_expect(st, "centre", 1 << SV_F64, 2, (size_t[]){ SIZE_MAX, s->texts }, &v, e);
    if (rc) return rc;
    s->centres = v->dim[0];
    if (!s->centres || s->centres > SV_SCENE_MAX_CENTRES)
        return sv_fail(e, SV_EINPUT, "%s: %zu centres, expected 1 .. %d", st->file, s->centres, SV_SCENE_MAX_CENTRES);
    if (!(s->centre = sv_alloc(v->count, sizeof *s->centre, e))) return SV_ENOMEM;
    memcpy(s->centre, v->data, v->bytes);
    for (size_t i = 0; i < v->count; i++)
        if (!isfinite(s->centre[i])) return sv_fail(e, SV_EINPUT, "%s: tensor centre: value %zu is not finite", st->file, i);
    return 0;
}

/* Scores [*n], 0 or more each. */
static int take_scores(const struct sv_store *st, const char *name, double **out, size_t *n, struct sv_err *e) {
    const struct sv_view *v;
    const int rc = sv_store_expect(st, name, 1 << SV_F64, 1, (size_t[]){ SIZE_MAX }, &v, e);
    if (rc) return rc;
    if (!(*out = sv_alloc(v->count, sizeof **out, e))) return SV_ENOMEM;
    memcpy(*out, v->data, v->bytes);
    *n = v->count;
    for (size_t i = 0; i < v->count; i++)
        if (!isfinite((*out)[i]) || (*out)[i] < 0)
            return sv_fail(e, SV_EINPUT, "%s: tensor %s: value %zu is %g, expected a score", st->file, name, i, (*out)[i]);
    return *n ? 0 : sv_fail(e, SV_EINPUT, "%s: tensor %s is empty", st->file, name);
}

static int check_sorted(const struct sv_store *st, const char *name, const double *x, size_t n, struct sv_err *e) {
    for (size_t i = 1; i < n; i++)
        if (x[i] < x[i - 1]) return sv_fail(e, SV_EINPUT, "%s: %s is not sorted at %zu", st->file, name, i);
    return 0;
}

static int take_held(struct sv_held *d, const struct sv_store *st, struct sv_err *e) {
    const struct sv_view *v;
    size_t frames = 0;
    if (!sv_store_find(st, "held.frame")) return 0;
    int rc = sv_store_get_real(st, "held.per_second", 0, 1e9, &d->per_second, e);
    if (!rc) rc = take_scores(st, "held.frame", &d->frame, &d->frames, e);
    if (!rc) rc = take_scores(st, "held.object", &d->object, &d->objects, e);
    if (!rc) rc = sv_store_expect(st, "held.block", 1 << SV_I32, 1, (size_t[]){ SIZE_MAX }, &v, e);
    if (rc) return rc;
    if (!(d->block = sv_alloc(v->count, sizeof *d->block, e))) return SV_ENOMEM;
    memcpy(d->block, v->data, v->bytes);
    for (d->blocks = 0; d->blocks < v->count && d->block[d->blocks] >= 0; d->blocks++) frames += (size_t)d->block[d->blocks];
    if (d->blocks < v->count || frames != d->frames)
        return sv_fail(e, SV_EINPUT, "%s: held.block tells of %zu frames, expected %zu", st->file, frames, d->frames);
    return check_sorted(st, "held.object", d->object, d->objects, e);
}

static int take_patterns(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    const char *name = sv_patterns_name[0];
    int64_t neighbours = 0;
    int rc = sv_store_value(st, "scene.patterns") ? sv_store_get_text(st, "scene.patterns", &name, e) : 0;
    if (rc) return rc;
    while (s->patterns < SV_PATTERNS && strcmp(name, sv_patterns_name[s->patterns])) s->patterns++;
    if (s->patterns == SV_PATTERNS)
        return sv_fail(e, SV_EINPUT, "%s: scene.patterns is \"%.40s\", expected kmeans, knn, knn-video, knn-both or none", st->file, name);
    if (sv_patterns_near(s->patterns)) rc = sv_store_get_int(st, "scene.neighbours", 1, SV_KNN_MOST, &neighbours, e);
    s->neighbours = (size_t)neighbours;
    return rc;
}

static int take_figures(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    struct sv_figures *g = &s->figures;
    const struct sv_view *v = sv_store_find(st, "figure");
    double line[3];
    int64_t seconds;
    if (!v != !s->rule.figures)
        return sv_fail(e, SV_EINPUT, "%s: its tubes come %s figures, but it has %s to compare them with", st->file, s->rule.figures ? "with" : "without",
                       v ? "some" : "none");
    if (!v) return 0;
    int rc = sv_store_get_reals(st, "figure.line", 3, line, e);
    if (!rc) rc = sv_store_get_reals(st, "figure.middle", SV_FIGURE, g->middle, e);
    if (!rc) rc = sv_store_get_reals(st, "figure.spread", SV_FIGURE, g->spread, e);
    if (!rc) rc = sv_store_get_int(st, "figure.seconds", 0, 1, &seconds, e);
    if (!rc) rc = take(st, "figure", 2, (size_t[]){ SIZE_MAX, SV_FIGURE }, &g->sample, e);
    if (rc) return rc;
    g->line[0] = line[0], g->line[1] = line[1], g->least = line[2], g->n = v->dim[0], s->seconds = seconds;
    bool sound = g->n && isfinite(line[0] + line[1] + line[2]) && g->least > 0;
    for (size_t d = 0; d < SV_FIGURE; d++) sound = sound && isfinite(g->middle[d]) && isfinite(g->spread[d]) && g->spread[d] > 0;
    return sound ? 0 : sv_fail(e, SV_EINPUT, "%s: figures without a scale or without a sample", st->file);
}

static int take_heads(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    struct sv_held *d = &s->held;
    const char *rule = "";
    if (!sv_scene_joins(s)) return 0;
    if (sv_store_value(st, "held.join")) {
        const int rc = sv_store_get_text(st, "held.join", &rule, e);
        if (rc) return rc;
    }
    if (strcmp(rule, join_rule))
        return sv_fail(e, SV_EINPUT, "%s: another version of svad joined its heads by another rule (\"%.40s\", expected \"%s\"): fit it again", st->file, rule, join_rule);
    for (enum sv_head h = 0; h < SV_HEADS; h++) {
        size_t n;
        if (!sv_scene_has(s, h)) continue;
        int rc = take_scores(st, head_name[h], &d->head[h], &n, e);
        if (!rc) rc = check_sorted(st, head_name[h], d->head[h], n, e);
        if (rc) return rc;
        if (h && n != d->heads)
            return sv_fail(e, SV_EINPUT, "%s: tensor %s has %zu scores, expected %zu, as %s has", st->file, head_name[h], n, d->heads, head_name[0]);
        d->heads = n;
    }
    return 0;
}

static int take_values(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    const char *model;
    int64_t objects, clips, seed, steady = 0;
    int rc = sv_rule_read(&s->rule, st, e);
    if (!rc) rc = sv_store_get_text(st, "scene.model", &model, e);
    if (!rc) rc = sv_store_get_int(st, "scene.objects", 1, INT64_MAX, &objects, e);
    if (!rc) rc = sv_store_get_int(st, "scene.clips", 1, INT64_MAX, &clips, e);
    if (!rc) rc = sv_store_get_int(st, "scene.seed", 0, INT64_MAX, &seed, e);
    if (!rc) rc = sv_store_get_reals(st, "scene.object_quantiles", SV_SCENE_QUANTILES, s->object_q, e);
    if (!rc) rc = sv_store_get_reals(st, "scene.frame_quantiles", SV_SCENE_QUANTILES, s->frame_q, e);
    if (!rc && sv_store_value(st, "scene.steady")) rc = sv_store_get_int(st, "scene.steady", 1, SV_STEADY_MOST, &steady, e);
    if (rc) return rc;
    if (steady && !s->rule.track) return sv_fail(e, SV_EINPUT, "%s: scene.steady is %lld, but its tubes have no tracks", st->file, (long long)steady);
    if (strlen(model) != SV_IDENTITY - 1)
        return sv_fail(e, SV_EINPUT, "%s: scene.model is \"%s\", expected %d hex digits", st->file, model, SV_IDENTITY - 1);
    memcpy(s->model, model, SV_IDENTITY);
    s->objects = (size_t)objects, s->clips = (size_t)clips, s->seed = (size_t)seed, s->steady = (size_t)steady;
    return 0;
}

static int take_tensors(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    const struct sv_view *v;
    int rc = sv_store_expect(st, "actions", 1 << SV_U8, 1, (size_t[]){ SIZE_MAX }, &v, e);
    if (!rc) rc = sv_actions_parse(&s->actions, v->data, v->bytes, st->file, e);
    if (!rc) rc = sv_store_expect(st, "text", SV_FLOATS, 2, (size_t[]){ s->actions.n, SIZE_MAX }, &v, e);
    if (rc) return rc;
    s->texts = v->dim[0], s->embed = v->dim[1];
    rc = take(st, "text", 2, v->dim, &s->text, e);
    if (!rc) rc = take_centres(s, st, e);
    if (!rc && sv_store_find(st, "mean")) rc = take(st, "mean", 1, &s->texts, &s->mean, e);
    if (!rc) rc = take_held(&s->held, st, e);
    if (!rc) rc = take_patterns(s, st, e);
    if (!rc) rc = take_figures(s, st, e);
    if (!rc) rc = take_heads(s, st, e);
    if (!rc) rc = take(st, "sample", 2, (size_t[]){ SIZE_MAX, s->embed }, &s->sample, e);
    if (rc) return rc;
    s->samples = sv_store_find(st, "sample")->dim[0];
    if (!s->samples) return sv_fail(e, SV_EINPUT, "%s: its sample is empty", st->file);
    if (!sv_store_value(st, "scene.usual")) return 0;
    int64_t usual;
    rc = sv_store_get_int(st, "scene.usual", 1, (int64_t)s->samples - 1, &usual, e);
    s->usual = (size_t)usual;
    return rc;
}

static int take_context(struct sv_scene *s, const struct sv_store *st, struct sv_err *e) {
    const struct sv_view *v = sv_store_find(st, "context");
    const char *place;
    if (!v) return 0;
    if ((v->rank != 2 && v->rank != 3) || !v->count || (v->rank == 3 && v->dim[0] != s->texts))
        return sv_fail(e, SV_EINPUT, "%s: tensor context is of rank %zu with %zu values, expected [k, W] or [%zu, k, W]", st->file, v->rank, v->count,
                       s->texts);
    int rc = sv_store_get_text(st, "prompt.place", &place, e);
    if (!rc && strcmp(place, "middle") && strcmp(place, "front") && strcmp(place, "end"))
        rc = sv_fail(e, SV_EINPUT, "%s: prompt.place is \"%.40s\", expected middle, front or end", st->file, place);
    if (rc) return rc;
    snprintf(s->place, sizeof s->place, "%s", place);
    s->context_dim[0] = v->rank == 3 ? v->dim[0] : 1, s->context_dim[1] = v->dim[v->rank - 2], s->context_dim[2] = v->dim[v->rank - 1];
    return take(st, "context", v->rank, v->dim, &s->context, e);
}

int sv_scene_load(struct sv_scene *s, const char *path, struct sv_err *e) {
    *s = (struct sv_scene){0};
    if (!path) return sv_fail(e, SV_EUSAGE, "no scene given: -s SCENE, a file made by svad fit");
    struct sv_file f;
    struct sv_store st = {0};
    int rc = sv_file_map(&f, path, e);
    if (rc) return rc;
    rc = sv_store_init(&st, path, e);
    if (!rc) rc = sv_container_read(&f, "scene", &st, e);
    if (!rc) rc = sv_container_verify(&f, e);
    if (!rc) rc = take_values(s, &st, e);
    if (!rc) rc = take_tensors(s, &st, e);
    if (!rc) rc = take_context(s, &st, e);
    sv_store_free(&st);
    sv_file_close(&f);
    if (rc) sv_scene_free(s);
    return rc;
}

int sv_scene_fits(const struct sv_scene *s, const char *path, const char *id, const char *model, size_t embed, struct sv_err *e) {
    if (strcmp(s->model, id)) return sv_fail(e, SV_EINPUT, "%s: learned with another model: %s, but %s is %s", path, s->model, model, id);
    return s->embed == embed ? 0 : sv_fail(e, SV_EINPUT, "%s: features of width %zu, expected %zu", path, s->embed, embed);
}

void sv_scene_free(struct sv_scene *s) {
    sv_actions_free(&s->actions);
    sv_free(s->text), sv_free(s->centre), sv_free(s->mean), sv_free(s->sample), sv_free(s->context);
    sv_free(s->held.frame), sv_free(s->held.block), sv_free(s->held.object);
    for (enum sv_head h = 0; h < SV_HEADS; h++) sv_free(s->held.head[h]);
    sv_figures_free(&s->figures);
    *s = (struct sv_scene){0};
}
