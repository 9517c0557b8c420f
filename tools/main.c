#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

static void help(FILE *f) {
    fputs("svad finds the unusual in video.  usage: svad COMMAND ...  (-h: its options)\n", f);
#define X(name, about) fprintf(f, "  %-11s %s\n", #name, about);
    SV_TOOLS(X)
#undef X
    fputs("also: svad version, svad help COMMAND, svad completion bash|zsh, svad man\n", f);
}

/* One command from its name on; the exit code. */
static int run(int argc, char **argv) {
    for (const struct sv_tool *t = sv_tools; t->name; t++) {
        if (strcmp(argv[0], t->name)) continue;
        struct sv_err e = {0};
        int rc = t->run(argc, argv, &e);
        if (!rc && (fflush(stdout) || ferror(stdout))) rc = sv_fail(&e, SV_ENOMEM, "stdout: cannot write");
        if (e.code) fprintf(stderr, "svad: %s\n", e.msg);
        return rc < 0 ? -rc : rc;
    }
    fprintf(stderr, "svad: no command %s; svad help lists them\n", argv[0]);
    return 1;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "";
    const bool asked = !strcmp(name, "help") || !strcmp(name, "-h") || !strcmp(name, "--help");
    if (asked && argc > 2) {
        char option[] = "-h", *line[] = { argv[2], option, NULL };
        return run(2, line);
    }
    if (asked) return help(stdout), 0;
    if (!*name) return help(stderr), 1;
    if (!strcmp(name, "version") || !strcmp(name, "--version")) return printf("svad %s\n", sv_version()), 0;
    return run(argc - 1, argv + 1);
}
