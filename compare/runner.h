/* compare/runner.h: carries a comparison out: all phases, in processes side by side.
 *
 * What is finished in the folder is not done again, what was interrupted goes on, and what has failed for another reason than its
 * own (a signal, a full disk) is tried again.
 *
 * Threads: main thread of a process without other threads.
 */
#ifndef RONDO_COMPARE_RUNNER_H
#define RONDO_COMPARE_RUNNER_H

#include "compare/phases.h"
#include "compare/processes.h"

/* What a command shows. Each function may be NULL; arguments are borrowed for the call. */
struct comparison_observer {
    /* A phase begins, of which `n_left` jobs are left to do. */
    void (*phase)(void *arg, const struct comparison_plan *plan, const struct comparison_phase *phase);
    void (*begin)(void *arg, const struct phase_job *job);
    void (*report)(void *arg, const struct phase_job *job, const struct job_progress *progress);
    /* After a job; `run` is its result, with what it has of a score. */
    void (*end)(void *arg, const struct phase_job *job, const struct compared_run *run);
    void (*tick)(void *arg);
    void *arg;
};

struct runner_settings {
    int32_t jobs;            /* at the same time, >= 1 */
    int32_t threads_per_job; /* >= 1 */
    const struct comparison_observer *observer;
};

/* Carries out the phases first .. last - 1. Afterwards the comparison of the plan and comparison.json have all that is known.
 * RONDO_INTERRUPTED: the same call goes on. Runs that fail are no failure of this function, except in tuning, if they may be tried again:
 * the choice would be another one. */
rondo_status comparison_run(struct comparison_plan *plan, int32_t first, int32_t last,
                            const struct runner_settings *settings, struct errors *errors);

/* Does one job of a phase in this process, for launchers: a finished job is not done again. */
rondo_status comparison_run_job(struct comparison_plan *plan, int32_t phase, int32_t job, int32_t threads,
                                struct errors *errors);

/* Fills the runs and the choices of the plan's comparison from the folder. */
rondo_status comparison_look(struct comparison_plan *plan, struct errors *errors);
/* Writes comparison.json. */
rondo_status comparison_write(const struct comparison_plan *plan, struct errors *errors);

/* Variants whose trainings are estimated, at most: an estimate takes a good part of a second. */
#define RUNNER_MOST_ESTIMATES 50
/* Estimates the time and the memory of a training of each variant, [n_variants] each, in a process of its own, one after the
 * other. NaN: there are more, or the estimate has failed. RONDO_INTERRUPTED as above. */
rondo_status comparison_estimate(struct comparison_plan *plan, int32_t threads, double *seconds, double *bytes,
                                 struct errors *errors);

#endif
