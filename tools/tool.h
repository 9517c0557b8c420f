/* tool.h - what every command of svad shares: options, progress, the table of commands.
 *
 * A command is int sv_tool_NAME(int argc, char **argv, struct sv_err *e) in tools/NAME.c; argv[0] is its name.  It
 * returns 0 or the negative code of e, or a positive exit code of its own (SIGINT: 130).  Data goes to stdout, talk to
 * stderr; main prints "svad: message" and exits with the code. */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include "core/cpu.h"
#include "core/err.h"

#define SV_TOOLS(X) \
    X(convert,    "a CLIP checkpoint into a model file") \
    X(info,       "what a model, scene or checkpoint file holds") \
    X(verify,     "check every byte of a model or scene file") \
    X(compare,    "how two model files differ") \
    X(tokenize,   "texts to token ids") \
    X(embed,      "texts and images to feature vectors") \
    X(classify,   "which of the labels fits an image") \
    X(preprocess, "the pixels the image encoder sees") \
    X(frames,     "decode an image or a video") \
    X(boxes,      "what moves in a video, as boxes and tracks") \
    X(extract,    "tube features of videos, once") \
    X(street,     "train the small CLIP in the street world") \
    X(pretrain,   "train the temporal fusion on labelled actions") \
    X(fit,        "learn what is normal from normal video") \
    X(adapt,      "take a scene to another camera") \
    X(score,      "score video against a scene") \
    X(watch,      "score a live stream, tell of events as they happen") \
    X(eval,       "AUC of scores against labels") \
    X(world,      "footage of a street that never was, to learn and test on") \
    X(report,     "scores as a page for a browser") \
    X(bench,      "measure the machine, the kernels and the models") \
    X(selftest,   "prove this binary on this machine")

#define SV_TOOLS_MORE(X) \
    X(completion, "what bash or zsh need to complete commands and options") \
    X(man,        "the manual page")

#define X(name, about) int sv_tool_##name(int argc, char **argv, struct sv_err *e);
SV_TOOLS(X)
SV_TOOLS_MORE(X)
#undef X

/* One option.  out is what the kind says. */
enum sv_opt_kind {
    SV_OPT_FLAG,                        /* bool *: set to true */
    SV_OPT_SIZE,                        /* size_t *: lo .. hi */
    SV_OPT_REAL,                        /* double *: lo .. hi */
    SV_OPT_TEXT,                        /* const char **: the last one wins */
    SV_OPT_LIST,                        /* struct sv_list *: every one, in order; several options may share a list */
};
struct sv_opt {
    const char *name;                   /* without dashes; a one-letter name is -x */
    enum sv_opt_kind kind;
    void *out;
    const char *arg, *help;             /* "FILE", "what it does" */
    double lo, hi;                      /* both 0: no bounds */
};
struct sv_list {
    const char **item; size_t n, cap;   /* borrowed from argv */
    const char **option; size_t option_cap;         /* [n] the name of the option an item came with; NULL: an argument */
};
void sv_list_free(struct sv_list *l);

/* The options every command has. */
struct sv_common { size_t threads; const char *isa, *precision; bool quiet, json; };
#define SV_COMMON(c) \
    { "threads", SV_OPT_SIZE, &(c)->threads, "N", "threads to use (0: all CPUs)", 0, 1024 }, \
    { "isa", SV_OPT_TEXT, &(c)->isa, "NAME", "kernel table: scalar, avx2, avx512, ... (default: the best)", 0, 0 }, \
    { "precision", SV_OPT_TEXT, &(c)->precision, "f32|bf16|i8", "arithmetic with a model's weights (default: as they are stored)", 0, 0 }, \
    { "quiet", SV_OPT_FLAG, &(c)->quiet, NULL, "no progress", 0, 0 }, \
    { "json", SV_OPT_FLAG, &(c)->json, NULL, "one JSON object a line on stdout", 0, 0 }

/* usage: "[options] VIDEO..." behind the command's name; example: whole command lines.
 * Parses argv[1..]; what is not an option goes to args ("--" ends the options, "-" is an argument, "--name=value" works).
 * Returns 0; 1 after -h or --help printed the help on stdout (the command then returns 0); SV_EUSAGE.
 * min_args .. max_args bounds the arguments (max_args 0: no bound). */
struct sv_usage { const char *command, *line, *about, *example; size_t min_args, max_args; };
int sv_opt_parse(const struct sv_usage *u, const struct sv_opt *opt, size_t opts, int argc, char **argv,
                 struct sv_list *args, struct sv_err *e);

/* What commands take, from the tables themselves: run, called as a command, hands them to `take` in place of printing help. */
typedef void sv_opt_take(void *arg, const struct sv_usage *u, const struct sv_opt *opt, size_t opts);
int sv_opt_tables(int (*run)(int, char **, struct sv_err *), const char *command, sv_opt_take *take, void *arg, struct sv_err *e);

/* The commands, those that only help to use the tool (SV_TOOLS_MORE) last.  name NULL ends them. */
struct sv_tool { const char *name, *about; int (*run)(int, char **, struct sv_err *); };
extern const struct sv_tool sv_tools[];

/* The kernel table that --isa or $SVAD_ISA names; NULL where neither does. */
const char *sv_isa_asked(const struct sv_common *o);
/* Opens what computes, from --threads, that name and the block sizes that the file $SVAD_TUNE gives it.  Close with sv_cpu_close. */
int sv_cpu_open(struct sv_cpu *c, const struct sv_common *o, struct sv_err *e);
void sv_cpu_close(struct sv_cpu *c);
/* Block sizes of a kernel table from a text file of lines "isa rows cols" (# comments); b stays where no line has the table. */
int sv_tune_read(struct sv_block_sizes *b, const char *isa, const char *path, struct sv_err *e);

/* One progress line on stderr, rewritten at most 10 times a second; nothing if quiet or stderr is no terminal. */
struct sv_progress { const char *what, *unit; size_t total; double start, last; bool on; char note[64]; /* told too; "": nothing */ };
void sv_progress_start(struct sv_progress *p, const struct sv_common *o, const char *what, const char *unit, size_t total /* 0: unknown */);
void sv_progress_at(struct sv_progress *p, size_t done);
void sv_progress_end(struct sv_progress *p);

double sv_now(void);                    /* seconds of a monotonic clock */

/* A line for people on stderr (unless quiet): "svad: ..." */
void sv_say(const struct sv_common *o, const char *fmt, ...) SV_PRINTF(2, 3);

#endif
