/* oom.h - a run with its k-th allocation failing, k = 1, 2, ... until it passes; once with only that one failing, once with all from
 * there on.  The linker puts __wrap_ functions between core/mem.c and the heap (see the Makefile): for one file of a program. */
#ifndef TESTS_OOM_H
#define TESTS_OOM_H

#include "core/err.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);
int __wrap_fsync(int fd);

static size_t fail_at;                  /* 0: never */
static bool fail_on;                    /* and all after it */
static atomic_size_t calls;             /* atomic: svad watch reads ahead in a thread of its own */
static atomic_bool failed;
static atomic_long live;

void *__wrap_calloc(size_t n, size_t size) {
    const size_t call = ++calls;
    if (fail_at && (call == fail_at || (fail_on && call > fail_at))) { failed = true; return NULL; }
    void *p = __real_calloc(n, size);
    live += p != NULL;
    return p;
}

void __wrap_free(void *p) {
    live -= p != NULL;
    __real_free(p);
}

/* The same files are written hundreds of times: not to the disk each time.  The built tool, which tests run beside this, is not wrapped. */
int __wrap_fsync(int fd) { return fd < 0 ? -1 : 0; }

/* Runs the operation with allocation k failing; true once k is past its last. */
static bool passes(const char *name, int (*run)(struct sv_err *), size_t k) {
    struct sv_err e = {0};
    const long before = live;
    calls = 0;
    failed = false;
    fail_at = k;
    const int rc = run(&e);
    fail_at = 0;
    cr_expect_eq((long)live, before, "%s: %ld blocks are left with allocation %zu failing", name, (long)live - before, k);
    if (!failed) {
        cr_expect(!rc && !e.code, "%s: %d %s", name, rc, e.msg);
        return true;
    }
    cr_expect(rc == SV_ENOMEM && e.code == SV_ENOMEM, "%s: allocation %zu failed, the result is %d (%d %s)", name, k, rc, e.code, e.msg);
    cr_expect(strlen(e.msg) > 10 && !strchr(e.msg, '\n'), "%s: \"%s\"", name, e.msg);
    return live != before || rc != SV_ENOMEM;           /* one report is enough */
}

/* pace: every k up to it, then in steps that grow with k. */
static void each_failure(const char *name, int (*run)(struct sv_err *), size_t pace) {
    passes(name, run, 0);               /* whatever is made once in a process is made now */
    for (int on = 0; on < 2; on++) {
        size_t k = 1;
        fail_on = on;
        while (!passes(name, run, k)) k += 1 + k / pace;
        cr_expect_gt(k, 1, "%s allocates nothing", name);
    }
}

#endif
