/* core/parallel.h: the one door to threads. The only file that starts any is parallel.c. */
#ifndef RONDO_CORE_PARALLEL_H
#define RONDO_CORE_PARALLEL_H

#include <stdint.h>

/* How many threads to use; passed to whoever may start some. */
struct parallel {
    int32_t threads; /* >= 1 */
};

/* The number of processors that this process may use. */
int32_t parallel_processors(void);

/* How many threads parallel_for would use at most, called from here: 1 inside a body that runs on several already. */
int32_t parallel_threads(const struct parallel *parallel);

/* Calls body(arg, begin, end) for consecutive ranges that cover [0, count), each `grain` >= 1 long but for the last.
 * The ranges do not depend on the number of threads. Runs on the calling thread alone where there is one range, one
 * thread, or where it is called from a body that runs on several threads already, or while another thread of the
 * process has the pool. Returns when all are done. */
void parallel_for(const struct parallel *parallel, int64_t count, int64_t grain,
                  void (*body)(void *arg, int64_t begin, int64_t end), void *arg);

#endif
