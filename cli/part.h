/* cli/part.h: the value of --on: a part of the data of an experiment. Threads: main thread. */
#ifndef RONDO_CLI_PART_H
#define RONDO_CLI_PART_H

#include "train/task.h"

/* The bit of a part (enum task_part); 0 with an error for any other word. */
int part_find(const char *name, struct errors *errors);
/* What the task has read of a part; NULL: nothing. */
const struct dataset *part_dataset(const struct task *task, const char *name);
/* "the test data"; NULL for any other word. */
const char *part_title(const char *name);

#endif
