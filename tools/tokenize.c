/* tokenize.c - svad tokenize: the ids of each text, one line a text. */
#include "io/json.h"
#include "io/vocab.h"
#include "tools/model.h"

#include <stdio.h>
#include <string.h>

enum { STDIN_LIMIT = 1 << 28 };

struct tokenize {
    struct sv_common common;
    const char *model, *vocab, *clean;
    struct sv_token_opts token;
    bool no_special;
    struct sv_model m;
    const struct sv_token *t;
    int32_t *ids;                       /* [context] */
    size_t texts;
};

static int open_token(struct tokenize *x, struct sv_err *e) {
    int rc;
    if (!x->vocab) {
        if ((rc = sv_model_open(&x->m, x->model, e)) || (rc = sv_model_token(&x->m, e))) return rc;
        x->token.context = x->m.cfg.context;
    } else {
        struct sv_vocab v = {0};
        if ((rc = sv_vocab_open(&v, x->vocab, 0, e))) return rc;
        x->m.token = sv_token_new((const uint8_t *)v.merges, v.bytes, e);
        sv_vocab_free(&v);
        if (!x->m.token) return e->code;
    }
    x->t = x->m.token;
    return (x->ids = sv_alloc(x->token.context, sizeof *x->ids, e)) ? 0 : SV_ENOMEM;
}

static int put(struct tokenize *x, const char *text, size_t n, struct sv_err *e) {
    struct sv_err why = {0};
    size_t len;
    int rc = sv_token_encode(x->t, text, n, &x->token, x->ids, &len, &why);
    x->texts++;
    if (rc) return sv_fail(e, rc, "tokenize: number %zu: %s", x->texts, why.msg);
    if (!x->common.json) {
        for (size_t i = 0; i < len; i++) printf("%d%c", (int)x->ids[i], i + 1 < len ? ' ' : '\n');
        return 0;
    }
    struct sv_json_out o = { .e = e };
    sv_json_open(&o, NULL, '{');
    sv_json_open(&o, "ids", '[');
    for (size_t i = 0; i < len; i++) sv_json_put_int(&o, NULL, x->ids[i]);
    sv_json_close(&o), sv_json_close(&o);
    if (!o.rc) fputs(o.text, stdout);
    rc = o.rc;
    sv_free(o.text);
    return rc;
}

/* A text is a line of stdin; its "\n" or "\r\n" is not part of it. */
static int put_stdin(struct tokenize *x, struct sv_err *e) {
    struct sv_file f = {0};
    int rc = sv_file_read(&f, "-", STDIN_LIMIT, e);
    for (size_t i = 0; !rc && i < f.size;) {
        const uint8_t *end = memchr(f.data + i, '\n', f.size - i);
        const size_t line = end ? (size_t)(end - (f.data + i)) : f.size - i;
        rc = put(x, (const char *)f.data + i, line && f.data[i + line - 1] == '\r' ? line - 1 : line, e);
        i += line + 1;
    }
    sv_file_close(&f);
    return rc;
}

static int run(struct tokenize *x, const struct sv_list *args, struct sv_err *e) {
    if (x->clean && !sv_clean_named(x->clean, &x->token.clean))
        return sv_fail(e, SV_EUSAGE, "tokenize: --clean is \"%s\", expected openai, hf or none", x->clean);
    x->token.special = !x->no_special;
    int rc = open_token(x, e);
    for (size_t i = 0; !rc && i < args->n; i++)
        rc = strcmp(args->item[i], "-") ? put(x, args->item[i], strlen(args->item[i]), e) : put_stdin(x, e);
    return rc;
}

int sv_tool_tokenize(int argc, char **argv, struct sv_err *e) {
    struct tokenize x = { .token = SV_TOKEN_OPTS };
    struct sv_list args = {0};
    const struct sv_opt opt[] = {
        { "m", SV_OPT_TEXT, &x.model, "MODEL", "model file", 0, 0 },
        { "vocab", SV_OPT_TEXT, &x.vocab, "FILE", "merges.txt, tokenizer.json, ... in place of a model", 0, 0 },
        { "clean", SV_OPT_TEXT, &x.clean, "HOW", "text cleaning: openai (default), hf, none", 0, 0 },
        { "truncate", SV_OPT_FLAG, &x.token.truncate, NULL, "cut texts that are too long", 0, 0 },
        { "no-special", SV_OPT_FLAG, &x.no_special, NULL, "a typed <|endoftext|> is text", 0, 0 },
        SV_COMMON(&x.common),
    };
    static const struct sv_usage u = { "tokenize", "-m MODEL [TEXT... | -]",
        "Token ids of texts, one line each: start of text, the text, end of text.  \"-\" reads texts from stdin, one a line.",
        "svad tokenize -m model.svad \"a photo of a cat\"", 1, 0 };
    int rc = sv_opt_parse(&u, opt, SV_LEN(opt), argc, argv, &args, e);
    if (!rc) rc = run(&x, &args, e);
    sv_model_close(&x.m);
    sv_free(x.ids);
    sv_list_free(&args);
    return rc < 0 ? rc : 0;
}
