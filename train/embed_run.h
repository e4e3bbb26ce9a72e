/* train/embed_run.h: an opened run of the embedding API (rondo/rondo.h), for its parts.
 *
 * Threads: as the run.
 */
#ifndef RONDO_TRAIN_EMBED_RUN_H
#define RONDO_TRAIN_EMBED_RUN_H

#include "rondo/rondo.h"
#include "train/task.h"

struct task *embed_run_task(const rondo_run *run);

#endif
