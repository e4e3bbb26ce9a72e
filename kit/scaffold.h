/* kit/scaffold.h: `rondo plugin new`: a folder with a plug-in that builds, passes its checks and trains.
 *
 * To add a kind, or another flavour of one: a folder in kit/templates/, its files in kit/meson.build, and a row of the
 * table in scaffold.c. A file in the flavour's folder replaces the file of the same name in common/. Words such as
 * @NAME@ in a template are filled in. Threads: main thread.
 */
#ifndef RONDO_KIT_SCAFFOLD_H
#define RONDO_KIT_SCAFFOLD_H

#include "core/registry.h"

/* At most this many files are written. */
#define SCAFFOLD_MAX 16

struct scaffold_wanted {
    const char *kind;          /* "op", "optimizer", "loss", "schedule" */
    const char *name;          /* of the plug-in and its descriptor */
    const char *folder;        /* to write to, created with its parents; NULL: ./name */
    int general;               /* an op with infer, forward and backward instead of map */
    int numbers;               /* a loss for numbers instead of classes */
    struct registry *registry; /* names that it has or can find are taken */
};

struct scaffold_written {
    const char *folder;              /* as wanted */
    const char *files[SCAFFOLD_MAX]; /* relative to the folder */
    int32_t count;
};

/* Writes the folder. RONDO_INVALID, with every mistake in `wanted`, and nothing written, where the kind is unknown, the
 * name is not valid or is taken, or the folder exists and is not empty. If writing fails, what was written is
 * removed. Texts of `written` are from `arena`. */
rondo_status scaffold(const struct scaffold_wanted *wanted, struct scaffold_written *written, struct arena *arena,
                      struct errors *errors);

#endif
