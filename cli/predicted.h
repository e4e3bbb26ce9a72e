/* cli/predicted.h: the predictions of a dataset, with the quantiles that a command shows beside them.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_PREDICTED_H
#define RONDO_CLI_PREDICTED_H

#include "train/task.h"

/* Predictions of examples, whose rows follow one another. Zeros are a valid, empty value. */
struct predicted {
    float *values;                    /* [rows, width] */
    struct network_interval interval; /* [rows, numbers] each; NULL: not computed */
    int64_t width, numbers;           /* network_prediction_size, and numbers of the target */
};

/* RONDO_INVALID with the reason unless the loss has intervals of this probability, in (0, 1). */
rondo_status predicted_check_interval(const struct task *task, double level, struct errors *errors);

/* Predicts all examples of a dataset, and computes the intervals of probability `level` (0: none), which must be valid. The
 * medians are computed as well if the predictions of the loss have another form than targets, such as several quantiles. */
rondo_status predicted_compute(struct predicted *predicted, const struct task *task, const struct dataset *dataset,
                               int64_t batch, double level, struct errors *errors);

/* The prediction of an example whose rows begin at `row`. Valid as long as `predicted`. */
struct reader_prediction predicted_example(const struct predicted *predicted, const struct task *task,
                                           const struct dataset *dataset, int64_t example, int64_t row);

void predicted_free(struct predicted *predicted);

#endif
