/* core/memory_group.h: what the control groups of this process leave it of the machine's memory. A container is such a group.
 *
 * Linux ends a process of a group that writes to more memory than the group may have. Source: cgroups(7); the files
 * memory.max, memory.current and memory.stat of version 2 (Documentation/admin-guide/cgroup-v2.rst of the kernel),
 * memory.limit_in_bytes and memory.usage_in_bytes of version 1 (Documentation/admin-guide/cgroup-v1/memory.rst).
 *
 * Threads: any. Nothing is allocated.
 */
#ifndef RONDO_CORE_MEMORY_GROUP_H
#define RONDO_CORE_MEMORY_GROUP_H

#include <stdint.h>

/* In bytes, with swap space. A limit of an outer group holds for those in it, so each figure is that of the strictest. */
struct memory_group {
    uint64_t limit; /* UINT64_MAX: none */
    uint64_t used;  /* of the limit, by all processes of the group, without files that can be read again */
    uint64_t room;  /* that is left before some group is full; UINT64_MAX: no limit */
};

/* `root` is put before the paths of /proc and /sys: "" but in tests. `swap`: swap space of the machine. */
struct memory_group memory_group(const char *root, uint64_t swap);

/* A number of a file whose lines are "NAME NUMBER" or "NAME: NUMBER kB", such as /proc/meminfo; the first number of the file if
 * `name` is NULL, where "max" is UINT64_MAX. Only the first 8 kB of the file are read. UINT64_MAX - 1, MEMORY_NO_NUMBER: there is
 * none. */
#define MEMORY_NO_NUMBER (UINT64_MAX - 1)
uint64_t memory_file_number(const char *path, const char *name);

#endif
