#include "core/parallel.h"

#include <omp.h>
#include <stddef.h>

int32_t parallel_processors(void) {
    return (int32_t)omp_get_num_procs();
}

int32_t parallel_threads(const struct parallel *parallel) {
    return parallel == NULL || omp_in_parallel() ? 1 : parallel->threads;
}

void parallel_for(const struct parallel *parallel, int64_t count, int64_t grain,
                  void (*body)(void *arg, int64_t begin, int64_t end), void *arg) {
    if (count <= 0) {
        return;
    }
    if (grain < 1) {
        grain = 1;
    }
    const int64_t ranges = (count - 1) / grain + 1;
    int64_t threads = parallel_threads(parallel);
    if (threads > ranges) {
        threads = ranges;
    }
    if (threads <= 1) {
        for (int64_t range = 0; range < ranges; range++) {
            body(arg, range * grain, range + 1 < ranges ? (range + 1) * grain : count);
        }
        return;
    }
    /* Which thread takes which range does not matter: what is in a range never depends on it. */
#pragma omp parallel for schedule(dynamic, 1) num_threads((int)threads)
    for (int64_t range = 0; range < ranges; range++) {
        body(arg, range * grain, range + 1 < ranges ? (range + 1) * grain : count);
    }
}
