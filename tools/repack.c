#include "tools/repack.h"

#include "core/gemm.h"
#include "io/container.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

/* The tensor that is written, packed when its first piece is asked for. */
struct job {
    struct sv_cpu cpu;
    const struct sv_store *in;
    struct sv_store out;
    const struct sv_view *at;
    float *panel;                       /* room for the largest */
    struct sv_progress progress;
    size_t done;
};

static bool ends(const char *s, const char *with) {
    const size_t n = strlen(s), k = strlen(with);
    return n >= k && !strcmp(s + n - k, with);
}

static bool is_matrix(const struct sv_view *v) {
    return v->rank == 2 && !strncmp(v->name, "clip.", 5) && (ends(v->name, ".weight") || ends(v->name, ".proj")) && (SV_FLOATS | 1 << SV_I8) >> v->dtype & 1;
}

/* Goes into the panels of the tensor it is named after. */
static bool is_scale(const struct sv_store *s, const struct sv_view *v) {
    char name[SV_MAX_NAME + 1];
    snprintf(name, sizeof name, "%s", v->name);
    if (!ends(name, ".scale")) return false;
    name[strlen(name) - strlen(".scale")] = 0;
    const struct sv_view *of = sv_store_find(s, name);
    return of && of->dtype == SV_I8 && is_matrix(of);
}

static enum sv_dtype type_of(const struct job *j, const struct sv_view *v) {
    return v->dtype == SV_I8 || (v->dtype == SV_BF16 && j->cpu.kern->bf16) ? v->dtype : SV_F32;
}

static int fill(void *arg, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e) {
    struct job *j = arg;
    const struct sv_view *from = sv_store_find(j->in, v->name);
    const size_t size = sv_dtype_size(v->dtype);
    (void)e;
    if (j->at != v) {
        char name[SV_MAX_NAME + 1];
        snprintf(name, sizeof name, "%.240s.scale", v->name);
        sv_pack(&j->cpu, j->panel, type_of(j, from), from, sv_store_find(j->in, name));
        sv_store_forget(j->in, from);
        j->at = v;
    }
    memcpy(out, (const char *)j->panel + first * size, n * size);
    sv_progress_at(&j->progress, (j->done += n * size) >> 20);
    return 0;
}

/* What the file will hold: bytes are u8, since i8 would ask for a scale. */
static int plan(struct job *j, struct sv_err *e) {
    size_t most = 0;
    int rc = sv_store_init(&j->out, j->in->file, e);
    for (size_t i = 0; !rc && i < j->in->values; i++) rc = sv_store_copy_value(&j->out, &j->in->value[i], e);
    if (!rc) rc = sv_store_set_text(&j->out, "clip.packed", j->cpu.kern->isa, e);
    for (size_t i = 0; !rc && i < j->in->views; i++) {
        const struct sv_view *v = &j->in->view[i];
        if (is_scale(j->in, v)) continue;
        if (!is_matrix(v)) { rc = sv_store_add(&j->out, v->name, v->dtype, v->rank, v->dim, v->data, v->bytes, e); continue; }
        const enum sv_dtype type = type_of(j, v), as = type == SV_I8 ? SV_U8 : type;
        const size_t bytes = sv_pack_floats(j->cpu.kern, type, v->dim[0], v->dim[1]) * sizeof(float), count = bytes / sv_dtype_size(as);
        most = sv_max(most, bytes);
        rc = sv_store_add(&j->out, v->name, as, 1, &count, NULL, bytes, e);
    }
    if (!rc && !(j->panel = sv_alloc(most, 1, e))) rc = SV_ENOMEM;
    return rc;
}

int sv_repack(const char *from, const char *to, const char *isa, const struct sv_common *o, struct sv_err *e) {
    struct sv_common common = *o;
    struct sv_file f = { 0 };
    struct sv_store in = { 0 };
    struct job j = { .in = &in };
    common.isa = isa;
    int rc = sv_cpu_open(&j.cpu, &common, e);
    if (!rc && !(rc = sv_file_map(&f, from, e)) && !(rc = sv_store_init(&in, from, e))) rc = sv_container_read(&f, "model", &in, e);
    if (!rc && sv_store_value(&in, "clip.packed")) rc = sv_fail(e, SV_EINPUT, "%s: is packed already", from);
    if (!rc) rc = plan(&j, e);
    sv_progress_start(&j.progress, o, "pack", "MB", f.size >> 20);
    if (!rc) rc = sv_container_stream(to, "model", &j.out, &(struct sv_filler){ fill, &j }, e);
    sv_progress_end(&j.progress);
    if (!rc) sv_say(o, "%s: packed for %s", to, isa);
    sv_free(j.panel);
    sv_store_free(&j.out), sv_store_free(&in), sv_file_close(&f), sv_cpu_close(&j.cpu);
    return rc;
}
