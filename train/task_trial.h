/* train/task_trial.h: the memory that training takes, predicted from the passes of a few parts of its largest batches.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_TASK_TRIAL_H
#define RONDO_TRAIN_TASK_TRIAL_H

#include "train/task_memory.h"

/* Predicts all parts. Those that follow from shapes are computed (task_memory_plan). The rest is measured: each part of the
 * largest batches of training and validation runs alone, one after the other, and then the optimizer once. So this takes
 * the memory of the parameters, their gradients and slots, and of one part of a batch; training takes that of all parts, which
 * is added up.
 *
 * Nothing is tried if the process cannot have what follows from shapes (core/memory_limit.h), nor if the system does not
 * report its memory: is_measured is then 0. If not even one part of a batch fits, its memory is computed from fewer examples.
 *
 * Ends the life of the task's test data, which training does not read. Changes the parameters of the network, which are to be initialised before a training. Errors as trainer_run. */
rondo_status task_trial_memory(struct task *task, struct task_memory *memory, struct errors *errors);

#endif
