/* core/memory_limit.h: an upper bound of the memory that this process can use.
 *
 * Threads: any.
 */
#ifndef RONDO_CORE_MEMORY_LIMIT_H
#define RONDO_CORE_MEMORY_LIMIT_H

#include "rondo/plugin.h"

/* A process that writes to more than `bytes` bytes of memory fails. Less than this may be free. */
struct memory_limit {
    uint64_t bytes;     /* UINT64_MAX: unknown */
    const char *source; /* "physical memory and swap" */
};

/* The smaller of two numbers: the machine's memory and swap space, and the limit on the addresses of the process
 * (RLIMIT_AS, `ulimit -v`). */
struct memory_limit memory_limit(void);

#endif
