/* cli/curve.h: a curve of numbers, as text of about 60 columns and 8 rows.
 *
 *   learning rate
 *     0.01 ┤⠉⠑⠒⠤⣀
 *          │     ⠑⠢⣀
 *        0 ┤        ⠑⠤
 *           1        60
 *           update
 *
 * struct curve curve = {.title = "learning rate", .values = rates, .count = n, .x_label = "update", .first = 1,
 *                       .last = n};
 * curve_print(stdout, &curve);
 */
#ifndef RONDO_CLI_CURVE_H
#define RONDO_CLI_CURVE_H

#include <stdint.h>
#include <stdio.h>

/* The characters that the line is drawn with. */
enum curve_marks {
    CURVE_AUTO = 0,   /* CURVE_BRAILLE if the stream is a terminal with a UTF-8 locale, else CURVE_ASCII */
    CURVE_ASCII = 1,  /* '*', '|' and '+' */
    CURVE_BRAILLE = 2 /* 2 by 4 dots in a character, UTF-8 */
};

struct curve {
    const char *title;    /* a line above; NULL: none */
    const double *values; /* [count], at equal distances along x; a value that is not finite leaves a gap */
    int64_t count;
    const char *x_label; /* a line below; NULL: none */
    double first, last;  /* x of the first and of the last value */
    int32_t marks;       /* enum curve_marks */
    int32_t columns;     /* width of the plot without its axis, up to 200; 0: 60 */
    int32_t rows;        /* height, up to 50; 0: 8 */
};

/* Draws the curve. The plot spans the smallest and the largest finite value, which are printed at its left; if they are
 * equal, the curve is a line in the middle. The line has no gaps between columns: a sudden change is a vertical line,
 * and a single peak is visible even among many values. If no value is finite, only a note is printed. */
void curve_print(FILE *out, const struct curve *curve);

#endif
