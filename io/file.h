/* io/file.h: the one place that reads and writes files: whole files, files written completely or not at all, and paths.
 *
 * Threads: any, on different files.
 */
#ifndef RONDO_IO_FILE_H
#define RONDO_IO_FILE_H

#include "core/arena.h"

/* The whole file, NUL-terminated, from `arena`; its size in *length (may be NULL). RONDO_NOT_FOUND where it is missing,
 * RONDO_INVALID where it is no regular file or larger than `max_bytes`. The error is at `where`; zero: none. */
rondo_status file_read(const char *file, size_t max_bytes, struct arena *arena, char **text, size_t *length,
                       struct location where, struct errors *errors);

/* Adds "cannot VERB 'file': reason", where the reason is the system's text for `error` (a value of errno). Returns
 * `status`. */
rondo_status file_failed(struct errors *errors, rondo_status status, struct location where, const char *verb,
                         const char *file, int error);

/* Writes a file whole or not at all: a temporary file beside it, synced, then renamed over it. `write` may be NULL for
 * plain bytes. RONDO_IO on failure, with nothing left behind. */
rondo_status file_write(const char *file, const void *bytes, size_t length, struct errors *errors);

/* The same in several pieces. Begin gives a descriptor and remembers the temporary name; write pieces; commit renames,
 * abort removes. */
struct file_writer {
    int descriptor; /* -1 when closed */
    const char *file;
    char *temporary; /* malloc'ed */
};
rondo_status file_begin(struct file_writer *writer, const char *file, struct errors *errors);
rondo_status file_piece(struct file_writer *writer, const void *bytes, size_t length, struct errors *errors);
rondo_status file_commit(struct file_writer *writer, struct errors *errors);
void file_abort(struct file_writer *writer);

/* 1 where something of this name exists. */
int file_exists(const char *file);
/* Makes a folder and those above it; RONDO_OK where it is there. */
rondo_status folder_create(const char *folder, struct errors *errors);
/* "folder/name", or `name` itself where it is absolute or folder is "." or empty. From `arena`; NULL: no memory. */
const char *path_join(struct arena *arena, const char *folder, const char *name);
/* The folder part of a path, "." without one. From `arena`. */
const char *path_folder(struct arena *arena, const char *file);
/* An absolute path without symbolic links where it exists, else the path made absolute by the working directory. */
const char *path_absolute(struct arena *arena, const char *file);

#endif
