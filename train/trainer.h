/* train/trainer.h: epochs of updates, validation, early stopping, the best weights.
 *
 * The trainer writes no files and prints nothing: it calls an observer, which may do so. Threads: main thread.
 */
#ifndef RONDO_TRAIN_TRAINER_H
#define RONDO_TRAIN_TRAINER_H

#include "train/network.h"
#include "train/profile.h"
#include "train/schedule.h"
#include "train/updater.h"

/* How long and how hard; see experiment/schedule_section.h for the meaning of the keys. */
struct trainer_settings {
    int64_t epochs, batch;
    double clip_norm;
    uint64_t seed;
    struct updater_settings updater;
    struct schedule_settings schedule;
    int32_t metric;   /* of the network, on the validation data: chooses the best epoch */
    int64_t patience; /* 0: never stop early */
    double min_delta;
    struct profile *profile; /* NULL: nothing is measured */
};

/* Seconds on a clock that only goes forward: for durations. Any thread. */
double trainer_clock(void);

/* How far a run is; borrowed for the call. */
struct trainer_progress {
    int64_t epoch, epochs;      /* from 1 */
    int64_t batch, batches;     /* done, of this epoch */
    int64_t steps;              /* updates so far */
    int64_t examples;           /* of this epoch so far */
    double seconds;             /* of this epoch so far, validation left out */
    const struct scores *train; /* of this epoch so far */
    const struct scores *valid; /* epoch_end with validation data; else NULL */
    double gradient_norm;       /* of the last batch, before clipping */
    double lr_scale;            /* the schedule's factor at the last update */
    int is_best;                /* epoch_end: the weights of now are the best so far */
};

/* Each may be NULL. A status that is not RONDO_OK ends the training with it. */
struct trainer_observer {
    rondo_status (*batch_end)(void *arg, const struct trainer_progress *progress, struct errors *errors);
    rondo_status (*epoch_end)(void *arg, const struct trainer_progress *progress, struct errors *errors);
    void *arg;
};

struct trainer_result {
    int64_t epochs;      /* that ended */
    int64_t best_epoch;  /* whose weights the network has now; 0: no epoch ended */
    int64_t steps;       /* updates done */
    struct scores valid; /* of the best epoch; all zero without validation data */
    int stopped_early;
};

/* Trains from the weights that the network has. Afterwards the network holds the weights of the best epoch; without
 * `valid` (NULL) those of the last. After a failure they are those of the best epoch so far: after RONDO_NOT_FINITE,
 * which says where, and after RONDO_INTERRUPTED, which the session's interrupt gives between batches. Interrupted before
 * the first epoch ends, it holds the weights of now, averaged where a wrapper keeps an average. */
rondo_status trainer_run(struct network *network, const struct dataset *train, const struct dataset *valid,
                         const struct trainer_settings *settings, const struct trainer_observer *observer,
                         struct trainer_result *result, struct errors *errors);

#endif
