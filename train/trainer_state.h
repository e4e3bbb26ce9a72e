/* train/trainer_state.h: the state of a training. Private to the trainer.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TRAINER_STATE_H
#define RONDO_TRAIN_TRAINER_STATE_H

#include "train/trainer.h"

struct training {
    struct network *network;
    const struct dataset *train, *valid;
    const struct trainer_settings *settings;
    const struct trainer_observer *observer;
    struct updater *updater;
    struct schedule *schedule;
    int64_t accumulate;                /* batches per update, >= 1 */
    char *best;                        /* bytes of the best parameters, one after the other */
    double best_value;                 /* of the metric */
    int64_t validations;               /* done so far; without validation data: epochs */
    int64_t validated_step;            /* the updates before the last one; -1: there was none */
    double best_values[STOPPING_MOST]; /* of more metrics */
    int64_t better_validation;         /* the last one in which any of the metrics improved */
    int is_stopped;                    /* early, because no metric improved */
    struct scores scores;              /* of the interval, on the training data */
    double start;                      /* of the interval, on trainer_clock */
    struct trainer_progress progress;
    struct trainer_result *result;
};

/* The opposite of trainer_save. Everything that it belongs to has been created. */
rondo_status trainer_load(struct training *training, struct archive *archive, struct errors *errors);

#endif
