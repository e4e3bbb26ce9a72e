/* train/task_trial.h: the memory that training takes, measured.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_TASK_TRIAL_H
#define RONDO_TRAIN_TASK_TRIAL_H

#include "train/task.h"

/* The largest memory of the process in a training of the task, in bytes: from updates with the largest batches of the
 * first epoch, and the validation of the largest batches of the validation data. Plans, products, plug-ins and allocators decide how much
 * memory a batch takes, so a formula would be wrong for some.
 *
 * If a small part of the batch shows that the whole one would take more memory than the process can have, the result is
 * computed from that part. 0: the system does not report its memory.
 *
 * Ends the life of the task's test data, which training does not read, and changes the parameters of the network. Errors as
 * trainer_run. */
rondo_status task_trial_memory(struct task *task, uint64_t *bytes, struct errors *errors);

#endif
