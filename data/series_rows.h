/* data/series_rows.h: the rows of tables with a column of times as series: one after the other, in the order of time, a row
 * for each step.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_DATA_SERIES_ROWS_H
#define RONDO_DATA_SERIES_ROWS_H

#include "data/series_calendar.h"
#include "data/table_file.h"

enum series_gaps {
    SERIES_GAPS_ERROR,   /* a missing step is a mistake of the file */
    SERIES_GAPS_MISSING, /* it becomes a row whose numbers are missing */
    SERIES_GAPS_IGNORE   /* consecutive rows are consecutive steps, whatever their times */
};

/* What is read. */
struct series_form {
    const struct reader *reader;
    struct table_file_options table;
    const struct reader_column *time, *series;  /* series: where.file NULL: all rows are of one series */
    const struct reader_column *const *numbers; /* [n_numbers] */
    int32_t n_numbers;
    int32_t n_targets;      /* the first of them, which must be above `least` */
    double least;           /* -INFINITY: any number */
    const char *least_text; /* what a target at or below it lacks, for the message */
    const char *time_format, *missing_text;
    int32_t gaps; /* enum series_gaps */
};

struct series_list {
    const char *name; /* "" without a column of series */
    int64_t begin, count;
    int day;                   /* of the month, of monthly rows: date_add */
    struct location last_line; /* of the last row in the file */
};

struct series_rows {
    struct arena *arena;
    struct series_list *series; /* in the order of their first rows */
    int32_t n_series;
    int64_t rows;
    int64_t *time;  /* [rows] */
    float *values;  /* [rows, n_numbers]; NaN: missing */
    int64_t filled; /* rows that were missing (SERIES_GAPS_MISSING) */
    struct series_calendar calendar;
};

/* Reads all files of a source. `known`: step and zone of the training data, which these rows must have as well; NULL: they are
 * learned. Mistakes are reported at their lines, up to ten. Close it afterwards, also after a failure. */
rondo_status series_rows_open(struct series_rows *rows, const struct series_form *form,
                              const struct reader_source *source, const struct series_calendar *known,
                              struct errors *errors);
void series_rows_close(struct series_rows *rows);

/* Private to series_rows.c and series_grid.c: rows in the order of their series and of time, before gaps are looked for. */
struct series_raw {
    int64_t rows;
    int64_t *time, *from;   /* [rows] time; row of `values` */
    float *values;          /* [rows, n_numbers], in the order of the files */
    struct location *lines; /* [rows] of the row of `values` */
    int64_t *begin;         /* [n_series + 1] */
};
/* Finds the step, fills or reports gaps, and sets time, values, series and calendar. */
rondo_status series_grid(struct series_rows *rows, const struct series_form *form, const struct series_raw *raw,
                         const struct series_calendar *known, struct errors *errors);

#endif
