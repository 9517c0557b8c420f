#include "io/pickle.h"

#include <stdio.h>
#include <string.h>

/* What an opcode can leave on the stack. */
enum kind { NONE, BOOL, INT, REAL, TEXT, TUPLE, LIST, DICT, RECORD, GLOBAL, STORAGE, TENSOR };
static const char *const kind_name[] = {
    "None", "a bool", "an integer", "a float", "a text", "a tuple", "a list", "a dictionary", "a record", "a global name",
    "a storage", "a tensor",
};

/* What an allowed global name is. */
enum global { ORDERED_DICT, SIZE, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGE_TYPE, TORCH_CLASS, TYPED_LIST };

/* Values are made once and then referred to by index, from the stack, from the memo and from cells; none is ever copied. */
struct value {
    enum kind kind;
    union {
        int64_t i;                                                  /* BOOL, INT */
        struct { const char *s; size_t n; } text;                   /* borrowed */
        struct { uint32_t first, last, n; } seq;                    /* cells; DICT and RECORD: key, value, key, ... */
        struct { enum global id; enum sv_dtype dtype; } global;
        struct { uint32_t key; enum sv_dtype dtype; size_t numel; } storage;
        struct { uint32_t storage, offset, dim, stride; } tensor;   /* values, checked to be what they must */
    };
};

struct cell { uint32_t value, next; };  /* next 0: the end; cell 0 is not used */

struct vm {
    const uint8_t *p; size_t n, at, op; /* op: where the current opcode stands */
    const char *file;
    struct sv_err *e;
    struct value *value; size_t values, value_cap;
    struct cell *cell; size_t cells, cell_cap;
    uint32_t *stack; size_t top, stack_cap;
    size_t *mark; size_t marks, mark_cap;
    uint32_t *memo; size_t memos, memo_cap;         /* value + 1; 0 is not set */
    int (*tensor)(void *arg, const struct sv_pickle_tensor *t, struct sv_err *e);
    void *arg;
    char path[SV_MAX_NAME + 1];
    size_t steps;
};

static int fail(const struct vm *m, const char *what) {
    return sv_fail(m->e, SV_EINPUT, "%s: pickle byte %zu: %s", m->file, m->op, what);
}

static int push(struct vm *m, uint32_t v) {
    if (m->top >= SV_PICKLE_STACK) return fail(m, "more than 100000 values on the stack");
    const int rc = sv_grow(&m->stack, &m->stack_cap, m->top, sizeof *m->stack, m->e);
    if (!rc) m->stack[m->top++] = v;
    return rc;
}

static int push_new(struct vm *m, struct value v) {
    if (m->values >= SV_PICKLE_VALUES) return fail(m, "more than 4194304 values");
    const int rc = sv_grow(&m->value, &m->value_cap, m->values, sizeof *m->value, m->e);
    if (rc) return rc;
    m->value[m->values] = v;
    return push(m, (uint32_t)m->values++);
}

/* The value n below the top, above the last mark; NULL if there is none. */
static struct value *peek(const struct vm *m, size_t n) {
    const size_t floor = m->marks ? m->mark[m->marks - 1] : 0;
    return m->top - floor > n ? &m->value[m->stack[m->top - 1 - n]] : NULL;
}

static int need(const struct vm *m, size_t n, const char *what) {
    return n <= m->n - m->at ? 0 : sv_fail(m->e, SV_EINPUT, "%s: pickle byte %zu: %s of %zu bytes runs past the end",
                                           m->file, m->op, what, n);
}

static int number(struct vm *m, size_t bytes, uint64_t *out) {
    const int rc = need(m, bytes, "a number");
    if (rc) return rc;
    *out = 0;
    for (size_t i = bytes; i--;) *out = *out << 8 | m->p[m->at + i];
    m->at += bytes;
    return 0;
}

static int append(struct vm *m, struct value *seq, uint32_t v) {
    if (m->cells >= SV_PICKLE_VALUES) return fail(m, "more than 4194304 items");
    const int rc = sv_grow(&m->cell, &m->cell_cap, m->cells, sizeof *m->cell, m->e);
    if (rc) return rc;
    const uint32_t c = (uint32_t)m->cells++;
    m->cell[c] = (struct cell){ v, 0 };
    if (seq->seq.n++) m->cell[seq->seq.last].next = c;
    else seq->seq.first = c;
    seq->seq.last = c;
    return 0;
}

/* Makes the stack from `from` on the items of the value seq (an index: growing moves values), and takes them off. */
static int collect(struct vm *m, uint32_t seq, size_t from) {
    for (size_t i = from; i < m->top; i++) {
        const int rc = append(m, &m->value[seq], m->stack[i]);
        if (rc) return rc;
    }
    m->top = from;
    return 0;
}

static int tuple(struct vm *m, size_t n) {
    if (n && !peek(m, n - 1)) return fail(m, "a tuple of more values than the stack holds");
    const size_t from = m->top - n;
    const uint32_t seq = (uint32_t)m->values;
    int rc = push_new(m, (struct value){ .kind = TUPLE });
    if (rc) return rc;
    m->top--;
    rc = collect(m, seq, from);
    return rc ? rc : push(m, seq);
}

static int pop_mark(struct vm *m, size_t *from) {
    if (!m->marks) return fail(m, "no mark on the stack");
    *from = m->mark[--m->marks];
    return 0;
}

static int set_mark(struct vm *m) {
    if (m->marks >= SV_PICKLE_STACK) return fail(m, "more than 100000 marks");
    const int rc = sv_grow(&m->mark, &m->mark_cap, m->marks, sizeof *m->mark, m->e);
    if (!rc) m->mark[m->marks++] = m->top;
    return rc;
}

/* The items from `from` on go to the list or dictionary below them. */
static int extend(struct vm *m, size_t from, enum kind kind) {
    const size_t n = m->top - from, floor = m->marks ? m->mark[m->marks - 1] : 0;
    if (from <= floor) return fail(m, "nothing to add to");
    const uint32_t to = m->stack[from - 1];
    if (m->value[to].kind != kind)
        return sv_fail(m->e, SV_EINPUT, "%s: pickle byte %zu: adds to %s, expected %s", m->file, m->op,
                       kind_name[m->value[to].kind], kind_name[kind]);
    if (kind == DICT && n % 2) return fail(m, "a key without a value");
    return collect(m, to, from);
}

static int memoize(struct vm *m, uint64_t key) {
    if (!peek(m, 0)) return fail(m, "nothing to remember");
    if (key >= SV_PICKLE_MEMO) return fail(m, "a memo of more than 1000000 values");
    if (key >= m->memo_cap) {
        const size_t cap = sv_max(2 * m->memo_cap, (size_t)key + 256);
        uint32_t *more = sv_alloc(cap, sizeof *more, m->e);
        if (!more) return SV_ENOMEM;
        if (m->memo) memcpy(more, m->memo, m->memo_cap * sizeof *more);
        sv_free(m->memo);
        m->memo = more, m->memo_cap = cap;
    }
    if (!m->memo[key]) m->memos++;
    m->memo[key] = m->stack[m->top - 1] + 1;
    return 0;
}

static int recall(struct vm *m, uint64_t key) {
    if (key >= m->memo_cap || !m->memo[key]) return fail(m, "a memo that was never set");
    return push(m, m->memo[key] - 1);
}

static int text(struct vm *m, size_t length_bytes) {
    uint64_t n;
    int rc = number(m, length_bytes, &n);
    if (rc) return rc;
    if (n > SV_PICKLE_TEXT) return fail(m, "a text of more than 65536 bytes");
    if ((rc = need(m, (size_t)n, "a text"))) return rc;
    const char *s = (const char *)m->p + m->at;
    m->at += (size_t)n;
    return push_new(m, (struct value){ .kind = TEXT, .text = { s, (size_t)n } });
}

static bool equal(const char *s, size_t n, const char *t) { return strlen(t) == n && !memcmp(s, t, n); }
static bool begins(const char *s, size_t n, const char *t) { return n > strlen(t) && !memcmp(s, t, strlen(t)); }

static int global(struct vm *m, const char *module, size_t mn, const char *name, size_t nn) {
    static const struct { const char *module, *name; enum global id; enum sv_dtype dtype; } allowed[] = {
        { "collections", "OrderedDict", ORDERED_DICT, SV_F32 }, { "torch", "Size", SIZE, SV_F32 },
        { "torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR, SV_F32 },
        { "torch._utils", "_rebuild_parameter", REBUILD_PARAMETER, SV_F32 },
        { "torch", "FloatStorage", STORAGE_TYPE, SV_F32 }, { "torch", "HalfStorage", STORAGE_TYPE, SV_F16 },
        { "torch", "BFloat16Storage", STORAGE_TYPE, SV_BF16 }, { "torch", "DoubleStorage", STORAGE_TYPE, SV_F64 },
        { "torch", "LongStorage", STORAGE_TYPE, SV_I64 }, { "torch", "IntStorage", STORAGE_TYPE, SV_I32 },
        { "torch", "ShortStorage", STORAGE_TYPE, SV_I16 }, { "torch", "CharStorage", STORAGE_TYPE, SV_I8 },
        { "torch", "ByteStorage", STORAGE_TYPE, SV_U8 }, { "torch", "BoolStorage", STORAGE_TYPE, SV_BOOL },
        { "torch.jit._pickle", "build_intlist", TYPED_LIST, SV_F32 },
        { "torch.jit._pickle", "build_tensorlist", TYPED_LIST, SV_F32 },
        { "torch.jit._pickle", "build_doublelist", TYPED_LIST, SV_F32 },
        { "torch.jit._pickle", "build_boollist", TYPED_LIST, SV_F32 },
        { "torch.jit._pickle", "restore_type_tag", TYPED_LIST, SV_F32 },
    };
    struct value v = { .kind = GLOBAL };
    if (equal(module, mn, "__torch__") || begins(module, mn, "__torch__.")) {
        v.global.id = TORCH_CLASS;
        return push_new(m, v);
    }
    for (size_t i = 0; i < SV_LEN(allowed); i++)
        if (equal(module, mn, allowed[i].module) && equal(name, nn, allowed[i].name)) {
            v.global.id = allowed[i].id, v.global.dtype = allowed[i].dtype;
            return push_new(m, v);
        }
    return sv_fail(m->e, SV_EINPUT, "%s: pickle byte %zu: calls on %.*s.%.*s, which is not among the names a checkpoint"
                   " needs", m->file, m->op, (int)sv_min(mn, 80), module, (int)sv_min(nn, 80), name);
}

static int line(struct vm *m, const char **s, size_t *n) {
    const uint8_t *from = m->p + m->at, *end = memchr(from, '\n', m->n - m->at);
    if (!end || end - from > SV_PICKLE_TEXT) return fail(m, "a name that does not end");
    *s = (const char *)from, *n = (size_t)(end - from);
    m->at += *n + 1;
    return 0;
}

static int global_lines(struct vm *m) {
    const char *module = NULL, *name = NULL;
    size_t mn = 0, nn = 0;
    int rc = line(m, &module, &mn);
    if (!rc) rc = line(m, &name, &nn);
    return rc ? rc : global(m, module, mn, name, nn);
}

static int stack_global(struct vm *m) {
    const struct value *name = peek(m, 0), *module = peek(m, 1);
    if (!module || module->kind != TEXT || name->kind != TEXT) return fail(m, "expected two texts on the stack");
    m->top -= 2;
    return global(m, module->text.s, module->text.n, name->text.s, name->text.n);
}

/* Fills out[n] with the values of a tuple of at least n; false if it is something else. */
static bool items(const struct vm *m, const struct value *t, size_t n, uint32_t *out) {
    if (!t || t->kind != TUPLE || t->seq.n < n) return false;
    for (uint32_t i = 0, c = t->seq.first; i < n; c = m->cell[c].next) out[i++] = m->cell[c].value;
    return true;
}

static bool is_size(const struct value *v) { return v->kind == INT && v->i >= 0 && (uint64_t)v->i <= SIZE_MAX; }

static bool sizes(const struct vm *m, uint32_t v, size_t *rank, size_t out[SV_MAX_RANK]) {
    const struct value *t = &m->value[v];
    uint32_t item[SV_MAX_RANK];
    if (t->kind != TUPLE || t->seq.n > SV_MAX_RANK || !items(m, t, t->seq.n, item)) return false;
    *rank = t->seq.n;
    for (size_t i = 0; i < *rank; i++) {
        const struct value *d = &m->value[item[i]];
        if (!is_size(d)) return false;
        out[i] = (size_t)d->i;
    }
    return true;
}

/* ("storage", type, key, device, numel) */
static int persistent(struct vm *m) {
    const struct value *t = peek(m, 0);
    uint32_t v[5];
    if (!items(m, t, 5, v) || t->seq.n != 5) return fail(m, "a persistent id that is no tuple of 5");
    const struct value *word = &m->value[v[0]], *type = &m->value[v[1]], *numel = &m->value[v[4]];
    if (word->kind != TEXT || !equal(word->text.s, word->text.n, "storage") || type->kind != GLOBAL
        || type->global.id != STORAGE_TYPE || m->value[v[2]].kind != TEXT || m->value[v[3]].kind != TEXT || !is_size(numel))
        return fail(m, "a persistent id that is no ('storage', type, key, device, count)");
    m->top--;
    return push_new(m, (struct value){ .kind = STORAGE, .storage = { v[2], type->global.dtype, (size_t)numel->i } });
}

/* (storage, offset, dims, strides, requires_grad, hooks[, metadata]) */
static int rebuild_tensor(struct vm *m, const struct value *args) {
    uint32_t v[6];
    size_t rank, ranks, dim[SV_MAX_RANK];
    if (!items(m, args, 6, v) || args->seq.n > 7 || m->value[v[0]].kind != STORAGE || !is_size(&m->value[v[1]]))
        return fail(m, "a tensor that is no (storage, offset, sizes, strides, ...)");
    if (!sizes(m, v[2], &rank, dim) || !sizes(m, v[3], &ranks, dim) || rank != ranks)
        return fail(m, "a tensor whose sizes and strides are no two tuples of at most 8 numbers from 0 up");
    return push_new(m, (struct value){ .kind = TENSOR, .tensor = { v[0], v[1], v[2], v[3] } });
}

static int reduce(struct vm *m) {
    const struct value *args = peek(m, 0), *f = peek(m, 1);
    if (!f || f->kind != GLOBAL || args->kind != TUPLE)
        return fail(m, "a call of something that is no function, or without a tuple");
    const size_t n = args->seq.n;
    uint32_t first[2] = { 0 };
    if (n) items(m, args, 1, first);
    m->top -= 2;
    switch (f->global.id) {
    case ORDERED_DICT:
        return n ? fail(m, "an OrderedDict with arguments, expected none") : push_new(m, (struct value){ .kind = DICT });
    case REBUILD_TENSOR:
        return rebuild_tensor(m, args);
    case REBUILD_PARAMETER:
        if (n != 3 || m->value[first[0]].kind != TENSOR)
            return fail(m, "a parameter that is no (tensor, requires_grad, hooks)");
        return push(m, first[0]);
    case SIZE:
        if (n != 1 || m->value[first[0]].kind != TUPLE) return fail(m, "a torch.Size of something that is no tuple");
        return push(m, first[0]);
    case TYPED_LIST:
        if (n < 1 || n > 2 || (m->value[first[0]].kind != LIST && m->value[first[0]].kind != DICT))
            return fail(m, "a typed list of something that is no list");
        return push(m, first[0]);
    default:
        return fail(m, "a call of a name that is no function");
    }
}

static int new_object(struct vm *m) {
    const struct value *args = peek(m, 0), *class = peek(m, 1);
    if (!class || class->kind != GLOBAL || class->global.id != TORCH_CLASS || args->kind != TUPLE || args->seq.n)
        return fail(m, "a new object of something other than a TorchScript class without arguments");
    m->top -= 2;
    return push_new(m, (struct value){ .kind = RECORD });
}

/* A record takes the items of its state; an OrderedDict's own attributes (_metadata) hold no tensors. */
static int build(struct vm *m) {
    const struct value *state = peek(m, 0);
    struct value *object = peek(m, 1);
    if (!object || state->kind != DICT || (object->kind != RECORD && object->kind != DICT))
        return fail(m, "a state that is no dictionary, or of something that takes none");
    if (object->kind == RECORD) {
        if (object->seq.n) return fail(m, "a second state of one object");
        object->seq = state->seq;
    }
    m->top--;
    return 0;
}

static int push_int(struct vm *m, size_t bytes) {
    uint64_t v = 0;
    const int rc = number(m, bytes, &v);
    if (rc) return rc;
    return push_new(m, (struct value){ .kind = INT, .i = bytes == 4 ? (int32_t)(uint32_t)v : (int64_t)v });
}

static int push_long(struct vm *m) {
    uint64_t n, v = 0;
    int rc = number(m, 1, &n);
    if (rc) return rc;
    if (n > 8) return fail(m, "an integer of more than 8 bytes");
    if ((rc = number(m, (size_t)n, &v))) return rc;
    if (n && n < 8 && v >> (8 * n - 1)) v |= ~(uint64_t)0 << 8 * n;      /* two's complement */
    return push_new(m, (struct value){ .kind = INT, .i = (int64_t)v });
}

static int with_number(struct vm *m, size_t bytes, int (*f)(struct vm *m, uint64_t v)) {
    uint64_t v;
    const int rc = number(m, bytes, &v);
    return rc ? rc : f(m, v);
}

static int marked_tuple(struct vm *m) {
    size_t from = 0;
    const int rc = pop_mark(m, &from);
    return rc ? rc : tuple(m, m->top - from);
}

static int marked_extend(struct vm *m, enum kind kind) {
    size_t from = 0;
    const int rc = pop_mark(m, &from);
    return rc ? rc : extend(m, from, kind);
}

static int one_extend(struct vm *m, size_t n, enum kind kind) {
    return peek(m, n) ? extend(m, m->top - n, kind) : fail(m, "nothing to add to");
}

static int skip(struct vm *m, size_t n, const char *what) {
    const int rc = need(m, n, what);
    if (!rc) m->at += n;
    return rc;
}

static int step(struct vm *m, uint8_t op) {
    switch (op) {
    case '(':  return set_mark(m);
    case ')':  return tuple(m, 0);
    case 't':  return marked_tuple(m);
    case 0x85: return tuple(m, 1);
    case 0x86: return tuple(m, 2);
    case 0x87: return tuple(m, 3);
    case ']':  return push_new(m, (struct value){ .kind = LIST });
    case '}':  return push_new(m, (struct value){ .kind = DICT });
    case 'a':  return one_extend(m, 1, LIST);
    case 'e':  return marked_extend(m, LIST);
    case 's':  return one_extend(m, 2, DICT);
    case 'u':  return marked_extend(m, DICT);
    case 'N':  return push_new(m, (struct value){ .kind = NONE });
    case 0x88: return push_new(m, (struct value){ .kind = BOOL, .i = 1 });
    case 0x89: return push_new(m, (struct value){ .kind = BOOL });
    case 'K':  return push_int(m, 1);
    case 'M':  return push_int(m, 2);
    case 'J':  return push_int(m, 4);
    case 0x8a: return push_long(m);
    case 'G':  return skip(m, 8, "a float") ? SV_EINPUT : push_new(m, (struct value){ .kind = REAL });
    case 0x8c: return text(m, 1);
    case 'X':  return text(m, 4);
    case 0x8d: return text(m, 8);
    case 'q':  return with_number(m, 1, memoize);
    case 'r':  return with_number(m, 4, memoize);
    case 0x94: return memoize(m, m->memos);
    case 'h':  return with_number(m, 1, recall);
    case 'j':  return with_number(m, 4, recall);
    case 'c':  return global_lines(m);
    case 0x93: return stack_global(m);
    case 'Q':  return persistent(m);
    case 'R':  return reduce(m);
    case 0x81: return new_object(m);
    case 'b':  return build(m);
    case 0x95: return skip(m, 8, "a frame");                /* frames only help a reader that streams */
    default:
        return sv_fail(m->e, SV_EINPUT, "%s: pickle byte %zu: opcode 0x%02x, which no checkpoint needs", m->file, m->op, op);
    }
}

static int found(struct vm *m, const struct value *v, size_t path) {
    const struct value *s = &m->value[v->tensor.storage], *key = &m->value[s->storage.key];
    struct sv_pickle_tensor t = {
        .name = path ? m->path : "tensor", .dtype = s->storage.dtype, .offset = (size_t)m->value[v->tensor.offset].i,
        .numel = s->storage.numel, .key = key->text.s, .key_n = key->text.n,
    };
    if (!sizes(m, v->tensor.dim, &t.rank, t.dim) || !sizes(m, v->tensor.stride, &t.rank, t.stride))
        return fail(m, "a tensor that changed");
    return m->tensor(m->arg, &t, m->e);
}

/* Appends a part to the path; texts keep their dots. */
static int name(struct vm *m, size_t *path, const struct value *key, uint32_t index) {
    char digits[24];
    const char *s = digits, *const under = *path ? m->path : "the root";
    size_t n;
    if (!key) n = (size_t)snprintf(digits, sizeof digits, "%lu", (unsigned long)index);
    else if (key->kind == INT) n = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)key->i);
    else if (key->kind == TEXT) s = key->text.s, n = key->text.n;
    else return sv_fail(m->e, SV_EINPUT, "%s: pickle: %s has %s as key, expected a text or an integer", m->file, under,
                        kind_name[key->kind]);
    if (*path + 1 + n > SV_MAX_NAME || memchr(s, 0, n))
        return sv_fail(m->e, SV_EINPUT, "%s: pickle: a name under %s holds a NUL or is longer than %d bytes", m->file,
                       under, SV_MAX_NAME);
    if (*path) m->path[(*path)++] = '.';
    memcpy(m->path + *path, s, n);
    m->path[*path += n] = 0;
    return 0;
}

/* A key or an item of a list that leads to no tensor may be named anyhow, so names are made only for what has parts. */
static bool leads(const struct value *v) {
    return v->kind == TENSOR || ((v->kind == DICT || v->kind == RECORD || v->kind == LIST || v->kind == TUPLE) && v->seq.n);
}

static int walk(struct vm *m, uint32_t v, size_t path, size_t depth) {
    const struct value *x = &m->value[v];
    if (x->kind == TENSOR) return found(m, x, path);
    if (!leads(x)) return 0;
    if (depth == SV_PICKLE_DEPTH)
        return sv_fail(m->e, SV_EINPUT, "%s: pickle: %s is nested deeper than %d levels, or within itself", m->file,
                       m->path, SV_PICKLE_DEPTH);
    const bool keyed = x->kind == DICT || x->kind == RECORD;
    uint32_t c = x->seq.first;
    for (uint32_t i = 0; i < x->seq.n; i++) {
        if (m->steps++ > SV_PICKLE_VALUES)
            return sv_fail(m->e, SV_EINPUT, "%s: pickle: more than 4194304 values below the root", m->file);
        const struct value *key = keyed ? &m->value[m->cell[c].value] : NULL;
        if (keyed) c = m->cell[c].next, i++;
        const uint32_t item = m->cell[c].value;
        c = m->cell[c].next;
        if (!leads(&m->value[item])) continue;
        size_t at = path;
        int rc = name(m, &at, key, i);
        if (!rc) rc = walk(m, item, at, depth + 1);
        if (rc) return rc;
        m->path[path] = 0;
    }
    return 0;
}

static int run(struct vm *m) {
    if (m->n < 2 || m->p[0] != 0x80 || m->p[1] < 2 || m->p[1] > 5) return fail(m, "expected a pickle of protocol 2 to 5");
    m->at = 2;
    for (;;) {
        m->op = m->at;
        if (m->at == m->n) return fail(m, "ends without a stop");
        const uint8_t op = m->p[m->at++];
        if (op == '.') break;
        const int rc = step(m, op);
        if (rc) return rc;
    }
    if (m->at != m->n) return fail(m, "bytes after the stop");
    if (m->top != 1 || m->marks) return fail(m, "expected one value on the stack at the end");
    return walk(m, m->stack[0], 0, 0);
}

int sv_pickle_read(const uint8_t *data, size_t size, const char *file,
                   int (*tensor)(void *arg, const struct sv_pickle_tensor *t, struct sv_err *e), void *arg,
                   struct sv_err *e) {
    struct vm m = { .p = data, .n = size, .file = file, .tensor = tensor, .arg = arg, .e = e, .cells = 1 };
    int rc = sv_grow(&m.cell, &m.cell_cap, 0, sizeof *m.cell, e);
    if (!rc) rc = run(&m);
    sv_free(m.value), sv_free(m.cell), sv_free(m.stack), sv_free(m.mark), sv_free(m.memo);
    return rc;
}
