#include "kit/at_once.h"

#include <sched.h>
#include <stdatomic.h>

/* Looks at who is here before a thread offers its processor to those that are not, of which there may be more than
 * processors; and how often it offers it, a fraction of a second, before it goes without who never came. */
enum { LOOKS = 2000, OFFERS = 100000 };

struct crowd {
    void (*body)(void *arg, int32_t k);
    void *arg;
    int32_t threads;
    atomic_int here;
};

static void join_in(void *arg, int64_t begin, int64_t end) {
    struct crowd *crowd = arg;
    atomic_fetch_add(&crowd->here, 1);
    for (int look = 0; look < LOOKS + OFFERS && atomic_load(&crowd->here) < crowd->threads; look++) {
        if (look >= LOOKS) {
            sched_yield();
        }
    }
    for (int64_t k = begin; k < end; k++) {
        crowd->body(crowd->arg, (int32_t)k);
    }
}

void at_once(const struct parallel *parallel, void (*body)(void *arg, int32_t k), void *arg) {
    struct crowd crowd = {.body = body, .arg = arg, .threads = parallel->threads};
    parallel_for(parallel, crowd.threads, 1, join_in, &crowd);
}
