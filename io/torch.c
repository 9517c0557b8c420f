#include "io/torch.h"

#include "io/gather.h"
#include "io/pickle.h"
#include "io/zip.h"
#include <stdio.h>
#include <string.h>

struct in {
    struct sv_zip zip;
    const char *root; size_t root_n;    /* "archive/" */
    bool *checked;                      /* of each entry: its CRC was right */
    size_t copied;                      /* bytes of tensors whose dimensions were put in order */
    struct sv_store *s;
};

/* The entry root + name, or NULL. */
static const struct sv_zip_entry *find(const struct in *p, const char *name, size_t n) {
    char path[1024];
    if (p->root_n > sizeof path || n > sizeof path - p->root_n) return NULL;
    memcpy(path, p->root, p->root_n);
    memcpy(path + p->root_n, name, n);
    return sv_zip_find(&p->zip, path, p->root_n + n);
}

static int storage(struct in *p, const struct sv_pickle_tensor *t, const uint8_t **out, struct sv_err *e) {
    char name[128];
    const int n = snprintf(name, sizeof name, "data/%.*s", (int)sv_min(t->key_n, 100), t->key);
    const bool plain = t->key_n && t->key_n <= 100 && !memchr(t->key, '/', t->key_n) && !memchr(t->key, 0, t->key_n);
    const struct sv_zip_entry *en = plain ? find(p, name, (size_t)n) : NULL;
    if (!en) return sv_fail(e, SV_EINPUT, "%s: tensor %s: the archive has no storage %s", p->s->file, t->name, name);
    size_t bytes;
    if (en->method)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s: storage %s is compressed, expected a stored one", p->s->file,
                       t->name, name);
    if (!sv_mul(t->numel, sv_dtype_size(t->dtype), &bytes) || bytes != en->size)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s: storage %s has %zu bytes, expected %zu %s values", p->s->file,
                       t->name, name, en->size, t->numel, sv_dtype_name(t->dtype));
    bool *checked = &p->checked[en - p->zip.entry];
    *out = p->zip.data + en->at;
    if (*checked) return 0;
    uint8_t *owned;                     /* stays NULL: the entry is stored */
    const int rc = sv_zip_read(&p->zip, en, out, &owned, e);
    *checked = !rc;
    if (!rc) sv_store_forget(p->s, &(struct sv_view){ .data = *out, .bytes = bytes });
    return rc;
}

static int add(void *arg, const struct sv_pickle_tensor *t, struct sv_err *e) {
    struct in *p = arg;
    const size_t size = sv_dtype_size(t->dtype);
    const uint8_t *from;
    const int rc = storage(p, t, &from, e);
    if (rc) return rc;
    size_t count = 1, end;
    bool fits = true, rows;
    for (size_t i = 0; i < t->rank; i++) fits = fits && sv_mul(count, t->dim[i], &count);
    /* A dense block of count elements spans exactly count elements. */
    if (!fits || !sv_add(t->offset, count, &end) || end > t->numel)
        return sv_fail(e, SV_EINPUT, "%s: tensor %s reaches past the %zu values of its storage", p->s->file, t->name,
                       t->numel);
    if (!sv_dense(t->rank, t->dim, t->stride, &rows))
        return sv_fail(e, SV_EINPUT, "%s: tensor %s is a view that skips, repeats or overlaps elements: save it with"
                       " .contiguous()", p->s->file, t->name);
    from += t->offset * size;
    if (!rows) {
        /* Shared storages could ask for any number of copies; more than the file holds is no checkpoint. */
        p->copied += count * size;
        if (p->copied > p->zip.size)
            return sv_fail(e, SV_EINPUT, "%s: tensor %s: transposed tensors larger than the file", p->s->file, t->name);
        uint8_t *own = sv_store_alloc(p->s, count, size, e);
        if (!own) return SV_ENOMEM;
        sv_gather(own, from, size, t->rank, t->dim, t->stride);
        from = own;
    }
    return sv_store_add(p->s, t->name, t->dtype, t->rank, t->dim, from, count * size, e);
}

/* Exactly one X/data.pkl names the archive's folder. */
static int find_root(struct in *p, struct sv_err *e) {
    static const char name[] = "/data.pkl";
    const size_t n = sizeof name - 1;
    for (size_t i = 0; i < p->zip.n; i++) {
        const struct sv_zip_entry *en = &p->zip.entry[i];
        if (en->name_n <= n || memcmp(en->name + en->name_n - n, name, n) || memchr(en->name, '/', en->name_n - n)) continue;
        if (p->root) return sv_fail(e, SV_EINPUT, "%s: two data.pkl in the archive", p->s->file);
        p->root = en->name, p->root_n = en->name_n - n + 1;
    }
    if (!p->root)
        return sv_fail(e, SV_EINPUT, "%s: a zip archive without data.pkl, expected one of torch.save or torch.jit.save",
                       p->s->file);
    return 0;
}

static int read_all(struct in *p, struct sv_err *e) {
    int rc = find_root(p, e);
    if (rc) return rc;
    if (!(p->checked = sv_alloc(p->zip.n, sizeof *p->checked, e))) return SV_ENOMEM;
    const uint8_t *bytes;
    uint8_t *owned;
    const struct sv_zip_entry *en = find(p, "byteorder", 9);
    if (en) {
        if ((rc = sv_zip_read(&p->zip, en, &bytes, &owned, e))) return rc;
        const bool little = en->size == 6 && !memcmp(bytes, "little", 6);
        sv_free(owned);
        if (!little) return sv_fail(e, SV_EINPUT, "%s: byteorder is not little", p->s->file);
    }
    if (!(en = find(p, "data.pkl", 8)))
        return sv_fail(e, SV_EINPUT, "%s: the archive's folder has a name that is too long", p->s->file);
    if ((rc = sv_zip_read(&p->zip, en, &bytes, &owned, e))) return rc;
    const size_t before = p->s->views;
    rc = sv_pickle_read(bytes, en->size, p->s->file, add, p, e);
    sv_free(owned);
    if (!rc && p->s->views == before) rc = sv_fail(e, SV_EINPUT, "%s: an archive of torch without any tensor", p->s->file);
    return rc;
}

int sv_torch_read(const uint8_t *data, size_t size, struct sv_store *s, struct sv_err *e) {
    struct in p = { .s = s };
    int rc = sv_zip_open(&p.zip, data, size, s->file, e);
    if (!rc) rc = read_all(&p, e);
    sv_free(p.checked);
    sv_zip_close(&p.zip);
    return rc;
}
