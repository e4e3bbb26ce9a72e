/* cli/eval.c: `rondo eval`. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/chosen_data.h"
#include "cli/naive_scores.h"
#include "cli/open_run.h"
#include "cli/plot_eval.h"
#include "cli/plot_run.h"
#include "cli/print.h"
#include "cli/table.h"
#include "io/json.h"

struct class_naming {
    const struct task *task;
    char number[32];
};

/* Class k for tables: its label, or its number where it has none. */
static const char *name_of_class(void *arg, int64_t k) {
    struct class_naming *naming = arg;
    const char *name = task_class_name(naming->task, k);
    snprintf(naming->number, sizeof naming->number, "%lld", (long long)k);
    return name == NULL ? naming->number : name;
}

/* What is evaluated, and how it is shown. */
struct evaluation {
    struct run_record_settings record;
    struct chosen_data *data;
    const char **metrics; /* those of `record`: [ARGUMENT_LIST_MAX + 1], ended by NULL */
    int64_t example;      /* of --example; 0: not given */
    int json;
    int hides_matrix; /* its table was not asked for, and is only drawn */
    struct plot_page page;
};

/* Prints the tables of the evaluation, or, if `tables` is not NULL, adds them to that object. */
static rondo_status show_tables(const struct task *task, int hides_matrix, json_t *tables, struct errors *errors) {
    struct arena *arena = arena_create();
    struct json_builder builder = {arena, 0};
    struct class_naming naming = {.task = task};
    rondo_status status = arena == NULL ? errors_no_memory(errors) : RONDO_OK;
    for (int32_t i = 0; status == RONDO_OK; i++) {
        struct metric_table table;
        status = metrics_table(network_metrics(task->network), i, arena, &table, errors);
        if (status == RONDO_OK && hides_matrix && strcmp(table.name, PLOT_MATRIX_METRIC) == 0) {
            continue;
        }
        if (status == RONDO_OK && tables == NULL) {
            table_print(&table, name_of_class, &naming);
        } else if (status == RONDO_OK) {
            json_set(&builder, tables, table.name, table_json(&builder, &table, name_of_class, &naming));
        }
    }
    arena_destroy(arena);
    return builder.failed ? errors_no_memory(errors) : status == RONDO_NOT_FOUND ? RONDO_OK : status;
}

static rondo_status print_json(const struct evaluation *evaluation, const struct task *task,
                               const struct scores *scores, const struct naive_scores *naive, struct errors *errors) {
    json_t *tables = json_object();
    json_t *object = json_pack("{s:o, s:I, s:I}", "data", json_text(evaluation->data->name), "examples",
                               (json_int_t)evaluation->data->dataset->count, "rows", (json_int_t)scores->rows);
    if (tables == NULL || object == NULL || run_record_scores(object, task->network, scores) != 0 ||
        naive_scores_json(naive, task->network, object) != 0 ||
        show_tables(task, evaluation->hides_matrix, tables, errors) != RONDO_OK ||
        (json_object_size(tables) > 0 && json_object_set(object, "tables", tables) != 0)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(tables);
    return errors->count > 0 ? errors->status : output_json(object, JSON_REAL_PRECISION(17), errors);
}

static rondo_status print_scores(const struct evaluation *evaluation, const struct task *task, struct errors *errors) {
    struct scores scores = {0};
    const struct network *network = task->network;
    const struct dataset *dataset = evaluation->data->dataset;
    struct naive_scores naive;
    RONDO_TRY(naive_scores_measure(&naive, task, dataset, errors));
    RONDO_TRY(network_evaluate(task->network, dataset, task->experiment->schedule.batch, &scores, errors));
    if (evaluation->json) {
        return print_json(evaluation, task, &scores, &naive, errors);
    }
    print_text(stdout, evaluation->data->name);
    printf(": %lld examples", (long long)dataset->count);
    for (int32_t m = 0; m < network_metric_count(network); m++) {
        printf(", %s %.4f", network_metric_name(network, m), network_metric(network, &scores, m));
    }
    printf("\n");
    naive_scores_print(&naive, network);
    return show_tables(task, evaluation->hides_matrix, NULL, errors);
}

/* Draws what --plot asks for. */
static rondo_status show_plots(struct evaluation *evaluation, const struct task *task, struct errors *errors) {
    struct errors warnings = {0};
    struct plot_page *page = &evaluation->page;
    const struct chosen_data *data = evaluation->data;
    const struct plot_eval eval = {task, evaluation->record.folder, data->title, data->dataset, evaluation->example};
    if (page->flag.file == NULL) {
        printf("\n");
    }
    const rondo_status status = plot_eval_show(&eval, page, &warnings, errors);
    report_warnings(&warnings, evaluation->json);
    return status;
}

/* What was left out of the data that are evaluated. */
static void report_notes(const struct evaluation *evaluation, const struct task *task) {
    struct errors notes = {0};
    const struct chosen_data *data = evaluation->data;
    if (data->own != NULL) {
        task_data_notes(data->own, (struct location){.file = data->name}, &notes);
    } else { /* a part of the training file has the notes of that file */
        task_data_notes(data->dataset->n_notes > 0 ? data->dataset : task->data.whole,
                        task->experiment->data.train.where, &notes);
    }
    report_warnings(&notes, evaluation->json);
}

static rondo_status evaluate_task(struct evaluation *evaluation, struct task *task, struct errors *errors) {
    rondo_status status = chosen_data_open(evaluation->data, task, evaluation->record.folder, errors);
    if (status == RONDO_OK) {
        report_notes(evaluation, task);
        status = print_scores(evaluation, task, errors);
    }
    if (status == RONDO_OK && evaluation->page.flag.is_given) {
        status = show_plots(evaluation, task, errors);
    }
    chosen_data_close(evaluation->data);
    return status;
}

static rondo_status evaluate(struct evaluation *evaluation, struct session *session, struct errors *errors) {
    if (evaluation->page.flag.is_given) {
        RONDO_TRY(
            plot_eval_metrics(evaluation->record, evaluation->metrics, session, &evaluation->hides_matrix, errors));
    }
    struct task *task = open_run(&evaluation->record, session, evaluation->json, errors);
    if (task == NULL) {
        return errors->status;
    }
    metrics_want_tables(network_metrics(task->network));
    const rondo_status status = evaluate_task(evaluation, task, errors);
    task_destroy(task);
    return status;
}

static int run_eval(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct chosen_data data = {0};
    const char *metrics[ARGUMENT_LIST_MAX + 1] = {NULL};
    struct plot_flag plot = {0};
    int64_t example = 0;
    const struct flag flags[] = {
        FLAG_PART_OF(data, "part of the experiment's data: train, valid or test (default: test)"),
        FLAG_DATA_OF(data, "evaluate on"),
        {"metric", "NAME[:KEY=VALUE,…]", FLAG_LIST, metrics,
         "report this metric as well, with its options; may be repeated"},
        FLAG_PLOT_OF(plot),
        FLAG_EXAMPLE_OF(example),
        OPEN_RUN_FLAGS(common),
        COMMON_FLAG_JSON(common),
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    struct session *session = NULL;
    struct evaluation evaluation = {.record = open_run_settings(&common, arguments.words[0]),
                                    .data = &data,
                                    .metrics = metrics,
                                    .example = example,
                                    .json = common.json};
    if (data.part == NULL && !chosen_data_has_files(&data)) {
        data.part = "test";
    }
    evaluation.record.metrics = metrics;
    evaluation.record.which = chosen_data_which(&data, &errors);
    if (errors.count == 0 && plot_page_open(&evaluation.page, plot, example, common.json, &errors) == RONDO_OK) {
        session = session_from_flags(&common, &errors);
    }
    if (session != NULL) {
        evaluate(&evaluation, session, &errors);
    }
    plot_page_close(&evaluation.page);
    status = finish_command(&errors, common.json);
    session_destroy(session);
    return status;
}

const struct command command_eval = {
    "eval", "eval RUN [--on PART | --data FILE] [--metric NAME[:KEY=VALUE,…]]… [--plot [FILE.svg]]",
    "evaluate the weights of a run on labelled data",
    "Prints the loss, its metrics, those of the experiment and those of --metric, and then their tables. `rondo list\n"
    "metric` lists metrics with their options. Warns if data, cells or plug-ins have changed since the run\n"
    "was trained.\n\n"
    "--plot draws the confusion matrix of classes, or forecast and truth of numbers, and the curves of\n"
    "the training: as text of the width of the terminal, or to an SVG file.\n\n"
    "  rondo eval runs/food-sentiment --on test\n"
    "  rondo eval runs/food-sentiment --metric f1:average=micro --metric confusion_matrix\n"
    "  rondo eval runs/food-sentiment --plot food.svg\n",
    run_eval};
