/* cli/predict.c: `rondo predict`. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "io/utf8.h"
#include "train/run_record.h"

enum {
    BATCH = 256,                /* lines that are predicted together */
    MAX_LINE = 16 * 1024 * 1024 /* bytes of one */
};

/* Lines waiting to be predicted. */
struct pending {
    char *lines[BATCH];
    int32_t count;
    const char *name;   /* of where they come from */
    int32_t first_line; /* there, from 1 */
};

/* Labels where predictions are their probabilities; else NULL: predictions are numbers. */
static const struct vocabulary *predicted_labels(const struct task *task) {
    return network_predicts_classes(task->network) ? task->reader.labels : NULL;
}

static void print_json(const struct task *task, const char *line, const float *prediction, int64_t width,
                       int64_t best) {
    const struct vocabulary *labels = predicted_labels(task);
    json_t *object = json_pack("{s:s}", "text", line);
    if (labels == NULL && width == 1) {
        json_object_set_new(object, "value", json_real((double)prediction[0]));
    } else if (labels == NULL) {
        json_t *all = json_array();
        for (int64_t k = 0; k < width; k++) {
            json_array_append_new(all, json_real((double)prediction[k]));
        }
        json_object_set_new(object, "values", all);
    } else {
        json_t *all = json_object();
        for (int64_t k = 0; k < width; k++) {
            json_object_set_new(all, vocabulary_word(labels, (int32_t)k), json_real((double)prediction[k]));
        }
        json_object_set_new(object, "label", json_string(vocabulary_word(labels, (int32_t)best)));
        json_object_set_new(object, "probabilities", all);
    }
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    json_decref(object);
    printf("\n");
}

static void print_prediction(const struct task *task, const char *line, const float *prediction, int64_t width,
                             int json) {
    int64_t best = 0;
    for (int64_t k = 1; k < width; k++) {
        best = prediction[k] > prediction[best] ? k : best;
    }
    if (json) {
        print_json(task, line, prediction, width, best);
    } else if (predicted_labels(task) == NULL) {
        for (int64_t k = 0; k < width; k++) {
            printf("%s%.6g", k == 0 ? "" : "\t", (double)prediction[k]);
        }
        printf("\n");
    } else {
        printf("%s\t%.4f\n", vocabulary_word(task->reader.labels, (int32_t)best), (double)prediction[best]);
    }
}

/* The architecture may want a single word. */
static rondo_status check_lines(const struct task *task, const struct pending *pending, const struct dataset *dataset,
                                struct errors *errors) {
    char what[256];
    snprintf(what, sizeof what, "%s, from line %d", pending->name, pending->first_line);
    return dataset_fits(dataset, network_architecture(task->network), 0, what, errors);
}

/* Predicts and prints what is waiting, in its order. */
static rondo_status flush_pending(struct task *task, struct pending *pending, int json, struct errors *errors) {
    const int64_t width = network_prediction_size(task->network);
    struct dataset *dataset = text_reader_dataset(&task->reader);
    float *predictions = calloc((size_t)pending->count * (size_t)width + 1, sizeof *predictions);
    rondo_status status = dataset == NULL || predictions == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (int32_t i = 0; i < pending->count && status == RONDO_OK; i++) {
        status = text_reader_add(&task->reader, pending->lines[i], dataset, errors);
    }
    if (status == RONDO_OK) {
        status = check_lines(task, pending, dataset, errors);
    }
    if (status == RONDO_OK) {
        status = network_predict(task->network, dataset, BATCH, predictions, errors);
    }
    for (int32_t i = 0; i < pending->count; i++) {
        if (status == RONDO_OK) {
            print_prediction(task, pending->lines[i], predictions + i * width, width, json);
        }
        free(pending->lines[i]);
    }
    pending->first_line += pending->count;
    pending->count = 0;
    free(predictions);
    dataset_destroy(dataset);
    fflush(stdout);
    return status;
}

/* A line of the input; grows with it. */
struct line {
    char *text;
    size_t length, capacity;
};

/* The next line, without its end. 0 at the end of the input; *status tells what went wrong. A line longer than MAX_LINE
 * is refused before it takes all memory. */
static int read_line(FILE *stream, struct line *line, const char *name, int32_t number, rondo_status *status,
                     struct errors *errors) {
    const struct location where = {name, number, 0};
    line->length = 0;
    int c;
    while ((c = getc(stream)) != EOF && c != '\n') {
        if (line->length == MAX_LINE) {
            *status = errors_add_at(errors, RONDO_INVALID, where, "a line of more than %d bytes", MAX_LINE);
            return 0;
        }
        if (line->length + 1 >= line->capacity) {
            const size_t capacity = line->capacity == 0 ? 4096 : 2 * line->capacity;
            char *text = realloc(line->text, capacity);
            if (text == NULL) {
                *status = errors_no_memory(errors);
                return 0;
            }
            line->text = text;
            line->capacity = capacity;
        }
        line->text[line->length++] = (char)c;
    }
    if (ferror(stream)) {
        *status = errors_add_at(errors, RONDO_IO, where, "cannot read: %s", strerror(errno));
        return 0;
    }
    if (line->length > 0 && line->text[line->length - 1] == '\r') {
        line->length--;
    }
    return c != EOF || line->length > 0;
}

/* Keeps a copy of a line that is text. */
static rondo_status add_line(struct pending *pending, const struct line *line, int32_t number, struct errors *errors) {
    const char *text = line->length == 0 ? "" : line->text;
    const char *nul = memchr(text, '\0', line->length);
    if (nul != NULL) {
        const struct location where = {pending->name, number, (int32_t)(nul - text) + 1};
        return errors_add_at(errors, RONDO_INVALID, where, "a NUL byte: this is no text");
    }
    size_t bad;
    if (!utf8_check(text, line->length, &bad)) {
        const struct location where = {pending->name, number, 0};
        return errors_add_at(errors, RONDO_INVALID, where, "this line is no UTF-8 text");
    }
    pending->lines[pending->count] = strndup(text, line->length);
    if (pending->lines[pending->count] == NULL) {
        return errors_no_memory(errors);
    }
    pending->count++;
    return RONDO_OK;
}

/* One prediction a line. A person at a terminal gets each answer at once. */
static rondo_status predict_stream(struct task *task, FILE *stream, const char *name, int json, struct errors *errors) {
    const int32_t most = isatty(fileno(stream)) ? 1 : BATCH;
    struct pending pending = {.name = name, .first_line = 1};
    struct line line = {0};
    rondo_status status = RONDO_OK;
    for (int32_t number = 1; status == RONDO_OK && read_line(stream, &line, name, number, &status, errors); number++) {
        status = add_line(&pending, &line, number, errors);
        if (pending.count == most) {
            const rondo_status flushed = flush_pending(task, &pending, json, errors);
            status = status == RONDO_OK ? flushed : status;
        }
    }
    free(line.text);
    const rondo_status last = flush_pending(task, &pending, json, errors);
    return status == RONDO_OK ? last : status;
}

static rondo_status predict_files(struct task *task, const char *const *files, int json, struct errors *errors) {
    if (*files == NULL) {
        return predict_stream(task, stdin, "standard input", json, errors);
    }
    for (; *files != NULL; files++) {
        if (strcmp(*files, "-") == 0) {
            RONDO_TRY(predict_stream(task, stdin, "standard input", json, errors));
            continue;
        }
        struct stat status;
        FILE *stream =
            stat(*files, &status) == 0 && S_ISDIR(status.st_mode) ? (errno = EISDIR, NULL) : fopen(*files, "r");
        if (stream == NULL) {
            return errors_add(errors, RONDO_NOT_FOUND, "cannot open '%s': %s", *files, strerror(errno));
        }
        const rondo_status result = predict_stream(task, stream, *files, json, errors);
        fclose(stream);
        RONDO_TRY(result);
    }
    return RONDO_OK;
}

static int run_predict(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const struct flag flags[] = {
        COMMON_FLAG_PLUGIN(common), COMMON_FLAG_THREADS(common), COMMON_FLAG_ENGINE(common),
        COMMON_FLAG_PASSES(common), COMMON_FLAG_JSON(common),    {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct session *session = open_session(&common, &errors);
    struct task *task = session == NULL ? NULL : run_record_open(arguments.words[0], NULL, session, 0, &errors);
    if (task != NULL) {
        predict_files(task, arguments.words + 1, common.json, &errors);
    }
    status = errors.count > 0 ? report_errors(&errors) : finish_output();
    task_destroy(task);
    session_destroy(session);
    return status;
}

const struct command command_predict = {
    "predict", "predict RUN [FILE]…", "say what a run's weights make of new texts",
    "Reads one text a line, from the files or standard input. Prints for each the label and its probability, or the\n"
    "number.\n\n"
    "  echo \"The food is good\" | rondo predict runs/food-sentiment\n",
    run_predict};
