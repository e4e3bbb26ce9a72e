/* data/readers/series.c: series of numbers with dates, from CSV or TSV files, whose next values are forecast.
 *
 * Each row of a file is a time of a series. An example of the dataset is a whole series; data/origins.h makes forecasts of it.
 * The columns are
 *
 *     target    what is forecast; the model reads its past
 *     past      numbers that are known up to the day on which a forecast is made
 *     known     numbers that are known in advance, such as holidays; calendar: numbers that follow from the date
 *
 * data/series_streams.h says what of them the model reads.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "data/calendar.h"
#include "data/forecast.h"
#include "data/reader.h"
#include "data/series_rows.h"
#include "data/series_streams.h"

enum { MOST_COLUMNS = 4096 };
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

static struct series_sizes sizes_of(const struct reader *reader) {
    struct series_sizes sizes = {.n_targets = count_columns(reader, COLUMN_TARGET),
                                 .n_past = count_columns(reader, COLUMN_PAST),
                                 .n_known = count_columns(reader, COLUMN_KNOWN)};
    sizes.n_numbers = sizes.n_targets + sizes.n_past + sizes.n_known;
    sizes.known = sizes.n_known;
    for (const struct reader_column *column = &reader->columns[COLUMN_CALENDAR];
         is_given(reader, COLUMN_CALENDAR) && column != NULL && sizes.n_features < SERIES_MOST_FEATURES;
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
    if (count_columns(reader, COLUMN_CALENDAR) > SERIES_MOST_FEATURES) {
        return errors_add_at(errors, RONDO_INVALID, reader->columns[COLUMN_CALENDAR].where,
                             "more than %d names, expected each once", SERIES_MOST_FEATURES);
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
        status = part_times_of(source->parts, rows.time, rows.rows, rows.calendar.zone, source->paths[0].where, &times,
                               errors);
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
    timeline->zone = state->calendar.zone;
    return RONDO_OK;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    struct series_rows rows = {0};
    rondo_status status = open_rows(reader, source, &state_of(reader)->calendar, &rows, errors);
    if (status == RONDO_OK) {
        const struct series_state *state = state_of(reader);
        const struct series_layout layout = {.reader = reader,
                                             .sizes = sizes_of(reader),
                                             .is_missing = state->is_missing,
                                             .names = state->names,
                                             .calendar = state->calendar,
                                             .known = &reader->columns[COLUMN_KNOWN],
                                             .time_format = options_of(reader)->time_format,
                                             .window = options_of(reader)->window,
                                             .horizon = options_of(reader)->horizon};
        status = series_streams_add(dataset, &layout, &rows, with_targets, errors);
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
