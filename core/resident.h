/* core/resident.h: how much of a range of addresses is in memory.
 *
 * Threads: any.
 */
#ifndef RONDO_CORE_RESIDENT_H
#define RONDO_CORE_RESIDENT_H

#include <stddef.h>

/* Bytes of the range that are in memory: the system gives an allocation memory page by page, when each is first written to. All
 * of them if the system does not say. */
size_t resident_bytes(const void *data, size_t bytes);

#endif
