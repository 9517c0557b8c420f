#include "io/names.h"

#include <string.h>

static size_t hash(const char *name, size_t len) {              /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

/* The slot that holds the name, or the free one where it belongs.  slots is a power of two, at most half full. */
static size_t slot_of(const struct sv_names *s, const char *name, size_t len) {
    size_t i = hash(name, len) & (s->slots - 1);
    for (; s->slot[i]; i = (i + 1) & (s->slots - 1)) {
        const char *have = s->name[s->slot[i] - 1];
        if (!strncmp(have, name, len) && !have[len]) break;
    }
    return i;
}

static int rehash(struct sv_names *s, struct sv_err *e) {
    if (s->slots > 2 * s->n) return 0;
    const size_t want = s->slots ? s->slots * 2 : 64;
    size_t *more = sv_alloc(want, sizeof *more, e);
    if (!more) return SV_ENOMEM;
    sv_free(s->slot);
    s->slot = more, s->slots = want;
    for (size_t i = 0; i < s->n; i++) s->slot[slot_of(s, s->name[i], strlen(s->name[i]))] = i + 1;
    return 0;
}

int sv_names_add(struct sv_names *s, const char *name, size_t len, size_t *at, struct sv_err *e) {
    if (rehash(s, e) || sv_grow(&s->name, &s->cap, s->n, sizeof *s->name, e)) return SV_ENOMEM;
    const size_t slot = slot_of(s, name, len);
    if (!s->slot[slot]) {
        char *own = sv_alloc(len + 1, 1, e);
        if (!own) return SV_ENOMEM;
        memcpy(own, name, len);
        s->name[s->n++] = own;
        s->slot[slot] = s->n;
    }
    *at = s->slot[slot] - 1;
    return 0;
}

size_t sv_names_find(const struct sv_names *s, const char *name, size_t len) {
    const size_t i = s->slots ? s->slot[slot_of(s, name, len)] : 0;
    return i ? i - 1 : SIZE_MAX;
}

void sv_names_free(struct sv_names *s) {
    for (size_t i = 0; i < s->n; i++) sv_free(s->name[i]);
    sv_free(s->name), sv_free(s->slot);
    memset(s, 0, sizeof *s);
}
