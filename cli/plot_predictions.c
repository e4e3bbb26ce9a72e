#include "cli/plot_predictions.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"

enum { MOST_NUMBERS = 6, MOST_BARS = 20 };
enum plotted_part { FORECAST, TRUTH, LOWER, UPPER, PLOTTED_PARTS };

/* The values of one number: of all examples, or of all steps of one example. */
struct plotted_number {
    double *values[PLOTTED_PARTS]; /* [count of the predictions], from malloc; NAN: not known */
};

struct plot_predictions {
    struct arena *arena; /* of names and dates */
    int64_t example, seen;
    double interval;    /* probability of the intervals; 0: none */
    int by_step;        /* the numbers are steps of one example */
    const char *series; /* the name of that example's series, from the arena; NULL: it has none */
    int64_t size;       /* numbers of an example or a step */
    int32_t n_shown;    /* of them; the first ones */
    struct plotted_number numbers[MOST_NUMBERS];
    int64_t count, capacity;
    char **dates;                   /* [count]; NULL: none */
    json_t *columns;                /* names of the numbers; NULL: none */
    json_t *labels, *probabilities; /* counts by label; those of the only example */
    int has_labels;
};

struct plot_predictions *plot_predictions_create(int64_t example) {
    struct plot_predictions *predictions = calloc(1, sizeof *predictions);
    if (predictions == NULL) {
        return NULL;
    }
    predictions->example = example;
    predictions->arena = arena_create();
    predictions->labels = json_object();
    if (predictions->arena == NULL || predictions->labels == NULL) {
        plot_predictions_destroy(predictions);
        return NULL;
    }
    return predictions;
}

void plot_predictions_destroy(struct plot_predictions *predictions) {
    if (predictions == NULL) {
        return;
    }
    for (int32_t k = 0; k < MOST_NUMBERS; k++) {
        for (int part = 0; part < PLOTTED_PARTS; part++) {
            free(predictions->numbers[k].values[part]);
        }
    }
    free(predictions->dates);
    json_decref(predictions->columns);
    json_decref(predictions->labels);
    json_decref(predictions->probabilities);
    arena_destroy(predictions->arena);
    free(predictions);
}

/* ---- numbers ---- */

/* Makes room for `count` values of each number. */
static rondo_status reserve(struct plot_predictions *predictions, int64_t count, struct errors *errors) {
    if (count <= 0 || count <= predictions->capacity) {
        return RONDO_OK;
    }
    const int64_t capacity = count > 2 * predictions->capacity ? count : 2 * predictions->capacity;
    for (int32_t k = 0; k < predictions->n_shown; k++) {
        for (int part = 0; part < PLOTTED_PARTS; part++) {
            double **values = &predictions->numbers[k].values[part];
            double *larger = realloc(*values, (size_t)capacity * sizeof **values);
            if (larger == NULL) {
                return errors_no_memory(errors);
            }
            *values = larger;
        }
    }
    char **dates = realloc(predictions->dates, (size_t)capacity * sizeof *dates);
    if (dates == NULL) {
        return errors_no_memory(errors);
    }
    predictions->dates = dates;
    predictions->capacity = capacity;
    return RONDO_OK;
}

/* Number k of step t: of a number, a list of numbers (of steps or of one step), or a list of lists. */
static double number_at(const json_t *field, int64_t t, int64_t k, int by_step) {
    const json_t *value = field;
    if (json_is_array(value)) {
        value = json_array_get(value, (size_t)(by_step ? t : k));
    }
    if (json_is_array(value)) {
        value = json_array_get(value, (size_t)k);
    }
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double truth_at(const struct reader_prediction *prediction, int64_t size, int64_t t, int64_t k) {
    const struct stream *target = dataset_find(prediction->dataset, "target");
    if (target == NULL || target->kind != STREAM_REAL || target->size != size) {
        return NAN;
    }
    const int64_t at = target->begin[prediction->example] + t;
    const int is_there = t < target->length[prediction->example] && stream_has_target(target, at);
    return is_there ? (double)stream_number(target, at, k) : NAN;
}

/* The truth of a series: numbers of the rows to come, in the element of the last step. */
static double series_truth_at(const struct reader_prediction *prediction, int64_t row, int64_t k) {
    const struct stream *target = dataset_find(prediction->dataset, "target");
    const int64_t at = target->begin[prediction->example] + prediction->steps - 1, number = row * target->stride + k;
    const int is_there = number < target->size && prediction->steps <= target->length[prediction->example] &&
                         stream_has_target(target, at);
    return is_there ? (double)stream_number(target, at, number) : NAN;
}

static char *date_at(struct plot_predictions *predictions, const json_t *object, int64_t t) {
    const json_t *dates = json_object_get(object, "dates"), *date = json_object_get(object, "date");
    const json_t *found = json_is_array(dates) ? json_array_get(dates, (size_t)t) : t == 0 ? date : NULL;
    return json_is_string(found) ? arena_strdup(predictions->arena, json_string_value(found)) : NULL;
}

/* The number of steps that the fields have; 0: they are not steps. Several numbers of an example with as many dates are
 * steps as well. */
static int64_t steps_of(const json_t *object) {
    const json_t *steps = json_object_get(object, "steps"), *values = json_object_get(object, "values");
    const size_t dates = json_array_size(json_object_get(object, "dates"));
    return steps != NULL                                   ? (int64_t)json_array_size(steps)
           : dates > 0 && dates == json_array_size(values) ? (int64_t)dates
                                                           : 0;
}

static void store_numbers(struct plot_predictions *predictions, const struct reader_prediction *prediction,
                          const json_t *object, const json_t *field, int64_t t) {
    const json_t *lower = json_object_get(object, "lower"), *upper = json_object_get(object, "upper");
    const int by_step = predictions->by_step, is_row = by_step && json_object_get(object, "steps") == NULL;
    const int64_t target_size = is_row ? (int64_t)json_array_size(field) : predictions->size;
    for (int32_t k = 0; k < predictions->n_shown; k++) {
        double **values = predictions->numbers[k].values;
        values[FORECAST][predictions->count] = number_at(field, t, k, by_step);
        values[TRUTH][predictions->count] =
            prediction->dataset->timeline != NULL
                ? series_truth_at(prediction, t, k)
                : truth_at(prediction, target_size, is_row || !by_step ? 0 : t, is_row ? t : k);
        values[LOWER][predictions->count] = number_at(lower, t, k, by_step);
        values[UPPER][predictions->count] = number_at(upper, t, k, by_step);
    }
    predictions->dates[predictions->count++] = date_at(predictions, object, t);
}

static rondo_status add_numbers(struct plot_predictions *predictions, const struct reader_prediction *prediction,
                                const json_t *object, const json_t *field, struct errors *errors) {
    const int64_t steps = steps_of(object);
    if (predictions->size == 0) {
        const json_t *first = json_object_get(object, "steps") != NULL ? json_array_get(field, 0) : field;
        predictions->by_step = steps > 0;
        predictions->size =
            json_is_array(first) && (steps == 0 || first != field) ? (int64_t)json_array_size(first) : 1;
        predictions->n_shown = predictions->size < MOST_NUMBERS ? (int32_t)predictions->size : MOST_NUMBERS;
    }
    if (!predictions->by_step) {
        RONDO_TRY(reserve(predictions, predictions->count + 1, errors));
        store_numbers(predictions, prediction, object, field, 0);
    } else if (predictions->example == 0 || predictions->seen == predictions->example) {
        predictions->count = 0;
        RONDO_TRY(reserve(predictions, steps, errors));
        const char *series = json_string_value(json_object_get(object, "series"));
        predictions->series = series == NULL ? NULL : arena_strdup(predictions->arena, series);
        for (int64_t t = 0; t < steps; t++) {
            store_numbers(predictions, prediction, object, field, t);
        }
    }
    return RONDO_OK;
}

/* ---- classes ---- */

static rondo_status count_label(struct plot_predictions *predictions, const json_t *label, struct errors *errors) {
    const char *name = json_string_value(label);
    const json_int_t before = name == NULL ? 0 : json_integer_value(json_object_get(predictions->labels, name));
    return name == NULL || json_object_set_new(predictions->labels, name, json_integer(before + 1)) != 0
               ? errors_no_memory(errors)
               : RONDO_OK;
}

static rondo_status add_labels(struct plot_predictions *predictions, const json_t *object, struct errors *errors) {
    const json_t *label = json_object_get(object, "label"), *labels = json_object_get(object, "labels");
    predictions->has_labels |= label != NULL || labels != NULL;
    json_decref(predictions->probabilities);
    predictions->probabilities = json_incref(json_object_get(object, "probabilities"));
    if (label != NULL) {
        return count_label(predictions, label, errors);
    }
    for (size_t i = 0; i < json_array_size(labels); i++) {
        RONDO_TRY(count_label(predictions, json_array_get(labels, i), errors));
    }
    return RONDO_OK;
}

static const char *const number_keys[] = {"value", "values", "steps"};
enum { NUMBER_KEYS = 3 };

/* A copy of the fields in which medians take the place of numbers that do not have their form. NULL: out of memory. */
static json_t *with_medians(const json_t *object) {
    json_t *median = json_object_get(object, "median"), *copy = json_copy((json_t *)object);
    const int depth = !json_is_array(median) ? 0 : json_is_array(json_array_get(median, 0)) ? 2 : 1;
    for (int i = 0; copy != NULL && median != NULL && i < NUMBER_KEYS; i++) {
        json_object_del(copy, number_keys[i]);
    }
    if (copy != NULL && median != NULL && json_object_set(copy, number_keys[depth], median) != 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

rondo_status plot_predictions_add(struct plot_predictions *predictions, const struct reader_prediction *prediction,
                                  const struct fields *fields, struct errors *errors) {
    json_t *object = with_medians(fields->object);
    if (object == NULL) {
        return errors_no_memory(errors);
    }
    predictions->seen++;
    predictions->interval = json_number_value(json_object_get(object, "interval"));
    json_decref(predictions->columns);
    predictions->columns = json_incref(json_object_get(object, "columns"));
    const json_t *field = NULL;
    for (int i = 0; i < NUMBER_KEYS && field == NULL; i++) {
        field = json_object_get(object, number_keys[i]);
    }
    const rondo_status status = field != NULL ? add_numbers(predictions, prediction, object, field, errors)
                                              : add_labels(predictions, object, errors);
    json_decref(object);
    return status;
}

void plot_predictions_skip(struct plot_predictions *predictions) {
    predictions->seen++;
}

/* ---- the plots ---- */

static int has_values(const struct plot_predictions *predictions, const double *values) {
    for (int64_t i = 0; i < predictions->count; i++) {
        if (isfinite(values[i])) {
            return 1;
        }
    }
    return 0;
}

/* "forecast: example 7 of test.csv, series 'a', number 2 of 3", or the name of the column in place of its number. */
static const char *title_of(const struct plot_predictions *predictions, struct plot_page *page, const char *of,
                            int32_t k, const char *what) {
    const char *name = json_string_value(json_array_get(predictions->columns, (size_t)k));
    const char *number = predictions->size <= 1 ? ""
                         : name != NULL
                             ? arena_printf(page->arena, ", %s", name)
                             : arena_printf(page->arena, ", number %d of %lld", k + 1, (long long)predictions->size);
    const long long example = predictions->example > 0 ? predictions->example : predictions->seen;
    const char *series =
        predictions->series == NULL ? "" : arena_printf(page->arena, ", series '%s'", predictions->series);
    return predictions->by_step
               ? arena_printf(page->arena, "%s: example %lld of %s%s%s", of, example, what, series, number)
               : arena_printf(page->arena, "%s: %s%s", of, what, number);
}

static void add_in_order(const struct plot_predictions *predictions, struct plot_page *page, int32_t k,
                         const char *what) {
    double *const *values = predictions->numbers[k].values;
    struct plot *plot = plot_page_add(page);
    if (plot == NULL) {
        return;
    }
    const int64_t count = predictions->count;
    int has_all_dates = 1;
    for (int64_t i = 0; i < count && has_all_dates; i++) {
        has_all_dates = predictions->dates[i] != NULL;
    }
    const int has_truth = has_values(predictions, values[TRUTH]);
    plot->title = title_of(predictions, page, has_truth ? "forecast and truth" : "forecast", k, what);
    plot->x = (struct plot_axis){.label = has_all_dates          ? "date"
                                          : predictions->by_step ? "step"
                                                                 : "example",
                                 .names = has_all_dates ? (const char *const *)predictions->dates : NULL,
                                 .is_whole = 1,
                                 .n_names = count};
    plot->y.label = "in the units of the data";
    double *x = arena_calloc(page->arena, (size_t)count + 1, sizeof *x);
    for (int64_t i = 0; x != NULL && i < count; i++) {
        x[i] = (double)i + (has_all_dates ? 0 : 1);
    }
    const int32_t mark = count == 1 ? PLOT_POINTS : PLOT_LINE;
    if (has_values(predictions, values[LOWER]) && has_values(predictions, values[UPPER])) {
        const char *name = arena_printf(page->arena, "interval of %g", predictions->interval);
        plot_add(plot, (struct plot_series){name, PLOT_BAND, x, values[LOWER], values[UPPER], count});
    }
    if (has_truth) {
        plot_add(plot, (struct plot_series){.name = "truth", .mark = mark, .x = x, .y = values[TRUTH], .count = count});
    }
    plot_add(plot,
             (struct plot_series){.name = "forecast", .mark = mark, .x = x, .y = values[FORECAST], .count = count});
}

/* R^2 = 1 - sum (y - f)^2 / sum (y - mean y)^2, of the examples with both; NAN if all truths are equal. */
static double r_squared(const double *truth, const double *forecast, int64_t count) {
    double mean = 0, errors = 0, deviations = 0;
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(truth[i]) && isfinite(forecast[i])) {
            n++;
            mean += (truth[i] - mean) / (double)n;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        if (isfinite(truth[i]) && isfinite(forecast[i])) {
            errors += (truth[i] - forecast[i]) * (truth[i] - forecast[i]);
            deviations += (truth[i] - mean) * (truth[i] - mean);
        }
    }
    return deviations > 0 ? 1 - errors / deviations : NAN;
}

/* Forecast against truth, with the diagonal, where both are equal. */
static void add_scatter(const struct plot_predictions *predictions, struct plot_page *page, int32_t k,
                        const char *what) {
    const double *truth = predictions->numbers[k].values[TRUTH], *forecast = predictions->numbers[k].values[FORECAST];
    struct plot *plot = plot_page_add(page);
    double *ends = arena_calloc(page->arena, 2, sizeof *ends);
    if (plot == NULL || ends == NULL) {
        return;
    }
    plot->title = title_of(predictions, page, "forecast against truth", k, what);
    plot->x.label = "truth, in the units of the data";
    plot->y.label = "forecast";
    const struct plot_series examples = {
        .name = "examples", .mark = PLOT_POINTS, .x = truth, .y = forecast, .count = predictions->count};
    const struct plot only = {.series = {examples}, .n_series = 1};
    const struct plot_range x = plot_range_of_x(&only);
    ends[0] = x.low;
    ends[1] = x.high;
    if (x.low < x.high) { /* below the examples */
        plot_add(plot, (struct plot_series){.name = "forecast = truth", .x = ends, .y = ends, .count = 2});
    }
    plot_add(plot, examples);
    const double share = r_squared(truth, forecast, predictions->count);
    char text[32];
    number_print(text, sizeof text, "%.4f", share);
    plot_note(plot, isnan(share) ? "R\u00b2 is not defined: all truths are equal"
                                 : arena_printf(page->arena, "R\u00b2 %s", text));
}

struct named_value {
    const char *name;
    double value;
};

static int compare_values(const void *a, const void *b) {
    const struct named_value *left = a, *right = b;
    const int by_value = (left->value < right->value) - (left->value > right->value);
    return by_value != 0 ? by_value : strcmp(left->name, right->name);
}

/* The largest values of an object. */
static void add_bars(struct plot_page *page, const json_t *object, const char *title, const char *label) {
    const int64_t all = (int64_t)json_object_size(object), count = all < MOST_BARS ? all : MOST_BARS;
    struct plot *plot = all == 0 ? NULL : plot_page_add(page);
    if (plot == NULL) {
        return;
    }
    struct named_value *found = arena_calloc(page->arena, (size_t)all, sizeof *found);
    const char **names = arena_calloc(page->arena, (size_t)count, sizeof *names);
    double *values = arena_calloc(page->arena, (size_t)count, sizeof *values);
    struct plot_bars *bars = arena_calloc(page->arena, 1, sizeof *bars);
    if (arena_failed(page->arena)) {
        return;
    }
    int64_t n = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value) {
        found[n++] = (struct named_value){name, json_number_value(value)};
    }
    qsort(found, (size_t)all, sizeof *found, compare_values);
    for (int64_t i = 0; i < count; i++) {
        names[i] = found[i].name;
        values[i] = found[i].value;
    }
    *bars = (struct plot_bars){names, values, count};
    *plot = (struct plot){.title = title, .x.label = label, .bars = bars};
    if (count < all) {
        plot_note(plot, arena_printf(page->arena, "and %lld more", (long long)(all - count)));
    }
}

rondo_status plot_predictions_refuse_example(struct errors *errors) {
    return errors_add_at(errors, RONDO_INVALID, (struct location){.file = "--example"},
                         "is used only if the predictions are numbers at every step; all examples are drawn together");
}

rondo_status plot_predictions_show(struct plot_predictions *predictions, struct plot_page *page, const char *what,
                                   struct errors *errors) {
    if (predictions->example > predictions->seen && predictions->seen > 0) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = "--example"},
                             "there is no example %lld, expected a number up to %lld", (long long)predictions->example,
                             (long long)predictions->seen);
    }
    if (predictions->example > 0 && predictions->seen > 0 && !predictions->by_step) {
        return plot_predictions_refuse_example(errors);
    }
    for (int32_t k = 0; k < predictions->n_shown && predictions->count > 0; k++) {
        add_in_order(predictions, page, k, what);
        if (!predictions->by_step && predictions->count > 1 &&
            has_values(predictions, predictions->numbers[k].values[TRUTH])) {
            add_scatter(predictions, page, k, what);
        }
    }
    if (predictions->n_shown < predictions->size && page->count > 0) {
        plot_note(page->plots[page->count - 1], arena_printf(page->arena, "%lld further numbers are not drawn",
                                                             (long long)(predictions->size - predictions->n_shown)));
    }
    if (predictions->has_labels && predictions->seen == 1 && predictions->probabilities != NULL) {
        add_bars(page, predictions->probabilities, arena_printf(page->arena, "probabilities in %s", what),
                 "probability");
    } else if (predictions->has_labels) {
        add_bars(page, predictions->labels, arena_printf(page->arena, "predictions in %s", what), "predictions");
    }
    return arena_failed(page->arena) || arena_failed(predictions->arena) ? errors_no_memory(errors) : RONDO_OK;
}
