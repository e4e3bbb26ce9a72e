/* kit/at_once.h: the same work on several threads at the same time, to find what a plug-in shares among calls. */
#ifndef RONDO_KIT_AT_ONCE_H
#define RONDO_KIT_AT_ONCE_H

#include "core/parallel.h"

/* Calls body(arg, k) for k = 0 .. parallel->threads - 1, each on a thread of its own; all of them begin together, as
 * far as the machine lets them. What a body hands to parallel_for runs on its thread. */
void at_once(const struct parallel *parallel, void (*body)(void *arg, int32_t k), void *arg);

#endif
