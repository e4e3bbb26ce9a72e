#define _POSIX_C_SOURCE 200809L
#include "compare/run_result.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "io/file.h"
#include "io/folder.h"
#include "io/json.h"
#include "store/run_folder.h"

#define SCORES_FILE "test.json"

/* ---- values ---- */

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* ---- the logs ---- */

/* The lines of a log as JSON objects, until the first that is not one, such as one that is being written. The caller owns the
 * array; NULL: out of memory. */
static json_t *read_lines(const char *folder, const char *name, struct arena *arena) {
    const char *file = arena_printf(arena, "%s/%s", folder, name);
    const struct location where = {file, 0, 0};
    struct errors ignored = {0};
    json_t *lines = json_array();
    char *text;
    size_t length;
    if (file != NULL && file_read(file, SIZE_MAX / 2, arena, &text, &length, where, &ignored) == RONDO_OK) {
        for (char *line = text, *end; lines != NULL && (end = memchr(line, '\n', length)) != NULL; line = end + 1) {
            json_error_t reason;
            json_t *object = NULL;
            const rondo_status status = json_parse(line, (size_t)(end - line), &object, &reason);
            length -= (size_t)(end + 1 - line);
            if (status == RONDO_OK && json_is_object(object)) {
                if (json_array_append_new(lines, object) == 0) {
                    continue;
                }
                object = NULL;
            }
            json_decref(object);
            if (status != RONDO_INVALID && status != RONDO_OK) {
                json_decref(lines);
                lines = NULL;
            }
            break;
        }
    }
    const int is_short = ignored.status == RONDO_NO_MEMORY || file == NULL;
    errors_free(&ignored);
    if (is_short) {
        json_decref(lines);
        return NULL;
    }
    return lines;
}

/* Validations of a run, from its logs. */
struct run_reading {
    const struct run_result_settings *settings;
    struct compared_run *run;
    const json_t *metrics, *timings; /* the lines of both logs; line i of one belongs to line i of the other */
    const json_t *best;              /* the validation of the weights that the run has; NULL: none */
    double *epoch_seconds;           /* [epochs] of training */
    int32_t n_epochs;
};

static int reaches(const struct run_result_settings *settings, double value) {
    return settings->higher_is_better ? value >= settings->target : value <= settings->target;
}

/* Adds what was measured in the interval that ended with this validation. */
static void add_seconds(struct run_reading *reading, size_t line, int32_t epoch) {
    const json_t *timing = json_array_get(reading->timings, line);
    const double seconds = number_of(timing, "seconds"), memory = number_of(timing, "memory_megabytes");
    if (isfinite(seconds) && epoch >= 1 && epoch <= reading->n_epochs) {
        reading->epoch_seconds[epoch - 1] += seconds;
    }
    reading->run->peak_memory = fmax(reading->run->peak_memory, memory); /* of NaN and a number, the number */
}

static void read_validations(struct run_reading *reading) {
    const struct run_result_settings *settings = reading->settings;
    struct compared_run *run = reading->run;
    double seconds = 0;
    run->steps_to_target = run->seconds_to_target = isnan(settings->target) ? NAN : INFINITY;
    for (size_t i = 0; i < json_array_size(reading->metrics); i++) {
        const json_t *line = json_array_get(reading->metrics, i), *valid = json_object_get(line, "valid");
        const double epoch = number_of(line, "epoch");
        if (isnan(epoch) || (settings->last_epoch > 0 && epoch > (double)settings->last_epoch)) {
            continue; /* the last line, a rollback, or too late */
        }
        seconds += fmax(0, number_of(json_array_get(reading->timings, i), "seconds"));
        run->epochs = epoch;
        add_seconds(reading, i, (int32_t)epoch);
        if (json_is_true(json_object_get(line, "best"))) {
            reading->best = line;
        }
        if (!isnan(settings->target) && isinf(run->steps_to_target) &&
            reaches(settings, number_of(valid, settings->metric))) {
            run->steps_to_target = number_of(line, "step");
            run->seconds_to_target = seconds;
        }
    }
}

static int compare_numbers(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Sorts the numbers. NaN without any. */
static double median(double *numbers, int32_t count) {
    qsort(numbers, (size_t)count, sizeof *numbers, compare_numbers);
    return count == 0 ? NAN : (numbers[(count - 1) / 2] + numbers[count / 2]) / 2;
}

/* All numbers of an object as metrics of the run. */
static void take_metrics(struct run_reading *reading, json_t *scores, struct arena *arena) {
    struct compared_run *run = reading->run;
    struct compared_metric *metrics = arena_calloc(arena, json_object_size(scores) + 1, sizeof *metrics);
    const char *name;
    json_t *value;
    run->n_metrics = 0;
    json_object_foreach(scores, name, value) {
        if (metrics != NULL) {
            metrics[run->n_metrics++] = (struct compared_metric){arena_strdup(arena, name), number_of(scores, name)};
        }
    }
    run->metrics = metrics;
    run->score = number_of(scores, reading->settings->metric);
}

static void read_scores(struct run_reading *reading, struct arena *arena) {
    const struct run_result_settings *settings = reading->settings;
    const char *file = arena_printf(arena, "%s/" SCORES_FILE, settings->folder);
    struct compared_run *run = reading->run;
    json_t *root = NULL;
    json_error_t reason;
    if (strcmp(settings->part, "valid") == 0) {
        run->state = COMPARED_SCORED;
        take_metrics(reading, json_object_get(reading->best, "valid"), arena);
    } else if (file != NULL && json_parse_file(file, &root, &reason) == RONDO_OK) {
        run->state = COMPARED_SCORED;
        take_metrics(reading, json_object_get(root, "scores"), arena);
    }
    json_decref(root);
}

static void read_logs(struct run_reading *reading, struct arena *arena) {
    struct compared_run *run = reading->run;
    const json_t *last = json_array_get(reading->metrics, json_array_size(reading->metrics) - 1);
    const int is_finished = json_is_true(json_object_get(last, "finished"));
    reading->n_epochs = (int32_t)json_array_size(reading->metrics) + 1;
    for (size_t i = 0; i < json_array_size(reading->metrics); i++) {
        const double epoch = number_of(json_array_get(reading->metrics, i), "epoch");
        reading->n_epochs = epoch > reading->n_epochs && epoch < 1e6 ? (int32_t)epoch : reading->n_epochs;
    }
    reading->epoch_seconds = arena_calloc(arena, (size_t)reading->n_epochs, sizeof *reading->epoch_seconds);
    if (reading->epoch_seconds == NULL) {
        return;
    }
    read_validations(reading);
    const int32_t epochs = isnan(run->epochs) ? 0 : (int32_t)run->epochs;
    run->seconds_per_epoch =
        epochs == 0 || json_array_size(reading->timings) == 0 ? NAN : median(reading->epoch_seconds, epochs);
    run->best_epoch = number_of(reading->best, "epoch");
    run->valid = number_of(json_object_get(reading->best, "valid"), reading->settings->metric);
    run->state = COMPARED_RUNNING;
    if (is_finished) {
        run->state = COMPARED_FINISHED;
        const size_t lines = json_array_size(reading->timings);
        run->seconds = number_of(json_array_get(reading->timings, lines - 1), "seconds");
        read_scores(reading, arena);
    }
}

rondo_status run_result_read(const struct run_result_settings *settings, struct compared_run *run, struct arena *arena,
                             struct errors *errors) {
    const int64_t seed = run->seed;
    const char *folder = run->folder, *reason = NULL;
    *run = (struct compared_run){.seed = seed,
                                 .folder = folder,
                                 .state = COMPARED_MISSING,
                                 .score = NAN,
                                 .valid = NAN,
                                 .best_epoch = NAN,
                                 .epochs = NAN,
                                 .seconds = NAN,
                                 .seconds_per_epoch = NAN,
                                 .peak_memory = NAN,
                                 .steps_to_target = NAN,
                                 .seconds_to_target = NAN};
    const char *file = arena_printf(arena, "%s/experiment.yaml", settings->folder);
    run_result_is_failed(settings->folder, NULL, &reason, arena);
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    if (file_exists(file)) {
        json_t *metrics = read_lines(settings->folder, "metrics.jsonl", arena);
        json_t *timings = read_lines(settings->folder, "timings.jsonl", arena);
        struct run_reading reading = {.settings = settings, .run = run, .metrics = metrics, .timings = timings};
        const int is_short = metrics == NULL || timings == NULL;
        if (!is_short) {
            read_logs(&reading, arena);
        }
        json_decref(metrics);
        json_decref(timings);
        if (is_short) {
            return errors_no_memory(errors);
        }
    }
    if (reason != NULL) {
        run->state = COMPARED_FAILED;
        run->reason = reason;
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- failures ---- */

#define FAILED_FILE "%s.failed.json"

int run_result_is_failed(const char *folder, const char *identity, const char **reason, struct arena *arena) {
    const char *file = arena_printf(arena, FAILED_FILE, folder);
    json_t *root = NULL;
    json_error_t where;
    if (reason != NULL) {
        *reason = NULL;
    }
    if (file == NULL || json_parse_file(file, &root, &where) != RONDO_OK) {
        return 0;
    }
    const char *text = json_string_value(json_object_get(root, "reason"));
    const char *final_for = json_string_value(json_object_get(root, "final_for"));
    const int is_final = final_for != NULL && (identity == NULL || strcmp(identity, final_for) == 0);
    if (reason != NULL && text != NULL) {
        *reason = arena_strdup(arena, text);
    }
    json_decref(root);
    return is_final;
}

enum compared_state run_result_state(const char *folder, struct arena *arena) {
    const char *file = arena_printf(arena, "%s/experiment.yaml", folder), *reason = NULL;
    run_result_is_failed(folder, NULL, &reason, arena);
    if (reason != NULL) {
        return COMPARED_FAILED;
    }
    if (file == NULL || !file_exists(file)) {
        return COMPARED_MISSING;
    }
    return !run_folder_has_ended(folder)                 ? COMPARED_RUNNING
           : run_result_scored_on(folder, arena) != NULL ? COMPARED_SCORED
                                                         : COMPARED_FINISHED;
}

/* Writes a JSON value as a file, and takes it over. NULL: there was no memory for it. */
static rondo_status write_json(const char *file, json_t *value, struct errors *errors) {
    char *text = json_write(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(value);
    const rondo_status status =
        text == NULL || file == NULL ? errors_no_memory(errors) : file_write(file, text, strlen(text), errors);
    free(text);
    return status;
}

rondo_status run_result_fail(const char *folder, const char *reason, const char *identity, struct errors *errors) {
    struct arena *arena = arena_create();
    const char *around = path_folder(arena, folder);
    rondo_status status = around == NULL ? errors_no_memory(errors) : folder_make(around, errors);
    if (status == RONDO_OK) {
        status = write_json(arena_printf(arena, FAILED_FILE, folder),
                            json_pack("{s:o, s:s?}", "reason", json_text(reason), "final_for", identity), errors);
    }
    arena_destroy(arena);
    return status;
}

void run_result_forget_failure(const char *folder) {
    struct arena *arena = arena_create();
    const char *file = arena_printf(arena, FAILED_FILE, folder);
    if (file != NULL) {
        unlink(file);
    }
    arena_destroy(arena);
}

/* ---- scores ---- */

rondo_status run_result_write_scores(const char *folder, const char *part, const char *data, struct json_t *scores,
                                     struct errors *errors) {
    struct arena *arena = arena_create();
    const rondo_status status =
        write_json(arena_printf(arena, "%s/" SCORES_FILE, folder),
                   json_pack("{s:s, s:s, s:O}", "part", part, "data", data, "scores", scores), errors);
    arena_destroy(arena);
    return status;
}

const char *run_result_scored_on(const char *folder, struct arena *arena) {
    const char *file = arena_printf(arena, "%s/" SCORES_FILE, folder), *data = NULL;
    json_t *root = NULL;
    json_error_t reason;
    if (file != NULL && json_parse_file(file, &root, &reason) == RONDO_OK) {
        const char *text = json_string_value(json_object_get(root, "data"));
        data = arena_strdup(arena, text == NULL ? "" : text);
    }
    json_decref(root);
    return data;
}
