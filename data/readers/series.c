/* data/readers/series.c: series of numbers with dates, from CSV or TSV files, whose next values are forecast.
 *
 * Each row of a file is a time of a series. An example of the dataset is a whole series; data/origins.h makes forecasts of it.
 * The columns are
 *
 *     target    what is forecast; the model reads its past
 *     past      numbers that are known up to the day on which a forecast is made
 *     known     numbers that are known in advance, such as holidays; calendar: numbers that follow from the date
 *
 * and a row of the streams is
 *
 *     input     target, past, known, calendar, and an indicator for each column of which training misses a number
 *     target    target             an element: those of the next `horizon` rows
 *     known     known, calendar    an element: those of the next `horizon` rows
 *
 * Nothing of a later row is in `input`, so `past` columns never reach the model before their date. A missing number is 0, the
 * mean, to the model, and its indicator 1.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "data/calendar.h"
#include "data/forecast.h"
#include "data/reader.h"
#include "data/series_rows.h"

enum { MOST_COLUMNS = 4096, MOST_FEATURES = 16 };
enum { COLUMN_TIME, COLUMN_TARGET, COLUMN_KNOWN, COLUMN_PAST, COLUMN_SERIES, COLUMN_CALENDAR };

struct series_options {
    int32_t format, separator, quotes, header; /* struct table_file_options */
    const char *time_format;                   /* data/dates.h */
    int64_t window, horizon, step, season;
    int32_t gaps;      /* enum series_gaps */
    int32_t transform; /* enum number_transform, of the targets */
    const char *missing_text;
};

static const char *const gap_rules[] = {"error", "missing", "ignore", NULL}; /* by enum series_gaps */
static const char *const transforms[] = {"none", "log", "log1p", NULL};      /* by enum number_transform */

static const rondo_option options_table[] = {
    TABLE_FILE_OPTIONS(struct series_options, "true"),
    RONDO_OPTION_STRING(
        struct series_options, time_format, "",
        "form of the times; \"\": 2012-06-01 or 2012-06-01T14:30; seconds or milliseconds: since 1970; or a "
        "pattern such as \"%d.%m.%Y %H:%M\" (%Y %y %m %d %H %I %p %M %S %f %j %b %a %z)"),
    RONDO_OPTION_INT(struct series_options, window, NULL, 1, 1e6, "rows up to a forecast that the model reads"),
    RONDO_OPTION_INT(struct series_options, horizon, "1", 1, 1e5, "rows after it that are forecast, all at once"),
    RONDO_OPTION_INT(struct series_options, step, "1", 1, 1e6,
                     "rows from one forecast to the next, in training and in evaluation"),
    RONDO_OPTION_INT(
        struct series_options, season, "1", 1, 1e6,
        "rows after which the series repeats itself, such as 7 for days with weeks: for the seasonal naive "
        "forecast, and the metric mase; 1: it does not"),
    RONDO_OPTION_CHOICE(
        struct series_options, gaps, "error", gap_rules,
        "a missing row is an error; or becomes a row of missing numbers; or is ignored: consecutive rows are "
        "consecutive steps"),
    RONDO_OPTION_CHOICE(
        struct series_options, transform, "none", transforms,
        "the model sees targets, and their past, as they are; log: as logarithms, of numbers above 0; log1p: "
        "as log(1 + x), of numbers from 0"),
    RONDO_OPTION_STRING(struct series_options, missing_text, "",
                        "a field with this text is missing, as an empty one is, such as NA"),
    RONDO_OPTION_END};

static const struct reader_column_key columns[] = {
    [COLUMN_TIME] = {"time", NULL, "the column of the dates or times", 0},
    [COLUMN_TARGET] = {"target", NULL, "the column that is forecast, or a list of them", 1},
    [COLUMN_KNOWN] = {"known", "", "columns of numbers that are known in advance, such as [holiday]", 1},
    [COLUMN_PAST] = {"past", "", "columns of numbers that are known up to the day of the forecast", 1},
    [COLUMN_SERIES] = {"series", "", "the column with the name of the series of each row, if a file has several", 0},
    [COLUMN_CALENDAR] = {"calendar", "",
                         "numbers that follow from the date, known in advance: hour, weekday, day, month, weekend, "
                         "day_cycle, week_cycle, year_cycle",
                         1},
    {NULL, NULL, NULL, 0}};

struct series_state {
    struct series_calendar calendar;
    struct vocabulary *names;  /* of the series of the training part; their ids are the groups */
    unsigned char *is_missing; /* [n_numbers] the training part misses a number of the column */
    unsigned char *input_transform, *target_transform; /* [input width], [horizon * n_targets] */
};

static const struct series_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct series_state *state_of(const struct reader *reader) {
    return reader->state;
}

static int is_given(const struct reader *reader, int key) {
    return reader->columns[key].where.file != NULL;
}

static int32_t count_columns(const struct reader *reader, int key) {
    int32_t count = 0;
    for (const struct reader_column *column = &reader->columns[key]; is_given(reader, key) && column != NULL;
         column = column->next) {
        count++;
    }
    return count;
}

/* ---- what the columns are ---- */

/* Sizes that follow from the options. */
struct series_sizes {
    int32_t n_targets, n_past, n_known, n_numbers; /* columns of numbers: targets, then past, then known */
    int32_t n_features, features[MOST_FEATURES];
    int64_t known, input; /* numbers of a row of the streams, without indicators */
};

static struct series_sizes sizes_of(const struct reader *reader) {
    struct series_sizes sizes = {.n_targets = count_columns(reader, COLUMN_TARGET),
                                 .n_past = count_columns(reader, COLUMN_PAST),
                                 .n_known = count_columns(reader, COLUMN_KNOWN)};
    sizes.n_numbers = sizes.n_targets + sizes.n_past + sizes.n_known;
    sizes.known = sizes.n_known;
    for (const struct reader_column *column = &reader->columns[COLUMN_CALENDAR];
         is_given(reader, COLUMN_CALENDAR) && column != NULL && sizes.n_features < MOST_FEATURES;
         column = column->next) {
        struct suggestion near = {0};
        const int32_t feature = calendar_find(column->text, &near);
        sizes.features[sizes.n_features++] = feature < 0 ? 0 : feature; /* `check` has refused others */
        sizes.known += feature < 0 ? 0 : calendar_width(feature);
    }
    sizes.input = sizes.n_targets + sizes.n_past + sizes.known;
    return sizes;
}

static int64_t input_width(const struct reader *reader, const struct series_sizes *sizes) {
    int64_t width = sizes->input;
    for (int32_t k = 0; k < sizes->n_numbers; k++) {
        width += state_of(reader)->is_missing[k];
    }
    return width;
}

static rondo_status check(const struct reader *reader, struct errors *errors) {
    const struct series_options *options = options_of(reader);
    const char *bad;
    if (!date_format_is_valid(options->time_format, &bad)) {
        return errors_add(
            errors, RONDO_INVALID,
            "'time_format' is '%s', whose '%.2s' is not known; expected seconds, milliseconds, or a pattern "
            "such as %%d.%%m.%%Y with %%Y %%y %%m %%d %%e %%H %%I %%p %%M %%S %%f %%j %%b %%a %%z",
            options->time_format, bad);
    }
    for (const struct reader_column *column = &reader->columns[COLUMN_CALENDAR];
         is_given(reader, COLUMN_CALENDAR) && column != NULL; column = column->next) {
        struct suggestion near = {0};
        if (calendar_find(column->text, &near) < 0) {
            return errors_add_at(errors, RONDO_INVALID, column->where,
                                 "'%s' is not a number that follows from a date%s; expected %s", column->text,
                                 suggestion_text(&near).text, calendar_all);
        }
    }
    if (count_columns(reader, COLUMN_CALENDAR) > MOST_FEATURES) {
        return errors_add_at(errors, RONDO_INVALID, reader->columns[COLUMN_CALENDAR].where,
                             "more than %d names, expected each once", MOST_FEATURES);
    }
    RONDO_TRY(table_file_check_columns(reader, COLUMN_CALENDAR, errors));
    return table_file_check(TABLE_FILE_OPTIONS_OF(options), errors);
}

static rondo_status fits(const struct reader *reader, struct architecture architecture, struct location where,
                         struct errors *errors) {
    (void)reader;
    return architecture.input_every_step
               ? RONDO_OK
               : errors_add_at(
                     errors, RONDO_INVALID, where,
                     "a series has an input at every step; expected the architecture \"N:1\", or \"N:N\" for a "
                     "forecast at each step");
}

/* ---- rows ---- */

/* Opens the rows of a source. */
static rondo_status open_rows(const struct reader *reader, const struct reader_source *source,
                              const struct series_calendar *known, struct series_rows *rows, struct errors *errors) {
    const struct series_options *options = options_of(reader);
    const struct series_sizes sizes = sizes_of(reader);
    static const int keys[] = {COLUMN_TARGET, COLUMN_PAST, COLUMN_KNOWN};
    const struct reader_column *numbers[MOST_COLUMNS];
    int32_t count = 0;
    if (sizes.n_numbers > MOST_COLUMNS) {
        return errors_add_at(errors, RONDO_INVALID, reader->columns[COLUMN_TARGET].where, "more than %d columns",
                             MOST_COLUMNS);
    }
    for (int i = 0; i < 3; i++) {
        for (const struct reader_column *column = &reader->columns[keys[i]];
             is_given(reader, keys[i]) && column != NULL; column = column->next) {
            numbers[count++] = column;
        }
    }
    const struct series_form form = {.reader = reader,
                                     .table = TABLE_FILE_OPTIONS_OF(options),
                                     .time = &reader->columns[COLUMN_TIME],
                                     .series = &reader->columns[COLUMN_SERIES],
                                     .numbers = numbers,
                                     .n_numbers = count,
                                     .n_targets = sizes.n_targets,
                                     .least = options->transform == TRANSFORM_LOG     ? 0
                                              : options->transform == TRANSFORM_LOG1P ? -1
                                                                                      : (double)-INFINITY,
                                     .least_text =
                                         options->transform == TRANSFORM_LOG
                                             ? "has no logarithm; transform: log1p takes numbers from 0, and none any"
                                             : "is not above -1, as transform: log1p needs",
                                     .time_format = options->time_format,
                                     .missing_text = options->missing_text,
                                     .gaps = options->gaps};
    return series_rows_open(rows, &form, source, known, errors);
}

/* ---- learning ---- */

/* Which series the training part has, and of which columns it misses numbers. */
static rondo_status learn_rows(struct reader *reader, const struct series_rows *rows, const struct part_times *times,
                               struct errors *errors) {
    struct series_state *state = state_of(reader);
    const int32_t n_numbers = sizes_of(reader).n_numbers;
    int64_t from, to;
    part_times_range(times, PART_TRAIN, &from, &to);
    state->calendar = rows->calendar;
    for (int32_t s = 0; s < rows->n_series; s++) {
        const struct series_list *series = &rows->series[s];
        if (rows->time[series->begin] < to && vocabulary_count(state->names, series->name) < 0) {
            return errors_no_memory(errors);
        }
        for (int64_t row = series->begin; row < series->begin + series->count && rows->time[row] < to; row++) {
            for (int32_t k = 0; k < n_numbers; k++) {
                state->is_missing[k] |= isnan(rows->values[row * n_numbers + k]) != 0;
            }
        }
    }
    return RONDO_OK;
}

/* Makes what follows from the options and from what was learned. */
static rondo_status set_transforms(struct reader *reader, struct errors *errors) {
    struct series_state *state = state_of(reader);
    const struct series_sizes sizes = sizes_of(reader);
    const int64_t n_targets = options_of(reader)->horizon * sizes.n_targets;
    const unsigned char transform = (unsigned char)options_of(reader)->transform;
    if (transform == TRANSFORM_NONE) {
        return RONDO_OK;
    }
    state->input_transform = arena_calloc(reader->arena, (size_t)input_width(reader, &sizes), 1);
    state->target_transform = arena_calloc(reader->arena, (size_t)n_targets, 1);
    if (state->input_transform == NULL || state->target_transform == NULL) {
        return errors_no_memory(errors);
    }
    memset(state->input_transform, transform, (size_t)sizes.n_targets);
    memset(state->target_transform, transform, (size_t)n_targets);
    return RONDO_OK;
}

static rondo_status make_state(struct reader *reader, struct errors *errors) {
    struct series_state *state = state_of(reader);
    state->is_missing = arena_calloc(reader->arena, (size_t)sizes_of(reader).n_numbers, 1);
    state->names = vocabulary_create();
    return state->is_missing == NULL || state->names == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    struct series_rows rows = {0};
    struct part_times times;
    RONDO_TRY(make_state(reader, errors));
    rondo_status status = open_rows(reader, source, NULL, &rows, errors);
    if (status == RONDO_OK) {
        status = part_times_of(source->parts, rows.time, rows.rows, source->paths[0].where, &times, errors);
    }
    status = status == RONDO_OK ? learn_rows(reader, &rows, &times, errors) : status;
    series_rows_close(&rows);
    return status == RONDO_OK ? set_transforms(reader, errors) : status;
}

static void clear(struct reader *reader) {
    vocabulary_destroy(state_of(reader)->names);
    *state_of(reader) = (struct series_state){0};
}

/* ---- JSON: the calendar, "missing": [0, 1] for each column of numbers, and "series": ["a", …] ---- */

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    const struct series_state *state = state_of(reader);
    const int32_t n_numbers = sizes_of(reader).n_numbers;
    json_t *missing = json_array();
    for (int32_t k = 0; k < n_numbers; k++) {
        json_array_append_new(missing, json_integer(state->is_missing[k]));
    }
    int failed = json_array_size(missing) != (size_t)n_numbers;
    failed |= json_object_set_new(object, "missing", missing) != 0;
    failed |= json_object_set_new(object, "series", vocabulary_json(state->names)) != 0;
    return failed ? errors_no_memory(errors) : series_calendar_save(&state->calendar, object, errors);
}

static rondo_status load_missing(const struct json_t *object, const char *file, unsigned char *is_missing,
                                 int32_t count, struct errors *errors) {
    const json_t *list = json_object_get(object, "missing");
    int is_good = json_array_size(list) == (size_t)count;
    for (int32_t k = 0; k < count && is_good; k++) {
        const json_t *item = json_array_get(list, (size_t)k);
        is_good = json_is_integer(item) && (json_integer_value(item) | 1) == 1;
        is_missing[k] = (unsigned char)json_integer_value(item);
    }
    return is_good ? RONDO_OK
                   : errors_add(errors, RONDO_INVALID, "%s: 'missing' must be a list of %d numbers that are 0 or 1",
                                file, count);
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct series_state *state = state_of(reader);
    RONDO_TRY(series_calendar_load(&state->calendar, object, file, errors));
    state->is_missing = arena_calloc(reader->arena, (size_t)sizes_of(reader).n_numbers, 1);
    if (state->is_missing == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(load_missing(object, file, state->is_missing, sizes_of(reader).n_numbers, errors));
    RONDO_TRY(vocabulary_from_json(object, "series", file, &state->names, errors));
    return set_transforms(reader, errors);
}

/* ---- reading ---- */

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct series_options *options = options_of(reader);
    const struct series_state *state = state_of(reader);
    const struct series_sizes sizes = sizes_of(reader);
    const int64_t width = input_width(reader, &sizes);
    struct stream *input = dataset_stream(dataset, "input", STREAM_REAL, STORE_F32, width, errors);
    if (input == NULL) {
        return errors->status;
    }
    input->has_missing = 1;
    input->transform = state->input_transform;
    struct stream *target =
        dataset_stream(dataset, "target", STREAM_REAL, STORE_F32, options->horizon * sizes.n_targets, errors);
    if (target == NULL) {
        return errors->status;
    }
    target->stride = target->channels = sizes.n_targets;
    target->transform = state->target_transform;
    if (sizes.known > 0) {
        struct stream *known =
            dataset_stream(dataset, "known", STREAM_REAL, STORE_F32, options->horizon * sizes.known, errors);
        if (known == NULL) {
            return errors->status;
        }
        known->stride = known->channels = sizes.known;
        known->has_missing = 1;
    }
    struct timeline *timeline = dataset_timeline(dataset, errors);
    if (timeline == NULL) {
        return errors->status;
    }
    timeline->window = options->window;
    timeline->horizon = options->horizon;
    timeline->step = options->step;
    timeline->season = options->season;
    timeline->groups = vocabulary_size(state->names);
    return RONDO_OK;
}

/* The arguments of reading, and one series as rows of the streams: `observed` rows, and `horizon` to come. */
struct series_source {
    const struct reader *reader;
    const struct series_rows *rows;
    struct series_sizes sizes;
    int64_t width; /* of the input */
    float *input, *target, *known;
    int64_t *time;
    struct dataset *dataset;
    struct errors *errors;
};

/* Column k of row `row` of the file, or NaN past the end of the series. */
static float value_at(const struct series_source *source, const struct series_list *series, int64_t row, int32_t k) {
    return row < series->count ? source->rows->values[(series->begin + row) * source->sizes.n_numbers + k] : NAN;
}

/* Writes the known numbers of a row: columns, then calendar. */
static void fill_known(const struct series_source *source, const struct series_list *series, int64_t row, int64_t time,
                       float *numbers) {
    const struct series_sizes *sizes = &source->sizes;
    for (int32_t k = 0; k < sizes->n_known; k++) {
        numbers[k] = value_at(source, series, row, sizes->n_targets + sizes->n_past + k);
    }
    numbers += sizes->n_known;
    for (int32_t f = 0; f < sizes->n_features; f++) {
        calendar_fill(sizes->features[f], time, numbers);
        numbers += calendar_width(sizes->features[f]);
    }
}

/* Writes row `row`; of rows to come only the known numbers and the time are wanted. */
static void fill_row(const struct series_source *source, const struct series_list *series, int64_t row,
                     int is_observed) {
    const struct series_sizes *sizes = &source->sizes;
    const unsigned char *is_missing = state_of(source->reader)->is_missing;
    float *input = source->input + row * source->width, *known = source->known + row * sizes->known;
    const int32_t n_own = sizes->n_targets + sizes->n_past;
    source->time[row] = row < series->count ? source->rows->time[series->begin + row]
                                            : date_add(source->time[row - 1], state_of(source->reader)->calendar.step,
                                                       1, series->month_end);
    fill_known(source, series, row, source->time[row], known);
    for (int32_t k = 0; k < n_own; k++) {
        input[k] = is_observed ? value_at(source, series, row, k) : NAN;
    }
    for (int32_t k = 0; k < sizes->n_targets; k++) {
        source->target[row * sizes->n_targets + k] = input[k];
    }
    memcpy(input + n_own, known, (size_t)sizes->known * sizeof *input);
    float *indicator = input + sizes->input;
    for (int32_t k = 0; k < sizes->n_numbers; k++) {
        if (is_missing[k]) {
            *indicator++ = isnan(value_at(source, series, row, k)) != 0;
        }
    }
}

/* Rows up to the last that has a target. */
static int64_t observed_rows(const struct series_source *source, const struct series_list *series) {
    for (int64_t row = series->count; row > 0; row--) {
        for (int32_t k = 0; k < source->sizes.n_targets; k++) {
            if (!isnan(value_at(source, series, row - 1, k))) {
                return row;
            }
        }
    }
    return 0;
}

/* " of series 'a'", or "". */
static const char *of_series(const struct series_source *source, const struct series_list *series) {
    const char *text =
        series->name[0] == '\0' ? "" : arena_printf(source->rows->arena, " of series '%.60s'", series->name);
    return text == NULL ? "" : text;
}

static const struct reader_column *column_of_known(const struct reader *reader, int32_t k) {
    const struct reader_column *column = &reader->columns[COLUMN_KNOWN];
    for (; k > 0; k--) {
        column = column->next;
    }
    return column;
}

/* A forecast needs a whole window before it, and the known columns of the rows to come. */
static rondo_status check_forecast(const struct series_source *source, const struct series_list *series,
                                   int64_t observed) {
    const struct series_options *options = options_of(source->reader);
    if (observed < options->window) {
        return errors_add_at(source->errors, RONDO_INVALID, series->last_line,
                             "%lld row%s%s with a target, and a forecast reads the %lld rows before it (data.window)",
                             (long long)observed, observed == 1 ? "" : "s", of_series(source, series),
                             (long long)options->window);
    }
    for (int64_t row = observed; row < observed + options->horizon; row++) {
        for (int32_t k = 0; k < source->sizes.n_known; k++) {
            if (isnan(source->known[row * source->sizes.known + k])) {
                const struct date_text date =
                    series_time_text(&state_of(source->reader)->calendar, options->time_format, source->time[row]);
                return errors_add_at(
                    source->errors, RONDO_INVALID, series->last_line,
                    "column '%.60s' has no number for %s%s, one of the %lld rows to come, although it is "
                    "known in advance; expected rows for them, with an empty target",
                    column_of_known(source->reader, k)->text, date.text, of_series(source, series),
                    (long long)options->horizon);
            }
        }
    }
    return RONDO_OK;
}

/* The group of a series; -1 with an error: training did not have it, so it has no scale. */
static int32_t group_of(const struct series_source *source, const struct series_list *series) {
    const struct vocabulary *names = state_of(source->reader)->names;
    const int32_t group = vocabulary_find(names, series->name);
    struct suggestion near = {0};
    for (int32_t i = 0; group < 0 && i < vocabulary_size(names); i++) {
        suggest(&near, series->name, vocabulary_word(names, i));
    }
    if (group < 0) {
        errors_add_at(source->errors, RONDO_INVALID, series->last_line,
                      "series '%.60s' has no rows in the training data, from which its scale is learned%s",
                      series->name, suggestion_text(&near).text);
    }
    return group;
}

static rondo_status add_series(struct series_source *source, const struct series_list *series, int with_targets) {
    struct dataset *dataset = source->dataset;
    const int64_t horizon = dataset->timeline->horizon;
    const int64_t observed = with_targets ? series->count : observed_rows(source, series);
    const int32_t group = group_of(source, series);
    if (group < 0) {
        return RONDO_INVALID;
    }
    for (int64_t row = 0; row < observed + horizon; row++) {
        fill_row(source, series, row, row < observed);
    }
    if (!with_targets) {
        RONDO_TRY(check_forecast(source, series, observed));
    }
    const struct stream_part parts[] = {
        {source->input, observed + horizon}, {source->target, observed + horizon}, {source->known, observed + horizon}};
    return dataset_add_series(dataset, parts, source->time, observed, group, source->errors);
}

static rondo_status add_all(struct series_source *source, int with_targets) {
    const struct series_rows *rows = source->rows;
    rondo_status first = RONDO_OK;
    int64_t most = 0;
    for (int32_t s = 0; s < rows->n_series; s++) {
        most = rows->series[s].count > most ? rows->series[s].count : most;
    }
    const size_t elements = (size_t)(most + source->dataset->timeline->horizon);
    source->width = dataset_find(source->dataset, "input")->size;
    source->input = arena_calloc(rows->arena, elements * (size_t)source->width, sizeof(float));
    source->target = arena_calloc(rows->arena, elements * (size_t)source->sizes.n_targets, sizeof(float));
    source->known = arena_calloc(rows->arena, elements * (size_t)source->sizes.known + 1, sizeof(float));
    source->time = arena_calloc(rows->arena, elements, sizeof *source->time);
    if (arena_failed(rows->arena)) {
        return errors_no_memory(source->errors);
    }
    for (int32_t s = 0; s < rows->n_series && source->errors->count < TABLE_FILE_MOST_MISTAKES; s++) {
        RONDO_TRY(reader_check_interrupt(source->reader, s, rows->series[s].last_line, source->errors));
        const rondo_status status = add_series(source, &rows->series[s], with_targets);
        if (status == RONDO_NO_MEMORY) {
            return status;
        }
        first = first == RONDO_OK ? status : first;
    }
    return first;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    struct series_rows rows = {0};
    rondo_status status = open_rows(reader, source, &state_of(reader)->calendar, &rows, errors);
    if (status == RONDO_OK) {
        struct series_source own = {
            .reader = reader, .rows = &rows, .sizes = sizes_of(reader), .dataset = dataset, .errors = errors};
        status = add_all(&own, with_targets);
    }
    series_rows_close(&rows);
    return status;
}

/* ---- predictions ---- */

static rondo_status render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    const struct series_state *state = state_of(reader);
    const int has_series = is_given(reader, COLUMN_SERIES);
    const struct forecast_form form = {.names = has_series ? state->names : NULL,
                                       .targets = &reader->columns[COLUMN_TARGET],
                                       .time_format = options_of(reader)->time_format,
                                       .zone = state->calendar.zone,
                                       .has_clock = state->calendar.has_clock};
    (void)errors; /* fields remember a failure */
    forecast_render(&form, prediction, fields);
    return RONDO_OK;
}

extern const struct reader_class reader_series;
const struct reader_class reader_series = {
    .name = "series",
    .summary = "series of numbers with dates, whose next values are forecast, from TSV or CSV files",
    .options = options_table,
    .options_size = sizeof(struct series_options),
    .columns = columns,
    .flags = READER_DATES,
    .state_size = sizeof(struct series_state),
    .check = check,
    .learn = learn,
    .fits = fits,
    .describe = describe,
    .read = read,
    .render = render,
    .save = save,
    .load = load,
    .clear = clear};
