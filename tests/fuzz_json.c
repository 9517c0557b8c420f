#include "io/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read is written again, and must read as the same number of values. */
static void rewrite(struct sv_json_out *o, const struct sv_json_node *n, const char *key, size_t *count) {
    ++*count;
    double v;
    switch (n->type) {
    case SV_JSON_NULL:   sv_json_put_null(o, key); return;
    case SV_JSON_FALSE:
    case SV_JSON_TRUE:   sv_json_put_bool(o, key, n->type == SV_JSON_TRUE); return;
    case SV_JSON_NUMBER: sv_json_put_real(o, key, sv_json_real(n, &v) ? v : 0); return;
    case SV_JSON_TEXT:   sv_json_put_text(o, key, sv_json_text(n) ? sv_json_text(n) : ""); return;
    default: break;
    }
    sv_json_open(o, key, n->type == SV_JSON_ARRAY ? '[' : '{');
    for (const struct sv_json_node *c = n->child; c; c = c->next) rewrite(o, c, c->key, count);
    sv_json_close(o);
}

static size_t values(const struct sv_json_node *n) {
    size_t count = 1;
    for (const struct sv_json_node *c = n->child; c; c = c->next) count += values(c);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sv_json j, again;
    if (sv_json_parse(&j, data, size, "fuzz", NULL)) return 0;
    struct sv_json_out o = { 0 };
    size_t count = 0;
    rewrite(&o, j.root, NULL, &count);
    sv_json_unique(j.root, "fuzz", NULL);
    if (!o.rc) {
        if (sv_json_parse(&again, o.text, o.n, "again", NULL) || values(again.root) != count) __builtin_trap();
        sv_json_free(&again);
    }
    sv_free(o.text);
    sv_json_free(&j);
    return 0;
}
