/* tests/failing_allocator.c: see tests/failing_allocator.h. */
#define _GNU_SOURCE
#include "tests/failing_allocator.h"

#include <errno.h>
#include <stdatomic.h>

static atomic_long calls;
static atomic_long calls_left; /* > 0: the call with which this becomes 0 fails, once */

#if ALLOCATOR_COUNTS
/* Of the block that this thread has freed in the call before; its memory is there for the next one. */
static _Thread_local size_t just_freed;

/* Counts a call. 1 if it has to fail. */
static int count_call(size_t size) {
    const size_t free_bytes = just_freed;
    just_freed = 0;
    if (size <= free_bytes) {
        return 0;
    }
    atomic_fetch_add(&calls, 1);
    const int fails = atomic_load(&calls_left) > 0 && atomic_fetch_sub(&calls_left, 1) == 1;
    errno = fails ? ENOMEM : errno;
    return fails;
}

/* The tests are compiled with hidden symbols; these must be seen by the libraries as well. */
#pragma GCC visibility push(default)

/* The functions of glibc, under the names that it exports for this purpose. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);
size_t malloc_usable_size(void *memory);

void *malloc(size_t size) {
    return count_call(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    return count_call(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    return count_call(size) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return count_call(size) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    *out = count_call(size) ? NULL : __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

void free(void *memory) {
    just_freed = memory == NULL ? just_freed : malloc_usable_size(memory);
    __libc_free(memory);
}
#pragma GCC visibility pop
#endif

long allocator_calls(void) {
    return atomic_load(&calls);
}

long allocator_fail(long number) {
    return atomic_exchange(&calls_left, number);
}
