#include "cli/table.h"

#include <math.h>
#include <stdio.h>

#include "cli/print.h"
#include "core/number.h"
#include "io/json.h"

enum { WIDTH = 116, MOST_NAME = 24, GAP = 2 };

/* A table that is printed, and how classes are called. */
struct table_printing {
    const rondo_metric_table *table;
    class_name *name;
    void *arg;
};

static const char *row_name(const struct table_printing *printing, int64_t row) {
    const char *const *names = printing->table->row_names;
    return names == NULL ? printing->name(printing->arg, row) : names[row];
}

static const char *column_name(const struct table_printing *printing, int64_t column) {
    const char *const *names = printing->table->column_names;
    return names == NULL ? printing->name(printing->arg, column) : names[column];
}

static double value_at(const struct table_printing *printing, int64_t row, int64_t column) {
    return printing->table->values[row * printing->table->columns + column];
}

/* ---- columns of text ---- */

struct cell_text {
    char text[32];
};

static struct cell_text value_text(double value, int is_whole) {
    struct cell_text cell = {""};
    if (isnan(value)) {
        snprintf(cell.text, sizeof cell.text, "-");
    } else {
        number_print(cell.text, sizeof cell.text, is_whole ? "%.0f" : "%.4f", value);
    }
    return cell;
}

/* 1 if all values of the column are whole numbers, such as counts. */
static int is_whole(const struct table_printing *printing, int64_t column) {
    for (int64_t row = 0; row < printing->table->rows; row++) {
        const double value = value_at(printing, row, column);
        if (!isnan(value) && value != floor(value)) {
            return 0;
        }
    }
    return 1;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

static int column_width(const struct table_printing *printing, int64_t column) {
    const int whole = is_whole(printing, column);
    int width = printed_width(column_name(printing, column), MOST_NAME);
    for (int64_t row = 0; row < printing->table->rows; row++) {
        const struct cell_text cell = value_text(value_at(printing, row, column), whole);
        width = larger(width, printed_width(cell.text, MOST_NAME));
    }
    return width;
}

static void print_cell(const char *text, int width, int is_right) {
    const int padding = width - printed_width(text, MOST_NAME);
    printf("%*s", is_right ? padding : 0, "");
    print_text_within(stdout, text, MOST_NAME);
    printf("%*s", is_right ? 0 : padding, "");
}

/* Prints columns first .. end - 1, with their names and those of the rows. */
static void print_columns(const struct table_printing *printing, int64_t first, int64_t end, int name_width) {
    const rondo_metric_table *table = printing->table;
    for (int64_t row = -1; row < table->rows; row++) {
        printf("%*s", GAP, "");
        print_cell(row >= 0                   ? row_name(printing, row)
                   : table->row_title == NULL ? ""
                                              : table->row_title,
                   name_width, 0);
        for (int64_t column = first; column < end; column++) {
            const int width = column_width(printing, column);
            const struct cell_text cell =
                value_text(row < 0 ? 0 : value_at(printing, row, column), is_whole(printing, column));
            printf("%*s", GAP, "");
            print_cell(row < 0 ? column_name(printing, column) : cell.text, width, 1);
        }
        printf("\n");
    }
}

void table_print(const struct metric_table *metric, class_name *name, void *arg) {
    const rondo_metric_table *table = &metric->table;
    const struct table_printing printing = {table, name, arg};
    int name_width = table->row_title == NULL ? 0 : printed_width(table->row_title, MOST_NAME);
    for (int64_t row = 0; row < table->rows; row++) {
        name_width = larger(name_width, printed_width(row_name(&printing, row), MOST_NAME));
    }
    printf("%s", metric->name);
    if (table->column_title != NULL) {
        printf(" (columns: ");
        print_text(stdout, table->column_title);
        printf(")");
    }
    printf("\n");
    for (int64_t first = 0, end; first < table->columns; first = end) {
        int width = GAP + name_width + GAP + column_width(&printing, first);
        for (end = first + 1; end < table->columns; end++) {
            width += GAP + column_width(&printing, end);
            if (width > WIDTH) {
                break;
            }
        }
        print_columns(&printing, first, end, name_width);
    }
}

/* ---- JSON ---- */

static json_t *value_json(double value) {
    const int is_integer = fabs(value) <= 9007199254740992.0 && value == floor(value); /* 2^53 */
    return !isfinite(value) ? json_null() : is_integer ? json_integer((json_int_t)value) : json_real(value);
}

json_t *table_json(struct json_builder *builder, const struct metric_table *metric, class_name *name, void *arg) {
    const rondo_metric_table *table = &metric->table;
    const struct table_printing printing = {table, name, arg};
    json_t *object = json_object(), *rows = json_array(), *columns = json_array(), *values = json_array();
    for (int64_t column = 0; column < table->columns; column++) {
        json_append(builder, columns, json_text(column_name(&printing, column)));
    }
    for (int64_t row = 0; row < table->rows; row++) {
        json_t *line = json_array();
        for (int64_t column = 0; column < table->columns; column++) {
            json_append(builder, line, value_json(value_at(&printing, row, column)));
        }
        json_append(builder, rows, json_text(row_name(&printing, row)));
        json_append(builder, values, line);
    }
    json_set(builder, object, "rows", rows);
    json_set(builder, object, "columns", columns);
    json_set(builder, object, "values", values);
    return object;
}
