/* store/run_list.h: the runs of an experiment in the working directory: runs/NAME, runs/NAME-2, runs/NAME-3, …
 *
 * Threads: any.
 */
#ifndef RONDO_STORE_RUN_LIST_H
#define RONDO_STORE_RUN_LIST_H

#include "core/arena.h"

/* The folder that contains them. */
#define RUN_LIST_FOLDER "runs"

/* The folder of run `number` >= 1. From `arena`; NULL: out of memory. */
const char *run_list_path(const char *name, int number, struct arena *arena);

/* The last of the folders that exist, counted without a gap: the next run gets the number after it. From `arena`; NULL: there is
 * none, or out of memory. */
const char *run_list_newest(const char *name, struct arena *arena);

/* The step of the newest checkpoint in the folder of a run, which may be damaged; -1: there is none, or the folder cannot be
 * read. */
int64_t run_list_checkpoint(const char *folder);

#endif
