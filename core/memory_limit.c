#define _GNU_SOURCE
#include "core/memory_limit.h"

#include <sys/mman.h>
#include <sys/resource.h>
#ifdef __linux__
#include <sys/sysinfo.h>
#endif

#include "core/memory_group.h"
#include "core/number.h"

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

static uint64_t swap_bytes(void) {
#ifdef __linux__
    struct sysinfo found;
    if (sysinfo(&found) == 0) {
        return (uint64_t)found.totalswap * found.mem_unit;
    }
#endif
    return 0;
}

/* A figure of /proc; 0: unknown. See proc(5). */
static uint64_t figure(const char *path, const char *name) {
    const uint64_t number = memory_file_number(path, name);
    return number == MEMORY_NO_NUMBER ? 0 : number;
}

struct memory_limit memory_limit(void) {
    struct memory_limit least = {machine_bytes(), memory_used(), "physical memory and swap"};
    const struct memory_group group = memory_group("", swap_bytes());
    if (group.limit < least.bytes) {
        least = (struct memory_limit){group.limit, group.used, "the limit of the container or control group"};
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        (uint64_t)limit.rlim_cur < least.bytes) {
        least = (struct memory_limit){(uint64_t)limit.rlim_cur, figure("/proc/self/status", "VmSize"),
                                      "the limit on addresses, 'ulimit -v'"};
    }
    return least;
}

struct memory_text memory_text(uint64_t bytes) {
    struct memory_text text;
    const double size = (double)bytes, kilo = 1e3, mega = 1e6, giga = 1e9;
    if (bytes < (uint64_t)kilo) {
        number_print(text.text, sizeof text.text, "%d byte%s", (int)bytes, bytes == 1 ? "" : "s");
    } else {
        number_print(text.text, sizeof text.text, "%.1f %s",
                     size / (size < mega   ? kilo
                             : size < giga ? mega
                                           : giga),
                     size < mega   ? "kB"
                     : size < giga ? "MB"
                                   : "GB");
    }
    return text;
}

struct memory_limit_text memory_limit_text(void) {
    const struct memory_limit limit = memory_limit();
    struct memory_limit_text text = {""};
    if (limit.bytes != UINT64_MAX && limit.used > 0) {
        number_print(text.text, sizeof text.text, "; %s are in use of at most %s, which is %s",
                     memory_text(limit.used).text, memory_text(limit.bytes).text, limit.source);
    }
    return text;
}

uint64_t memory_used(void) {
    return figure("/proc/self/status", "VmRSS");
}

/* Not getrusage: its peak includes that of the process that executed this program. */
uint64_t memory_peak(void) {
    return figure("/proc/self/status", "VmHWM");
}

int memory_has_room(uint64_t more) {
    if (more < MEMORY_MANY) {
        return 1;
    }
    const uint64_t available = figure("/proc/meminfo", "MemAvailable");
    return (available == 0 || more <= available + figure("/proc/meminfo", "SwapFree")) &&
           more <= memory_group("", swap_bytes()).room;
}

int memory_has_addresses(uint64_t bytes) {
    void *room = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return room != MAP_FAILED && munmap(room, (size_t)bytes) == 0;
}
