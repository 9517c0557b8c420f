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
    size_t n;
};

struct worker {
    struct sv_pool *pool;
    pthread_t thread;
    size_t index;
};

struct sv_pool {
    pthread_mutex_t lock;
    pthread_cond_t go, done;
    struct job job;
    atomic_size_t round, busy;          /* round: number of the job; busy: workers still in it; written under lock */
    bool quit;
    size_t threads;                     /* workers + the caller */
    struct worker *worker;              /* [threads - 1] */
};

static void run_share(const struct job *j, size_t index, size_t threads) {
    const size_t step = j->n / threads, rest = j->n % threads;
    const size_t begin = index * step + sv_min(index, rest), end = begin + step + (index < rest);
    if (begin < end) j->fn(j->arg, begin, end, index);
}

/* Layers follow each other within microseconds, a sleeping thread takes tens of them to wake: look a while before
 * sleeping, but give the CPU away at every look, for others may need it. */
static void linger(const atomic_size_t *a, size_t value, bool until) {
    enum { LOOKS = 64 };
    for (int i = 0; i < LOOKS && (atomic_load_explicit(a, memory_order_acquire) == value) != until; i++) sched_yield();
}

static void *work(void *arg) {
    struct worker *w = arg;
    struct sv_pool *p = w->pool;
    size_t seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        pthread_mutex_unlock(&p->lock);
        linger(&p->round, seen, false);
        pthread_mutex_lock(&p->lock);
        while (p->round == seen && !p->quit) pthread_cond_wait(&p->go, &p->lock);
        if (p->quit) break;
        seen = p->round;
        const struct job j = p->job;
        const size_t threads = p->threads;
        pthread_mutex_unlock(&p->lock);
        run_share(&j, w->index, threads);
        pthread_mutex_lock(&p->lock);
        if (!--p->busy) pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
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
    if (!threads) threads = usable_cpus();
    struct sv_pool *p = sv_alloc(1, sizeof *p, e);
    if (!p) return NULL;
    p->worker = sv_alloc(threads, sizeof *p->worker, e);
    if (!p->worker) { sv_free(p); return NULL; }
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->go, NULL);
    pthread_cond_init(&p->done, NULL);
    p->threads = 1;
    for (size_t i = 0; i + 1 < threads; i++) {
        struct worker *w = &p->worker[i];
        *w = (struct worker){ .pool = p, .index = i + 1 };
        if (pthread_create(&w->thread, NULL, work, w)) break;
        pthread_mutex_lock(&p->lock);
        p->threads++;
        pthread_mutex_unlock(&p->lock);
    }
    return p;
}

void sv_pool_free(struct sv_pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i + 1 < p->threads; i++) pthread_join(p->worker[i].thread, NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->go);
    pthread_cond_destroy(&p->done);
    sv_free(p->worker);
    sv_free(p);
}

size_t sv_pool_threads(const struct sv_pool *p) { return p ? p->threads : 1; }

void sv_pool_for(struct sv_pool *p, size_t n, void (*fn)(void *, size_t, size_t, size_t), void *arg) {
    const struct job j = { fn, arg, n };
    if (!p || p->threads == 1 || n < 2) { run_share(&j, 0, 1); return; }
    pthread_mutex_lock(&p->lock);
    p->job = j;
    p->round++;
    p->busy = p->threads - 1;
    pthread_cond_broadcast(&p->go);
    pthread_mutex_unlock(&p->lock);
    run_share(&j, 0, p->threads);
    linger(&p->busy, 0, true);
    pthread_mutex_lock(&p->lock);
    while (p->busy) pthread_cond_wait(&p->done, &p->lock);
    pthread_mutex_unlock(&p->lock);
}
