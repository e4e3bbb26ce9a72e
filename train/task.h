/* train/task.h: an experiment with its data and its network, ready to train, to evaluate or to predict.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_H
#define RONDO_TRAIN_TASK_H

#include "experiment/experiment.h"
#include "train/network.h"
#include "train/schedule.h"
#include "train/task_data.h"
#include "train/updater.h"

struct task {
    struct session *session;       /* borrowed */
    struct experiment *experiment; /* owned */
    struct batch_plan plan;
    struct task_data data;
    struct provenance
        *provenance; /* of the training data, cells and plug-ins; train/run_identity.h fills it when it is asked */
    const struct task *donor; /* the task whose data it uses; NULL: its own */
    struct network *network;
    int32_t metric; /* of the network; early stopping observes it, and it selects the weights that are kept */
    int32_t more_metrics[STOPPING_MOST], n_more_metrics; /* early stopping observes these as well */
    struct updater_settings updater;                     /* unused for evaluation and prediction */
    int64_t updates_per_epoch;                           /* >= 1 */
    int64_t largest_batch;                               /* examples of the largest batch of training, >= 1 */
};

/* Reads the data that `which` names (enum task_part, or-ed; what the experiment does not give is left out) and builds the
 * network; its parameters have no values. The reader learns from the training data, or, with `learned`, the contents of a
 * run's `file`, takes what it learned in that run. The task then owns the experiment. NULL with errors: the experiment
 * still belongs to the caller. */
struct task *task_create(struct experiment *experiment, struct session *session, int which,
                         const struct json_t *learned, const char *file, struct errors *errors);
/* The same for training and validation. If the experiment would read the same data as `donor` (NULL: none) has read, with the
 * same result, the task uses those data, and `donor` must outlive it. */
struct task *task_create_sharing(struct experiment *experiment, struct session *session, const struct task *donor,
                                 struct errors *errors);
/* The task of an experiment file, for training; `assignments` as in experiment_load. NULL with errors. */
struct task *task_open(const char *file, const char *const *assignments, struct session *session, int which,
                       struct errors *errors);
/* `task` may be NULL. */
void task_destroy(struct task *task);

/* The settings of the learning rate over a run; needs the training data. */
struct schedule_settings task_schedule(const struct task *task);

/* The name of class k of the targets; NULL: they are not classes, or have no names. Borrowed from the task. */
const char *task_class_name(const struct task *task, int64_t k);

/* What a reader renders: the prediction of an example of a dataset; `values` has its rows, which are borrowed. */
struct reader_prediction task_prediction(const struct task *task, const struct dataset *dataset, int64_t example,
                                         const float *values);

/* The names of the classes that predictions have probabilities of; NULL: predictions are numbers, or classes have no names. */
const struct vocabulary *task_labels(const struct task *task);

#endif
