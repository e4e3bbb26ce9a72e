/* io/file.h: the one place that reads and writes files: whole files, files written completely or not at all, and paths.
 *
 * Threads: any, on different files.
 */
#ifndef RONDO_IO_FILE_H
#define RONDO_IO_FILE_H

#include "core/arena.h"

/* The whole file, NUL-terminated, from `arena`; its size in *length (may be NULL). RONDO_NOT_FOUND if it is missing,
 * RONDO_INVALID if it is not a regular file or is larger than `max_bytes`. Errors are reported at `where` (zero: no
 * place). */
rondo_status file_read(const char *file, size_t max_bytes, struct arena *arena, char **text, size_t *length,
                       struct location where, struct errors *errors);

/* Opens a regular file for reading; the caller closes *descriptor. Errors as file_read. */
rondo_status file_open(const char *file, int *descriptor, int64_t *bytes, struct location where, struct errors *errors);
/* Reads up to `wanted` bytes at the place of the descriptor; *got is less only at the end of the file. */
rondo_status file_next(int descriptor, const char *file, void *buffer, size_t wanted, size_t *got,
                       struct location where, struct errors *errors);

/* Adds "cannot VERB 'file': reason", where the reason is the system's text for `error` (a value of errno). Returns
 * `status`, or RONDO_NO_MEMORY for ENOMEM. */
rondo_status file_failed(struct errors *errors, rondo_status status, struct location where, const char *verb,
                         const char *file, int error);

/* The size of a file and the 64-bit FNV-1a hash of its bytes: enough to detect that a file has changed, but no
 * protection against a file that was made to have the same hash. RONDO_NOT_FOUND if it cannot be opened. */
rondo_status file_hash(const char *file, int64_t *bytes, uint64_t *hash, struct errors *errors);

/* Writes a file completely or not at all: to a temporary file in the same folder, which is synced and then renamed over
 * it. RONDO_IO on failure; the temporary file is then removed. */
rondo_status file_write(const char *file, const void *bytes, size_t length, struct errors *errors);

/* The same in several pieces: begin, any number of pieces, then commit, or abort. A piece that fails aborts. If the
 * file system supports it (O_TMPFILE), the temporary file has no name until commit, so that a killed process
 * leaves no file, except if it is killed within commit. */
struct file_writer {
    int descriptor;   /* descriptor of the temporary file; -1: closed */
    int folder;       /* what `name` is relative to: an open folder, or AT_FDCWD; borrowed */
    const char *name; /* borrowed */
    const char *file; /* the name in messages; borrowed */
    char *temporary;  /* its name, relative to `folder` like `name`; from malloc */
    int is_unnamed;   /* the file does not have this name yet */
};
rondo_status file_begin(struct file_writer *writer, const char *file, struct errors *errors);
/* `name` within a folder that is open under the descriptor `folder`; `file` is for messages. */
rondo_status file_begin_in(struct file_writer *writer, int folder, const char *name, const char *file,
                           struct errors *errors);
rondo_status file_piece(struct file_writer *writer, const void *bytes, size_t length, struct errors *errors);
rondo_status file_commit(struct file_writer *writer, struct errors *errors);
/* Does nothing after a commit or an abort. */
void file_abort(struct file_writer *writer);
/* Removes the temporary files that killed processes have left in the open folder `folder`, or in its subfolder `name` ("."):
 * those of processes that no longer exist, and all whose names begin with `own`, which no process may be writing now. */
void file_remove_left_over(int folder, const char *name, const char *own);

/* Returns when the disk has what was written. 0 or a value of errno; file systems that cannot sync count as synced. */
int file_sync(int descriptor);
/* The same for the names in a folder. */
int file_sync_folder(int folder, const char *name);

/* 1 if something of this name exists. */
int file_exists(const char *file);
/* 1 if both names lead to the same file or folder, through links, too. */
int file_is_same(const char *left, const char *right);
/* Creates a folder and its missing parent folders. *made (may be NULL) is the number of folders created, counted from
 * `folder` upwards. After a failure, none of them remains. */
rondo_status folder_create(const char *folder, int32_t *made, struct errors *errors);
/* Undoes folder_create: removes `made` folders, from `folder` upwards, as far as they are empty. */
void folder_remove(const char *folder, int32_t made);
/* "folder/name", or `name` itself if it is absolute or folder is "." or empty. From `arena`; NULL: no memory. */
const char *path_join(struct arena *arena, const char *folder, const char *name);
/* The folder part of a path, "." without one. From `arena`. */
const char *path_folder(struct arena *arena, const char *file);
/* The absolute path without symbolic links if the file exists, else the path made absolute by the working directory. */
const char *path_absolute(struct arena *arena, const char *file);

#endif
