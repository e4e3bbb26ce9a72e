/* A pool of threads that take ranges of one job after the other.
 *
 * The thread that calls parallel_for takes ranges too. At the end it waits only for ranges that another thread has begun,
 * never for a thread that has not started yet: if other programs keep the processors busy, the caller runs all ranges
 * itself, instead of waiting a scheduler time slice for every job (docs/decisions/0008-threads.md). Jobs follow each other
 * within microseconds, so an idle thread polls for the next job for a while before it sleeps.
 *
 * A job with fewer ranges than threads gives each range a team, a pool of its own: a batch that is divided into two shards uses
 * eight threads. Bodies of teams run on one thread each.
 *
 * The pools are the only mutable global state: all callers share the processors. They grow to the largest number of threads
 * requested so far and live as long as the process. */
#define _GNU_SOURCE
#include "core/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

#include "core/subnormal.h"

enum {
    MOST_WORKERS = 1023,
    MOST_TEAMS = 16,
    SLOTS = 64,         /* most recent jobs whose slots a late thread may still read */
    LOOKS = 1 << 13,    /* polls for work before sleep: about 50 microseconds */
    PATIENCE = 1 << 12, /* polls of a range that another thread is still running, before the processor is yielded */
};

struct parallel_job {
    void (*body)(void *arg, int64_t begin, int64_t end);
    void *arg;
    int64_t count, grain, ranges;
    int32_t workers;             /* threads of the pool that may take part */
    int32_t threads;             /* of all ranges together: those that the caller may use */
    atomic_llong next, finished; /* ranges taken, ranges done */
    atomic_int visitors;         /* threads that are reading this slot */
};

/* Pool 0 is that of callers; pool 1 + range is that of the team of this range. */
struct parallel_pool {
    pthread_mutex_t mutex; /* for sleeping and waking */
    pthread_cond_t wake;
    int32_t workers;      /* threads started */
    atomic_flag busy;     /* set while a caller uses the pool */
    atomic_llong current; /* number of the last job; its slot is number % SLOTS */
    atomic_int sleepers;
    struct parallel_job slots[SLOTS];
};
static struct parallel_pool pools[1 + MOST_TEAMS];

/* What this thread may use: outside of any body pool 0, in a body the `threads` threads of its team, itself among them. The TLS model
 * initial-exec makes reading it a plain load, also in a shared library; the default model would call a function. */
struct parallel_place {
    struct parallel_pool *pool; /* NULL: outside */
    int32_t threads;
};
#if defined(__GNUC__)
__attribute__((tls_model("initial-exec")))
#endif
static _Thread_local struct parallel_place place;

/* A set for fewer processors than the system may have is refused with EINVAL. */
int32_t parallel_processors(void) {
    enum { MOST_PROCESSORS = 1 << 16 };
    int count = 0;
    for (int most = CPU_SETSIZE; count == 0 && most <= MOST_PROCESSORS; most *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)most);
        const size_t bytes = CPU_ALLOC_SIZE((size_t)most);
        count = set != NULL && sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
    }
    return count < 1 ? 1 : count;
}

const char *parallel_kind(void) {
    return "pool";
}

int32_t parallel_threads(const struct parallel *parallel) {
    const int32_t most = parallel == NULL ? 1 : place.pool == NULL ? MOST_WORKERS : place.threads;
    return parallel == NULL || parallel->threads > most ? most : parallel->threads;
}

static void look_again(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* The place of a body: that of its team, if there are enough threads for teams. */
static struct parallel_place place_of(const struct parallel_job *job, int64_t range) {
    const int64_t more = range < job->threads % job->ranges; /* the first teams have one thread more */
    const int has_team = job->threads > job->ranges && range < MOST_TEAMS;
    return (struct parallel_place){&pools[has_team ? 1 + range : 0],
                                   has_team ? (int32_t)(job->threads / job->ranges + more) : 1};
}

static void take_ranges(struct parallel_job *job) {
    const uint64_t before = subnormal_off();
    const struct parallel_place own = place;
    for (long long range = atomic_fetch_add(&job->next, 1); range < job->ranges;
         range = atomic_fetch_add(&job->next, 1)) {
        const int64_t begin = range * job->grain;
        place = place_of(job, range);
        job->body(job->arg, begin, range + 1 < job->ranges ? begin + job->grain : job->count);
        atomic_fetch_add(&job->finished, 1);
    }
    place = own;
    subnormal_restore(before);
}

/* Waits for a job that is newer than `seen` and returns its number. */
static long long wait_for_job(struct parallel_pool *pool, long long seen) {
    for (int look = 0; look < LOOKS; look++) {
        if (atomic_load(&pool->current) != seen) {
            return atomic_load(&pool->current);
        }
        look_again();
    }
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (atomic_load(&pool->current) == seen) {
        pthread_cond_wait(&pool->wake, &pool->mutex);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
    return atomic_load(&pool->current);
}

/* Worker number `arg` % MOST_WORKERS of pool number `arg` / MOST_WORKERS. */
static void *work(void *arg) {
    const int32_t self = (int32_t)((intptr_t)arg % MOST_WORKERS);
    struct parallel_pool *pool = &pools[(intptr_t)arg / MOST_WORKERS];
    long long seen = 0;
    for (;;) {
        seen = wait_for_job(pool, seen);
        struct parallel_job *job = &pool->slots[seen % SLOTS];
        atomic_fetch_add(&job->visitors, 1);
        /* True only if job seen + SLOTS, which reuses the slot, is not yet in publish(). From then on publish() waits
         * for this visitor, so the slot cannot change while ranges are taken. */
        if (atomic_load(&pool->current) - seen < SLOTS - 1 && self < job->workers) {
            take_ranges(job);
        }
        atomic_fetch_sub(&job->visitors, 1);
    }
    return NULL;
}

/* Also forgets all jobs: in a child process, that of another thread of the parent may never have ended. */
static void open_pools(void) {
    for (int i = 0; i < 1 + MOST_TEAMS; i++) {
        struct parallel_pool *pool = &pools[i];
        pool->workers = 0;
        atomic_store(&pool->current, 0);
        atomic_store(&pool->sleepers, 0);
        atomic_flag_clear(&pool->busy);
        pthread_mutex_init(&pool->mutex, NULL);
        pthread_cond_init(&pool->wake, NULL);
        for (int slot = 0; slot < SLOTS; slot++) {
            pool->slots[slot].ranges = pool->slots[slot].workers = 0;
            atomic_store(&pool->slots[slot].next, 0);
            atomic_store(&pool->slots[slot].finished, 0);
            atomic_store(&pool->slots[slot].visitors, 0);
        }
    }
}

/* A child process has only the thread that called fork. */
static void open_first(void) {
    open_pools();
    pthread_atfork(NULL, NULL, open_pools);
}

/* Starts threads until there are `workers`. If the system refuses one, fewer threads do the work. */
static void grow(struct parallel_pool *pool, int32_t workers) {
    while (pool->workers < workers) {
        pthread_t thread;
        const intptr_t number = (intptr_t)(pool - pools) * MOST_WORKERS + pool->workers;
        if (pthread_create(&thread, NULL, work, (void *)number) != 0) {
            return;
        }
        pthread_detach(thread);
        pool->workers++;
    }
}

/* Fills the next slot from `job` and lets the workers of the pool see it. */
static struct parallel_job *publish(struct parallel_pool *pool, const struct parallel_job *given) {
    const long long number = atomic_load(&pool->current) + 1;
    struct parallel_job *job = &pool->slots[number % SLOTS];
    while (atomic_load(&job->visitors) > 0) { /* visitors of a job SLOTS jobs ago: this almost never waits */
        sched_yield();
    }
    job->body = given->body;
    job->arg = given->arg;
    job->count = given->count;
    job->grain = given->grain;
    job->ranges = given->ranges;
    job->workers = given->workers;
    job->threads = given->threads;
    atomic_store(&job->next, 0);
    atomic_store(&job->finished, 0);
    atomic_store(&pool->current, number);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
    return job;
}

void parallel_for(const struct parallel *parallel, int64_t count, int64_t grain,
                  void (*body)(void *arg, int64_t begin, int64_t end), void *arg) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (count <= 0) {
        return;
    }
    pthread_once(&once, open_first);
    grain = grain < 1 ? 1 : grain;
    const int64_t ranges = (count - 1) / grain + 1;
    const int32_t most = parallel_threads(parallel);
    const int32_t threads = most < ranges ? most : (int32_t)ranges;
    struct parallel_pool *pool = place.pool == NULL ? &pools[0] : place.pool;
    /* Ranges never depend on the thread that runs them, so running them all here gives the same bits. */
    if (threads <= 1 || atomic_flag_test_and_set(&pool->busy)) {
        const uint64_t before = subnormal_off();
        for (int64_t range = 0; range < ranges; range++) {
            body(arg, range * grain, range + 1 < ranges ? (range + 1) * grain : count);
        }
        subnormal_restore(before);
        return;
    }
    grow(pool, threads - 1);
    struct parallel_job *job = publish(pool, &(struct parallel_job){.body = body,
                                                                    .arg = arg,
                                                                    .count = count,
                                                                    .grain = grain,
                                                                    .ranges = ranges,
                                                                    .workers = threads - 1,
                                                                    .threads = place.pool == NULL ? most : 1});
    take_ranges(job);
    for (int64_t look = 0; atomic_load(&job->finished) < ranges; look++) {
        if (look < PATIENCE) {
            look_again();
        } else {
            sched_yield();
        }
    }
    atomic_flag_clear(&pool->busy);
}
