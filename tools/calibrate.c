#include "tools/calibrate.h"

#include "clip/image.h"
#include "clip/round.h"
#include "io/video.h"
#include <string.h>

enum { PICTURES = 16 };

/* The image tower of a checkpoint as f32, in memory. */
static int image_tower(struct sv_store *tower, const struct sv_store *s, const struct sv_convert_options *o, struct sv_err *e) {
    struct sv_convert_options f32 = *o;
    struct sv_convert c = { 0 };
    f32.dtype = SV_F32;
    int rc = sv_store_init(tower, s->file, e);
    if (!rc) rc = sv_convert_plan(&c, s, &f32, e);
    for (size_t i = 0; !rc && i < c.out.values; i++) rc = sv_store_copy_value(tower, &c.out.value[i], e);
    for (size_t i = 0; !rc && i < c.out.views; i++) {
        const struct sv_view *v = &c.out.view[i];
        if (strncmp(v->name, "clip.visual.", 12)) continue;
        float *data = sv_store_alloc(tower, v->count, sizeof *data, e);
        rc = data ? sv_convert_fill(&c, v, 0, v->count, data, e) : SV_ENOMEM;
        if (!rc) rc = sv_store_add(tower, v->name, SV_F32, v->rank, v->dim, data, v->bytes, e);
    }
    sv_convert_free(&c);
    return rc;
}

/* Up to `most` frames of a clip, evenly spaced where its length is known. */
static int take_frames(const char *path, size_t most, const struct sv_clip_config *g, float *pixels, size_t *n, struct sv_err *e) {
    const size_t each = 3 * g->image_size * g->image_size;
    struct sv_video v = { 0 };
    int more = 1, rc = sv_video_open(&v, path, e);
    uint8_t *rgb = rc ? NULL : sv_alloc(3 * v.w, v.h, e);
    if (!rc && !rgb) rc = SV_ENOMEM;
    const size_t apart = sv_max(v.frames / most, 1);
    for (size_t i = 0; !rc && i < most; i++) {
        if ((more = sv_video_next(&v, rgb, e)) != 1) break;
        const struct sv_image im = { .w = v.w, .h = v.h, .mode = SV_RGB, .px = rgb };
        rc = sv_clip_pixels(&im, g->image_size, g->squash, g->mean, g->std, pixels + *n * each, NULL, e);
        if (!rc) ++*n;
        if (!rc && apart > 1 && (more = sv_video_skip(&v, apart - 1, e)) != 1) break;
    }
    if (more < 0) rc = more;
    sv_free(rgb);
    sv_video_close(&v);
    return rc;
}

/* pixels [PICTURES, 3, S, S] of the clips of all paths, which share the places; *n of them.  Clips of different paths may have one name. */
static int take_pictures(const struct sv_list *paths, const struct sv_clip_config *g, float *pixels, size_t *n, struct sv_err *e) {
    struct sv_clip_list *l = sv_alloc(paths->n, sizeof *l, e);
    size_t clips = 0, at = 0;
    int rc = l ? 0 : SV_ENOMEM;
    for (size_t p = 0; !rc && p < paths->n; p++) rc = sv_clip_list_add(&l[p], paths->item[p], e), clips += l[p].n;
    const size_t most = sv_min(clips, PICTURES);
    for (size_t p = 0; !rc && p < paths->n; p++)
        for (size_t i = 0; !rc && i < l[p].n; i++, at++) {
            const size_t turn = at * most / clips;
            if ((at + 1) * most / clips > turn) rc = take_frames(l[p].item[i].path, PICTURES * (turn + 1) / most - PICTURES * turn / most, g, pixels, n, e);
        }
    for (size_t p = 0; l && p < paths->n; p++) sv_clip_list_free(&l[p]);
    sv_free(l);
    return rc;
}

static void tick(void *progress, size_t layer) { sv_progress_at(progress, layer); }

int sv_calibrate(struct sv_store *out, const struct sv_store *s, const struct sv_convert_options *o, const struct sv_list *videos,
                 const struct sv_common *common, struct sv_err *e) {
    struct sv_store tower = { 0 };
    struct sv_clip_config g;
    struct sv_cpu cpu = { 0 };
    struct sv_progress p;
    float *pixels = NULL;
    size_t n = 0;
    int rc = sv_store_init(out, s->file, e);
    if (!rc) rc = image_tower(&tower, s, o, e);
    if (!rc) rc = sv_clip_config_read(&g, &tower, e);
    if (!rc && !(pixels = sv_alloc(PICTURES * 3 * g.image_size * g.image_size, sizeof *pixels, e))) rc = SV_ENOMEM;
    if (!rc) rc = take_pictures(videos, &g, pixels, &n, e);
    if (!rc) rc = sv_cpu_open(&cpu, common, e);
    if (!rc) {
        cpu.precision = SV_ALL_F32;
        sv_progress_start(&p, common, "round", "layers", g.visual.layers);
        rc = sv_clip_round(out, &tower, &cpu, pixels, n, tick, &p, e);
        sv_progress_end(&p);
    }
    if (!rc) sv_say(common, "%s: rounded for %zu frames", s->file, n);
    sv_cpu_close(&cpu);
    sv_free(pixels);
    sv_store_free(&tower);
    return rc;
}
