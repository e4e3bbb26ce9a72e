/* store/run_folder.h: the folder of one run: created once, never over another run, and removed again if the run ends
 * before it has weights or a checkpoint. train/run_record.h decides what is written into it.
 *
 * Every file is written completely or not at all, except the logs, which grow by whole lines. The folder is held open, and
 * each write checks that its path still leads to it: a run whose folder was removed or moved fails with RONDO_IO, and never
 * writes into another folder of the same name.
 *
 * Lock: whoever trains in the folder holds a lock on metrics.jsonl (flock), which ends with the process, however it ends.
 * On NFS the lock holds between the machines, too. A file system without locks gives no protection.
 *
 * Checkpoints are the files checkpoints/step-N.safetensors, where N, of 12 digits or more, is the number of updates
 * (store/archive_file.h). A new one never replaces one that is good: it is written under a name of its own, and only then
 * the oldest are removed.
 *
 * Threads: main thread, except run_folder_write_checkpoint, which any thread may call, one at a time, while the main thread
 * calls any function but run_folder_close, run_folder_cut, run_folder_protect and those that read checkpoints: it takes no memory from the run
 * and changes nothing in it but the number that run_folder_checkpoint returns, which is atomic.
 */
#ifndef RONDO_STORE_RUN_FOLDER_H
#define RONDO_STORE_RUN_FOLDER_H

#include "core/archive.h"
#include "store/safetensors.h"

#define RUN_FOLDER_WEIGHTS       "weights.safetensors"
#define RUN_FOLDER_NO_WEIGHTS    (-1)
#define RUN_FOLDER_NO_CHECKPOINT (-1)

struct run_folder;
struct json_t;

/* Files that grow by lines: metrics.jsonl is the same for the same training, timings.jsonl has what is measured. samples.jsonl has
 * what the model has written after each validation; only runs that want it have it (run_folder_make_samples). */
enum run_log { RUN_METRICS, RUN_TIMINGS, RUN_SAMPLES, RUN_LOG_COUNT };

/* Creates the folder and empty logs in it, and locks it. `folder` NULL: runs/NAME in the working directory, or the first
 * of runs/NAME-2, runs/NAME-3, … that does not exist. A given folder that exists and is not empty is RONDO_INVALID, unless all
 * that it has was left by a start that was killed (store/killed_start.h), which is removed.
 * NULL with errors; then nothing that it created remains, parent folders included. */
struct run_folder *run_folder_create(const char *folder, const char *name, struct errors *errors);
/* Opens the folder of an existing run, to train on in it: locks it, removes the temporary files of killed processes, and
 * opens the logs. A log that is missing is not created before run_folder_make_logs; without metrics.jsonl, there is no lock
 * until then. A folder with checkpoints is one of a run without experiment.yaml, too. NULL with an error: RONDO_NOT_FOUND if it
 * is not the folder of a run, RONDO_INVALID if another process trains in it. Nothing in it is removed when it is closed. */
struct run_folder *run_folder_open(const char *folder, struct errors *errors);
/* Frees `run` (may be NULL). If it was created and has neither weights nor a checkpoint, everything that was written is
 * removed, unless run_folder_keep was called. */
void run_folder_close(struct run_folder *run);
/* The folder remains even if it has neither weights nor a checkpoint: the run was interrupted. */
void run_folder_keep(struct run_folder *run);
/* Creates and locks what was missing when the folder was opened. RONDO_INVALID if another process has done so meanwhile. */
rondo_status run_folder_make_logs(struct run_folder *run, struct errors *errors);
/* Creates samples.jsonl, unless it is open already; before a checkpoint is written for the first time. */
rondo_status run_folder_make_samples(struct run_folder *run, struct errors *errors);
/* 1: a run can begin in it: it does not exist, is empty, or has only what a run left that was killed as it started. */
int run_folder_is_free(const char *folder);
/* 1: the folder remains when it is closed. */
int run_folder_is_kept(const struct run_folder *run);
/* 1: the folder of a run whose metrics.jsonl does not end with the line "finished", and no process trains in it now. */
int run_folder_is_unfinished(const char *folder);

/* 1: another process trains in the folder now. */
int run_folder_is_in_use(const char *folder);

/* 1: the metrics.jsonl of a folder ends with the line "finished". Reads only its end. */
int run_folder_has_ended(const char *folder);
/* The same of an open run. */
int run_folder_is_finished(const struct run_folder *run);

const char *run_folder_path(const struct run_folder *run);
/* The update after which the weights in the folder were those of the model; RUN_FOLDER_NO_WEIGHTS: there are none yet. For an
 * opened run it is unknown, so there are none until they are written again. */
int64_t run_folder_weights(const struct run_folder *run);
/* 1 if the folder has something of this name. */
int run_folder_has(const struct run_folder *run, const char *name);
/* RONDO_IO if the path no longer leads to the folder. */
rondo_status run_folder_check(struct run_folder *run, struct errors *errors);

rondo_status run_folder_subfolder(struct run_folder *run, const char *name, struct errors *errors);
/* `name` may be in a subfolder: "cells/gru.yaml". */
rondo_status run_folder_write(struct run_folder *run, const char *name, const void *bytes, size_t length,
                              struct errors *errors);
/* Writes weights to the file `name`, replacing earlier ones; run_folder_weights is about the file RUN_FOLDER_WEIGHTS, which
 * comes first. `step`: the number of updates so far; `epochs`: of whole epochs, which the file records. */
rondo_status run_folder_write_weights(struct run_folder *run, const char *name, int64_t step, int64_t epochs,
                                      const struct named_tensor *tensors, int32_t count, struct errors *errors);

/* Appends a JSON object to a log as one line. RONDO_IO if the log was removed, replaced, or changed by another program. */
rondo_status run_folder_append(struct run_folder *run, enum run_log log, const struct json_t *object,
                               struct errors *errors);
/* RONDO_IO if a log is not as this process has left it: removed, replaced, shorter or longer. */
rondo_status run_folder_check_logs(struct run_folder *run, struct errors *errors);
/* The step of the last line of metrics.jsonl that is one of an interval; -1: there is none. */
rondo_status run_folder_last_interval(const struct run_folder *run, int64_t *step, struct errors *errors);
/* Bytes of a log, as this process has left it; 0 if it is missing. */
int64_t run_folder_length(const struct run_folder *run, enum run_log log);
/* Adds a text to `differences` if the log does not have the lines that were in its first `length` bytes: it is missing or
 * shorter, or no line ends there. */
void run_folder_compare_log(const struct run_folder *run, enum run_log log, int64_t length, struct errors *differences);
/* The number of whole lines of a log. */
int64_t run_folder_count_lines(const struct run_folder *run, enum run_log log);
/* Removes all lines after the first `length` bytes. If none ends there, also the one that goes beyond. */
rondo_status run_folder_cut(struct run_folder *run, enum run_log log, int64_t length, struct errors *errors);

/* Writes the archive as the checkpoint after update `step` >= 0. Syncs the logs first: no checkpoint knows more lines than the
 * disk has. Then removes all older ones but the newest, so that `keep` >= 1 remain, and those of a later update, which are
 * damaged or from before the run went back to an earlier checkpoint. */
rondo_status run_folder_write_checkpoint(struct run_folder *run, const struct archive *archive, int64_t step,
                                         int32_t keep, struct errors *errors);
/* Reads the newest checkpoint that is not damaged; `notes` gets a text for each newer one that was passed over. RONDO_OK with
 * *archive NULL: there is none. RONDO_INVALID: all are damaged, or the newest is of another version, which is never passed
 * over. Destroy *archive with archive_destroy. */
rondo_status run_folder_read_checkpoint(struct run_folder *run, struct archive **archive, int64_t *step,
                                        struct errors *notes, struct errors *errors);
/* Reads the checkpoint of this step. Destroy *archive with archive_destroy. */
rondo_status run_folder_read_checkpoint_of(struct run_folder *run, int64_t step, struct archive **archive,
                                           struct errors *errors);
/* Removes the checkpoints of later steps than `step`; RUN_FOLDER_NO_CHECKPOINT: all. The run goes on from there. */
void run_folder_forget_checkpoints(struct run_folder *run, int64_t step);
/* The checkpoint of this step is not removed when later ones are written; RUN_FOLDER_NO_CHECKPOINT: there is no such one, as at
 * first. Not while one is being written. */
void run_folder_protect(struct run_folder *run, int64_t step);
/* Removes checkpoints as if that of update `step` had just been written: a process that was killed may have left one too many. */
void run_folder_limit_checkpoints(struct run_folder *run, int64_t step, int32_t keep);
/* 1 if there are checkpoints, and the disk has no room for another one: its bytes, and those that are free. */
int run_folder_is_full(const struct run_folder *run, int64_t *checkpoint, int64_t *free);
/* The step of the last checkpoint that was written or read; RUN_FOLDER_NO_CHECKPOINT: none. Any thread. */
int64_t run_folder_checkpoint(const struct run_folder *run);

#endif
