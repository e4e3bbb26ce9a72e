/* experiment/data_section.h: the section `data` of an experiment: the reader, its options, and the data files.
 *
 *     data:
 *       reader: text
 *       train: data/train.tsv                      a path, a list of paths, or a path for each stream
 *       valid: data/valid.tsv                      the same, or a part of the training file: {last: 0.1}, {share: 0.1}
 *       columns: {text: body, label: class}        of readers of tables
 *       window: 100                                of readers of long sequences
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_DATA_SECTION_H
#define RONDO_EXPERIMENT_DATA_SECTION_H

#include "data/reader.h"
#include "data/scaling.h"
#include "experiment/plugin_section.h"

/* Keys of `data:` that belong to no reader. */
struct data_options {
    int64_t window; /* steps of a window of long sequences (data/windows.h); 0: sequences are not cut */
    int32_t carry;  /* states are carried from window to window */
    int32_t scale_input, scale_target; /* struct scaling_options */
};
extern const rondo_option data_table[];

struct data_files {
    const struct reader_path *paths;
    int32_t count;         /* 0: not given, or a part of the training file */
    struct location where; /* of the key; file NULL: not given */
};

struct data_section {
    const struct yaml_node *node;      /* the section */
    const struct reader_class *reader; /* NULL: refused */
    void *options;                     /* of the reader */
    struct reader_column *columns;     /* in the order of reader->columns; NULL: none */
    struct data_files train, valid, test;
    struct parts parts;
    struct data_options settings;
    struct location sequences_where, carry_where, season_where; /* of `window`, `carry` and `season` */
};

/* Reads the section; memory from the reader's arena. Reports every mistake. */
void data_section_read(const struct plugin_reader *reader, struct yaml_node *section, struct data_section *read);

/* Warns, at its place, of a file of validation or test examples that is also one of another part. Asks the system for the files. */
void data_section_warn(const struct data_section *section, struct errors *warnings);

/* 1 if the experiment gives data of this part. */
int data_section_has(const struct data_section *section, enum part_name part);

#endif
