/* store/run_folder.h: the folder of one run: created once, never over another run, and removed again if the run ends
 * before it has weights. train/run_record.h decides what is written into it.
 *
 * Every file is written completely or not at all, except the logs, which grow by whole lines. The folder is held
 * open, and each write checks that its path still leads to it: a run whose folder was removed or moved fails with
 * RONDO_IO, and never writes into another folder of the same name.
 *
 * Threads: main thread.
 */
#ifndef RONDO_STORE_RUN_FOLDER_H
#define RONDO_STORE_RUN_FOLDER_H

#include "store/safetensors.h"

#define RUN_FOLDER_WEIGHTS    "weights.safetensors"
#define RUN_FOLDER_NO_WEIGHTS (-1)

struct run_folder;
struct json_t;

/* Files of JSON objects, one per line. The same training gives the same bytes of metrics; timings has what is measured. */
enum run_log { RUN_METRICS, RUN_TIMINGS }; /* metrics.jsonl, timings.jsonl */

/* Creates the folder and empty logs in it. `folder` NULL: runs/NAME in the working directory, or the first
 * of runs/NAME-2, runs/NAME-3, … that does not exist. A given folder that exists and is not empty is RONDO_INVALID.
 * NULL with errors; then nothing that it created remains, parent folders included. */
struct run_folder *run_folder_create(const char *folder, const char *name, struct errors *errors);
/* Frees `run` (may be NULL). If no weights were written, everything that was written is removed. */
void run_folder_close(struct run_folder *run);

const char *run_folder_path(const struct run_folder *run);
/* The update after which the weights in the folder were those of the model; RUN_FOLDER_NO_WEIGHTS: there are none yet. */
int64_t run_folder_weights(const struct run_folder *run);
/* RONDO_IO if the path no longer leads to the folder. */
rondo_status run_folder_check(struct run_folder *run, struct errors *errors);

rondo_status run_folder_subfolder(struct run_folder *run, const char *name, struct errors *errors);
/* `name` may be in a subfolder: "cells/gru.yaml". */
rondo_status run_folder_write(struct run_folder *run, const char *name, const void *bytes, size_t length,
                              struct errors *errors);
/* Appends a JSON object to a log as one line. */
rondo_status run_folder_append(struct run_folder *run, enum run_log log, const struct json_t *object,
                               struct errors *errors);
/* Writes weights to the file `name`, replacing earlier ones; run_folder_weights is about the file RUN_FOLDER_WEIGHTS, which
 * comes first. `step`: the number of updates so far; `epochs`: of whole epochs, which the file records. */
rondo_status run_folder_write_weights(struct run_folder *run, const char *name, int64_t step, int64_t epochs,
                                      const struct named_tensor *tensors, int32_t count, struct errors *errors);

#endif
