/* train_make.c - from the rows of a list to one file with the frame features of all their tubes. */
#include "io/container.h"
#include "tools/stop.h"
#include "tools/train_set.h"

#include <string.h>

/* The tubes of one row, one after the other. */
struct tubes {
    size_t n, next;                     /* tubes of the row; the one that comes next */
    float *out;                         /* [n, E] of a stored or whole-frame tube */
    struct sv_stored stored;
    struct sv_feed feed;                /* of boxes; of whole frames, frame by frame */
    struct sv_object *object; size_t objects;
    bool whole;
    struct sv_rule rule;                /* whole: of single frames */
    struct sv_tube tube;                /* whole: of the tubes that are put together from them */
    size_t frames, *number;             /* whole: number[t] of a frame that some tube needs, counting those alone */
    float *frame;                       /* whole: [objects, E], once they are encoded */
};

struct make {
    struct sv_tubes *t;
    const struct sv_train_list *list;
    size_t crop_batch;
    const char *boxes;                  /* the file that t->boxes was read from; borrowed from a row */
    int64_t *first;                     /* [rows + 1] */
    size_t row, done;
    struct tubes now;
    const float *feats; size_t left;    /* of the tube on its way into the file */
    struct sv_progress progress;
};

/* ---- one row ---- */

static void close_row(struct tubes *s) {
    sv_feed_close(&s->feed);
    sv_stored_close(&s->stored);
    sv_free(s->out), sv_free(s->object), sv_free(s->number), sv_free(s->frame);
    *s = (struct tubes){0};
}

static int open_stored(struct make *m, struct tubes *s, const char *path, struct sv_err *e) {
    const size_t embed = m->t->model.cfg.embed;
    int rc = sv_stored_open(&s->stored, path, e);
    if (!rc) rc = sv_rule_match(&m->t->rule, &s->stored.rule, path, e);
    if (!rc && s->stored.data->dim[2] != embed)
        rc = sv_fail(e, SV_EINPUT, "%s: features of width %zu, expected %zu", path, s->stored.data->dim[2], embed);
    s->n = s->stored.n;
    return rc;
}

static int open_crops(struct make *m, struct sv_err *e) {
    if (m->t->crops.clip) return 0;
    const double fps = m->t->crops.fps;
    const int rc = sv_crops_open(&m->t->crops, &m->t->model.store, &m->t->cpu, m->crop_batch, e);
    m->t->crops.fps = fps, m->t->crops.stop = sv_stop_wanted;
    return rc;
}

/* The boxes of a row, and of the others that have the same file. */
static int read_boxes(struct make *m, const struct sv_train_row *row, struct sv_err *e) {
    struct sv_sources s = { .item = sv_alloc(m->list->n, sizeof *s.item, e) };
    if (!s.item) return SV_ENOMEM;
    for (size_t i = 0; i < m->list->n; i++) {
        const struct sv_train_row *k = &m->list->row[i];
        if (k->boxes && !strcmp(k->boxes, row->boxes)) s.item[s.n++] = k->source;
    }
    const int rc = sv_sources_boxes(&s, &m->t->boxes, row->boxes, m->t->rule.min_score, e);
    sv_free(s.item);
    return rc;
}

static int open_boxed(struct make *m, struct tubes *s, const struct sv_train_row *row, struct sv_err *e) {
    int rc = 0;
    if (!m->boxes || strcmp(m->boxes, row->boxes)) {
        sv_boxes_free(&m->t->boxes);
        m->boxes = NULL;
        if ((rc = read_boxes(m, row, e))) return rc;
        m->boxes = row->boxes;
    }
    if (!(rc = sv_tubes_objects(m->t, &row->source, &s->object, &s->n, e)))
        rc = sv_feed_open(&s->feed, &m->t->crops, &m->t->rule, row->source.name, row->source.path, s->object, s->n, e);
    return rc;
}

/* Notes which frames are needed, and makes one object of the whole frame for each. */
static int choose_frames(struct tubes *s, size_t every, size_t w, size_t h, struct sv_err *e) {
    if (!(s->number = sv_alloc(s->frames, sizeof *s->number, e))) return SV_ENOMEM;
    for (size_t t = 0; t < s->frames; t += every)
        for (size_t i = 0; i < s->tube.n; i++) s->number[sv_tube_frame(&s->tube, t, i, s->frames)] = 1;
    for (size_t t = 0; t < s->frames; t++) s->objects += s->number[t];
    if (!(s->object = sv_alloc(s->objects, sizeof *s->object, e))) return SV_ENOMEM;
    for (size_t t = 0, k = 0; t < s->frames; t++) {
        if (!s->number[t]) continue;
        s->number[t] = k;
        s->object[k++] = (struct sv_object){ .frame = t, .box = { 0, 0, (double)w, (double)h }, .score = 1, .track = -1 };
    }
    return 0;
}

static int open_whole(struct make *m, struct tubes *s, const struct sv_train_row *row, struct sv_err *e) {
    const struct sv_rule *r = &m->t->rule;
    struct sv_video v;
    int rc = sv_video_open(&v, row->source.path, e);
    if (rc) return rc;
    s->whole = true, s->frames = v.frames;
    if (!v.frames) rc = sv_fail(e, SV_EINPUT, "%s: its number of frames is not known beforehand; give boxes", row->source.path);
    if (!rc) rc = sv_rule_tube(r, v.fps > 0 ? v.fps : m->t->crops.fps, row->source.path, &s->tube, e);
    if (!rc) rc = choose_frames(s, r->every, v.w, v.h, e);
    sv_video_close(&v);
    s->n = sv_ceil_div(s->frames, r->every);
    s->rule = *r, s->rule.tube = (struct sv_tube){ 1, 1 }, s->rule.seconds = 0;
    if (!rc) rc = sv_feed_open(&s->feed, &m->t->crops, &s->rule, row->source.name, row->source.path, s->object, s->objects, e);
    return rc;
}

static int open_row(struct make *m, size_t i, struct tubes *s, struct sv_err *e) {
    const struct sv_train_row *row = &m->list->row[i];
    const bool stored = row->source.kind == SV_FEATURES;
    *s = (struct tubes){0};
    int rc = stored ? open_stored(m, s, row->source.path, e) : open_crops(m, e);
    if (!rc && !stored) rc = row->boxes ? open_boxed(m, s, row, e) : open_whole(m, s, row, e);
    if (!rc && !(s->out = sv_alloc(m->t->rule.tube.n, m->t->model.cfg.embed * sizeof *s->out, e))) rc = SV_ENOMEM;
    if (rc) close_row(s);
    return rc;
}

static int next_feats(struct tubes *s, const float **feats, struct sv_err *e) {
    const int rc = sv_feed_next(&s->feed, feats, e);
    return rc == 1 ? 0 : rc;
}

static int encode_frames(struct tubes *s, size_t embed, struct sv_err *e) {
    const float *feats;
    int rc = 0;
    if (!(s->frame = sv_alloc(s->objects, embed * sizeof *s->frame, e))) return SV_ENOMEM;
    for (size_t k = 0; k < s->objects; k++) {
        if ((rc = next_feats(s, &feats, e))) return rc;
        memcpy(s->frame + k * embed, feats, embed * sizeof *feats);
    }
    return 0;
}

/* *feats [n, E] of the row's next tube. */
static int next_tube(struct make *m, struct tubes *s, const float **feats, struct sv_err *e) {
    const size_t n = m->t->rule.tube.n, embed = m->t->model.cfg.embed;
    *feats = s->out;
    if (s->stored.data) {
        sv_view_f32(s->stored.data, s->next++ * n * embed, n * embed, s->out);
        return sv_check_finite(s->out, n * embed, s->stored.file.name, e);
    }
    if (!s->whole) {
        s->next++;
        return next_feats(s, feats, e);
    }
    const int rc = s->frame ? 0 : encode_frames(s, embed, e);
    const size_t t = s->next++ * m->t->rule.every;
    for (size_t i = 0; !rc && i < n; i++)
        memcpy(s->out + i * embed, s->frame + s->number[sv_tube_frame(&s->tube, t, i, s->frames)] * embed, embed * sizeof *s->out);
    return rc;
}

/* ---- all rows ---- */

/* The tube that comes next, of whatever row. */
static int advance(struct make *m, struct sv_err *e) {
    int rc = 0;
    if (sv_stop_wanted()) return SV_STOPPED;
    while (!rc && m->now.next == m->now.n) {
        close_row(&m->now);
        rc = m->row < m->list->n ? open_row(m, m->row++, &m->now, e)
                                 : sv_fail(e, SV_EINPUT, "%s: videos lost tubes while they were read", m->list->row[0].source.path);
    }
    if (!rc) rc = next_tube(m, &m->now, &m->feats, e);
    sv_progress_at(&m->progress, ++m->done);
    return rc;
}

static int fill(void *arg, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e) {
    struct make *m = arg;
    const size_t tube = v->dim[1] * v->dim[2];
    int rc = 0;
    (void)first;
    for (size_t done = 0, part; !rc && done < n; done += part) {
        if (!m->left && (rc = advance(m, e))) return rc;
        if (!m->left) m->left = tube;
        part = sv_min(n - done, m->left);
        rc = sv_narrow((char *)out + done * sv_dtype_size(v->dtype), v->dtype, m->feats + tube - m->left, part, e);
        m->left -= part;
    }
    return rc;
}

static int count(struct make *m, const struct sv_common *common, struct sv_err *e) {
    size_t empty = 0, whole = 0;
    int rc = 0;
    if (!(m->first = sv_alloc(m->list->n + 1, sizeof *m->first, e))) return SV_ENOMEM;
    for (size_t i = 0; !rc && i < m->list->n; i++) {
        struct tubes s;
        if (sv_stop_wanted()) return SV_STOPPED;
        if ((rc = open_row(m, i, &s, e))) break;
        m->first[i + 1] = m->first[i] + (int64_t)s.n;
        empty += !s.n, whole += s.whole;
        close_row(&s);
    }
    if (!rc && whole) sv_say(common, "%zu videos have no boxes: the whole frame is the box", whole);
    if (!rc && empty) sv_say(common, "%zu of %zu videos have no tube and are left out", empty, m->list->n);
    return rc;
}

static int put(struct sv_store *st, const struct make *m, enum sv_dtype dtype, struct sv_err *e) {
    const struct sv_train_list *l = m->list;
    const size_t rows = l->n, starts = rows + 1, tubes = (size_t)m->first[rows];
    const size_t dim[3] = { tubes, m->t->rule.tube.n, m->t->model.cfg.embed };
    char hash[SV_TRAIN_LIST_HASH];
    size_t bytes = 0;
    for (size_t i = 0; i < l->label.n; i++) bytes += strlen(l->label.name[i]) + 1;
    int32_t *label = sv_store_alloc(st, rows, 4, e), *video = sv_store_alloc(st, rows, 4, e);
    char *names = sv_store_alloc(st, bytes + 1, 1, e), *p = names;
    if (!label || !video || !names) return SV_ENOMEM;
    for (size_t r = 0; r < rows; r++) label[r] = (int32_t)l->row[r].label, video[r] = (int32_t)l->row[r].video;
    for (size_t i = 0; i < l->label.n; i++) {
        const size_t n = strlen(l->label.name[i]);
        memcpy(p, l->label.name[i], n), p[n] = '\n', p += n + 1;
    }
    int rc = sv_rule_write(&m->t->rule, st, e);
    if (!rc) rc = sv_train_list_hash(l, hash, e);
    if (!rc) rc = sv_store_set_text(st, "list", hash, e);
    if (!rc) rc = sv_store_add(st, "features", dtype, 3, dim, NULL, tubes * dim[1] * dim[2] * sv_dtype_size(dtype), e);
    if (!rc) rc = sv_store_add(st, "first", SV_I64, 1, &starts, m->first, 8 * starts, e);
    if (!rc) rc = sv_store_add(st, "label", SV_I32, 1, &rows, label, 4 * rows, e);
    if (!rc) rc = sv_store_add(st, "video", SV_I32, 1, &rows, video, 4 * rows, e);
    return rc ? rc : sv_store_add(st, "labels", SV_U8, 1, &bytes, names, bytes, e);
}

int sv_train_set_make(const char *path, struct sv_tubes *t, const struct sv_train_list *l, size_t crop_batch, enum sv_dtype dtype,
                      const struct sv_common *common, struct sv_err *e) {
    struct make m = { .t = t, .list = l, .crop_batch = crop_batch };
    struct sv_store st = {0};
    int rc = sv_store_init(&st, path, e);
    if (!rc) rc = count(&m, common, e);
    if (!rc) rc = put(&st, &m, dtype, e);
    if (!rc) {
        sv_progress_start(&m.progress, common, "features", "tubes", (size_t)m.first[l->n]);
        rc = sv_container_stream(path, "tubes", &st, &(struct sv_filler){ fill, &m }, e);
        sv_progress_end(&m.progress);
    }
    close_row(&m.now);
    sv_store_free(&st);
    sv_free(m.first);
    return rc;
}
