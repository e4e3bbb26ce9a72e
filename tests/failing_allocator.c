/* tests/failing_allocator.c: see tests/failing_allocator.h. */
#define _GNU_SOURCE
#include "tests/failing_allocator.h"

#include <errno.h>
#include <stdatomic.h>

static atomic_long calls;
static atomic_long calls_left; /* > 0: the call with which this becomes 0 fails, once */

#if ALLOCATOR_COUNTS
/* Counts a call. 1 if it has to fail. */
static int count_call(void) {
    atomic_fetch_add(&calls, 1);
    return atomic_load(&calls_left) > 0 && atomic_fetch_sub(&calls_left, 1) == 1;
}

/* The functions of glibc, under the names that it exports for this purpose. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    return count_call() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return count_call() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return count_call() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return count_call() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    *out = count_call() ? NULL : __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}
#endif

long allocator_calls(void) {
    return atomic_load(&calls);
}

long allocator_fail(long number) {
    return atomic_exchange(&calls_left, number);
}
