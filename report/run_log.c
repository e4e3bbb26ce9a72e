#include "report/run_log.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "io/file.h"
#include "io/json.h"

enum { MOST_CURVES = 64, NAME_SIZE = 160 };
static const size_t most_bytes = (size_t)1 << 30;

/* A log while it is read. */
struct log_reading {
    struct report_log *log;
    struct arena *arena;
    const char **problem;
    int64_t capacity; /* lines of the file */
    double rate;
};

static void note(struct log_reading *reading, const char *text) {
    if (*reading->problem == NULL) {
        *reading->problem = text;
    }
}

static double number_of(const json_t *value) {
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static int64_t count_lines(const char *text) {
    int64_t count = 1;
    for (; (text = strchr(text, '\n')) != NULL; text++) {
        count++;
    }
    return count;
}

/* The column of this name, which is added if it is new; NULL: there are too many, or no memory. */
static double *find_column(struct log_reading *reading, const char *name) {
    struct report_log *log = reading->log;
    for (int32_t c = 0; c < log->n_curves; c++) {
        if (strcmp(log->curves[c].name, name) == 0) {
            return log->curves[c].values;
        }
    }
    if (log->n_curves == MOST_CURVES) {
        return NULL;
    }
    struct report_curve *curve = &log->curves[log->n_curves];
    curve->name = arena_strdup(reading->arena, name);
    curve->values = arena_alloc(reading->arena, (size_t)reading->capacity * sizeof(double));
    for (int64_t i = 0; curve->values != NULL && i < reading->capacity; i++) {
        curve->values[i] = NAN;
    }
    log->n_curves += curve->values != NULL;
    return curve->values;
}

static void set(struct log_reading *reading, const char *name, int64_t line, double value) {
    double *column = find_column(reading, name);
    if (column != NULL) {
        column[line] = value;
    }
}

static void set_part(struct log_reading *reading, const json_t *object, const char *part, int64_t line) {
    json_t *scores = json_object_get(object, part), *value;
    const char *metric;
    char name[NAME_SIZE];
    json_object_foreach(scores, metric, value) {
        const int length = snprintf(name, sizeof name, "%s.%s", part, metric);
        if (length > 0 && length < NAME_SIZE) {
            set(reading, name, line, number_of(value));
        }
    }
}

/* A line of metrics.jsonl. */
static void read_line(struct log_reading *reading, const json_t *object) {
    struct report_log *log = reading->log;
    const double step = number_of(json_object_get(object, "step"));
    log->is_finished = json_is_true(json_object_get(object, "finished"));
    if (log->is_finished) {
        log->finished_in = json_integer_value(json_object_get(object, "epochs"));
    }
    if (json_object_get(object, "epoch") == NULL || !(step >= 0)) {
        return; /* the end of the run, or a rollback */
    }
    const int64_t line = log->count;
    if (line > 0 && !(step > log->step[line - 1])) {
        note(reading, "metrics.jsonl is damaged: the number of updates does not grow");
        return;
    }
    log->step[line] = step;
    log->epoch[line] = number_of(json_object_get(object, "epoch"));
    log->best = json_is_true(json_object_get(object, "best")) ? line : log->best;
    set_part(reading, object, "train", line);
    set_part(reading, object, "valid", line);
    set(reading, REPORT_LEARNING_RATE, line, reading->rate * number_of(json_object_get(object, "lr_scale")));
    set(reading, REPORT_GRADIENT_NORM, line, number_of(json_object_get(object, "gradient_norm")));
    log->count++;
}

/* timings.jsonl has a line for each line of metrics.jsonl. Their steps are compared, so that lines without a partner do not shift
 * the others. The last line of a finished run has the time of the whole training. */
static void read_timing(struct log_reading *reading, const json_t *object, int64_t *line, double *sum) {
    struct report_log *log = reading->log;
    const double step = number_of(json_object_get(object, "step"));
    const double seconds = number_of(json_object_get(object, "seconds"));
    const double memory = number_of(json_object_get(object, "memory_megabytes"));
    log->peak_memory = fmax(log->peak_memory, memory); /* fmax leaves NaN out */
    while (*line < log->count && log->step[*line] < step) {
        (*line)++;
    }
    if (*line == log->count && log->is_finished) {
        log->total_seconds = seconds;
        return;
    }
    *sum += isnan(seconds) ? 0 : seconds;
    if (*line < log->count && log->step[*line] == step) {
        log->seconds[(*line)++] = *sum;
    }
}

/* Reads a file of one object per line. `visit` gets each. */
static rondo_status read_lines(struct log_reading *reading, const char *text, const char *name, int is_metrics,
                               struct errors *errors) {
    int64_t line = 0;
    double sum = 0;
    for (const char *at = text, *end; *at != '\0'; at = end) {
        end = at + strcspn(at, "\n");
        const int is_whole = *end == '\n';
        json_t *object = NULL;
        json_error_t reason;
        const rondo_status status = json_parse(at, (size_t)(end - at), &object, &reason);
        if (status == RONDO_NO_MEMORY) {
            return errors_no_memory(errors);
        }
        if (status != RONDO_OK || !json_is_object(object)) {
            note(reading, is_whole ? arena_printf(reading->arena, "%s has a line that is not an object of JSON", name)
                                   : arena_printf(reading->arena, "%s is cut short", name));
        } else if (is_metrics) {
            read_line(reading, object);
        } else {
            read_timing(reading, object, &line, &sum);
        }
        json_decref(object);
        end += is_whole;
    }
    return RONDO_OK;
}

/* The text of a file, or "" with a problem noted; from malloc, because it is large and needed for a moment. */
static rondo_status read_text(struct log_reading *reading, struct arena *own, const char *folder, const char *name,
                              char **text, struct errors *errors) {
    struct errors missing = {0};
    const char *file = arena_printf(own, "%s/%s", folder, name);
    const rondo_status status =
        file == NULL ? RONDO_NO_MEMORY : file_read(file, most_bytes, own, text, NULL, (struct location){0}, &missing);
    if (status == RONDO_OK) {
        return RONDO_OK;
    }
    if (status == RONDO_NO_MEMORY) {
        errors_free(&missing);
        return errors_no_memory(errors);
    }
    note(reading, status == RONDO_NOT_FOUND ? arena_printf(reading->arena, "%s is missing", name)
                                            : arena_strdup(reading->arena, errors_text(&missing, 0)));
    errors_free(&missing);
    *text = arena_strdup(own, "");
    return *text == NULL ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status read_logs(struct log_reading *reading, struct arena *own, const char *folder,
                              struct errors *errors) {
    struct report_log *log = reading->log;
    char *text = NULL;
    RONDO_TRY(read_text(reading, own, folder, "metrics.jsonl", &text, errors));
    reading->capacity = count_lines(text);
    log->curves = arena_calloc(reading->arena, MOST_CURVES, sizeof *log->curves);
    log->step = arena_calloc(reading->arena, (size_t)reading->capacity, sizeof(double));
    log->epoch = arena_calloc(reading->arena, (size_t)reading->capacity, sizeof(double));
    log->seconds = arena_calloc(reading->arena, (size_t)reading->capacity, sizeof(double));
    if (arena_failed(reading->arena)) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(read_lines(reading, text, "metrics.jsonl", 1, errors));
    for (int64_t i = 0; i < log->count; i++) {
        log->seconds[i] = NAN;
    }
    RONDO_TRY(read_text(reading, own, folder, "timings.jsonl", &text, errors));
    RONDO_TRY(read_lines(reading, text, "timings.jsonl", 0, errors));
    if (isnan(log->total_seconds) && log->count > 0) {
        log->total_seconds = log->seconds[log->count - 1];
    }
    return arena_failed(reading->arena) ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status report_log_read(const char *folder, double rate, struct report_log *log, const char **problem,
                             struct arena *arena, struct errors *errors) {
    *log = (struct report_log){.best = -1, .total_seconds = NAN, .peak_memory = NAN};
    struct log_reading reading = {.log = log, .arena = arena, .problem = problem, .rate = rate};
    struct arena *own = arena_create(); /* of the texts of the files */
    const rondo_status status = read_logs(&reading, own, folder, errors);
    arena_destroy(own);
    return status;
}

const struct report_curve *report_log_curve(const struct report_log *log, const char *name) {
    for (int32_t c = 0; c < log->n_curves; c++) {
        if (strcmp(log->curves[c].name, name) == 0) {
            return &log->curves[c];
        }
    }
    return NULL;
}
