/* kit/run_on_threads.h: runs the same work on several threads at the same time, to find memory that a plug-in shares
 * between calls.
 */
#ifndef RONDO_KIT_RUN_ON_THREADS_H
#define RONDO_KIT_RUN_ON_THREADS_H

#include "core/parallel.h"

/* Calls body(arg, k) for k = 0 .. parallel->threads - 1, each on its own thread. All of them begin at the same time, as
 * far as the machine allows. Bodies of parallel_for that a body starts run on its own thread. */
void run_on_threads(const struct parallel *parallel, void (*body)(void *arg, int32_t k), void *arg);

#endif
