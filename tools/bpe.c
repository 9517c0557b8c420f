#include "tools/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LETTERS = 26, FIRST = 2 * LETTERS, NAME = 64 };     /* tokens 0 .. 25 letters, 26 .. 51 letters that end a word, then merges */

struct word { const char *text; size_t len, count; uint16_t *token; size_t n; };
struct token { char name[NAME]; };

struct learn {
    struct word *word; size_t words, cap;
    uint16_t *tokens;                   /* of all words */
    struct token *token; size_t n, most;
    uint32_t *pairs;                    /* [most, most] how often a pair stands in the texts */
};

static bool letter(char c) { return c >= 'a' && c <= 'z'; }

static int by_text(const void *a, const void *b) {
    const struct word *x = a, *y = b;
    const int d = memcmp(x->text, y->text, sv_min(x->len, y->len));
    return d ? d : (x->len > y->len) - (x->len < y->len);
}

/* The different words and how often each comes. */
static int count_words(struct learn *l, const char *text, size_t bytes, struct sv_err *e) {
    size_t n = 0, letters = 0;
    int rc = 0;
    for (size_t at = 0, end; !rc && at < bytes; at = end + 1) {
        for (end = at; end < bytes && letter(text[end]); end++) {}
        if (end > at && !(rc = sv_grow(&l->word, &l->cap, n, sizeof *l->word, e))) l->word[n++] = (struct word){ .text = text + at, .len = end - at, .count = 1 };
    }
    if (n) qsort(l->word, n, sizeof *l->word, by_text);
    for (size_t i = 0; !rc && i < n; i++) {
        struct word *last = l->words ? &l->word[l->words - 1] : NULL;
        if (last && !by_text(last, &l->word[i])) last->count++;
        else l->word[l->words++] = l->word[i], letters += l->word[i].len;
    }
    if (rc || !(l->tokens = sv_alloc(letters, sizeof *l->tokens, e))) return SV_ENOMEM;
    for (size_t i = 0, at = 0; i < l->words; at += l->word[i++].n) {
        struct word *w = &l->word[i];
        w->token = l->tokens + at, w->n = w->len;
        for (size_t k = 0; k < w->len; k++) w->token[k] = (uint16_t)(w->text[k] - 'a' + (k + 1 == w->len ? LETTERS : 0));
    }
    return 0;
}

static bool known(const struct learn *l, const char *name) {
    for (size_t i = 0; i < l->n; i++)
        if (!strcmp(l->token[i].name, name)) return true;
    return false;
}

static int joined(const struct learn *l, size_t a, size_t b, char out[2 * NAME]) {
    return snprintf(out, 2 * NAME, "%s%s", l->token[a].name, l->token[b].name);
}

/* Whether the pair a b comes before c d in the order of bytes. */
static bool before(const struct learn *l, size_t a, size_t b, size_t c, size_t d) {
    const int first = strcmp(l->token[a].name, l->token[c].name);
    return first ? first < 0 : strcmp(l->token[b].name, l->token[d].name) < 0;
}

/* The pair to merge next; false where none comes twice. */
static bool choose(const struct learn *l, size_t *a, size_t *b) {
    char name[2 * NAME];
    uint32_t most = 1;
    memset(l->pairs, 0, l->most * l->most * sizeof *l->pairs);
    for (const struct word *w = l->word; w < l->word + l->words; w++)
        for (size_t k = 1; k < w->n; k++) l->pairs[w->token[k - 1] * l->most + w->token[k]] += (uint32_t)w->count;
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->n; k++) {
            const uint32_t n = l->pairs[i * l->most + k];
            if (n < sv_max(most, 2) || (n == most && !before(l, i, k, *a, *b))) continue;
            if (joined(l, i, k, name) < NAME && !known(l, name)) most = n, *a = i, *b = k;
        }
    return most > 1;
}

static void merge(struct learn *l, size_t a, size_t b) {
    for (struct word *w = l->word; w < l->word + l->words; w++) {
        size_t n = 0;
        for (size_t k = 0; k < w->n; k++, n++) {
            const bool here = k + 1 < w->n && w->token[k] == a && w->token[k + 1] == b;
            w->token[n] = here ? (uint16_t)l->n : w->token[k];
            k += here;
        }
        w->n = n;
    }
    char name[2 * NAME];
    joined(l, a, b, name);
    memcpy(l->token[l->n++].name, name, NAME);
}

static int learn(struct learn *l, const char *text, size_t bytes, size_t merges, char **out, struct sv_err *e) {
    size_t at = 0, a = 0, b = 0;
    l->most = FIRST + merges;
    int rc = count_words(l, text, bytes, e);
    if (rc || !(l->token = sv_alloc(l->most, sizeof *l->token, e)) || !(l->pairs = sv_alloc(l->most * l->most, sizeof *l->pairs, e)) ||
        !(*out = sv_alloc(merges + 1, 2 * NAME + 2, e))) return SV_ENOMEM;
    for (; l->n < FIRST; l->n++) snprintf(l->token[l->n].name, NAME, "%c%s", (int)('a' + l->n % LETTERS), l->n < LETTERS ? "" : "</w>");
    while (l->n < l->most && choose(l, &a, &b)) {
        at += (size_t)snprintf(*out + at, 2 * NAME + 2, "%s %s\n", l->token[a].name, l->token[b].name);
        merge(l, a, b);
    }
    return 0;
}

int sv_bpe_learn(const char *text, size_t bytes, size_t merges, char **out, struct sv_err *e) {
    struct learn l = {0};
    *out = NULL;
    const int rc = learn(&l, text, bytes, sv_min(merges, SV_BPE_MERGES), out, e);
    sv_free(l.word), sv_free(l.tokens), sv_free(l.token), sv_free(l.pairs);
    return rc;
}
