/* core/kind.h: the names of the kinds of descriptors (rondo/plugin.h).
 *
 * Threads: any.
 */
#ifndef RONDO_CORE_KIND_H
#define RONDO_CORE_KIND_H

#include <stdint.h>

/* "op", "optimizer", "loss", "schedule" or "metric" for an enum rondo_kind; "unknown" for any other number. */
const char *kind_name(int32_t kind);
/* The folder that plug-ins of this kind are stored in: "ops", "optimizers", "losses", "schedules" or "metrics". */
const char *kind_folder(int32_t kind);

#endif
