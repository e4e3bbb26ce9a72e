/* tests/failing_allocator.h: counts the calls of the allocator, and lets one of them fail.
 *
 * The functions of the allocator are replaced in the whole process, also for libraries. A call that fits the block that was
 * freed just before it neither counts nor fails: that memory is there. Sanitizers replace them too, so in their builds nothing
 * is counted and nothing fails.
 *
 *     for (long number = 1; ALLOCATOR_COUNTS && status != RONDO_OK; number++) {
 *         allocator_fail(number);
 *         status = work();
 *         const long left = allocator_fail(0);    > 0: the work needed fewer calls, so it did not fail
 *         …
 *     }
 */
#ifndef RONDO_TESTS_FAILING_ALLOCATOR_H
#define RONDO_TESTS_FAILING_ALLOCATOR_H

#include <stdlib.h> /* defines __GLIBC__ */

#include "core/sanitizer.h"

#if defined(__GLIBC__) && !SANITIZER_SHADOW
#define ALLOCATOR_COUNTS 1
#else
#define ALLOCATOR_COUNTS 0
#endif

/* Calls so far. */
long allocator_calls(void);
/* The call `number` from now on fails, once; 0: none does. Returns what was left of the number before. */
long allocator_fail(long number);

#endif
