/* store/environment.h: what a run was made with, so that it can be repeated: environment.json.
 *
 * Threads: main thread.
 */
#ifndef RONDO_STORE_ENVIRONMENT_H
#define RONDO_STORE_ENVIRONMENT_H

#include "store/provenance.h"

/* What a run was made from, and on how many threads; everything is borrowed. */
struct environment {
    const struct json_t *data, *cells, *plugins; /* store/provenance.h */
    const char *engine, *passes;                 /* as --engine and --passes name them */
    int32_t threads;
    int64_t seed;
    const char *started; /* the time of the start; NULL: now */
};

/* A JSON object, to be freed by the caller: version of Rondo, ABI, compiler, system, machine, engine, passes, threads, seed, time of
 * the start (UTC), data, cells (without their texts) and plug-ins. The name of the host is not recorded. NULL: out of memory. */
char *environment_text(const struct environment *environment);

/* A text of the file, such as "started", the time of the start, or "engine"; from `arena`. NULL: it is not recorded. */
const char *environment_value(const char *environment_file, const char *key, struct arena *arena);

/* Adds a text to `changes` for each of the present data files, cells and plug-ins that differs from the one recorded in
 * environment.json. What is not recorded is skipped. Adds nothing if there is no such record. */
void environment_compare(const char *environment_file, const struct environment *now, struct errors *changes);

#endif
