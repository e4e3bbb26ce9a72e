/* io/fingerprint.h: sizes and a hash of a file or a folder: enough to notice that it has changed, but no protection
 * against contents that were made to have the same hash.
 *
 * The hash is XXH3 with 64 bits (https://xxhash.com), as 16 hexadecimal digits. It is as fast as reading from the system's
 * cache, so hashing a file that has just been read adds little. That of a folder is over the names of its files, with those
 * of its subfolders, in the order of their bytes, and over the contents of each. Hidden files (".name") are left out, as
 * readers leave them out, and so are the times and the owners of files.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_FINGERPRINT_H
#define RONDO_IO_FINGERPRINT_H

#include "core/status.h"

struct fingerprint {
    char hash[17];
    int is_folder;
    int64_t files; /* 1 for a file */
    int64_t bytes; /* of all files */
};

/* Reads the file or the folder. RONDO_NOT_FOUND: it is missing; RONDO_INVALID: something in it is not a regular file, or
 * folders are nested deeper than 32. */
rondo_status fingerprint_of(const char *path, struct fingerprint *print, struct errors *errors);

/* The fingerprint of a file with these bytes. */
struct fingerprint fingerprint_of_bytes(const void *bytes, size_t length);

#endif
