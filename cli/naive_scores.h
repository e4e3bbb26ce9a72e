/* cli/naive_scores.h: the scores of forecasts without a model (data/naive.h), beside those of a network.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_NAIVE_SCORES_H
#define RONDO_CLI_NAIVE_SCORES_H

#include "train/task.h"

struct json_t;

/* The scores of all forecasts that the dataset has; none of data without dates. */
struct naive_scores {
    /* No metric of the experiment has a value for forecasts without a model, so that only their mean absolute error is known. */
    int has_only_mae;
    double mae[NAIVE_KINDS];
    int is_known[NAIVE_KINDS];
    struct scores scores[NAIVE_KINDS];
};

/* Measures them. Before network_evaluate, if the tables of metrics are wanted. */
rondo_status naive_scores_measure(struct naive_scores *naive, const struct task *task, const struct dataset *dataset,
                                  struct errors *errors);

/* A line on standard output for each: "  seasonal naive: mae 1202.5000, rmse …". */
void naive_scores_print(const struct naive_scores *naive, const struct network *network);
/* The member "baselines" of an object, {"naive": {"mae": 882.6, …}, "seasonal_naive": …, "drift": …}; none without a
 * forecast. 0: done. */
int naive_scores_json(const struct naive_scores *naive, const struct network *network, struct json_t *object);

#endif
