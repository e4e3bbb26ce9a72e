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

#include "data/reader.h"

#define TABLE_MAX_COLUMNS 65536

struct table_format {
    char separator; /* between fields: an ASCII character, not a quote or a line end */
    int has_quotes;
};

/* A file that is mapped, and where its rows are: 12 bytes of memory for each row, and the fields of one. */
struct table {
    int64_t rows;
    int32_t columns;
    const char *const *names; /* [columns] the fields of the first row; NUL-terminated, UTF-8 */
    const int32_t *lines;     /* [rows] the line of the file on which each row starts, from 1 */
    const char *file;
    /* private to table.c */
    struct file_map map;
    const size_t *begin; /* [rows + 1] the byte of the file at which each row begins */
    struct table_format format;
    int cr_ends_lines;         /* the text has CR and no LF */
    struct table_cursor *last; /* the row whose fields were asked for last */
};

/* Opens and checks a file: a row is read again when its fields are asked for. A file without rows is RONDO_INVALID. Reports up
 * to ten mistakes, each at its place, and the progress to `reader`. Memory is from `arena`; path->text is borrowed for
 * messages. Close it afterwards, also after a failure. */
rondo_status table_open(struct table *table, const struct reader *reader, const struct reader_path *path,
                        struct table_format format, struct arena *arena, struct errors *errors);
void table_close(struct table *table);

/* The fields of a row, [columns], NUL-terminated; valid until those of another row are asked for. */
const char *const *table_row(const struct table *table, int64_t row);
/* A pass over the rows has reached this one: gives back the memory of the file before it (file_map_pass). */
rondo_status table_pass(struct table *table, int64_t row, struct errors *errors);

#endif
