#include "report/data.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "io/json.h"
#include "report/reduce.h"

/* A number takes about 8 bytes in the JSON. A curve has three per point if it is reduced. */
enum { MOST_NUMBERS = 280000, MOST_POINTS = 320, LEAST_POINTS = 40 };

/* ---- values ---- */

/* Takes over `item`; *array becomes NULL if memory is short. */
static void append(json_t **array, json_t *item) {
    if (*array == NULL || json_array_append_new(*array, item) != 0) {
        json_decref(*array);
        *array = NULL;
    }
}

static void put(json_t **object, const char *key, json_t *item) {
    if (*object == NULL || json_object_set_new(*object, key, item) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

static json_t *number_json(double value) {
    if (!isfinite(value)) {
        return json_null();
    }
    return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *numbers_json(const double *values, int64_t count) {
    json_t *array = json_array();
    for (int64_t i = 0; i < count && array != NULL; i++) {
        append(&array, number_json(values[i]));
    }
    return array;
}

static json_t *text_json(const char *text) {
    return text == NULL ? json_null() : json_text(text);
}

/* ---- curves ---- */

struct data_writing {
    const struct report_content *content;
    struct arena *arena;
    struct errors *errors;
    int64_t most_points;
};

/* A curve is a list of numbers, or {"mean": …, "low": …, "high": …} if points are buckets. */
static json_t *curve_json(struct data_writing *writing, const struct reduced_grid *grid, const struct report_log *log,
                          const double *values) {
    double *numbers = arena_calloc(writing->arena, 3 * (size_t)grid->count, sizeof *numbers);
    if (numbers == NULL) {
        return NULL;
    }
    double *low = numbers + grid->count, *high = low + grid->count;
    reduce_curve(grid, log, values, numbers, low, high);
    json_t *mean = numbers_json(numbers, grid->count);
    if (memcmp(low, high, (size_t)grid->count * sizeof *low) == 0) {
        return mean;
    }
    json_t *object = json_object();
    put(&object, "mean", mean);
    put(&object, "low", numbers_json(low, grid->count));
    put(&object, "high", numbers_json(high, grid->count));
    return object;
}

static const char *const state_names[] = {"missing", "running", "failed", "finished", "scored"};

static json_t *run_json(struct data_writing *writing, const struct reduced_grid *grid, const struct compared_run *run,
                        const struct report_run *files) {
    json_t *object = json_object(), *curves = json_object();
    put(&object, "seed", json_integer((json_int_t)run->seed));
    put(&object, "state", json_string(state_names[run->state]));
    put(&object, "score", number_json(run->score));
    put(&object, "total", number_json(run->seconds));
    double *seconds = arena_calloc(writing->arena, (size_t)grid->count, sizeof *seconds);
    if (files->is_read && seconds != NULL) {
        reduce_last(grid, &files->log, files->log.seconds, seconds);
        put(&object, "seconds", numbers_json(seconds, grid->count));
        for (int32_t c = 0; c < files->log.n_curves; c++) {
            const struct report_curve *curve = &files->log.curves[c];
            put(&curves, curve->name, curve_json(writing, grid, &files->log, curve->values));
        }
    }
    put(&object, "curves", curves);
    return object;
}

static json_t *variant_json(struct data_writing *writing, const struct compared_variant *variant,
                            const struct variant_statistics *statistics, const struct report_variant *files) {
    const int32_t n_seeds = writing->content->comparison->n_seeds;
    const struct report_log **logs = arena_calloc(writing->arena, (size_t)n_seeds, sizeof *logs);
    json_t *runs = json_array(), *object = json_object();
    struct reduced_grid grid = {0};
    for (int32_t s = 0; logs != NULL && s < n_seeds; s++) {
        logs[s] = files->runs[s].is_read ? &files->runs[s].log : NULL;
    }
    if (logs != NULL &&
        reduced_grid_make(logs, n_seeds, writing->most_points, &grid, writing->arena, writing->errors) == RONDO_OK) {
        for (int32_t s = 0; s < n_seeds; s++) {
            if (files->runs[s].is_read || variant->runs[s].state != COMPARED_MISSING) {
                append(&runs, run_json(writing, &grid, &variant->runs[s], &files->runs[s]));
            }
        }
        put(&object, "step", numbers_json(grid.step, grid.count));
    }
    if (files->inspected != NULL) {
        json_t *inspection = NULL;
        json_error_t reason;
        const char *text = files->inspected->files.inspection;
        json_parse(text, strlen(text), &inspection, &reason); /* it was written by this program: only memory can fail */
        put(&object, "inspection", inspection);
    }
    put(&object, "name", text_json(variant->name));
    put(&object, "parameters", json_integer((json_int_t)variant->parameters));
    put(&object, "flops", json_integer((json_int_t)variant->flops));
    put(&object, "mean", number_json(statistics->mean));
    put(&object, "low", number_json(statistics->mean_interval.low));
    put(&object, "high", number_json(statistics->mean_interval.high));
    put(&object, "bucket", json_integer((json_int_t)grid.most_steps));
    put(&object, "runs", runs);
    return object;
}

/* The points of a curve, so that all numbers together stay within MOST_NUMBERS. */
static int64_t find_most_points(const struct report_content *content) {
    int64_t curves = 0;
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        for (int32_t s = 0; s < content->comparison->n_seeds; s++) {
            curves += content->variants[v].runs[s].log.n_curves + 1;
        }
    }
    const int64_t points = curves == 0 ? MOST_POINTS : MOST_NUMBERS * 2 / (3 * curves);
    return points < LEAST_POINTS ? LEAST_POINTS : points > MOST_POINTS ? MOST_POINTS : points;
}

rondo_status report_data_add(struct markup *markup, const struct report_content *content, struct arena *arena,
                             struct errors *errors) {
    const struct comparison *comparison = content->comparison;
    struct data_writing writing = {content, arena, errors, find_most_points(content)};
    json_t *root = json_object(), *variants = json_array();
    put(&root, "metric", text_json(comparison->metric));
    put(&root, "part", text_json(comparison->part));
    put(&root, "higher_is_better", json_boolean(comparison->higher_is_better));
    put(&root, "target", number_json(comparison->target));
    for (int32_t v = 0; v < comparison->n_variants && variants != NULL; v++) {
        append(&variants, variant_json(&writing, &comparison->variants[v], &content->statistics.variants[v],
                                       &content->variants[v]));
    }
    put(&root, "variants", variants);
    const struct number_scope scope = number_scope_open();
    char *text = json_write(root, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(5));
    number_scope_close(scope);
    json_decref(root);
    if (text == NULL) {
        return errors->count > 0 ? errors->status : errors_no_memory(errors);
    }
    markup_json(markup, text);
    free(text);
    return markup->failed ? errors_no_memory(errors) : RONDO_OK;
}
