#include "core/half.h"
#include "io/checkpoint.h"
#include "io/pickle.h"
#include "io/torch.h"
#include "tests/archive.h"
#include "tests/util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define STORAGE(type, key, n) "(X\7\0\0\0storagectorch\n" type "Storage\nX\1\0\0\0" key "X\3\0\0\0cpuK" n "tQ"
#define TENSOR(storage, off, dims, strides) \
    "ctorch._utils\n_rebuild_tensor_v2\n(" storage "K" off dims strides "\x89" "ccollections\nOrderedDict\n)RtR"
#define S4 STORAGE("Float", "0", "\4")
#define T22 TENSOR(S4, "\0", "K\2K\2\x86", "K\2K\1\x86")
#define DICT(body) "\x80\2}(" body "u."
#define W "X\1\0\0\0w"

struct text { const char *s; size_t n; };
#define P(s) { s, sizeof s - 1 }

static const float data4[4] = { 1, 2, 3, 4 };

/* An archive of this pickle and one storage "0" of four floats. */
static void pack(struct archive *a, const char *pickle, size_t n) {
    memset(a, 0, sizeof *a);
    add_entry(a, "t/data.pkl", 10, pickle, n, 0);
    add_entry(a, "t/data/0", 8, data4, sizeof data4, 5);
    close_archive(a);
}

static int reading(const struct archive *a, struct sv_store *s, struct sv_err *e) {
    *e = (struct sv_err){ 0 };
    cr_assert(!sv_store_init(s, "f", NULL));
    const int rc = sv_torch_read(a->p, a->n, s, e);
    cr_assert(rc ? rc == e->code && !strncmp(e->msg, "f: ", 3) : !e->code);
    return rc;
}

static bool reads(const char *pickle, size_t n, char *msg) {
    static struct archive a;
    struct sv_store s;
    struct sv_err e;
    pack(&a, pickle, n);
    const int rc = reading(&a, &s, &e);
    if (msg) strcpy(msg, e.msg);
    sv_store_free(&s);
    return !rc;
}

static void row(const struct corpus_row *r, void *arg) {
    struct sv_file f;
    struct sv_store s;
    struct sv_err e = { 0 };
    cr_assert(!sv_file_map(&f, r->path, NULL) && !sv_store_init(&s, r->path, NULL));
    int rc = sv_checkpoint_read(&f, &s, &e);
    if (!strcmp(r->status, "ok")) cr_expect(!rc, "%s", e.msg);
    if (!strcmp(r->status, "reject")) cr_expect(rc == SV_EINPUT, "%s was read", r->path);
    sv_store_free(&s);
    /* The bare pickles reach the machine only this way. */
    cr_assert(!sv_store_init(&s, r->path, NULL));
    rc = sv_torch_read(f.data, f.size, &s, NULL);
    if (!strcmp(r->status, "reject")) cr_expect(rc == SV_EINPUT, "%s was read", r->path);
    sv_store_free(&s);
    sv_file_close(&f);
    ++*(size_t *)arg;
}

Test(torch, corpus) {
    size_t n = 0;
    if (!corpus_each("pickle", row, &n)) cr_skip_test("no ../shared/corpora/pickle");
    cr_expect(n > 60, "%zu rows", n);
}

static int count(void *arg, const struct sv_pickle_tensor *t, struct sv_err *e) {
    (void)e;
    return *(size_t *)arg += t->rank + 1, 0;
}

static void bare(const struct corpus_row *r, void *arg) {
    struct sv_file f;
    size_t n = 0;
    (void)arg;
    cr_assert(!sv_file_map(&f, r->path, NULL));
    const int rc = sv_pickle_read(f.data, f.size, r->path, count, &n, NULL);
    if (strstr(r->path, "malicious") || strstr(r->path, "GHSA")) cr_expect(rc == SV_EINPUT, "%s was read", r->path);
    cr_expect(!n, "%s", r->path);
    sv_file_close(&f);
}

Test(torch, malicious_pickles) {
    if (!corpus_each("pickle", bare, NULL)) cr_skip_test("no ../shared/corpora/pickle");
}

static bool same_tensors(const struct sv_store *a, const struct sv_store *b) {
    if (a->views != b->views) return false;
    for (size_t i = 0; i < a->views; i++) {
        const struct sv_view *v = &a->view[i], *w = sv_store_find(b, v->name);
        if (!w || w->dtype != v->dtype || w->rank != v->rank || memcmp(w->dim, v->dim, v->rank * sizeof *v->dim)
            || memcmp(w->data, v->data, v->bytes))
            return false;
    }
    return true;
}

Test(torch, same_dictionary_four_ways) {
    static const char *const names[] = { "gen-torch/state_dict.pt", "gen-torch/proto4.pt",
                                         "malformed-pt/ok_data_descriptor.pt", "malformed-pt/ok_zip64.pt" };
    struct sv_file f[4];
    struct sv_store s[4];
    for (int i = 0; i < 4; i++) {
        char rel[256];
        snprintf(rel, sizeof rel, "corpora/pickle/%s", names[i]);
        const char *path = shared_path(rel);
        if (!path) cr_skip_test("no ../shared/corpora/pickle");
        cr_assert(!sv_file_map(&f[i], path, NULL) && !sv_store_init(&s[i], path, NULL)
                  && !sv_torch_read(f[i].data, f[i].size, &s[i], NULL));
        cr_expect(s[i].views == 10 && same_tensors(&s[0], &s[i]), "%s", names[i]);
    }
    for (int i = 0; i < 4; i++) sv_store_free(&s[i]), sv_file_close(&f[i]);
}

static double number(const struct sv_view *v, size_t i) {
    const uint8_t *p = (const uint8_t *)v->data + i * sv_dtype_size(v->dtype);
    float f; uint16_t h; int16_t n; int64_t l;
    switch (v->dtype) {
    case SV_F32: return memcpy(&f, p, 4), (double)f;
    case SV_F16: return memcpy(&h, p, 2), (double)sv_f16_f32(h);
    case SV_I16: return memcpy(&n, p, 2), n;
    case SV_I64: return memcpy(&l, p, 8), (double)l;
    default:     return *p;
    }
}

static void open_golden(const char *name, struct sv_file *f, struct sv_store *s) {
    struct sv_err e = { 0 };
    char path[256];
    snprintf(path, sizeof path, "tests/golden/%s", name);
    cr_assert(!sv_file_map(f, path, &e) && !sv_store_init(s, path, &e) && !sv_checkpoint_read(f, s, &e), "%s", e.msg);
}

Test(torch, torchscript) {
    static const struct { const char *name; enum sv_dtype t; size_t n; double first; } rows[] = {
        { "logit_scale", SV_F32, 1, 0 }, { "blocks.0.lin.weight", SV_F16, 6, 100 }, { "blocks.0.lin.bias", SV_F16, 2, 200 },
        { "blocks.0.ln.weight", SV_F32, 3, 300 }, { "blocks.0.ln.bias", SV_F32, 3, 400 },
        { "blocks.1.lin.weight", SV_F16, 6, 500 },
        { "blocks.1.lin.bias", SV_F16, 2, 600 }, { "blocks.1.ln.weight", SV_F32, 3, 700 },
        { "blocks.1.ln.bias", SV_F32, 3, 800 },
    };
    struct sv_file f;
    struct sv_store s;
    open_golden("torchscript.pt", &f, &s);
    cr_expect(s.views == 10);
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        const struct sv_view *v = sv_store_find(&s, rows[i].name);
        cr_assert(v && v->dtype == rows[i].t && v->count == rows[i].n, "%s", rows[i].name);
        for (size_t k = 0; k < v->count; k++) cr_expect(number(v, k) == rows[i].first + (double)k, "%s", rows[i].name);
        cr_expect((const uint8_t *)v->data > f.data && (const uint8_t *)v->data < f.data + f.size, "borrowed");
    }
    const struct sv_view *v = sv_store_find(&s, "input_resolution");
    cr_expect(v && v->dtype == SV_I64 && !v->rank && number(v, 0) == 64);
    sv_store_free(&s);
    sv_file_close(&f);
}

Test(torch, checkpoint) {
    struct sv_file f;
    struct sv_store s;
    open_golden("checkpoint.pt", &f, &s);
    const struct sv_view *w = sv_store_find(&s, "state_dict.w"), *t = sv_store_find(&s, "state_dict.t"),
                         *part = sv_store_find(&s, "state_dict.part"),
                         *p3 = sv_store_find(&s, "state_dict.p3"), *b = sv_store_find(&s, "state_dict.b"),
                         *par = sv_store_find(&s, "state_dict.par");
    cr_assert(w && t && part && p3 && b && par && s.views == 9 && sv_store_find(&s, "optimizer.state.0.exp_avg"));
    cr_expect(w->dim[0] == 3 && w->dim[1] == 4 && t->dim[0] == 4 && t->dim[1] == 3 && part->dim[0] == 2
              && p3->rank == 3 && p3->dim[0] == 4 && p3->dim[2] == 3);
    for (size_t i = 0; i < 12; i++) cr_expect(number(w, i) == (double)i && number(t, i) == (double)(i % 3 * 4 + i / 3));
    for (size_t i = 0; i < 8; i++) cr_expect(number(part, i) == (double)i + 4);
    /* [i][j][k] = base[j][k][i] */
    for (size_t i = 0; i < 24; i++) cr_expect(number(p3, i) == (double)(i % 6 / 3 * 12 + i % 3 * 4 + i / 6));
    cr_expect((const uint8_t *)part->data == (const uint8_t *)w->data + 16, "shared");
    cr_expect(b->dtype == SV_BOOL && number(b, 0) == 1 && number(par, 0) == 1.5);
    sv_store_free(&s);
    sv_file_close(&f);
}

Test(torch, truncated) {
    struct sv_file f;
    struct sv_store s;
    open_golden("checkpoint.pt", &f, &s);
    sv_store_free(&s);
    for (size_t n = 0; n < f.size; n++) {
        uint8_t *p = sv_alloc(n, 1, NULL);
        if (n) memcpy(p, f.data, n);
        const struct sv_file cut = { .data = p, .size = n };
        cr_assert(!sv_store_init(&s, "cut", NULL));
        cr_expect(sv_checkpoint_read(&cut, &s, NULL) == SV_EINPUT, "%zu", n);
        sv_store_free(&s);
        sv_free(p);
    }
    sv_file_close(&f);
}

Test(torch, good_pickles) {
    static const struct text rows[] = {
        P(DICT(W T22)), P("\x80\5" T22 "."), P("\x80\2ccollections\nOrderedDict\n)R" W T22 "s."),
        P("\x80\2](" T22 "K\1e."), P("\x80\2]" T22 "a."),
        P("\x80\4\x95\0\0\0\0\0\0\0\0}\x94\x8c\1w\x94" T22 "s."),
        P(DICT(W "q\1" T22 "X\1\0\0\0x" "h\1")), P(DICT(W "r\1\2\0\0" T22 "X\1\0\0\0x" "j\1\2\0\0")),
        P("\x80\2c__torch__.m\nM\n)\x81}(" W T22 "X\1\0\0\0sc__torch__.n\nN\n)\x81}(X\1\0\0\0bK\1ubub."),
        P(DICT(W TENSOR(S4, "\0", "K\2K\2\x86", "K\1K\2\x86"))),                         /* transposed */
        P(DICT(W TENSOR(S4, "\1", "K\3\x85", "K\1\x85"))), P(DICT(W TENSOR(S4, "\3", ")", ")"))),
        /* strides of size 1 do not matter */
        P(DICT(W TENSOR(S4, "\0", "K\1K\4K\1\x87", "K\x09K\1K\0\x87"))),
        P(DICT(W TENSOR(S4, "\4", "K\0K\7\x86", "K\7K\1\x86"))),
        P(DICT(W "ctorch._utils\n_rebuild_parameter\n(" T22 "\x88}tR")),
        P(DICT(W T22 "X\1\0\0\0sctorch\nSize\nK\2\x85\x85R")),
        P(DICT(W T22 "X\1\0\0\0lctorch.jit._pickle\nbuild_intlist\n](K\1K\2e\x85R")),
        P(DICT(W T22 "K\7N\x8a\0N\x8a\1\xffN\x8a\x08\0\0\0\0\0\0\0\x80N")),
        P("\x80\2ccollections\nOrderedDict\n)R" W T22 "s}X\1\0\0\0mK\1sb."),              /* _metadata */
    };
    char msg[480];
    for (size_t i = 0; i < SV_LEN(rows); i++) cr_expect(reads(rows[i].s, rows[i].n, msg), "row %zu: %s", i, msg);
}

Test(torch, bad_pickles) {
    static const struct text rows[] = {
        P(""), P("\x80"), P("\x80\2"), P("\x80\0N."), P("\x80\1" T22 "."), P("\x80\6" T22 "."), P("(lp0\n."),
        P("\x80\2."), P("\x80\2" T22), P("\x80\2" T22 ".."), P("\x80\2" T22 ".N"),
        P("\x80\2" T22 "N."), P("\x80\2(" T22 "."),
        /* opcodes that are not read, ends in the middle of one */
        P("\x80\2\xff."), P("\x80\2" "0."), P("\x80\2I1\n."), P("\x80\2P0\n."), P("\x80\2\x8b\1\0\0\0\1."),
        P("\x80\2\x82\1."), P("\x80\2K"), P("\x80\2M\1"), P("\x80\2J\1\0\0"),
        P("\x80\2G\0\0\0"), P("\x80\2\x8a"), P("\x80\2\x8a\2\1"), P("\x80\2\x8a\x09\1\1\1\1\1\1\1\1\1."),
        P("\x80\2X\1\0\0"), P("\x80\2X\xff\xff\xff\xff."), P("\x80\2X\5\0\0\0abc."),
        P("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), P("\x80\2ctorch"), P("\x80\2ctorch\nSize"), P("\x80\2q"),
        P("\x80\2h"), P("\x80\2\x95\0\0"),
        /* stack, marks, memo */
        P("\x80\2\x85."), P("\x80\2K\1\x86."), P("\x80\2K\1K\1\x87."), P("\x80\2t."), P("\x80\2u."), P("\x80\2e."),
        P("\x80\2]e."), P("\x80\2}(K\1u."), P("\x80\2](K\1u."), P("\x80\2}(K\1e."),
        P("\x80\2(K\1e."), P("\x80\2K\1(K\1e."), P("\x80\2}K\1s."), P("\x80\2]K\1K\1s."), P("\x80\2}K\1a."),
        P("\x80\2K\1(\x85."), P("\x80\2K\1(\x86."), P("\x80\2q\1."), P("\x80\2h\1."),
        P("\x80\2K\1q\1h\2\x86."), P("\x80\2K\1r\xff\xff\xff\xff."), P("\x80\2j\xff\xff\xff\xff."), P("\x80\2b."),
        P("\x80\2}b."), P("\x80\2K\1}b."), P("\x80\2}K\1b."), P("\x80\2R."), P("\x80\2)R."),
        P("\x80\2\x81."), P("\x80\2Q."), P("\x80\2K\1Q."), P("\x80\2\x93."), P("\x80\2K\1K\1\x93."),
        /* names */
        P("\x80\2cos\nsystem\nX\2\0\0\0ls\x85R."), P("\x80\2c__builtin__\neval\n."), P("\x80\2cbuiltins\neval\n."),
        P("\x80\2ctorch\nload\n."), P("\x80\2ctorch\nFloatStorage2\n."),
        P("\x80\2ctorch\nUntypedStorage\n."), P("\x80\2c__torch__x\nM\n."), P("\x80\2ccollections\nOrderedDict2\n."),
        P("\x80\2c\n\n."), P("\x80\4\x8c\2os\x8c\6system\x93."),
        P("\x80\2cnumpy.core.multiarray\nscalar\n."),
        /* calls */
        P("\x80\2K\1)R."), P("\x80\2ctorch\nFloatStorage\n)R."), P("\x80\2c__torch__\nM\n)R."),
        P("\x80\2ctorch\nSize\n)R."), P("\x80\2ctorch\nSize\nK\1\x85R."),
        P("\x80\2ccollections\nOrderedDict\nK\1\x85R."), P("\x80\2ccollections\nOrderedDict\n)\x81."),
        P("\x80\2c__torch__\nM\nK\1\x85\x81."), P("\x80\2c__torch__\nM\n]\x81."),
        P("\x80\2ctorch._utils\n_rebuild_tensor_v2\n)R."), P("\x80\2ctorch._utils\n_rebuild_parameter\n)R."),
        P("\x80\2ctorch._utils\n_rebuild_parameter\n(K\1K\1K\1tR."),
        P("\x80\2ctorch.jit._pickle\nbuild_intlist\nK\1\x85R."),
        P("\x80\2c__torch__\nM\n)\x81}(" W T22 "ub}(X\1\0\0\0x" T22 "ub."),
        /* storages */
        P(DICT(W TENSOR("(X\7\0\0\0Storagectorch\nFloatStorage\nX\1\0\0\0" "0X\3\0\0\0cpuK\4tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storageX\5\0\0\0FloatX\1\0\0\0" "0X\3\0\0\0cpuK\4tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storagectorch\nSize\nX\1\0\0\0" "0X\3\0\0\0cpuK\4tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storagectorch\nFloatStorage\nK\0X\3\0\0\0cpuK\4tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" "0X\3\0\0\0cpuJ\xff\xff\xff\xfftQ", "\0",
                        ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" "0X\3\0\0\0cpuK\4K\1tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storagectorch\nFloatStorage\nX\6\0\0\0../t/0X\3\0\0\0cpuK\4tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR("(X\7\0\0\0storagectorch\nFloatStorage\nX\0\0\0\0X\3\0\0\0cpuK\4tQ", "\0", ")", ")"))),
        P(DICT(W TENSOR(STORAGE("Float", "1", "\4"), "\0", ")", ")"))),
        P(DICT(W TENSOR(STORAGE("Float", "0", "\3"), "\0", ")", ")"))),
        P(DICT(W TENSOR(STORAGE("Half", "0", "\4"), "\0", ")", ")"))),
        P(DICT(W TENSOR(STORAGE("Quint8", "0", "\x10"), "\0", ")", ")"))), P(DICT(W TENSOR("K\1", "\0", ")", ")"))),
        /* tensors */
        P(DICT(W TENSOR(S4, "\0", "K\5\x85", "K\1\x85"))), P(DICT(W TENSOR(S4, "\1", "K\4\x85", "K\1\x85"))),
        P(DICT(W TENSOR(S4, "\5", ")", ")"))), P(DICT(W TENSOR(S4, "\4", ")", ")"))),
        P(DICT(W TENSOR(S4, "\0", "K\2\x85", "K\2\x85"))), P(DICT(W TENSOR(S4, "\0", "K\2\x85", "K\0\x85"))),
        P(DICT(W TENSOR(S4, "\0", "K\2K\2\x86", "K\1K\1\x86"))),
        P(DICT(W TENSOR(S4, "\0", "K\2K\2\x86", "K\3K\1\x86"))), P(DICT(W TENSOR(S4, "\0", "K\2\x85", "K\1K\1\x86"))),
        P(DICT(W TENSOR(S4, "\0", "J\xff\xff\xff\xff\x85", "K\1\x85"))),
        P(DICT(W TENSOR(S4, "\0", "K\2\x85", "J\xff\xff\xff\xff\x85"))),
        P(DICT(W TENSOR(S4, "\0", "\x89\x85", "K\1\x85"))), P(DICT(W TENSOR(S4, "\0", "]", "]"))),
        P(DICT(W TENSOR(S4, "\0", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t", "(K\1K\1K\1K\1K\1K\1K\1K\1K\1t"))),
        P(DICT(W TENSOR(S4, "\0", "\x8a\5\0\0\0\0\1\x8a\5\0\0\0\0\1\x86", "\x8a\5\0\0\0\0\1K\1\x86"))),
        P(DICT(W "ctorch._utils\n_rebuild_tensor_v2\n(" S4 "J\xff\xff\xff\xff))\x89}tR")),
        /* names of tensors */
        P(DICT(W T22 W T22)), P(DICT("X\0\0\0\0}(X\1\0\0\0w" T22 "uX\1\0\0\0w" T22)), P(DICT("X\1\0\0\0\0" T22)),
        P(DICT("N" T22)), P(DICT(")" T22)),
        /* within itself */
        P("\x80\2]q\1h\1a."), P("\x80\2}q\1K\1h\1s."), P("\x80\2]q\1(h\1h\1h\1h\1h\1h\1e."),
    };
    char msg[480];
    for (size_t i = 0; i < SV_LEN(rows); i++)       /* refused for what they are, not for being empty */
        cr_expect(!reads(rows[i].s, rows[i].n, msg) && !strstr(msg, "without any tensor"), "row %zu: %s", i, msg);
    static const struct text none[] = { P(DICT("")), P("\x80\2N."), P("\x80\2K\1."), P("\x80\2ctorch\nSize\n.") };
    for (size_t i = 0; i < SV_LEN(none); i++)
        cr_expect(!reads(none[i].s, none[i].n, msg) && strstr(msg, "without any tensor"), "row %zu: %s", i, msg);
}

/* Each list holds the one before twice: 60 lists, 2^60 paths. */
Test(torch, many_paths) {
    char p[1024] = "\x80\2(](K\1eq\0", msg[480];
    size_t n = 10;
    for (int i = 0; i < 60; i++) {
        const char next[] = { ']', '(', 'h', (char)i, 'h', (char)i, 'e', 'q', (char)(i + 1) };
        memcpy(p + n, next, sizeof next);
        n += sizeof next;
    }
    memcpy(p + n, "t.", 2);
    cr_expect(!reads(p, n + 2, msg) && strstr(msg, "4194304"), "%s", msg);
}

Test(torch, limits) {
    static char p[1 << 21];
    char msg[480];
    memcpy(p, "\x80\2", 2);
    memset(p + 2, 'N', 100001);
    cr_expect(!reads(p, 30000, msg));               /* more than the archive of this test can hold is tried below */
    size_t n = 0;
    struct sv_err e = { 0 };
    cr_expect(sv_pickle_read((uint8_t *)p, 100003, "f", count, &n, &e) == SV_EINPUT && strstr(e.msg, "100000 values"),
              "%s", e.msg);
    memset(p + 2, '(', 200000);
    e = (struct sv_err){ 0 };
    cr_expect(sv_pickle_read((uint8_t *)p, 200002, "f", count, &n, &e) == SV_EINPUT && strstr(e.msg, "100000 marks"),
              "%s", e.msg);
    memset(p + 2, ']', 1);
    memset(p + 3, '\x85', 1000000);
    p[1000003] = '.';
    e = (struct sv_err){ 0 };
    cr_expect(sv_pickle_read((uint8_t *)p, 1000004, "f", count, &n, &e) == SV_EINPUT && strstr(e.msg, "64 levels"),
              "%s", e.msg);
    memcpy(p + 2, "X\1\0\1\0", 5);
    e = (struct sv_err){ 0 };
    cr_expect(sv_pickle_read((uint8_t *)p, 100000, "f", count, &n, &e) == SV_EINPUT && strstr(e.msg, "65536 bytes"),
              "%s", e.msg);
}

Test(torch, pickle_truncated) {
    static const struct text rows[] = { P(DICT(W T22)), P("\x80\4\x95\0\0\0\0\0\0\0\0}\x94\x8c\1w\x94" T22 "s."),
                                        P("\x80\2c__torch__.m\nM\n)\x81}(" W T22 "ub.") };
    for (size_t i = 0; i < SV_LEN(rows); i++)
        for (size_t n = 0; n < rows[i].n; n++) {
            uint8_t *exact = sv_alloc(n, 1, NULL);
            size_t found = 0;
            if (n) memcpy(exact, rows[i].s, n);
            cr_expect(sv_pickle_read(exact, n, "f", count, &found, NULL) == SV_EINPUT, "row %zu: %zu", i, n);
            sv_free(exact);
        }
}

Test(torch, messages) {
    static const struct { struct text p; const char *msg; } rows[] = {
        { P("\x80\2cposix\nsystem\n."),
          "f: pickle byte 2: calls on posix.system, which is not among the names a checkpoint needs" },
        { P(DICT(W TENSOR(S4, "\1", "K\4\x85", "K\1\x85"))), "f: tensor w reaches past the 4 values of its storage" },
        { P(DICT(W TENSOR(STORAGE("Float", "9", "\4"), "\0", ")", ")"))), "f: tensor w: the archive has no storage data/9" },
        { P(DICT(W TENSOR(S4, "\0", "K\2\x85", "K\2\x85"))),
          "f: tensor w is a view that skips, repeats or overlaps elements: save it with .contiguous()" },
        { P(DICT(W "K\1")), "f: an archive of torch without any tensor" },
    };
    char msg[480];
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        cr_expect(!reads(rows[i].p.s, rows[i].p.n, msg));
        cr_expect_str_eq(msg, rows[i].msg);
    }
}

Test(torch, values) {
    static struct archive a;
    static const char pickle[] = DICT(W TENSOR(S4, "\0", "K\2K\2\x86", "K\1K\2\x86") "X\1\0\0\0a" T22);
    struct sv_store s;
    struct sv_err e;
    pack(&a, pickle, sizeof pickle - 1);
    cr_assert(!reading(&a, &s, &e), "%s", e.msg);
    const struct sv_view *w = sv_store_find(&s, "w"), *b = sv_store_find(&s, "a");
    const float turned[4] = { 1, 3, 2, 4 };
    cr_expect(w && b && !memcmp(w->data, turned, 16) && b->data == a.p + a.local[1] + 30 + 8 + 5
              && !memcmp(b->data, data4, 16));
    sv_store_free(&s);
}

Test(torch, archives) {
    static const char pickle[] = DICT(W T22);
    static struct archive a;
    struct sv_store s;
    struct sv_err e;
    static const struct { const char *name, *data; bool ok; } more[] = {
        { "t/byteorder", "little", true }, { "t/byteorder", "big", false }, { "u/data.pkl", "x", false },
        { "t/u/data.pkl", "x", true }, { "data.pkl", "x", true },
        { "t/.data/serialization_id", "x", true }, { "t/data/9", "x", true },
    };
    for (size_t i = 0; i < SV_LEN(more); i++) {
        memset(&a, 0, sizeof a);
        add_entry(&a, "t/data.pkl", 10, pickle, sizeof pickle - 1, 0), add_entry(&a, "t/data/0", 8, data4, 16, 0);
        add_entry(&a, more[i].name, strlen(more[i].name), more[i].data, strlen(more[i].data), 0);
        close_archive(&a);
        cr_expect(!reading(&a, &s, &e) == more[i].ok, "%s", e.msg);
        sv_store_free(&s);
    }
    pack(&a, pickle, sizeof pickle - 1);
    a.p[a.local[1] + 30 + 8 + 5] ^= 1;
    cr_expect(reading(&a, &s, &e) && strstr(e.msg, "CRC-32"), "%s", e.msg);
    sv_store_free(&s);
    pack(&a, pickle, sizeof pickle - 1);
    set(a.p + a.local[1] + 8, 8, 2), set(a.p + a.central[1] + 10, 8, 2);
    cr_expect(reading(&a, &s, &e) && strstr(e.msg, "compressed"), "%s", e.msg);
    sv_store_free(&s);
}

Test(torch, other_files) {
    static const struct { struct text t; const char *what; } rows[] = {
        { P(""), "empty" }, { P("\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), "older than 1.6" },
        { P("\x80\4N."), "bare pickle" }, { P("\x89HDF\r\n\x1a\n"), "HDF5" },
        { P("GGUF\3\0\0\0"), "GGUF" }, { P("\x1f\x8b\x08"), "gzip" },
        { P("version https://git-lfs.github.com/spec/v1\n"), "Git LFS" }, { P("<!DOCTYPE html>"), "web page" },
        { P("\x08\7\x12"), "ONNX" }, { P("hello"), "nothing known" }, { P("\x93NUMPY"), "numpy" },
    };
    for (size_t i = 0; i < SV_LEN(rows); i++) {
        const struct sv_file f = { .data = (const uint8_t *)rows[i].t.s, .size = rows[i].t.n };
        struct sv_store s;
        struct sv_err e = { 0 };
        cr_assert(!sv_store_init(&s, "f", NULL));
        cr_expect(sv_checkpoint_read(&f, &s, &e) == SV_EINPUT && strstr(e.msg, rows[i].what)
                  && strstr(e.msg, "safetensors"), "%s", e.msg);
        sv_store_free(&s);
    }
    const uint8_t st[] = { 2, 0, 0, 0, 0, 0, 0, 0, '{', '}' };
    const struct sv_file f = { .data = st, .size = sizeof st };
    struct sv_store s;
    cr_assert(!sv_store_init(&s, "f", NULL) && !sv_checkpoint_read(&f, &s, NULL));
    sv_store_free(&s);
}
