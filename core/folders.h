/* core/folders.h: the folders that plug-ins are looked for in, and what lies there.
 *
 * A folder F has a plug-in as F/GROUP/NAME.so; GROUP is "optimizers", "losses" or "ops".
 * Threads: any; memory comes from the caller's arena.
 */
#ifndef RONDO_CORE_FOLDERS_H
#define RONDO_CORE_FOLDERS_H

#include "core/arena.h"

/* Folders in the order of search. */
struct folders {
    const char **items;
    size_t count;
    const char *text; /* all of them with colons between, for messages */
};

/* Splits `paths` at its colons; NULL is empty. Entries that are empty or relative are left out: they would depend on
 * the working directory. RONDO_NO_MEMORY without an error text. */
rondo_status folders_parse(struct folders *folders, const char *paths, struct arena *arena);

/* "F/optimizers/adam.so"; NULL where memory is short. */
const char *folder_file(const char *folder, const char *group, const char *name, struct arena *arena);

/* The names of the plug-ins in one group, sorted. */
struct names {
    const char **items;
    size_t count, capacity;
};

/* A folder that is missing or cannot be read has none. RONDO_NO_MEMORY without an error text; then `names` has those
 * that there was memory for. */
rondo_status folder_names(const char *folder, const char *group, struct arena *arena, struct names *names);

#endif
