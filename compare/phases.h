/* compare/phases.h: the order of a comparison: phases, one after the other, each of which has jobs that can run side by side.
 *
 *     tuning, rung 1 … R    trials of settings, of which the better ones go on
 *     runs                  every variant with every seed, with the settings that tuning has chosen
 *     scores                of the test part, which is read here for the first time
 *
 * What the jobs of a phase are follows from the plan and from what the earlier phases have left in the folder, and from nothing
 * else: so that a comparison can be stopped at any time and go on in another process, or on another machine.
 *
 * Successive halving (Jamieson & Talwalkar 2016, "Non-stochastic best arm identification and hyperparameter optimization"): of n
 * trials, rung r = 0, 1, …, R - 1 has the best ceil(n / eta^r), which have been trained for E / eta^(R - 1 - r) of E epochs, where
 * R - 1 = floor(log(n) / log(eta)). All trials of a rung have the same number of epochs, so none is favoured.
 *
 * Threads: main thread.
 */
#ifndef RONDO_COMPARE_PHASES_H
#define RONDO_COMPARE_PHASES_H

#include "compare/plan.h"
#include "compare/run_job.h"

struct phase_job {
    struct run_job job; /* without threads */
    int32_t trial;      /* of tuning; -1: none */
    int32_t seed;       /* number of the seed */
    int is_score;       /* 1: run_job_score; 0: run_job_train */
    int is_done;        /* nothing is left to do, or it has failed for good */
};

struct comparison_phase {
    const char *name; /* "tuning, rung 1 of 3" */
    int is_tuning;
    struct phase_job *jobs; /* [count] by variant, then trial, then seed */
    int32_t count;
    int32_t n_left; /* jobs that are not done */
};

int32_t comparison_phase_count(const struct comparison_plan *plan);
/* The number of jobs of a phase, which is known before it can be opened. */
int32_t comparison_phase_size(const struct comparison_plan *plan, int32_t number);
/* Phase number 0 .. count - 1. Reads the folder. All in `arena`, which must not outlive the plan. RONDO_INVALID if an earlier
 * phase of tuning is not done, so that the jobs are not known. */
rondo_status comparison_phase_open(const struct comparison_plan *plan, int32_t number, struct comparison_phase *phase,
                                   struct arena *arena, struct errors *errors);

/* The number of trials of a variant of which a run has failed. */
int32_t comparison_failed_trials(const struct comparison_plan *plan, int32_t variant, struct arena *arena);

/* The settings that tuning has chosen for a variant, which is done. *count 0: there is no tuning. NULL with errors, also if all trials
 * of the variant have failed. */
rondo_status comparison_choice(const struct comparison_plan *plan, int32_t variant,
                               const struct compare_setting **settings, int32_t *count, struct arena *arena,
                               struct errors *errors);

#endif
