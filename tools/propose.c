#include "tools/propose.h"

#include "io/video.h"
#include "kmeans/figure.h"
#include "tfc/proposal.h"
#include <math.h>
#include <string.h>

struct pass {
    struct sv_video video;
    struct sv_proposer *proposer;
    const struct sv_object *detected; size_t n, at;     /* those before `at` belong to earlier frames */
    struct sv_propose_opts opts;
    struct sv_tracked now[SV_DETECTED_MOST];
    struct sv_object *out; size_t count, cap;
};

/* The objects of frame t, which is due. */
static int take(struct pass *p, size_t t, struct sv_err *e) {
    size_t n = 0;
    for (; p->at < p->n && p->detected[p->at].frame == t; p->at++, n++) {
        const struct sv_object *o = &p->detected[p->at];
        if (n == SV_DETECTED_MOST)
            return sv_fail(e, SV_EINPUT, "%s: more than %d boxes in frame %zu", p->video.path, SV_DETECTED_MOST, t);
        p->now[n] = (struct sv_tracked){ .score = o->score };
        memcpy(p->now[n].box, o->box, sizeof o->box);
    }
    const struct sv_tracked *box;
    const size_t all = sv_proposer_take(p->proposer, p->now, n, p->opts.motion, &box);
    for (size_t i = 0; i < all; i++) {
        if (sv_grow(&p->out, &p->cap, p->count, sizeof *p->out, e)) return SV_ENOMEM;
        struct sv_object *o = &p->out[p->count++];
        const int64_t own = i < n && !p->opts.motion ? p->detected[p->at - n + i].track : -1;
        *o = (struct sv_object){ .frame = t, .score = box[i].score, .track = own >= 0 ? own : box[i].track };
        o->figure[2] = (float)box[i].flow[0], o->figure[3] = (float)box[i].flow[1];
        memcpy(o->box, box[i].box, sizeof o->box);
    }
    return 0;
}

static int walk(struct pass *p, uint8_t *rgb, struct sv_err *e) {
    int rc = 0, more = 1;
    for (size_t t = 0; !rc; ) {
        if (more && (more = sv_video_next(&p->video, rgb, e)) < 0) return more;
        if (sv_proposer_push(p->proposer, more ? rgb : NULL)) rc = take(p, t++, e);
        else if (!more) break;
    }
    return rc;
}

/* Velocities and sizes of single boxes become figures. */
static int figures(struct sv_object *o, size_t n, struct sv_err *e) {
    struct sv_figure *f = sv_alloc(n, sizeof *f, e);
    if (!f) return SV_ENOMEM;
    for (size_t i = 0; i < n; i++)
        f[i] = (struct sv_figure){ o[i].frame, o[i].track, o[i].box[3], o[i].box[2] - o[i].box[0], o[i].box[3] - o[i].box[1],
                                   (double)o[i].figure[2], (double)o[i].figure[3] };
    const int rc = sv_figure_steady(f, n, e);
    for (size_t i = 0; !rc && i < n; i++)
        o[i].figure[0] = (float)f[i].w, o[i].figure[1] = (float)f[i].h, o[i].figure[2] = (float)f[i].right, o[i].figure[3] = (float)f[i].down;
    sv_free(f);
    return rc;
}

size_t sv_propose_apart(double fps) { return fps > 0 ? (size_t)fmin(fmax(floor(fps / 10 + 0.5), 1), SV_MOTION_LOOK) : 2; }

int sv_propose(const char *path, const struct sv_propose_opts *o, const struct sv_object *detected, size_t n, struct sv_object **out, size_t *count,
               struct sv_err *e) {
    if (!strcmp(path, "-"))
        return sv_fail(e, SV_EUSAGE, "stdin: its frames can be read once; finding or following objects needs a file or a folder, or --boxes");
    struct pass *p = sv_alloc(1, sizeof *p, e);
    if (!p) return SV_ENOMEM;
    p->detected = detected, p->n = n, p->opts = *o;
    uint8_t *rgb = NULL;
    int rc = sv_video_open(&p->video, path, e);
    if (!rc && (!(rgb = sv_alloc(p->video.w * p->video.h, 3, e)) || !(p->proposer = sv_proposer_open(p->video.w, p->video.h, e))))
        rc = SV_ENOMEM;
    if (!rc && o->figures) sv_proposer_flow(p->proposer, sv_propose_apart(p->video.fps > 0 ? p->video.fps : o->fps));
    if (!rc) rc = walk(p, rgb, e);
    if (!rc && p->at < n)
        rc = sv_fail(e, SV_EINPUT, "%s: a box in frame %zu, but it has %zu frames (the first is 0)", path, detected[p->at].frame,
                     p->video.next);
    if (!rc && o->figures) rc = figures(p->out, p->count, e);
    if (rc) sv_free(p->out);
    else *out = p->out, *count = p->count;
    sv_proposer_free(p->proposer);
    sv_video_close(&p->video);
    sv_free(rgb), sv_free(p);
    return rc;
}
