#include "io/json.h"

#include "core/num.h"
#include "io/utf8.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The parser runs twice: first it proves the text and counts nodes, then it fills exactly that many.  Decoded texts fit
 * into size + 1 bytes: a text loses its quotes and gains a NUL, a number gains a NUL and has a byte after it. */
struct in {
    const unsigned char *s;
    size_t n, at, nodes;
    struct sv_json_node *node;          /* NULL while counting */
    char *text;
    const char *name;
    struct sv_err *e;
};

static int fail(const struct in *p, const char *expected) {
    if (p->at >= p->n) return sv_fail(p->e, SV_EINPUT, "%s: JSON ends at byte %zu, expected %s", p->name, p->n, expected);
    return sv_fail(p->e, SV_EINPUT, "%s: JSON byte %zu is 0x%02x, expected %s", p->name, p->at, p->s[p->at], expected);
}

static void space(struct in *p) {
    while (p->at < p->n && p->s[p->at] && strchr(" \n\r\t", p->s[p->at])) p->at++;
}

static bool take(struct in *p, char c) { return p->at < p->n && p->s[p->at] == (unsigned char)c && ++p->at; }

static void put(struct in *p, char c) {
    if (p->node) *p->text++ = c;
}

static bool hex4(struct in *p, uint32_t *out) {
    uint32_t v = 0;
    for (int i = 0; i < 4; i++, p->at++) {
        if (p->at >= p->n) return false;
        const unsigned char c = p->s[p->at], low = c | 0x20;
        if (c >= '0' && c <= '9') v = v << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f') v = v << 4 | (uint32_t)(low - 'a' + 10);
        else return false;
    }
    return *out = v, true;
}

static int unicode(struct in *p) {                  /* after \u */
    uint32_t c, d;
    if (!hex4(p, &c)) return fail(p, "four hexadecimal digits");
    if (c >= 0xdc00 && c <= 0xdfff) return fail(p, "a high surrogate before the low one");
    if (c >= 0xd800 && c <= 0xdbff) {
        if (!take(p, '\\') || !take(p, 'u')) return fail(p, "the low surrogate of a pair");
        if (!hex4(p, &d)) return fail(p, "four hexadecimal digits");
        if (d < 0xdc00 || d > 0xdfff) return fail(p, "a low surrogate in the escape before");
        c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
    }
    if (c < 0x80) return put(p, (char)c), 0;
    if (c < 0x800) put(p, (char)(0xc0 | c >> 6));
    else if (c < 0x10000) put(p, (char)(0xe0 | c >> 12));
    else put(p, (char)(0xf0 | c >> 18)), put(p, (char)(0x80 | (c >> 12 & 0x3f)));
    if (c >= 0x800) put(p, (char)(0x80 | (c >> 6 & 0x3f)));
    put(p, (char)(0x80 | (c & 0x3f)));
    return 0;
}

static int string(struct in *p, const char **out, size_t *n) {          /* after the opening quote */
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *const begin = p->text;
    for (;;) {
        if (p->at >= p->n) return fail(p, "the end of a string");
        const unsigned char c = p->s[p->at];
        if (c == '"') break;
        if (c < 0x20) return fail(p, "an escape for a control character");
        if (c != '\\') {
            const size_t len = sv_utf8(p->s + p->at, p->n - p->at);
            if (!len) return fail(p, "valid UTF-8");
            for (size_t i = 0; i < len; i++) put(p, (char)p->s[p->at++]);
            continue;
        }
        if (++p->at >= p->n) return fail(p, "an escape");
        const char *const escape = p->s[p->at] ? strchr(from, p->s[p->at]) : NULL;
        if (escape) put(p, to[escape - from]), p->at++;
        else if (!take(p, 'u')) return fail(p, "an escape");
        else if (unicode(p)) return SV_EINPUT;
    }
    p->at++;
    if (p->node) *out = begin, *n = (size_t)(p->text - begin);
    put(p, 0);
    return 0;
}

static bool digits(struct in *p) {
    const size_t from = p->at;
    while (p->at < p->n && p->s[p->at] >= '0' && p->s[p->at] <= '9') p->at++;
    return p->at > from;
}

static int number(struct in *p, struct sv_json_node *v) {
    const size_t from = p->at;
    take(p, '-');
    if (!take(p, '0') && !digits(p)) return fail(p, "a digit");
    if (take(p, '.') && !digits(p)) return fail(p, "a digit");
    if ((take(p, 'e') || take(p, 'E')) && (take(p, '+') || take(p, '-') || true) && !digits(p)) return fail(p, "a digit");
    if (!p->node) return 0;
    v->text = p->text, v->n = p->at - from;
    memcpy(p->text, p->s + from, v->n);
    p->text[v->n] = 0;
    p->text += v->n + 1;
    return 0;
}

static int value(struct in *p, size_t depth, struct sv_json_node **out);

static int children(struct in *p, size_t depth, struct sv_json_node *v, bool object) {      /* after the bracket */
    const char end = object ? '}' : ']';
    const struct sv_json_node **link = &v->child;
    if (depth >= SV_JSON_DEPTH) return fail(p, "at most 64 nested levels");
    space(p);
    for (bool first = true; !take(p, end); first = false) {
        if (!first && !take(p, ',')) return fail(p, object ? "',' or '}'" : "',' or ']'");
        const char *key = NULL;
        size_t key_n = 0;
        space(p);
        if (object) {
            if (!take(p, '"')) return fail(p, "a string as key");
            if (string(p, &key, &key_n)) return SV_EINPUT;
            space(p);
            if (!take(p, ':')) return fail(p, "':'");
        }
        struct sv_json_node *item;
        if (value(p, depth + 1, &item)) return SV_EINPUT;
        if (!p->node) continue;
        item->key = key, item->key_n = key_n;
        *link = item, link = &item->next;
        v->n++;
    }
    return 0;
}

static int word(struct in *p, const char *w) {
    for (; *w; w++)
        if (!take(p, *w)) return fail(p, "a value");
    return 0;
}

static int value(struct in *p, size_t depth, struct sv_json_node **out) {
    struct sv_json_node dummy, *v = p->node ? &p->node[p->nodes] : &dummy;
    if (p->nodes++ >= SV_JSON_NODES) return fail(p, "at most 4194304 values");
    *out = v;
    space(p);
    int rc;
    if (take(p, '{')) v->type = SV_JSON_OBJECT, rc = children(p, depth, v, true);
    else if (take(p, '[')) v->type = SV_JSON_ARRAY, rc = children(p, depth, v, false);
    else if (take(p, '"')) v->type = SV_JSON_TEXT, rc = string(p, &v->text, &v->n);
    else if (p->at >= p->n) return fail(p, "a value");
    else if (p->s[p->at] == 't') v->type = SV_JSON_TRUE, rc = word(p, "true");
    else if (p->s[p->at] == 'f') v->type = SV_JSON_FALSE, rc = word(p, "false");
    else if (p->s[p->at] == 'n') v->type = SV_JSON_NULL, rc = word(p, "null");
    else if (p->s[p->at] == '-' || (p->s[p->at] >= '0' && p->s[p->at] <= '9')) v->type = SV_JSON_NUMBER, rc = number(p, v);
    else return fail(p, "a value");
    space(p);
    return rc;
}

static int run(struct in *p, struct sv_json_node **root) {
    p->at = p->nodes = 0;
    const int rc = value(p, 0, root);
    return rc ? rc : p->at < p->n ? fail(p, "the end") : 0;
}

int sv_json_parse(struct sv_json *j, const void *text, size_t size, const char *name, struct sv_err *e) {
    memset(j, 0, sizeof *j);
    struct in p = { .s = text, .n = size, .name = name, .e = e };
    struct sv_json_node *root;
    int rc = run(&p, &root);
    if (rc) return rc;
    j->nodes = p.node = sv_alloc(p.nodes, sizeof *p.node, e);
    j->texts = p.text = j->nodes ? sv_alloc(size + 1, 1, e) : NULL;
    rc = j->texts ? run(&p, &root) : SV_ENOMEM;
    if (rc) sv_json_free(j);
    else j->root = root;
    return rc;
}

void sv_json_free(struct sv_json *j) {
    sv_free(j->nodes), sv_free(j->texts);
    memset(j, 0, sizeof *j);
}

const struct sv_json_node *sv_json_get(const struct sv_json_node *object, const char *key) {
    const size_t n = strlen(key);
    const struct sv_json_node *found = NULL;
    if (object && object->type == SV_JSON_OBJECT)
        for (const struct sv_json_node *c = object->child; c; c = c->next)
            if (c->key_n == n && !memcmp(c->key, key, n)) found = c;
    return found;
}

const char *sv_json_text(const struct sv_json_node *n) {
    return n && n->type == SV_JSON_TEXT && strlen(n->text) == n->n ? n->text : NULL;
}

bool sv_json_real(const struct sv_json_node *n, double *out) {
    return n && n->type == SV_JSON_NUMBER && sv_num_real(n->text, n->n, out);
}

bool sv_json_int(const struct sv_json_node *n, int64_t *out) {
    return n && n->type == SV_JSON_NUMBER && sv_num_int(n->text, n->n, out);
}

bool sv_json_bool(const struct sv_json_node *n, bool *out) {
    if (!n || (n->type != SV_JSON_TRUE && n->type != SV_JSON_FALSE)) return false;
    *out = n->type == SV_JSON_TRUE;
    return true;
}

static int by_key(const void *a, const void *b) {
    const struct sv_json_node *x = *(const struct sv_json_node *const *)a, *y = *(const struct sv_json_node *const *)b;
    const int c = memcmp(x->key, y->key, sv_min(x->key_n, y->key_n));
    return c ? c : (x->key_n > y->key_n) - (x->key_n < y->key_n);
}

int sv_json_unique(const struct sv_json_node *object, const char *name, struct sv_err *e) {
    if (object->type != SV_JSON_OBJECT || object->n < 2) return 0;
    const struct sv_json_node **sorted = sv_alloc(object->n, sizeof *sorted, e);
    if (!sorted) return SV_ENOMEM;
    size_t n = 0;
    for (const struct sv_json_node *c = object->child; c; c = c->next) sorted[n++] = c;
    qsort(sorted, n, sizeof *sorted, by_key);
    int rc = 0;
    for (size_t i = 1; !rc && i < n; i++)
        if (!by_key(&sorted[i - 1], &sorted[i]))
            rc = sv_fail(e, SV_EINPUT, "%s: two members named %s", name, sorted[i]->key);
    sv_free(sorted);
    return rc;
}

static void emit(struct sv_json_out *o, const char *s, size_t n) {
    if (o->rc) return;
    if (o->out) {
        o->rc = sv_out_write(o->out, s, n, o->e);
        return;
    }
    if (o->n + n + 1 > o->cap) {
        size_t cap;
        char *more = sv_mul(o->n + n + 64, 2, &cap) ? sv_alloc(cap, 1, o->e) : NULL;
        if (!more) { o->rc = SV_ENOMEM; return; }
        if (o->text) memcpy(more, o->text, o->n);
        sv_free(o->text);
        o->text = more, o->cap = cap;
    }
    memcpy(o->text + o->n, s, n);
    o->text[o->n += n] = 0;
}

static void quoted(struct sv_json_out *o, const char *s) {
    static const char hex[] = "0123456789abcdef";
    emit(o, "\"", 1);
    for (size_t n = strlen(s); n;) {
        const unsigned char c = (unsigned char)*s;
        size_t len = sv_utf8((const unsigned char *)s, n);
        if (c < 0x20 || c == 0x7f) emit(o, (const char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
        else if (c == '"' || c == '\\') emit(o, (const char[]){ '\\', (char)c }, 2);
        else if (len) emit(o, s, len);
        else emit(o, "\xef\xbf\xbd", 3), len = 1;
        s += len, n -= len;
    }
    emit(o, "\"", 1);
}

static void before(struct sv_json_out *o, const char *key) {
    if (o->more) emit(o, ", ", 2);
    if (key) quoted(o, key), emit(o, ": ", 2);
    o->more = true;
}

static void after(struct sv_json_out *o) {
    if (o->depth) return;
    emit(o, "\n", 1);
    o->more = false;
}

static void plain(struct sv_json_out *o, const char *key, const char *text, size_t n) {
    before(o, key);
    emit(o, text, n);
    after(o);
}

void sv_json_open(struct sv_json_out *o, const char *key, char bracket) {
    before(o, key);
    emit(o, &bracket, 1);
    if (o->depth == SV_JSON_DEPTH) {
        if (!o->rc) o->rc = sv_fail(o->e, SV_EINPUT, "JSON output nested deeper than %d levels", SV_JSON_DEPTH);
        return;
    }
    o->end[o->depth++] = bracket == '{' ? '}' : ']';
    o->more = false;
}

void sv_json_close(struct sv_json_out *o) {
    if (!o->depth) return;
    emit(o, &o->end[--o->depth], 1);
    o->more = true;
    after(o);
}

void sv_json_put_null(struct sv_json_out *o, const char *key) { plain(o, key, "null", 4); }
void sv_json_put_bool(struct sv_json_out *o, const char *key, bool v) { plain(o, key, v ? "true" : "false", v ? 4 : 5); }

void sv_json_put_int(struct sv_json_out *o, const char *key, int64_t v) {
    char t[24], *p = t + sizeof t;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do *--p = (char)('0' + u % 10); while (u /= 10);
    if (v < 0) *--p = '-';
    plain(o, key, p, (size_t)(t + sizeof t - p));
}

void sv_json_put_real(struct sv_json_out *o, const char *key, double v) {
    char t[SV_NUM_TEXT];
    if (isfinite(v)) plain(o, key, t, sv_num_text(v, t));
    else sv_json_put_null(o, key);
}

void sv_json_put_f32(struct sv_json_out *o, const char *key, float v) {
    char t[SV_NUM_TEXT];
    if (isfinite(v)) plain(o, key, t, sv_num_text_f32(v, t));
    else sv_json_put_null(o, key);
}

void sv_json_put_text(struct sv_json_out *o, const char *key, const char *v) {
    if (!v) { sv_json_put_null(o, key); return; }
    before(o, key);
    quoted(o, v);
    after(o);
}
