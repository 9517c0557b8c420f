/* boxes.c - svad boxes: what moves in a video, as boxes with tracks, for every command's --boxes. */
#include "io/boxes.h"
#include "tools/propose.h"
#include "tools/tool.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct job {
    struct sv_common common;
    struct sv_sources sources;
    struct sv_boxes boxes;
    const char *out, *detected;
    bool add_motion;
    double min_score;
    size_t tracks, total;
};

static int write_clip(struct job *j, const struct sv_source *s, struct sv_out *o, struct sv_err *e) {
    struct sv_object *given = NULL, *object = NULL;
    size_t n, count;
    const struct sv_box *b = sv_boxes_of(&j->boxes, s->name, &n);
    int64_t last = -1;
    if (!(given = sv_alloc(n, sizeof *given, e))) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++) given[i] = sv_object_of(&b[i]);
    int rc = s->kind != SV_LIVE ? sv_fail(e, SV_EINPUT, "%s: stored features, expected a video", s->path)
                                : sv_propose(s->path, &(struct sv_propose_opts){ .motion = !j->detected || j->add_motion }, given, n, &object, &count, e);
    for (size_t i = 0; !rc && i < count; i++) {
        const struct sv_object *k = &object[i];
        rc = sv_out_printf(o, e, "%s %zu %.6g %.6g %.6g %.6g ", s->name, k->frame, k->box[0], k->box[1], k->box[2], k->box[3]);
        if (!rc && j->boxes.scored) rc = sv_out_printf(o, e, "%.6g ", (double)k->score);
        if (!rc) rc = sv_out_printf(o, e, "t%" PRId64 "\n", k->track);
        last = k->track > last ? k->track : last;
    }
    if (!rc) j->total += count, j->tracks += (size_t)(last + 1);
    if (!rc && !j->common.quiet) sv_say(&j->common, "%s: %zu boxes of %zu tracks", s->name, count, (size_t)(last + 1));
    sv_free(given), sv_free(object);
    return rc;
}

static int run(struct job *j, const struct sv_list *videos, struct sv_err *e) {
    if (!j->out) return sv_fail(e, SV_EUSAGE, "boxes: no file given: -o FILE");
    int rc = 0;
    for (size_t i = 0; !rc && i < videos->n; i++) rc = sv_sources_add(&j->sources, videos->item[i], e);
    if (!rc && j->detected) rc = sv_sources_boxes(&j->sources, &j->boxes, j->detected, j->min_score, e);
    struct sv_out o;
    if (rc || (rc = sv_out_open(&o, j->out, e))) return rc;
    struct sv_progress p;
    sv_progress_start(&p, &j->common, "boxes", "clips", j->sources.n);
    rc = sv_out_printf(&o, e, "# clip frame(0-based) x1 y1 x2 y2 %strack\n", j->boxes.scored ? "score " : "");
    for (size_t i = 0; !rc && i < j->sources.n; i++) {
        rc = write_clip(j, &j->sources.item[i], &o, e);
        sv_progress_at(&p, i + 1);
    }
    sv_progress_end(&p);
    if (!rc) return sv_out_commit(&o, e);
    sv_out_drop(&o);
    return rc;
}

int sv_tool_boxes(int argc, char **argv, struct sv_err *e) {
    struct job j = { .min_score = SV_MIN_SCORE };
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "o", SV_OPT_TEXT, &j.out, "FILE", "lines \"clip frame x1 y1 x2 y2 [score] track\", - for stdout", 0, 0 },
        { "boxes", SV_OPT_TEXT, &j.detected, "PATH", "follow these detections instead: text, MOT, YOLO or COCO", 0, 0 },
        { "add-motion", SV_OPT_FLAG, &j.add_motion, NULL, "and add what moves where none of them is", 0, 0 },
        { "min-score", SV_OPT_REAL, &j.min_score, "S", "leave out detections of a lower score (0.5)", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "boxes", .line = "VIDEO... [--boxes FILE] -o FILE", .min_args = 1,
        .about = "Finds what moves, without training, and follows it.  fit, score and extract do the same where no --boxes are given.",
        .example = "svad boxes ped2/training -o boxes.txt",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &args, e);
    else if (rc > 0) rc = 0;
    sv_boxes_free(&j.boxes);
    sv_sources_free(&j.sources);
    sv_list_free(&args);
    return rc;
}
