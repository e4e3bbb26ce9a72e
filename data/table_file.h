/* data/table_file.h: a CSV or TSV file with a header and named columns, for the readers of tables.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_TABLE_FILE_H
#define RONDO_DATA_TABLE_FILE_H

#include "data/reader.h"
#include "data/table.h"

enum table_file_kind { TABLE_FILE_AUTO, TABLE_FILE_CSV, TABLE_FILE_TSV }; /* auto: by the ending of its name */
enum table_file_separator {
    TABLE_SEPARATOR_AUTO,
    TABLE_COMMA,
    TABLE_TAB,
    TABLE_SEMICOLON,
    TABLE_BAR
};                                                                                    /* by the format */
enum table_file_quotes { TABLE_QUOTES_AUTO, TABLE_QUOTES_DOUBLE, TABLE_QUOTES_NONE }; /* auto: none with tabs */

/* The form of the files. */
struct table_file_options {
    int32_t format;    /* enum table_file_kind */
    int32_t separator; /* enum table_file_separator */
    int32_t quotes;    /* enum table_file_quotes */
    int32_t header;    /* the first row holds the names of the columns */
};

/* Rows for the option table of a reader whose struct `S` has the members of struct table_file_options; header_default is
 * "true" or "false". */
extern const char *const table_file_formats[], *const table_file_separators[], *const table_file_quotes[];
#define TABLE_FILE_OPTIONS(S, header_default)                                                                          \
    RONDO_OPTION_CHOICE(S, format, "auto", table_file_formats, "csv or tsv; auto: by the ending of each file's name"), \
        RONDO_OPTION_CHOICE(S, separator, "auto", table_file_separators,                                               \
                            "character between two fields; auto: a comma in csv, a tab in tsv"),                       \
        RONDO_OPTION_CHOICE(S, quotes, "auto", table_file_quotes,                                                      \
                            "double: a field in double quotes may contain separators, line breaks, and \"\" for a "    \
                            "quote; none: a quote is an ordinary character; auto: none if tabs separate the fields, "  \
                            "else double"),                                                                            \
        RONDO_OPTION_BOOL(S, header, header_default, "the first row of each file holds the names of the columns")

/* The same of a reader's own options. */
#define TABLE_FILE_OPTIONS_OF(options)                                                                                 \
    ((struct table_file_options){(options)->format, (options)->separator, (options)->quotes, (options)->header})

/* Refuses `format` together with `separator`. For reader_class.check. */
rondo_status table_file_check(struct table_file_options options, struct errors *errors);

/* Refuses a column that is given twice among the first `count` keys of a reader's columns. For reader_class.check. */
rondo_status table_file_check_columns(const struct reader *reader, int32_t count, struct errors *errors);

/* Mistakes of one file that are reported before reading stops. */
#define TABLE_FILE_MOST_MISTAKES 10

struct table_file {
    struct arena *arena;
    const struct reader *reader; /* gets the progress of reading */
    struct table table;
    int64_t first_row; /* 1 if there is a header, else 0 */
    struct errors *errors;
    int32_t mistakes; /* reported so far */
};

/* 1 if options or the ending of the name decide the format. */
int table_file_has_format(struct table_file_options options, const struct reader_path *path);
/* Opens a file as a table with at least one row after its header; table_file_close afterwards, also after a failure. A
 * missing file is a mistake of the experiment, at path->where; others are reported at the lines of the file. */
rondo_status table_file_open(struct table_file *file, const struct reader *reader, struct table_file_options options,
                             const struct reader_path *path, struct errors *errors);
void table_file_close(struct table_file *file);

/* The number of a column: by number or, with a header, by name. RONDO_INVALID, at column->where, if there is none. */
rondo_status table_file_column(const struct table_file *file, const struct reader_column *column, int32_t *index);

/* The numbers of the columns of a list; none if it is not given. */
rondo_status table_file_columns(const struct table_file *file, const struct reader_column *columns, int32_t *indices);
/* Marks these columns in use[], an entry per column of the table, as those of data.columns.`key`. RONDO_INVALID if one is marked
 * already. */
rondo_status table_file_mark(const struct table_file *file, const struct reader_column *columns, const char *key,
                             const char **use);
/* RONDO_INVALID if another column of the header has the name of this one, by which it is to be found in other files. */
rondo_status table_file_check_name(const struct table_file *file, int32_t column);

/* Examples: rows after the header. */
int64_t table_file_count(const struct table_file *file);
/* At example `index` of a pass over all of them: reports the progress, asks for an interrupt (reader_advance), and gives back
 * the memory of the file before it. */
rondo_status table_file_advance(struct table_file *file, int64_t index);
/* The field of an example, and its place. The text is valid until a field of another example is asked for; the fields of one
 * example after the other are read fastest. */
const char *table_file_field(const struct table_file *file, int64_t index, int32_t column);
struct location table_file_place(const struct table_file *file, int64_t index);

/* A column in messages: "column 'price'", or without a header "column 3". */
struct column_text {
    char text[80];
};
struct column_text table_file_column_text(const struct table_file *file, int32_t column);

/* 1 if a text is a finite number, with blanks around it. */
int table_file_is_number(const char *text, float *number);
/* The number in a field, with blanks around it; NaN after a mistake, which is reported and counted. */
float table_file_number(struct table_file *file, int64_t index, int32_t column);

#endif
