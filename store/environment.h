/* store/environment.h: what a run was made with, so that it can be made again. */
#ifndef RONDO_STORE_ENVIRONMENT_H
#define RONDO_STORE_ENVIRONMENT_H

#include "experiment/session.h"

/* Writes a JSON object: version of Rondo, ABI, compiler, system, machine, threads, seed, time of the start (UTC), and
 * for each loaded plug-in its name, version, licence, file and a 64-bit FNV-1a hash of the file. The name of the
 * machine is not written. */
rondo_status environment_write(const char *file, const struct session *session, int64_t seed, struct errors *errors);

#endif
