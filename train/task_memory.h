/* train/task_memory.h: the memory that training a task takes, known before any of it is allocated.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_MEMORY_H
#define RONDO_TRAIN_TASK_MEMORY_H

#include "train/task.h"

/* In bytes. Without what the tape keeps of a batch, which depends on its lengths; nor the gradients of tables by rows
 * (model_parameter.by_rows), which depend on its symbols. */
struct task_memory {
    uint64_t parameters; /* counted twice: the trained ones, and a copy of the best so far */
    uint64_t gradients;  /* one of each parameter for every shard of a batch */
    uint64_t slots;      /* of the optimizer and its wrappers, of the parameters that are trained */
    uint64_t chosen;     /* slots whose shape the plug-in chooses, as if they had that of the parameter */
    int64_t n_shards;
};

/* Needs the training data. */
struct task_memory task_memory(const struct task *task);
/* RONDO_INVALID, at the place of the layers, if training takes more memory than the process can have
 * (core/memory_limit.h). Slots of a chosen shape do not count. Nothing is allocated. */
rondo_status task_check_memory(const struct task *task, struct errors *errors);

#endif
