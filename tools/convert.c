#include "tools/calibrate.h"
#include "tools/repack.h"
#include "tools/tool.h"

#include "core/hash.h"
#include "io/checkpoint.h"
#include "io/container.h"
#include "io/convert.h"
#include "io/vocab.h"
#include "io/utf8.h"
#include <stdio.h>
#include <string.h>

/* What convert was asked for. */
struct job {
    const char *out, *vocab, *act, *dtype, *packed;
    struct sv_list calibrate;
    bool strict;
    struct sv_common common;
    char *path, *folder;                /* owned: the checkpoint's file, and where its companions lie */
};

static char *join(const char *folder, const char *name, struct sv_err *e) {
    const size_t n = strlen(folder) + strlen(name) + 2;
    char *p = sv_alloc(n, 1, e);
    if (p) snprintf(p, n, "%s/%s", folder, name);
    return p;
}

static bool is_in(const struct sv_dir *d, const char *name) {
    for (size_t i = 0; i < d->n; i++)
        if (!strcmp(d->name[i], name)) return true;
    return false;
}

/* The checkpoint in a folder as Hugging Face and open_clip name it. */
static int pick(struct job *j, const char *folder, struct sv_err *e) {
    static const char *const known[] = { "model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors",
                                         "open_clip_pytorch_model.bin" };
    struct sv_dir d;
    int rc = sv_dir_list(&d, folder, e);
    if (rc) return rc;
    const char *name = NULL;
    for (size_t i = 0; !name && i < SV_LEN(known); i++)
        if (is_in(&d, known[i])) name = known[i];
    if (name) {
        if (!(j->folder = sv_strdup(folder, e)) || !(j->path = join(folder, name, e))) rc = SV_ENOMEM;
    } else if (is_in(&d, "model.safetensors.index.json") || is_in(&d, "pytorch_model.bin.index.json")) {
        rc = sv_fail(e, SV_EINPUT, "%s: a checkpoint in several pieces, expected one file, such as "
                     "open_clip_pytorch_model.bin", folder);
    } else {
        rc = sv_fail(e, SV_EINPUT, "%s: no model.safetensors, pytorch_model.bin, open_clip_model.safetensors or "
                     "open_clip_pytorch_model.bin there; name the file instead", folder);
    }
    sv_dir_free(&d);
    return rc;
}

static int locate(struct job *j, const char *path, struct sv_err *e) {
    if (sv_is_dir(path)) return pick(j, path, e);
    const char *slash = strrchr(path, '/');
    if (!(j->path = sv_strdup(path, e)) || !(j->folder = sv_strdup(slash ? path : ".", e))) return SV_ENOMEM;
    if (slash) j->folder[slash - path + (slash == path)] = 0;
    return 0;
}

static void hex_of_file(const struct sv_file *f, const struct sv_store *s, const struct sv_common *common, char out[65]) {
    enum { STEP = 1 << 24 };
    struct sv_sha256 h;
    struct sv_progress p;
    uint8_t sum[32];
    sv_sha256_init(&h);
    sv_progress_start(&p, common, "sha256", "MB", f->size >> 20);
    for (size_t i = 0; i < f->size; i += STEP) {
        const struct sv_view v = { .data = f->data + i, .bytes = sv_min(STEP, f->size - i) };
        sv_sha256_add(&h, v.data, v.bytes);
        sv_store_forget(s, &v);
        sv_progress_at(&p, i >> 20);
    }
    sv_progress_end(&p);
    sv_sha256_done(&h, sum);
    for (size_t i = 0; i < sizeof sum; i++) snprintf(out + 2 * i, 3, "%02x", sum[i]);
}

/* A file name may hold any bytes, a text of the container only UTF-8. */
static void clean(char *s) {
    for (size_t n; *s; s += n ? n : 1)
        if (!(n = sv_utf8((unsigned char *)s, strlen(s)))) *s = '?';
}

struct writer { struct sv_convert *c; struct sv_progress progress; size_t done; };

static int fill(void *arg, const struct sv_view *v, size_t first, size_t n, void *out, struct sv_err *e) {
    struct writer *w = arg;
    sv_progress_at(&w->progress, (w->done += n * sv_dtype_size(v->dtype)) >> 20);
    return sv_convert_fill(w->c, v, first, n, out, e);
}

static int write_model(struct sv_convert *c, const struct job *j, struct sv_err *e) {
    struct writer w = { .c = c };
    size_t total = 0;
    for (size_t i = 0; i < c->out.views; i++) total += c->out.view[i].bytes;
    sv_progress_start(&w.progress, &j->common, "write", "MB", total >> 20);
    const int rc = sv_container_stream(j->out, "model", &c->out, &(struct sv_filler){ fill, &w }, e);
    sv_progress_end(&w.progress);
    if (rc) return rc;
    if (c->not_finite) sv_say(&j->common, "warning: %zu weights are NaN or infinite, the first in %s", c->not_finite,
                              c->first_bad);
    sv_say(&j->common, "%s: %zu tensors, %zu MB", j->out, c->out.views, total >> 20);
    return 0;
}

static int convert(struct job *j, struct sv_convert_options *o, struct sv_store *s, struct sv_convert *c, struct sv_store *rounded, struct sv_err *e) {
    int rc = 0;
    if (j->calibrate.n) {
        if (!(rc = sv_out_try(j->out, e))) rc = sv_calibrate(rounded, s, o, &j->calibrate, &j->common, e);
        o->rounded = rounded;
    }
    if (!rc) rc = sv_convert_plan(c, s, o, e);
    if (rc) return rc;
    struct sv_vocab v;
    rc = j->vocab ? sv_vocab_open(&v, j->vocab, c->vocab, e) : sv_vocab_find(&v, j->folder, c->vocab, e);
    if (rc) return rc;
    rc = sv_store_add(&c->out, "clip.merges", SV_U8, 1, &v.bytes, v.merges, v.bytes, e);
    if (!rc) rc = write_model(c, j, e);
    sv_vocab_free(&v);
    return rc;
}

static int run(struct job *j, const char *path, struct sv_err *e) {
    struct sv_file f = { 0 };
    struct sv_store s = { 0 }, rounded = { 0 };
    struct sv_settings settings;
    struct sv_convert c = { 0 };
    struct sv_convert_options o = { .act = j->act, .strict = j->strict, .settings = &settings };
    char hex[65], *source = NULL;
    if (!sv_dtype_named(j->dtype, &o.dtype) || !((SV_FLOATS | 1 << SV_I8) >> o.dtype & 1))
        return sv_fail(e, SV_EUSAGE, "convert: --dtype is %s, expected f32, f16, bf16 or i8", j->dtype);
    if (j->act && strcmp(j->act, "quick") && strcmp(j->act, "gelu"))
        return sv_fail(e, SV_EUSAGE, "convert: --act is %s, expected quick or gelu", j->act);
    if (j->calibrate.n && o.dtype != SV_I8) return sv_fail(e, SV_EUSAGE, "convert: --calibrate rounds bytes: it needs --dtype i8");
    if (!j->out) return sv_fail(e, SV_EUSAGE, "convert: -o MODEL is missing");
    if (j->packed && !sv_kern_named(j->packed)) return sv_fail(e, SV_EUSAGE, "convert: --packed: no kernel table \"%s\" on this machine", j->packed);
    int rc;
    if (!(rc = locate(j, path, e)) && !(rc = sv_file_map(&f, j->path, e)) && !(rc = sv_store_init(&s, j->path, e))) {
        s.map = f.mapped ? f.data : NULL, s.map_bytes = f.size;
        if (sv_container_is(&f) && j->packed) {
            sv_store_free(&s), sv_file_close(&f);
            return sv_repack(j->path, j->out, j->packed, &j->common, e);
        }
        if (sv_container_is(&f)) rc = sv_fail(e, SV_EINPUT, "%s: is a file of svad already, expected a checkpoint", j->path);
        else if (!(rc = sv_checkpoint_read(&f, &s, e))) rc = sv_settings_find(&settings, j->folder, e);
    }
    if (!rc) {
        const char *slash = strrchr(j->path, '/');
        source = sv_strdup(slash ? slash + 1 : j->path, e);
        if (!source) rc = SV_ENOMEM;
    }
    if (!rc) {
        clean(source);
        hex_of_file(&f, &s, &j->common, hex);
        o.source = source, o.sha256 = hex;
        rc = convert(j, &o, &s, &c, &rounded, e);
        if (!rc && j->packed) rc = sv_repack(j->out, j->out, j->packed, &j->common, e);
    }
    sv_convert_free(&c);
    sv_store_free(&rounded), sv_store_free(&s);
    sv_file_close(&f);
    sv_free(source);
    return rc;
}

int sv_tool_convert(int argc, char **argv, struct sv_err *e) {
    struct job j = { .dtype = "f32" };
    const struct sv_opt opt[] = {
        { "o", SV_OPT_TEXT, &j.out, "MODEL", "the model file to write", 0, 0 },
        { "vocab", SV_OPT_TEXT, &j.vocab, "FILE", "vocabulary (default: the one beside the checkpoint)", 0, 0 },
        { "act", SV_OPT_TEXT, &j.act, "quick|gelu", "activation, where no config or known checksum says it", 0, 0 },
        { "dtype", SV_OPT_TEXT, &j.dtype, "f32|f16|bf16|i8", "how matrices are stored (default: f32)", 0, 0 },
        { "calibrate", SV_OPT_LIST, &j.calibrate, "VIDEO", "i8: round the image tower for pictures like these: a video, a folder of pictures or of either (any number)", 0, 0 },
        { "packed", SV_OPT_TEXT, &j.packed, "ISA", "matrices as this kernel table multiplies them: the fastest start, on machines that have it", 0, 0 },
        { "strict", SV_OPT_FLAG, &j.strict, NULL, "refuse NaN and infinite weights", 0, 0 },
        SV_COMMON(&j.common),
    };
    const struct sv_usage u = {
        "convert", "CHECKPOINT -o MODEL [options]",
        "Makes a model of a CLIP checkpoint: OpenAI's .pt, a torch state dict, safetensors, or a Hugging Face folder.  With --packed, CHECKPOINT may "
        "be a model, too.",
        "svad convert ViT-B-16.pt -o b16.svad --vocab bpe_simple_vocab_16e6.txt.gz", 1, 1,
    };
    struct sv_list args = { 0 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&j, args.item[0], e);
    else if (rc == 1) rc = 0;
    sv_free(j.path), sv_free(j.folder);
    sv_list_free(&args), sv_list_free(&j.calibrate);
    return rc;
}
