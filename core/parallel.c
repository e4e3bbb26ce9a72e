/* A pool of threads that take ranges of one job after the other.
 *
 * The thread that calls parallel_for takes ranges too. At the end it waits only for ranges that another thread has begun,
 * never for a thread that has not started yet: if other programs keep the processors busy, the caller runs all ranges
 * itself, instead of waiting a scheduler time slice for every job (docs/decisions/0008-threads.md). Jobs follow each other
 * within microseconds, so an idle thread polls for the next job for a while before it sleeps.
 *
 * The pool is the only mutable global state: all callers share the processors. It grows to the largest number of threads
 * requested so far and lives as long as the process. */
#define _GNU_SOURCE
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#include "core/subnormal.h"

enum {
    MOST_WORKERS = 255,
    SLOTS = 64,         /* most recent jobs whose slots a late thread may still read */
    LOOKS = 1 << 13,    /* polls for work before sleep: about 50 microseconds */
    PATIENCE = 1 << 12, /* polls of a range that another thread is still running, before the processor is yielded */
};

struct parallel_job {
    void (*body)(void *arg, int64_t begin, int64_t end);
    void *arg;
    int64_t count, grain, ranges;
    int32_t workers;             /* threads of the pool that may take part */
    atomic_llong next, finished; /* ranges taken, ranges done */
    atomic_int visitors;         /* threads that are reading this slot */
};

static struct {
    pthread_mutex_t mutex; /* for sleeping and waking */
    pthread_cond_t wake;
    int32_t workers;      /* threads started */
    atomic_flag busy;     /* set while a caller uses the pool */
    atomic_llong current; /* number of the last job; its slot is number % SLOTS */
    atomic_int sleepers;
    struct parallel_job slots[SLOTS];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .busy = ATOMIC_FLAG_INIT};

/* 1 while this thread runs a body on several threads. The TLS model initial-exec makes reading it a plain load, also in
 * a shared library; the default model would call a function. */
#if defined(__GNUC__)
__attribute__((tls_model("initial-exec")))
#endif
static _Thread_local int works;

int32_t parallel_processors(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        return 1;
    }
    return CPU_COUNT(&set) < 1 ? 1 : CPU_COUNT(&set);
}

int32_t parallel_threads(const struct parallel *parallel) {
    return parallel == NULL || works ? 1 : parallel->threads;
}

static void look_again(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static void take_ranges(struct parallel_job *job) {
    const uint64_t before = subnormal_off();
    for (long long range = atomic_fetch_add(&job->next, 1); range < job->ranges;
         range = atomic_fetch_add(&job->next, 1)) {
        const int64_t begin = range * job->grain;
        job->body(job->arg, begin, range + 1 < job->ranges ? begin + job->grain : job->count);
        atomic_fetch_add(&job->finished, 1);
    }
    subnormal_restore(before);
}

/* Waits for a job that is newer than `seen` and returns its number. */
static long long wait_for_job(long long seen) {
    for (int look = 0; look < LOOKS; look++) {
        if (atomic_load(&pool.current) != seen) {
            return atomic_load(&pool.current);
        }
        look_again();
    }
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.sleepers, 1);
    while (atomic_load(&pool.current) == seen) {
        pthread_cond_wait(&pool.wake, &pool.mutex);
    }
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.mutex);
    return atomic_load(&pool.current);
}

static void *work(void *arg) {
    const int32_t self = (int32_t)(intptr_t)arg;
    long long seen = 0;
    works = 1;
    for (;;) {
        seen = wait_for_job(seen);
        struct parallel_job *job = &pool.slots[seen % SLOTS];
        atomic_fetch_add(&job->visitors, 1);
        /* True only if job seen + SLOTS, which reuses the slot, is not yet in publish(). From then on publish() waits
         * for this visitor, so the slot cannot change while ranges are taken. */
        if (atomic_load(&pool.current) - seen < SLOTS - 1 && self < job->workers) {
            take_ranges(job);
        }
        atomic_fetch_sub(&job->visitors, 1);
    }
    return NULL;
}

/* A child process has only the thread that called fork. */
static void forget_workers(void) {
    pool.workers = 0;
    atomic_store(&pool.sleepers, 0);
    atomic_flag_clear(&pool.busy);
    pthread_mutex_init(&pool.mutex, NULL);
    pthread_cond_init(&pool.wake, NULL);
    for (int slot = 0; slot < SLOTS; slot++) {
        atomic_store(&pool.slots[slot].visitors, 0);
    }
}

static void watch_forks(void) {
    pthread_atfork(NULL, NULL, forget_workers);
}

/* Starts threads until there are `workers`. If the system refuses one, fewer threads do the work. */
static void grow(int32_t workers) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    while (pool.workers < workers) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)(intptr_t)pool.workers) != 0) {
            return;
        }
        pthread_detach(thread);
        pool.workers++;
    }
}

static void publish(int64_t count, int64_t grain, int64_t ranges, int32_t workers,
                    void (*body)(void *arg, int64_t begin, int64_t end), void *arg, struct parallel_job **published) {
    const long long number = atomic_load(&pool.current) + 1;
    struct parallel_job *job = &pool.slots[number % SLOTS];
    while (atomic_load(&job->visitors) > 0) { /* visitors of a job SLOTS jobs ago: this almost never waits */
        sched_yield();
    }
    job->body = body;
    job->arg = arg;
    job->count = count;
    job->grain = grain;
    job->ranges = ranges;
    job->workers = workers;
    atomic_store(&job->next, 0);
    atomic_store(&job->finished, 0);
    atomic_store(&pool.current, number);
    if (atomic_load(&pool.sleepers) > 0) {
        pthread_mutex_lock(&pool.mutex);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.mutex);
    }
    *published = job;
}

void parallel_for(const struct parallel *parallel, int64_t count, int64_t grain,
                  void (*body)(void *arg, int64_t begin, int64_t end), void *arg) {
    if (count <= 0) {
        return;
    }
    grain = grain < 1 ? 1 : grain;
    const int64_t ranges = (count - 1) / grain + 1;
    int64_t threads = parallel_threads(parallel);
    threads = threads < ranges ? threads : ranges;
    threads = threads < MOST_WORKERS + 1 ? threads : MOST_WORKERS + 1;
    /* Ranges never depend on the thread that runs them, so running them all here gives the same bits. */
    if (threads <= 1 || atomic_flag_test_and_set(&pool.busy)) {
        const uint64_t before = subnormal_off();
        for (int64_t range = 0; range < ranges; range++) {
            body(arg, range * grain, range + 1 < ranges ? (range + 1) * grain : count);
        }
        subnormal_restore(before);
        return;
    }
    grow((int32_t)threads - 1);
    struct parallel_job *job;
    publish(count, grain, ranges, (int32_t)threads - 1, body, arg, &job);
    works = 1;
    take_ranges(job);
    works = 0;
    for (int64_t look = 0; atomic_load(&job->finished) < ranges; look++) {
        if (look < PATIENCE) {
            look_again();
        } else {
            sched_yield();
        }
    }
    atomic_flag_clear(&pool.busy);
}
