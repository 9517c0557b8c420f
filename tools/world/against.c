#include "tools/world/against.h"

#include "io/boxes.h"
#include "io/video.h"
#include "tools/world/measure.h"
#include <stdio.h>
#include <string.h>

enum { EVERY = 4, LATER = 5, MOST = 256, WORLDS = 1000 };

struct footage { struct sv_video video; uint8_t *rgb, *luma[2]; };

/* The boxes of a frame, which lie together in order. */
static size_t boxes_at(const struct sv_box *b, size_t n, size_t frame, double out[MOST][4]) {
    size_t k = 0;
    for (size_t i = 0; i < n && k < MOST; i++)
        if (b[i].frame == frame) out[k][0] = b[i].x1, out[k][1] = b[i].y1, out[k][2] = b[i].x2, out[k++][3] = b[i].y2;
    return k;
}

static int measure_frame(struct sv_measures *m, const struct footage *f, const struct sv_box *b, size_t n, size_t t, double fps, struct sv_err *e) {
    double now[MOST][4], then[MOST][4];
    const size_t w = f->video.w, h = f->video.h, k = boxes_at(b, n, t, now), later = boxes_at(b, n, t + LATER, then);
    int rc = sv_measure_frame(m, f->luma[t % 2], t ? f->luma[!(t % 2)] : NULL, w, h, e);
    for (size_t i = 0; !rc && i < k; i++) rc = sv_measure_box(m, f->luma[t % 2], w, h, now[i], e);
    return rc ? rc : sv_measure_speed(m, (const double (*)[4])now, k, (const double (*)[4])then, later, LATER / fps, e);
}

static int measure_clip(struct sv_measures *m, const struct sv_clip_path *clip, const struct sv_boxes *boxes, double fps, struct sv_err *e) {
    struct footage f = {0};
    size_t n;
    const struct sv_box *b = sv_boxes_of(boxes, clip->name, &n);
    int rc = sv_video_open(&f.video, clip->path, e), more = 1;
    const size_t size = f.video.w * f.video.h;
    if (!rc && (!(f.rgb = sv_alloc(size, 3, e)) || !(f.luma[0] = sv_alloc(size, 1, e)) || !(f.luma[1] = sv_alloc(size, 1, e)))) rc = SV_ENOMEM;
    for (size_t t = 0; !rc && (more = sv_video_next(&f.video, f.rgb, e)) == 1; t++) {
        for (size_t i = 0; i < size; i++) f.luma[t % 2][i] = (uint8_t)((77u * f.rgb[3 * i] + 150u * f.rgb[3 * i + 1] + 29u * f.rgb[3 * i + 2]) >> 8);
        if (t % EVERY == 0) rc = measure_frame(m, &f, b, n, t, fps > 0 ? fps : f.video.fps > 0 ? f.video.fps : 25, e);
    }
    sv_video_close(&f.video);
    sv_free(f.rgb), sv_free(f.luma[0]), sv_free(f.luma[1]);
    return rc ? rc : more < 0 ? more : 0;
}

static void show(struct sv_measures *footage, struct sv_measures *worlds) {
    static const char *const name[SV_MEASURED] = {
#define X(id, about) about,
        SV_MEASURES(X)
#undef X
    };
    static const double q[3] = { 0.05, 0.5, 0.95 };
    printf("%-26s %8s %8s %8s   %8s %8s %8s\n", "", "5 %", "50 %", "95 %", "world", "", "");
    for (int i = 0; i < SV_MEASURED; i++) {
        double a[3], b[3];
        for (int k = 0; k < 3; k++) a[k] = sv_measures_quantile(footage, (enum sv_measure)i, q[k]),
            b[k] = sv_measures_quantile(worlds, (enum sv_measure)i, q[k]);
        printf("%-26s %8.3g %8.3g %8.3g   %8.3g %8.3g %8.3g  %s\n", name[i], a[0], a[1], a[2], b[0], b[1], b[2], a[0] >= b[0] && a[2] <= b[2] ? "inside" : "outside");
    }
}

int sv_world_against(const char *video, const char *boxes, double fps, struct sv_err *e) {
    struct sv_boxes b = {0};
    struct sv_clip_list clips = {0};
    struct sv_measures footage = {0}, worlds = {0};
    int rc = boxes ? sv_boxes_read(&b, boxes, SV_MIN_SCORE, e) : sv_fail(e, SV_EUSAGE, "world: --against needs --boxes FILE");
    if (!rc) rc = sv_clip_list_add(&clips, video, e);
    for (size_t i = 0; !rc && i < clips.n; i++) rc = measure_clip(&footage, &clips.item[i], &b, fps, e);
    if (!rc) rc = sv_measure_worlds(&worlds, WORLDS, e);
    if (!rc) show(&footage, &worlds);
    sv_measures_free(&footage), sv_measures_free(&worlds);
    sv_clip_list_free(&clips);
    sv_boxes_free(&b);
    return rc;
}
