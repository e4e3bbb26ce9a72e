/* inspect/updates.h: the size of updates over the training, from the lines that `schedule.diagnostics` adds to metrics.jsonl.
 * Private to inspect/.
 *
 * Threads: main thread.
 */
#ifndef RONDO_INSPECT_UPDATES_H
#define RONDO_INSPECT_UPDATES_H

#include "inspect/inspect.h"

/* Sets what `inspection` says of updates, in `arena`. A line that cannot be read, as one that is being written, is left out;
 * without the file, or without such lines, there are none. */
rondo_status inspect_updates(const struct model *model, const char *folder, struct arena *arena,
                             struct inspection *inspection, struct errors *errors);

#endif
