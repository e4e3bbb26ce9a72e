/* cli/plot_eval.h: the plots of `rondo eval`.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_PLOT_EVAL_H
#define RONDO_CLI_PLOT_EVAL_H

#include "cli/plot_page.h"
#include "train/run_record.h"

/* Appends the metric whose table is the confusion matrix to `metrics`, if the predictions of the run are classes, and not
 * too many for a matrix. `is_own` becomes 1 if the experiment, or the command line, does not list it already. `metrics`
 * ends with NULL and has room for ARGUMENT_LIST_MAX of them. */
rondo_status plot_eval_metrics(struct run_record_settings record, const char **metrics, struct session *session,
                               int *is_own, struct errors *errors);

/* After an evaluation: adds the confusion matrix, or forecast and truth; and then the curves of the run. `example`: as in
 * cli/plot_predictions.h. */
struct plot_eval {
    const struct task *task;
    const char *folder, *what; /* the run, and the name of the data in titles */
    const struct dataset *dataset;
    int64_t example;
};
rondo_status plot_eval_show(const struct plot_eval *eval, struct plot_page *page, struct errors *warnings,
                            struct errors *errors);

#endif
