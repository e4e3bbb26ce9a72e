/* store/vocabulary_file.h: words and labels of a run as JSON: {"words": ["<unk>", …], "labels": ["great", "other"]}. */
#ifndef RONDO_STORE_VOCABULARY_FILE_H
#define RONDO_STORE_VOCABULARY_FILE_H

#include "data/vocabulary.h"

/* labels may be NULL: the target is a number. Whole or not at all. */
rondo_status vocabulary_file_write(const char *file, const struct vocabulary *words, const struct vocabulary *labels,
                                   struct errors *errors);
/* The caller owns both; *labels is NULL where the file has none. After a failure both are NULL. */
rondo_status vocabulary_file_read(const char *file, struct vocabulary **words, struct vocabulary **labels,
                                  struct errors *errors);

#endif
