/* cli/progress.h: how far a training is, on standard error: a bar with rate and time left on a terminal, else one plain
 * line an epoch. */
#ifndef RONDO_CLI_PROGRESS_H
#define RONDO_CLI_PROGRESS_H

#include "train/trainer.h"

struct progress {
    const struct network *network;
    int terminal; /* standard error is one */
    double drawn; /* when the bar was drawn last, in seconds */
};

struct progress progress_start(const struct network *network);
/* Draws the bar, at most ten times a second; nothing without a terminal. */
void progress_batch(struct progress *progress, const struct trainer_progress *state);
/* Prints the line of the epoch. */
void progress_epoch(struct progress *progress, const struct trainer_progress *state);

#endif
