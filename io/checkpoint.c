#include "io/checkpoint.h"

#include "io/safetensors.h"
#include "io/torch.h"
#include <string.h>

static const struct { const char *bytes; size_t at, n; const char *what; } others[] = {
    { "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 0, 14,
      "a torch file older than 1.6 (load it with torch.load and save it again)" },
    { "\x80", 0, 1, "a bare pickle (save tensors with torch.save or safetensors)" },
    { "\x89HDF\r\n\x1a\n", 0, 8, "HDF5 (Keras or MATLAB)" },
    { "GGUF", 0, 4, "GGUF" },
    { "\x1f\x8b", 0, 2, "gzip (unpack it first)" },
    { "BZh", 0, 3, "bzip2 (unpack it first)" },
    { "\xfd" "7zXZ", 0, 5, "xz (unpack it first)" },
    { "\x28\xb5\x2f\xfd", 0, 4, "zstd (unpack it first)" },
    { "ustar", 257, 5, "tar (unpack it first)" },
    { "\x93NUMPY", 0, 6, "one numpy array" },
    { "TFL3", 4, 4, "TensorFlow Lite" },
    { "version https://git-lfs", 0, 23, "a Git LFS pointer, not the file itself (git lfs pull fetches it)" },
    { "<!DOCTYPE", 0, 9, "a web page" }, { "<!doctype", 0, 9, "a web page" }, { "<html", 0, 5, "a web page" },
    { "\x08", 0, 1, "ONNX or another protocol buffer" },
};

static bool has(const struct sv_file *f, const char *bytes, size_t at, size_t n) {
    return f->size >= at + n && !memcmp(f->data + at, bytes, n);
}

int sv_checkpoint_read(const struct sv_file *f, struct sv_store *s, struct sv_err *e) {
    if (has(f, "PK\3\4", 0, 4) || has(f, "PK\5\6", 0, 4)) return sv_torch_read(f->data, f->size, s, e);
    if (sv_safetensors_is(f->data, f->size)) return sv_safetensors_read(f->data, f->size, s, e);
    const char *what = NULL;
    for (size_t i = SV_LEN(others); i--;)           /* the specific ones stand first and win */
        if (has(f, others[i].bytes, others[i].at, others[i].n)) what = others[i].what;
    return sv_fail(e, SV_EINPUT, "%s: %s%s, expected a checkpoint of torch.save or TorchScript (torch 1.6 and later), or safetensors", s->file,
                   what ? "looks like " : f->size ? "is nothing known" : "is empty", what ? what : "");
}
