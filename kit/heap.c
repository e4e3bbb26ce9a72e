#define _GNU_SOURCE
#include "kit/heap.h"

#include <stdlib.h>

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
#include <malloc.h>
static int64_t counted(void) {
    const struct mallinfo2 info = mallinfo2(); /* all arenas; large blocks are counted separately */
    return (int64_t)info.uordblks + (int64_t)info.hblkhd;
}

/* mallinfo2 does not count the malloc of a sanitizer or of valgrind. The test block is large, because a small block may
 * come from memory that the C library already counts as in use. */
int64_t heap_in_use(void) {
    enum { PROBE = 100000 };
    const int64_t before = counted();
    void *volatile probe = malloc(PROBE);
    const int is_counted = probe != NULL && counted() >= before + PROBE;
    free(probe);
    return is_counted ? before : -1;
}
#else
int64_t heap_in_use(void) {
    return -1;
}
#endif

double heap_leak(void (*call)(void *arg), void *arg, int count) {
    if (heap_in_use() < 0) {
        return -1;
    }
    for (int i = 0; i < count; i++) {
        call(arg);
    }
    const int64_t before = heap_in_use();
    for (int i = 0; i < count; i++) {
        call(arg);
    }
    const int64_t grown = heap_in_use() - before;
    return grown <= 0 ? 0 : (double)grown / count;
}
