/* kit/run_on_threads.c: see kit/run_on_threads.h. */
#include "kit/run_on_threads.h"

#include <sched.h>
#include <stdatomic.h>

/* The number of times that a thread tests whether all others are ready, before it begins to yield its processor between
 * tests (there may be fewer processors than threads); and the number of times that it yields, for a total of a fraction
 * of a second, before it starts without the missing threads. */
enum { LOOKS = 2000, YIELDS = 100000 };

struct thread_start {
    void (*body)(void *arg, int32_t k);
    void *arg;
    int32_t threads;
    atomic_int arrived;
};

static void join_in(void *arg, int64_t begin, int64_t end) {
    struct thread_start *start = arg;
    atomic_fetch_add(&start->arrived, 1);
    for (int look = 0; look < LOOKS + YIELDS && atomic_load(&start->arrived) < start->threads; look++) {
        if (look >= LOOKS) {
            sched_yield();
        }
    }
    for (int64_t k = begin; k < end; k++) {
        start->body(start->arg, (int32_t)k);
    }
}

void run_on_threads(const struct parallel *parallel, void (*body)(void *arg, int32_t k), void *arg) {
    struct thread_start start = {.body = body, .arg = arg, .threads = parallel->threads};
    parallel_for(parallel, start.threads, 1, join_in, &start);
}
