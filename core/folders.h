/* core/folders.h: the folders that are searched for plug-ins, and the plug-ins in them.
 *
 * In a folder F, a plug-in is the file F/GROUP/NAME.so. GROUP is the folder of its kind (kind_folder in core/kind.h):
 * "ops", "optimizers", "losses", "schedules" or "metrics".
 * Threads: any; memory comes from the caller's arena.
 */
#ifndef RONDO_CORE_FOLDERS_H
#define RONDO_CORE_FOLDERS_H

#include "core/arena.h"

/* Folders, in the order in which they are searched. */
struct folders {
    const char **items;
    size_t count;
    const char *text; /* all of them with colons between, for messages */
};

/* Splits `paths` at its colons; NULL counts as empty. Empty and relative entries are skipped: they would depend on the
 * working directory. RONDO_NO_MEMORY, without an error text, if memory is short. */
rondo_status folders_parse(struct folders *folders, const char *paths, struct arena *arena);

/* "F/optimizers/adam.so"; NULL if memory is short. */
const char *folder_file(const char *folder, const char *group, const char *name, struct arena *arena);

/* The names of the plug-ins in one group, sorted. */
struct plugin_names {
    const char **items;
    size_t count, capacity;
};

/* Finds the names; a folder that is missing or cannot be read has none. RONDO_NO_MEMORY, without an error text, if memory
 * is short; `names` then has some of them. */
rondo_status folder_names(const char *folder, const char *group, struct arena *arena, struct plugin_names *names);

#endif
