#include "tools/queue.h"

#include "io/file.h"
#include "tools/stop.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

struct sv_queue {
    struct sv_video video;
    size_t cap, bytes;
    bool live;
    bool waits;                         /* for bytes that may never come; a folder's are there */
    uint8_t *mem;                       /* [cap + 1, bytes]: slots, and where a frame goes that finds no slot */
    size_t *number;                     /* [cap] */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    size_t head, tail, dropped;         /* frames taken out, put in: of all time; guarded, like all below */
    bool ended, closing;
    int rc;                             /* what ended the stream */
    struct sv_err err;
};

/* The thread may be ended only while it waits for bytes: never while it holds an image of a folder. */
static int read_frame(struct sv_queue *q, uint8_t *rgb) {
    int old;
    pthread_setcancelstate(q->waits ? PTHREAD_CANCEL_ENABLE : PTHREAD_CANCEL_DISABLE, &old);
    const int rc = sv_video_next(&q->video, rgb, &q->err);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    return rc;
}

static void *run(void *arg) {
    struct sv_queue *q = arg;
    int old, more = 1;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    for (size_t n = 0; more == 1; n++) {
        pthread_mutex_lock(&q->lock);
        while (!q->live && q->tail - q->head == q->cap && !q->closing) pthread_cond_wait(&q->emptied, &q->lock);
        const bool closing = q->closing, room = q->tail - q->head < q->cap;
        pthread_mutex_unlock(&q->lock);
        if (closing) break;
        /* The one who fills a slot is the only one who moves tail; so the slot stays free. */
        const size_t slot = room ? q->tail % q->cap : q->cap;
        more = read_frame(q, q->mem + slot * q->bytes);
        pthread_mutex_lock(&q->lock);
        if (more == 1 && room) q->number[slot] = n, q->tail++;
        else if (more == 1) q->dropped++;
        else q->rc = more, q->ended = true;
        pthread_cond_signal(&q->filled);
        pthread_mutex_unlock(&q->lock);
    }
    return NULL;
}

int sv_queue_open(struct sv_queue **out, const char *path, size_t frames, bool live, const struct sv_video **video, struct sv_err *e) {
    struct sv_queue *q = *out = sv_alloc(1, sizeof *q, e);
    if (!q) return SV_ENOMEM;
    q->cap = frames, q->live = live, q->waits = !sv_is_dir(path);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL), pthread_cond_init(&q->emptied, NULL);
    int rc = sv_video_open(&q->video, path, e);
    q->bytes = q->video.w * q->video.h * 3;
    if (!rc && (!(q->mem = sv_alloc(frames + 1, q->bytes, e)) || !(q->number = sv_alloc(frames, sizeof *q->number, e)))) rc = SV_ENOMEM;
    if (!rc && pthread_create(&q->thread, NULL, run, q)) rc = sv_fail(e, SV_ENOMEM, "%s: cannot start a thread to read it", path);
    q->started = !rc;
    *video = &q->video;
    if (rc) sv_queue_close(q), *out = NULL;
    return rc;
}

/* Waits a moment for a frame: signals do not wake a waiting thread. */
static void wait_filled(struct sv_queue *q) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 100 * 1000 * 1000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    pthread_cond_timedwait(&q->filled, &q->lock, &t);
}

int sv_queue_next(struct sv_queue *q, uint8_t *rgb, size_t *frame, struct sv_err *e) {
    int rc = 1;
    pthread_mutex_lock(&q->lock);
    while (q->head == q->tail && !q->ended && !sv_stop_wanted()) wait_filled(q);
    if (sv_stop_wanted()) rc = SV_QUEUE_STOPPED;
    else if (q->head == q->tail) {
        rc = q->rc;
        if (rc && e) *e = q->err;
    }
    const size_t slot = q->head % q->cap;
    pthread_mutex_unlock(&q->lock);
    if (rc != 1) return rc;
    memcpy(rgb, q->mem + slot * q->bytes, q->bytes);
    *frame = q->number[slot];
    pthread_mutex_lock(&q->lock);
    q->head++;
    pthread_cond_signal(&q->emptied);
    pthread_mutex_unlock(&q->lock);
    return 1;
}

size_t sv_queue_dropped(struct sv_queue *q) {
    pthread_mutex_lock(&q->lock);
    const size_t n = q->dropped;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void sv_queue_close(struct sv_queue *q) {
    if (!q) return;
    if (q->started) {
        pthread_mutex_lock(&q->lock);
        q->closing = true;
        pthread_cond_signal(&q->emptied);
        pthread_mutex_unlock(&q->lock);
        pthread_cancel(q->thread);
        pthread_join(q->thread, NULL);
    }
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->filled), pthread_cond_destroy(&q->emptied);
    sv_video_close(&q->video);
    sv_free(q->mem), sv_free(q->number);
    sv_free(q);
}
