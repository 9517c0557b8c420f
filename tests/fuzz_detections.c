/* MOT, YOLO and COCO over any bytes; the first byte picks.  A NUL in COCO's divides two files. */
#include "io/boxes_int.h"
#include "io/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char name[2][8] = { "01", "clip_2" }, path[2][32] = { "/nonexistent/01", "/nonexistent/clip_2.y4m" };
static struct sv_clip_path clip[2] = { { name[0], path[0] }, { name[1], path[1] } };
static const struct sv_clip_list clips = { clip, 2, 2 };
static struct sv_box_clip about[2];     /* three frames of the first, the second a video file */

static void know_frames(void) {
    size_t at;
    for (int i = 0; i < 3 && about[0].frame.n < 3; i++) {
        const char frame[4] = { '0', '0', (char)('0' + 3 * i), 0 };
        sv_names_add(&about[0].frame, frame, 3, &at, NULL);
        sv_names_add(&about[0].number, frame + 2, 1, &at, NULL);
    }
    about[0].listed = true;
}

static void coco(struct sv_box_reader *r, const char *s, size_t n) {
    const char *half = memchr(s, 0, n);
    const size_t first = half ? (size_t)(half - s) : n;
    const char *const file[2] = { "a", "b" };
    const struct sv_json_node *root[2];
    struct sv_json a = { 0 }, b = { 0 };
    const bool one = !sv_json_parse(&a, s, first, "a", NULL), two = half && !sv_json_parse(&b, half + 1, n - first - 1, "b", NULL);
    root[0] = a.root, root[1] = b.root;
    if (one && !sv_box_coco(r, root, file, two ? 2 : 1, NULL) && r->b->n > n) abort();
    sv_json_free(&a), sv_json_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    const char *s = (const char *)data + 1;
    const size_t n = size - 1;
    const struct sv_box_place place = { &clip[0], "01", 2, 4 };
    struct sv_boxes b = { 0 };
    struct sv_box_reader r = { .file = "fuzz", .unit = "line", .b = &b, .min_score = 0.25, .clips = &clips, .about = about };
    know_frames();
    switch (data[0] % 4) {
    case 0: sv_box_mot(&r, "01", s, n, NULL); break;
    case 1: sv_box_yolo(&r, &place, 360, 240, s, n, NULL); break;
    case 2: coco(&r, s, n); break;
    default: sv_box_format(s, n, n % 2);
    }
    for (size_t i = 0; i < b.n; i++)
        if (!(b.box[i].x1 < b.box[i].x2 && b.box[i].y1 < b.box[i].y2) || b.box[i].frame > SV_FRAME_MAX || b.box[i].track < -1 || r.clip[i] >= b.clip.n) abort();
    sv_free(r.clip);
    sv_boxes_free(&b);
    return 0;
}
