/* cli/compare_slurm.h: `rondo compare --launcher slurm`: submits what is missing, or shows how far it is. */
#ifndef RONDO_CLI_COMPARE_SLURM_H
#define RONDO_CLI_COMPARE_SLURM_H

#include "cli/command.h"
#include "compare/plan.h"

struct compare_slurm {
    const struct comparison_settings *settings; /* of the plan, for the tasks */
    const struct common_flags *common;
    const char *options; /* of sbatch, as the user gave them; NULL: none */
    int32_t at_once;     /* of --jobs; 0: not given */
    int32_t threads_per_job;
    int json, quiet;
};

/* Looks at the folder and the queue, submits what is missing, and prints what it did. The comparison of the plan, and
 * comparison.json, then have what is in the folder. */
rondo_status compare_on_slurm(struct comparison_plan *plan, const struct compare_slurm *request, struct errors *errors);

/* RONDO_INVALID if tasks of the comparison wait or run in Slurm, so that training here would do the same work again. */
rondo_status compare_check_slurm(const struct comparison_plan *plan, struct errors *errors);

#endif
