/* store/run_folder_parts.h: a run's folder from inside, for run_folder.c and run_checkpoint.c.
 *
 * Threads: as store/run_folder.h says.
 */
#ifndef RONDO_STORE_RUN_FOLDER_PARTS_H
#define RONDO_STORE_RUN_FOLDER_PARTS_H

#include <stdatomic.h>

#include "store/run_folder.h"

/* A file that was written to the folder, so that it can be removed again. */
struct written_file {
    const char *name;
    struct written_file *previous;
};

struct run_log_file {
    int descriptor;   /* -1: not open */
    const char *path; /* as messages name it */
};

struct run_folder {
    struct arena *arena;
    const char *path;     /* as messages name it; NULL: not made yet */
    const char *absolute; /* the same path, independent of the working directory */
    int descriptor;       /* of the folder; -1: not open */
    int is_temporary;     /* it was created by this run, and is removed again if nothing was trained */
    int32_t made; /* number of folders that were created: this one and those above it; 0: it existed, and was empty */
    struct run_log_file logs[RUN_LOG_COUNT];
    int64_t weights;              /* the update whose weights are written */
    struct written_file *written; /* in reverse order */
    int64_t protected_step;       /* of the checkpoint that is not removed; -1: none */
    _Atomic int64_t
        checkpoint; /* all else that a thread that writes checkpoints reads stays as it is after the start */
};

/* A file of the folder as messages name it; NULL: out of memory. Main thread. */
const char *run_folder_file(const struct run_folder *run, const char *name);

#endif
