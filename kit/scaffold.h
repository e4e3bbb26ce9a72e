/* kit/scaffold.h: `rondo plugin new`: a folder with a plug-in that builds, passes its checks and trains.
 *
 * To add a kind, or another flavour of one, add a folder to kit/templates/, its files to kit/meson.build, and a row to
 * the table in scaffold.c. A file in the flavour's folder replaces the file of the same name in common/. Words such as
 * @NAME@ in a template are filled in. Threads: main thread.
 */
#ifndef RONDO_KIT_SCAFFOLD_H
#define RONDO_KIT_SCAFFOLD_H

#include "core/registry.h"

/* The largest number of files that are written. */
#define SCAFFOLD_MAX 16

struct scaffold_wanted {
    const char *kind;          /* "op", "optimizer", "loss", "schedule" */
    const char *name;          /* name of the plug-in and its descriptor */
    const char *folder;        /* the folder to write, created with its parents; NULL: ./name */
    int general;               /* 1: an op with infer, forward and backward instead of map */
    int numbers;               /* 1: a loss for numbers instead of classes */
    struct registry *registry; /* names that it has, or can find, cannot be used */
};

struct scaffold_written {
    const char *folder;              /* the folder that was written */
    const char *files[SCAFFOLD_MAX]; /* paths relative to the folder */
    int32_t count;
};

/* Writes the folder. RONDO_INVALID, with every mistake in `wanted`, and nothing written, if the kind is unknown, the
 * name is not valid or is taken, or the folder exists and is not empty. If writing fails, what was written is removed.
 * Texts of `written` are from `arena`. */
rondo_status scaffold(const struct scaffold_wanted *wanted, struct scaffold_written *written, struct arena *arena,
                      struct errors *errors);

#endif
