/* madvise is not in POSIX. */
#define _DEFAULT_SOURCE

#include "io/file_map.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/file.h"

rondo_status file_map_open(struct file_map *map, const char *file, struct location where, struct errors *errors) {
    *map = (struct file_map){.file = file, .descriptor = -1};
    int descriptor;
    int64_t bytes;
    RONDO_TRY(file_open(file, &descriptor, &bytes, where, errors));
    map->descriptor = descriptor;
    if ((uint64_t)bytes > SIZE_MAX / 2) {
        return file_failed(errors, RONDO_INVALID, where, "map", file, ENOMEM);
    }
    map->length = (size_t)bytes;
    map->bytes = ""; /* a mapping cannot be empty */
    if (bytes == 0) {
        return RONDO_OK;
    }
    void *address = mmap(NULL, map->length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
        memory_refuse((uint64_t)bytes);
        return file_failed(errors, RONDO_INVALID, where, "map", file, errno);
    }
    (void)posix_madvise(address, map->length, POSIX_MADV_SEQUENTIAL); /* only advice */
    map->address = address;
    map->bytes = address;
    return RONDO_OK;
}

struct file_map file_map_of_bytes(const char *file, const char *bytes, size_t length) {
    return (struct file_map){.bytes = bytes, .length = length, .file = file, .descriptor = -1};
}

rondo_status file_map_pass(struct file_map *map, size_t at, struct errors *errors) {
    if (at < map->given_back) {
        map->given_back = 0;
    }
    const size_t end = at - at % FILE_MAP_STEP; /* of whole pages */
    if (map->address == NULL || end == map->given_back) {
        return RONDO_OK;
    }
    /* The pages are read-only, so nothing is lost; on failure they stay in memory. */
    (void)madvise((char *)map->address + map->given_back, end - map->given_back, MADV_DONTNEED);
    map->given_back = end;
    struct stat info;
    return fstat(map->descriptor, &info) == 0 && (uintmax_t)info.st_size >= map->length
               ? RONDO_OK
               : errors_add_at(errors, RONDO_IO, (struct location){.file = map->file},
                               "the file became shorter while it was read");
}

void file_map_close(struct file_map *map) {
    if (map->address != NULL) {
        munmap(map->address, map->length);
    }
    if (map->file != NULL && map->descriptor >= 0) {
        close(map->descriptor);
    }
    *map = (struct file_map){.descriptor = -1};
}
