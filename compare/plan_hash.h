/* compare/plan_hash.h: a hash of what a comparison is to do, for launchers: tasks that were submitted under one plan are not to
 * be carried out under another, whose tasks have other numbers or other settings.
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_PLAN_HASH_H
#define RONDO_COMPARE_PLAN_HASH_H

#include "compare/plan.h"
#include "io/fingerprint.h"

/* Of the experiment, the settings of all variants and trials, and the seeds; not of files that the experiment names, nor of
 * the folder. */
rondo_status comparison_plan_hash(const struct comparison_plan *plan, struct fingerprint *hash, struct errors *errors);

#endif
