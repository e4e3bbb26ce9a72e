/* core/memory_limit.h: how much memory this process can have at most, and how much it has.
 *
 * Threads: any.
 */
#ifndef RONDO_CORE_MEMORY_LIMIT_H
#define RONDO_CORE_MEMORY_LIMIT_H

#include "rondo/plugin.h"

/* A process that writes to more than `bytes` of memory fails. This much need not be free at present. */
struct memory_limit {
    uint64_t bytes;     /* UINT64_MAX: unknown */
    uint64_t used;      /* of these, at present; 0: unknown */
    const char *source; /* "physical memory and swap" */
};

/* The smallest one of the machine's memory with its swap space, of that of its container or control group
 * (core/memory_group.h), and of the limit on the process's addresses (RLIMIT_AS, `ulimit -v`). */
struct memory_limit memory_limit(void);
/* "1.2 GB", "33.6 MB", "512.0 kB", "64 bytes". */
struct memory_text {
    char text[24];
} memory_text(uint64_t bytes);
/* "; 3.1 GB are in use of at most 4.0 GB, which is physical memory and swap": for a message that memory is short. "" if nothing
 * is known. */
struct memory_limit_text {
    char text[128];
} memory_limit_text(void);

/* Bytes of memory that the process has at present (resident set), and has had at most since it began. 0: unknown. Files that
 * are mapped count as far as they are in memory. */
uint64_t memory_used(void);
uint64_t memory_peak(void);

/* 0 if `more` bytes are more than the machine, or the container, has left without ending a process: available memory and free swap
 * space. Linux grants such memory, and ends the process when it writes to it. For arrays that grow with the data: asks the system
 * only if `more` is at least MEMORY_MANY, and otherwise is 1. */
#define MEMORY_MANY ((uint64_t)16 << 20)
int memory_has_room(uint64_t more);

/* 0 if a limit such as `ulimit -v` leaves no addresses for a map of this size. */
int memory_has_addresses(uint64_t bytes);

#endif
