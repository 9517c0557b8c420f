/* extract.c - svad extract: the frame features of every tube, stored once for each clip. */
#include "io/container.h"
#include "tools/tubes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct job {
    struct sv_tubes t;
    struct sv_common common;
    struct sv_progress progress;
    const char *out, *shard, *dtype_name;
    enum sv_dtype dtype;
    size_t part, parts;                 /* this process does clips part, part + parts, ... */
    size_t tubes, skipped;
};

/* "I/N" with 1 <= I <= N. */
static int parse_shard(struct job *j, struct sv_err *e) {
    j->part = 0, j->parts = 1;
    if (!j->shard) return 0;
    unsigned i, n;
    int used = 0;
    if (strspn(j->shard, "0123456789/") == strlen(j->shard) && sscanf(j->shard, "%6u/%6u%n", &i, &n, &used) == 2 &&
        !j->shard[used] && i && i <= n) {
        j->part = i - 1, j->parts = n;
        return 0;
    }
    return sv_fail(e, SV_EUSAGE, "extract: --shard %s: expected I/N with I of 1 .. N", j->shard);
}

/* Fills the tensors that are made on the way: features [K, n, E], then frames [1] when the video was read to its end. */
struct filling { struct job *j; struct sv_feed *feed; const float *feats; size_t left; };

static int fill(void *arg, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e) {
    struct filling *f = arg;
    (void)first;
    if (v->dtype == SV_I64) {
        const int rc = sv_feed_next(f->feed, &f->feats, e);
        const int64_t frames = (int64_t)f->feed->frames;
        memcpy(out, &frames, sizeof frames);
        return rc;
    }
    for (size_t done = 0, part; done < n; done += part) {
        if (!f->left) {
            const int rc = sv_feed_next(f->feed, &f->feats, e);
            if (rc < 0) return rc;
            f->left = v->dim[1] * v->dim[2];
            sv_progress_at(&f->j->progress, ++f->j->tubes);
        }
        part = sv_min(n - done, f->left);
        const float *from = f->feats + v->dim[1] * v->dim[2] - f->left;
        f->left -= part;
        const int rc = sv_narrow((char *)out + done * sv_dtype_size(v->dtype), v->dtype, from, part, e);
        if (rc) return rc;
    }
    return 0;
}

static int write_clip(struct job *j, const struct sv_source *s, const char *path, const struct sv_object *object,
                      size_t n, struct sv_err *e) {
    struct sv_feed feed;
    struct sv_store st = {0};
    const size_t dim[3] = { n, sv_rule_encoded(&j->t.rule), j->t.model.cfg.embed };
    int rc = sv_feed_open(&feed, &j->t.crops, &j->t.rule, s->name, s->path, object, n, e);
    if (rc) return rc;
    if (!(rc = sv_store_init(&st, path, e)) &&
        !(rc = sv_stored_put(&st, &j->t.rule, s->name, feed.video.w, feed.video.h, feed.video.fps, object, n, e)) &&
        !(rc = sv_store_add(&st, "features", j->dtype, 3, dim, NULL, n * dim[1] * dim[2] * sv_dtype_size(j->dtype), e)) &&
        !(rc = sv_store_add(&st, "frames", SV_I64, 1, (size_t[]){ 1 }, NULL, 8, e))) {
        struct filling f = { .j = j, .feed = &feed };
        rc = sv_container_stream(path, "features", &st, &(struct sv_filler){ fill, &f }, e);
    }
    sv_store_free(&st);
    sv_feed_close(&feed);
    return rc;
}

/* A file that is there must be whole and of these settings and boxes: then it is done.  Another one is not overwritten. */
static int already(const struct job *j, const char *path, const struct sv_object *object, size_t n, bool *done,
                   struct sv_err *e) {
    struct stat st;
    struct sv_stored s;
    *done = false;
    if (stat(path, &st)) return errno == ENOENT ? 0 : sv_fail(e, SV_EINPUT, "%s: %s", path, strerror(errno));
    int rc = sv_stored_open(&s, path, e);
    if (rc) return rc;
    rc = sv_container_verify(&s.file, e);
    if (!rc) rc = sv_rule_match(&j->t.rule, &s.rule, path, e);
    bool same = s.kind == SV_FEATURES && s.data->dtype == j->dtype && s.n == n && s.rule.figures == j->t.rule.figures;
    for (size_t i = 0; same && i < n; i++)
        same = s.object[i].frame == object[i].frame && !memcmp(s.object[i].box, object[i].box, sizeof object[i].box);
    if (!rc && !same)
        rc = sv_fail(e, SV_EINPUT,
                     "%s: is there already, made from other boxes or settings; remove it or give another folder", path);
    sv_stored_close(&s);
    *done = !rc;
    return rc;
}

static int clip(struct job *j, const struct sv_source *s, struct sv_err *e) {
    char path[4096];
    struct sv_object *object;
    size_t n;
    bool done;
    if (snprintf(path, sizeof path, "%s/%s.svad", j->out, s->name) >= (int)sizeof path)
        return sv_fail(e, SV_EUSAGE, "-o: the path is too long");
    int rc = sv_tubes_objects(&j->t, s, &object, &n, e);
    if (rc) return rc;
    if (!n) sv_say(&j->common, "clip %s has no box", s->name);
    rc = already(j, path, object, n, &done, e);
    if (!rc && done) j->skipped++, sv_progress_at(&j->progress, j->tubes += n);
    else if (!rc) rc = write_clip(j, s, path, object, n, e);
    sv_free(object);
    return rc;
}

static int run(struct job *j, const struct sv_tube_opts *o, const struct sv_list *videos, struct sv_err *e) {
    int rc = parse_shard(j, e);
    if (rc) return rc;
    if (!j->out) return sv_fail(e, SV_EUSAGE, "extract: no folder given: -o DIR");
    if (!sv_dtype_named(j->dtype_name, &j->dtype) || !(SV_FLOATS >> j->dtype & 1))
        return sv_fail(e, SV_EUSAGE, "extract: --dtype %s: expected f32, f16 or bf16", j->dtype_name);
    if ((rc = sv_tubes_open(&j->t, o, &j->common, videos, NULL, true, e)) || (rc = sv_mkdirs(j->out, e))) return rc;
    size_t clips = 0;
    sv_progress_start(&j->progress, &j->common, "extract", "tubes", j->parts == 1 ? sv_tubes_total(&j->t) : 0);
    for (size_t i = j->part; !rc && i < j->t.sources.n; i += j->parts, clips++) rc = clip(j, &j->t.sources.item[i], e);
    sv_progress_end(&j->progress);
    if (!rc)
        sv_say(&j->common, "%zu clips, %zu tubes of %zu frames in %s; %zu clips were there", clips, j->tubes,
               j->t.rule.tube.n, j->out, j->skipped);
    return rc;
}

int sv_tool_extract(int argc, char **argv, struct sv_err *e) {
    struct job j = { .dtype_name = "f32" };
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        SV_TUBE_OPTS(&o),
        SV_WITH_OPT(&o),
        { "shard", SV_OPT_TEXT, &j.shard, "I/N", "only the clips I, I + N, ... : N machines fill one folder", 0, 0 },
        { "dtype", SV_OPT_TEXT, &j.dtype_name, "T", "f32, f16 or bf16 on disk (f32)", 0, 0 },
        { "o", SV_OPT_TEXT, &j.out, "DIR", "folder of the files CLIP.svad", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "extract", .line = "-m MODEL VIDEO... [--boxes FILE] -o DIR", .min_args = 1,
        .about = "Stores the frame features of every tube.  fit and score take DIR in place of VIDEO.  Run again after an\n"
                 "interruption, it goes on where it stopped.",
        .example = "svad extract -m clip.svad ped2/training --boxes boxes.txt -o features/",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &o, &args, e);
    else if (rc > 0) rc = 0;
    sv_tubes_close(&j.t);
    sv_list_free(&args);
    return rc;
}
