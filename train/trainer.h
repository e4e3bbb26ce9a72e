/* train/trainer.h: epochs of updates, validation, early stopping, the best weights.
 *
 * The trainer writes no files and prints nothing; an observer may (train/train.h).
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TRAINER_H
#define RONDO_TRAIN_TRAINER_H

#include "experiment/schedule_section.h"
#include "train/network.h"
#include "train/profile.h"
#include "train/schedule.h"
#include "train/updater.h"

/* experiment/schedule_section.h describes the values that come from the keys of `schedule`. */
struct trainer_settings {
    int64_t epochs;
    struct batch_size batch;
    int64_t evaluation_batch; /* examples that are validated together */
    double clip_norm;
    uint64_t seed;
    struct updater_settings updater;
    struct schedule_settings schedule;
    int32_t metric;              /* of the network, on the validation data: decides which epoch is the best */
    const int32_t *more_metrics; /* [n_more_metrics] that count for patience as well */
    int32_t n_more_metrics;      /* 0 .. STOPPING_MOST */
    int64_t patience;            /* 0: never stop early. Epochs in which none of the metrics gets better */
    double min_delta;
    struct profile *profile; /* NULL: nothing is measured */
};

/* Seconds on a monotonic clock, for durations. Any thread. */
double trainer_clock(void);

/* The progress of a training; borrowed for the call. */
struct trainer_progress {
    int64_t epoch, epochs;      /* from 1 */
    int64_t batch, batches;     /* done in this epoch, and in a whole epoch */
    int64_t steps;              /* updates so far */
    int64_t examples;           /* done in this epoch */
    double seconds;             /* of training in this epoch, without validation */
    const struct scores *train; /* of this epoch so far */
    const struct scores *valid; /* epoch_end with validation data; else NULL */
    double gradient_norm;       /* of the last batch, before clipping */
    double lr_scale;            /* the schedule's factor at the last update */
    int is_best;                /* epoch_end: the present weights are the best so far */
};

/* Each function may be NULL. If it returns a status other than RONDO_OK, the training ends with it. */
struct trainer_observer {
    rondo_status (*batch_end)(void *arg, const struct trainer_progress *progress, struct errors *errors);
    rondo_status (*epoch_end)(void *arg, const struct trainer_progress *progress, struct errors *errors);
    void *arg;
};

struct trainer_result {
    int64_t epochs;      /* completed epochs */
    int64_t best_epoch;  /* the epoch whose weights the network has now; 0: no epoch was completed */
    int64_t steps;       /* updates done */
    struct scores valid; /* of the best epoch; all zero without validation data */
    int stopped_early;
};

/* Trains from the present weights of the network. Afterwards the network has the weights of the best epoch, or without
 * `valid` (NULL) those of the last one. After a failure it has those of the best epoch so far; the status is
 * RONDO_NOT_FINITE, with the op or plug-in where it began, or RONDO_INTERRUPTED, if the session's interrupt was requested
 * between two batches. If it was interrupted before the end of the first epoch, it has the weights of that moment (their
 * average, if a wrapper keeps one). */
rondo_status trainer_run(struct network *network, const struct dataset *train, const struct dataset *valid,
                         const struct trainer_settings *settings, const struct trainer_observer *observer,
                         struct trainer_result *result, struct errors *errors);

#endif
