/* json.h - RFC 8259: a strict reader that gives a tree, and the one JSON writer of the project.
 *
 * The whole text must be one value: exact UTF-8, no byte order mark, no comments, no trailing commas, nesting at most
 * SV_JSON_DEPTH, no lone surrogate escapes.  Equal keys are legal JSON; sv_json_get finds the last, as most readers do, and
 * sv_json_unique refuses them where a format does.
 *
 *     struct sv_json j;
 *     if (sv_json_parse(&j, text, size, "config.json", e)) return ...;
 *     sv_json_int(sv_json_get(sv_json_get(j.root, "vision_config"), "hidden_size"), &width);
 *     for (const struct sv_json_node *n = j.root->child; n; n = n->next) ...
 *     sv_json_free(&j);
 *
 * Accessors take NULL and nodes of any type, so that lookups chain; what is absent or of another type is false or NULL. */
#ifndef IO_JSON_H
#define IO_JSON_H

#include "io/file.h"

enum { SV_JSON_DEPTH = 64, SV_JSON_NODES = 1 << 22 };

enum sv_json_type { SV_JSON_NULL, SV_JSON_FALSE, SV_JSON_TRUE, SV_JSON_NUMBER, SV_JSON_TEXT, SV_JSON_ARRAY, SV_JSON_OBJECT };

struct sv_json_node {
    enum sv_json_type type;
    size_t n;                           /* array, object: children; text, number: bytes of text */
    const char *text;                   /* text decoded, number as written; NUL-terminated, and a text may hold NULs */
    const char *key; size_t key_n;      /* member of an object: its name, likewise; otherwise NULL */
    const struct sv_json_node *child, *next;
};

struct sv_json {
    const struct sv_json_node *root;
    void *nodes, *texts;                /* owned */
};

/* name is for messages.  The tree does not borrow from text. */
int sv_json_parse(struct sv_json *j, const void *text, size_t size, const char *name, struct sv_err *e);
void sv_json_free(struct sv_json *j);               /* {0} is fine; leaves {0} */

const struct sv_json_node *sv_json_get(const struct sv_json_node *object, const char *key);
const char *sv_json_text(const struct sv_json_node *n);      /* NULL also for a text that holds a NUL */
bool sv_json_real(const struct sv_json_node *n, double *out);
bool sv_json_int(const struct sv_json_node *n, int64_t *out);       /* digits only: 1.0 and 1e3 are not integers */
bool sv_json_bool(const struct sv_json_node *n, bool *out);
/* An object with two members of one name is an error. */
int sv_json_unique(const struct sv_json_node *object, const char *name, struct sv_err *e);

/* The writer: to a file (out set) or to memory (out NULL: text is the caller's, free it with sv_free).
 * A top-level value ends its line.  Failures stick: write on, and look at rc at the end.
 *
 *     struct sv_json_out o = { .out = &file, .e = e };
 *     sv_json_open(&o, NULL, '{');
 *     sv_json_put_int(&o, "frame", 3);
 *     sv_json_close(&o);
 *     return o.rc; */
struct sv_json_out {
    struct sv_out *out;
    struct sv_err *e;
    int rc;                             /* the first failure */
    char *text; size_t n, cap;          /* memory: what was written, NUL-terminated */
    size_t depth;
    char end[SV_JSON_DEPTH];            /* '}' or ']' of each open level */
    bool more;                          /* the next value of this level needs a comma */
};

/* key is NULL in arrays and at the top.  Texts are UTF-8; bytes that are not become U+FFFD.  NaN and infinities become
 * null. */
void sv_json_open(struct sv_json_out *o, const char *key, char bracket);       /* '{' or '[' */
void sv_json_close(struct sv_json_out *o);
void sv_json_put_null(struct sv_json_out *o, const char *key);
void sv_json_put_bool(struct sv_json_out *o, const char *key, bool v);
void sv_json_put_int(struct sv_json_out *o, const char *key, int64_t v);
void sv_json_put_real(struct sv_json_out *o, const char *key, double v);
void sv_json_put_f32(struct sv_json_out *o, const char *key, float v);         /* as few digits as a float needs */
void sv_json_put_text(struct sv_json_out *o, const char *key, const char *v);  /* NULL becomes null */

#endif
