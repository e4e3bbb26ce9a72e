/* cli/plot_run.h: plots of a run: its curves, and the confusion matrix of an evaluation.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_PLOT_RUN_H
#define RONDO_CLI_PLOT_RUN_H

#include "cli/plot_page.h"
#include "train/metrics.h"
#include "train/task.h"

/* The metric whose table is the confusion matrix. */
#define PLOT_MATRIX_METRIC "confusion_matrix"

/* Adds a plot for each metric in the run's metrics.jsonl, of training and validation. Without the file there are none. A
 * line that cannot be read, as after a full disk, is left out with a warning. */
rondo_status plot_run_curves(struct plot_page *page, const char *folder, struct errors *warnings,
                             struct errors *errors);

/* Adds the confusion matrix of the table of PLOT_MATRIX_METRIC. */
void plot_run_matrix(struct plot_page *page, const struct task *task, const rondo_metric_table *table);

/* The name of class k of the targets, or its number if it has none; from the arena of the page. */
const char *plot_run_class(struct plot_page *page, const struct task *task, int64_t k);

#endif
