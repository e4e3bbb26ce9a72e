/* kit/heap.h: how much of the heap is in use, to find what a plug-in takes and never gives back. */
#ifndef RONDO_KIT_HEAP_H
#define RONDO_KIT_HEAP_H

#include <stdint.h>

/* Why a check that needs to know is left out. */
#define HEAP_IS_UNKNOWN                                                                                                \
    "how much of the heap is in use is not told (by this C library, or under a sanitizer or valgrind)"

/* Bytes that malloc and its kin have handed out and not got back; -1 where that is not told. */
int64_t heap_in_use(void);

/* Bytes that stay behind each of `count` calls of `call`, after as many calls to grow what is kept on purpose; below
 * one where nothing leaks. -1 where that is not told. */
double heap_leak(void (*call)(void *arg), void *arg, int count);

#endif
