#include "cli/columns.h"

#include <limits.h>

#include "cli/print.h"

enum { GAP = 2 };

struct columns columns_create(int32_t rows, int32_t count, const int *is_right, struct arena *arena) {
    const char **cells = arena_calloc(arena, (size_t)rows * (size_t)count, sizeof *cells);
    return (struct columns){cells, rows, count, is_right};
}

void columns_set(struct columns *columns, int32_t row, int32_t column, const char *text) {
    if (columns->cells != NULL) {
        columns->cells[row * columns->count + column] = text;
    }
}

static const char *text_at(const struct columns *columns, int32_t row, int32_t column) {
    const char *text = columns->cells[row * columns->count + column];
    return text == NULL ? "" : text;
}

static int is_empty(const struct columns *columns, int32_t column) {
    for (int32_t row = 1; row < columns->rows; row++) {
        if (text_at(columns, row, column)[0] != '\0') {
            return 0;
        }
    }
    return columns->rows > 1;
}

static int width_of(const struct columns *columns, int32_t column) {
    int width = 0;
    for (int32_t row = 0; row < columns->rows; row++) {
        const int own = printed_width(text_at(columns, row, column), INT_MAX);
        width = own > width ? own : width;
    }
    return width;
}

static void print_row(const struct columns *columns, int32_t row, const int *widths, FILE *stream) {
    int pending = 0; /* blanks before the next text: none at the end of a line */
    for (int32_t column = 0; column < columns->count; column++) {
        const char *text = text_at(columns, row, column);
        if (widths[column] < 0) {
            continue;
        }
        const int padding = widths[column] - printed_width(text, INT_MAX);
        if (text[0] == '\0') {
            pending += widths[column] + GAP;
            continue;
        }
        fprintf(stream, "%*s", pending + (columns->is_right[column] ? padding : 0), "");
        print_text(stream, text);
        pending = GAP + (columns->is_right[column] ? 0 : padding);
    }
    fprintf(stream, "\n");
}

enum { MOST_COLUMNS = 64 };

void columns_print(const struct columns *columns, FILE *stream, int indent) {
    int widths[MOST_COLUMNS];
    for (int32_t column = 0; columns->cells != NULL && column < columns->count && column < MOST_COLUMNS; column++) {
        widths[column] = is_empty(columns, column) ? -1 : width_of(columns, column);
    }
    for (int32_t row = 0; columns->cells != NULL && row < columns->rows; row++) {
        fprintf(stream, "%*s", indent, "");
        print_row(columns, row, widths, stream);
    }
}
