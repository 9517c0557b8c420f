/* avi.h - Motion JPEG in AVI, frame by frame from a file, a pipe or memory.
 *
 * Read: the first video stream of an AVI file, OpenDML's later parts (RIFF AVIX) included, in the order of the file; indices are
 * not needed and not looked at, sound and other streams are passed over.  Codecs: MJPG, IJPG, jpeg, dmb1 (in capitals or
 * not).  A chunk of no bytes repeats the frame before it.  Sizes of RIFF and movi of 0 or all ones (writers that could not go back to
 * fill them in) mean up to the end of the stream; else a movi list that is cut is an error.  Refused: other codecs, by their
 * name; a frame whose size is not that of the header (which may be 0 x 0) or of the frames before. */
#ifndef IO_AVI_H
#define IO_AVI_H

#include "core/image.h"
#include "io/stream.h"

/* What messages tell who comes with another codec. */
#define SV_AVI_CONVERT "(ffmpeg -i FILE -c:v mjpeg -q:v 2 OUT.avi, or pipe it: ffmpeg -i FILE -f yuv4mpegpipe - | svad ... -)"

enum { SV_AVI_MAX_PACKET = 1 << 26 };

struct sv_avi {
    struct sv_stream in;
    size_t w, h;                        /* 0: not known before the first frame */
    size_t rate, per;                   /* frames a second is rate / per; both 0: not known */
    size_t frames;                      /* what the header says; 0: not known */
    size_t next;                        /* number of the frame that comes next */
    uint8_t *packet; size_t n, cap;     /* the frame's bytes; owned */
    unsigned track;                     /* number of the stream */
    uint64_t left;                      /* bytes of the movi list not read yet; UINT64_MAX: not known */
};

bool sv_avi_is(const uint8_t *p, size_t n);         /* do these bytes begin an AVI file? */

/* Reads the headers.  Takes the stream over: closed by sv_avi_close, and on failure. */
int sv_avi_open(struct sv_avi *a, struct sv_stream *in, struct sv_err *e);
void sv_avi_close(struct sv_avi *a);                /* {0} with in.fd -1 is fine; fine twice */

/* 1: packet holds the next frame's JPEG; 0: the end; else an error. */
int sv_avi_next(struct sv_avi *a, struct sv_err *e);
/* Decodes packet; the caller frees im. */
int sv_avi_frame(struct sv_avi *a, struct sv_image *im, struct sv_err *e);

#endif
