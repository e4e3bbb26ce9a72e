/* store/run_folder_parts.h: a run's folder from inside, for run_folder.c, run_log.c, run_checkpoint.c and run_place.c.
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
    int64_t length;   /* bytes, as far as this process knows: the last that it found, wrote or left */
    const char *path; /* as messages name it */
};

struct run_folder {
    struct arena *arena;
    const char *path;     /* as messages name it; NULL: not made yet */
    const char *absolute; /* the same path, independent of the working directory */
    int descriptor;       /* of the folder; -1: not open */
    int is_temporary;     /* it was created by this run, and is removed again if nothing was trained */
    int32_t made; /* number of folders that were created: this one and those above it; 0: it existed, and was empty */
    int is_taken_over; /* 1: a killed start had left something in it */
    struct run_log_file logs[RUN_LOG_COUNT];
    int64_t weights;              /* the update whose weights are written */
    struct written_file *written; /* in reverse order */
    int64_t protected_step;       /* of the checkpoint that is not removed; -1: none */
    _Atomic int64_t
        checkpoint; /* all else that a thread that writes checkpoints reads stays as it is after the start */
};

/* A file of the folder as messages name it; NULL: out of memory. Main thread. */
const char *run_folder_file(const struct run_folder *run, const char *name);
/* 1 if the path leads to the folder of this run; 0, with a value of errno, if it does not. */
int run_folder_is_in_place(const struct run_folder *run);
/* Remembers a name in the folder, to be removed if the run ends without weights. */
rondo_status run_folder_remember(struct run_folder *run, const char *name, struct errors *errors);

const char *run_log_name(enum run_log log);
/* Creates the logs and locks the first, which must not exist yet: of two processes that start in the same empty folder only one
 * may go on. With is_taken_over, those that are there are used. RONDO_INVALID if another process has the lock. */
rondo_status run_logs_create(struct run_folder *run, struct errors *errors);
/* Opens the logs that there are, locks the first, and removes the temporary files of killed processes. */
rondo_status run_logs_open(struct run_folder *run, struct errors *errors);

#endif
