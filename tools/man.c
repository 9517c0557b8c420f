/* man.c - svad man: the manual page, written from the option tables. */
#include "tools/tool.h"

#include <stdio.h>
#include <string.h>

/* n bytes that troff takes as they are. */
static void bytes(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\\') fputs("\\e", stdout);
        else if (s[i] == '-') fputs("\\-", stdout);
        else putchar(s[i]);
    }
}

static void text(const char *s) { bytes(s, strlen(s)); }

/* Words in lines that are not long, sentences on lines of their own.  A dot in front of a line would be a request. */
static void paragraph(const char *s) {
    enum { WIDTH = 72 };
    size_t at = 0;
    while (*(s += strspn(s, " \n"))) {
        const size_t n = strcspn(s, " \n");
        if (at && at + n >= WIDTH) putchar('\n'), at = 0;
        if (at) putchar(' ');
        else if (*s == '.' || *s == '\'') fputs("\\&", stdout);
        bytes(s, n);
        at += n + 1;
        if (s[n - 1] == '.' && s[n] == ' ' && s[n + 1] == ' ') putchar('\n'), at = 0;
        s += n;
    }
    if (at) putchar('\n');
}

static bool is_common(const char *name) {
    struct sv_common c;
    const struct sv_opt common[] = { SV_COMMON(&c) };
    for (size_t i = 0; i < SV_LEN(common); i++) if (!strcmp(common[i].name, name)) return true;
    return false;
}

static void option(const struct sv_opt *o) {
    printf(".TP\n\\fB%s", o->name[1] ? "\\-\\-" : "\\-");
    text(o->name);
    fputs("\\fR", stdout);
    if (o->arg) fputs(" \\fI", stdout), text(o->arg), fputs("\\fR", stdout);
    putchar('\n');
    paragraph(o->help);
}

static void command(void *arg, const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    (void)arg;
    printf(".SS svad %s\n\\fBsvad %s\\fR ", u->command, u->command);
    text(u->line);
    puts("\n.PP");
    paragraph(u->about);
    for (size_t i = 0; i < opts; i++) if (!is_common(opt[i].name)) option(&opt[i]);
    puts(".PP\nExample:\n.RS\n.nf");
    text(u->example);
    puts("\n.fi\n.RE");
}

static void common(void *arg, const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    (void)arg, (void)u;
    for (size_t i = 0; i < opts; i++) if (is_common(opt[i].name)) option(&opt[i]);
}

static int page(struct sv_err *e) {
    printf(".TH SVAD 1 \"%s\" \"svad %s\" \"User Commands\"\n", SV_VERSION_DATE, sv_version());
    puts(".SH NAME\nsvad \\- find the unusual in video\n.SH SYNOPSIS\n\\fBsvad\\fR \\fICOMMAND\\fR ...\n"
         ".SH DESCRIPTION\nLearns what is normal from normal footage, with the features of a CLIP\nmodel, and scores video against it.\n"
         "Videos are folders of frames, Y4M and Motion JPEG in AVI; for other video see\n.BR ffmpeg (1).\n"
         "Data goes to the standard output, talk to the standard error.\n.SH COMMANDS");
    int rc = 0;
    for (const struct sv_tool *t = sv_tools; t->name && rc >= 0; t++) rc = sv_opt_tables(t->run, t->name, command, NULL, e);
    puts(".SS svad help\n\\fBsvad help\\fR [\\fICOMMAND\\fR]\n.PP\nThe commands, or the options of one.\n"
         ".SS svad version\nWhich svad this is.\n.SH OPTIONS OF ALL COMMANDS");
    if (rc >= 0) rc = sv_opt_tables(sv_tools[0].run, sv_tools[0].name, common, NULL, e);
    puts(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nOptions and an example.\n"
         ".SH ENVIRONMENT\n.TP\nSVAD_ISA\nThe kernel table, where \\fB\\-\\-isa\\fR names none.\n"
         ".TP\nSVAD_TUNE\nA file of lines \"isa rows cols\": block sizes of the products.\n"
         ".SH EXIT STATUS\n.TP\n0\nAll is well.\n.TP\n1\nA mistake in the command line.\n.TP\n2\nBad input.\n.TP\n3\nA check failed.\n"
         ".TP\n4\nOut of memory or disk.\n.TP\n130\nInterrupted.");
    return rc;
}

int sv_tool_man(int argc, char **argv, struct sv_err *e) {
    struct sv_list args = {0};
    const struct sv_usage u = { .command = "man", .line = "[> svad.1]", .about = "Writes the manual page.  make install puts it where man looks.",
                                .example = "svad man | man -l -" };
    int rc = sv_opt_parse(&u, NULL, 0, argc, argv, &args, e);
    if (!rc && args.n) rc = sv_fail(e, SV_EUSAGE, "man: what is \"%s\"? it takes no argument", args.item[0]);
    if (!rc) rc = page(e);
    sv_list_free(&args);
    return rc < 0 ? rc : 0;
}
