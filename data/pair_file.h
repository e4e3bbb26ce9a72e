/* data/pair_file.h: files of pairs of texts, a source and its target, one after the other: two columns of a CSV or TSV file, the
 * lines of two parallel text files, or two keys of a file with a JSON object on each line.
 *
 *     struct pair_file file;
 *     rondo_status status = pair_file_open(&file, &settings, paths, 1, errors);
 *     struct pair pair;
 *     while (status == RONDO_OK && pair_file_has_next(&file)) {
 *         status = pair_file_next(&file, &pair);
 *         … unless pair.is_bad: file.mistakes++ after a mistake of the caller …
 *     }
 *     status = pair_file_close(&file, status);
 *
 * Texts are UTF-8 without NUL bytes. Threads: any, on different objects.
 */
#ifndef RONDO_DATA_PAIR_FILE_H
#define RONDO_DATA_PAIR_FILE_H

#include "data/table_file.h"

enum pair_side { PAIR_SOURCE = 0, PAIR_TARGET = 1, PAIR_SIDES = 2 };
enum pair_format { PAIR_JSON_LINES = TABLE_FILE_TSV + 1 }; /* beside those of tables */

struct pair_file_settings {
    const struct reader *reader;
    struct table_file_options table; /* format: also PAIR_JSON_LINES */
    /* Columns, or keys of JSON objects; text NULL: the first and the second column, or the names of the streams. */
    struct reader_column columns[PAIR_SIDES];
    const char *streams[PAIR_SIDES]; /* names of the sides: "source" or "input", and "target" */
    int has_targets;                 /* 0: only the sources are wanted */
};

struct pair_text {
    const char *text; /* not NUL-terminated */
    size_t length;
    struct location where; /* its line */
};
struct pair {
    struct pair_text side[PAIR_SIDES];
    int64_t index; /* of the pair in the file, from 0 */
    int is_bad;    /* it has a mistake, which was reported */
};

/* Mistakes of one file that are reported before reading stops. */
#define PAIR_FILE_MOST_MISTAKES TABLE_FILE_MOST_MISTAKES

/* A text file with a text on each line, or a JSON object. */
struct pair_lines {
    struct file_map map;
    size_t at; /* the byte that the next line begins at */
    int32_t line;
    int64_t count; /* lines */
};

struct pair_file {
    int64_t count, next; /* pairs in all, and of the next one */
    int32_t mistakes;    /* reported so far */
    const struct pair_file_settings *settings;
    struct errors *errors;
    int32_t form; /* private to pair_file.c */
    struct table_file table;
    int32_t column[PAIR_SIDES];
    const char *key[PAIR_SIDES];
    struct pair_lines lines[PAIR_SIDES];
    struct json_t *object; /* of the last pair */
};

/* 1 if each stream has a file of its own. */
int pair_file_is_parallel(const struct reader_path *paths);
/* Opens one file, or two parallel ones (count 2). RONDO_INVALID, at its place, for files without pairs, parallel files of different
 * lengths, and columns that are missing. Close it afterwards, also after a failure. */
rondo_status pair_file_open(struct pair_file *file, const struct pair_file_settings *settings,
                            const struct reader_path *paths, int32_t count, struct errors *errors);
/* 1 if there is another pair, and few mistakes so far. */
int pair_file_has_next(const struct pair_file *file);
/* The next pair; its texts are valid until the one after it is asked for. Reports the progress, and asks for an interrupt. */
rondo_status pair_file_next(struct pair_file *file, struct pair *pair);
/* Returns `status`, or RONDO_INVALID after mistakes. */
rondo_status pair_file_close(struct pair_file *file, rondo_status status);

#endif
