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

/* What the line is made of. */
enum curve_marks {
    CURVE_AUTO = 0,   /* CURVE_BRAILLE where the stream is a terminal whose locale is UTF-8, else CURVE_ASCII */
    CURVE_ASCII = 1,  /* '*', '|' and '+' */
    CURVE_BRAILLE = 2 /* 2 by 4 dots in a character, UTF-8 */
};

struct curve {
    const char *title;    /* a line above; NULL: none */
    const double *values; /* [count], at equal distances along x; one that is not finite leaves a gap */
    int64_t count;
    const char *x_label; /* a line below; NULL: none */
    double first, last;  /* x of the first and of the last value */
    int32_t marks;       /* enum curve_marks */
    int32_t columns;     /* of the plot without its axis, up to 200; 0: 60 */
    int32_t rows;        /* up to 50; 0: 8 */
};

/* Draws it. The plot spans the least and the greatest finite value, which stand at its left; with one value alone it is
 * a line in the middle. Between two columns the line has no gaps, so that a sudden change shows as an upright line, and
 * a peak shows however many values there are. Prints nothing but a note where no value is finite. */
void curve_print(FILE *out, const struct curve *curve);

#endif
