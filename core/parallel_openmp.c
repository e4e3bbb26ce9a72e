/* The threads of core/parallel.h as an OpenMP team (meson -Dthreads=openmp): for clusters that place and bind threads with
 * OMP_NUM_THREADS, OMP_PROC_BIND and OMP_PLACES, and for programs that use OpenMP themselves. core/parallel.c is the
 * default (docs/decisions/0008-threads.md says why).
 *
 * Ranges are handed out one at a time, and which thread takes which does not matter: a range computes the same bits on
 * any thread. */
#define _GNU_SOURCE
#include "core/parallel.h"

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "core/subnormal.h"

/* 1 in a process that was forked after a team had been started: libgomp keeps the threads of its team, which a child does
 * not have, and would wait for them forever. */
static int is_forked;

/* ---- threads that the system refuses ---- */

enum { MOST_STARTED = 4096 };

static atomic_int startable; /* threads beside the caller that the system has started at the same time */

/* A thread that ends when the lock is free. */
static void *wait_for_end(void *arg) {
    pthread_mutex_t *running = arg;
    pthread_mutex_lock(running);
    pthread_mutex_unlock(running);
    return NULL;
}

/* libgomp ends the process if it cannot start a thread of a team. So as many are started and ended before, whenever a team
 * is larger than all before. Returns the number of threads, with the caller, that a team can have. */
static int64_t startable_threads(int64_t threads) {
    pthread_t started[MOST_STARTED];
    pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER;
    int count = 0;
    if (threads - 1 <= atomic_load(&startable)) {
        return threads;
    }
    pthread_mutex_lock(&running);
    while (count < threads - 1 && count < MOST_STARTED &&
           pthread_create(&started[count], NULL, wait_for_end, &running) == 0) {
        count++;
    }
    pthread_mutex_unlock(&running);
    for (int i = 0; i < count; i++) {
        pthread_join(started[i], NULL);
    }
    if (count > atomic_load(&startable)) {
        atomic_store(&startable, count);
    }
    return count + 1;
}

/* OMP_NUM_THREADS, or the number of processors that OpenMP may use. */
int32_t parallel_processors(void) {
    const int threads = omp_get_max_threads();
    return threads < 1 ? 1 : threads;
}

const char *parallel_kind(void) {
    return "openmp";
}

int32_t parallel_threads(const struct parallel *parallel) {
    return parallel == NULL || omp_in_parallel() ? 1 : parallel->threads;
}

static void note_fork(void) {
    is_forked = 1;
}

static void watch_forks(void) {
    pthread_atfork(NULL, NULL, note_fork);
}

void parallel_for(const struct parallel *parallel, int64_t count, int64_t grain,
                  void (*body)(void *arg, int64_t begin, int64_t end), void *arg) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (count <= 0) {
        return;
    }
    grain = grain < 1 ? 1 : grain;
    const int64_t ranges = (count - 1) / grain + 1;
    int64_t threads = is_forked ? 1 : parallel_threads(parallel);
    threads = threads < ranges ? threads : ranges;
    if (threads > 1) {
        pthread_once(&once, watch_forks);
        threads = startable_threads(threads);
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)threads) if (threads > 1)
    for (int64_t range = 0; range < ranges; range++) {
        const uint64_t before = subnormal_off();
        body(arg, range * grain, range + 1 < ranges ? (range + 1) * grain : count);
        subnormal_restore(before);
    }
}
