/* io/file_map.h: a file as memory. Its pages are read when they are first used, and those that a pass over the file has
 * left behind are given back, so that a file of any size takes only a few megabytes of memory.
 *
 *     struct file_map map;
 *     RONDO_TRY(file_map_open(&map, "corpus.txt", where, errors));
 *     for (size_t at = 0; at < map.length && status == RONDO_OK;) {
 *         at = … map.bytes[at] …;
 *         status = file_map_pass(&map, at, errors);
 *     }
 *     file_map_close(&map);
 *
 * A file that becomes shorter while it is mapped is detected by the next file_map_pass. The process gets SIGBUS if it reads
 * one of the lost pages before that, as with every mapped file; the risk lasts for the time between two calls.
 *
 * Threads: any, on different maps.
 */
#ifndef RONDO_IO_FILE_MAP_H
#define RONDO_IO_FILE_MAP_H

#include "core/status.h"

/* Zero-initialised, it is closed. */
struct file_map {
    const char *bytes; /* [length], read-only, not NUL-terminated */
    size_t length;
    const char *file;  /* the name in messages; borrowed */
    int descriptor;    /* -1: the bytes belong to the caller (file_map_of_bytes) */
    size_t given_back; /* bytes from the start that the present pass has given back */
    void *address;     /* of the mapping; NULL: none, since the file is empty */
};

/* The number of bytes after which file_map_pass does something. */
#define FILE_MAP_STEP ((size_t)4 << 20)

/* Errors as file_read; a file that is larger than the address space that the process may have is RONDO_INVALID. Close with
 * file_map_close, also after a failure. */
rondo_status file_map_open(struct file_map *map, const char *file, struct location where, struct errors *errors);
/* The same interface for bytes in memory, which are borrowed until the map is closed. */
struct file_map file_map_of_bytes(const char *file, const char *bytes, size_t length);

/* 1 if the pass over the file has come so far that file_map_pass should be called with `at`. */
static inline int file_map_is_due(const struct file_map *map, size_t at) {
    return at < map->given_back || at - map->given_back >= FILE_MAP_STEP;
}
/* The pass over the file has reached byte `at`: the memory of the bytes before it is given back. They may be read again. An
 * `at` before that of the last call begins another pass. RONDO_IO if the file has become shorter. */
rondo_status file_map_pass(struct file_map *map, size_t at, struct errors *errors);
void file_map_close(struct file_map *map);

#endif
