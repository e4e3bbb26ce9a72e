/* train/run_identity.h: what a training was made from, in its checkpoints, and what differs when it is resumed.
 *
 * A run that is resumed must go on with the data, the cells, the plug-ins, the keys and the program that it began with:
 * otherwise its result is that of no experiment. Entries of the archive:
 *
 *     meta.format                       1, the version of these entries
 *     meta.rondo, meta.abi              of the program
 *     meta.dtype, meta.engine, meta.passes, meta.kernels
 *     meta.experiment                   resolved, as YAML
 *     meta.data, meta.cells, meta.plugins   JSON of store/provenance.h
 *     meta.learned                      the hash of what the reader and the scaling have learned
 *
 * Files are read for this once per task, when it is asked first.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_RUN_IDENTITY_H
#define RONDO_TRAIN_RUN_IDENTITY_H

#include "core/archive.h"
#include "train/task.h"

/* Reads the files of the task now, right after its data: they may be replaced later, and tasks that share its data must not record
 * what they did not read. */
rondo_status run_identity_take(const struct task *task, struct errors *errors);

/* Puts the entries of a task for training into the archive. */
rondo_status run_identity_save(const struct task *task, struct archive *archive, struct errors *errors);

/* Takes the entries of an archive, and adds a text to `differences` for each thing that differs in the task, which is about
 * to go on with that training. No difference: what experiment_changes (experiment/experiment_changes.h) lists, the kernels
 * of the processor, the number of threads, and files that are at another place with the same contents. RONDO_INVALID if
 * the entries are missing, damaged or of a later format. */
rondo_status run_identity_compare(const struct task *task, struct archive *archive, struct errors *differences,
                                  struct errors *errors);

/* The text of environment.json, from malloc; NULL with an error. `before`: that of the run until now, whose time of the start stays; NULL:
 * the run starts now. */
char *run_identity_environment(const struct task *task, const char *before, struct errors *errors);

/* Adds a text to `changes` for each data file of the parts `which` (enum task_part), cell and plug-in of the task that has
 * changed since environment.json, the file `environment`, was written. Plug-ins that only training needs are left out. */
void run_identity_changes(const char *environment, const struct task *task, int which, struct errors *changes);
/* The same for the engine and its passes. Runs that did not record them count as alike. */
void run_identity_engine_changes(const char *environment, const struct task *task, struct errors *changes);

#endif
