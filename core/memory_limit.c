#define _GNU_SOURCE
#include "core/memory_limit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* A line of a file of /proc in kilobytes, as bytes; 0: there is none. See proc(5). */
static uint64_t line_bytes(const char *path, const char *name) {
    const uint64_t unit = 1024;
    const size_t length = strlen(name);
    uint64_t kilobytes = 0;
    char line[256];
    FILE *file = fopen(path, "re");
    while (file != NULL && kilobytes == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            kilobytes = strtoull(line + length + 1, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kilobytes * unit;
}

uint64_t memory_used(void) {
    return line_bytes("/proc/self/status", "VmRSS");
}

/* Not getrusage: its peak includes that of the process that executed this program. */
uint64_t memory_peak(void) {
    return line_bytes("/proc/self/status", "VmHWM");
}

int memory_has_room(uint64_t more) {
    if (more < MEMORY_MANY) {
        return 1;
    }
    const uint64_t available = line_bytes("/proc/meminfo", "MemAvailable");
    return available == 0 || more <= available + line_bytes("/proc/meminfo", "SwapFree");
}

int memory_has_addresses(uint64_t bytes) {
    void *room = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return room != MAP_FAILED && munmap(room, (size_t)bytes) == 0;
}
