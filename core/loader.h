/* core/loader.h: plug-ins from files to the registry. loader.c is the only user of dlfcn.
 *
 * A file is refused, with the reason, before any of its code runs where it is not a regular file, is not an ELF shared
 * object, or it or its folder may be written by everybody. Then it is opened (all symbols bound, all local), and its
 * rondo_plugin object is compared field by field: magic, size, ABI, fingerprint.
 *
 * Where a name is looked for, in this order: what is registered already (--plugin FILE and YAML `plugins:` load at
 * once), each folder of RONDO_PLUGIN_PATH, the install folder. A folder F has it as F/optimizers/NAME.so (or losses,
 * ops). Never the working directory.
 *
 * A loader serves one registry. Threads: main thread only.
 */
#ifndef RONDO_CORE_LOADER_H
#define RONDO_CORE_LOADER_H

#include "core/registry.h"

struct loader;

/* A loader over `paths`: folders separated by colons, in the order of search; may be NULL or empty. An entry that is
 * empty or relative is skipped: it would depend on the working directory. NULL where memory is short. */
struct loader *loader_create(const char *paths, struct errors *errors);
/* Frees the loader. Plug-ins stay loaded until the process ends: descriptors point into them. */
void loader_destroy(struct loader *loader);

/* Loads one file and registers all its descriptors, or none. A file that is loaded already is RONDO_OK. Errors are at
 * `where` and name the file. */
rondo_status loader_load(struct loader *loader, struct registry *registry, const char *file, struct location where,
                         struct errors *errors);

/* Loads every plug-in of every folder; goes on after one that is refused. A file is passed over where what it is named
 * after is registered already, as it would never be found. The first status that is not RONDO_OK. */
rondo_status loader_load_all(struct loader *loader, struct registry *registry, struct errors *errors);

/* The finder to give to the registry; valid as long as the loader. */
struct registry_finder loader_finder(struct loader *loader);

/* The file that holds Rondo's own code, without symbolic links: librondo.so, or the program. From `arena`; NULL where
 * the system does not tell. */
const char *loader_own_file(struct arena *arena);

/* One file that was loaded: for the record of a run. `index` from 0; 0 is returned past the last. */
struct loaded_plugin {
    const char *file, *name, *version, *licence;
};
int loader_plugin(const struct loader *loader, int32_t index, struct loaded_plugin *plugin);

#endif
