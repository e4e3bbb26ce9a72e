#define _GNU_SOURCE
#include "core/memory_limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/sysinfo.h>
#endif

/* UINT64_MAX: unknown. Other systems than Linux extend their swap space as needed, or report it each in its own way. */
static uint64_t machine_bytes(void) {
#ifdef __linux__
    struct sysinfo found;
    if (sysinfo(&found) == 0) {
        return ((uint64_t)found.totalram + found.totalswap) * found.mem_unit;
    }
#endif
    return UINT64_MAX;
}

struct memory_limit memory_limit(void) {
    const struct memory_limit machine = {machine_bytes(), "physical memory and swap"};
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        (uint64_t)limit.rlim_cur >= machine.bytes) {
        return machine;
    }
    return (struct memory_limit){(uint64_t)limit.rlim_cur, "the limit on addresses, 'ulimit -v'"};
}

uint64_t memory_used(void) {
    uint64_t pages = 0;
#ifdef __linux__
    FILE *file = fopen("/proc/self/statm", "re"); /* proc(5): the size and the resident set, in pages */
    if (file != NULL) {
        pages = fscanf(file, "%*u %" SCNu64, &pages) == 1 ? pages : 0;
        fclose(file);
    }
#endif
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t memory_peak(void) {
    struct rusage usage;
    const uint64_t unit = 1024; /* getrusage(2) */
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * unit : 0;
}
