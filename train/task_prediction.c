/* train/task_prediction.c: what the predictions of a task mean: names of classes, and what its reader renders. */
#include "train/task.h"

static const struct stream *target_of(const struct task *task) {
    return dataset_find(task->data.shape, "target");
}

const char *task_class_name(const struct task *task, int64_t k) {
    const struct vocabulary *labels = target_of(task)->names;
    return labels == NULL || k >= vocabulary_size(labels) ? NULL : vocabulary_word(labels, (int32_t)k);
}

const struct vocabulary *task_labels(const struct task *task) {
    return network_predicts_classes(task->network) ? target_of(task)->names : NULL;
}

struct reader_prediction task_prediction(const struct task *task, const struct dataset *dataset, int64_t example,
                                         const float *values) {
    return (struct reader_prediction){.dataset = dataset,
                                      .example = example,
                                      .values = values,
                                      .steps = network_prediction_rows(task->network, dataset, example),
                                      .size = network_prediction_size(task->network),
                                      .by_step = task->plan.architecture.output_every_step,
                                      .is_class = network_predicts_classes(task->network),
                                      .is_list = target_of(task)->kind == STREAM_LIST &&
                                                 network_prediction_size(task->network) == target_of(task)->size + 1,
                                      .names = target_of(task)->names,
                                      .numbers = target_of(task)->size};
}
