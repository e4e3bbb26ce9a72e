#define _DEFAULT_SOURCE /* timegm */
#include "store/run_summary.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/file.h"
#include "io/file_lock.h"
#include "io/json.h"
#include "store/killed_start.h"
#include "store/line_file_end.h"
#include "store/run_folder.h"
#include "store/tensor_file.h"

const char *run_state_name(enum run_state state) {
    static const char *const names[] = {"finished", "unfinished", "training", "damaged", "other version"};
    return names[state];
}

/* A folder while it is read. */
struct summary_reading {
    struct run_summary *summary;
    const struct run_summary_settings *settings;
    int folder;
    struct arena *arena, *scratch;
    struct errors *errors; /* lack of memory only: everything else is a state of the run */
    int is_locked;
    int is_finished;
    struct run_score *scores;
    int32_t score_capacity;
};

/* The run is damaged; the first reason counts. The text is copied. */
static void damage(struct summary_reading *reading, const char *reason) {
    struct run_summary *summary = reading->summary;
    if (summary->reason == NULL) {
        summary->state = RUN_DAMAGED;
        summary->reason = arena_strndup(reading->arena, reason, strcspn(reason, "\n"));
    }
}

/* The first of the errors that a part of the folder has caused is the reason, except lack of memory, which is one of the call. Empties
 * the list. */
static rondo_status damage_by(struct summary_reading *reading, struct errors *reasons) {
    if (reasons->status == RONDO_NO_MEMORY) {
        errors_move(reading->errors, reasons);
        return RONDO_NO_MEMORY;
    }
    if (reasons->count > 0) {
        damage(reading, errors_text(reasons, 0));
    }
    errors_free(reasons);
    return RONDO_OK;
}

static const char *file_of(const struct summary_reading *reading, const char *name) {
    return arena_printf(reading->scratch, "%s/%s", reading->summary->folder, name);
}

/* A small JSON file of the folder; NULL if it is damaged. */
static rondo_status read_json_file(struct summary_reading *reading, const char *name, json_t **root) {
    struct errors reasons = {0};
    json_error_t where = {.line = -1};
    const char *file = file_of(reading, name);
    *root = NULL;
    if (file == NULL) {
        return errors_no_memory(reading->errors);
    }
    const rondo_status status = json_parse_file(file, root, &where);
    if (status == RONDO_NO_MEMORY) {
        return errors_no_memory(reading->errors);
    }
    if (status != RONDO_OK) {
        errors_add(&reasons, RONDO_INVALID, "'%s' is not JSON", name);
    }
    return damage_by(reading, &reasons);
}

/* ---- experiment.yaml ---- */

static void read_names(struct summary_reading *reading, const struct yaml_node *root) {
    struct run_summary *summary = reading->summary;
    const struct yaml_node *name = yaml_get(root, "name"), *format = yaml_get(root, "rondo");
    const struct yaml_node *metric = yaml_get(yaml_get(yaml_get(root, "schedule"), "early_stopping"), "metric");
    if (metric != NULL && metric->kind == YAML_SEQUENCE) {
        metric = metric->first; /* the first one selects the weights */
    }
    if (name != NULL && name->kind == YAML_SCALAR) {
        summary->name = arena_strdup(reading->arena, name->text);
    }
    if (metric != NULL && metric->kind == YAML_SCALAR) {
        summary->metric = strncmp(metric->text, "valid.", 6) == 0
                              ? arena_strdup(reading->arena, metric->text)
                              : arena_printf(reading->arena, "valid.%s", metric->text);
    }
    char expected[16];
    snprintf(expected, sizeof expected, "%d", reading->settings->format);
    if (format == NULL || format->kind != YAML_SCALAR || strcmp(format->text, expected) != 0) {
        summary->state = RUN_OTHER_VERSION;
        summary->reason =
            arena_printf(reading->arena, "experiment.yaml is of format %s, expected %s",
                         format == NULL || format->kind != YAML_SCALAR ? "unknown" : format->text, expected);
    }
}

static rondo_status read_experiment(struct summary_reading *reading) {
    struct errors reasons = {0};
    const char *file = file_of(reading, "experiment.yaml");
    const struct yaml_node *root = file == NULL ? NULL : yaml_read(file, reading->scratch, &reasons);
    if (file == NULL) {
        return errors_no_memory(reading->errors);
    }
    if (root != NULL && root->kind != YAML_MAPPING) {
        errors_add(&reasons, RONDO_INVALID, "experiment.yaml is not the mapping of an experiment");
    } else if (root != NULL) {
        read_names(reading, root);
        if (run_values_of_tree(root, &reading->summary->values, reading->arena) != RONDO_OK) {
            return errors_no_memory(reading->errors);
        }
    }
    return damage_by(reading, &reasons);
}

/* ---- environment.json ---- */

/* "2026-11-29T23:25:02Z"; -1: it is something else. */
static int64_t seconds_of(const char *text) {
    struct tm utc = {0};
    int length = 0;
    if (text == NULL || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ%n", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
                               &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &length) != 6) {
        return -1;
    }
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    return length > 0 && text[length] == '\0' ? (int64_t)timegm(&utc) : -1;
}

/* Adds the fingerprint of each file of an object of store/provenance.h. */
static void add_contents(struct summary_reading *reading, const char *above, const json_t *files,
                         struct run_value *items, int32_t *count) {
    const char *key;
    json_t *entry;
    json_object_foreach((json_t *)files, key, entry) {
        const char *hash = json_string_value(json_object_get(entry, "xxh3"));
        if (hash != NULL) {
            const char *name = arena_printf(reading->arena, "%s%s", above, key);
            items[(*count)++] = (struct run_value){name, arena_strdup(reading->arena, hash)};
        }
    }
}

static rondo_status read_environment(struct summary_reading *reading) {
    struct run_summary *summary = reading->summary;
    json_t *root;
    RONDO_TRY(read_json_file(reading, "environment.json", &root));
    const char *version = json_string_value(json_object_get(root, "rondo"));
    const json_t *data = json_object_get(root, "data"), *cells = json_object_get(root, "cells");
    struct run_value *items =
        arena_alloc(reading->arena, (json_object_size(data) + json_object_size(cells)) * sizeof *items);
    int32_t count = 0;
    summary->version = version == NULL ? NULL : arena_strdup(reading->arena, version);
    summary->started = seconds_of(json_string_value(json_object_get(root, "started")));
    if (items != NULL) {
        add_contents(reading, "data.", data, items, &count);
        add_contents(reading, "", cells, items, &count);
    }
    json_decref(root);
    if (arena_failed(reading->arena)) {
        return errors_no_memory(reading->errors);
    }
    run_values_sort(items, count);
    summary->contents = (struct run_values){items, count};
    return RONDO_OK;
}

/* ---- scores ---- */

static rondo_status add_score(struct summary_reading *reading, const char *part, const char *metric, double value) {
    struct run_summary *summary = reading->summary;
    if (summary->n_scores == reading->score_capacity) {
        const int32_t capacity = 2 * reading->score_capacity + 8;
        struct run_score *more = arena_alloc(reading->arena, (size_t)capacity * sizeof *more);
        if (more == NULL) {
            return errors_no_memory(reading->errors);
        }
        if (summary->n_scores > 0) {
            memcpy(more, reading->scores, (size_t)summary->n_scores * sizeof *more);
        }
        reading->scores = more;
        reading->score_capacity = capacity;
        summary->scores = more;
    }
    const char *name = arena_printf(reading->arena, "%s.%s", part, metric);
    reading->scores[summary->n_scores++] = (struct run_score){name, value};
    return name == NULL ? errors_no_memory(reading->errors) : RONDO_OK;
}

/* The metrics of a part: {"loss": 0.3, "accuracy": null}. */
static rondo_status add_scores(struct summary_reading *reading, const char *part, const json_t *metrics) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metrics, key, value) {
        RONDO_TRY(add_score(reading, part, key, json_is_number(value) ? json_number_value(value) : NAN));
    }
    return RONDO_OK;
}

/* ---- metrics.jsonl ---- */

/* A line as an object; NULL if it is none. */
static rondo_status parse_line(struct summary_reading *reading, const char *line, size_t length, json_t **object) {
    json_error_t where;
    if (json_parse(line, length, object, &where) == RONDO_NO_MEMORY) {
        return errors_no_memory(reading->errors);
    }
    if (*object != NULL && !json_is_object(*object)) {
        json_decref(*object);
        *object = NULL;
    }
    return RONDO_OK;
}

static int64_t whole_number(const json_t *object, const char *key, int64_t otherwise) {
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value) : otherwise;
}

/* The last line, of any kind. */
static rondo_status read_last(struct summary_reading *reading, const json_t *line) {
    struct run_summary *summary = reading->summary;
    reading->is_finished = json_is_true(json_object_get(line, "finished"));
    summary->epochs = whole_number(line, reading->is_finished ? "epochs" : "epoch", -1);
    summary->steps = whole_number(line, reading->is_finished ? "steps" : "step", -1);
    summary->stopped_early = json_is_true(json_object_get(line, "stopped_early"));
    return RONDO_OK;
}

/* The last line of an interval; the best one is that of the weights. */
static rondo_status read_interval(struct summary_reading *reading, const json_t *line, int *is_best) {
    struct run_summary *summary = reading->summary;
    summary->epochs = summary->epochs < 0 ? whole_number(line, "epoch", -1) : summary->epochs;
    *is_best = json_is_true(json_object_get(line, "best"));
    if (!*is_best) {
        return RONDO_OK;
    }
    summary->best_epoch = whole_number(line, "epoch", -1);
    summary->best_step = whole_number(line, "step", -1);
    RONDO_TRY(add_scores(reading, "train", json_object_get(line, "train")));
    return add_scores(reading, "valid", json_object_get(line, "valid"));
}

/* 1 if the bytes contain the text. */
static int contains(const char *bytes, size_t length, const char *text) {
    const size_t n = strlen(text);
    for (const char *at = bytes; length >= n;) {
        const char *next = memchr(at, text[0], length - n + 1);
        if (next == NULL) {
            return 0;
        }
        if (memcmp(next, text, n) == 0) {
            return 1;
        }
        length -= (size_t)(next + 1 - at);
        at = next + 1;
    }
    return 0;
}

/* Goes back to the line of the weights that are kept. Of the lines between, only those are parsed that may be it. */
static rondo_status read_lines(struct summary_reading *reading, struct line_file_end *end, struct errors *reasons) {
    int is_best = 0;
    for (int64_t number = 0; !is_best; number++) {
        const char *text;
        size_t length;
        json_t *line;
        if (line_file_previous(end, &text, &length, reasons) != RONDO_OK || text == NULL) {
            return RONDO_OK;
        }
        if (number > 1 && !contains(text, length, "\"best\":true")) {
            continue;
        }
        RONDO_TRY(parse_line(reading, text, length, &line));
        if (line == NULL) {
            errors_add(reasons, RONDO_INVALID, "a line of metrics.jsonl is not an object of JSON");
            return RONDO_OK;
        }
        rondo_status status = number == 0 ? read_last(reading, line) : RONDO_OK;
        status = status == RONDO_OK ? read_interval(reading, line, &is_best) : status;
        json_decref(line);
        RONDO_TRY(status);
    }
    return RONDO_OK;
}

static rondo_status read_metrics(struct summary_reading *reading) {
    struct errors reasons = {0};
    struct line_file_end end;
    const int descriptor = openat(reading->folder, "metrics.jsonl", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (descriptor < 0) {
        file_failed(&reasons, RONDO_IO, (struct location){0}, "read", "metrics.jsonl", errno);
        return damage_by(reading, &reasons);
    }
    reading->is_locked = !file_lock(descriptor, FILE_LOCK_SHARED);
    rondo_status status = RONDO_OK;
    if (line_file_end_open(&end, descriptor, "metrics.jsonl", &reasons) == RONDO_OK) {
        status = read_lines(reading, &end, &reasons);
    }
    line_file_end_close(&end);
    close(descriptor);
    if (status != RONDO_OK) {
        errors_free(&reasons);
        return status;
    }
    return damage_by(reading, &reasons);
}

/* ---- the other files ---- */

/* The last line of a finished run has the time of the whole training. */
static rondo_status read_timings(struct summary_reading *reading) {
    struct errors ignored = {0};
    struct line_file_end end = {.text = NULL};
    const char *text = NULL;
    size_t length;
    json_t *line = NULL;
    rondo_status status = RONDO_OK;
    const int descriptor = openat(reading->folder, "timings.jsonl", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (descriptor >= 0 && line_file_end_open(&end, descriptor, "timings.jsonl", &ignored) == RONDO_OK &&
        line_file_previous(&end, &text, &length, &ignored) == RONDO_OK && text != NULL) {
        status = parse_line(reading, text, length, &line);
    }
    const json_t *seconds = json_object_get(line, "seconds"), *memory = json_object_get(line, "memory_megabytes");
    if (reading->is_finished && json_is_number(seconds)) {
        reading->summary->seconds = json_number_value(seconds);
    }
    if (json_is_number(memory)) {
        reading->summary->memory = json_number_value(memory);
    }
    json_decref(line);
    line_file_end_close(&end);
    if (descriptor >= 0) {
        close(descriptor);
    }
    if (ignored.status == RONDO_NO_MEMORY) {
        status = errors_no_memory(reading->errors);
    }
    errors_free(&ignored); /* what is measured is no part of the training, so it cannot damage it */
    return status;
}

/* The number of parameters is in the header of the file; a file that was cut does not fit to its header. */
static rondo_status read_weights(struct summary_reading *reading) {
    struct errors reasons = {0};
    struct tensor_file weights;
    const char *file = file_of(reading, RUN_FOLDER_WEIGHTS);
    if (file == NULL) {
        return errors_no_memory(reading->errors);
    }
    if (tensor_file_open(&weights, file, reading->scratch, 0, &reasons) == RONDO_OK) {
        int64_t parameters = 0;
        for (int32_t i = weights.n_texts; i < weights.count; i++) {
            int64_t numbers = 1;
            for (int32_t d = 0; d < weights.entries[i].ndim; d++) {
                numbers *= weights.entries[i].shape[d];
            }
            parameters += numbers;
        }
        reading->summary->parameters = parameters;
        tensor_file_close(&weights);
    }
    return damage_by(reading, &reasons);
}

static rondo_status read_test(struct summary_reading *reading) {
    json_t *root;
    RONDO_TRY(read_json_file(reading, "test.json", &root));
    const char *part = json_string_value(json_object_get(root, "part"));
    const rondo_status status = add_scores(reading, part == NULL ? "test" : part, json_object_get(root, "scores"));
    json_decref(root);
    return status;
}

/* ---- the whole ---- */

static rondo_status read_parts(struct summary_reading *reading) {
    const int32_t has = reading->summary->has;
    if ((has & RUN_HAS_EXPERIMENT) != 0) {
        RONDO_TRY(read_experiment(reading));
    }
    if ((has & RUN_HAS_METRICS) != 0) {
        RONDO_TRY(read_metrics(reading));
    }
    if ((has & RUN_HAS_ENVIRONMENT) != 0) {
        RONDO_TRY(read_environment(reading));
    }
    if ((has & RUN_HAS_TIMINGS) != 0) {
        RONDO_TRY(read_timings(reading));
    }
    if ((has & RUN_HAS_WEIGHTS) != 0) {
        RONDO_TRY(read_weights(reading));
    }
    return (has & RUN_HAS_TEST) == 0 ? RONDO_OK : read_test(reading);
}

/* The files that a run has whatever happened to its process. */
static void find_missing(struct summary_reading *reading) {
    static const struct {
        int32_t part;
        const char *file;
    } files[] = {{RUN_HAS_EXPERIMENT, "experiment.yaml"},
                 {RUN_HAS_METRICS, "metrics.jsonl"},
                 {RUN_HAS_READER, "reader.json"},
                 {RUN_HAS_WEIGHTS, RUN_FOLDER_WEIGHTS}};
    const int32_t has = reading->summary->has;
    if ((has & RUN_HAS_EXPERIMENT) == 0 && killed_start_is(reading->summary->folder) == 1) {
        damage(reading, "killed as it started: the next run in this folder replaces it");
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const int is_expected = files[i].part != RUN_HAS_WEIGHTS || reading->is_finished;
        if ((has & files[i].part) == 0 && is_expected) {
            const char *reason = arena_printf(reading->scratch, "%s is missing", files[i].file);
            damage(reading, reason == NULL ? "" : reason);
        }
    }
}

static void set_state(struct summary_reading *reading) {
    struct run_summary *summary = reading->summary;
    if (reading->is_locked) { /* it may be as it likes while it is written */
        summary->state = RUN_TRAINING;
        summary->reason = NULL;
        return;
    }
    if (summary->state != RUN_OTHER_VERSION) {
        find_missing(reading);
    }
    if (summary->reason == NULL) {
        summary->state = reading->is_finished ? RUN_FINISHED : RUN_UNFINISHED;
    }
    if (summary->steps < summary->checkpoint) {
        summary->steps = summary->checkpoint;
    }
}

/* Without validation data the last weights are kept, which the training loss describes. */
static void set_metric(struct run_summary *summary) {
    int has_valid = summary->metric != NULL;
    for (int32_t i = 0; i < summary->n_scores; i++) {
        has_valid |= strncmp(summary->scores[i].name, "valid.", 6) == 0;
    }
    if (!has_valid && summary->n_scores > 0) {
        summary->metric = "train.loss";
    }
}

rondo_status run_summary_read_listed(const char *folder, int descriptor, const struct run_file_list *files,
                                     const struct run_summary_settings *settings, struct run_summary *summary,
                                     struct arena *arena, struct errors *errors) {
    const struct arena_mark mark = arena_mark(settings->scratch);
    struct summary_reading reading = {.summary = summary,
                                      .settings = settings,
                                      .folder = descriptor,
                                      .arena = arena,
                                      .scratch = settings->scratch,
                                      .errors = errors};
    *summary = (struct run_summary){.folder = arena_strdup(arena, folder),
                                    .has = files->has,
                                    .bytes = files->bytes,
                                    .checkpoint = files->checkpoint,
                                    .foreign = files->foreign,
                                    .epochs = -1,
                                    .steps = -1,
                                    .best_epoch = -1,
                                    .best_step = -1,
                                    .parameters = -1,
                                    .started = -1,
                                    .seconds = NAN,
                                    .memory = NAN};
    rondo_status status = summary->folder == NULL ? errors_no_memory(errors) : read_parts(&reading);
    if (status == RONDO_OK) {
        set_state(&reading);
        set_metric(summary);
        status = arena_failed(arena) || arena_failed(settings->scratch) ? errors_no_memory(errors) : RONDO_OK;
    }
    arena_release(settings->scratch, mark);
    return status;
}

rondo_status run_summary_read(const char *folder, const struct run_summary_settings *settings,
                              struct run_summary *summary, struct run_file_list *files, struct arena *arena,
                              struct errors *errors) {
    const int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct run_file_list own = {.checkpoint = -1};
    files = files == NULL ? &own : files;
    if (descriptor < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? RONDO_NOT_FOUND
                   : file_failed(errors, RONDO_IO, (struct location){0}, "read the folder", folder, errno);
    }
    rondo_status status = run_files_list(descriptor, folder, files, arena, errors);
    if (status == RONDO_OK) {
        status = run_files_are_of_run(files->has)
                     ? run_summary_read_listed(folder, descriptor, files, settings, summary, arena, errors)
                     : RONDO_NOT_FOUND;
    }
    close(descriptor);
    return status;
}

double run_summary_score(const struct run_summary *summary, const char *name) {
    static const char *const parts[] = {"", "valid.", "train."};
    for (size_t p = 0; p < sizeof parts / sizeof parts[0]; p++) {
        const size_t length = strlen(parts[p]);
        for (int32_t i = 0; i < summary->n_scores; i++) {
            const char *known = summary->scores[i].name;
            if (strncmp(known, parts[p], length) == 0 && strcmp(known + length, name) == 0) {
                return summary->scores[i].value;
            }
        }
    }
    return NAN;
}
