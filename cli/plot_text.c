/* cli/plot_text.c: plots as text, see cli/plot.h. Series are a raster of dots: one per character in ASCII, 2 by 4 in
 * braille. */
#define _DEFAULT_SOURCE /* winsize */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/plot.h"
#include "cli/print.h"
#include "core/number.h"

enum { COLUMNS = 60, MIN_COLUMNS = 20, MAX_COLUMNS = 200, ROWS = 8, MAX_ROWS = 50 };
enum { DOTS_ACROSS = 2, DOTS_DOWN = 4 }; /* per braille character */
enum { LABEL_WIDTH = 10, MOST_NAME = 24 };

struct text_raster {
    const struct plot *plot;
    int braille, colors;
    int32_t columns, rows; /* in characters */
    int32_t width, height; /* in dots */
    struct plot_range x, y;
    unsigned char dots[MAX_ROWS * DOTS_DOWN][MAX_COLUMNS * DOTS_ACROSS]; /* 1 + the series; 0: none */
};

/* ---- the stream ---- */

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

/* The columns of the terminal beside the axis; 0: unknown. */
static int32_t terminal_columns(FILE *out) {
    struct winsize size = {0};
    if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return 0;
    }
    const int32_t columns = size.ws_col - LABEL_WIDTH - 3;
    return columns < MIN_COLUMNS ? MIN_COLUMNS : columns;
}

static int32_t within(int32_t value, int32_t otherwise, int32_t most) {
    return value <= 0 ? otherwise : value < most ? value : most;
}

/* The style with every field decided. */
static struct plot_style style_of(FILE *out, const struct plot_style *wanted) {
    struct plot_style style = {.colors = -1};
    if (wanted != NULL) {
        style = *wanted;
    }
    const int is_terminal = isatty(fileno(out));
    const char *no_color = getenv("NO_COLOR");
    if (style.characters == PLOT_AUTO) {
        style.characters = is_terminal && locale_is_utf8() ? PLOT_BRAILLE : PLOT_ASCII;
    }
    if (style.colors < 0) {
        style.colors = is_terminal && (no_color == NULL || no_color[0] == '\0');
    }
    const int32_t columns = style.columns <= 0 && is_terminal ? terminal_columns(out) : 0;
    style.columns = within(style.columns > 0 ? style.columns : columns, COLUMNS, MAX_COLUMNS);
    style.rows = within(style.rows, ROWS, MAX_ROWS);
    return style;
}

/* ---- the raster ---- */

/* Dot 0 is at the top. */
static int32_t dot_of_y(const struct text_raster *raster, double value) {
    return (int32_t)fmin(raster->height - 1, fmax(0, round((1 - plot_share(raster->y, value)) * (raster->height - 1))));
}

/* Of a band, every second dot in each direction. */
static void draw_span(struct text_raster *raster, int32_t series, int32_t x, struct plot_range span) {
    const int is_band = raster->plot->series[series].mark == PLOT_BAND && raster->braille;
    if (span.low > span.high) {
        return;
    }
    for (int32_t y = dot_of_y(raster, span.high); y <= dot_of_y(raster, span.low); y++) {
        if (!is_band || (x + y) % 2 == 0) {
            raster->dots[y][x] = (unsigned char)(series + 1);
        }
    }
}

/* A column of dots covers all values up to half-way to the neighbouring columns. */
static void draw_line(struct text_raster *raster, int32_t s) {
    const struct plot_series *series = &raster->plot->series[s];
    const double low = raster->x.low, high = raster->x.high;
    const double step = (high - low) / (raster->width > 1 ? raster->width - 1 : 1);
    int64_t next = 0, next_upper = 0;
    for (int32_t x = 0; x < raster->width; x++) {
        const double begin = fmax(low, low + (x - 0.5) * step), end = fmin(high, low + (x + 0.5) * step);
        struct plot_range span = plot_slice(series, series->y, begin, end, &next);
        if (series->mark == PLOT_BAND) {
            const struct plot_range upper = plot_slice(series, series->upper, begin, end, &next_upper);
            span = (struct plot_range){span.low <= upper.high ? span.low : INFINITY, upper.high};
        }
        draw_span(raster, s, x, span);
    }
}

static void draw_points(struct text_raster *raster, int32_t s) {
    const struct plot_series *series = &raster->plot->series[s];
    for (int64_t i = 0; i < series->count; i++) {
        const double x = plot_x(series, i), y = series->y[i];
        if (isfinite(x) && isfinite(y)) {
            const double column = round(plot_share(raster->x, x) * (raster->width - 1));
            raster->dots[dot_of_y(raster, y)][(int32_t)fmin(raster->width - 1, fmax(0, column))] =
                (unsigned char)(s + 1);
        }
    }
}

/* ---- rows of the raster ---- */

static const char *const colors[] = {"\033[36m", "\033[31m", "\033[32m", "\033[35m", "\033[34m", "\033[33m"};
enum { N_COLORS = sizeof colors / sizeof colors[0] };

/* The ASCII characters of each series: light ones for bands, different ones for lines and points. */
static int character_of(const struct plot *plot, int32_t series) {
    static const char marks[] = "*o+x#%@&";
    int32_t index = 0;
    for (int32_t s = 0; s < series; s++) {
        index += plot->series[s].mark != PLOT_BAND;
    }
    return plot->series[series].mark == PLOT_BAND ? ':' : marks[index % (int32_t)(sizeof marks - 1)];
}

/* A braille pattern is U+2800 plus one bit per dot; by rows: 1 8, 2 16, 4 32, 64 128. *series is that of the last dot that
 * is drawn over the others, or -1. */
static unsigned pattern_of(const struct text_raster *raster, int32_t row, int32_t column, int32_t *series) {
    static const unsigned bits[DOTS_DOWN][DOTS_ACROSS] = {{1, 8}, {2, 16}, {4, 32}, {64, 128}};
    unsigned pattern = 0;
    *series = -1;
    for (int32_t y = 0; y < DOTS_DOWN; y++) {
        for (int32_t x = 0; x < DOTS_ACROSS; x++) {
            const int32_t dot = raster->dots[row * DOTS_DOWN + y][column * DOTS_ACROSS + x];
            pattern |= dot != 0 ? bits[y][x] : 0;
            *series = dot - 1 > *series ? dot - 1 : *series;
        }
    }
    return pattern;
}

static void print_cell(FILE *out, const struct text_raster *raster, int32_t row, int32_t column, int32_t *color) {
    int32_t series = -1;
    unsigned pattern = 0;
    if (raster->braille) {
        pattern = pattern_of(raster, row, column, &series);
    } else {
        series = raster->dots[row][column] - 1;
    }
    if (raster->colors && series >= 0 && series != *color) {
        fputs(colors[series % N_COLORS], out);
        *color = series;
    }
    if (raster->braille) {
        fputc(0xe2, out);
        fputc((int)(0xa0 | pattern >> 6), out);
        fputc((int)(0x80 | (pattern & 0x3f)), out);
    } else {
        fputc(series < 0 ? ' ' : character_of(raster->plot, series), out);
    }
}

/* The number of columns up to the last dot of a row, after which no blanks are printed. */
static int32_t columns_used(const struct text_raster *raster, int32_t row) {
    const int32_t down = raster->height / raster->rows, across = raster->width / raster->columns;
    for (int32_t x = raster->width - 1; x >= 0; x--) {
        for (int32_t y = row * down; y < (row + 1) * down; y++) {
            if (raster->dots[y][x]) {
                return x / across + 1;
            }
        }
    }
    return 0;
}

/* The fewest digits, at least 3, that tell the ends of the range apart. */
static const char *label_format(struct plot_range range) {
    static const char *const formats[] = {"%.3g", "%.6g"};
    char low[32], high[32];
    number_print(low, sizeof low, formats[0], range.low);
    number_print(high, sizeof high, formats[0], range.high);
    return formats[range.low < range.high && strcmp(low, high) == 0];
}

/* The label of a row, "0.001": the rows at the ends of the range have one, or the middle row if the range is one value. */
static void print_label(FILE *out, const struct text_raster *raster, int32_t row) {
    const int is_flat = raster->y.low == raster->y.high;
    const int32_t flat_row = dot_of_y(raster, raster->y.low) * raster->rows / raster->height;
    const int has_label = is_flat ? row == flat_row : row == 0 || row == raster->rows - 1;
    char label[32] = "";
    if (has_label) {
        number_print(label, sizeof label, label_format(raster->y),
                     row == raster->rows - 1 ? raster->y.low : raster->y.high);
    }
    fprintf(out, "%*s %s", LABEL_WIDTH, label,
            raster->braille ? (has_label ? "\xe2\x94\xa4" : "\xe2\x94\x82") : (has_label ? "+" : "|"));
}

static void print_rows(FILE *out, const struct text_raster *raster) {
    for (int32_t row = 0; row < raster->rows; row++) {
        print_label(out, raster, row);
        const int32_t columns = columns_used(raster, row);
        int32_t color = -1;
        for (int32_t column = 0; column < columns; column++) {
            print_cell(out, raster, row, column, &color);
        }
        fputs(color >= 0 ? "\033[0m\n" : "\n", out);
    }
}

/* The least x at the left, the greatest at the right; a single value has only one. */
static void print_x(FILE *out, const struct text_raster *raster) {
    const struct plot_axis *axis = &raster->plot->x;
    const struct plot_text first = plot_axis_text(axis, raster->x.low, "%.6g");
    const struct plot_text last = plot_axis_text(axis, raster->x.high, "%.6g");
    const int between = raster->columns - printed_width(first.text, MOST_NAME) - printed_width(last.text, MOST_NAME);
    fprintf(out, "%*s  ", LABEL_WIDTH, "");
    print_text_within(out, first.text, MOST_NAME);
    if (raster->x.low < raster->x.high) {
        fprintf(out, "%*s", between > 1 ? between : 1, "");
        print_text_within(out, last.text, MOST_NAME);
    }
    fputc('\n', out);
    if (axis->label != NULL) {
        fprintf(out, "%*s  ", LABEL_WIDTH, "");
        print_text(out, axis->label);
        fputc('\n', out);
    }
}

static void print_legend(FILE *out, const struct text_raster *raster) {
    static const char *const samples[] = {
        [PLOT_LINE] = "\u2800\u2812\u2812", [PLOT_POINTS] = "\u2800\u2804\u2810", [PLOT_BAND] = "\u2800\u28a5\u28a5"};
    int is_first = 1;
    for (int32_t s = 0; s < raster->plot->n_series; s++) {
        const struct plot_series *series = &raster->plot->series[s];
        if (series->name == NULL) {
            continue;
        }
        fprintf(out, "%*s", is_first ? LABEL_WIDTH + 2 : 3, "");
        fputs(raster->colors ? colors[s % N_COLORS] : "", out);
        if (raster->braille) {
            fputs(samples[series->mark], out);
        } else {
            fputc(character_of(raster->plot, s), out);
        }
        fprintf(out, "%s ", raster->colors ? "\033[0m" : "");
        print_text_within(out, series->name, MOST_NAME);
        is_first = 0;
    }
    fputs(is_first ? "" : "\n", out);
}

/* Braille does not tell two series apart without colours. */
static int is_distinct_in_braille(const struct plot *plot, const struct plot_style *style) {
    return style->colors || plot->n_series <= 1;
}

static void print_series(FILE *out, const struct plot *plot, const struct plot_style *style) {
    struct text_raster raster = {.plot = plot,
                                 .columns = style->columns,
                                 .rows = style->rows,
                                 .braille = style->characters == PLOT_BRAILLE && is_distinct_in_braille(plot, style),
                                 .colors = style->colors && plot->n_series > 1,
                                 .x = plot_range_of_x(plot),
                                 .y = plot_range_of_y(plot)};
    raster.width = raster.columns * (raster.braille ? DOTS_ACROSS : 1);
    raster.height = raster.rows * (raster.braille ? DOTS_DOWN : 1);
    if (!(raster.y.low <= raster.y.high && raster.x.low <= raster.x.high)) {
        fprintf(out, "%*s  no finite value\n", LABEL_WIDTH, "");
        return;
    }
    for (int32_t s = 0; s < plot->n_series; s++) {
        (plot->series[s].mark == PLOT_POINTS ? draw_points : draw_line)(&raster, s);
    }
    if (plot->y.label != NULL) {
        fprintf(out, "%*s  ", LABEL_WIDTH, "");
        print_text(out, plot->y.label);
        fputc('\n', out);
    }
    print_rows(out, &raster);
    print_x(out, &raster);
    print_legend(out, &raster);
}

/* ---- matrices ---- */

enum { CELL_WIDTH = 5, COUNT_WIDTH = 9, MOST_TEXT_GROUPS = 40 };

static void print_padded(FILE *out, const char *text, int width, int is_right) {
    const int padding = width - printed_width(text, width);
    fprintf(out, "%*s", is_right ? padding : 0, "");
    print_text_within(out, text, width);
    fprintf(out, "%*s", is_right ? 0 : padding, "");
}

/* A character that is darker for a larger share. */
static const char *shade_of(double share, int has_blocks) {
    static const char *const blocks[] = {" ", "\u2591", "\u2592", "\u2593", "\u2588"};
    static const char *const ascii[] = {" ", ".", ":", "o", "#"};
    const int level = !(share > 0) ? 0 : 1 + (int)fmin(3, share * 4);
    return (has_blocks ? blocks : ascii)[level];
}

static int name_width_of(const struct plot_matrix *matrix) {
    int width = printed_width("true class", MOST_NAME);
    for (int64_t k = 0; k < matrix->count; k++) {
        const int next = printed_width(matrix->names[k], MOST_NAME);
        width = next > width ? next : width;
    }
    return width;
}

/* "  ▒ 41%": the shade and the share of the row. */
static void print_share(FILE *out, double share, int width, int has_blocks) {
    char number[32];
    const double percent = round(100 * share);
    if (!(share > 0)) {
        snprintf(number, sizeof number, "%s", isnan(share) ? "-" : ".");
    } else if (percent < 1) {
        snprintf(number, sizeof number, "<1%%");
    } else {
        number_print(number, sizeof number, "%.0f%%", percent);
    }
    const int padding = width - 2 - (int)strlen(number);
    fprintf(out, "%*s%s %s", padding > 0 ? padding : 0, "", shade_of(share, has_blocks), number);
}

/* Every class with its name, and every share with its number. */
static void print_cells(FILE *out, const struct plot_matrix *matrix, int name_width, int width, int has_blocks) {
    const struct plot_groups each = {matrix->count, 1};
    fprintf(out, "  ");
    print_padded(out, "true class", name_width, 0);
    for (int64_t c = 0; c < matrix->count; c++) {
        fprintf(out, "  ");
        print_padded(out, matrix->names[c], width - 2, 1);
    }
    fprintf(out, "%*s\n", COUNT_WIDTH, "examples");
    for (int64_t r = 0; r < matrix->count; r++) {
        fprintf(out, "  ");
        print_padded(out, matrix->names[r], name_width, 0);
        for (int64_t c = 0; c < matrix->count; c++) {
            print_share(out, plot_group_share(matrix, each, r, c), width, has_blocks);
        }
        fprintf(out, "%*.6g\n", COUNT_WIDTH, plot_group_rows(matrix, each, r));
    }
}

/* A cell of one or two characters for each pair of groups. */
static void print_map(FILE *out, const struct plot_matrix *matrix, int name_width, int32_t columns, int has_blocks) {
    const int64_t most = columns < MOST_TEXT_GROUPS ? columns : MOST_TEXT_GROUPS;
    const struct plot_groups groups = plot_groups(matrix, most);
    const int times = 2 * groups.count <= columns ? 2 : 1;
    for (int64_t r = 0; r < groups.count; r++) {
        fprintf(out, "  ");
        print_padded(out, matrix->names[r * groups.size], name_width, 0);
        fprintf(out, " %s", has_blocks ? "\u2502" : "|");
        for (int64_t c = 0; c < groups.count * times; c++) {
            fputs(shade_of(plot_group_share(matrix, groups, r, c / times), has_blocks), out);
        }
        fprintf(out, "%s\n", has_blocks ? "\u2502" : "|");
    }
    fprintf(out, "  %*s  columns in the same order", name_width, "");
    if (groups.size > 1) {
        fprintf(out, "; %lld classes in a cell, named by the first", (long long)groups.size);
    }
    fputc('\n', out);
}

static void print_matrix(FILE *out, const struct plot *plot, const struct plot_style *style) {
    const struct plot_matrix *matrix = plot->matrix;
    const int name_width = name_width_of(matrix), has_blocks = style->characters == PLOT_BRAILLE;
    const int64_t left = style->columns + LABEL_WIDTH - name_width - 2 - COUNT_WIDTH;
    const int64_t width = matrix->count == 0 ? 0 : left / matrix->count;
    if (plot->y.label != NULL) {
        fprintf(out, "  ");
        print_text(out, plot->y.label);
        fputc('\n', out);
    }
    if (width > CELL_WIDTH + 1) {
        print_cells(out, matrix, name_width, (int)(width < 12 ? width : 12), has_blocks);
    } else {
        /* Names get what one character for each class leaves, since long ones often differ only at their ends. */
        enum { NARROW = 12 };
        const int64_t cells = matrix->count < MOST_TEXT_GROUPS ? matrix->count : MOST_TEXT_GROUPS;
        const int64_t spare = style->columns + LABEL_WIDTH - 4 - cells;
        const int64_t room = spare > NARROW ? spare : NARROW;
        const int own = name_width < room ? name_width : (int)room;
        print_map(out, matrix, own, style->columns + LABEL_WIDTH - own - 4, has_blocks);
    }
}

/* ---- grids ---- */

enum { MOST_COLUMN_NAME = 12 };

/* The width of a column: its name, or at least two cells. */
static int column_width(const struct plot_grid *grid, int64_t column) {
    const int width = printed_width(grid->column_names[column], MOST_COLUMN_NAME);
    return width < 2 ? 2 : width;
}

/* The columns begin .. end, which fit beside the names of the rows. */
static void print_grid_part(FILE *out, const struct plot_grid *grid, int64_t begin, int64_t end, int name_width,
                            int has_blocks) {
    fprintf(out, "  %*s", name_width, "");
    for (int64_t c = begin; c < end; c++) {
        fputc(' ', out);
        print_padded(out, grid->column_names[c], column_width(grid, c), 0);
    }
    fputc('\n', out);
    for (int64_t r = 0; r < grid->rows; r++) {
        fprintf(out, "  ");
        print_padded(out, grid->row_names[r], name_width, 0);
        for (int64_t c = begin; c < end; c++) {
            const char *shade = shade_of((double)grid->values[r * grid->columns + c] - 0.02, has_blocks);
            fputc(' ', out);
            for (int k = 0; k < column_width(grid, c); k++) {
                fputs(shade, out);
            }
        }
        fputc('\n', out);
    }
}

/* If there are more columns than fit, the rest follows below. */
static void print_grid(FILE *out, const struct plot *plot, const struct plot_style *style) {
    const struct plot_grid *grid = plot->grid;
    int name_width = 0;
    for (int64_t r = 0; r < grid->rows; r++) {
        const int width = printed_width(grid->row_names[r], MOST_NAME);
        name_width = width > name_width ? width : name_width;
    }
    const int room = style->columns + LABEL_WIDTH - name_width;
    for (int64_t begin = 0, end; begin < grid->columns; begin = end) {
        int used = 0;
        for (end = begin; end < grid->columns; end++) {
            used += 1 + column_width(grid, end);
            if (used > room && end > begin) {
                break;
            }
        }
        fputs(begin > 0 ? "\n" : "", out);
        print_grid_part(out, grid, begin, end, name_width, style->characters == PLOT_BRAILLE);
    }
}

/* ---- bars ---- */

static void print_bars(FILE *out, const struct plot *plot, const struct plot_style *style) {
    const struct plot_bars *bars = plot->bars;
    const int has_blocks = style->characters == PLOT_BRAILLE;
    double most = 0;
    int name_width = 0;
    for (int64_t i = 0; i < bars->count; i++) {
        const int width = printed_width(bars->names[i], MOST_NAME);
        name_width = width > name_width ? width : name_width;
        most = isfinite(bars->values[i]) ? fmax(most, bars->values[i]) : most;
    }
    const int room = style->columns - name_width > MIN_COLUMNS ? style->columns - name_width : MIN_COLUMNS;
    for (int64_t i = 0; i < bars->count; i++) {
        fprintf(out, "  ");
        print_padded(out, bars->names[i], name_width, 0);
        fputc(' ', out);
        const int length =
            bars->values[i] > 0 && bars->values[i] <= most ? (int)round(bars->values[i] / most * room) : 0;
        for (int k = 0; k < length; k++) {
            fputs(has_blocks ? "\u2588" : "#", out);
        }
        fprintf(out, "%s%.4g\n", length > 0 ? " " : "", bars->values[i]);
    }
    if (plot->x.label != NULL) {
        fprintf(out, "  %*s ", name_width, "");
        print_text(out, plot->x.label);
        fputc('\n', out);
    }
}

void plot_print(FILE *out, const struct plot *plot, const struct plot_style *wanted) {
    const struct plot_style style = style_of(out, wanted);
    if (plot->title != NULL) {
        print_text(out, plot->title);
        fputc('\n', out);
    }
    if (plot->matrix != NULL) {
        print_matrix(out, plot, &style);
    } else if (plot->grid != NULL) {
        print_grid(out, plot, &style);
    } else if (plot->bars != NULL) {
        print_bars(out, plot, &style);
    } else {
        print_series(out, plot, &style);
    }
    for (int32_t i = 0; i < plot->n_notes; i++) {
        fprintf(out, "  ");
        print_text(out, plot->notes[i]);
        fputc('\n', out);
    }
}
