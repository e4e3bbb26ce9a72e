/* train/checkpoint_writer.h: writes checkpoints to a run folder while the training goes on.
 *
 *     struct archive *archive = checkpoint_writer_archive(writer, errors);    waits for the write before
 *     trainer_save(training, archive);                                        copies
 *     checkpoint_writer_begin(writer, step, errors);                          writes on a thread of its own
 *
 * Threads: main thread; one more writes.
 */
#ifndef RONDO_TRAIN_CHECKPOINT_WRITER_H
#define RONDO_TRAIN_CHECKPOINT_WRITER_H

#include "core/archive.h"
#include "store/run_folder.h"

struct checkpoint_writer;

/* `keep`: of the newest checkpoints, >= 1. The folder must outlive the writer. NULL with errors. */
struct checkpoint_writer *checkpoint_writer_create(struct run_folder *run, int32_t keep, struct errors *errors);
/* Waits for the write that is going on, if any. `writer` may be NULL. */
void checkpoint_writer_destroy(struct checkpoint_writer *writer);

/* 1 while a checkpoint is being written. */
int checkpoint_writer_is_busy(const struct checkpoint_writer *writer);
/* Waits for the end of the write that is going on. Its failure is reported once, here or by the next of these functions. */
rondo_status checkpoint_writer_wait(struct checkpoint_writer *writer, struct errors *errors);
/* An empty archive for the next checkpoint, owned by the writer. Waits as above; NULL with the errors of the last write. */
struct archive *checkpoint_writer_archive(struct checkpoint_writer *writer, struct errors *errors);
/* Begins to write that archive as the checkpoint after update number `step`. Without a thread, it is written at once. */
rondo_status checkpoint_writer_begin(struct checkpoint_writer *writer, int64_t step, struct errors *errors);

#endif
