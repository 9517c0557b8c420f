/* file.h - whole files in, whole files out.
 *
 * Readers work on memory (struct sv_file), so every parser can be fuzzed and tested without a file system.
 * Output is atomic: a temporary beside the target, fsync, rename, fsync of the folder; until sv_out_commit the target
 * is untouched, and sv_out_drop leaves nothing behind. */
#ifndef IO_FILE_H
#define IO_FILE_H

#include "core/mem.h"

struct sv_file {
    const uint8_t *data;                /* never NULL after a successful open */
    size_t size;
    char *name;                         /* owned copy of the path */
    bool mapped;
};

/* The whole file (or pipe; "-" is stdin) in memory.  Files above `limit` bytes are refused. */
int sv_file_read(struct sv_file *f, const char *path, size_t limit, struct sv_err *e);
/* The file mapped read-only: for models, which are large and borrowed from.  Not for files others may truncate. */
int sv_file_map(struct sv_file *f, const char *path, struct sv_err *e);
void sv_file_close(struct sv_file *f);              /* {0} is fine; leaves {0} */

struct sv_out {
    int fd;
    char *path, *temp;                  /* owned */
    uint8_t *buf; size_t used;
    size_t size;                        /* bytes written so far */
    bool plain;                         /* stdout ("-") or a pipe or device: no temporary, no rename */
};

int sv_out_open(struct sv_out *o, const char *path, struct sv_err *e);
int sv_out_try(const char *path, struct sv_err *e);         /* fails where sv_out_open would, and leaves nothing: before hours of work */
int sv_out_write(struct sv_out *o, const void *p, size_t n, struct sv_err *e);
int sv_out_printf(struct sv_out *o, struct sv_err *e, const char *fmt, ...) SV_PRINTF(3, 4);
int sv_out_commit(struct sv_out *o, struct sv_err *e);      /* frees; on failure nothing is left and the target is untouched */
void sv_out_drop(struct sv_out *o);                 /* frees and removes the temporary; fine after commit */

int sv_mkdirs(const char *path, struct sv_err *e);  /* the folder and its parents; existing ones are fine */

/* The names of a folder's entries (without dot files), sorted by byte value; free with sv_dir_free. */
struct sv_dir { char **name; size_t n, cap; };
int sv_dir_list(struct sv_dir *d, const char *path, struct sv_err *e);
void sv_dir_free(struct sv_dir *d);
bool sv_is_dir(const char *path);

#endif
