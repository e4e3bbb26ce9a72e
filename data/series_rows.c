#include "data/series_rows.h"

#include <math.h>
#include <string.h>

#include "data/label_column.h"

/* The files of a source while they are read. */
struct series_reading {
    struct series_rows *rows;
    const struct series_form *form;
    struct errors *errors;
    struct table_file *files; /* [n_files] */
    int32_t n_files, zone_file;
    struct vocabulary *names; /* of the series, in the order of their first rows */
    struct series_raw raw;
    int32_t *series;   /* [rows] of each row, in the order of the files */
    int64_t *row_time; /* [rows] */
    int64_t *last;     /* [rows] by series: its last row so far; -1: none */
    struct location zone_line;
    int has_zone; /* the zone of the first row is known */
};

static int is_missing(const struct series_form *form, const char *text) {
    const char *missing = form->missing_text;
    return text[strspn(text, " ")] == '\0' || (missing[0] != '\0' && strcmp(text, missing) == 0);
}

/* All times have the zone of the first, or none has one. */
static void check_zone(struct series_reading *reading, struct table_file *file, int64_t index, const char *text,
                       int32_t zone) {
    struct series_calendar *calendar = &reading->rows->calendar;
    if (!reading->has_zone) {
        reading->has_zone = 1;
        calendar->zone = zone;
        reading->zone_line = table_file_place(file, index);
    } else if (zone != calendar->zone) {
        errors_add_at(
            file->errors, RONDO_INVALID, table_file_place(file, index),
            "'%.60s' has %s time zone, unlike the time of line %d; expected the same zone, or none, in all rows", text,
            zone == DATE_NO_ZONE             ? "no"
            : calendar->zone == DATE_NO_ZONE ? "a"
                                             : "another",
            (int)reading->zone_line.line);
        file->mistakes++;
    }
}

static int read_time(struct series_reading *reading, struct table_file *file, int64_t index, int32_t column,
                     int64_t *time) {
    const char *text = table_file_field(file, index, column), *format = reading->form->time_format;
    int32_t zone;
    if (!date_parse(text, format, time, &zone)) {
        const struct date_text formats = date_formats_of(text);
        const int is_pattern = strchr(format, '%') != NULL;
        errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index),
                      "'%.60s' in %s is not %s%s%.60s%s%s%s", text, table_file_column_text(file, column).text,
                      date_expected(format), is_pattern ? ", '" : "", is_pattern ? format : "", is_pattern ? "'" : "",
                      formats.text[0] != '\0' ? "; it has the data.time_format " : "", formats.text);
        /* the first row shows that the format is another one, and all rows are alike */
        file->mistakes += index == 0 ? TABLE_FILE_MOST_MISTAKES : 1;
        return 0;
    }
    check_zone(reading, file, index, text, zone);
    return 1;
}

static void read_numbers(struct series_reading *reading, struct table_file *file, int64_t index, const int32_t *columns,
                         float *values) {
    const struct series_form *form = reading->form;
    for (int32_t k = 0; k < form->n_numbers; k++) {
        const char *text = table_file_field(file, index, columns[k]);
        values[k] = is_missing(form, text) ? NAN : table_file_number(file, index, columns[k]);
        if (k < form->n_targets && (double)values[k] <= form->least) {
            errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index), "'%.60s' in %s %s", text,
                          table_file_column_text(file, columns[k]).text, form->least_text);
            file->mistakes++;
        }
    }
}

/* The series of a row; -1 with an error. */
static int32_t read_series(struct series_reading *reading, struct table_file *file, int64_t index, int32_t column) {
    const char *text = column < 0 ? "" : table_file_field(file, index, column);
    if (column >= 0 && text[0] == '\0') {
        errors_add_at(file->errors, RONDO_INVALID, table_file_place(file, index),
                      "%s is empty, expected the name of the series", table_file_column_text(file, column).text);
        file->mistakes++;
        return -1;
    }
    const int32_t series = vocabulary_count(reading->names, text);
    if (series < 0) {
        errors_no_memory(reading->errors);
    }
    return series;
}

/* " of series 'a'", or "" if there is no column of series. */
static const char *of_series(const struct series_reading *reading, int32_t series) {
    const char *name = vocabulary_word(reading->names, series);
    const char *text = name[0] == '\0' ? "" : arena_printf(reading->rows->arena, " of series '%.60s'", name);
    return text == NULL ? "" : text;
}

/* Each row must be later than the one before it in its series. */
static void check_order(struct series_reading *reading, struct table_file *file, int64_t index, int64_t row) {
    const struct series_raw *raw = &reading->raw;
    const int32_t series = reading->series[row];
    const int64_t last = reading->last[series];
    reading->last[series] = row;
    if (last < 0 || reading->row_time[row] > reading->row_time[last]) {
        return;
    }
    const struct location place = table_file_place(file, index), other = raw->lines[last];
    const int is_here = strcmp(place.file, other.file) == 0;
    const char *of = is_here ? "" : " of ", *other_file = is_here ? "" : other.file;
    const struct series_calendar calendar = {.zone = reading->rows->calendar.zone, .has_clock = 1};
    const char *format = reading->form->time_format;
    const struct date_text own = series_time_text(&calendar, format, reading->row_time[row]);
    const struct date_text before = series_time_text(&calendar, format, reading->row_time[last]);
    if (reading->row_time[row] == reading->row_time[last]) {
        errors_add_at(file->errors, RONDO_INVALID, place,
                      "%s%s is already in line %d%s%s; expected one row for each time%s%s", own.text,
                      of_series(reading, series), (int)other.line, of, other_file,
                      reading->form->series->where.file == NULL
                          ? ", or a column with the names of the series (data.columns.series)"
                          : ", and a name for each series",
                      series_may_change_clock(calendar.zone, reading->row_time[row])
                          ? "; if the end of summer time repeats this hour, convert the times to UTC"
                          : "");
    } else {
        errors_add_at(file->errors, RONDO_INVALID, place,
                      "%s%s comes after %s in line %d%s%s; expected rows in the order of time%s", own.text,
                      of_series(reading, series), before.text, (int)other.line, of, other_file,
                      series_may_change_clock(calendar.zone, reading->row_time[row])
                          ? "; if the end of summer time repeats this hour, convert the times to UTC"
                          : "");
    }
    file->mistakes++;
}

static rondo_status read_file(struct series_reading *reading, struct table_file *file) {
    const struct series_form *form = reading->form;
    struct series_raw *raw = &reading->raw;
    int32_t time, series = -1;
    int32_t *columns = arena_calloc(file->arena, (size_t)form->n_numbers, sizeof *columns);
    if (columns == NULL) {
        return errors_no_memory(reading->errors);
    }
    RONDO_TRY(table_file_column(file, form->time, &time));
    if (form->series->where.file != NULL) {
        RONDO_TRY(table_file_column(file, form->series, &series));
    }
    for (int32_t k = 0; k < form->n_numbers; k++) {
        RONDO_TRY(table_file_column(file, form->numbers[k], &columns[k]));
    }
    for (int64_t index = 0; index < table_file_count(file) && file->mistakes < TABLE_FILE_MOST_MISTAKES; index++) {
        const int64_t row = raw->rows++;
        RONDO_TRY(table_file_advance(file, index));
        raw->lines[row] = table_file_place(file, index);
        const int is_good = read_time(reading, file, index, time, &reading->row_time[row]);
        reading->series[row] = read_series(reading, file, index, series);
        if (reading->errors->status == RONDO_NO_MEMORY) {
            return RONDO_NO_MEMORY;
        }
        read_numbers(reading, file, index, columns, raw->values + row * form->n_numbers);
        if (is_good && reading->series[row] >= 0) {
            check_order(reading, file, index, row);
        }
    }
    const struct column_words words = {"series", "series"};
    return file->mistakes > 0 ? RONDO_INVALID
           : series < 0       ? RONDO_OK
                              : label_column_check_blanks(file, series, reading->names, words);
}

/* Orders the rows by series, which keeps their order in each. */
static rondo_status sort_rows(struct series_reading *reading) {
    struct series_raw *raw = &reading->raw;
    struct series_rows *rows = reading->rows;
    rows->n_series = vocabulary_size(reading->names);
    rows->series = arena_calloc(rows->arena, (size_t)rows->n_series, sizeof *rows->series);
    raw->begin = arena_calloc(rows->arena, (size_t)rows->n_series + 2, sizeof *raw->begin);
    raw->from = arena_calloc(rows->arena, (size_t)raw->rows, sizeof *raw->from);
    raw->time = arena_calloc(rows->arena, (size_t)raw->rows, sizeof *raw->time);
    if (arena_failed(rows->arena)) {
        return errors_no_memory(reading->errors);
    }
    for (int64_t row = 0; row < raw->rows; row++) {
        raw->begin[reading->series[row] + 2]++;
    }
    for (int32_t s = 0; s < rows->n_series; s++) {
        raw->begin[s + 2] += raw->begin[s + 1];
        rows->series[s].name = arena_strdup(rows->arena, vocabulary_word(reading->names, s));
    }
    for (int64_t row = 0; row < raw->rows; row++) { /* begin[s + 1] moves from the first row of s to that of s + 1 */
        const int64_t to = raw->begin[reading->series[row] + 1]++;
        raw->from[to] = row;
        raw->time[to] = reading->row_time[row];
    }
    return arena_failed(rows->arena) ? errors_no_memory(reading->errors) : RONDO_OK;
}

static rondo_status read_files(struct series_reading *reading, const struct reader_source *source) {
    struct arena *arena = reading->rows->arena;
    struct series_raw *raw = &reading->raw;
    int64_t rows = 0;
    reading->files = arena_calloc(arena, (size_t)source->count, sizeof *reading->files);
    reading->names = vocabulary_create();
    if (reading->files == NULL || reading->names == NULL) {
        return errors_no_memory(reading->errors);
    }
    for (; reading->n_files < source->count; rows += table_file_count(&reading->files[reading->n_files - 1])) {
        struct table_file *file = &reading->files[reading->n_files];
        RONDO_TRY(table_file_open(file, reading->form->reader, reading->form->table, &source->paths[reading->n_files++],
                                  reading->errors));
    }
    reading->series = arena_calloc(arena, (size_t)rows, sizeof *reading->series);
    reading->row_time = arena_calloc(arena, (size_t)rows, sizeof *reading->row_time);
    reading->last = arena_calloc(arena, (size_t)rows, sizeof *reading->last);
    raw->lines = arena_calloc(arena, (size_t)rows, sizeof *raw->lines);
    raw->values = arena_calloc(arena, (size_t)rows * (size_t)reading->form->n_numbers, sizeof *raw->values);
    if (arena_failed(arena)) {
        return errors_no_memory(reading->errors);
    }
    for (int64_t i = 0; i < rows; i++) {
        reading->last[i] = -1;
    }
    for (int32_t f = 0; f < source->count; f++) {
        RONDO_TRY(read_file(reading, &reading->files[f]));
    }
    return sort_rows(reading);
}

rondo_status series_rows_open(struct series_rows *rows, const struct series_form *form,
                              const struct reader_source *source, const struct series_calendar *known,
                              struct errors *errors) {
    *rows = (struct series_rows){.arena = arena_create()};
    struct series_reading reading = {.rows = rows, .form = form, .errors = errors};
    if (rows->arena == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status = read_files(&reading, source);
    if (status == RONDO_OK && known != NULL && known->zone != rows->calendar.zone) {
        status = errors_add_at(errors, RONDO_INVALID, reading.zone_line,
                               "times of this file have %s zone, unlike those of the training data",
                               rows->calendar.zone == DATE_NO_ZONE ? "no time" : "another");
    }
    status = status == RONDO_OK ? series_grid(rows, form, &reading.raw, known, errors) : status;
    vocabulary_destroy(reading.names);
    for (int32_t f = 0; f < reading.n_files; f++) {
        table_file_close(&reading.files[f]);
    }
    return status;
}

void series_rows_close(struct series_rows *rows) {
    arena_destroy(rows->arena);
    rows->arena = NULL;
}
