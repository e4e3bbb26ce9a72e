#define _POSIX_C_SOURCE 200809L

#include "data/table_file.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/number.h"

const char *const table_file_formats[] = {"auto", "csv", "tsv", NULL};
const char *const table_file_separators[] = {"auto", "comma", "tab", "semicolon", "bar", NULL};
const char *const table_file_quotes[] = {"auto", "double", "none", NULL};
static const char separator_characters[] = {0, ',', '\t', ';', '|'};

rondo_status table_file_check(struct table_file_options options, struct errors *errors) {
    return options.format != TABLE_FILE_AUTO && options.separator != TABLE_SEPARATOR_AUTO
               ? errors_add(errors, RONDO_INVALID, "'format' is not used, because 'separator' is given")
               : RONDO_OK;
}

static int has_ending(const char *file, const char *ending) {
    const size_t length = strlen(file), n = strlen(ending);
    return length > n && strcasecmp(file + length - n, ending) == 0;
}

static const char *name_of(const struct reader_path *path) {
    return path->like != NULL ? path->like : path->text;
}

int table_file_has_format(struct table_file_options options, const struct reader_path *path) {
    const char *file = name_of(path);
    return options.separator != TABLE_SEPARATOR_AUTO || options.format != TABLE_FILE_AUTO || has_ending(file, ".csv") ||
           has_ending(file, ".tsv") || has_ending(file, ".tab");
}

static rondo_status table_format_of(const struct reader_path *path, const struct table_file_options *options,
                                    struct table_format *format, struct errors *errors) {
    int32_t separator = options->separator;
    if (!table_file_has_format(*options, path)) {
        return errors_add_at(errors, RONDO_INVALID, path->where,
                             "the name '%s' ends in neither .csv nor .tsv; expected that, or format: csv or tsv",
                             name_of(path));
    }
    if (separator == TABLE_SEPARATOR_AUTO) {
        const int has_commas = options->format == TABLE_FILE_CSV ||
                               (options->format == TABLE_FILE_AUTO && has_ending(name_of(path), ".csv"));
        separator = has_commas ? TABLE_COMMA : TABLE_TAB;
    }
    format->separator = separator_characters[separator];
    format->has_quotes =
        options->quotes == TABLE_QUOTES_AUTO ? separator != TABLE_TAB : options->quotes == TABLE_QUOTES_DOUBLE;
    return RONDO_OK;
}

/* The value of a whole number without a sign; -1 for any other text. */
static long column_number(const char *text) {
    char *end;
    errno = 0;
    const long number = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
    return number < 0 || *end != '\0' || errno != 0 ? -1 : number;
}

/* "; it has 'id', 'body', 'label'": the names in the header, as many as fit in a message. */
static const char *column_names(const struct table_file *file) {
    enum { MOST = 20 };
    const struct table *table = &file->table;
    const char *names = "; it has ";
    for (int32_t i = 0; i < table->columns && i < MOST && names != NULL; i++) {
        names = arena_printf(file->arena, "%s%s'%.60s'", names, i == 0 ? "" : ", ", table->names[i]);
    }
    if (table->columns > MOST && names != NULL) {
        names = arena_printf(file->arena, "%s and %d more", names, table->columns - MOST);
    }
    return names == NULL ? "" : names;
}

/* What else may separate the fields of a file with one column, from its header. */
static const char *separator_hint(const struct table *table) {
    const char *name = table->columns == 1 ? table->names[0] : "";
    return strchr(name, ';') != NULL    ? "; for columns between semicolons, data.separator: semicolon"
           : strchr(name, '\t') != NULL ? "; for columns between tabs, data.separator: tab"
           : strchr(name, '|') != NULL  ? "; for columns between bars, data.separator: bar"
           : strchr(name, ',') != NULL  ? "; for columns between commas, data.separator: comma"
                                        : "";
}

static rondo_status find_column_by_name(const struct table_file *file, const struct reader_column *column,
                                        int32_t *index) {
    const struct table *table = &file->table;
    struct suggestion near = {0};
    int found = 0;
    for (int32_t i = 0; i < table->columns; i++) {
        if (strcmp(table->names[i], column->text) == 0) {
            *index = i;
            found++;
        }
        suggest(&near, column->text, table->names[i]);
    }
    if (found > 1) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "'%s' has %d columns '%s', name one by its number", table->file, found, column->text);
    }
    if (found == 0) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where, "'%s' has no column '%s'%s%s%s", table->file,
                             column->text, suggestion_text(&near).text, column_names(file), separator_hint(table));
    }
    return RONDO_OK;
}

/* A number that is also the name of a column at another place could mean either. */
static rondo_status check_number(const struct table_file *file, const struct reader_column *column, long number) {
    const struct table *table = &file->table;
    for (int32_t i = 0; file->first_row > 0 && i < table->columns; i++) {
        if (i != number && strcmp(table->names[i], column->text) == 0) {
            return errors_add_at(file->errors, RONDO_INVALID, column->where,
                                 "'%s' has a column of the name '%s', which is column %d; write \"%s\", in quotes, for "
                                 "the name, or %d for the column",
                                 table->file, column->text, i, column->text, i);
        }
    }
    if (number >= table->columns) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             "'%s' has no column %ld; it has %d, numbered from 0", table->file, number, table->columns);
    }
    return RONDO_OK;
}

static int is_in_first_row(const struct table_file *file, const char *text) {
    const char *const *row = table_row(&file->table, 0);
    for (int32_t i = 0; i < file->table.columns; i++) {
        if (strcmp(row[i], text) == 0) {
            return 1;
        }
    }
    return 0;
}

rondo_status table_file_column(const struct table_file *file, const struct reader_column *column, int32_t *index) {
    const int has_header = file->first_row > 0;
    const long number = has_header && column->is_name ? -1 : column_number(column->text);
    if (number >= 0) {
        RONDO_TRY(check_number(file, column, number));
        *index = (int32_t)number;
        return RONDO_OK;
    }
    if (!has_header) {
        return errors_add_at(file->errors, RONDO_INVALID, column->where,
                             is_in_first_row(file, column->text)
                                 ? "column '%s' is not a number from 0, and the first row of '%s' has this name; add "
                                   "header: true to data"
                                 : "column '%s' is not a number from 0; a name needs header: true, and the first row "
                                   "of '%s' does not have it",
                             column->text, file->table.file);
    }
    return find_column_by_name(file, column, index);
}

/* The first of the columns from `column` on that is the same as `one`; NULL: none is. */
static const struct reader_column *find_same(const struct reader_column *column, const struct reader_column *one) {
    for (; column != NULL && column->where.file != NULL; column = column->next) {
        if (strcmp(one->text, column->text) == 0 && one->is_name == column->is_name) {
            return column;
        }
    }
    return NULL;
}

rondo_status table_file_check_columns(const struct reader *reader, int32_t count, struct errors *errors) {
    for (int32_t a = 0; a < count; a++) {
        const struct reader_column *one = &reader->columns[a];
        for (; one != NULL && one->where.file != NULL; one = one->next) {
            for (int32_t b = a; b < count; b++) {
                const struct reader_column *other = find_same(a == b ? one->next : &reader->columns[b], one);
                if (other != NULL) {
                    return errors_add_at(errors, RONDO_INVALID, other->where,
                                         "column '%s' is already in data.columns.%s", one->text,
                                         reader->class->columns[a].name);
                }
            }
        }
    }
    return RONDO_OK;
}

rondo_status table_file_open(struct table_file *file, const struct reader *reader, struct table_file_options options,
                             const struct reader_path *path, struct errors *errors) {
    *file = (struct table_file){
        .arena = arena_create(), .reader = reader, .errors = errors, .first_row = options.header != 0};
    if (file->arena == NULL) {
        return errors_no_memory(errors);
    }
    struct table_format format = {0};
    RONDO_TRY(table_format_of(path, &options, &format, errors));
    RONDO_TRY(table_open(&file->table, reader, path, format, file->arena, errors));
    return file->table.rows > file->first_row
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, (struct location){.file = file->table.file},
                               "no rows after the header");
}

void table_file_close(struct table_file *file) {
    table_close(&file->table);
    arena_destroy(file->arena);
}

rondo_status table_file_columns(const struct table_file *file, const struct reader_column *columns, int32_t *indices) {
    int32_t count = 0;
    for (const struct reader_column *column = columns; columns->where.file != NULL && column != NULL;
         column = column->next) {
        RONDO_TRY(table_file_column(file, column, &indices[count++]));
    }
    return RONDO_OK;
}

rondo_status table_file_mark(const struct table_file *file, const struct reader_column *columns, const char *key,
                             const char **use) {
    for (const struct reader_column *column = columns; columns->where.file != NULL && column != NULL;
         column = column->next) {
        int32_t index;
        RONDO_TRY(table_file_column(file, column, &index));
        if (use[index] != NULL) {
            return errors_add_at(file->errors, RONDO_INVALID, column->where,
                                 "column '%s' is already in data.columns.%s", column->text, use[index]);
        }
        use[index] = key;
    }
    return RONDO_OK;
}

rondo_status table_file_check_name(const struct table_file *file, int32_t column) {
    const struct table *table = &file->table;
    for (int32_t i = 0; i < table->columns; i++) {
        if (i != column && strcmp(table->names[i], table->names[column]) == 0) {
            return errors_add_at(
                file->errors, RONDO_INVALID, (struct location){table->file, 1, 0},
                "columns %d and %d have the name '%.60s', by which other files would be read; expected "
                "another name for one of them",
                column < i ? column : i, column < i ? i : column, table->names[column]);
        }
    }
    return RONDO_OK;
}

int64_t table_file_count(const struct table_file *file) {
    return file->table.rows - file->first_row;
}

rondo_status table_file_advance(struct table_file *file, int64_t index) {
    RONDO_TRY(reader_advance(file->reader, index, table_file_count(file), table_file_place(file, index), file->errors));
    return table_pass(&file->table, file->first_row + index, file->errors);
}

const char *table_file_field(const struct table_file *file, int64_t index, int32_t column) {
    return table_row(&file->table, file->first_row + index)[column];
}

struct location table_file_place(const struct table_file *file, int64_t index) {
    return (struct location){.file = file->table.file, .line = file->table.lines[file->first_row + index]};
}

int table_file_is_number(const char *text, float *number) {
    char *end;
    *number = (float)number_parse(text, &end);
    end += strspn(end, " ");
    /* the conversion also accepts 0x10 */
    return strspn(text, " 0123456789+-.eE") == strlen(text) && end != text && *end == '\0' && isfinite(*number);
}

struct column_text table_file_column_text(const struct table_file *file, int32_t column) {
    struct column_text text;
    if (file->first_row > 0) {
        snprintf(text.text, sizeof text.text, "column '%.60s'", file->table.names[column]);
    } else {
        snprintf(text.text, sizeof text.text, "column %d", (int)column);
    }
    return text;
}

float table_file_number(struct table_file *file, int64_t index, int32_t column) {
    const char *text = table_file_field(file, index, column);
    float number;
    if (table_file_is_number(text, &number)) {
        return number;
    }
    const int has_comma = text[strspn(text, " +-0123456789.,")] == '\0' && strchr(text, ',') != NULL;
    errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index), "'%.60s' in %s is not a finite number%s",
                  text, table_file_column_text(file, column).text,
                  has_comma ? "; expected a decimal point, and no other sign between digits" : "");
    file->mistakes++;
    return NAN;
}
