/* store/environment.h: what a run was made with, so that it can be repeated: environment.json.
 *
 * Threads: main thread.
 */
#ifndef RONDO_STORE_ENVIRONMENT_H
#define RONDO_STORE_ENVIRONMENT_H

#include "core/loader.h"

/* A data file of the experiment. A list ends with part NULL. */
struct data_file {
    const char *part; /* "train", "valid" or "test" */
    const char *file; /* its path */
};

/* A JSON object, to be freed by the caller: version of Rondo, ABI, compiler, system, machine, threads, seed, time of
 * the start (UTC), for each data file its path, size and 64-bit FNV-1a hash, and for each loaded plug-in its name,
 * version, licence, file and hash. A data file that cannot be read is left out. The name of the host is not recorded.
 * NULL: out of memory. */
char *environment_text(const struct loader *loader, const struct data_file *files, int32_t threads, int64_t seed);

/* Adds a text to `changes` for each file whose hash differs from the one recorded in environment.json. Files that are not
 * recorded or cannot be read are skipped. Adds nothing if there is no such record. */
void environment_compare(const char *environment_file, const struct data_file *files, struct errors *changes);

#endif
