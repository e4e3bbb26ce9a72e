/* compare/size.h: `equal: parameters | flops` of a comparison: the widths of each variant.
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_SIZE_H
#define RONDO_COMPARE_SIZE_H

#include "compare/plan.h"

/* Chooses the widths of the compared layers of a variant, whose task has those that are given: they become settings of the planned
 * variant, and widths and ratio of the compared one. The first variant comes first: its size is the budget of all, unless the
 * section gives one. Nothing without `equal`. */
rondo_status comparison_size(struct comparison_plan *plan, int32_t variant, const struct task *given,
                             struct errors *errors);

#endif
