/* store/environment.h: what a run was made with, so that it can be repeated. */
#ifndef RONDO_STORE_ENVIRONMENT_H
#define RONDO_STORE_ENVIRONMENT_H

#include "core/loader.h"

/* A JSON object, to be freed by the caller: version of Rondo, ABI, compiler, system, machine, threads, seed, time of
 * the start (UTC), and for each loaded plug-in its name, version, licence, file and a 64-bit FNV-1a hash of the file.
 * The name of the host is not recorded. NULL: out of memory. */
char *environment_text(const struct loader *loader, int32_t threads, int64_t seed);

#endif
