/* cli/columns.h: rows of texts in aligned columns on a terminal, the first row being the heading.
 *
 *     run           seeds  state     valid.loss
 *     runs/adding       3  finished  0.4857 ± 0.3521
 */
#ifndef RONDO_CLI_COLUMNS_H
#define RONDO_CLI_COLUMNS_H

#include <stdio.h>

#include "core/arena.h"

struct columns {
    const char **cells; /* [rows][count]; NULL is an empty text */
    int32_t rows, count;
    const int *is_right; /* [count] 1: numbers, aligned at their ends */
};

/* A table with room for `rows` rows, all empty; `cells` NULL: out of memory. */
struct columns columns_create(int32_t rows, int32_t count, const int *is_right, struct arena *arena);
void columns_set(struct columns *columns, int32_t row, int32_t column, const char *text);
/* Prints all rows, each after `indent` blanks. A column in which no row but the heading has a text is left out. Texts are escaped
 * (cli/print.h). */
void columns_print(const struct columns *columns, FILE *stream, int indent);

#endif
