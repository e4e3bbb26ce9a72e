/* train/run_record.h: what a training run leaves in its folder (store/run_folder.h), and a task restored from it.
 *
 *     experiment.yaml       resolved: every value written out, paths absolute; trains the same run again
 *     cells/NAME.yaml       the cells that it uses, so that the folder is self-contained
 *     reader.json           what the reader has learned: words and labels in the order of their ids, …
 *     weights.safetensors   the best weights so far
 *     weights.METRIC.safetensors   those by another metric of early stopping
 *     metrics.jsonl         one JSON object per line: after each validation (without one, after each epoch), and at the end.
 *                           The same training gives the same bytes
 *     timings.jsonl         for each line of metrics.jsonl, what was measured: {"step", "seconds", "memory_megabytes"}
 *     samples.jsonl         with generate.show: what the model writes after each interval
 *     tensorboard/          with schedule.tensorboard: an event file (store/event_file.h), with an event for each interval
 *     environment.json      versions, machine, seed, data files and plug-ins with their hashes
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_RUN_RECORD_H
#define RONDO_TRAIN_RUN_RECORD_H

#include "store/run_folder.h"
#include "train/task.h"
#include "train/trainer.h"

/* Creates the folder and writes everything that is known before training. `folder` as in run_folder_create. NULL with
 * errors; then everything that was created is removed. Close with run_folder_close. */
struct run_folder *run_record_create(const char *folder, const struct task *task, struct errors *errors);

/* Writes the present weights of the network, which are those after update `step`, in epoch `epochs` + 1, as the best so far. */
rondo_status run_record_weights(struct run_folder *run, const struct network *network, int64_t step, int64_t epochs,
                                struct errors *errors);
/* Writes the weights if they are the best so far, by any metric of early stopping, and then appends the line of the interval
 * (train/trainer.h) to metrics.jsonl, and its measured values to timings.jsonl. */
rondo_status run_record_interval(struct run_folder *run, const struct network *network,
                                 const struct trainer_progress *progress, struct errors *errors);
/* Appends a line to both logs: the training went back for the time number `rollbacks`, to the state after update `step`, and
 * its learning rate is multiplied by `lr_factor`. `seconds`: of training that were lost. */
rondo_status run_record_rollback(struct run_folder *run, int64_t rollbacks, int64_t step, double lr_factor,
                                 double seconds, struct errors *errors);
/* Appends the last line to both logs. `seconds`: duration of the training. */
rondo_status run_record_finish(struct run_folder *run, const struct trainer_result *result, double seconds,
                               struct errors *errors);

/* What run_record_open opens. */
struct run_record_settings {
    const char *folder;
    int which;                                       /* as in task_create */
    const char *const *assignments, *const *metrics; /* as in experiment_load_for_prediction; NULL: none */
    /* The metric of early stopping whose best weights are wanted, with or without "valid."; NULL: the first. */
    const char *best;
    struct location best_where; /* of `best`, for messages */
};
/* The task of a run, with its weights, for evaluation and prediction. NULL with errors. */
struct task *run_record_open(const struct run_record_settings *settings, struct session *session,
                             struct errors *errors);

/* The task of a run, to train on in it: its own experiment and cells, or those of the file `experiment` (NULL: its own), with
 * `assignments` (--set) on top, and the ids and the scaling that its reader learned. The training and validation data are
 * read; the parameters have no values. NULL with errors. */
struct task *run_record_reopen(const char *folder, const char *experiment, const char *const *assignments,
                               struct session *session, struct errors *errors);
/* Adds a text to `changes` for each key whose value is another one than in the experiment.yaml of the run, as
 * experiment_changes does. */
rondo_status run_record_key_changes(const char *folder, const struct task *task, struct errors *changes,
                                    struct errors *errors);
/* Writes experiment.yaml, the cells and environment.json again, each whole or not at all, after the run was reopened with
 * changes: so the folder describes what it is trained with from now on. What the reader has learned does not change. */
rondo_status run_record_rewrite(struct run_folder *run, const struct task *task, struct errors *errors);

/* Adds a text to `changes` for each data file of the parts `which` (enum task_part), cell and plug-in that has changed since
 * the run was trained. */
void run_record_changes(const char *folder, const struct task *task, int which, struct errors *changes);
/* The same for the engine and its passes, whose results differ by rounding. */
void run_record_engine_changes(const char *folder, const struct task *task, struct errors *changes);

/* Adds the metrics of `scores` to a JSON object: {"loss": …, "accuracy": …}. Not 0: out of memory. */
int run_record_scores(struct json_t *object, const struct network *network, const struct scores *scores);

#endif
