/* cli/plot_svg.c: plots as SVG, see cli/plot.h. One document, one group per plot. Colours are classes of a style sheet, of
 * which a media query has the values for dark backgrounds; a viewer without media queries shows the light ones. */
#define _POSIX_C_SOURCE 200809L
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot.h"
#include "cli/print.h"
#include "core/number.h"

/* In pixels. */
enum { WIDTH = 760, LEFT = 76, RIGHT = 24, TOP = 56, PLOT_HEIGHT = 240, BOTTOM = 52, LINE = 18, GAP = 28 };
enum { MATRIX_LEFT = 150, MATRIX_TOP = 150, MOST_GROUPS = 40, BAR_LEFT = 180, BAR = 22 };
enum { MOST_NAME = 22, MOST_SHOWN_NUMBERS = 12 };
enum { FEW = 20 };       /* points that are drawn larger */
enum { POINT_GRID = 3 }; /* of the points within a square of this width, one is drawn */

#define MARGIN 0.1 /* above and below the values, as a share of half their range */

struct svg {
    FILE *out;
    struct plot_range x, y; /* of the plot that is drawn */
    int has_no_memory;
};

/* The series have colours that people with colour blindness distinguish (Okabe & Ito 2008). */
static const char style_sheet[] =
    "text{font:12px sans-serif;fill:#333}.title{font-size:15px;font-weight:bold}.end{text-anchor:end}"
    ".middle{text-anchor:middle}.page{fill:#fff}.axis{stroke:#888;fill:none}.grid{stroke:#e4e4e4;fill:none}"
    ".line{fill:none;stroke-width:1.6;stroke-linejoin:round}.band{stroke:none;fill-opacity:.25}"
    ".points{fill:none;stroke-width:4;stroke-linecap:round;stroke-opacity:.7}.points.few{stroke-width:8}.cell{fill:#"
    "0072b2}.frame{fill:none;"
    "stroke:#888}.light text,.light{fill:#fff}"
    ".s0{stroke:#0072b2;fill:#0072b2}.s1{stroke:#d55e00;fill:#d55e00}.s2{stroke:#009e73;fill:#009e73}"
    ".s3{stroke:#cc79a7;fill:#cc79a7}.s4{stroke:#56b4e9;fill:#56b4e9}.s5{stroke:#b8860b;fill:#b8860b}"
    ".line,.points{fill:none}.band,.bar{stroke:none}"
    "@media (prefers-color-scheme:dark){text{fill:#ddd}.page{fill:#1b1b1b}.grid{stroke:#3a3a3a}.cell{fill:#56b4e9}"
    ".light{fill:#111}.s0{stroke:#56b4e9;fill:#56b4e9}.s1{stroke:#ff8c42;fill:#ff8c42}.s2{stroke:#2fd1a2;fill:#2fd1a2}"
    ".s4{stroke:#8ab8ff;fill:#8ab8ff}.s5{stroke:#e6c229;fill:#e6c229}.line,.points{fill:none}.band,.bar{stroke:none}}";
enum { N_COLORS = 6 };

/* ---- text ---- */

/* Writes a text for XML: control characters as print_text shows them, & < > " as entities, and the two characters that
 * XML refuses, U+FFFE and U+FFFF, as U+FFFD. */
static void write_text(struct svg *svg, const char *text, int width) {
    char *plain = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&plain, &length);
    if (stream == NULL) {
        svg->has_no_memory = 1;
        return;
    }
    if (width > 0) {
        print_text_within(stream, text, width);
    } else {
        print_text(stream, text);
    }
    if (fclose(stream) != 0) {
        svg->has_no_memory = 1;
    }
    for (const char *c = plain; c != NULL && *c != '\0'; c++) {
        if (strncmp(c, "\xef\xbf", 2) == 0 && ((unsigned char)c[2] == 0xbe || (unsigned char)c[2] == 0xbf)) {
            fputs("\xef\xbf\xbd", svg->out);
            c += 2;
            continue;
        }
        fputs(*c == '&'   ? "&amp;"
              : *c == '<' ? "&lt;"
              : *c == '>' ? "&gt;"
              : *c == '"' ? "&quot;"
                          : (char[]){*c, '\0'},
              svg->out);
    }
    free(plain);
}

/* A line of text; classes NULL: none. width 0: all of it. */
static void write_label(struct svg *svg, double x, double y, const char *classes, const char *text, int width) {
    fprintf(svg->out, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
    if (classes != NULL) {
        fprintf(svg->out, " class=\"%s\"", classes);
    }
    fputc('>', svg->out);
    write_text(svg, text, width);
    fputs("</text>\n", svg->out);
}

static void write_notes(struct svg *svg, const struct plot *plot, double top) {
    for (int32_t i = 0; i < plot->n_notes; i++) {
        write_label(svg, LEFT, top + LINE * (i + 1), NULL, plot->notes[i], 0);
    }
}

/* ---- series ---- */

static double left_of(const struct svg *svg, double x) {
    return LEFT + plot_share(svg->x, x) * (WIDTH - LEFT - RIGHT);
}

static double top_of(const struct svg *svg, double y) {
    return TOP + (1 - plot_share(svg->y, y)) * PLOT_HEIGHT;
}

static void write_axes(struct svg *svg, const struct plot *plot) {
    const struct plot_ticks down = plot_ticks(svg->y, 5, plot->y.is_whole),
                            across = plot_ticks(svg->x, 6, plot->x.is_whole || plot->x.names != NULL);
    const double bottom = TOP + PLOT_HEIGHT;
    for (int32_t i = 0; i < down.count; i++) {
        const double value = down.first + i * down.step, y = top_of(svg, value);
        fprintf(svg->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
        write_label(svg, LEFT - 8, y + 4, "end", plot_axis_text(&plot->y, value, "%.6g").text, MOST_NAME);
    }
    for (int32_t i = 0; i < across.count; i++) {
        const double value = across.first + i * across.step, x = left_of(svg, value);
        fprintf(svg->out, "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>\n", x, bottom);
        write_label(svg, x, bottom + LINE, "middle", plot_axis_text(&plot->x, value, "%.6g").text, MOST_NAME);
    }
    fprintf(svg->out, "<path class=\"axis\" d=\"M%d %dV%.0fH%d\"/>\n", LEFT, TOP, bottom, WIDTH - RIGHT);
    if (plot->x.label != NULL) {
        write_label(svg, LEFT + (WIDTH - LEFT - RIGHT) / 2.0, bottom + 2 * LINE + 4, "middle", plot->x.label, 90);
    }
    if (plot->y.label != NULL) {
        fprintf(svg->out, "<g transform=\"translate(18 %.0f) rotate(-90)\">", TOP + PLOT_HEIGHT / 2.0);
        write_label(svg, 0, 0, "middle", plot->y.label, 40);
        fputs("</g>\n", svg->out);
    }
}

static void write_point(struct svg *svg, double x, double y, int *is_open) {
    fprintf(svg->out, "%c%.1f %.1f", *is_open ? 'L' : 'M', x, y);
    *is_open = 1;
}

enum { COLUMNS = WIDTH - LEFT - RIGHT };

/* The points themselves, if there are few. */
static void write_whole_line(struct svg *svg, const struct plot_series *series) {
    int is_open = 0;
    for (int64_t i = 0; i < series->count; i++) {
        if (!isfinite(series->y[i])) {
            is_open = 0;
        } else {
            const int is_alone = !is_open && (i + 1 == series->count || !isfinite(series->y[i + 1]));
            write_point(svg, left_of(svg, plot_x(series, i)), top_of(svg, series->y[i]), &is_open);
            fputs(is_alone ? "h.1" : "", svg->out); /* a path of one point would be invisible */
        }
    }
}

static double value_of_column(const struct svg *svg, double column) {
    return fmin(svg->x.high, svg->x.low + (svg->x.high - svg->x.low) * column / COLUMNS);
}

/* The least and the greatest value of each column of a pixel. */
static void write_reduced_line(struct svg *svg, const struct plot_series *series) {
    int is_open = 0;
    int64_t next = 0;
    for (int32_t column = 0; column < COLUMNS; column++) {
        const struct plot_range range =
            plot_slice(series, series->y, value_of_column(svg, column), value_of_column(svg, column + 1), &next);
        if (range.low > range.high) {
            is_open = 0;
            continue;
        }
        write_point(svg, LEFT + column + 0.5, top_of(svg, range.low), &is_open);
        if (range.high > range.low) {
            write_point(svg, LEFT + column + 0.5, top_of(svg, range.high), &is_open);
        }
    }
}

/* A polygon for each part without gaps: along the upper edge, and back along the lower one. */
static void write_band(struct svg *svg, const struct plot_series *series) {
    const int32_t columns = series->count < COLUMNS ? (int32_t)series->count : COLUMNS;
    double lower[COLUMNS], upper[COLUMNS], left[COLUMNS];
    int32_t n = 0;
    int64_t next = 0, next_upper = 0;
    for (int32_t column = 0; column <= columns; column++) {
        struct plot_range low = {NAN, NAN}, high = {NAN, NAN};
        double x = 0;
        if (column < columns && series->count <= COLUMNS) {
            x = left_of(svg, plot_x(series, column));
            low.low = series->y[column];
            high.high = series->upper[column];
        } else if (column < columns) {
            const double begin = value_of_column(svg, column), end = value_of_column(svg, column + 1);
            x = LEFT + column + 0.5;
            low = plot_slice(series, series->y, begin, end, &next);
            high = plot_slice(series, series->upper, begin, end, &next_upper);
        }
        if (isfinite(low.low) && isfinite(high.high)) {
            left[n] = x;
            lower[n] = top_of(svg, low.low);
            upper[n++] = top_of(svg, high.high);
            continue;
        }
        int is_open = 0;
        for (int32_t i = 0; i < n; i++) {
            write_point(svg, left[i], upper[i], &is_open);
        }
        for (int32_t i = n - 1; i >= 0; i--) {
            write_point(svg, left[i], lower[i], &is_open);
        }
        fputs(n > 0 ? "Z" : "", svg->out);
        n = 0;
    }
}

/* One point of each square of the grid. */
static void write_points(struct svg *svg, const struct plot_series *series) {
    enum { ACROSS = WIDTH / POINT_GRID + 1, DOWN = (TOP + PLOT_HEIGHT) / POINT_GRID + 2 };
    unsigned char *taken = calloc((size_t)ACROSS * DOWN, 1);
    if (taken == NULL) {
        svg->has_no_memory = 1;
        return;
    }
    for (int64_t i = 0; i < series->count; i++) {
        if (!isfinite(plot_x(series, i)) || !isfinite(series->y[i])) {
            continue;
        }
        const double x = left_of(svg, plot_x(series, i)), y = top_of(svg, series->y[i]);
        unsigned char *square = &taken[(int)(y / POINT_GRID) * ACROSS + (int)(x / POINT_GRID)];
        if (!*square) {
            fprintf(svg->out, "M%.1f %.1fh0", x, y);
            *square = 1;
        }
    }
    free(taken);
}

static void write_legend(struct svg *svg, const struct plot *plot) {
    double x = LEFT;
    for (int32_t s = 0; s < plot->n_series; s++) {
        if (plot->series[s].name != NULL) {
            fprintf(svg->out, "<path class=\"bar s%d\" d=\"M%.0f %dh14v4h-14z\"/>\n", s % N_COLORS, x, TOP - 22);
            write_label(svg, x + 20, TOP - 16, NULL, plot->series[s].name, MOST_NAME);
            x += 44 + 7 * printed_width(plot->series[s].name, MOST_NAME);
        }
    }
}

static void write_series(struct svg *svg, const struct plot *plot) {
    static const char *const classes[] = {[PLOT_LINE] = "line", [PLOT_POINTS] = "points", [PLOT_BAND] = "band"};
    svg->x = plot_range_of_x(plot);
    svg->y = plot_range_of_y(plot);
    if (!(svg->x.low <= svg->x.high && svg->y.low <= svg->y.high)) {
        write_label(svg, LEFT, TOP, NULL, "no finite value", 0);
        return;
    }
    const double margin = (svg->y.high / 2 - svg->y.low / 2) * MARGIN;
    svg->y = (struct plot_range){fmax(-DBL_MAX, svg->y.low - margin), fmin(DBL_MAX, svg->y.high + margin)};
    write_axes(svg, plot);
    for (int32_t s = 0; s < plot->n_series; s++) {
        const struct plot_series *series = &plot->series[s];
        fprintf(svg->out, "<path class=\"%s%s s%d\" d=\"", classes[series->mark], series->count <= FEW ? " few" : "",
                s % N_COLORS);
        if (series->mark == PLOT_POINTS) {
            write_points(svg, series);
        } else if (series->mark == PLOT_BAND) {
            write_band(svg, series);
        } else if (series->count > 2 * COLUMNS) {
            write_reduced_line(svg, series);
        } else {
            write_whole_line(svg, series);
        }
        fputs("\"/>\n", svg->out);
    }
    write_legend(svg, plot);
}

/* ---- matrices ---- */

static double cell_of(int64_t groups) {
    const double cell = (double)(WIDTH - MATRIX_LEFT - RIGHT) / (double)(groups > 0 ? groups : 1);
    return cell > 48 ? 48 : floor(cell);
}

/* The names of the classes of a group: "cat", or "cat … dog". */
static void write_group(struct svg *svg, const struct plot_matrix *matrix, struct plot_groups groups, int64_t group,
                        int width) {
    const int64_t first = group * groups.size, end = first + groups.size;
    const int64_t last = (end < matrix->count ? end : matrix->count) - 1;
    write_text(svg, matrix->names[first], width);
    if (last > first) {
        fputs(" … ", svg->out);
        write_text(svg, matrix->names[last], width);
    }
}

static void write_cell(struct svg *svg, const struct plot_matrix *matrix, struct plot_groups groups, int64_t row,
                       int64_t column) {
    const double share = plot_group_share(matrix, groups, row, column), cell = cell_of(groups.count);
    const double x = MATRIX_LEFT + cell * (double)column, y = MATRIX_TOP + cell * (double)row;
    if (!(share > 0)) {
        return;
    }
    fprintf(svg->out,
            "<rect class=\"cell\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill-opacity=\"%.2f\">", x, y,
            cell, cell, fmax(0.04, share));
    fputs("<title>true ", svg->out);
    write_group(svg, matrix, groups, row, MOST_NAME);
    fputs(", predicted ", svg->out);
    write_group(svg, matrix, groups, column, MOST_NAME);
    fprintf(svg->out, ": %.4g %%</title></rect>\n", 100 * share);
    if (groups.count <= MOST_SHOWN_NUMBERS) {
        char text[32];
        number_print(text, sizeof text, 100 * share < 0.5 ? "<1" : "%.0f", 100 * share);
        write_label(svg, x + cell / 2, y + cell / 2 + 4, share > 0.5 ? "middle light" : "middle", text, 0);
    }
}

static void write_names(struct svg *svg, const struct plot_matrix *matrix, struct plot_groups groups) {
    const double cell = cell_of(groups.count);
    for (int64_t k = 0; k < groups.count; k++) {
        const double at = cell * ((double)k + 0.5);
        const char *name = matrix->names[k * groups.size];
        write_label(svg, MATRIX_LEFT - 8, MATRIX_TOP + at + 4, "end", name, 16);
        fprintf(svg->out, "<g transform=\"translate(%.1f %d) rotate(-60)\">", MATRIX_LEFT + at + 4, MATRIX_TOP - 8);
        write_label(svg, 0, 0, NULL, name, 12);
        fputs("</g>\n", svg->out);
    }
}

static void write_matrix(struct svg *svg, const struct plot *plot) {
    const struct plot_matrix *matrix = plot->matrix;
    const struct plot_groups groups = plot_groups(matrix, MOST_GROUPS);
    const double size = cell_of(groups.count) * (double)groups.count;
    if (plot->y.label != NULL) {
        write_label(svg, LEFT, TOP - 10, NULL, plot->y.label, 90);
    }
    write_names(svg, matrix, groups);
    for (int64_t r = 0; r < groups.count; r++) {
        for (int64_t c = 0; c < groups.count; c++) {
            write_cell(svg, matrix, groups, r, c);
        }
    }
    fprintf(svg->out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"%.0f\"/>\n", MATRIX_LEFT,
            MATRIX_TOP, size, size);
}

/* ---- grids ---- */

static int64_t drawn_cells(int64_t count) {
    return count < PLOT_MOST_CELLS ? count : PLOT_MOST_CELLS;
}

static double grid_cell(const struct plot_grid *grid) {
    const double cell = (double)(WIDTH - MATRIX_LEFT - RIGHT) / (double)drawn_cells(grid->columns);
    return cell > 28 ? 28 : fmax(5, floor(cell));
}

static void write_grid(struct svg *svg, const struct plot *plot) {
    const struct plot_grid *grid = plot->grid;
    const int64_t rows = drawn_cells(grid->rows), columns = drawn_cells(grid->columns);
    const double cell = grid_cell(grid);
    for (int64_t c = 0; c < columns; c++) {
        fprintf(svg->out, "<g transform=\"translate(%.1f %d) rotate(-60)\">",
                MATRIX_LEFT + cell * ((double)c + 0.5) + 4, MATRIX_TOP - 8);
        write_label(svg, 0, 0, NULL, grid->column_names[c], 12);
        fputs("</g>\n", svg->out);
    }
    for (int64_t r = 0; r < rows; r++) {
        const double y = MATRIX_TOP + cell * (double)r;
        write_label(svg, MATRIX_LEFT - 8, y + cell / 2 + 4, "end", grid->row_names[r], 16);
        for (int64_t c = 0; c < columns; c++) {
            const double share = (double)grid->values[r * grid->columns + c];
            if (share >= 0.005) {
                fprintf(svg->out,
                        "<rect class=\"cell\" x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" "
                        "fill-opacity=\"%.2f\"><title>",
                        MATRIX_LEFT + cell * (double)c, y, cell, cell, fmin(1, share));
                write_text(svg, grid->row_names[r], MOST_NAME);
                fputs(", ", svg->out);
                write_text(svg, grid->column_names[c], MOST_NAME);
                fprintf(svg->out, ": %.3g</title></rect>\n", share);
            }
        }
    }
    fprintf(svg->out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%.0f\" height=\"%.0f\"/>\n", MATRIX_LEFT,
            MATRIX_TOP, cell * (double)columns, cell * (double)rows);
}

/* ---- bars ---- */

static void write_bars(struct svg *svg, const struct plot *plot) {
    const struct plot_bars *bars = plot->bars;
    const double room = WIDTH - BAR_LEFT - RIGHT - 70;
    double most = 0;
    for (int64_t i = 0; i < bars->count; i++) {
        most = isfinite(bars->values[i]) ? fmax(most, bars->values[i]) : most;
    }
    for (int64_t i = 0; i < bars->count; i++) {
        const double value = bars->values[i], y = TOP + BAR * (double)i;
        const double width = value > 0 && value <= most ? value / most * room : 0;
        char text[32];
        number_print(text, sizeof text, "%.4g", value);
        write_label(svg, BAR_LEFT - 8, y + 15, "end", bars->names[i], MOST_NAME);
        fprintf(svg->out, "<rect class=\"bar s0\" x=\"%d\" y=\"%.0f\" width=\"%.1f\" height=\"%d\"/>\n", BAR_LEFT,
                y + 3, width, BAR - 6);
        write_label(svg, BAR_LEFT + width + 6, y + 15, NULL, text, 0);
    }
    if (plot->x.label != NULL) {
        write_label(svg, BAR_LEFT, TOP + BAR * (double)bars->count + LINE, NULL, plot->x.label, 90);
    }
}

/* ---- the document ---- */

/* Of everything above the notes. */
static double body_height(const struct plot *plot) {
    if (plot->matrix != NULL) {
        const struct plot_groups groups = plot_groups(plot->matrix, MOST_GROUPS);
        return MATRIX_TOP + cell_of(groups.count) * (double)groups.count + GAP;
    }
    if (plot->grid != NULL) {
        return MATRIX_TOP + grid_cell(plot->grid) * (double)drawn_cells(plot->grid->rows) + GAP;
    }
    return plot->bars != NULL ? TOP + BAR * (double)plot->bars->count + 2 * LINE : TOP + PLOT_HEIGHT + BOTTOM;
}

static double height_of(const struct plot *plot) {
    return body_height(plot) + LINE * plot->n_notes + GAP;
}

static void write_plot(struct svg *svg, const struct plot *plot, double top) {
    fprintf(svg->out, "<g transform=\"translate(0 %.0f)\">\n", top);
    if (plot->title != NULL) {
        write_label(svg, LEFT, 22, "title", plot->title, 80);
    }
    if (plot->matrix != NULL) {
        write_matrix(svg, plot);
    } else if (plot->grid != NULL) {
        write_grid(svg, plot);
    } else if (plot->bars != NULL) {
        write_bars(svg, plot);
    } else {
        write_series(svg, plot);
    }
    write_notes(svg, plot, body_height(plot));
    fputs("</g>\n", svg->out);
}

char *plot_svg(const struct plot *const *plots, int32_t count, const char *title, size_t *length) {
    char *text = NULL;
    struct svg svg = {.out = open_memstream(&text, length)};
    if (svg.out == NULL) {
        return NULL;
    }
    double height = 0;
    for (int32_t i = 0; i < count; i++) {
        height += height_of(plots[i]);
    }
    fprintf(svg.out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
            "height=\"%.0f\" viewBox=\"0 0 %d %.0f\" role=\"img\">\n<title>",
            WIDTH, height, WIDTH, height);
    write_text(&svg, title, 0);
    fprintf(svg.out, "</title>\n<style>%s</style>\n<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n",
            style_sheet);
    double top = 0;
    for (int32_t i = 0; i < count; i++) {
        write_plot(&svg, plots[i], top);
        top += height_of(plots[i]);
    }
    fputs("</svg>\n", svg.out);
    if (fclose(svg.out) != 0 || svg.has_no_memory) {
        free(text);
        return NULL;
    }
    return text;
}
