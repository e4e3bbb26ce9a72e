/* core/parallel.h: the only way to run code on several threads. parallel.c implements it with its own pool;
 * parallel_openmp.c, which a build with -Dthreads=openmp contains instead, with an OpenMP team. Results are the same
 * with both. */
#ifndef RONDO_CORE_PARALLEL_H
#define RONDO_CORE_PARALLEL_H

#include <stdint.h>

/* How many threads to use; passed to the functions that may run on several. */
struct parallel {
    int32_t threads; /* >= 1 */
};

/* The number of threads to use if the user does not choose one: the number of processors that this process may use;
 * with OpenMP, the value of OMP_NUM_THREADS if it is set. */
int32_t parallel_processors(void);

/* What runs the threads: "pool" or "openmp". */
const char *parallel_kind(void);

/* The most threads that parallel_for would use if called now. Inside a body that already runs on several threads, 1; but if the job
 * has fewer ranges than threads, those are divided among the ranges, and a body may use those of its range. (With OpenMP, 1.) */
int32_t parallel_threads(const struct parallel *parallel);

/* Calls body(arg, begin, end) for consecutive ranges that cover [0, count), each `grain` >= 1 long except the last. The
 * ranges do not depend on the number of threads. Runs on the calling thread if there is only one range, if
 * parallel_threads is 1, or while another thread of the process uses the pool. Returns when all ranges are done.
 *
 * Bodies run without subnormal numbers (core/subnormal.h), on whichever thread they run.
 *
 * In a process that was forked, OpenMP's threads are not used if the parent has used them before. */
void parallel_for(const struct parallel *parallel, int64_t count, int64_t grain,
                  void (*body)(void *arg, int64_t begin, int64_t end), void *arg);

#endif
