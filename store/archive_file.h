/* store/archive_file.h: an archive (core/archive.h) as a file: a checkpoint. The file is a safetensors file with a checksum
 * (store/tensor_file.h), so that other programs can read the tensors in it; the texts of the archive are its metadata.
 * Values come back with the same bits, those that are not finite too.
 *
 * Threads: any, on different files and archives.
 */
#ifndef RONDO_STORE_ARCHIVE_FILE_H
#define RONDO_STORE_ARCHIVE_FILE_H

#include "core/archive.h"

/* Version of what Rondo puts into the file. A file of another version is refused. The checksum, and the text "version",
 * are part of every version. */
#define ARCHIVE_FILE_VERSION 1

struct file_writer;

/* Writes the archive completely or not at all. The names "checksum", "format" and "version" are reserved: RONDO_INTERNAL.
 * RONDO_NO_MEMORY if the archive has failed. RONDO_IO with the reason of the system. */
rondo_status archive_write(const char *file, const struct archive *archive, struct errors *errors);
/* The same through a writer that has begun; commits it, or aborts it after a failure. */
rondo_status archive_write_to(struct file_writer *writer, const struct archive *archive, struct errors *errors);

/* Reads a file that archive_write has written. NULL with an error: RONDO_NOT_FOUND if there is no such file, RONDO_INVALID if
 * it cannot be opened, is damaged, of another version, or something else, RONDO_IO if the system cannot read from it, and
 * RONDO_NO_MEMORY, with the size, if there is not enough memory for it. Destroy with archive_destroy. */
struct archive *archive_read(const char *file, struct errors *errors);
/* The same. *is_damaged is 1 if the file was not read because it is damaged: an older checkpoint may then take its place. */
struct archive *archive_read_damaged(const char *file, int *is_damaged, struct errors *errors);

#endif
