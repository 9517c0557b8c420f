/* queue.h - a video decoded by a thread of its own, into a queue of bounded length.
 *
 * Where the stream cannot wait (live), frames that come while the queue is full are dropped; each is counted, and the numbers of
 * frames go on as if it had come. */
#ifndef TOOLS_QUEUE_H
#define TOOLS_QUEUE_H

#include "io/video.h"

struct sv_queue;

/* Opens the video at path, which the queue owns, and begins to read.  video is for its size and rate. */
int sv_queue_open(struct sv_queue **q, const char *path, size_t frames, bool live, const struct sv_video **video, struct sv_err *e);
/* rgb [h, w, 3] = the next frame, *frame its number.  1; 0 after the last one; SV_QUEUE_STOPPED once the user asked to stop;
 * else the error that ended the stream. */
enum { SV_QUEUE_STOPPED = 2 };
int sv_queue_next(struct sv_queue *q, uint8_t *rgb, size_t *frame, struct sv_err *e);
size_t sv_queue_dropped(struct sv_queue *q);
void sv_queue_close(struct sv_queue *q);            /* also while the thread waits for bytes; NULL is fine */

#endif
