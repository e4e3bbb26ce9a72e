/* cli/progress.h: the progress of a training, on standard error. On a terminal it is a bar with the rate and the time
 * left; elsewhere it is one plain line per validation. */
#ifndef RONDO_CLI_PROGRESS_H
#define RONDO_CLI_PROGRESS_H

#include "train/trainer.h"

struct progress {
    const struct network *network;
    int terminal; /* standard error is a terminal */
    double drawn; /* when the bar was last drawn, in seconds of trainer_clock */
};

struct progress progress_start(const struct network *network);
/* Draws the bar, at most ten times per second, and nothing without a terminal. Prints a line if the update was left out. */
void progress_update(struct progress *progress, const struct trainer_progress *state);
/* Prints the line of an interval between validations. */
void progress_interval(struct progress *progress, const struct trainer_progress *state);
/* Prints that the training went back (train/train.h). */
void progress_rollback(struct progress *progress, int64_t step, double lr_factor, const char *reason);

#endif
