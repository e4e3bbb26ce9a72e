/* cli/predict.c: `rondo predict`. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/print.h"
#include "io/utf8.h"
#include "train/run_record.h"

enum {
    BATCH = 256,                /* texts that are predicted together */
    MAX_LINE = 16 * 1024 * 1024 /* bytes of one text */
};

struct predictor {
    struct task *task;
    const struct text_column *column; /* NULL: a text is a whole line */
    int json;
    struct errors *errors;
};

/* Texts that have been read and not been predicted yet. */
struct pending {
    char *texts[BATCH];
    int32_t count;
    const char *name;   /* name of the file */
    int32_t first_line; /* line of the first of them, from 1 */
};

/* The labels if predictions are probabilities of classes; NULL if they are numbers. */
static const struct vocabulary *predicted_labels(const struct task *task) {
    return network_predicts_classes(task->network) ? task->reader.labels : NULL;
}

/* JSON has no infinity and no NaN. */
static json_t *number_json(float number) {
    return isfinite(number) ? json_real((double)number) : json_null();
}

static json_t *numbers_json(const float *numbers, int64_t count) {
    json_t *list = json_array();
    for (int64_t k = 0; k < count; k++) {
        json_array_append_new(list, number_json(numbers[k]));
    }
    return json_array_size(list) == (size_t)count ? list : (json_decref(list), NULL);
}

static json_t *probabilities_json(const struct vocabulary *labels, const float *probabilities, int64_t count) {
    json_t *object = json_object();
    for (int64_t k = 0; k < count; k++) {
        json_object_set_new(object, vocabulary_word(labels, (int32_t)k), number_json(probabilities[k]));
    }
    return json_object_size(object) == (size_t)count ? object : (json_decref(object), NULL);
}

static rondo_status print_json(const struct predictor *predictor, const char *text, const float *prediction,
                               int64_t width, int64_t best) {
    const struct vocabulary *labels = predicted_labels(predictor->task);
    json_t *object;
    if (labels == NULL && width == 1) {
        object = json_pack("{s:s, s:o}", "text", text, "value", number_json(prediction[0]));
    } else if (labels == NULL) {
        object = json_pack("{s:s, s:o}", "text", text, "values", numbers_json(prediction, width));
    } else {
        object = json_pack("{s:s, s:s, s:o}", "text", text, "label", vocabulary_word(labels, (int32_t)best),
                           "probabilities", probabilities_json(labels, prediction, width));
    }
    return output_json(object, JSON_COMPACT | JSON_REAL_PRECISION(6), predictor->errors);
}

/* One line. */
static rondo_status print_prediction(const struct predictor *predictor, const char *text, const float *prediction,
                                     int64_t width) {
    const struct vocabulary *labels = predicted_labels(predictor->task);
    int64_t best = 0;
    for (int64_t k = 1; k < width; k++) {
        best = prediction[k] > prediction[best] ? k : best;
    }
    if (predictor->json) {
        return print_json(predictor, text, prediction, width, best);
    }
    if (labels != NULL) {
        print_text(stdout, vocabulary_word(labels, (int32_t)best));
        printf("\t%.4f\n", (double)prediction[best]);
        return RONDO_OK;
    }
    for (int64_t k = 0; k < width; k++) {
        printf("%s%.6g", k == 0 ? "" : "\t", (double)prediction[k]);
    }
    printf("\n");
    return RONDO_OK;
}

/* The architecture may require texts of a single token. */
static rondo_status check_lengths(const struct predictor *predictor, const struct pending *pending,
                                  const struct dataset *dataset) {
    char what[256];
    snprintf(what, sizeof what, "%s, from line %d", pending->name, pending->first_line);
    return dataset_fits(dataset, network_architecture(predictor->task->network), 0, what, predictor->errors);
}

/* Fills `predictions`, [count, width]. */
static rondo_status predict_pending(const struct predictor *predictor, const struct pending *pending,
                                    struct dataset *dataset, float *predictions) {
    for (int32_t i = 0; i < pending->count; i++) {
        RONDO_TRY(text_reader_add(&predictor->task->reader, pending->texts[i], dataset, predictor->errors));
    }
    RONDO_TRY(check_lengths(predictor, pending, dataset));
    return network_predict(predictor->task->network, dataset, BATCH, predictions, predictor->errors);
}

/* Predicts and prints the pending texts, in their order. Memory does not grow with the number of batches. */
static rondo_status flush_pending(const struct predictor *predictor, struct pending *pending) {
    if (pending->count == 0) {
        return RONDO_OK;
    }
    const int64_t width = network_prediction_size(predictor->task->network);
    struct dataset *dataset = text_reader_dataset(&predictor->task->reader);
    float *predictions = calloc((size_t)pending->count * (size_t)width, sizeof *predictions);
    rondo_status status = dataset == NULL || predictions == NULL
                              ? errors_no_memory(predictor->errors)
                              : predict_pending(predictor, pending, dataset, predictions);
    for (int32_t i = 0; i < pending->count; i++) {
        if (status == RONDO_OK) {
            status = print_prediction(predictor, pending->texts[i], predictions + i * width, width);
        }
        free(pending->texts[i]);
    }
    pending->count = 0;
    free(predictions);
    dataset_destroy(dataset);
    fflush(stdout);
    return status;
}

/* Adds a text and takes ownership of it; NULL: memory was short. Predicts when `most` texts are pending. */
static rondo_status add_text(const struct predictor *predictor, struct pending *pending, char *text, int32_t line,
                             int32_t most) {
    if (text == NULL) {
        return errors_no_memory(predictor->errors);
    }
    pending->first_line = pending->count == 0 ? line : pending->first_line;
    pending->texts[pending->count++] = text;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the text is freed with the pending ones */
    return pending->count == most ? flush_pending(predictor, pending) : RONDO_OK;
}

static void free_pending(struct pending *pending) {
    for (int32_t i = 0; i < pending->count; i++) {
        free(pending->texts[i]);
    }
}

/* ---- texts that are lines ---- */

/* A line of the input; the buffer grows with it. */
struct text_line {
    char *text;
    size_t length, capacity;
    int has_end; /* 1: the line ended in LF */
};

static rondo_status line_add(struct text_line *line, int c, struct location where, struct errors *errors) {
    if (line->length == MAX_LINE) {
        return errors_add_at(errors, RONDO_INVALID, where, "a line of more than %d bytes", MAX_LINE);
    }
    if (line->length + 1 >= line->capacity) {
        const size_t capacity = line->capacity == 0 ? 4096 : 2 * line->capacity;
        char *text = realloc(line->text, capacity);
        if (text == NULL) {
            return errors_no_memory(errors);
        }
        line->text = text;
        line->capacity = capacity;
    }
    line->text[line->length++] = (char)c;
    return RONDO_OK;
}

/* The next line, without its end. 0 at the end of the input or after a failure, which is in *status. A line longer than
 * MAX_LINE is refused before it takes all memory. */
static int read_line(FILE *stream, struct text_line *line, struct location where, rondo_status *status,
                     struct errors *errors) {
    line->length = 0;
    int c;
    while ((c = getc(stream)) != EOF && c != '\n') {
        *status = line_add(line, c, where, errors);
        if (*status != RONDO_OK) {
            return 0;
        }
    }
    if (ferror(stream)) {
        *status = errors_add_at(errors, RONDO_IO, where, "cannot read: %s", strerror(errno));
        return 0;
    }
    line->has_end = c == '\n';
    if (line->length > 0 && line->text[line->length - 1] == '\r') {
        line->length--;
    }
    return c != EOF || line->length > 0;
}

/* Checks that a line is text. A byte order mark before the first line is removed. */
static rondo_status check_line(struct text_line *line, struct location where, struct errors *errors) {
    if (where.line == 1 && line->length >= 3 && memcmp(line->text, "\xEF\xBB\xBF", 3) == 0) {
        line->length -= 3;
        memmove(line->text, line->text + 3, line->length);
    }
    const char *text = line->length == 0 ? "" : line->text;
    const char *nul = memchr(text, '\0', line->length);
    if (nul != NULL) {
        where.column = (int32_t)(nul - text) + 1;
        return errors_add_at(errors, RONDO_INVALID, where, "a NUL byte, expected text as UTF-8");
    }
    if (!utf8_check(text, line->length, NULL)) {
        return errors_add_at(errors, RONDO_INVALID, where, "this line is not UTF-8 text");
    }
    if (where.line == 1 && !line->has_end && memchr(text, '\r', line->length) != NULL) {
        return errors_add_at(errors, RONDO_INVALID, where, "the lines end in CR, expected LF or CRLF");
    }
    return RONDO_OK;
}

/* One text per line. At a terminal, the prediction for each line is printed at once. */
static rondo_status predict_lines(const struct predictor *predictor, FILE *stream, const char *name) {
    const int32_t most = isatty(fileno(stream)) ? 1 : BATCH;
    struct pending pending = {.name = name};
    struct text_line line = {0};
    struct location where = {name, 1, 0};
    rondo_status status = RONDO_OK;
    for (; status == RONDO_OK && read_line(stream, &line, where, &status, predictor->errors); where.line++) {
        status = check_line(&line, where, predictor->errors);
        if (status == RONDO_OK) {
            char *text = strndup(line.length == 0 ? "" : line.text, line.length);
            status = add_text(predictor, &pending, text, where.line, most);
        }
    }
    free(line.text);
    /* The lines before a mistake also get their predictions. */
    const rondo_status last = flush_pending(predictor, &pending);
    return status == RONDO_OK ? last : status;
}

/* ---- texts that are a column of a table ---- */

static rondo_status predict_rows(const struct predictor *predictor, const struct text_rows *rows, const char *name) {
    struct pending pending = {.name = name};
    rondo_status status = RONDO_OK;
    for (int64_t row = rows->first_row; row < rows->table.rows && status == RONDO_OK; row++) {
        status = add_text(predictor, &pending, strdup(text_rows_text(rows, row)), rows->table.lines[row], BATCH);
    }
    if (status == RONDO_OK) {
        return flush_pending(predictor, &pending);
    }
    free_pending(&pending);
    return status;
}

/* The whole stream, NUL-terminated, with malloc; NULL with errors. */
static char *read_stream(FILE *stream, const char *name, size_t *length, struct errors *errors) {
    size_t capacity = 64 * 1024;
    char *text = malloc(capacity);
    *length = 0;
    while (text != NULL) {
        *length += fread(text + *length, 1, capacity - 1 - *length, stream);
        if (*length < capacity - 1) {
            break;
        }
        if (capacity > TABLE_MAX_BYTES) {
            errors_add_at(errors, RONDO_INVALID, (struct location){name, 0, 0}, "more than %zu bytes", TABLE_MAX_BYTES);
            free(text);
            return NULL;
        }
        capacity *= 2;
        char *larger = realloc(text, capacity);
        if (larger == NULL) {
            free(text);
        }
        text = larger;
    }
    if (text == NULL) {
        errors_no_memory(errors);
    } else if (ferror(stream)) {
        errors_add_at(errors, RONDO_IO, (struct location){name, 0, 0}, "cannot read: %s", strerror(errno));
        free(text);
        return NULL;
    } else {
        text[*length] = '\0';
    }
    return text;
}

/* A table from standard input has the format of the training file. */
static rondo_status predict_table(const struct predictor *predictor, FILE *stream, const char *file) {
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(predictor->errors);
    }
    const char *format_file = stream == NULL ? file : predictor->task->experiment->train.text;
    size_t length = 0;
    char *text = stream == NULL ? NULL : read_stream(stream, file, &length, predictor->errors);
    rondo_status status = stream != NULL && text == NULL ? predictor->errors->status : RONDO_OK;
    struct text_rows rows;
    if (status == RONDO_OK) {
        status = text_reader_rows(&predictor->task->reader, predictor->column, file, format_file, text, length, arena,
                                  &rows, predictor->errors);
    }
    if (status == RONDO_OK) {
        status = predict_rows(predictor, &rows, file);
    }
    free(text);
    arena_destroy(arena);
    return status;
}

static rondo_status predict_file(const struct predictor *predictor, const char *file) {
    if (strcmp(file, "-") == 0) {
        return predictor->column == NULL ? predict_lines(predictor, stdin, "standard input")
                                         : predict_table(predictor, stdin, "standard input");
    }
    if (predictor->column != NULL) {
        return predict_table(predictor, NULL, file);
    }
    struct stat status;
    FILE *stream = stat(file, &status) == 0 && S_ISDIR(status.st_mode) ? (errno = EISDIR, NULL) : fopen(file, "r");
    if (stream == NULL) {
        return errors_add(predictor->errors, RONDO_NOT_FOUND, "cannot open '%s': %s", file, strerror(errno));
    }
    const rondo_status result = predict_lines(predictor, stream, file);
    fclose(stream);
    return result;
}

static rondo_status predict_files(const struct predictor *predictor, const char *const *files) {
    if (*files == NULL) {
        return predict_file(predictor, "-");
    }
    for (; *files != NULL; files++) {
        RONDO_TRY(predict_file(predictor, *files));
    }
    return RONDO_OK;
}

/* "text", "0", or "\"0\"": a number in quotes is the name of a column, as in an experiment. */
static const struct text_column *parse_column(const char *value, struct text_column *column, struct arena *arena) {
    const size_t length = strlen(value);
    const int is_quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
    *column = (struct text_column){.text = is_quoted ? arena_strndup(arena, value + 1, length - 2) : value,
                                   .is_name = is_quoted,
                                   .where = {"--column", 0, 0}};
    return column->text == NULL ? NULL : column;
}

static int run_predict(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const char *column = NULL;
    const struct flag flags[] = {
        {"column", "NAME|N", FLAG_TEXT, &column,
         "read tables in the format of the training data; the text is in this column"},
        COMMON_FLAG_PLUGIN(common),
        COMMON_FLAG_VERBOSE(common),
        COMMON_FLAG_THREADS(common),
        COMMON_FLAG_ENGINE(common),
        COMMON_FLAG_PASSES(common),
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct session *session = session_from_flags(&common, &errors);
    struct task *task = session == NULL ? NULL : run_record_open(arguments.words[0], NULL, NULL, session, 0, &errors);
    struct text_column found;
    struct predictor predictor = {.task = task, .json = common.json, .errors = &errors};
    if (task != NULL && column != NULL) {
        predictor.column = parse_column(column, &found, session->arena);
    }
    if (task != NULL && column != NULL && predictor.column == NULL) {
        errors_no_memory(&errors);
    } else if (task != NULL) {
        predict_files(&predictor, arguments.words + 1);
    }
    status = errors.count > 0 ? report_errors(&errors, common.json) : finish_output();
    task_destroy(task);
    session_destroy(session);
    return status;
}

const struct command command_predict = {
    "predict", "predict RUN [FILE]… [--column NAME|N]", "predict the label or number of new texts",
    "Reads one text per line from the files, or from standard input. For each text it prints one line: the label and\n"
    "its probability, or the number. Control characters in a label are escaped; --json prints it exactly. With "
    "--column\n"
    "the files are tables of the format that the run was trained on, such as its test file.\n\n"
    "  echo \"The food is good\" | rondo predict runs/food-sentiment\n"
    "  rondo predict runs/food-sentiment test.tsv --column text\n",
    run_predict};
