/* experiment/session.h: what all work of a process shares: the registry, the loader of plug-ins, the number of threads,
 * the engine, and the folders of cells and plug-ins. It is passed to functions; there is no global state.
 *
 * Threads: main thread only, except what the registry allows.
 */
#ifndef RONDO_EXPERIMENT_SESSION_H
#define RONDO_EXPERIMENT_SESSION_H

#include "core/interrupt.h"
#include "core/loader.h"
#include "core/parallel.h"
#include "core/progress.h"
#include "core/suggest.h"
#include "model/cell_layer.h"

struct profile;

/* Files with equations, each of which has a search path of its own. */
enum session_files { SESSION_CELLS = 0, SESSION_BLOCKS = 1, SESSION_FILES = 2 };

struct session_settings {
    const char *const *plugins; /* files of --plugin, NULL-terminated; NULL: none */
    int32_t threads;            /* 0: one for each processor */
    enum engine engine;
    int32_t passes_off; /* passes of the fused engine to switch off: enum scan_pass, or-ed */
    struct interrupt interrupt;
    struct log_receiver log; /* zero: log lines are dropped */
    struct profile *profile; /* train/profile.h; borrowed. NULL: nothing is measured */
};

struct session {
    struct arena *arena;
    struct registry *registry;
    struct loader *loader;
    struct parallel parallel;
    enum engine engine;
    int32_t passes_off;
    struct interrupt interrupt;      /* asked by all work that takes long: reading, initial values, batches */
    struct work_progress reading;    /* of data files; set by the owner after session_create */
    struct profile *profile;         /* of the training; NULL: nothing is measured */
    int probe;                       /* 1: the layers of tasks are probed (model/probe.h); set by the owner before */
    const char *const *plugin_files; /* of --plugin, absolute; NULL-terminated */
    const char *plugin_path;         /* folders, separated by colons */
    const char *file_path[SESSION_FILES]; /* the same, of cells and blocks */
};

/* Registers the built-in ops, and loads the given plug-ins. Looks for plug-ins in RONDO_PLUGIN_PATH and the install
 * folder, for cells in RONDO_CELL_PATH, for blocks in RONDO_BLOCK_PATH, and both in the install folder. NULL with errors; free with
 * session_destroy. */
struct session *session_create(const struct session_settings *settings, struct errors *errors);
void session_destroy(struct session *session);

/* The file of the cell or block called `name`, or NULL; from `arena`. A name with a slash or ending in .yaml is a path, relative
 * to `folder`. */
const char *session_find(const struct session *session, enum session_files files, const char *name, const char *folder,
                         struct arena *arena);
/* The nearest name; it lives in `arena`. */
struct suggestion session_suggest(const struct session *session, enum session_files files, const char *name,
                                  struct arena *arena);
/* Calls visit(arg, name, file) for every file on the search path, the first of each name, in order of name. */
rondo_status session_each(const struct session *session, enum session_files files,
                          void (*visit)(void *arg, const char *name, const char *file), void *arg,
                          struct errors *errors);

#endif
