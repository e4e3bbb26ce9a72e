/* kit/schedule_fixture.h: a run with a schedule: its options and state in guarded buffers, and the factor of each
 * update.
 *
 *     struct schedule_fixture *s = schedule_fixture_create(trial, (struct schedule_run){70, 7, 0.01});
 *     rondo_status status = schedule_fixture_factor(s, 3, &factor);
 *
 * Threads: a fixture belongs to one thread at a time; several fixtures may be used at the same time.
 */
#ifndef RONDO_KIT_SCHEDULE_FIXTURE_H
#define RONDO_KIT_SCHEDULE_FIXTURE_H

#include "kit/subject.h"

/* The numbers of updates and of updates per epoch, and the learning rate (not-a-number: there is none). */
struct schedule_run {
    int64_t steps, steps_per_epoch;
    double lr;
};

struct schedule_fixture {
    struct subject subject; /* subject.position counts the updates */
    const rondo_schedule *schedule;
    rondo_schedule_call call; /* a check sets steps, steps_per_epoch, lr, metric, higher_is_better */
    double *factor;           /* the buffer that the schedule writes the factor to */
    rondo_tensor state;       /* f64 */
    rondo_tensor factors;     /* the factor of each update of a run, f64; 0 until it is computed */
};

/* A run before its first update. NULL with the reason if the schedule refuses the options; an idle subject if the trial
 * allows refusals. */
struct schedule_fixture *schedule_fixture_create(const struct trial *trial, struct schedule_run run);

/* The factor of the update after `done` updates. *factor is not-a-number if the schedule wrote none. */
rondo_status schedule_fixture_factor(struct schedule_fixture *fixture, int64_t done, double *factor);
/* Passes a metric to `observe`. RONDO_OK if the schedule has no such function. */
rondo_status schedule_fixture_observe(struct schedule_fixture *fixture, double metric);

/* "at update 3 of 70: factor failed: …" as the reason; VERDICT_FAIL. */
enum verdict schedule_fixture_failed(const struct trial *trial, const struct schedule_fixture *fixture);
/* VERDICT_FAIL, with update and run, unless the factor is finite and 0 or more. */
enum verdict schedule_judge_factor(const struct trial *trial, const struct schedule_fixture *fixture, double factor);
/* 1 if the schedule refused to work without a learning rate, which is allowed. */
int schedule_may_refuse(const struct schedule_fixture *fixture, rondo_status status);

#endif
