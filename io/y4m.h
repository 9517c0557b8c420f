/* y4m.h - YUV4MPEG2 streams, frame by frame from a file, a pipe or memory.
 *
 * Claimed: C420 (also 420jpeg, 420mpeg2, 420paldv), C411, C422, C444 and Cmono, with 8 to 16 bits a sample ("p10" and
 * so on, little endian; the high 8 bits are used).  No C means 420jpeg.  C444alpha is refused.  Interlaced frames are
 * taken as they lie.  F0:0 is a stream without a known rate.
 *
 * Colour is BT.601, limited range (full with XCOLORRANGE=FULL), in 16.16 integers:
 *     y' = 76309 (Y - 16), u = U - 128, v = V - 128                       (full: y' = 65536 Y)
 *     R = y' + 104597 v,  G = y' - 25675 u - 53279 v,  B = y' + 132201 u  (full: 91881, 22554, 46802, 116130)
 * each + 32768, divided by 65536, clamped.  Chroma is interpolated linearly between its two (or four) nearest samples:
 * in eighths of a sample, luma x lies at (2x + 1) 4 / f - 4 where chroma is centred between luma samples (both axes
 * of 420 and 420jpeg, the vertical one of 420mpeg2), else at 8x / f, f = 1, 2, 4 being the subsampling; a sum over
 * 64ths, + 32, divided by 64; samples past an edge are the edge's. */
#ifndef IO_Y4M_H
#define IO_Y4M_H

#include "io/stream.h"

/* A stream declares its frame size itself, so it is bounded before anything is allocated. */
enum { SV_Y4M_MAX_SIDE = 16384, SV_Y4M_MAX_PIXELS = 1 << 26, SV_Y4M_LINE = 1024 };

struct sv_y4m {
    size_t w, h, bits;
    size_t fx, fy;                      /* chroma subsampling 1, 2, 4; fx 0: no chroma */
    bool centred_x, centred_y, full;
    size_t rate, per;                   /* frames a second is rate / per; both 0: not known */
    size_t frames;                      /* what the length of the file suggests; 0: not known */
    size_t frame_bytes, next;           /* next: number of the frame that comes next */
    uint8_t *raw;                       /* the frame: planes Y U V as in the file; owned */
    uint8_t *row;                       /* scratch of sv_y4m_rgb; owned */
    struct sv_stream in;
};

bool sv_y4m_is(const void *p, size_t n);            /* do these bytes begin a y4m stream? */

/* Reads the stream header.  Takes the stream over: closed by sv_y4m_close, and on failure. */
int sv_y4m_open(struct sv_y4m *y, struct sv_stream *in, struct sv_err *e);
void sv_y4m_close(struct sv_y4m *y);                /* {0} with in.fd -1 is fine; fine twice */

/* 1: raw holds the next frame; 0: the stream ended after a whole frame; else an error (a cut frame is one). */
int sv_y4m_next(struct sv_y4m *y, struct sv_err *e);
/* out [h, w, 3] = the frame in raw. */
void sv_y4m_rgb(const struct sv_y4m *y, uint8_t *out);

#endif
