/* train/task_model.h: the settings of the model of a task, from the section `model` of its experiment and the streams of its data.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_MODEL_H
#define RONDO_TRAIN_TASK_MODEL_H

#include "train/task.h"

struct task_model {
    struct model_settings settings;                   /* it points to the others, and to the experiment */
    struct model_input inputs[BATCH_MOST_INPUTS + 1]; /* the last: the source, if there is an encoder */
    struct cell_layer_settings *layers;               /* those of the encoder first */
    const struct block_layer_settings **blocks;
};

/* RONDO_INVALID, at its place, for what the streams do not fit: an encoder without the stream "source" and the other way around, a
 * model that reads nothing, settings of embeddings that no stream uses, a tied head without an input of the same symbols. Free
 * with task_model_free in any case. */
rondo_status task_model_make(const struct task *task, struct task_model *model, struct errors *errors);
void task_model_free(struct task_model *model);

#endif
