/* train/embed_errors.h: errors of the embedding API (rondo/rondo.h).
 *
 * Threads: any.
 */
#ifndef RONDO_TRAIN_EMBED_ERRORS_H
#define RONDO_TRAIN_EMBED_ERRORS_H

#include "core/status.h"
#include "rondo/rondo.h"

/* Writes all errors to `error`, one per line, cut at `size` bytes; the list is empty afterwards. Returns the first status. */
rondo_status embed_errors(struct errors *errors, char *error, size_t size);

#endif
