/* util.h - what tests share: the data beside the checkout, the corpora's tables, running the built tool. */
#ifndef TESTS_UTIL_H
#define TESTS_UTIL_H

#include "core/image.h"

/* Path of a file or folder under ../shared (or $SVAD_SHARED), NULL where it is not there.  One of 8 rotating buffers. */
const char *shared_path(const char *rel);

/* Calls fn for every row of ../shared/corpora/FORMAT/expected.tsv: the file's full path, "ok", "reject" or "either",
 * and the columns (col[0] is the relative path).  Returns the number of rows; 0 where the corpus is not there. */
struct corpus_row { char path[1024]; const char *status; char *col[8]; size_t cols; };
size_t corpus_each(const char *format, void (*fn)(const struct corpus_row *row, void *arg), void *arg);

/* A reader of pictures over its corpus: "ok" files have the size and the hash that the table gives, unless their path is in
 * `unclaimed` (ends with NULL), which are refused; so are "reject" files; the rest may go either way.  All failures are
 * SV_EINPUT with a message and leave no picture.  False where the corpus is not there. */
typedef int image_reader(const uint8_t *data, size_t size, const char *name, struct sv_image *im, struct sv_err *e);
bool corpus_images(const char *format, image_reader *decode, const char *const *unclaimed);

/* Runs the built svad with the arguments of a shell line, in `dir` (NULL: here).  Both outputs are captured (cut at
 * their size, NUL-terminated); returns the exit code, or 256 + signal. */
struct ran { int code; char out[1 << 16], err[1 << 14]; };
int run_svad(struct ran *r, const char *dir, const char *fmt, ...) SV_PRINTF(3, 4);
/* The same for a whole shell line, in which $B is the build folder. */
int run_shell(struct ran *r, const char *dir, const char *fmt, ...) SV_PRINTF(3, 4);

/* A fresh folder under the build folder; removed when the test process ends. */
const char *temp_dir(void);
/* dir/name; the last four stay valid. */
const char *path_in(const char *dir, const char *name);

/* Lower-case hex of the SHA-256 of n bytes. */
void hex_sha256(const void *p, size_t n, char out[65]);

#endif
