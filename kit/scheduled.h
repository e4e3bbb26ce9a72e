/* kit/scheduled.h: a run under a schedule: its options and state in guarded buffers, and its factors, update by update.
 *
 *     struct scheduled *s = scheduled_create(kit, schedule, NULL, reason, size);
 *     s->call.steps = 70; s->call.steps_per_epoch = 7;
 *     rondo_status status = scheduled_factor(s, 3, &factor);
 *
 * Threads: one belongs to one thread at a time; different ones may be asked at the same time.
 */
#ifndef RONDO_KIT_SCHEDULED_H
#define RONDO_KIT_SCHEDULED_H

#include "core/host.h"
#include "kit/check.h"
#include "kit/guard.h"

struct scheduled {
    const rondo_schedule *schedule;
    struct guard *guard;
    struct arena *arena; /* of a call */
    struct errors errors;
    rondo_schedule_call call; /* a check sets steps, steps_per_epoch, lr, metric, higher_is_better */
    double *factor;           /* where the schedule writes it */
    size_t state_bytes;
    int64_t *allocations_left; /* see struct host_call */

    int32_t unknown_status; /* the first status that is none; 0 */
    int quiet;              /* a call failed and did not say why */
    int ignored;            /* a call failed and returned RONDO_OK */
};

/* Before the first update of a run of one step; options as in kit_options. NULL with the reason. */
struct scheduled *scheduled_create(struct kit *kit, const rondo_schedule *schedule, const char *options, char *reason,
                                   size_t size);
/* 1 where the schedule refuses the options as a whole, and says why. */
int scheduled_refuses(struct kit *kit, const rondo_schedule *schedule, const char *options);
void scheduled_close(struct scheduled *scheduled);

/* The factor of the update with `done` before it. *factor is not-a-number where none was written. */
rondo_status scheduled_factor(struct scheduled *scheduled, int64_t done, double *factor);
/* Tells it a metric. RONDO_OK where it does not want to know. */
rondo_status scheduled_observe(struct scheduled *scheduled, double metric);
/* A metric of epoch `epoch` that gets better for a time, and then no more. */
double scheduled_metric(const struct scheduled *scheduled, int64_t epoch);
/* All factors of updates from .. to - 1 in order, with scheduled_metric observed behind each epoch. Stops at the first
 * call that fails. */
rondo_status scheduled_run(struct scheduled *scheduled, int64_t from, int64_t to, double *factors);

/* "update 3 of 70 failed: …" as the reason; VERDICT_FAIL. */
enum verdict scheduled_failed(const struct scheduled *scheduled, char *reason, size_t size);

#endif
