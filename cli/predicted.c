#include "cli/predicted.h"

#include <stdlib.h>

#include "core/memory.h"

rondo_status predicted_check_interval(const struct task *task, double level, struct errors *errors) {
    const struct heads *heads = network_heads(task->network);
    RONDO_TRY(heads_check_quantile(heads, (1 - level) / 2, errors));
    return heads_check_quantile(heads, (1 + level) / 2, errors);
}

/* 1 if the predictions do not have the form of targets and the loss gives medians, which do. */
static int needs_median(const struct predicted *predicted, const struct task *task) {
    const struct heads *heads = network_heads(task->network);
    struct errors ignored = {0};
    const int is_given = heads_have_quantiles(heads) && predicted->width != predicted->numbers &&
                         heads_check_quantile(heads, 0.5, &ignored) == RONDO_OK;
    errors_free(&ignored);
    return is_given;
}

rondo_status predicted_compute(struct predicted *predicted, const struct task *task, const struct dataset *dataset,
                               int64_t batch, double level, struct errors *errors) {
    struct network *network = task->network;
    *predicted = (struct predicted){.interval.level = level,
                                    .width = network_prediction_size(network),
                                    .numbers = network_heads(network)->target_size};
    int64_t rows = 0;
    for (int64_t i = 0; i < dataset->count; i++) {
        rows += network_prediction_rows(network, dataset, i);
    }
    const int is_wanted[] = {level > 0, level > 0, needs_median(predicted, task)};
    float **const quantiles[] = {&predicted->interval.lower, &predicted->interval.upper, &predicted->interval.middle};
    int has_memory = 1;
    for (int i = 0; i < 3; i++) {
        *quantiles[i] =
            is_wanted[i] ? memory_calloc((size_t)(rows * predicted->numbers) + 1, sizeof **quantiles[i]) : NULL;
        has_memory &= !is_wanted[i] || *quantiles[i] != NULL;
    }
    predicted->values = memory_calloc((size_t)(rows * predicted->width) + 1, sizeof *predicted->values);
    return predicted->values == NULL || !has_memory
               ? errors_no_memory(errors)
               : network_predict(network, dataset, batch, predicted->values, &predicted->interval, errors);
}

static const float *rows_from(const float *numbers, int64_t at) {
    return numbers == NULL ? NULL : numbers + at;
}

struct reader_prediction predicted_example(const struct predicted *predicted, const struct task *task,
                                           const struct dataset *dataset, int64_t example, int64_t row) {
    struct reader_prediction prediction =
        task_prediction(task, dataset, example, predicted->values + row * predicted->width);
    const int64_t at = row * predicted->numbers;
    prediction.interval = predicted->interval.level;
    prediction.lower = rows_from(predicted->interval.lower, at);
    prediction.upper = rows_from(predicted->interval.upper, at);
    prediction.middle = rows_from(predicted->interval.middle, at);
    return prediction;
}

void predicted_free(struct predicted *predicted) {
    free(predicted->values);
    free(predicted->interval.lower);
    free(predicted->interval.upper);
    free(predicted->interval.middle);
    *predicted = (struct predicted){0};
}
