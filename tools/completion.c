/* completion.c - svad completion: scripts for bash and zsh, written from the option tables. */
#include "tools/tool.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What may stand behind an option. */
enum value { NOTHING, ANYTHING, NUMBER, PLACE, WORDS };

static enum value value_of(const struct sv_opt *o) {
    if (o->kind == SV_OPT_FLAG) return NOTHING;
    if (o->kind == SV_OPT_SIZE || o->kind == SV_OPT_REAL) return NUMBER;
    if (strchr(o->arg, '|') && islower((unsigned char)o->arg[0])) return WORDS;
    return !strcmp(o->arg, "TEXT") || !strcmp(o->arg, "NAME") || !strcmp(o->arg, "T") ? ANYTHING : PLACE;
}

/* Calls put for each word of "a|b|c". */
static void each_word(const char *words, void (*put)(const char *s, size_t n)) {
    for (size_t n; *words; words += n + (words[n] == '|')) put(words, n = strcspn(words, "|"));
}

/* Calls put for the words that a usage line offers as the first argument: small letters, beside a bar. */
static void first_words(const char *line, void (*put)(const char *s, size_t n)) {
    bool bar = false;                   /* before this word */
    for (size_t n; *line; line += n) {
        line += strspn(line, " [](),.");
        n = strcspn(line, " [](),.|");
        size_t small = 0;
        while (small < n && islower((unsigned char)line[small])) small++;
        const char *next = line + n;
        while (*next == ' ' || *next == ']' || (isupper((unsigned char)*next) && !islower((unsigned char)next[1])) || *next == '[') next++;
        if (n && small == n && (bar || *next == '|')) put(line, n);
        if (n) bar = false;
        if (line[n] == '|') bar = true, n++;
        else if (!n && *line) n = 1;
    }
}

/* Whether arguments may be files: a usage line has those in capitals. */
static bool takes_files(const char *line) {
    while (*line && !isupper((unsigned char)*line)) line++;
    return *line;
}

static void put_plain(const char *s, size_t n) { printf(" %.*s", (int)n, s); }

static const char *dash(const struct sv_opt *o) { return o->name[1] ? "--" : "-"; }

/* ---- bash ---- */

static void bash_values(const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    for (size_t i = 0; i < opts; i++) {
        const enum value v = value_of(&opt[i]);
        if (v == NOTHING || v == PLACE) continue;
        printf("    '%s %s%s') words='", u->command, dash(&opt[i]), opt[i].name);
        if (v == WORDS) each_word(opt[i].arg, put_plain);
        puts("' ;;");
    }
}

static void bash_places(const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    for (size_t i = 0; i < opts; i++)
        if (value_of(&opt[i]) == PLACE) printf("    '%s %s%s') files=1 ;;\n", u->command, dash(&opt[i]), opt[i].name);
}

static void bash_command(void *arg, const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    (void)arg;
    bash_values(u, opt, opts);
    bash_places(u, opt, opts);
    printf("    '%s '*)\n        case $cur in\n        -*) words='", u->command);
    for (size_t i = 0; i < opts; i++) printf(" %s%s", dash(&opt[i]), opt[i].name);
    printf(" -h --help' ;;\n        *) files=%s words='", takes_files(u->line) ? "1" : "");
    first_words(u->line, put_plain);
    puts("' ;;\n        esac ;;");
}

static int bash(struct sv_err *e) {
    puts("# bash completion of svad, written by: svad completion bash\n"
         "_svad() {\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words= files=\n"
         "    COMPREPLY=()\n"
         "    if [ \"$COMP_CWORD\" -eq 1 ]; then prev=; else prev=\"${COMP_WORDS[1]} $prev\"; fi\n"
         "    case $prev in");
    fputs("    '') words='", stdout);
    for (const struct sv_tool *t = sv_tools; t->name; t++) printf("%s ", t->name);
    puts("help version' ;;");
    fputs("    'help '*) words='", stdout);
    for (const struct sv_tool *t = sv_tools; t->name; t++) printf("%s ", t->name);
    puts("' ;;");
    int rc = 0;
    for (const struct sv_tool *t = sv_tools; t->name && rc >= 0; t++) rc = sv_opt_tables(t->run, t->name, bash_command, NULL, e);
    puts("    esac\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"; [ -z \"$files\" ] || compgen -f -- \"$cur\")\n"
         "}\n"
         "complete -o filenames -F _svad svad");
    return rc;
}

/* ---- zsh ---- */

/* Inside '...': what _arguments reads as its own is escaped. */
static void zsh_text(const char *s) {
    for (; *s; s++) {
        if (*s == '\'') fputs("'\\''", stdout);
        else if (strchr("[]:\\", *s)) printf("\\%c", *s);
        else putchar(*s == '\n' ? ' ' : *s);
    }
}

static void zsh_command(void *arg, const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    (void)arg;
    printf("    %s)\n        _arguments \\\n", u->command);
    for (size_t i = 0; i < opts; i++) {
        const enum value v = value_of(&opt[i]);
        printf("            '%s%s%s[", opt[i].kind == SV_OPT_LIST ? "*" : "", dash(&opt[i]), opt[i].name);
        zsh_text(opt[i].help);
        putchar(']');
        if (v != NOTHING) putchar(':'), zsh_text(opt[i].arg), putchar(':');
        if (v == PLACE) fputs("_files", stdout);
        if (v == WORDS) putchar('('), each_word(opt[i].arg, put_plain), putchar(')');
        puts("' \\");
    }
    const char *files = takes_files(u->line) ? "_files" : "";
    printf("            '(-h --help)'{-h,--help}'[help]' '1:first:{ %s; compadd -- ", *files ? files : ":");
    first_words(u->line, put_plain);
    printf(" }' '*:more:%s' ;;\n", files);
}

static int zsh(struct sv_err *e) {
    puts("#compdef svad\n"
         "# zsh completion of svad, written by: svad completion zsh\n"
         "_svad() {\n"
         "    local -a commands\n"
         "    commands=(");
    for (const struct sv_tool *t = sv_tools; t->name; t++) printf("        '%s:", t->name), zsh_text(t->about), puts("'");
    puts("        'help:the commands, or the options of one' 'version:which svad this is'\n"
         "    )\n"
         "    if (( CURRENT == 2 )) || [[ $words[2] == help ]]; then _describe command commands; return; fi\n"
         "    shift words; (( CURRENT-- ))\n"
         "    case $words[1] in");
    int rc = 0;
    for (const struct sv_tool *t = sv_tools; t->name && rc >= 0; t++) rc = sv_opt_tables(t->run, t->name, zsh_command, NULL, e);
    puts("    esac\n"
         "}\n"
         "if [[ $funcstack[1] == _svad ]]; then _svad \"$@\"; else compdef _svad svad; fi");
    return rc;
}

int sv_tool_completion(int argc, char **argv, struct sv_err *e) {
    struct sv_list args = {0};
    const struct sv_usage u = {
        "completion", "bash|zsh",
        "Writes a script that teaches the shell the commands and options of this svad.  make install puts it where the shells look; "
        "for one session: eval \"$(svad completion zsh)\".",
        "source <(svad completion bash)", 1, 1,
    };
    int rc = sv_opt_parse(&u, NULL, 0, argc, argv, &args, e);
    if (!rc) {
        const char *shell = args.item[0];
        rc = !strcmp(shell, "bash") ? bash(e) : !strcmp(shell, "zsh") ? zsh(e)
            : sv_fail(e, SV_EUSAGE, "completion: no shell \"%s\", expected bash or zsh", shell);
    }
    sv_list_free(&args);
    return rc < 0 ? rc : 0;
}
