/* store/vocabulary_file.h: the words and labels of a run as JSON: {"words": ["<unk>", …], "labels": ["great",
 * "other"]}. */
#ifndef RONDO_STORE_VOCABULARY_FILE_H
#define RONDO_STORE_VOCABULARY_FILE_H

#include "data/vocabulary.h"

/* The text of the file, to be freed by the caller. `labels` NULL: the target is a number. NULL: out of memory. */
char *vocabulary_file_text(const struct vocabulary *words, const struct vocabulary *labels);
/* Reads a file. The caller owns both; *labels is NULL if the file has none. After a failure both are NULL. */
rondo_status vocabulary_file_read(const char *file, struct vocabulary **words, struct vocabulary **labels,
                                  struct errors *errors);

#endif
