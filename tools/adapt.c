/* adapt.c - svad adapt: a scene for another camera, from any footage of it: how tall bodies are in which row of its picture. */
#include "io/json.h"
#include "tools/scene.h"
#include "tools/tubes.h"

#include <stdio.h>

struct job {
    struct sv_common common;
    struct sv_tubes t;
    struct sv_scene scene;
    const char *from, *out;
    struct sv_figure *figure; size_t n, cap;
};

static int collect(struct job *j, struct sv_err *e) {
    struct sv_progress p;
    int rc = 0;
    sv_progress_start(&p, &j->common, "adapt", "clips", j->t.sources.n);
    for (size_t i = 0; !rc && i < j->t.sources.n; i++) {
        const struct sv_source *s = &j->t.sources.item[i];
        struct sv_object *object = NULL;
        size_t n = 0;
        rc = sv_tubes_objects(&j->t, s, &object, &n, e);
        for (size_t k = 0; !rc && k < n; k++)
            if (!(rc = sv_grow(&j->figure, &j->cap, j->n, sizeof *j->figure, e)))       /* speed takes no part: a frame will do */
                rc = sv_tubes_figures(s->name, 0, &object[k], 1, false, &j->figure[j->n++], e);
        sv_free(object);
        sv_progress_at(&p, i + 1);
    }
    sv_progress_end(&p);
    if (!rc && !j->n)
        rc = sv_fail(e, SV_EINPUT, "adapt: no box in %zu clips: nothing to learn from; give --boxes of a detector, or footage in which something moves",
                     j->t.sources.n);
    return rc;
}

static int report(const struct job *j, const double was[2], struct sv_err *e) {
    const double *line = j->scene.figures.line;
    if (!j->common.json) {
        printf("%zu clips, %zu boxes: bodies %.3g + %.3g * row pixels tall (%s: %.3g + %.3g * row)\n", j->t.sources.n, j->n, line[0], line[1], j->from,
               was[0], was[1]);
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_put_int(&o, "clips", (int64_t)j->t.sources.n);
    sv_json_put_int(&o, "objects", (int64_t)j->n);
    sv_json_put_real(&o, "line", line[0]);
    sv_json_put_real(&o, "slope", line[1]);
    sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    sv_free(o.text);
    return o.rc;
}

static int run(struct job *j, const struct sv_tube_opts *o, const struct sv_list *videos, struct sv_err *e) {
    if (!j->out) return sv_fail(e, SV_EUSAGE, "adapt: no scene to make: -o SCENE");
    int rc = sv_scene_load(&j->scene, j->from, e);
    if (!rc && !j->scene.figures.n)
        rc = sv_fail(e, SV_EINPUT, "%s: looks are all that counts in it, and they are as they are; expected a scene of svad fit --with motion", j->from);
    if (!rc) rc = sv_tubes_look(&j->t, o, &j->common, videos, &j->scene.rule, e);
    if (!rc) rc = sv_out_try(j->out, e);
    if (!rc) rc = collect(j, e);
    const double was[2] = { j->scene.figures.line[0], j->scene.figures.line[1] };
    if (!rc) rc = sv_figures_adapt(&j->scene.figures, j->figure, j->n, e);
    if (!rc) rc = sv_scene_save(&j->scene, j->out, e);
    return rc ? rc : report(j, was, e);
}

int sv_tool_adapt(int argc, char **argv, struct sv_err *e) {
    struct job j = {0};
    struct sv_tube_opts o = SV_TUBE_OPTS_INIT;
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "s", SV_OPT_TEXT, &j.from, "SCENE", "the scene of the other camera, made by svad fit --with motion", 0, 0 },
        SV_BOX_OPTS(&o),
        SV_MOTION_OPT(&o),
        SV_FPS_OPT(&o),
        { "o", SV_OPT_TEXT, &j.out, "SCENE", "the scene for this camera", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        .command = "adapt", .line = "-s SCENE VIDEO... [--boxes FILE] -o SCENE", .min_args = 1,
        .about = "Takes a scene to another camera: learns, from footage that may hold anything,\nhow tall bodies are in each row of its picture.  What is normal stays as it was.",
        .example = "svad adapt -s street.scene campus/ --boxes boxes.txt -o campus.scene",
    };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, &o, &args, e);
    else if (rc > 0) rc = 0;
    sv_free(j.figure);
    sv_tubes_close(&j.t);
    sv_scene_free(&j.scene);
    sv_list_free(&args);
    return rc;
}
