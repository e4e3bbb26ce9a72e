/* kit/schedule_fixture.c: see kit/schedule_fixture.h; and the adapter for the shared checks (kit/subject.h). */
#include "kit/schedule_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/option_settings.h"

enum { MOST_STATE = 64 }; /* see rondo_schedule.n_state */

static rondo_status fill(struct schedule_fixture *fixture, const struct trial *trial) {
    struct subject *subject = &fixture->subject;
    const rondo_schedule *schedule = fixture->schedule;
    RONDO_TRY(subject_set_options(subject, trial, NULL));
    if (schedule->n_state < 0 || schedule->n_state > MOST_STATE) {
        return errors_add(&subject->errors, RONDO_INVALID, "n_state is %d, expected 0 to %d", (int)schedule->n_state,
                          MOST_STATE);
    }
    fixture->state = tensor_1d(RONDO_F64, schedule->n_state, NULL);
    fixture->factors = tensor_1d(RONDO_F64, subject->updates, NULL);
    fixture->factor = guard_alloc(subject->guard, "factor", sizeof *fixture->factor);
    if (fixture->factor == NULL || !guard_tensor(subject->guard, "state", &fixture->state) ||
        !guard_tensor(subject->guard, "factors", &fixture->factors)) {
        return errors_no_memory(&subject->errors);
    }
    memset(fixture->factors.data, 0, tensor_bytes(&fixture->factors));
    if (schedule->n_state > 0) {
        memset(fixture->state.data, 0, tensor_bytes(&fixture->state));
    }
    fixture->call.options = subject->options;
    fixture->call.state = fixture->state.data;
    return subject_check_options(subject, trial);
}

struct schedule_fixture *schedule_fixture_create(const struct trial *trial, struct schedule_run run) {
    struct schedule_fixture *fixture = subject_create(trial, sizeof *fixture);
    if (fixture == NULL) {
        return NULL;
    }
    fixture->schedule = (const rondo_schedule *)trial->descriptor;
    fixture->subject.updates = run.steps;
    fixture->subject.cut = 4 * run.steps / 9; /* in the middle of an epoch */
    fixture->call = (rondo_schedule_call){.struct_size = sizeof fixture->call,
                                          .n_state = fixture->schedule->n_state,
                                          .steps = run.steps,
                                          .steps_per_epoch = run.steps_per_epoch,
                                          .lr = run.lr};
    return fill(fixture, trial) == RONDO_OK ? fixture
                                            : (struct schedule_fixture *)subject_refused(trial, &fixture->subject);
}

/* ---- calls ---- */

rondo_status schedule_fixture_factor(struct schedule_fixture *fixture, int64_t done, double *factor) {
    struct subject_call call;
    *fixture->factor = NAN;
    fixture->call.done = done;
    rondo_schedule_call schedule_call = fixture->call;
    schedule_call.metric = NAN; /* only observe gets a metric */
    subject_begin(&fixture->subject, &call, "factor");
    subject_reads(&call, "options", fixture->subject.options, fixture->schedule->base.options_size);
    subject_reads_tensor(&call, "state", &fixture->state);
    const rondo_status status =
        subject_end(&call, fixture->schedule->factor(&call.host.base, &schedule_call, fixture->factor));
    *factor = *fixture->factor;
    return status;
}

rondo_status schedule_fixture_observe(struct schedule_fixture *fixture, double metric) {
    struct subject_call call;
    if (fixture->schedule->observe == NULL) {
        return RONDO_OK;
    }
    rondo_schedule_call schedule_call = fixture->call;
    schedule_call.metric = metric;
    subject_begin(&fixture->subject, &call, "observe");
    subject_reads(&call, "options", fixture->subject.options, fixture->schedule->base.options_size);
    return subject_end(&call, fixture->schedule->observe(&call.host.base, &schedule_call));
}

enum verdict schedule_fixture_failed(const struct trial *trial, const struct schedule_fixture *fixture) {
    return trial_say(trial, VERDICT_FAIL, "at update %lld of %lld: %s failed: %s", (long long)fixture->call.done,
                     (long long)fixture->call.steps, fixture->subject.function,
                     errors_text(&fixture->subject.errors, 0));
}

enum verdict schedule_judge_factor(const struct trial *trial, const struct schedule_fixture *fixture, double factor) {
    if (isfinite(factor) && factor >= 0) {
        return VERDICT_PASS;
    }
    return trial_say(trial, VERDICT_FAIL,
                     "the factor of update %lld in a run of %lld (%lld per epoch) is %g, expected a finite number, 0 "
                     "or more",
                     (long long)fixture->call.done + 1, (long long)fixture->call.steps,
                     (long long)fixture->call.steps_per_epoch, factor);
}

int schedule_may_refuse(const struct schedule_fixture *fixture, rondo_status status) {
    return status == RONDO_INVALID && fixture->subject.dishonest_function == NULL && isnan(fixture->call.lr);
}

/* ---- the adapter ---- */

/* The runs: ten short epochs (the only run of brief checks), one update, three longer epochs, a run without a learning
 * rate, one with a tiny learning rate. */
static const struct schedule_run runs[] = {{70, 7, 0.01}, {1, 1, 0.01}, {90, 30, 0.01}, {70, 7, NAN}, {5, 1, 1e-6}};

static enum verdict each(struct trial *trial, trial_visit *visit) {
    struct trial one = *trial;
    const int32_t count = trial->is_brief ? 1 : (int32_t)(sizeof runs / sizeof runs[0]);
    for (one.index = 0; one.index < count; one.index++) {
        const struct schedule_run *run = &runs[one.index];
        snprintf(one.situation, sizeof one.situation, "a run of %lld update%s, %lld per epoch%s", (long long)run->steps,
                 run->steps == 1 ? "" : "s", (long long)run->steps_per_epoch,
                 isnan(run->lr) ? ", without a learning rate" : "");
        const enum verdict verdict = visit(&one);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    return VERDICT_PASS;
}

/* Each instance is another run. A schedule does not divide work among threads. */
static struct subject *create(const struct trial *trial, struct subject_settings settings) {
    struct schedule_run run = runs[trial->index];
    run.steps += 50 * settings.instance;
    struct schedule_fixture *fixture = schedule_fixture_create(trial, run);
    if (fixture == NULL) {
        return NULL;
    }
    fixture->subject.is_idle |= settings.size == SIZE_LARGE;
    return &fixture->subject;
}

/* A metric that gets better for some epochs, and then does not change. */
static double metric_of(int64_t epoch) {
    return epoch < 5 ? 2 - 0.2 * (double)epoch : 1 + 0.001 * (double)(epoch % 3);
}

static rondo_status run_update(struct schedule_fixture *fixture) {
    struct subject *subject = &fixture->subject;
    const int64_t done = subject->position, per_epoch = fixture->call.steps_per_epoch;
    RONDO_TRY(schedule_fixture_factor(fixture, done, (double *)fixture->factors.data + done));
    subject->position = fixture->call.done = done + 1;
    return (done + 1) % per_epoch == 0 ? schedule_fixture_observe(fixture, metric_of(done / per_epoch)) : RONDO_OK;
}

/* After the last update, the same run begins again. */
static rondo_status run(struct subject *subject, int64_t updates) {
    struct schedule_fixture *fixture = (struct schedule_fixture *)subject; /* subject is the first member */
    for (int64_t i = 0; i < updates && !subject->is_idle; i++) {
        subject->position = subject->position == subject->updates ? 0 : subject->position;
        const rondo_status status = run_update(fixture);
        subject->is_idle = schedule_may_refuse(fixture, status);
        if (status != RONDO_OK && !subject->is_idle) {
            return status;
        }
    }
    return RONDO_OK;
}

static int result(const struct subject *subject, int32_t index, struct subject_tensor *result) {
    const struct schedule_fixture *fixture = (const struct schedule_fixture *)subject;
    *result = index == 0 ? (struct subject_tensor){"factors", fixture->factors}
                         : (struct subject_tensor){"state", fixture->state};
    return index < 2 && !subject->is_idle;
}

/* A checkpoint keeps only the state of a schedule. The factors so far are included, so that they are compared too. */
static int state(const struct subject *subject, int32_t index, struct subject_tensor *state) {
    const struct schedule_fixture *fixture = (const struct schedule_fixture *)subject;
    *state = index == 0 ? (struct subject_tensor){"state", fixture->state}
                        : (struct subject_tensor){"factors", fixture->factors};
    return index < 2;
}

/* If an option is a scale, its largest value may give an infinite factor; a factor is never negative. */
static enum verdict judge(const struct trial *trial, const struct subject *subject) {
    struct schedule_fixture *fixture = (struct schedule_fixture *)subject;
    for (int64_t done = 0; done < subject->updates; done++) {
        const double factor = tensor_get(&fixture->factors, done);
        fixture->call.done = done;
        if ((isfinite(factor) || !option_may_diverge(trial->values[0])) &&
            schedule_judge_factor(trial, fixture, factor) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

static options_check *check_of(const rondo_descriptor *descriptor) {
    return ((const rondo_schedule *)descriptor)->check;
}

static const struct kind_omission omissions[] = {{"deterministic", "the check 'pure' includes this"}, {NULL, NULL}};

const struct subject_kind schedule_subject_kind = {.run_name = "a run",
                                                   .omissions = omissions,
                                                   .check_of = check_of,
                                                   .each = each,
                                                   .create = create,
                                                   .run = run,
                                                   .result = result,
                                                   .state = state,
                                                   .judge = judge};
