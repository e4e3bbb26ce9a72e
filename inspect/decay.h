/* inspect/decay.h: how fast a norm falls with the distance. Private to inspect/. Threads: any. */
#ifndef RONDO_INSPECT_DECAY_H
#define RONDO_INSPECT_DECAY_H

#include "inspect/inspect.h"

/* The curve of sums of norms over the examples that reach each distance, [steps] both: ends at the first that none reaches.
 * The result is in `arena`, which remembers whether there was not enough memory. */
struct inspect_curve decay_curve(const double *sums, const int64_t *reaching, int64_t steps, struct arena *arena);

/* inspection.reach and inspection.most. */
int64_t decay_reach(const struct inspect_curve *curve, double share);
int64_t decay_most(const struct inspect_curve *curve, double share);

#endif
