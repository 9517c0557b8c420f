/* boxes_place.c - from the names of pictures to frames of clips. */
#include "io/boxes_int.h"

#include "core/num.h"
#include "io/file.h"
#include <string.h>

enum { SHOWN = 60 };

static size_t without_extension(const char *s, size_t n) {
    for (size_t i = n; i > 1; i--) if (s[i - 1] == '.') return i - 1;
    return n;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* The digits at the end of a name, without zeros in front. */
static const char *digits(const char *s, size_t n, size_t *len) {
    size_t i = n;
    while (i && digit(s[i - 1])) i--;
    while (i + 1 < n && s[i] == '0') i++;
    *len = n - i;
    return s + i;
}

/* The names of a clip's frames, once. */
static int list_frames(const struct sv_clip_path *clip, struct sv_box_clip *c, struct sv_err *e) {
    struct sv_dir d;
    size_t at, len;
    int rc = 0;
    if (c->listed || !strcmp(clip->path, "-") || !sv_is_dir(clip->path)) return 0;
    if ((rc = sv_dir_list(&d, clip->path, e))) return rc;
    for (size_t i = 0; !rc && i < d.n; i++) {
        const size_t n = without_extension(d.name[i], strlen(d.name[i]));
        const char *number = digits(d.name[i], n, &len);
        if ((rc = sv_names_add(&c->frame, d.name[i], n, &at, e))) break;
        if (at != i) rc = sv_fail(e, SV_EINPUT, "%s: two frames are called %.*s, so boxes cannot name one", clip->path, (int)n, d.name[i]);
        else if (len && c->number.n == i) rc = sv_names_add(&c->number, number, len, &at, e);
    }
    if (c->number.n != c->frame.n) sv_names_free(&c->number);
    sv_dir_free(&d);
    c->listed = true;
    return rc;
}

static const struct sv_clip_path *called(const struct sv_clip_list *l, const char *name, size_t n) {
    for (size_t i = 0; i < l->n; i++) if (strlen(l->item[i].name) == n && !memcmp(l->item[i].name, name, n)) return &l->item[i];
    return NULL;
}

/* The clip with the longest name that s begins with, before a _. */
static const struct sv_clip_path *prefix(const struct sv_clip_list *l, const char *s, size_t n) {
    for (size_t i = n; i; i--) {
        const struct sv_clip_path *c = s[i - 1] == '_' ? called(l, s, i - 1) : NULL;
        if (c) return c;
    }
    return NULL;
}

static int frame_of(struct sv_box_reader *r, const struct sv_clip_path *clip, const char *s, size_t n, size_t skip, size_t *out, struct sv_err *e) {
    struct sv_box_clip *c = &r->about[clip - r->clips->item];
    const int rc = list_frames(clip, c, e);
    if (rc) return rc;
    if (!c->listed) {                   /* a video file */
        size_t len;
        int64_t v;
        const char *number = digits(s, n, &len);
        if (!sv_num_int(number, len, &v) || v < 1 || v > SV_FRAME_MAX)
            return sv_box_bad(r, e, "\"%.*s\" has no number from 1 at its end, to say which frame of %s it is", (int)sv_min(n, SHOWN), s, clip->path);
        *out = (size_t)v - 1;
        return 0;
    }
    *out = skip ? sv_names_find(&c->frame, s + skip, n - skip) : SIZE_MAX;
    if (*out == SIZE_MAX) *out = sv_names_find(&c->frame, s, n);
    return *out != SIZE_MAX ? 0 : sv_box_bad(r, e, "no frame of %s is called \"%.*s\" (the first is %s)", clip->path, (int)sv_min(n, SHOWN), s,
                                             c->frame.n ? c->frame.name[0] : "missing");
}

int sv_box_place(struct sv_box_reader *r, const char *name, size_t n, struct sv_box_place *out, struct sv_err *e) {
    const struct sv_clip_list *l = r->clips;
    const struct sv_clip_path *clip = NULL;
    *out = (struct sv_box_place){ 0 };
    if (!l) return sv_box_bad(r, e, "boxes by the names of frames, and no clips to look for them");
    size_t base = n;
    while (base && name[base - 1] != '/') base--;
    const char *s = name + base;
    const size_t stem = without_extension(s, n - base);
    for (size_t end = base; end && !clip; ) {
        size_t from = --end;
        while (from && name[from - 1] != '/') from--;
        if (end == base - 1) out->name = name + from, out->len = end - from;
        clip = called(l, name + from, end - from);
        end = from;
    }
    size_t skip = 0;
    if (!clip && (clip = prefix(l, s, stem))) skip = strlen(clip->name) + 1;
    if (!clip && !base && l->n == 1) clip = &l->item[0];
    out->clip = clip;
    if (!clip && base && out->len && out->len <= SV_NAMES_MAX) return 0;
    if (!clip) return sv_box_bad(r, e, "of which clip is \"%.*s\"?  Expected CLIP/FRAME or CLIP_FRAME", (int)sv_min(n, SHOWN), name);
    out->name = clip->name, out->len = strlen(clip->name);
    return frame_of(r, clip, s, stem, skip, &out->frame, e);
}

int sv_box_numbered(struct sv_box_reader *r, int64_t number, struct sv_box_place *out, struct sv_err *e) {
    const struct sv_clip_path *clip = r->clips && r->clips->n == 1 ? &r->clips->item[0] : NULL;
    struct sv_box_clip *c = r->about;
    char text[SV_NUM_TEXT];
    const int rc = clip ? list_frames(clip, c, e) : 0;
    if (rc) return rc;
    if (!clip || !c->number.n)
        return sv_box_bad(r, e, "which frame is image_id %lld?  Expected a list of images: a folder with this file and the one that has \"images\"",
                          (long long)number);
    const size_t n = sv_num_text((double)number, text), at = sv_names_find(&c->number, text, n);
    if (at == SIZE_MAX) return sv_box_bad(r, e, "no frame of %s has the number of image_id %lld", clip->path, (long long)number);
    *out = (struct sv_box_place){ clip, clip->name, strlen(clip->name), at };
    return 0;
}

int sv_box_measure(struct sv_box_reader *r, const struct sv_clip_path *clip, const struct sv_box_clip **out, struct sv_err *e) {
    struct sv_box_clip *c = &r->about[clip - r->clips->item];
    struct sv_video v;
    *out = c;
    if (c->measured) return 0;
    if (!strcmp(clip->path, "-")) return sv_fail(e, SV_EINPUT, "%s: YOLO boxes need the size of the frames, which stdin does not tell twice", r->file);
    const int rc = sv_video_open(&v, clip->path, e);
    if (rc) return rc;
    c->w = v.w, c->h = v.h, c->measured = true;
    sv_video_close(&v);
    return 0;
}
