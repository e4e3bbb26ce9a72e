/* data/label_column.h: a column of class labels, or of other names, for the readers of tables.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_LABEL_COLUMN_H
#define RONDO_DATA_LABEL_COLUMN_H

#include "data/table_file.h"
#include "data/vocabulary.h"

/* Adds the labels of a file of the training data to `labels`. An empty label is a mistake at its line, and so are two labels
 * that differ only in blanks: they would silently become separate classes. */
rondo_status label_column_learn(struct table_file *file, int32_t column, struct vocabulary *labels);
/* The check for blanks of a column whose texts name other things than classes: `labels` has those of the files so far, and
 * this one. Messages: "NAME 'a ' differs from 'a' …, and would be another THING". */
struct column_words {
    const char *name, *thing;
};
rondo_status label_column_check_blanks(struct table_file *file, int32_t column, const struct vocabulary *labels,
                                       struct column_words words);
/* Orders the labels by text, after the last file (`name`). RONDO_INVALID if there are fewer than two. */
rondo_status label_column_finish(struct vocabulary *labels, const char *name, struct errors *errors);
/* The class of example `index`; -1 after a mistake, which is reported and counted. */
int32_t label_column_class(struct table_file *file, int64_t index, int32_t column, const struct vocabulary *labels);

#endif
