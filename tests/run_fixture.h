/* tests/run_fixture.h: a run in a folder of its own, and checkpoints that know their step.
 *
 * For tests that share a sandbox (tests/sandbox.h). Each test is a process, and its working directory is empty when it begins.
 * What should not fail ends the test.
 */
#ifndef RONDO_TESTS_RUN_FIXTURE_H
#define RONDO_TESTS_RUN_FIXTURE_H

#include "store/run_folder.h"

/* Of all functions here and of the test; freed at the end. */
extern struct errors run_errors, run_notes;

void run_setup(void);
void run_teardown(void);

/* A run with the file that makes its folder one. */
struct run_folder *run_start(const char *folder);
struct run_folder *run_reopen(const char *folder);
/* Appends {"key":value} to metrics.jsonl. */
rondo_status run_append(struct run_folder *run, const char *key, int64_t value);
/* Writes a checkpoint of 16 kB that contains its step. */
rondo_status run_checkpoint(struct run_folder *run, int64_t step, int32_t keep);
/* Asserts that the checkpoint that is read is that of `step`; RUN_FOLDER_NO_CHECKPOINT: that there is none. */
void assert_newest_checkpoint(struct run_folder *run, int64_t step);
/* The file of a checkpoint of the run in 'run'; valid until the next call. */
const char *checkpoint_path(int64_t step);

int open_descriptors(void);
int file_is_there(const char *name);
/* Creates an empty file. */
void file_touch(const char *name);
/* The whole file. */
const char *file_content(const char *name, size_t *size);
/* Changes a byte in the middle of a checkpoint. */
void file_damage(const char *file);
/* The number of files in a folder; of those with `part` in their names, if it is not NULL. */
int files_in(const char *folder, const char *part);

#endif
