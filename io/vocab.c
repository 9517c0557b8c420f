#include "io/vocab.h"

#include "io/inflate.h"
#include "io/json.h"
#include <stdio.h>
#include <string.h>

enum { TEXT_LIMIT = 1 << 24, FILE_LIMIT = 1 << 26, OPENAI_MERGES = 49152 - 256 - 2, END = 4 /* bytes of "</w>" */ };

/* The tokens so far, by id, with a hash from text to id + 1.  slots is a power of two, at most half full. */
struct tokens {
    char *text; size_t used;
    struct { size_t at, n; } *tok;
    size_t n, *slot, slots;
};

static size_t slot_of(const struct tokens *t, const char *s, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;               /* FNV-1a */
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)s[i]) * 0x100000001b3u;
    size_t i = (size_t)(h ^ h >> 32) & (t->slots - 1);
    for (; t->slot[i]; i = (i + 1) & (t->slots - 1)) {
        const size_t id = t->slot[i] - 1;
        if (t->tok[id].n == n && !memcmp(t->text + t->tok[id].at, s, n)) break;
    }
    return i;
}

/* Its id + 1, or 0. */
static size_t find(const struct tokens *t, const char *s, size_t n) { return t->slot[slot_of(t, s, n)]; }

/* The token a b; false if it is there already. */
static bool add(struct tokens *t, const char *a, size_t an, const char *b, size_t bn) {
    char *s = t->text + t->used;
    memcpy(s, a, an);
    memcpy(s + an, b, bn);
    const size_t slot = slot_of(t, s, an + bn);
    if (t->slot[slot]) return false;
    t->tok[t->n].at = t->used, t->tok[t->n].n = an + bn;
    t->used += an + bn;
    t->slot[slot] = ++t->n;
    return true;
}

static void tokens_free(struct tokens *t) { sv_free(t->text), sv_free(t->tok), sv_free(t->slot); }

/* GPT-2's alphabet: printable bytes of Latin-1 stand for themselves, the other 68 for U+0100 and up, behind them. */
static void add_bytes(struct tokens *t) {
    char unit[256][2];
    size_t n = 0;
    for (unsigned pass = 0, other = 256; pass < 2; pass++)
        for (unsigned b = 0; b < 256; b++) {
            const bool self = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
            if (self == (pass == 1)) continue;
            const unsigned u = self ? b : other++;
            unit[n][0] = (char)(u < 0x80 ? u : 0xc0 | u >> 6);
            unit[n++][1] = (char)(u < 0x80 ? 0 : 0x80 | (u & 0x3f));
        }
    for (size_t i = 0; i < 512; i++) add(t, unit[i % 256], unit[i % 256][1] ? 2 : 1, "</w>", i < 256 ? 0 : END);
}

static int tokens_init(struct tokens *t, size_t merges, size_t bytes, struct sv_err *e) {
    const size_t cap = SV_VOCAB_FIXED + merges;
    for (t->slots = 64; t->slots < 2 * cap;) t->slots *= 2;
    t->text = sv_alloc(bytes + 512 * (2 + END) + 64, 1, e);
    t->tok = t->text ? sv_alloc(cap, sizeof *t->tok, e) : NULL;
    t->slot = t->tok ? sv_alloc(t->slots, sizeof *t->slot, e) : NULL;
    if (!t->slot) return SV_ENOMEM;
    add_bytes(t);
    return 0;
}

struct lines { const char *p, *end; };

/* The next line without its end (LF or CR LF); false behind the last. */
static bool next_line(struct lines *l, const char **s, size_t *n) {
    if (l->p == l->end) return false;
    const char *nl = memchr(l->p, '\n', (size_t)(l->end - l->p)), *to = nl ? nl : l->end;
    *s = l->p, *n = (size_t)(to - l->p);
    if (*n && to[-1] == '\r') --*n;
    l->p = nl ? nl + 1 : l->end;
    return true;
}

static bool holds(const char *s, size_t n, const char *word) {
    const size_t k = strlen(word);
    for (size_t i = 0; i + k <= n; i++)
        if (!memcmp(s + i, word, k)) return true;
    return false;
}

/* Cuts the header off; how many merges follow and how many of them count. */
static int survey(struct lines *l, size_t rows, const char *name, size_t *first, size_t *take, struct sv_err *e) {
    struct lines rest = *l;
    const char *s;
    size_t n, lines = 0, blank = 0;
    *first = 1;
    bool surplus = false;
    if (next_line(&rest, &s, &n) && holds(s, n, "#version")) {
        surplus = holds(s, n, "bpe_simple_vocab_16e6.txt");
        *l = rest, *first = 2;
    }
    for (rest = *l; next_line(&rest, &s, &n); lines++) {
        if (n && blank) return sv_fail(e, SV_EINPUT, "%s: line %zu is empty, expected a merge", name,
                                       *first + lines - blank);
        blank += !n;
    }
    *take = lines - blank;
    if (surplus) *take = sv_min(*take, rows > SV_VOCAB_FIXED ? rows - SV_VOCAB_FIXED : OPENAI_MERGES);
    if (*take > SV_VOCAB_ROWS) return sv_fail(e, SV_EINPUT, "%s: %zu merges, at most %d", name, *take, SV_VOCAB_ROWS);
    if (rows && *take + SV_VOCAB_FIXED != rows)
        return sv_fail(e, SV_EINPUT, "%s: %zu merges make a vocabulary of %zu tokens, the token table has %zu rows", name,
                       *take, *take + SV_VOCAB_FIXED, rows);
    return 0;
}

static int add_merge(struct tokens *t, const char *s, size_t n, const char *name, size_t line, struct sv_err *e) {
    const char *gap = memchr(s, ' ', n);
    const size_t an = gap ? (size_t)(gap - s) : 0, bn = gap ? n - an - 1 : 0;
    if (!an || !bn || memchr(gap + 1, ' ', bn))
        return sv_fail(e, SV_EINPUT, "%s: line %zu: \"%.*s\" is not two tokens and a space", name, line, (int)sv_min(n, 60),
                       s);
    const bool a = find(t, s, an), b = find(t, gap + 1, bn);
    if (!a || !b) return sv_fail(e, SV_EINPUT, "%s: line %zu: merge of \"%.*s\", which is no token by then", name, line,
                                 (int)sv_min(a ? bn : an, 60), a ? gap + 1 : s);
    if (!add(t, s, an, gap + 1, bn))
        return sv_fail(e, SV_EINPUT, "%s: line %zu: \"%.*s\" makes a token that is there already", name, line,
                       (int)sv_min(n, 60), s);
    return 0;
}

/* Merges from text with or without a header; t gets all tokens. */
static int take_text(struct sv_vocab *v, struct tokens *t, const char *text, size_t size, size_t rows, const char *name,
                     struct sv_err *e) {
    struct lines l = { text, text + size };
    size_t first = 1, take = 0, n;
    int rc = survey(&l, rows, name, &first, &take, e);
    if (rc) return rc;
    const size_t room = (size_t)(l.end - l.p);
    if (!(v->merges = sv_alloc(room + 2, 1, e)) || tokens_init(t, take, room, e)) return SV_ENOMEM;
    const char *s;
    for (size_t i = 0; i < take && next_line(&l, &s, &n); i++) {
        if ((rc = add_merge(t, s, n, name, first + i, e))) return rc;
        memcpy(v->merges + v->bytes, s, n);
        v->bytes += n;
        v->merges[v->bytes++] = '\n';
    }
    v->count = take;
    if (!add(t, "<|startoftext|>", 15, "", 0) || !add(t, "<|endoftext|>", 13, "", 0))
        return sv_fail(e, SV_EINPUT, "%s: a merge makes <|startoftext|> or <|endoftext|>", name);
    return 0;
}

/* The ids of an object token -> id are the positions of the tokens, all of them. */
static int check_ids(const struct tokens *t, const struct sv_json_node *map, const char *name, struct sv_err *e) {
    if (!map || map->type != SV_JSON_OBJECT) return sv_fail(e, SV_EINPUT, "%s: no object of tokens and their ids", name);
    if (map->n != t->n) return sv_fail(e, SV_EINPUT, "%s: %zu tokens, the merges make %zu", name, map->n, t->n);
    uint8_t *seen = sv_alloc(t->n, 1, e);
    if (!seen) return SV_ENOMEM;
    int rc = 0;
    for (const struct sv_json_node *c = map->child; !rc && c; c = c->next) {
        const size_t id = find(t, c->key, c->key_n);
        int64_t found = -1;
        if (!id) rc = sv_fail(e, SV_EINPUT, "%s: token \"%.60s\" is not made by any merge", name, c->key);
        else if (!sv_json_int(c, &found) || found != (int64_t)(id - 1))
            rc = sv_fail(e, SV_EINPUT, "%s: token \"%.60s\" has id %lld, expected %zu", name, c->key, (long long)found,
                         id - 1);
        else if (seen[id - 1]++) rc = sv_fail(e, SV_EINPUT, "%s: token \"%.60s\" is there twice", name, c->key);
    }
    sv_free(seen);
    return rc;
}

static bool has(const struct sv_json_node *n, char c) { return memchr(n->text, c, n->n) != NULL; }

/* One merge of a tokenizer.json, "a b" or ["a", "b"]: written to out as a line, where out is not NULL.  Its bytes, or 0
 * where it is neither. */
static size_t merge_line(const struct sv_json_node *m, char *out) {
    const bool pair = m->type == SV_JSON_ARRAY && m->n == 2;
    const struct sv_json_node *a = pair ? m->child : m, *b = pair ? a->next : NULL;
    if (a->type != SV_JSON_TEXT || has(a, '\n')) return 0;
    if (b && (b->type != SV_JSON_TEXT || has(b, '\n') || has(a, ' ') || has(b, ' '))) return 0;
    const size_t n = a->n + (b ? 1 + b->n : 0) + 1;
    if (!out) return n;
    memcpy(out, a->text, a->n);
    if (b) out[a->n] = ' ', memcpy(out + a->n + 1, b->text, b->n);
    out[n - 1] = '\n';
    return n;
}

static int take_tokenizer(struct sv_vocab *v, struct tokens *t, const struct sv_json_node *root, size_t rows,
                          const char *name, struct sv_err *e) {
    const struct sv_json_node *model = sv_json_get(root, "model"), *merges = sv_json_get(model, "merges");
    const char *type = sv_json_text(sv_json_get(model, "type"));
    const char *end = sv_json_text(sv_json_get(model, "end_of_word_suffix"));
    if ((type && strcmp(type, "BPE")) || !end || strcmp(end, "</w>") || !merges || merges->type != SV_JSON_ARRAY)
        return sv_fail(e, SV_EINPUT, "%s: not CLIP's tokenizer: expected a BPE model with merges and the suffix </w>", name);
    size_t size = 0, at = 0;
    for (const struct sv_json_node *m = merges->child; m; m = m->next, at++) {
        const size_t n = merge_line(m, NULL);
        if (!n) return sv_fail(e, SV_EINPUT, "%s: model.merges[%zu] is not a pair of tokens", name, at);
        size += n;
    }
    char *text = sv_alloc(size, 1, e);
    if (!text) return SV_ENOMEM;
    at = 0;
    for (const struct sv_json_node *m = merges->child; m; m = m->next) at += merge_line(m, text + at);
    int rc = take_text(v, t, text, size, rows, name, e);
    sv_free(text);
    return rc ? rc : check_ids(t, sv_json_get(model, "vocab"), name, e);
}

static bool is_json(const struct sv_file *f) {
    size_t i = 0;
    while (i < f->size && strchr(" \t\r\n", f->data[i]) && f->data[i]) i++;
    return i < f->size && f->data[i] == '{';
}

static int take_file(struct sv_vocab *v, struct tokens *t, const struct sv_file *f, size_t rows, struct sv_err *e) {
    if (f->size < 2 || f->data[0] != 0x1f || f->data[1] != 0x8b) {
        if (f->size > TEXT_LIMIT) return sv_fail(e, SV_EINPUT, "%s: %zu bytes, at most %d for merges", f->name, f->size,
                                                 TEXT_LIMIT);
        return take_text(v, t, (const char *)f->data, f->size, rows, f->name, e);
    }
    uint8_t *text;
    size_t n;
    int rc = sv_inflate(f->data, f->size, SV_GZIP, TEXT_LIMIT, &text, &n, NULL, f->name, e);
    if (rc) return rc;
    rc = take_text(v, t, (const char *)text, n, rows, f->name, e);
    sv_free(text);
    return rc;
}

/* f, an object of ids, and the merges they belong to. */
static int take_pair(struct sv_vocab *v, struct tokens *t, const struct sv_json_node *map, const struct sv_file *ids,
                     const struct sv_file *merges, size_t rows, struct sv_err *e) {
    if (!merges) return sv_fail(e, SV_EINPUT, "%s: has ids but no merges, and there is no merges.txt beside it", ids->name);
    if (is_json(merges)) return sv_fail(e, SV_EINPUT, "%s: is JSON, expected merges as text", merges->name);
    const int rc = take_file(v, t, merges, rows, e);
    return rc ? rc : check_ids(t, map, ids->name, e);
}

int sv_vocab_read(struct sv_vocab *v, const struct sv_file *f, const struct sv_file *ids, const struct sv_file *merges,
                  size_t rows, struct sv_err *e) {
    struct tokens t = { 0 };
    struct sv_json j = { 0 };
    *v = (struct sv_vocab){ 0 };
    const struct sv_file *json = is_json(f) ? f : ids;
    int rc = 0;
    if (rows && (rows < SV_VOCAB_FIXED || rows > SV_VOCAB_ROWS))
        rc = sv_fail(e, SV_EINPUT, "%s: token table of %zu rows, expected %d .. %d", f->name, rows, SV_VOCAB_FIXED,
                     SV_VOCAB_ROWS);
    else if (json) rc = sv_json_parse(&j, json->data, json->size, json->name, e);
    const struct sv_json_node *model = sv_json_get(j.root, "model");        /* a number in a vocab.json: it is a word, too */
    if (!rc && json != f && json) rc = take_pair(v, &t, j.root, json, f, rows, e);
    else if (!rc && json && model && model->type == SV_JSON_OBJECT) rc = take_tokenizer(v, &t, j.root, rows, f->name, e);
    else if (!rc && json) rc = take_pair(v, &t, j.root, f, merges, rows, e);
    else if (!rc) rc = take_file(v, &t, f, rows, e);
    sv_json_free(&j);
    tokens_free(&t);
    if (rc) sv_vocab_free(v);
    return rc;
}

/* folder/name; NULL out of memory. */
static char *join(const char *folder, size_t n, const char *name, struct sv_err *e) {
    const size_t room = n + strlen(name) + 2;
    char *p = sv_alloc(room, 1, e);
    if (p) snprintf(p, room, "%.*s%s%s", (int)n, folder, n && folder[n - 1] != '/' ? "/" : "", name);
    return p;
}

/* The file `name` beside path, if there is one. */
static int open_beside(struct sv_file *f, const char *path, const char *name, struct sv_err *e) {
    const char *slash = strrchr(path, '/');
    char *p = join(path, slash ? (size_t)(slash - path) + 1 : 0, name, e);
    if (!p) return SV_ENOMEM;
    struct sv_err none = { 0 };
    const int rc = sv_file_read(f, p, FILE_LIMIT, &none);
    sv_free(p);
    return rc == SV_ENOMEM ? sv_fail(e, rc, "%s", none.msg) : 0;
}

int sv_vocab_open(struct sv_vocab *v, const char *path, size_t rows, struct sv_err *e) {
    struct sv_file f, ids = { 0 }, merges = { 0 };
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    *v = (struct sv_vocab){ 0 };
    int rc = sv_file_read(&f, path, FILE_LIMIT, e);
    if (rc) return rc;
    if (is_json(&f)) rc = open_beside(&merges, path, "merges.txt", e);
    else if (!strcmp(base, "merges.txt")) rc = open_beside(&ids, path, "vocab.json", e);
    if (!rc) rc = sv_vocab_read(v, &f, ids.data ? &ids : NULL, merges.data ? &merges : NULL, rows, e);
    sv_file_close(&f), sv_file_close(&ids), sv_file_close(&merges);
    return rc;
}

/* How good a name is, 0: not a vocabulary. */
static int rank_of(const char *name) {
    const size_t n = strlen(name);
    if (!strcmp(name, "bpe_simple_vocab_16e6.txt.gz")) return 5;
    if (!strncmp(name, "bpe", 3) && ((n > 7 && !strcmp(name + n - 7, ".txt.gz")) ||
                                     (n > 4 && !strcmp(name + n - 4, ".txt")))) return 4;
    return !strcmp(name, "merges.txt") ? 3 : !strcmp(name, "tokenizer.json") ? 2 : 0;
}

int sv_vocab_find(struct sv_vocab *v, const char *folder, size_t rows, struct sv_err *e) {
    struct sv_dir d;
    *v = (struct sv_vocab){ 0 };
    int rc = sv_dir_list(&d, folder, e);
    if (rc) return rc;
    const char *best = NULL;
    for (size_t i = 0; i < d.n; i++)
        if (rank_of(d.name[i]) > (best ? rank_of(best) : 0)) best = d.name[i];
    char *path = best ? join(folder, strlen(folder), best, e) : NULL;
    if (!best)
        rc = sv_fail(e, SV_EINPUT, "%s: no vocabulary there (bpe_simple_vocab_16e6.txt.gz, merges.txt or tokenizer.json); "
                                   "name it with --vocab",
                     folder);
    else
        rc = path ? sv_vocab_open(v, path, rows, e) : SV_ENOMEM;
    sv_free(path);
    sv_dir_free(&d);
    return rc;
}

void sv_vocab_free(struct sv_vocab *v) {
    sv_free(v->merges);
    *v = (struct sv_vocab){ 0 };
}
