/* cli/plot.h: plots, and the two ways to show them: as text on a terminal (cli/plot_text.c) and as SVG (cli/plot_svg.c).
 *
 *     struct plot plot = {.title = "learning rate", .x.label = "update"};
 *     plot.series[plot.n_series++] = (struct plot_series){.x = updates, .y = rates, .count = n};
 *     plot_print(stdout, &plot, NULL);
 *
 * A plot has one of four forms: series over an x axis, a matrix of classes, a grid of shares, or bars. All that it points to is borrowed.
 *
 * Threads: a plot belongs to one thread at a time.
 */
#ifndef RONDO_CLI_PLOT_H
#define RONDO_CLI_PLOT_H

#include <stdint.h>
#include <stdio.h>

#include "core/arena.h"

enum plot_mark {
    PLOT_LINE = 0,   /* from point to point; a value that is not finite leaves a gap */
    PLOT_POINTS = 1, /* in any order */
    PLOT_BAND = 2    /* the area from `y` to `upper` */
};

struct plot_series {
    const char *name;    /* in the legend; NULL: not there */
    int32_t mark;        /* enum plot_mark */
    const double *x;     /* [count], in ascending order unless the mark is PLOT_POINTS; NULL: 0, 1, 2, … */
    const double *y;     /* [count] */
    const double *upper; /* [count] of a band, else NULL */
    int64_t count;
};

struct plot_axis {
    const char *label;        /* what is measured, and its unit; NULL: none */
    const char *const *names; /* [n_names] texts of the values 0, 1, 2, …, such as dates; NULL: numbers */
    int64_t n_names;
    int is_whole; /* only whole numbers are values */
};

/* How often each true class (row) is predicted as each class (column). */
struct plot_matrix {
    const char *const *names; /* [count] of the classes */
    const double *values;     /* [count, count], at least 0 */
    int64_t count;
};

/* A share for each pair of a row and a column, such as what each symbol of a text attended to. */
struct plot_grid {
    const char *const *row_names;    /* [rows] */
    const char *const *column_names; /* [columns] */
    const float *values;             /* [rows, columns] in [0, 1] */
    int64_t rows, columns;
};

struct plot_bars {
    const char *const *names; /* [count] */
    const double *values;     /* [count], at least 0 */
    int64_t count;
};

enum { PLOT_MOST_SERIES = 8, PLOT_MOST_NOTES = 12 };

struct plot {
    const char *title; /* NULL: none */
    struct plot_axis x, y;
    struct plot_series series[PLOT_MOST_SERIES]; /* later ones are drawn over earlier ones */
    int32_t n_series;
    const struct plot_matrix *matrix;   /* NULL: none */
    const struct plot_grid *grid;       /* NULL: none */
    const struct plot_bars *bars;       /* NULL: none */
    const char *notes[PLOT_MOST_NOTES]; /* lines below */
    int32_t n_notes;
};

/* Adds a series. More than PLOT_MOST_SERIES are ignored. */
void plot_add(struct plot *plot, struct plot_series series);
/* Adds a line below; NULL is ignored, and so are more than PLOT_MOST_NOTES. */
void plot_note(struct plot *plot, const char *text);

/* ---- text ---- */

enum plot_characters {
    PLOT_AUTO = 0,   /* PLOT_BRAILLE if the stream is a terminal with a UTF-8 locale, else PLOT_ASCII */
    PLOT_ASCII = 1,  /* '*', '|' and '+' */
    PLOT_BRAILLE = 2 /* UTF-8: 2 by 4 dots in a character, shades of blocks */
};

struct plot_style {
    int32_t characters; /* enum plot_characters */
    int32_t columns;    /* width of the plot without its axis, up to 200; 0: as wide as the terminal, else 60 */
    int32_t rows;       /* height of series, up to 50; 0: 8 */
    int32_t colors;     /* 1: escape sequences for colours; 0: none; -1: on a terminal, unless NO_COLOR is set */
};

/* Draws a plot. Series span the smallest and the largest finite value, which are printed at the left; if they are equal,
 * the curve is a line in the middle. A line has no gaps between columns: a sudden change is a vertical line, and a single
 * peak is visible even among many values. Classes that do not fit one by one are drawn in groups. style NULL: as suits
 * the stream. */
void plot_print(FILE *out, const struct plot *plot, const struct plot_style *style);

/* ---- SVG ---- */

enum { PLOT_MOST_CELLS = 120 };

/* The plots as one SVG document, one below the other, for light and dark backgrounds. Its size is bounded: series are
 * reduced to the least and the greatest value of each column, points to one of each place, and classes to groups; of a
 * grid, the first PLOT_MOST_CELLS rows and columns are drawn. From malloc, with its length in *length; NULL: out of memory. */
char *plot_svg(const struct plot *const *plots, int32_t count, const char *title, size_t *length);

/* ---- for both ---- */

/* low > high: there is no finite value. */
struct plot_range {
    double low, high;
};
struct plot_range plot_range_of_x(const struct plot *plot);
struct plot_range plot_range_of_y(const struct plot *plot);
/* Where a value is in the range, from 0 to 1; 0.5 if the range is one value. */
double plot_share(struct plot_range range, double value);

double plot_x(const struct plot_series *series, int64_t index);

/* The range of a line, or of one edge of a band (`values`), from x = begin to x = end, both interpolated; *next is where
 * the search begins, 0 at first, for calls with ascending `begin`. */
struct plot_range plot_slice(const struct plot_series *series, const double *values, double begin, double end,
                             int64_t *next);

/* A matrix whose classes are joined in `count` groups of neighbours, so that it has at most `most`. */
struct plot_groups {
    int64_t count, size; /* size: classes of a group; the last may have fewer */
};
struct plot_groups plot_groups(const struct plot_matrix *matrix, int64_t most);
/* The share of the examples of group `row` that were predicted as one of group `column`; NaN: there are none. */
double plot_group_share(const struct plot_matrix *matrix, struct plot_groups groups, int64_t row, int64_t column);
/* The number of examples of group `row`. */
double plot_group_rows(const struct plot_matrix *matrix, struct plot_groups groups, int64_t row);
/* The first row, column and value of the most frequent confusions, in descending order; at most `most`. Returns their
 * number. */
struct plot_confusion {
    int64_t row, column;
    double value;
};
int32_t plot_confusions(const struct plot_matrix *matrix, struct plot_confusion *found, int32_t most);

/* Numbers that are round in decimal: first, first + step, … within the range. At least one, about `wanted`. is_whole: only
 * whole numbers, if the range has any. */
struct plot_ticks {
    double first, step;
    int32_t count;
};
struct plot_ticks plot_ticks(struct plot_range range, int32_t wanted, int is_whole);
/* The text of value `value` of an axis: its name, or the number in `format`. */
struct plot_text {
    char text[64];
};
struct plot_text plot_axis_text(const struct plot_axis *axis, double value, const char *format);

#endif
