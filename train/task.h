/* train/task.h: an experiment with its data and its network, ready to train, to evaluate or to predict.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_H
#define RONDO_TRAIN_TASK_H

#include "experiment/experiment.h"
#include "train/network.h"
#include "train/schedule.h"
#include "train/updater.h"

struct task {
    struct session *session;       /* borrowed */
    struct experiment *experiment; /* owned */
    struct text_reader reader;
    struct dataset *train, *valid, *test; /* NULL: not read, or not given */
    struct network *network;
    int32_t metric; /* of the network; early stopping observes it, and it selects the weights that are kept */
    int32_t more_metrics[STOPPING_MOST], n_more_metrics; /* early stopping observes these as well */
    struct updater_settings updater;                     /* unused for evaluation and prediction */
};

/* The data files that task_create reads. */
enum task_data { TASK_TRAIN = 1, TASK_VALID = 2, TASK_TEST = 4 };

/* Reads the data that `which` names (enum task_data, or-ed; what the experiment does not give is left out) and builds
 * the network; its parameters are zero. The vocabulary comes from the training data. With `words` and `labels`, those of
 * a run, the training data is read only if `which` names it. The task then owns experiment, words and labels. NULL with
 * errors: they still belong to the caller. */
struct task *task_create(struct experiment *experiment, struct session *session, int which, struct vocabulary *words,
                         struct vocabulary *labels, struct errors *errors);
/* The task of an experiment file, for training; `assignments` as in experiment_load. NULL with errors. */
struct task *task_open(const char *file, const char *const *assignments, struct session *session, int which,
                       struct errors *errors);
/* `task` may be NULL. */
void task_destroy(struct task *task);

/* The settings of the learning rate over a run; needs the training data. */
struct schedule_settings task_schedule(const struct task *task);

/* The name of class k of the targets; NULL: they are no classes, or have no names. Borrowed from the task. */
const char *task_class_name(const struct task *task, int64_t k);

/* Reads one more file with the task's reader, checked against its architecture. *dataset is NULL after a failure. */
rondo_status task_read(const struct task *task, const char *file, struct location where, struct dataset **dataset,
                       struct errors *errors);

#endif
