/* inspect/findings.h: what the numbers of an inspection say, in sentences. Private to inspect/. Threads: any. */
#ifndef RONDO_INSPECT_FINDINGS_H
#define RONDO_INSPECT_FINDINGS_H

#include "inspect/inspect.h"

/* Sets the findings, in `arena`, which remembers whether there was not enough memory. */
void inspect_find(struct inspection *inspection, struct arena *arena);

#endif
