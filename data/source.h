/* data/source.h: the bytes of a file, for every reader of files. */
#ifndef RONDO_DATA_SOURCE_H
#define RONDO_DATA_SOURCE_H

#include "core/arena.h"

/* The whole file, NUL-terminated, from `arena`; its size in *length (may be NULL). RONDO_NOT_FOUND where it is missing,
 * RONDO_INVALID where it is no regular file or larger than `max_bytes`. The error is at `where`; zero: none. */
rondo_status source_read(const char *file, size_t max_bytes, struct arena *arena, char **text, size_t *length,
                         struct location where, struct errors *errors);

/* Adds "cannot VERB 'file': reason", the reason being that of the system for `error` (errno); returns `status`. */
rondo_status source_failed(struct errors *errors, rondo_status status, struct location where, const char *verb,
                           const char *file, int error);

#endif
