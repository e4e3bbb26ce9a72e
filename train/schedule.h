/* train/schedule.h: the factor on the learning rate over a run: a warm-up, then a schedule plug-in.
 *
 *     factor(d) = ramp(d) * schedule(max(d - warmup, 0))
 *     ramp(d)   = from + (1 - from) (d + 1) / warmup    for d < warmup, else 1
 *
 * d is the number of updates done before, from 0. Without a plug-in, schedule(t) is 1.
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_SCHEDULE_H
#define RONDO_TRAIN_SCHEDULE_H

#include "core/status.h"

struct schedule_settings {
    const rondo_schedule *plugin; /* NULL: none */
    const void *options;
    const char *origin;             /* its file, for messages */
    const struct log_receiver *log; /* of the lines that it logs; may be NULL */
    int64_t warmup;                 /* updates; 0: none */
    double warmup_from;             /* factor that the ramp starts above, in [0, 1] */
    double lr;                      /* of the optimizer; NAN: it has none */
    int64_t steps;                  /* of the whole run, >= 1 */
    int64_t steps_per_epoch;        /* >= 1 */
    int higher_is_better;           /* of the metric that is passed to schedule_observe */
};

struct schedule;

/* All that the settings point at must outlive it. NULL with errors. */
struct schedule *schedule_create(const struct schedule_settings *settings, struct errors *errors);
void schedule_destroy(struct schedule *schedule);

/* The factor for the update after `done` others. RONDO_NOT_FINITE, with the name of the plug-in, if it is not a number
 * >= 0. */
rondo_status schedule_factor(struct schedule *schedule, int64_t done, double *factor, struct errors *errors);
/* Passes the metric after an epoch to the plug-in, if it has an `observe` and the warm-up has ended. */
rondo_status schedule_observe(struct schedule *schedule, int64_t done, double metric, struct errors *errors);

#endif
