/* data/label_column.h: a column of class labels, for the readers of tables.
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
/* Orders the labels by text, after the last file (`name`). RONDO_INVALID if there are fewer than two. */
rondo_status label_column_finish(struct vocabulary *labels, const char *name, struct errors *errors);
/* The class of example `index`; -1 after a mistake, which is reported and counted. */
int32_t label_column_class(struct table_file *file, int64_t index, int32_t column, const struct vocabulary *labels);

#endif
