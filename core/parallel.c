/* A pool of threads that take ranges of one job after the other.
 *
 * The thread that calls parallel_for works too, and at the end waits for ranges that somebody has begun, never for a
 * thread that has not come: where another program keeps a processor busy, a step takes what one thread needs, and not a
 * time slice of the system for every job (docs/decisions/0008-threads.md). Jobs follow each other within microseconds,
 * so a thread without work looks for the next one for a while before it sleeps.
 *
 * The pool is the one thing of the process that is not passed around: processors are shared by all. It grows to the
 * most threads that were asked for and lives as long as the process. */
#define _GNU_SOURCE
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

enum {
    MOST_WORKERS = 255,
    SLOTS = 64,         /* jobs that a late thread may still look at */
    LOOKS = 1 << 13,    /* looks for work before sleep: some 50 microseconds */
    PATIENCE = 1 << 12, /* looks at a range that somebody else still works on before the processor is offered */
};

struct parallel_job {
    void (*body)(void *arg, int64_t begin, int64_t end);
    void *arg;
    int64_t count, grain, ranges;
    int32_t workers;             /* threads of the pool that may take part */
    atomic_llong next, finished; /* ranges taken, ranges done */
    atomic_int visitors;         /* threads that look at this slot */
};

static struct {
    pthread_mutex_t mutex; /* of sleep, and of growing */
    pthread_cond_t wake;
    int32_t workers;      /* threads that run */
    atomic_flag busy;     /* a caller has the pool */
    atomic_llong current; /* number of the last job; its slot is number % SLOTS */
    atomic_int sleepers;
    struct parallel_job slots[SLOTS];
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .busy = ATOMIC_FLAG_INIT};

/* 1 where this thread is inside a body that runs on several. Of the thread's own static part, so that to read it takes
 * no call, in a shared library either. */
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
    for (long long range = atomic_fetch_add(&job->next, 1); range < job->ranges;
         range = atomic_fetch_add(&job->next, 1)) {
        const int64_t begin = range * job->grain;
        job->body(job->arg, begin, range + 1 < job->ranges ? begin + job->grain : job->count);
        atomic_fetch_add(&job->finished, 1);
    }
}

/* The number of a job behind `seen`, sooner or later. */
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
        /* The slot is this job's as long as no job that would take it has begun: the caller waits for visitors first.
         */
        if (atomic_load(&pool.current) - seen < SLOTS - 1 && self < job->workers) {
            take_ranges(job);
        }
        atomic_fetch_sub(&job->visitors, 1);
    }
    return NULL;
}

/* In a child process there is no thread but the one that forked. */
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

/* Threads may be refused by the system: then fewer do the work. */
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
    while (atomic_load(&job->visitors) > 0) { /* of a job long past: this all but never waits */
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
    /* Which thread takes which range does not matter: what is in a range never depends on it. */
    if (threads <= 1 || atomic_flag_test_and_set(&pool.busy)) {
        for (int64_t range = 0; range < ranges; range++) {
            body(arg, range * grain, range + 1 < ranges ? (range + 1) * grain : count);
        }
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
