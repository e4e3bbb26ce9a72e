/* kit/heap.h: how much of the heap is in use, to find memory that a plug-in never frees. */
#ifndef RONDO_KIT_HEAP_H
#define RONDO_KIT_HEAP_H

#include <stdint.h>

/* The reason for skipping a check that needs the amount of memory in use. */
#define HEAP_IS_UNKNOWN "this C library, or a sanitizer or valgrind, does not report how much of the heap is in use"

/* Bytes allocated by malloc and not freed; -1 if this is not reported. */
int64_t heap_in_use(void);

/* Bytes that each of `count` calls leaves allocated. The same number of calls is made first, so that memory that is
 * allocated once does not count. Below 1 if nothing leaks; -1 if the amount in use is not reported. */
double heap_leak(void (*call)(void *arg), void *arg, int count);

#endif
