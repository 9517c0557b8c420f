/* stream.h - bytes one after the other from a file, a pipe or memory: for videos, which are read as they come. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "core/mem.h"

struct sv_stream {
    char *name;                         /* for messages; owned */
    int fd;                             /* -1: memory */
    const uint8_t *mem;
    uint8_t *buf;
    size_t at, end;                     /* unread bytes of buf or mem */
    uint64_t left;                      /* bytes of the file not read yet; UINT64_MAX: not known */
};

/* "-" is stdin. */
int sv_stream_open(struct sv_stream *s, const char *path, struct sv_err *e);
/* data is borrowed. */
int sv_stream_mem(struct sv_stream *s, const void *data, size_t n, const char *name, struct sv_err *e);
void sv_stream_close(struct sv_stream *s);          /* {0} with fd -1 is fine; fine twice */

/* Reads n bytes into out (NULL: passes over them); *got is less only at the end of the stream. */
int sv_stream_take(struct sv_stream *s, uint8_t *out, uint64_t n, uint64_t *got, struct sv_err *e);
/* The next bytes, without reading over them: at least n of them (n small), or less at the end.  *p is good until the next call. */
int sv_stream_peek(struct sv_stream *s, size_t n, const uint8_t **p, size_t *have, struct sv_err *e);

#endif
