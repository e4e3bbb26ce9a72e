/* compare/table_runs.h: the columns of numbers in the table of runs, for CSV and JSON. Internal to compare/. */
#ifndef RONDO_COMPARE_TABLE_RUNS_H
#define RONDO_COMPARE_TABLE_RUNS_H

#include "compare/table_content.h"

struct comparison_run_column {
    const char *key;    /* "score", "test.accuracy" */
    const char *metric; /* NULL: the number at `number` of struct compared_run */
    size_t number;
};
struct comparison_run_columns {
    struct comparison_run_column *items; /* [count] those of time and memory last, if the content has them */
    int32_t count;
};

/* All from `arena`; empty if it fails. */
void table_run_columns_make(const struct comparison_content *content, struct comparison_run_columns *columns,
                            struct arena *arena);
/* NaN: not known. */
double table_run_number(const struct comparison_run_column *column, const struct compared_run *run);

#endif
