/* tests/array_goldens.h: the files of tests/golden/arrays.txt, or of another list of this form, such as pictures.txt. */
#ifndef RONDO_TESTS_ARRAY_GOLDENS_H
#define RONDO_TESTS_ARRAY_GOLDENS_H

#include "core/arena.h"

struct array_goldens {
    const char *name; /* of the list */
    char *text;
};

/* Memory from `arena`; failure fails the running test. */
void array_goldens_open(struct array_goldens *goldens, struct arena *arena);
void array_goldens_open_list(struct array_goldens *goldens, const char *name, struct arena *arena);
/* The bytes of a file. */
unsigned char *array_goldens_file(const struct array_goldens *goldens, const char *name, struct arena *arena,
                                  size_t *length);
/* Line number `index` that begins with "values", without this word; NULL after the last. From `arena`. */
const char *array_goldens_values(const struct array_goldens *goldens, int index, struct arena *arena);

#endif
