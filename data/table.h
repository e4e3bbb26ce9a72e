/* data/table.h: rows and fields of a CSV or TSV file, as in RFC 4180.
 *
 * If the format has quotes, a field that begins with a double quote may contain the separator, line breaks, and "" for
 * a quote; a quote elsewhere is a plain character (so 5" works). If it has none, every quote is a plain character.
 * Lines end in LF or CRLF, or in CR if the file contains no LF at all; the last line needs no line end. Empty lines and
 * a byte order mark of UTF-8 are skipped. Everything else is an error with file, line and column: a NUL byte or bytes
 * that are not UTF-8 (as in a binary file), a quote that is never closed, text after a closing quote, a row whose
 * number of fields differs from that of the first row, more than TABLE_MAX_COLUMNS fields. If an error may come from a
 * quote on an earlier line, it names that line. */
#ifndef RONDO_DATA_TABLE_H
#define RONDO_DATA_TABLE_H

#include "core/arena.h"

/* Files larger than this are refused. */
#define TABLE_MAX_BYTES   ((size_t)2 << 30)
#define TABLE_MAX_COLUMNS 65536

struct table_format {
    char separator; /* between fields: an ASCII character, not a quote or a line end */
    int has_quotes;
};

struct table {
    int64_t rows;
    int32_t columns;
    const char *const *fields; /* [rows * columns], NUL-terminated, UTF-8 */
    const int32_t *lines;      /* [rows] the line of the file on which each row starts, from 1 */
    const char *file;
};

/* Parses a text, which is modified; the table points into it; text[length] is NUL. `file` is for messages; borrowed. The other
 * memory is from `arena`. A text without rows is RONDO_INVALID. Reports up to ten mistakes, each at its place. */
rondo_status table_parse(const char *file, char *text, size_t length, struct table_format format, struct arena *arena,
                         struct table *table, struct errors *errors);

#endif
