/* train/task_rows.h: which rows of embeddings the updates of a task process.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_ROWS_H
#define RONDO_TRAIN_TASK_ROWS_H

#include "train/task.h"

/* RONDO_INVALID, at its place, if `lazy` of an embedding has no effect or cannot have one. Needs task->updater. */
rondo_status task_check_lazy(const struct task *task, struct errors *errors);
/* The first stage of the optimizer that processes all rows of a table in every update; NULL: none does, or parameter
 * `p` is frozen or not a table by rows. */
const rondo_optimizer *task_whole_stage(const struct task *task, int32_t p);
/* 1 if `lazy` would make the stage process only the rows that occur. */
int task_lazy_helps(const rondo_optimizer *stage);

#endif
