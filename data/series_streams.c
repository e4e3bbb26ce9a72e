#include "data/series_streams.h"

#include <math.h>
#include <string.h>

#include "data/calendar.h"

/* One series as rows of the streams: `observed` rows, and `horizon` to come. */
struct series_filling {
    const struct series_layout *layout;
    const struct series_rows *rows;
    struct dataset *dataset;
    int64_t width;         /* of the input */
    float *input, *target; /* rows of the streams; borrowed from the dataset */
    float *known;          /* NULL: there is no such stream */
    int64_t *time;
    struct errors *errors;
};

/* Column k of row `row` of the file, or NaN past the end of the series. */
static float value_at(const struct series_filling *filling, const struct series_list *series, int64_t row, int32_t k) {
    return row < series->count ? filling->rows->values[(series->begin + row) * filling->layout->sizes.n_numbers + k]
                               : NAN;
}

/* Writes the known numbers of a row: columns, then calendar. */
static void fill_known(const struct series_filling *filling, const struct series_list *series, int64_t row,
                       int64_t time, float *numbers) {
    const struct series_sizes *sizes = &filling->layout->sizes;
    for (int32_t k = 0; k < sizes->n_known; k++) {
        numbers[k] = value_at(filling, series, row, sizes->n_targets + sizes->n_past + k);
    }
    numbers += sizes->n_known;
    for (int32_t f = 0; f < sizes->n_features; f++) {
        calendar_fill(sizes->features[f], time, numbers);
        numbers += calendar_width(sizes->features[f]);
    }
}

/* Writes row `row`; of rows to come only the known numbers and the time are known. */
static void fill_row(const struct series_filling *filling, const struct series_list *series, int64_t row,
                     int is_observed) {
    const struct series_sizes *sizes = &filling->layout->sizes;
    const unsigned char *is_missing = filling->layout->is_missing;
    float *input = filling->input + row * filling->width;
    const int32_t n_own = sizes->n_targets + sizes->n_past;
    filling->time[row] = row < series->count
                             ? filling->rows->time[series->begin + row]
                             : date_add(filling->time[row - 1], filling->layout->calendar.step, 1, series->day);
    fill_known(filling, series, row, filling->time[row], input + n_own);
    for (int32_t k = 0; k < n_own; k++) {
        input[k] = is_observed ? value_at(filling, series, row, k) : NAN;
    }
    for (int32_t k = 0; k < sizes->n_targets; k++) {
        filling->target[row * sizes->n_targets + k] = input[k];
    }
    if (filling->known != NULL) {
        memcpy(filling->known + row * sizes->known, input + n_own, (size_t)sizes->known * sizeof *input);
    }
    float *indicator = input + sizes->input;
    for (int32_t k = 0; k < sizes->n_numbers; k++) {
        if (is_missing[k]) {
            *indicator++ = isnan(value_at(filling, series, row, k)) != 0;
        }
    }
}

/* Rows up to the last that has a target. */
static int64_t observed_rows(const struct series_filling *filling, const struct series_list *series) {
    for (int64_t row = series->count; row > 0; row--) {
        for (int32_t k = 0; k < filling->layout->sizes.n_targets; k++) {
            if (!isnan(value_at(filling, series, row - 1, k))) {
                return row;
            }
        }
    }
    return 0;
}

/* " of series 'a'", or "". */
static const char *of_series(const struct series_filling *filling, const struct series_list *series) {
    const char *text =
        series->name[0] == '\0' ? "" : arena_printf(filling->rows->arena, " of series '%.60s'", series->name);
    return text == NULL ? "" : text;
}

static const char *name_of_known(const struct series_layout *layout, int32_t k) {
    const struct reader_column *column = layout->known;
    for (; k > 0; k--) {
        column = column->next;
    }
    return column->text;
}

/* The time of a row of the file, or of one to come. */
static int64_t time_of(const struct series_filling *filling, const struct series_list *series, int64_t row) {
    const int64_t *time = filling->rows->time + series->begin, last = series->count - 1;
    return row <= last ? time[row] : date_add(time[last], filling->layout->calendar.step, row - last, series->day);
}

/* A forecast needs a whole window before it, and the known columns of the rows to come. */
static rondo_status check_forecast(const struct series_filling *filling, const struct series_list *series,
                                   int64_t observed) {
    const struct series_layout *layout = filling->layout;
    const struct series_sizes *sizes = &layout->sizes;
    if (observed < layout->window) {
        return errors_add_at(filling->errors, RONDO_INVALID, series->last_line,
                             "%lld row%s%s with a target, and a forecast reads the %lld rows before it (data.window)",
                             (long long)observed, observed == 1 ? "" : "s", of_series(filling, series),
                             (long long)layout->window);
    }
    for (int64_t row = observed; row < observed + layout->horizon; row++) {
        for (int32_t k = 0; k < sizes->n_known; k++) {
            if (isnan(value_at(filling, series, row, sizes->n_targets + sizes->n_past + k))) {
                const struct date_text date =
                    series_time_text(&layout->calendar, layout->time_format, time_of(filling, series, row));
                return errors_add_at(
                    filling->errors, RONDO_INVALID, series->last_line,
                    "column '%.60s' has no number for %s%s, one of the %lld rows to come, although it is "
                    "known in advance; expected rows for them, with an empty target",
                    name_of_known(layout, k), date.text, of_series(filling, series), (long long)layout->horizon);
            }
        }
    }
    return RONDO_OK;
}

/* The group of a series; -1 with an error: training did not have it, so it has no scale. */
static int32_t group_of(const struct series_filling *filling, const struct series_list *series) {
    const struct vocabulary *names = filling->layout->names;
    const int32_t group = vocabulary_find(names, series->name);
    struct suggestion near = {0};
    for (int32_t i = 0; group < 0 && i < vocabulary_size(names); i++) {
        suggest(&near, series->name, vocabulary_word(names, i));
    }
    if (group < 0) {
        errors_add_at(filling->errors, RONDO_INVALID, series->last_line,
                      "series '%.60s' has no rows in the training data, from which its scale is learned%s",
                      series->name, suggestion_text(&near).text);
    }
    return group;
}

static rondo_status add_series(struct series_filling *filling, const struct series_list *series, int with_targets) {
    const int64_t observed = with_targets ? series->count : observed_rows(filling, series);
    const int32_t group = group_of(filling, series);
    struct series_room room;
    if (group < 0) {
        return RONDO_INVALID;
    }
    RONDO_TRY(with_targets ? RONDO_OK : check_forecast(filling, series, observed));
    RONDO_TRY(dataset_add_series(filling->dataset, observed, group, &room, filling->errors));
    filling->input = room.numbers[0];
    filling->target = room.numbers[1];
    filling->known = filling->layout->sizes.known > 0 ? room.numbers[2] : NULL;
    filling->time = room.time;
    for (int64_t row = 0; row < observed + filling->layout->horizon; row++) {
        fill_row(filling, series, row, row < observed);
    }
    return RONDO_OK;
}

/* Reports the reasons for which series have no forecast: as warnings if others have one. */
static rondo_status report_skipped(const struct dataset *dataset, const struct series_rows *rows,
                                   struct errors *reasons, struct errors *warnings, struct errors *errors) {
    if (dataset->count == 0 || reasons->status == RONDO_NO_MEMORY) {
        const rondo_status status = reasons->status;
        errors_move(errors, reasons);
        return status;
    }
    if (reasons->count > 0) {
        errors_add(warnings, RONDO_INVALID, "no forecast of %lld of %d series, for the following reason%s",
                   (long long)(rows->n_series - dataset->count), rows->n_series, reasons->count == 1 ? "" : "s");
    }
    errors_move(warnings, reasons);
    return RONDO_OK;
}

rondo_status series_streams_add(struct dataset *dataset, const struct series_layout *layout,
                                const struct series_rows *rows, int with_targets, struct errors *errors) {
    struct errors reasons = {0}, *warnings = with_targets ? NULL : layout->reader->warnings;
    struct series_filling filling = {.layout = layout,
                                     .rows = rows,
                                     .dataset = dataset,
                                     .width = dataset_find(dataset, "input")->size,
                                     .errors = warnings == NULL ? errors : &reasons};
    rondo_status first = RONDO_OK;
    for (int32_t s = 0; s < rows->n_series && errors->count < TABLE_FILE_MOST_MISTAKES && first != RONDO_NO_MEMORY;
         s++) {
        const rondo_status interrupt = reader_check_interrupt(layout->reader, s, rows->series[s].last_line, errors);
        if (interrupt != RONDO_OK) {
            errors_free(&reasons);
            return interrupt;
        }
        const rondo_status status = add_series(&filling, &rows->series[s], with_targets);
        first = first == RONDO_OK || status == RONDO_NO_MEMORY ? status : first;
    }
    return warnings == NULL ? first : report_skipped(dataset, rows, &reasons, warnings, errors);
}
