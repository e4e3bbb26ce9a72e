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

#include "core/archive.h"

struct schedule_settings {
    const rondo_schedule *plugin; /* NULL: none */
    const void *options;
    const char *origin;             /* its file, for messages */
    const struct log_receiver *log; /* of the lines that it logs; may be NULL */
    int64_t warmup;                 /* length of the warm-up in updates; 0: none */
    double warmup_from;             /* the factor before the first update of the ramp, in [0, 1] */
    double lr;                      /* the learning rate of the optimizer; NAN: it has none */
    int64_t steps;                  /* updates of the whole run, >= 1 */
    int64_t steps_per_epoch;        /* >= 1 */
    int higher_is_better;           /* the direction of the metric given to schedule_observe */
};

struct schedule;

/* Everything that the settings point to must outlive the schedule. NULL with errors. */
struct schedule *schedule_create(const struct schedule_settings *settings, struct errors *errors);
void schedule_destroy(struct schedule *schedule);

/* The factor for the next update after `done` updates. RONDO_NOT_FINITE, with the name of the plug-in, if it is not a
 * number >= 0. */
rondo_status schedule_factor(struct schedule *schedule, int64_t done, double *factor, struct errors *errors);
/* Passes the metric of a validation to a plug-in that observes it, once the warm-up is over. */
rondo_status schedule_observe(struct schedule *schedule, int64_t done, double metric, struct errors *errors);

/* The state of the plug-in as "schedule.state". */
void schedule_save(const struct schedule *schedule, struct archive *archive);
rondo_status schedule_load(struct schedule *schedule, struct archive *archive, struct errors *errors);
/* The first of `done` updates, from 0, whose factor would have been another one in a run of `steps` updates; -1: there is
 * none, so a run of this length would have come to the same place. Needs the state at this place. */
rondo_status schedule_find_change(struct schedule *schedule, int64_t steps, int64_t done, int64_t *update,
                                  struct errors *errors);

#endif
