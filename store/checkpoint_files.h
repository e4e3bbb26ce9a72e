/* store/checkpoint_files.h: the names of the checkpoints of a run: checkpoints/step-000000001200.safetensors.
 *
 * Threads: any.
 */
#ifndef RONDO_STORE_CHECKPOINT_FILES_H
#define RONDO_STORE_CHECKPOINT_FILES_H

#include "core/status.h"

#define CHECKPOINT_FOLDER "checkpoints"

struct checkpoint_name {
    char text[64]; /* within the folder of the run */
};
struct checkpoint_name checkpoint_name(int64_t step);
/* The step of a file of this name within the folder of the run; -1: it is not that of a checkpoint. */
int64_t checkpoint_step(const char *name);

/* The steps of all checkpoints, the newest first. `folder` is the descriptor of the run's folder, `path` its name for
 * messages. None if there is no subfolder. *steps is from malloc; the caller frees it. */
rondo_status checkpoint_list(int folder, const char *path, int64_t **steps, int32_t *count, struct errors *errors);
/* Creates the subfolder if it is missing. */
rondo_status checkpoint_make_folder(int folder, const char *path, struct errors *errors);
/* Removes those of later steps than `step`, and all but the newest `keep` of the others and that of the step `but` (-1: none).
 * What cannot be removed stays. */
void checkpoint_remove_old(int folder, int64_t step, int32_t keep, int64_t but);

#endif
