/* train/train.h: the training of an experiment, from initial weights to a finished run folder.
 *
 *     struct task *task = task_open("experiment.yaml", NULL, session, TASK_TRAIN | TASK_VALID, errors);
 *     struct train_result result;
 *     status = train_experiment(task, NULL, &observer, &result, errors);
 *
 * It prints nothing; an observer receives its progress. The session's interrupt ends it early; train_resume goes on.
 *
 * Threads: main thread; uses several inside. Observers are called on the main thread.
 */
#ifndef RONDO_TRAIN_TRAIN_H
#define RONDO_TRAIN_TRAIN_H

#include "train/task.h"
#include "train/trainer.h"

/* What a model has written for an example of the validation data. */
struct train_sample {
    const char *prompt, *reference; /* its source or input, and its target; NULL: it has none, or they are no texts */
    const char *output;             /* NULL: numbers */
};

/* Called while an experiment trains. Each function may be NULL. Arguments are borrowed for the call. */
struct train_observer {
    /* Before the first update, once the run folder exists. */
    void (*begin)(void *arg, const struct task *task, const char *folder);
    /* After each update. */
    void (*update_end)(void *arg, const struct trainer_progress *progress);
    /* After each validation (without validation data, after each epoch), once the run folder has its line and, if they are
     * the best so far, the weights. */
    void (*interval_end)(void *arg, const struct trainer_progress *progress);
    /* After interval_end, with generate.show: what the model writes now. */
    void (*samples)(void *arg, const struct train_sample *samples, int64_t count);
    /* After the training went back to the state after update `step` (0: the initial weights), for the time number `rollbacks`. The
     * learning rate is now multiplied by `lr_factor`. */
    void (*rollback)(void *arg, int64_t rollbacks, int64_t step, double lr_factor, const char *reason);
    void *arg;
};

struct train_result {
    struct trainer_result trainer;
    const char *folder; /* of the run; NULL: no folder remains. Lives as long as the task */
    int can_resume;     /* 1: after a failure, train_resume can go on from the folder */
};

/* The settings of the training of a task, with its training data. */
struct trainer_settings train_settings(const struct task *task);

/* Creates the run folder (`folder` as in run_folder_create), initialises the parameters and trains. Afterwards the network
 * and the folder have the weights of the best validation. Meanwhile, checkpoints are written to the folder, as
 * schedule.checkpoint says.
 *
 * With schedule.on_nonfinite: rollback, a value that is not finite takes the training back to the newest regular checkpoint:
 * one that follows a validation, or is due by steps or epochs. These depend on the training only and not on time, so that a
 * run that was killed and resumed goes back to the same one. If there is none yet, it goes back to the initial weights.
 *
 * If the training is interrupted (RONDO_INTERRUPTED), the folder remains, with a checkpoint of that moment. If it fails, the
 * folder remains with the last checkpoint; the errors say where the training can go on, and which weights there are. If there
 * is neither a checkpoint nor weights, the folder is removed. If it was interrupted before the end of the first validation,
 * its weights are those of that moment. */
rondo_status train_experiment(struct task *task, const char *folder, const struct train_observer *observer,
                              struct train_result *result, struct errors *errors);

struct resume;
/* Goes on from a checkpoint (train/resume.h), or from the beginning if the run has none yet. The rest is as above. The run ends
 * with the same files, byte for byte, as if it had not been interrupted, except timings.jsonl. */
rondo_status train_resume(struct resume *resume, const struct train_observer *observer, struct train_result *result,
                          struct errors *errors);

#endif
