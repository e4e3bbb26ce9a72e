/* model/fused.h: a cell over time as one function of the tape: the engine `fused` (core/scan/scan.h). */
#ifndef RONDO_MODEL_FUSED_H
#define RONDO_MODEL_FUSED_H

#include "core/scan/scan.h"
#include "model/unroll.h"

/* The step of a compiled cell, ready to run; the cell must outlive it. passes and recompute: see struct scan_settings.
 * NULL with errors. Free with scan_destroy. */
struct scan *fused_create(const struct cell *cell, int32_t passes, int64_t recompute, struct errors *errors);
/* The same with an observer of its stages; NULL: none. */
struct scan *fused_create_observed(const struct cell *cell, int32_t passes, int64_t recompute, scan_observer *observe,
                                   void *observe_arg, struct errors *errors);
/* Like unroll, but with a scan compiled from the same cell: the same results except for rounding, and the same random
 * words. */
rondo_value fused(const struct scan *scan, const struct recurrence *recurrence, struct tape *tape,
                  rondo_value *final_states);

#endif
