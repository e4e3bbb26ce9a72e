/* data/text.h: the reader of texts with one label or one number each, from TSV or CSV files.
 *
 * The vocabulary and the labels come from the training file only; every other file is read with them. A word that is
 * not in the vocabulary becomes UNKNOWN_WORD. A label that the training file does not have is an error at its file and
 * line. Two labels of the training file that differ only in blanks are an error with both lines. A text without a token
 * becomes one UNKNOWN_WORD.
 */
#ifndef RONDO_DATA_TEXT_H
#define RONDO_DATA_TEXT_H

#include "core/interrupt.h"
#include "data/dataset.h"
#include "data/table.h"
#include "data/vocabulary.h"

/* A recurrence keeps its states at every step, so a very long text would take all memory: longer texts are refused
 * unless max_length cuts them. */
#define TEXT_MAX_TOKENS 100000

enum text_format { TEXT_FORMAT_AUTO, TEXT_FORMAT_CSV, TEXT_FORMAT_TSV }; /* auto: by the ending of the file's name */
enum text_separator { TEXT_SEPARATOR_AUTO, TEXT_COMMA, TEXT_TAB, TEXT_SEMICOLON, TEXT_BAR }; /* auto: by the format */
enum text_quotes { TEXT_QUOTES_AUTO, TEXT_QUOTES_DOUBLE, TEXT_QUOTES_NONE }; /* auto: none if the separator is a tab */

/* Options of the reader: keys of `data:` in an experiment, by text_options_table. */
struct text_options {
    int32_t format;     /* enum text_format */
    int32_t separator;  /* enum text_separator */
    int32_t quotes;     /* enum text_quotes */
    int32_t header;     /* the first row holds the names of the columns */
    int32_t target;     /* 0 label (a class), 1 number */
    int32_t lowercase;  /* lower-case ASCII letters */
    int64_t min_count;  /* a word seen fewer times in training is unknown */
    int64_t max_words;  /* size of the vocabulary, 0: no limit */
    int64_t max_length; /* tokens kept of each text, from its start; 0: all */
};
extern const rondo_option text_options_table[];

/* A column, by number from 0 or, with header: true, by name. */
struct text_column {
    const char *text;
    int is_name;           /* written in quotes: never a number if there is a header */
    struct location where; /* for messages */
};

/* What was collected from the training file; needed to read any other file in the same way. */
struct text_reader {
    struct text_options options;
    struct text_column text, label;
    struct interrupt interrupt; /* asked every thousand rows */
    struct vocabulary *words;
    struct vocabulary *labels; /* NULL with target: number */
};

/* Fills `reader` (options, columns and interrupt set by the caller) with words and labels from `file`. The caller frees
 * both with text_reader_clear, also after a failure. */
rondo_status text_reader_learn(struct text_reader *reader, const char *file, struct location where,
                               struct errors *errors);
/* Reads `file` as examples; *dataset is NULL after a failure, else owned by the caller. Mistakes in the file (an
 * unknown label, text instead of a number) are reported at file:line, up to ten of them; a missing file at `where`. */
rondo_status text_reader_read(const struct text_reader *reader, const char *file, struct location where,
                              struct dataset **dataset, struct errors *errors);
/* One column of a table, for prediction: the texts of rows first_row .. table.rows - 1. */
struct text_rows {
    struct table table;
    int64_t first_row; /* 1 if there is a header, else 0 */
    int32_t column;
};
/* Reads `file` as a table of the reader's format, `auto` by the ending of `format_file`, and finds `column` in it; other
 * columns may contain anything. If `text` is not NULL, it is the table (`length` bytes and a NUL, which are changed), and
 * `file` is only for messages. All memory from `arena`. */
rondo_status text_reader_rows(const struct text_reader *reader, const struct text_column *column, const char *file,
                              const char *format_file, char *text, size_t length, struct arena *arena,
                              struct text_rows *rows, struct errors *errors);
const char *text_rows_text(const struct text_rows *rows, int64_t row);

/* Appends one text without a target: for prediction. */
rondo_status text_reader_add(const struct text_reader *reader, const char *text, struct dataset *dataset,
                             struct errors *errors);
/* An empty dataset of the reader's kinds. NULL if memory is short. */
struct dataset *text_reader_dataset(const struct text_reader *reader);
void text_reader_clear(struct text_reader *reader);

#endif
