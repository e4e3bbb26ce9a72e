#include "data/forecast.h"

#include <jansson.h>
#include <math.h>

static json_t *number_json(float number) {
    return isfinite(number) ? json_real((double)number) : json_null();
}

/* The numbers of one target at one time. */
static json_t *numbers_json(const float *numbers, int64_t count) {
    json_t *list = count == 1 ? NULL : json_array();
    for (int64_t q = 0; list != NULL && q < count; q++) {
        json_array_append_new(list, number_json(numbers[q]));
    }
    return count == 1 ? number_json(numbers[0]) : list;
}

/* {"cnt": [120.5, …]} of `horizon` rows; values [horizon, targets, each]. */
static json_t *forecast_json(const struct forecast_form *form, const float *values, int64_t horizon, int64_t n_targets,
                             int64_t each) {
    json_t *forecast = json_object();
    const struct reader_column *column = form->targets;
    for (int64_t k = 0; k < n_targets; k++, column = column->next) {
        json_t *list = json_array();
        for (int64_t h = 0; h < horizon; h++) {
            json_array_append_new(list, numbers_json(values + (h * n_targets + k) * each, each));
        }
        json_object_set_new(forecast, column->text, list);
    }
    return forecast;
}

void forecast_render(const struct forecast_form *form, const struct reader_prediction *prediction,
                     struct fields *fields) {
    const struct dataset *dataset = prediction->dataset;
    const struct timeline *timeline = dataset->timeline;
    const struct stream *target = dataset_find(dataset, "target");
    const int64_t last = target->begin[prediction->example] + target->length[prediction->example] - 1;
    const int64_t *time = timeline->time + last; /* of the first row to come, which is the last element of the target */
    const int64_t n_targets = target->stride, each = prediction->size / target->size;
    const float *values = prediction->values + (prediction->steps - 1) * prediction->size;
    const char *name =
        form->names == NULL ? NULL : vocabulary_word(form->names, dataset_group(dataset, prediction->example));
    json_t *dates = json_array();
    if (name != NULL) {
        fields_text(fields, "series", name, 0);
    }
    fields_text(fields, "origin", date_text(time[-1], form->zone, form->has_clock, form->time_format).text, 0);
    for (int64_t h = 0; h < timeline->horizon; h++) {
        const struct date_text date = date_text(time[h], form->zone, form->has_clock, form->time_format);
        json_array_append_new(dates, json_string(date.text));
        fields_line(fields);
        if (name != NULL) {
            fields_show(fields, name);
        }
        fields_show(fields, date.text);
        for (int64_t k = 0; k < n_targets * each; k++) {
            fields_show_number(fields, (double)values[h * n_targets * each + k], "%.6g");
        }
    }
    fields_json(fields, "dates", dates);
    fields_json(fields, "forecast", forecast_json(form, values, timeline->horizon, n_targets, each));
}
