#include "tools/tool.h"

#include "core/mem.h"
#include "core/num.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void sv_list_free(struct sv_list *l) {
    sv_free(l->item), sv_free(l->option);
    *l = (struct sv_list){0};
}

static int push(struct sv_list *l, const char *s, const char *option, struct sv_err *e) {
    if (sv_grow(&l->item, &l->cap, l->n, sizeof *l->item, e) || sv_grow(&l->option, &l->option_cap, l->n, sizeof *l->option, e)) return SV_ENOMEM;
    l->option[l->n] = option;
    l->item[l->n++] = s;
    return 0;
}

/* Prints a paragraph from column `at` on, cut at blanks; its further lines begin at column indent. */
static void print_wrapped(const char *text, size_t at, size_t indent) {
    enum { WIDTH = 80 };
    size_t gap = 0;
    for (size_t n; *text; text += n) {
        gap += n = strspn(text, " \n");
        text += n;
        n = strcspn(text, " \n");
        if (gap && at + gap + n > WIDTH) printf("\n%*s", (int)indent, ""), at = indent;
        else printf("%*s", (int)gap, ""), at += gap;
        printf("%.*s", (int)n, text);
        at += n, gap = 0;
    }
    putchar('\n');
}

static void print_help(const struct sv_usage *u, const struct sv_opt *opt, size_t opts) {
    enum { COLUMN = 25 };
    const int used = printf("usage: svad %s ", u->command);
    print_wrapped(u->line, (size_t)used, 11);
    putchar('\n');
    print_wrapped(u->about, 0, 0);
    putchar('\n');
    for (size_t i = 0; i < opts; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s%s", opt[i].name[1] ? "--" : "-", opt[i].name, opt[i].arg ? " " : "", opt[i].arg ? opt[i].arg : "");
        const int width = printf("  %-*s ", COLUMN - 3, left);
        print_wrapped(opt[i].help, (size_t)width, COLUMN);
    }
    printf("  %-*s %s\n\nexample:\n  %s\n", COLUMN - 3, "-h, --help", "this text", u->example);
}

static struct { sv_opt_take *take; void *arg; } wanted;          /* who wants the tables; set for one call */

int sv_opt_tables(int (*run)(int, char **, struct sv_err *), const char *command, sv_opt_take *take, void *arg, struct sv_err *e) {
    char name[32], help[] = "-h", *argv[] = { name, help, NULL };
    snprintf(name, sizeof name, "%s", command);
    wanted.take = take, wanted.arg = arg;
    const int rc = run(2, argv, e);
    wanted.take = NULL;
    return rc;
}

static const struct sv_opt *find(const struct sv_opt *opt, size_t opts, const char *name, size_t n) {
    for (size_t i = 0; i < opts; i++)
        if (strlen(opt[i].name) == n && !memcmp(opt[i].name, name, n)) return &opt[i];
    return NULL;
}

static int set(const struct sv_usage *u, const struct sv_opt *o, const char *text, struct sv_err *e) {
    const char *dash = o->name[1] ? "--" : "-";
    const bool bounded = o->lo != 0 || o->hi != 0;
    double real;
    int64_t whole;
    switch (o->kind) {
    case SV_OPT_FLAG: *(bool *)o->out = true; return 0;
    case SV_OPT_TEXT: *(const char **)o->out = text; return 0;
    case SV_OPT_LIST: return push(o->out, text, o->name, e);
    case SV_OPT_SIZE:
        if (!sv_num_int(text, strlen(text), &whole) || whole < 0)
            return sv_fail(e, SV_EUSAGE, "%s: %s%s expects a whole number, found \"%s\"", u->command, dash, o->name, text);
        real = (double)whole;
        *(size_t *)o->out = (size_t)whole;
        break;
    case SV_OPT_REAL:
        if (!sv_num_real(text, strlen(text), &real))
            return sv_fail(e, SV_EUSAGE, "%s: %s%s expects a number, found \"%s\"", u->command, dash, o->name, text);
        *(double *)o->out = real;
        break;
    default: return 0;
    }
    if (bounded && (real < o->lo || real > o->hi))
        return sv_fail(e, SV_EUSAGE, "%s: %s%s is %s, expected %g .. %g", u->command, dash, o->name, text, o->lo, o->hi);
    return 0;
}

int sv_opt_parse(const struct sv_usage *u, const struct sv_opt *opt, size_t opts, int argc, char **argv,
                 struct sv_list *args, struct sv_err *e) {
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        char *a = argv[i];
        if (ended || a[0] != '-' || !a[1]) {
            const int rc = push(args, a, NULL, e);
            if (rc) return rc;
            continue;
        }
        if (!strcmp(a, "--")) { ended = true; continue; }
        if (!strcmp(a, "-h") || !strcmp(a, "--help")) return wanted.take ? wanted.take(wanted.arg, u, opt, opts) : print_help(u, opt, opts), 1;
        const char *name = a[1] == '-' ? a + 2 : a + 1, *equals = strchr(name, '=');
        const size_t n = equals ? (size_t)(equals - name) : strlen(name);
        const struct sv_opt *o = find(opt, opts, name, n);
        if (!o || (a[1] == '-') != (n > 1))
            return sv_fail(e, SV_EUSAGE, "%s: no option %s; svad %s -h lists them", u->command, a, u->command);
        const char *text = equals ? equals + 1 : NULL;
        if (o->kind == SV_OPT_FLAG && text)
            return sv_fail(e, SV_EUSAGE, "%s: %s takes no value", u->command, a);
        if (o->kind != SV_OPT_FLAG && !text) {
            if (i + 1 == argc) return sv_fail(e, SV_EUSAGE, "%s: %s expects %s", u->command, a, o->arg);
            text = argv[++i];
        }
        const int rc = set(u, o, text, e);
        if (rc) return rc;
    }
    if (args->n < u->min_args || (u->max_args && args->n > u->max_args))
        return sv_fail(e, SV_EUSAGE, "%s: %s; usage: svad %s %s", u->command,
                       args->n < u->min_args ? "an argument is missing" : "too many arguments", u->command, u->line);
    return 0;
}

const char *sv_isa_asked(const struct sv_common *o) {
    const char *isa = o->isa ? o->isa : getenv("SVAD_ISA");
    return isa && *isa ? isa : NULL;
}

static int read_precision(enum sv_precision *p, const char *name, struct sv_err *e) {
    static const char *const names[] = { NULL, "f32", "bf16", "i8" };
    for (size_t i = SV_ALL_F32; name && i < SV_LEN(names); i++)
        if (!strcmp(name, names[i])) return *p = (enum sv_precision)i, 0;
    return name ? sv_fail(e, SV_EUSAGE, "--precision is %s, expected f32, bf16 or i8", name) : 0;
}

int sv_cpu_open(struct sv_cpu *c, const struct sv_common *o, struct sv_err *e) {
    *c = (struct sv_cpu){0};
    const char *isa = sv_isa_asked(o);
    c->kern = isa ? sv_kern_named(isa) : sv_kern_best();
    if (!c->kern) {
        char names[128] = "";
        size_t at = 0;
        for (const struct sv_kern *const *k = sv_kern_usable(); *k && at < sizeof names; k++)
            at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", (*k)->isa);
        return sv_fail(e, SV_EUSAGE, "no kernel table \"%s\" on this machine, expected one of: %s", isa, names);
    }
    c->block = sv_block_sizes();
    const char *tuned = getenv("SVAD_TUNE");
    int rc = read_precision(&c->precision, o->precision, e);
    if (!rc && tuned && *tuned) rc = sv_tune_read(&c->block, c->kern->isa, tuned, e);
    if (rc) return rc;
    c->pool = sv_pool_new(o->threads, e);
    return c->pool ? 0 : SV_ENOMEM;
}

void sv_cpu_close(struct sv_cpu *c) {
    sv_pool_free(c->pool);
    *c = (struct sv_cpu){0};
}

double sv_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void sv_progress_start(struct sv_progress *p, const struct sv_common *o, const char *what, const char *unit, size_t total) {
    *p = (struct sv_progress){ .what = what, .unit = unit, .total = total, .start = sv_now(), .on = !o->quiet && isatty(STDERR_FILENO) };
}

void sv_progress_at(struct sv_progress *p, size_t done) {
    if (!p->on) return;
    const double now = sv_now(), spent = now - p->start;
    if (now - p->last < 0.1) return;
    p->last = now;
    const double rate = spent > 0 ? (double)done / spent : 0;
    fprintf(stderr, "\r%s: %zu", p->what, done);
    if (p->total) fprintf(stderr, "/%zu", p->total);
    fprintf(stderr, " %s, %.1f/s", p->unit, rate);
    if (p->total && rate > 0 && done <= p->total) {
        const size_t left = (size_t)((double)(p->total - done) / rate + 0.5);
        fprintf(stderr, ", %zu:%02zu left", left / 60, left % 60);
    }
    fprintf(stderr, "%s%s\033[K", *p->note ? "; " : "", p->note);
}

void sv_progress_end(struct sv_progress *p) {
    if (p->on) fputs("\r\033[K", stderr);
    p->on = false;
}

void sv_say(const struct sv_common *o, const char *fmt, ...) {
    if (o->quiet) return;
    va_list ap;
    va_start(ap, fmt);
    fputs("svad: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}
