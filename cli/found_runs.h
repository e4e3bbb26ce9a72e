/* cli/found_runs.h: the runs that an action of `rondo runs` is about.
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_FOUND_RUNS_H
#define RONDO_CLI_FOUND_RUNS_H

#include "store/seed_groups.h"

/* The last answer to which comparison has a run. */
struct found_runs_cache {
    const char *around; /* the folder in which the run was; NULL: there was none yet */
    const char *comparison;
};

/* What was found below some folders. The collection of a run is its comparison. */
struct found_runs {
    struct arena *arena;       /* of everything in it */
    struct arena *scratch;     /* for the duration of a call */
    struct run_summary *items; /* [count] by folder, after found_runs_filter */
    int32_t count, capacity;
    int32_t tunings; /* comparisons whose runs of tuning were left out */
    struct found_runs_cache last;
    int takes_trials; /* 1: these are found, too */
};

rondo_status found_runs_open(struct found_runs *list, struct errors *errors);
void found_runs_close(struct found_runs *list);

/* Finds the runs below the folders (NULL-terminated); without any, in runs/ and comparisons/ of the working directory, as far as they
 * exist. Sorted by folder, each once. `notes` as in run_search. */
rondo_status found_runs_find(struct found_runs *list, const char *const *folders, struct errors *notes,
                             struct errors *errors);
/* Keeps the runs that fulfil all conditions (--where, NULL-terminated). */
rondo_status found_runs_filter(struct found_runs *list, const char *const *texts, struct errors *errors);

/* The path of a folder without slashes at its end. From `arena`; NULL: out of memory. */
const char *found_runs_path(const char *folder, struct arena *arena);
/* 1 if the folder is that of a comparison. */
int found_runs_is_comparison(struct found_runs *list, const char *folder);
/* Reads one run; `files` (may be NULL) gets what is in its folder. RONDO_NOT_FOUND with an error that says what the folder is, if it is
 * not that of a run. */
rondo_status found_runs_read(struct found_runs *list, const char *folder, struct run_summary *run,
                             struct run_file_list *files, struct errors *errors);
/* Adds one run at the end. Errors as above. */
rondo_status found_runs_add(struct found_runs *list, const char *folder, struct errors *errors);

/* Prints to standard error that there is nothing, and where it was looked for. */
void found_runs_report_none(const char *const *folders);

#endif
