/* compare/launcher_slurm.h: carries a comparison out on a cluster: what is missing in its folder becomes job arrays of Slurm
 * (compare/slurm.h), in which each task is a job of a phase (compare/phases.h).
 *
 * The command that submits does not wait. The same command, given again, shows what the folder has, and submits again
 * once nothing of the comparison is in the queue and something is still missing.
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_LAUNCHER_SLURM_H
#define RONDO_COMPARE_LAUNCHER_SLURM_H

#include "compare/phases.h"
#include "compare/slurm.h"

/* A comparison on a cluster, as it is now. */
struct slurm_launch {
    struct slurm_jobs jobs; /* of the last submission, as Slurm knows them; `ended` has only tasks that are missing */
    struct slurm_phase *phases; /* [n_phases] with what is missing of them; names and missing only */
    int32_t n_phases;
    int64_t n_missing; /* tasks */
};

/* Looks at the folder and the queue. While jobs.waiting + jobs.running > 0, nothing should be submitted. Errors of slurm_look. All in
 * `arena`. */
rondo_status slurm_launch_look(const struct comparison_plan *plan, struct slurm_launch *launch, struct arena *arena,
                               struct errors *errors);

struct slurm_launch_settings {
    const char *const *command; /* NULL-terminated: the words of a task before "--phase P --task T" */
    const struct slurm_options *options;
    int32_t at_once;          /* most tasks at the same time; 0: no limit */
    int32_t threads_per_task; /* >= 1 */
    double bytes;             /* the most memory that a training is predicted to take; NaN: not known */
};

/* Submits what slurm_launch_look has found missing; launch->jobs are then these jobs. */
rondo_status slurm_launch_submit(const struct comparison_plan *plan, const struct slurm_launch_settings *settings,
                                 struct slurm_launch *launch, struct arena *arena, struct errors *errors);

#endif
