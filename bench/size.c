#include "bench/size.h"

#include "core/num.h"
#include <string.h>

enum { MOST = 1 << 16 };

static bool is(const char *key, size_t n, const char *name) { return strlen(name) == n && !memcmp(key, name, n); }

static bool set_stack(struct sv_stack *s, const char *key, size_t n, size_t v) {
    if (is(key, n, "width")) s->width = v, s->heads = sv_max(v / 64, 1), s->mlp = 4 * v;
    else if (is(key, n, "layers")) s->layers = v;
    else if (is(key, n, "heads")) s->heads = v;
    else if (is(key, n, "mlp")) s->mlp = v;
    else return false;
    return true;
}

static bool set(struct sv_clip_config *g, const char *key, size_t n, size_t v) {
    const struct { const char *name; size_t *to; } whole[] = {
        { "embed", &g->embed }, { "image", &g->image_size }, { "patch", &g->patch }, { "context", &g->context }, { "vocab", &g->vocab },
    };
    for (size_t i = 0; i < SV_LEN(whole); i++)
        if (is(key, n, whole[i].name)) return *whole[i].to = v, true;
    if (n > 6 && !memcmp(key, "image.", 6)) return set_stack(&g->visual, key + 6, n - 6, v);
    if (n > 5 && !memcmp(key, "text.", 5)) return set_stack(&g->text, key + 5, n - 5, v);
    return set_stack(&g->visual, key, n, v) && set_stack(&g->text, key, n, v);
}

int sv_clip_sized(struct sv_clip_config *g, const char *text, struct sv_err *e) {
    char family[32];
    const size_t n = strcspn(text, ",");
    if (n < sizeof family) memcpy(family, text, n), family[n] = 0;
    if (n >= sizeof family || !sv_clip_family(g, family))
        return sv_fail(e, SV_EUSAGE, "size \"%s\": no model family %.*s, expected tiny, B/32, B/16, L/14, L/14@336, H/14 or bigG/14", text, (int)n, text);
    for (const char *at = text + n; *at; at += strcspn(at, ",")) {
        const char *key = ++at, *end = key + strcspn(key, ","), *equals = memchr(key, '=', (size_t)(end - key));
        int64_t v;
        if (!equals || !sv_num_int(equals + 1, (size_t)(end - equals - 1), &v) || v < 1 || v > MOST)
            return sv_fail(e, SV_EUSAGE, "size \"%s\": \"%.*s\", expected KEY=NUMBER from 1 to %d", text, (int)(end - key), key, MOST);
        if (!set(g, key, (size_t)(equals - key), (size_t)v))
            return sv_fail(e, SV_EUSAGE, "size \"%s\": no key %.*s, expected embed, image, patch, context, vocab, or width, layers, heads, mlp "
                           "(of both towers; \"text.width\" of one)", text, (int)(equals - key), key);
    }
    if (g->image_size % g->patch || g->visual.width % g->visual.heads || g->text.width % g->text.heads || g->vocab < 2)
        return sv_fail(e, SV_EUSAGE, "size \"%s\": image must be a multiple of patch, width of heads, vocab at least 2", text);
    return 0;
}
