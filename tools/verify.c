#include "tools/tool.h"

#include "io/container.h"
#include <stdio.h>

static int verify(const char *path, struct sv_err *e) {
    struct sv_file f;
    char kind[16];
    int rc = sv_file_map(&f, path, e);
    if (rc) return rc;
    rc = sv_container_verify(&f, e);
    if (!rc) {
        sv_container_kind(&f, kind);
        printf("%s: %s, %zu bytes, every checksum right\n", path, kind, f.size);
    }
    sv_file_close(&f);
    return rc;
}

int sv_tool_verify(int argc, char **argv, struct sv_err *e) {
    struct sv_common common = { 0 };
    const struct sv_opt opt[] = { SV_COMMON(&common) };
    const struct sv_usage u = {
        "verify", "FILE...", "Reads every byte of model and scene files and checks it against the file's own checksums.",
        "svad verify b16.svad camera.scene", 1, 0,
    };
    struct sv_list args = { 0 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    for (size_t i = 0; !rc && i < args.n; i++) rc = verify(args.item[i], e);
    sv_list_free(&args);
    return rc == 1 ? 0 : rc;
}
