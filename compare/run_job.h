/* compare/run_job.h: trains one run of a comparison, or scores it, in this process.
 *
 * Threads: main thread; uses several inside, so the process cannot fork afterwards.
 */
#ifndef RONDO_COMPARE_RUN_JOB_H
#define RONDO_COMPARE_RUN_JOB_H

#include "compare/plan.h"
#include "train/train.h"

struct run_job {
    int32_t variant;
    const struct compare_setting *more; /* [n_more] settings in addition to those of the variant */
    int32_t n_more;
    int64_t seed;
    const char *folder;  /* of the run: begins there, or goes on */
    int64_t pause_epoch; /* the training pauses after this epoch, with a checkpoint; 0: it runs to its end */
    int32_t threads;
};

/* What a run is made from, as a hash: the experiment, its settings and its cells. From `arena`; NULL: out of memory. */
const char *run_job_identity(const struct comparison_plan *plan, const struct run_job *job, struct arena *arena);

/* Trains the run to its end, or its pause. RONDO_INTERRUPTED: a signal came before. All other failures are recorded
 * (compare/run_result.h), and are not in `errors`, except failures to record them. */
rondo_status run_job_train(const struct comparison_plan *plan, const struct run_job *job,
                           const struct train_observer *observer, struct errors *errors);

/* Scores the weights of a finished run on the test part, and writes test.json. Failures as above. */
rondo_status run_job_score(const struct comparison_plan *plan, const struct run_job *job, struct errors *errors);

/* The speed of a training, from its first updates; nothing is written. The seconds of a whole training without validation, and
 * the bytes of memory that it is predicted to take. Errors as trainer_run. */
rondo_status run_job_estimate(const struct comparison_plan *plan, const struct run_job *job, double *seconds,
                              double *bytes, struct errors *errors);

#endif
