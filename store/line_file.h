/* store/line_file.h: a log: a file that grows by JSON objects, one per line.
 *
 * Threads: one thread per file; line_file_sync any.
 */
#ifndef RONDO_STORE_LINE_FILE_H
#define RONDO_STORE_LINE_FILE_H

#include "core/status.h"

struct json_t;

/* `descriptor` is that of the file, open for reading and appending; `file` is for messages. */

/* Appends a line with one call, so that a reader never sees half of it. If the disk is full, what was written of it is
 * removed. *length, its bytes, grows by the line. */
rondo_status line_file_append(int descriptor, const char *file, const struct json_t *object, int64_t *length,
                              struct errors *errors);
/* 1 if the file was removed, or replaced by another: what is appended to it is lost. */
int line_file_is_removed(int descriptor);
/* Bytes; -1 if the system does not say. */
int64_t line_file_length(int descriptor);
/* Adds a text to `differences` if the file is shorter than `length` bytes, or no line ends there. */
void line_file_compare(int descriptor, const char *file, int64_t length, struct errors *differences);
/* Removes what follows the last line that ends within the first `length` bytes; *left is the number of bytes that remain. */
rondo_status line_file_cut(int descriptor, const char *file, int64_t length, int64_t *left, struct errors *errors);
/* Returns when the disk has the lines. */
rondo_status line_file_sync(int descriptor, const char *file, struct errors *errors);
/* The number of whole lines; what cannot be read is not counted. */
int64_t line_file_count(int descriptor);
/* 1 if the last line is whole and is an object in which `key` is true. */
int line_file_ends_with(int descriptor, const char *key);

#endif
