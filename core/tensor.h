/* tensor.h - views of tensors, and the store that every reader fills and every model binds from.
 *
 * A store holds named tensors and named values (numbers, texts).  Readers add what a file has; sv_store_add proves
 * dtype x product(dims) == bytes once, for every format.  Models ask with sv_store_expect, which checks dtype, rank
 * and every dimension once; after that nothing looks at a name again. */
#ifndef CORE_TENSOR_H
#define CORE_TENSOR_H

#include "core/mem.h"

enum sv_dtype { SV_F32, SV_F16, SV_BF16, SV_I8, SV_U8, SV_I16, SV_I32, SV_I64, SV_F64, SV_BOOL, SV_DTYPES };
enum { SV_MAX_RANK = 8, SV_MAX_NAME = 255 };

size_t sv_dtype_size(enum sv_dtype t);
const char *sv_dtype_name(enum sv_dtype t);          /* "f32", "f16", ... */
bool sv_dtype_named(const char *name, enum sv_dtype *t);

struct sv_view {
    const char *name;                   /* owned by the store */
    enum sv_dtype dtype;
    size_t rank, dim[SV_MAX_RANK];
    size_t count, bytes;                /* product of dim (1 for rank 0), count * size of dtype */
    const void *data;                   /* borrowed; alignment is that of the file, so read through sv_view_f32 and friends */
};

enum sv_vtype { SV_INT, SV_REAL, SV_TEXT, SV_REALS };

struct sv_value {
    const char *name;
    enum sv_vtype type;
    int64_t i;                          /* SV_INT */
    double r;                           /* SV_REAL */
    const char *text;                   /* SV_TEXT, owned, NUL-terminated UTF-8 */
    const double *reals; size_t n;      /* SV_REALS, owned */
};

struct sv_store {
    const char *file;                   /* for messages; owned */
    struct sv_view *view; size_t views, view_cap;
    struct sv_value *value; size_t values, value_cap;
    size_t *slot; size_t slots;         /* hash of names: index + 1 of a view; 0 is free */
    void **owned; size_t owneds, owned_cap;
    const uint8_t *map; size_t map_bytes;   /* set where views borrow from a read-only file mapping: its pages may be dropped */
};

int sv_store_init(struct sv_store *s, const char *file, struct sv_err *e);
void sv_store_free(struct sv_store *s);              /* frees names, values and owned blocks, not borrowed data; {0} is fine */

/* Memory that lives as long as the store.  NULL on failure, e set. */
void *sv_store_alloc(struct sv_store *s, size_t n, size_t size, struct sv_err *e);

/* Fails on: empty or too long name, a name already there, rank > SV_MAX_RANK, a product that overflows,
 * bytes that are not count * size.  data is borrowed. */
int sv_store_add(struct sv_store *s, const char *name, enum sv_dtype t, size_t rank, const size_t *dim,
                 const void *data, size_t bytes, struct sv_err *e);
const struct sv_view *sv_store_find(const struct sv_store *s, const char *name);

/* The tensor `name`, which must have this rank and these dimensions (SIZE_MAX: any) and a dtype of the bit set
 * dtypes (1 << SV_F32 | ...; SV_FLOATS).  Otherwise one line with file, tensor, expected and found. */
enum { SV_FLOATS = 1 << SV_F32 | 1 << SV_F16 | 1 << SV_BF16 };
int sv_store_expect(const struct sv_store *s, const char *name, int dtypes, size_t rank, const size_t *dim,
                    const struct sv_view **out, struct sv_err *e);

/* Values.  Setting a name again replaces it. */
int sv_store_set_int(struct sv_store *s, const char *name, int64_t v, struct sv_err *e);
int sv_store_set_real(struct sv_store *s, const char *name, double v, struct sv_err *e);
int sv_store_set_text(struct sv_store *s, const char *name, const char *v, struct sv_err *e);
int sv_store_set_reals(struct sv_store *s, const char *name, const double *v, size_t n, struct sv_err *e);
int sv_store_copy_value(struct sv_store *s, const struct sv_value *v, struct sv_err *e);        /* of another store, under its name */
const struct sv_value *sv_store_value(const struct sv_store *s, const char *name);       /* NULL if absent */
/* Missing, of another type or outside lo .. hi: an error that says so. */
int sv_store_get_int(const struct sv_store *s, const char *name, int64_t lo, int64_t hi, int64_t *out, struct sv_err *e);
int sv_store_get_real(const struct sv_store *s, const char *name, double lo, double hi, double *out, struct sv_err *e);
int sv_store_get_text(const struct sv_store *s, const char *name, const char **out, struct sv_err *e);
int sv_store_get_reals(const struct sv_store *s, const char *name, size_t n, double *out, struct sv_err *e);

/* Tells the system that the data of v will not be read again soon; nothing unless it lies in s->map. */
void sv_store_forget(const struct sv_store *s, const struct sv_view *v);

/* out[0 .. n) = elements first .. first + n - 1 of a float tensor, widened to f32. */
void sv_view_f32(const struct sv_view *v, size_t first, size_t n, float *out);

#endif
