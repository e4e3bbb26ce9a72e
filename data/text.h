/* data/text.h: the reader of texts with a label or a number each, from TSV or CSV files.
 *
 * The vocabulary and the labels come from the training file alone; every other file is read with them. A word that is
 * not in the vocabulary becomes UNKNOWN_WORD; a label that is not among those of the training file is an error at its
 * file and line. A text without a token becomes one UNKNOWN_WORD.
 */
#ifndef RONDO_DATA_TEXT_H
#define RONDO_DATA_TEXT_H

#include "data/dataset.h"
#include "data/vocabulary.h"

/* A recurrence keeps its states at every step, so a text without end would take all memory: longer ones are refused
 * unless max_length cuts them. */
#define TEXT_MAX_TOKENS 100000

/* Options of the reader: keys of `data:` in an experiment, by text_options_table. */
struct text_options {
    int32_t format;     /* 0 auto (by the file's ending), 1 csv, 2 tsv */
    int32_t header;     /* the first row holds the names of the columns */
    int32_t target;     /* 0 label (a class), 1 number */
    int32_t lowercase;  /* lower-case ASCII letters */
    int64_t min_count;  /* a word seen fewer times in training is unknown */
    int64_t max_words;  /* size of the vocabulary, 0: no limit */
    int64_t max_length; /* tokens kept of each text, from its start; 0: all */
};
extern const rondo_option text_options_table[];

/* A column, by number from 0 or, with header: true, by name. `where` is for messages. */
struct text_column {
    const char *text;
    struct location where;
};

/* What the training file taught; needed to read anything else in the same way. */
struct text_reader {
    struct text_options options;
    struct text_column text, label;
    struct vocabulary *words;
    struct vocabulary *labels; /* NULL with target: number */
};

/* Fills `reader` (options and columns set by the caller) with words and labels from `file`. The caller frees both with
 * text_reader_clear, also after a failure. */
rondo_status text_reader_learn(struct text_reader *reader, const char *file, struct location where,
                               struct errors *errors);
/* Reads `file` as examples; *dataset is NULL after a failure, else owned by the caller. Mistakes in the file (an unseen
 * label, a number that is none) are reported at file:line, up to ten of them; a missing file at `where`. */
rondo_status text_reader_read(const struct text_reader *reader, const char *file, struct location where,
                              struct dataset **dataset, struct errors *errors);
/* Appends one text without a target: for prediction. */
rondo_status text_reader_add(const struct text_reader *reader, const char *text, struct dataset *dataset,
                             struct errors *errors);
/* An empty dataset of the reader's kinds. NULL where memory is short. */
struct dataset *text_reader_dataset(const struct text_reader *reader);
void text_reader_clear(struct text_reader *reader);

#endif
