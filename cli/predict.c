/* cli/predict.c: `rondo predict`. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_builder.h"
#include "cli/open_run.h"
#include "cli/plot_predictions.h"
#include "cli/predicted.h"
#include "cli/print.h"
#include "cli/text_lines.h"
#include "cli/written.h"
#include "core/number.h"
#include "io/json.h"

enum { BATCH = 256 }; /* examples that are predicted together */

struct predictor {
    struct task *task;
    int reads_files;    /* files are read like those of the training, not line by line */
    const char *column; /* of --column; NULL: not given */
    double interval;    /* of --interval; 0: not given */
    int json;
    int failed;                     /* exit status of lines that were refused; 0: none */
    int is_quiet;                   /* the plot is printed in place of the lines */
    struct plot_predictions *plots; /* NULL: none */
    struct written *written;        /* the run writes its outputs; NULL: it does not */
    struct errors *errors;
};

/* ---- predictions ---- */

static rondo_status print_fields(const struct predictor *predictor, const struct fields *fields) {
    if (predictor->json) {
        return output_json(json_incref(fields->object), JSON_COMPACT | JSON_REAL_PRECISION(6), predictor->errors);
    }
    for (const struct field_shown *shown = fields->first; shown != NULL; shown = shown->next) {
        printf("%s", shown == fields->first ? "" : shown->begins_line ? "\n" : "\t");
        print_text(stdout, shown->text);
    }
    printf("\n");
    return RONDO_OK;
}

/* Prints one prediction. `arg`: the predictor. */
static rondo_status print_prediction(void *arg, const struct reader_prediction *prediction) {
    const struct predictor *predictor = arg;
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(predictor->errors);
    }
    struct fields fields;
    fields_open(&fields, arena);
    rondo_status status = reader_render(predictor->task->data.reader, prediction, &fields, predictor->errors);
    if (status == RONDO_OK && predictor->plots != NULL) {
        status = plot_predictions_add(predictor->plots, prediction, &fields, predictor->errors);
    }
    if (status == RONDO_OK && !predictor->is_quiet) {
        status = print_fields(predictor, &fields);
    }
    fields_close(&fields);
    arena_destroy(arena);
    return status;
}

/* Predicts and prints the examples begin .. end. */
static rondo_status predict_range(struct predictor *predictor, const struct dataset *dataset, int64_t begin,
                                  int64_t end) {
    int64_t examples[BATCH];
    for (int64_t i = begin; i < end; i++) {
        examples[i - begin] = i;
    }
    struct predicted predicted = {0};
    struct dataset *view = dataset_view(dataset, examples, end - begin, predictor->errors);
    rondo_status status = view == NULL ? predictor->errors->status
                                       : predicted_compute(&predicted, predictor->task, view, BATCH,
                                                           predictor->interval, predictor->errors);
    int64_t row = 0;
    for (int64_t i = begin; i < end && status == RONDO_OK; i++) {
        const struct reader_prediction prediction = predicted_example(&predicted, predictor->task, dataset, i, row);
        status = print_prediction(predictor, &prediction);
        row += network_prediction_rows(predictor->task->network, dataset, i);
    }
    predicted_free(&predicted);
    dataset_destroy(view);
    fflush(stdout);
    return status;
}

/* Predicts and prints all examples, in their order. */
static rondo_status predict_dataset(struct predictor *predictor, const struct dataset *dataset, const char *what) {
    if (predictor->written != NULL) {
        return written_print(predictor->written, dataset); /* the model itself decides on the number of its outputs */
    }
    RONDO_TRY(dataset_fits(dataset, network_plan(predictor->task->network), 0, what, predictor->errors));
    for (int64_t begin = 0; begin < dataset->count; begin += BATCH) {
        const int64_t end = dataset->count - begin < BATCH ? dataset->count : begin + BATCH;
        RONDO_TRY(predict_range(predictor, dataset, begin, end));
    }
    return RONDO_OK;
}

/* Examples that have been read from lines and not been predicted yet. */
struct pending {
    struct dataset *dataset; /* NULL: none */
    const char *name;        /* of the file */
    int32_t first_line;      /* of the first of them, from 1 */
};

/* Predicts the pending examples. Memory does not grow with the number of batches. */
static rondo_status flush_pending(struct predictor *predictor, struct pending *pending) {
    if (pending->dataset == NULL) {
        return RONDO_OK;
    }
    char what[256];
    snprintf(what, sizeof what, "%s, from line %d", pending->name, pending->first_line);
    const rondo_status status =
        pending->dataset->count == 0 ? RONDO_OK : predict_dataset(predictor, pending->dataset, what);
    dataset_destroy(pending->dataset);
    pending->dataset = NULL;
    return status;
}

/* Prints an empty output for a line that has none, so that line k of the output belongs to line k of the input. */
static rondo_status print_nothing(struct predictor *predictor, const char *line, const char *message) {
    if (predictor->json) {
        struct json_builder builder = {0};
        json_t *object = json_object();
        json_set(&builder, object, predictor->written != NULL ? "prompt" : "text", json_text(line == NULL ? "" : line));
        json_set(&builder, object, "error", json_text(message));
        return output_json(json_built(&builder, object), JSON_COMPACT, predictor->errors);
    }
    printf("\n");
    return RONDO_OK;
}

/* A line that is no example: it has an empty output, and the lines after it are predicted. An empty line for a run that writes texts is no
 * mistake: there is nothing to write. `line` NULL: it is no text. */
static rondo_status skip_line(struct predictor *predictor, struct pending *pending, const char *line,
                              struct errors *mistake) {
    const int is_empty = predictor->written != NULL && line != NULL && line[strspn(line, " \t\r")] == '\0';
    rondo_status status = flush_pending(predictor, pending);
    if (status == RONDO_OK && !predictor->is_quiet) {
        status = print_nothing(predictor, line, errors_text(mistake, 0));
    }
    if (predictor->written != NULL) {
        predictor->written->count++; /* results are numbered by lines */
    }
    fflush(stdout);
    predictor->failed = is_empty ? predictor->failed : report_errors(mistake, predictor->json);
    return status;
}

/* Adds a line. Predicts when `most` are pending. */
static rondo_status add_line(struct predictor *predictor, struct pending *pending, const char *line,
                             struct location where, int32_t most) {
    const struct reader *reader = predictor->task->data.reader;
    if (pending->dataset == NULL) {
        pending->dataset = task_data_describe(&predictor->task->data, predictor->errors);
        pending->first_line = where.line;
    }
    if (pending->dataset == NULL) {
        return predictor->errors->status;
    }
    struct errors mistake = {0};
    rondo_status status = reader_add(reader, line, where, pending->dataset, &mistake);
    if (status == RONDO_INVALID) {
        status = skip_line(predictor, pending, line, &mistake);
        errors_free(&mistake);
        return status;
    }
    if (status != RONDO_OK) {
        errors_move(predictor->errors, &mistake);
        errors_free(&mistake);
        return status;
    }
    return pending->dataset->count == most ? flush_pending(predictor, pending) : RONDO_OK;
}

/* One text per line. At a terminal each is answered at once. */
static rondo_status predict_lines(struct predictor *predictor, const char *file) {
    struct text_lines lines;
    rondo_status status = text_lines_open(&lines, file, predictor->errors);
    struct pending pending = {.name = lines.name};
    const int32_t most = status == RONDO_OK && text_lines_is_terminal(&lines) ? 1 : BATCH;
    int has_next = status == RONDO_OK;
    while (has_next && status == RONDO_OK) {
        struct errors mistake = {0};
        if (text_lines_next(&lines, &status, &mistake)) {
            status = add_line(predictor, &pending, lines.text, lines.where, most);
        } else if (status == RONDO_INVALID) {
            status = skip_line(predictor, &pending, NULL, &mistake);
        } else {
            errors_move(predictor->errors, &mistake);
            has_next = 0;
        }
        errors_free(&mistake);
    }
    text_lines_close(&lines);
    /* The lines before a mistake are answered as well. */
    const rondo_status last = flush_pending(predictor, &pending);
    return status == RONDO_OK ? last : status;
}

/* ---- files in the format of the training data ---- */

/* Bytes of standard input, if the reader reads files. */
#define MAX_INPUT ((size_t)2 << 30)

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
        if (capacity > MAX_INPUT) {
            errors_add_at(errors, RONDO_INVALID, (struct location){name, 0, 0}, "more than %zu bytes", MAX_INPUT);
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

/* The examples of files, with warnings about those that are left out. NULL with errors. */
static struct dataset *read_examples(const struct predictor *predictor, const struct reader_source *source) {
    struct errors warnings = {0};
    predictor->task->data.reader->warnings = &warnings;
    struct dataset *dataset = task_data_read(&predictor->task->data, source, 0, predictor->errors);
    predictor->task->data.reader->warnings = NULL;
    report_warnings(&warnings, predictor->json);
    return dataset;
}

/* Standard input has the format of the training file. */
static rondo_status predict_whole(struct predictor *predictor, const char *file) {
    const int is_input = strcmp(file, "-") == 0;
    const char *name = is_input ? "standard input" : file;
    struct reader_path path = {.text = name, .where = {predictor->column == NULL ? NULL : "--column", 0, 0}};
    char *bytes = NULL;
    if (is_input) {
        bytes = read_stream(stdin, name, &path.length, predictor->errors);
        path.bytes = bytes;
        path.like = predictor->task->experiment->data.train.paths[0].text;
        if (bytes == NULL) {
            return predictor->errors->status;
        }
    }
    const struct reader_source source = {.paths = &path, .count = 1, .part = PART_TEST};
    struct dataset *dataset = read_examples(predictor, &source);
    const rondo_status status = dataset == NULL ? predictor->errors->status : predict_dataset(predictor, dataset, name);
    dataset_destroy(dataset);
    free(bytes);
    return status;
}

/* A reader that makes its data has no other examples than those of its parts. */
static rondo_status predict_test_part(struct predictor *predictor) {
    const struct reader_source source = {.part = PART_TEST};
    struct dataset *dataset = read_examples(predictor, &source);
    const rondo_status status =
        dataset == NULL ? predictor->errors->status : predict_dataset(predictor, dataset, "the test data");
    dataset_destroy(dataset);
    return status;
}

/* The rows of series go on from file to file, so all files are read together; without a file, those of the training. */
static rondo_status predict_series(struct predictor *predictor, const char *const *files) {
    struct reader_path paths[ARGUMENT_LIST_MAX];
    const struct data_files *train = &predictor->task->experiment->data.train;
    struct reader_source source = {.paths = train->paths, .count = train->count, .part = PART_TEST};
    for (int32_t count = 0; files[count] != NULL; count++) {
        if (strcmp(files[count], "-") == 0) {
            return files[1] == NULL ? predict_whole(predictor, "-")
                                    : errors_add(predictor->errors, RONDO_INVALID,
                                                 "'-', standard input, is not read together with other files");
        }
        if (count == ARGUMENT_LIST_MAX) {
            return errors_add(predictor->errors, RONDO_INVALID, "more than %d files", ARGUMENT_LIST_MAX);
        }
        paths[count] = (struct reader_path){.text = files[count]};
        source.paths = paths;
        source.count = count + 1;
    }
    struct dataset *dataset = read_examples(predictor, &source);
    const rondo_status status =
        dataset == NULL ? predictor->errors->status : predict_dataset(predictor, dataset, source.paths[0].text);
    dataset_destroy(dataset);
    return status;
}

static rondo_status predict_file(struct predictor *predictor, const char *file) {
    return predictor->reads_files ? predict_whole(predictor, file) : predict_lines(predictor, file);
}

static rondo_status predict_files(struct predictor *predictor, const char *const *files) {
    const struct reader_class *reader = predictor->task->data.reader->class;
    if ((reader->flags & READER_NO_FILES) != 0) {
        return *files == NULL
                   ? predict_test_part(predictor)
                   : errors_add(predictor->errors, RONDO_INVALID,
                                "'%s' is not used: reader '%s' of the run makes its data; without a file, its "
                                "test data is predicted",
                                *files, reader->name);
    }
    if ((reader->flags & READER_DATES) != 0) {
        return predict_series(predictor, files);
    }
    if (*files == NULL) {
        return predict_file(predictor, "-");
    }
    for (; *files != NULL; files++) {
        RONDO_TRY(predict_file(predictor, *files));
    }
    return RONDO_OK;
}

/* Makes a column of the command line the reader's first: "text", "0", or "\"0\"", which in quotes is a name, as in an
 * experiment. */
static rondo_status set_column(struct task *task, const char *value, struct errors *errors) {
    struct reader_column *columns = task->experiment->data.columns;
    if (columns == NULL || task->data.reader->class->add == NULL) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = "--column"},
                             "reader '%s' of the run has no column of texts; without this flag, its files are read "
                             "like those of the training",
                             task->data.reader->class->name);
    }
    const size_t length = strlen(value);
    const int is_quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
    const char *text = is_quoted ? arena_strndup(task->experiment->arena, value + 1, length - 2) : value;
    columns[0] = (struct reader_column){.text = text, .is_name = is_quoted, .where = {"--column", 0, 0}};
    return text == NULL ? errors_no_memory(errors) : RONDO_OK;
}

/* Predicts all files, and then draws what --plot asks for. */
static rondo_status predict_and_plot(struct predictor *predictor, const char *const *files, int64_t example,
                                     struct plot_page *page) {
    if (!page->flag.is_given) {
        return predict_files(predictor, files);
    }
    predictor->is_quiet = page->flag.file == NULL;
    predictor->plots = plot_predictions_create(example);
    if (predictor->plots == NULL) {
        return errors_no_memory(predictor->errors);
    }
    rondo_status status = predict_files(predictor, files);
    const char *what = files[0] == NULL ? "the predictions" : files[1] == NULL ? files[0] : "all files";
    if (status == RONDO_OK) {
        status = plot_predictions_show(predictor->plots, page, what, predictor->errors);
    }
    if (status == RONDO_OK) {
        status = plot_page_show(page, what, "there are no numbers or classes among the predictions", predictor->errors);
    }
    plot_predictions_destroy(predictor->plots);
    return status;
}

/* The probability of --interval, for which the loss must have intervals. 0 with an error. */
static double read_interval(const struct task *task, const char *text, struct errors *errors) {
    const struct location where = {.file = "--interval"};
    char *rest = NULL;
    double level = number_parse(text, &rest);
    if (rest == text || *rest != '\0' || !(level > 0 && level < 1)) {
        errors_add_at(errors, RONDO_INVALID, where,
                      "'%s' is not a probability, expected a number between 0 and 1, such as 0.8", text);
        return 0;
    }
    struct errors reasons = {0};
    if (predicted_check_interval(task, level, &reasons) != RONDO_OK) {
        errors_add_at(errors, reasons.status, where, "%s", errors_text(&reasons, 0));
        level = 0;
    }
    errors_free(&reasons);
    return level;
}

/* The arguments of the command. */
struct predict_arguments {
    const char *folder, *column, *interval;
    const char *const *files;
    int64_t example;
    int scores;
    struct generation_flags generation;
    struct plot_page page, attention;
};

/* Refuses what only a run that writes its outputs has. */
static rondo_status refuse_writing(const struct predict_arguments *given, const struct task *task,
                                   struct errors *errors) {
    const char *flag = given->attention.flag.is_given ? "--attention"
                       : given->scores                ? "--score"
                                                      : generation_flags_first(&given->generation);
    if (flag == NULL) {
        return RONDO_OK;
    }
    if (task_reads_targets_only(task)) {
        return errors_add(errors, RONDO_INVALID,
                          "%s is not used: the run '%s' is a language model, of which `rondo predict` prints the next "
                          "symbol; `rondo generate` writes texts",
                          flag, given->folder);
    }
    const char *why_not = "it reads nothing but its own outputs";
    model_generates(network_model(task->network), &why_not);
    return errors_add(errors, RONDO_INVALID, "%s is not used: the run '%s' does not write its outputs: %s", flag,
                      given->folder, why_not);
}

/* A model that reads its own outputs and cannot write needs targets to read, which texts for prediction do not have. */
static rondo_status require_targets(const struct predict_arguments *given, const struct task *task,
                                    struct errors *errors) {
    const char *why_not;
    const int has_no_targets = task_has_inputs(task) && task->data.reader->class->add != NULL;
    return !task->experiment->model.feedback || !has_no_targets ||
                   model_generates(network_model(task->network), &why_not)
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "the run '%s' does not generate: %s", given->folder, why_not);
}

/* Predicts by writing symbol by symbol. */
static rondo_status predict_written(struct predictor *predictor, struct predict_arguments *given) {
    if (given->interval != NULL) {
        return errors_add(predictor->errors, RONDO_INVALID,
                          "--interval is not used: each output of the run '%s' is its next input, and has no interval",
                          given->folder);
    }
    const int has_texts = dataset_find(predictor->task->data.shape, "target")->kind == STREAM_CLASS;
    if (given->page.flag.is_given && has_texts) {
        return errors_add(
            predictor->errors, RONDO_INVALID,
            "--plot is not used: the run '%s' writes texts; --attention draws what their symbols attended "
            "to",
            given->folder);
    }
    struct written written = {.json = predictor->json,
                              .scores = given->scores,
                              .attention = &given->attention,
                              .errors = predictor->errors,
                              .print = print_prediction,
                              .arg = predictor};
    rondo_status status = written_open(&written, given->folder, predictor->task, &given->generation);
    predictor->written = &written;
    status = status == RONDO_OK ? predict_and_plot(predictor, given->files, given->example, &given->page) : status;
    status = status == RONDO_OK ? written_show(&written, given->folder) : status;
    predictor->written = NULL;
    written_close(&written);
    return status;
}

static rondo_status predict_run(struct predictor *predictor, struct predict_arguments *given) {
    struct task *task = predictor->task;
    if (given->column != NULL) {
        RONDO_TRY(set_column(task, given->column, predictor->errors));
    }
    if (written_is_for(task)) {
        return predict_written(predictor, given);
    }
    RONDO_TRY(refuse_writing(given, task, predictor->errors));
    RONDO_TRY(require_targets(given, task, predictor->errors));
    if (given->interval != NULL) {
        predictor->interval = read_interval(task, given->interval, predictor->errors);
    }
    return predictor->errors->count > 0 ? predictor->errors->status
                                        : predict_and_plot(predictor, given->files, given->example, &given->page);
}

static int run_predict(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct predict_arguments given = {0};
    struct plot_flag plot = {0}, attention = {0};
    struct flag flags[48] = {
        {"interval", "P", FLAG_TEXT, &given.interval,
         "also predict the interval in which a number lies with this probability, such as 0.8"},
        {"column", "NAME|N", FLAG_TEXT, &given.column,
         "read tables in the format of the training data; the text is in this column"},
        FLAG_PLOT_OF(plot),
        FLAG_EXAMPLE_OF(given.example),
        {"score", NULL, FLAG_ON, &given.scores, "print the log-probability of each text that is written"},
        {"attention", "[FILE.svg]", FLAG_PLOT, &attention,
         "draw what each symbol that is written attended to: as text, or to an SVG file"},
        OPEN_RUN_FLAGS(common),
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    generation_flags_add(&given.generation, flags, 48);
    if (!arguments_parse(command, flags, argc, argv, 1, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    given.folder = arguments.words[0];
    given.files = arguments.words + 1;
    struct session *session = plot_page_open(&given.page, plot, given.example, common.json, &errors) == RONDO_OK &&
                                      plot_page_open(&given.attention, attention, 0, 0, &errors) == RONDO_OK
                                  ? session_from_flags(&common, &errors)
                                  : NULL;
    const struct run_record_settings settings = open_run_settings(&common, given.folder);
    struct task *task = session == NULL ? NULL : open_run(&settings, session, common.json, &errors);
    int failed = 0;
    if (task != NULL) {
        struct predictor predictor = {.task = task,
                                      .reads_files = given.column != NULL || task->data.reader->class->add == NULL,
                                      .column = given.column,
                                      .json = common.json,
                                      .errors = &errors};
        predict_run(&predictor, &given);
        failed = predictor.failed;
    }
    plot_page_close(&given.page);
    plot_page_close(&given.attention);
    const int finished = finish_command(&errors, common.json);
    status = finished != 0 ? finished : failed;
    task_destroy(task);
    session_destroy(session);
    return status;
}

const struct command command_predict = {
    "predict",
    "predict RUN [FILE]… [--column NAME|N] [--interval P] [--plot [FILE.svg]] [--beam N] [--attention [FILE.svg]]",
    "predict new texts, or the examples of files",
    "A run that was trained on texts reads one text per line from the files, or from standard input; with\n"
    "--column, the files are tables of the format that it was trained on, such as its test file. Other runs\n"
    "read files like those that they were trained on. Each example gives one line: the label and its\n"
    "probability, or the number; or the labels or numbers of all steps. Control characters in a label are\n"
    "escaped; --json prints it exactly. With --interval, numbers are followed by the lower and the upper ends\n"
    "of their intervals; `rondo list loss/NAME` says which losses have them.\n\n"
    "A run on series reads all files together, and without a file those of the training, and forecasts what follows\n"
    "their last row: a line for each date. Rows with an empty target give numbers that are known in advance.\n\n"
    "A run with an encoder writes its output symbol by symbol, for each line or example: always the most probable "
    "one,\n"
    "unless the settings of `generate:`, or the flags from --temperature on, say otherwise. If there are several\n"
    "texts for a line, each begins with the number of the line. --attention draws which symbols of the source each\n"
    "symbol attended to.\n\n"
    "Each line has its output in the same place: a line that cannot be read, such as one that is too long, is "
    "reported,\n"
    "has an empty output, or an object with 'error', and makes the exit status 2; those after it are predicted. A run\n"
    "that writes texts writes an empty one for an empty line.\n\n"
    "--plot draws the predictions: numbers, with their intervals if --interval is given; how often each class is\n"
    "predicted, or the probabilities for a single example. As text it replaces the lines; --plot FILE.svg writes a "
    "file\n"
    "beside them. 'rondo eval --plot' compares predictions with the truth.\n\n"
    "  echo \"The food is good\" | rondo predict runs/food-sentiment\n"
    "  rondo predict runs/food-sentiment test.tsv --column text\n"
    "  rondo predict runs/vowels test.npz\n"
    "  rondo predict runs/wave --plot\n"
    "  rondo predict runs/sales sales.csv next_week.csv\n"
    "  echo \"the cat sleeps\" | rondo predict runs/translation --beam 5 --attention\n",
    run_predict};
