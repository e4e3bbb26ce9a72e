/* core/time_axis.h: where the steps of a batch of sequences of different lengths stand. */
#ifndef RONDO_CORE_TIME_AXIS_H
#define RONDO_CORE_TIME_AXIS_H

#include "core/status.h"

/* The time axis of a packed batch (data/batch.h has the picture): rows sorted by length, longest first; the first
 * alive[t] of them still run at step t; begin[t] is the first packed position of step t, so that row r at step t stands
 * at begin[t] + r. Borrowed. */
struct time_axis {
    int64_t rows, steps, total; /* steps >= 1: the longest length; total: of all lengths */
    const int64_t *lengths;     /* [rows] >= 1 */
    const int64_t *alive;       /* [steps] */
    const int64_t *begin;       /* [steps + 1]; begin[steps] = total */
};

#endif
