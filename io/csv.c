#include "io/csv.h"

#include <string.h>

void sv_csv_open(struct sv_csv *c, const char *file, const void *data, size_t size) {
    memset(c, 0, sizeof *c);
    c->file = file, c->at = data, c->end = c->at + size, c->next = 1;
    if (size >= 3 && !memcmp(c->at, "\xef\xbb\xbf", 3)) c->at += 3;
}

void sv_csv_close(struct sv_csv *c) {
    sv_free(c->text);
    memset(c, 0, sizeof *c);
}

static int add(struct sv_csv *c, size_t *n, char b, struct sv_err *e) {
    if (*n == SV_CSV_ROW)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: a row of more than %d bytes", c->file, c->line, SV_CSV_ROW);
    if (*n == c->cap && sv_grow(&c->text, &c->cap, *n, 1, e)) return SV_ENOMEM;
    c->text[(*n)++] = b;
    return 0;
}

/* LF, CRLF or the end. */
static bool at_eol(const struct sv_csv *c) {
    return c->at == c->end || *c->at == '\n' || (*c->at == '\r' && (c->at + 1 == c->end || c->at[1] == '\n'));
}

static int quoted(struct sv_csv *c, size_t *n, struct sv_err *e) {
    for (c->at++;; c->at++) {
        if (c->at == c->end) return sv_fail(e, SV_EINPUT, "%s: line %zu: a quote is never closed", c->file, c->line);
        if (*c->at == '"') {
            if (c->at + 1 == c->end || c->at[1] != '"') break;
            c->at++;
        }
        if (!*c->at) return sv_fail(e, SV_EINPUT, "%s: line %zu: a NUL byte", c->file, c->next);
        c->next += *c->at == '\n';
        const int rc = add(c, n, *c->at, e);
        if (rc) return rc;
    }
    c->at++;
    if (at_eol(c) || *c->at == ',') return 0;
    return sv_fail(e, SV_EINPUT, "%s: line %zu: text behind the closing quote of field %zu", c->file, c->next, c->fields + 1);
}

static int field(struct sv_csv *c, size_t *n, struct sv_err *e) {
    if (c->fields == SV_CSV_FIELDS)
        return sv_fail(e, SV_EINPUT, "%s: line %zu: more than %d fields", c->file, c->line, SV_CSV_FIELDS);
    c->begin[c->fields] = *n;
    int rc = 0;
    if (c->at < c->end && *c->at == '"') {
        rc = quoted(c, n, e);
    } else {
        for (; !rc && !at_eol(c) && *c->at != ','; c->at++)
            rc = *c->at ? add(c, n, *c->at, e) : sv_fail(e, SV_EINPUT, "%s: line %zu: a NUL byte", c->file, c->next);
    }
    if (!rc) rc = add(c, n, 0, e);
    if (!rc) c->begin[++c->fields] = *n;
    return rc;
}

static void skip_eol(struct sv_csv *c) {
    if (c->at < c->end && *c->at == '\r') c->at++;
    if (c->at < c->end) c->at++, c->next++;
}

int sv_csv_row(struct sv_csv *c, struct sv_err *e) {
    size_t n = 0;
    c->fields = 0;
    while (c->at < c->end && at_eol(c)) skip_eol(c);
    if (c->at == c->end) return 0;
    for (c->line = c->next;; c->at++) {
        const int rc = field(c, &n, e);
        if (rc) return rc;
        if (at_eol(c)) break;
    }
    skip_eol(c);
    return 1;
}

const char *sv_csv_field(const struct sv_csv *c, size_t i, size_t *len) {
    *len = c->begin[i + 1] - c->begin[i] - 1;
    return c->text + c->begin[i];
}

int sv_csv_header(struct sv_csv *c, const char *const *name, size_t names, struct sv_err *e) {
    const int rc = sv_csv_row(c, e);
    if (rc < 0) return rc;
    if (!rc) return sv_fail(e, SV_EINPUT, "%s: is empty, expected a header line", c->file);
    for (size_t i = 0; i < names; i++) {
        size_t len;
        if (i >= c->fields || strcmp(sv_csv_field(c, i, &len), name[i]))
            return sv_fail(e, SV_EINPUT, "%s: line %zu: column %zu is \"%.40s\", expected \"%s\"", c->file, c->line, i + 1,
                           i < c->fields ? c->text + c->begin[i] : "", name[i]);
    }
    if (c->fields == names) return 0;
    return sv_fail(e, SV_EINPUT, "%s: line %zu: %zu columns, expected %zu", c->file, c->line, c->fields, names);
}

int sv_csv_put(struct sv_out *o, const char *s, struct sv_err *e) {
    if (*s && !strpbrk(s, "\",\r\n")) return sv_out_write(o, s, strlen(s), e);
    int rc = sv_out_write(o, "\"", 1, e);
    while (!rc && *s) {
        const size_t n = strcspn(s, "\"");
        rc = sv_out_write(o, s, n, e);
        if (!rc && s[n]) rc = sv_out_write(o, "\"\"", 2, e);
        s += n + (s[n] != 0);
    }
    return rc ? rc : sv_out_write(o, "\"", 1, e);
}
