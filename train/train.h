/* train/train.h: the training of an experiment, from initial weights to a finished run folder.
 *
 *     struct task *task = task_open("experiment.yaml", NULL, session, TASK_TRAIN | TASK_VALID, errors);
 *     struct train_result result;
 *     status = train_experiment(task, NULL, &observer, &result, errors);
 *
 * It prints nothing; an observer receives its progress. The session's interrupt ends it early.
 *
 * Threads: main thread; uses several inside. Observers are called on the main thread.
 */
#ifndef RONDO_TRAIN_TRAIN_H
#define RONDO_TRAIN_TRAIN_H

#include "train/task.h"
#include "train/trainer.h"

/* Called while an experiment trains. Each function may be NULL. Arguments are borrowed for the call. */
struct train_observer {
    /* Before the first update, once the run folder exists. */
    void (*begin)(void *arg, const struct task *task, const char *folder);
    /* After each update. */
    void (*update_end)(void *arg, const struct trainer_progress *progress);
    /* After each validation (without validation data, after each epoch), once the run folder has its line and, if they are
     * the best so far, the weights. */
    void (*interval_end)(void *arg, const struct trainer_progress *progress);
    void *arg;
};

struct train_result {
    struct trainer_result trainer;
    const char *folder; /* of the run; NULL: no folder remains. Lives as long as the task */
};

/* The settings of the training of a task, with its training data. */
struct trainer_settings train_settings(const struct task *task);

/* Initialises the parameters, creates the run folder (`folder` as in run_folder_create) and trains. Afterwards the network
 * and the folder have the weights of the best validation.
 *
 * If the training fails or is interrupted (RONDO_INTERRUPTED), the folder remains with the weights of the best
 * validation so far, and the errors say so. If it is interrupted before the end of the first one, it remains with the
 * weights of that moment. If there are no weights, the folder is removed. */
rondo_status train_experiment(struct task *task, const char *folder, const struct train_observer *observer,
                              struct train_result *result, struct errors *errors);

#endif
