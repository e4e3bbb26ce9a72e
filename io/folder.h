/* io/folder.h: the names in a folder.
 *
 * Threads: any.
 */
#ifndef RONDO_IO_FOLDER_H
#define RONDO_IO_FOLDER_H

#include "core/arena.h"

struct folder_entry {
    const char *name;
    int is_folder; /* links are followed */
};

/* 1 if the path is a folder, or a link to one. */
int folder_is(const char *path);

/* Creates the folder, and those around it. RONDO_IO with an error if it cannot be created, RONDO_INVALID if it is a
 * file; nothing if it exists. */
rondo_status folder_make(const char *path, struct errors *errors);

/* The files and folders of a folder in the order of the bytes of their names, without hidden ones (".name"). From `arena`.
 * At `where`: RONDO_NOT_FOUND if the folder is missing, RONDO_INVALID if it cannot be read. A name that is not UTF-8 is
 * RONDO_INVALID at the folder. */
rondo_status folder_list(const char *folder, struct location where, struct arena *arena, struct folder_entry **entries,
                         int64_t *count, struct errors *errors);

#endif
