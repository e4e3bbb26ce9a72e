/* compare/folder.h: the folder of a comparison, opened to work in it.
 *
 * It is locked while a command works in it, and as long as one of its jobs does. Each run in it is compared with what would be
 * trained now: a difference in keys, data, cells or plug-ins is refused, since the rows of a table must have been made alike. New
 * variants and seeds are no difference.
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_FOLDER_H
#define RONDO_COMPARE_FOLDER_H

#include "compare/plan.h"

/* Creates and locks the folder of the plan. If its last command was killed, waits some seconds until its jobs have ended.
 * RONDO_INVALID: another command works in it, or it is the folder of something else. Close *lock with comparison_unlock. */
rondo_status comparison_lock(const struct comparison_plan *plan, int *lock, struct errors *errors);
void comparison_unlock(int lock);
/* RONDO_INVALID if comparison_lock would refuse the folder, or the runs in it are not those of the plan. Makes nothing. */
rondo_status comparison_check_folder(const struct comparison_plan *plan, struct errors *errors);

struct comparison_phase;

/* RONDO_INVALID, with all differences, if runs in the folder were trained with others than those of the plan. Runs whose settings
 * tuning has not chosen yet are left out: they are checked by comparison_check_phase, when it has. */
rondo_status comparison_check_phase(const struct comparison_plan *plan, const struct comparison_phase *phase,
                                    struct errors *errors);
rondo_status comparison_check_runs(const struct comparison_plan *plan, struct errors *errors);

#endif
