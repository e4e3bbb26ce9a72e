/* store/run_remove.h: removes the folder of a run, and nothing that is not Rondo's.
 *
 * Threads: any, on different folders.
 */
#ifndef RONDO_STORE_RUN_REMOVE_H
#define RONDO_STORE_RUN_REMOVE_H

#include "store/run_files.h"

/* RONDO_INVALID if the folder cannot be removed as it is: it is a link, or a process trains in it. RONDO_NOT_FOUND if it is not that of a
 * run. Changes nothing. */
rondo_status run_remove_check(const char *folder, struct errors *errors);

/* Removes Rondo's files (store/run_files.h) and then the folder, if it is empty. Nobody can train in it meanwhile. Links are not followed.
 * What is foreign stays, with the folder: *left gets it. Errors as above, and RONDO_IO if something cannot be removed; what remains is
 * then still the folder of a run. All in `arena`. */
rondo_status run_remove(const char *folder, struct run_file_list *left, struct arena *arena, struct errors *errors);

#endif
