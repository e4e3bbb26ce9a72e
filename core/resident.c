#define _DEFAULT_SOURCE /* mincore */
#include "core/resident.h"

#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

size_t resident_bytes(const void *data, size_t bytes) {
#ifdef __linux__
    enum { PAGES = 1024 }; /* of one call */
    unsigned char is_in_memory[PAGES];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const uintptr_t end = (uintptr_t)data + bytes;
    size_t count = 0;
    for (uintptr_t at = (uintptr_t)data / page * page; at < end; at += PAGES * page) {
        const size_t left = (end - at + page - 1) / page, pages = left < PAGES ? left : PAGES;
        if (mincore((void *)at, pages * page, is_in_memory) != 0) { /* NOLINT(performance-no-int-to-ptr) */
            return bytes;
        }
        for (size_t i = 0; i < pages; i++) {
            count += is_in_memory[i] & 1;
        }
    }
    return count * page < bytes ? count * page : bytes;
#else
    (void)data;
    return bytes;
#endif
}
