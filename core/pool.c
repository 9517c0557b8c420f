#define _GNU_SOURCE                     /* sched_getaffinity */
#include "core/pool.h"

#include "core/mem.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

struct job {
    void (*fn)(void *, size_t, size_t, size_t);
    void *arg;
    size_t n, threads;
};

/* What one thread writes and another watches has a line of its own. */
struct worker {
    _Alignas(64) atomic_size_t done;    /* number of the last job it finished */
    struct sv_pool *pool;
    pthread_t thread;
    size_t index;
};

struct sv_pool {
    _Alignas(64) atomic_size_t round;   /* number of the job: raised once job is written */
    struct job job;
    size_t threads, looks;              /* workers + the caller; how often a waiting thread looks before it yields */
    struct worker *worker;              /* [threads - 1] */
    _Alignas(64) pthread_mutex_t lock;  /* for sleeping only */
    pthread_cond_t go, done;
    atomic_size_t sleepers;             /* workers that wait for go */
    atomic_bool waiting;                /* the caller waits for done */
    atomic_bool quit;
};

static void run_share(const struct job *j, size_t index) {
    const size_t step = j->n / j->threads, rest = j->n % j->threads;
    const size_t begin = index * step + sv_min(index, rest), end = begin + step + (index < rest);
    if (begin < end) j->fn(j->arg, begin, end, index);
}

static void pause_cpu(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether *a became another than value (or, if until, became value).  Layers follow each other within microseconds, a
 * sleeping thread takes tens of them to wake: so look for some 50 us, then give the CPU away at every look, for others
 * may need it, and then give up. */
static bool linger(const struct sv_pool *p, const atomic_size_t *a, size_t value, bool until) {
    enum { YIELDS = 64 };
    for (size_t i = 0; i < p->looks + YIELDS; i++) {
        if ((atomic_load_explicit(a, memory_order_acquire) == value) == until) return true;
        if (i < p->looks) pause_cpu();
        else sched_yield();
    }
    return false;
}

/* Sleepers are counted before the last look at round, and round is raised before the look at sleepers: one of the two sees the
 * other.  The same holds for done and waiting.  Each of the four is written by a read-modify-write: C's order promises as much
 * for a plain store, but qemu-aarch64 lets a later load pass it, and both would sleep. */
static void sleep_until_go(struct sv_pool *p, size_t seen) {
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->round) == seen) pthread_cond_wait(&p->go, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

static void sleep_until_done(struct sv_pool *p, const struct worker *w, size_t round) {
    pthread_mutex_lock(&p->lock);
    atomic_exchange(&p->waiting, true);
    while (atomic_load(&w->done) != round) pthread_cond_wait(&p->done, &p->lock);
    atomic_store(&p->waiting, false);
    pthread_mutex_unlock(&p->lock);
}

static void wake(struct sv_pool *p, pthread_cond_t *c) {
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(c);
    pthread_mutex_unlock(&p->lock);
}

static void *work(void *arg) {
    struct worker *w = arg;
    struct sv_pool *p = w->pool;
    for (size_t seen = 0;; seen++) {
        if (!linger(p, &p->round, seen, false)) sleep_until_go(p, seen);
        if (atomic_load_explicit(&p->quit, memory_order_relaxed)) return NULL;
        run_share(&p->job, w->index);
        atomic_fetch_add(&w->done, 1);
        if (atomic_load(&p->waiting)) wake(p, &p->done);
    }
}

static void start(struct sv_pool *p, const struct job *j) {
    p->job = *j;
    atomic_fetch_add(&p->round, 1);
    if (atomic_load(&p->sleepers)) wake(p, &p->go);
}

static size_t usable_cpus(void) {
#ifdef __linux__
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set)) return (size_t)CPU_COUNT(&set);
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (size_t)n : 1;
}

struct sv_pool *sv_pool_new(size_t threads, struct sv_err *e) {
    enum { LOOKS = 1000 };
    const size_t cpus = usable_cpus();
    if (!threads) threads = cpus;
    struct sv_pool *p = sv_alloc(1, sizeof *p, e);
    if (!p) return NULL;
    p->worker = sv_alloc(threads, sizeof *p->worker, e);
    if (!p->worker) { sv_free(p); return NULL; }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->go, NULL);
    pthread_cond_init(&p->done, NULL);
    p->looks = threads <= cpus ? LOOKS : 0;         /* who waits must not stand in the way of whom it waits for */
    p->threads = 1;
    for (size_t i = 0; i + 1 < threads; i++, p->threads++) {
        struct worker *w = &p->worker[i];
        w->pool = p, w->index = i + 1;
        if (pthread_create(&w->thread, NULL, work, w)) break;
    }
    return p;
}

void sv_pool_free(struct sv_pool *p) {
    if (!p) return;
    atomic_store_explicit(&p->quit, true, memory_order_relaxed);
    start(p, &(struct job){ 0 });
    for (size_t i = 0; i + 1 < p->threads; i++) pthread_join(p->worker[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->go);
    pthread_cond_destroy(&p->done);
    sv_free(p->worker);
    sv_free(p);
}

size_t sv_pool_threads(const struct sv_pool *p) { return p ? p->threads : 1; }

void sv_pool_for(struct sv_pool *p, size_t n, void (*fn)(void *, size_t, size_t, size_t), void *arg) {
    const bool alone = !p || p->threads == 1 || n < 2;
    const struct job j = { fn, arg, n, alone ? 1 : p->threads };
    if (alone) { run_share(&j, 0); return; }
    start(p, &j);
    run_share(&j, 0);
    const size_t round = atomic_load_explicit(&p->round, memory_order_relaxed);
    for (const struct worker *w = p->worker; w < p->worker + p->threads - 1; w++)
        if (!linger(p, &w->done, round, true)) sleep_until_done(p, w, round);
}
