#include "clip/token.h"

#include <stdio.h>
#include <string.h>

enum { BASE = 512, MAX_MERGES = 1 << 24 };

struct piece { size_t at, n; bool end; };           /* bytes of a token in pool */
struct merge { uint32_t left, right; };

struct sv_token {
    uint8_t byte_id[256], id_byte[256];
    size_t merges;
    struct merge *merge;                            /* [merges]: token BASE + i is left right */
    struct piece *piece;                            /* [merges] */
    uint8_t *pool;
    uint32_t *pair; size_t slots;                   /* merge index + 1 by hash of (left, right); 0 is free */
};

static const char *const special[2] = { "<|startoftext|>", "<|endoftext|>" };

/* GPT-2 writes a byte as the character of that number where it is printable, else as U+0100 and up in byte order. */
static bool byte_prints(unsigned b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; }

static void number_bytes(struct sv_token *t) {
    unsigned id = 0;
    for (int pass = 0; pass < 2; pass++)
        for (unsigned b = 0; b < 256; b++)
            if (byte_prints(b) == !pass) t->byte_id[b] = (uint8_t)id, t->id_byte[id++] = (uint8_t)b;
}

static size_t hash_bytes(const uint8_t *p, size_t n, bool end) {   /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325u ^ (uint64_t)end;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 29);
}

static size_t hash_pair(uint32_t left, uint32_t right) {
    const uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;
    return (size_t)(h ^ h >> 32);
}

/* The rank of left right, or UINT32_MAX. */
static uint32_t rank_of(const struct sv_token *t, uint32_t left, uint32_t right) {
    for (size_t i = hash_pair(left, right) & (t->slots - 1); t->pair[i]; i = (i + 1) & (t->slots - 1)) {
        const struct merge *m = &t->merge[t->pair[i] - 1];
        if (m->left == left && m->right == right) return t->pair[i] - 1;
    }
    return UINT32_MAX;
}

/* Where the token with these bytes is in the table of names, or the free slot for it. */
static size_t name_slot(const struct sv_token *t, const uint32_t *name, const uint8_t *p, size_t n, bool end) {
    size_t i = hash_bytes(p, n, end) & (t->slots - 1);
    for (; name[i]; i = (i + 1) & (t->slots - 1)) {
        const struct piece *x = &t->piece[name[i] - 1];
        if (x->n == n && x->end == end && !memcmp(t->pool + x->at, p, n)) break;
    }
    return i;
}

/* One part of a line as bytes at out; the length, 0 where it is not spelled in the alphabet. */
static size_t spell(const struct sv_token *t, const uint8_t *s, size_t n, uint8_t *out, bool *end) {
    *end = n >= 4 && !memcmp(s + n - 4, "</w>", 4);
    if (*end) n -= 4;
    size_t len = 0;
    for (size_t i = 0; i < n; len++) {
        unsigned c = s[i++];
        if (c >= 0x80) {
            if (c < 0xc2 || c > 0xc5 || i == n || (s[i] & 0xc0) != 0x80) return 0;
            c = (c & 0x1f) << 6 | (s[i++] & 0x3f);
        }
        if (c < 256 ? !byte_prints(c) : c - 256 >= 256 - 188) return 0;
        out[len] = c < 256 ? (uint8_t)c : t->id_byte[188 + (c - 256)];      /* 188 bytes print */
    }
    return len;
}

static int bad(struct sv_err *e, size_t line, const char *what) {
    return sv_fail(e, SV_EINPUT, "merges: line %zu: %s", line + 1, what);
}

/* The id of the part at s, whose bytes go to pool + at. */
static int part(const struct sv_token *t, const uint32_t *name, size_t at, const uint8_t *s, size_t n, size_t line,
                struct piece *p, uint32_t *id, struct sv_err *e) {
    p->at = at, p->n = spell(t, s, n, t->pool + at, &p->end);
    if (!p->n) return bad(e, line, "expected two parts in the byte alphabet, one space between them");
    if (p->n == 1) return *id = t->byte_id[t->pool[at]] + (p->end ? 256u : 0u), 0;
    const uint32_t i = name[name_slot(t, name, t->pool + at, p->n, p->end)];
    return i ? *id = BASE + i - 1, 0 : bad(e, line, "a part is no byte and no line before makes it");
}

static int parse(struct sv_token *t, uint32_t *name, const uint8_t *s, size_t bytes, struct sv_err *e) {
    size_t used = 0;
    for (size_t k = 0, i = 0; k < t->merges; k++) {
        const uint8_t *end = memchr(s + i, '\n', bytes - i);
        const size_t line = end ? (size_t)(end - (s + i)) : bytes - i, n = line && s[i + line - 1] == '\r' ? line - 1 : line;
        const uint8_t *gap = n ? memchr(s + i, ' ', n) : NULL;
        const size_t first = gap ? (size_t)(gap - (s + i)) : n;
        struct piece a, b;
        uint32_t left = 0, right = 0;
        int rc = gap ? part(t, name, used, s + i, first, k, &a, &left, e) : bad(e, k, "expected two parts and one space");
        if (!rc) rc = part(t, name, used + a.n, gap + 1, n - first - 1, k, &b, &right, e);
        if (rc) return rc;
        if (a.end) return bad(e, k, "the first part ends a word");
        const struct piece both = { used, a.n + b.n, b.end };
        const size_t slot = name_slot(t, name, t->pool + used, both.n, both.end);
        if (name[slot]) return bad(e, k, "a line before makes the same token");
        t->piece[k] = both, t->merge[k] = (struct merge){ left, right };
        name[slot] = (uint32_t)k + 1;
        size_t at = hash_pair(left, right) & (t->slots - 1);
        while (t->pair[at]) at = (at + 1) & (t->slots - 1);
        t->pair[at] = (uint32_t)k + 1;
        used += both.n, i += line + 1;
    }
    return 0;
}

struct sv_token *sv_token_new(const uint8_t *merges, size_t bytes, struct sv_err *e) {
    size_t lines = bytes && merges[bytes - 1] != '\n';
    for (size_t i = 0; i < bytes; i++) lines += merges[i] == '\n';
    if (lines > MAX_MERGES) {
        sv_fail(e, SV_EINPUT, "merges: %zu lines, expected at most %d", lines, MAX_MERGES);
        return NULL;
    }
    struct sv_token *t = sv_alloc(1, sizeof *t, e);
    if (!t) return NULL;
    number_bytes(t);
    t->merges = lines;
    for (t->slots = 8; t->slots < 2 * lines + 2;) t->slots *= 2;
    uint32_t *name = sv_alloc(t->slots, sizeof *name, e);
    bool ok = name && (t->pair = sv_alloc(t->slots, sizeof *t->pair, e)) && (t->merge = sv_alloc(lines, sizeof *t->merge, e)) &&
              (t->piece = sv_alloc(lines, sizeof *t->piece, e)) && (t->pool = sv_alloc(bytes, 1, e));
    ok = ok && !parse(t, name, merges, bytes, e);
    sv_free(name);
    if (!ok) { sv_token_free(t); return NULL; }
    return t;
}

void sv_token_free(struct sv_token *t) {
    if (!t) return;
    sv_free(t->merge), sv_free(t->piece), sv_free(t->pool), sv_free(t->pair);
    sv_free(t);
}

size_t sv_token_vocab(const struct sv_token *t) { return BASE + t->merges + 2; }
int32_t sv_token_sot(const struct sv_token *t) { return (int32_t)(BASE + t->merges); }
int32_t sv_token_eot(const struct sv_token *t) { return (int32_t)(BASE + t->merges + 1); }

/* A word in the making: a linked list of symbols, and a heap of the pairs that can merge, lowest rank and then leftmost
 * first.  n symbols cost n log n, so a word of a megabyte is no trap. */
struct pair { uint32_t rank, at; };
struct word {
    uint32_t *id, *next, *prev;
    struct pair *heap; size_t pairs;
    size_t n, cap;
};
static const uint32_t NONE = UINT32_MAX;

static void word_free(struct word *w) {
    sv_free(w->id), sv_free(w->next), sv_free(w->prev), sv_free(w->heap);
    memset(w, 0, sizeof *w);
}

static int word_room(struct word *w, size_t n, struct sv_err *e) {
    if (n <= w->cap) return 0;
    if (n >= NONE / 4) return sv_fail(e, SV_EINPUT, "text: a word of %zu bytes, expected fewer than %u", n, NONE / 4);
    word_free(w);
    const size_t cap = sv_max(2 * n, 64);
    if (!(w->id = sv_alloc(cap, sizeof *w->id, e)) || !(w->next = sv_alloc(cap, sizeof *w->next, e)) ||
        !(w->prev = sv_alloc(cap, sizeof *w->prev, e)) || !(w->heap = sv_alloc(3 * cap, sizeof *w->heap, e)))
        return word_free(w), SV_ENOMEM;
    w->cap = cap;
    return 0;
}

static bool before(struct pair a, struct pair b) { return a.rank != b.rank ? a.rank < b.rank : a.at < b.at; }

/* The pair that starts at symbol i, if it can merge.  At most n - 1 pairs at first and two for each of n - 1 merges. */
static void push(const struct sv_token *t, struct word *w, uint32_t i) {
    if (i == NONE || w->next[i] == NONE) return;
    const struct pair p = { rank_of(t, w->id[i], w->id[w->next[i]]), i };
    if (p.rank == UINT32_MAX) return;
    size_t k = w->pairs++;
    for (; k && before(p, w->heap[(k - 1) / 2]); k = (k - 1) / 2) w->heap[k] = w->heap[(k - 1) / 2];
    w->heap[k] = p;
}

static struct pair pop(struct word *w) {
    const struct pair top = w->heap[0], p = w->heap[--w->pairs];
    size_t k = 0, child;
    while ((child = 2 * k + 1) < w->pairs) {
        if (child + 1 < w->pairs && before(w->heap[child + 1], w->heap[child])) child++;
        if (!before(w->heap[child], p)) break;
        w->heap[k] = w->heap[child], k = child;
    }
    w->heap[k] = p;
    return top;
}

/* Merges the word's symbols until no pair has a rank.  Symbol 0 stays the head of the list. */
static void merge_word(const struct sv_token *t, struct word *w) {
    w->pairs = 0;
    for (size_t i = 0; i < w->n; i++)
        w->prev[i] = i ? (uint32_t)i - 1 : NONE, w->next[i] = i + 1 < w->n ? (uint32_t)i + 1 : NONE;
    for (size_t i = 0; i + 1 < w->n; i++) push(t, w, (uint32_t)i);
    while (w->pairs) {
        const struct pair p = pop(w);
        const uint32_t i = p.at, j = w->id[i] == NONE ? NONE : w->next[i];
        const struct merge m = t->merge[p.rank];
        if (j == NONE || w->id[i] != m.left || w->id[j] != m.right) continue;      /* one of the two has merged since */
        w->id[i] = BASE + p.rank, w->id[j] = NONE;
        w->next[i] = w->next[j];
        if (w->next[j] != NONE) w->prev[w->next[j]] = i;
        push(t, w, w->prev[i]);
        push(t, w, i);
    }
}

struct ids { int32_t *id; size_t cap, n; };         /* n counts on past cap */

static void emit(struct ids *out, uint32_t id) {
    if (out->n < out->cap) out->id[out->n] = (int32_t)id;
    out->n++;
}

/* The word of the n characters c. */
static int encode_word(const struct sv_token *t, struct word *w, const uint32_t *c, size_t n, struct ids *out,
                       struct sv_err *e) {
    const int rc = word_room(w, 4 * n, e);
    if (rc) return rc;
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t b[4];
        const size_t len = sv_utf8_encode(c[i], b);
        for (size_t k = 0; k < len; k++) w->id[w->n++] = t->byte_id[b[k]];
    }
    w->id[w->n - 1] += 256;
    merge_word(t, w);
    for (uint32_t i = 0; i != NONE; i = w->next[i]) emit(out, w->id[i]);
    return 0;
}

static size_t starts_special(const uint32_t *c, size_t n, const char *s, bool any_case) {
    size_t i = 0;
    for (; s[i]; i++) {
        if (i == n) return 0;
        const uint32_t x = c[i], lower = x >= 'A' && x <= 'Z' ? x + 32 : x == 0x17f ? 's' : x;
        if ((any_case ? lower : x) != (unsigned char)s[i]) return 0;
    }
    return i;
}

static size_t starts_contraction(const uint32_t *c, size_t n, bool any_case) {
    static const char *const tails[] = { "'s", "'t", "'re", "'ve", "'m", "'ll", "'d" };
    for (size_t i = 0; i < SV_LEN(tails) && c[0] == '\''; i++) {
        const size_t len = starts_special(c, n, tails[i], any_case);
        if (len) return len;
    }
    return 0;
}

/* In any case U+0345 is nothing at all: a mark, so no letter, but its capital is one, so not of this class either. */
static bool is_other(uint32_t c, bool any_case) {
    return !sv_uni_space(c) && !sv_uni_letter(c) && !sv_uni_number(c) && !(any_case && c == 0x345);
}

/* The length of the word at c, 0 where none starts: the first alternative of OpenAI's expression that matches,
 * <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+ in any case (hf: without
 * the first two, in this case), where any case lets U+017F stand for an s. */
static size_t word_length(const uint32_t *c, size_t n, const struct sv_token_opts *o) {
    const bool any_case = o->clean != SV_CLEAN_HF;
    size_t len = 0;
    for (int i = 0; i < 2 && any_case && o->special; i++)
        if ((len = starts_special(c, n, special[i], true))) return len;
    if ((len = starts_contraction(c, n, any_case))) return len;
    if (sv_uni_number(c[0])) return 1;
    while (len < n && sv_uni_letter(c[len])) len++;
    if (len) return len;
    while (len < n && is_other(c[len], any_case)) len++;
    return len;
}

static int encode_clean(const struct sv_token *t, struct word *w, const struct sv_chars *text, const struct sv_token_opts *o,
                        struct ids *out, struct sv_err *e) {
    for (size_t i = 0; i < text->n;) {
        const uint32_t *c = text->c + i;
        const size_t left = text->n - i, len = word_length(c, left, o);
        i += len ? len : 1;
        if (!len) continue;
        int which = -1;                             /* in another case it is one word of bytes, as at OpenAI */
        for (int k = 0; k < 2 && o->special && c[0] == '<'; k++)
            if (starts_special(c, left, special[k], false)) which = k;
        if (which >= 0 && o->clean != SV_CLEAN_HF) emit(out, (uint32_t)sv_token_sot(t) + (uint32_t)which);
        else {
            const int rc = encode_word(t, w, c, len, out, e);
            if (rc) return rc;
        }
    }
    return 0;
}

/* Special tokens are found in the text as it came; what is between them is cleaned by itself. */
static int encode_hf(const struct sv_token *t, struct word *w, const struct sv_chars *text, const struct sv_token_opts *o,
                     struct ids *out, struct sv_err *e) {
    int rc = 0;
    for (size_t i = 0; i <= text->n && !rc;) {
        size_t end = i, len = 0;
        int which = 0;
        for (; end < text->n && !len; end++)
            for (which = 0; which < 2 && o->special && text->c[end] == '<'; which++)
                if ((len = starts_special(text->c + end, text->n - end, special[which], false))) break;
        if (len) end--;
        struct sv_chars piece = {0};
        for (size_t k = i; k < end && !rc; k++) rc = sv_chars_add(&piece, text->c[k], e);
        if (!rc) rc = sv_clean_text(&piece, SV_CLEAN_HF, e);
        if (!rc) rc = encode_clean(t, w, &piece, o, out, e);
        sv_chars_free(&piece);
        if (len) emit(out, (uint32_t)sv_token_sot(t) + (uint32_t)which);
        i = len ? end + len : text->n + 1;
    }
    return rc;
}

static int encode(const struct sv_token *t, const char *text, size_t n, const struct sv_token_opts *o, struct ids *out,
                  struct sv_err *e) {
    struct sv_chars c = {0};
    struct word w = {0};
    int rc = sv_utf8_decode(&c, text, n, e);
    if (!rc && o->clean == SV_CLEAN_HF) rc = encode_hf(t, &w, &c, o, out, e);
    else if (!rc && !(rc = sv_clean_text(&c, o->clean, e))) rc = encode_clean(t, &w, &c, o, out, e);
    word_free(&w);
    sv_chars_free(&c);
    return rc;
}

static int too_long(struct sv_err *e, const char *text, size_t n, size_t found, size_t most) {
    size_t shown = sv_min(n, 60);
    while (shown < n && shown && ((unsigned char)text[shown] & 0xc0) == 0x80) shown--;           /* no half letter */
    return sv_fail(e, SV_EINPUT, "the text \"%.*s%s\" has %zu tokens, expected at most %zu", (int)shown, text, shown < n ? "..." : "", found, most);
}

int sv_token_bare(const struct sv_token *t, const char *text, size_t n, const struct sv_token_opts *o, int32_t *ids,
                  size_t *len, struct sv_err *e) {
    const struct sv_token_opts opts = o ? *o : SV_TOKEN_OPTS;
    struct ids out = { ids, opts.context, 0 };
    const int rc = encode(t, text, n, &opts, &out, e);
    if (rc) return rc;
    if (out.n > out.cap && !opts.truncate) return too_long(e, text, n, out.n, out.cap);
    *len = sv_min(out.n, out.cap);
    return 0;
}

int sv_token_encode(const struct sv_token *t, const char *text, size_t n, const struct sv_token_opts *o, int32_t *ids,
                    size_t *len, struct sv_err *e) {
    const struct sv_token_opts opts = o ? *o : SV_TOKEN_OPTS;
    if (opts.context < 2) return sv_fail(e, SV_EINPUT, "text: a context of %zu tokens, expected at least 2", opts.context);
    memset(ids, 0, opts.context * sizeof *ids);
    ids[0] = sv_token_sot(t);
    struct ids out = { ids + 1, opts.context - 2, 0 };
    const int rc = encode(t, text, n, &opts, &out, e);
    if (rc) return rc;
    if (out.n > out.cap && !opts.truncate) return too_long(e, text, n, out.n + 2, opts.context);
    *len = sv_min(out.n, out.cap) + 2;
    ids[*len - 1] = sv_token_eot(t);
    return 0;
}

static void text_add(char *out, size_t cap, size_t *n, const char *s) {
    for (; *s; s++, ++*n)
        if (*n + 1 < cap) out[*n] = *s;
}

size_t sv_token_text(const struct sv_token *t, int32_t id, char *out, size_t cap, bool *end) {
    const size_t k = (size_t)id;
    uint8_t one;
    const uint8_t *p = &one;
    size_t n = 1, len = 0;
    bool last = k >= 256;
    if (k >= BASE + t->merges) p = (const uint8_t *)special[k > BASE + t->merges], n = strlen(special[k > BASE + t->merges]);
    else if (k >= BASE) p = t->pool + t->piece[k - BASE].at, n = t->piece[k - BASE].n, last = t->piece[k - BASE].end;
    else one = t->id_byte[k & 255];
    for (size_t i = 0; i < n;) {
        char s[8] = {0};
        const size_t step = p[i] < 0x80 ? 1 : sv_utf8_length(p + i, n - i);
        if (step && p[i] >= 0x20 && p[i] != 0x7f) memcpy(s, p + i, step);
        else snprintf(s, sizeof s, "\\x%02x", (unsigned)p[i]);
        text_add(out, cap, &len, s);
        i += step ? step : 1;
    }
    if (cap) out[sv_min(len, cap - 1)] = 0;
    if (end) *end = last;
    return len;
}
