#include "cli/plot_eval.h"

#include <stdlib.h>
#include <string.h>

#include "cli/plot_predictions.h"
#include "cli/plot_run.h"
#include "cli/predicted.h"

/* ---- the confusion matrix ---- */

static int lists_matrix(const struct metrics_section *section) {
    for (int32_t i = 0; i < section->count; i++) {
        if (strcmp(section->entries[i].name, PLOT_MATRIX_METRIC) == 0) {
            return 1;
        }
    }
    return 0;
}

/* A metric is chosen before the network is made, so the run is opened without its data to see what it predicts. */
rondo_status plot_eval_metrics(struct run_record_settings record, const char **metrics, struct session *session,
                               int *is_own, struct errors *errors) {
    record.which = 0;
    record.metrics = metrics;
    struct task *task = run_record_open(&record, session, errors);
    *is_own = 0;
    if (task == NULL) {
        return errors->status;
    }
    const int64_t classes = dataset_find(task->data.shape, "target")->size;
    if (network_predicts_classes(task->network) && classes <= RONDO_MOST_SUMS / classes &&
        !lists_matrix(&task->experiment->metrics)) {
        int32_t count = 0;
        while (metrics[count] != NULL) {
            count++;
        }
        *is_own = count < ARGUMENT_LIST_MAX && task->experiment->metrics.count < METRICS_MOST;
        metrics[count] = *is_own ? PLOT_MATRIX_METRIC : NULL;
    }
    task_destroy(task);
    return RONDO_OK;
}

static rondo_status add_matrix(const struct plot_eval *eval, struct plot_page *page, struct errors *errors) {
    struct metric_table table = {0};
    rondo_status status = RONDO_OK;
    for (int32_t i = 0; status == RONDO_OK && (table.name == NULL || strcmp(table.name, PLOT_MATRIX_METRIC) != 0);
         i++) {
        status = metrics_table(network_metrics(eval->task->network), i, page->arena, &table, errors);
    }
    if (status == RONDO_OK) {
        plot_run_matrix(page, eval->task, &table.table);
    }
    return status == RONDO_NOT_FOUND ? RONDO_OK : status;
}

/* ---- forecast and truth ---- */

/* Renders one example, and adds it to the plots. */
static rondo_status add_example(const struct plot_eval *eval, struct plot_predictions *predictions,
                                const struct reader_prediction *prediction, struct errors *errors) {
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    struct fields fields;
    fields_open(&fields, arena);
    rondo_status status = reader_render(eval->task->data.reader, prediction, &fields, errors);
    if (status == RONDO_OK) {
        status = plot_predictions_add(predictions, prediction, &fields, errors);
    }
    fields_close(&fields);
    arena_destroy(arena);
    return status;
}

/* The probability of the intervals that are drawn; 0 if the loss has none. */
static double interval_of(const struct task *task) {
    const double level = 0.8;
    struct errors ignored = {0};
    const int is_given = predicted_check_interval(task, level, &ignored) == RONDO_OK;
    errors_free(&ignored);
    return is_given ? level : 0;
}

/* Predicts the whole dataset, since an example may continue the states of the one before. Of predictions by step only the
 * wanted example is rendered. */
static rondo_status add_examples(const struct plot_eval *eval, struct plot_predictions *predictions,
                                 const struct dataset *dataset, struct errors *errors) {
    enum { BATCH = 256 };
    const struct network *network = eval->task->network;
    /* the forecast of a series is that of the last step, whatever the architecture */
    const int by_step = eval->task->plan.architecture.output_every_step && dataset->timeline == NULL;
    const int64_t wanted = eval->example > 0 ? eval->example : dataset->count;
    struct predicted predicted = {0};
    rondo_status status = predicted_compute(&predicted, eval->task, dataset, BATCH, interval_of(eval->task), errors);
    int64_t row = 0;
    for (int64_t i = 0; status == RONDO_OK && i < dataset->count; i++) {
        if (by_step && i + 1 != wanted) {
            plot_predictions_skip(predictions);
        } else {
            const struct reader_prediction prediction = predicted_example(&predicted, eval->task, dataset, i, row);
            status = add_example(eval, predictions, &prediction, errors);
        }
        row += network_prediction_rows(network, dataset, i);
    }
    predicted_free(&predicted);
    return status;
}

static rondo_status add_forecasts(const struct plot_eval *eval, struct plot_predictions *predictions,
                                  struct plot_page *page, struct errors *errors) {
    RONDO_TRY(add_examples(eval, predictions, eval->dataset, errors));
    return plot_predictions_show(predictions, page, eval->what, errors);
}

static rondo_status show(const struct plot_eval *eval, struct plot_predictions *predictions, struct plot_page *page,
                         struct errors *warnings, struct errors *errors) {
    const struct stream *target = dataset_find(eval->dataset, "target");
    if (eval->example > 0 && (target == NULL || target->kind != STREAM_REAL)) {
        return plot_predictions_refuse_example(errors);
    }
    if (network_predicts_classes(eval->task->network)) {
        RONDO_TRY(add_matrix(eval, page, errors));
    } else if (target != NULL && target->kind == STREAM_REAL) {
        RONDO_TRY(add_forecasts(eval, predictions, page, errors));
    }
    RONDO_TRY(plot_run_curves(page, eval->folder, warnings, errors));
    return plot_page_show(page, eval->folder,
                          "the predictions are neither numbers nor at most 1024 classes, and the run has no curves",
                          errors);
}

rondo_status plot_eval_show(const struct plot_eval *eval, struct plot_page *page, struct errors *warnings,
                            struct errors *errors) {
    struct plot_predictions *predictions = plot_predictions_create(eval->example);
    const rondo_status status =
        predictions == NULL ? errors_no_memory(errors) : show(eval, predictions, page, warnings, errors);
    plot_predictions_destroy(predictions);
    return status;
}
