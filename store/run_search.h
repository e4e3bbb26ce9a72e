/* store/run_search.h: the folders of runs below a folder.
 *
 * Links to folders are not followed below the named one, so no run is found twice. What is in the folder of a run is no other run.
 * Hidden folders (".git") are left out.
 *
 * Threads: any, on different objects.
 */
#ifndef RONDO_STORE_RUN_SEARCH_H
#define RONDO_STORE_RUN_SEARCH_H

#include "store/run_files.h"

/* Folders within folders that are searched: a run of a comparison's tuning is 6 below the working directory. */
#define RUN_SEARCH_DEPTH 8

struct run_search {
    /* A run was found: its path, a descriptor of its folder and what is in it. All are borrowed for the call. */
    rondo_status (*found)(void *arg, const char *path, int descriptor, const struct run_file_list *files,
                          struct errors *errors);
    /* 1: the subfolder `name` of a folder with these files is not searched. NULL: all are. */
    int (*skips)(void *arg, const struct run_file_list *files, const char *name);
    void *arg;
    struct arena *scratch; /* memory for the duration of a call; also for that of `found` */
};

/* Searches `folder`, which may be a run itself, in the order of names (run_compare_names). A subfolder that cannot be read is
 * reported in `notes`. RONDO_NOT_FOUND or RONDO_IO if `folder` itself cannot be. */
rondo_status run_search(const char *folder, const struct run_search *search, struct errors *notes,
                        struct errors *errors);

/* 1 if the list has this name. */
int run_search_has(const struct run_file_list *files, const char *name);

#endif
