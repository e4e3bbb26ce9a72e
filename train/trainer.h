/* train/trainer.h: epochs of updates, validation, early stopping, the best weights.
 *
 * An epoch is a pass over the training data: batches, of which `accumulate` make one update; the last update of an epoch
 * may have fewer. Validations divide the training into intervals; without validation data each epoch is an interval.
 *
 * Between two updates its whole state can be saved in an archive. A training that goes on from there ends with the same bits
 * as one that was never interrupted: the order of the examples, random words and validations are functions of numbers in it.
 *
 * The trainer writes no files and prints nothing; an observer may (train/train.h).
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TRAINER_H
#define RONDO_TRAIN_TRAINER_H

#include "core/archive.h"
#include "experiment/schedule_section.h"
#include "train/diagnostics.h"
#include "train/network.h"
#include "train/profile.h"
#include "train/schedule.h"
#include "train/updater.h"

/* experiment/schedule_section.h describes the values that come from the keys of `schedule`. */
struct trainer_settings {
    int64_t epochs;
    struct batch_size batch; /* of training and validation */
    int64_t accumulate;      /* batches per update; 0: 1 */
    double validate_every;   /* updates from one validation to the next; 0: an epoch */
    double clip_norm;
    uint64_t seed;
    struct updater_settings updater;
    struct schedule_settings schedule;
    int32_t metric;              /* of the network, on the validation data: decides which weights are the best */
    const int32_t *more_metrics; /* [n_more_metrics] that count for patience as well */
    int32_t n_more_metrics;      /* 0 .. STOPPING_MOST */
    int64_t
        patience; /* validations in which none of the metrics gets better, after which the training stops; 0: never */
    double min_delta;
    enum nonfinite_mode on_nonfinite;
    int64_t nonfinite_limit; /* most updates that are left out; the caller counts rollbacks */
    int64_t rollbacks;       /* so far; those of the saved state, if it has more */
    double rollback_factor;  /* on the learning rate for each of them */
    int diagnostics;         /* 1: progress.diagnostics is measured */
    struct profile *profile; /* NULL: nothing is measured */
    struct archive *resume;  /* from trainer_save: the training goes on from there; NULL: it begins */
};

/* Seconds on a monotonic clock, for durations. Any thread. */
double trainer_clock(void);

/* The factor on the learning rate of so many rollbacks together. Any thread. */
double trainer_rollback_factor(double each, int64_t rollbacks);

/* The progress of a training; borrowed for the call. */
struct trainer_progress {
    int64_t epoch, epochs;   /* from 1 */
    int64_t update, updates; /* done in this epoch, and in a whole epoch */
    int64_t steps;           /* updates so far, with those that were left out */
    int64_t skipped;         /* of these, those that were left out because a value was not finite */
    int64_t rollbacks;       /* see the settings */
    /* Since the last validation. */
    int64_t interval_updates, interval_examples, interval_skipped;
    double interval_seconds;    /* of training */
    const struct scores *train; /* the training losses */
    const struct scores *valid; /* interval_end with validation data; else NULL */
    double gradient_norm;       /* of the last update, before clipping */
    double lr_scale;         /* the factor on the learning rate at the last update: the schedule's, and of rollbacks */
    const char *skip_reason; /* update_end, if this update was left out: what was not finite; else NULL */
    /* interval_end, [n_parameters]: of the last update; NULL: it was left out, or nothing is measured. */
    const struct parameter_diagnostics *diagnostics;
    int is_best; /* interval_end: the present weights are the best so far */
    /* interval_end: of the other metrics of early stopping, those by which the present weights are the best so far. */
    int32_t better_metrics[STOPPING_MOST];
    int32_t n_better;
};

/* Where a training can be saved. */
enum trainer_pause {
    TRAINER_UPDATE,     /* after an update, and the validation that follows it, if any */
    TRAINER_END,        /* the same after the last update, which a training of more epochs would continue */
    TRAINER_INTERRUPTED /* the session's interrupt was requested: the training ends here */
};

struct training;

/* Each function may be NULL. If it returns a status other than RONDO_OK, the training ends with it. */
struct trainer_observer {
    /* Before the first update, once everything is allocated and the saved state, if any, has been taken. Here, trainer_save may
     * be called. */
    rondo_status (*begin)(void *arg, const struct trainer_progress *progress, const struct training *training,
                          struct errors *errors);
    rondo_status (*update_end)(void *arg, const struct trainer_progress *progress, struct errors *errors);
    /* After a validation; without validation data, after an epoch. Always after the last update. */
    rondo_status (*interval_end)(void *arg, const struct trainer_progress *progress, struct errors *errors);
    /* Between two updates: here, trainer_save may be called. */
    rondo_status (*pause)(void *arg, enum trainer_pause why, const struct trainer_progress *progress,
                          const struct training *training, struct errors *errors);
    void *arg;
};

/* Puts the state of the training, with the weights and all that they depend on, into an archive. If memory is short, the
 * archive has failed. */
void trainer_save(const struct training *training, struct archive *archive);

struct trainer_result {
    int64_t epochs;      /* the epoch of the last validation */
    int64_t best_epoch;  /* the epoch of the validation whose weights the network has now; 0: there was none */
    int64_t best_step;   /* and the updates before it */
    int64_t steps;       /* updates done, with those that were left out */
    int64_t skipped;     /* those that were left out */
    int64_t rollbacks;   /* see the settings */
    struct scores valid; /* of the best weights; all zero without validation data */
    int stopped_early;
};

/* Trains from the present weights of the network, or from the saved state. Afterwards the network has the weights of the
 * best validation, or without `valid` (NULL) those of the last epoch. After a failure it has those of the best validation so
 * far; the status is RONDO_INTERRUPTED, if the session's interrupt was requested between two batches, or RONDO_NOT_FINITE.
 * Then the errors are the op or plug-in where it began; the epoch, step and batch; and the gradient norms and losses of the
 * updates before. If it was interrupted before the end of the first validation, it has the weights of that moment (their
 * average, if a wrapper keeps one).
 *
 * NONFINITE_SKIP: an update whose loss or gradient is not finite changes nothing: weights, slots and carried states stay as
 * they were before it. It counts as a step, so the schedule, random words and validations are those of a training without
 * the failure. A value that is not finite after an update, or a loss in a validation, stops the training in any case.
 *
 * NONFINITE_ROLLBACK: a failure ends the training as NONFINITE_STOP does. The caller goes back: it trains again from an earlier
 * state, with one more of `rollbacks` than the result has, each of which multiplies the learning rate by rollback_factor. */
rondo_status trainer_run(struct network *network, const struct dataset *train, const struct dataset *valid,
                         const struct trainer_settings *settings, const struct trainer_observer *observer,
                         struct trainer_result *result, struct errors *errors);

#endif
