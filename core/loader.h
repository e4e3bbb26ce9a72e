/* core/loader.h: loads plug-ins from files into the registry. loader.c is the only user of dlfcn.
 *
 * Before any code of a file runs, the file is refused, with the reason, if it is not a regular file, is not an ELF shared
 * object for this machine, or can be written by everybody, itself or through its folder. Then it is opened (all symbols
 * bound, all local), and its rondo_plugin object is compared field by field: magic, size, ABI, fingerprint.
 *
 * A name is searched in this order: the names that are registered already (--plugin FILE and `plugins:` in YAML are
 * loaded at once), each folder of RONDO_PLUGIN_PATH, the installation's folder; never the working directory. In a folder
 * F, the file is F/optimizers/NAME.so, or the same in losses, metrics, ops or schedules (core/folders.h).
 *
 * A loader serves one registry. Threads: main thread only.
 */
#ifndef RONDO_CORE_LOADER_H
#define RONDO_CORE_LOADER_H

#include "core/registry.h"

struct loader;

/* A loader that searches `paths`: folders separated by colons, in order; may be NULL or empty. Empty and relative entries
 * are skipped: they would depend on the working directory. NULL with an error if memory is short. Free with
 * loader_destroy. */
struct loader *loader_create(const char *paths, struct errors *errors);
/* Frees the loader. Plug-ins stay loaded until the process ends, since descriptors point into them. */
void loader_destroy(struct loader *loader);

/* Loads one file and registers all its descriptors, or none. RONDO_OK for a file that is loaded already. Errors are at
 * `where` and name the file. */
rondo_status loader_load(struct loader *loader, struct registry *registry, const char *file, struct location where,
                         struct errors *errors);

/* Loads every plug-in of every folder, and continues after one that is refused. A file whose name is registered already
 * is skipped: it would never be found by name. Returns the first status that is not RONDO_OK. */
rondo_status loader_load_all(struct loader *loader, struct registry *registry, struct errors *errors);

/* The finder to give to the registry; valid as long as the loader. */
struct registry_finder loader_finder(struct loader *loader);

/* The path, without symbolic links, of the file that contains Rondo's code: librondo.so, or the program. From `arena`;
 * NULL if the system does not report it. */
const char *loader_own_file(struct arena *arena);

/* One file that was loaded, for the record of a run. loader_plugin gets file `index`, from 0; it returns 0 after the
 * last. */
struct loaded_plugin {
    const char *file, *name, *version, *licence;
    const rondo_descriptor *const *descriptors; /* what it provides; ends with NULL */
};
int loader_plugin(const struct loader *loader, int32_t index, struct loaded_plugin *plugin);

#endif
