/* cli/open_run.h: what the commands that open a run share.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_OPEN_RUN_H
#define RONDO_CLI_OPEN_RUN_H

#include "cli/command.h"
#include "train/run_record.h"

/* Their flags, but for --json: an initialiser of several entries. */
#define OPEN_RUN_FLAGS(common)                                                                                         \
    {"best", "METRIC", FLAG_TEXT, &(common).best,                                                                      \
     "the weights that were best by this metric of schedule.early_stopping (default: the first)"},                     \
        COMMON_FLAG_PLUGIN(common), COMMON_FLAG_VERBOSE(common), COMMON_FLAG_THREADS(common),                          \
        COMMON_FLAG_ENGINE(common), COMMON_FLAG_PASSES(common)

/* The run in `folder`, with the weights of --best and without data. */
struct run_record_settings open_run_settings(const struct common_flags *common, const char *folder);
/* Opens it, and warns about data files, cells and plug-ins that have changed since it was trained. NULL with errors. */
struct task *open_run(const struct run_record_settings *settings, struct session *session, int json,
                      struct errors *errors);

#endif
