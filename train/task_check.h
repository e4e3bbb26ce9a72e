/* train/task_check.h: whether the data of a task fits its architecture and its loss.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_CHECK_H
#define RONDO_TRAIN_TASK_CHECK_H

#include "train/task.h"

/* RONDO_INVALID, at its place, for targets that the loss cannot have scaled, that the architecture has no steps for, or that
 * model.feedback would show too early. */
rondo_status task_check_data(const struct task *task, struct errors *errors);

/* RONDO_INVALID, at its place, for `generate` if the model of the task, which is to be trained, cannot write as it says. `reads_valid`: the
 * task has its validation data, if there are any. */
rondo_status task_check_generation(const struct task *task, int reads_valid, struct errors *errors);

/* Reads the files of the test part, which the task does not keep, and checks them as those of training. Nothing if the experiment
 * gives no such files. */
rondo_status task_check_test(const struct task *task, struct errors *errors);

#endif
