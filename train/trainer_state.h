/* train/trainer_state.h: the state of a training. Private to the trainer.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TRAINER_STATE_H
#define RONDO_TRAIN_TRAINER_STATE_H

#include "train/trainer.h"

/* The number of updates that a failure reports. */
enum { TRAINER_RECENT = 4 };

struct training {
    struct network *network;
    const struct dataset *train, *valid;
    const struct trainer_settings *settings;
    const struct trainer_observer *observer;
    struct updater *updater;
    struct schedule *schedule;
    struct diagnostics *diagnostics;   /* NULL: not wanted */
    int64_t accumulate;                /* batches per update, >= 1 */
    double lr_factor;                  /* of all rollbacks together */
    char *best;                        /* bytes of the best parameters, one after the other */
    double best_value;                 /* of the metric */
    int64_t validations;               /* done so far; without validation data: epochs */
    int64_t validated_step;            /* the updates before the last one; -1: there was none */
    double best_values[STOPPING_MOST]; /* of more metrics */
    int64_t better_validation;         /* the last one in which any of the metrics improved */
    int is_extended;                   /* it goes on from the end of a training that was planned to have fewer epochs */
    int is_stopped;                    /* early, because no metric improved */
    struct scores scores;              /* of the interval, on the training data */
    double start;                      /* of the interval, on trainer_clock */
    struct trainer_progress progress;
    struct trainer_result *result;
    /* Of the last n_recent updates, the newest last: norms of the gradients before clipping, and mean losses. */
    double recent_norms[TRAINER_RECENT], recent_losses[TRAINER_RECENT];
    int64_t n_recent;
    struct errors skipped; /* why the last update was left out */
};

/* ---- train/trainer_nonfinite.c: values that are not finite ---- */

/* Notes the norm and the loss of an update that was done. `before`: the scores of the interval without it. */
void trainer_note_update(struct training *training, const struct scores *before);
/* After updater_clip has failed with the error in `errors`: computes the gradients again, to find where it began. Replaces the
 * error by one with the op. */
void trainer_explain_gradient(struct training *training, const struct network_update *update, struct errors *errors);
/* 1 if an update that failed in this way, before it changed anything, may be left out. If only the limit forbids it, adds an
 * error. */
int trainer_may_skip(const struct training *training, rondo_status status, struct errors *errors);
/* Adds the epoch, the step and the batch of an update that failed. */
void trainer_report_update(const struct training *training, const struct network_update *update, int64_t first_batch,
                           int64_t n_batches, rondo_status status, struct errors *errors);
/* Adds the norms and losses of the last updates. */
void trainer_report_recent(const struct training *training, rondo_status status, struct errors *errors);

/* The opposite of trainer_save. Everything that it belongs to has been created. */
rondo_status trainer_load(struct training *training, struct archive *archive, struct errors *errors);

#endif
