#define _GNU_SOURCE
#include "core/memory_limit.h"

#include <sys/resource.h>
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
