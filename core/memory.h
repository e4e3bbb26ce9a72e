/* core/memory.h: allocations that remember how much was refused, for the message (errors_no_memory in core/status.h).
 *
 * The functions are those of <stdlib.h>, and free frees what they return. Arrays that grow with the data or the model use
 * them, and so does core/arena.h.
 *
 * Threads: any. What was refused is remembered for each thread, like errno: an error is added by the thread whose
 * allocation failed.
 */
#ifndef RONDO_CORE_MEMORY_H
#define RONDO_CORE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

void *memory_alloc(size_t bytes); /* malloc */
void *memory_calloc(size_t count, size_t size);
void *memory_realloc(void *old, size_t bytes);
/* aligned_alloc; `bytes` is a multiple of `alignment`, which is at most 2 MiB. From 4 MiB on, Linux is asked for huge pages of
 * 2 MiB: a loop that walks through several arrays at the same time then waits less often for the address of a page. At most
 * one such page becomes resident beyond what is written to. */
void *memory_aligned(size_t alignment, size_t bytes);

/* Notes that `bytes` were refused otherwise: by memory_has_room, or by a library. */
void memory_refuse(uint64_t bytes);
/* Bytes of the allocation that was refused last on this thread, since the last call of this function. 0: none. */
uint64_t memory_take_refused(void);

#endif
