/* store/run_folder.h: the folder that a run leaves behind.
 *
 *     experiment.yaml       resolved: every value written out, paths absolute; trains the same run again
 *     cells/NAME.yaml       the cells that it uses, so that the folder is complete in itself
 *     vocabulary.json       words and labels, in the order of their numbers
 *     weights.safetensors   the best weights so far
 *     metrics.jsonl         one JSON object a line: after each epoch, and for the end
 *     environment.json      versions, machine, seed, plug-ins with the hashes of their files
 *
 * Every file but metrics.jsonl is written whole or not at all; metrics.jsonl grows by whole lines.
 * Threads: main thread.
 */
#ifndef RONDO_STORE_RUN_FOLDER_H
#define RONDO_STORE_RUN_FOLDER_H

#include "train/task.h"
#include "train/trainer.h"

struct run_folder;

/* Makes the folder and writes what is known before training. `folder` NULL: runs/NAME below the working directory, or
 * runs/NAME-2, -3, … where it exists. A given folder that exists and is not empty is RONDO_INVALID. NULL with errors,
 * and with nothing left behind. */
struct run_folder *run_folder_create(const char *folder, const struct task *task, struct errors *errors);
/* A run that came to no weights is no run: what it has written is removed. */
void run_folder_close(struct run_folder *run);
const char *run_folder_path(const struct run_folder *run);
/* The epoch whose weights are in the folder; 0: none are. */
int64_t run_folder_weights(const struct run_folder *run);

/* Appends the line of an epoch to metrics.jsonl, and writes the weights where they are the best. */
rondo_status run_folder_epoch(struct run_folder *run, const struct trainer_progress *progress, struct errors *errors);
/* Appends the last line. */
rondo_status run_folder_finish(struct run_folder *run, const struct trainer_result *result, double seconds,
                               struct errors *errors);

/* The task of a run, with its weights: for evaluation and prediction. `which` as in task_create. `assignments` as in
 * experiment_load. NULL with errors. */
struct task *run_folder_open(const char *folder, const char *const *assignments, struct session *session, int which,
                             struct errors *errors);

/* Adds the metrics of `scores` to a JSON object: {"loss": …, "accuracy": …}. */
struct json_t;
int run_folder_scores(struct json_t *object, const struct network *network, const struct scores *scores);

#endif
