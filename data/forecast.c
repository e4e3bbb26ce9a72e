#include "data/forecast.h"

#include <jansson.h>
#include <math.h>

static json_t *number_json(float number) {
    return isfinite(number) ? json_real((double)number) : json_null();
}

static json_t *row_json(const float *numbers, int64_t count, struct fields *fields) {
    json_t *row = count == 1 ? NULL : json_array();
    for (int64_t k = 0; row != NULL && k < count; k++) {
        fields_append(fields, row, number_json(numbers[k]));
    }
    return count == 1 ? number_json(numbers[0]) : row;
}

/* Numbers of each of the rows to come, [horizon, count]: the inner lists only if `count` is above 1, the outer one only if
 * `horizon` is. */
static json_t *rows_json(const float *numbers, int64_t horizon, int64_t count, struct fields *fields) {
    json_t *rows = horizon == 1 ? NULL : json_array();
    for (int64_t h = 0; rows != NULL && h < horizon; h++) {
        fields_append(fields, rows, row_json(numbers + h * count, count, fields));
    }
    return horizon == 1 ? row_json(numbers, count, fields) : rows;
}

static json_t *columns_json(const struct reader_column *column, struct fields *fields) {
    json_t *names = json_array();
    for (; column != NULL; column = column->next) {
        fields_append(fields, names, json_string(column->text));
    }
    return names;
}

static struct date_text text_of(const struct forecast_form *form, int64_t time) {
    return date_text(time, form->zone, form->has_clock, form->time_format);
}

static json_t *dates_json(const struct forecast_form *form, const int64_t *time, int64_t horizon,
                          struct fields *fields) {
    json_t *dates = json_array();
    for (int64_t h = 0; h < horizon; h++) {
        fields_append(fields, dates, json_string(text_of(form, time[h]).text));
    }
    return dates;
}

/* The ends of the intervals, [horizon, targets] each; NULL: not asked for. */
struct forecast_ends {
    const float *lower, *upper;
    int64_t targets;
};

static void show_row(struct fields *fields, const float *numbers, int64_t count) {
    for (int64_t k = 0; k < count; k++) {
        fields_show_number(fields, (double)numbers[k], "%.6g");
    }
}

static void show_rows(const struct forecast_form *form, const char *name, const int64_t *time, int64_t horizon,
                      const float *values, int64_t count, const struct forecast_ends *ends, struct fields *fields) {
    for (int64_t h = 0; h < horizon; h++) {
        fields_line(fields);
        if (name != NULL) {
            fields_show(fields, name);
        }
        fields_show(fields, text_of(form, time[h]).text);
        show_row(fields, values + h * count, count);
        if (ends->lower != NULL) {
            show_row(fields, ends->lower + h * ends->targets, ends->targets);
            show_row(fields, ends->upper + h * ends->targets, ends->targets);
        }
    }
}

void forecast_render(const struct forecast_form *form, const struct reader_prediction *prediction,
                     struct fields *fields) {
    const struct dataset *dataset = prediction->dataset;
    const int64_t horizon = dataset->timeline->horizon;
    const struct stream *target = dataset_find(dataset, "target");
    const int64_t last = target->begin[prediction->example] + target->length[prediction->example] - 1;
    /* of the first row to come, which is the last element of the target */
    const int64_t *time = dataset->timeline->time + last;
    const int64_t count = target->stride * prediction->size / target->size;
    const float *values = prediction->values + (prediction->steps - 1) * prediction->size;
    const char *name =
        form->names == NULL ? NULL : vocabulary_word(form->names, dataset_group(dataset, prediction->example));
    if (name != NULL) {
        fields_text(fields, "series", name, 0);
    }
    fields_text(fields, "origin", text_of(form, time[-1]).text, 0);
    const int64_t last_step = prediction->steps - 1;
    const int has_ends = prediction->lower != NULL;
    const struct forecast_ends ends = {has_ends ? prediction->lower + last_step * target->size : NULL,
                                       has_ends ? prediction->upper + last_step * target->size : NULL, target->stride};
    show_rows(form, name, time, horizon, values, count, &ends, fields);
    if (target->stride > 1) {
        fields_json(fields, "columns", columns_json(form->targets, fields));
    }
    if (horizon == 1) {
        fields_text(fields, "date", text_of(form, time[0]).text, 0);
        fields_json(fields, count == 1 ? "value" : "values", row_json(values, count, fields));
    } else {
        fields_json(fields, "dates", dates_json(form, time, horizon, fields));
        fields_json(fields, count == 1 ? "values" : "steps", rows_json(values, horizon, count, fields));
    }
    if (prediction->middle != NULL) {
        fields_json(fields, "median",
                    rows_json(prediction->middle + last_step * target->size, horizon, target->stride, fields));
    }
    if (has_ends) {
        fields_number(fields, "interval", prediction->interval, NULL);
        fields_json(fields, "lower", rows_json(ends.lower, horizon, ends.targets, fields));
        fields_json(fields, "upper", rows_json(ends.upper, horizon, ends.targets, fields));
    }
}
