#define _DEFAULT_SOURCE /* madvise */
#include "core/memory.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20, LEAST_HUGE = 2 * HUGE_PAGE };

/* initial-exec: the first access of another model may allocate, and glibc ends the process if that fails. */
#if defined(__GNUC__)
__attribute__((tls_model("initial-exec")))
#endif
static _Thread_local uint64_t refused;

void memory_refuse(uint64_t bytes) {
    refused = bytes;
}

uint64_t memory_take_refused(void) {
    const uint64_t bytes = refused;
    refused = 0;
    return bytes;
}

static void *note(void *memory, size_t bytes) {
    if (memory == NULL && bytes > 0) {
        memory_refuse(bytes);
    }
    return memory;
}

void *memory_alloc(size_t bytes) {
    return note(malloc(bytes), bytes);
}

void *memory_calloc(size_t count, size_t size) {
    return note(calloc(count, size), size != 0 && count > SIZE_MAX / size ? SIZE_MAX : count * size);
}

void *memory_realloc(void *old, size_t bytes) {
    return note(realloc(old, bytes), bytes);
}

void *memory_aligned(size_t alignment, size_t bytes) {
    if (bytes < LEAST_HUGE || bytes > SIZE_MAX - HUGE_PAGE) {
        return note(aligned_alloc(alignment, bytes), bytes);
    }
    const size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = note(aligned_alloc(HUGE_PAGE, whole), bytes);
#ifdef MADV_HUGEPAGE
    if (memory != NULL) {
        (void)madvise(memory, whole, MADV_HUGEPAGE); /* a system that refuses has lost nothing but time */
    }
#endif
    return memory;
}
