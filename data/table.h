/* data/table.h: rows and fields of a CSV or TSV file, as in RFC 4180.
 *
 * A field in double quotes may hold the separator, line breaks, and "" for a quote; elsewhere a quote is a plain
 * character (so 5" works). Lines end in LF or CRLF; the last may lack its end; a line with nothing on it is skipped; a
 * byte order mark is skipped. Everything else is an error with file, line and column: a NUL byte or bytes that are no
 * UTF-8 (as from a binary file), a quote that is never closed, text after a closing quote, a row with another number of
 * fields than the first, more than TABLE_MAX_COLUMNS fields.
 */
#ifndef RONDO_DATA_TABLE_H
#define RONDO_DATA_TABLE_H

#include "core/arena.h"

/* Files larger than this are refused. */
#define TABLE_MAX_BYTES   ((size_t)2 << 30)
#define TABLE_MAX_COLUMNS 65536

struct table {
    int64_t rows;
    int32_t columns;
    const char *const *fields; /* [rows * columns], NUL-terminated, UTF-8 */
    const int32_t *lines;      /* [rows] where each row starts in the file, from 1 */
    const char *file;
};

/* Reads `file` with `separator` (',' or '\t'). All memory from `arena`. A missing file is RONDO_NOT_FOUND, an empty one
 * RONDO_INVALID. Reports up to ten mistakes of the file, each at its place. */
rondo_status table_read(const char *file, char separator, struct arena *arena, struct table *table,
                        struct errors *errors);

/* The same from text in memory, which the table will point into and which is changed; text[length] is NUL. `file` is
 * for messages; borrowed. */
rondo_status table_parse(const char *file, char *text, size_t length, char separator, struct arena *arena,
                         struct table *table, struct errors *errors);

#endif
