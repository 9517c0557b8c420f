#include "io/avi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "io/jpeg.h"

struct chunk { char id[5]; uint32_t size; };

static uint32_t le32(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

bool sv_avi_is(const uint8_t *p, size_t n) { return n >= 12 && !memcmp(p, "RIFF", 4) && !memcmp(p + 8, "AVI ", 4); }

static int cut(const struct sv_avi *a, struct sv_err *e) {
    return sv_fail(e, SV_EINPUT, "%s: AVI ends in the middle, after %zu whole frames", a->in.name, a->next);
}

/* Reads n bytes that must be there. */
static int take(struct sv_avi *a, uint8_t *out, uint64_t n, struct sv_err *e) {
    uint64_t got;
    if (a->in.left < n) return cut(a, e);
    const int rc = sv_stream_take(&a->in, out, n, &got, e);
    return rc ? rc : got < n ? cut(a, e) : 0;
}

/* A chunk's name and size.  1; 0: the stream ended before it, or, behind a whole list, in it. */
static int chunk(struct sv_avi *a, struct chunk *c, struct sv_err *e) {
    uint8_t head[8];
    uint64_t got;
    int rc = sv_stream_take(&a->in, head, 8, &got, e);
    if (rc || !got) return rc;
    if (got < 8) return a->packet && !a->left ? 0 : cut(a, e);
    memcpy(c->id, head, 4);
    c->id[4] = 0, c->size = le32(head + 4);
    for (size_t i = 0; i < 4; i++)
        if (head[i] < 0x20 || head[i] > 0x7e)
            return sv_fail(e, SV_EINPUT, "%s: AVI chunk after frame %zu is named %02x %02x %02x %02x, expected four characters", a->in.name,
                           a->next, head[0], head[1], head[2], head[3]);
    return 1;
}

static bool is(const struct chunk *c, const char *id) { return !strcmp(c->id, id); }

/* Chunks begin at even bytes. */
static uint64_t padded(uint32_t size) { return (uint64_t)size + (size & 1); }

/* ---- headers ---- */

/* What strh and strf say of the stream that is being read about. */
struct about { unsigned streams; bool video, found; char codec[5]; };

static int stream_header(struct sv_avi *a, struct about *b, const uint8_t *p, size_t n, struct sv_err *e) {
    if (n < 36) return sv_fail(e, SV_EINPUT, "%s: AVI stream header of %zu bytes, expected 48 or more", a->in.name, n);
    b->video = !b->found && !memcmp(p, "vids", 4);
    if (b->video) {
        a->track = b->streams, a->per = le32(p + 20), a->rate = le32(p + 24), a->frames = le32(p + 32);
        if (!a->per || !a->rate) a->per = a->rate = 0;
        if (a->frames == UINT32_MAX) a->frames = 0;
    }
    b->streams++;
    return 0;
}

static int stream_format(struct sv_avi *a, struct about *b, const uint8_t *p, size_t n, struct sv_err *e) {
    if (!b->video) return 0;
    if (n < 40) return sv_fail(e, SV_EINPUT, "%s: AVI video format of %zu bytes, expected 40 or more", a->in.name, n);
    const uint32_t h = le32(p + 8);
    a->w = le32(p + 4), a->h = h >> 31 ? 0u - h : h;
    memcpy(b->codec, p + 16, 4);
    b->found = true, b->video = false;
    if (a->w <= SV_IMAGE_MAX_SIDE && a->h <= SV_IMAGE_MAX_SIDE && (!a->w) == (!a->h)) return 0;
    return sv_fail(e, SV_EINPUT, "%s: AVI frames of %zu x %zu pixels, expected 1 .. %d a side", a->in.name, a->w, a->h, SV_IMAGE_MAX_SIDE);
}

static int check_codec(const struct sv_avi *a, const struct about *b, struct sv_err *e) {
    static const char known[][5] = { "MJPG", "IJPG", "JPEG", "DMB1" };
    char c[5] = "";
    if (!b->found) return sv_fail(e, SV_EINPUT, "%s: AVI without a video stream", a->in.name);
    for (size_t i = 0; i < 4; i++) c[i] = (char)toupper((unsigned char)b->codec[i]);
    for (size_t i = 0; i < SV_LEN(known); i++) if (!memcmp(known[i], c, 4)) return 0;
    for (size_t i = 0; i < 4; i++) c[i] = b->codec[i] >= 0x20 && b->codec[i] < 0x7f ? b->codec[i] : '?';
    return sv_fail(e, SV_EINPUT, "%s: AVI of codec %s, expected Motion JPEG (MJPG), frames or y4m " SV_AVI_CONVERT, a->in.name, c);
}

static uint64_t list_bytes(uint32_t size) { return size == 0 || size == UINT32_MAX ? UINT64_MAX : size; }

/* One chunk of the headers: lists are walked into, so that their members simply follow.  *done at the movi list. */
static int header_chunk(struct sv_avi *a, const struct chunk *c, struct about *b, bool *done, struct sv_err *e) {
    uint8_t p[56];
    if (is(c, "LIST")) {
        int rc = take(a, p, 4, e);
        if (rc) return rc;
        if (!memcmp(p, "movi", 4)) {
            *done = true, a->left = list_bytes(c->size);
            if (a->left < 4) return sv_fail(e, SV_EINPUT, "%s: AVI movi list of %u bytes", a->in.name, (unsigned)c->size);
            if (a->left != UINT64_MAX) a->left -= 4;
            return 0;
        }
        return !memcmp(p, "hdrl", 4) || !memcmp(p, "strl", 4) ? 0 : c->size < 4 ? cut(a, e) : take(a, NULL, padded(c->size) - 4, e);
    }
    if (!is(c, "strh") && !is(c, "strf")) return take(a, NULL, padded(c->size), e);
    const size_t n = sv_min(c->size, sizeof p);
    int rc = take(a, p, n, e);
    if (!rc) rc = take(a, NULL, padded(c->size) - n, e);
    if (!rc) rc = is(c, "strh") ? stream_header(a, b, p, n, e) : stream_format(a, b, p, n, e);
    return rc;
}

static int headers(struct sv_avi *a, struct sv_err *e) {
    uint8_t head[12];
    struct about b = { 0 };
    bool done = false;
    int rc = take(a, head, sizeof head, e);
    if (!rc && !sv_avi_is(head, sizeof head)) rc = sv_fail(e, SV_EINPUT, "%s: no AVI: does not begin with RIFF and AVI", a->in.name);
    while (!rc && !done) {
        struct chunk c;
        rc = chunk(a, &c, e);
        rc = rc == 0 ? cut(a, e) : rc < 0 ? rc : header_chunk(a, &c, &b, &done, e);
    }
    return rc ? rc : check_codec(a, &b, e);
}

int sv_avi_open(struct sv_avi *a, struct sv_stream *in, struct sv_err *e) {
    *a = (struct sv_avi){ .in = *in };
    *in = (struct sv_stream){ .fd = -1 };
    const int rc = headers(a, e);
    if (rc) sv_avi_close(a);
    return rc;
}

void sv_avi_close(struct sv_avi *a) {
    sv_stream_close(&a->in);
    sv_free(a->packet);
    *a = (struct sv_avi){ .in.fd = -1 };
}

/* ---- frames ---- */

/* Between lists: the next movi list of an OpenDML file.  1; 0 at the end, which may cut an index short. */
static int next_list(struct sv_avi *a, struct sv_err *e) {
    for (;;) {
        struct chunk c;
        uint8_t type[4];
        uint64_t got;
        int rc = chunk(a, &c, e);
        if (rc <= 0) return rc;
        if (!is(&c, "RIFF") && !is(&c, "LIST")) {
            if ((rc = sv_stream_take(&a->in, NULL, padded(c.size), &got, e))) return rc;
            continue;
        }
        if ((rc = take(a, type, 4, e))) return rc;
        if (is(&c, "LIST") && !memcmp(type, "movi", 4)) {
            a->left = list_bytes(c.size);
            if (a->left != UINT64_MAX) a->left -= sv_min(4, (size_t)a->left);
            return 1;
        }
        if (is(&c, "LIST") && (rc = sv_stream_take(&a->in, NULL, padded(c.size) - sv_min(4, c.size), &got, e))) return rc;
    }
}

/* The packet grows as its bytes come: what a chunk claims costs nothing. */
static int read_packet(struct sv_avi *a, uint32_t size, struct sv_err *e) {
    if (size > SV_AVI_MAX_PACKET)
        return sv_fail(e, SV_EINPUT, "%s: AVI frame %zu of %u bytes, expected at most %d", a->in.name, a->next, (unsigned)size,
                       SV_AVI_MAX_PACKET);
    if (a->in.left < size) return cut(a, e);
    if (!size) return a->n ? 0 : sv_fail(e, SV_EINPUT, "%s: AVI begins with an empty frame", a->in.name);
    for (a->n = 0; a->n < size;) {
        if (a->n == a->cap && sv_grow(&a->packet, &a->cap, a->n, 1, e)) return SV_ENOMEM;
        const size_t part = sv_min(size - a->n, a->cap - a->n);
        const int rc = take(a, a->packet + a->n, part, e);
        if (rc) return rc;
        a->n += part;
    }
    return 0;
}

static bool is_frame(const struct sv_avi *a, const struct chunk *c) {
    return c->id[0] == (char)('0' + a->track / 10) && c->id[1] == (char)('0' + a->track % 10) && c->id[2] == 'd' &&
           (c->id[3] == 'c' || c->id[3] == 'b');
}

/* One chunk of a movi list, whose left bytes it takes.  1 if it was a frame. */
static int movi_chunk(struct sv_avi *a, const struct chunk *c, struct sv_err *e) {
    const bool record = is(c, "LIST");                      /* frames of one moment, gathered: they simply follow */
    uint64_t used = record ? 4 : c->size, got;
    if (a->left != UINT64_MAX) {
        if (a->left < 8 || a->left - 8 < used)
            return sv_fail(e, SV_EINPUT, "%s: AVI chunk %s after frame %zu has %u bytes, more than its list", a->in.name, c->id, a->next,
                           (unsigned)c->size);
        a->left -= 8 + used;
    }
    int rc = is_frame(a, c) ? read_packet(a, c->size, e) : take(a, NULL, used, e);
    if (!rc && used & 1 && a->left) {                       /* the last chunk's padding may be missing */
        rc = sv_stream_take(&a->in, NULL, 1, &got, e);
        if (a->left != UINT64_MAX) a->left--;
    }
    if (rc || !is_frame(a, c)) return rc;
    a->next++;
    return 1;
}

int sv_avi_next(struct sv_avi *a, struct sv_err *e) {
    for (;;) {
        struct chunk c;
        int rc = a->left ? 1 : next_list(a, e);
        if (rc <= 0) return rc;
        if (!a->left) continue;
        rc = chunk(a, &c, e);
        if (rc < 0) return rc;
        if (!rc) return a->left == UINT64_MAX ? 0 : cut(a, e);
        if ((rc = movi_chunk(a, &c, e))) return rc;
    }
}

int sv_avi_frame(struct sv_avi *a, struct sv_image *im, struct sv_err *e) {
    char name[320];
    snprintf(name, sizeof name, "%.256s: frame %zu", a->in.name, a->next - 1);
    const int rc = sv_jpeg_decode(a->packet, a->n, name, im, e);
    if (rc) return rc;
    if (!a->w) a->w = im->w, a->h = im->h;
    if (im->w == a->w && im->h == a->h) return 0;
    const int bad = sv_fail(e, SV_EINPUT, "%s: %zu x %zu pixels, expected %zu x %zu as the AVI's header or first frame says", name, im->w, im->h,
                            a->w, a->h);
    sv_image_free(im);
    return bad;
}
