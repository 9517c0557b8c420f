#include "tools/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RUN_MAX = 1 << 26, PATH = SV_RUN_PATH };

/* ---- writing ---- */

static void put_model(struct sv_json_out *o, const struct sv_run_facts *f) {
    sv_json_open(o, "model", '{');
    sv_json_put_text(o, "file", f->model);
    sv_json_put_text(o, "id", f->tubes->id);
    sv_json_close(o);
}

static void put_scene(struct sv_json_out *o, const struct sv_run_facts *f) {
    static const struct { const char *name; size_t at; } shown[] = { { "0.5", 499 }, { "0.9", 899 }, { "0.99", 989 }, { "0.999", 998 } };
    const struct sv_scene *s = f->scene;
    sv_json_open(o, "scene", '{');
    sv_json_put_text(o, "file", f->scene_path);
    sv_json_put_int(o, "clips", (int64_t)s->clips);
    sv_json_put_int(o, "objects", (int64_t)s->objects);
    sv_json_put_int(o, "texts", (int64_t)s->texts);
    sv_json_put_int(o, "centres", (int64_t)s->centres);
    sv_json_put_text(o, "patterns", sv_patterns_name[s->patterns]);
    sv_json_put_bool(o, "motion", s->figures.n > 0);
    sv_json_put_int(o, "prompts", (int64_t)s->context_dim[1]);
    sv_json_put_int(o, "seed", (int64_t)s->seed);
    sv_json_open(o, "frame_scores", '{');
    for (size_t i = 0; i < SV_LEN(shown); i++) sv_json_put_real(o, shown[i].name, s->frame_q[shown[i].at]);
    sv_json_close(o);
    sv_json_close(o);
}

static void put_tubes(struct sv_json_out *o, const struct sv_rule *r) {
    sv_json_open(o, "tubes", '{');
    sv_json_put_int(o, "frames", (int64_t)r->tube.n);
    sv_json_put_int(o, "step", (int64_t)r->tube.step);
    sv_json_put_real(o, "seconds", r->seconds > 0 ? r->seconds : (double)NAN);
    sv_json_put_text(o, "crop", r->square ? "square" : "squash");
    sv_json_put_text(o, "boxes", r->track ? "track" : "centre");
    sv_json_put_int(o, "every", (int64_t)r->every);
    sv_json_put_real(o, "min_score", r->min_score);
    sv_json_close(o);
}

int sv_run_open(struct sv_run_out *r, const char *dir, const struct sv_run_facts *f, struct sv_err *e) {
    char path[PATH];
    *r = (struct sv_run_out){ .file.fd = -1 };
    const int n = snprintf(path, sizeof path, "%s/run.json", dir);
    int rc = n < 0 || (size_t)n >= sizeof path ? sv_fail(e, SV_EUSAGE, "%.100s...: the path is too long", dir) : sv_out_open(&r->file, path, e);
    if (rc) return rc;
    struct sv_json_out *o = &r->json;
    *o = (struct sv_json_out){ .out = &r->file, .e = e };
    sv_json_open(o, NULL, '{');
    sv_json_put_text(o, "svad", SV_VERSION);
    sv_json_open(o, "command", '[');
    sv_json_put_text(o, NULL, "svad");
    for (int i = 0; i < f->argc; i++) sv_json_put_text(o, NULL, f->argv[i]);
    sv_json_close(o);
    sv_json_put_text(o, "isa", f->tubes->cpu.kern->isa);
    sv_json_put_int(o, "threads", (int64_t)sv_pool_threads(f->tubes->cpu.pool));
    put_model(o, f), put_scene(o, f), put_tubes(o, &f->tubes->rule);
    sv_json_put_real(o, "threshold", f->threshold), sv_json_put_real(o, "alarms_per_hour", f->per_hour);
    sv_json_put_text(o, "boxes", f->boxes);
    sv_json_put_bool(o, "motion", f->tubes->motion);
    sv_json_open(o, "clips", '[');
    return o->rc;
}

/* path with the working folder before it, where it is relative. */
static const char *absolute(char out[PATH], const char *path) {
    char here[PATH];
    if (*path == '/' || !getcwd(here, sizeof here)) return path;
    const int n = snprintf(out, PATH, "%s/%s", here, path);
    return n > 0 && n < PATH ? out : path;
}

/* The video that a stored clip says it was made from; NULL where that is not known. */
static const char *stored_video(struct sv_run_out *r, const struct sv_source *s) {
    const char *slash = strrchr(s->path, '/');
    char dir[PATH];
    const size_t n = slash ? (size_t)(slash - s->path) : 1;
    if (n >= sizeof dir) return NULL;
    memcpy(dir, slash ? s->path : ".", n), dir[n] = 0;
    if (!r->from_dir || strcmp(r->from_dir, dir)) {
        sv_json_free(&r->from), sv_free(r->from_dir);
        r->json.rc = (r->from_dir = sv_strdup(dir, r->json.e)) ? sv_run_read(&r->from, dir, r->json.e) : SV_ENOMEM;
    }
    return sv_json_text(sv_json_get(sv_run_clip_of(&r->from, s->name), "video"));
}

const char *sv_run_video(struct sv_run_out *r, const struct sv_source *s, char room[SV_RUN_PATH]) {
    return s->kind != SV_LIVE ? stored_video(r, s) : strcmp(s->path, "-") ? absolute(room, s->path) : NULL;
}

void sv_run_clip(struct sv_run_out *r, const struct sv_source *s, const struct sv_clip_tubes *c) {
    struct sv_json_out *o = &r->json;
    char path[PATH];
    if (o->rc) return;
    const char *video = sv_run_video(r, s, path);
    sv_json_open(o, NULL, '{');
    sv_json_put_text(o, "name", c->name);
    sv_json_put_text(o, "video", video);
    sv_json_put_int(o, "frames", (int64_t)c->frames);
    sv_json_put_int(o, "objects", (int64_t)c->n);
    sv_json_put_int(o, "width", (int64_t)c->w);
    sv_json_put_int(o, "height", (int64_t)c->h);
    sv_json_put_real(o, "fps", c->fps);
    sv_json_close(o);
}

void sv_run_ended(struct sv_run_out *r) {
    char path[PATH];
    sv_json_close(&r->json);
    sv_json_put_text(&r->json, "from", r->from_dir ? absolute(path, r->from_dir) : NULL);
    sv_json_open(&r->json, "redefined", '[');
}

int sv_run_commit(struct sv_run_out *r, struct sv_err *e) {
    sv_json_close(&r->json), sv_json_close(&r->json);
    const int rc = r->json.rc ? r->json.rc : sv_out_commit(&r->file, e);
    sv_run_drop(r);
    return rc;
}

void sv_run_drop(struct sv_run_out *r) {
    sv_out_drop(&r->file);
    sv_json_free(&r->from);
    sv_free(r->from_dir);
    *r = (struct sv_run_out){ .file.fd = -1 };
}

/* ---- reading ---- */

int sv_run_read(struct sv_json *j, const char *dir, struct sv_err *e) {
    char path[PATH];
    struct sv_file f;
    *j = (struct sv_json){0};
    const int n = snprintf(path, sizeof path, "%s/run.json", dir);
    if (n < 0 || (size_t)n >= sizeof path || access(path, F_OK)) return 0;
    int rc = sv_file_read(&f, path, RUN_MAX, e);
    if (rc) return rc;
    rc = sv_json_parse(j, f.data, f.size, path, e);
    sv_file_close(&f);
    return rc;
}

const struct sv_json_node *sv_run_clip_of(const struct sv_json *j, const char *clip) {
    const struct sv_json_node *clips = sv_json_get(j->root, "clips");
    for (const struct sv_json_node *c = clips && clips->type == SV_JSON_ARRAY ? clips->child : NULL; c; c = c->next) {
        const char *name = sv_json_text(sv_json_get(c, "name"));
        if (name && !strcmp(name, clip)) return c;
    }
    return NULL;
}
