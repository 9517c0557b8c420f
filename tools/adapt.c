/* adapt.c - svad adapt: a scene for another camera, from any footage of it: how tall bodies are in which row of its picture, and
 * with a model what is usual there. */
#include "core/rng.h"
#include "io/json.h"
#include "kmeans/recur.h"
#include "kmeans/redefine.h"
#include "tools/judge.h"
#include "tools/tubes.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 8192, STRETCHES = 8 };    /* tubes that are compared with each other at most; few clips are cut into so many stretches */
static const double alike = 0.95;       /* so many of the held-out tubes are nearer to the scene's sample */

struct job {
    struct sv_common common;
    struct sv_tubes t;
    struct sv_scene scene;
    const char *from, *out;
    bool looks;
    size_t n;                                       /* tubes */
    struct sv_figure *figure; size_t cap;           /* [n], where the scene has figures */
    float *video; size_t video_cap;                 /* [n, E], where looks are wanted */
    size_t *stretch, stretch_cap, stretches;        /* [n]: of time, rising */
    size_t rows, recurring;                         /* of both, what thinning leaves, at their beginnings; rows of those that recur */
};

/* ---- footage ---- */

/* Without a model there are objects, but no video. */
static int clip(struct job *j, size_t i, struct sv_clip_tubes *c, struct sv_progress *p, struct sv_err *e) {
    const struct sv_source *s = &j->t.sources.item[i];
    *c = (struct sv_clip_tubes){ .name = s->name };
    if (j->looks) return sv_tubes_clip(&j->t, i, c, p, j->n, e);
    const int rc = sv_tubes_objects(&j->t, s, &c->object, &c->n, e);
    sv_progress_at(p, i + 1);
    return rc;
}

static int take(struct job *j, const struct sv_clip_tubes *c, struct sv_err *e) {
    const size_t embed = j->scene.embed, cuts = sv_ceil_div(STRETCHES, j->t.sources.n);
    int rc = 0;
    for (size_t k = 0; !rc && k < c->n; k++) {
        if (j->scene.figures.n) {
            rc = sv_grow(&j->figure, &j->cap, j->n, sizeof *j->figure, e);
            if (!rc) rc = sv_tubes_figures(c->name, 0, &c->object[k], 1, false, &j->figure[j->n], e);       /* speed takes no part: a frame will do */
        }
        if (!rc && j->looks) {
            rc = sv_grow(&j->video, &j->video_cap, j->n, embed * sizeof *j->video, e);
            if (!rc) rc = sv_grow(&j->stretch, &j->stretch_cap, j->n, sizeof *j->stretch, e);
            if (!rc) memcpy(j->video + j->n * embed, c->video + k * embed, embed * sizeof *j->video);
            if (!rc) j->stretch[j->n] = j->stretches + c->object[k].frame * cuts / c->frames;
        }
        j->n += !rc;
    }
    j->stretches += cuts;
    return rc;
}

static int collect(struct job *j, struct sv_err *e) {
    struct sv_progress p;
    int rc = 0;
    sv_progress_start(&p, &j->common, "adapt", j->looks ? "tubes" : "clips", j->looks ? sv_tubes_total(&j->t) : j->t.sources.n);
    for (size_t i = 0; !rc && i < j->t.sources.n; i++) {
        struct sv_clip_tubes c;
        rc = clip(j, i, &c, &p, e);
        if (!rc) rc = take(j, &c, e);
        sv_clip_tubes_free(&c);
    }
    sv_progress_end(&p);
    if (!rc && !j->n)
        rc = sv_fail(e, SV_EINPUT, "adapt: no box in %zu clips: nothing to learn from; give --boxes of a detector, or footage in which something moves",
                     j->t.sources.n);
    return rc;
}

/* ---- looks ---- */

static void thin(struct job *j) {
    const size_t embed = j->scene.embed, want = sv_min(j->n, ROWS);
    uint64_t rng = j->scene.seed ^ 0xc0440;
    for (size_t i = 0; j->rows < want; i++) {
        if (!sv_rng_keep(&rng, j->n - i, want - j->rows)) continue;
        memmove(j->video + j->rows * embed, j->video + i * embed, embed * sizeof *j->video);
        j->stretch[j->rows++] = j->stretch[i];
    }
}

/* What the scene's neighbours are found by, where that is not F_video. */
static int responses(struct job *j, float **out, struct sv_err *e) {
    const struct sv_scene *s = &j->scene;
    struct sv_response r;
    int rc = sv_response_init(&r, &j->t.cpu, s->text, s->texts, s->embed, e);
    if (rc) return rc;
    if (!(*out = sv_judge_responses(&r, s, &j->t.cpu, j->video, j->rows, e))) rc = SV_ENOMEM;
    sv_response_free(&r);
    return rc;
}

static int find_recurring(struct job *j, uint8_t *recurs, size_t *first /* [stretches + 1], 0 */, struct sv_err *e) {
    const struct sv_scene *s = &j->scene;
    const struct sv_held *d = &s->held;
    const double *held = sv_scene_joins(s) ? d->head[s->patterns == SV_KNN_BOTH ? SV_HEAD_VIDEO : SV_HEAD_LOOK] : d->object;
    float *response = NULL;
    int rc = s->patterns == SV_KNN ? responses(j, &response, e) : 0;
    for (size_t i = 0; i < j->rows; i++) first[j->stretch[i] + 1]++;
    for (size_t i = 0; i < j->stretches; i++) first[i + 1] += first[i];
    if (!rc) rc = sv_recur(recurs, &j->t.cpu, response ? response : j->video, response ? s->texts : s->embed, first, j->stretches,
                            sv_quantile(held, sv_scene_joins(s) ? d->heads : d->objects, alike), e);
    sv_free(response);
    for (size_t i = 0; !rc && i < j->rows; i++) j->recurring += recurs[i];
    return rc;
}

/* The sample of the training, and behind it of what recurs here; what another camera left there goes. */
static int extend(struct job *j, const uint8_t *recurs, struct sv_err *e) {
    struct sv_scene *s = &j->scene;
    const size_t own = s->samples - s->usual, want = sv_min(j->recurring, SV_SCENE_SAMPLE);
    uint64_t rng = s->seed ^ 0x5a3d1e;
    float *sample = sv_alloc(own + want, s->embed * sizeof *sample, e);
    if (!sample) return SV_ENOMEM;
    memcpy(sample, s->sample, own * s->embed * sizeof *sample);
    s->usual = 0;
    for (size_t i = 0, left = j->recurring; s->usual < want; i++)
        if (recurs[i] && sv_rng_keep(&rng, left--, want - s->usual)) sv_scene_row(sample + (own + s->usual++) * s->embed, j->video + i * s->embed, s->embed);
    sv_free(s->sample);
    s->sample = sample, s->samples = own + want;
    return 0;
}

static int learn_looks(struct job *j, struct sv_err *e) {
    thin(j);
    uint8_t *recurs = sv_alloc(j->rows, 1, e);
    size_t *first = sv_alloc(j->stretches + 1, sizeof *first, e);
    int rc = recurs && first ? find_recurring(j, recurs, first, e) : SV_ENOMEM;
    if (!rc) rc = extend(j, recurs, e);
    sv_free(recurs), sv_free(first);
    return rc;
}

/* ---- the command ---- */

static int report(const struct job *j, const double was[2], struct sv_err *e) {
    const struct sv_scene *s = &j->scene;
    const double *line = s->figures.line;
    if (!j->common.json) {
        printf("%zu clips, %zu boxes\n", j->t.sources.n, j->n);
        if (s->figures.n) printf("bodies %.3g + %.3g * row pixels tall (%s: %.3g + %.3g * row)\n", line[0], line[1], j->from, was[0], was[1]);
        if (j->looks)
            printf("%zu of %zu tubes have their like in half of %zu stretches of time; %zu of them are normal, too\n", j->recurring, j->rows, j->stretches, s->usual);
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_int(&o, "clips", (int64_t)j->t.sources.n);
    sv_json_put_int(&o, "objects", (int64_t)j->n);
    if (s->figures.n) sv_json_put_real(&o, "line", line[0]), sv_json_put_real(&o, "slope", line[1]);
    if (j->looks) {
        sv_json_put_int(&o, "stretches", (int64_t)j->stretches);
        sv_json_put_int(&o, "tubes", (int64_t)j->rows);
        sv_json_put_int(&o, "recurring", (int64_t)j->recurring);
        sv_json_put_int(&o, "added", (int64_t)s->usual);
    }
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

/* Looks of a scene that compares them with centres cannot grow, size and speed of one without them neither. */
static int check(const struct job *j, const char *model, struct sv_err *e) {
    const struct sv_scene *s = &j->scene;
    if (j->looks && !sv_patterns_near(s->patterns))
        return sv_fail(e, SV_EINPUT, "%s: its looks are not compared with neighbours and stay as they are; expected a scene of svad fit --patterns knn, knn-video or knn-both, or no -m", j->from);
    if (j->looks && !s->held.frames) return sv_fail(e, SV_EINPUT, "%s: nothing was held out: how near is alike is not known", j->from);
    if (!j->looks && !s->figures.n)
        return sv_fail(e, SV_EINPUT, "%s: looks are all that counts in it; expected a scene of svad fit --with motion, or of --patterns knn and -m MODEL beside it", j->from);
    return j->looks ? sv_scene_fits(s, j->from, j->t.id, model, j->t.model.cfg.embed, e) : 0;
}

static int run(struct job *j, const struct sv_tube_opts *o, const struct sv_list *videos, struct sv_err *e) {
    if (!j->out) return sv_fail(e, SV_EUSAGE, "adapt: no scene to make: -o SCENE");
    int rc = sv_scene_load(&j->scene, j->from, e);
    if (rc) return rc;
    rc = j->looks ? sv_tubes_open(&j->t, o, &j->common, videos, &j->scene.rule, false, e) : sv_tubes_look(&j->t, o, &j->common, videos, &j->scene.rule, e);
    if (!rc) rc = check(j, o->model, e);
    if (!rc) rc = sv_out_try(j->out, e);
    if (!rc) rc = collect(j, e);
    const double was[2] = { j->scene.figures.line[0], j->scene.figures.line[1] };
    if (!rc && j->scene.figures.n) rc = sv_figures_adapt(&j->scene.figures, j->figure, j->n, e);
    if (!rc && j->looks) rc = learn_looks(j, e);
    if (!rc) rc = sv_scene_save(&j->scene, j->out, e);
    return rc ? rc : report(j, was, e);
}

int sv_tool_adapt(int argc, char **argv, struct sv_err *e) {
    struct job j = {0};
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "s", SV_OPT_TEXT, &j.from, "SCENE", "the scene of the other camera, made by svad fit", 0, 0 },
        { "m", SV_OPT_TEXT, &o.model, "MODEL", "the model: what recurs here is normal, too", 0, 0 },
        SV_BOX_OPTS(&o),
        SV_MOTION_OPT(&o),
        SV_FPS_OPT(&o),
        { "o", SV_OPT_TEXT, &j.out, "SCENE", "the scene for this camera", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "adapt", .line = "-s SCENE [-m MODEL] VIDEO... [--boxes FILE] -o SCENE", .min_args = 1,
        .about = "Takes a scene to another camera, by footage of it that may hold anything: how tall\n"
                 "bodies are in each row of its picture and, with a model, which looks recur\n"
                 "(half of the clips have their like): those are normal, too.  What was normal stays so.",
        .example = "svad adapt -s street.scene -m clip.svad campus/ --boxes boxes.txt -o campus.scene",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    j.looks = o.model != NULL;
    if (!rc) rc = run(&j, &o, &args, e);
    else if (rc > 0) rc = 0;
    sv_free(j.figure), sv_free(j.video), sv_free(j.stretch);
    sv_tubes_close(&j.t);
    sv_scene_free(&j.scene);
    sv_list_free(&args);
    return rc;
}
