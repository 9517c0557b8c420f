#include "tools/pass.h"

#include <math.h>
#include <string.h>

enum { TUBES = 64 };                    /* tubes that travel through the temporal fusion at once */

/* ---- opening ---- */

static int bad_rule(const char *option, const char *value, const char *expected, struct sv_err *e) {
    return sv_fail(e, SV_EUSAGE, "--%s %s: expected %s", option, value, expected);
}

/* The rule by what is given: options over the base (a scene's, or stored features'), over the model's, over the defaults.
 * Where only features are wanted the fusion that the model has need not fit: they may be for another. */
static int make_rule(struct sv_tubes *t, const struct sv_tube_opts *o, const struct sv_rule *base, bool features, struct sv_err *e) {
    const struct sv_clip_config *g = &t->model.cfg;
    struct sv_tfc_config tfc;
    struct sv_rule *r = &t->rule;
    if (o->tubes && strcmp(o->tubes, "centre") && strcmp(o->tubes, "track")) return bad_rule("tubes", o->tubes, "centre or track", e);
    if (o->crop && strcmp(o->crop, "squash") && strcmp(o->crop, "square"))
        return bad_rule("crop", o->crop, "squash or square", e);
    if (o->with && strcmp(o->with, "motion")) return bad_rule("with", o->with, "motion", e);
    if (o->frames && o->frames % 2 == 0) return sv_fail(e, SV_EUSAGE, "--frames %zu: expected an odd number", o->frames);
    if (o->step && !isnan(o->seconds)) return sv_fail(e, SV_EUSAGE, "--step and --tube-seconds: expected one of them");
    const int rc = sv_tfc_config_read(&tfc, &t->model.store, g->embed, o->frames ? o->frames : base ? base->tube.n : 9, e);
    if (rc) return rc;
    if (base) *r = *base;
    else *r = (struct sv_rule){ .tube = { tfc.frames, 1 }, .seconds = g->tube_seconds, .square = g->square_crop,
                               .every = 1, .min_score = 0.5 };
    sv_identity(&t->model.file, "clip.", r->clip);
    sv_identity(&t->model.file, "", t->id);
    if (base && strcmp(base->clip, r->clip))
        return sv_fail(e, SV_EINPUT, "%s: another model than the scene or the stored features were made with: %s, expected %s",
                       t->model.file.name, r->clip, base->clip);
    if (o->frames) r->tube.n = o->frames;
    if (o->step) r->tube.step = o->step, r->seconds = 0;
    if (!isnan(o->seconds)) r->seconds = o->seconds;
    if (o->crop) r->square = !strcmp(o->crop, "square");
    if (o->tubes) r->track = !strcmp(o->tubes, "track");
    if (o->every) r->every = o->every;
    if (o->with) r->figures = true;
    if (r->track && r->every > 1)
        return sv_fail(e, SV_EUSAGE, "--every %zu with --tubes track: a tube needs the boxes of its track in every frame; expected 1", r->every);
    if (!isnan(o->min_score)) r->min_score = o->min_score;
    if (r->tube.n != tfc.frames && !features)
        return sv_fail(e, SV_EINPUT, "%s: its temporal fusion takes tubes of %zu frames, expected %zu",
                       t->model.file.name, tfc.frames, r->tube.n);
    return base ? sv_rule_match(base, r, "the options", e) : 0;
}

/* The rule of the first stored clip, if there is one: what was stored before decides where nothing else does. */
static int stored_rule(const struct sv_tubes *t, struct sv_rule *out, bool *found, struct sv_err *e) {
    *found = false;
    for (size_t i = 0; i < t->sources.n; i++) {
        if (t->sources.item[i].kind == SV_LIVE) continue;
        struct sv_stored s;
        const int rc = sv_stored_open(&s, t->sources.item[i].path, e);
        if (rc) return rc;
        *out = s.rule, *found = true;
        out->figures = false;           /* they are there, which does not say that they are wanted */
        sv_stored_close(&s);
        return 0;
    }
    return 0;
}

/* A file may hold the boxes of a whole data set of which some clips are given; but where none of its clips is, the names differ. */
static int open_boxes(struct sv_tubes *t, const struct sv_common *common, const char *path, bool add_motion, struct sv_err *e) {
    if (!t->live) return path || add_motion ? sv_fail(e, SV_EUSAGE, "--boxes: what was stored has its boxes already") : 0;
    t->motion = !path || add_motion;
    if (!path) return sv_say(common, "no boxes given: using motion proposals; for a detector see --boxes"), 0;
    const int rc = sv_sources_boxes(&t->sources, &t->boxes, path, t->rule.min_score, e);
    if (rc) return rc;
    const char *stranger = NULL;
    size_t strangers = 0;
    for (size_t i = 0; i < t->boxes.clip.n; i++) {
        bool there = false;
        for (size_t k = 0; !there && k < t->sources.n; k++) there = !strcmp(t->sources.item[k].name, t->boxes.clip.name[i]);
        if (!there && !strangers++) stranger = t->boxes.clip.name[i];
    }
    if (strangers && strangers == t->boxes.clip.n)
        return sv_fail(e, SV_EINPUT, "%s: boxes of a clip %s, which is not among the videos given (%s%s)", path, stranger,
                       t->sources.n ? t->sources.item[0].name : "none", t->sources.n > 1 ? ", ..." : "");
    if (strangers) sv_say(common, "%s: boxes of %zu clips that are not among the videos are left out (%s%s)", path, strangers, stranger,
                          strangers > 1 ? ", ..." : "");
    return 0;
}

static int open_sources(struct sv_tubes *t, const struct sv_list *videos, bool features, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; !rc && i < videos->n; i++) rc = sv_sources_add(&t->sources, videos->item[i], e);
    for (size_t i = 0; !rc && i < t->sources.n; i++) {
        const struct sv_source *s = &t->sources.item[i];
        t->live = t->live || s->kind == SV_LIVE;
        if (features && s->kind != SV_LIVE)
            rc = sv_fail(e, SV_EINPUT, "%s: stored features already, expected a video", s->path);
    }
    return rc;
}

int sv_tubes_open(struct sv_tubes *t, const struct sv_tube_opts *o, const struct sv_common *common,
                  const struct sv_list *videos, const struct sv_rule *base, bool features, struct sv_err *e) {
    *t = (struct sv_tubes){ .quiet = common->quiet, .fps = o->fps };
    struct sv_rule stored;
    bool found = false;
    struct sv_tfc_config g;
    int rc = sv_model_open(&t->model, o->model, e);
    if (!rc) rc = sv_cpu_open(&t->cpu, common, e);
    if (!rc) rc = open_sources(t, videos, features, e);
    if (!rc && !base) rc = stored_rule(t, &stored, &found, e);
    if (!rc) rc = make_rule(t, o, base ? base : found ? &stored : NULL, features, e);
    if (!rc) rc = open_boxes(t, common, o->boxes, o->add_motion, e);
    if (!rc && t->live) rc = sv_crops_open(&t->crops, &t->model.store, &t->cpu, o->batch, e);
    t->crops.fps = o->fps;
    if (!rc && !features && !(rc = sv_tfc_config_read(&g, &t->model.store, t->model.cfg.embed, t->rule.tube.n, e)) &&
        !(t->tfc = sv_tfc_open(&g, &t->model.store, &t->cpu, TUBES, e)))
        rc = e && e->code ? e->code : SV_ENOMEM;
    if (rc) sv_tubes_close(t);
    return rc;
}

int sv_tubes_look(struct sv_tubes *t, const struct sv_tube_opts *o, const struct sv_common *common, const struct sv_list *videos,
                  const struct sv_rule *rule, struct sv_err *e) {
    *t = (struct sv_tubes){ .quiet = common->quiet, .fps = o->fps, .rule = *rule };
    if (!isnan(o->min_score)) t->rule.min_score = o->min_score;
    int rc = open_sources(t, videos, false, e);
    if (!rc) rc = open_boxes(t, common, o->boxes, o->add_motion, e);
    if (rc) sv_tubes_close(t);
    return rc;
}

void sv_tubes_close(struct sv_tubes *t) {
    sv_tfc_free(t->tfc);
    sv_crops_close(&t->crops);
    sv_boxes_free(&t->boxes);
    sv_sources_free(&t->sources);
    sv_model_close(&t->model);
    sv_cpu_close(&t->cpu);
    *t = (struct sv_tubes){0};
}

/* ---- the tubes of a clip ---- */

static int check_figures(const struct sv_tubes *t, const struct sv_stored *s, const char *path, struct sv_err *e) {
    if (!t->rule.figures || s->rule.figures) return 0;
    return sv_fail(e, SV_EINPUT, "%s: stored without the size and speed of its objects; make it again --with motion", path);
}

static int stored_objects(const struct sv_tubes *t, const char *path, struct sv_object **object, size_t *n, struct sv_err *e) {
    struct sv_stored s;
    int rc = sv_stored_open(&s, path, e);
    if (rc) return rc;
    if ((rc = check_figures(t, &s, path, e))) *object = NULL, *n = 0;
    else *object = s.object, *n = s.n, s.object = NULL;
    sv_stored_close(&s);
    return rc;
}

int sv_tubes_objects(const struct sv_tubes *t, const struct sv_source *s, struct sv_object **object, size_t *n, struct sv_err *e) {
    if (s->kind != SV_LIVE) return stored_objects(t, s->path, object, n, e);
    size_t boxes;
    const struct sv_box *b = sv_boxes_of(&t->boxes, s->name, &boxes);
    struct sv_object *own = sv_alloc(boxes, sizeof *own, e);
    if (!own) return SV_ENOMEM;
    bool tracks = true;
    for (size_t i = 0; i < boxes; i++) own[i] = sv_object_of(&b[i]), tracks = tracks && b[i].track >= 0;
    *object = own, *n = boxes;
    int rc = 0;
    if (t->motion || t->rule.figures || (t->rule.track && !tracks)) {
        *object = NULL, *n = 0;
        rc = sv_propose(s->path, &(struct sv_propose_opts){ t->motion, t->rule.figures, t->fps }, own, boxes, object, n, e);
        sv_free(own);
    }
    size_t kept = 0;
    for (size_t i = 0; !rc && i < *n; i++)
        if ((*object)[i].frame % t->rule.every == 0) (*object)[kept++] = (*object)[i];
    *n = kept;
    return rc;
}

size_t sv_tubes_total(const struct sv_tubes *t) {
    size_t total = 0;
    for (size_t i = 0; i < t->boxes.n; i++) total += t->boxes.box[i].frame % t->rule.every == 0;
    return t->motion ? 0 : total;
}

struct run {
    struct sv_tubes *t;
    struct sv_clip_tubes *out;
    float *feats; size_t filled;        /* [TUBES, n, E] on the way to the temporal fusion */
    size_t done, before;                /* tubes of this clip, of those before it */
    struct sv_progress *p;
};

static int flush(struct run *r, struct sv_err *e) {
    const size_t embed = r->t->model.cfg.embed;
    sv_tfc_video(r->t->tfc, r->feats, r->filled, r->out->video + r->done * embed);
    const int rc = sv_check_finite(r->out->video + r->done * embed, r->filled * embed, r->out->name, e);
    r->done += r->filled, r->filled = 0;
    if (r->p) sv_progress_at(r->p, r->before + r->done);
    return rc;
}

/* The tubes of tracks, from the features of each object's own crop, one [n, E]. */
static int run_tracks(struct run *r, const float *one, const struct sv_tube *tube, struct sv_err *e) {
    const struct sv_clip_tubes *out = r->out;
    const size_t embed = r->t->model.cfg.embed, n = tube->n;
    size_t *frame = sv_alloc(out->n, sizeof *frame, e), *index = sv_alloc(out->n * n, sizeof *index, e);
    int64_t *track = sv_alloc(out->n, sizeof *track, e);
    int rc = frame && index && track ? 0 : SV_ENOMEM;
    for (size_t i = 0; !rc && i < out->n; i++) frame[i] = out->object[i].frame, track[i] = out->object[i].track;
    if (!rc) rc = sv_tube_follow(tube, frame, track, out->n, out->frames, index, e);
    for (size_t i = 0; !rc && i < out->n; i++) {
        for (size_t f = 0; f < n; f++) memcpy(r->feats + (r->filled * n + f) * embed, one + index[i * n + f] * embed, embed * sizeof *one);
        if (++r->filled == TUBES || i + 1 == out->n) rc = flush(r, e);
    }
    sv_free(frame), sv_free(index), sv_free(track);
    return rc;
}

/* What the feed gives: tubes through the fusion, or single crops that wait in `one` until all are there. */
static int drain(struct run *r, struct sv_feed *f, float *one, struct sv_err *e) {
    const size_t size = sv_rule_encoded(&r->t->rule) * r->t->model.cfg.embed;
    const float *feats;
    int rc;
    for (size_t i = 0; (rc = sv_feed_next(f, &feats, e)) > 0; i++) {
        memcpy(one ? one + i * size : r->feats + r->filled++ * size, feats, size * sizeof *feats);
        if (one && r->p) sv_progress_at(r->p, r->before + i + 1);
        if (!one && r->filled == TUBES && (rc = flush(r, e))) break;
    }
    return !rc && r->filled ? flush(r, e) : rc;
}

static int append(struct sv_clip_tubes *out, const struct sv_pass_out *p, size_t *object_cap, size_t *video_cap, size_t embed, struct sv_err *e) {
    for (size_t i = 0; i < p->n; i++) {
        if (sv_grow(&out->object, object_cap, out->n, sizeof *out->object, e) ||
            sv_grow(&out->video, video_cap, out->n, embed * sizeof *out->video, e))
            return SV_ENOMEM;
        out->object[out->n] = p->object[i];
        memcpy(out->video + out->n++ * embed, p->video + i * embed, embed * sizeof *out->video);
    }
    return 0;
}

/* All in one pass: what stdin needs where objects are to be found or followed. */
static int run_pass(struct run *r, const struct sv_source *s, struct sv_err *e) {
    struct sv_clip_tubes *out = r->out;
    struct sv_tubes *t = r->t;
    struct sv_video v;
    struct sv_pass *p = NULL;
    struct sv_pass_out now;
    size_t boxes, object_cap = 0, video_cap = 0;
    const struct sv_box *box = sv_boxes_of(&t->boxes, s->name, &boxes);
    int more = 1, rc = sv_video_open(&v, s->path, e);
    if (!rc && !(v.fps > 0)) v.fps = t->crops.fps;
    if (!rc) rc = sv_pass_open(&p, t, s->name, v.w, v.h, v.fps, box, boxes, &(struct sv_pass_opts){0}, e);
    while (!rc && more) {
        if ((more = sv_video_next(&v, sv_pass_room(p), e)) < 0) rc = more;
        else rc = sv_pass_push(p, more, e);
        while (!rc && sv_pass_take(p, &now)) rc = append(out, &now, &object_cap, &video_cap, t->model.cfg.embed, e);
        if (r->p) sv_progress_at(r->p, r->before + out->n);
    }
    out->w = v.w, out->h = v.h, out->fps = v.fps, out->every = t->rule.every;
    if (p) out->frames = sv_pass_frames(p);
    sv_pass_close(p);
    sv_video_close(&v);
    return rc;
}

static int run_live(struct run *r, const struct sv_source *s, struct sv_err *e) {
    struct sv_clip_tubes *out = r->out;
    struct sv_tubes *t = r->t;
    const size_t embed = t->model.cfg.embed;
    float *one = NULL;
    struct sv_tube tube;
    struct sv_feed f;
    int rc = sv_tubes_objects(t, s, &out->object, &out->n, e);
    if (!rc && !(out->video = sv_alloc(out->n, embed * sizeof *out->video, e))) rc = SV_ENOMEM;
    if (!rc && t->rule.track && !(one = sv_alloc(out->n, embed * sizeof *one, e))) rc = SV_ENOMEM;
    if (!rc && !(rc = sv_feed_open(&f, &t->crops, &t->rule, s->name, s->path, out->object, out->n, e))) {
        rc = drain(r, &f, one, e);
        out->frames = f.frames, out->w = f.video.w, out->h = f.video.h, out->fps = f.video.fps, out->every = t->rule.every;
        if (!rc && one && !(rc = sv_rule_tube(&t->rule, out->fps, s->name, &tube, e))) rc = run_tracks(r, one, &tube, e);
        sv_feed_close(&f);
    }
    sv_free(one);
    return rc;
}

/* Stored frame features through the fusion. */
static int run_features(struct run *r, const struct sv_stored *s, struct sv_err *e) {
    const size_t embed = r->t->model.cfg.embed, n = s->rule.tube.n;
    int rc = 0;
    if (s->rule.track) {
        struct sv_tube tube;
        float *one = sv_alloc(s->n, embed * sizeof *one, e);
        if (!one) return SV_ENOMEM;
        sv_view_f32(s->data, 0, s->n * embed, one);
        if (!(rc = sv_rule_tube(&s->rule, s->fps, s->clip, &tube, e))) rc = run_tracks(r, one, &tube, e);
        sv_free(one);
    }
    while (!s->rule.track && !rc && r->done < s->n) {
        r->filled = sv_min(TUBES, s->n - r->done);
        sv_view_f32(s->data, r->done * n * embed, r->filled * n * embed, r->feats);
        rc = flush(r, e);
    }
    return rc;
}

static int run_stored(struct run *r, const struct sv_source *src, struct sv_err *e) {
    struct sv_clip_tubes *out = r->out;
    struct sv_tubes *t = r->t;
    const size_t embed = t->model.cfg.embed;
    struct sv_stored s;
    const char *model;
    int rc = sv_stored_open(&s, src->path, e);
    if (rc) return rc;
    rc = sv_rule_match(&t->rule, &s.rule, src->path, e);
    if (!rc) rc = check_figures(t, &s, src->path, e);
    if (!rc && s.data->dim[s.data->rank - 1] != embed)
        rc = sv_fail(e, SV_EINPUT, "%s: features of width %zu, expected %zu", src->path, s.data->dim[s.data->rank - 1],
                     embed);
    if (!rc && s.kind == SV_OBJECTS && !(rc = sv_store_get_text(&s.store, "model", &model, e)) && strcmp(model, t->id))
        rc = sv_fail(e, SV_EINPUT, "%s: made with another model: %.40s, expected %s", src->path, model, t->id);
    if (!rc && !(out->video = sv_alloc(s.n, embed * sizeof *out->video, e))) rc = SV_ENOMEM;
    if (!rc) {
        out->n = s.n, out->object = s.object, s.object = NULL;
        out->frames = s.frames, out->w = s.w, out->h = s.h, out->fps = s.fps, out->every = s.rule.every;
        if (s.kind == SV_OBJECTS) {
            sv_view_f32(s.data, 0, s.n * embed, out->video);
            rc = sv_check_finite(out->video, s.n * embed, src->path, e);
        }
        if (s.kind == SV_FEATURES) rc = run_features(r, &s, e);
    }
    sv_stored_close(&s);
    return rc;
}

int sv_tubes_clip(struct sv_tubes *t, size_t source, struct sv_clip_tubes *out, struct sv_progress *p, size_t done,
                  struct sv_err *e) {
    const struct sv_source *s = &t->sources.item[source];
    *out = (struct sv_clip_tubes){ .name = s->name };
    struct run r = { .t = t, .out = out, .p = p, .before = done };
    if (!(r.feats = sv_alloc(TUBES, t->rule.tube.n * t->model.cfg.embed * sizeof *r.feats, e))) return SV_ENOMEM;
    const bool once = s->kind == SV_LIVE && !strcmp(s->path, "-") && (t->motion || t->rule.track || t->rule.figures);
    const int rc = once ? run_pass(&r, s, e) : s->kind == SV_LIVE ? run_live(&r, s, e) : run_stored(&r, s, e);
    sv_free(r.feats);
    if (rc) sv_clip_tubes_free(out);
    return rc;
}

void sv_clip_tubes_free(struct sv_clip_tubes *c) {
    sv_free(c->object), sv_free(c->video);
    *c = (struct sv_clip_tubes){0};
}

int sv_tubes_figures(const char *clip, double fps, const struct sv_object *object, size_t n, bool seconds, struct sv_figure *out,
                     struct sv_err *e) {
    if (seconds != (fps > 0))
        return sv_fail(e, SV_EINPUT, "clip %s: its frame rate is %s, that of the other footage is %s; speeds cannot be compared; give --fps", clip,
                       seconds ? "not known" : "known", seconds ? "known" : "not");
    const double rate = seconds ? fps : 1;
    for (size_t i = 0; i < n; i++) {
        const struct sv_object *o = &object[i];
        out[i] = (struct sv_figure){ o->frame, o->track, o->box[3], (double)o->figure[0], (double)o->figure[1], rate * (double)o->figure[2],
                                     rate * (double)o->figure[3] };
    }
    return 0;
}
