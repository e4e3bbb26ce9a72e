/* cli/curve.c: see cli/curve.h. A plot is a raster of dots: one per character in ASCII, 2 by 4 in braille. */
#define _POSIX_C_SOURCE 200809L
#include "cli/curve.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "core/number.h"

enum { COLUMNS = 60, MAX_COLUMNS = 200, ROWS = 8, MAX_ROWS = 50 };
enum { DOTS_ACROSS = 2, DOTS_DOWN = 4 }; /* per braille character */

struct plot {
    const struct curve *curve;
    int braille;
    int32_t columns, rows; /* in characters */
    int32_t width, height; /* in dots */
    double low, high;      /* the smallest and the largest finite value */
    unsigned char dots[MAX_ROWS * DOTS_DOWN][MAX_COLUMNS * DOTS_ACROSS];
};

/* Reads the user's locale without setting it, so that numbers are still printed with decimal points. */
static int locale_is_utf8(void) {
    const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (locale == (locale_t)0) {
        return 0;
    }
    const int is_utf8 = strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
    freelocale(locale);
    return is_utf8;
}

static int32_t within(int32_t value, int32_t otherwise, int32_t most) {
    return value <= 0 ? otherwise : value < most ? value : most;
}

/* 0 if no value is finite. */
static int find_range(struct plot *plot) {
    plot->low = INFINITY;
    plot->high = -INFINITY;
    for (int64_t i = 0; i < plot->curve->count; i++) {
        const double value = plot->curve->values[i];
        if (isfinite(value)) {
            plot->low = fmin(plot->low, value);
            plot->high = fmax(plot->high, value);
        }
    }
    return plot->low <= plot->high;
}

/* The curve at a real index, interpolated between its neighbours; NAN if a neighbour with a weight is not finite. */
static double value_at(const struct curve *curve, double index) {
    const int64_t i = (int64_t)index;
    const double share = index - (double)i, value = curve->values[i];
    const double at = share == 0 || i + 1 >= curve->count ? value : value * (1 - share) + curve->values[i + 1] * share;
    return isfinite(at) ? at : NAN;
}

/* Dot 0 is at the top. Numbers are halved before they are subtracted, because the difference of two large numbers may
 * be infinite. */
static int32_t dot_of(const struct plot *plot, double value) {
    const double range = plot->high / 2 - plot->low / 2;
    const double share = range > 0 ? (plot->high / 2 - value / 2) / range : 0.5;
    return (int32_t)fmin(plot->height - 1, fmax(0, round(share * (plot->height - 1))));
}

static void widen(double value, double *least, double *greatest) {
    *least = fmin(*least, value); /* fmin and fmax ignore NAN */
    *greatest = fmax(*greatest, value);
}

/* A column of dots covers all values up to half-way to the neighbouring columns. */
static void draw_column(struct plot *plot, int32_t x) {
    const struct curve *curve = plot->curve;
    const double last = (double)(curve->count - 1);
    const double step = last / (plot->width > 1 ? plot->width - 1 : 1);
    const double begin = fmax(0, (x - 0.5) * step), end = fmin(last, (x + 0.5) * step);
    double least = INFINITY, greatest = -INFINITY;
    widen(value_at(curve, begin), &least, &greatest);
    for (int64_t i = (int64_t)ceil(begin); i <= (int64_t)end; i++) {
        widen(value_at(curve, (double)i), &least, &greatest);
    }
    widen(value_at(curve, end), &least, &greatest);
    if (least > greatest) {
        return;
    }
    for (int32_t y = dot_of(plot, greatest); y <= dot_of(plot, least); y++) {
        plot->dots[y][x] = 1;
    }
}

/* A braille pattern is U+2800 plus one bit per dot; by rows: 1 8, 2 16, 4 32, 64 128. */
static void print_braille(FILE *out, const struct plot *plot, int32_t row, int32_t column) {
    static const unsigned bits[DOTS_DOWN][DOTS_ACROSS] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    unsigned pattern = 0;
    for (int32_t y = 0; y < DOTS_DOWN; y++) {
        for (int32_t x = 0; x < DOTS_ACROSS; x++) {
            pattern |= plot->dots[row * DOTS_DOWN + y][column * DOTS_ACROSS + x] ? bits[y][x] : 0;
        }
    }
    fputc(0xe2, out);
    fputc((int)(0xa0 | pattern >> 6), out);
    fputc((int)(0x80 | (pattern & 0x3f)), out);
}

/* The number of columns up to the last dot of a row, after which no blanks are printed. */
static int32_t columns_used(const struct plot *plot, int32_t row) {
    const int32_t down = plot->height / plot->rows, across = plot->width / plot->columns;
    for (int32_t x = plot->width - 1; x >= 0; x--) {
        for (int32_t y = row * down; y < (row + 1) * down; y++) {
            if (plot->dots[y][x]) {
                return x / across + 1;
            }
        }
    }
    return 0;
}

enum { LABEL_WIDTH = 10 };

/* The label of a row, "0.001": the rows at the ends of the range have one, or the middle row if the range is one value. */
static void print_label(FILE *out, const struct plot *plot, int32_t row) {
    const int is_flat = plot->low == plot->high;
    const int32_t flat_row = dot_of(plot, plot->low) * plot->rows / plot->height;
    const int has_label = is_flat ? row == flat_row : row == 0 || row == plot->rows - 1;
    char label[32] = "";
    if (has_label) {
        number_print(label, sizeof label, "%.3g", row == plot->rows - 1 ? plot->low : plot->high);
    }
    fprintf(out, "%*s %s", LABEL_WIDTH, label,
            plot->braille ? (has_label ? "\xe2\x94\xa4" : "\xe2\x94\x82") : (has_label ? "+" : "|"));
}

static void print_rows(FILE *out, const struct plot *plot) {
    for (int32_t row = 0; row < plot->rows; row++) {
        print_label(out, plot, row);
        const int32_t columns = columns_used(plot, row);
        for (int32_t column = 0; column < columns; column++) {
            if (plot->braille) {
                print_braille(out, plot, row, column);
            } else {
                fputc(plot->dots[row][column] ? '*' : ' ', out);
            }
        }
        fputc('\n', out);
    }
}

/* The first x at the left, the last x at the right; a single value has only one. */
static void print_x(FILE *out, const struct plot *plot) {
    const struct curve *curve = plot->curve;
    char first[32], last[32];
    number_print(first, sizeof first, "%.6g", curve->first);
    number_print(last, sizeof last, "%.6g", curve->last);
    const int between = plot->columns - (int)strlen(first);
    fprintf(out, "%*s  %s", LABEL_WIDTH, "", first);
    if (curve->count > 1) {
        fprintf(out, " %*s", between > 1 ? between - 1 : 0, last);
    }
    fputc('\n', out);
    if (curve->x_label != NULL) {
        fprintf(out, "%*s  %s\n", LABEL_WIDTH, "", curve->x_label);
    }
}

void curve_print(FILE *out, const struct curve *curve) {
    struct plot plot = {.curve = curve,
                        .columns = within(curve->columns, COLUMNS, MAX_COLUMNS),
                        .rows = within(curve->rows, ROWS, MAX_ROWS)};
    plot.braille =
        curve->marks == CURVE_BRAILLE || (curve->marks == CURVE_AUTO && isatty(fileno(out)) && locale_is_utf8());
    plot.width = plot.columns * (plot.braille ? DOTS_ACROSS : 1);
    plot.height = plot.rows * (plot.braille ? DOTS_DOWN : 1);
    if (curve->title != NULL) {
        fprintf(out, "%s\n", curve->title);
    }
    if (!find_range(&plot)) {
        fprintf(out, "%*s  no finite value\n", LABEL_WIDTH, "");
        return;
    }
    for (int32_t x = 0; x < plot.width; x++) {
        draw_column(&plot, x);
    }
    print_rows(out, &plot);
    print_x(out, &plot);
}
