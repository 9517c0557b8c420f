#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *name, *about; int (*run)(int, char **, struct sv_err *); } tools[] = {
#define X(name, about) { #name, about, sv_tool_##name },
    SV_TOOLS(X)
#undef X
};

static void help(FILE *f) {
    fputs("svad finds the unusual in video.\n\nusage: svad COMMAND ...      svad COMMAND -h shows options and an example\n\n", f);
    for (size_t i = 0; i < SV_LEN(tools); i++) fprintf(f, "  %-11s %s\n", tools[i].name, tools[i].about);
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "help") || !strcmp(name, "-h") || !strcmp(name, "--help")) return help(stdout), 0;
    if (!*name) return help(stderr), 1;
    for (size_t i = 0; i < SV_LEN(tools); i++) {
        if (strcmp(name, tools[i].name)) continue;
        struct sv_err e = {0};
        int rc = tools[i].run(argc - 1, argv + 1, &e);
        if (!rc && (fflush(stdout) || ferror(stdout))) rc = sv_fail(&e, SV_ENOMEM, "stdout: cannot write");
        if (e.code) fprintf(stderr, "svad: %s\n", e.msg);
        return rc < 0 ? -rc : rc;
    }
    fprintf(stderr, "svad: no command %s; svad help lists them\n", name);
    return 1;
}
