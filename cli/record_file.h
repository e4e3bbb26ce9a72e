/* cli/record_file.h: writes a table as CSV (RFC 4180: a heading, commas, quotes where needed, CRLF) or as a JSON array of objects, one
 * record at a time, so that its size does not matter. pandas.read_csv and pandas.read_json read both.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_RECORD_FILE_H
#define RONDO_CLI_RECORD_FILE_H

#include "core/arena.h"
#include "io/file.h"

/* A value of a record. Without text and with a number that is not finite, it is missing: empty, or null. */
struct record_cell {
    const char *text; /* any bytes; those that are not UTF-8 become U+FFFD */
    double number;
};
struct record_cell record_text(const char *text); /* NULL: missing */
struct record_cell record_number(double number);  /* not finite: missing */
struct record_cell record_count(int64_t count);   /* negative: missing */
/* A value of an experiment: a number if it is one, else a text. */
struct record_cell record_value(const char *text);

struct record_file {
    const char *const *columns; /* [count] */
    int32_t count;
    int is_json, is_standard; /* is_standard: to standard output */
    struct file_writer writer;
    char *buffer; /* from malloc */
    size_t length;
    int64_t records;
    struct errors *errors; /* sticky: after a failure, nothing more is written */
};

/* Begins a file that ends in .csv or .json, any other ending is RONDO_INVALID; NULL: CSV on standard output. `columns` is borrowed. */
rondo_status record_file_begin(struct record_file *file, const char *name, const char *const *columns, int32_t count,
                               struct errors *errors);
/* One record: a cell for each column. */
rondo_status record_file_add(struct record_file *file, const struct record_cell *cells);
/* Ends the file, which is written completely or not at all. Always called after a successful begin. */
rondo_status record_file_end(struct record_file *file);

#endif
